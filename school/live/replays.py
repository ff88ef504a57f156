"""Verbs around a replay: who may watch it, its trim and captions, and its way through review to those who were not there."""

from __future__ import annotations

import re

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Conflict, Invalid, NotAllowed
from school.core.i18n import N_
from school.core.person import Person
from school.core.time import now
from school.live import queries, rules, settle
from school.live.access import Standing, at_desk, standing
from school.live.attendance import ITEM
from school.live.models import LiveClass, LiveState, ReplayState
from school.media.models import Stream, Timeline
from school.org import audit
from school.records import service as records

LEAST_MS = 10_000  # of a trimmed replay

# verb → replay states it follows on, and the one after it
MOVES: dict[str, tuple[frozenset[ReplayState], ReplayState]] = {
    "submit": (frozenset({ReplayState.ATTENDED, ReplayState.WITHDRAWN}), ReplayState.IN_REVIEW),
    "publish": (frozenset({ReplayState.IN_REVIEW}), ReplayState.PUBLISHED),
    "return": (frozenset({ReplayState.IN_REVIEW}), ReplayState.ATTENDED),
    "withdraw": (
        frozenset({ReplayState.ATTENDED, ReplayState.IN_REVIEW, ReplayState.PUBLISHED}),
        ReplayState.WITHDRAWN,
    ),
}
STATES = {
    ReplayState.ATTENDED: N_("参加过直播的同志可以看"),
    ReplayState.IN_REVIEW: N_("正在审核"),
    ReplayState.PUBLISHED: N_("已向学习范围内的同志开放"),
    ReplayState.WITHDRAWN: N_("已撤下"),
}


def watcher(s: Session, person: Person, class_id: int) -> Standing:
    """The person's standing in a class whose replay they may watch.

    NotFound (`live.missing`), Conflict (`replay.not_over`) before its end, NotAllowed (`replay.closed`) until it is
    opened to them.
    """
    here = standing(s, person, class_id)
    if here.live.state not in (LiveState.ENDED, LiveState.STOPPED):
        raise Conflict("replay.not_over", N_("这堂课还没有结束，结束以后马上就有回放。"))
    if not s.scalar(sa.select(queries.replay_open(person)).where(LiveClass.id == class_id)):
        raise NotAllowed(
            "replay.closed", N_("这堂课的回放还没有向您开放。审核通过以后，在“直播课堂”的回放里就能看。")
        )  # fmt: skip
    return here


def recording(s: Session, live: LiveClass) -> tuple[Timeline | None, Timeline | None]:
    """(main, camera) recordings of a class as far as something of them can be played."""
    stream = s.get(Stream, live.stream_id) if live.stream_id else None
    if stream is None:
        return None, None
    main, camera = (
        s.get(Timeline, timeline_id) if timeline_id else None
        for timeline_id in (stream.timeline_id, stream.camera_timeline_id)
    )
    return main if main and main.length_ms else None, camera if camera and camera.length_ms else None


def managing(here: Standing) -> bool:
    """Whether the person may trim the replay, give it captions and send it to review."""
    return here.desk or here.oversees


def may_manage(s: Session, person: Person, class_id: int, *, lock: bool = False) -> Standing:
    """The person's standing when they may put the replay in order. NotAllowed (`replay.manage`), Conflict (`replay.over`)."""
    here = standing(s, person, class_id, lock=lock)
    if not managing(here):
        raise NotAllowed("replay.manage", N_("只有主讲、助教和审核人员可以整理回放。"))
    if here.live.state != LiveState.ENDED:
        raise Conflict("replay.over", N_("这堂课没有可以整理的回放。"))
    return here


def _managed(s: Session, person: Person, class_id: int) -> Standing:
    return may_manage(s, person, class_id, lock=True)


# ── trim and captions ───────────────────────────────────


def trim(s: Session, person: Person, class_id: int, in_ms: int, out_ms: int | None) -> LiveClass:
    """Let the replay begin at `in_ms` and end at `out_ms` (None: at its end) of the recording, which itself never changes.

    What is cut off is asked of nobody; everybody is counted anew. Invalid (`replay.trim`), Conflict (`replay.growing`).
    """
    live = _managed(s, person, class_id).live
    main, _ = recording(s, live)
    if main is None or main.sealed_at is None:
        raise Conflict("replay.growing", N_("录像还在收尾，请过几秒再剪。"))
    if out_ms is not None and out_ms >= main.length_ms:
        out_ms = None
    if not 0 <= in_ms <= (out_ms or main.length_ms) - LEAST_MS:
        raise Invalid("replay.trim", N_("开头要在结尾之前，中间至少留 10 秒。请按“分:秒”填写，如 2:30。"))
    before, after = (live.replay_in_ms, live.replay_out_ms), (in_ms, out_ms)
    if before != after:
        live.replay_in_ms, live.replay_out_ms = after
        settle.reopen(live)
        audit.record(s, person, "replay.trim", ("live", live.id), live.org_id, trim=(list(before), list(after)))
    return live


def point(text: str) -> int | None:
    """Milliseconds of a position as people type it (`2:30`, `1:02:03`, `45`); None of nothing. Invalid (`replay.trim`)."""
    text = text.strip().replace("：", ":")
    if not text:
        return None
    if not re.fullmatch(r"(\d{1,2}:)?(\d{1,3}:)?\d{1,4}", text):
        raise Invalid("replay.trim", N_("位置请按“分:秒”填写，如 2:30。"))
    total = 0
    for piece in text.split(":"):
        total = total * 60 + int(piece)
    return total * 1000


def set_captions(s: Session, person: Person, class_id: int, key: str | None) -> str | None:
    """Let the replay show the captions stored under `key`, or none; the key before, whose object may be deleted."""
    live = _managed(s, person, class_id).live
    before, live.captions_key = live.captions_key, key
    audit.record(s, person, "replay.captions", ("live", live.id), live.org_id, captions=(before, key))
    return before


# ── review ──────────────────────────────────────────────


def _move(s: Session, person: Person, live: LiveClass, verb: str, note: str = "") -> None:
    follows, after = MOVES[verb]
    if live.replay not in follows:
        raise Conflict("replay.state", N_("回放的状态刚才已经变了，请刷新页面看最新的状态。"))
    live.replay, live.review_note = after, note
    audit.record(s, person, f"replay.{verb}", ("live", live.id), live.org_id, title=live.title, note=note or None)


def submit(s: Session, person: Person, class_id: int) -> LiveClass:
    """Send the replay to review, by the trainer's side."""
    live = at_desk(_managed(s, person, class_id)).live
    main, _ = recording(s, live)
    if main is None:
        raise Conflict("replay.none", N_("这堂课没有录到画面和声音，没有回放可以送审。"))
    _move(s, person, live, "submit")
    return live


def _reviewed(s: Session, person: Person, class_id: int) -> LiveClass:
    here = _managed(s, person, class_id)
    if not here.oversees:
        raise NotAllowed("replay.review", N_("回放由审核人员开放。送审以后，请等审核人员来审。"))
    if here.desk:
        raise NotAllowed("replay.own", N_("自己讲的课不能由自己审核。请让另一位审核人员来审。"))
    return here.live


def publish(s: Session, person: Person, class_id: int) -> LiveClass:
    """Open the replay to the class's whole audience; those who missed it have their days from now on."""
    live = _reviewed(s, person, class_id)
    _move(s, person, live, "publish")
    live.replay_at = now()
    settle.reopen(live)
    return live


def return_replay(s: Session, person: Person, class_id: int, note: str) -> LiveClass:
    """Send the replay back with what to change; who attended may go on watching."""
    live = _reviewed(s, person, class_id)
    _move(s, person, live, "return", rules.checked_note(note))
    return live


def withdraw(s: Session, person: Person, class_id: int) -> LiveClass:
    """Take the replay away from everybody but the trainer's side and those who oversee it. Hours already earned stay."""
    live = _managed(s, person, class_id).live
    _move(s, person, live, "withdraw")
    records.close_item(s, ITEM, live.id)
    return live
