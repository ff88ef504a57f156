"""The packager process: obeys the orders of its node, hears the relay, serves live HLS and stores what was recorded."""

from __future__ import annotations

import asyncio
import secrets
import signal
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import structlog
from aiohttp import web
from sqlalchemy.exc import DBAPIError

from media_worker.frames import Message, Source, socket_path
from media_worker.packager.archive import Archive
from media_worker.packager.broadcast import Broadcast
from media_worker.packager.inlet import Inlet, now_us
from media_worker.packager.recording import PATIENCE, Recording
from media_worker.packager.seats import Seats
from media_worker.packager.server import Desk
from media_worker.packager.spool import Spool
from school.core.db import Database
from school.core.errors import SchoolError
from school.core.settings import Settings
from school.core.store import open_store
from school.media.models import StreamState
from school.media.streams import Order, StreamLost

log = structlog.get_logger("packager")
ORDERS = 0.5  # seconds between looks at the orders
TICK = 0.1
SHOWN_AFTER = 60.0  # seconds a class that ended can still be fetched, so that every player comes to its end
UPLOADS = 4  # threads that talk to the object store


class Packager:
    """Every class of one node. `serve` runs until it is asked to stop."""

    def __init__(self, settings: Settings, *, node: str | None = None, port: int | None = None) -> None:
        self._settings = settings
        self._node = node or settings.node
        self._port = settings.packager_port if port is None else port
        self._db = Database(settings.db_url, pool_size=3)
        spool = Spool(settings.data / "live" / self._node)
        self._archive = Archive(self._db, open_store(settings), spool, self._node)
        self._uploads = ThreadPoolExecutor(UPLOADS, "upload")
        self._broadcasts: dict[int, Broadcast] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._over: dict[int, StreamState] = {}  # classes that were stopped: their pictures may not come back
        self._inlet = Inlet(self)
        self._seats = Seats(settings.live_low_latency)
        self._desk = Desk(self._broadcasts, self._over, self._seats, secrets.token_hex(3), self._health)
        self._stopping = asyncio.Event()
        self._orders_at = 0.0  # when the database last answered
        self._faults = 0

    # ── what the relay says ──────────────────────────────────

    def hear(self, message: Message) -> None:
        broadcast = self._broadcasts.get(message.stream_id)
        if broadcast is not None:
            try:
                broadcast.hear(message)
            except Exception:  # a frame that trips us must not take the other classes with it
                self._fault(message.stream_id)

    def cut_off(self, streams: set[int]) -> None:
        for stream_id in streams & self._broadcasts.keys():
            self._broadcasts[stream_id].cut_off(now_us())

    # ── the process ────────────────────────────────────────

    async def serve(self) -> None:
        """Work until SIGTERM or SIGINT; what was cut is then safe in the spool, and the next packager goes on."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        runner = web.AppRunner(self._desk.application(), access_log=None, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, self._settings.live_host, self._port, backlog=1024).start()
        await self._inlet.open(socket_path(self._settings.data, self._node))
        log.info("packager", node=self._node, address=runner.addresses[0])
        work = [asyncio.create_task(one) for one in (self._follow_orders(), self._tick())]
        try:
            await self._stopping.wait()
        finally:
            for task in work:
                task.cancel()
            self._inlet.close()
            await self._leave()
            await runner.cleanup()
            self._uploads.shutdown(wait=False, cancel_futures=True)
            self._db.close()

    async def _leave(self) -> None:
        """An orderly end: runs are closed, and what can be stored within a moment is."""
        for broadcast in self._broadcasts.values():
            broadcast.leave()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=3)
            for task in late:
                task.cancel()

    async def _follow_orders(self) -> None:
        while True:
            try:
                orders = await asyncio.to_thread(self._archive.orders)
                self._orders_at = time.monotonic()
                for stream_id, order in orders.items():
                    await self._obey(stream_id, order)
                for stream_id in self._broadcasts.keys() - orders.keys():
                    self._drop(stream_id)
            except (SchoolError, DBAPIError, OSError) as error:
                log.warning("no orders", trouble=str(error)[:200])
            except Exception:
                self._fault(0)
            await asyncio.sleep(ORDERS)

    async def _obey(self, stream_id: int, order: Order) -> None:
        known = self._broadcasts.get(stream_id)
        if known is not None and known.order.epoch != order.epoch:  # it was another node's in between
            self._drop(stream_id)
            known = None
        if known is None:
            recorded = await asyncio.to_thread(self._archive.recorded, order)
            recording = Recording(self._archive, order, recorded, self._uploads)

            def ask(source: Source) -> bool:
                return self._inlet.ask(stream_id, order.epoch, source)

            known = self._broadcasts[stream_id] = Broadcast(order, recorded, recording, ask)
            self._tasks[stream_id] = asyncio.create_task(self._keep(known))
        if order.state == StreamState.STOPPED:
            self._over[stream_id] = StreamState.STOPPED
        known.obey(order, now_us())

    async def _keep(self, broadcast: Broadcast) -> None:
        """Record a class to its end, and seal it."""
        stream_id = broadcast.order.stream_id
        try:
            if await broadcast.recording.run() and broadcast.over:
                await self._finish(broadcast.order)
        except Exception:
            self._fault(stream_id)

    async def _finish(self, order: Order) -> None:
        while True:
            try:
                await asyncio.to_thread(self._archive.finish, order)
                return
            except StreamLost:
                return
            except (SchoolError, DBAPIError, OSError) as error:
                log.warning("not sealed yet", stream=order.stream_id, trouble=str(error)[:200])
                await asyncio.sleep(PATIENCE[1])

    def _drop(self, stream_id: int) -> None:
        """Finished, or carried by another node: served a little longer when it ended, forgotten at once otherwise."""
        broadcast = self._broadcasts[stream_id]
        if broadcast.over and broadcast.order.state == StreamState.ENDED:
            broadcast.left_at = broadcast.left_at or time.monotonic()
            if time.monotonic() - broadcast.left_at < SHOWN_AFTER:
                return
        broadcast.leave()
        del self._broadcasts[stream_id], self._tasks[stream_id]
        self._desk.forget(stream_id)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            for broadcast in list(self._broadcasts.values()):
                try:
                    broadcast.tick(now_us())
                except Exception:
                    self._fault(broadcast.order.stream_id)

    def _fault(self, stream_id: int) -> None:
        """A fault of ours must neither stop the process nor hide."""
        self._faults += 1
        log.error("fault", stream=stream_id, detail=traceback.format_exc()[-2000:])

    def _health(self) -> dict[str, object]:
        age = time.monotonic() - self._orders_at
        return {
            "node": self._node,
            "ok": self._orders_at > 0 and age < 10 * ORDERS,
            "streams": len(self._broadcasts),
            "viewers": {"low": self._seats.taken(), "most": self._seats.most},
            "spool": self._archive.spool.size,
            "faults": self._faults,
        }
