"""Tables of quizzes (practice, quiz, exam, contest): the sheet, for whom, who invigilates, and the paper's sections.

Points and hours are integer hundredths (`*_100`), shares are per mille.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from school.core.db import Base, BigInt, Id
from school.org.models import Account, Organization
from school.org.offered import Offered
from school.records.models import Mode


class QuizKind(StrEnum):
    PRACTICE = "practice"  # 练习: at once, with explanations, as often as one likes
    QUIZ = "quiz"  # 测验: of a course, after a lesson or at a moment of it
    EXAM = "exam"  # 考试
    CONTEST = "contest"  # 知识竞赛


class QuizState(StrEnum):
    """草稿 → 送审 → 发布 (by another person) → 撤下."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Show(StrEnum):
    """From when on right answers and explanations may leave the server."""

    AT_ONCE = "at_once"
    SUBMITTED = "submitted"  # after the person's own submission
    CLOSED = "closed"  # after the window has closed for everybody
    NEVER = "never"


class Quiz(Offered, Base):
    """A practice, quiz, exam or contest with its rules. `hours_100` are earned once by who passes."""

    __tablename__ = "quiz"

    id: Mapped[Id]
    kind: Mapped[QuizKind] = mapped_column(sa.String(10))
    author_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    author: Mapped[Account] = relationship(foreign_keys=[author_id])
    state: Mapped[QuizState] = mapped_column(sa.String(10), default=QuizState.DRAFT)
    published_at: Mapped[datetime | None]
    # when and how often
    opens_at: Mapped[datetime | None]  # None: as soon as it is published
    closes_at: Mapped[datetime | None]
    minutes: Mapped[int | None]  # None: no limit but `closes_at`
    grace_s: Mapped[int] = mapped_column(default=30)  # answers on their way at the deadline are still taken
    attempts: Mapped[int] = mapped_column(default=3)  # the best one counts; 0: as often as one likes
    hours_needed_100: Mapped[int] = mapped_column(default=0)  # of the year, before one may sit
    resit_of_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("quiz.id")
    )  # 补考: only for who did not pass that one
    seat_code_needed: Mapped[bool] = mapped_column(default=False)
    seat_code: Mapped[str] = mapped_column(sa.String(8), default="")  # told by the invigilator in the room
    paused_ms: Mapped[int | None] = mapped_column(BigInt)  # the whole sitting stands still since then
    # how it is served and marked
    shuffle_questions: Mapped[bool] = mapped_column(default=True)
    shuffle_options: Mapped[bool] = mapped_column(default=True)
    one_a_page: Mapped[bool] = mapped_column(default=True)
    partial: Mapped[bool] = mapped_column(default=False)  # part marks for a subset; none for a wrong pick either way
    show: Mapped[Show] = mapped_column(sa.String(10), default=Show.CLOSED)
    pass_permille: Mapped[int] = mapped_column(default=600)
    max_100: Mapped[int] = mapped_column(default=0)  # the paper's points, fixed when it is published
    # what it gives
    hours_100: Mapped[int] = mapped_column(default=0)
    mode: Mapped[Mode] = mapped_column(sa.String(10), default=Mode.ONLINE)
    course_ref: Mapped[int | None] = mapped_column(BigInt, index=True)  # a sibling's, so without a foreign key
    lesson_ref: Mapped[int | None] = mapped_column(BigInt)
    at_ms: Mapped[int | None]  # the moment of the lesson's time line
    course_needs: Mapped[bool] = mapped_column(default=False)  # the course is complete only when this is passed
    # contest
    teams: Mapped[bool] = mapped_column(default=False)  # by branch
    table_open: Mapped[bool] = mapped_column(default=False)  # its own table, inside the contest only

    __table_args__ = (sa.Index("ix_quiz_state_closes_at", "state", "closes_at"),)


class QuizAudience(Base):
    """A subtree the quiz is for; a quiz without a row is for everyone."""

    __tablename__ = "quiz_audience"

    quiz_id: Mapped[int] = mapped_column(sa.ForeignKey("quiz.id"), primary_key=True)
    org_id: Mapped[int] = mapped_column(sa.ForeignKey(Organization.id), primary_key=True)
    org: Mapped[Organization] = relationship()


class QuizHelper(Base):
    """Somebody who invigilates (监考) beside the author."""

    __tablename__ = "quiz_helper"

    quiz_id: Mapped[int] = mapped_column(sa.ForeignKey("quiz.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True)
    account: Mapped[Account] = relationship()


class QuizSection(Base):
    """A part of the paper: the questions of its `QuizItem` rows, or `draw` of those that fit `rule`.

    `rule` is `{kind?, category?, difficulty?: [1…5], tag?}`; each of its questions is worth `points_100`.
    """

    __tablename__ = "quiz_section"

    id: Mapped[Id]
    quiz_id: Mapped[int] = mapped_column(sa.ForeignKey("quiz.id"), index=True)
    position: Mapped[int]
    title: Mapped[str] = mapped_column(sa.String(40), default="")
    rule: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    draw: Mapped[int] = mapped_column(default=0)
    points_100: Mapped[int] = mapped_column(default=100)


class QuizItem(Base):
    """A question of a fixed section; `points_100` of its own, None: the section's."""

    __tablename__ = "quiz_item"

    section_id: Mapped[int] = mapped_column(sa.ForeignKey("quiz_section.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    question_id: Mapped[int] = mapped_column(sa.ForeignKey("question.id"), index=True)
    points_100: Mapped[int | None]
