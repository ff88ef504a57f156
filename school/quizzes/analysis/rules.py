"""Item analysis, pure NumPy: how hard each question was, whether it told apart who knew, what was chosen, how sure the whole is.

Points are hundredths, shares and coefficients are floats; None stands for what cannot be told from so few or so alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]  # of whole numbers or floats
Mask = NDArray[np.bool_]

TAIL = 0.27  # of all takers, the best and the weakest: Kelley's upper and lower group
BINS = 10  # of the histogram
LEAST = 20  # people a question must have been served to before it is judged
UNANSWERED = -1  # in `Sheet.choice`


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that was served, one line a question of an attempt; `attempt` and `item` count from 0.

    `choice` names equal answers alike (UNANSWERED: none was given), `spent_ms` is 0 where the page did not tell.
    `slot` is the place on the paper. `worth` is of each item, in hundredths, `max_100` of each attempt.
    """

    attempt: Column
    item: Column
    slot: Column
    points_100: Column
    spent_ms: Column
    choice: Column
    worth: Column
    max_100: Column


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that was given, as `Sheet.choice` names it: how many gave it, in all and in both groups."""

    choice: int
    count: int
    upper: int
    lower: int
    right: bool  # earned all points


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `difficulty` is the mean share of its points (the higher, the easier), `biserial` its correlation with
    the points of all the other questions, `discrimination` the upper group's share less the lower group's."""

    served: int
    answered: int
    difficulty: float | None
    biserial: float | None
    discrimination: float | None
    upper: int  # of both groups, who were served it
    lower: int
    spent_ms: int | None  # median of those who answered
    choices: list[Choice]  # the most frequent first


@dataclass(frozen=True, slots=True)
class Whole:
    """The paper. `reliability` is KR-20, Cronbach's α, or split-half with Spearman–Brown where papers were drawn apart."""

    attempts: int
    mean: float | None  # shares of the maximum
    median: float | None
    deviation: float | None
    histogram: list[int]  # attempts by share of the maximum, BINS of equal width, the last one closed
    reliability: float | None
    method: str  # kr20, alpha, half
    error: float | None  # standard error of one person's share


def analyse(sheet: Sheet) -> tuple[Whole, list[Item]]:
    """The paper as a whole, and its items in their order."""
    attempts = len(sheet.max_100)
    totals = np.bincount(sheet.attempt, sheet.points_100, attempts)
    upper, lower = tails(totals)
    items = []
    for number, lines in enumerate(_by_item(sheet)):
        takers = sheet.attempt[lines]
        items.append(
            _item(
                sheet.points_100[lines], int(sheet.worth[number]), totals[takers], upper[takers], lower[takers],
                sheet.spent_ms[lines], sheet.choice[lines],
            )
        )  # fmt: skip
    return _whole(sheet, totals), items


def tails(totals: Column) -> tuple[Mask, Mask]:
    """Who belongs to the upper and to the lower group. Equal totals are never split: those on the border belong to the
    group together when it comes nearer to its share with them; the groups never meet."""
    size = round(TAIL * len(totals))
    if size == 0:
        return np.zeros(len(totals), bool), np.zeros(len(totals), bool)
    ordered = np.sort(totals)
    low, high = ordered[size - 1], ordered[-size]
    alike = low >= high  # then only who differs from the many
    return _tail(totals, high, size, alone=alike), _tail(-totals, -low, size, alone=alike)


def _tail(totals: Column, border: float, size: int, *, alone: bool) -> Mask:
    """Who lies above the border, with those on it unless `alone` or nearer to `size` without them."""
    above, there = totals > border, totals >= border
    without, together = int(above.sum()), int(there.sum())
    return above if alone or (without and size - without < together - size) else there


def _by_item(sheet: Sheet) -> Iterator[Column]:
    """The lines of each item."""
    order = np.argsort(sheet.item, kind="stable")
    ends = np.cumsum(np.bincount(sheet.item, minlength=len(sheet.worth)))
    yield from np.split(order, ends[:-1]) if len(ends) else ()


def _item(
    points: Column, worth: int, totals: Column, upper: Mask, lower: Mask, spent_ms: Column, choice: Column
) -> Item:  # fmt: skip
    share = points / worth if worth else np.zeros(len(points))
    told = spent_ms[(spent_ms > 0) & (choice != UNANSWERED)]
    above, below = share[upper], share[lower]
    return Item(
        served=len(points),
        answered=int(np.count_nonzero(choice != UNANSWERED)),
        difficulty=float(share.mean()) if worth and len(share) else None,
        biserial=correlation(points, totals - points),
        discrimination=float(above.mean() - below.mean()) if worth and len(above) and len(below) else None,
        upper=len(above),
        lower=len(below),
        spent_ms=int(np.median(told)) if len(told) else None,
        choices=_choices(points, worth, upper, lower, choice),
    )


def _choices(points: Column, worth: int, upper: Mask, lower: Mask, choice: Column) -> list[Choice]:
    names, places = np.unique(choice, return_inverse=True)
    counts = np.bincount(places, minlength=len(names))
    above = np.bincount(places[upper], minlength=len(names))
    below = np.bincount(places[lower], minlength=len(names))
    right = np.bincount(places, points >= max(worth, 1), len(names)) > 0
    rows = sorted(zip(names, counts, above, below, right, strict=True), key=lambda row: (-row[1], row[0]))
    return [
        Choice(int(name), int(count), int(up), int(low), bool(good))
        for name, count, up, low, good in rows
        if name != UNANSWERED
    ]


def correlation(one: Column, other: Column) -> float | None:
    """Pearson's, which for right-or-wrong points is the point-biserial one; None when either does not vary."""
    if len(one) < 2:
        return None
    a, b = one - one.mean(), other - other.mean()
    spread = float(np.sqrt(a.dot(a) * b.dot(b)))
    return max(-1.0, min(1.0, float(a.dot(b)) / spread)) if spread > 1e-9 else None


# ── the whole ───────────────────────────────────────────


def _whole(sheet: Sheet, totals: Column) -> Whole:
    share = totals / np.maximum(sheet.max_100, 1)
    deviation = float(share.std(ddof=1)) if len(share) > 1 else None
    reliability, method = _reliability(sheet, totals)
    error = None
    if deviation is not None and reliability is not None and reliability >= 0:
        error = deviation * (1 - reliability) ** 0.5
    return Whole(
        attempts=len(share),
        mean=float(share.mean()) if len(share) else None,
        median=float(np.median(share)) if len(share) else None,
        deviation=deviation,
        histogram=[int(n) for n in np.histogram(np.clip(share, 0, 1), BINS, (0, 1))[0]],
        reliability=reliability,
        method=method,
        error=error,
    )


def _reliability(sheet: Sheet, totals: Column) -> tuple[float | None, str]:
    """α where everybody was served the same questions (KR-20 when all of them are right or wrong), else split-half."""
    items = len(sheet.worth)
    if len(sheet.item) != items * len(totals):
        return _split_half(sheet, len(totals)), "half"
    dichotomous = bool(np.all((sheet.points_100 == 0) | (sheet.points_100 == sheet.worth[sheet.item])))
    method = "kr20" if dichotomous else "alpha"
    number = len(totals)
    if items < 2 or number < 2 or (spread := float(totals.var())) <= 0:
        return None, method
    sums = np.bincount(sheet.item, sheet.points_100, items)
    squares = np.bincount(sheet.item, np.square(sheet.points_100, dtype=np.float64), items)
    variances = squares / number - np.square(sums / number)
    return items / (items - 1) * (1 - float(variances.sum()) / spread), method


def _split_half(sheet: Sheet, attempts: int) -> float | None:
    odd = sheet.slot % 2 == 1
    halves = [np.bincount(sheet.attempt[half], sheet.points_100[half], attempts) for half in (odd, ~odd)]
    r = correlation(*halves)
    # halves of equal totals are as opposite as can be
    return None if r is None else max(-1.0, 2 * r / max(1 + r, 1e-9))


# ── what looks wrong ────────────────────────────────────

FLAGS = ("key", "negative", "variant", "hard", "weak", "left", "easy", "dead")  # the gravest first


def flags(item: Item, *, picked: Sequence[int] | None, fill: bool) -> list[str]:
    """What looks wrong with a question, the gravest first; nothing is said of one that few were served.

    `picked` is how often each of its options was chosen (None: it has none), `fill` says that answers were written.
    """
    if item.served < LEAST or item.difficulty is None:
        return []
    found = {
        "key": _key_doubtful(item),
        "negative": item.biserial is not None and item.biserial < 0,
        "variant": fill and any(not each.right and each.count * 10 >= item.answered for each in item.choices),
        "hard": item.difficulty < 0.2,
        "weak": 0.2 <= item.difficulty <= 0.9 and item.discrimination is not None and 0 <= item.discrimination < 0.2,
        "left": item.answered < 0.85 * item.served,
        "easy": item.difficulty > 0.95,
        "dead": picked is not None and len(picked) > 2 and item.served >= 5 * LEAST and 0 in picked,
    }
    return [name for name in FLAGS if found[name]]


def _key_doubtful(item: Item) -> bool:
    """Whether those who did best on the whole mostly agree on an answer that is marked as wrong."""
    best = max(item.choices, key=lambda each: each.upper, default=None)
    right = sum(each.upper for each in item.choices if each.right)
    return best is not None and not best.right and best.upper >= 5 and best.upper > right


def gravity(found: Sequence[str], biserial: float | None) -> tuple[int, float]:
    """Sorts questions so that those that look wrong come first."""
    return (FLAGS.index(found[0]) if found else len(FLAGS), 1.0 if biserial is None else biserial)
