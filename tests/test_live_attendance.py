"""Attendance: what of a stay counts, whatever the line, the checks and other rooms do."""

from __future__ import annotations

from dataclasses import replace

import pytest
import replay_kit
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from replay_kit import MINUTE

from actors import Cast
from school.core.db import Database
from school.live import attendance
from school.live.attendance_rules import (
    BRIDGE_MS,
    GRACE_MS,
    Asked,
    Attendee,
    Seen,
    bridged,
    held,
    stays_of,
    to_the_end,
    unanswered,
)
from school.live.models import LiveAttendance, ReplayState
from school.live.results import branch_lines, curve, permille
from school.org.models import Member
from school.records.intervals import common, measure, union
from school.records.models import Mode
from school.records.presence_rules import sorted_out

T = 1_000_000_000
SPANS = st.lists(st.tuples(st.integers(0, 500_000), st.integers(1, 200_000)), max_size=6)
CHECKS = st.lists(st.tuples(st.integers(0, 700_000), st.none() | st.integers(0, 300_000)), max_size=4)


def seen(*spans: tuple[int, int], mode: Mode = Mode.ONLINE) -> list[Seen]:
    return [Seen(mode, T + start, T + end) for start, end in spans]


@given(SPANS, CHECKS, SPANS)
def test_what_counts_and_what_does_not_are_the_stay_and_nothing_twice(
    spans: list[tuple[int, int]], checks: list[tuple[int, int | None]], others: list[tuple[int, int]]
) -> None:
    mine = seen(*((start, start + length) for start, length in spans))
    asked = [
        Asked(T + at, 60_000, None if late is None else T + at + late)
        for at, late in sorted(checks, key=lambda each: each[0])
    ]
    elsewhere = seen(*((start, start + length) for start, length in others))
    stays = stays_of(Attendee(mine, asked, elsewhere=elsewhere))
    whole = bridged((each.from_ms, each.to_ms) for each in mine)
    pieces = [(stay.from_ms, stay.to_ms) for stay in stays]
    assert measure(pieces) == measure(whole)
    assert union(pieces) == union(whole)


def test_a_line_that_broke_for_a_moment_was_no_absence() -> None:
    assert bridged([(0, 10), (10 + BRIDGE_MS, 60_000)]) == [(0, 60_000)]
    assert len(bridged([(0, 10), (11 + BRIDGE_MS, 60_000)])) == 2


@pytest.mark.parametrize(
    ("answer", "lost"),
    [
        (30_000, []),
        (60_000 + GRACE_MS, []),
        (60_000 + GRACE_MS + 1, [(T + 100_000, T + 165_001)]),
        (200_000, [(T + 100_000, T + 300_000)]),
        (None, [(T + 100_000, T + 600_000)]),
    ],
)
def test_only_the_stretch_until_the_answer_is_lost(answer: int | None, lost: list[tuple[int, int]]) -> None:
    check = Asked(T + 100_000, 60_000, None if answer is None else T + 100_000 + answer)
    assert unanswered([(T, T + 600_000)], [check]) == lost


def test_answering_the_next_check_is_a_sign_of_life_after_a_missed_one() -> None:
    checks = [Asked(T + 100_000, 60_000, None), Asked(T + 400_000, 60_000, T + 410_000)]
    assert unanswered([(T, T + 600_000)], checks) == [(T + 100_000, T + 410_000)]


def test_a_check_asks_nobody_who_is_not_there_and_no_one_excused() -> None:
    checks = [Asked(T + 100_000, 60_000, None)]
    late = Attendee(seen((150_000, 600_000)), checks)
    assert [stay.refused for stay in stays_of(late)] == [None]
    excused = Attendee(seen((0, 600_000)), checks, excused=True)
    assert [stay.refused for stay in stays_of(excused)] == [None]
    roster = Attendee(seen((0, 600_000), mode=Mode.GROUP), checks)
    assert [(stay.mode, stay.refused) for stay in stays_of(roster)] == [(Mode.GROUP, None)]


def test_of_two_rooms_at_once_the_newer_one_counts() -> None:
    both = Attendee(seen((0, 600_000)), elsewhere=seen((200_000, 300_000)))
    stays = {stay.refused: (stay.from_ms - T, stay.to_ms - T) for stay in stays_of(both)}
    assert stays["superseded"] == (200_000, 300_000)
    older = Attendee(seen((250_000, 600_000)), elsewhere=seen((200_000, 300_000)))
    assert [stay.refused for stay in stays_of(older)] == [None]


def test_leaping_between_two_rooms_is_not_paid_twice() -> None:
    """A second in each, in turn, so that no two stays overlap and every hole is short enough to be bridged."""
    one = seen(*((at, at + 1_000) for at in range(0, 600_000, 20_000)))
    two = seen(*((at, at + 1_000) for at in range(10_000, 600_000, 20_000)))
    paid = [
        (stay.from_ms, stay.to_ms)
        for mine, other in ((one, two), (two, one))
        for stay in stays_of(Attendee(mine, elsewhere=held(other)))
        if stay.refused is None
    ]
    assert measure(paid) == sum(end - start for start, end in paid) <= 600_000


def test_of_two_rooms_entered_in_the_same_millisecond_one_counts() -> None:
    stays = seen((0, 600_000))
    later = [replace(each, later=True) for each in stays]
    assert [stay.refused for stay in stays_of(Attendee(stays, elsewhere=stays))] == [None]
    assert [stay.refused for stay in stays_of(Attendee(stays, elsewhere=later))] == ["superseded"]


def test_a_line_that_stood_at_the_end_lasted_until_it() -> None:
    assert to_the_end(T - 4_000, T) == T
    assert to_the_end(T - 60_000, T) == T - 60_000
    assert to_the_end(T + 4_000, T) == T + 4_000
    assert to_the_end(T, None) == T


def test_the_curve_counts_heads_at_each_minute() -> None:
    points = curve([[(T, T + 3 * MINUTE)], [(T + MINUTE, T + 2 * MINUTE)], []], T, T + 4 * MINUTE)
    assert points == [[T, 1], [T + MINUTE, 2], [T + 2 * MINUTE, 1], [T + 3 * MINUTE, 0]]
    assert len(curve([], T, T + 10 * 3_600_000)) <= 240
    assert curve([], T, T) == []


def test_branches_stand_in_organisation_order_with_their_rates() -> None:
    lines = branch_lines([(2, "河西村", "001.001.002."), (1, "河东村", "001.001.001.")], [(2, True, True), (1, False, False), (1, True, False)])  # fmt: skip
    assert [(line["name"], line["expected"], line["present"], line["rate_permille"]) for line in lines] == [
        ("河东村", 2, 1, 500),
        ("河西村", 1, 1, 1000),
    ]
    assert permille(0, 0) is None


# ── in the database ─────────────────────────────────────


def test_counted_so_far_follows_the_recording(db: Database, cast: Cast) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast, minutes=30, pause=(10, 5))
        replay_kit.stay(s, live, cast.member.member_id, 0, 20)
        replay_kit.stay(s, live, cast.outsider.member_id, 12, 14)
    with db.read() as s:
        begin = live.started_ms or 0
        ids = [cast.member.member_id, cast.outsider.member_id, cast.secretary.member_id]
        assert attendance.counted(s, live, ids, begin + 60 * MINUTE) == dict(zip(ids, [15 * MINUTE, 0, 0], strict=True))
        assert attendance.counted_ms(s, live, cast.member.member_id, begin + 7 * MINUTE) == 7 * MINUTE


def test_without_stored_runs_the_log_says_when_the_class_was_on(db: Database, cast: Cast) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast, minutes=30, pause=(10, 5), recorded=False)
        replay_kit.stay(s, live, cast.member.member_id, 0, 20)
    with db.read() as s:
        runs = attendance.runs_of(s, live)
        assert [(run.media_ms, run.length_ms) for run in runs] == [(0, 10 * MINUTE), (10 * MINUTE, 20 * MINUTE)]
        assert attendance.counted_ms(s, live, cast.member.member_id, live.ended_ms or 0) == 15 * MINUTE


def test_an_unanswered_check_and_another_class_are_seen(db: Database, cast: Cast) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast, minutes=30)
        replay_kit.stay(s, live, cast.member.member_id, 0, 30)
        replay_kit.check(s, live, 10, {cast.member.member_id: 14})
        other = replay_kit.held(s, cast, minutes=30)
        replay_kit.stay(s, other, cast.member.member_id, 20, 25)
    with db.read() as s:
        known = attendance.attendees(s, live, [cast.member.member_id])
        refused = {stay.refused for stay in stays_of(known[cast.member.member_id])}
        assert refused == {None, "no_answer", "superseded"}
        counted = attendance.counted_ms(s, live, cast.member.member_id, live.ended_ms or 0)
    assert abs(counted - 21 * MINUTE) < 1_000  # the two classes began within a second of each other
    with db.write() as s:
        s.execute(sa.update(Member).values(no_presence_check=True))
    with db.read() as s:
        excused = attendance.counted_ms(s, live, cast.member.member_id, live.ended_ms or 0)
    assert abs(excused - 25 * MINUTE) < 1_000


def test_expected_is_the_audience_or_the_hosts_own_tree_in_its_order(db: Database, cast: Cast) -> None:
    with db.write() as s:
        narrow = replay_kit.held(s, cast, audience=(cast.other_branch_id,))
        wide = replay_kit.held(s, cast)
    with db.read() as s:
        assert attendance.expected(s, narrow) == [(cast.outsider.member_id, cast.other_branch_id)]
        branches = [org_id for _, org_id in attendance.expected(s, wide)]
    assert branches == [cast.branch_id, cast.branch_id, cast.other_branch_id]


def test_makeups_of_a_member_vanish_with_the_replay(db: Database, cast: Cast) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast)
        s.add(
            LiveAttendance(
                class_id=live.id, member_id=cast.member.member_id, org_id=cast.branch_id, makeup_until=live.created_at
            )
        )
    with db.read() as s:
        (owed,) = attendance.makeups_of(s, cast.member.member_id)
        assert (owed.live.id, owed.watchable) == (live.id, False)
        assert attendance.makeups_of(s, cast.outsider.member_id) == []
    with db.write() as s:
        s.merge(live).replay = ReplayState.WITHDRAWN
    with db.read() as s:
        assert attendance.makeups_of(s, cast.member.member_id) == []


def test_what_counts_is_never_more_than_what_was_there(db: Database, cast: Cast) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast, minutes=20, pause=(5, 5))
        for start, end in ((0, 7), (3, 12), (12.2, 25)):
            replay_kit.stay(s, live, cast.member.member_id, start, end)
    with db.read() as s:
        attendee = attendance.attendees(s, live, [cast.member.member_id])[cast.member.member_id]
        media = sorted_out(stays_of(attendee), []).media(attendance.runs_of(s, live))
    assert media == [(0, 20 * MINUTE)]
    assert common(media, [(0, 20 * MINUTE)]) == media


def test_two_classes_at_once_pay_the_time_of_one(db: Database, cast: Cast) -> None:
    member = cast.member.member_id
    with db.write() as s:
        classes = [replay_kit.held(s, cast, minutes=10) for _ in range(2)]
        for second in range(0, 600, 20):
            for number, live in enumerate(classes):
                at = (second + 10 * number) / 60
                replay_kit.stay(s, live, member, at, at + 1 / 60)
    with db.read() as s:
        counted = [attendance.counted_ms(s, live, member, live.ended_ms or 0) for live in classes]
    assert sum(counted) <= 10 * MINUTE
