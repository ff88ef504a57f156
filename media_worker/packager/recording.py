"""One class's recording: closed segments get their place, go to the spool at once and to the school when it answers."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog
from sqlalchemy.exc import DBAPIError

from media_worker.packager.archive import Archive, after
from media_worker.packager.shelf import Opening, Segment
from media_worker.packager.spool import Batch, Full, Stored, fact
from school.core.errors import SchoolError
from school.media.rules import Rendition, SegmentFacts, init_name, segment_name
from school.media.streams import Order, Recorded, StreamLost

log = structlog.get_logger("packager")
PATIENCE = 0.5, 5.0  # seconds between attempts while store or database are away, first and longest
WAITING = 64  # closed segments that may wait for this disk


@dataclass(frozen=True, slots=True)
class Half:
    """A closed segment of one rendition, and how its run began."""

    rendition: str
    kind: Literal["video", "audio"]
    segment: Segment
    opening: Opening


class Timekeeper:
    """Gives closed segments their numbers, runs and media positions on a timeline."""

    def __init__(self, order: Order, camera: bool, recorded: Recorded) -> None:
        self._order, self._camera = order, camera
        self._recorded = recorded
        self._live_run: int | None = None  # run of the picture that `recorded.run` - 1 stands for

    def batch(self, halves: list[Half]) -> Batch:
        """What closed together; the next batch follows it only after `kept`."""
        whole = halves[0].segment
        fresh = whole.run != self._live_run
        run = self._recorded.run if fresh else self._recorded.run - 1
        objects: list[Stored] = []
        rows: list[SegmentFacts] = []
        for half in halves:
            data = half.segment.data
            number = self._recorded.number
            if fresh:
                objects.append(Stored(init_name(half.rendition, run), half.opening.init))
            objects.append(Stored(segment_name(half.rendition, number), data))
            rows.append(
                fact(
                    half.rendition, number, data, start_ms=self._recorded.length_us // 1000,
                    length_us=whole.length_us, run=run, wall_ms=whole.at_us // 1000,
                )
            )  # fmt: skip
        return Batch(
            self._order.stream_id, self._order.epoch, self._camera, [_rendition(half) for half in halves], objects, rows
        )

    def kept(self, batch: Batch, halves: list[Half]) -> None:
        self._recorded = after(self._recorded, batch)
        self._live_run = halves[0].segment.run

    def missed(self) -> None:
        """A segment could not be kept: what follows is a run of its own."""
        self._live_run = None


class Recording:
    """Keeps one class. `run` works until `close` was called and everything is stored, or the stream is lost."""

    def __init__(self, archive: Archive, order: Order, recorded: tuple[Recorded, Recorded], uploads: Executor) -> None:
        self._archive, self._order, self._uploads = archive, order, uploads
        self._main, self._camera = Timekeeper(order, False, recorded[0]), Timekeeper(order, True, recorded[1])
        self._closed: asyncio.Queue[tuple[Timekeeper, list[Half]] | None] = asyncio.Queue()
        self._kept = asyncio.Event()
        self._kept.set()  # something may lie there from before we were started
        self._over = False  # nothing more comes into the spool
        self.lost = False
        self.trouble = ""  # why nothing can be stored now

    @property
    def waiting(self) -> int:
        """Batches in the spool."""
        return len(self._archive.spool.waiting(self._order.stream_id))

    def take(self, halves: list[Half], *, camera: bool = False) -> None:
        """Keep what closed together; returns at once."""
        timekeeper = self._camera if camera else self._main
        if self._closed.qsize() >= WAITING:
            log.error("the disk does not keep up: a segment is lost", stream=self._order.stream_id)
            timekeeper.missed()
            return
        self._closed.put_nowait((timekeeper, halves))

    def close(self) -> None:
        """Nothing more will be taken."""
        self._closed.put_nowait(None)

    async def run(self) -> bool:
        """Whether everything is stored; False when another node has the stream now."""
        await asyncio.gather(self._keep(), self._store())
        return not self.lost

    async def _keep(self) -> None:
        while (closed := await self._closed.get()) is not None:
            timekeeper, halves = closed
            batch = timekeeper.batch(halves)
            try:
                await asyncio.to_thread(self._archive.spool.put, batch)
                timekeeper.kept(batch, halves)
            except (Full, OSError) as error:
                log.error(
                    "the spool is full: the recording has a gap until the object store takes what waits",
                    stream=self._order.stream_id, trouble=str(error), waiting=self._archive.spool.size,
                )  # fmt: skip
                timekeeper.missed()
            self._kept.set()
        self._over = True
        self._kept.set()

    async def _store(self) -> None:
        pause = PATIENCE[0]
        while True:
            self._kept.clear()
            over = self._over
            for path in self._archive.spool.waiting(self._order.stream_id):
                while not await self._stored(path):
                    await asyncio.sleep(pause)
                    pause = min(PATIENCE[1], pause * 2)
                pause = PATIENCE[0]
            if over:
                return
            await self._kept.wait()

    async def _stored(self, path: Path) -> bool:
        try:
            if self.lost:
                await asyncio.to_thread(self._archive.spool.done, path)
            else:
                await asyncio.get_running_loop().run_in_executor(self._uploads, self._archive.store, path)
            self.trouble = ""
        except StreamLost:
            log.warning("the stream is carried by another node: ours is dropped", stream=self._order.stream_id)
            self.lost = True
            return False
        except (SchoolError, DBAPIError, OSError) as error:
            self.trouble = getattr(error, "code", type(error).__name__)
            log.warning("not stored yet", stream=self._order.stream_id, trouble=str(error)[:200])
            return False
        return True


def _rendition(half: Half) -> Rendition:
    opening = half.opening
    return Rendition(
        half.rendition, half.kind, opening.codecs, half.segment.bit_rate, width=opening.width, height=opening.height
    )
