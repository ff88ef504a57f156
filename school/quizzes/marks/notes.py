"""What a member is told of results that moved without them: a key was corrected, a sitting was made void; until they have read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from school.quizzes.marks.models import QuizResult
from school.quizzes.papers.models import Quiz
from school.quizzes.sittings.models import Attempt, AttemptEvent, AttemptState
from school.records.bulk import among, table_of

TOLD = "told"  # the event of a void sitting that its member has read why


@dataclass(frozen=True, slots=True)
class Note:
    """A result that a corrected key moved, which the person has not put away yet."""

    quiz_id: int
    title: str
    hours_100: int  # that passing the quiz earns
    attempt_id: int
    was_100: int
    best_100: int
    was_passed: bool
    passed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Voided:
    """A sitting of this member that an invigilator made void, and has not been read of yet."""

    quiz_id: int
    title: str
    attempt_id: int
    no: int
    reason: str
    hours_100: int  # that were taken back with it


# Made once: every first page asks both.
_MOVED = (  # in the order of `Note`
    sa.select(
        QuizResult.quiz_id, Quiz.title, Quiz.hours_100, QuizResult.attempt_id,
        sa.func.coalesce(QuizResult.was_100, 0), QuizResult.best_100,
        sa.func.coalesce(QuizResult.was_passed, sa.false()), QuizResult.passed, QuizResult.note,
    )
    .join(Quiz, Quiz.id == QuizResult.quiz_id)
    .where(QuizResult.member_id == sa.bindparam("member_id"), QuizResult.told_at.is_not(None))
    .order_by(QuizResult.told_at.desc(), QuizResult.quiz_id)
)  # fmt: skip
_LATER = aliased(AttemptEvent)
_VOIDED = (
    sa.select(Quiz.id, Quiz.title, Attempt.id, Attempt.no, AttemptEvent.body)
    .select_from(Attempt)
    .join(Quiz, Quiz.id == Attempt.quiz_id)
    .join(AttemptEvent, AttemptEvent.attempt_id == Attempt.id)
    .where(
        Attempt.member_id == sa.bindparam("member_id"),
        Attempt.state == AttemptState.VOID,
        AttemptEvent.kind == "voided",
        ~sa.exists().where(
            _LATER.attempt_id == Attempt.id, _LATER.id > AttemptEvent.id, _LATER.kind.in_(("voided", TOLD))
        ),
    )
    .order_by(AttemptEvent.id.desc())
)


def notes(s: Session, member_id: int) -> Sequence[Note]:
    """The corrections this member is to be told of, the newest first."""
    return [Note(*row) for row in s.execute(_MOVED, {"member_id": member_id})]


def voided(s: Session, member_id: int) -> Sequence[Voided]:
    """The void sittings this member is to be told of, the newest first."""
    return [
        Voided(quiz_id, title, attempt_id, no, str(body.get("reason", "")), int(body.get("hours_100", 0)))
        for quiz_id, title, attempt_id, no, body in s.execute(_VOIDED, {"member_id": member_id})
    ]


def put_away(s: Session, member_id: int, quiz_id: int, at_ms: int) -> None:
    """The member has read what there was to read of this quiz; the correction stays on the result."""
    s.execute(
        sa.update(QuizResult)
        .where(QuizResult.quiz_id == quiz_id, among(s, QuizResult.member_id, [member_id]))
        .values(told_at=None)
    )
    read: list[dict[str, Any]] = [
        {"attempt_id": one.attempt_id, "at_ms": at_ms, "kind": TOLD, "account_id": None, "body": {}}
        for one in voided(s, member_id)
        if one.quiz_id == quiz_id
    ]
    if read:
        s.execute(sa.insert(table_of(AttemptEvent)), read)
