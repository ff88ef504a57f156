"""From coverage to ledger lines: who has completed which item this year, and the lines that says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.time import day_of
from school.records.intervals import measure
from school.records.ledger import NewEntry, lock_members, post_entries
from school.records.models import (
    STANDS,
    Coverage,
    Mode,
    PlaySession,
    ReviewRequest,
    StudyHourEntry,
    StudyItem,
    StudyNeed,
    StudyPart,
    StudyProof,
    StudyStay,
)
from school.records.policies import credit_policy, every_policy, policy_for
from school.records.rules import Watched, completed, group_and_alone, split_hours, within

SESSIONS_KEPT = STAYS_KEPT = 20  # in the evidence of a line

Pair = tuple[int, int]  # member id, item id


@dataclass(frozen=True, slots=True)
class Hours:
    """What an item gave a member this year, in hundredths."""

    group_100: int
    online_100: int


def complete(
    s: Session, pairs: Collection[Pair], now: datetime, zone: str, *, day: date | None = None
) -> dict[Pair, Hours]:
    """Post the lines of every (member, item) that is completed and does not stand in the ledger of its year yet.

    `day` is the one it was completed on, when that is not today (a class that ended before midnight). Returns what each
    completed pair has, posted now or before; pairs that are not completed, or lack a proof the item needs, are left out.
    """
    items = _items(s, {item_id for _, item_id in pairs})
    parts = _parts(s, items)
    pairs = _nearly(s, pairs, items, parts)
    if not pairs:
        return {}
    members = lock_members(s, {member_id for member_id, _ in pairs})
    day = day or day_of(now, zone)
    done = _standing(s, pairs, items, day.year)
    policies = every_policy(s)
    watched = _watched(s, pairs, parts)
    needs = _needs(s, items)
    unproven = _unproven(s, pairs, needs)
    drafts: list[NewEntry] = []
    for member_id, item_id in sorted(pairs - done.keys() - unproven):
        item, member = items[item_id], members[member_id]
        of_parts = {
            part: within(watched.get((member_id, part.id), Watched()), part.in_ms, part.length_ms)
            for part in parts[item_id]
        }
        group_ms, alone_ms = group_and_alone(of_parts.values())
        length_ms = sum(part.span_ms for part in of_parts)
        permille = credit_policy(policy_for(policies, member.category, member.post, day)).completion_permille
        if not completed(group_ms + alone_ms, length_ms, permille):
            continue
        hours = Hours(*split_hours(item.hours_100, group_ms, alone_ms))
        done[member_id, item_id] = hours
        evidence = _evidence(s, member_id, of_parts, permille) | {"needs": [list(each) for each in needs[item_id]]}
        for mode, hours_100 in ((Mode.GROUP, hours.group_100), (Mode.ONLINE, hours.online_100)):
            if hours_100:
                drafts.append(
                    NewEntry(
                        member_id=member_id,
                        source_kind=item.kind,
                        source_id=item.ref_id,
                        mode=mode,
                        category="group_viewing" if mode is Mode.GROUP else item.category,
                        hours_100=hours_100,
                        title=item.title,
                        host=item.host,
                        occurred_on=day,
                        evidence=evidence,
                    )
                )
    post_entries(s, drafts, now)
    return done


def _items(s: Session, ids: Collection[int]) -> dict[int, StudyItem]:
    items = s.scalars(sa.select(StudyItem).where(StudyItem.id.in_(ids), StudyItem.active, StudyItem.hours_100 > 0))
    return {item.id: item for item in items}


def _parts(s: Session, item_ids: Collection[int]) -> dict[int, list[StudyPart]]:
    parts: dict[int, list[StudyPart]] = defaultdict(list)
    active = sa.select(StudyPart).where(StudyPart.item_id.in_(item_ids), StudyPart.active)
    for part in s.scalars(active.order_by(StudyPart.position, StudyPart.id)):
        parts[part.item_id].append(part)
    return parts


def _nearly(
    s: Session, pairs: Collection[Pair], items: dict[int, StudyItem], parts: dict[int, list[StudyPart]]
) -> set[Pair]:
    """The pairs whose coverage, counted without looking for overlaps, could be enough by the mildest policy."""
    mildest = min((policy.completion_permille for policy in every_policy(s)), default=900)
    sums = s.execute(
        sa.select(Coverage.member_id, StudyPart.item_id, sa.func.sum(Coverage.covered_ms))
        .join(StudyPart, StudyPart.id == Coverage.part_id)
        .where(
            Coverage.member_id.in_({member_id for member_id, _ in pairs}),
            StudyPart.item_id.in_(items),
            StudyPart.active,
        )
        .group_by(Coverage.member_id, StudyPart.item_id)
    )
    length = {item_id: sum(part.span_ms for part in parts[item_id]) for item_id in items}
    return {
        (member_id, item_id)
        for member_id, item_id, covered in sums
        if (member_id, item_id) in pairs and completed(int(covered), length[item_id], mildest)
    }


def _standing(s: Session, pairs: Collection[Pair], items: dict[int, StudyItem], year: int) -> dict[Pair, Hours]:
    """What already stands, unreversed, in the ledger of the year."""
    by_source = {(item.kind, item.ref_id): item.id for item in items.values()}
    rows = s.execute(
        sa.select(
            StudyHourEntry.member_id,
            StudyHourEntry.source_kind,
            StudyHourEntry.source_id,
            StudyHourEntry.mode,
            StudyHourEntry.hours_100,
        ).where(
            StudyHourEntry.member_id.in_({member_id for member_id, _ in pairs}),
            StudyHourEntry.year == year,
            STANDS,
        )
    )
    done: dict[Pair, Hours] = {}
    for member_id, kind, ref_id, mode, hours_100 in rows:
        pair = (member_id, by_source.get((kind, ref_id), 0))
        if pair in pairs:
            before = done.get(pair, Hours(0, 0))
            group = mode == Mode.GROUP
            done[pair] = Hours(
                before.group_100 + (hours_100 if group else 0), before.online_100 + (0 if group else hours_100)
            )
    return done


def _needs(s: Session, items: dict[int, StudyItem]) -> dict[int, list[tuple[str, int]]]:
    """What each item needs beside being covered."""
    rows = s.execute(
        sa.select(StudyItem.id, StudyNeed.kind, StudyNeed.ref_id)
        .join(StudyNeed, sa.and_(StudyNeed.item_kind == StudyItem.kind, StudyNeed.item_ref == StudyItem.ref_id))
        .where(StudyItem.id.in_(items))
        .order_by(StudyNeed.kind, StudyNeed.ref_id)
    )
    found: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for item_id, kind, ref_id in rows:
        found[item_id].append((kind, ref_id))
    return found


def _unproven(s: Session, pairs: Collection[Pair], needs: dict[int, list[tuple[str, int]]]) -> set[Pair]:
    """The pairs whose item needs something that the member has not passed; the members are locked."""
    if not needs:
        return set()
    rows = s.execute(
        sa.select(StudyProof.member_id, StudyProof.kind, StudyProof.ref_id).where(
            StudyProof.member_id.in_({member_id for member_id, item_id in pairs if item_id in needs}),
            StudyProof.ref_id.in_({ref_id for each in needs.values() for _, ref_id in each}),
        )
    )
    proven = {(member_id, kind, ref_id) for member_id, kind, ref_id in rows}
    return {
        (member_id, item_id)
        for member_id, item_id in pairs
        if any((member_id, kind, ref_id) not in proven for kind, ref_id in needs.get(item_id, ()))
    }


def _watched(s: Session, pairs: Collection[Pair], parts: dict[int, list[StudyPart]]) -> dict[Pair, Watched]:
    """(member id, part id) → what was watched."""
    part_ids = [part.id for _, item_id in pairs for part in parts[item_id]]
    rows = s.execute(
        sa.select(Coverage.member_id, Coverage.part_id, Coverage.mode, Coverage.intervals, Coverage.refused).where(
            Coverage.member_id.in_({member_id for member_id, _ in pairs}), Coverage.part_id.in_(part_ids)
        )
    )
    found: dict[Pair, Watched] = defaultdict(Watched)
    for member_id, part_id, mode, intervals, refused in rows:
        watched = found[member_id, part_id]
        if mode == Mode.GROUP:
            watched.group = [(a, b) for a, b in intervals]
        else:
            watched.alone = [(a, b) for a, b in intervals]
            watched.refused = [(a, b, code) for a, b, code in refused]
    return found


def _evidence(s: Session, member_id: int, parts: dict[StudyPart, Watched], permille: int) -> dict[str, Any]:
    """What a line can show of itself: the stretches of each part, the sessions they were claimed by and the stays in a
    room (by the server's clock) that covered some."""
    sessions: Sequence[PlaySession] = s.scalars(
        sa.select(PlaySession)
        .where(PlaySession.member_id == member_id, PlaySession.part_id.in_([part.id for part in parts]))
        .order_by(PlaySession.id.desc())
        .limit(SESSIONS_KEPT)
    ).all()
    reviews = s.scalars(
        sa.select(ReviewRequest)
        .where(
            ReviewRequest.member_id == member_id,
            ReviewRequest.part_id.in_([part.id for part in parts]),
            ReviewRequest.state == "granted",
        )
        .order_by(ReviewRequest.id)
    ).all()
    stays = s.scalars(
        sa.select(StudyStay)
        .where(StudyStay.member_id == member_id, StudyStay.part_id.in_([part.id for part in parts]))
        .order_by(StudyStay.from_ms)
        .limit(STAYS_KEPT)
    ).all()
    return {
        "required_permille": permille,
        "length_ms": sum(part.span_ms for part in parts),
        "covered_ms": sum(measure(watched.covered) for watched in parts.values()),
        "refused_ms": sum(end - start for watched in parts.values() for start, end, _ in watched.refused),
        "parts": [
            {
                "part_id": part.id,
                "ref_id": part.ref_id,
                "timeline_id": part.timeline_id,
                "title": part.title,
                "in_ms": part.in_ms,
                "length_ms": part.length_ms,
                "online": watched.alone,
                "group": watched.group,
            }
            for part, watched in parts.items()
        ],
        "reviews": [{"id": review.id, "stretch": [review.from_ms, review.to_ms]} for review in reviews],
        "sessions": [
            {"id": session.id, "opened_at": session.opened_at.isoformat(), "device": session.device}
            for session in sessions
        ],
        "stays": [{"mode": stay.mode, "from_ms": stay.from_ms, "to_ms": stay.to_ms} for stay in stays],
    }
