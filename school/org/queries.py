"""Read side of the org room: organisations, the tree above and below them, and who an account is."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import NotFound
from school.core.i18n import N_
from school.core.person import Grant, Person, Role
from school.org.models import Account, Member, Organization, OrgClosure, PartyStatus, PostType, RoleGrant


def organization(s: Session, org_id: int) -> Organization:
    """The organisation, or NotFound."""
    found = s.get(Organization, org_id)
    if found is None:
        raise NotFound("org.missing", N_("没有这个党组织，可能已经撤销或合并。"))
    return found


def by_code(s: Session, code: str) -> Organization:
    """The organisation with this business code, or NotFound."""
    found = s.scalar(sa.select(Organization).where(Organization.code == code))
    if found is None:
        raise NotFound("org.code_missing", N_("没有代码为 %(number)s 的党组织，请核对代码。"), number=code)
    return found


def children(s: Session, org_id: int) -> Sequence[Organization]:
    """The organisations directly below, in their own order; closed ones are left out."""
    return s.scalars(
        sa.select(Organization)
        .where(Organization.parent_id == org_id, Organization.closed_on.is_(None))
        .order_by(Organization.sort_no, Organization.path)
    ).all()


def ancestors(s: Session, org_id: int) -> Sequence[Organization]:
    """The organisations above, the topmost first, without itself."""
    return s.scalars(
        sa.select(Organization)
        .join(OrgClosure, OrgClosure.ancestor_id == Organization.id)
        .where(OrgClosure.descendant_id == org_id, OrgClosure.distance > 0)
        .order_by(OrgClosure.distance.desc())
    ).all()


def covers(s: Session, ancestor_id: int, org_id: int) -> bool:
    """Whether `org_id` is `ancestor_id` or lies below it."""
    return s.get(OrgClosure, (ancestor_id, org_id)) is not None


def secretary_of(s: Session, org_id: int) -> Member | None:
    """The branch's secretary; None while the post is vacant."""
    return s.scalar(
        sa.select(Member)
        .where(Member.org_id == org_id, Member.post == PostType.SECRETARY, Member.party_status == PartyStatus.NORMAL)
        .limit(1)
    )


def person_of(s: Session, account: Account) -> Person:
    """The account as a permission value, with its roles and its member's branch."""
    branch = s.execute(
        sa.select(Organization.id, Organization.path, Organization.name)
        .join(Member, Member.org_id == Organization.id)
        .where(Member.id == account.member_id)
    ).one_or_none()
    grants = s.execute(
        sa.select(RoleGrant.role, RoleGrant.org_id, Organization.path)
        .join(Organization, Organization.id == RoleGrant.org_id)
        .where(RoleGrant.account_id == account.id)
        .order_by(RoleGrant.id)
    )
    return Person(
        account_id=account.id,
        name=account.name,
        grants=tuple(Grant(Role(role), org_id, path) for role, org_id, path in grants),
        member_id=account.member_id,
        org_id=branch.id if branch else None,
        org_path=branch.path if branch else None,
        org_name=branch.name if branch else None,
        locale=account.locale,
        elder=account.elder,
        must_change_password=account.must_change_password,
    )
