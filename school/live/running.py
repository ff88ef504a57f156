"""A class as it runs: rehearse, start, pause, resume, end, and stop; each once, however often it is asked for."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.db import Database
from school.core.errors import Conflict
from school.core.i18n import N_
from school.core.person import Person
from school.core.time import now
from school.live import log, polls, rules, settle
from school.live.access import at_desk, may_moderate, standing
from school.live.attendance import ITEM
from school.live.models import LiveClass, LiveState, ReplayState
from school.media import streams
from school.media.models import Segment, Stream, StreamState
from school.org import audit
from school.records import service as records

QUIET_MS = 10 * 60_000  # so long without a picture, after the time is long over, a class has been left running


def rehearse(s: Session, person: Person, class_id: int, *, on: bool = True) -> LiveClass:
    """彩排: the trainer's side alone sees the picture, and nothing is kept; `on=False` ends it. Only before the class."""
    live = at_desk(standing(s, person, class_id, lock=True)).live
    if live.state != LiveState.APPROVED:
        begun = live.state in rules.RUNNING | rules.OVER
        raise Conflict(
            "live.state",
            N_("这堂课已经开始过或不再上，不用再彩排。") if begun else N_("这堂课还没有审核通过，不能彩排。请先送审。"),
        )
    wanted = StreamState.REHEARSAL if on else StreamState.CLOSED
    stream = streams.stream(s, _stream_id(s, live), lock=True)
    if stream.state != wanted:
        streams.set_state(s, stream.id, wanted)
        _note(s, person, live, wanted.value, audience=log.DESK)
    return live


def start(s: Session, person: Person, class_id: int) -> LiveClass:
    """Begin an approved class, at most half an hour before its time."""
    live = at_desk(standing(s, person, class_id, lock=True)).live
    state = rules.move(live.state, "start")
    if state != live.state:
        rules.may_start(live.starts_at, live.minutes, now())
        live.started_ms = log.this_ms()
        _turn(s, person, live, state, StreamState.LIVE, live.started_ms)
    return live


def pause(s: Session, person: Person, class_id: int) -> LiveClass:
    """课间: connections stay, nothing is shown, recorded or counted until `resume`."""
    live = at_desk(standing(s, person, class_id, lock=True)).live
    state = rules.move(live.state, "pause")
    if state != live.state:
        _turn(s, person, live, state, StreamState.PAUSED)
    return live


def resume(s: Session, person: Person, class_id: int) -> LiveClass:
    """Go on after `pause`."""
    live = at_desk(standing(s, person, class_id, lock=True)).live
    state = rules.move(live.state, "resume")
    if state != live.state:
        _turn(s, person, live, state, StreamState.LIVE)
    return live


def end(s: Session, person: Person, class_id: int) -> LiveClass:
    """下课: the recording is closed, attendance is settled and the replay opens by themselves."""
    return _end(s, person, at_desk(standing(s, person, class_id, lock=True)).live)


def _end(s: Session, person: Person | None, live: LiveClass) -> LiveClass:
    state = rules.move(live.state, "end")
    if state != live.state:
        polls.end_running(s, live.id)
        live.ended_ms = log.this_ms()
        _turn(s, person, live, state, StreamState.ENDED, live.ended_ms)
    return live


def stop(s: Session, person: Person, class_id: int, why: str = "") -> LiveClass:
    """一键停播, by whoever moderates: everyone leaves, nothing of it may be fetched any more, and there is no replay."""
    live = may_moderate(standing(s, person, class_id, lock=True)).live
    state = rules.move(live.state, "stop")
    if state != live.state:
        polls.end_running(s, live.id)
        moment = log.this_ms()
        if live.state in rules.RUNNING:
            live.ended_ms = moment
        live.replay = ReplayState.WITHDRAWN
        settle.reopen(live)  # it gives no hours any more, also when it is being settled now
        records.close_item(s, ITEM, live.id)  # what was earned stays
        if why:
            live.review_note = rules.checked_note(why)
        _turn(s, person, live, state, StreamState.STOPPED, moment, why=live.review_note)
    return live


def _turn(
    s: Session,
    person: Person | None,
    live: LiveClass,
    state: LiveState,
    stream: StreamState,
    at_ms: int | None = None,
    **changes: Any,
) -> None:
    """Put class and stream into their states and say so: in the room at once, in the audit log for ever."""
    live.state = state
    streams.set_state(s, _stream_id(s, live), stream)
    _note(s, person, live, state.value, at_ms=at_ms, **changes)


def _note(
    s: Session,
    person: Person | None,
    live: LiveClass,
    word: str,
    *,
    at_ms: int | None = None,
    audience: str = log.ALL,
    **changes: Any,
) -> None:
    log.append(
        s, live.id, "state", {"state": word}, at_ms=at_ms, audience=audience,
        account_id=person.account_id if person else None,
    )  # fmt: skip
    audit.record(s, person, f"live.{word}", ("live", live.id), live.org_id, title=live.title, **changes)


def _stream_id(s: Session, live: LiveClass) -> int:
    """The class's stream, opened now if there is none yet."""
    if live.stream_id is None:
        live.stream_id = streams.open_stream(s).id
    return live.stream_id


# ── what the clock does ─────────────────────────────────


def end_forgotten(db: Database) -> int:
    """End classes left running: two hours past their planned end, and no picture for ten minutes; how many."""
    with db.read() as s:
        running = s.scalars(sa.select(LiveClass).where(LiveClass.state.in_(rules.RUNNING))).all()
        forgotten = [live.id for live in running if _forgotten(s, live)]
    for class_id in forgotten:
        with db.write() as s:
            live = s.scalars(sa.select(LiveClass).where(LiveClass.id == class_id).with_for_update(key_share=True)).one()
            if live.state in rules.RUNNING and _forgotten(s, live):
                _end(s, None, live)
    return len(forgotten)


def _forgotten(s: Session, live: LiveClass) -> bool:
    if not rules.overdue(live.starts_at, live.minutes, now()):
        return False
    last_ms = s.scalar(
        sa.select(sa.func.max(Segment.wall_ms))
        .join(Stream, Stream.timeline_id == Segment.timeline_id)
        .where(Stream.id == live.stream_id)
    )
    return last_ms is None or last_ms < log.this_ms() - QUIET_MS
