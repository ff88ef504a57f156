"""Live classes for tests: a class in any state, with its audience and stream, written straight into the database."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from actors import Cast
from school.core.time import now
from school.live.models import LiveAudience, LiveClass, LiveState
from school.media import streams
from school.media.models import StreamState

STREAM_STATES = {
    LiveState.LIVE: StreamState.LIVE,
    LiveState.PAUSED: StreamState.PAUSED,
    LiveState.ENDED: StreamState.ENDED,
    LiveState.STOPPED: StreamState.STOPPED,
}


def make_class(
    s: Session,
    cast: Cast,
    *,
    state: LiveState = LiveState.LIVE,
    title: str = "河东夜校：冬季柑橘园怎么管",
    audience: tuple[int, ...] = (),
    hours_100: int = 100,
    minutes: int = 45,
) -> LiveClass:
    """A class of the cast's trainer held by the county, in `state` with a stream in the fitting one."""
    stream = streams.open_stream(s)
    stream.state = STREAM_STATES.get(state, StreamState.CLOSED)
    began = round(now().timestamp() * 1000)
    made = LiveClass(
        title=title, org_id=cast.county_id, trainer_id=cast.trainer.account_id, starts_at=now() - timedelta(minutes=1),
        minutes=minutes, hours_100=hours_100, state=state, stream_id=stream.id, created_at=now(), rules={}, event_no=0,
        version=1,
    )  # fmt: skip
    if state in STREAM_STATES:
        made.started_ms = began
    s.add(made)
    s.flush()
    s.add_all(LiveAudience(class_id=made.id, org_id=org_id) for org_id in audience)
    s.flush()
    return made
