"""Clips made on the spot, a worker in this process or its own, and what came out as one playable file."""

from __future__ import annotations

import io
import itertools
import os
import struct
import subprocess
import sys
from array import array
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import av
import imageio_ffmpeg

from media_worker.transcode import boxes
from media_worker.transcode.spool import Spool
from media_worker.transcode.work import Tools
from media_worker.transcode.worker import run
from school.core.db import Database
from school.core.settings import Settings
from school.core.store import ObjectStore, open_store
from school.core.time import now
from school.media import queries, rules, uploads
from school.media.models import MediaAsset, Timeline
from school.org.models import Account

SOUND = "aevalsrc='0.3*sin(2*PI*300*t)*gt(mod(t,1),0.5)':s=44100:d={seconds}"


def ffmpeg(*arguments: str | Path) -> None:
    """Run ffmpeg; its words when it fails."""
    done = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *arguments], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def clip(path: Path, *codec: str, seconds: float = 6, rate: str = "25", size: str = "320x180", sound: bool = True,
         picture: bool = True, vf: str = "null") -> Path:  # fmt: skip
    """A moving test card with a beep every second."""
    inputs: list[str] = []
    if picture:
        inputs += ["-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds},{vf}"]
    if sound:
        inputs += ["-f", "lavfi", "-i", SOUND.format(seconds=seconds)]
    ffmpeg(*inputs, *codec, path)
    return path


def copyable(path: Path, *, seconds: float = 10, size: str = "320x180", rate: str = "25", gop: int = 50) -> Path:
    """H.264 and AAC with short GOPs, as a careful recorder makes them."""
    return clip(path, "-c:v", "libx264", "-g", str(gop), "-pix_fmt", "yuv420p", "-c:a", "aac",
                seconds=seconds, size=size, rate=rate)  # fmt: skip


def given(db: Database, store: ObjectStore, path: Path, owner: int | None = None) -> MediaAsset:
    """The file as if a trainer had uploaded it."""
    if owner is None:
        with db.write() as s:
            account = Account(login=f"t{os.urandom(6).hex()}", name="何小满", password_hash="x", created_at=now())
            s.add(account)
            s.flush()
            owner = account.id
    return uploads.take_file(db, store, owner, path)


def tools(settings: Settings, store: ObjectStore | None = None) -> Tools:
    if store is None:
        store = open_store(settings)
        store.prepare()
    return Tools(settings, Database(settings.db_url), store, Spool(settings.data / "spool", spare=0))


def work(settings: Settings, store: ObjectStore | None = None) -> None:
    """Do every job that waits, in this process."""
    mine = tools(settings, store)
    run(mine, "test", once=True)
    mine.db.close()


def worker(settings: Settings, log: Path) -> subprocess.Popen[bytes]:
    """A worker process of its own."""
    environ = {
        **{k: v for k, v in os.environ.items() if not k.startswith("SCHOOL_")},
        "SCHOOL_DATA": str(settings.data), "SCHOOL_DATABASE_URL": settings.database_url,
        "SCHOOL_S3_ENDPOINT": settings.s3_endpoint, "SCHOOL_S3_BUCKET": settings.s3_bucket,
        "SCHOOL_S3_ACCESS_KEY": settings.s3_access_key, "SCHOOL_S3_SECRET_KEY": settings.s3_secret_key,
    }  # fmt: skip
    with log.open("ab") as file:
        return subprocess.Popen([sys.executable, "-m", "media_worker"], env=environ, stderr=file, stdout=file)


def made(db: Database, asset: MediaAsset) -> tuple[MediaAsset, Timeline | None]:
    with db.read() as s:
        return queries.asset(s, asset.id), queries.timeline_of(s, asset.id)


def joined(db: Database, store: ObjectStore, timeline: Timeline, rendition: str) -> bytes:
    """A rendition as a player gets it: init section and every listed segment."""
    with db.read() as s:
        numbers = [number for number, *_ in queries.segments(s, timeline.id, rendition)]
    names = [rules.init_name(rendition), *(rules.segment_name(rendition, n) for n in numbers)]
    return b"".join(store.read(timeline.prefix + name) for name in names)


def frame_times(data: bytes) -> list[float]:
    """Times of every decoded picture or sound frame, in order of appearance."""
    with av.open(io.BytesIO(data)) as film:
        stream = film.streams[0]
        return [float(frame.pts * stream.time_base) for frame in film.decode(stream)]  # type: ignore[union-attr, operator]


def gaps(times: Sequence[float], step: float, slack: float = 0.002) -> list[tuple[float, float]]:
    """Neighbours that are not one `step` apart."""
    return [(a, b) for a, b in pairwise(times) if abs(b - a - step) > slack]


def first_moment(data: bytes) -> float:
    """When a browser shows the first sample: the fragment's own time plus its offset, in seconds."""
    init, fragment = itertools.islice(boxes.read_pieces(io.BytesIO(data)), 2)
    assert isinstance(init, bytes)
    assert isinstance(fragment, boxes.Fragment)
    offset = 0
    for kind, start, _ in boxes.walk(fragment.data):
        flags = int.from_bytes(fragment.data[start + 1 : start + 4], "big")
        if kind == b"trun" and flags & 0x800:
            fields = sum(bool(flags & bit) for bit in (0x1, 0x4, 0x100, 0x200, 0x400))
            offset = struct.unpack_from(">i", fragment.data, start + 8 + 4 * fields)[0]
    return (fragment.base + offset) / boxes.timescale(init)


def frames(data: bytes) -> list[bytes]:
    """Every picture, made small and grey, in order."""
    with av.open(io.BytesIO(data)) as film:
        return [bytes(frame.reformat(64, 36, "gray").planes[0]) for frame in film.decode(video=0)]


def alike(ours: Sequence[bytes], theirs: Sequence[bytes]) -> bool:
    """Whether two films show the same picture in every place, as far as two lossy encodes can."""
    assert len(ours) == len(theirs)
    return all(
        sum(abs(a - b) for a, b in zip(x, y, strict=True)) < 12 * len(x) for x, y in zip(ours, theirs, strict=True)
    )


def bright_from(data: bytes) -> float:
    """The moment of the first white picture, from the first one on."""
    shown = frames(data)
    times = frame_times(data)
    return next(t - times[0] for t, picture in zip(times, shown, strict=True) if sum(picture) > 128 * len(picture))


def loud_from(data: bytes) -> float:
    """The moment at which the sound begins, in seconds."""
    with av.open(io.BytesIO(data)) as film:
        resampler = av.AudioResampler("s16", "mono", 48_000)
        place = 0
        for frame in film.decode(audio=0):
            for part in resampler.resample(frame):
                samples = array("h", bytes(part.planes[0])[: part.samples * 2])
                for sample in samples:
                    if abs(sample) > 3000:
                        return place / 48_000
                    place += 1
    raise AssertionError("silence")
