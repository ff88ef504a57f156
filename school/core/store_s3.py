"""The object store on any S3, through the minio SDK; a store that is away is said within seconds."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import urllib3
from minio import Minio
from minio.commonconfig import ComposeSource
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error
from urllib3.response import BaseHTTPResponse

from school.core.errors import Unavailable
from school.core.i18n import N_
from school.core.settings import Settings
from school.core.store import FULL, Stat, away, checked, full, missing, short_part

CHUNK = 256 * 1024
PART = 16 * 1024**2  # larger files travel in parts of this size
CONNECT_SECONDS = 2
READ_SECONDS = 10  # of silence
ABSENT = {"NoSuchKey", "NoSuchObject", "ResourceNotFound"}
REFUSED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchBucket"}


def _client(settings: Settings) -> Minio:
    retry = urllib3.Retry(
        total=3, connect=2, read=0, status=2, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504)
    )
    pool = urllib3.PoolManager(
        maxsize=32, timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS), retries=retry
    )
    return Minio(
        endpoint=settings.s3_endpoint,
        access_key=settings.s3_access_key or None,
        secret_key=settings.s3_secret_key or None,
        region=settings.s3_region,
        secure=settings.s3_secure,
        http_client=pool,
    )


@contextmanager
def _refusals(key: str = "") -> Iterator[None]:
    """Turn what the store or the line says into the school's words."""
    try:
        yield
    except S3Error as error:
        if error.code in ABSENT:
            raise missing(key) from error
        if error.code in REFUSED:
            raise Unavailable(
                "store.refused",
                N_("文件存储拒绝了访问（%(reason)s），刚才的内容没有保存。请管理员检查存储的地址、桶和密钥。"),
                reason=error.code,
            ) from error
        raise away() from error
    except (MinioException, urllib3.exceptions.HTTPError) as error:
        raise away() from error


@contextmanager
def _local() -> Iterator[None]:
    """A full local disk is said in words; any other fault of the local file is the caller's."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise full() from error
        raise


class _ResponseChunks:
    """The body of a response in pieces; the connection goes back to the pool at the end."""

    def __init__(self, response: BaseHTTPResponse | None) -> None:
        self._response = response
        self._pieces = response.stream(CHUNK) if response else iter(())

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            with _refusals():
                return next(self._pieces)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response.release_conn()
            self._response = None


class S3Store:
    """An ObjectStore in one bucket."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._s3 = _client(settings)
        self._bucket = settings.s3_bucket

    def prepare(self) -> None:
        with _refusals():
            if not self._s3.bucket_exists(self._bucket):
                self._s3.make_bucket(self._bucket)

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        with _refusals(checked(key)):
            self._s3.put_object(self._bucket, key, io.BytesIO(data), len(data), content_type, part_size=PART)

    def put_path(self, key: str, path: Path, content_type: str = "application/octet-stream") -> None:
        with _refusals(checked(key)):
            self._s3.fput_object(self._bucket, key, str(path), content_type, part_size=PART)

    def read(self, key: str) -> bytes:
        return b"".join(self.stream(key))

    def stream(self, key: str, start: int = 0, length: int | None = None) -> _ResponseChunks:
        checked(key)
        if length == 0 or (start and start >= self.stat(key).size):
            return _ResponseChunks(None)
        with _refusals(key):
            return _ResponseChunks(self._s3.get_object(self._bucket, key, offset=start, length=length or 0))

    def fetch(self, key: str, path: Path) -> None:
        with closing(self.stream(key)) as pieces, _local(), path.open("wb") as file:
            for piece in pieces:
                file.write(piece)

    def stat(self, key: str) -> Stat:
        with _refusals(checked(key)):
            return Stat(key, self._s3.stat_object(self._bucket, key).size or 0)

    def list(self, prefix: str) -> Iterator[Stat]:
        with _refusals():
            for found in self._s3.list_objects(self._bucket, prefix, recursive=True):
                yield Stat(found.object_name or "", found.size or 0)

    def compose(self, key: str, parts: Sequence[str]) -> None:
        checked(key)
        with _refusals(key):
            try:
                self._s3.compose_object(
                    self._bucket, key, [ComposeSource(self._bucket, checked(part)) for part in parts]
                )
            except ValueError as error:  # the SDK's word for a part below 5 MiB
                raise short_part() from error

    def delete(self, key: str) -> None:
        with _refusals(checked(key)):
            self._s3.remove_object(self._bucket, key)

    def delete_prefix(self, prefix: str) -> None:
        doomed = [DeleteObject(stat.key) for stat in self.list(prefix)]
        with _refusals():
            if list(self._s3.remove_objects(self._bucket, doomed)):
                raise away()
