"""The demo county's hours: the named people's cases come out exactly, and all figures reconcile, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from school.core.db import Database
from school.core.keys import load_keys
from school.core.settings import Settings
from school.core.time import day_of, now
from school.demo.hours import fill_hours
from school.demo.people import fill_people
from school.org.models import Member, Organization
from school.records.models import MemberYear, OrgYear, OrgYearMark, StudyHourEntry
from school.records.queries import lines_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def year_of(db: Database, name: str, year: int) -> MemberYear:
    with db.read() as s:
        member = s.scalars(sa.select(Member).where(Member.name == name)).one()
        return s.get_one(MemberYear, (member.id, year))


def test_the_demo_hours(db: Database, settings: Settings) -> None:
    today = day_of(now(), settings.zone)
    with db.write() as s:
        fill_people(s, load_keys(settings), settings.zone)
        assert fill_hours(s, settings.zone)
    with db.write() as s:
        assert not fill_hours(s, settings.zone)  # a second time nothing is written

    def figures(name: str, year: int = today.year) -> tuple[int, int, int, int]:
        row = year_of(db, name, year)
        return row.group_100, row.online_100, row.required_group_100, row.required_online_100

    late = (today.month, today.day) >= (11, 12)  # the demo's year is lived up to today
    if late:
        assert figures("周谷雨") == (2000, 1500, 3200, 2000)
        assert figures("吴白露")[2] == 4400  # 32 × 6/12 + 56 × 6/12
        assert figures("欧阳清和")[:2] == (9600, 4800)
        assert figures("单知秋") == (800, 3000, 3200, 2000)
        assert figures("赵霜降") == (1600, 0, 2400, 0)
        _after_a_transfer(db, today.year)
    assert figures("陈立夏", today.year - 1)[0] == 1200  # the class of 24 hours is split at the new year
    old = year_of(db, "郑小满", today.year)
    assert old.exempt
    with db.read() as s:
        assert s.scalar(sa.select(sa.func.count()).select_from(OrgYearMark)) == 0
        assert s.scalar(sa.select(sa.func.max(StudyHourEntry.occurred_on))) <= today
        _reconcile(db, today.year)
        _reconcile(db, today.year - 1)


def _after_a_transfer(db: Database, year: int) -> None:
    """孙寒露 counts in the new branch; what was before May keeps the old one."""
    with db.read() as s:
        member = s.scalars(sa.select(Member).where(Member.name == "孙寒露")).one()
        assert s.get_one(MemberYear, (member.id, year)).org_id == member.org_id
        places = {(line.entry.occurred_on.month < 5, line.org_name) for line in lines_of(s, member.id, year)}
    assert all("河东村" in name for early, name in places if early)
    assert all("北关村" in name for early, name in places if not early)


def _reconcile(db: Database, year: int) -> None:
    """Ledger, members, branches and county say the same."""
    with db.read() as s:
        county = s.scalars(sa.select(Organization).where(Organization.parent_id.is_(None))).one()
        top = s.get_one(OrgYear, (county.id, year))
        rows = s.execute(
            sa.select(sa.func.count(), sa.func.sum(MemberYear.group_100), sa.func.sum(MemberYear.online_100)).where(
                MemberYear.year == year, MemberYear.counted.is_(True)
            )
        ).one()
        ledger = s.scalar(sa.select(sa.func.sum(StudyHourEntry.hours_100)).where(StudyHourEntry.year == year))
        below = s.scalars(sa.select(OrgYear).where(OrgYear.parent_id == county.id, OrgYear.year == year)).all()
    assert (top.members, top.group_100, top.online_100) == tuple(rows)
    assert ledger == top.group_100 + top.online_100
    for name in ("members", "exempt", "met", "started", "group_100", "online_100"):
        assert getattr(top, name) == sum(getattr(child, name) for child in below), name
    assert top.members == 1000
