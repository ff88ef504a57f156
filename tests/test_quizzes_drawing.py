"""Drawing a paper from a seed: always the same, never a question twice, full whenever it can be full."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from school.quizzes.bank.models import QuestionKind
from school.quizzes.papers.drawing import Candidate, Dice, Part, drawn, lacking


def pool(*ids: int, kind: QuestionKind = QuestionKind.SINGLE, options: int = 4, fixed: int = 0) -> Part:
    """A part whose questions may be drawn; set `draw` with `taking`."""
    chosen = tuple(Candidate(i, i + 1000, kind, options, options + 1, fixed) for i in ids)
    return Part(chosen, (200,) * len(chosen))


def taking(draw: int, *ids: int) -> Part:
    made = pool(*ids)
    return Part(made.pool, made.points_100, draw)


def test_the_same_seed_gives_the_same_paper_for_ever() -> None:
    """Pinned: a recorded seed must give this paper whatever changes in the program or in Python."""
    parts = [taking(3, *range(1, 21)), pool(30, 31, 32, kind=QuestionKind.MATCH, options=3)]
    assert [list(served) for served in drawn(parts, 20261122, True, True)] == PINNED
    dice = Dice(7)
    assert [dice.below(1000) for _ in range(5)] == [389, 16, 900, 582, 452]


PINNED = [
    [1004, 4, 200, [2, 1, 3, 0], None],
    [1015, 15, 200, [1, 3, 0, 2], None],
    [1001, 1, 200, [3, 1, 2, 0], None],
    [1032, 32, 200, None, [2, 3, 1, 0]],
    [1031, 31, 200, None, [3, 1, 0, 2]],
    [1030, 30, 200, None, [0, 1, 3, 2]],
]


@given(seed=st.integers(0, 2**63 - 1), data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_full_paper_is_found_whenever_there_is_one(seed: int, data: st.DataObject) -> None:
    """Built from a solution: each part's pool holds the questions it should get, and some of the others'."""
    sizes = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=4))
    own, first = [], 1
    for size in sizes:
        own.append(set(range(first, first + size)))
        first += size
    others = st.sets(st.sampled_from(range(1, first))) if first > 1 else st.just(set())
    parts = [taking(len(ids), *sorted(ids | data.draw(others))) for ids in own]
    paper = drawn(parts, seed, True, True)
    assert sorted(served.question_id for served in paper) == list(range(1, first))
    assert lacking(parts) == [0] * len(parts)


def test_what_is_missing_is_counted() -> None:
    assert lacking([taking(3, 1, 2), pool(2)]) == [2, 0]
    assert [served.question_id for served in drawn([taking(3, 1, 2), pool(2)], 5, True, True)] == [1, 2]


def test_a_part_stays_together_and_in_its_order_when_nothing_is_shuffled() -> None:
    parts = [pool(5, 3, 9), taking(2, 1, 2)]
    for seed in range(20):
        paper = drawn(parts, seed, False, False)
        assert [served.question_id for served in paper] == [5, 3, 9, 1, 2]
        assert all(served.order is None for served in paper)
        assert {served.question_id for served in drawn(parts, seed, True, False)[:3]} == {5, 3, 9}


def test_ordering_and_matching_are_shuffled_whatever_the_quiz_says_and_every_order_is_as_likely() -> None:
    parts = [pool(1, kind=QuestionKind.ORDER, options=3), pool(2, kind=QuestionKind.MATCH, options=2)]
    for shuffle in (True, False):
        orders, matches = Counter[tuple[int, ...]](), Counter[tuple[int, ...]]()
        for seed in range(1200):
            order, match = drawn(parts, seed, False, shuffle)
            assert order.order is not None
            assert match.right_order is not None
            orders[tuple(order.order)] += 1
            matches[tuple(match.right_order)] += 1
        # an order that is left out, or comes more often, would tell something of the one they were written in
        for found in (orders, matches):
            assert set(found) == set(permutations(range(3)))
            assert all(150 < times < 250 for times in found.values()), found


def test_what_stays_the_last_option_stays_there() -> None:
    parts = [pool(1, fixed=1), pool(2, fixed=4)]
    for seed in range(50):
        moving, still = drawn(parts, seed, False, True)
        assert moving.order is not None
        assert moving.order[3] == 3
        assert still.order is None


def test_every_question_and_every_order_is_as_likely() -> None:
    """10,000 draws of 2 from 6, and of three options: each within five standard deviations."""
    parts = [Part(pool(*range(1, 7), options=3).pool, (100,) * 6, 2)]
    questions: Counter[int] = Counter()
    orders: Counter[tuple[int, ...]] = Counter()
    for seed in range(10_000):
        for served in drawn(parts, seed, True, True):
            questions[served.question_id] += 1
            orders[tuple(served.order or ())] += 1
    assert set(questions) == set(range(1, 7))
    assert all(abs(n - 3333) < 240 for n in questions.values())
    assert len(orders) == 6
    assert all(abs(n - 3333) < 270 for n in orders.values())
