"""The ledger: added to and never changed, once a source, member, year and mode; the year's figures always agree with it."""

from __future__ import annotations

import ast
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records_kit import START
from sqlalchemy.orm import Session

import school
from actors import Cast
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed, NotFound
from school.core.settings import Settings
from school.core.time import now, year_of
from school.org import service as org
from school.org.models import AuditLog, Member, Organization, PartyStatus, PostHolding, PostType
from school.records import jobs, ledger, service, years
from school.records.models import HourExemption, HourPolicy, MemberYear, Mode, OrgYear, OrgYearMark, StudyHourEntry


def policy(audience: str, group: int, online: int = 0, **more: object) -> HourPolicy:
    return HourPolicy(
        name=audience, audience=audience, effective_from=date(2026, 1, 1), effective_until=None,
        required_group_100=group * 100, required_online_100=online * 100, **more,
    )  # fmt: skip


def post(s: Session, member_id: int, source: int = 1, hours_100: int = 100, **more: object) -> StudyHourEntry:
    values: dict[str, object] = {
        "source_kind": "course", "source_id": source, "mode": Mode.ONLINE, "category": "online_course",
        "hours_100": hours_100, "title": "党章导读", "occurred_on": date(2026, 3, 2), "now": START, **more,
    }  # fmt: skip
    return service.post_entry(s, member_id=member_id, **values)  # type: ignore[arg-type]


def test_posting_twice_is_posting_once(db: Database, cast: Cast) -> None:
    for _ in range(3):
        with db.write() as s:
            post(s, cast.member.member_id)
    with db.read() as s:
        entry = s.scalars(sa.select(StudyHourEntry)).one()
        assert (entry.year, entry.org_id, entry.revision) == (2026, cast.branch_id, 1)
        assert s.get_one(MemberYear, (cast.member.member_id, 2026)).online_100 == 100


def test_races_post_one_line(db: Database, cast: Cast) -> None:
    def attempt(_: int) -> int:
        with db.write() as s:
            return post(s, cast.member.member_id).id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(attempt, range(16)))) == 1
    with db.read() as s:
        assert s.get_one(MemberYear, (cast.member.member_id, 2026)).online_100 == 100


def test_a_correction_is_a_reversing_line_in_the_original_year(db: Database, cast: Cast) -> None:
    with db.write() as s:
        s.add(policy("member", 32))
        first = post(s, cast.member.member_id, occurred_on=date(2025, 12, 30)).id
    with db.write() as s:
        back = service.reverse_entry(s, cast.secretary.person, first, "登记错了人")
        assert (back.year, back.hours_100, back.revision, back.reverses_id) == (2025, -100, 2, first)
        assert back.posted_by == cast.secretary.account_id
    with db.write() as s:
        assert s.get_one(MemberYear, (cast.member.member_id, 2025)).online_100 == 0
        again = post(
            s, cast.member.member_id, occurred_on=date(2025, 12, 30), person=cast.secretary.person, note="补录"
        )
        assert (again.revision, again.note) == (3, "补录")
        assert s.get_one(MemberYear, (cast.member.member_id, 2025)).online_100 == 100
        events = s.scalars(sa.select(AuditLog.event).where(AuditLog.event.like("hours.%"))).all()
        assert sorted(events) == ["hours.post", "hours.reverse"]


def test_who_may_not_reverse_and_what_cannot_be_reversed(db: Database, cast: Cast) -> None:
    with db.write() as s:
        entry = post(s, cast.member.member_id).id
    for person in (cast.member.person, cast.outsider.person, cast.trainer.person):
        with pytest.raises(NotAllowed), db.write() as s:
            service.reverse_entry(s, person, entry, "试试")
    with pytest.raises(Invalid), db.write() as s:
        service.reverse_entry(s, cast.secretary.person, entry, " ")
    with pytest.raises(NotFound), db.write() as s:
        service.reverse_entry(s, cast.admin.person, 99_999, "没有这一条")
    with db.write() as s:
        back = service.reverse_entry(s, cast.admin.person, entry, "登记错了人").id
    for line in (entry, back):
        with pytest.raises(Conflict), db.write() as s:
            service.reverse_entry(s, cast.admin.person, line, "再来一次")
    with pytest.raises(Invalid), db.write() as s:
        post(s, cast.member.member_id, 2, 0)
    with pytest.raises(NotFound), db.write() as s:
        post(s, 99_999)


def test_a_line_cannot_be_changed_or_removed(db: Database, cast: Cast) -> None:
    with db.write() as s:
        entry_id = post(s, cast.member.member_id).id
    with db.read() as s:
        s.get_one(StudyHourEntry, entry_id).hours_100 = 900
        with pytest.raises(ledger.LedgerIsAppendOnly):
            s.flush()
    with db.read() as s:
        s.delete(s.get_one(StudyHourEntry, entry_id))
        with pytest.raises(ledger.LedgerIsAppendOnly):
            s.flush()
    for statement in (sa.update(StudyHourEntry).values(hours_100=900), sa.delete(StudyHourEntry)):
        with pytest.raises(ledger.LedgerIsAppendOnly), db.write() as s:
            s.execute(statement)


def test_no_code_changes_or_removes_lines() -> None:
    """Not through the table either: no update or delete names the ledger anywhere in the house."""
    root = Path(school.__file__).parent
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
                if name in {"update", "delete"} and node.args:
                    assert "StudyHourEntry" not in ast.unparse(node.args[0]), path
        assert not re.search(r"(?i)(update|delete from)\s+study_hour_entry", path.read_text()), path


def test_a_secretary_since_july_is_asked_by_months(db: Database, cast: Cast) -> None:
    with db.write() as s:
        s.add_all([policy("member", 32), policy("secretary", 56)])
        s.add(PostHolding(member_id=cast.member.member_id, post=PostType.SECRETARY, since=date(2026, 7, 1)))
        s.flush()
        post(s, cast.member.member_id)
        post(s, cast.outsider.member_id)
        assert s.get_one(MemberYear, (cast.member.member_id, 2026)).required_group_100 == 4400  # 吴白露
        assert s.get_one(MemberYear, (cast.outsider.member_id, 2026)).required_group_100 == 3200


@pytest.mark.parametrize("counts", [False, True])
def test_whether_online_counts_is_the_policys_to_say(db: Database, cast: Cast, counts: bool) -> None:
    """周谷雨: 20 in a group and 15 online."""
    with db.write() as s:
        s.add(policy("member", 32, online_counts=counts))
        s.flush()
        post(s, cast.member.member_id, 1, 2000, mode=Mode.GROUP)
        post(s, cast.member.member_id, 2, 1500)
        assert s.get_one(MemberYear, (cast.member.member_id, 2026)).met is counts


def test_an_excused_member_leaves_the_denominator(db: Database, cast: Cast) -> None:
    with db.write() as s:
        s.add(policy("member", 32))
        post(s, cast.member.member_id)
        for person in (cast.member.person, cast.outsider.person):
            with pytest.raises(NotAllowed):
                service.excuse(s, person, cast.member.member_id, 2026, "年老体弱")
        service.excuse(s, cast.secretary.person, cast.member.member_id, 2026, "年老体弱")
        service.excuse(s, cast.secretary.person, cast.member.member_id, 2026, "年老体弱，送学上门")
        assert s.scalars(sa.select(HourExemption.reason)).all() == ["年老体弱，送学上门"]
    with db.write() as s:
        service.rebuild_dirty(s)
        branch = s.get_one(OrgYear, (cast.branch_id, 2026))
        assert (branch.members, branch.exempt, branch.met) == (1, 1, 0)


def rebuild(db: Database, app_settings: Settings) -> None:
    jobs.keep_years(db, app_settings)
    jobs.rebuild_dirty(db, app_settings)


@pytest.fixture
def this_year(settings: Settings) -> int:
    return year_of(now(), settings.zone)


def test_branch_figures_follow_the_member_and_lines_keep_the_old_branch(
    db: Database, settings: Settings, cast: Cast, this_year: int
) -> None:
    with db.write() as s:
        post(s, cast.member.member_id, occurred_on=date(this_year, 1, 2))
        post(s, cast.member.member_id, occurred_on=date(this_year - 1, 1, 2))
    rebuild(db, settings)
    with db.write() as s:
        member = s.get_one(Member, cast.member.member_id)
        org.transfer_member(
            s, cast.admin.person, member, s.get_one(Organization, cast.other_branch_id), date(this_year, 1, 3)
        )
    rebuild(db, settings)
    with db.read() as s:
        assert s.get_one(OrgYear, (cast.branch_id, this_year)).online_100 == 0
        assert s.get_one(OrgYear, (cast.other_branch_id, this_year)).online_100 == 100
        assert s.get_one(OrgYear, (cast.other_branch_id, this_year)).months[0] == [0, 100]
        assert s.get_one(OrgYear, (cast.branch_id, this_year - 1)).online_100 == 100  # as at 31 December
        assert set(s.scalars(sa.select(StudyHourEntry.org_id))) == {cast.branch_id}
    with db.write() as s:  # a correction in January, of last year, when the member was still there
        post(s, cast.member.member_id, 2, occurred_on=date(this_year - 1, 12, 30))
        late = post(s, cast.member.member_id, 3, occurred_on=date(this_year, 1, 3))
        assert late.org_id == cast.other_branch_id
    rebuild(db, settings)
    with db.read() as s:
        assert s.get_one(OrgYear, (cast.branch_id, this_year - 1)).online_100 == 200
        assert s.get_one(OrgYear, (cast.other_branch_id, this_year)).online_100 == 200


def test_a_year_first_written_after_a_transfer_belongs_to_the_branch_of_31_december(db: Database, cast: Cast) -> None:
    with db.write() as s:
        member = s.get_one(Member, cast.member.member_id)
        org.transfer_member(
            s, cast.admin.person, member, s.get_one(Organization, cast.other_branch_id), date(2026, 2, 1)
        )
        assert post(s, member.id, occurred_on=date(2025, 6, 1)).org_id == cast.branch_id
        assert s.get_one(MemberYear, (member.id, 2025)).org_id == cast.branch_id
        post(s, member.id, occurred_on=date(2026, 1, 5))
        assert s.get_one(MemberYear, (member.id, 2026)).org_id == cast.other_branch_id


def test_the_year_is_opened_for_everybody_and_follows_status_and_tree(
    db: Database, settings: Settings, cast: Cast, this_year: int
) -> None:
    with db.write() as s:
        s.add(policy("member", 32))
    rebuild(db, settings)
    with db.read() as s:
        county = s.get_one(OrgYear, (cast.county_id, this_year))
        assert (county.members, county.started, county.met) == (3, 0, 0)
        assert county.built_at is not None
    assert jobs.keep_years(db, settings) == 0
    with db.write() as s:
        s.get_one(Member, cast.outsider.member_id).party_status = PartyStatus.DECEASED
        new = org.create_organization(
            s, s.get_one(Organization, cast.county_id), "990102099", "中共东桥镇委员会", "东桥镇", "committee", 9
        )
        org.move_organization(s, cast.admin.person, s.get_one(Organization, cast.branch_id), new)
        new_id = new.id
    rebuild(db, settings)
    with db.read() as s:
        assert s.get_one(OrgYear, (cast.county_id, this_year)).members == 2
        assert s.get_one(OrgYear, (cast.town_id, this_year)).members == 0
        assert s.get_one(OrgYear, (new_id, this_year)).members == 2


def test_a_changed_rule_reaches_everybody(db: Database, settings: Settings, cast: Cast, this_year: int) -> None:
    with db.write() as s:
        s.add(policy("member", 32))
    rebuild(db, settings)
    with db.write() as s:
        s.execute(sa.update(HourPolicy).values(required_group_100=0))
        s.add(HourExemption(member_id=cast.outsider.member_id, year=this_year, reason="病", created_at=START))
    jobs.follow_rules(db, settings)
    rebuild(db, settings)
    with db.read() as s:
        county = s.get_one(OrgYear, (cast.county_id, this_year))
        assert (county.members, county.met, county.exempt) == (3, 2, 1)


def test_a_mark_made_during_a_rebuild_stands_for_the_next(db: Database, cast: Cast) -> None:
    with db.write() as s:
        post(s, cast.member.member_id)
    with ThreadPoolExecutor(2) as pool:
        for source in range(2, 30):

            def add(number: int) -> None:
                with db.write() as s:
                    post(s, cast.member.member_id, number)

            def build(_: int) -> None:
                with db.write() as s:
                    service.rebuild_dirty(s)

            both = [pool.submit(add, source), pool.submit(build, 0)]
            for one in both:
                one.result()
    with db.write() as s:
        while service.rebuild_dirty(s):
            pass
        assert s.get_one(OrgYear, (cast.county_id, 2026)).online_100 == 29 * 100
        assert s.scalar(sa.select(sa.func.count()).select_from(OrgYearMark)) == 0


def test_a_tree_that_turns_while_it_is_read_is_no_circle(
    db: Database, settings: Settings, cast: Cast, this_year: int
) -> None:
    """The branch is seen below the town, then the town below the branch: what was read first belongs to the tree before."""
    rebuild(db, settings)
    with db.write() as s:
        ledger.mark(s, [(cast.branch_id, this_year)])
    turned: list[str] = []

    def turn(*call: object) -> None:
        if "organization.parent_id" in str(call[2]) and not db.sqlite and not turned:
            turned.append(str(call[2]))
            with db.write() as s:
                branch, town, county = (
                    s.get_one(Organization, key) for key in (cast.branch_id, cast.town_id, cast.county_id)
                )
                org.move_organization(s, cast.admin.person, branch, county)
                org.move_organization(s, cast.admin.person, town, branch)
                years.follow_tree(s, this_year)

    sa.event.listen(db.engine, "after_cursor_execute", turn)
    with db.write() as s:
        service.rebuild_dirty(s)
    rebuild(db, settings)
    with db.read() as s:
        assert db.sqlite or s.get_one(OrgYear, (cast.town_id, this_year)).parent_id == cast.branch_id
        assert s.get_one(OrgYear, (cast.county_id, this_year)).members == 3


def test_two_rebuilders_at_once_come_to_the_right_totals(db: Database, cast: Cast) -> None:
    def work(number: int) -> None:
        with db.write() as s:
            post(s, (cast.member.member_id, cast.outsider.member_id)[number % 2], number)
        with db.write() as s:
            service.rebuild_dirty(s, limit=1)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(60)))
    with db.write() as s:
        while service.rebuild_dirty(s):
            pass
        for org_id, hours in ((cast.branch_id, 3000), (cast.other_branch_id, 3000), (cast.county_id, 6000)):
            assert s.get_one(OrgYear, (org_id, 2026)).online_100 == hours


step = st.tuples(
    st.sampled_from(["post", "post", "post", "reverse", "transfer", "rebuild"]),
    st.integers(0, 2),  # who
    st.integers(1, 4),  # source
    st.sampled_from([Mode.GROUP, Mode.ONLINE]),
    st.integers(1, 900),
    st.dates(date(2025, 1, 1), date(2026, 12, 31)),
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(step, min_size=5, max_size=25))
def test_lines_members_and_organisations_always_agree(db: Database, cast: Cast, steps: list[tuple]) -> None:  # type: ignore[type-arg]
    who = [cast.member.member_id, cast.secretary.member_id, cast.outsider.member_id]
    for act, number, source, mode, hours_100, day in steps:
        with db.write() as s:
            if act == "post":
                post(s, who[number], source, hours_100, mode=mode, occurred_on=day)
            elif act == "reverse":
                undone = sa.select(StudyHourEntry.reverses_id).where(StudyHourEntry.reverses_id.is_not(None))
                standing = sa.select(StudyHourEntry.id).where(
                    StudyHourEntry.reverses_id.is_(None), StudyHourEntry.id.not_in(undone)
                )
                for entry_id in s.scalars(standing.limit(1)).all():
                    service.reverse_entry(s, cast.admin.person, entry_id, "更正")
            elif act == "transfer":
                member = s.get_one(Member, who[number])
                to = cast.other_branch_id if member.org_id == cast.branch_id else cast.branch_id
                org.transfer_member(s, cast.admin.person, member, s.get_one(Organization, to), date(2026, 6, 1))
                years.follow_members(s, 2026)
            else:
                service.rebuild_dirty(s)
    with db.write() as s:
        while service.rebuild_dirty(s):
            pass
    with db.read() as s:
        lines = sa.select(
            StudyHourEntry.member_id, StudyHourEntry.year, StudyHourEntry.mode, sa.func.sum(StudyHourEntry.hours_100)
        ).group_by(StudyHourEntry.member_id, StudyHourEntry.year, StudyHourEntry.mode)
        by_line = {(m, y, mode): int(h) for m, y, mode, h in s.execute(lines)}
        for row in s.scalars(sa.select(MemberYear)):
            assert row.group_100 == by_line.pop((row.member_id, row.year, "group"), 0)
            assert row.online_100 == by_line.pop((row.member_id, row.year, "online"), 0)
        assert not any(by_line.values())
        for total in s.scalars(sa.select(OrgYear)):
            below = sa.select(sa.func.sum(MemberYear.group_100), sa.func.sum(MemberYear.online_100)).where(
                MemberYear.year == total.year,
                MemberYear.org_id.in_(
                    {cast.branch_id: [cast.branch_id], cast.other_branch_id: [cast.other_branch_id]}.get(
                        total.org_id, [cast.branch_id, cast.other_branch_id]
                    )
                ),
            )
            group, online = s.execute(below).one()
            assert (total.group_100, total.online_100) == (int(group or 0), int(online or 0))
            assert [sum(column) for column in zip(*total.months, strict=True)] == [total.group_100, total.online_100]
