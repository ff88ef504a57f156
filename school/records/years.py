"""Keeps every member's year in step with the member: the new one, the transferred one, the one whose duty changed."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Invalid, NotFound
from school.core.i18n import N_
from school.core.person import Person, require
from school.core.time import now as this_moment
from school.org import audit
from school.org.models import Member, Organization, PartyStatus
from school.records.ledger import KEEPERS, judge, lock_members, mark, open_years
from school.records.models import HourExemption, MemberYear, OrgYear
from school.records.policies import asked_of
from school.records.rollup import empty_rows


def open_missing(s: Session, year: int, limit: int = 1000) -> int:
    """Give up to `limit` members without a row for `year` one; how many."""
    has_row = sa.exists().where(MemberYear.member_id == Member.id, MemberYear.year == year)
    ids = s.scalars(sa.select(Member.id).where(~has_row).order_by(Member.id).limit(limit)).all()
    rows = open_years(s, lock_members(s, ids), year)
    mark(s, ((row.org_id, year) for row in rows.values()))
    return len(ids)


def follow_members(s: Session, year: int, limit: int = 1000) -> int:
    """Let up to `limit` rows of the running `year` follow their members to another branch or party status; how many."""
    normal = Member.party_status == PartyStatus.NORMAL
    ids = s.scalars(
        sa.select(Member.id)
        .join(MemberYear, sa.and_(MemberYear.member_id == Member.id, MemberYear.year == year))
        .where(sa.or_(MemberYear.org_id != Member.org_id, MemberYear.counted != normal))
        .limit(limit)
    ).all()
    members = lock_members(s, ids)
    for member_id, row in open_years(s, members, year).items():
        mark(s, {(row.org_id, year), (members[member_id].org_id, year)})
        row.org_id = members[member_id].org_id
        row.counted = members[member_id].party_status == PartyStatus.NORMAL
    return len(ids)


def follow_tree(s: Session, year: int, limit: int = 1000) -> int:
    """Let the totals of the running `year` follow organisations that are new or belong elsewhere now; how many."""
    rows = s.execute(
        sa.select(Organization.id, Organization.parent_id, OrgYear)
        .join(OrgYear, sa.and_(OrgYear.org_id == Organization.id, OrgYear.year == year), isouter=True)
        .where(
            sa.or_(
                OrgYear.org_id.is_(None),
                sa.func.coalesce(OrgYear.parent_id, 0) != sa.func.coalesce(Organization.parent_id, 0),
            )
        )
        .order_by(Organization.id)
        .limit(limit)
    ).all()
    empty_rows(s, year, {org_id: parent_id for org_id, parent_id, row in rows if row is None})
    for org_id, parent_id, row in rows:
        if row is not None:
            if row.parent_id is not None:
                mark(s, [(row.parent_id, year)])
            row.parent_id = parent_id
        mark(s, [(org_id, year)])
    return len(rows)


def follow_rules(s: Session, year: int, after: int = 0, limit: int = 1000) -> int | None:
    """Reckon anew what `year` asks of up to `limit` members numbered above `after`; the last number, None at the end."""
    ids = s.scalars(
        sa.select(MemberYear.member_id)
        .where(MemberYear.year == year, MemberYear.member_id > after)
        .order_by(MemberYear.member_id)
        .limit(limit)
    ).all()
    members = lock_members(s, ids)
    asked = asked_of(s, {member.id: member.category for member in members.values()}, year)
    for member_id, row in open_years(s, members, year).items():
        need = asked[member_id]
        before = (row.met, row.exempt)
        row.required_group_100, row.required_online_100 = need.required.group_100, need.required.online_100
        row.online_counts, row.exempt = need.required.online_counts, need.exempt
        judge(row)
        if (row.met, row.exempt) != before:
            mark(s, [(row.org_id, year)])
    return ids[-1] if ids else None


def excuse(
    s: Session, person: Person, member_id: int, year: int, reason: str, now: datetime | None = None
) -> HourExemption:
    """Excuse a member from the year's figure (免予硬性要求), by a keeper of the member's branch; audit-logged.

    Raises NotFound(`entry.member`), Invalid(`excuse.reason`) and NotAllowed. Saying it twice changes the reason.
    """
    member = lock_members(s, {member_id}).get(member_id)
    if member is None:
        raise NotFound("entry.member", N_("没有找到这位同志。请核对后再提交。"))
    org = s.get_one(Organization, member.org_id)
    require(person, *KEEPERS, path=org.path)
    if not reason.strip():
        raise Invalid("excuse.reason", N_("请写明免予硬性要求的原因。"))
    row = s.scalar(sa.select(HourExemption).where(HourExemption.member_id == member_id, HourExemption.year == year))
    if row is None:
        row = HourExemption(member_id=member_id, year=year, reason="", created_at=now or this_moment())
        s.add(row)
    audit.record(
        s, person, "hours.excuse", ("member", member_id), org.id, year=year, reason=(row.reason, reason.strip())
    )
    row.reason, row.approved_by = reason.strip(), person.account_id
    s.flush()
    member_year = open_years(s, {member_id: member}, year)[member_id]
    member_year.exempt = True
    mark(s, [(member_year.org_id, year)])
    return row
