"""A real relay for tests, and who publishes to it and watches from it: ffmpeg, and pure Python with aiortc."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import imageio_ffmpeg
import requests

import services
from school.core.keys import load_keys
from school.core.settings import Settings, dump
from school.media.stream_tokens import Part, seal

T = TypeVar("T")
SDP = {"Content-Type": "application/sdp"}


# ── the relay ──────────────────────────────────────


@dataclass
class RelayProcess:
    """A relay process on a free port of loopback; may be killed and started again on the same port."""

    settings: Settings
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.relay_port}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "media_worker.relay"], stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **dump(self.settings)}, cwd=Path(__file__).parent.parent,
            )  # fmt: skip
        try:
            services.wait_for_port(self.settings.relay_port, 30, self.process)
        except RuntimeError as error:
            services.kill(self.process)
            raise RuntimeError(f"the relay did not start:\n{self.log.read_text()[-4000:]}") from error

    def stop(self) -> None:
        """The orderly end."""
        if self.process is not None:
            services.stop(self.process)
            self.process = None

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            services.kill(self.process)
            self.process = None

    def token(self, stream_id: int, part: Part, account_id: int = 1) -> str:
        return seal(load_keys(self.settings), stream_id, part, account_id)

    def health(self) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{self.url}/health", timeout=10).json()
        return found

    def stream(self, stream_id: int) -> dict[str, Any]:
        """What the relay knows of a stream; empty when it does not carry it."""
        answer = requests.get(f"{self.url}/streams/{stream_id}", timeout=10)
        found: dict[str, Any] = answer.json() if answer.ok else {}
        return found


@contextmanager
def relay(settings: Settings, **changes: Any) -> Iterator[RelayProcess]:
    """A running relay of `settings` (whose database must have its tables) on loopback; killed at the end."""
    settings = replace(settings, **{"relay_port": services.free_port(), "live_advertise": "127.0.0.1", **changes})
    settings.data.mkdir(parents=True, exist_ok=True)
    made = RelayProcess(settings, settings.data / f"relay-{settings.relay_port}.log")
    made.start()
    try:
        yield made
    finally:
        made.kill()


def until(true: Callable[[], Any], seconds: float = 15, what: str = "") -> Any:
    """What `true()` gives once it is not false; AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"not within {seconds} s: {what or true}"
        time.sleep(0.05)
    return found


# ── ffmpeg ────────────────────────────────────────

FLASHES = "color=black:s={size}:r={rate},drawbox=x=0:y=0:w=iw:h=ih:color=white:t=fill:enable='lt(mod(t,1),0.2)'"  # white for 0.2 s at each full second
BEEPS = "aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.2)':s=48000"  # and a tone with it


def ffmpeg_command(
    url: str, token: str, *, seconds: float = 60, size: str = "320x180", rate: int = 15, kbps: int = 300,
    video: Sequence[str] = (), audio: Sequence[str] = ("-c:a", "libopus", "-b:a", "64k"),
) -> list[str]:  # fmt: skip
    """ffmpeg publishing flashes and beeps in step to `url` (…/whip/<stream>) for `seconds`."""
    video = video or (
        "-c:v", "libx264", "-profile:v", "baseline", "-bf", "0", "-preset", "ultrafast", "-tune", "zerolatency",
        "-g", str(2 * rate), "-b:v", f"{kbps}k",
    )  # fmt: skip
    return [
        imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error",
        "-re", "-f", "lavfi", "-i", FLASHES.format(size=size, rate=rate), "-re", "-f", "lavfi", "-i", BEEPS,
        "-t", str(seconds), "-pix_fmt", "yuv420p", *video, "-ar", "48000", "-ac", "2", *audio,
        "-f", "whip", "-authorization", token, url,
    ]  # fmt: skip


@contextmanager
def publish_ffmpeg(url: str, token: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """ffmpeg (see `ffmpeg_command`) as long as the block lasts."""
    process = subprocess.Popen(ffmpeg_command(url, token, **options), stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        process.communicate()
