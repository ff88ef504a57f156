"""Verbs on organisations, members, posts, accounts and roles. Who may do so was decided by the caller's view."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.crypto import encrypt, id_hash
from school.core.errors import Conflict, Invalid
from school.core.i18n import N_
from school.core.keys import Keys
from school.core.person import Person, Role
from school.core.time import now
from school.org import pinyin, rules, tree
from school.org.audit import record
from school.org.models import (
    Account,
    Member,
    MemberCategory,
    MembershipTransfer,
    Organization,
    OrgType,
    PostHolding,
    PostType,
    RoleGrant,
)


def create_organization(
    s: Session,
    parent: Organization | None,
    code: str,
    name: str,
    short_name: str,
    kind: OrgType,
    sort_no: int = 0,
    *,
    person: Person | None = None,
) -> Organization:
    """A new organisation at the end of its parent's children; `code` is its business code for ever."""
    tree.lock(s)
    if s.scalar(sa.select(Organization.id).where(Organization.code == code)):
        raise Conflict("org.code_taken", N_("代码 %(number)s 已有党组织在用，请核对。"), number=code)
    org = Organization(
        code=code,
        name=name,
        short_name=short_name,
        kind=kind,
        sort_no=sort_no,
        parent_id=parent.id if parent else None,
        path=tree.free_path(s, parent),
    )
    s.add(org)
    s.flush()
    tree.add(s, org)
    record(s, person, "org.create", ("organization", org.id), org.id, code=code, name=name, path=org.path)
    return org


def move_organization(s: Session, person: Person | None, org: Organization, parent: Organization) -> None:
    """Change what `org` belongs to (隶属关系), with everything below it. Raises Conflict(`org.circle`)."""
    before = (org.parent_id, org.path)
    tree.move(s, org, parent)
    record(
        s, person, "org.move", ("organization", org.id), org.id,
        parent_id=(before[0], org.parent_id), path=(before[1], org.path),
    )  # fmt: skip


def create_member(
    s: Session,
    org: Organization,
    name: str,
    *,
    keys: Keys,
    id_number: str = "",
    mobile: str = "",
    gender: int = 0,
    birth_date: date | None = None,
    category: MemberCategory = MemberCategory.FULL,
    person: Person | None = None,
    **facts: object,
) -> Member:
    """A new member of `org`; `facts` are further columns of Member. Gender and birth come from the ID number when absent.

    Raises Conflict(`member.duplicate`) when the ID number is known already: then a transfer is what is wanted.
    """
    name = rules.normalise_name(name)
    spelled, initials = pinyin.spell(name)
    member = Member(
        org_id=org.id,
        name=name,
        pinyin=spelled,
        initials=initials,
        strokes=pinyin.strokes(name),
        gender=gender,
        birth_date=birth_date,
        category=category,
        created_at=now(),
        **facts,
    )
    if id_number:
        checked = rules.parse_id_number(id_number)
        member.id_number_enc = encrypt(keys, checked.text)
        member.id_number_hash = id_hash(keys, checked.text)
        member.gender = gender or checked.gender
        member.birth_date = birth_date or checked.born
        _refuse_duplicate(s, member.id_number_hash)
    if mobile:
        member.mobile_enc = encrypt(keys, rules.normalise_login(mobile))
    s.add(member)
    s.flush()
    record(s, person, "member.create", ("member", member.id), org.id, name=name)
    return member


def _refuse_duplicate(s: Session, number_hash: str) -> None:
    known = s.scalar(sa.select(Member).where(Member.id_number_hash == number_hash))
    if known is not None:
        branch = s.get_one(Organization, known.org_id)
        raise Conflict(
            "member.duplicate",
            N_("这个公民身份号码已经登记在%(branch)s。如果是同一位同志，请办理组织关系转接，不要重复登记。"),
            branch=branch.short_name,
        )


def transfer_member(
    s: Session, person: Person | None, member: Member, to: Organization, on: date
) -> MembershipTransfer:
    """Transfer the organisational relation (组织关系转接); posts held in the old branch end that day."""
    if to.id == member.org_id:
        raise Invalid("transfer.same", N_("这位同志已经在这个党支部，不用转接。"))
    if to.kind not in {OrgType.BRANCH, OrgType.JOINT_BRANCH}:
        raise Invalid("transfer.kind", N_("组织关系要转到党支部。请选择一个党支部。"))
    transfer = MembershipTransfer(
        member_id=member.id,
        from_org_id=member.org_id,
        to_org_id=to.id,
        on_date=on,
        by_account_id=person.account_id if person else None,
    )
    s.add(transfer)
    end_posts(s, person, member, on)
    record(s, person, "member.transfer", ("member", member.id), to.id, branch=(member.org_id, to.id), on=on)
    member.org_id = to.id
    s.flush()
    return transfer


def hold_post(s: Session, person: Person | None, member: Member, post: PostType, since: date) -> PostHolding:
    """Give a party post (党内职务) from `since` on; the one held until then ends that day."""
    before = member.post
    end_posts(s, person, member, since)
    holding = PostHolding(member_id=member.id, post=post, since=since)
    member.post = post
    s.add(holding)
    record(s, person, "post.hold", ("member", member.id), member.org_id, post=(before, post), since=since)
    s.flush()
    return holding


def end_posts(s: Session, person: Person | None, member: Member, on: date) -> None:
    """End what posts the member holds on `on`; the first day without them."""
    held = s.scalars(
        sa.select(PostHolding).where(PostHolding.member_id == member.id, PostHolding.until.is_(None))
    ).all()
    for holding in held:
        holding.until = on
        record(s, person, "post.end", ("member", member.id), member.org_id, post=(holding.post, None), until=on)
    member.post = None


def mobile_hash(keys: Keys, mobile: str) -> str:
    """The keyed hash by which an account is found from a phone number; of another kind than that of ID numbers."""
    return id_hash(keys, f"mobile:{rules.normalise_login(mobile)}")


def create_account(
    s: Session,
    login: str,
    password_hash: str,
    name: str,
    member: Member | None = None,
    roles: Iterable[tuple[Role, Organization]] = (),
    must_change: bool = True,
    *,
    mobile_hash: str | None = None,
    person: Person | None = None,
) -> Account:
    """An account with its roles. `password_hash` is made beforehand by `passwords.hash_password`, outside the transaction."""
    login = rules.normalise_login(login)
    taken = sa.select(Account.id).where(
        (Account.login == login) | (Account.mobile_hash == mobile_hash) if mobile_hash else Account.login == login
    )
    if s.scalar(taken.limit(1)):
        raise Conflict("account.taken", N_("账号 %(login)s 或这个手机号已经有人用了，请换一个。"), login=login)
    account = Account(
        login=login,
        mobile_hash=mobile_hash,
        name=name,
        member_id=member.id if member else None,
        password_hash=password_hash,
        must_change_password=must_change,
        created_at=now(),
    )
    s.add(account)
    s.flush()
    record(s, person, "account.create", ("account", account.id), member.org_id if member else None, login=login)
    for role, org in roles:
        grant(s, person, account, role, org)
    return account


def grant(s: Session, person: Person | None, account: Account, role: Role, org: Organization) -> RoleGrant:
    """Give `account` a role over `org` and everything below it; giving it again changes nothing."""
    held = s.scalar(_held(account, role, org))
    if held is not None:
        return held
    given = RoleGrant(
        account_id=account.id,
        role=role.value,
        org_id=org.id,
        granted_by=person.account_id if person else None,
        granted_at=now(),
    )
    s.add(given)
    s.flush()
    record(s, person, "role.grant", ("account", account.id), org.id, role=(None, role))
    return given


def _held(account: Account, role: Role, org: Organization) -> sa.Select[RoleGrant]:
    return sa.select(RoleGrant).where(
        RoleGrant.account_id == account.id, RoleGrant.role == role.value, RoleGrant.org_id == org.id
    )


def revoke(s: Session, person: Person | None, account: Account, role: Role, org: Organization) -> None:
    """Take a role away; the next request of the account goes without it."""
    held = s.scalar(_held(account, role, org))
    if held is not None:
        s.delete(held)
        s.flush()
        record(s, person, "role.revoke", ("account", account.id), org.id, role=(role, None))


def keep_view(s: Session, person: Person, *, locale: str | None = None, elder: int | None = None) -> None:
    """Keep with the account how its pages look; None leaves as it is."""
    wish = {"locale": locale, "elder": elder}
    values = {field: value for field, value in wish.items() if value is not None}
    s.execute(sa.update(Account).where(Account.id == person.account_id).values(**values))
