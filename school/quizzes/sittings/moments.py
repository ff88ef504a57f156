"""Questions at a moment of a lesson: what the player's page asks when it comes there."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.person import Person
from school.quizzes.access import invited
from school.quizzes.papers.models import Quiz, QuizState
from school.quizzes.sittings.models import Attempt, AttemptState


class Moment(NamedTuple):
    """A quiz to be asked at `at_ms` of the lesson's time line; `done` once this member has handed it in."""

    quiz_id: int
    title: str
    at_ms: int
    done: bool


def of_lesson(s: Session, person: Person, lesson_id: int, now: datetime) -> list[Moment]:
    """The moments of a lesson that this member is asked at, in their order; none for who cannot sit them."""
    if person.member_id is None:
        return []
    handed_in = sa.exists().where(
        Attempt.quiz_id == Quiz.id,
        Attempt.member_id == person.member_id,
        Attempt.state.in_((AttemptState.SUBMITTED, AttemptState.MARKED)),
    )
    rows = s.execute(
        sa.select(Quiz.id, Quiz.title, Quiz.at_ms, handed_in)
        .where(
            Quiz.lesson_ref == lesson_id,
            Quiz.at_ms.is_not(None),
            Quiz.state == QuizState.PUBLISHED,
            Quiz.author_id != person.account_id,
            sa.or_(Quiz.opens_at.is_(None), Quiz.opens_at <= now),
            sa.or_(Quiz.closes_at.is_(None), Quiz.closes_at > now),
            invited(person),
        )
        .order_by(Quiz.at_ms, Quiz.id)
    )
    return [Moment(quiz_id, title, at_ms or 0, done) for quiz_id, title, at_ms, done in rows]
