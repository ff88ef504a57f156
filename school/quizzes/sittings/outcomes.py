"""What came of a sitting, for who sat it and for who sees all results; what was right only when it may be known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from school.core.keys import Keys
from school.core.person import Person
from school.org.models import Member
from school.quizzes import access
from school.quizzes.access import Standing
from school.quizzes.marks import short
from school.quizzes.marks.earnings import hours_of
from school.quizzes.marks.models import QuizResult
from school.quizzes.papers.drawing import Served
from school.quizzes.papers.models import Quiz
from school.quizzes.sittings.looking import Given, looked_back
from school.quizzes.sittings.models import Attempt, AttemptAnswer, AttemptEvent, AttemptState
from school.quizzes.sittings.service import no_attempt
from school.quizzes.sittings.show import visible_key


@dataclass(frozen=True, slots=True)
class Outcome:
    """A sitting looked back on. `questions` is empty while what is right may not be known; each is
    `{face, answer, told}` in the places that were shown, `told` with `points` and `max` beside what `telling.tell` says.
    """

    attempt: Attempt
    quiz: Quiz
    own: bool
    name: str  # of the member
    result: QuizResult | None = None
    hours_100: int = 0  # that stand in the ledger for passing
    void_reason: str = ""
    visible: bool = False
    questions: list[dict[str, Any]] = field(default_factory=list)
    comments: Mapping[int, Sequence[str]] = field(
        default_factory=dict
    )  # position → what markers wrote to a short answer

    @property
    def full(self) -> int:
        """How many questions earned all their points."""
        return sum(1 for question in self.questions if question["told"]["right"])

    @property
    def counted(self) -> int:
        """How many questions could earn some."""
        return sum(1 for question in self.questions if question["told"]["max"])

    @property
    def best(self) -> bool:
        """Whether this is the attempt that counts."""
        return self.result is not None and self.result.attempt_id == self.attempt.id


def outcome(s: Session, keys: Keys, person: Person, attempt_id: int, now: datetime) -> Outcome:
    """The outcome of a sitting: one's own whatever became of the quiz, another's for who sees all results.

    NotFound (`attempt.missing`) for everybody else.
    """
    row = s.execute(
        sa.select(Attempt, Quiz, Member.name)
        .join(Quiz, Quiz.id == Attempt.quiz_id)
        .join(Member, Member.id == Attempt.member_id)
        .where(Attempt.id == attempt_id)
        .options(joinedload(Quiz.org))
    ).one_or_none()
    if row is None:
        raise no_attempt()
    attempt, quiz, name = row
    own = attempt.member_id == person.member_id
    here = Standing(quiz, person, invited=own, authors=False, helps=False, oversees=False)
    if not own:
        here = _overseeing(s, person, quiz.id)
    visible = visible_key(s, here, attempt, now) and attempt.state != AttemptState.OPEN
    return Outcome(
        attempt=attempt,
        quiz=quiz,
        own=own,
        name=name,
        result=s.get(QuizResult, (quiz.id, attempt.member_id)),
        hours_100=hours_of(s, quiz, attempt.member_id) if quiz.hours_100 else 0,
        void_reason=_void_reason(s, attempt),
        visible=visible,
        questions=_questions(s, keys, attempt, now) if visible else [],
        comments=short.comments(s, attempt.id) if visible else {},
    )


def _overseeing(s: Session, person: Person, quiz_id: int) -> Standing:
    here = access.standing(s, person, quiz_id)
    if not here.sees_results:
        raise no_attempt()
    return here


def _void_reason(s: Session, attempt: Attempt) -> str:
    """What the invigilator wrote when the sitting was voided."""
    if attempt.state != AttemptState.VOID:
        return ""
    body = s.scalar(
        sa.select(AttemptEvent.body)
        .where(AttemptEvent.attempt_id == attempt.id, AttemptEvent.kind == "voided")
        .order_by(AttemptEvent.id.desc())
        .limit(1)
    )
    return str((body or {}).get("reason", ""))


def _questions(s: Session, keys: Keys, attempt: Attempt, now: datetime) -> list[dict[str, Any]]:
    rows = s.execute(
        sa.select(AttemptAnswer.position, AttemptAnswer.answer, AttemptAnswer.points_100).where(
            AttemptAnswer.attempt_id == attempt.id
        )
    )
    answers = {row.position: (row.answer, row.points_100) for row in rows}
    paper = [Served(*served) for served in attempt.paper]
    return looked_back(s, keys, [Given(served, *answers.get(i, (None, 0))) for i, served in enumerate(paper)], now)
