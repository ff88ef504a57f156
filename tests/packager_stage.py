"""A class in this process and on a clock of its own: real frames, real cutting, real storing, in no time at all."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from media_worker.frames import Message, Source
from media_worker.packager.archive import Archive
from media_worker.packager.broadcast import Broadcast
from media_worker.packager.recording import Recording
from media_worker.packager.spool import Spool
from packager_kit import SECOND, Eye, Mouth, Publisher, open_live, rows_of, stream_of
from school.core.db import Database
from school.core.settings import Settings
from school.core.store import ObjectStore, open_store
from school.media.models import Stream, StreamState

T = TypeVar("T")
BEGIN = 1_795_400_000 * SECOND


def awaited(work: Coroutine[Any, Any, T]) -> T:
    """The work's result, from a thread of its own: a browser's driver may keep a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


class Stage:
    """`play` lets time pass; `end` ends the class and stores it. Publishers' frames are heard when they arrive."""

    def __init__(self, settings: Settings, db: Database, *, now_us: int = BEGIN) -> None:
        self.db, self.now_us = db, now_us
        self.store: ObjectStore = open_store(settings)
        self.store.prepare()
        self.stream_id = open_live(db)
        self.archive = Archive(db, self.store, Spool(settings.data / "live" / "main", spare=0), "main")
        self.publishers: list[Publisher] = []
        self._coming: list[Message] = []
        self.asked: list[tuple[int, Source]] = []
        self._uploads = ThreadPoolExecutor(1)
        self._open()

    def _open(self) -> None:
        order = self.archive.orders()[self.stream_id]
        recorded = self.archive.recorded(order)
        recording = Recording(self.archive, order, recorded, self._uploads)
        self._connected = False  # until the relay has found us and sends
        self.broadcast = Broadcast(order, recorded, recording, self._ask)
        self.broadcast.obey(order, self.now_us)

    def _ask(self, source: Source) -> bool:
        if self._connected:
            self.asked.append((self.now_us, source))
            for publisher in self.publishers:
                publisher.wish(source)
        return self._connected

    def publisher(self, *what: Eye | Mouth, **more: int | bool) -> Publisher:
        """A publisher that begins now."""
        made = Publisher(self.stream_id, **more)  # type: ignore[arg-type]
        self.publishers.append(made)
        for one in what:
            made.begin(one, self.now_us)
        return made

    def trainer(self, **more: int | bool) -> tuple[Publisher, Eye, Mouth]:
        """A publisher with camera and microphone."""
        eye, mouth = Eye(), Mouth()
        return self.publisher(eye, mouth, **more), eye, mouth

    def leave(self, publisher: Publisher, *what: Eye | Mouth) -> None:
        """Sources stop; all of them without `what`."""
        for one in what or (*publisher.eyes, *publisher.mouths):
            last = publisher.frames(self.now_us)  # on their way
            self._coming += [
                *last,
                publisher.end(one, max([self.now_us, *(one.arrived_us for one in self._coming + last)])),
            ]

    def play(self, seconds: float) -> None:
        until = self.now_us + round(seconds * SECOND)
        while self.now_us < until:
            self.now_us += 20_000
            for publisher in self.publishers:
                self._coming += publisher.frames(self.now_us)
            self._coming.sort(key=lambda message: message.arrived_us)
            while self._coming and self._coming[0].arrived_us <= self.now_us:
                self._connected = True
                self.broadcast.hear(self._coming.pop(0))
            if self.now_us % 100_000 < 20_000:
                self.broadcast.tick(self.now_us)

    def set_clock(self, by_us: int) -> None:
        """This machine's clock is set; publishers' clocks are not."""
        self.now_us += by_us
        for publisher in self.publishers:
            publisher.ahead_us -= by_us
            publisher._due = [(at_us + by_us, number, what) for at_us, number, what in publisher._due]
        self._coming = [replace(message, arrived_us=message.arrived_us + by_us) for message in self._coming]

    def order(self, state: StreamState) -> None:
        self.broadcast.obey(replace(self.broadcast.order, state=state), self.now_us)

    def store_all(self) -> None:
        """Everything closed so far reaches the school, and this packager is gone."""
        self.broadcast.leave()
        assert awaited(self.broadcast.recording.run())

    def end(self) -> Stream:
        self.order(StreamState.ENDED)
        assert awaited(self.broadcast.recording.run())
        self.archive.finish(self.broadcast.order)
        self._uploads.shutdown()
        return stream_of(self.db, self.stream_id)

    def restart(self) -> None:
        """kill -9 and a new packager: what was in memory is gone."""
        self._open()

    def rows(self, timeline_id: int | None, rendition: str) -> list[tuple[int, int, int, int, int]]:
        """(number, run, start_ms, length_us, wall_ms) of each stored segment."""
        assert timeline_id is not None
        with self.db.read() as s:
            return [
                (row.number, row.run, row.start_ms, row.length_us, row.wall_ms)
                for row in s.scalars(rows_of(timeline_id, rendition))
            ]
