"""Sittings that are over, written straight into the database, for tests of marks and of what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from school.core.time import now
from school.org.models import Member
from school.quizzes.bank.models import Question
from school.quizzes.marks import service as marks
from school.quizzes.papers.models import Quiz
from school.quizzes.sittings.models import Attempt, AttemptAnswer, AttemptState

MINUTE = 60_000


def hand_in(
    s: Session,
    quiz: Quiz,
    questions: Sequence[Question],
    member_id: int,
    answers: Sequence[Any],
    *,
    no: int = 1,
    at: datetime | None = None,
    minutes: int = 10,
    points_100: int = 500,
    settle: bool = True,
) -> Attempt:
    """A sitting of `questions` with `answers` (in authored places, None: never touched) handed in at `at`, and settled."""
    ended = round((at or now()).timestamp() * 1000)
    attempt = Attempt(
        quiz_id=quiz.id, member_id=member_id, org_id=s.get_one(Member, member_id).org_id, no=no,
        state=AttemptState.SUBMITTED, seed=1, started_ms=ended - minutes * MINUTE, submitted_ms=ended,
        submitted_by="member", paper=[[q.approved_id, q.id, points_100, None, None] for q in questions],
        max_100=points_100 * len(questions),
    )  # fmt: skip
    s.add(attempt)
    s.flush()
    for i, (question, answer) in enumerate(zip(questions, answers, strict=True)):
        if answer is not None:
            s.add(
                AttemptAnswer(
                    attempt_id=attempt.id, position=i, version_id=question.approved_id, answer=answer, n=1,
                    saved_ms=ended, spent_ms=5_000,
                )
            )  # fmt: skip
    s.flush()
    if settle:
        marks.settle(s, [attempt.id], at or now())
        s.refresh(attempt)
    return attempt
