"""How far an audience or a duty reaches down the tree: subtrees by path, who lies in them, and what a trainer may choose."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from school.core.errors import Invalid
from school.core.i18n import N_
from school.core.person import Person, Role
from school.org.models import Account, Organization, RoleGrant

CHOICES = 400  # organisations offered in a list

Told = TypeVar("Told", bool, sa.ColumnElement[bool])  # of one person and one thing, or in a statement about many


def prefixes(path: str) -> list[str]:
    """`001.010.002.` → `001.`, `001.010.`, `001.010.002.`."""
    pieces = path.split(".")[:-1]
    return [".".join(pieces[: i + 1]) + "." for i in range(len(pieces))]


def below(path: InstrumentedAttribute[str], scopes: Sequence[str]) -> sa.ColumnElement[bool]:
    """Whether an organisation's path lies in one of the subtrees."""
    return sa.or_(sa.false(), *(path.startswith(scope, autoescape=True) for scope in scopes))


def places(person: Person) -> list[str]:
    """Paths of every subtree that holds one of the person's places: their branch, or where they hold a role."""
    held = {path for path in (person.org_path, *(grant.path for grant in person.grants)) if path}
    return sorted({prefix for place in held for prefix in prefixes(place)})


def takes_in(audience: sa.Select[Any], org_id: InstrumentedAttribute[int], person: Person) -> sa.ColumnElement[bool]:
    """Whether an audience (its rows, each naming a subtree by `org_id`) takes the person in.

    It does when it names nobody, or a subtree that holds one of their places.
    """
    return names(audience, org_id, places(person))


def names(
    audience: sa.Select[Any], org_id: InstrumentedAttribute[int], known: Sequence[str] | sa.BindParameter[Any]
) -> sa.ColumnElement[bool]:
    """`takes_in` for whoever has the `places` known; given as a parameter, the statement is the same for everybody."""
    named = audience.join(Organization, Organization.id == org_id).where(Organization.path.in_(known))
    return sa.or_(~audience.exists(), named.exists())


def may_know(*, own: Told, given: Told, invited: Told, handed_in: Told, overseen: Told) -> Told:
    """Whether a person may know of what is offered to an audience: the one rule, for values and for columns.

    Whose own it is; whom it is for, once it is given; who oversees its host, once it was handed in to review.
    """
    return own | (given & invited) | (handed_in & overseen)


def hosts(s: Session, person: Person) -> Sequence[Organization]:
    """The organisations in whose name this person may teach: where they are a trainer."""
    ids = {grant.org_id for grant in person.grants if grant.role is Role.TRAINER}
    return s.scalars(sa.select(Organization).where(Organization.id.in_(ids)).order_by(Organization.path)).all()


def audiences(s: Session, person: Person) -> Sequence[Organization]:
    """The organisations below this person's hosts that they may teach, down to the branches; at most CHOICES."""
    wanted = sa.select(Organization).where(_taught(person))
    return s.scalars(wanted.order_by(Organization.path).limit(CHOICES)).all()


def may_teach(s: Session, person: Person, org_ids: Collection[int]) -> bool:
    """Whether every one of the organisations is open and lies below one of this person's hosts."""
    wanted = sa.select(sa.func.count()).where(Organization.id.in_(org_ids), _taught(person))
    return s.scalars(wanted).one() == len(set(org_ids))


def set_audience(
    s: Session, person: Person, table: type[Any], owner: dict[str, int], org_ids: Collection[int], code: str
) -> dict[str, Any]:
    """Make the rows of `table` (an `org_id` each) of `owner` (column: id) name exactly `org_ids`; what changed, for the audit log.

    Invalid (`code`) when one that is new lies below none of this person's hosts.
    """
    before, after = sorted(s.scalars(sa.select(table.org_id).filter_by(**owner))), sorted(set(org_ids))
    if before == after:
        return {}
    if not may_teach(s, person, set(after) - set(before)):
        raise Invalid(code, N_("对象里有不在您讲课范围内的党组织。请从列表里重新选择。"))
    s.execute(sa.delete(table).filter_by(**owner))
    s.add_all(table(**owner, org_id=org_id) for org_id in after)
    return {"audience": (before, after)}


def colleagues(s: Session, person: Person, host: str) -> Sequence[Account]:
    """Who may help this person in the name of the organisation at path `host`: its other trainers, above and below."""
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
                    sa.or_(Organization.path.in_(prefixes(host)), Organization.path.startswith(host, autoescape=True)),
                )
            ),
        )
        .order_by(Account.name, Account.id)
        .limit(CHOICES)
    ).all()


def _taught(person: Person) -> sa.ColumnElement[bool]:
    return sa.and_(below(Organization.path, person.scopes(Role.TRAINER)), Organization.closed_on.is_(None))
