"""nginx before two real web processes on PostgreSQL, Redis and S3: the same configuration that the compose file uses."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests

import actors
import node_kit
import services
from actors import PASSWORD, Cast
from conftest import part, pg_databases, with_s3
from live_kit import make_class
from node_kit import Node
from school.core.db import Database
from school.core.keys import load_keys
from school.core.settings import Settings
from school.core.store import open_store
from school.core.time import now
from school.live import hall
from school.media import rules, streams
from school.media.models import StreamState, Timeline
from school.media.service import play_paths

NAME = "480/00000.m4s"
SEGMENT = hashlib.shake_128(b"segment").digest(300_000)


@dataclass
class Front:
    """The address of nginx, the two web processes behind it, the school's people and its parts."""

    url: str
    web: list[services.LiveServer]
    settings: Settings
    db: Database
    cast: Cast

    def lecture(self) -> Timeline:
        """A new sealed timeline with one segment in the store."""
        with self.db.write() as s:
            timeline = Timeline(prefix="", length_ms=4000, expected_ms=4000, created_at=now(), sealed_at=now())
            s.add(timeline)
            s.flush()
            timeline.prefix = rules.prefix(timeline.id)
        open_store(self.settings).put(timeline.prefix + NAME, SEGMENT, "video/iso.segment")
        return timeline

    def address(self, timeline: Timeline) -> str:
        """The signed address of its segment, through the front door."""
        master = play_paths(load_keys(self.settings), timeline)["master"]
        assert master
        return self.url + master.replace("master.m3u8", NAME)


@pytest.fixture(scope="module")
def doors(
    request: pytest.FixtureRequest,
    redis_url: str,
    s3_server: services.S3Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    with pg_databases(request) as make_database:
        settings = with_s3(Settings(data=folder, database_url=make_database()), s3_server)
        settings = replace(settings, redis_url=redis_url, trusted_proxies=1)
        open_store(settings).prepare()
        load_keys(settings)
        db = Database(settings.db_url)
        ports = [services.free_port(), services.free_port()]
        web = [services.LiveServer(replace(settings, port=port), folder / f"web-{port}.log") for port in ports]
        hosts = [f"127.0.0.1:{port}" for port in ports]
        try:
            for server in web:
                server.start()
            with part(services.nginx(folder / "nginx", hosts)) as url:
                yield Front(url, web, settings, db, actors.build(db))
        finally:
            db.close()
            for server in web:
                server.kill()


@pytest.fixture
def front(doors: Front) -> Front:
    """The front door with both web processes running, whatever the test before did to them."""
    for server in doors.web:
        if server.process is None or server.process.poll() is not None:
            server.start()
    return doors


def test_the_rendered_configuration_is_valid(tmp_path: Path) -> None:
    try:
        program = services.nginx_program()
    except services.Missing as missing:
        pytest.skip(str(missing))
    path = services.render_front(tmp_path, services.free_port(), ["127.0.0.1:9001", "127.0.0.1:9002"])
    answer = subprocess.run([program, "-t", "-c", path, "-p", tmp_path], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "warn" not in answer.stderr


def test_a_sign_in_holds_on_both_web_processes_and_when_one_dies(front: Front) -> None:
    member = front.cast.member
    with requests.Session() as browser:
        form = browser.get(f"{front.url}/sign-in", timeout=30).text
        token = form.split('name="csrf-token" content="')[1].split('"')[0]
        fields = {"login": member.login, "password": PASSWORD, "csrf_token": token}
        answer = browser.post(f"{front.url}/sign-in", data=fields, timeout=30)
        assert answer.url.startswith(front.url), "a redirect leads to the front door, not behind it"
        for _ in range(4):  # round robin
            page = browser.get(f"{front.url}/account", timeout=30)
            assert page.status_code == 200
            assert member.name in page.text
        front.web[0].kill()
        for _ in range(4):
            assert member.name in browser.get(f"{front.url}/account", timeout=30).text


def test_another_signature_of_the_same_lecture_meets_the_same_cache(front: Front) -> None:
    lecture = front.lecture()
    first = front.address(lecture)
    assert requests.get(first, timeout=30).headers["X-Cache"] == "MISS"
    lecture.length_ms += 24 * 3600 * 1000  # a later expiry, as another viewer gets it tomorrow
    other = front.address(lecture)
    assert other != first
    answer = requests.get(other, timeout=30)
    assert (answer.status_code, answer.headers["X-Cache"]) == (200, "HIT")


def test_nobody_passes_the_gate_with_a_wrong_address_even_when_the_segment_is_cached(front: Front) -> None:
    address = front.address(front.lecture())
    assert requests.get(address, timeout=30).status_code == 200
    _, m, timeline, expiry, signature, name = address.removeprefix(front.url).split("/", 5)
    wrong = [
        f"/{m}/{timeline}/{expiry}/{'B' if signature[-1] == 'A' else 'A'}{signature[1:]}/{name}",
        f"/{m}/{timeline}/{int(expiry) + 1}/{signature}/{name}",
        f"/{m}/{timeline}/{expiry}/k1.{'A' * 24}/{name}",
    ]
    for path in wrong:
        assert requests.get(front.url + path, timeout=30).status_code == 403, path
    assert requests.get(front.url + "/m-auth", timeout=30).status_code == 404, "the gate is not for visitors"


def test_the_signature_of_one_lecture_opens_no_other_through_dots(front: Front) -> None:
    """Gate and cache must see one address: a raw `..` may not show the gate one lecture and the cache another."""
    target, own = front.lecture(), front.lecture()
    assert requests.get(front.address(target), timeout=30).headers["X-Cache"] == "MISS"
    opened = front.address(own).removeprefix(front.url).removesuffix(NAME)
    forged = f"{opened}../../../../m/{target.id}/1/x/{NAME}"
    host, port = front.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as line:  # a client would take the dots out
        line.sendall(f"GET {forged} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = line.makefile("rb").readline()
    assert b" 403 " in answer, answer


@pytest.fixture
def node(front: Front) -> Iterator[Node]:
    """A node that carries whatever is on the air."""
    with node_kit.running(front.db) as made:
        yield made


def on_air(front: Front) -> tuple[int, dict[str, str]]:
    """A class on the air: its stream, and the addresses of its HLS through the front door."""
    with front.db.write() as s:
        stream_id = make_class(s, front.cast).stream_id
    assert stream_id
    streams.take(front.db, stream_id, "main")
    paths = hall.addresses(load_keys(front.settings), stream_id)
    return stream_id, {name: front.url + path for name, path in paths.items()}


def test_a_hall_of_viewers_is_one_fetch_and_the_low_latency_audience_is_not_cached(front: Front, node: Node) -> None:
    stream_id, paths = on_air(front)
    segment, low = (
        paths["hall"].replace("hall.m3u8", name) for name in ("hall/video-7a-1.m4s", "low/video.m3u8?seat=1")
    )
    first = requests.get(segment, timeout=30)
    assert (first.status_code, first.headers["X-Cache"]) == (200, "MISS")
    other = requests.get(segment, timeout=30)
    assert (other.content, other.headers["X-Cache"]) == (first.content, "HIT")
    assert requests.get(paths["hall"], timeout=30).headers["X-Cache"] == "MISS"
    for _ in range(2):
        answer = requests.get(low, timeout=30)
        assert answer.status_code == 200
        assert "X-Cache" not in answer.headers
    asked = [path for _, path, _, _ in node.asked]
    assert asked.count(f"/hls/{stream_id}/hall/video-7a-1.m4s") == 1
    assert asked.count(f"/hls/{stream_id}/low/video.m3u8?seat=1") == 2
    forged = segment.replace("/hls/", "/hls/9")
    assert requests.get(forged, timeout=30).status_code == 403
    assert requests.get(forged.replace("/hall/", "/low/"), timeout=30).status_code == 403


def test_a_class_that_is_stopped_ends_within_ten_seconds_even_what_is_cached(front: Front, node: Node) -> None:
    stream_id, paths = on_air(front)
    recording = front.lecture()
    with front.db.write() as s:
        streams.stream(s, stream_id).timeline_id = recording.id
    served = {paths["hall"].replace("hall.m3u8", "hall/video-7a-1.m4s"), front.address(recording)}
    assert {requests.get(address, timeout=30).status_code for address in served} == {200}
    with front.db.write() as s:
        streams.set_state(s, stream_id, StreamState.STOPPED)
    end = time.monotonic() + 10
    while served := {address for address in served if requests.get(address, timeout=30).status_code == 200}:
        assert time.monotonic() < end, f"still served: {served}"
        time.sleep(0.2)


def test_offers_pass_the_front_door_with_their_token_and_without_cookies(front: Front, node: Node) -> None:
    stream_id, _ = on_air(front)
    answer = requests.post(
        f"{front.url}/whip/{stream_id}",
        data=b"v=0",
        headers={"Authorization": "Bearer k", "Cookie": "school=x"},
        timeout=30,
    )
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/whip/{stream_id}/s-1")
    assert node.asked[-1] == ("POST", f"/whip/{stream_id}", "Bearer k", b"v=0")
    slides = requests.post(
        f"{front.url}/live/1/slides", data=bytes(20 * 1024**2), headers={"Accept": "application/json"}, timeout=30
    )
    assert slides.headers["Content-Type"] == "application/json", (
        "nginx lets a large file through; the school asks who it is"
    )


def test_what_was_fetched_once_is_served_without_the_school(front: Front) -> None:
    segment, style = front.address(front.lecture()), f"{front.url}/static/css/components.css?v=1"
    first = requests.get(segment, timeout=30)
    assert (first.status_code, first.content, first.headers["X-Cache"]) == (200, SEGMENT, "MISS")
    assert first.headers["Content-Type"] == "video/iso.segment"
    assert requests.get(segment, timeout=30).headers["X-Cache"] == "HIT"
    sheet = requests.get(style, timeout=30)
    assert (sheet.status_code, sheet.headers["Content-Encoding"]) == (200, "gzip")
    assert "max-age=31536000" in sheet.headers["Cache-Control"]
    assert "Set-Cookie" not in sheet.headers
    for server in front.web:
        server.kill()
    alone = requests.get(segment, timeout=30)
    assert (alone.status_code, alone.content) == (200, SEGMENT)
    piece = requests.get(segment, headers={"Range": "bytes=1000-1999"}, timeout=30)
    assert (piece.status_code, piece.content) == (206, SEGMENT[1000:2000])
    assert requests.get(style, timeout=30).text == sheet.text
