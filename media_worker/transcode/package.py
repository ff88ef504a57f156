"""Puts segments where they belong: object first, then its row, each exactly once, in batches that follow the encoder."""

from __future__ import annotations

import hashlib
import time

import sqlalchemy as sa

from media_worker.transcode.ladder import Plan
from media_worker.transcode.work import Work
from school.media import rules, service
from school.media.models import Segment, Timeline
from school.media.rules import SegmentFacts

BATCH = 1.0  # seconds of segments that share a transaction; a killed worker repeats at most these
MP4, M4S = "video/mp4", "video/iso.segment"


class InitChanged(Exception):
    """Another encoder began this timeline; its segments and ours do not play together."""


class Shelf:
    """A growing timeline as its maker sees it. `stored` says which segments need not be made again."""

    def __init__(self, work: Work, timeline: Timeline, plan: Plan) -> None:
        self._work = work
        self._timeline = timeline
        self._waiting: list[SegmentFacts] = []
        self._flushed = 0.0  # the first segment becomes playable at once
        self.reached_us = 0  # end of the segment made last
        self.stored: dict[str, set[int]] = {r.name: set() for r in plan.renditions}
        with work.tools.db.read() as s:
            known = s.execute(
                sa.select(Segment.rendition, Segment.number, Segment.length_us).where(
                    Segment.timeline_id == timeline.id
                )
            ).all()
        self._weights = {r.name: 40 * r.width * r.height / (1920 * 1080) + 1 for r in plan.renditions}
        if plan.copied:
            self._weights[plan.copied.name] = 1.0
        self._whole = sum(self._weights.values()) * plan.length_us
        self._done = 0.0
        for rendition, number, length_us in known:
            self.stored[rendition].add(number)
            self._done += self._weights[rendition] * length_us

    def init(self, rendition: str, data: bytes) -> None:
        """Store the rendition's init section; raises InitChanged when segments of another one are stored already."""
        store, key = self._work.tools.store, self._timeline.prefix + rules.init_name(rendition)
        if not self.stored[rendition]:
            self._work.patiently(lambda: store.put(key, data, MP4))
        elif self._work.patiently(lambda: store.read(key)) != data:
            raise InitChanged(rendition)

    def put(self, rendition: str, number: int, start_us: int, length_us: int, data: bytes) -> None:
        """Store one segment, unless it is stored; it becomes playable with its batch."""
        self.reached_us = start_us + length_us
        if number in self.stored[rendition]:
            return
        store, key = self._work.tools.store, self._timeline.prefix + rules.segment_name(rendition, number)
        self._work.patiently(lambda: store.put(key, data, M4S))
        self._waiting.append(
            SegmentFacts(rendition, number, start_us // 1000, length_us, len(data), hashlib.sha256(data).hexdigest())
        )
        self.stored[rendition].add(number)
        self._done += self._weights[rendition] * length_us
        if time.monotonic() - self._flushed > BATCH:
            self.flush()

    def flush(self) -> None:
        """Write the rows of what has been stored."""
        if self._waiting:
            self._work.patiently(self._write)
            self._waiting = []
        self._flushed = time.monotonic()

    @property
    def progress(self) -> int:
        """Permille of the work, by what each rendition costs."""
        return min(999, int(1000 * self._done / self._whole))

    def _write(self) -> None:
        with self._work.write() as s:
            service.add_segments(s, self._timeline.id, self._waiting)
