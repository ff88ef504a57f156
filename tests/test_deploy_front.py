"""nginx before two real web processes on PostgreSQL, Redis and S3: the same configuration that the compose file uses."""

from __future__ import annotations

import hashlib
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

import services
from actors import PASSWORD, Cast
from conftest import part, with_s3
from school.core.db import Database
from school.core.keys import load_keys
from school.core.settings import Settings
from school.core.store import open_store
from school.core.time import now
from school.media import rules
from school.media.models import MediaAsset, Timeline
from school.media.service import check_path, play_paths

SEGMENT = hashlib.shake_128(b"segment").digest(300_000)


@dataclass
class Front:
    """The address of nginx, the two web processes behind it and a lecture in the store."""

    url: str
    web: list[services.LiveServer]
    settings: Settings
    timeline: Timeline

    def media(self, name: str = "480/00000.m4s") -> str:
        master = play_paths(load_keys(self.settings), self.timeline)["master"]
        assert master
        return self.url + master.replace("master.m3u8", name)


@pytest.fixture
def db_url(pg_database: Callable[..., str]) -> str:
    """The large form of the school has PostgreSQL."""
    return pg_database()


@pytest.fixture
def front(
    settings: Settings,
    db: Database,
    cast: Cast,
    redis_url: str,
    s3_server: services.S3Server,
    live_server: Callable[..., services.LiveServer],
    tmp_path: Path,
) -> Iterator[Front]:
    settings = replace(with_s3(settings, s3_server), redis_url=redis_url, trusted_proxies=1)
    load_keys(settings)
    web = [live_server(settings), live_server(settings)]
    with db.write() as s:
        asset = MediaAsset(
            owner_id=cast.trainer.account_id, title="第一讲", file_name="a.mp4", size=1, created_at=now()
        )
        s.add(asset)
        s.flush()
        timeline = Timeline(
            asset_id=asset.id, prefix="", length_ms=4000, expected_ms=4000, created_at=now(), sealed_at=now()
        )
        s.add(timeline)
        s.flush()
        timeline.prefix = rules.prefix(timeline.id)
    open_store(settings).put(timeline.prefix + "480/00000.m4s", SEGMENT, "video/iso.segment")
    hosts = [f"127.0.0.1:{server.settings.port}" for server in web]
    with part(services.nginx(tmp_path / "front", hosts)) as url:
        yield Front(url, web, settings, timeline)


def test_the_rendered_configuration_is_valid(tmp_path: Path) -> None:
    try:
        program = services.nginx_program()
    except services.Missing as missing:
        pytest.skip(str(missing))
    path = services.render_front(tmp_path, services.free_port(), ["127.0.0.1:9001", "127.0.0.1:9002"])
    answer = subprocess.run([program, "-t", "-c", path, "-p", tmp_path], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "warn" not in answer.stderr


def test_a_sign_in_holds_on_both_web_processes_and_when_one_dies(front: Front, cast: Cast) -> None:
    with requests.Session() as browser:
        token = (
            browser.get(f"{front.url}/sign-in", timeout=30).text.split('name="csrf-token" content="')[1].split('"')[0]
        )
        fields = {"login": cast.member.login, "password": PASSWORD, "csrf_token": token}
        answer = browser.post(f"{front.url}/sign-in", data=fields, timeout=30)
        assert answer.url.startswith(front.url), "a redirect leads to the front door, not behind it"
        for _ in range(4):  # round robin
            page = browser.get(f"{front.url}/account", timeout=30)
            assert page.status_code == 200
            assert cast.member.name in page.text
        front.web[0].kill()
        for _ in range(4):
            assert cast.member.name in browser.get(f"{front.url}/account", timeout=30).text


def test_a_segment_is_fetched_once_and_then_served_without_the_school(front: Front) -> None:
    address = front.media()
    first = requests.get(address, timeout=30)
    assert (first.status_code, first.content, first.headers["X-Cache"]) == (200, SEGMENT, "MISS")
    assert first.headers["Content-Type"] == "video/iso.segment"
    again = requests.get(address, timeout=30)
    assert (again.content, again.headers["X-Cache"]) == (SEGMENT, "HIT")
    for server in front.web:
        server.kill()
    alone = requests.get(address, timeout=30)
    assert (alone.status_code, alone.content) == (200, SEGMENT)
    piece = requests.get(address, headers={"Range": "bytes=1000-1999"}, timeout=30)
    assert (piece.status_code, piece.content) == (206, SEGMENT[1000:2000])


def test_another_signature_of_the_same_lecture_meets_the_same_cache(front: Front) -> None:
    assert requests.get(front.media(), timeout=30).headers["X-Cache"] == "MISS"
    front.timeline.length_ms += 24 * 3600 * 1000  # a later expiry, as another viewer gets it tomorrow
    other = front.media()
    answer = requests.get(other, timeout=30)
    assert (answer.status_code, answer.headers["X-Cache"]) == (200, "HIT")


def test_nobody_passes_the_gate_with_a_wrong_address_even_when_the_segment_is_cached(front: Front) -> None:
    address = front.media()
    assert requests.get(address, timeout=30).status_code == 200
    _, m, timeline, expiry, signature, name = address.removeprefix(front.url).split("/", 5)
    wrong = [
        f"/{m}/{timeline}/{expiry}/{signature[:-1]}A/{name}",
        f"/{m}/{timeline}/{int(expiry) + 1}/{signature}/{name}",
        f"/{m}/{timeline}/{expiry}/k1.{'A' * 24}/{name}",
    ]
    for path in wrong:
        assert requests.get(front.url + path, timeout=30).status_code == 403, path
    assert requests.get(front.url + "/m-auth", timeout=30).status_code == 404, "the gate is not for visitors"


def test_the_signature_of_one_lecture_opens_no_other_through_dots(front: Front, db: Database) -> None:
    """What gate and cache see must be one address: a raw `..` may not show the gate one lecture and the cache another."""
    target = front.media()
    assert requests.get(target, timeout=30).headers["X-Cache"] == "MISS"
    with db.write() as s:
        mine = Timeline(prefix="mine/", length_ms=4000, expected_ms=4000, created_at=now(), sealed_at=now())
        s.add(mine)
    keys = load_keys(front.settings)
    own = str(play_paths(keys, mine)["master"]).removesuffix("/master.m3u8")
    check_path(keys, mine.id, int(own.split("/")[3]), own.split("/")[4])
    name = target.rpartition("/480/")[2]
    forged = f"{own}/../../../../m/{front.timeline.id}/1/x/480/{name}"
    host, port = front.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as line:  # a client would take the dots out
        line.sendall(f"GET {forged} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = line.makefile("rb").readline()
    assert b" 403 " in answer, answer


def test_static_files_are_kept_for_ever_and_pressed(front: Front) -> None:
    answer = requests.get(f"{front.url}/static/css/components.css?v=1", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "max-age=31536000" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    for server in front.web:
        server.kill()
    assert requests.get(f"{front.url}/static/css/components.css?v=1", timeout=30).text == answer.text
