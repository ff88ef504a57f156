"""The object store as the school sees it: whole objects under keys, on a folder or on any S3."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from school.core.errors import Invalid, NotFound, Unavailable
from school.core.i18n import N_
from school.core.settings import Settings

MIN_PART = 5 * 1024**2  # what S3 asks of every joined part but the last
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Stat:
    key: str
    size: int


class Chunks(Protocol):
    """Pieces of an object in order; `close` gives the file or connection back when they are not all read."""

    def __iter__(self) -> Iterator[bytes]: ...

    def __next__(self) -> bytes: ...

    def close(self) -> None: ...


class ObjectStore(Protocol):
    """Keys are relative paths of printable characters without `..`. When a put returns, the object is stored whole.

    A missing object raises NotFound("store.missing"), a store that does not answer Unavailable("store.away"), one that
    is full Unavailable("store.full"), a key that is none Invalid("store.key").
    """

    def prepare(self) -> None:
        """Make the folder or bucket when it is missing; called when the school is set up."""

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None: ...

    def put_path(self, key: str, path: Path, content_type: str = "application/octet-stream") -> None: ...

    def read(self, key: str) -> bytes: ...

    def stream(self, key: str, start: int = 0, length: int | None = None) -> Chunks:
        """`length` bytes from `start` (default: to the end); fewer when the object ends before. Raises at once."""

    def fetch(self, key: str, path: Path) -> None:
        """Copy the object to a local file."""

    def stat(self, key: str) -> Stat: ...

    def list(self, prefix: str) -> Iterator[Stat]:
        """Every object whose key begins with `prefix`, in no order."""

    def compose(self, key: str, parts: Sequence[str]) -> None:
        """Join objects in order under `key`; every part but the last has at least 5 MiB. The parts stay.

        Raises Invalid("store.part") for a part that is too short.
        """

    def delete(self, key: str) -> None:
        """Take the object away; a missing one is no error."""

    def delete_prefix(self, prefix: str) -> None: ...


def checked(key: str) -> str:
    """`key` when it is one; Invalid otherwise (nothing outside the store can be named)."""
    pieces = key.split("/")
    good = (
        len(key.encode()) <= 512
        and key.isprintable()
        and "\\" not in key
        and all(piece not in {"", ".", ".."} and len(piece.encode()) <= 200 for piece in pieces)
    )
    if not good:
        raise Invalid("store.key", N_("文件名不能用于保存，请换一个名称。"))
    return key


def missing(key: str) -> NotFound:
    return NotFound("store.missing", N_("这个文件已经不在存储里了，请联系管理员。"), key=key)


def away() -> Unavailable:
    return Unavailable(
        "store.away", N_("文件存储暂时连不上，刚才的内容没有保存。请过几分钟再试；一直不行，请联系管理员。")
    )


def full() -> Unavailable:
    return Unavailable("store.full", N_("存储空间已满，刚才的内容没有保存。请联系管理员清理或扩大磁盘后再试。"))


def short_part() -> Invalid:
    return Invalid("store.part", N_("文件分片过小，无法合并。请重新上传。"))


def open_store(settings: Settings) -> ObjectStore:
    """The store of the settings: S3 when an endpoint is given, else a folder in the data folder."""
    if settings.s3_endpoint:
        from school.core.store_s3 import S3Store

        return S3Store(settings)
    from school.core.store_folder import FolderStore

    return FolderStore(settings.data / "store")
