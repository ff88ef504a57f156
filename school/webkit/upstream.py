"""How a web process asks another process of the school over HTTP (relay, packager); the one user of urllib3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import urllib3
from urllib3.exceptions import HTTPError

LARGEST = 16 * 1024**2  # bytes of an answer; nothing a relay or packager says is near it
CONNECT_SECONDS = 2.0


class Answer(NamedTuple):
    """A whole answer; names of `headers` are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Unreachable(Exception):
    """Nobody answers there, or not in time."""


class Upstream:
    """Connections to other processes, kept open between requests. Under gevent a waiting request waits alone."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(num_pools=16, maxsize=64, retries=False)

    def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        seconds: float = 10.0,
    ) -> Answer:
        """The answer of `url`, whatever its status; a redirect is an answer. Raises Unreachable."""
        try:
            response = self._pool.request(
                method, url, headers=headers, body=body, preload_content=False, redirect=False,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=seconds),
            )  # fmt: skip
            try:
                content = response.read(LARGEST + 1)
            finally:
                response.release_conn()
        except (HTTPError, OSError) as error:
            raise Unreachable(f"{method} {url}: {error}") from error
        if len(content) > LARGEST:
            raise Unreachable(f"{method} {url}: the answer is too large")
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, content)
