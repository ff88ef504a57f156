"""Read side for organisations: subtree totals, children, and the members of a branch with filters, orders and pages.

Everything comes from `member_year` and `org_year`; a committee's page never reads members.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from school.org import queries
from school.org.models import Member, MemberCategory, Organization, OrgClosure, OrgType, PostType
from school.records.models import MemberYear, Mode, OrgYear, StudyHourEntry

STATES = ("learning", "met", "exempt")
SORTS = ("post", "strokes", "pinyin", "needed")
LECTURE = "special_lecture"  # the HourCategory of 专题讲座 and 党课
FOUND_LIMIT = 50  # people shown by a search over a whole subtree
SMALL_SUBTREE = 8000  # members up to which a search reads the subtree instead of the name indexes
NAMES_WALKED = 2000  # names read at first from an index by a search over a large subtree; then eight times as many
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

    @property
    def chosen(self) -> bool:
        """Whether anything is filtered."""
        return bool(self.text or self.category or self.state)

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
    org_id: int
    org_name: str
    category: MemberCategory
    post: PostType | None
    floating: bool
    group_100: int
    online_100: int
    required_group_100: int
    required_online_100: int
    online_counts: bool
    exempt: bool
    met: bool

    @property
    def needed_group_100(self) -> int:
        counted = self.group_100 + (self.online_100 if self.online_counts else 0)
        return 0 if self.exempt else max(self.required_group_100 - counted, 0)

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


def children(s: Session, org_id: int, year: int, *, now: bool) -> Sequence[tuple[Organization, OrgYear | None]]:
    """The organisations directly below in that year's tree, in their own order, each with its subtree's figures.

    `now` says that it is the running year: an organisation that has no figures yet is there too.
    """
    found = s.execute(
        sa.select(Organization, OrgYear)
        .join(OrgYear, OrgYear.org_id == Organization.id)
        .where(OrgYear.parent_id == org_id, OrgYear.year == year)
    )
    below: dict[int, tuple[Organization, OrgYear | None]] = {org.id: (org, figures) for org, figures in found}
    if now:
        for org in queries.children(s, org_id):
            below.setdefault(org.id, (org, None))
    return sorted(below.values(), key=lambda each: (each[0].sort_no, each[0].path))


def branches(
    s: Session, org: Organization, year: int, after: str, limit: int
) -> Sequence[tuple[Organization, OrgYear | None]]:
    """Branches at or below `org` in tree order, those behind the path `after`, at most `limit`, with their figures."""
    found = s.execute(
        sa.select(Organization, OrgYear)
        .join(OrgClosure, OrgClosure.descendant_id == Organization.id)
        .join(OrgYear, sa.and_(OrgYear.org_id == Organization.id, OrgYear.year == year), isouter=True)
        .where(
            OrgClosure.ancestor_id == org.id,
            Organization.kind.in_((OrgType.BRANCH, OrgType.JOINT_BRANCH)),
            Organization.closed_on.is_(None),
            Organization.path > after,
        )
        .order_by(Organization.path)
        .limit(limit)
    )
    return [(branch, figures) for branch, figures in found]


def held(s: Session, org_ids: Sequence[int], year: int) -> dict[int, tuple[int, int]]:
    """How often each subtree met for study that counts as 集中, and how many of those were lectures (党课).

    A meeting of several branches counts once in the organisation above them; one that none of the present members went
    to is not found. Reads the lines of every member below: for tables that leave the school, of small subtrees.
    """
    source = StudyHourEntry.source_kind + ":" + sa.cast(StudyHourEntry.source_id, sa.String)
    lecture = sa.case((StudyHourEntry.category == LECTURE, source))
    found = s.execute(
        sa.select(OrgClosure.ancestor_id, sa.func.count(sa.distinct(source)), sa.func.count(sa.distinct(lecture)))
        .join(MemberYear, sa.and_(MemberYear.org_id == OrgClosure.descendant_id, MemberYear.year == year))
        .join(
            StudyHourEntry,
            sa.and_(
                StudyHourEntry.member_id == MemberYear.member_id,
                StudyHourEntry.year == year,
                StudyHourEntry.org_id == OrgClosure.descendant_id,
            ),
        )
        .where(
            OrgClosure.ancestor_id.in_(org_ids),
            StudyHourEntry.mode == Mode.GROUP,
            StudyHourEntry.reverses_id.is_(None),
        )
        .group_by(OrgClosure.ancestor_id)
    )
    return {org_id: (meetings, lectures) for org_id, meetings, lectures in found}


def plain_name(text: str) -> str:
    """A name or pinyin as it is stored: half width, without spaces, one kind of middle dot, lower case."""
    folded = unicodedata.normalize("NFKC", text).lower()
    for dot in "•・.‧∙":
        folded = folded.replace(dot, "·")
    return "".join(folded.split())


def _rows(year: int, who: type[Member] = Member) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            who.id,
            who.name,
            MemberYear.org_id,
            Organization.short_name,
            who.category,
            who.post,
            who.floating,
            MemberYear.group_100,
            MemberYear.online_100,
            MemberYear.required_group_100,
            MemberYear.required_online_100,
            MemberYear.online_counts,
            MemberYear.exempt,
            MemberYear.met,
        )
        .select_from(who)
        .join(MemberYear, MemberYear.member_id == who.id)
        .join(Organization, Organization.id == MemberYear.org_id)
        .where(MemberYear.year == year, MemberYear.counted.is_(True))
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
    counted = MemberYear.group_100 + sa.case((MemberYear.online_counts.is_(True), MemberYear.online_100), else_=0)
    needed = sa.case(
        (MemberYear.exempt.is_(True), 0),
        (counted >= MemberYear.required_group_100, 0),
        else_=MemberYear.required_group_100 - counted,
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


def find_members(s: Session, org: Organization, year: int, text: str, subtree: int) -> list[MemberRow]:
    """Members at or below `org` whose name, pinyin or initials begin with `text`, at most FOUND_LIMIT, by pinyin.

    `subtree` is how many members lie below: a small one is read whole; in a large one the name indexes are walked in
    their own order until enough are found, which takes at least two characters to stay short.
    """
    text = plain_name(text)
    small = subtree <= SMALL_SUBTREE
    if not text or (len(text) < 2 and not small):
        return []
    columns = (Member.pinyin, Member.initials) if text.isascii() else (Member.name,)
    if small:
        return _read_subtree(s, org, year, sa.or_(*(_begins(column, text) for column in columns)))
    found: dict[int, MemberRow] = {}
    for column in columns:
        if len(found) < FOUND_LIMIT:
            found |= {row.member_id: row for row in _walk_names(s, org, year, column, text)}
    return list(found.values())[:FOUND_LIMIT]


def _begins(column: Any, text: str) -> sa.ColumnElement[bool]:
    return sa.and_(column >= text, column < text[:-1] + chr(ord(text[-1]) + 1))


# No planner knows how many names begin alike or how many of them lie in a subtree. So each search says where it starts,
# by a part that the planner may not rearrange: a materialized table, a limit.


def _read_subtree(s: Session, org: Organization, year: int, begins: sa.ColumnElement[bool]) -> list[MemberRow]:
    below = (
        sa.select(MemberYear.member_id)
        .join(OrgClosure, OrgClosure.descendant_id == MemberYear.org_id)
        .where(OrgClosure.ancestor_id == org.id, MemberYear.year == year)
        .cte()
        .prefix_with("MATERIALIZED")
    )
    wanted = _rows(year).join(below, below.c.member_id == Member.id).where(begins)
    return [MemberRow(*row) for row in s.execute(wanted.order_by(Member.pinyin, Member.id).limit(FOUND_LIMIT))]


def _walk_names(s: Session, org: Organization, year: int, column: Any, text: str) -> list[MemberRow]:
    named = sa.select(Member).where(_begins(column, text)).order_by(column)
    below = sa.func.substr(Organization.path, 1, len(org.path)) == org.path
    walked = NAMES_WALKED
    while True:
        who = aliased(Member, named.limit(walked).subquery())
        wanted = _rows(year, who).where(below).order_by(getattr(who, column.key), who.id).limit(FOUND_LIMIT)
        rows = [MemberRow(*row) for row in s.execute(wanted)]
        if (
            len(rows) == FOUND_LIMIT
            or not s.execute(named.with_only_columns(Member.id).offset(walked).limit(1)).first()
        ):
            return rows
        walked *= 8
