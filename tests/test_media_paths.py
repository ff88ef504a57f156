"""Signed media paths: what they open, for how long, and how segments travel."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from media_kit import an_asset
from werkzeug.test import TestResponse

from conftest import with_s3
from school.app import create_app
from school.core.db import Database
from school.core.keys import Keys, load_keys, rotate
from school.core.settings import Settings
from school.core.store import ObjectStore, open_store
from school.core.time import now
from school.media import service
from school.media.models import Timeline
from school.media.rules import POSTER, STORYBOARD, Rendition, SegmentFacts, init_name, segment_name
from services import S3Server

LADDER = [
    Rendition("720", "video", "avc1.64001f", 2_000_000, width=1280, height=720, frame_rate=25.0),
    Rendition("audio", "audio", "mp4a.40.2", 96_000),
]
FOR_EVER = "public, max-age=31536000, immutable"
DATA = bytes(range(256)) * 40


def recorded(db: Database, store: ObjectStore, *, sealed: bool = True) -> Timeline:
    """A timeline of two segments with its objects, a poster and a storyboard."""
    with db.write() as s:
        timeline = service.start_timeline(s, an_asset(s), 8000, LADDER)
        rows = [
            SegmentFacts(r.name, number, number * 4000, 4_000_000, len(DATA), "0" * 64)
            for r in LADDER
            for number in (0, 1)
        ]
        service.add_segments(s, timeline.id, rows)
        service.add_pictures(
            s, timeline.id, poster_key=timeline.prefix + POSTER, storyboard={"key": timeline.prefix + STORYBOARD}
        )
        if sealed:
            service.seal_timeline(s, timeline.id)
    for row in rows:
        store.put(timeline.prefix + segment_name(row.rendition, row.number), DATA)
        store.put(timeline.prefix + init_name(row.rendition), b"init")
    store.put(timeline.prefix + POSTER, b"jpeg")
    return timeline


class Player:
    """Fetches whole answers, so that no object stays open behind them."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def get(self, address: str, headers: dict[str, str] | None = None) -> TestResponse:
        return self._client.get(address, headers=headers or {}, buffered=True)

    def head(self, address: str) -> TestResponse:
        return self._client.head(address, buffered=True)


@pytest.fixture
def player(app: Flask) -> Player:
    return Player(app.test_client())


@pytest.fixture
def keys(settings: Settings) -> Keys:
    return load_keys(settings)


@pytest.fixture
def store(app: Flask) -> ObjectStore:
    store: ObjectStore = app.extensions["school"].store
    return store


@pytest.fixture
def timeline(db: Database, store: ObjectStore) -> Timeline:
    return recorded(db, store)


@pytest.fixture
def base(keys: Keys, timeline: Timeline) -> str:
    """The signed prefix of `timeline`."""
    master = service.play_paths(keys, timeline)["master"]
    assert master is not None
    return master.removesuffix("/master.m3u8")


def test_every_address_of_a_timeline_lies_under_one_prefix(keys: Keys, timeline: Timeline, base: str) -> None:
    assert service.play_paths(keys, timeline) == {
        "master": f"{base}/master.m3u8",
        "audio": f"{base}/audio/index.m3u8",
        "poster": f"{base}/poster.jpg",
        "storyboard": f"{base}/storyboard.jpg",
    }


def test_playlists_are_written_from_the_rows(player: Player, base: str) -> None:
    master = player.get(f"{base}/master.m3u8")
    assert (master.status_code, master.mimetype) == (200, "application/vnd.apple.mpegurl")
    assert master.headers["Cache-Control"] == "public, max-age=3600"
    assert "BANDWIDTH=40960," in master.text, "measured when sealed"
    for line in master.text.splitlines():
        if not line.startswith("#"):
            media = player.get(f"{base}/{line}")
            assert media.text.count("#EXTINF:4.000000,") == 2
            assert media.text.endswith("#EXT-X-ENDLIST\n")
            folder = line.rpartition("/")[0]
            for name in ("init.mp4", "00000.m4s", "00001.m4s"):
                assert name in media.text
                assert player.get(f"{base}/{folder}/{name}").status_code == 200


def test_a_growing_playlist_is_not_kept(player: Player, db: Database, keys: Keys, store: ObjectStore) -> None:
    timeline = recorded(db, store, sealed=False)
    address = str(service.play_paths(keys, timeline)["audio"])
    first = player.get(address)
    assert first.headers["Cache-Control"] == "public, max-age=1"
    assert "ENDLIST" not in first.text
    same = player.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert same.status_code == 304
    with db.write() as s:
        service.add_segments(s, timeline.id, [SegmentFacts("audio", 2, 8000, 4_000_000, 1, "0" * 64)])
    grown = player.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert grown.status_code == 200
    assert "00002.m4s" in grown.text


def test_segments_travel_whole_or_in_ranges(player: Player, base: str) -> None:
    size = len(DATA)
    for wanted, status, body, content_range in (
        (None, 200, DATA, None),
        ("bytes=0-3", 206, DATA[:4], f"bytes 0-3/{size}"),
        ("bytes=100-", 206, DATA[100:], f"bytes 100-{size - 1}/{size}"),
        ("bytes=-5", 206, DATA[-5:], f"bytes {size - 5}-{size - 1}/{size}"),
        (f"bytes={size}-", 416, b"", f"bytes */{size}"),
        ("lines=1-2", 200, DATA, None),
        ("bytes=0-1,5-6", 200, DATA, None),
    ):
        answer = player.get(f"{base}/720/00000.m4s", headers={"Range": wanted} if wanted else {})
        assert (answer.status_code, answer.data) == (status, body), wanted
        assert answer.headers.get("Content-Range") == content_range
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.headers["Cache-Control"] == ("no-store" if status == 416 else FOR_EVER)


def test_segments_are_kept_for_ever_and_by_everybody(player: Player, base: str) -> None:
    answer = player.get(f"{base}/720/00000.m4s")
    assert answer.mimetype == "video/iso.segment"
    assert answer.content_length == len(DATA)
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")
    etag = answer.headers["ETag"]
    assert player.get(f"{base}/720/00000.m4s", headers={"If-None-Match": etag}).status_code == 304
    ranged = {"Range": "bytes=0-1", "If-Range": etag}
    assert player.get(f"{base}/720/00000.m4s", headers=ranged).status_code == 206
    assert player.get(f"{base}/720/00000.m4s", headers={**ranged, "If-Range": '"another"'}).status_code == 200
    head = player.head(f"{base}/720/00000.m4s")
    assert (head.status_code, head.data, head.content_length) == (200, b"", len(DATA))


def test_pictures_and_what_is_missing(player: Player, base: str) -> None:
    poster = player.get(f"{base}/poster.jpg")
    assert (poster.status_code, poster.mimetype, poster.data) == (200, "image/jpeg", b"jpeg")
    for name in ("storyboard.jpg", "720/00009.m4s", "720/secret.txt", "4k/index.m3u8", "%2e%2e/%2e%2e/keys.json"):
        answer = player.get(f"{base}/{name}")
        assert answer.status_code == 404, name
        assert "immutable" not in answer.headers.get("Cache-Control", "")
        assert answer.is_json


def tampered(base: str) -> Iterator[str]:
    """Prefixes that must not open: another timeline, a later end, another signature."""
    _, m, timeline_id, expiry, signature = base.split("/")
    yield f"/{m}/{int(timeline_id) + 1}/{expiry}/{signature}"
    yield f"/{m}/{timeline_id}/{int(expiry) + 1}/{signature}"
    yield f"/{m}/{timeline_id}/{expiry}/{signature[:-1]}{'A' if signature[-1] != 'A' else 'B'}"
    yield f"/{m}/{timeline_id}/{expiry}/k9.{signature.partition('.')[2]}"
    yield f"/{m}/{timeline_id}/{expiry}/x"
    yield f"/{m}/0{timeline_id}/{expiry}/签名"


def test_a_signature_opens_its_own_timeline_only(player: Player, db: Database, store: ObjectStore, base: str) -> None:
    recorded(db, store)
    for prefix in tampered(base):
        for name in ("master.m3u8", "720/00000.m4s"):
            answer = player.get(f"{prefix}/{name}")
            assert answer.status_code == 403, prefix
            assert answer.json is not None
            assert answer.json["error"]["code"] == "media.signature"


def test_an_expired_path_says_what_to_do(
    player: Player, keys: Keys, timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "now", lambda: now() - timedelta(days=2))
    paths = service.play_paths(keys, timeline)
    monkeypatch.undo()
    answer = player.get(str(paths["master"]))
    assert answer.status_code == 403
    assert answer.json is not None
    assert answer.json["error"]["code"] == "media.expired"
    assert "请刷新页面" in answer.json["error"]["message"]


def test_paths_outlive_a_change_of_keys(settings: Settings, timeline: Timeline, base: str) -> None:
    rotate(settings)
    later = create_app(settings)
    assert Player(later.test_client()).get(f"{base}/master.m3u8").status_code == 200
    assert base not in str(service.play_paths(load_keys(settings), timeline)["master"])
    later.extensions["school"].db.close()


def test_a_proxy_may_ask_about_an_address(player: Player, base: str) -> None:
    def asked(address: str) -> tuple[int, str]:
        answer = player.get("/m-auth", headers={"X-Original-URI": address})
        return answer.status_code, answer.headers["Cache-Control"]

    assert asked(f"{base}/720/00000.m4s?x=1") == (204, "max-age=5")
    for address in [*(f"{prefix}/poster.jpg" for prefix in tampered(base)), "", "/", "/m/1/2", base[2:] + "/a/b"]:
        assert asked(address.encode().decode("latin-1")) == (403, "no-store"), address


def test_segments_come_from_s3_too(settings: Settings, db: Database, keys: Keys, s3_server: S3Server) -> None:
    settings = with_s3(settings, s3_server)
    store = open_store(settings)
    store.prepare()
    app = create_app(settings)
    master = str(service.play_paths(keys, recorded(db, store))["master"])
    address = master.replace("master.m3u8", "720/00001.m4s")
    player = Player(app.test_client())
    assert player.get(address).data == DATA
    assert player.get(address, headers={"Range": "bytes=7-300"}).data == DATA[7:301]
    app.extensions["school"].db.close()
