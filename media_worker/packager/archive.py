"""Stores what the spool holds: objects into the object store, then their rows; nothing for whoever lost the stream.

Every verb here waits for disk, network or database: call them in threads.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from media_worker.packager.spool import Batch, Spool
from school.core.db import Database
from school.core.store import ObjectStore
from school.media import service, streams
from school.media.streams import Order, Recorded


class Archive:
    """The way of this node's batches into the school."""

    def __init__(self, db: Database, store: ObjectStore, spool: Spool, node: str) -> None:
        self.spool = spool
        self._db, self._store, self._node = db, store, node

    def orders(self) -> dict[int, Order]:
        return streams.orders(self._db, self._node)

    def recorded(self, order: Order) -> tuple[Recorded, Recorded]:
        """How far main and camera timeline have come, with what waits in the spool."""
        with self._db.read() as s:
            found = [streams.recorded(s, order.timeline_id), streams.recorded(s, order.camera_timeline_id)]
        for path in self.spool.waiting(order.stream_id):
            batch = self.spool.read(path)
            if batch.epoch == order.epoch:
                found[batch.camera] = after(found[batch.camera], batch)
        return found[0], found[1]

    def store(self, path: Path) -> None:
        """Store one batch and let it go. Raises StreamLost, Unavailable, DBAPIError; then it stays in the spool."""
        batch = self.spool.read(path)
        with self._db.write() as s:
            held = streams.hold(s, batch.stream_id, self._node, batch.epoch)
            timeline = streams.begin_recording(s, held, batch.renditions, camera=batch.camera)
        for one in batch.objects:
            self._store.put(timeline.prefix + one.name, one.data, one.content_type)
        with self._db.write() as s:
            streams.hold(s, batch.stream_id, self._node, batch.epoch)
            service.add_segments(s, timeline.id, batch.rows)
        self.spool.done(path)

    def finish(self, order: Order) -> None:
        """Everything of the stream is stored: seal it. Raises StreamLost, Unavailable, DBAPIError."""
        with self._db.write() as s:
            streams.finish(s, streams.hold(s, order.stream_id, self._node, order.epoch))


def after(before: Recorded, batch: Batch) -> Recorded:
    """How far a recording is once `batch` is stored; one that was stored already changes nothing."""
    first = batch.rows[0]
    if first.number < before.number:
        return before
    return replace(before, number=first.number + 1, run=first.run + 1, length_us=before.length_us + first.length_us)
