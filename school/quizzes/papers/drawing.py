"""From a seed to a paper: which questions one sitting is served, and in what order, by arithmetic that stays the same for ever.

Pure: no database, no clock. The generator is our own because those of a library may change with its version, and a
recorded seed must give the same paper in ten years.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from school.quizzes.bank.models import QuestionKind

_MASK = (1 << 64) - 1
CHOICES = frozenset({QuestionKind.SINGLE, QuestionKind.MULTIPLE})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that may stand on the paper, by its approved version.

    `options` counts its options (of a match its left ones), `right` the right-hand ones of a match; the last `fixed`
    options keep their places whatever is shuffled (以上都是).
    """

    question_id: int
    version_id: int
    kind: QuestionKind
    options: int = 0
    right: int = 0
    fixed: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A section of a paper: all of `pool` with the points of each, or `draw` of it."""

    pool: tuple[Candidate, ...]
    points_100: tuple[int, ...]  # of each of the pool
    draw: int | None = None  # None: all, in the order they stand in


class Served(NamedTuple):
    """A question of a paper as it is kept: places of the authored options in the order shown, None: as authored."""

    version_id: int
    question_id: int
    points_100: int
    order: list[int] | None
    right_order: list[int] | None


class Dice:
    """SplitMix64: the same numbers from the same seed, on every machine and version."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def below(self, n: int) -> int:
        """A number from 0 to n - 1, every one as likely to within n / 2⁶⁴."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((z ^ (z >> 31)) * n) >> 64

    def places(self, n: int) -> Iterator[int]:
        """0 to n - 1 in a random order, each worked out only when it is asked for."""
        moved: dict[int, int] = {}
        for at in range(n):
            to = at + self.below(n - at)
            yield moved.get(to, to)
            moved[to] = moved.get(at, at)

    def order(self, n: int) -> list[int]:
        return list(self.places(n))


def drawn(parts: Sequence[Part], seed: int, shuffle_questions: bool, shuffle_options: bool) -> list[Served]:
    """The paper of `seed`. No question stands on it twice; a part whose pool has run out gives what it has.

    Questions are shuffled within their part, never across parts.
    """
    chosen = _chosen(parts, Dice(seed))
    paper: list[Served] = []
    for number, (part, places) in enumerate(zip(parts, chosen, strict=True)):
        dice = Dice(seed ^ (number + 1) * 0xD1342543DE82EF95)  # of its own: a part more moves no other part's questions
        places.sort()
        shown = [places[i] for i in dice.order(len(places))] if shuffle_questions else places
        for place in shown:
            candidate = part.pool[place]
            own = Dice(seed ^ candidate.question_id * 0xA24BAED4963EE407)
            order, right = _orders(candidate, own, shuffle_options)
            paper.append(Served(candidate.version_id, candidate.question_id, part.points_100[place], order, right))
    return paper


def lacking(parts: Sequence[Part]) -> list[int]:
    """How many questions each part is short of, when the parts share out what their pools have."""
    return [max((part.draw or 0) - len(places), 0) for part, places in zip(parts, _chosen(parts, Dice(0)), strict=True)]


def _chosen(parts: Sequence[Part], dice: Dice) -> list[list[int]]:
    """The places of each part's pool that are on the paper: the fixed parts first, then the drawn ones.

    Pools may overlap. A part that runs out takes a question another part can replace (augmenting paths), so that the
    paper is full whenever a full one exists.
    """
    held: dict[int, tuple[int, int]] = {}  # question → the part that has it, and its place in that pool
    for number, part in enumerate(parts):
        if part.draw is None:
            for place, candidate in enumerate(part.pool):
                held.setdefault(candidate.question_id, (number, place))
    fixed = frozenset(held)
    for number, part in enumerate(parts):
        if part.draw is None:
            continue
        open_places = dice.places(len(part.pool))
        left = part.draw
        while left:
            free = next((place for place in open_places if part.pool[place].question_id not in held), None)
            if free is not None:
                held[part.pool[free].question_id] = (number, free)
            elif not _make_room(parts, number, held, fixed):
                break
            left -= 1
    chosen: list[list[int]] = [[] for _ in parts]
    for number, place in held.values():
        chosen[number].append(place)
    return chosen


def _make_room(parts: Sequence[Part], number: int, held: dict[int, tuple[int, int]], fixed: frozenset[int]) -> bool:
    """Give part `number` one question more by moving others along the shortest chain; False when there is no way."""
    wanted: dict[int, tuple[int, int]] = {}  # question → the part that wants it, and its place there
    gives = {number: 0}  # part → what it gives up to the one before it in the chain
    waiting = [number]
    for taker in waiting:
        for place, candidate in enumerate(parts[taker].pool):
            question = candidate.question_id
            owner = held.get(question, (None,))[0]
            if question in fixed or question in wanted or owner == taker:
                continue
            wanted[question] = (taker, place)
            if owner is None:
                _hand_on(question, wanted, gives, held, number)
                return True
            if owner not in gives:
                gives[owner] = question
                waiting.append(owner)
    return False


def _hand_on(
    question: int,
    wanted: dict[int, tuple[int, int]],
    gives: dict[int, int],
    held: dict[int, tuple[int, int]],
    first: int,
) -> None:
    """The free `question` goes to who wants it, what that one gives up to who wants that, and so on up to `first`."""
    taker, place = wanted[question]
    held[question] = (taker, place)
    while taker != first:
        question = gives[taker]
        taker, place = wanted[question]
        held[question] = (taker, place)


def _orders(candidate: Candidate, dice: Dice, shuffle: bool) -> tuple[list[int] | None, list[int] | None]:
    """The orders in which a question's options and right-hand options are shown.

    Those of 排序 and 连线 are shuffled whatever the quiz says: the order they were written in may tell the answer. Every
    order is as likely as any other, that one too: leaving it out would tell two items apart.
    """
    if candidate.kind == QuestionKind.ORDER:
        return dice.order(candidate.options), None
    if candidate.kind == QuestionKind.MATCH:
        return None, dice.order(candidate.right)
    if not shuffle or candidate.kind not in CHOICES:
        return None, None
    moving = candidate.options - candidate.fixed
    return ([*dice.order(moving), *range(moving, candidate.options)] if moving > 1 else None), None
