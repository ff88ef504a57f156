"""A year of study for the cast: policies, members with awkward names, entries, an exemption, and built totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy.orm import Session

from actors import Cast
from school.core.db import Database
from school.core.time import now, year_of
from school.org.models import Member, MemberCategory, PostHolding, PostType
from school.records.ledger import lock_members, mark, open_years
from school.records.models import HourExemption, HourPolicy, Mode
from school.records.service import NewEntry, post_entries, rebuild_dirty

YEAR = year_of(now(), "Asia/Shanghai")  # the pages show the running year
NOW = datetime(YEAR, 11, 22, 2, 0, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>"
FORMULA = "=1+1"
LONG = "阿卜杜勒艾则孜" * 5 + "·买买提江"  # forty signs
DOTTED = "帕丽旦·吐尔逊"


@dataclass(frozen=True)
class Filed:
    """Members of 河东村支部 beside the cast's own, by name."""

    ids: dict[str, int]
    names: tuple[str, ...] = (SCRIPT, FORMULA, LONG, DOTTED, "郑小满", "单知秋")


def policies(s: Session) -> None:
    for year, member, secretary, online in ((YEAR - 1, 2400, 4000, 1000), (YEAR, 3200, 5600, 2000)):
        for audience, group in (("member", member), ("secretary", secretary)):
            s.add(
                HourPolicy(
                    name=f"青禾县 {year} 年学时办法", audience=audience, effective_from=date(year, 1, 1),
                    effective_until=date(year, 12, 31) if year < YEAR else None,
                    required_group_100=group, required_online_100=online,
                )
            )  # fmt: skip


def entry(member_id: int, mode: Mode, hours_100: int, day: date, source: int, **more: object) -> NewEntry:
    kind, category = ("course", "online_course") if mode == Mode.ONLINE else ("meeting", "branch_study")
    facts = {"source_kind": kind, "category": category, "title": f"学习 {source}", "host": "石桥镇党委", **more}
    return NewEntry(
        member_id=member_id, source_id=source, mode=mode, hours_100=hours_100, occurred_on=day, **facts,  # type: ignore[arg-type]
    )  # fmt: skip


def rebuild(db: Database) -> None:
    while True:
        with db.write() as s:
            if not rebuild_dirty(s, now=NOW):
                return


def file_year(db: Database, cast: Cast) -> Filed:
    """Fill the running year (and a little of the last); 周谷雨's figures, 20 集中 and 15 网络, stand for `cast.member`."""
    with db.write() as s:
        policies(s)
        made = [_member(s, cast.branch_id, name) for name in Filed({}).names]
        made[3].category = MemberCategory.PROBATIONARY
        made[5].floating = True
        secretary = s.get_one(Member, cast.secretary.member_id)
        secretary.post, secretary.pinyin, secretary.initials = PostType.SECRETARY, "lixiulan", "lxl"
        s.add(PostHolding(member_id=secretary.id, post=PostType.SECRETARY, since=date(2020, 1, 1)))
        s.flush()
        ids = {member.name: member.id for member in made}
        s.add(HourExemption(member_id=ids["郑小满"], year=YEAR, reason="高龄", created_at=NOW))
        everybody = [*ids.values(), cast.member.member_id, cast.secretary.member_id, cast.outsider.member_id]
        s.flush()
        for year in (YEAR - 1, YEAR):
            rows = open_years(s, lock_members(s, everybody), year)
            mark(s, ((row.org_id, year) for row in rows.values()))
        post_entries(s, _lines(cast, ids), NOW)
    rebuild(db)
    return Filed(ids)


def _member(s: Session, org_id: int, name: str) -> Member:
    from school.org.pinyin import spell, strokes

    pinyin, initials = spell(name)
    made = Member(
        org_id=org_id, name=name, pinyin=pinyin, initials=initials, strokes=strokes(name), created_at=NOW, gender=1,
        birth_date=date(1968, 4, 2), join_date=date(1994, 7, 1), education="61",
    )  # fmt: skip
    s.add(made)
    s.flush()
    return made


def _lines(cast: Cast, ids: dict[str, int]) -> Sequence[NewEntry]:
    me, secretary = cast.member.member_id, cast.secretary.member_id
    lines = [
        entry(
            me, Mode.GROUP, 1600, date(YEAR, 3, 12), 1, title="支部党员大会、学习讨论", evidence={"witness": "李秀兰"}
        ),
        entry(me, Mode.GROUP, 400, date(YEAR, 10, 8), 2, title="柑橘技术现场会"),
        entry(me, Mode.ONLINE, 1500, date(YEAR, 7, 3), 3, title="从石库门到南湖：党的创建故事"),
        entry(me, Mode.GROUP, 2400, date(YEAR - 1, 5, 6), 4, title="去年的集中轮训"),
        entry(secretary, Mode.GROUP, 5600, date(YEAR, 4, 2), 1),
        entry(secretary, Mode.ONLINE, 2000, date(YEAR, 5, 2), 3),
        entry(cast.outsider.member_id, Mode.GROUP, 800, date(YEAR, 3, 12), 5, category="special_lecture"),
    ]
    for number, (name, member_id) in enumerate(ids.items()):
        lines.append(
            entry(member_id, Mode.GROUP, 100 * (number + 1), date(YEAR, number + 1, 15), 10, title=f"{name}的学习")
        )
    return lines
