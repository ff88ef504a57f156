"""The object store on a folder: an object is a file that appears whole, under its key, once it is on the disk."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from school.core.errors import SchoolError
from school.core.offload import in_thread
from school.core.store import FULL, MIN_PART, Stat, away, checked, full, missing, short_part

CHUNK = 256 * 1024
DRAFTS = ".drafts"  # no key begins so: `checked` keys come from code, and a listing skips it
ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}


@contextmanager
def _refusals(key: str) -> Iterator[None]:
    """Turn what the file system says into the school's words."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise full() from error
        if error.errno in ABSENT:
            raise missing(key) from error
        raise away() from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_folder(folder: Path) -> None:
    """Make `folder` and its parents so that they survive a power cut."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


class _FileChunks:
    """Part of an open file in pieces."""

    def __init__(self, file: BinaryIO, start: int, length: int | None) -> None:
        self._file = file
        self._left = length
        file.seek(start)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = (
            b""
            if self._file.closed
            else in_thread(self._file.read, CHUNK if self._left is None else min(CHUNK, self._left))
        )
        if not piece:
            self.close()
            raise StopIteration
        if self._left is not None:
            self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._file.close()


class FolderStore:
    """An ObjectStore in `root`. A put writes a draft, syncs it, renames it and syncs the folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        with _refusals(""):
            _make_folder(self.root / DRAFTS)

    def _path(self, key: str) -> Path:
        return self.root / checked(key)

    def _store(self, key: str, fill: Callable[[BinaryIO], None]) -> None:
        """Write one object through `fill`; nothing is seen of it unless all of it is on the disk."""
        path = self._path(key)
        draft = self.root / DRAFTS / uuid.uuid4().hex
        try:
            _make_folder(draft.parent)
            with draft.open("xb") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            _make_folder(path.parent)
            draft.replace(path)
            _sync_folder(path.parent)
        except SchoolError:
            draft.unlink(missing_ok=True)
            raise
        except OSError as error:
            try:
                draft.unlink(missing_ok=True)
            except OSError:
                pass  # the disk is away; the error below says so
            raise (full() if error.errno in FULL else away()) from error

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        def fill(file: BinaryIO) -> None:
            file.write(data)

        in_thread(self._store, key, fill)

    def put_path(self, key: str, path: Path, content_type: str = "application/octet-stream") -> None:
        def fill(file: BinaryIO) -> None:
            with path.open("rb") as source:
                shutil.copyfileobj(source, file, 1024**2)

        in_thread(self._store, key, fill)

    def read(self, key: str) -> bytes:
        with _refusals(key):
            return in_thread(self._path(key).read_bytes)

    def stream(self, key: str, start: int = 0, length: int | None = None) -> _FileChunks:
        path = self._path(key)
        with _refusals(key):
            return _FileChunks(path.open("rb"), start, length)

    def fetch(self, key: str, path: Path) -> None:
        source = self._path(key)
        with _refusals(key):
            source.stat()
            in_thread(shutil.copyfile, source, path)

    def stat(self, key: str) -> Stat:
        path = self._path(key)
        with _refusals(key):
            if path.is_dir():
                raise missing(key)
            return Stat(key, path.stat().st_size)

    def list(self, prefix: str) -> Iterator[Stat]:
        if ".." in prefix.split("/"):
            checked(prefix)
        folder = self.root / prefix.rpartition("/")[0]
        for place, folders, files in os.walk(folder):
            if DRAFTS in folders:
                folders.remove(DRAFTS)
            for name in files:
                path = Path(place) / name
                key = path.relative_to(self.root).as_posix()
                if key.startswith(prefix):
                    try:
                        yield Stat(key, path.stat().st_size)
                    except FileNotFoundError:
                        continue  # deleted while we walked

    def compose(self, key: str, parts: Sequence[str]) -> None:
        sizes = [self.stat(part).size for part in parts]
        if any(size < MIN_PART for size in sizes[:-1]):
            raise short_part()

        def fill(file: BinaryIO) -> None:
            for part, size in zip(parts, sizes, strict=True):
                with self._path(part).open("rb") as source:
                    done = 0
                    while done < size:
                        done += os.sendfile(file.fileno(), source.fileno(), done, size - done)

        in_thread(self._store, key, fill)

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            path.unlink()
        except OSError as error:
            if error.errno not in ABSENT:
                raise away() from error

    def delete_prefix(self, prefix: str) -> None:
        in_thread(self._delete_all, prefix)

    def _delete_all(self, prefix: str) -> None:
        folders: set[Path] = set()
        for stat in [*self.list(prefix)]:
            self.delete(stat.key)
            folders.update(path for path in (self.root / stat.key).parents if path.is_relative_to(self.root / prefix))
        for folder in sorted(folders, reverse=True):
            try:
                folder.rmdir()
            except OSError:
                pass  # something has been put there meanwhile
