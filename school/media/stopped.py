"""Which timelines 停播 and 撤下 have closed, as this process knows them: some seconds old at most."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from school.core.db import Database
from school.media import streams
from school.webkit.context import School

FRESH = 2.0  # seconds; a proxy in front may add those for which it keeps the gate's answer
WITHDRAWN = "media.withdrawn"  # the slot of School.parts: a tuple of `Closed`, what each room has withdrawn

Closed = Callable[[Session], frozenset[int]]


class Stopped:
    """`timeline_id in stopped`: asked with every segment, it looks into the database now and then."""

    def __init__(self, db: Database, sources: Sequence[Closed]) -> None:
        self._db, self._sources = db, sources
        self._known: frozenset[int] = frozenset()
        self._until = 0.0

    def __contains__(self, timeline_id: object) -> bool:
        moment = time.monotonic()
        if moment >= self._until:
            self._until = moment + FRESH  # the others go on with the old answer while we look
            with self._db.read() as s:
                self._known = frozenset[int]().union(*(source(s) for source in self._sources))
        return timeline_id in self._known


def stopped(parts: School) -> Stopped:
    """The process's one `Stopped`."""
    sources = (streams.stopped_timelines, *parts.parts.get(WITHDRAWN, ()))
    made: Stopped = parts.parts.setdefault("media.stopped", Stopped(parts.db, sources))
    return made
