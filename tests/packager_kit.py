"""A publisher without a network: real H.264 and Opus frames of a test card that flashes and beeps once a second."""

from __future__ import annotations

import heapq
import io
import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import av
import numpy as np
import requests
import sqlalchemy as sa

import services
from media_worker.frames import Flag, Kind, Message, Reader, Source, socket_path
from school.core.db import Database
from school.core.settings import Settings, dump
from school.core.store import ObjectStore
from school.media import queries, rules, streams
from school.media.models import Segment, Stream, StreamState, Timeline

SECOND = 1_000_000
FLASH = 0.12  # seconds of white and of the tone, from each full second of the publisher's clock
PACKET = 960  # samples of an Opus packet


class Eye:
    """A camera or screen: pictures of one size, encoded as a browser does (baseline, key pictures when asked)."""

    def __init__(self, source: Source = Source.CAMERA, *, size: tuple[int, int] = (320, 180), rate: int = 20) -> None:
        self.source, self.size, self.rate = source, size, rate
        self.ask = True
        self._codec: Any = av.CodecContext.create("libx264", "w")
        self._codec.width, self._codec.height = size
        self._codec.pix_fmt = "yuv420p"
        self._codec.time_base = Fraction(1, rate)
        self._codec.gop_size = 100_000
        self._codec.options = {"profile": "baseline", "preset": "ultrafast", "tune": "zerolatency", "crf": "30"}
        self._shown = 0

    def look(self, at_us: int) -> tuple[bytes, bool]:
        """The access unit of this moment, and whether it is a key picture."""
        white = at_us % SECOND < FLASH * SECOND
        grey = 235 if white else 40 + self._shown % 20
        frame = av.VideoFrame.from_ndarray(np.full((self.size[1], self.size[0]), grey, np.uint8), "gray")
        frame = frame.reformat(format="yuv420p")
        frame.pts = self._shown
        frame.pict_type = av.video.frame.PictureType.I if self.ask else av.video.frame.PictureType.NONE
        self._shown += 1
        self.ask = False
        (packet,) = self._codec.encode(frame)
        return bytes(packet), packet.is_keyframe


class Mouth:
    """A microphone: 20 ms of Opus at a time."""

    def __init__(self, source: Source = Source.MIC, *, tone: int = 1000) -> None:
        self.source, self._tone = source, tone
        self._codec: Any = av.CodecContext.create("libopus", "w")
        self._codec.sample_rate, self._codec.layout, self._codec.format = 48_000, "mono", "flt"
        self._codec.options = {"application": "lowdelay"}
        self._codec.open()
        self._said = 0

    def say(self, at_us: int) -> bytes:
        times = (at_us / SECOND) + np.arange(PACKET) / 48_000
        pcm = 0.5 * np.sin(2 * np.pi * self._tone * times) * ((times % 1.0) < FLASH)
        frame = av.AudioFrame.from_ndarray(pcm.astype(np.float32).reshape(1, -1), "flt", "mono")
        frame.sample_rate, frame.pts = 48_000, self._said
        self._said += PACKET
        (packet,) = self._codec.encode(frame)
        return bytes(packet)


@dataclass
class Publisher:
    """Sources on one clock that is `ahead_us` of ours; frames arrive `delay_us` (sound) or a little later (pictures)."""

    stream_id: int
    epoch: int = 1
    ahead_us: int = 0
    delay_us: int = 30_000
    picture_delay_us: int = 20_000
    synced: bool = True
    eyes: list[Eye] = field(default_factory=list)
    mouths: list[Mouth] = field(default_factory=list)
    _due: list[tuple[int, int, Any]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def begin(self, what: Eye | Mouth, now_us: int) -> None:
        """From the next full tenth of a second on, so that a picture stands at the beginning of every flash."""
        (self.eyes if isinstance(what, Eye) else self.mouths).append(what)  # type: ignore[arg-type]
        now_us += -(now_us + self.ahead_us) % 100_000
        heapq.heappush(self._due, (now_us, next(self._numbers), what))

    def end(self, what: Eye | Mouth, now_us: int) -> Message:
        """Stop a source; the message the relay then sends."""
        (self.eyes if isinstance(what, Eye) else self.mouths).remove(what)  # type: ignore[arg-type]
        self._due = [one for one in self._due if one[2] is not what]
        heapq.heapify(self._due)
        return Message(Kind.GONE, self.stream_id, self.epoch, what.source, arrived_us=now_us)

    def wish(self, source: Source) -> None:
        for eye in self.eyes:
            eye.ask = eye.ask or eye.source == source

    def frames(self, until_us: int) -> list[Message]:
        """What is made before `until_us`, in the order of arrival."""
        made: list[Message] = []
        while self._due and self._due[0][0] < until_us:
            at_us, number, what = heapq.heappop(self._due)
            theirs = at_us + self.ahead_us
            key, delay = True, self.delay_us
            if isinstance(what, Eye):
                payload, key = what.look(theirs)
                step, delay = SECOND // what.rate, delay + self.picture_delay_us
            else:
                payload, step = what.say(theirs), 20_000
            flags = (Flag.KEY if key else Flag.NONE) | (Flag.SYNCED if self.synced else Flag.NONE)
            made.append(
                Message(Kind.FRAME, self.stream_id, self.epoch, what.source, flags, theirs, at_us + delay, payload)
            )
            heapq.heappush(self._due, (at_us + step, number, what))
        return sorted(made, key=lambda message: message.arrived_us)


class Feeder:
    """Sends a publisher's frames to a real packager as they are made, on a thread, like the relay does."""

    def __init__(self, settings: Settings, publisher: Publisher) -> None:
        self.publisher = publisher
        self._path = socket_path(settings.data, settings.node)
        self._stop = threading.Event()
        self._said: list[Callable[[int], Message | None]] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Feeder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def do(self, what: Callable[[int], Message | None]) -> None:
        """Change something between two frames; `what(now_us)` may answer with a message to send."""
        with self._lock:
            self._said.append(what)

    def _run(self) -> None:
        line, reader = None, Reader()
        while not self._stop.wait(0.02):
            now = time.time_ns() // 1000
            with self._lock:
                said, self._said = self._said, []
            out = [message for what in said if (message := what(now)) is not None]
            out += self.publisher.frames(now - self.publisher.delay_us - self.publisher.picture_delay_us)
            try:
                if line is None:
                    line, reader = socket.socket(socket.AF_UNIX), Reader()
                    line.connect(str(self._path))
                line.sendall(b"".join(message.pack() for message in out))
                line.setblocking(False)
                try:
                    for message in reader.feed(line.recv(65536)):
                        self.publisher.wish(message.source)
                except BlockingIOError:
                    pass
                line.setblocking(True)
            except OSError:
                if line is not None:
                    line.close()
                line = None
                for eye in self.publisher.eyes:
                    eye.ask = True
        if line is not None:
            line.close()


@dataclass
class PackagerProcess:
    """The real packager on a free port; may be killed and started again."""

    settings: Settings
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.packager_port}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "media_worker.packager"], stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **dump(self.settings)},
            )  # fmt: skip
        services.wait_for_port(self.settings.packager_port, self.process)

    def kill(self) -> None:
        if self.process is not None:
            services.kill(self.process)

    def stop(self) -> int:
        assert self.process is not None
        services.stop(self.process)
        return self.process.returncode


@contextmanager
def packager(settings: Settings, log: Path) -> Iterator[PackagerProcess]:
    running = PackagerProcess(settings, log)
    running.start()
    try:
        yield running
    finally:
        running.kill()


def open_live(db: Database, node: str = "main", state: StreamState = StreamState.LIVE) -> int:
    """A stream in `state`, carried by `node` (epoch 1)."""
    with db.write() as s:
        stream = streams.open_stream(s)
        stream.state, stream.node, stream.epoch = state, node, 1
        return stream.id


def order_state(db: Database, stream_id: int, state: StreamState) -> None:
    with db.write() as s:
        streams.set_state(s, stream_id, state)


def stream_of(db: Database, stream_id: int) -> Stream:
    with db.read() as s:
        return streams.stream(s, stream_id)


def timeline_of(db: Database, timeline_id: int | None) -> Timeline:
    assert timeline_id is not None
    with db.read() as s:
        return queries.timeline(s, timeline_id)


def runs_of(db: Database, store: ObjectStore, timeline: Timeline, rendition: str) -> list[bytes]:
    """Each run of a stored rendition as one playable file."""
    with db.read() as s:
        rows = s.execute(rows_of(timeline.id, rendition)).scalars().all()
    found: dict[int, bytes] = {}
    for row in rows:
        data = store.read(timeline.prefix + rules.segment_name(rendition, row.number))
        found.setdefault(row.run, store.read(timeline.prefix + rules.init_name(rendition, row.run)))
        found[row.run] += data
    return list(found.values())


def rows_of(timeline_id: int, rendition: str) -> Any:
    """The stored segments of a rendition, in order."""
    return (
        sa.select(Segment)
        .where(Segment.timeline_id == timeline_id, Segment.rendition == rendition)
        .order_by(Segment.number)
    )


def flashes(data: bytes) -> list[float]:
    """Moments in seconds at which the picture turns white."""
    found, before = [], 255.0
    with av.open(io.BytesIO(data)) as film:
        for frame in film.decode(video=0):
            light = float(frame.to_ndarray(format="gray").mean())
            if light > 160 >= before:
                found.append(float(frame.pts * frame.time_base))
            before = light
    return found


def beeps(data: bytes, *, loud: float = 0.1) -> list[float]:
    """Moments in seconds at which the sound begins, after at least 0.3 s of quiet."""
    found: list[float] = []
    with av.open(io.BytesIO(data)) as film:
        pieces = [(float(frame.pts) / 48_000, np.abs(frame.to_ndarray()[0])) for frame in film.decode(audio=0)]
    last = -1.0
    for begin, pcm in pieces:
        for place in np.where(pcm > loud)[0]:
            moment = begin + place / 48_000
            if moment - last > 0.3:
                found.append(moment)
            last = moment
    return found


def apart(pictures: list[float], sounds: list[float]) -> float:
    """The largest distance in seconds of a beep from its flash, over those that have one."""
    both = [min(abs(sound - picture) for picture in pictures) for sound in sounds]
    near = [one for one in both if one < 0.5]
    assert len(near) >= 2, (pictures, sounds)
    return max(near)


def get(url: str, *, status: int = 200) -> requests.Response:
    answer = requests.get(url, timeout=20)
    assert answer.status_code == status, answer.text
    return answer


def named(text: str, mark: str) -> list[str]:
    """Addresses in lines that begin with `mark`, or plain lines."""
    if not mark:
        return [line for line in text.splitlines() if line and not line.startswith("#")]
    return [line.split('URI="')[1].split('"')[0] for line in text.splitlines() if line.startswith(mark)]


def fetched(url: str) -> bytes:
    """A plain playlist as one file: its first init section and all its segments (one run)."""
    text = get(url).text
    return b"".join(get(urljoin(url, name)).content for name in [*named(text, "#EXT-X-MAP")[:1], *named(text, "")])


def closed(process: PackagerProcess, stream_id: int, number: int) -> bool:
    answer = requests.get(f"{process.url}/streams/{stream_id}", timeout=20).json()
    return answer.get("segment") is not None and answer["segment"] >= number
