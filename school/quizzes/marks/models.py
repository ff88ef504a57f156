"""Tables of marks: those that people give, what a member came to, mistakes put right, and the analysis.

Points are integer hundredths (`*_100`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from school.core.db import Base, BigInt
from school.org.models import Account, Member, Organization


class ShortMark(Base):
    """One marker's points for one short answer; when two differ a third decides."""

    __tablename__ = "short_mark"

    attempt_id: Mapped[int] = mapped_column(sa.ForeignKey("attempt.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    marker_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True)
    points_100: Mapped[int]
    note: Mapped[str] = mapped_column(sa.String(400), default="")
    marked_at: Mapped[datetime]


class QuizResult(Base):
    """What a member came to in a quiz: the best marked attempt; moves in the transaction of each mark."""

    __tablename__ = "quiz_result"

    quiz_id: Mapped[int] = mapped_column(sa.ForeignKey("quiz.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id), primary_key=True, index=True)
    org_id: Mapped[int] = mapped_column(sa.ForeignKey(Organization.id), index=True)  # the branch then
    attempt_id: Mapped[int] = mapped_column(sa.ForeignKey("attempt.id"))  # the best
    tries: Mapped[int]
    best_100: Mapped[int]
    passed: Mapped[bool]
    taken_ms: Mapped[int] = mapped_column(default=0)  # how long the best one took; a contest's second measure
    was_100: Mapped[int | None]  # before the last correction of a key that moved it
    was_passed: Mapped[bool | None]
    told_at: Mapped[datetime | None]  # a note about that which the person has not put away yet
    note: Mapped[str] = mapped_column(sa.String(400), default="")  # why it was corrected


class QuestionRedo(Base):
    """How a member answered a question of their wrong-answer book (错题本) when they practised it again, the last time."""

    __tablename__ = "question_redo"

    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id), primary_key=True)
    question_id: Mapped[int] = mapped_column(sa.ForeignKey("question.id"), primary_key=True)
    right: Mapped[bool]
    redone_ms: Mapped[int] = mapped_column(BigInt)


class QuizReport(Base):
    """The analysis of a quiz, as of `built_at` (None: it has been asked for and not built yet)."""

    __tablename__ = "quiz_report"

    quiz_id: Mapped[int] = mapped_column(sa.ForeignKey("quiz.id"), primary_key=True)
    body: Mapped[dict[str, Any]] = mapped_column(default=dict)
    basis: Mapped[str] = mapped_column(sa.String(60), default="")  # changes with the results it was built of
    asked_at: Mapped[datetime | None] = mapped_column(index=True)  # the clock builds it soon
    built_at: Mapped[datetime | None]
