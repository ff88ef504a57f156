"""A class that has ended is settled by the clock: its recording is posted, everybody is counted, the report is written.

Each step is a short transaction that may be done again: whoever is killed in the middle, the next look begins anew and
comes to the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session, joinedload

from school.core.db import Database
from school.core.settings import Settings
from school.core.time import day_of, now
from school.live import attendance, reporting
from school.live.attendance import ITEM
from school.live.attendance_rules import Attendee, stays_of, there
from school.live.models import LiveAttendance, LiveClass, LivePresence, LiveReport, LiveState, ReplayState
from school.media import jobs, streams
from school.media.models import Stream, Timeline
from school.media.rules import Run
from school.org.models import Member
from school.records import service as records
from school.records.bulk import put
from school.records.intervals import measure
from school.records.presence import CHUNK, Counted, Stay, cover_presence
from school.records.presence_rules import sorted_out

log = structlog.get_logger()

CATEGORY = "live_solo"  # of the ledger's lines for attending alone; a meeting room's are group_viewing
SILENT = timedelta(seconds=20)  # a class of which nothing was stored so long after its end has no recording
LOST = timedelta(minutes=30)  # a recording whose node has not closed it by then is what is stored


def settle_due(db: Database, settings: Settings) -> int:
    """Settle every class that is over and not settled yet; how many were."""
    with db.read() as s:
        over = s.execute(
            sa.select(LiveClass.id, Stream)
            .outerjoin(Stream, Stream.id == LiveClass.stream_id)
            .where(
                LiveClass.state.in_((LiveState.ENDED, LiveState.STOPPED)),
                LiveClass.settled_at.is_(None),
                LiveClass.ended_ms.is_not(None),
            )
            .order_by(LiveClass.id)
        ).all()
    due = [class_id for class_id, stream in over if _ready(db, stream)]
    for class_id in due:
        try:
            settle(db, settings, class_id)
        except Exception:  # one class that cannot be settled must not hold up the others
            log.exception("a class cannot be settled", class_id=class_id)
    return len(due)


def _ready(db: Database, stream: Stream | None) -> bool:
    """Whether nothing more will be recorded. A node that never came back is waited for, but not for ever."""
    if stream is None or stream.finished_at is not None:
        return True
    silence = now() - stream.changed_at
    if silence > (LOST if stream.timeline_id else SILENT):
        with db.write() as s:
            streams.finish(s, streams.stream(s, stream.id, lock=True))
        return True
    return False


def settle(db: Database, settings: Settings, class_id: int) -> None:
    """Post the recording, count everybody, write report and attendance. Doing it again changes nothing that stands."""
    zone = settings.zone
    with db.write() as s:
        live, runs = _post(s, class_id)
        version = live.version
        due, member_ids = _people(s, live)
    for at in range(0, len(member_ids), CHUNK):
        with db.write() as s:
            _count(s, live, runs, member_ids[at : at + CHUNK], due, zone)
    with db.write() as s:
        live = _locked(s, class_id)
        if live.version != version:  # trimmed meanwhile: the next look settles what holds now
            return
        body = reporting.build(s, live, recorded=_recording(s, live) is not None, zone=zone)
        report = s.get(LiveReport, class_id) or LiveReport(class_id=class_id)
        report.body, report.built_at = dict(body), now()
        s.add(report)
        live.settled_at = now()
    log.info("class settled", class_id=class_id, members=len(member_ids))


def _people(s: Session, live: LiveClass) -> tuple[set[int], list[int]]:
    """Who was expected, and everybody to be counted; as it was first settled, whoever moved or joined since."""
    settled = s.execute(
        sa.select(LiveAttendance.member_id, LiveAttendance.expected)
        .where(LiveAttendance.class_id == live.id)
        .order_by(LiveAttendance.member_id)
    ).all()
    if settled and s.get(LiveReport, live.id) is not None:
        return {row.member_id for row in settled if row.expected}, [row.member_id for row in settled]
    due = {member_id for member_id, _ in attendance.expected(s, live)}
    been = s.scalars(sa.select(LivePresence.member_id).where(LivePresence.class_id == live.id).distinct())
    return due, sorted(due.union(been))


def _locked(s: Session, class_id: int) -> LiveClass:
    wanted = sa.select(LiveClass).where(LiveClass.id == class_id).options(joinedload(LiveClass.org))
    return s.scalars(wanted.with_for_update(of=LiveClass, key_share=True)).one()


def _recording(s: Session, live: LiveClass) -> Timeline | None:
    """The class's sealed recording, when anything of it can be watched."""
    stream = s.get(Stream, live.stream_id) if live.stream_id else None
    timeline = s.get(Timeline, stream.timeline_id) if stream is not None and stream.timeline_id else None
    return timeline if timeline is not None and timeline.length_ms and timeline.sealed_at else None


def span_of(live: LiveClass, length_ms: int) -> tuple[int, int]:
    """The trimmed part [in, out] of a recording of `length_ms`."""
    out_ms = min(live.replay_out_ms or length_ms, length_ms)
    return min(live.replay_in_ms, out_ms), out_ms


def _post(s: Session, class_id: int) -> tuple[LiveClass, list[Run]]:
    """The class and when it was recorded, its study item posted: attendance and the replay earn the same hours.

    A class that was stopped, or whose replay was withdrawn, gives none (any more).
    """
    live = _locked(s, class_id)
    timeline = _recording(s, live)
    if timeline is None or live.state == LiveState.STOPPED or live.replay == ReplayState.WITHDRAWN:
        records.close_item(s, ITEM, live.id)
        return live, attendance.runs_of(s, live)
    in_ms, out_ms = span_of(live, timeline.length_ms)
    records.post_item(
        s,
        kind=ITEM,
        ref_id=live.id,
        title=live.title,
        host=live.org.name,
        category=CATEGORY,
        hours_100=live.hours_100,
        compulsory=live.compulsory,
        parts=[
            records.PartFacts(ref_id=live.id, timeline_id=timeline.id, title=live.title, in_ms=in_ms, length_ms=out_ms)
        ],
    )
    jobs.enqueue(s, "live_renditions", f"live_renditions:{timeline.id}", args={"timeline_id": timeline.id})
    return live, attendance.runs_of(s, live)


def _count(
    s: Session, live: LiveClass, runs: Sequence[Run], member_ids: Sequence[int], due: set[int], zone: str
) -> None:
    """Count some members of the class and write what came of it."""
    begin, end = live.started_ms or 0, live.ended_ms or 0
    day = day_of(datetime.fromtimestamp(end / 1000, UTC), zone)
    known = attendance.attendees(s, live, member_ids)
    stays = {member_id: stays_of(attendee, end) for member_id, attendee in known.items()}
    found: dict[int, Counted] = {}
    recorded = _recording(s, live) is not None and live.state != LiveState.STOPPED
    if recorded:
        found = cover_presence(
            s, kind=ITEM, ref_id=live.id, runs=runs, stays={key: each for key, each in stays.items() if each},
            day=day, now=now(), zone=zone,
        )  # fmt: skip
    excused = attendance.excused(s, member_ids, day.year)
    branches = dict(s.execute(sa.select(Member.id, Member.org_id).where(Member.id.in_(member_ids))).all())
    # Those who may watch only since the replay was opened to them have their days from then on.
    offered = day_of(live.replay_at, zone) if live.replay_at else day
    until = deadline(max(day, offered), live.makeup_days, zone)
    rows = []
    for member_id in member_ids:
        result = found.get(member_id) or Counted(_by_the_log(stays[member_id], runs) if not recorded else 0, False)
        first_ms, last_ms = _ends(known[member_id], begin, end)
        owes = recorded and member_id in due and member_id not in excused and not result.enough
        rows.append(
            {
                "class_id": live.id,
                "member_id": member_id,
                "org_id": branches[member_id],
                "expected": member_id in due,
                "first_ms": first_ms,
                "last_ms": last_ms,
                "counted_ms": result.media_ms,
                "met": result.enough,
                "makeup_until": until if owes else None,
            }
        )
    put(s, LiveAttendance, rows, change=("first_ms", "last_ms", "counted_ms", "met", "makeup_until"))


def _by_the_log(stays: Sequence[Stay], runs: Sequence[Run]) -> int:
    """How long somebody was there while the class was on, when there is no recording that could be covered."""
    return measure(sorted_out(stays, []).media(runs))


def _ends(attendee: Attendee, begin_ms: int, end_ms: int) -> tuple[int | None, int | None]:
    """When the member was first and last there during the class."""
    inside = there(attendee, begin_ms, end_ms)
    return (inside[0][0], inside[-1][1]) if inside else (None, None)


def deadline(day: date, days: int, zone: str) -> datetime:
    """The end of the day `days` after `day`: until then what was missed should be made up."""
    last = datetime.combine(day + timedelta(days=days), time(23, 59, 59), ZoneInfo(zone))
    return last.astimezone(UTC)


def reopen(live: LiveClass) -> None:
    """What counts of the recording has changed (trimmed, opened to others): settle anew at the next look."""
    live.settled_at, live.version = None, live.version + 1
