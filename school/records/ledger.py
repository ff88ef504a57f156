"""The study-hour ledger: lines are only ever added, and a member's year moves in the transaction of each line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import ORMExecuteState, Session

from school.core.errors import Conflict, Invalid, NotFound
from school.core.i18n import N_
from school.core.person import Person, Role, require
from school.core.time import now as this_moment
from school.org import audit
from school.org.models import Member, MembershipTransfer, Organization, PartyStatus
from school.records.models import HourPolicy, MemberYear, Mode, OrgYearMark, StudyHourEntry
from school.records.policies import asked_of, every_policy, policy_for, snapshot

KEEPERS = (Role.BRANCH_SECRETARY, Role.ORG_ADMIN)  # who may correct the ledger of their organisations


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """One line to be: hours of one source for one member, 集中 or 网络. The year is the one of `occurred_on`."""

    member_id: int
    source_kind: str
    source_id: int
    mode: Mode
    category: str
    hours_100: int
    title: str
    occurred_on: date
    host: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    posted_by: int | None = None
    note: str = ""

    @property
    def key(self) -> tuple[int, int, str, int, str]:
        return self.member_id, self.occurred_on.year, self.source_kind, self.source_id, self.mode


def lock_members(s: Session, member_ids: Collection[int]) -> dict[int, Member]:
    """The members, their rows held until the end of the transaction: one at a time counts for a member.

    Always taken in the order of their numbers, so that two batches never wait for each other.
    """
    wanted = sa.select(Member).where(Member.id.in_(member_ids)).order_by(Member.id)
    locked = wanted.with_for_update(key_share=True).execution_options(populate_existing=True)
    return {member.id: member for member in s.scalars(locked)}


def post_entry(
    s: Session,
    *,
    member_id: int,
    source_kind: str,
    source_id: int,
    mode: Mode,
    category: str,
    hours_100: int,
    title: str,
    occurred_on: date,
    host: str = "",
    evidence: dict[str, Any] | None = None,
    person: Person | None = None,
    note: str = "",
    now: datetime | None = None,
) -> StudyHourEntry:
    """Add one line; the unreversed line of the same source, member, year and mode when there is one already.

    `person` is who enters it by hand (补录, 认定): noted on the line and in the audit log; None: the system counted it.
    """
    draft = NewEntry(
        member_id=member_id,
        source_kind=source_kind,
        source_id=source_id,
        mode=Mode(mode),
        category=category,
        hours_100=hours_100,
        title=title,
        occurred_on=occurred_on,
        host=host,
        evidence=evidence or {},
        posted_by=person.account_id if person else None,
        note=note,
    )
    posted = post_entries(s, [draft], now or this_moment())
    entry = posted[0] if posted else _standing(s, {member_id})[draft.key]
    if person and posted:
        audit.record(
            s, person, "hours.post", ("study_hour_entry", entry.id), entry.org_id,
            hours_100=hours_100, mode=entry.mode, title=title,
        )  # fmt: skip
    return entry


def post_entries(s: Session, drafts: Sequence[NewEntry], now: datetime) -> list[StudyHourEntry]:
    """Add lines in a set; those whose source already stands for the member, year and mode are left out.

    Raises Invalid (`entry.hours`) for hours that are not positive and NotFound (`entry.member`).
    """
    if any(draft.hours_100 <= 0 for draft in drafts):
        raise Invalid("entry.hours", N_("学时要大于零。请核对后再提交。"))
    members = lock_members(s, {draft.member_id for draft in drafts})
    if any(draft.member_id not in members for draft in drafts):
        raise NotFound("entry.member", N_("没有找到这位同志。请核对后再提交。"))
    standing = _standing(s, members.keys())
    revisions = _revisions(s, members.keys())
    policies = every_policy(s)
    entries = []
    for draft in drafts:
        if draft.key in standing:
            continue
        member = members[draft.member_id]
        policy = policy_for(policies, member.category, member.post, draft.occurred_on)
        revisions[draft.key] = revisions.get(draft.key, 0) + 1
        standing[draft.key] = entry = _line(draft, policy, revisions[draft.key], now)
        entries.append(entry)
    for entry, org_id in zip(
        entries, branches_on(s, members, [(e.member_id, e.occurred_on) for e in entries]), strict=True
    ):
        entry.org_id = org_id
    s.add_all(entries)
    _move(s, members, entries)
    s.flush()
    return entries


def _line(draft: NewEntry, policy: HourPolicy | None, revision: int, now: datetime) -> StudyHourEntry:
    return StudyHourEntry(
        member_id=draft.member_id,
        year=draft.occurred_on.year,
        mode=draft.mode,
        category=draft.category,
        hours_100=draft.hours_100,
        source_kind=draft.source_kind,
        source_id=draft.source_id,
        title=draft.title,
        host=draft.host,
        occurred_on=draft.occurred_on,
        posted_at=now,
        policy_id=policy.id if policy else None,
        policy=snapshot(policy),
        evidence=draft.evidence,
        revision=revision,
        posted_by=draft.posted_by,
        note=draft.note,
    )


def reverse_entry(s: Session, person: Person, entry_id: int, note: str, now: datetime | None = None) -> StudyHourEntry:
    """Take a line back by a reversing line in its own year (更正), by a keeper of the member's branch.

    Raises NotFound(`entry.missing`), Conflict(`entry.reversed`), Invalid(`entry.note`) and NotAllowed.
    """
    entry = s.get(StudyHourEntry, entry_id)
    if entry is None:
        raise NotFound("entry.missing", N_("没有找到这条学时记录。"))
    member = lock_members(s, {entry.member_id})[entry.member_id]
    require(person, *KEEPERS, path=_path(s, member.org_id))
    if not note.strip():
        raise Invalid("entry.note", N_("请写明更正的原因，本人和上级都会看到。"))
    if entry.reverses_id or s.scalar(sa.select(StudyHourEntry.id).where(StudyHourEntry.reverses_id == entry.id)):
        raise Conflict("entry.reversed", N_("这条学时记录已经更正过了。请刷新页面查看。"))
    (line,) = _reverse(s, {member.id: member}, [entry], note.strip(), now or this_moment(), person.account_id)
    audit.record(
        s, person, "hours.reverse", ("study_hour_entry", entry.id), member.org_id,
        hours_100=(entry.hours_100, 0), title=entry.title, note=note.strip(),
    )  # fmt: skip
    return line


def withdraw_entries(
    s: Session, entries: Sequence[StudyHourEntry], note: str, now: datetime, person: Person | None = None
) -> list[StudyHourEntry]:
    """Take back lines whose source the room that posted them has corrected, by reversing lines in their own years.

    Nobody's judgement of a member (that is `reverse_entry`): the lines say that the system did it, the audit log names
    the `person` who corrected the source. Lines that do not stand any more are left out.
    """
    if not entries:
        return []
    members = lock_members(s, {entry.member_id for entry in entries})
    standing = {line.id for line in _standing(s, members.keys()).values()}
    entries = [entry for entry in entries if entry.id in standing]
    for entry in entries:
        audit.record(
            s, person, "hours.withdraw", ("study_hour_entry", entry.id), members[entry.member_id].org_id,
            hours_100=(entry.hours_100, 0), title=entry.title, note=note,
        )  # fmt: skip
    return _reverse(s, members, entries, note, now, None)


def _reverse(
    s: Session, members: dict[int, Member], entries: Sequence[StudyHourEntry], note: str, now: datetime, by: int | None
) -> list[StudyHourEntry]:
    revisions = _revisions(s, members.keys())
    lines = []
    for entry in entries:
        key = (entry.member_id, entry.year, entry.source_kind, entry.source_id, entry.mode)
        revisions[key] += 1
        repeated = {name: getattr(entry, name) for name in REPEATED}
        lines.append(
            StudyHourEntry(
                **repeated, hours_100=-entry.hours_100, revision=revisions[key], reverses_id=entry.id,
                posted_at=now, posted_by=by, note=note,
            )
        )  # fmt: skip
    s.add_all(lines)
    _move(s, members, lines)
    s.flush()
    return lines


REPEATED = (
    "member_id", "year", "mode", "category", "source_kind", "source_id", "title", "host", "occurred_on", "org_id",
    "policy_id", "policy",
)  # fmt: skip


def _path(s: Session, org_id: int) -> str:
    return s.scalars(sa.select(Organization.path).where(Organization.id == org_id)).one()


def _standing(s: Session, member_ids: Collection[int]) -> dict[tuple[int, int, str, int, str], StudyHourEntry]:
    """Unreversed lines of the members by source, year and mode."""
    taken_back = sa.select(StudyHourEntry.reverses_id).where(
        StudyHourEntry.member_id.in_(member_ids), StudyHourEntry.reverses_id.is_not(None)
    )
    lines = s.scalars(
        sa.select(StudyHourEntry).where(
            StudyHourEntry.member_id.in_(member_ids),
            StudyHourEntry.reverses_id.is_(None),
            StudyHourEntry.id.not_in(taken_back),
        )
    )
    return {(line.member_id, line.year, line.source_kind, line.source_id, line.mode): line for line in lines}


def _revisions(s: Session, member_ids: Collection[int]) -> dict[tuple[int, int, str, int, str], int]:
    """The last revision of each source, year and mode of the members."""
    key = (
        StudyHourEntry.member_id,
        StudyHourEntry.year,
        StudyHourEntry.source_kind,
        StudyHourEntry.source_id,
        StudyHourEntry.mode,
    )
    rows = s.execute(
        sa.select(*key, sa.func.max(StudyHourEntry.revision))
        .where(StudyHourEntry.member_id.in_(member_ids))
        .group_by(*key)
    )
    return {(row[0], row[1], row[2], row[3], row[4]): row[5] for row in rows}


def branches_on(s: Session, members: dict[int, Member], wanted: Sequence[tuple[int, date]]) -> list[int]:
    """The branch of each (member id, day): today's, taken back through the transfers made since."""
    since = min((day for _, day in wanted), default=None)
    if since is None:
        return []
    moves = s.execute(
        sa.select(MembershipTransfer.member_id, MembershipTransfer.on_date, MembershipTransfer.from_org_id)
        .where(MembershipTransfer.member_id.in_(members.keys()), MembershipTransfer.on_date > since)
        .order_by(MembershipTransfer.on_date, MembershipTransfer.id)
    ).all()
    return [
        next((origin for who, on, origin in moves if who == member_id and on > day), members[member_id].org_id)
        for member_id, day in wanted
    ]


def open_years(s: Session, members: dict[int, Member], year: int) -> dict[int, MemberYear]:
    """The members' rows of `year`, made with the branch they had on 31 December (or have now) where missing."""
    rows = {
        row.member_id: row
        for row in s.scalars(
            sa.select(MemberYear)
            .where(MemberYear.year == year, MemberYear.member_id.in_(members.keys()))
            .execution_options(populate_existing=True)  # as it stands now that the member is locked
        )
    }
    missing = sorted(members.keys() - rows.keys())
    asked = asked_of(s, {member_id: members[member_id].category for member_id in missing}, year) if missing else {}
    branches = branches_on(s, members, [(member_id, date(year, 12, 31)) for member_id in missing])
    for member_id, org_id in zip(missing, branches, strict=True):
        need = asked[member_id].required
        rows[member_id] = row = MemberYear(
            member_id=member_id,
            year=year,
            org_id=org_id,
            group_100=0,
            online_100=0,
            required_group_100=need.group_100,
            required_online_100=need.online_100,
            online_counts=need.online_counts,
            exempt=asked[member_id].exempt,
            counted=members[member_id].party_status == PartyStatus.NORMAL,
        )
        judge(row)
        s.add(row)
    return rows


def judge(row: MemberYear) -> None:
    """Say anew whether the member's year is met (达标)."""
    counted = row.group_100 + (row.online_100 if row.online_counts else 0)
    row.met = counted >= row.required_group_100 and row.online_100 >= row.required_online_100


def mark(s: Session, branches: Iterable[tuple[int, int]]) -> None:
    """Ask for the totals of each (organisation, year) and of everything above it to be added up again."""
    rows = [{"org_id": org_id, "year": year} for org_id, year in sorted(set(branches))]
    if rows:
        s.execute(sa.insert(OrgYearMark), rows)


def _move(s: Session, members: dict[int, Member], entries: Sequence[StudyHourEntry]) -> None:
    for year in sorted({entry.year for entry in entries}):
        moving = [entry for entry in entries if entry.year == year]
        rows = open_years(s, {entry.member_id: members[entry.member_id] for entry in moving}, year)
        for entry in moving:
            row = rows[entry.member_id]
            if entry.mode == Mode.GROUP:
                row.group_100 += entry.hours_100
            else:
                row.online_100 += entry.hours_100
            judge(row)
        mark(s, ((rows[entry.member_id].org_id, year) for entry in moving))


class LedgerIsAppendOnly(RuntimeError):
    """Somebody tried to change or remove a line of the ledger; post a reversing line instead."""


def _refuse(*_: object) -> None:
    raise LedgerIsAppendOnly


def _refuse_in_bulk(state: ORMExecuteState) -> None:
    if (state.is_update or state.is_delete) and state.bind_mapper is StudyHourEntry.__mapper__:
        raise LedgerIsAppendOnly


sa.event.listen(StudyHourEntry, "before_update", _refuse)
sa.event.listen(StudyHourEntry, "before_delete", _refuse)
sa.event.listen(Session, "do_orm_execute", _refuse_in_bulk)
