"""Signing in and out: limits on failures, devices that stay signed in, and changing one's password.

These verbs take the database instead of a session, because hashing must happen between two transactions, not inside one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from school.core.db import Database
from school.core.errors import Invalid, TooMany, Unavailable
from school.core.i18n import N_
from school.core.keys import Keys
from school.core.person import Grant, Person, Role
from school.core.time import now
from school.org import passwords, rules
from school.org.audit import record
from school.org.models import Account, Member, Organization, PasswordUse, RoleGrant, SignIn, SignInFailure
from school.org.service import mobile_hash

WINDOW = timedelta(minutes=rules.FAILURE_MINUTES)
BORROWED = timedelta(hours=12)  # how long an unused sign-in lasts on a device that is not one's own
TOUCH = timedelta(hours=1)  # a sign-in in use is written down at most this often


@dataclass(frozen=True, slots=True)
class Device:
    """Where somebody signs in from: what the browser calls itself, and the network address."""

    name: str
    address: str


def token_hash(token: str) -> str:
    """The form in which the database knows a token."""
    return hashlib.sha256(token.encode()).hexdigest()


# ---- signing in


def sign_in(db: Database, keys: Keys, login: str, password: str, device: Device, lasts: timedelta) -> str:
    """A new token for the account; `lasts` is how long it may lie unused.

    Raises Invalid(`sign_in.wrong`) with `left`, the tries that remain, or TooMany with `seconds`. Both are the same,
    and take as long, for an account that does not exist.
    """
    login = rules.normalise_login(login)
    mark = _mark(login)
    try_id = _note_try(db, mark, device.address)
    with db.read() as s:
        account = s.execute(
            sa.select(Account.id, Account.name, Account.password_hash).where(
                (Account.login == login) | (Account.mobile_hash == mobile_hash(keys, login)), Account.active
            )
        ).first()
    right = passwords.check(password, account.password_hash if account else passwords.DECOY)
    if account is None or not right:
        raise _wrong(db, mark, try_id, account.id if account else None, device)
    fresh = passwords.hash_password(password) if passwords.outdated(account.password_hash) else None
    token = secrets.token_urlsafe(32)
    with db.write() as s:
        _refuse_beyond_limits(s, mark, device.address, try_id)  # tries that ran beside this one count as well
        if s.scalar(_unchanged(account.id, account.password_hash)) is not None:
            s.execute(sa.delete(SignInFailure).where(SignInFailure.login_hash == mark))
            at = now()
            s.add(
                SignIn(
                    token_hash=token_hash(token),
                    account_id=account.id,
                    device=device.name[:200],
                    address=device.address,
                    created_at=at,
                    seen_at=at,
                    expires_at=at + lasts,
                )
            )
            if fresh:
                s.execute(sa.update(Account).where(Account.id == account.id).values(password_hash=fresh))
            person = Person(account.id, account.name, address=device.address)
            record(s, person, "sign_in", ("account", account.id), device=device.name[:200])
            return token
    raise _wrong(db, mark, try_id, account.id, device)


def _unchanged(account_id: int, password_hash: str) -> sa.Select[int]:
    """The account's id, its row held, if its password is still the one that was looked at before this transaction."""
    same = sa.select(Account.id).where(Account.id == account_id, Account.password_hash == password_hash, Account.active)
    return same.with_for_update(key_share=True)


def _mark(login: str) -> str:
    """Under what failures of an account are counted, whether or not it exists."""
    return hashlib.sha256(f"login:{login}".encode()).hexdigest()


def _note_try(db: Database, mark: str, address: str) -> int:
    """Write a failure down before looking at the password, so that many tries at once are counted; its id.

    A success takes it back. Tries beyond the limit are refused here and not counted, so that waiting always helps.
    """
    with db.write() as s:
        attempt = SignInFailure(login_hash=mark, address=address, at=now())
        s.add(attempt)
        s.flush()
        _refuse_beyond_limits(s, mark, address, attempt.id)
        return attempt.id


_same_account = SignInFailure.login_hash == sa.bindparam("mark")
_same_address = SignInFailure.address == sa.bindparam("address")
_EARLIER = sa.select(
    sa.func.count().filter(_same_account),
    sa.func.min(SignInFailure.at).filter(_same_account),
    sa.func.count().filter(_same_address),
    sa.func.min(SignInFailure.at).filter(_same_address),
).where(_same_account | _same_address, SignInFailure.id < sa.bindparam("id"), SignInFailure.at > sa.bindparam("since"))


def _refuse_beyond_limits(s: Session, mark: str, address: str, try_id: int) -> None:
    """TooMany when as many failures as are allowed came before this try in the last 15 minutes."""
    at = now()
    known = {"mark": mark, "address": address, "id": try_id, "since": at - WINDOW}
    by_account, first_of_account, by_address, first_of_address = s.execute(_EARLIER, known).one()
    for count, first, most in (
        (by_account, first_of_account, rules.FAILURES_PER_ACCOUNT),
        (by_address, first_of_address, rules.FAILURES_PER_ADDRESS),
    ):
        if count >= most:
            wait = first + WINDOW - at
            raise TooMany(
                "sign_in.locked",
                N_("试的次数太多，为了安全先停一停。请过 %(minutes)s 分钟再试，或联系支部书记重设密码。"),
                minutes=max(1, -(-int(wait.total_seconds()) // 60)),
                seconds=max(1, int(wait.total_seconds())),
            )


def _wrong(db: Database, mark: str, try_id: int, account_id: int | None, device: Device) -> Invalid:
    with db.write() as s:
        _refuse_beyond_limits(s, mark, device.address, try_id)
        failures = s.scalar(
            sa.select(sa.func.count()).where(SignInFailure.login_hash == mark, SignInFailure.at > now() - WINDOW)
        )
        record(
            s, None, "sign_in.failed", ("account", account_id),
            address=device.address, device=device.name[:200],
        )  # fmt: skip
    left = max(0, rules.FAILURES_PER_ACCOUNT - (failures or 0))
    if left == 0:
        return Invalid(
            "sign_in.wrong",
            N_("账号和密码对不上。为了安全，请过 %(minutes)s 分钟再试，或联系支部书记重设密码。"),
            left=0, minutes=rules.FAILURE_MINUTES,
        )  # fmt: skip
    return Invalid(
        "sign_in.wrong",
        N_("账号和密码对不上。还可以试 %(left)s 次，之后要等 %(minutes)s 分钟。"),
        left=left, minutes=rules.FAILURE_MINUTES,
    )  # fmt: skip


# ---- being signed in

_branch, _scope = aliased(Organization), aliased(Organization)
_HELD = (
    sa.select(
        SignIn.token_hash, SignIn.id, SignIn.seen_at, SignIn.expires_at,
        Account.id, Account.name, Account.locale, Account.elder, Account.must_change_password,
        Account.member_id, _branch.id, _branch.path, _branch.name,
        RoleGrant.role, RoleGrant.org_id, _scope.path,
    )
    .join(Account, Account.id == SignIn.account_id)
    .outerjoin(Member, Member.id == Account.member_id)
    .outerjoin(_branch, _branch.id == Member.org_id)
    .outerjoin(RoleGrant, RoleGrant.account_id == Account.id)
    .outerjoin(_scope, _scope.id == RoleGrant.org_id)
    .where(Account.active)
    .order_by(RoleGrant.id)
)  # fmt: skip
_BY_ONE = _HELD.where(SignIn.token_hash == sa.bindparam("token_hash"))
_BY_MANY = _HELD.where(SignIn.token_hash.in_(sa.bindparam("hashes", expanding=True)))


def person_of_token(db: Database, token: str, address: str) -> Person | None:
    """Who holds this token, in one query; None when it has ended. Using it moves its end on, written once an hour."""
    with db.engine.connect() as connection:  # every request asks this; a session would cost more than the query
        rows: Sequence[Any] = connection.execute(_BY_ONE, {"token_hash": token_hash(token)}).all()
    if not rows:
        return None
    sign_in_id, seen_at, expires_at = rows[0][1:4]
    at = now()
    if expires_at <= at:
        return None
    if at - seen_at > TOUCH:
        _touch(db, sign_in_id, at, at + (expires_at - seen_at))
    return _person(rows, address)


def people_of_tokens(s: Session, addresses: Mapping[str, str]) -> dict[str, Person]:
    """Who holds the tokens of these hashes (each with the network address it came from), by hash; one query.

    Those that have ended are left out. This is no use that moves an end on.
    """
    held: dict[str, list[Any]] = {}
    for row in s.execute(_BY_MANY, {"hashes": list(addresses)}):
        held.setdefault(row[0], []).append(row)
    at = now()
    return {mark: _person(own, addresses[mark]) for mark, own in held.items() if own[0].expires_at > at}


def _person(rows: Sequence[Any], address: str) -> Person:
    """The account of one token's rows, which differ in the role alone."""
    (
        _, _, _, _, account_id, name, locale, elder, must_change, member_id, org_id, org_path, org_name, *_,
    ) = rows[0]  # fmt: skip
    return Person(
        account_id=account_id,
        name=name,
        grants=tuple(Grant(Role(role), scope_id, path) for *_, role, scope_id, path in rows if role),
        member_id=member_id,
        org_id=org_id,
        org_path=org_path,
        org_name=org_name,
        locale=locale,
        elder=elder,
        must_change_password=must_change,
        address=address,
    )


def _touch(db: Database, sign_in_id: int, seen_at: datetime, expires_at: datetime) -> None:
    try:
        with db.write(patience=0.5) as s:
            s.execute(sa.update(SignIn).where(SignIn.id == sign_in_id).values(seen_at=seen_at, expires_at=expires_at))
    except Unavailable:
        pass  # the next request will; nobody is sent away because the database is busy


def devices(s: Session, account_id: int) -> Sequence[SignIn]:
    """Where the account is signed in now, the last used first."""
    return s.scalars(
        sa.select(SignIn)
        .where(SignIn.account_id == account_id, SignIn.expires_at > now())
        .order_by(SignIn.seen_at.desc(), SignIn.id.desc())
    ).all()


# ---- signing out


def sign_out(s: Session, person: Person, token: str) -> None:
    """End this device's sign-in; the token is worth nothing from now on."""
    s.execute(sa.delete(SignIn).where(SignIn.token_hash == token_hash(token)))
    record(s, person, "sign_out", ("account", person.account_id))


def sign_out_device(s: Session, person: Person, sign_in_id: int) -> None:
    """End one other sign-in of the person's own account; one that is gone or another's changes nothing."""
    held = s.get(SignIn, sign_in_id)
    if held is not None and held.account_id == person.account_id:
        s.delete(held)
        record(s, person, "sign_out", ("account", person.account_id), device=held.device)


def forget_old(db: Database) -> None:
    """Clear away sign-ins that have ended and failures that no longer count."""
    with db.write() as s:
        s.execute(sa.delete(SignIn).where(SignIn.expires_at <= now()))
        s.execute(sa.delete(SignInFailure).where(SignInFailure.at <= now() - WINDOW))


def sign_out_everywhere(s: Session, person: Person, account_id: int, keep: str | None = None) -> int:
    """End every sign-in of the account but that of the token `keep`; how many there were."""
    ended = sa.select(SignIn.id).where(SignIn.account_id == account_id)
    if keep is not None:
        ended = ended.where(SignIn.token_hash != token_hash(keep))
    ids = s.scalars(ended).all()
    s.execute(sa.delete(SignIn).where(SignIn.id.in_(ids)))
    record(s, person, "sign_out.everywhere", ("account", account_id), devices=len(ids))
    return len(ids)


# ---- the password


def change_password(db: Database, person: Person, old: str | None, new: str, keep: str) -> None:
    """Change one's own password; every other device is signed out, the one with the token `keep` stays.

    `old` may be None for a first password: it was typed at the sign-in just before. Raises Invalid with what
    `rules.check_new_password` says, `password.old` or `password.used`; TooMany when `old` was guessed too often.
    """
    with db.read() as s:
        account = s.get_one(Account, person.account_id)
        used = s.scalars(
            sa.select(PasswordUse.password_hash)
            .where(PasswordUse.account_id == account.id)
            .order_by(PasswordUse.id.desc())
            .limit(rules.PASSWORDS_KEPT - 1)
        ).all()
    admin = person.has(Role.ORG_ADMIN, Role.SYSADMIN)
    rules.check_new_password(new, admin=admin, login=account.login, name=account.name)
    if old is not None or not account.must_change_password:
        _check_old(db, account, old or "", person.address)
    if any(passwords.check(new, each) for each in (account.password_hash, *used)):
        raise Invalid(
            "password.used", N_("这个密码以前用过。请换一个和最近 %(kept)s 个都不同的。"), kept=rules.PASSWORDS_KEPT
        )
    fresh = passwords.hash_password(new)
    with db.write() as s:
        if s.scalar(_unchanged(account.id, account.password_hash)) is None:
            raise _old_password()  # it was changed elsewhere meanwhile
        s.add(PasswordUse(account_id=account.id, password_hash=account.password_hash, since=now()))
        s.execute(
            sa.update(Account).where(Account.id == account.id).values(password_hash=fresh, must_change_password=False)
        )
        record(s, person, "password.change", ("account", account.id))
        sign_out_everywhere(s, person, account.id, keep)


def _check_old(db: Database, account: Account, old: str, address: str) -> None:
    """Guessing the password here is as limited as at the door."""
    try_id = _note_try(db, _mark(account.login), address)
    if not passwords.check(old, account.password_hash):
        raise _old_password()
    with db.write() as s:
        s.execute(sa.delete(SignInFailure).where(SignInFailure.id == try_id))


def _old_password() -> Invalid:
    return Invalid("password.old", N_("现在的密码不对，没有改动。请再输入一次。"))
