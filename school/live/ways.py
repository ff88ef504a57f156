"""The way to a stream as this process knows it: whether it may be watched and which node carries it, a second old at most."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from school.core.db import Database
from school.core.errors import NotFound, Unavailable
from school.core.i18n import N_
from school.core.time import now
from school.media import streams
from school.media.models import StreamState
from school.webkit.context import School

FRESH = 1.0  # seconds
MOST = 1000  # streams that are remembered at once
AFTERGLOW = timedelta(minutes=1)  # whoever watches some seconds late sees the end of the class


@dataclass(frozen=True, slots=True)
class Way:
    """Where relay and packager of a stream answer (None: no node carries it), and whether its HLS may be fetched now."""

    open: bool
    relay: str | None
    packager: str | None


def no_node() -> Unavailable:
    return Unavailable("stream.no_node", N_("直播服务正在启动或暂时中断，马上会自动再试，请不要离开。"))


def closed() -> NotFound:
    return NotFound("stream.closed", N_("这堂课现在没有直播。请回到课程页面看看什么时候开始，或者看回放。"))


class Ways:
    """Answers of the database, kept for a second: hundreds of viewers ask about the same stream at once."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[int, tuple[float, Way]] = {}

    def to(self, stream_id: int) -> Way:
        """The way to a stream; NotFound (`stream.none`) when there is no such stream."""
        moment = time.monotonic()
        if found := self._known.get(stream_id):
            until, way = found
            if moment < until:
                return way
            self._known[stream_id] = moment + FRESH, way  # the others go on with the old answer while we look
        way = self._look(stream_id)
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[stream_id] = moment + FRESH, way
        return way

    def _look(self, stream_id: int) -> Way:
        with self._db.read() as s:
            stream = streams.stream(s, stream_id)
            node = streams.carrier(s, stream_id)
            over = stream.state == StreamState.ENDED and now() - stream.changed_at < AFTERGLOW
            open_now = stream.state in (StreamState.LIVE, StreamState.PAUSED) or over
            return Way(open_now, node.relay_url, node.packager_url) if node else Way(open_now, None, None)

    def relay(self, stream_id: int) -> str:
        """The relay that a publisher or viewer is led to; Unavailable (`stream.no_node`) when none lives."""
        if found := self.to(stream_id).relay:
            return found
        with self._db.read() as s:
            return streams.choose(s, stream_id).relay_url


def ways(parts: School) -> Ways:
    """The process's one `Ways`."""
    made: Ways = parts.parts.setdefault("ways", Ways(parts.db))
    return made
