"""Year totals of whole subtrees: what was marked is added up again from its own members and its children's totals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.time import now as this_moment
from school.org.models import Organization
from school.records.bulk import put
from school.records.models import MemberYear, Mode, OrgYear, OrgYearMark, StudyHourEntry

FIGURES = ("members", "exempt", "met", "started", "group_100", "online_100")


def rebuild_dirty(s: Session, limit: int = 500, now: datetime | None = None) -> int:
    """Add up what up to `limit` marks ask for; how many marks were taken away (0: all totals are current).

    A mark made while this runs stands for the next time: only marks that were read are removed.
    """
    marks = s.execute(
        sa.select(OrgYearMark.id, OrgYearMark.org_id, OrgYearMark.year)
        .order_by(OrgYearMark.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    wanted: dict[int, set[int]] = defaultdict(set)
    for _, org_id, year in marks:
        wanted[year].add(org_id)
    for year, org_ids in sorted(wanted.items()):
        _rebuild(s, year, org_ids, now or this_moment())
    s.execute(sa.delete(OrgYearMark).where(OrgYearMark.id.in_([mark.id for mark in marks])))
    return len(marks)


def _rebuild(s: Session, year: int, org_ids: Collection[int], now: datetime) -> None:
    parents = _upwards(s, year, org_ids)
    rows = _locked_rows(s, year, parents)
    children: dict[int, list[OrgYear]] = defaultdict(list)
    below = sa.select(OrgYear).where(OrgYear.year == year, OrgYear.parent_id.in_(parents))
    for child in s.scalars(below.execution_options(populate_existing=True)):
        children[child.parent_id or 0].append(child)
    own = _own_figures(s, year, parents)
    months = _own_months(s, year, parents)
    for row in _deepest_first(rows):
        org_id = row.org_id
        figures = list(own.get(org_id, (0,) * len(FIGURES)))
        twelve = months[org_id]
        for child in children[org_id]:
            figures = [mine + getattr(child, name) for mine, name in zip(figures, FIGURES, strict=True)]
            for month, (group, online) in enumerate(child.months):
                twelve[month][0] += group
                twelve[month][1] += online
        for name, figure in zip(FIGURES, figures, strict=True):
            setattr(row, name, figure)
        row.months, row.built_at = twelve, now
    s.flush()


def _upwards(s: Session, year: int, org_ids: Iterable[int]) -> dict[int, int | None]:
    """`org_ids` and everything above them → parent: the tree of that year where it is known, else today's."""
    parents: dict[int, int | None] = {}
    level = set(org_ids)
    while level:
        rows = s.execute(
            sa.select(Organization.id, Organization.parent_id, OrgYear.org_id, OrgYear.parent_id)
            .join(OrgYear, sa.and_(OrgYear.org_id == Organization.id, OrgYear.year == year), isouter=True)
            .where(Organization.id.in_(level))
        ).all()
        for org_id, today, known, then in rows:
            parents[org_id] = then if known is not None else today
        level = {parent for parent in parents.values() if parent is not None and parent not in parents}
    return parents


def _locked_rows(s: Session, year: int, parents: dict[int, int | None]) -> dict[int, OrgYear]:
    """The rows of the organisations, made where missing, held to the end: two rebuilds of one row follow each other.

    What is missing is made before anything is locked, both in the order of numbers: so no two wait for each other.
    """
    of_these = (OrgYear.year == year, OrgYear.org_id.in_(parents))
    missing = parents.keys() - set(s.scalars(sa.select(OrgYear.org_id).where(*of_these)))
    if missing:
        empty_rows(s, year, {org_id: parents[org_id] for org_id in missing})
    rows = s.scalars(
        sa.select(OrgYear)
        .where(*of_these)
        .order_by(OrgYear.org_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.org_id: row for row in rows}


def empty_rows(s: Session, year: int, parents: Mapping[int, int | None]) -> None:
    """Empty rows of `year` for organisations → parent; a row that somebody else has just made stays."""
    empty = {**dict.fromkeys(FIGURES, 0), "months": _twelve()}
    put(
        s,
        OrgYear,
        [{**empty, "org_id": org_id, "year": year, "parent_id": parents[org_id]} for org_id in sorted(parents)],
    )


def _twelve() -> list[list[int]]:
    return [[0, 0] for _ in range(12)]


def _own_figures(s: Session, year: int, org_ids: Collection[int]) -> dict[int, tuple[int, ...]]:
    """FIGURES of each organisation's own members; someone excused stays in the list and leaves the denominator."""

    def count(condition: sa.SQLColumnExpression[bool]) -> sa.ColumnElement[int]:
        return sa.func.sum(sa.case((condition, 1), else_=0))

    rows = s.execute(
        sa.select(
            MemberYear.org_id,
            sa.func.count(),
            count(MemberYear.exempt),
            count(sa.and_(MemberYear.met, ~MemberYear.exempt)),
            count(sa.and_(MemberYear.group_100 + MemberYear.online_100 > 0, ~MemberYear.exempt)),
            sa.func.sum(MemberYear.group_100),
            sa.func.sum(MemberYear.online_100),
        )
        .where(MemberYear.year == year, MemberYear.org_id.in_(org_ids), MemberYear.counted)
        .group_by(MemberYear.org_id)
    )
    return {row[0]: tuple(row[1:]) for row in rows}


def _own_months(s: Session, year: int, org_ids: Collection[int]) -> dict[int, list[list[int]]]:
    """[group, online] of each month from the lines of each organisation's own members."""
    months: dict[int, list[list[int]]] = {org_id: _twelve() for org_id in org_ids}
    month = sa.extract("month", StudyHourEntry.occurred_on)
    rows = s.execute(
        sa.select(MemberYear.org_id, month, StudyHourEntry.mode, sa.func.sum(StudyHourEntry.hours_100))
        .join(MemberYear, MemberYear.member_id == StudyHourEntry.member_id)
        .where(
            StudyHourEntry.year == year,
            MemberYear.year == year,
            MemberYear.org_id.in_(org_ids),
            MemberYear.counted,
        )
        .group_by(MemberYear.org_id, month, StudyHourEntry.mode)
    )
    for org_id, number, mode, hours in rows:
        months[org_id][int(number) - 1][0 if mode == Mode.GROUP else 1] = int(hours)
    return months


def _deepest_first(rows: dict[int, OrgYear]) -> list[OrgYear]:
    """By the tree as the rows say it now that they are held; what was read before may be of two trees."""

    def depth(row: OrgYear) -> int:
        above = rows.get(row.parent_id or 0)
        return 0 if above is None else 1 + depth(above)

    return sorted(rows.values(), key=depth, reverse=True)
