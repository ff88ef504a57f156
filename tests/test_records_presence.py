"""Being there covers what was shown, once: never more than the clock, in any order, together with the replay exactly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from records_kit import KEYS, MINUTE, START, ZONE, Watcher

from actors import Cast
from school.core.db import Database
from school.media.rules import Run
from school.org.models import Member
from school.records import claims, service, sessions
from school.records.claims import Claim
from school.records.intervals import Union, common, measure, subtract, union
from school.records.models import Coverage, HourPolicy, Mode, PlaySession, StudyDay, StudyHourEntry, StudyPart
from school.records.presence import Counted, Stay, cover_presence
from school.records.presence_rules import by_day, count, laid, media_at, sorted_out, to_media
from school.records.queries import ribbons_of
from school.records.rules import Clock, CreditPolicy, Watched, claim
from school.records.seat import seat_of
from school.records.tokens import unseal

T0 = round(START.timestamp() * 1000)
FAR = 10**12

holes = st.lists(st.tuples(st.integers(1, 400), st.integers(-30, 300)), min_size=1, max_size=6)
walls = st.lists(
    st.tuples(st.integers(-100, 2500), st.integers(0, 900)).map(lambda pair: (T0 + pair[0], T0 + pair[0] + pair[1])),
    max_size=8,
)


@st.composite
def recordings(draw: st.DrawFn) -> list[Run]:
    """Runs one after the other with holes between them; a negative hole is two machines whose clocks disagree."""
    lengths = draw(holes)
    media = [0, *accumulate(length for length, _ in lengths)]
    starts = [T0, *accumulate((length + hole for length, hole in lengths), initial=T0)][1:]
    return [Run(wall, at, length) for wall, at, (length, _) in zip(starts, media, lengths, strict=False)]


def online(stays: Sequence[tuple[int, int]]) -> list[Stay]:
    return [Stay(Mode.ONLINE, start, end) for start, end in stays]


@given(recordings(), walls)
def test_media_time_never_exceeds_the_clock_and_lies_in_the_recording(runs: list[Run], stays: Union) -> None:
    wall = union(stays)
    media = to_media(wall, runs)
    assert measure(media) <= measure(common(wall, union((start, end) for start, end, _ in laid(runs))))
    assert all(0 <= a < b <= sum(run.length_ms for run in runs) for a, b in media)


@given(recordings(), walls, walls, st.integers(0, 2000))
def test_counting_is_idempotent_and_charges_what_it_covers(
    runs: list[Run], stays: Union, more: Union, cap: int
) -> None:
    watched = Watched()
    charged: dict[date, int] = {}
    for turn in (stays, stays, more, stays, more):
        before = measure(watched.covered)
        paid = count(sorted_out(online(turn), []), runs, watched, charged, cap, ZONE)
        for day, ms in paid.items():
            charged[day] = charged.get(day, 0) + ms
        assert measure(watched.covered) - before == sum(paid.values())
        assert all(total <= cap for total in charged.values())
    assert not common(watched.covered, union((a, b) for a, b, _ in watched.refused))
    assert count(sorted_out(online([*stays, *more]), []), runs, watched, charged, cap, ZONE) == {}


@given(recordings(), walls, st.randoms())
def test_the_order_of_stays_does_not_matter(runs: list[Run], stays: Union, chance: object) -> None:
    together, apart = Watched(), Watched()
    count(sorted_out(online(stays), []), runs, together, {}, FAR, ZONE)
    mixed = list(stays)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    for stay in mixed:
        count(sorted_out(online([stay]), []), runs, apart, {}, FAR, ZONE)
    assert together == apart


@given(walls, walls)
def test_what_another_place_earned_is_refused_and_the_rest_counts(stays: Union, elsewhere: Union) -> None:
    runs = [Run(T0, 0, 2000)]
    watched = Watched()
    count(sorted_out(online(stays), union(elsewhere)), runs, watched, {}, FAR, ZONE)
    there = to_media(union(stays), runs)
    assert watched.alone == to_media(subtract(union(stays), union(elsewhere)), runs)
    assert union((a, b) for a, b, why in watched.refused if why == "superseded") == subtract(there, watched.alone)


@given(recordings(), st.integers(-200, 3000))
def test_a_moment_has_a_place_and_places_grow_with_the_clock(runs: list[Run], at: int) -> None:
    place = media_at(runs, T0 + at)
    assert 0 <= place <= sum(run.length_ms for run in runs)
    assert place <= media_at(runs, T0 + at + 37)


def test_time_is_cut_at_the_schools_midnight() -> None:
    midnight = round(datetime(2026, 3, 2, 16, 0, tzinfo=UTC).timestamp() * 1000)  # 00:00 of the 3rd in Shanghai
    cut = dict(by_day([(midnight - 500, midnight + 700)], ZONE))
    assert cut == {date(2026, 3, 2): [(midnight - 500, midnight)], date(2026, 3, 3): [(midnight, midnight + 700)]}


def test_the_meeting_room_is_counted_apart_and_costs_no_online_time() -> None:
    watched = Watched()
    stays = [Stay(Mode.GROUP, T0, T0 + 600), Stay(Mode.ONLINE, T0 + 400, T0 + 1000)]
    paid = count(sorted_out(stays, []), [Run(T0, 0, 1000)], watched, {}, FAR, ZONE)
    assert watched.group == [(0, 600)]
    assert watched.alone == [(600, 1000)]
    assert sum(paid.values()) == 400


# ── in the database ─────────────────────────────────────

LENGTH = 45 * MINUTE


def post_class(db: Database, *, in_ms: int = 0, length_ms: int = LENGTH, hours_100: int = 100) -> StudyPart:
    with db.write() as s:
        item = service.post_item(
            s, kind="live", ref_id=7, title="河东夜校", host="河东村支部", category="live_solo", hours_100=hours_100,
            compulsory=False,
            parts=[service.PartFacts(ref_id=7, timeline_id=3, title="河东夜校", length_ms=length_ms, in_ms=in_ms)],
        )  # fmt: skip
        return s.query(StudyPart).filter_by(item_id=item.id, active=True).one()


def attend(
    db: Database, member_id: int, *stays: tuple[int, int], mode: Mode = Mode.ONLINE, pause_ms: int = 0
) -> Counted:
    """Be there at `stays` (minutes of the class, which was broken for `pause_ms` after 20)."""
    runs = [
        Run(T0, 0, 20 * MINUTE),
        Run(T0 + 20 * MINUTE + pause_ms, 20 * MINUTE, LENGTH - 20 * MINUTE),
    ]
    spans = [Stay(mode, T0 + start * MINUTE, T0 + end * MINUTE) for start, end in stays]
    with db.write() as s:
        found = cover_presence(
            s, kind="live", ref_id=7, runs=runs, stays={member_id: spans}, day=START.date(),
            now=START + timedelta(hours=2), zone=ZONE,
        )  # fmt: skip
    return found[member_id]


def entries(db: Database) -> list[StudyHourEntry]:
    with db.read() as s:
        return s.query(StudyHourEntry).order_by(StudyHourEntry.id).all()


def test_attending_enough_posts_the_hours_once_with_the_stays_as_evidence(db: Database, cast: Cast) -> None:
    post_class(db)
    for _ in range(3):
        assert attend(db, cast.member.member_id, (0, 42)) == Counted(42 * MINUTE, True)
    (entry,) = entries(db)
    assert (entry.source_kind, entry.source_id, entry.mode, entry.hours_100) == ("live", 7, Mode.ONLINE, 100)
    assert entry.occurred_on == START.date()
    assert entry.evidence["stays"] == [{"mode": "online", "from_ms": T0, "to_ms": T0 + 42 * MINUTE}]
    with db.read() as s:
        (day,) = s.query(StudyDay).all()
        assert day.wall_ms == 42 * MINUTE


def test_who_came_late_watches_only_what_was_missed(db: Database, cast: Cast) -> None:
    part = post_class(db)
    assert not attend(db, cast.member.member_id, (10, 45)).enough
    assert entries(db) == []
    watcher = Watcher(db, cast.member.member_id, START + timedelta(hours=3))
    assert watcher.open(part.id).covered == [(10 * MINUTE, 45 * MINUTE)]
    outcome = watcher.watch(0, 10 * MINUTE)
    assert outcome.covered == [(0, LENGTH)]
    (entry,) = entries(db)
    assert entry.hours_100 == 100
    assert len(entry.evidence["sessions"]) == 1
    assert len(entry.evidence["stays"]) == 1


def test_who_was_counted_again_goes_on_where_they_were(db: Database, cast: Cast) -> None:
    """Counting writes both kinds of coverage at one moment; only who watches alone has a place to go on from."""
    part = post_class(db)
    watcher = Watcher(db, cast.member.member_id, START + timedelta(hours=1))
    watcher.open(part.id)
    watcher.claim((0, 0), position_ms=30 * MINUTE)
    attend(db, cast.member.member_id, (0, 5), mode=Mode.GROUP)
    with db.read() as s:
        seat = seat_of(s, cast.member.member_id, "live", 7, 7, START + timedelta(hours=3), ZONE)
    assert seat is not None
    assert seat.position_ms == 30 * MINUTE


def test_a_pause_is_nobodys_time(db: Database, cast: Cast) -> None:
    post_class(db)
    counted = attend(db, cast.member.member_id, (0, 30), pause_ms=10 * MINUTE)
    assert counted.media_ms == 20 * MINUTE  # twenty minutes of class, ten of pause


def test_a_lesson_opened_during_the_class_earns_instead_of_it(db: Database, cast: Cast) -> None:
    part = post_class(db)
    with db.write() as s:
        other = service.post_item(
            s, kind="course", ref_id=1, title="党章", host="", category="online_course", hours_100=100, compulsory=False,
            parts=[service.PartFacts(ref_id=1, timeline_id=1, title="一", length_ms=LENGTH)],
        )  # fmt: skip
        lesson = s.query(StudyPart).filter_by(item_id=other.id).one()
    watcher = Watcher(db, cast.member.member_id, START + timedelta(minutes=10))
    watcher.open(lesson.id)
    watcher.watch(0, 5 * MINUTE)
    assert attend(db, cast.member.member_id, (0, 45)).media_ms == 40 * MINUTE
    watcher.wait(3 * MINUTE)
    late = watcher.claim((5 * MINUTE, 8 * MINUTE))  # the class was paid for these minutes
    assert late.covered_ms == 5 * MINUTE
    with db.read() as s:
        (ribbon,) = ribbons_of(s, cast.member.member_id, "live", 7)
    assert ribbon.part_id == part.id
    assert ribbon.refused == ((10 * MINUTE, 15 * MINUTE, "superseded"),)


def test_entering_a_class_ends_what_still_earned(db: Database, cast: Cast) -> None:
    part = post_class(db)
    watcher = Watcher(db, cast.member.member_id)
    watcher.open(part.id)
    watcher.wait(30_000)
    with db.write() as s:
        sessions.end_play_sessions(s, cast.member.member_id, watcher.now)
        sessions.end_play_sessions(s, cast.outsider.member_id, watcher.now)
    watcher.wait(MINUTE)
    outcome = watcher.claim((0, 90_000))
    assert (outcome.state, outcome.covered_ms) == ("superseded", 45_000)  # thirty seconds at the highest rate


def test_the_days_limit_holds_for_a_class_too(db: Database, cast: Cast) -> None:
    post_class(db)
    with db.write() as s:
        s.add(
            HourPolicy(
                name="党员", audience="member", effective_from=date(2020, 1, 1), required_group_100=3200,
                required_online_100=0, daily_cap_ms=15 * MINUTE,
            )
        )  # fmt: skip
    assert attend(db, cast.member.member_id, (0, 45)).media_ms == 15 * MINUTE
    assert attend(db, cast.member.member_id, (0, 45)).media_ms == 15 * MINUTE
    with db.read() as s:
        (ribbon,) = ribbons_of(s, cast.member.member_id, "live", 7)
    assert ribbon.refused == ((15 * MINUTE, 45 * MINUTE, "daily_cap"),)
    assert attend(db, cast.outsider.member_id, (0, 45), mode=Mode.GROUP).enough  # 集中 knows no such limit


def test_group_and_alone_are_split_into_two_lines(db: Database, cast: Cast) -> None:
    post_class(db)
    attend(db, cast.member.member_id, (0, 30), mode=Mode.GROUP)
    attend(db, cast.member.member_id, (20, 45))
    lines = {entry.mode: entry for entry in entries(db)}
    assert {mode: entry.hours_100 for mode, entry in lines.items()} == {Mode.GROUP: 67, Mode.ONLINE: 33}
    assert lines[Mode.GROUP].category == "group_viewing"


def test_a_trimmed_part_asks_only_for_what_is_left(db: Database, cast: Cast) -> None:
    post_class(db)
    assert not attend(db, cast.member.member_id, (12, 40)).enough
    post_class(db, in_ms=10 * MINUTE, length_ms=41 * MINUTE)
    assert attend(db, cast.member.member_id, (12, 40)) == Counted(28 * MINUTE, True)
    (entry,) = entries(db)
    assert (entry.evidence["length_ms"], entry.evidence["covered_ms"]) == (31 * MINUTE, 28 * MINUTE)
    with db.read() as s:
        (ribbon,) = ribbons_of(s, cast.member.member_id, "live", 7)
    assert (ribbon.in_ms, ribbon.span_ms, ribbon.unseen_ms) == (10 * MINUTE, 31 * MINUTE, 3 * MINUTE)


def test_claims_outside_the_trim_cost_and_count_nothing(db: Database, cast: Cast) -> None:
    part = post_class(db, in_ms=10 * MINUTE, length_ms=20 * MINUTE)
    watcher = Watcher(db, cast.member.member_id)
    watcher.open(part.id)
    watcher.wait(4 * MINUTE)
    assert watcher.claim((8 * MINUTE, 12 * MINUTE), (19 * MINUTE, 23 * MINUTE)).covered == [
        (10 * MINUTE, 12 * MINUTE), (19 * MINUTE, 20 * MINUTE),
    ]  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 44), st.integers(1, 20)), max_size=5))
def test_live_and_replay_together_are_exact(stays: list[tuple[int, int]]) -> None:
    """Whatever was attended, watching the rest of the recording covers all of it, and nothing is paid twice."""
    runs = [Run(T0, 0, LENGTH)]
    watched = Watched()
    spans = [(T0 + a * MINUTE, T0 + (a + b) * MINUTE) for a, b in stays]
    paid = count(sorted_out(online(spans), []), runs, watched, {}, FAR, ZONE)
    rest = subtract([(0, LENGTH)], watched.covered)
    assert sum(paid.values()) + measure(rest) == LENGTH
    clock = Clock(0, 0, budget_us=LENGTH * 1500, wall_ms=LENGTH)
    more = claim(clock, watched, [(0, LENGTH)], length_ms=LENGTH, now_ms=0, policy=CreditPolicy(), left_ms=FAR)
    assert watched.covered == [(0, LENGTH)]
    assert more.media_ms == measure(rest)


def test_two_hundred_members_are_covered_with_few_statements(db: Database, cast: Cast) -> None:
    post_class(db)
    with db.write() as s:
        s.add_all(
            Member(org_id=cast.branch_id, name=f"学员{n}", created_at=START) for n in range(150)
        )  # fmt: skip
        s.flush()
        ids = list(s.scalars(sa.select(Member.id)))
    statements = 0

    def seen(*_: object) -> None:
        nonlocal statements
        statements += 1

    sa.event.listen(db.engine, "before_cursor_execute", seen)
    with db.write() as s:
        found = cover_presence(
            s, kind="live", ref_id=7, runs=[Run(T0, 0, LENGTH)], day=START.date(), now=START, zone=ZONE,
            stays={member_id: [Stay(Mode.ONLINE, T0, T0 + 10 * MINUTE)] for member_id in ids},
        )  # fmt: skip
    sa.event.remove(db.engine, "before_cursor_execute", seen)
    assert len(found) == len(ids)
    assert statements < 30
    with db.read() as s:
        assert s.query(Coverage).count() == len(ids)
        assert s.query(PlaySession).count() == 0


def test_a_claim_that_waited_on_the_device_is_not_paid_for_the_same_minutes(db: Database, cast: Cast) -> None:
    """A session opened in the middle of the class that says nothing until it is over cannot earn what the class earned."""
    part = post_class(db)
    watcher = Watcher(db, cast.member.member_id, START + timedelta(minutes=30))
    ticket = watcher.open(part.id)
    assert attend(db, cast.member.member_id, (0, 45)).media_ms == 45 * MINUTE
    watcher.wait(15 * MINUTE)
    token = unseal(KEYS, ticket.token)
    at_ms = round(watcher.now.timestamp() * 1000)
    with db.write() as s:
        claims.apply(s, [Claim(token, at_ms, [(0, 10 * MINUTE)])], ZONE)
    with db.read() as s:
        (day,) = s.query(StudyDay).all()
    assert day.wall_ms == 45 * MINUTE
