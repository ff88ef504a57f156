"""Signing in: limits on failures, tokens, devices and passwords, as verbs on both databases."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from actors import PASSWORD, Cast
from patience import somebody_waits, until
from school.core.db import Database
from school.core.errors import Invalid, SchoolError, TooMany
from school.core.keys import Keys
from school.core.person import Person, Role
from school.core.time import now
from school.org import passwords, queries, service, sign_ins
from school.org.models import Account, AuditLog, RoleGrant, SignIn, SignInFailure
from school.org.sign_ins import Device

KEYS = Keys({"k1": b"1" * 32}, b"2" * 32)
HERE = Device("Mozilla/5.0 (Android)", "192.0.2.7")
WEEK = timedelta(days=7)


def enter(db: Database, login: str, password: str = PASSWORD, device: Device = HERE) -> str:
    return sign_ins.sign_in(db, KEYS, login, password, device, WEEK)


def refusal(db: Database, login: str, device: Device = HERE) -> SchoolError:
    with pytest.raises((Invalid, TooMany)) as refused:
        enter(db, login, "wrong", device)
    return refused.value


def who(db: Database, token: str) -> Person | None:
    return sign_ins.person_of_token(db, token, "192.0.2.7")


def test_a_token_is_the_person_with_roles_and_branch(db: Database, cast: Cast) -> None:
    person = who(db, enter(db, " Secretary "))
    assert person is not None
    with db.read() as s:
        expected = queries.person_of(s, s.get_one(Account, cast.secretary.account_id))
    assert (person.grants, person.org_path, person.member_id) == (
        expected.grants, expected.org_path, cast.secretary.member_id,
    )  # fmt: skip
    assert person.address == "192.0.2.7"
    assert who(db, "another") is None


def test_the_database_does_not_know_the_token(db: Database, cast: Cast) -> None:
    token = enter(db, "member")
    with db.read() as s:
        assert s.scalar(sa.select(SignIn.token_hash)) == sign_ins.token_hash(token) != token


def test_the_person_is_one_query(db: Database, cast: Cast) -> None:
    token = enter(db, "secretary")
    asked: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    assert who(db, token)
    assert len(asked) - sum(statement.startswith("BEGIN") for statement in asked) == 1


def test_five_failures_lock_the_account_and_say_what_is_left(db: Database, cast: Cast) -> None:
    assert [refusal(db, "member").params["left"] for _ in range(5)] == [4, 3, 2, 1, 0]
    locked = refusal(db, "member")
    assert locked.code == "sign_in.locked"
    assert 0 < locked.params["seconds"] <= 900
    with pytest.raises(TooMany):
        enter(db, "member")  # also with the right password
    assert enter(db, "secretary")  # others are free
    with db.write() as s:  # a quarter of an hour later
        s.execute(sa.update(SignInFailure).values(at=now() - timedelta(minutes=15, seconds=1)))
    assert enter(db, "member")


def test_a_success_forgets_the_failures(db: Database, cast: Cast) -> None:
    for _ in range(4):
        refusal(db, "member")
    enter(db, "member")
    assert refusal(db, "member").params["left"] == 4


def test_an_unknown_account_answers_like_a_known_one(db: Database, cast: Cast) -> None:
    known, unknown = ([refusal(db, login) for _ in range(6)] for login in ("member", "nobody"))
    for one, other in zip(known, unknown, strict=True):
        assert (one.code, one.message) == (other.code, other.message)
        assert {**one.params, "seconds": 0} == {**other.params, "seconds": 0}


def test_an_unknown_account_costs_the_same_hash() -> None:
    assert passwords.check("anything", passwords.DECOY) is False
    assert not passwords.outdated(passwords.DECOY)
    assert passwords.hash_password("x").split("$")[:4] == passwords.DECOY.split("$")[:4]


def test_a_hundred_failures_stop_an_address(db: Database, cast: Cast) -> None:
    with db.write() as s:
        s.add_all(SignInFailure(login_hash=f"h{n}", address=HERE.address, at=now()) for n in range(100))
    assert refusal(db, "member").code == "sign_in.locked"
    assert enter(db, "member", device=Device("x", "192.0.2.8"))


def test_many_tries_at_once_are_all_counted(db: Database, cast: Cast) -> None:
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: refusal(db, "member").code, range(16)))
    assert codes.count("sign_in.wrong") <= 5
    with pytest.raises(TooMany):
        enter(db, "member")


def test_an_account_that_is_closed_is_let_in_no_more(db: Database, cast: Cast) -> None:
    token = enter(db, "member")
    with db.write() as s:
        s.execute(sa.update(Account).where(Account.login == "member").values(active=False))
    assert who(db, token) is None
    assert refusal(db, "member").code == "sign_in.wrong"


def test_a_phone_number_signs_in(db: Database, cast: Cast) -> None:
    with db.write() as s:
        account = s.get_one(Account, cast.member.account_id)
        account.mobile_hash = service.mobile_hash(KEYS, "10000000317")
    person = who(db, enter(db, "100 0000 0317"))
    assert person is not None
    assert person.account_id == cast.member.account_id


def test_a_role_taken_away_is_gone_at_the_next_request(db: Database, cast: Cast) -> None:
    token = enter(db, "secretary")
    with db.write() as s:
        account = s.get_one(Account, cast.secretary.account_id)
        branch = queries.organization(s, cast.branch_id)
        service.revoke(s, cast.admin.person, account, Role.BRANCH_SECRETARY, branch)
    person = who(db, token)
    assert person is not None
    assert not person.has(Role.BRANCH_SECRETARY)
    with db.read() as s:
        entry = s.scalars(sa.select(AuditLog).where(AuditLog.event == "role.revoke")).one()
        assert (entry.account_id, entry.detail) == (cast.admin.account_id, {"role": ["branch_secretary", None]})
        assert s.scalar(sa.select(sa.func.count(RoleGrant.id)).where(RoleGrant.account_id == account.id)) == 1


def test_use_moves_the_end_on_once_an_hour(db: Database, cast: Cast) -> None:
    token = enter(db, "member")

    def row() -> SignIn:
        with db.read() as s:
            return s.scalars(sa.select(SignIn)).one()

    fresh = row()
    who(db, token)
    assert row().seen_at == fresh.seen_at  # not written again within the hour
    with db.write() as s:
        held = s.scalars(sa.select(SignIn)).one()
        held.seen_at -= timedelta(days=3)
        held.expires_at -= timedelta(days=3)
    who(db, token)
    assert row().expires_at - row().seen_at == WEEK
    assert now() - row().seen_at < timedelta(minutes=1)
    with db.write() as s:
        held = s.scalars(sa.select(SignIn)).one()
        held.seen_at, held.expires_at = held.seen_at - WEEK, held.expires_at - WEEK
    assert who(db, token) is None
    sign_ins.forget_old(db)
    with db.read() as s:
        assert s.scalar(sa.select(sa.func.count(SignIn.id))) == 0


def test_signing_out_ends_one_device_or_all(db: Database, cast: Cast) -> None:
    phone, tablet, desk = (enter(db, "member") for _ in range(3))
    other = enter(db, "outsider")
    person = who(db, phone)
    assert person is not None
    with db.write() as s:
        sign_ins.sign_out(s, person, phone)
    assert who(db, phone) is None
    with db.write() as s:
        assert sign_ins.sign_out_everywhere(s, person, person.account_id, keep=desk) == 1
    assert who(db, tablet) is None
    assert who(db, desk)
    with db.write() as s:  # another's device cannot be ended
        foreign = s.scalars(sa.select(SignIn).where(SignIn.token_hash == sign_ins.token_hash(other))).one()
        sign_ins.sign_out_device(s, person, foreign.id)
    assert who(db, other)


def test_changing_the_password_ends_the_other_devices(db: Database, cast: Cast) -> None:
    old, kept = enter(db, "member"), enter(db, "member")
    person = who(db, kept)
    assert person is not None
    with pytest.raises(Invalid, match=r"password\.old"):
        sign_ins.change_password(db, person, "wrong", "Chunfeng-2026", kept)
    with pytest.raises(Invalid, match=r"password\.old"):
        sign_ins.change_password(db, person, None, "Chunfeng-2026", kept)
    sign_ins.change_password(db, person, PASSWORD, "Chunfeng-2026", kept)
    assert who(db, old) is None
    assert who(db, kept)
    assert enter(db, "member", "Chunfeng-2026")
    assert refusal(db, "member").code == "sign_in.wrong"


@pytest.mark.parametrize("first", ["sign in", "change"])
def test_a_password_that_is_changed_meanwhile_opens_nothing(db: Database, cast: Cast, first: str) -> None:
    """Both have found it right, then somebody else's change is stored before theirs."""
    token = enter(db, "member")
    person = who(db, token)
    assert person is not None
    act = {
        "sign in": lambda: enter(db, "member"),
        "change": lambda: sign_ins.change_password(db, person, PASSWORD, "Qiufeng-2026", token),
    }[first]
    new = passwords.hash_password("Chunfeng-2026")
    with ThreadPoolExecutor(1) as pool:
        with db.write() as s:
            s.execute(sa.update(Account).where(Account.login == "member").values(password_hash=new))
            coming = pool.submit(act)
            until(lambda: coming.done() or somebody_waits(db))
        with pytest.raises(Invalid, match=r"sign_in\.wrong|password\.old"):
            coming.result()
    assert enter(db, "member", "Chunfeng-2026")


def test_guessing_the_old_password_is_limited(db: Database, cast: Cast) -> None:
    token = enter(db, "member")
    person = who(db, token)
    assert person is not None
    for _ in range(5):
        with pytest.raises(Invalid, match=r"password\.old"):
            sign_ins.change_password(db, person, "wrong", "Chunfeng-2026", token)
    with pytest.raises(TooMany):
        sign_ins.change_password(db, person, PASSWORD, "Chunfeng-2026", token)


def test_the_last_five_passwords_do_not_come_back(db: Database, cast: Cast) -> None:
    token = enter(db, "member")
    person = who(db, token)
    assert person is not None
    had = [PASSWORD, *(f"Chunfeng-{n}" for n in range(5))]
    for before, after in itertools.pairwise(had):
        sign_ins.change_password(db, person, before, after, token)
    for known in had[1:]:
        with pytest.raises(Invalid, match=r"password\.used"):
            sign_ins.change_password(db, person, had[-1], known, token)
    sign_ins.change_password(db, person, had[-1], PASSWORD, token)  # the sixth may


def test_a_first_password_is_changed_without_typing_it_again(db: Database, cast: Cast) -> None:
    with db.write() as s:
        s.execute(sa.update(Account).where(Account.login == "member").values(must_change_password=True))
    token = enter(db, "member")
    person = who(db, token)
    assert person is not None
    assert person.must_change_password
    sign_ins.change_password(db, person, None, "Chunfeng-2026", token)
    person = who(db, token)
    assert person is not None
    assert not person.must_change_password


def test_sign_ins_and_passwords_stand_in_the_audit_log(db: Database, cast: Cast) -> None:
    refusal(db, "member")
    token = enter(db, "member")
    person = who(db, token)
    assert person is not None
    sign_ins.change_password(db, person, PASSWORD, "Chunfeng-2026", token)
    with db.write() as s:
        sign_ins.sign_out(s, person, token)
    with db.read() as s:
        log = s.scalars(sa.select(AuditLog).order_by(AuditLog.id)).all()
    assert [entry.event for entry in log] == [
        "sign_in.failed", "sign_in", "password.change", "sign_out.everywhere", "sign_out",
    ]  # fmt: skip
    assert {entry.address for entry in log} == {"192.0.2.7"}
    assert "Chunfeng" not in str([entry.detail for entry in log])
