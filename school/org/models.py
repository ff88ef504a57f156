"""Tables of the organisation tree, members, accounts, sign-ins and the audit log."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from school.core.db import Base, Id, plain_text


class OrgType(StrEnum):
    """Kinds of party organisation (党组织)."""

    COMMITTEE = "committee"
    WORK_COMMITTEE = "work_committee"
    GENERAL_BRANCH = "general_branch"
    BRANCH = "branch"
    JOINT_BRANCH = "joint_branch"
    GROUP = "group"


class MemberCategory(StrEnum):
    """人员类别."""

    APPLICANT = "applicant"
    ACTIVIST = "activist"
    CANDIDATE = "candidate"
    PROBATIONARY = "probationary"
    FULL = "full"


class PartyStatus(StrEnum):
    """党籍状态; only NORMAL members stand in a branch's figures."""

    NORMAL = "normal"
    SUSPENDED = "suspended"
    OUT_OF_CONTACT = "out_of_contact"
    MOVED_OUT = "moved_out"
    DECEASED = "deceased"
    LEFT = "left"


class PostType(StrEnum):
    """党内职务 that changes what is required of a member."""

    SECRETARY = "secretary"
    DEPUTY_SECRETARY = "deputy_secretary"
    COMMITTEE_MEMBER = "committee_member"


class Organization(Base):
    """A party organisation. `path` (`001.010.002.`) is derived from the tree and ends with a dot; `code` never changes."""

    __tablename__ = "organization"

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(120))  # in full, as on the seal
    short_name: Mapped[str] = mapped_column(sa.String(60))
    kind: Mapped[OrgType] = mapped_column(sa.String(20))
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    path: Mapped[str] = mapped_column(sa.String(80), unique=True)
    sort_no: Mapped[int] = mapped_column(default=0)
    closed_on: Mapped[date | None]


class OrgClosure(Base):
    """Every ancestor of every organisation, itself included at distance 0."""

    __tablename__ = "org_closure"

    ancestor_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), primary_key=True)
    descendant_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), primary_key=True, index=True)
    distance: Mapped[int]


class OrgTreeLock(Base):
    """One row, taken for update by every move, so that two moves cannot make a circle."""

    __tablename__ = "org_tree_lock"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=0)


class Member(Base):
    """A party member; may have no account. ID number and phone are encrypted, the hash finds duplicates."""

    __tablename__ = "member"

    id: Mapped[Id]
    org_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    org: Mapped[Organization] = relationship()
    name: Mapped[str] = mapped_column(plain_text(40), index=True)
    pinyin: Mapped[str] = mapped_column(plain_text(200), default="", index=True)  # no spaces: wangzhiqiu
    initials: Mapped[str] = mapped_column(plain_text(40), default="", index=True)
    strokes: Mapped[int] = mapped_column(default=0)  # of the surname, for 姓氏笔画 order
    gender: Mapped[int] = mapped_column(default=0)
    ethnicity: Mapped[str] = mapped_column(sa.String(2), default="01")
    birth_date: Mapped[date | None]
    education: Mapped[str] = mapped_column(sa.String(2), default="")
    category: Mapped[MemberCategory] = mapped_column(sa.String(20), default=MemberCategory.FULL)
    join_date: Mapped[date | None]
    full_date: Mapped[date | None]
    post: Mapped[PostType | None] = mapped_column(sa.String(20))
    job: Mapped[str] = mapped_column(sa.String(60), default="")
    id_number_enc: Mapped[bytes | None]
    id_number_hash: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    mobile_enc: Mapped[bytes | None]
    floating: Mapped[bool] = mapped_column(default=False)
    flow_to: Mapped[str] = mapped_column(sa.String(60), default="")
    party_status: Mapped[PartyStatus] = mapped_column(sa.String(20), default=PartyStatus.NORMAL)
    no_presence_check: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]

    __table_args__ = (sa.Index("ix_member_org_status", "org_id", "party_status"),)


class PostHolding(Base):
    """From when until when a member holds a party post; requirements by month read it."""

    __tablename__ = "post_holding"

    id: Mapped[Id]
    member_id: Mapped[int] = mapped_column(sa.ForeignKey("member.id"), index=True)
    post: Mapped[PostType] = mapped_column(sa.String(20))
    since: Mapped[date]
    until: Mapped[date | None]


class MembershipTransfer(Base):
    """A transfer of organisational relation (组织关系转接): history of a member's branches."""

    __tablename__ = "membership_transfer"

    id: Mapped[Id]
    member_id: Mapped[int] = mapped_column(sa.ForeignKey("member.id"), index=True)
    from_org_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"))
    to_org_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"))
    on_date: Mapped[date]
    by_account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))


class Account(Base):
    """Somebody who can sign in; may have no member."""

    __tablename__ = "account"

    id: Mapped[Id]
    login: Mapped[str] = mapped_column(sa.String(60), unique=True)
    mobile_hash: Mapped[str | None] = mapped_column(sa.String(64), unique=True)  # finds the account by phone number
    name: Mapped[str] = mapped_column(sa.String(40))
    member_id: Mapped[int | None] = mapped_column(sa.ForeignKey("member.id"), unique=True)
    member: Mapped[Member | None] = relationship()
    password_hash: Mapped[str] = mapped_column(sa.String(200))
    must_change_password: Mapped[bool] = mapped_column(default=True)
    active: Mapped[bool] = mapped_column(default=True)
    locale: Mapped[str] = mapped_column(sa.String(5), default="zh")
    elder: Mapped[int] = mapped_column(default=0)  # 0 standard, 1 to 3: 长辈版 with larger type
    created_at: Mapped[datetime]


class PasswordUse(Base):
    """A password an account has had, so that the last five cannot come back."""

    __tablename__ = "password_use"

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    password_hash: Mapped[str] = mapped_column(sa.String(200))
    since: Mapped[datetime]


class RoleGrant(Base):
    """A role over an organisation and everything below it."""

    __tablename__ = "role_grant"

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    role: Mapped[str] = mapped_column(sa.String(20))
    org_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    granted_by: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    granted_at: Mapped[datetime]

    __table_args__ = (sa.UniqueConstraint("account_id", "role", "org_id"),)


class SignIn(Base):
    """One signed-in device. Only the SHA-256 of its token is kept."""

    __tablename__ = "sign_in"

    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    device: Mapped[str] = mapped_column(sa.String(200), default="")
    address: Mapped[str] = mapped_column(sa.String(45), default="")
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class SignInFailure(Base):
    """A failed sign-in, counted per account and per address for 15 minutes."""

    __tablename__ = "sign_in_failure"

    id: Mapped[Id]
    login_hash: Mapped[str] = mapped_column(sa.String(64), index=True)
    address: Mapped[str] = mapped_column(sa.String(45), index=True)
    at: Mapped[datetime] = mapped_column(index=True)


class AuditLog(Base):
    """Who did what to what, with the values before and after; written in the transaction of the act, never changed."""

    __tablename__ = "audit_log"

    id: Mapped[Id]
    at: Mapped[datetime] = mapped_column(index=True)
    account_id: Mapped[int | None]
    address: Mapped[str] = mapped_column(sa.String(45), default="")
    event: Mapped[str] = mapped_column(sa.String(60), index=True)
    subject_kind: Mapped[str] = mapped_column(sa.String(30), default="")
    subject_id: Mapped[int | None] = mapped_column(index=True)
    org_id: Mapped[int | None] = mapped_column(index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)  # field -> [before, after]
