"""The demo county: its size, its characters and that it is filled once, the same way every time."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from school import demo
from school.core import crypto
from school.core.db import Database
from school.core.keys import Keys
from school.core.person import Role
from school.demo import people
from school.demo.county import CHARACTERS, COMMITTEES
from school.org import queries, rules, sign_ins
from school.org.models import Account, Member, MemberCategory, MembershipTransfer, Organization, PostHolding, PostType

KEYS = Keys({"k1": b"1" * 32}, b"2" * 32)
SIZES = (96, 84, 42, 88, 102, 61, 58, 64, 57, 73, 49, 52, 55, 38, 36, 45)


def fill(db: Database) -> bool:
    with db.write() as s:
        return people.fill_people(s, KEYS, "Asia/Shanghai")


def test_the_county_is_as_described(db: Database) -> None:
    assert fill(db)
    assert not fill(db)  # a second time changes nothing
    with db.read() as s:
        assert s.scalar(sa.select(sa.func.count(Member.id))) == 1000
        for number, (committee, size) in enumerate(zip(COMMITTEES, SIZES, strict=True), 1):
            path = f"001.{number:03}."
            found = sa.select(sa.func.count(Member.id)).join(Organization).where(Organization.path.startswith(path))
            assert s.scalar(found) == size, committee.short_name
        assert queries.by_code(s, "990102010002").short_name == "河东村支部"
        depths = [path.count(".") for path in s.scalars(sa.select(Organization.path))]
        assert max(depths) == 5
        sizes = s.scalars(sa.select(sa.func.count(Member.id)).group_by(Member.org_id)).all()
        assert max(sizes) <= 50
        assert min(sizes) >= 3


def test_the_members_are_believable_and_nobody_real(db: Database) -> None:
    fill(db)
    with db.read() as s:
        members = s.scalars(sa.select(Member)).all()
    year = members[0].created_at.year
    old = sum(year - m.birth_date.year >= 61 for m in members if m.birth_date)
    assert 270 <= old <= 300  # 28 %
    for member in members:
        number = rules.parse_id_number(crypto.decrypt(KEYS, member.id_number_enc or b""))
        assert number.text.startswith("99")
        assert (number.born, number.gender) == (member.birth_date, member.gender)
        assert crypto.decrypt(KEYS, member.mobile_enc or b"").startswith("100")
        if member.join_date and member.birth_date:
            assert (member.join_date - member.birth_date).days >= 18 * 365
    assert sum("·" in member.name for member in members) == 1
    secretaries = [m.org_id for m in members if m.post == PostType.SECRETARY]
    assert len(secretaries) == len(set(secretaries)) == len({m.org_id for m in members})


def test_the_characters_have_their_cases(db: Database) -> None:
    fill(db)
    with db.read() as s:
        by_name = {m.name: m for m in s.scalars(sa.select(Member)) if m.name in {each.name for each in CHARACTERS}}
        assert len(by_name) == len(CHARACTERS)
        assert by_name["陈立夏"].category == MemberCategory.PROBATIONARY
        assert by_name["赵霜降"].category == MemberCategory.CANDIDATE
        assert by_name["单知秋"].floating
        assert by_name["单知秋"].pinyin.startswith("shan")
        assert by_name["欧阳清和"].initials == "oyqh"
        assert by_name["郑小满"].no_presence_check
        moved = s.scalars(sa.select(MembershipTransfer)).one()
        assert (moved.member_id, moved.to_org_id) == (by_name["孙寒露"].id, by_name["孙寒露"].org_id)
        held = s.scalars(
            sa.select(PostHolding)
            .join(Member, Member.id == PostHolding.member_id)
            .where(Member.org_id == by_name["吴白露"].org_id, PostHolding.post == PostType.SECRETARY)
            .order_by(PostHolding.since)
        ).all()
        former, now = held
        assert former.until == now.since
        assert (now.member_id, now.since.month, now.since.day) == (by_name["吴白露"].id, 7, 1)


def test_every_demo_account_signs_in_with_the_printed_password(db: Database) -> None:
    fill(db)
    lines = "\n".join(demo.account_lines(db))
    assert people.PASSWORD in lines
    device = sign_ins.Device("test", "192.0.2.1")
    for each in people.DEMO_ACCOUNTS:
        assert each.login in lines
        token = sign_ins.sign_in(db, KEYS, each.login, people.PASSWORD, device, sign_ins.BORROWED)
        person = sign_ins.person_of_token(db, token, "")
        assert person is not None
        assert person.name == each.name
    with db.read() as s:
        secretary = queries.person_of(s, s.scalars(sa.select(Account).where(Account.login == "wubailu")).one())
        assert secretary.scopes(Role.BRANCH_SECRETARY) == ("001.010.002.",)


def test_two_fillings_are_alike(db: Database, tmp_path: Path) -> None:
    fill(db)
    other = Database(f"sqlite:///{tmp_path}/other.db")
    Account.metadata.create_all(other.engine)
    fill(other)
    rows = sa.select(Member.name, Member.birth_date, Member.job, Member.join_date).order_by(Member.id)
    with db.read() as one, other.read() as two:
        assert one.execute(rows).all() == two.execute(rows).all()
    other.close()


def test_a_school_without_demo_data_prints_no_accounts(db: Database) -> None:
    assert demo.account_lines(db) == []
