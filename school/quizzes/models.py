"""Tables of the question bank, of quizzes (practice, quiz, exam, contest), of sittings and of marks.

Points and hours are integer hundredths (`*_100`), shares are per mille, moments of a sitting are the server's clock in
milliseconds since 1970 (`*_ms`). The shapes of `body`, `key` and `answer` are told once, in `bodies.py`.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from school.core.db import Base, BigInt, Id
from school.core.secrecy import Secrecy
from school.org.models import Account, Member, Organization
from school.records.models import Mode

# ── the bank ────────────────────────────────────────────


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


# ── quizzes and their papers ────────────────────────────


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


class Quiz(Base):
    """A practice, quiz, exam or contest with its rules. `hours_100` are earned once a year by who passes."""

    __tablename__ = "quiz"

    id: Mapped[Id]
    kind: Mapped[QuizKind] = mapped_column(sa.String(10))
    title: Mapped[str] = mapped_column(sa.String(80))
    summary: Mapped[str] = mapped_column(sa.String(1000), default="")
    slip: Mapped[str] = mapped_column(sa.String(4), default="")
    org_id: Mapped[int] = mapped_column(sa.ForeignKey(Organization.id), index=True)  # 主办单位
    org: Mapped[Organization] = relationship()
    author_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    author: Mapped[Account] = relationship(foreign_keys=[author_id])
    state: Mapped[QuizState] = mapped_column(sa.String(10), default=QuizState.DRAFT)
    secrecy: Mapped[Secrecy] = mapped_column(sa.String(10), default=Secrecy.INTERNAL)
    version: Mapped[int] = mapped_column(default=1)  # for two people who edit at once
    reviewer_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    review_note: Mapped[str] = mapped_column(sa.String(400), default="")
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
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
    compulsory: Mapped[bool] = mapped_column(default=False)
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


# ── sittings ────────────────────────────────────────────


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


# ── marks and results ───────────────────────────────────


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
