"""Item analysis against figures worked out by hand and by the textbook's own formulas."""

from __future__ import annotations

import statistics
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from school.quizzes.analysis.rules import (
    UNANSWERED,
    Choice,
    Item,
    Sheet,
    analyse,
    correlation,
    flags,
    gravity,
    tails,
)

# ten people, four questions of one point: the fourth is answered wrongly by those who know the rest
MARKS = [
    [1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 0, 1],
    [1, 0, 1, 0], [1, 0, 0, 1], [1, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1],
]  # fmt: skip


def sheet(marks: list[list[int]], *, spent: int = 1000) -> Sheet:
    """Everybody was served everything; right is answer 0, wrong is answer 1."""
    points = np.array(marks)
    people, items = points.shape
    attempt, item = np.divmod(np.arange(people * items), items)
    return Sheet(
        attempt, item, item, 100 * points.ravel(), np.full(people * items, spent), 1 - points.ravel(),
        np.full(items, 100), np.full(people, 100 * items),
    )  # fmt: skip


def test_figures_of_a_small_paper() -> None:
    whole, items = analyse(sheet(MARKS))
    assert [item.difficulty for item in items] == [0.8, 0.5, 0.4, 0.5]
    # point-biserial with the rest of the paper, by the textbook: (M1 - M0) / s · √(pq)
    for number, item in enumerate(items):
        rest = [sum(row) - row[number] for row in MARKS]
        one = [r for r, row in zip(rest, MARKS, strict=True) if row[number]]
        none = [r for r, row in zip(rest, MARKS, strict=True) if not row[number]]
        p = len(one) / len(MARKS)
        expected = (
            (statistics.mean(one) - statistics.mean(none)) / statistics.pstdev(rest) * (p * (1 - p)) ** 0.5
        )  # fmt: skip
        assert item.biserial == pytest.approx(expected)
    assert items[3].biserial is not None
    assert items[3].biserial < 0
    # KR-20 = k/(k-1) · (1 - Σpq / σ²)
    totals = [sum(row) for row in MARKS]
    pq = 0.8 * 0.2 + 0.5 * 0.5 + 0.4 * 0.6 + 0.5 * 0.5
    assert whole.method == "kr20"
    assert whole.reliability == pytest.approx(4 / 3 * (1 - pq / statistics.pvariance(totals)))
    assert whole.mean == pytest.approx(0.55)
    assert sum(whole.histogram) == 10
    assert whole.histogram[7] == 4  # three of four is 75 %: the bin of 70 to 80
    assert items[0].choices == [Choice(0, 8, 4, 0, True), Choice(1, 2, 0, 2, False)]


def test_upper_and_lower_groups_never_split_equals() -> None:
    upper, lower = tails(np.array([5, 5, 5, 4, 3, 2, 2, 2, 2, 2, 1]))
    assert upper.tolist() == [True] * 3 + [False] * 8
    assert lower.tolist() == [False] * 10 + [True]  # one is nearer to three than six are
    assert tails(np.array([5, 5, 5, 4, 3, 3, 2, 2, 2, 1]))[1].tolist() == [False] * 6 + [True] * 4
    upper, lower = tails(np.array([7, 7, 7, 7]))
    assert not upper.any()
    assert not lower.any()
    upper, lower = tails(np.array([3, 7, 7, 7, 7, 7, 9]))
    assert upper.tolist() == [False] * 6 + [True]
    assert lower.tolist() == [True] + [False] * 6
    assert not any(group.any() for group in tails(np.array([])))


def test_part_marks_make_it_alpha_and_drawn_papers_split_half() -> None:
    whole, _ = analyse(sheet(MARKS))
    part = sheet(MARKS)
    part.points_100[0] = 50
    assert analyse(part)[0].method == "alpha"
    kept = np.ones(len(part.item), bool)
    kept[3::8] = False  # every other person was not served the last one
    drawn = replace(
        part,
        **{name: getattr(part, name)[kept] for name in ("attempt", "item", "slot", "points_100", "spent_ms", "choice")},
    )
    again, items = analyse(drawn)
    assert again.method == "half"
    assert [item.served for item in items] == [10, 10, 10, 5]
    assert whole.error is None or whole.error >= 0


def test_equal_totals_of_drawn_papers_are_as_unreliable_as_can_be() -> None:
    """Halves that add up to the same oppose each other up to a rounding error, by which nothing may be divided."""
    right = (2, 0, 6, 1, 0, 0)  # the one question that each of six people knew, every one of nine drawn for them alone
    attempt, slot = np.divmod(np.arange(6 * 9), 9)
    points = np.where(slot == np.array(right)[attempt], 1000, np.where(slot > 6, 1250, 0))
    drawn = Sheet(
        attempt, np.arange(6 * 9), slot, points, np.full(6 * 9, 1000), points, np.full(6 * 9, 1250), np.full(6, 11_000)
    )  # fmt: skip
    whole, _ = analyse(drawn)
    assert (whole.method, whole.reliability) == ("half", -1.0)


@given(st.lists(st.lists(st.integers(0, 1), min_size=3, max_size=3), min_size=1, max_size=30))
def test_any_marks_give_figures_within_their_bounds(marks: list[list[int]]) -> None:
    whole, items = analyse(sheet(marks))
    assert whole.attempts == len(marks) == sum(whole.histogram)
    assert whole.reliability is None or whole.reliability <= 1
    for item in items:
        assert item.difficulty is not None
        assert 0 <= item.difficulty <= 1
        assert item.biserial is None or -1 <= item.biserial <= 1
        assert item.discrimination is None or -1 <= item.discrimination <= 1
        assert sum(each.count for each in item.choices) == len(marks)
        assert item.upper + item.lower <= len(marks)


def test_nobody_at_all() -> None:
    none = np.empty(0, int)
    whole, items = analyse(Sheet(none, none, none, none, none, none, none, none))
    assert (whole.attempts, whole.mean, whole.reliability, items) == (0, None, None, [])
    assert correlation(np.array([1, 1, 1]), np.array([1, 2, 3])) is None


def test_time_is_of_those_who_answered_and_told() -> None:
    one = sheet([[1], [1], [0], [0]])
    one.spent_ms[:] = [4000, 0, 6000, 90_000]
    one.choice[3] = UNANSWERED
    (item,) = analyse(one)[1]
    assert (item.spent_ms, item.answered, item.served) == (5000, 3, 4)


def line(**changes: object) -> Item:
    values: dict[str, object] = {
        "served": 100, "answered": 100, "difficulty": 0.6, "biserial": 0.4, "discrimination": 0.5, "upper": 27,
        "lower": 27, "spent_ms": 1000, "choices": [Choice(0, 60, 24, 8, True), Choice(1, 40, 3, 19, False)],
    }  # fmt: skip
    return Item(**{**values, **changes})  # type: ignore[arg-type]


def test_what_looks_wrong_is_said_the_gravest_first() -> None:
    def said(fill: bool = False, picked: list[int] | None = None, **changes: object) -> list[str]:
        return flags(line(**changes), picked=picked, fill=fill)

    assert said(picked=[60, 30, 10]) == []
    assert said(picked=[60, 40, 0]) == ["dead"]
    swapped = [Choice(0, 30, 5, 15, True), Choice(1, 70, 22, 12, False)]
    assert said(choices=swapped, biserial=-0.3, difficulty=0.3, discrimination=-0.2) == ["key", "negative"]
    assert said(difficulty=0.5, discrimination=0.1) == ["weak"]
    assert said(choices=swapped, fill=True) == ["key", "variant"]
    assert said(difficulty=0.1, answered=60, discrimination=0.1) == ["hard", "left"]
    assert said(difficulty=0.99, discrimination=0.02) == ["easy"]
    assert said(served=19, difficulty=0.0, biserial=-1.0) == []
    ranked = sorted(
        [([], 0.1), (["easy"], 0.1), (["key"], 0.3), (["key"], -0.3), ([], None)], key=lambda each: gravity(*each)
    )
    assert ranked == [(["key"], -0.3), (["key"], 0.3), (["easy"], 0.1), ([], 0.1), ([], None)]
