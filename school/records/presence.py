"""Cover by having been there: the stays of a live class's members become coverage of its recording, and hours where enough."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.org.models import Member
from school.records.bulk import among, put
from school.records.completion import complete
from school.records.intervals import Union, measure, union
from school.records.ledger import lock_members
from school.records.models import Coverage, HourPolicy, Mode, PlaySession, StudyDay, StudyItem, StudyPart, StudyStay
from school.records.policies import credit_policy, every_policy, policy_for
from school.records.presence_rules import Run, Stay, count, counted, sorted_out
from school.records.rules import SLACK_MS, Watched, completed
from school.records.sessions import ms_of, watched_of

__all__ = ["CHUNK", "Counted", "Stay", "cover_presence"]

CHUNK = 200  # members a transaction


@dataclass(frozen=True, slots=True)
class Counted:
    """What being there came to: media time within the part, and whether that alone completes the item."""

    media_ms: int
    enough: bool


def cover_presence(
    s: Session,
    *,
    kind: str,
    ref_id: int,
    runs: Sequence[Run],
    stays: Mapping[int, Sequence[Stay]],
    day: date,
    now: datetime,
    zone: str,
) -> dict[int, Counted]:
    """Cover, for each member of `stays`, what was shown while they were there; post what that completes.

    The item (`kind`, `ref_id`) has one active part, the recording made in `runs`; `day` is the day of the class. Not
    more than CHUNK members at a time. Counting the same stays again changes nothing; stays that come later are added.
    """
    part = s.scalar(
        sa.select(StudyPart)
        .join(StudyItem, StudyItem.id == StudyPart.item_id)
        .where(StudyItem.kind == kind, StudyItem.ref_id == ref_id, StudyPart.active)
    )
    if part is None or not stays:
        return {member_id: Counted(0, False) for member_id in stays}
    members = lock_members(s, stays.keys())
    policies = every_policy(s)
    elsewhere = _elsewhere(s, stays)
    places = _places(s, part.id, members)
    walls = _walls(s, members, day)
    found: dict[int, Counted] = {}
    charged: list[tuple[int, date, int]] = []
    for member_id, member in members.items():
        rule = credit_policy(_policy(policies, member, day))
        presence, watched = sorted_out(stays[member_id], elsewhere[member_id]), places[member_id]
        paid = count(presence, runs, watched, walls[member_id], rule.daily_cap_ms, zone)
        charged += [(member_id, on, walls[member_id].get(on, 0) + ms) for on, ms in paid.items()]
        media_ms = counted(presence, runs, watched, part.in_ms, part.length_ms)
        found[member_id] = Counted(media_ms, completed(media_ms, part.span_ms, rule.completion_permille))
    _store(s, part.id, places, charged, day, now)
    _keep_stays(s, part.id, stays, members)
    complete(s, {(member_id, part.item_id) for member_id in members}, now, zone, day=day)
    return found


def _policy(policies: Sequence[HourPolicy], member: Member, day: date) -> HourPolicy | None:
    return policy_for(policies, member.category, member.post, day)


def _elsewhere(s: Session, stays: Mapping[int, Sequence[Stay]]) -> dict[int, Union]:
    """When a play session opened during the stays was earning; what it has not claimed yet of that time is taken back,
    because the class is paid for it now."""
    spans = {
        member_id: (min(stay.from_ms for stay in theirs), max(stay.to_ms for stay in theirs))
        for member_id, theirs in stays.items()
        if theirs
    }
    found: dict[int, Union] = {member_id: [] for member_id in stays}
    if not spans:
        return found
    begin = min(start for start, _ in spans.values())
    played = s.scalars(
        sa.select(PlaySession).where(
            among(s, PlaySession.member_id, spans),
            PlaySession.heard_ms >= begin,
            sa.or_(PlaySession.ended_ms.is_(None), PlaySession.ended_ms > begin),
        )
    )
    for session in played:
        start, end = spans[session.member_id]
        opened, over = ms_of(session.opened_at), session.ended_ms
        if opened >= end or (over is not None and over <= start):
            continue
        heard = min(session.heard_ms, over or session.heard_ms)
        found[session.member_id] = union([*found[session.member_id], (opened, heard)])
        until = min(end, over or end)
        if until - max(heard, start) > SLACK_MS:
            session.budget_us = session.wall_ms = 0
            session.seen_ms = max(session.seen_ms, until)
    return found


def _places(s: Session, part_id: int, member_ids: Collection[int]) -> dict[int, Watched]:
    by_member: dict[int, dict[str, Coverage]] = {member_id: {} for member_id in member_ids}
    rows = s.scalars(sa.select(Coverage).where(Coverage.part_id == part_id, among(s, Coverage.member_id, member_ids)))
    for row in rows:
        by_member[row.member_id][row.mode] = row
    return {member_id: watched_of(rows) for member_id, rows in by_member.items()}


def _walls(s: Session, member_ids: Collection[int], day: date) -> dict[int, dict[date, int]]:
    """What each day around the class was charged to each member."""
    found: dict[int, dict[date, int]] = defaultdict(dict)
    rows = s.execute(
        sa.select(StudyDay.member_id, StudyDay.day, StudyDay.wall_ms).where(
            among(s, StudyDay.member_id, member_ids),
            StudyDay.day.between(day - timedelta(days=2), day + timedelta(days=2)),
        )
    )
    for member_id, day, wall_ms in rows:
        found[member_id][day] = wall_ms
    return found


def _store(
    s: Session,
    part_id: int,
    places: dict[int, Watched],
    charged: list[tuple[int, date, int]],
    day: date,
    now: datetime,
) -> None:
    rows = [
        {
            "member_id": member_id,
            "part_id": part_id,
            "mode": mode,
            "intervals": intervals,
            "refused": refused,
            "covered_ms": measure(intervals),
            "position_ms": 0,
            "pass_year": day.year,
            "updated_at": now,
        }
        for member_id, watched in sorted(places.items())
        for mode, intervals, refused in (
            (Mode.ONLINE, watched.alone, watched.refused),
            (Mode.GROUP, watched.group, []),
        )
        if intervals or refused
    ]
    put(s, Coverage, rows, change=("intervals", "refused", "covered_ms", "updated_at"))
    days = [{"member_id": member_id, "day": day, "wall_ms": wall_ms} for member_id, day, wall_ms in sorted(charged)]
    put(s, StudyDay, days, change=("wall_ms",))


def _keep_stays(s: Session, part_id: int, stays: Mapping[int, Sequence[Stay]], member_ids: Collection[int]) -> None:
    """Write the stays that count as evidence, those of earlier calls joined with them."""
    known = s.scalars(
        sa.select(StudyStay).where(StudyStay.part_id == part_id, among(s, StudyStay.member_id, member_ids))
    ).all()
    kept: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
    for row in known:
        kept[row.member_id, row.mode].append((row.from_ms, row.to_ms))
    for member_id in member_ids:
        for stay in stays[member_id]:
            if stay.refused is None:
                kept[member_id, stay.mode].append((stay.from_ms, stay.to_ms))
    wanted = {
        (member_id, mode, start): end for (member_id, mode), all_ in kept.items() for start, end in union(all_)
    }  # fmt: skip
    for row in known:
        if (row.member_id, row.mode, row.from_ms) not in wanted:
            s.delete(row)
    s.flush()
    rows = [
        {"member_id": member_id, "part_id": part_id, "mode": mode, "from_ms": start, "to_ms": end}
        for (member_id, mode, start), end in sorted(wanted.items())
    ]
    put(s, StudyStay, rows, change=("to_ms",))
