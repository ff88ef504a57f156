"""Members: registration, duplicates, posts and transfers with their history, and names that would like to be markup."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa

from actors import Cast
from school.core import crypto
from school.core.db import Database
from school.core.errors import Conflict, Invalid
from school.core.keys import Keys
from school.core.person import Role
from school.org import queries, service
from school.org.models import Account, AuditLog, Member, MembershipTransfer, PostHolding, PostType

KEYS = Keys({"k1": b"1" * 32}, b"2" * 32)


def test_a_member_is_kept_spelled_and_sealed(db: Database, cast: Cast) -> None:
    with db.write() as s:
        branch = queries.organization(s, cast.branch_id)
        made = service.create_member(
            s, branch, "单　知秋", keys=KEYS, id_number="11010519491231002x", mobile="100 0000 0001",
            person=cast.secretary.person, job="村民",
        )  # fmt: skip
    assert (made.name, made.pinyin, made.initials, made.strokes) == ("单知秋", "shanzhiqiu", "szq", 8)
    assert (made.gender, made.birth_date, made.job) == (2, date(1949, 12, 31), "村民")
    assert made.id_number_enc is not None
    assert made.mobile_enc is not None
    assert b"1949" not in made.id_number_enc
    assert crypto.decrypt(KEYS, made.id_number_enc) == "11010519491231002X"
    assert crypto.decrypt(KEYS, made.mobile_enc) == "10000000001"


def test_a_known_id_number_is_refused_with_where_it_is(db: Database, cast: Cast) -> None:
    with db.write() as s:
        east = queries.organization(s, cast.branch_id)
        service.create_member(s, east, "王小雪", keys=KEYS, id_number="990102198802290016")
    with db.write() as s:
        west = queries.organization(s, cast.other_branch_id)
        with pytest.raises(Conflict) as refused:
            service.create_member(s, west, "王小雪", keys=KEYS, id_number="９９０１０２１９８８０２２９００１６")
    assert refused.value.code == "member.duplicate"
    assert refused.value.params["branch"] == "河东村"
    assert "转接" in str(refused.value)


def test_a_transfer_keeps_the_history_and_ends_the_posts(db: Database, cast: Cast) -> None:
    with db.write() as s:
        member = s.get_one(Member, cast.member.member_id)
        service.hold_post(s, None, member, PostType.COMMITTEE_MEMBER, date(2025, 3, 1))
        service.hold_post(s, None, member, PostType.SECRETARY, date(2026, 1, 1))
        to = queries.organization(s, cast.other_branch_id)
        service.transfer_member(s, cast.admin.person, member, to, date(2026, 5, 16))
    with db.read() as s:
        member = s.get_one(Member, cast.member.member_id)
        assert (member.org_id, member.post) == (cast.other_branch_id, None)
        moved = s.scalars(sa.select(MembershipTransfer)).one()
        assert (moved.from_org_id, moved.to_org_id, moved.on_date, moved.by_account_id) == (
            cast.branch_id, cast.other_branch_id, date(2026, 5, 16), cast.admin.account_id,
        )  # fmt: skip
        held = s.scalars(sa.select(PostHolding).order_by(PostHolding.id)).all()
        assert [(h.post, h.since, h.until) for h in held] == [
            (PostType.COMMITTEE_MEMBER, date(2025, 3, 1), date(2026, 1, 1)),
            (PostType.SECRETARY, date(2026, 1, 1), date(2026, 5, 16)),
        ]
        log = s.scalars(sa.select(AuditLog).where(AuditLog.event == "member.transfer")).one()
        assert log.detail["branch"] == [cast.branch_id, cast.other_branch_id]


@pytest.mark.parametrize(("to", "code"), [("branch_id", "transfer.same"), ("town_id", "transfer.kind")])
def test_a_transfer_goes_to_another_branch(db: Database, cast: Cast, to: str, code: str) -> None:
    with db.write() as s:
        member = s.get_one(Member, cast.member.member_id)
        target = queries.organization(s, getattr(cast, to))
        with pytest.raises(Invalid) as refused:
            service.transfer_member(s, None, member, target, date(2026, 5, 16))
    assert refused.value.code == code


def test_a_role_covers_the_subtree_and_no_more(db: Database, cast: Cast) -> None:
    with db.write() as s:
        account = s.get_one(Account, cast.trainer.account_id)
        town = queries.organization(s, cast.town_id)
        service.grant(s, cast.sysadmin.person, account, Role.ORG_ADMIN, town)
        service.grant(s, cast.sysadmin.person, account, Role.ORG_ADMIN, town)  # again changes nothing
        person = queries.person_of(s, account)
        branch, county = (queries.organization(s, each) for each in (cast.branch_id, cast.county_id))
        assert person.holds(branch.path, Role.ORG_ADMIN)
        assert not person.holds(county.path, Role.ORG_ADMIN)
        assert s.scalar(sa.select(sa.func.count()).where(AuditLog.event == "role.grant")) == 1


def test_an_account_name_is_given_once(db: Database, cast: Cast) -> None:
    with pytest.raises(Conflict, match=r"account\.taken"), db.write() as s:
        service.create_account(s, " MEMBER ", "x", "另一位")
