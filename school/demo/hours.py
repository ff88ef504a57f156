"""Demo hours: dated policies, and two believable years of study for every demo member, posted through the ledger.

Each year's hours come from what a branch does: study evenings, lectures, theme days, and courses on the net. The same
figures every time; the years are this one, up to today, and the one before.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.person import Person
from school.core.time import day_of, now
from school.demo import cases
from school.org.models import Account, Member, Organization, PostType
from school.org.queries import person_of
from school.records.models import HourExemption, HourPolicy, Mode, StudyHourEntry
from school.records.service import NewEntry, post_entries, rebuild_dirty, reverse_entry
from school.records.years import follow_tree, open_missing

SEED = 20260701
ROSTER = "roster"  # the source kind of what a branch wrote down itself


@dataclass(frozen=True, slots=True)
class Event:
    """Something a branch or the county did: `source_id` is its number among the demo's own sources."""

    source_id: int
    day: date
    title: str
    host: str
    category: str
    hours_100: int
    evidence: dict[str, str]


STUDY = ("支部集体学习", "支部党员大会、学习讨论", "支部集体学习：学习条例", "支部集体学习：读书交流")
LECTURES = (
    "支部党课：讲讲身边的老党员",
    "支部党课：怎样当好联户党员",
    "支部党课：从一份旧账本说起",
    "支部党课：岗位上的党员",
)
THEME_DAYS = ("主题党日：村史馆讲解", "主题党日：清理河道", "主题党日：走访老党员", "主题党日：秋收帮工")
NET = (
    ("网络专题班：基层治理案例（四讲）", 400), ("微课：防汛值守三件事", 50), ("网络专题班：民法典与邻里（六讲）", 600),
    ("网络讲座：家乡的古桥", 100), ("网络专题班：农产品怎样上网卖（五讲）", 500), ("网络专题班：调解的方法（四讲）", 400),
    ("微课：识别电信诈骗", 50), ("网络专题班：党内法规入门（八讲）", 800), ("网络讲座：老年人合理用药", 150),
    ("网络专题班：志愿服务的组织（五讲）", 500),
)  # fmt: skip


def fill_hours(s: Session, zone: str) -> bool:
    """Write policies, exemptions and two years of hours for the demo members; False, and nothing written, when there are any.

    Takes a few seconds: about twenty thousand lines.
    """
    if s.scalar(sa.select(HourPolicy.id).limit(1)):
        return False
    today = day_of(now(), zone)
    s.add_all(_policies(today.year))
    people = s.scalars(sa.select(Member).order_by(Member.id)).all()
    orgs = {org.id: org for org in s.scalars(sa.select(Organization))}
    named = {member.name: member for member in people if member.name in cases.NAMES}
    old = named["郑小满"]
    for year in (today.year - 1, today.year):
        s.add(HourExemption(member_id=old.id, year=year, reason="年满75周岁，行动不便，改为送学上门", created_at=now()))
    s.flush()
    for year in (today.year - 1, today.year):
        while open_missing(s, year):
            pass
    while follow_tree(s, today.year):
        pass
    ordinary = [member for member in people if member.name not in cases.NAMES]
    numbers = iter(range(1, 1_000_000))
    for drafts in _lines_of_branches(ordinary, orgs, today, numbers):
        post_entries(s, drafts, now())
    post_entries(s, list(cases.lines(named, orgs, today, numbers)), now())
    _correct(s, named, today)
    while rebuild_dirty(s):
        pass
    return True


def _policies(year: int) -> Iterator[HourPolicy]:
    """This year's figures; those of the years before are lower, so that a change of year shows."""
    for audience, before, after in (("member", 1600, 3200), ("secretary", 4000, 5600), ("candidate", 2400, 2400)):
        online = audience != "candidate"
        common = {"audience": audience, "proration": "by_month"}
        yield HourPolicy(
            name=f"青禾县学时办法（{year - 1} 年及以前）", effective_from=date(year - 10, 1, 1),
            effective_until=date(year - 1, 12, 31), required_group_100=before,
            required_online_100=1000 if online else 0, **common,
        )  # fmt: skip
        yield HourPolicy(
            name=f"青禾县 {year} 年学时办法", effective_from=date(year, 1, 1), effective_until=None,
            required_group_100=after, required_online_100=2000 if online else 0, **common,
        )  # fmt: skip


# ---- what ordinary members did


def _lines_of_branches(
    members: Sequence[Member], orgs: dict[int, Organization], today: date, numbers: Iterator[int]
) -> Iterator[list[NewEntry]]:
    """The lines of both years, a branch at a time."""
    chance = random.Random(SEED)
    years = (today.year - 1, today.year)
    county = {year: _county_lectures(year, today, numbers) for year in years}
    branches: dict[int, list[Member]] = defaultdict(list)
    for member in members:
        branches[member.org_id].append(member)
    for org_id, those in branches.items():
        lines: list[NewEntry] = []
        for year in years:
            events = county[year] + _events(orgs[org_id], those, year, today, numbers, chance)
            for member in those:
                lines += _lines(member, events, year, today, chance)
        yield lines


def _county_lectures(year: int, today: date, numbers: Iterator[int]) -> list[Event]:
    days = [day for day in (date(year, 6, 26), date(year, 9, 25)) if day <= today]
    names = ("全县党员大党课（第一场）", "全县党员大党课（第二场）")
    evidence = {"place": "各收看点集中收看", "signed": "收看点登记", "witness": "收看点登记", "result": "合格"}
    return [
        Event(next(numbers), day, name, "青禾县委党校", "group_viewing", 200, evidence)
        for day, name in zip(days, names, strict=False)
    ]


def _events(
    branch: Organization,
    members: Sequence[Member],
    year: int,
    today: date,
    numbers: Iterator[int],
    chance: random.Random,
) -> list[Event]:
    """A branch's year: study every month, a lecture a quarter, a theme day in four months; of last year a day a quarter."""
    head = next((member.name for member in members if member.post == PostType.SECRETARY), "")
    evidence = {"place": f"{branch.short_name}活动室", "witness": head, "signed": "现场点名，全程参加"}
    weekday = chance.randrange(5)
    events = []

    def add(month: int, day: int, title: str, category: str, hours_100: int) -> None:
        first = date(year, month, day)
        on = first + timedelta(days=(weekday - first.weekday()) % 7)
        if on <= today:
            events.append(Event(next(numbers), on, title, branch.short_name, category, hours_100, evidence))

    if year < today.year:
        for quarter in range(4):
            add(3 * quarter + 2, 18, "支部集中学习日", "branch_study", 600)
        return events
    for month in range(1, 13):
        add(month, 8, chance.choice(STUDY), "branch_study", 200)
    for quarter in range(4):
        add(3 * quarter + 2, 18, LECTURES[quarter], "special_lecture", 200)
        add(3 * quarter + 1, 20, THEME_DAYS[quarter], "theme_party_day", 400)
    return events


def _lines(
    member: Member, events: Sequence[Event], year: int, today: date, chance: random.Random
) -> Iterator[NewEntry]:
    """What one member took part in: most come to most things, those away come less and study more on the net."""
    here = chance.choice((0.4, 0.75, 0.85, 0.9, 0.95))
    if member.floating:
        here = 0.3
    if member.post:
        here = 1.0
    for event in events:
        if chance.random() < here:
            yield _line(member.id, Mode.GROUP, event)
    ended = date(year, 4, 17)
    if member.post == PostType.SECRETARY and ended <= today:
        course = Event(
            member.id, ended, "党支部书记培训班（第一期）", "青禾县委党校", "off_job_class", 2400, {"result": "合格"}
        )  # fmt: skip
        yield replace(_line(member.id, Mode.GROUP, course), source_kind="class")
    wanted = chance.choice((3, 5, 6, 7, 7, 8)) if year == today.year else 4
    for number in sorted(chance.sample(range(len(NET)), len(NET) if member.post else wanted)):
        title, hours_100 = NET[number]
        day = date(year, 1, 10) + timedelta(days=chance.randrange(300))
        if day <= today:
            net = Event(number + 1, day, title, "青禾县委党校", "online_class", hours_100, {})
            yield _line(member.id, Mode.ONLINE, net)


def _line(member_id: int, mode: Mode, event: Event) -> NewEntry:
    return NewEntry(
        member_id=member_id, source_kind=ROSTER, source_id=event.source_id, mode=mode, category=event.category,
        hours_100=event.hours_100, title=event.title, occurred_on=event.day, host=event.host, evidence=dict(event.evidence),
    )  # fmt: skip


def _correct(s: Session, named: dict[str, Member], today: date) -> None:
    """周谷雨's theme day was written down as 4 hours; the secretary takes it back and it is entered again as 2."""
    me = named["周谷雨"]
    wrong = s.scalars(
        sa.select(StudyHourEntry).where(
            StudyHourEntry.member_id == me.id,
            StudyHourEntry.title == cases.CORRECTED,
            StudyHourEntry.year == today.year,
        )
    ).one_or_none()
    account = s.scalar(sa.select(Account).where(Account.member_id == named["吴白露"].id))
    if wrong is None or account is None:
        return
    secretary: Person = person_of(s, account)
    reverse_entry(s, secretary, wrong.id, "不满半天，应记 2 学时")
    again = NewEntry(
        member_id=me.id, source_kind=wrong.source_kind, source_id=wrong.source_id, mode=Mode.GROUP,
        category=wrong.category, hours_100=200, title=wrong.title, occurred_on=wrong.occurred_on, host=wrong.host,
        evidence=wrong.evidence, posted_by=account.id, note="更正后重记",
    )  # fmt: skip
    post_entries(s, [again], now())
