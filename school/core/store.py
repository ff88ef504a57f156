"""The object store as the school sees it: whole objects under keys, on a folder or on any S3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from school.core.settings import Settings


@dataclass(frozen=True, slots=True)
class Stat:
    key: str
    size: int


class ObjectStore(Protocol):
    """Keys are relative paths of printable characters without `..`. When a put returns, the object is stored whole.

    A missing object raises NotFound("store.missing"), a store that does not answer Unavailable("store.away").
    """

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None: ...

    def put_path(self, key: str, path: Path, content_type: str = "application/octet-stream") -> None: ...

    def read(self, key: str) -> bytes: ...

    def stream(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]: ...

    def fetch(self, key: str, path: Path) -> None:
        """Copy the object to a local file."""

    def stat(self, key: str) -> Stat: ...

    def list(self, prefix: str) -> Iterator[Stat]: ...

    def compose(self, key: str, parts: Sequence[str]) -> None:
        """Join objects in order under `key`; every part but the last has at least 5 MiB. The parts stay."""

    def delete(self, key: str) -> None:
        """Take the object away; a missing one is no error."""

    def delete_prefix(self, prefix: str) -> None: ...


def open_store(settings: Settings) -> ObjectStore:
    """The store of the settings: S3 when an endpoint is given, else a folder in the data folder."""
    if settings.s3_endpoint:
        from school.core.store_s3 import S3Store

        return S3Store(settings)
    from school.core.store_folder import FolderStore

    return FolderStore(settings.data / "store")
