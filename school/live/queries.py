"""Read side of the schedule: what is on, announced and over for a person, a class with its facts, and what waits."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.person import Person, Role
from school.live.access import below
from school.live.models import LiveAudience
from school.org.models import Account, Organization, RoleGrant

CHOICES = 400


def audience(s: Session, class_id: int) -> Sequence[Organization]:
    """The subtrees a class is for, in their own order; none: everyone."""
    return s.scalars(
        sa.select(Organization)
        .join(LiveAudience, LiveAudience.org_id == Organization.id)
        .where(LiveAudience.class_id == class_id)
        .order_by(Organization.path)
    ).all()


def hosts(s: Session, person: Person) -> Sequence[Organization]:
    """The organisations this person may hold classes for: where they are a trainer."""
    ids = {grant.org_id for grant in person.grants if grant.role is Role.TRAINER}
    return s.scalars(sa.select(Organization).where(Organization.id.in_(ids)).order_by(Organization.path)).all()


def audience_choices(s: Session, person: Person, only: Sequence[int] | None = None) -> Sequence[Organization]:
    """The organisations below this person's hosts that a class may be meant for; `only` looks at these alone."""
    wanted = sa.select(Organization).where(
        below(Organization.path, person.scopes(Role.TRAINER)), Organization.closed_on.is_(None)
    )
    if only is not None:
        return s.scalars(wanted.where(Organization.id.in_(only))).all()
    return s.scalars(wanted.order_by(Organization.path).limit(CHOICES)).all()


def helpers(s: Session, person: Person, host: str) -> Sequence[Account]:
    """The colleagues who may help in a class of the organisation at path `host`: its other trainers, above and below."""
    above = [host[: i + 1] for i, sign in enumerate(host) if sign == "."]
    return s.scalars(
        sa.select(Account)
        .where(
            Account.active.is_(True),
            Account.id != person.account_id,
            Account.id.in_(
                sa.select(RoleGrant.account_id)
                .join(Organization, Organization.id == RoleGrant.org_id)
                .where(
                    RoleGrant.role == Role.TRAINER,
                    sa.or_(Organization.path.in_(above), Organization.path.startswith(host, autoescape=True)),
                )
            ),
        )
        .order_by(Account.name, Account.id)
        .limit(CHOICES)
    ).all()
