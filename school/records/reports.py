"""Read side for organisations: subtree totals, children, and the members of a branch with filters, orders and pages.

Everything comes from `member_year` and `org_year`; a committee's page never reads members.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.org.models import Member, MemberCategory, Organization, OrgClosure, PartyStatus, PostType
from school.records.models import MemberYear, OrgYear

STATES = ("learning", "met", "exempt")
SORTS = ("post", "strokes", "pinyin", "needed")
FOUND_LIMIT = 50  # people shown by a search over a whole subtree
SMALL_SUBTREE = 4000  # members up to which a search reads the subtree instead of the name indexes
_POSTS = {PostType.SECRETARY: 0, PostType.DEPUTY_SECRETARY: 1, PostType.COMMITTEE_MEMBER: 2}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address bar chose. `category` is a MemberCategory value or `floating`; empty means all."""

    text: str = ""
    category: str = ""
    state: str = ""
    sort: str = "post"
    page: int = 1

    @classmethod
    def read(cls, args: Any) -> Filters:
        """From a request's arguments; what is unknown counts as not chosen."""
        category, state, sort = args.get("category", ""), args.get("state", ""), args.get("sort", "")
        page = args.get("page", "1")
        return cls(
            text=" ".join(args.get("q", "").split())[:40],
            category=category if category in {*MemberCategory, "floating"} else "",
            state=state if state in STATES else "",
            sort=sort if sort in SORTS else "post",
            page=min(int(page), 10_000) if page.isascii() and page.isdigit() and int(page) > 0 else 1,
        )

    def args(self, **changes: Any) -> dict[str, str]:
        """The arguments of an address that chooses this, without what is the default."""
        other = replace(self, **changes)
        chosen = {"q": other.text, "category": other.category, "state": other.state, "sort": other.sort}
        chosen["page"] = str(other.page) if other.page > 1 else ""
        return {name: value for name, value in chosen.items() if value and (name, value) != ("sort", "post")}


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member's year as a secretary reads it; hours in hundredths, `needed_*` is 0 when nothing is asked."""

    member_id: int
    name: str
    org_name: str
    category: MemberCategory
    post: PostType | None
    floating: bool
    group_100: int
    online_100: int
    required_group_100: int
    required_online_100: int
    exempt: bool
    met: bool

    @property
    def needed_group_100(self) -> int:
        return 0 if self.exempt else max(self.required_group_100 - self.group_100, 0)

    @property
    def needed_online_100(self) -> int:
        return 0 if self.exempt else max(self.required_online_100 - self.online_100, 0)

    @property
    def state(self) -> str:
        return "exempt" if self.exempt else "met" if self.met else "learning"


def years(s: Session, org_id: int) -> Sequence[int]:
    """The years this organisation has figures for, the newest first."""
    return s.scalars(sa.select(OrgYear.year).where(OrgYear.org_id == org_id).order_by(OrgYear.year.desc())).all()


def totals(s: Session, org_id: int, year: int) -> OrgYear | None:
    """The subtree's figures as they were last built; None before the first build."""
    return s.get(OrgYear, (org_id, year))


def children(s: Session, org_id: int, year: int) -> Sequence[tuple[Organization, OrgYear | None]]:
    """The organisations directly below, in their own order, each with its subtree's figures."""
    found = s.execute(
        sa.select(Organization, OrgYear)
        .join(OrgYear, sa.and_(OrgYear.org_id == Organization.id, OrgYear.year == year), isouter=True)
        .where(Organization.parent_id == org_id, Organization.closed_on.is_(None))
        .order_by(Organization.sort_no, Organization.path)
    )
    return [(org, figures) for org, figures in found]


def branches(s: Session, org: Organization, year: int, limit: int) -> Sequence[tuple[Organization, OrgYear | None]]:
    """Every branch at or below `org` in tree order, at most `limit`, each with its figures."""
    found = s.execute(
        sa.select(Organization, OrgYear)
        .join(OrgClosure, OrgClosure.descendant_id == Organization.id)
        .join(OrgYear, sa.and_(OrgYear.org_id == Organization.id, OrgYear.year == year), isouter=True)
        .where(
            OrgClosure.ancestor_id == org.id,
            Organization.kind.in_(("branch", "joint_branch")),
            Organization.closed_on.is_(None),
        )
        .order_by(Organization.path)
        .limit(limit)
    )
    return [(branch, figures) for branch, figures in found]


def plain_name(text: str) -> str:
    """A name or pinyin as it is stored: half width, without spaces, one kind of middle dot, lower case."""
    folded = unicodedata.normalize("NFKC", text).lower()
    for dot in "•・.‧∙":
        folded = folded.replace(dot, "·")
    return "".join(folded.split())


def _rows(year: int) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            Member.id,
            Member.name,
            Organization.short_name,
            Member.category,
            Member.post,
            Member.floating,
            MemberYear.group_100,
            MemberYear.online_100,
            MemberYear.required_group_100,
            MemberYear.required_online_100,
            MemberYear.exempt,
            MemberYear.met,
        )
        .join(MemberYear, MemberYear.member_id == Member.id)
        .join(Organization, Organization.id == MemberYear.org_id)
        .where(MemberYear.year == year, Member.party_status == PartyStatus.NORMAL)
    )


def _chosen(filters: Filters) -> list[sa.ColumnElement[bool]]:
    chosen: list[sa.ColumnElement[bool]] = []
    if filters.category == "floating":
        chosen.append(Member.floating.is_(True))
    elif filters.category:
        chosen.append(Member.category == filters.category)
    match filters.state:
        case "exempt":
            chosen.append(MemberYear.exempt.is_(True))
        case "met":
            chosen.append(sa.and_(MemberYear.met.is_(True), MemberYear.exempt.is_(False)))
        case "learning":
            chosen.append(sa.and_(MemberYear.met.is_(False), MemberYear.exempt.is_(False)))
    if text := plain_name(filters.text):
        chosen.append(
            sa.or_(
                Member.name.contains(text, autoescape=True),
                Member.pinyin.contains(text, autoescape=True),
                Member.initials.startswith(text, autoescape=True),
            )
        )
    return chosen


def _order(sort: str) -> list[sa.ColumnElement[Any]]:
    post = sa.case(_POSTS, value=Member.post, else_=len(_POSTS))
    by_strokes: list[sa.ColumnElement[Any]] = [Member.strokes, Member.pinyin, Member.id]  # type: ignore[list-item]
    needed = sa.case(
        (MemberYear.exempt.is_(True), 0),
        (MemberYear.group_100 >= MemberYear.required_group_100, 0),
        else_=MemberYear.required_group_100 - MemberYear.group_100,
    )
    match sort:
        case "strokes":
            return by_strokes
        case "pinyin":
            return [Member.pinyin, Member.id]  # type: ignore[list-item]
        case "needed":
            return [needed.desc(), *by_strokes]
        case _:
            return [post, *by_strokes]


def _in_subtree(org_id: int) -> sa.ColumnElement[bool]:
    below = sa.select(OrgClosure.descendant_id).where(OrgClosure.ancestor_id == org_id)
    return MemberYear.org_id.in_(below)


def members(s: Session, org_id: int, year: int, filters: Filters, size: int) -> tuple[list[MemberRow], int]:
    """One page of a branch's members (its groups included) and how many there are in all. Not for committees."""
    wanted = _rows(year).where(_in_subtree(org_id), *_chosen(filters))
    total = s.scalar(sa.select(sa.func.count()).select_from(wanted.order_by(None).subquery())) or 0
    page = wanted.order_by(*_order(filters.sort)).offset((filters.page - 1) * size).limit(size)
    return [MemberRow(*row) for row in s.execute(page)], total


def find_members(s: Session, org_id: int, year: int, text: str, subtree: int) -> list[MemberRow]:
    """Members at or below `org_id` whose name, pinyin or initials begin with `text`, at most FOUND_LIMIT, by pinyin.

    `subtree` is how many members lie below: a small one is read whole; in a large one the name indexes are walked in
    their own order until enough are found, which takes at least two characters to stay short.
    """
    text = plain_name(text)
    small = subtree <= SMALL_SUBTREE
    if not text or (len(text) < 2 and not small):
        return []
    end = text[:-1] + chr(ord(text[-1]) + 1)
    found: dict[int, MemberRow] = {}
    for column in (Member.pinyin, Member.initials) if text.isascii() else (Member.name,):
        wanted = _rows(year).where(column >= text, column < end).order_by(column).limit(FOUND_LIMIT)
        if small:
            wanted = wanted.where(_in_subtree(org_id))
        else:
            above = sa.and_(OrgClosure.ancestor_id == org_id, OrgClosure.descendant_id == MemberYear.org_id)
            wanted = wanted.join(OrgClosure, above)
        found |= {row.id: MemberRow(*row) for row in s.execute(wanted)}
    return list(found.values())[:FOUND_LIMIT]
