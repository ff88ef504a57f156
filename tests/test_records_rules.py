"""The credit rule keeps its promises whatever a page, a line or a forger does."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from school.records import rules
from school.records.intervals import Union, clamp, measure, missing, subtract, union
from school.records.rules import Clock, CreditPolicy, Paid, Watched

LENGTH = 600_000
DAY = 86_400_000
PLAIN = CreditPolicy(check_every_ms=0, daily_cap_ms=10 * DAY)

stretches = st.lists(
    st.tuples(st.integers(-50, 1000), st.integers(-50, 1000)).map(lambda pair: (min(pair), max(pair))), max_size=12
)


@given(stretches)
def test_a_union_is_sorted_and_disjoint_and_measures_what_it_holds(intervals: Union) -> None:
    made = union(intervals)
    assert all(a < b for a, b in made)
    assert all(b < c for (_, b), (c, _) in pairwise(made))
    assert measure(made) == len({point for a, b in intervals for point in range(a, b)})
    assert union(made) == made


@given(stretches, stretches)
def test_what_is_taken_away_and_what_stays_are_the_whole(one: Union, other: Union) -> None:
    left, right = union(one), union(other)
    stays = subtract(left, right)
    assert {p for a, b in stays for p in range(a, b)} == {p for a, b in left for p in range(a, b)} - {
        p for a, b in right for p in range(a, b)
    }
    assert measure(union([*stays, *right])) == measure(union([*left, *right]))
    for a, b in left:
        assert missing(a, b, right) == subtract([(a, b)], right)


@given(stretches, st.integers(1, 900))
def test_clamping_stays_within_the_part(intervals: Union, length: int) -> None:
    assert all(0 <= a < b <= length for a, b in clamp(intervals, length))


@dataclass
class World:
    """One member, several lessons, as the service keeps them."""

    policy: CreditPolicy
    length: int = LENGTH
    now: int = 1_000_000
    clocks: dict[str, tuple[str, Clock]] = field(default_factory=dict)
    current: str | None = None
    watched: dict[str, Watched] = field(default_factory=dict)
    walls: dict[int, int] = field(default_factory=dict)

    def open(self, token: str, lesson: str, roll: float = 0.5) -> None:
        left = None
        if self.current:
            old_lesson, old = self.clocks[self.current]
            left = rules.supersede(old, self.of(old_lesson), self.policy, self.now)
            if old.held:
                self.claim(self.current, [])
        fresh = left if left is not None else rules.next_check(self.policy, roll)
        self.clocks[token] = (lesson, Clock(self.now, self.now, check_left_ms=fresh))
        self.current = token

    def of(self, lesson: str) -> Watched:
        return self.watched.setdefault(lesson, Watched())

    def claim(self, token: str, intervals: Union) -> Paid:
        if token not in self.clocks:
            return Paid()
        lesson, clock = self.clocks[token]
        day = self.now // DAY
        paid = rules.claim(
            clock, self.of(lesson), intervals, length_ms=self.length, now_ms=self.now, policy=self.policy,
            left_ms=self.policy.daily_cap_ms - self.walls.get(day, 0),
        )  # fmt: skip
        self.walls[day] = self.walls.get(day, 0) + paid.wall_ms
        return paid

    def answer(self, token: str, roll: float = 0.5) -> None:
        lesson, clock = self.clocks[token]
        rules.answer(clock, self.of(lesson), self.policy, self.now, rules.next_check(self.policy, roll))
        self.claim(token, [])

    @property
    def covered_ms(self) -> int:
        return sum(measure(watched.covered) for watched in self.watched.values())


policies = st.builds(
    CreditPolicy,
    rate_permille=st.sampled_from([1000, 1250, 1500, 2000]),
    gap_ms=st.sampled_from([60_000, 660_000]),
    daily_cap_ms=st.sampled_from([120_000, 8 * 3_600_000]),
    check_every_ms=st.sampled_from([0, 60_000, 900_000]),
    check_answer_ms=st.just(60_000),
)


@settings(max_examples=300, deadline=None)
@given(policies, st.integers(0, 2**32), st.integers(1, 60))
def test_no_history_of_claims_breaks_the_rule(policy: CreditPolicy, seed: int, steps: int) -> None:
    r = random.Random(seed)
    world = World(policy)
    start = world.now
    sent: list[tuple[str, Union]] = []
    opened = 0
    for _ in range(steps):
        world.now += r.choice([0, 10, 5_000, 12_000, 15_000, 60_000, 600_000, 5_000_000])
        if world.current is None or r.random() < 0.15:
            opened += 1
            world.open(f"t{opened}", r.choice("AB"), r.random())
        assert world.current
        if r.random() < 0.15:
            world.answer(r.choice([world.current, f"t{max(1, opened - 1)}"]), r.random())
        a = r.randrange(-5_000, 600_000)
        claim = (
            r.choice([world.current, world.current, f"t{max(1, opened - 1)}", "forged"]),
            [(a, a + r.choice([500, 12_000, 30_000, 1_000_000])) for _ in range(r.randrange(1, 4))],
        )
        if sent and r.random() < 0.3:
            claim = r.choice(sent)  # replayed, late, out of order
        sent.append(claim)
        before = {lesson: list(watched.covered) for lesson, watched in world.watched.items()}
        world.claim(*claim)
        for lesson, watched in world.watched.items():
            covered = watched.covered
            assert not subtract(before.get(lesson, []), covered)  # never falls
            assert covered == union(covered) == clamp(covered, LENGTH)
            refused = [(start, end) for start, end, _ in watched.refused]
            assert measure(refused) == measure(union(refused))  # one reason a stretch
            assert subtract(refused, covered) == refused  # refused and covered never overlap
            assert {code for *_, code in watched.refused} <= rules.REASONS.keys()
        assert world.covered_ms * 1000 <= (world.now - start) * policy.rate_permille  # all lessons together
        assert all(wall <= policy.daily_cap_ms for wall in world.walls.values())
        assert world.covered_ms * 1000 <= sum(world.walls.values()) * policy.rate_permille  # the cap counts all of it
        if claim[0] in world.clocks and world.clocks[claim[0]][1].budget_us < 1000:
            same = {lesson: list(watched.covered) for lesson, watched in world.watched.items()}
            world.claim(*claim)
            assert same == {lesson: watched.covered for lesson, watched in world.watched.items()}  # a replay
        assert "forged" not in world.clocks


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([750, 1000, 1250, 1500]), st.booleans())
@example(263637, 1250, True)  # two outages running, a check falls due in the breath between them
def test_an_honest_member_on_a_bad_line_loses_nothing(seed: int, speed: int, asked: bool) -> None:
    """Beats every 15 s; lost, delayed and repeated answers, outages up to ten minutes, reloads, presence checks."""
    r = random.Random(seed)
    duration = 5_400_000
    world = World(replace(PLAIN, check_every_ms=900_000) if asked else PLAIN, duration)
    opened, position, offline_until, lost = 1, 0, 0, 0
    world.open("t1", "A", r.random())
    pending: dict[str, Union] = {"t1": []}
    while position < duration:
        step = r.randrange(10_000, 20_000)
        world.now += step
        to = min(position + step * speed // 1000, duration)
        pending[f"t{opened}"].append((position, to))
        position = to
        if world.now < offline_until:
            continue
        if r.random() < 0.05:  # a reload: a new session, the old one's claims are still owed
            opened += 1
            world.open(f"t{opened}", "A", r.random())
            pending[f"t{opened}"] = []
        lost = 0 if lost == 2 or r.random() < 0.7 else lost + 1  # up to two answers running are lost on their way
        for token, claims in pending.items():
            world.claim(token, claims)
            if lost:
                continue  # everything is sent again
            claims.clear()
            if world.clocks[token][1].check_due_ms is not None:
                world.now += r.randrange(1_000, 20_000)  # the person presses the button
                world.answer(token, r.random())
        if r.random() < 0.02:  # a tunnel, a lift, a dead router
            offline_until = world.now + r.randrange(600_000)
    world.now = max(world.now, offline_until) + 1_000
    for _ in range(2):
        for token, claims in pending.items():
            world.claim(token, claims)
            world.answer(token)
    assert world.of("A").covered == [(0, duration)]
    assert world.of("A").refused == []


@given(st.integers(0, 590_000), st.integers(1, 300_000))
def test_a_refused_stretch_watched_later_turns_credited(start: int, length: int) -> None:
    world = World(PLAIN)
    world.open("t1", "A")
    end = min(start + length, LENGTH)
    world.claim("t1", [(start, end)])
    watched = world.of("A")
    assert not watched.covered
    assert watched.refused == [(start, end, "too_fast")] or end - start <= rules.SLACK_MS
    world.now += length
    world.claim("t1", [(start, end)])
    assert (watched.covered, watched.refused) == ([(start, end)], [])


def test_a_claim_a_little_ahead_of_the_clock_waits_for_it() -> None:
    world = World(PLAIN)
    world.open("t1", "A")
    world.now += 10_000
    world.claim("t1", [(0, 16_000)])
    assert world.of("A").covered == [(0, 15_000)]
    assert world.of("A").refused == []
    world.now += 1_000
    world.claim("t1", [])
    assert world.of("A").covered == [(0, 16_000)]


def test_silence_longer_than_the_gap_pays_only_the_gap() -> None:
    world = World(PLAIN, length=3_600_000)
    world.open("t1", "A")
    world.now += 3_600_000
    world.claim("t1", [(0, 3_600_000)])
    assert world.covered_ms == PLAIN.gap_ms * PLAIN.rate_permille // 1000


def test_the_reason_says_why() -> None:
    world = World(replace(PLAIN, daily_cap_ms=5_000))
    world.open("t1", "A")
    world.now += 10_000
    world.claim("t1", [(0, 10_000)])
    assert world.of("A").refused == [(5_000, 10_000, "daily_cap")]
    world = World(PLAIN)
    world.open("t1", "A")
    world.open("t2", "B")
    world.now += 10_000
    world.claim("t1", [(0, 10_000)])
    assert world.of("A").refused == [(0, 10_000, "superseded")]


@given(st.integers(0, 100_000), st.integers(0, 10**8), st.integers(0, 10**8))
def test_split_hours_always_add_up(hours_100: int, group_ms: int, online_ms: int) -> None:
    group, online = rules.split_hours(hours_100, group_ms, online_ms)
    assert group >= 0
    assert online >= 0
    assert group + online == (hours_100 if group_ms + online_ms else 0)
    if group_ms and not online_ms:
        assert online == 0


@pytest.mark.parametrize(
    ("covered", "length", "done"), [(539_999, 600_000, False), (540_000, 600_000, True), (0, 0, False)]
)
def test_nine_tenths_complete(covered: int, length: int, done: bool) -> None:
    assert rules.completed(covered, length, 900) is done


@given(st.floats(0, 1, exclude_max=True))
@example(0.9999999999999999)
def test_a_check_comes_between_ten_and_twenty_minutes(roll: float) -> None:
    left = rules.next_check(CreditPolicy(), roll)
    assert left is not None
    assert 600_000 <= left < 1_200_000
    assert rules.next_check(PLAIN, roll) is None


def test_coverage_both_ways_counts_as_group() -> None:
    both = Watched(alone=[(0, 100)], group=[(50, 200)])
    assert rules.group_and_alone([both]) == (150, 50)
    assert both.covered == [(0, 200)]
