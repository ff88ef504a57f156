"""The cast of the tests: a county, two branches of one town, and one account for each role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache

from sqlalchemy.orm import Session

from school.core.db import Database
from school.core.person import Person, Role
from school.org import queries
from school.org.models import Account, Member, Organization, OrgClosure, OrgType, RoleGrant
from school.org.passwords import hash_password

PASSWORD = "Qinghe-tests-2026"
SINCE = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)


@cache
def password_hash() -> str:
    return hash_password(PASSWORD)


@dataclass(frozen=True)
class Actor:
    """An account of the cast; `member_id` and `org_id` are 0 for an account without a member."""

    login: str
    name: str
    account_id: int
    member_id: int
    org_id: int
    person: Person


@dataclass(frozen=True)
class Cast:
    """青禾县 → 石桥镇 → 河东村支部 (member, secretary) and 河西村支部 (outsider); the others work for the county."""

    county_id: int
    town_id: int
    branch_id: int
    other_branch_id: int
    member: Actor
    secretary: Actor
    outsider: Actor
    trainer: Actor
    reviewer: Actor
    admin: Actor
    sysadmin: Actor

    def __getitem__(self, name: str) -> Actor:
        actor: Actor = getattr(self, name)
        return actor


def _organization(s: Session, above: list[Organization], number: int, short_name: str, kind: OrgType) -> Organization:
    """An organisation below `above` (the topmost first)."""
    path = (above[-1].path if above else "") + f"{number:03}."
    made = Organization(
        code=path.replace(".", ""), name=f"中共{short_name}{'委员会' if kind == OrgType.COMMITTEE else '支部委员会'}",
        short_name=short_name, kind=kind, parent_id=above[-1].id if above else None, path=path, sort_no=number,
    )  # fmt: skip
    s.add(made)
    s.flush()
    for distance, ancestor in enumerate(reversed([*above, made])):
        s.add(OrgClosure(ancestor_id=ancestor.id, descendant_id=made.id, distance=distance))
    return made


def _actor(s: Session, login: str, name: str, branch: Organization | None, *roles: tuple[Role, Organization]) -> Actor:
    member = None
    if branch is not None:
        member = Member(org_id=branch.id, name=name, join_date=date(2015, 7, 1), created_at=SINCE)
        s.add(member)
        s.flush()
    account = Account(
        login=login, name=name, member_id=member.id if member else None, password_hash=password_hash(),
        must_change_password=False, created_at=SINCE,
    )  # fmt: skip
    s.add(account)
    s.flush()
    for role, org in roles:
        s.add(RoleGrant(account_id=account.id, role=role, org_id=org.id, granted_at=SINCE))
    s.flush()
    person = queries.person_of(s, account)
    return Actor(login, name, account.id, member.id if member else 0, branch.id if branch else 0, person)


def build(db: Database) -> Cast:
    """Write the cast into an empty database."""
    with db.write() as s:
        county = _organization(s, [], 1, "青禾县", OrgType.COMMITTEE)
        town = _organization(s, [county], 1, "石桥镇", OrgType.COMMITTEE)
        east = _organization(s, [county, town], 1, "河东村", OrgType.BRANCH)
        west = _organization(s, [county, town], 2, "河西村", OrgType.BRANCH)
        return Cast(
            county_id=county.id,
            town_id=town.id,
            branch_id=east.id,
            other_branch_id=west.id,
            member=_actor(s, "member", "王建国", east, (Role.LEARNER, east)),
            secretary=_actor(s, "secretary", "李秀兰", east, (Role.LEARNER, east), (Role.BRANCH_SECRETARY, east)),
            outsider=_actor(s, "outsider", "阿依古丽·买买提", west, (Role.LEARNER, west)),
            trainer=_actor(s, "trainer", "周明远", None, (Role.TRAINER, county)),
            reviewer=_actor(s, "reviewer", "陈静", None, (Role.REVIEWER, county)),
            admin=_actor(s, "admin", "马文华", None, (Role.ORG_ADMIN, county)),
            sysadmin=_actor(s, "sysadmin", "赵磊", None, (Role.SYSADMIN, county)),
        )
