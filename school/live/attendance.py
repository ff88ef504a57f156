"""Who was in a class and what of it counts: read from the room's own presence, never from what a client says."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, joinedload

from school.live import roster
from school.live.attendance_rules import FOR_EVER, Asked, Attendee, Seen, held, stays_of, to_the_end
from school.live.models import (
    LiveAttendance,
    LiveCheck,
    LiveClass,
    LiveEvent,
    LiveHere,
    LivePresence,
    LiveState,
    ReplayState,
)
from school.media import queries as media
from school.media.models import Stream
from school.media.rules import Run
from school.org.models import Member, Organization
from school.records.intervals import measure
from school.records.models import STANDS, HourExemption, Mode, StudyHourEntry
from school.records.presence_rules import sorted_out

ITEM = "live"  # the kind under which a class stands in the ledger


@dataclass(frozen=True, slots=True)
class Makeup:
    """A class on a member's 待补学名单. `counted_ms` stood when it ended, `watchable` says whether the replay is open to them."""

    live: LiveClass
    until: datetime
    counted_ms: int
    watchable: bool


def runs_of(s: Session, live: LiveClass) -> list[Run]:
    """When the class was recorded; as the log tells it while nothing is stored yet (or never was)."""
    stream = s.get(Stream, live.stream_id) if live.stream_id else None
    recorded = media.runs(s, stream.timeline_id) if stream is not None and stream.timeline_id else []
    return recorded or logged_runs(s, live)


def logged_runs(s: Session, live: LiveClass) -> list[Run]:
    """When the class was on by its own start and pause log; the last stretch is open while it runs."""
    lines = s.execute(
        sa.select(LiveEvent.at_ms, LiveEvent.body)
        .where(LiveEvent.class_id == live.id, LiveEvent.kind == "state")
        .order_by(LiveEvent.no)
    )
    runs: list[Run] = []
    since: int | None = None
    length = 0
    for at_ms, body in [*lines, (live.ended_ms or FOR_EVER, {"state": "ended"})]:
        on = body.get("state") == LiveState.LIVE
        if on and since is None:
            since = at_ms
        elif not on and since is not None:
            runs.append(Run(since, length, at_ms - since))
            length, since = length + at_ms - since, None
    return runs


def attendees(s: Session, live: LiveClass, member_ids: Collection[int]) -> dict[int, Attendee]:
    """All that is known of these members in the class; five queries."""
    members = s.execute(sa.select(Member.id, Member.no_presence_check).where(Member.id.in_(member_ids)))
    found = {member_id: Attendee(excused=excused) for member_id, excused in members}
    rows = s.execute(
        sa.select(
            LivePresence.member_id, LivePresence.mode, LivePresence.entered_ms, LivePresence.seen_ms, LivePresence.left
        )
        .where(LivePresence.class_id == live.id, LivePresence.member_id.in_(member_ids))
        .order_by(LivePresence.entered_ms)
    )
    for member_id, mode, entered_ms, seen_ms, left in rows:
        to_ms = seen_ms if left else to_the_end(seen_ms, live.ended_ms)
        found[member_id].seen.append(Seen(Mode(mode), entered_ms, to_ms))
    checks = s.execute(
        sa.select(LiveCheck.id, LiveCheck.at_ms, LiveCheck.answer_ms)
        .where(LiveCheck.class_id == live.id)
        .order_by(LiveCheck.at_ms)
    ).all()
    signs: dict[tuple[int, int], int] = {}
    if checks:
        here = sa.select(LiveHere.member_id, LiveHere.check_id, LiveHere.at_ms).where(
            LiveHere.check_id.in_([check.id for check in checks]), LiveHere.member_id.in_(member_ids)
        )
        signs = {(member_id, check_id): at_ms for member_id, check_id, at_ms in s.execute(here)}
    for member_id, attendee in found.items():
        attendee.checks.extend(Asked(at, answer, signs.get((member_id, number))) for number, at, answer in checks)
    _others(s, live, found)
    return found


def _others(s: Session, live: LiveClass, found: dict[int, Attendee]) -> None:
    """Note stays in other classes while those were on: a member's newest room counts."""
    other = aliased(LiveClass)
    rows = s.execute(
        sa.select(
            LivePresence.member_id, other.id, LivePresence.mode, LivePresence.entered_ms, LivePresence.seen_ms,
            other.started_ms, other.ended_ms,
        )
        .join(other, other.id == LivePresence.class_id)
        .where(
            LivePresence.member_id.in_(found),
            LivePresence.class_id != live.id,
            LivePresence.seen_ms > (live.started_ms or 0),
            LivePresence.entered_ms < (live.ended_ms or FOR_EVER),
            other.started_ms.is_not(None),
        )
    )  # fmt: skip
    rooms: dict[tuple[int, int, int | None, int | None], list[Seen]] = {}
    for member_id, class_id, mode, entered_ms, seen_ms, started_ms, ended_ms in rows:
        stay = Seen(Mode(mode), entered_ms, seen_ms, class_id > live.id)
        rooms.setdefault((member_id, class_id, started_ms, ended_ms), []).append(stay)
    for (member_id, _, started_ms, ended_ms), stays in rooms.items():
        for each in held(stays):
            begin, end = max(each.from_ms, started_ms or 0), min(each.to_ms, ended_ms or each.to_ms)
            if begin < end:
                found[member_id].elsewhere.append(replace(each, from_ms=begin, to_ms=end))


def counted(s: Session, live: LiveClass, member_ids: Collection[int], until_ms: int) -> dict[int, int]:
    """Media time that counts for each member so far, while the class runs; for a whole room at once."""
    runs = runs_of(s, live)
    return {
        member_id: measure(sorted_out(stays_of(attendee, until_ms), []).media(runs))
        for member_id, attendee in attendees(s, live, member_ids).items()
    }


def counted_ms(s: Session, live: LiveClass, member_id: int, until_ms: int) -> int:
    """Media time that counts for the member so far; for many members ask `counted` once."""
    return counted(s, live, [member_id], until_ms).get(member_id, 0)


def expected(s: Session, live: LiveClass) -> Sequence[tuple[int, int]]:
    """(member id, branch id) of those the class is for, in organisation order; who teaches or helps apart."""
    rows = s.execute(
        sa.select(Member.id, Member.org_id)
        .join(Organization, Organization.id == Member.org_id)
        .where(roster.expected(s, live))
        .order_by(Organization.path, Member.pinyin, Member.id)
    )
    return [(member_id, org_id) for member_id, org_id in rows]


def excused(s: Session, member_ids: Collection[int], year: int) -> set[int]:
    """Those whose year is 免予硬性要求: they are welcome, and nobody puts them on a list."""
    wanted = sa.select(HourExemption.member_id).where(
        HourExemption.year == year, HourExemption.member_id.in_(member_ids)
    )
    return set(s.scalars(wanted))


MADE_UP = sa.exists().where(  # the ledger has the class by now
    StudyHourEntry.member_id == LiveAttendance.member_id,
    StudyHourEntry.source_kind == ITEM,
    StudyHourEntry.source_id == LiveAttendance.class_id,
    STANDS,
)


_MAKEUPS = (  # made once: every first page asks
    sa.select(LiveClass, LiveAttendance)
    .join(LiveAttendance, LiveAttendance.class_id == LiveClass.id)
    .where(
        LiveAttendance.member_id == sa.bindparam("member_id"),
        LiveAttendance.makeup_until.is_not(None),
        LiveClass.state == LiveState.ENDED,
        LiveClass.replay != ReplayState.WITHDRAWN,
        ~MADE_UP,
    )
    .options(joinedload(LiveClass.org), joinedload(LiveClass.trainer))
    .order_by(LiveAttendance.makeup_until, LiveClass.id)
)


def makeups_of(s: Session, member_id: int) -> list[Makeup]:
    """The classes a member still has to make up, the most urgent first; what the ledger has by now is left out."""
    return [
        Makeup(
            live,
            row.makeup_until,
            row.counted_ms,
            live.replay == ReplayState.PUBLISHED or row.first_ms is not None,
        )
        for live, row in s.execute(_MAKEUPS, {"member_id": member_id})
        if row.makeup_until is not None
    ]
