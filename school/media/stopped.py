"""Which timelines 停播 has closed, as this process knows them: some seconds old at most."""

from __future__ import annotations

import time

from school.core.db import Database
from school.media import streams
from school.webkit.context import School

FRESH = 2.0  # seconds; a proxy in front may add those for which it keeps the gate's answer


class Stopped:
    """`timeline_id in stopped`: asked with every segment, it looks into the database now and then."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: frozenset[int] = frozenset()
        self._until = 0.0

    def __contains__(self, timeline_id: object) -> bool:
        moment = time.monotonic()
        if moment >= self._until:
            self._until = moment + FRESH  # the others go on with the old answer while we look
            with self._db.read() as s:
                self._known = streams.stopped_timelines(s)
        return timeline_id in self._known


def stopped(parts: School) -> Stopped:
    """The process's one `Stopped`."""
    made: Stopped = parts.parts.setdefault("media.stopped", Stopped(parts.db))
    return made
