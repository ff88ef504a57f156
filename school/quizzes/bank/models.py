"""Tables of the question bank: questions, what is asked in versions, what is right in keys, their files, and imports put aside.

The shapes of `body` and `key` are told once, in `school/quizzes/bodies.py`.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from school.core.db import Base, BigInt, Id
from school.org.models import Account, Organization


class QuestionKind(StrEnum):
    SINGLE = "single"  # 单选
    MULTIPLE = "multiple"  # 多选
    JUDGE = "judge"  # 判断
    FILL = "fill"  # 填空
    ORDER = "order"  # 排序
    MATCH = "match"  # 连线
    SHORT = "short"  # 简答


class QuestionState(StrEnum):
    """草稿 → 送审 → 可用 (approved by another person) → 停用. An edit of an approved question is a draft again, while
    quizzes go on serving the approved version."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class Question(Base):
    """One question of the bank of `org_id`. What is asked stands in its versions, what is right in their keys.

    Trainers at or below the organisation may use it; `approved_id` is the version that quizzes serve.
    """

    __tablename__ = "question"

    id: Mapped[Id]
    org_id: Mapped[int] = mapped_column(sa.ForeignKey(Organization.id), index=True)
    org: Mapped[Organization] = relationship()
    author_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    author: Mapped[Account] = relationship(foreign_keys=[author_id])
    kind: Mapped[QuestionKind] = mapped_column(sa.String(10))
    category: Mapped[str] = mapped_column(sa.String(40))
    difficulty: Mapped[int] = mapped_column(default=1)  # 1 to 5
    brief: Mapped[str] = mapped_column(sa.String(120))  # the stem's beginning, for lists
    digest: Mapped[str] = mapped_column(sa.String(32))  # of the stem without white space and punctuation
    state: Mapped[QuestionState] = mapped_column(sa.String(10), default=QuestionState.DRAFT)
    latest_no: Mapped[int] = mapped_column(default=1)
    approved_id: Mapped[int | None] = mapped_column(
        BigInt
    )  # a QuestionVersion; without a foreign key: it would be a ring
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]  # after this day it is stale (过期): shown, and no longer drawn
    reviewer_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    reviewer: Mapped[Account | None] = relationship(foreign_keys=[reviewer_id])
    review_note: Mapped[str] = mapped_column(sa.String(400), default="")
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]
    words: Mapped[str] = mapped_column(sa.Text, default="", deferred=True)  # all it is found by, in plain small letters
    sketch: Mapped[str] = mapped_column(sa.String(64), default="", deferred=True)  # by it near-duplicates are found

    __table_args__ = (sa.Index("ix_question_state_category", "state", "category"),)


class QuestionVersion(Base):
    """What is asked: never changed once it was approved, so that quizzes may have served it; an edit writes the next `no`."""

    __tablename__ = "question_version"

    id: Mapped[Id]
    question_id: Mapped[int] = mapped_column(sa.ForeignKey("question.id"))
    no: Mapped[int]
    body: Mapped[dict[str, Any]] = mapped_column(default=dict)
    explanation: Mapped[str] = mapped_column(sa.String(2000), default="")
    basis: Mapped[str] = mapped_column(sa.String(400), default="")  # 依据
    author_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    created_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    reviewer_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))  # who approved this version

    __table_args__ = (sa.UniqueConstraint("question_id", "no"),)


class AnswerKey(Base):
    """What is right for a version; a correction is the next `revision`, marks remember by which one they were given."""

    __tablename__ = "answer_key"

    version_id: Mapped[int] = mapped_column(sa.ForeignKey("question_version.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[dict[str, Any]] = mapped_column(default=dict)
    author_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    waived: Mapped[bool] = mapped_column(default=False)  # 全体给分: the question was at fault, everybody has its points
    reason: Mapped[str] = mapped_column(sa.String(400), default="")  # of a correction
    created_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]  # a correction by which everything is marked now

    __table_args__ = (
        sa.Index(
            "ix_answer_key_unapplied",
            "version_id",
            sqlite_where=sa.text("revision > 1 AND applied_at IS NULL"),
            postgresql_where=sa.text("revision > 1 AND applied_at IS NULL"),
        ),
    )


class QuestionTag(Base):
    __tablename__ = "question_tag"

    tag: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    question_id: Mapped[int] = mapped_column(sa.ForeignKey("question.id"), primary_key=True, index=True)


class QuestionFile(Base):
    """A picture, sound or short video of a stem or option, checked and kept in the object store under its hash."""

    __tablename__ = "question_file"

    id: Mapped[Id]
    org_id: Mapped[int] = mapped_column(sa.ForeignKey(Organization.id), index=True)
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    sha256: Mapped[str] = mapped_column(sa.String(64), index=True)
    mime: Mapped[str] = mapped_column(sa.String(40))  # one of a short list; served as exactly this
    size: Mapped[int]
    width: Mapped[int] = mapped_column(default=0)  # of a picture or video, so that a page keeps room for it
    height: Mapped[int] = mapped_column(default=0)
    length_ms: Mapped[int] = mapped_column(default=0)  # of a sound or video
    name: Mapped[str] = mapped_column(sa.String(120))
    alt: Mapped[str] = mapped_column(sa.String(200), default="")  # what who cannot see or hear it should know
    created_at: Mapped[datetime]


class QuestionImport(Base):
    """A file of questions that was read and shown, and not taken in yet; what was read waits in the object store.

    It is taken in whole and once: whoever sets `taken_at` writes its questions in the same transaction.
    """

    __tablename__ = "question_import"

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    org_id: Mapped[int] = mapped_column(sa.ForeignKey(Organization.id))
    org: Mapped[Organization] = relationship()
    name: Mapped[str] = mapped_column(sa.String(120))
    form: Mapped[str] = mapped_column(sa.String(12))  # of formats.Format
    object_key: Mapped[str] = mapped_column(sa.String(80))
    questions: Mapped[int]  # that can be taken in
    errors: Mapped[int]
    skipped: Mapped[int]
    created_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
