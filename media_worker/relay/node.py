"""This relay among the others: says that it lives, takes streams over, and obeys the orders for those it carries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError

from media_worker.frames import Source, socket_path
from media_worker.relay.broadcast import Broadcast
from media_worker.relay.frames_link import FramesLink
from media_worker.relay.publish import Publisher
from media_worker.relay.watch import Viewer
from school.core.db import Database
from school.core.errors import Conflict, Unavailable
from school.core.i18n import N_
from school.core.keys import Keys
from school.core.settings import Settings
from school.media import streams
from school.media.models import StreamState
from school.media.stream_tokens import Part
from school.media.streams import SENDING, Node

log = structlog.get_logger()

ORDERS = 0.5  # seconds between looks at the orders
ANNOUNCE = 1.0
WATCH_OVER = 1.0
KEYS = 0.5
PREVIEWS = 16  # seats of trainers and helpers


class Relay:
    """Everything this process carries. `streams` are looked at from the event loop only; the database in threads."""

    def __init__(self, settings: Settings, keys: Keys, db: Database, *, runs: bool, advertise: str) -> None:
        self.settings, self.keys, self.db = settings, keys, db
        self.link = FramesLink(socket_path(settings.data, settings.node), self._wish_key)
        self.broadcasts: dict[int, Broadcast] = {}
        self.locks: dict[int, asyncio.Lock] = {}
        self.runs, self.advertise = runs, advertise
        self.faults = 0
        self.started_at = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []
        self._taken_at: dict[int, float] = {}

    @property
    def viewers(self) -> int:
        """Members who watch; each has a seat."""
        return self._watching("watch")

    def check_seat(self, part: Part) -> None:
        """Unavailable (`stream.full`) when every seat is taken; trainers and helpers have seats of their own."""
        if self._watching(part) >= (self.settings.live_seats if part == "watch" else PREVIEWS):
            raise Unavailable("stream.full", N_("低延迟的座位坐满了，已经为您转到流畅播放，内容完全一样。"))

    def _watching(self, part: Part) -> int:
        return sum(viewer.part == part for one in self.broadcasts.values() for viewer in one.viewers.values())

    # ── life ────────────────────────────────────

    async def start(self) -> None:
        await asyncio.to_thread(self._announce)
        for work, every in (
            (self._speak, ANNOUNCE), (self._obey, ORDERS), (self._watch_over, WATCH_OVER), (self._wish_keys, KEYS),
        ):  # fmt: skip
            self._tasks.append(asyncio.create_task(self._again(work, every)))
        self._tasks.append(asyncio.create_task(self.link.run()))

    async def stop(self) -> None:
        """Part from everybody and give the streams up, so that another node may take them over at once."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(broadcast.close() for broadcast in self.broadcasts.values()), return_exceptions=True)
        try:
            await asyncio.to_thread(streams.withdraw, self.db, self.settings.node)
        except (Unavailable, DBAPIError) as error:
            log.warning("not withdrawn", trouble=str(error)[:200])

    async def _again(self, work: Callable[[], Awaitable[None]], every: float) -> None:
        while True:
            try:
                await work()
            except (Unavailable, DBAPIError) as error:  # the class goes on by the last orders
                log.warning("no database", trouble=str(error)[:200])
                await asyncio.sleep(every)
            except Exception as error:  # a fault of ours must not end the relay's housekeeping
                self.faults += 1
                log.exception("housekeeping failed", work=getattr(work, "__name__", ""), exc_info=error)
            await asyncio.sleep(every)

    # ── the database ─────────────────────────────

    def _announce(self) -> None:
        own = self.settings
        host = own.live_name or own.live_host
        host = f"[{host}]" if ":" in host else host
        streams.announce(
            self.db,
            Node(
                own.node, f"http://{host}:{own.relay_port}", f"http://{host}:{own.packager_port}", own.live_seats,
                self.viewers,
            ),
        )  # fmt: skip

    async def _speak(self) -> None:
        await asyncio.to_thread(self._announce)

    async def _obey(self) -> None:
        """Follow the orders; a stream that is no longer among them is somebody else's or over."""
        asked_at = time.monotonic()
        orders = await asyncio.to_thread(streams.orders, self.db, self.settings.node)
        for stream_id, broadcast in list(self.broadcasts.items()):
            order = orders.get(stream_id)
            newer = self._taken_at.get(stream_id, 0.0) < asked_at  # else: taken after the question was asked
            if order is not None and order.epoch == broadcast.order.epoch:
                if newer and order != broadcast.order:
                    await broadcast.obey(order)
            elif newer:
                log.info("stream given up", stream=stream_id)
                await self._forget(stream_id)
                continue
            if broadcast.order.state not in SENDING and not broadcast.publishers and not broadcast.viewers:
                await self._forget(stream_id)

    async def _forget(self, stream_id: int) -> None:
        broadcast = self.broadcasts.pop(stream_id, None)
        self._taken_at.pop(stream_id, None)
        self.locks.pop(stream_id, None)
        if broadcast is not None:
            await broadcast.close()

    async def carry(self, stream_id: int) -> Broadcast:
        """The stream, taken over when no other living node carries it; NotFound, or Conflict (`stream.…`)."""
        order = await asyncio.to_thread(streams.take, self.db, stream_id, self.settings.node)
        self._taken_at[stream_id] = time.monotonic()
        known = self.broadcasts.get(stream_id)
        if known is not None and known.order.epoch == order.epoch:
            if known.order != order:
                await known.obey(order)
            return known
        if known is not None:  # another node had it in between
            await known.close()
        made = self.broadcasts[stream_id] = Broadcast(order, self.link, runs=self.runs)
        return made

    def stream_of_key(self, key: str) -> int:
        """The stream a stream key opens; NotAllowed (`stream.key`)."""
        with self.db.read() as s:
            return streams.stream_of_key(s, key).id

    # ── housekeeping ─────────────────────────────

    async def _watch_over(self) -> None:
        for broadcast in list(self.broadcasts.values()):
            broadcast.measure()
            for publisher in list(broadcast.publishers.values()):
                if not self._looked_after(publisher):
                    log.info("publisher gone", stream=broadcast.stream_id, part=publisher.part)
                    await broadcast.drop_publisher(publisher)
            for viewer in list(broadcast.viewers.values()):
                if not self._looked_after(viewer):
                    await broadcast.drop_viewer(viewer)

    def _looked_after(self, one: Publisher | Viewer) -> bool:
        """Whether it lives; one that cannot be looked after is parted from, so that the others are."""
        try:
            one.watch_over()
            return not one.dead
        except Exception as error:
            self.faults += 1
            log.exception("a connection could not be looked after", part=one.part, exc_info=error)
            return False

    async def _wish_keys(self) -> None:
        for broadcast in self.broadcasts.values():
            broadcast.wish_keys()
            broadcast.arrange()

    def _wish_key(self, stream_id: int, source: Source) -> None:
        broadcast = self.broadcasts.get(stream_id)
        if broadcast is not None:
            broadcast.tracks[source].wish_key()

    def health(self) -> dict[str, Any]:
        return {
            "node": self.settings.node,
            "seats": self.settings.live_seats,
            "viewers": self.viewers,
            "publishers": sum(len(broadcast.publishers) for broadcast in self.broadcasts.values()),
            "streams": [broadcast.stream_id for broadcast in self.broadcasts.values()],
            "packager": self.link.connected,
            "frames_dropped": self.link.dropped,
            "faults": self.faults,
            "runs": self.runs,
            "up_s": round(time.monotonic() - self.started_at),
        }


def not_open() -> Conflict:
    return Conflict("stream.not_open", N_("这堂课现在没有开放直播。请在讲师台先点“彩排”或“开始上课”。"))


def not_showing(state: StreamState) -> Conflict:
    if state == StreamState.REHEARSAL:
        return Conflict("stream.rehearsal", N_("还没有开始上课，请稍等，开始后会自动播放。"))
    return not_open()
