"""错题本: the questions a member answered wrong last time, as far as what is right may be known; and practising them again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.quizzes import bodies
from school.quizzes.bank import keyring
from school.quizzes.bank.models import Question, QuestionKind, QuestionState, QuestionVersion
from school.quizzes.bank.versions import asked
from school.quizzes.marks.models import QuestionRedo
from school.quizzes.papers.drawing import Served
from school.quizzes.papers.models import Quiz
from school.quizzes.sittings import telling
from school.quizzes.sittings.looking import Given
from school.quizzes.sittings.models import Attempt, AttemptAnswer, AttemptState
from school.quizzes.sittings.service import no_attempt
from school.quizzes.sittings.serving import canonical
from school.quizzes.sittings.show import shown
from school.records.bulk import put

PAGE = 10


@dataclass(frozen=True, slots=True)
class Wrong:
    """A question of the book: where it was answered wrong last, and what was answered there."""

    question_id: int
    attempt_id: int
    position: int
    category: str
    title: str  # of the quiz
    saved_ms: int
    given: Given


@dataclass(frozen=True, slots=True)
class Book:
    """One page of the book, the latest mistakes first; `categories` with how many there are of each."""

    wrongs: list[Wrong]
    found: int
    categories: dict[str, int]
    page: int = 1

    @property
    def more(self) -> bool:
        return self.page * PAGE < self.found


def book(s: Session, member_id: int, now: datetime, category: str = "", page: int = 1) -> Book:
    """The member's book. A question leaves it with the next right answer, in whatever quiz or here."""
    wrongs = _wrongs(s, member_id, now)
    categories: dict[str, int] = {}
    for one in wrongs:
        categories[one.category] = categories.get(one.category, 0) + 1
    wanted = [one for one in wrongs if not category or one.category == category]
    return Book(wanted[(page - 1) * PAGE : page * PAGE], len(wanted), dict(sorted(categories.items())), page)


def _marked(member_id: int, now: datetime) -> sa.Select[Any]:
    """The member's marked answers of which what is right may be known; short answers are no mistakes."""
    return (
        sa.select(
            Question.id, Question.category, Quiz.title, AttemptAnswer.attempt_id, AttemptAnswer.position,
            AttemptAnswer.answer, AttemptAnswer.points_100, AttemptAnswer.saved_ms,
        )
        .select_from(AttemptAnswer)
        .join(Attempt, Attempt.id == AttemptAnswer.attempt_id)
        .join(Quiz, Quiz.id == Attempt.quiz_id)
        .join(QuestionVersion, QuestionVersion.id == AttemptAnswer.version_id)
        .join(Question, Question.id == QuestionVersion.question_id)
        .where(
            Attempt.member_id == member_id,
            Attempt.state.in_((AttemptState.SUBMITTED, AttemptState.MARKED)),
            shown(now),
            AttemptAnswer.points_100.is_not(None),
            AttemptAnswer.answer.is_not(None),
            Question.kind != QuestionKind.SHORT,
            Question.state != QuestionState.WITHDRAWN,
        )
    )  # fmt: skip


def _wrongs(s: Session, member_id: int, now: datetime) -> list[Wrong]:
    latest = {row.id: row for row in s.execute(_marked(member_id, now).order_by(AttemptAnswer.saved_ms))}
    wanted = sa.select(Attempt.id, Attempt.paper).where(Attempt.id.in_({row.attempt_id for row in latest.values()}))
    papers = {row.id: row.paper for row in s.execute(wanted)}
    mended = sa.select(QuestionRedo).where(QuestionRedo.member_id == member_id, QuestionRedo.right.is_(True))
    redone = {redo.question_id: redo.redone_ms for redo in s.scalars(mended)}
    found = []
    for row in latest.values():
        served = Served(*papers[row.attempt_id][row.position])
        if row.points_100 < served.points_100 and redone.get(row.id, 0) < row.saved_ms:
            given = Given(served, row.answer, row.points_100)
            found.append(Wrong(row.id, row.attempt_id, row.position, row.category, row.title, row.saved_ms, given))
    return sorted(found, key=lambda one: (-one.saved_ms, one.position))


def redo(s: Session, member_id: int, attempt_id: int, position: int, raw: Any, now: datetime) -> dict[str, Any]:
    """Answer a question of the book again, in the places it was shown in then; what `telling.tell` says of it.

    NotFound (`attempt.missing`) for what is not in the member's reach, Invalid for what is no answer to it.
    """
    row = s.execute(
        _marked(member_id, now)
        .add_columns(Attempt.paper)
        .where(AttemptAnswer.attempt_id == attempt_id, AttemptAnswer.position == position)
    ).one_or_none()
    if row is None:
        raise no_attempt()
    served = Served(*row.paper[position])
    question = asked(s, [served.version_id])[served.version_id]
    answer = canonical(served, question.kind, bodies.answer_of(question.kind, question.body, raw))
    told = telling.tell(served, question, keyring.newest(s, [served.version_id])[served.version_id], answer)
    at_ms = int(now.timestamp() * 1000)
    row_of = {"member_id": member_id, "question_id": row.id, "right": bool(told["right"]), "redone_ms": at_ms}
    put(s, QuestionRedo, [row_of], change=("right", "redone_ms"))
    return told
