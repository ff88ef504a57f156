"""Tables of live classes: the schedule, who was there, everything said and done with its moment, and what was decided.

Moments of the class stand as `*_ms`, the server's clock in milliseconds since 1970; `media.queries.runs` maps them to
the recording. `LiveEvent` is the class's log: what a room shows, a returning member catches up with, and the replay plays.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from school.core.db import Base, BigInt, Id
from school.media.models import SlideDeck, Stream
from school.org.models import Account, Member, Organization
from school.org.offered import Offered
from school.records.models import Mode


class LiveState(StrEnum):
    """草稿 → 送审 → 预告 (approved) → 直播 (⇄ 暂停) → 已下课; or cancelled, or stopped by an administrator (停播)."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    LIVE = "live"
    PAUSED = "paused"
    ENDED = "ended"
    CANCELLED = "cancelled"
    STOPPED = "stopped"


class ReplayState(StrEnum):
    """Who may watch the replay: those who attended and reviewers at once, the audience after review, or nobody."""

    ATTENDED = "attended"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class LiveClass(Offered, Base):
    """One live class. `hours_100` are the declared hours that attendance and replay together earn."""

    __tablename__ = "live_class"

    id: Mapped[Id]
    trainer_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    trainer: Mapped[Account] = relationship(foreign_keys=[trainer_id])
    helper_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id), index=True)  # 助教
    course_id: Mapped[int | None] = mapped_column(BigInt)  # its course; a sibling, so without a foreign key
    starts_at: Mapped[datetime]
    minutes: Mapped[int]
    hours_100: Mapped[int]
    makeup_days: Mapped[int] = mapped_column(default=14)  # until when those absent should have watched the replay
    state: Mapped[LiveState] = mapped_column(sa.String(12), default=LiveState.DRAFT)
    rules: Mapped[dict[str, Any]] = mapped_column(default=dict)  # rules.RoomRules as a dictionary
    deck_id: Mapped[int | None] = mapped_column(sa.ForeignKey(SlideDeck.id))
    stream_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Stream.id))
    event_no: Mapped[int] = mapped_column(default=0)  # of the last LiveEvent
    page: Mapped[int] = mapped_column(default=1)  # of the slides
    sources: Mapped[list[Any]] = mapped_column(default=list)  # what the trainer sends: camera, screen, small, mic
    started_ms: Mapped[int | None] = mapped_column(BigInt)
    ended_ms: Mapped[int | None] = mapped_column(BigInt)
    settled_at: Mapped[datetime | None]  # attendance stands in the ledger
    replay: Mapped[ReplayState] = mapped_column(sa.String(12), default=ReplayState.ATTENDED)
    replay_in_ms: Mapped[int] = mapped_column(default=0)  # trim: media time; the recording itself never changes
    replay_out_ms: Mapped[int | None]
    replay_at: Mapped[datetime | None]  # when it was opened to its audience
    captions_key: Mapped[str | None] = mapped_column(sa.String(200))  # WebVTT in the object store

    __table_args__ = (sa.Index("ix_live_class_state_starts_at", "state", "starts_at"),)


class LiveAudience(Base):
    """A subtree the class is for; a class without a row is for everyone."""

    __tablename__ = "live_audience"

    class_id: Mapped[int] = mapped_column(sa.ForeignKey("live_class.id"), primary_key=True)
    org_id: Mapped[int] = mapped_column(sa.ForeignKey(Organization.id), primary_key=True)
    org: Mapped[Organization] = relationship()


class LiveEvent(Base):
    """A line of the class's log. `no` grows by one in the order of commits, so nobody who asks "since" misses a line."""

    __tablename__ = "live_event"

    class_id: Mapped[int] = mapped_column(sa.ForeignKey("live_class.id"), primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    at_ms: Mapped[int] = mapped_column(BigInt)
    kind: Mapped[str] = mapped_column(sa.String(20))
    audience: Mapped[str] = mapped_column(sa.String(30), default="all")  # all, desk, or a:<account id>
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))  # who did it; None: the system
    key: Mapped[str | None] = mapped_column(sa.String(40))  # the sender's, so that sending twice is doing once
    body: Mapped[dict[str, Any]] = mapped_column(default=dict)

    __table_args__ = (sa.UniqueConstraint("class_id", "account_id", "key"),)


class LivePresence(Base):
    """One stay of a member in the room, by the server's clock: [entered_ms, seen_ms] is stored and counts.

    `mode` is ONLINE for somebody alone; a meeting room (集中收看) will write GROUP for those on its roster.
    """

    __tablename__ = "live_presence"

    id: Mapped[Id]
    class_id: Mapped[int] = mapped_column(sa.ForeignKey("live_class.id"))
    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id))
    mode: Mapped[Mode] = mapped_column(sa.String(10), default=Mode.ONLINE)
    entered_ms: Mapped[int] = mapped_column(BigInt)
    seen_ms: Mapped[int] = mapped_column(BigInt)  # the last moment that is known, moved every few seconds
    left: Mapped[bool] = mapped_column(default=False)
    device: Mapped[str] = mapped_column(sa.String(60), default="")
    watching: Mapped[str] = mapped_column(sa.String(8), default="none")  # the way of it now: low, smooth, sound, none

    __table_args__ = (sa.Index("ix_live_presence_class_member", "class_id", "member_id"),)


class LiveMessage(Base):
    """Something said in the discussion. `state`: shown, waiting (pre-moderation), removed."""

    __tablename__ = "live_message"

    id: Mapped[Id]
    class_id: Mapped[int] = mapped_column(sa.ForeignKey("live_class.id"), index=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    at_ms: Mapped[int] = mapped_column(BigInt)
    text: Mapped[str] = mapped_column(sa.String(300))
    state: Mapped[str] = mapped_column(sa.String(10), default="shown")
    handled_by: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))


class LiveMute(Base):
    """Somebody who may listen and not speak until the trainer's side lifts it."""

    __tablename__ = "live_mute"

    class_id: Mapped[int] = mapped_column(sa.ForeignKey("live_class.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True)
    muted_by: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    at_ms: Mapped[int] = mapped_column(BigInt)


class LiveQuestion(Base):
    """A question to the trainer. `state`: waiting, answering, answered, later (会后答), removed."""

    __tablename__ = "live_question"

    id: Mapped[Id]
    class_id: Mapped[int] = mapped_column(sa.ForeignKey("live_class.id"), index=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    at_ms: Mapped[int] = mapped_column(BigInt)
    text: Mapped[str] = mapped_column(sa.String(300))
    state: Mapped[str] = mapped_column(sa.String(10), default="waiting")
    seconds: Mapped[int] = mapped_column(default=0)  # how many others want to know it too (也想问)
    answering_ms: Mapped[int | None] = mapped_column(BigInt)  # when the trainer took it up


class LiveSecond(Base):
    """也想问: an account stands behind a question, once."""

    __tablename__ = "live_second"

    question_id: Mapped[int] = mapped_column(sa.ForeignKey("live_question.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True)


class LiveHand(Base):
    """请求发言. `state`: raised, called (speaking in `slot` 1–3), done."""

    __tablename__ = "live_hand"

    id: Mapped[Id]
    class_id: Mapped[int] = mapped_column(sa.ForeignKey("live_class.id"), index=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    raised_ms: Mapped[int] = mapped_column(BigInt)
    called_ms: Mapped[int | None] = mapped_column(BigInt)
    done_ms: Mapped[int | None] = mapped_column(BigInt)
    slot: Mapped[int | None]
    state: Mapped[str] = mapped_column(sa.String(10), default="raised")


class LivePoll(Base):
    """A vote or a quick question (随堂提问, when `right` names the right options).

    Counts live in `tally` alone. A named poll also keeps each choice; an anonymous one keeps only who has voted, in rows
    without moment or order, so that the database cannot say who chose what.
    """

    __tablename__ = "live_poll"

    id: Mapped[Id]
    class_id: Mapped[int] = mapped_column(sa.ForeignKey("live_class.id"), index=True)
    question: Mapped[str] = mapped_column(sa.String(200))
    options: Mapped[list[Any]] = mapped_column(default=list)  # texts
    multiple: Mapped[bool] = mapped_column(default=False)
    anonymous: Mapped[bool] = mapped_column(default=False)
    right: Mapped[list[Any] | None] = mapped_column(sa.JSON)  # indexes, shown after it closed
    explanation: Mapped[str] = mapped_column(sa.String(400), default="")
    question_ref: Mapped[int | None] = mapped_column(BigInt)  # of the question bank, a sibling
    tally: Mapped[list[Any]] = mapped_column(default=list)  # votes per option
    voters: Mapped[int] = mapped_column(default=0)
    opened_ms: Mapped[int] = mapped_column(BigInt)
    closed_ms: Mapped[int | None] = mapped_column(BigInt)


class LiveVoter(Base):
    """Somebody who has voted; `choices` are None in an anonymous poll.

    Without a row number in SQLite, where rows then lie in the order of their keys and not in that of the votes.
    """

    __tablename__ = "live_voter"

    poll_id: Mapped[int] = mapped_column(sa.ForeignKey("live_poll.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), primary_key=True)
    choices: Mapped[list[Any] | None] = mapped_column(sa.JSON(none_as_null=True))

    __table_args__ = {"sqlite_with_rowid": False}


class LiveSignIn(Base):
    """到课登记 with the code on the screen; evidence beside presence, not instead of it."""

    __tablename__ = "live_sign_in"

    class_id: Mapped[int] = mapped_column(sa.ForeignKey("live_class.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id), primary_key=True)
    at_ms: Mapped[int] = mapped_column(BigInt)


class LiveCode(Base):
    """A sign-in code the trainer opened; it holds until it is closed."""

    __tablename__ = "live_code"

    id: Mapped[Id]
    class_id: Mapped[int] = mapped_column(sa.ForeignKey("live_class.id"), index=True)
    code: Mapped[str] = mapped_column(sa.String(8))
    opened_ms: Mapped[int] = mapped_column(BigInt)
    closed_ms: Mapped[int | None] = mapped_column(BigInt)


class LiveCheck(Base):
    """A presence check: who does not answer in time is not counted from `at_ms` until the next sign of life."""

    __tablename__ = "live_check"

    id: Mapped[Id]
    class_id: Mapped[int] = mapped_column(sa.ForeignKey("live_class.id"), index=True)
    at_ms: Mapped[int] = mapped_column(BigInt)
    answer_ms: Mapped[int] = mapped_column(default=60_000)


class LiveHere(Base):
    """A member's answer to a presence check, or the first sign of life after a missed one."""

    __tablename__ = "live_here"

    check_id: Mapped[int] = mapped_column(sa.ForeignKey("live_check.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id), primary_key=True)
    at_ms: Mapped[int] = mapped_column(BigInt)


class LiveReport(Base):
    """What the class came to, written when it is settled: expected, present, curve, branches; `built_at` says as of when."""

    __tablename__ = "live_report"

    class_id: Mapped[int] = mapped_column(sa.ForeignKey("live_class.id"), primary_key=True)
    body: Mapped[dict[str, Any]] = mapped_column(default=dict)
    built_at: Mapped[datetime]


class LiveAttendance(Base):
    """One member's result of the class: what was counted, and by when those who missed some should make it up."""

    __tablename__ = "live_attendance"

    class_id: Mapped[int] = mapped_column(sa.ForeignKey("live_class.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id), primary_key=True)
    org_id: Mapped[int] = mapped_column(sa.ForeignKey(Organization.id))  # the branch then
    expected: Mapped[bool] = mapped_column(default=True)
    first_ms: Mapped[int | None] = mapped_column(BigInt)
    last_ms: Mapped[int | None] = mapped_column(BigInt)
    counted_ms: Mapped[int] = mapped_column(default=0)  # media time
    met: Mapped[bool] = mapped_column(default=False)  # enough by attending alone
    makeup_until: Mapped[datetime | None]  # 待补学; None: nothing to make up

    __table_args__ = (sa.Index("ix_live_attendance_member_makeup", "member_id", "makeup_until"),)
