"""Demo people: the county's tree, a thousand fictional members in the national age bands, and the accounts to try."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.crypto import encrypt, id_hash
from school.core.keys import Keys
from school.core.person import Person, Role
from school.core.time import day_of, now
from school.demo.county import CHARACTERS, CODE, COMMITTEES, NAME, SYSADMIN, Branch, Character
from school.org import pinyin, queries, rules, service
from school.org.models import (
    Account,
    Member,
    MemberCategory,
    MembershipTransfer,
    Organization,
    OrgType,
    PartyStatus,
    PostHolding,
    PostType,
    RoleGrant,
)
from school.org.passwords import hash_password

PASSWORD = "Qinghe-2026"
SECRETARY_SINCE = (7, 1)  # 吴白露 takes office on 1 July
TRANSFERRED_ON = (5, 16)  # 孙寒露 moves from 河东村 to 北关村
MIDDLE_DOT_NAME = "阿依夏木·买买提"

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
RARE_SURNAMES = ("单", "曾", "解", "欧阳")
GIVEN = [
    "立春",
    "雨水",
    "知春",
    "春分",
    "清和",
    "谷雨",
    "立夏",
    "小满",
    "芒种",
    "夏至",
    "小暑",
    "知秋",
    "处暑",
    "白露",
    "秋分",
    "寒露",
    "霜降",
    "立冬",
    "小雪",
    "冬至",
]
# Ages of members, youngest and oldest of each band, in thousandths of all (national bands, end of 2023).
AGE_BANDS = (
    (21, 30, 125), (31, 35, 112), (36, 40, 112), (41, 45, 94), (46, 50, 88), (51, 55, 89), (56, 60, 98), (61, 88, 282),
)  # fmt: skip
JOBS = {
    "village": ("村民", "村民", "村民", "个体经营者", "村委会干部"),
    "town": ("企业职工", "个体经营者", "社区工作者", "自由职业"),
    "office": ("公务员", "公务员", "事业单位职工"),
    "school": ("教师", "教师", "事业单位职工"),
    "company": ("企业职工", "企业管理人员", "专业技术人员"),
}
EDUCATION = {
    "village": "6070708030",
    "town": "60603020",
    "office": "20202030",
    "school": "20203010",
    "company": "203060",
}


@dataclass(frozen=True)
class DemoAccount:
    """An account to try the school with, and what for."""

    login: str
    name: str
    duty: str


DEMO_ACCOUNTS = (
    *(DemoAccount(each.login, each.name, each.duty) for each in CHARACTERS if each.duty),
    DemoAccount(*SYSADMIN),
)


def fill_people(s: Session, keys: Keys, zone: str) -> bool:
    """Write county, members and accounts; False, and nothing written, when there is an organisation already.

    The same people every time; ages, posts and transfers are counted from the year in which it is filled.
    """
    if s.scalar(sa.select(Organization.id).limit(1)):
        return False
    today = day_of(now(), zone)
    branches, orgs = _grow(s)
    members = _Members(keys, today).all(branches, orgs)
    mobiles = {member["name"]: member.pop("mobile") for member in members}
    ids = s.scalars(sa.insert(Member).returning(Member.id, sort_by_parameter_order=True), members).all()
    by_name = {member["name"]: member_id for member, member_id in zip(members, ids, strict=True)}
    s.execute(sa.insert(PostHolding), list(_posts(members, ids, today.year)))
    s.add(
        MembershipTransfer(
            member_id=by_name["孙寒露"],
            from_org_id=orgs["河东村支部"].id,
            to_org_id=orgs["北关村支部"].id,
            on_date=date(today.year, *TRANSFERRED_ON),
        )
    )
    _open_accounts(s, keys, by_name, mobiles, orgs)
    return True


def first_with(s: Session, role: Role) -> Person | None:
    """The first of the demo accounts that holds `role`; None when nobody does."""
    account = s.scalar(
        sa.select(Account)
        .join(RoleGrant, RoleGrant.account_id == Account.id)
        .where(RoleGrant.role == role)
        .order_by(Account.id)
        .limit(1)
    )
    return queries.person_of(s, account) if account is not None else None


# ---- the tree


def _grow(s: Session) -> tuple[list[Branch], dict[str, Organization]]:
    """All branches that have members, and every organisation by its short name (a group by its branch's and its own)."""
    branches: list[Branch] = []
    orgs: dict[str, Organization] = {}

    def plant(parent: Organization | None, full: str, short: str, kind: OrgType, number: int) -> Organization:
        code = f"{parent.code}{number:03}" if parent else CODE
        org = service.create_organization(s, parent, code, full, short, kind, number)
        orgs[short if kind != OrgType.GROUP or parent is None else parent.short_name + short] = org
        return org

    def plant_branch(parent: Organization, place: str, branch: Branch, number: int) -> None:
        kind = (
            OrgType.GENERAL_BRANCH
            if branch.below
            else OrgType.JOINT_BRANCH
            if "联合" in branch.name
            else OrgType.BRANCH
        )
        stem = branch.name.removesuffix("总支").removesuffix("联合支部").removesuffix("支部")
        stem = stem.removeprefix(place.removeprefix(NAME)).removeprefix("县")
        sort = {OrgType.GENERAL_BRANCH: "总支部", OrgType.JOINT_BRANCH: "联合支部"}.get(kind, "支部")
        org = plant(parent, f"中共{place}{stem}{sort}委员会", branch.name, kind, number)
        for place_no, below in enumerate(branch.below, 1):
            plant_branch(org, place, below, place_no)
        for place_no, group in enumerate(branch.groups, 1):
            plant(org, f"{branch.name}{group}", group, OrgType.GROUP, place_no)
        if branch.members:
            branches.append(branch)

    county = plant(None, f"中共{NAME}委员会", NAME, OrgType.COMMITTEE, 1)
    for number, committee in enumerate(COMMITTEES, 1):
        org = plant(county, committee.full, committee.short_name, committee.kind, number)
        for place_no, branch in enumerate(committee.branches, 1):
            plant_branch(org, committee.place, branch, place_no)
    return branches, orgs


# ---- the members


class _Members:
    """Makes the rows of all members with one seeded source of chance."""

    def __init__(self, keys: Keys, today: date) -> None:
        self.keys = keys
        self.today = today
        self.chance = random.Random(990102)
        self.sequence: dict[tuple[date, int], int] = {}
        self.count = 0

    def all(self, branches: list[Branch], orgs: dict[str, Organization]) -> list[dict[str, Any]]:
        total = sum(branch.members for branch in branches)
        ages = list(self._ages(total - len(CHARACTERS)))
        self.chance.shuffle(ages)
        rows: list[dict[str, Any]] = []
        for branch in branches:
            cast = [each for each in CHARACTERS if each.branch == branch.name]
            names = self._names(branch.members - len(cast))
            members = [self._character(each, orgs) for each in cast]
            members += [self._member(name, ages.pop(), branch, orgs[branch.name].id) for name in names]
            if branch.name == "河西村支部":
                members[-1] |= self._spelled(MIDDLE_DOT_NAME) | {"ethnicity": "05"}
            _elect(members)
            rows += members
        return rows

    def _ages(self, total: int) -> Iterator[int]:
        """Ages in the national bands, the younger half of a band more often."""
        share = 0
        for youngest, oldest, permille in AGE_BANDS:
            before, share = share * total // 1000, share + permille
            for _ in range(share * total // 1000 - before):
                yield min(self.chance.randint(youngest, oldest), self.chance.randint(youngest, oldest))

    def _names(self, number: int) -> list[str]:
        """Different names for one branch, none of them a character's."""
        taken = {each.name for each in CHARACTERS}
        names: list[str] = []
        while len(names) < number:
            rare = self.chance.random() < 0.03
            name = self.chance.choice(RARE_SURNAMES if rare else SURNAMES) + self.chance.choice(GIVEN)
            if name not in taken:
                taken.add(name)
                names.append(name)
        return names

    def _spelled(self, name: str) -> dict[str, Any]:
        spelled, initials = pinyin.spell(name)
        return {"name": name, "pinyin": spelled, "initials": initials, "strokes": pinyin.strokes(name)}

    def _member(self, name: str, age: int, branch: Branch, org_id: int) -> dict[str, Any]:
        chance = self.chance
        gender = 2 if chance.random() < 0.31 else 1
        probationary = age <= 35 and chance.random() < 0.06
        retired = age >= 61 and branch.work not in {"village"}
        codes = EDUCATION[branch.work]
        education = chance.choice([codes[n : n + 2] for n in range(0, len(codes), 2)])
        return self._row(name, org_id, age, gender, probationary) | {
            "education": education if age < 61 else chance.choice(["60", "70", "80"]),
            "job": "退休职工" if retired else chance.choice(JOBS[branch.work]),
            "floating": (away := branch.work == "village" and age < 50 and chance.random() < 0.12),
            "flow_to": "外省务工" if away else "",
        }

    def _character(self, each: Character, orgs: dict[str, Organization]) -> dict[str, Any]:
        probationary = each.category == MemberCategory.PROBATIONARY
        row = self._row(each.name, orgs[each.branch].id, each.born, each.gender, probationary)
        if each.category == MemberCategory.CANDIDATE:
            row |= {"join_date": None, "full_date": None}
        return row | {"category": each.category, "education": "30", **each.facts}

    def _row(self, name: str, org_id: int, age: int, gender: int, probationary: bool) -> dict[str, Any]:
        chance, year = self.chance, self.today.year
        born = date(year - age, 1, 1) + timedelta(days=chance.randrange(365))
        if probationary:
            joined, full = self.today - timedelta(days=chance.randint(30, 330)), None
        else:
            joined = date(
                born.year + chance.randint(19, min(age - 2, 45)), chance.randint(1, 12), chance.randint(1, 28)
            )
            full = joined.replace(year=joined.year + 1)
        self.count += 1
        mobile = f"100{self.count:08}"
        number = self._id_number(born, gender)
        return self._spelled(name) | {
            "org_id": org_id,
            "gender": gender,
            "ethnicity": "01",
            "birth_date": born,
            "category": MemberCategory.PROBATIONARY if probationary else MemberCategory.FULL,
            "join_date": joined,
            "full_date": full,
            "post": None,
            "id_number_enc": encrypt(self.keys, number),
            "id_number_hash": id_hash(self.keys, number),
            "mobile_enc": encrypt(self.keys, mobile),
            "mobile": mobile,
            "floating": False,
            "flow_to": "",
            "no_presence_check": False,
            "party_status": PartyStatus.NORMAL,
            "created_at": now(),
        }

    def _id_number(self, born: date, gender: int) -> str:
        """The next number of that day and gender; odd sequences are men's."""
        used = self.sequence.get((born, gender), 0)
        self.sequence[born, gender] = used + 1
        first = f"{CODE}{born:%Y%m%d}{2 * used + (1 if gender == 1 else 2):03}"
        return first + rules.id_check_sign(first)


# ---- posts and accounts


def _elect(members: list[dict[str, Any]]) -> None:
    """A secretary for every branch; from seven full members on also two committee members."""
    characters = {each.name for each in CHARACTERS}
    fit = [m for m in members if m["full_date"] and m["name"] not in characters and 30 <= _age(m) <= 60]
    fit += [m for m in members if m["full_date"] and m["name"] not in characters and m not in fit]
    head = next((m for m in members if m["name"] == "吴白露"), fit[0])
    head["post"] = PostType.SECRETARY
    if len(members) >= 7:
        for member in [m for m in fit if m is not head][:2]:
            member["post"] = PostType.COMMITTEE_MEMBER


def _age(member: dict[str, Any]) -> int:
    return now().year - int(member["birth_date"].year)


def _posts(members: list[dict[str, Any]], ids: Any, year: int) -> Iterator[dict[str, Any]]:
    """Since when each post is held; 河东村's former secretary stepped back when 吴白露 took office."""
    change = date(year, *SECRETARY_SINCE)
    changed_in = next(member["org_id"] for member in members if member["name"] == "吴白露")
    former = next(
        member["name"]
        for member in members
        if member["org_id"] == changed_in and member["post"] == PostType.COMMITTEE_MEMBER
    )
    for member, member_id in zip(members, ids, strict=True):
        if member["post"] is None:
            continue
        here = member["org_id"] == changed_in
        since = change if here and member["name"] in {"吴白露", former} else date(year - 2, 3, 18)
        yield {"member_id": member_id, "post": member["post"], "since": since, "until": None}
        if here and member["name"] == former:
            began = date(year - 2, 3, 18)
            yield {"member_id": member_id, "post": PostType.SECRETARY, "since": began, "until": change}


def _open_accounts(
    s: Session, keys: Keys, member_ids: dict[str, int], mobiles: dict[str, str], orgs: dict[str, Organization]
) -> None:
    """An account for every character and for the system administrator, all with the one demo password."""
    password_hash, at = hash_password(PASSWORD), now()

    def account(login: str, name: str, member_id: int | None, mobile: str | None) -> Account:
        return Account(
            login=login, name=name, member_id=member_id, password_hash=password_hash, must_change_password=False,
            mobile_hash=service.mobile_hash(keys, mobile) if mobile else None, created_at=at,
        )  # fmt: skip

    grants: list[tuple[Account, Role, Organization]] = []
    for each in CHARACTERS:
        made = account(each.login, each.name, member_ids[each.name], mobiles[each.name])
        grants.append((made, Role.LEARNER, orgs[each.branch]))
        grants += [(made, role, orgs[place]) for role, place in each.roles]
    login, name, _duty = SYSADMIN
    grants.append((account(login, name, None, None), Role.SYSADMIN, orgs[NAME]))
    s.add_all({id(made): made for made, *_ in grants}.values())
    s.flush()
    s.add_all(RoleGrant(account_id=made.id, role=role, org_id=org.id, granted_at=at) for made, role, org in grants)
    s.flush()
