"""A publisher without H.264: its VP8 frames go to a child process and come back as H.264."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import structlog

from media_worker.relay.assemble import Frame
from media_worker.relay.transcoder_child import HEAD, LARGEST

log = structlog.get_logger()

BEHIND = 1024**2  # bytes the child has not taken; then frames are dropped until the next key frame


class Transcoder:
    """`on_frame` gets H.264 access units with the timestamps of the VP8 frames; `on_end` is called when the child ends."""

    def __init__(self, on_frame: Callable[[Frame], None], on_end: Callable[[], None]) -> None:
        self._on_frame, self._on_end = on_frame, on_end
        self._process: asyncio.subprocess.Process | None = None
        self._skipping = False
        self._task = asyncio.create_task(self._run())

    def push(self, frame: Frame) -> bool:
        """Hand a VP8 frame to the child; False when it is behind and a key frame is needed."""
        stdin = self._process.stdin if self._process is not None else None
        if stdin is None or stdin.is_closing():
            return False
        if stdin.transport.get_write_buffer_size() > BEHIND or (self._skipping and not frame.key):
            self._skipping = True
            return False
        self._skipping = False
        stdin.write(HEAD.pack(frame.timestamp, frame.key, len(frame.payload)) + frame.payload)
        return True

    def wish_key(self) -> None:
        """The next picture becomes a key frame."""
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(HEAD.pack(0, 0, 0))

    async def _run(self) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "media_worker.relay.transcoder_child",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self._process = process
        assert process.stdout is not None
        try:
            while True:
                timestamp, key, size = HEAD.unpack(await process.stdout.readexactly(HEAD.size))
                if size > LARGEST:
                    break
                self._on_frame(Frame(timestamp, await process.stdout.readexactly(size), bool(key)))
        except (asyncio.IncompleteReadError, OSError):
            log.warning("the transcoder ended")
            self._on_end()
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def close(self) -> None:
        self._task.cancel()
