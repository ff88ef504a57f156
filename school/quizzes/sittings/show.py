"""Whether right answers and explanations may leave the server: asked by everything that renders what somebody answered."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from school.core.db import UTCDateTime
from school.quizzes.access import Standing
from school.quizzes.papers.models import Quiz, QuizKind, QuizState, Show
from school.quizzes.sittings.models import Attempt, AttemptState

OVER = (AttemptState.SUBMITTED, AttemptState.MARKED)
OTHER, GOING_ON, OF = aliased(Attempt), aliased(Attempt), aliased(Quiz)  # made once: they cost more than the queries


def visible_key(s: Session, standing: Standing, attempt: Attempt, now: datetime) -> bool:
    """Whether `standing` may see now what is right in `attempt`, as its paper says.

    Of one's own sitting that holds whatever else one is; of others' sittings that are over, who sees all results may.
    """
    if standing.person.member_id != attempt.member_id:
        return standing.sees_results and attempt.state != AttemptState.OPEN
    return bool(s.scalar(_VISIBLE, {"attempt_id": attempt.id, "now": now}))


def was_told(s: Session, attempt_id: int, now: datetime) -> bool:
    """Whether who sat it may have read what is right, there and then or by now: such a sitting is not opened again.

    It holds of a void one that was handed in before, and whatever hides the answers from this person at the moment.
    """
    handed_in = sa.and_(Quiz.show.in_((Show.AT_ONCE, Show.SUBMITTED)), Attempt.submitted_ms.is_not(None))
    told = sa.or_(handed_in, sa.and_(Quiz.show == Show.CLOSED, _all_over(now)))
    return bool(s.scalar(sa.select(told).select_from(Attempt).join(Quiz).where(Attempt.id == attempt_id)))


def shown(now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    """The same for the person who sat it, over rows of Attempt joined with Quiz."""
    told = sa.or_(
        sa.and_(Quiz.show == Show.AT_ONCE, Attempt.state.in_((AttemptState.OPEN, *OVER))),
        sa.and_(Quiz.show == Show.SUBMITTED, Attempt.state.in_(OVER)),
        sa.and_(Quiz.show == Show.CLOSED, Attempt.state.in_(OVER), _all_over(now)),
    )
    return sa.and_(told, ~examined(Attempt.member_id))


def _all_over(now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    """Whether the window is closed and nobody sits any more: somebody who was given more time may do so after it."""
    still = sa.exists().where(OTHER.quiz_id == Quiz.id, OTHER.state == AttemptState.OPEN)
    return sa.and_(sa.or_(Quiz.state == QuizState.WITHDRAWN, Quiz.closes_at <= now), ~still)


def examined(member_id: InstrumentedAttribute[int] | int) -> sa.ColumnElement[bool]:
    """Whether the member sits an exam or a contest at a screen now: then nothing that is right is told them anywhere, for
    the same questions stand in practices, earlier attempts and the wrong-answer book."""
    return sa.exists().where(
        GOING_ON.member_id == member_id, GOING_ON.state == AttemptState.OPEN, GOING_ON.on_paper.is_(False),
        OF.id == GOING_ON.quiz_id, OF.kind.in_((QuizKind.EXAM, QuizKind.CONTEST)),
    )  # fmt: skip


_VISIBLE = (
    sa.select(shown(sa.bindparam("now", type_=UTCDateTime())))
    .select_from(Attempt)
    .join(Quiz)
    .where(Attempt.id == sa.bindparam("attempt_id"))
)
