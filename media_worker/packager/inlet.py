"""The Unix socket at which the packager listens for its relay: frames in, wishes for key pictures out."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Protocol

import structlog

from media_worker.frames import Kind, Message, Reader, Source

log = structlog.get_logger("packager")
MOST_UNSENT = 64 * 1024  # bytes of wishes that a relay has not read; it is then not asked again
CHUNK = 256 * 1024


class Listener(Protocol):
    def hear(self, message: Message) -> None: ...

    def cut_off(self, streams: set[int]) -> None:
        """The relay that carried these streams is gone."""


class Inlet:
    """Every connection is a relay; there is one, or for a moment two when it was restarted."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._carriers: dict[int, asyncio.StreamWriter] = {}  # who sent the last frame of a stream
        self._server: asyncio.Server | None = None

    async def open(self, path: Path) -> None:
        """Listen at `path`, also when a packager that was killed left its socket there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, path, limit=CHUNK)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in set(self._carriers.values()):
            writer.close()

    def ask(self, stream_id: int, epoch: int, source: Source) -> bool:
        """Ask the publisher for a key picture; False when there is no relay to pass it on."""
        writer = self._carriers.get(stream_id)
        if writer is None or writer.transport.get_write_buffer_size() >= MOST_UNSENT:
            return False
        writer.write(Message(Kind.KEY, stream_id, epoch, source).pack())
        return True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        messages = Reader()
        try:
            while data := await reader.read(CHUNK):
                for message in messages.feed(data):
                    self._carriers[message.stream_id] = writer
                    self._listener.hear(message)
        except (ValueError, OSError) as trouble:
            log.warning("a relay's connection ends", trouble=str(trouble)[:200])
        except asyncio.CancelledError:
            return  # the packager stops; Python 3.11 would show it as a fault of the connection
        finally:
            lost = {stream for stream, carrier in self._carriers.items() if carrier is writer}
            for stream in lost:
                del self._carriers[stream]
            self._listener.cut_off(lost)
            writer.close()


def now_us() -> int:
    """This machine's clock, microseconds since 1970: the one the relay stamps frames with."""
    return time.time_ns() // 1000
