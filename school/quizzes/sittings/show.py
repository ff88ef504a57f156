"""Whether right answers and explanations may leave the server: asked by everything that renders what somebody answered."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from school.quizzes.access import Standing
from school.quizzes.papers.models import Quiz, QuizKind, QuizState, Show
from school.quizzes.sittings.models import Attempt, AttemptState

OVER = (AttemptState.SUBMITTED, AttemptState.MARKED)


def visible_key(s: Session, standing: Standing, attempt: Attempt, now: datetime) -> bool:
    """Whether `standing` may see now what is right in `attempt`, as its paper says.

    Of one's own sitting that holds whatever else one is; of others' sittings that are over, who sees all results may.
    """
    if standing.person.member_id != attempt.member_id:
        return standing.sees_results and attempt.state != AttemptState.OPEN
    return bool(s.scalar(sa.select(shown(now)).select_from(Attempt).join(Quiz).where(Attempt.id == attempt.id)))


def shown(now: datetime) -> sa.ColumnElement[bool]:
    """The same for the person who sat it, over rows of Attempt joined with Quiz."""
    sitting = aliased(Attempt)
    still = sa.exists().where(sitting.quiz_id == Quiz.id, sitting.state == AttemptState.OPEN)
    closed = sa.or_(Quiz.state == QuizState.WITHDRAWN, Quiz.closes_at <= now)
    told = sa.or_(
        sa.and_(Quiz.show == Show.AT_ONCE, Attempt.state.in_((AttemptState.OPEN, *OVER))),
        sa.and_(Quiz.show == Show.SUBMITTED, Attempt.state.in_(OVER)),
        # somebody who was given more time may still be sitting after the window
        sa.and_(Quiz.show == Show.CLOSED, Attempt.state.in_(OVER), closed, ~still),
    )
    return sa.and_(told, ~examined(Attempt.member_id))


def examined(member_id: InstrumentedAttribute[int] | int) -> sa.ColumnElement[bool]:
    """Whether the member sits an exam or a contest at a screen now: then nothing that is right is told them anywhere, for
    the same questions stand in practices, earlier attempts and the wrong-answer book."""
    going_on, of = aliased(Attempt), aliased(Quiz)
    return sa.exists().where(
        going_on.member_id == member_id, going_on.state == AttemptState.OPEN, going_on.on_paper.is_(False),
        of.id == going_on.quiz_id, of.kind.in_((QuizKind.EXAM, QuizKind.CONTEST)),
    )  # fmt: skip
