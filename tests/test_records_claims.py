"""Claims against a real database: what is covered, what is refused and why, and the line that completion posts."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from records_kit import KEYS, MINUTE, START, ZONE, Watcher, post_course

from actors import Cast
from school.core.db import Database
from school.core.errors import NotAllowed, NotFound
from school.records import claims, rules, service
from school.records.claims import Claim
from school.records.models import (
    Coverage,
    HourPolicy,
    MemberYear,
    Mode,
    OrgYear,
    PlaySession,
    StudyDay,
    StudyHourEntry,
)
from school.records.tokens import Ticket, seal, unseal


@pytest.fixture
def part_id(db: Database) -> int:
    with db.write() as s:
        _, (part,) = post_course(s, 10 * MINUTE)
        return part.id


@pytest.fixture
def watcher(db: Database, cast: Cast) -> Watcher:
    return Watcher(db, cast.member.member_id)


def test_watching_to_the_end_posts_one_line_and_moves_the_year(
    db: Database, cast: Cast, watcher: Watcher, part_id: int
) -> None:
    watcher.open(part_id)
    before = watcher.watch(0, 9 * MINUTE - 1)
    assert before.hours is None
    after = watcher.watch(9 * MINUTE - 1, 10 * MINUTE)
    assert after.hours is not None
    assert (after.hours.group_100, after.hours.online_100) == (0, 100)
    assert (after.covered, after.refused, after.state) == ([(0, 10 * MINUTE)], [], "earning")
    with db.read() as s:
        entry = s.scalars(sa.select(StudyHourEntry)).one()
        assert (entry.hours_100, entry.mode, entry.year, entry.org_id) == (100, "online", 2026, cast.branch_id)
        assert entry.evidence["parts"][0]["online"] == [[0, entry.evidence["covered_ms"]]]
        assert entry.evidence["sessions"][0]["device"] == "Chrome"
        assert s.get_one(MemberYear, (cast.member.member_id, 2026)).online_100 == 100
    with db.write() as s:
        assert service.rebuild_dirty(s) == 1
        assert service.rebuild_dirty(s) == 0
        for org_id in (cast.branch_id, cast.town_id, cast.county_id):
            year = s.get_one(OrgYear, (org_id, 2026))
            assert (year.online_100, year.started, year.months[2]) == (100, 1, [0, 100])
        assert s.get(OrgYear, (cast.other_branch_id, 2026)) is None


def test_a_replayed_claim_adds_nothing(watcher: Watcher, part_id: int) -> None:
    watcher.open(part_id)
    watcher.wait(30_000)
    first = watcher.claim((0, 30_000))
    assert first.covered_ms == 30_000
    for _ in range(3):
        assert watcher.claim((0, 30_000)).covered_ms == 30_000
    watcher.wait(10_000)
    assert watcher.claim((0, 30_000)).covered_ms == 30_000


def test_claims_out_of_order_come_to_the_same(watcher: Watcher, part_id: int) -> None:
    watcher.open(part_id)
    watcher.wait(45_000)
    for start in (30_000, 0, 15_000):
        outcome = watcher.claim((start, start + 15_000))
    assert outcome.covered == [(0, 45_000)]


def test_sixteen_times_speed_is_paid_at_the_highest_rate_and_says_why(watcher: Watcher, part_id: int) -> None:
    watcher.open(part_id)
    watcher.wait(15_000)
    outcome = watcher.claim((0, 240_000))
    assert outcome.covered == [(0, 22_500)]
    assert outcome.refused == [(22_500, 240_000, "too_fast")]
    watcher.wait(300_000)
    outcome = watcher.claim((22_500, 240_000))
    assert (outcome.covered, outcome.refused) == ([(0, 240_000)], [])


def test_two_pages_are_one_clock(db: Database, cast: Cast, watcher: Watcher, part_id: int) -> None:
    with db.write() as s:
        _, (other,) = post_course(s, 10 * MINUTE)
    old = watcher.open(part_id).token
    watcher.wait(60_000)
    watcher.open(other.id)
    watcher.wait(60_000)
    late = watcher.claim((0, 120_000), token=old)
    assert late.covered == [(0, 90_000)]  # the minute it earned, at the highest rate
    assert late.refused == [(90_000, 120_000, "superseded")]
    assert late.state == "superseded"
    assert watcher.claim((0, 60_000)).covered_ms == 60_000
    with db.read() as s:
        total = s.scalar(sa.select(sa.func.sum(Coverage.covered_ms)))
        assert total <= 120_000 * 1.5


def test_a_forged_token_is_refused(db: Database, cast: Cast, watcher: Watcher, part_id: int) -> None:
    token = watcher.open(part_id).token
    ticket = unseal(KEYS, token)
    for forged in (
        token.replace(f"-{ticket.member_id}-", f"-{cast.outsider.member_id}-", 1),
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token.split(".")[0],
        "",
        "…",
        "1-1-1-x.k9.AAAA",
    ):
        with pytest.raises(NotAllowed) as refused:
            unseal(KEYS, forged)
        assert refused.value.code == "play.token"


def test_a_token_of_a_session_that_is_gone_is_refused_alone(db: Database, watcher: Watcher, part_id: int) -> None:
    ticket = unseal(KEYS, watcher.open(part_id).token)
    watcher.wait(15_000)
    at_ms = round(watcher.now.timestamp() * 1000)
    strange = [ticket._replace(session_id=999_999), ticket._replace(nonce="other"), ticket._replace(member_id=1_000)]
    batch = [Claim(t, at_ms, [(0, 15_000)]) for t in [strange[0], ticket, *strange[1:]]]
    with db.write() as s:
        outcomes = claims.apply(s, batch, ZONE)
    assert [isinstance(outcome, NotAllowed) for outcome in outcomes] == [True, False, True, True]
    assert outcomes[1].covered_ms == 15_000  # type: ignore[union-attr]


def test_the_daily_cap_counts_wall_clock_and_opens_again_tomorrow(db: Database, watcher: Watcher) -> None:
    with db.write() as s:
        s.add(
            HourPolicy(
                name="日上限十分钟", audience="member", effective_from=START.date(), effective_until=None,
                required_group_100=0, required_online_100=0, daily_cap_ms=10 * MINUTE, check_every_ms=0,
            )
        )  # fmt: skip
        _, (part,) = post_course(s, 60 * MINUTE)
    watcher.open(part.id)
    outcome = watcher.watch(0, 12 * MINUTE)
    assert outcome.state == "capped"
    assert outcome.covered_ms == 10 * MINUTE
    assert {code for *_, code in outcome.refused} == {"daily_cap"}
    with db.read() as s:
        assert s.scalars(sa.select(StudyDay.wall_ms)).one() == 10 * MINUTE
    watcher.now = START + timedelta(days=1)
    watcher.open(part.id)
    outcome = watcher.watch(10 * MINUTE, 12 * MINUTE)
    assert (outcome.covered_ms, outcome.refused, outcome.state) == (12 * MINUTE, [], "earning")


def test_a_presence_check_answered_in_time_loses_nothing(db: Database, watcher: Watcher) -> None:
    with db.write() as s:
        _, (part,) = post_course(s, 60 * MINUTE)
    watcher.open(part.id)
    position = 0
    while True:
        watcher.wait(15_000)
        position += 15_000
        outcome = watcher.claim((position - 15_000, position))
        if outcome.check_answer_ms is not None:
            break
        assert position < 21 * MINUTE
    assert position > 10 * MINUTE - 15_000
    watcher.wait(30_000)
    held = watcher.claim((position, position + 30_000))
    assert held.held
    assert not held.refused
    answered = watcher.answer()
    assert (answered.covered, answered.held, answered.refused) == ([(0, position + 30_000)], [], [])
    assert answered.check_answer_ms is None


def test_an_unanswered_check_pauses_from_when_it_was_due_and_a_late_answer_resumes(
    db: Database, watcher: Watcher
) -> None:
    with db.write() as s:
        _, (part,) = post_course(s, 60 * MINUTE)
    watcher.open(part.id)
    position = 0
    outcome = watcher.claim()
    while outcome.check_answer_ms is None:
        watcher.wait(15_000)
        position += 15_000
        outcome = watcher.claim((position - 15_000, position))
    due = outcome.covered_ms
    while outcome.state == "earning":
        watcher.wait(15_000)
        position += 15_000
        outcome = watcher.claim((position - 15_000, position))
    assert outcome.state == "paused"
    assert outcome.covered_ms == due
    assert {code for *_, code in outcome.refused} == {"no_answer"}
    watcher.wait(60 * MINUTE)
    resumed = watcher.answer()
    assert (resumed.state, resumed.covered_ms) == ("earning", due)
    assert watcher.watch(due, position).refused == []


def test_a_page_that_was_offline_while_the_check_was_due_loses_nothing(db: Database, watcher: Watcher) -> None:
    with db.write() as s:
        _, (part,) = post_course(s, 60 * MINUTE)
    watcher.open(part.id)
    position = 0
    outcome = watcher.claim()
    while outcome.check_answer_ms is None:
        watcher.wait(15_000)
        position += 15_000
        outcome = watcher.claim((position - 15_000, position))
    watcher.wait(10 * MINUTE)  # that answer was lost in a tunnel
    outcome = watcher.claim((position, position + 10 * MINUTE))
    assert outcome.check_answer_ms is not None
    while outcome.check_answer_ms is not None:  # the next check may have fallen due in the tunnel, too
        outcome = watcher.answer()
    assert (outcome.covered, outcome.held, outcome.refused) == ([(0, position + 10 * MINUTE)], [], [])


def test_a_member_recorded_as_needing_no_check_is_never_asked(db: Database, cast: Cast, watcher: Watcher) -> None:
    from school.org.models import Member

    with db.write() as s:
        s.get_one(Member, cast.member.member_id).no_presence_check = True
        _, (part,) = post_course(s, 120 * MINUTE)
    watcher.open(part.id)
    for beat in range(120 * 4):
        watcher.wait(15_000)
        outcome = watcher.claim((beat * 15_000, beat * 15_000 + 15_000))
        assert outcome.check_answer_ms is None
    assert outcome.covered == [(0, 120 * MINUTE)]


def test_the_next_session_takes_the_check_over_so_that_short_lessons_do_not_avoid_it(
    db: Database, cast: Cast, watcher: Watcher
) -> None:
    with db.write() as s:
        _, parts = post_course(s, *[5 * MINUTE] * 5)
    asked = 0
    for part in parts:
        watcher.open(part.id)
        for beat in range(20):
            watcher.wait(15_000)
            outcome = watcher.claim((beat * 15_000, beat * 15_000 + 15_000))
            if outcome.check_answer_ms is not None:
                asked += 1
                watcher.answer()
    assert asked >= 1  # 25 minutes of watching; the first check comes within 20


def test_a_withdrawn_course_says_so(db: Database, watcher: Watcher) -> None:
    with db.write() as s:
        item, (part,) = post_course(s, 10 * MINUTE)
    watcher.open(part.id)
    watcher.wait(15_000)
    with db.write() as s:
        service.close_item(s, "course", item.ref_id)
    assert watcher.claim((0, 15_000)).refused == [(0, 15_000, "not_open")]
    with pytest.raises(NotFound):
        watcher.open(part.id)


def test_garbled_claims_cannot_grow_a_row_without_end(db: Database, watcher: Watcher, part_id: int) -> None:
    watcher.open(part_id)
    for round_ in range(20):
        watcher.wait(60_000)
        outcome = watcher.claim(*[(10 * n, 10 * n + 2) for n in range(round_ * 100, round_ * 100 + 100)])
    with db.read() as s:
        row = s.scalars(sa.select(Coverage)).one()
        assert len(row.intervals) <= rules.MAX_PIECES
        assert len(row.refused) <= rules.MAX_PIECES
    assert "scattered" in {code for *_, code in outcome.refused}


def test_a_course_of_two_lessons_completes_over_both(db: Database, watcher: Watcher) -> None:
    with db.write() as s:
        _, (first, second) = post_course(s, 10 * MINUTE, 2 * MINUTE)
    watcher.open(first.id)
    assert watcher.watch(0, 10 * MINUTE).hours is None
    watcher.open(second.id)
    assert watcher.watch(0, 48_000 - 1).hours is None
    assert watcher.watch(48_000 - 1, 48_000).hours is not None


def test_a_replaced_file_is_a_new_part(db: Database, watcher: Watcher) -> None:
    with db.write() as s:
        item, (old,) = post_course(s, 2 * MINUTE)
    watcher.open(old.id)
    watcher.watch(0, MINUTE)
    with db.write() as s:
        _, (new,) = post_course(s, 2 * MINUTE, ref_id=item.ref_id, timeline_id=2)
    assert new.id != old.id
    assert watcher.watch(MINUTE, 2 * MINUTE).hours is None  # covered, but of the old file
    watcher.open(new.id)
    assert watcher.watch(0, 2 * MINUTE).hours is not None


def test_group_and_alone_are_split_in_proportion(db: Database, cast: Cast, watcher: Watcher) -> None:
    with db.write() as s:
        _, (part,) = post_course(s, 10 * MINUTE)
        s.add(
            Coverage(
                member_id=cast.member.member_id, part_id=part.id, mode=Mode.GROUP, intervals=[[0, 3 * MINUTE]],
                covered_ms=3 * MINUTE, updated_at=START,
            )
        )  # fmt: skip
    assert watcher.open(part.id).covered == [(0, 3 * MINUTE)]
    outcome = watcher.watch(2 * MINUTE, 10 * MINUTE)
    assert outcome.hours is not None
    assert outcome.hours.group_100 + outcome.hours.online_100 == 100
    assert outcome.hours.group_100 == 33  # 3 of the 9 minutes that completed it
    with db.read() as s:
        modes = s.execute(sa.select(StudyHourEntry.mode, StudyHourEntry.hours_100, StudyHourEntry.category)).all()
        assert sorted(tuple(row) for row in modes) == [
            ("group", 33, "group_viewing"), ("online", 67, "online_course"),
        ]  # fmt: skip


def test_next_year_it_may_be_earned_again_from_the_beginning(db: Database, watcher: Watcher, part_id: int) -> None:
    watcher.open(part_id)
    assert watcher.watch(0, 10 * MINUTE).hours is not None
    assert watcher.open(part_id).covered == [(0, 10 * MINUTE)]
    watcher.now = START + timedelta(days=330)
    assert watcher.open(part_id).covered == []
    assert watcher.watch(0, 5 * MINUTE).hours is None
    assert watcher.open(part_id).covered == [(0, 5 * MINUTE)]  # opening again keeps what this year has
    assert watcher.watch(5 * MINUTE, 10 * MINUTE).hours is not None
    with db.read() as s:
        assert sorted(s.scalars(sa.select(StudyHourEntry.year))) == [2026, 2027]


def test_opening_tells_where_the_member_was(watcher: Watcher, part_id: int) -> None:
    watcher.open(part_id)
    watcher.wait(20_000)
    watcher.claim((0, 20_000), position_ms=20_000)
    ticket = watcher.open(part_id)
    assert (ticket.position_ms, ticket.rate, ticket.required_permille, ticket.length_ms) == (20_000, 1.5, 900, 600_000)


def test_a_session_number_reused_after_a_restore_is_not_believed(db: Database, watcher: Watcher, part_id: int) -> None:
    watcher.open(part_id)
    with db.read() as s:
        session = s.scalars(sa.select(PlaySession)).one()
    forged = seal(KEYS, Ticket(session.id, session.member_id, session.part_id, "0" * 12))
    with pytest.raises(NotAllowed):
        watcher.claim((0, 10), token=forged)
