"""What an item needs beside being covered, such as its test: said by the item's room, proven and taken back by the other."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.person import Person
from school.records.bulk import among, put
from school.records.completion import complete
from school.records.ledger import lock_members, withdraw_entries
from school.records.models import STANDS, Coverage, StudyHourEntry, StudyItem, StudyNeed, StudyPart, StudyProof


def needs(
    s: Session, item_kind: str, item_ref: int, kind: str, ref_ids: sa.Select[int], now: datetime, zone: str
) -> None:
    """The item (`item_kind`, `item_ref`) needs exactly what `ref_ids` finds of the room `kind` from now on.

    It is asked after what the item needed before: what somebody else adds meanwhile is not taken for fallen away.
    Hours that stand stay. Where a need falls away, who has covered the item completes it now.
    """
    theirs = sa.and_(StudyNeed.item_kind == item_kind, StudyNeed.item_ref == item_ref, StudyNeed.kind == kind)
    before = set(s.scalars(sa.select(StudyNeed.ref_id).where(theirs)))
    wanted = set(s.scalars(ref_ids))
    s.execute(sa.delete(StudyNeed).where(theirs, StudyNeed.ref_id.in_(before - wanted)))
    put(
        s,
        StudyNeed,
        [
            {"item_kind": item_kind, "item_ref": item_ref, "kind": kind, "ref_id": each}
            for each in sorted(wanted - before)
        ],
    )
    if before - wanted:
        covered = s.execute(
            sa.select(Coverage.member_id, StudyItem.id)
            .join(StudyPart, StudyPart.id == Coverage.part_id)
            .join(StudyItem, StudyItem.id == StudyPart.item_id)
            .where(StudyItem.kind == item_kind, StudyItem.ref_id == item_ref)
        )
        complete(s, {(member_id, item_id) for member_id, item_id in covered}, now, zone)


def prove(s: Session, kind: str, ref_id: int, member_ids: Collection[int], now: datetime, zone: str) -> None:
    """These members have passed (`kind`, `ref_id`): remembered, and what lacked only that is complete now."""
    locked = lock_members(s, member_ids)  # a claim of theirs that is being counted comes before this, or after
    put(
        s,
        StudyProof,
        [{"member_id": member_id, "kind": kind, "ref_id": ref_id, "at": now} for member_id in locked],
    )
    if items := _needing(s, kind, ref_id):
        complete(s, {(member_id, item.id) for member_id in locked for item in items}, now, zone)


def disprove(
    s: Session,
    kind: str,
    ref_id: int,
    member_ids: Collection[int],
    note: str,
    now: datetime,
    person: Person | None = None,
) -> None:
    """These members have not passed (`kind`, `ref_id`) after all: hours that stand on it are taken back, with `note`."""
    locked = lock_members(s, member_ids)
    s.execute(
        sa.delete(StudyProof).where(
            StudyProof.kind == kind, StudyProof.ref_id == ref_id, among(s, StudyProof.member_id, locked)
        )
    )
    items = _needing(s, kind, ref_id)
    lines = s.scalars(
        sa.select(StudyHourEntry).where(
            among(s, StudyHourEntry.member_id, locked),
            sa.or_(sa.false(), *(_of(item) for item in items)),
            STANDS,
        )
    ).all()
    resting = [line for line in lines if [kind, ref_id] in line.evidence.get("needs", ())]
    withdraw_entries(s, resting, note, now, person)


def _needing(s: Session, kind: str, ref_id: int) -> list[StudyItem]:
    wanted = sa.select(StudyItem).join(
        StudyNeed, sa.and_(StudyNeed.item_kind == StudyItem.kind, StudyNeed.item_ref == StudyItem.ref_id)
    )
    return list(s.scalars(wanted.where(StudyNeed.kind == kind, StudyNeed.ref_id == ref_id)))


def _of(item: StudyItem) -> sa.ColumnElement[bool]:
    return sa.and_(StudyHourEntry.source_kind == item.kind, StudyHourEntry.source_id == item.ref_id)
