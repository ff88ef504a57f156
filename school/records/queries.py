"""Read side for a member: the year's hours, every ledger line with its evidence, what is begun and what is still open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.org.models import Organization
from school.records.models import (
    STANDS,
    Coverage,
    MemberYear,
    Mode,
    ReviewRequest,
    StudyHourEntry,
    StudyItem,
    StudyPart,
)
from school.records.rules import Watched, within


@dataclass(frozen=True, slots=True)
class Hours:
    """A member's year in hundredths of hours, 集中 and 网络 apart."""

    year: int
    group_100: int = 0
    online_100: int = 0
    required_group_100: int = 0
    required_online_100: int = 0
    exempt: bool = False
    online_counts: bool = False  # 网络 hours count toward the group requirement too

    @property
    def needed_group_100(self) -> int:
        counted = self.group_100 + (self.online_100 if self.online_counts else 0)
        return 0 if self.exempt else max(self.required_group_100 - counted, 0)

    @property
    def needed_online_100(self) -> int:
        return 0 if self.exempt else max(self.required_online_100 - self.online_100, 0)


@dataclass(frozen=True, slots=True)
class Ribbon:
    """What is covered of one part: intervals [from_ms, to_ms], refused [from_ms, to_ms, reason code].

    The part is [in_ms, length_ms] of its recording, and nothing outside it is in the ribbon.
    """

    part_id: int
    ref_id: int
    title: str
    length_ms: int
    covered: tuple[tuple[int, int], ...]
    refused: tuple[tuple[int, int, str], ...]
    in_ms: int = 0

    @property
    def span_ms(self) -> int:
        """How much of it there is to cover."""
        return self.length_ms - self.in_ms

    @property
    def covered_ms(self) -> int:
        return sum(to - start for start, to in self.covered)

    @property
    def refused_ms(self) -> int:
        return sum(to - start for start, to, _ in self.refused)

    @property
    def unseen_ms(self) -> int:
        return max(self.span_ms - self.covered_ms - self.refused_ms, 0)


@dataclass(frozen=True, slots=True)
class Line:
    """A ledger line; `org_name` is the branch at that time, `reversed_by` the line that took it back, `ribbons` what was
    watched for it."""

    entry: StudyHourEntry
    org_name: str
    reversed_by: StudyHourEntry | None = None
    ribbons: tuple[Ribbon, ...] = ()
    reviews: tuple[ReviewRequest, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An item a member has begun and not completed this year."""

    item: StudyItem
    ribbons: tuple[Ribbon, ...]
    reviews: tuple[ReviewRequest, ...] = field(default=())

    @property
    def length_ms(self) -> int:
        return sum(ribbon.span_ms for ribbon in self.ribbons)

    @property
    def covered_ms(self) -> int:
        return sum(ribbon.covered_ms for ribbon in self.ribbons)


_YEAR = sa.select(  # in the order of `Hours`
    MemberYear.group_100,
    MemberYear.online_100,
    MemberYear.required_group_100,
    MemberYear.required_online_100,
    MemberYear.exempt,
    MemberYear.online_counts,
).where(MemberYear.member_id == sa.bindparam("member_id"), MemberYear.year == sa.bindparam("year"))


def hours_of(s: Session, member_id: int, year: int) -> Hours:
    """The member's year; zeros when nothing stands in it yet."""
    row = s.execute(_YEAR, {"member_id": member_id, "year": year}).one_or_none()
    return Hours(year, *row) if row else Hours(year)


def years_of(s: Session, member_id: int) -> Sequence[int]:
    """The years of which the member has a file, the newest first."""
    wanted = sa.select(MemberYear.year).where(MemberYear.member_id == member_id)
    return s.scalars(wanted.order_by(MemberYear.year.desc())).all()


def lines_of(s: Session, member_id: int, year: int, mode: Mode | None = None) -> list[Line]:
    """Every line of the member's year, the newest first; a reversing line follows what it takes back."""
    wanted = (
        sa.select(StudyHourEntry, Organization.name)
        .join(Organization, Organization.id == StudyHourEntry.org_id)
        .where(StudyHourEntry.member_id == member_id, StudyHourEntry.year == year)
        .order_by(StudyHourEntry.occurred_on.desc(), StudyHourEntry.id.desc())
    )
    if mode:
        wanted = wanted.where(StudyHourEntry.mode == mode)
    rows = s.execute(wanted).all()
    entries = [entry for entry, _ in rows]
    undone = {entry.reverses_id: entry for entry in entries if entry.reverses_id}
    refused = _refused(s, member_id, [part["part_id"] for entry in entries for part in entry.evidence.get("parts", ())])
    reviews = defaultdict(list)
    for review in reviews_of(s, member_id):
        reviews[review.entry_id].append(review)
    return [
        Line(
            entry,
            org_name,
            undone.get(entry.id),
            tuple(_proved(part, refused) for part in entry.evidence.get("parts", ())),
            tuple(reviews[entry.id]),
        )
        for entry, org_name in rows
    ]


def _refused(s: Session, member_id: int, part_ids: Collection[int]) -> dict[int, list[tuple[int, int, str]]]:
    """What is refused of each part, sorted."""
    found: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    wanted = sa.select(Coverage).where(Coverage.member_id == member_id, Coverage.part_id.in_(part_ids))
    for coverage in s.scalars(wanted) if part_ids else ():
        found[coverage.part_id] += [(start, end, reason) for start, end, reason in coverage.refused]
    return {part_id: sorted(pieces) for part_id, pieces in found.items()}


def _proved(part: dict[str, Any], refused: dict[int, list[tuple[int, int, str]]]) -> Ribbon:
    """The ribbon that a line keeps as its evidence."""
    length_ms, in_ms = part["length_ms"], part.get("in_ms", 0)
    watched = Watched([*part.get("online", ()), *part.get("group", ())], [], refused.get(part["part_id"], []))
    watched = within(watched, in_ms, length_ms)
    return Ribbon(
        part["part_id"], part["ref_id"], part["title"], length_ms, tuple(watched.alone), tuple(watched.refused), in_ms
    )


_REVIEWS = (
    sa.select(ReviewRequest)
    .where(ReviewRequest.member_id == sa.bindparam("member_id"))
    .order_by(ReviewRequest.id.desc())
)


def reviews_of(s: Session, member_id: int) -> Sequence[ReviewRequest]:
    """What the member has asked to be looked at again, the newest first."""
    return s.scalars(_REVIEWS, {"member_id": member_id}).all()


def credited(s: Session, member_id: int, year: int, kind: str, ref_ids: Collection[int]) -> set[int]:
    """Which of the sources (`kind`, ref_id) already stand in the member's ledger of this year, unreversed."""
    wanted = sa.select(StudyHourEntry.source_id).where(
        StudyHourEntry.member_id == member_id,
        StudyHourEntry.year == year,
        StudyHourEntry.source_kind == kind,
        StudyHourEntry.source_id.in_(ref_ids),
        STANDS,
    )
    return set(s.scalars(wanted))


def ribbons_of(s: Session, member_id: int, kind: str, ref_id: int) -> list[Ribbon]:
    """What the member has covered of each active part of one item, in the item's order; [] when it gives no hours."""
    return _ribbons(s, member_id, _items(s, {(kind, ref_id)})).get((kind, ref_id), [])


def progress_of(s: Session, member_id: int, kind: str, ref_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """`ref_id` → (covered_ms, length_ms) over the active parts of each item of `kind`."""
    both = sa.func.coalesce(sa.func.sum(Coverage.covered_ms), 0)
    watched = (
        sa.select(Coverage.part_id, both.label("covered_ms"))
        .where(Coverage.member_id == member_id)
        .group_by(Coverage.part_id)
        .subquery()
    )
    wanted = (
        sa.select(
            StudyItem.ref_id,
            sa.func.coalesce(sa.func.sum(sa.func.coalesce(watched.c.covered_ms, 0)), 0),
            sa.func.sum(StudyPart.length_ms - StudyPart.in_ms),
        )
        .join(StudyPart, StudyPart.item_id == StudyItem.id)
        .join(watched, watched.c.part_id == StudyPart.id, isouter=True)
        .where(StudyItem.kind == kind, StudyItem.ref_id.in_(ref_ids), StudyPart.active.is_(True))
        .group_by(StudyItem.ref_id)
    )
    return {ref_id: (min(int(covered), int(length)), int(length)) for ref_id, covered, length in s.execute(wanted)}


_BEGUN = (  # made once: to build it costs more than to ask it
    sa.select(StudyItem)
    .join(StudyPart, StudyPart.item_id == StudyItem.id)
    .join(Coverage, Coverage.part_id == StudyPart.id)
    .where(
        Coverage.member_id == sa.bindparam("member_id"),
        Coverage.covered_ms > 0,
        StudyItem.active.is_(True),
        StudyPart.active.is_(True),
        ~sa.exists().where(
            StudyHourEntry.member_id == sa.bindparam("member_id"),
            StudyHourEntry.year == sa.bindparam("year"),
            StudyHourEntry.source_kind == StudyItem.kind,
            StudyHourEntry.source_id == StudyItem.ref_id,
            STANDS,
        ),
    )
    .group_by(StudyItem.id)
    .order_by(sa.func.max(Coverage.updated_at).desc(), StudyItem.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


def open_items(
    s: Session, member_id: int, year: int, limit: int = 20, *, reviews: Sequence[ReviewRequest] = ()
) -> list[OpenItem]:
    """Active items the member has begun and not completed this year, the last watched first, with those of `reviews`
    that are about them."""
    items = s.scalars(_BEGUN, {"member_id": member_id, "year": year, "limit": limit}).all()
    ribbons = _ribbons(s, member_id, items)
    by_part = defaultdict(list)
    for review in reviews:
        by_part[review.part_id].append(review)
    found = []
    for item in items:
        parts = ribbons.get((item.kind, item.ref_id), [])
        asked = tuple(review for ribbon in parts for review in by_part[ribbon.part_id])
        found.append(OpenItem(item, tuple(parts), asked))
    return found


def _items(s: Session, sources: Collection[tuple[str, int]]) -> Sequence[StudyItem]:
    by_kind = defaultdict(list)
    for kind, ref_id in sources:
        by_kind[kind].append(ref_id)
    if not by_kind:
        return []
    same = [sa.and_(StudyItem.kind == kind, StudyItem.ref_id.in_(ids)) for kind, ids in by_kind.items()]
    return s.scalars(sa.select(StudyItem).where(sa.or_(*same))).all()


_PARTS = (
    sa.select(StudyPart, Coverage)
    .join(
        Coverage,
        sa.and_(Coverage.part_id == StudyPart.id, Coverage.member_id == sa.bindparam("member_id")),
        isouter=True,
    )
    .where(StudyPart.item_id.in_(sa.bindparam("item_ids", expanding=True)), StudyPart.active.is_(True))
    .order_by(StudyPart.item_id, StudyPart.position, StudyPart.id)
)


def _ribbons(s: Session, member_id: int, items: Sequence[StudyItem]) -> dict[tuple[str, int], list[Ribbon]]:
    """Ribbons of the active parts of `items`, by (kind, ref_id); parts never watched are there with nothing covered."""
    if not items:
        return {}
    names = {item.id: (item.kind, item.ref_id) for item in items}
    covered: dict[int, list[Coverage]] = defaultdict(list)
    parts: dict[int, StudyPart] = {}
    for part, coverage in s.execute(_PARTS, {"member_id": member_id, "item_ids": list(names)}):
        parts[part.id] = part
        if coverage:
            covered[part.id].append(coverage)
    ribbons: dict[tuple[str, int], list[Ribbon]] = defaultdict(list)
    for part in parts.values():
        ribbons[names[part.item_id]].append(ribbon_of(part, covered[part.id]))
    return ribbons


def ribbon_of(part: StudyPart, coverages: Sequence[Coverage]) -> Ribbon:
    """What one member's coverage of a part comes to, alone and in a group together."""
    covered = [(start, to) for coverage in coverages for start, to in coverage.intervals]
    refused = sorted((start, to, reason) for coverage in coverages for start, to, reason in coverage.refused)
    watched = within(Watched(covered, [], refused), part.in_ms, part.length_ms)
    return Ribbon(
        part.id, part.ref_id, part.title, part.length_ms, tuple(watched.alone), tuple(watched.refused), part.in_ms
    )
