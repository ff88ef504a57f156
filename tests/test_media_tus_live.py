"""Uploads against the real web process: it is killed, cut off, left without a store, and watched for memory."""

from __future__ import annotations

import hashlib
import io
import random
import re
import socket
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import requests
import tus

from actors import PASSWORD, Actor, Cast
from conftest import with_s3
from patience import until
from school.core.db import Database
from school.core.settings import Settings
from school.core.store import open_store
from school.media import jobs, sources
from services import LiveServer, S3Server

MIB = 1024**2
Start = Callable[..., LiveServer]


class Deadly(io.BytesIO):
    """A request's body that kills the server when so much of it has been sent."""

    def __init__(self, data: bytes, share: float, server: LiveServer) -> None:
        super().__init__(data)
        self._at, self._server = int(len(data) * share), server

    def read(self, most: int | None = -1) -> bytes:
        taken = super().read(most)
        if self.tell() >= self._at:
            self._server.kill()
        return taken


class Visitor:
    """A signed-in browser as far as the upload script is concerned."""

    def __init__(self, server: LiveServer, actor: Actor) -> None:
        self.url = server.url
        self.session = requests.Session()
        self._token()
        form = {"login": actor.login, "password": PASSWORD, "csrf_token": self.token}
        answer = self.session.post(f"{self.url}/sign-in", data=form, allow_redirects=False, timeout=30)
        assert answer.status_code in (302, 303), answer.text
        self._token()

    def _token(self) -> None:
        page = self.session.get(f"{self.url}/account", timeout=30).text
        found = re.search(r'<meta name="csrf-token" content="([^"]+)"', page)
        assert found
        self.token = found[1]

    def send(self, method: str, address: str, headers: dict[str, str], body: bytes | Deadly) -> requests.Response:
        headers = {**headers, "X-CSRFToken": self.token}
        return self.session.request(method, self.url + address, headers=headers, data=body, timeout=60)

    def cut(self, address: str, offset: int, announced: int, body: bytes) -> None:
        """Begin a PATCH of `announced` bytes, send `body` and let the line break."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        cookies = "; ".join(f"{name}={value}" for name, value in self.session.cookies.items())
        head = (
            f"PATCH {address} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookies}\r\nX-CSRFToken: {self.token}\r\n"
            f"Tus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\nContent-Type: {tus.OCTETS}\r\n"
            f"Content-Length: {announced}\r\n\r\n"
        )
        with socket.create_connection((host, int(port))) as line:
            line.sendall(head.encode() + body)


def some_bytes(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def arrived(db: Database, settings: Settings, asset_id: str, path: Path) -> str:
    """SHA-256 of what the worker would get."""
    assert jobs.claim(db, ["ingest"], "w") is not None
    return sources.fetch_source(db, open_store(settings), int(asset_id), path)


PAIRS = pytest.mark.parametrize(("db_url", "stored"), [("sqlite", "folder"), ("postgresql", "s3")], indirect=True)


@pytest.fixture
def stored(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Settings on each database and each store; that every pair does the same is tested without a server."""
    return with_s3(settings, request.getfixturevalue("s3_server")) if request.param == "s3" else settings


@PAIRS
def test_a_killed_web_process_loses_nothing_acknowledged(
    stored: Settings, db: Database, cast: Cast, live_server: Start, tmp_path: Path
) -> None:
    server = live_server(stored)
    visitor = Visitor(server, cast.trainer)
    source = some_bytes(5 * tus.CHUNK + 12_345)
    created = tus.create(visitor.send, len(source), filename="讲座.mp4")
    address = created.headers["Location"]
    acknowledged = [0]
    kills = iter([0.5, 0.9, 1.0])  # how far into a request's body the process dies

    def send(method: str, where: str, headers: dict[str, str], body: bytes) -> tus.Answer:
        kill_at = next(kills, None) if method == "PATCH" and len(acknowledged) > 2 else None
        try:
            answer = visitor.send(method, where, headers, Deadly(body, kill_at, server) if kill_at else body)
        except OSError:
            server.start()
            raise
        assert not kill_at, "the process answered after its death"
        assert int(answer.headers["Upload-Offset"]) >= acknowledged[-1], "an acknowledged byte was lost"
        acknowledged.append(int(answer.headers["Upload-Offset"]))
        return answer

    assert tus.push(send, address, source) == [0, 0, 0]
    found = arrived(db, stored, created.headers["Asset-Id"], tmp_path / "source")
    assert found == hashlib.sha256(source).hexdigest()


@PAIRS
def test_what_came_before_the_line_broke_is_kept(
    stored: Settings, db: Database, cast: Cast, live_server: Start, tmp_path: Path
) -> None:
    visitor = Visitor(live_server(stored), cast.trainer)
    source = some_bytes(tus.CHUNK + 2 * MIB)
    created = tus.create(visitor.send, len(source), filename="a.mp4")
    address = created.headers["Location"]
    offset = 0
    for size in (3 * MIB, 3 * MIB, MIB + 1):
        visitor.cut(address, offset, min(tus.CHUNK, len(source) - offset), source[offset : offset + size])
        offset += size
        until(lambda offset=offset: tus.standing(visitor.send, address) == offset)
    tus.push(visitor.send, address, source)
    found = arrived(db, stored, created.headers["Asset-Id"], tmp_path / "source")
    assert found == hashlib.sha256(source).hexdigest()


def test_a_store_that_is_away_is_said_and_waited_for(
    settings: Settings, db: Database, cast: Cast, live_server: Start, s3_server: S3Server, tmp_path: Path
) -> None:
    stored = with_s3(settings, s3_server)
    visitor = Visitor(live_server(stored), cast.trainer)
    source = some_bytes(2 * tus.CHUNK + 99)
    created = tus.create(visitor.send, len(source), filename="a.mp4")
    address = created.headers["Location"]
    assert tus.patch(visitor.send, address, 0, source[: tus.CHUNK]).status_code == 204
    s3_server.stop()
    try:
        refused = visitor.send(
            "PATCH",
            address,
            {**tus.RESUMABLE, "Upload-Offset": str(tus.CHUNK), "Content-Type": tus.OCTETS},
            source[tus.CHUNK :],
        )
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "store.away"
        assert "没有保存" in refused.json()["error"]["message"]
        assert tus.standing(visitor.send, address) == tus.CHUNK
    finally:
        s3_server.start()
    tus.push(visitor.send, address, source)
    found = arrived(db, stored, created.headers["Asset-Id"], tmp_path / "source")
    assert found == hashlib.sha256(source).hexdigest()


@pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)
def test_a_locked_database_is_waited_for(settings: Settings, db_url: str, cast: Cast, live_server: Start) -> None:
    visitor = Visitor(live_server(settings), cast.trainer)
    address = tus.create(visitor.send, 1000, filename="a.mp4").headers["Location"]
    foreign = sqlite3.connect(db_url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    foreign.execute("BEGIN IMMEDIATE")
    freed = threading.Timer(1.0, foreign.execute, ["ROLLBACK"])
    freed.start()
    assert tus.patch(visitor.send, address, 0, b"x" * 1000).status_code == 204
    freed.join()
    foreign.close()


def test_of_two_windows_one_wins(settings: Settings, cast: Cast, live_server: Start) -> None:
    server = live_server(settings)
    visitors = [Visitor(server, cast.trainer) for _ in range(2)]
    source = some_bytes(tus.CHUNK)
    address = tus.create(visitors[0].send, len(source), filename="a.mp4").headers["Location"]
    statuses: list[int] = []

    def work(visitor: Visitor) -> None:
        statuses.append(tus.patch(visitor.send, address, 0, source[: 4 * MIB]).status_code)

    threads = [threading.Thread(target=work, args=(visitor,)) for visitor in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [204, 409]
    assert tus.standing(visitors[1].send, address) == 4 * MIB


def test_a_hundred_megabytes_never_lie_in_memory(settings: Settings, cast: Cast, live_server: Start) -> None:
    server = live_server(settings)
    visitor = Visitor(server, cast.trainer)
    assert server.process is not None
    (worker,) = psutil.Process(server.process.pid).children()

    def peak() -> int:
        status = Path(f"/proc/{worker.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    source = some_bytes(100 * MIB)
    small = tus.create(visitor.send, tus.CHUNK, filename="a.mp4").headers["Location"]
    assert tus.patch(visitor.send, small, 0, source[: tus.CHUNK]).status_code == 204
    before = peak()
    address = tus.create(visitor.send, len(source), filename="b.mp4").headers["Location"]
    answer = tus.patch(visitor.send, address, 0, source)  # in one request, as a plain client would
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(source)))
    assert peak() - before < 3 * tus.CHUNK
