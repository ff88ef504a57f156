"""The local spool: what was recorded lies on this disk, safe from kill -9, until the object store and the database have it.

A batch is one file: a line of JSON, then the objects' bytes. Files of a stream are numbered in the order they were made.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from school.core import json
from school.media.rules import Rendition, SegmentFacts

SPARE = 512 * 1024**2  # bytes that stay free on the disk
LARGEST = 8 * 1024**3  # bytes of all that waits: about ten hours of one class, an hour of ten
SUFFIX = ".batch"


class Full(Exception):
    """The spool has reached its bound; what should have been kept is not."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object: its name below the timeline's prefix and its bytes."""

    name: str
    data: bytes
    content_type: str = "video/mp4"


@dataclass(frozen=True, slots=True)
class Batch:
    """What closed at one boundary of a timeline: objects first, then rows, or neither."""

    stream_id: int
    epoch: int
    camera: bool  # of the camera's timeline beside a shared screen
    renditions: list[Rendition]  # as the recording knows them by now
    objects: list[Stored]
    rows: list[SegmentFacts]


def fact(rendition: str, number: int, data: bytes, **more: Any) -> SegmentFacts:
    """A segment's row, with size and SHA-256 of its bytes."""
    return SegmentFacts(
        rendition=rendition, number=number, size=len(data), sha256=hashlib.sha256(data).hexdigest(), **more
    )


class Spool:
    """Batches of every stream below one folder. Its verbs write and read files: call them in threads."""

    def __init__(self, folder: Path, *, spare: int = SPARE, largest: int = LARGEST) -> None:
        self.folder = folder
        self._spare, self._largest = spare, largest
        self._lock = threading.Lock()  # of `_held`
        folder.mkdir(parents=True, exist_ok=True)
        for torn in folder.glob("*/*.part"):  # we were killed while writing it; nobody was told that it is kept
            torn.unlink()
        self._held = sum(path.stat().st_size for path in folder.glob(f"*/*{SUFFIX}"))

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return self._held

    def put(self, batch: Batch) -> Path:
        """Keep a batch; when this returns it survives. Raises Full, OSError."""
        head = asdict(batch)
        head["objects"] = [[one.name, len(one.data), one.content_type] for one in batch.objects]
        data = b"".join([json.dumps(head), b"\n", *(one.data for one in batch.objects)])
        if self._held + len(data) > self._largest or shutil.disk_usage(self.folder).free - self._spare < len(data):
            raise Full
        folder = self.folder / str(batch.stream_id)
        folder.mkdir(exist_ok=True)
        waiting = self.waiting(batch.stream_id)
        number = int(waiting[-1].stem) + 1 if waiting else 0
        path = folder / f"{number:08}{SUFFIX}"
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        _sync(folder)
        with self._lock:
            self._held += len(data)
        return path

    def waiting(self, stream_id: int) -> Sequence[Path]:
        """The stream's batches, oldest first."""
        return sorted((self.folder / str(stream_id)).glob(f"*{SUFFIX}"))

    def read(self, path: Path) -> Batch:
        head, _, data = path.read_bytes().partition(b"\n")
        facts = json.loads(head)
        objects, place = [], 0
        for name, size, content_type in facts["objects"]:
            objects.append(Stored(name, data[place : place + size], content_type))
            place += size
        return Batch(
            stream_id=facts["stream_id"],
            epoch=facts["epoch"],
            camera=facts["camera"],
            renditions=[Rendition(**one) for one in facts["renditions"]],
            objects=objects,
            rows=[SegmentFacts(**one) for one in facts["rows"]],
        )

    def done(self, path: Path) -> None:
        """The batch is stored, or belongs to nobody any more."""
        size = path.stat().st_size
        path.unlink()
        with self._lock:
            self._held -= size


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
