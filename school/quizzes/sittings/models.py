"""Tables of sittings: what was served, what was answered, what happened beside it.

Points and hours are integer hundredths (`*_100`), moments of a sitting the server's clock in milliseconds since 1970 (`*_ms`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from school.core.db import Base, BigInt, Id
from school.org.models import Account, Member, Organization


class AttemptState(StrEnum):
    """答题中 → 已交卷, short answers not marked yet → 已判分; or 作废 by a person, with a reason."""

    OPEN = "open"
    SUBMITTED = "submitted"
    MARKED = "marked"
    VOID = "void"


class Attempt(Base):
    """One sitting of one member. `paper` is what was served: `[version id, question id, points_100, order, right order]` a
    question, orders as they were shown (places of the authored options) or None; it never changes."""

    __tablename__ = "attempt"

    id: Mapped[Id]
    quiz_id: Mapped[int] = mapped_column(sa.ForeignKey("quiz.id"))
    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id), index=True)
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    org_id: Mapped[int] = mapped_column(sa.ForeignKey(Organization.id))  # the branch then
    no: Mapped[int]  # 1, 2, 3 …
    state: Mapped[AttemptState] = mapped_column(sa.String(10), default=AttemptState.OPEN)
    seed: Mapped[int]
    paper: Mapped[list[Any]] = mapped_column(default=list)
    started_ms: Mapped[int] = mapped_column(BigInt)
    deadline_ms: Mapped[int | None] = mapped_column(BigInt)  # with every extension and pause; the grace comes after it
    extra_ms: Mapped[int] = mapped_column(default=0)  # of it, given by a person
    submitted_ms: Mapped[int | None] = mapped_column(BigInt)
    submitted_by: Mapped[str] = mapped_column(sa.String(10), default="")  # member, clock, desk
    holder: Mapped[str] = mapped_column(sa.String(16), default="")  # the page that may answer; a newer one takes over
    device: Mapped[str] = mapped_column(sa.String(60), default="")
    seat: Mapped[str] = mapped_column(sa.String(20), default="")
    on_paper: Mapped[bool] = mapped_column(default=False)  # entered from a printed paper
    seen_ms: Mapped[int] = mapped_column(BigInt, default=0)  # the last sign of life
    answered: Mapped[int] = mapped_column(default=0)
    score_100: Mapped[int | None]  # None: not marked to the end yet
    max_100: Mapped[int]
    passed: Mapped[bool | None]

    __table_args__ = (
        sa.UniqueConstraint("quiz_id", "member_id", "no"),
        sa.Index("ix_attempt_quiz_state", "quiz_id", "state"),
        # one at a time, whatever comes at once
        sa.Index(
            "uq_attempt_open",
            "quiz_id",
            "member_id",
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index(
            "ix_attempt_open_deadline",
            "deadline_ms",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        ),
    )


class AttemptAnswer(Base):
    """The answer to the question at `position` of the paper (from 0), in places as authored; and its marks.

    `n` is the page's own count: what was sent later stands, in whatever order it arrives.
    """

    __tablename__ = "attempt_answer"

    attempt_id: Mapped[int] = mapped_column(sa.ForeignKey("attempt.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("question_version.id"), index=True)
    answer: Mapped[Any] = mapped_column(sa.JSON(none_as_null=True), nullable=True)  # None: taken back
    n: Mapped[int]
    saved_ms: Mapped[int] = mapped_column(BigInt)
    spent_ms: Mapped[int] = mapped_column(default=0)  # as the page tells it: for analysis, never for marks
    points_100: Mapped[int | None]
    key_revision: Mapped[int | None]


class AttemptEvent(Base):
    """What happened beside the answers, as evidence: started, resumed, device, away, back, extended, voided, noted …"""

    __tablename__ = "attempt_event"

    id: Mapped[Id]
    attempt_id: Mapped[int] = mapped_column(sa.ForeignKey("attempt.id"), index=True)
    at_ms: Mapped[int] = mapped_column(BigInt)
    kind: Mapped[str] = mapped_column(sa.String(20))
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    body: Mapped[dict[str, Any]] = mapped_column(default=dict)


class QuizNote(Base):
    """An incident (考场记录) an invigilator wrote down, about one sitting or the whole room."""

    __tablename__ = "quiz_note"

    id: Mapped[Id]
    quiz_id: Mapped[int] = mapped_column(sa.ForeignKey("quiz.id"), index=True)
    attempt_id: Mapped[int | None] = mapped_column(sa.ForeignKey("attempt.id"))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    at_ms: Mapped[int] = mapped_column(BigInt)
    text: Mapped[str] = mapped_column(sa.String(400))
