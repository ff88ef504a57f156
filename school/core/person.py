"""Who is asking: a value made at the edge and passed down, so that permission is never a side effect."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from school.core.errors import NotAllowed, SignInNeeded
from school.core.i18n import N_


class Role(StrEnum):
    """What an account may be; each is granted for one organisation and everything below it."""

    LEARNER = "learner"
    TRAINER = "trainer"
    REVIEWER = "reviewer"
    BRANCH_SECRETARY = "branch_secretary"
    ORG_ADMIN = "org_admin"
    SYSADMIN = "sysadmin"


ROLES = {
    Role.LEARNER: N_("学员"),
    Role.TRAINER: N_("授课教师"),
    Role.REVIEWER: N_("内容审核人员"),
    Role.BRANCH_SECRETARY: N_("支部书记"),
    Role.ORG_ADMIN: N_("党组织管理员"),
    Role.SYSADMIN: N_("系统管理员"),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """One role over the subtree whose paths begin with `path` (paths end with a dot)."""

    role: Role
    org_id: int
    path: str


@dataclass(frozen=True, slots=True)
class Person:
    """The signed-in person of this request. `org_*` is the member's own branch; None for an account without member."""

    account_id: int
    name: str
    grants: tuple[Grant, ...] = ()
    member_id: int | None = None
    org_id: int | None = None
    org_path: str | None = None
    org_name: str | None = None
    locale: str = "zh"
    elder: int = 0
    must_change_password: bool = False
    address: str = ""  # of the network, for the audit log

    def has(self, *roles: Role) -> bool:
        """Whether any of `roles` is held anywhere."""
        return any(grant.role in roles for grant in self.grants)

    def scopes(self, *roles: Role) -> tuple[str, ...]:
        """Path prefixes over which any of `roles` is held."""
        return tuple(grant.path for grant in self.grants if grant.role in roles)

    def holds(self, path: str, *roles: Role) -> bool:
        """Whether any of `roles` covers the organisation at `path`."""
        return any(path.startswith(scope) for scope in self.scopes(*roles))


def signed_in(person: Person | None) -> Person:
    """`person`, or SignInNeeded; NotAllowed(`person.first_password`) while a first password waits to be changed."""
    if person is None:
        raise SignInNeeded("person.sign_in", N_("请先登录。"))
    if person.must_change_password:
        raise NotAllowed("person.first_password", N_("这是初始密码，请先换成自己的密码，再继续使用。"))
    return person


def require(person: Person | None, *roles: Role, path: str | None = None) -> Person:
    """The person when one of `roles` is held (over `path` when given), else SignInNeeded or NotAllowed."""
    person = signed_in(person)
    if person.has(*roles) if path is None else person.holds(path, *roles):
        return person
    raise NotAllowed(
        "person.role",
        N_("这里的内容不在您的职责范围内。需要办理时，请联系您所在党组织的管理员。"),
        roles=[role.value for role in roles],
    )


def require_member(person: Person | None) -> tuple[Person, int]:
    """The person and their member id; an account without a member has no training file."""
    person = signed_in(person)
    if person.member_id is None:
        raise NotAllowed("person.member", N_("这个账号没有对应的党员，没有学习档案。请用党员本人的账号登录。"))
    return person, person.member_id
