"""Local copies of source files: fetched once for all jobs of an asset, shared by locks, given up when space is short."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from media_worker.transcode.refusal import Refused
from school.core.store import FULL

SPARE = 1024**3  # bytes that stay free on the disk, whatever is fetched
KEPT = 600.0  # seconds a copy stays after its last use: the next job of the asset usually follows at once
LARGEST = 40 * 1024**3  # bytes of all copies together


class Spool:
    """A folder of `<asset>.<sha256>` copies. Who uses one holds a shared lock on it; only unlocked files are removed."""

    def __init__(self, folder: Path, *, spare: int = SPARE, largest: int = LARGEST) -> None:
        self.folder = folder
        self._spare = spare
        self._largest = largest
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def source(self, asset_id: int, size: int, fetch: Callable[[Path], str]) -> Iterator[tuple[Path, str]]:
        """The copy of an asset's source and its SHA-256; `fetch(path)` brings it and answers the SHA-256.

        Raises Refused("disk.full") when it does not fit.
        """
        while (found := self._locked(asset_id)) is None:
            self._make_room(size)
            self._fetch(asset_id, fetch)
        path, handle = found
        try:
            os.utime(path)
            yield path, path.suffix[1:]
        finally:
            os.close(handle)

    def tidy(self) -> None:
        """Remove what nobody has used for a while, and what killed workers left half fetched."""
        for path in self._oldest():
            try:
                if time.time() - path.stat().st_mtime > KEPT:
                    self._remove(path)
            except FileNotFoundError:  # another worker on this machine was first
                continue

    def _locked(self, asset_id: int) -> tuple[Path, int] | None:
        for path in self.folder.glob(f"{asset_id}.*"):
            if path.suffix == ".part":
                continue
            try:
                handle = os.open(path, os.O_RDONLY)
            except FileNotFoundError:
                continue
            fcntl.flock(handle, fcntl.LOCK_SH)
            if path.exists():  # it was not removed while we waited for the lock
                return path, handle
            os.close(handle)
        return None

    def _fetch(self, asset_id: int, fetch: Callable[[Path], str]) -> None:
        part = self.folder / f"{asset_id}.{os.getpid()}.part"
        with part.open("wb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            try:
                part.rename(part.with_name(f"{asset_id}.{fetch(part)}"))
            except OSError as error:
                if error.errno in FULL:
                    raise Refused("disk.full", retry=True, detail=str(error)) from error
                raise
            finally:
                part.unlink(missing_ok=True)

    def _make_room(self, size: int) -> None:
        copies = self._oldest()
        held = sum(path.stat().st_size for path in copies if path.exists())
        for path in copies:
            if self._free() >= size and held + size <= self._largest:
                return
            size_of = path.stat().st_size
            held -= size_of if self._remove(path) else 0
        if self._free() < size:
            raise Refused("disk.full", retry=True, detail=f"{size} bytes wanted, {self._free()} free in {self.folder}")

    def _free(self) -> int:
        return shutil.disk_usage(self.folder).free - self._spare

    def _oldest(self) -> list[Path]:
        """Every copy; one that another worker removes meanwhile is simply no longer there."""
        with os.scandir(self.folder) as entries:
            found = [(entry.stat().st_mtime, Path(entry.path)) for entry in entries if entry.is_file()]
        return [path for _, path in sorted(found)]

    def _remove(self, path: Path) -> bool:
        """Whether the file could be removed: nobody holds a lock on it."""
        try:
            handle = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
            return True
        except BlockingIOError:
            return False
        finally:
            os.close(handle)
