"""A contest counted again from the answers that are stored: nothing but them, the keys and people's marks is believed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import NotFound
from school.core.i18n import N_
from school.quizzes.marks import service as marks
from school.quizzes.marks.models import QuizResult
from school.quizzes.papers.models import Quiz, QuizKind
from school.quizzes.sittings.models import Attempt, AttemptState

CHUNK = 500  # attempts read at a time


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is stored otherwise than the answers say; `attempt_id` is 0 for a result without an attempt."""

    member_id: int
    attempt_id: int
    what: str  # points, score, state or result
    stored: Any
    counted: Any


@dataclass(frozen=True, slots=True)
class Recount:
    quiz_id: int
    title: str
    attempts: int
    people: int
    differences: list[Difference]


def contests(s: Session) -> list[int]:
    """Every contest there is."""
    return list(s.scalars(sa.select(Quiz.id).where(Quiz.kind == QuizKind.CONTEST).order_by(Quiz.id)))


def recount(s: Session, quiz_id: int) -> Recount:
    """Count the quiz again and say what differs; changes nothing. NotFound (`quiz.missing`)."""
    quiz = s.get(Quiz, quiz_id)
    if quiz is None:
        raise NotFound("quiz.missing", N_("没有这场竞赛。请核对编号。"))
    tries: dict[int, list[_Try]] = defaultdict(list)
    found: list[Difference] = []
    attempts = 0
    for some in _sat(s, quiz_id):
        given = marks.given_in(s, [row.id for row in some])
        counted = marks.counted(s, some, {quiz.id: quiz}, given)
        for row in some:
            attempts += 1
            its = counted[row.id]
            stored = [kept.points_100 if (kept := given.get((row.id, i))) else None for i in range(len(its.earned))]
            points = [points_100 for points_100, _ in its.earned]
            if stored != points:
                found.append(Difference(row.member_id, row.id, "points", stored, points))
            if (row.score_100, row.passed) != (its.total_100, its.passed):
                found.append(Difference(row.member_id, row.id, "score", row.score_100, its.total_100))
            if row.state != its.state:
                found.append(Difference(row.member_id, row.id, "state", str(row.state), str(its.state)))
            tries[row.member_id].append(
                _Try(row.id, row.no, its.state, its.total_100, row.started_ms, row.submitted_ms)
            )
    found += _of_results(s, quiz_id, tries)
    return Recount(quiz.id, quiz.title, attempts, len(tries), found)


@dataclass(frozen=True, slots=True)
class _Try:
    """A sitting as it was counted now."""

    id: int
    no: int
    state: AttemptState
    score_100: int | None
    started_ms: int
    submitted_ms: int | None


def _sat(s: Session, quiz_id: int) -> Iterator[list[Any]]:
    last = 0
    while True:
        rows: list[Any] = list(
            s.execute(
                sa.select(
                    Attempt.id, Attempt.quiz_id, Attempt.member_id, Attempt.no, Attempt.state, Attempt.paper,
                    Attempt.score_100, Attempt.max_100, Attempt.passed, Attempt.started_ms, Attempt.submitted_ms,
                    Attempt.on_paper,
                )
                .where(Attempt.quiz_id == quiz_id, Attempt.id > last, Attempt.state.in_(marks.OVER))
                .order_by(Attempt.id)
                .limit(CHUNK)
            )
        )  # fmt: skip
        if not rows:
            return
        yield rows
        last = rows[-1].id


def _of_results(s: Session, quiz_id: int, tries: dict[int, list[_Try]]) -> list[Difference]:
    stored = {
        row.member_id: (row.attempt_id, row.best_100, row.taken_ms, row.tries)
        for row in s.scalars(sa.select(QuizResult).where(QuizResult.quiz_id == quiz_id))
    }
    found = []
    for member_id in sorted(stored.keys() | tries.keys()):
        best = marks.best_of(tries.get(member_id, ()))
        want = None if best is None else (best.id, best.score_100, marks.taken_ms(best), len(tries[member_id]))
        if stored.get(member_id) != want:
            attempt_id = best.id if best else 0
            found.append(Difference(member_id, attempt_id, "result", stored.get(member_id), want))
    return found
