"""The trainer's network is gone for thirty seconds, TCP and UDP alike: they come back by themselves, nobody else is harmed."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import services
from drill._class import SEGMENT_MS, stood_ms, taught
from relay_kit import until

AWAY_S = 30.0
BACK_S = 5.0  # after the network is there again
CANDIDATE = re.compile(rb"(\d+\.\d+\.\d+\.\d+) (\d{5}) typ host")


class Line(threading.Thread):
    """The trainer's line to the school at `target`: listens on `port`, carries TCP, and the UDP that its SDP leads to.

    While it is `cut` nothing passes and nobody is told, as with a cable pulled out. An offer's candidates are turned away
    and an answer's lead to us, so that no packet finds a way beside it; ports of five digits are put in place of others.
    """

    def __init__(self, port: int, target: int) -> None:
        super().__init__(daemon=True)
        self.port, self.target = port, target
        self.cut = False
        self.datagrams = 0
        self._loop = asyncio.new_event_loop()
        self._doors: dict[int, int] = {}  # the relay's port → ours
        self._up = threading.Event()
        self.start()
        self._up.wait(10)

    def run(self) -> None:
        self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        self._up.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
            await asyncio.gather(
                self._carry(reader, far_writer, self._away), self._carry(far_reader, writer, self._here)
            )
        except OSError:
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Any) -> None:
        try:
            while data := await reader.read(1 << 16):
                while self.cut:
                    await asyncio.sleep(0.05)
                writer.write(await change(data))
                await writer.drain()
        finally:
            writer.close()

    async def _away(self, data: bytes) -> bytes:
        return CANDIDATE.sub(rb"\1 00009 typ host", data)

    async def _here(self, data: bytes) -> bytes:
        for found in CANDIDATE.finditer(data):
            port = int(found[2])
            if port not in self._doors:
                door, _ = await self._loop.create_datagram_endpoint(
                    lambda port=port: _Door(self, port), ("127.0.0.1", 0)
                )
                self._doors[port] = door.get_extra_info("sockname")[1]
        return CANDIDATE.sub(lambda found: b"%s %05d typ host" % (found[1], self._doors[int(found[2])]), data)


class _Door(asyncio.DatagramProtocol):
    """A UDP port in front of one of the relay's."""

    def __init__(self, line: Line, port: int) -> None:
        self.line, self.port = line, port
        self._beyond: dict[tuple[str, int], _Beyond] = {}

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.line.cut:
            return
        self.line.datagrams += 1
        if addr not in self._beyond:
            beyond = self._beyond[addr] = _Beyond(self, addr)
            beyond.opening = asyncio.ensure_future(
                asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: beyond, remote_addr=("127.0.0.1", self.port)
                )
            )
        self._beyond[addr].send(data)


class _Beyond(asyncio.DatagramProtocol):
    """The side of a door towards the relay, for one peer."""

    def __init__(self, door: _Door, peer: tuple[str, int]) -> None:
        self.door, self.peer = door, peer
        self.transport: Any = None
        self.opening: Any = None  # keeps the task referenced

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def send(self, data: bytes) -> None:
        if self.transport is not None:  # else: ICE asks again
            self.transport.sendto(data)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.door.line.cut:
            self.door.transport.sendto(data, self.peer)

    def error_received(self, exc: Exception) -> None:
        """The relay closed this port: as on any line, nothing comes back."""


def run() -> dict[str, Any]:
    """Cut the line, mend it, touch nothing."""
    port = services.free_port()
    line = Line(services.free_port(), port)
    with tempfile.TemporaryDirectory() as name, taught(Path(name), port=port, trainers_port=line.port) as here:
        time.sleep(5)
        carried, at, line.cut = line.datagrams, time.time(), True
        time.sleep(AWAY_S)
        alone = not here.publishing()
        word = here.desk.locator("#health").get_attribute("data-word")
        mended, line.cut = time.time(), False
        until(here.publishing, 60, "the publisher is back")
        back = time.time()
        here.calm(here.near, here.phone)
        stood = [stood_ms(page, at) for page in (here.near, here.phone)]
        ended = here.end()
    outage_ms = round((back - at) * 1000)
    return {
        "load": os.getloadavg()[0],
        "datagrams": carried,
        "outage_ms": outage_ms,
        "back_after_s": round(back - mended, 2),
        "desk_said": word,
        "near_stood_ms": stood[0],
        "phone_stood_ms": stood[1],
        **ended,
        "holds": alone
        and carried > 100
        and back - mended <= BACK_S
        and len(ended["holes_ms"]) == 1
        and ended["holes_ms"][0] <= outage_ms + SEGMENT_MS
        and ended["numbers_whole"]
        and ended["counted_right"],
    }
