"""The relay's end of the socket to the packager: frames out, wishes for key frames in, and nobody ever waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from media_worker.frames import VIDEO, Flag, Kind, Message, Reader, Source

log = structlog.get_logger()

FULL = 4 * 1024**2  # bytes not yet taken by the packager; then frames are dropped until the next key frame
AGAIN = 0.1  # seconds between attempts to connect


class FramesLink:
    """Connects, and connects again, as long as it runs. What is sent while nobody listens is lost: so is the past."""

    def __init__(self, path: Path, on_key: Callable[[int, Source], None]) -> None:
        self.path = path
        self.dropped = 0  # frames
        self._on_key = on_key
        self._writer: asyncio.StreamWriter | None = None
        self._skipping: set[tuple[int, Source]] = set()  # sources that wait for their next key frame

    @property
    def connected(self) -> bool:
        return self._writer is not None

    def send(self, message: Message) -> None:
        """Hand a message on, or drop it when the packager is away or does not keep up."""
        writer = self._writer
        if writer is None:
            return
        who = (message.stream_id, message.source)
        if message.kind == Kind.FRAME:
            full = writer.transport.get_write_buffer_size() > FULL
            waits = who in self._skipping and not message.flags & Flag.KEY
            if full or waits:
                self.dropped += 1
                if message.source in VIDEO and who not in self._skipping:
                    self._skipping.add(who)
                    self._on_key(*who)
                return
            self._skipping.discard(who)
        writer.write(message.pack())

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self.path))
            except OSError:
                await asyncio.sleep(AGAIN)
                continue
            log.info("the packager listens", path=str(self.path))
            self._writer = writer
            self._skipping.clear()
            try:
                await self._listen(reader)
            except (OSError, ValueError) as error:
                log.warning("the packager's socket broke", trouble=str(error)[:200])
            finally:
                self._writer = None
                writer.close()
            await asyncio.sleep(AGAIN)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        messages = Reader()
        while data := await reader.read(65536):
            for message in messages.feed(data):
                if message.kind == Kind.KEY:
                    self._on_key(message.stream_id, message.source)
