"""Tables of study items, play sessions, coverage, the append-only hour ledger and its year roll-ups.

Hours are integer hundredths (`*_100`); media and clock lengths are integer milliseconds (`*_ms`).
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from school.core.db import Base, BigInt, Id
from school.org.models import Account, Member, Organization


class Mode(StrEnum):
    """The two kinds of hours that never mix."""

    GROUP = "group"  # 集中
    ONLINE = "online"  # 网络


class HourPolicy(Base):
    """Dated rules for one audience (人员 by post or category); each entry keeps a snapshot of the one it was counted by."""

    __tablename__ = "hour_policy"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(sa.String(60))
    audience: Mapped[str] = mapped_column(sa.String(20))  # member, secretary, candidate …
    effective_from: Mapped[date]
    effective_until: Mapped[date | None]
    required_group_100: Mapped[int]
    required_online_100: Mapped[int]
    minutes_per_hour: Mapped[int] = mapped_column(default=45)
    completion_permille: Mapped[int] = mapped_column(default=900)
    rate_permille: Mapped[int] = mapped_column(default=1500)  # highest playback rate that is credited
    gap_ms: Mapped[int] = mapped_column(default=660_000)  # longest unobserved stretch that still pays
    daily_cap_ms: Mapped[int] = mapped_column(default=8 * 3_600_000)  # wall clock
    check_every_ms: Mapped[int] = mapped_column(default=15 * 60_000)  # mean distance of presence checks, 0: none
    check_answer_ms: Mapped[int] = mapped_column(default=60_000)
    online_counts: Mapped[bool] = mapped_column(default=False)  # 网络学习学时 also count toward the group requirement
    proration: Mapped[str] = mapped_column(sa.String(20), default="by_month")


class StudyItem(Base):
    """Something that gives hours once a year when it is completed: posted by the feature that owns (`kind`, `ref_id`)."""

    __tablename__ = "study_item"

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(sa.String(20))
    ref_id: Mapped[int]
    title: Mapped[str] = mapped_column(sa.String(120))
    host: Mapped[str] = mapped_column(sa.String(120), default="")  # 主办单位
    category: Mapped[str] = mapped_column(sa.String(30))  # HourCategory of domain.md §1.2, e.g. online_course
    hours_100: Mapped[int]
    compulsory: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (sa.UniqueConstraint("kind", "ref_id"),)


class StudyPart(Base):
    """One timeline of an item (a lesson's recording). A replaced file is a new part; the old one stays, inactive."""

    __tablename__ = "study_part"

    id: Mapped[Id]
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("study_item.id"), index=True)
    item: Mapped[StudyItem] = relationship()
    ref_id: Mapped[int]  # the lesson
    timeline_id: Mapped[int]
    title: Mapped[str] = mapped_column(sa.String(120))
    in_ms: Mapped[int] = mapped_column(
        default=0
    )  # trim: only [in_ms, length_ms] of the timeline is asked for and counts
    length_ms: Mapped[int]  # where it ends; less than the timeline's length when the end is cut off
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (sa.UniqueConstraint("item_id", "ref_id", "timeline_id"),)

    @property
    def span_ms(self) -> int:
        """How much of it there is to cover."""
        return self.length_ms - self.in_ms


class StudyNeed(Base):
    """An item is complete only for who has passed something else too, such as its test: (`kind`, `ref_id`) of that room."""

    __tablename__ = "study_need"

    item_kind: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    item_ref: Mapped[int] = mapped_column(BigInt, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    ref_id: Mapped[int] = mapped_column(BigInt, primary_key=True)


class StudyProof(Base):
    """A member has passed what an item may need: posted, and taken back, by the room that knows."""

    __tablename__ = "study_proof"

    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    ref_id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    at: Mapped[datetime]


class PlaySession(Base):
    """One member playing one part on one device. The newest session of a member earns; older ones may still deliver.

    The clock of the rule stands in milliseconds since 1970 (`*_ms`), because every claim reads and writes it.
    """

    __tablename__ = "play_session"

    id: Mapped[Id]
    nonce: Mapped[str] = mapped_column(sa.String(16))  # travels inside the signed token beside the id
    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id))
    part_id: Mapped[int] = mapped_column(sa.ForeignKey("study_part.id"))
    policy_id: Mapped[int | None] = mapped_column(sa.ForeignKey("hour_policy.id"))
    opened_at: Mapped[datetime]
    device: Mapped[str] = mapped_column(sa.String(200), default="")
    seen_ms: Mapped[int] = mapped_column(BigInt)  # up to which the budget has accrued
    heard_ms: Mapped[int] = mapped_column(BigInt)  # the last claim
    ended_ms: Mapped[int | None] = mapped_column(BigInt)  # a newer session was opened
    paused_ms: Mapped[int | None] = mapped_column(BigInt)  # since when a presence check stands unanswered
    check_due_ms: Mapped[int | None] = mapped_column(BigInt)  # since when a presence check waits for its answer
    check_left_ms: Mapped[int | None]  # media time until the next presence check; None: never asked
    budget_us: Mapped[int] = mapped_column(BigInt, default=0)  # media microseconds that may be claimed
    wall_ms: Mapped[int] = mapped_column(default=0)  # clock behind that budget, not yet charged to the day
    held: Mapped[list[Any]] = mapped_column(default=list)  # [from_ms, to_ms] claimed, neither covered nor refused yet

    __table_args__ = (sa.Index("ix_play_session_member_part", "member_id", "part_id"),)


class Coverage(Base):
    """What a member has covered of a part, alone or in a group; the union of all claims. Intervals are [from_ms, to_ms]."""

    __tablename__ = "coverage"

    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id), primary_key=True)
    part_id: Mapped[int] = mapped_column(sa.ForeignKey("study_part.id"), primary_key=True)
    mode: Mapped[Mode] = mapped_column(sa.String(10), primary_key=True)
    intervals: Mapped[list[Any]] = mapped_column(default=list)
    refused: Mapped[list[Any]] = mapped_column(default=list)  # [from_ms, to_ms, reason code]
    covered_ms: Mapped[int] = mapped_column(default=0)
    position_ms: Mapped[int] = mapped_column(default=0)
    pass_year: Mapped[int] = mapped_column(
        default=0
    )  # the year this watching began; an item credited then is watched anew in a later year
    updated_at: Mapped[datetime]


class StudyStay(Base):
    """A stretch of presence, by the server's clock, that covered a part: the evidence of what no page had to claim."""

    __tablename__ = "study_stay"

    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id), primary_key=True)
    part_id: Mapped[int] = mapped_column(sa.ForeignKey("study_part.id"), primary_key=True)
    mode: Mapped[Mode] = mapped_column(sa.String(10), primary_key=True)
    from_ms: Mapped[int] = mapped_column(BigInt, primary_key=True)  # milliseconds since 1970
    to_ms: Mapped[int] = mapped_column(BigInt)


class StudyDay(Base):
    """Wall-clock milliseconds already paid to a member on one day, for the daily cap."""

    __tablename__ = "study_day"

    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    wall_ms: Mapped[int] = mapped_column(default=0)


class StudyHourEntry(Base):
    """A line of the ledger, append-only. A correction is a reversing line (`reverses_id`) in the original year.

    `revision` counts the lines of one source, member, year and mode; the unique key below makes posting idempotent.
    """

    __tablename__ = "study_hour_entry"

    id: Mapped[Id]
    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id), index=True)
    year: Mapped[int]
    mode: Mapped[Mode] = mapped_column(sa.String(10))
    category: Mapped[str] = mapped_column(sa.String(30))
    hours_100: Mapped[int]  # negative on a reversing line
    source_kind: Mapped[str] = mapped_column(sa.String(20))
    source_id: Mapped[int]
    title: Mapped[str] = mapped_column(sa.String(120))
    host: Mapped[str] = mapped_column(sa.String(120), default="")
    occurred_on: Mapped[date]
    posted_at: Mapped[datetime]
    org_id: Mapped[int] = mapped_column(sa.ForeignKey(Organization.id))  # the member's branch at that time
    policy_id: Mapped[int | None] = mapped_column(sa.ForeignKey("hour_policy.id"))
    policy: Mapped[dict[str, Any]] = mapped_column(default=dict)  # snapshot
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    revision: Mapped[int] = mapped_column(default=1)
    reverses_id: Mapped[int | None] = mapped_column(sa.ForeignKey("study_hour_entry.id"))
    posted_by: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    note: Mapped[str] = mapped_column(sa.String(400), default="")

    __table_args__ = (
        sa.UniqueConstraint("member_id", "year", "source_kind", "source_id", "mode", "revision"),
        sa.Index("ix_study_hour_entry_member_year", "member_id", "year"),
        # a line is reversed once; partial, because SQLite would look for lines that reverse nothing in it: nearly all
        sa.Index(
            "uq_study_hour_entry_reverses_id",
            "reverses_id",
            unique=True,
            sqlite_where=sa.text("reverses_id IS NOT NULL"),
            postgresql_where=sa.text("reverses_id IS NOT NULL"),
        ),
    )


_reversing = aliased(StudyHourEntry)
STANDS = sa.and_(  # made once: an alias costs more to build than a query with it
    StudyHourEntry.reverses_id.is_(None), ~sa.exists().where(_reversing.reverses_id == StudyHourEntry.id)
)  # a line that neither reverses another one nor was reversed


class ReviewRequest(Base):
    """申请复核: a member asks a person to look at a refused stretch or a missing entry."""

    __tablename__ = "review_request"

    id: Mapped[Id]
    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id), index=True)
    org_id: Mapped[int] = mapped_column(sa.ForeignKey(Organization.id), index=True)
    part_id: Mapped[int | None] = mapped_column(sa.ForeignKey("study_part.id"))
    entry_id: Mapped[int | None] = mapped_column(sa.ForeignKey("study_hour_entry.id"))
    from_ms: Mapped[int | None]
    to_ms: Mapped[int | None]
    words: Mapped[str] = mapped_column(sa.String(400))
    state: Mapped[str] = mapped_column(sa.String(10), default="open")  # open, granted, declined
    answer: Mapped[str] = mapped_column(sa.String(400), default="")
    answered_by: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class HourExemption(Base):
    """免予硬性要求: the member stays in the list and leaves the denominator."""

    __tablename__ = "hour_exemption"

    id: Mapped[Id]
    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id), index=True)
    year: Mapped[int]
    reason: Mapped[str] = mapped_column(sa.String(200))
    approved_by: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    created_at: Mapped[datetime]

    __table_args__ = (sa.UniqueConstraint("member_id", "year"),)


class MemberYear(Base):
    """A member's year: moves in the transaction of each entry. `org_id` is the branch now (or on 31 December)."""

    __tablename__ = "member_year"

    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    org_id: Mapped[int] = mapped_column(sa.ForeignKey(Organization.id))
    group_100: Mapped[int] = mapped_column(default=0)
    online_100: Mapped[int] = mapped_column(default=0)
    required_group_100: Mapped[int] = mapped_column(default=0)
    required_online_100: Mapped[int] = mapped_column(default=0)
    online_counts: Mapped[bool] = mapped_column(default=False)  # toward the group requirement
    exempt: Mapped[bool] = mapped_column(default=False)
    met: Mapped[bool] = mapped_column(default=False)
    counted: Mapped[bool] = mapped_column(default=True)  # a normal member: stands in the branch's figures

    __table_args__ = (sa.Index("ix_member_year_org_year_member", "org_id", "year", "member_id"),)


class OrgYear(Base):
    """Totals of an organisation's whole subtree for a year; marked ones are rebuilt within 60 s, pages say `built_at`."""

    __tablename__ = "org_year"

    org_id: Mapped[int] = mapped_column(sa.ForeignKey(Organization.id), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    members: Mapped[int] = mapped_column(default=0)
    exempt: Mapped[int] = mapped_column(default=0)
    met: Mapped[int] = mapped_column(default=0)
    started: Mapped[int] = mapped_column(default=0)  # members with any hours, those excused apart
    group_100: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    online_100: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    months: Mapped[list[Any]] = mapped_column(default=list)  # twelve [group_100, online_100]
    parent_id: Mapped[int | None] = mapped_column(BigInt, index=True)  # the tree of that year
    built_at: Mapped[datetime | None]


class OrgYearMark(Base):
    """Something of this branch's own members changed: it and everything above it must be added up again.

    Marks are only inserted and taken away by number, so that nobody ever waits for the county's row.
    """

    __tablename__ = "org_year_mark"

    id: Mapped[Id]
    org_id: Mapped[int] = mapped_column(BigInt)
    year: Mapped[int]
