"""The packager as a process: what it serves while a class is on, how it stops, and what kill -9 and an absent store cost."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

import services
from conftest import with_s3
from media_worker.packager.spool import SUFFIX
from packager_kit import (
    Eye,
    Feeder,
    Mouth,
    PackagerProcess,
    Publisher,
    apart,
    beeps,
    closed,
    fetched,
    flashes,
    get,
    named,
    open_live,
    order_state,
    packager,
    rows_of,
    runs_of,
    stream_of,
    timeline_of,
)
from patience import PATIENCE_S, until
from school.core.db import Database
from school.core.settings import Settings
from school.core.store import ObjectStore, open_store
from school.media import rules
from school.media.models import StreamState


@pytest.fixture
def small(tmp_path: Path, sqlite_tables: Path) -> Settings:
    """Settings of a school on SQLite with a packager of its own port."""
    shutil.copyfile(sqlite_tables, tmp_path / "school.db")
    return Settings(data=tmp_path, packager_port=services.free_port())


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Callable[[Settings], tuple[Database, PackagerProcess]]]:
    """`on(settings)` starts a packager; its database and itself."""
    ends: list[Callable[[], object]] = []

    def start(settings: Settings) -> tuple[Database, PackagerProcess]:
        db = Database(settings.db_url)
        running = packager(settings, tmp_path / "packager.log")
        process = running.__enter__()
        ends.extend([db.close, lambda: running.__exit__(None, None, None)])
        return db, process

    yield start
    for end in reversed(ends):
        end()
    assert "fault" not in (tmp_path / "packager.log").read_text()


def trainer(settings: Settings, stream_id: int) -> Feeder:
    """A publisher with camera and microphone that begins now, its clock three hours wrong."""
    publisher = Publisher(stream_id, ahead_us=3 * 3600 * 1_000_000)
    now = time.time_ns() // 1000
    publisher.begin(Eye(), now)
    publisher.begin(Mouth(), now)
    return Feeder(settings, publisher)


def same_everywhere(db: Database, store: ObjectStore, timeline_id: int | None) -> int:
    """Whether every stored object is what its row says; how many there are."""
    timeline, checked = timeline_of(db, timeline_id), 0
    for rendition in timeline.renditions:
        with db.read() as s:
            rows = list(s.scalars(rows_of(timeline.id, rendition["name"])))
        assert [row.number for row in rows] == list(range(len(rows)))
        for row in rows:
            data = store.read(timeline.prefix + rules.segment_name(row.rendition, row.number))
            assert hashlib.sha256(data).hexdigest() == row.sha256
            checked += 1
    return checked


@pytest.mark.slow
def test_what_is_served_while_a_class_is_on(
    settings: Settings, db: Database, on: Callable[[Settings], tuple[Database, PackagerProcess]]
) -> None:
    settings = replace(settings, packager_port=services.free_port(), live_low_latency=2)
    open_store(settings).prepare()
    stream_id = open_live(db, state=StreamState.REHEARSAL)
    _, process = on(settings)
    base = f"{process.url}/hls/{stream_id}/"
    with trainer(settings, stream_id):
        time.sleep(1)
        assert get(base + "hall.m3u8", status=404).json()["error"]["code"] == "live.not_on"
        order_state(db, stream_id, StreamState.LIVE)
        until(lambda: closed(process, stream_id, 1))

        low = get(base + "low.m3u8")
        assert low.headers["Cache-Control"] == "no-store"
        (video,) = named(low.text, "")
        (audio,) = named(low.text, "#EXT-X-MEDIA")
        before = get(base + video)
        assert "CAN-BLOCK-RELOAD=YES" in before.text
        hint = named(before.text, "#EXT-X-PRELOAD-HINT")[0]
        number, part = map(int, hint.rpartition("-")[2].split(".")[:2])
        with ThreadPoolExecutor(2) as waiting:  # a blocking reload and a hinted part come as soon as they can
            reload = waiting.submit(get, f"{base}{video}&_HLS_msn={number}&_HLS_part={part}")
            hinted = waiting.submit(requests.get, urljoin(base + video, hint), timeout=20)
            text = reload.result().text
        assert hint in named(text, "#EXT-X-PART:") or f"-{number + 1}.0." in text
        assert hinted.result().status_code in (200, 404)
        assert get(f"{base}{video}&_HLS_msn={number + 50}", status=400).json()["error"]["code"] == "live.ahead"
        get(f"{base}{video}&_HLS_msn=x", status=400)
        assert named(get(base + audio).text, "#EXT-X-RENDITION-REPORT") == ["video.m3u8"]
        whole = get(base + "hall/video.m3u8")
        name = named(whole.text, "")[-1]
        parts = [one for one in named(get(base + video).text, "#EXT-X-PART:") if f"-{name.split('-')[2][:-4]}." in one]
        joined = b"".join(get(urljoin(base + "low/", one)).content for one in parts)
        segment = get(base + "hall/" + name)
        assert joined == segment.content
        assert "immutable" in segment.headers["Cache-Control"]
        assert whole.headers["Cache-Control"] == "public, max-age=1"
        assert "EXT-X-PART" not in whole.text

        get(base + "low.m3u8")
        assert get(base + "low.m3u8", status=503).json()["error"]["code"] == "live.low_full"  # two seats are taken
        assert json.loads(get(f"{process.url}/health").text)["viewers"] == {"low": 2, "most": 2}
        for bad in ("hall/video-000000-0.m4s", "hall/../x", "low/other.m3u8", "x"):
            get(base + bad, status=404)
        film, sound = fetched(base + "hall/video.m3u8"), fetched(base + "sound.m3u8")
        assert apart(flashes(film), beeps(sound)) < 0.08

        answers: list[int] = []
        later = f"{base}{video}&_HLS_msn={newest(process, stream_id) + 3}"  # the segment after the next one
        held = threading.Thread(target=lambda: answers.append(requests.get(later, timeout=PATIENCE_S).status_code))
        held.start()
        order_state(db, stream_id, StreamState.STOPPED)
        until(lambda: requests.get(base + "hall.m3u8", timeout=20).status_code == 410)
        held.join()
        assert answers == [410]
        for gone in (video, "hall/" + name, "sound.m3u8"):
            get(base + gone, status=410)
        until(lambda: stream_of(db, stream_id).finished_at)
    time.sleep(1)
    get(base + "hall.m3u8", status=410)
    assert process.stop() == 0


def newest(process: PackagerProcess, stream_id: int) -> int:
    """Number of the last segment that is closed."""
    found: int = requests.get(f"{process.url}/streams/{stream_id}", timeout=20).json()["segment"]
    return found


@pytest.mark.slow
def test_kill_and_an_absent_store_cost_nothing_that_was_closed(
    small: Settings, s3_server: services.S3Server, on: Callable[[Settings], tuple[Database, PackagerProcess]]
) -> None:
    settings = with_s3(small, s3_server)
    store = open_store(settings)
    store.prepare()
    db, process = on(settings)
    stream_id = open_live(db)
    spool = settings.data / "live" / "main" / str(stream_id)
    with trainer(settings, stream_id):
        until(lambda: stream_of(db, stream_id).timeline_id and not list(spool.glob(f"*{SUFFIX}")))
        s3_server.stop()
        try:
            until(lambda: len(list(spool.glob(f"*{SUFFIX}"))) >= 2)
            until(
                lambda: requests.get(f"{process.url}/streams/{stream_id}", timeout=20).json()["trouble"] == "store.away"
            )
            kept = {path: path.read_bytes() for path in spool.glob(f"*{SUFFIX}")}
            before = newest(process, stream_id)
            process.kill()
            process.start()
            assert all(path.read_bytes() == data for path, data in kept.items())
            until(lambda: len(list(spool.glob(f"*{SUFFIX}"))) >= len(kept) + 1)
        finally:
            s3_server.start()
        order_state(db, stream_id, StreamState.ENDED)
        stream = until(lambda: (found := stream_of(db, stream_id)).finished_at and found)
    assert not list(spool.glob(f"*{SUFFIX}"))
    assert same_everywhere(db, store, stream.timeline_id) >= 8
    timeline = timeline_of(db, stream.timeline_id)
    with db.read() as s:
        rows = list(s.scalars(rows_of(timeline.id, "source")))
    assert {row.run for row in rows} == {0, 1}
    # what was lost is the open segment, and at most the one that was just being written
    assert max(row.number for row in rows if row.run == 0) >= before - 1
    for film, sound in zip(*(runs_of(db, store, timeline, name) for name in ("source", "audio")), strict=True):
        assert io.BytesIO(film).read(8)[4:] == b"ftyp"
        assert apart(flashes(film), beeps(sound)) < 0.08
