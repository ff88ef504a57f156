"""Read side for whoever answers 申请复核: each request with what the ledger knows of it, and how many wait where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from school.org.models import Account, Member, Organization, OrgClosure
from school.records.intervals import measure, missing
from school.records.models import Coverage, ReviewRequest, StudyHourEntry, StudyPart
from school.records.queries import Ribbon, ribbon_of
from school.records.reviews import OPEN


@dataclass(frozen=True, slots=True)
class Case:
    """A request about a stretch of a `part`, of which `ribbon` is what stands now, or about the ledger line `entry`.

    `org_name` is the branch at that time, `answered_by` the name of the account that answered.
    """

    request: ReviewRequest
    member: Member
    org_name: str
    part: StudyPart | None
    entry: StudyHourEntry | None
    answered_by: str | None
    ribbon: Ribbon | None

    @property
    def title(self) -> str:
        """The course, or what the ledger line is for."""
        return self.part.item.title if self.part else self.entry.title if self.entry else ""

    @property
    def stretch(self) -> tuple[int, int]:
        """From and to, in milliseconds of the part; nothing of a ledger line."""
        return self.request.from_ms or 0, self.request.to_ms or 0

    @property
    def open_ms(self) -> int:
        """How much of the stretch is not covered by now."""
        return measure(missing(*self.stretch, list(self.ribbon.covered if self.ribbon else ())))

    @property
    def reasons(self) -> list[str]:
        """The codes by which pieces of the stretch are refused, each once, in the order of the recording."""
        begin, end = self.stretch
        refused = self.ribbon.refused if self.ribbon else ()
        return list(dict.fromkeys(code for start, stop, code in refused if start < end and stop > begin))


def waiting_cases(s: Session, org_id: int, limit: int) -> list[Case]:
    """What waits for an answer in the organisation and below, the longest waiting first."""
    return _cases(s, org_id, ReviewRequest.state == OPEN, ReviewRequest.id.asc(), limit)


def answered_cases(s: Session, org_id: int, limit: int) -> list[Case]:
    """What was answered in the organisation and below, the latest answer first."""
    return _cases(s, org_id, ReviewRequest.state != OPEN, ReviewRequest.answered_at.desc(), limit)


_WAITING = (
    sa.select(OrgClosure.ancestor_id, sa.func.count())
    .join(ReviewRequest, ReviewRequest.org_id == OrgClosure.descendant_id)
    .where(
        OrgClosure.ancestor_id.in_(sa.bindparam("org_ids", expanding=True)),
        ReviewRequest.state == OPEN,
        ReviewRequest.member_id != sa.bindparam("but_of"),
    )
    .group_by(OrgClosure.ancestor_id)
)


def waiting_counts(s: Session, org_ids: Collection[int], but_of: int | None) -> dict[int, int]:
    """organisation id → how many requests wait there and below, those of the member `but_of` apart; none: left out."""
    return dict(s.execute(_WAITING, {"org_ids": list(org_ids), "but_of": but_of or 0}).all())


def _cases(
    s: Session, org_id: int, which: sa.ColumnElement[bool], order: sa.ColumnElement[Any], limit: int
) -> list[Case]:
    below = sa.select(OrgClosure.descendant_id).where(OrgClosure.ancestor_id == org_id)
    rows = s.execute(
        sa.select(ReviewRequest, Member, Organization.short_name, StudyPart, StudyHourEntry, Account.name)
        .join(Member, Member.id == ReviewRequest.member_id)
        .join(Organization, Organization.id == ReviewRequest.org_id)
        .join(StudyPart, StudyPart.id == ReviewRequest.part_id, isouter=True)
        .join(StudyHourEntry, StudyHourEntry.id == ReviewRequest.entry_id, isouter=True)
        .join(Account, Account.id == ReviewRequest.answered_by, isouter=True)
        .where(ReviewRequest.org_id.in_(below), which)
        .order_by(order, ReviewRequest.id)
        .options(joinedload(StudyPart.item))
        .limit(limit)
    ).all()
    about = {(request.member_id, part.id) for request, _, _, part, _, _ in rows if part}
    watched = defaultdict(list)
    for coverage in s.scalars(
        sa.select(Coverage).where(
            Coverage.member_id.in_({member_id for member_id, _ in about}),
            Coverage.part_id.in_({part_id for _, part_id in about}),
        )
    ):
        watched[coverage.member_id, coverage.part_id].append(coverage)
    return [
        Case(
            request, member, org_name, part, entry, answered_by,
            ribbon=ribbon_of(part, watched[member.id, part.id]) if part else None,
        )
        for request, member, org_name, part, entry, answered_by in rows
    ]  # fmt: skip
