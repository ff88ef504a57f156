"""A class that has been held, for tests: its recording in runs, who was in the room, what was said, all as the room writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from player_kit import Clip
from sqlalchemy.orm import Session

import live_kit
from actors import Cast
from school.core.store import ObjectStore
from school.core.time import now
from school.live import log
from school.live.models import LiveCheck, LiveClass, LiveHere, LivePresence, LiveState
from school.media import service as media
from school.media import streams
from school.media.models import Stream, StreamState, Timeline
from school.media.rules import Rendition, SegmentFacts, init_name, segment_name
from school.records.models import Mode

MINUTE = 60_000
SEGMENT_MS = 10_000  # longer than real ones: a class has fewer rows
RENDITIONS = [
    Rendition("source", "video", "avc1.42e01f", 900_000, width=640, height=360, frame_rate=15.0),
    Rendition("audio", "audio", "mp4a.40.2", 64_000),
]


def held(
    s: Session,
    cast: Cast,
    *,
    minutes: int = 45,
    pause: tuple[int, int] | None = None,
    recorded: bool = True,
    sealed: bool = True,
    audience: tuple[int, ...] = (),
    hours_100: int = 100,
    state: LiveState = LiveState.ENDED,
) -> LiveClass:
    """A class of `minutes` that has just ended; `pause` (at minute, for minutes) stands in its log and its recording."""
    live = live_kit.make_class(s, cast, state=state, audience=audience, hours_100=hours_100, minutes=minutes)
    paused = pause[1] if pause else 0
    end = log.this_ms()
    start = end - (minutes + paused) * MINUTE
    live.started_ms, live.ended_ms = start, end
    turns = [(start, "live"), (end, "ended")]
    spans = [(start, minutes * MINUTE)]
    if pause:
        at = start + pause[0] * MINUTE
        turns[1:1] = [(at, "paused"), (at + pause[1] * MINUTE, "live")]
        spans = [(start, pause[0] * MINUTE), (at + pause[1] * MINUTE, (minutes - pause[0]) * MINUTE)]
    for at_ms, word in turns:
        log.append(s, live.id, "state", {"state": word}, at_ms=at_ms)
    stream = s.get_one(Stream, live.stream_id)
    stream.changed_at = now()
    if recorded:
        record(s, stream, spans, sealed=sealed)
    s.flush()
    return live


def record(s: Session, stream: Stream, spans: Sequence[tuple[int, int]], *, sealed: bool = True) -> None:
    """Rows of a recording made in `spans` (wall, length in ms): one run each, two renditions. No object is stored."""
    timeline = media.new_timeline(s, None, 0, RENDITIONS)
    rows = []
    media_ms = number = 0
    for run, (wall_ms, length_ms) in enumerate(spans):
        for at in range(0, length_ms, SEGMENT_MS):
            us = min(SEGMENT_MS, length_ms - at) * 1000
            rows.append(SegmentFacts("source", number, media_ms, us, 1000, "0" * 64, run, wall_ms + at))
            media_ms, number = media_ms + us // 1000, number + 1
    media.add_segments(s, timeline.id, [row for one in rows for row in (one, replace(one, rendition="audio"))])
    stream.timeline_id = timeline.id
    if sealed:
        streams.finish(s, stream)


def stay(
    s: Session,
    live: LiveClass,
    member_id: int,
    start: float,
    end: float,
    *,
    mode: Mode = Mode.ONLINE,
    left: bool = True,
) -> None:
    """The member is in the room from minute `start` to minute `end` of the clock since the class began."""
    begin = live.started_ms or 0
    s.add(
        LivePresence(
            class_id=live.id, member_id=member_id, mode=mode, left=left,
            entered_ms=begin + round(start * MINUTE), seen_ms=begin + round(end * MINUTE),
        )
    )  # fmt: skip


def check(s: Session, live: LiveClass, at: float, answers: dict[int, float]) -> None:
    """A presence check at minute `at`; `answers`: member → minute of the answer."""
    begin = live.started_ms or 0
    made = LiveCheck(class_id=live.id, at_ms=begin + round(at * MINUTE), answer_ms=60_000)
    s.add(made)
    s.flush()
    for member_id, minute in answers.items():
        s.add(LiveHere(check_id=made.id, member_id=member_id, at_ms=begin + round(minute * MINUTE)))


def stop_stream(s: Session, live: LiveClass) -> None:
    """What 停播 leaves behind."""
    live.state = LiveState.STOPPED
    s.get_one(Stream, live.stream_id).state = StreamState.STOPPED


def put_recording(s: Session, store: ObjectStore, clip: Clip, live: LiveClass, *, first: int = 0) -> Timeline:
    """Make the minute of `player_kit.make_clip` the class's recording, made from its beginning; its objects are stored.

    `first` > 0: only so many segments of each rendition, the recording still grows.
    """
    stream = s.get_one(Stream, live.stream_id)
    timeline = media.new_timeline(s, None, 0, clip.renditions)
    kept = [facts for facts in clip.segments if not first or facts.number < first]
    for name in [init_name(r.name) for r in clip.renditions] + [segment_name(f.rendition, f.number) for f in kept]:
        store.put_path(timeline.prefix + name, clip.folder / name, "video/mp4")
    media.add_segments(s, timeline.id, [replace(f, wall_ms=(live.started_ms or 0) + f.start_ms) for f in kept])
    stream.timeline_id = timeline.id
    if not first:
        streams.finish(s, stream)
    return timeline


def grow(s: Session, store: ObjectStore, clip: Clip, live: LiveClass, timeline_id: int) -> None:
    """Give a growing recording the rest of its segments and close it."""
    stream = s.get_one(Stream, live.stream_id)
    prefix = s.get_one(Timeline, timeline_id).prefix
    for facts in clip.segments:
        name = segment_name(facts.rendition, facts.number)
        store.put_path(prefix + name, clip.folder / name, "video/mp4")
    media.add_segments(s, timeline_id, [replace(f, wall_ms=(live.started_ms or 0) + f.start_ms) for f in clip.segments])
    streams.finish(s, stream)
