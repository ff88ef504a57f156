"""The worker as a process: killed, stopped, overtaken, cut off from the store, short of room; nothing is made twice or lost."""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import transcode_kit as kit

import services
from conftest import with_s3
from media_worker.transcode import worker
from media_worker.transcode.spool import Spool
from media_worker.transcode.work import Work
from patience import PATIENCE_S, until
from school.core.db import Database
from school.core.settings import Settings
from school.core.store import ObjectStore, open_store
from school.core.time import now
from school.media import jobs, queries, rules
from school.media.jobs import LeaseLost
from school.media.models import AssetState, JobState, MediaAsset, MediaJob, Segment

ENCODED = ("-c:v", "mpeg4", "-q:v", "6", "-c:a", "aac")
ENCODED_S = 240.0
pytestmark = pytest.mark.timeout(900)  # encoders stand back when a machine is busy
one_database = pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)


def stored(db: Database, rendition: str = "480") -> dict[int, str]:
    """Number and SHA-256 of a rendition's segments."""
    with db.read() as s:
        rows = s.execute(sa.select(Segment.number, Segment.sha256).where(Segment.rendition == rendition))
        return {row.number: row.sha256 for row in rows}


def state(db: Database, asset: MediaAsset) -> str:
    return kit.made(db, asset)[0].state


def let_lease_run_out(db: Database) -> None:
    """A minute passes."""
    with db.write() as s:
        s.execute(
            sa.update(MediaJob).where(MediaJob.state == JobState.RUNNING).values(lease_until=now() - timedelta(1))
        )


def check_whole(db: Database, store: ObjectStore, asset: MediaAsset, frames: int) -> None:
    """Every segment once, as its row says, and together every frame of the lecture."""
    asset, timeline = kit.made(db, asset)
    assert asset.state == AssetState.READY, asset.reason_code
    assert timeline
    assert timeline.sealed_at
    with db.read() as s:
        rows = s.scalars(sa.select(Segment).where(Segment.timeline_id == timeline.id)).all()
    for rendition in {row.rendition for row in rows}:
        numbers = sorted(row.number for row in rows if row.rendition == rendition)
        assert numbers == list(range(len(numbers)))
    for row in rows:
        data = store.read(timeline.prefix + rules.segment_name(row.rendition, row.number))
        assert (len(data), hashlib.sha256(data).hexdigest()) == (row.size, row.sha256)
    objects = {stat.key for stat in store.list(timeline.prefix) if stat.key.endswith(".m4s")}
    assert len(objects) == len(rows)
    times = kit.frame_times(kit.joined(db, store, timeline, "480"))
    assert len(times) == frames
    assert not kit.gaps(times, 1 / 25)
    assert not kit.gaps(kit.frame_times(kit.joined(db, store, timeline, "audio")), 1024 / 48_000)


@pytest.fixture
def ready_store(settings: Settings) -> ObjectStore:
    store = open_store(settings)
    store.prepare()
    return store


@pytest.fixture
def start(settings: Settings, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """`start()` runs a worker process; every one that is left is killed at the end. Their words are in worker.log."""
    running: list[subprocess.Popen[bytes]] = []

    def one(settings: Settings = settings) -> subprocess.Popen[bytes]:
        running.append(kit.worker(settings, tmp_path / "worker.log"))
        return running[-1]

    yield one
    for process in running:
        process.kill()
        process.wait()


def test_a_killed_worker_loses_next_to_nothing(
    db: Database, ready_store: ObjectStore, start: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    seconds = 48
    asset = kit.given(db, ready_store, kit.clip(tmp_path / "a.mkv", *ENCODED, seconds=seconds, size="640x360"))
    first = start()
    until(lambda: stored(db), ENCODED_S)
    first.kill()
    first.wait()
    before = stored(db)
    sound = stored(db, "audio")
    assert state(db, asset) == AssetState.TRANSCODING
    with db.read() as s:  # what was made can be watched, before and after the kill
        timeline = queries.timeline_of(s, asset.id)
        assert timeline
        assert timeline.length_ms >= 4000
        assert len(queries.segments(s, timeline.id, "480")) == len(before)
    assert len(kit.frame_times(kit.joined(db, ready_store, timeline, "480"))) == 100 * len(before)

    let_lease_run_out(db)
    second = start()
    until(lambda: state(db, asset) != AssetState.TRANSCODING, ENCODED_S)
    until(lambda: not unfinished(db), ENCODED_S)
    services.stop(second)
    assert second.returncode == 0
    after = stored(db)
    assert len(before) < len(after) == seconds // 4
    assert {n: after[n] for n in before} == before, "what was stored is not made again"
    assert {n: stored(db, "audio")[n] for n in sound} == sound
    check_whole(db, ready_store, asset, seconds * 25)


def unfinished(db: Database) -> list[str]:
    with db.read() as s:
        return list(s.scalars(sa.select(MediaJob.key).where(MediaJob.state.in_((JobState.QUEUED, JobState.RUNNING)))))


def test_a_worker_that_is_asked_to_stop_gives_its_job_back(
    db: Database,
    settings: Settings,
    ready_store: ObjectStore,
    start: Callable[[], subprocess.Popen[bytes]],
    tmp_path: Path,
) -> None:
    asset = kit.given(db, ready_store, kit.clip(tmp_path / "a.mkv", *ENCODED, seconds=28, size="640x360"))
    process = start()
    until(lambda: stored(db), ENCODED_S)
    process.terminate()
    assert process.wait(PATIENCE_S) == 0
    with db.read() as s:
        job = s.scalars(sa.select(MediaJob).where(MediaJob.kind == "transcode")).one()
    assert (job.state, job.attempt, job.token) == (JobState.QUEUED, 0, None)
    assert state(db, asset) == AssetState.TRANSCODING
    kit.work(settings, ready_store)
    check_whole(db, ready_store, asset, 700)


def test_an_overtaken_worker_can_write_nothing_more(
    db: Database, settings: Settings, ready_store: ObjectStore, tmp_path: Path
) -> None:
    asset = kit.given(db, ready_store, kit.clip(tmp_path / "a.mkv", *ENCODED))
    frozen = kit.tools(settings, ready_store)
    claim = jobs.claim(db, ["ingest"], "frozen", lease=timedelta(seconds=0.2))
    assert claim
    stale = Work(frozen, claim)  # its heart does not beat: the machine sleeps
    time.sleep(0.3)
    kit.work(settings, ready_store)  # somebody else does everything
    check_whole(db, ready_store, asset, 150)
    with pytest.raises(LeaseLost):
        stale.check()
    with pytest.raises(LeaseLost), stale.write():
        pass
    assert not jobs.finish(db, claim)
    assert not jobs.fail(db, claim, "worker.fault", retry=False)
    assert state(db, asset) == AssetState.READY
    frozen.db.close()


@one_database
def test_a_job_that_was_done_but_not_closed_changes_nothing(
    db: Database, settings: Settings, ready_store: ObjectStore, tmp_path: Path
) -> None:
    """A worker is killed after its last transaction; the job comes up again when its lease has run out."""
    asset = kit.given(db, ready_store, kit.clip(tmp_path / "a.mkv", *ENCODED))
    kit.work(settings, ready_store)
    _, timeline = kit.made(db, asset)
    before = stored(db)
    with db.write() as s:
        s.execute(sa.update(MediaJob).values(state=JobState.QUEUED, run_at=now()))
    kit.work(settings, ready_store)
    _, again = kit.made(db, asset)
    assert timeline
    assert again
    assert again.id == timeline.id
    assert stored(db) == before
    assert not unfinished(db)
    check_whole(db, ready_store, asset, 150)


@one_database
def test_the_store_may_be_away_for_a_while(
    db: Database,
    settings: Settings,
    s3_server: services.S3Server,
    start: Callable[[Settings], subprocess.Popen[bytes]],
    tmp_path: Path,
) -> None:
    settings = with_s3(settings, s3_server)
    store = open_store(settings)
    store.prepare()
    asset = kit.given(db, store, kit.clip(tmp_path / "a.mkv", *ENCODED, seconds=28, size="640x360"))
    process = start(settings)
    try:
        until(lambda: stored(db), ENCODED_S)
        s3_server.stop()
        until(lambda: "waiting" in (tmp_path / "worker.log").read_text(), ENCODED_S)
        assert process.poll() is None
        assert state(db, asset) == AssetState.TRANSCODING
        s3_server.start()
        until(lambda: state(db, asset) != AssetState.TRANSCODING, ENCODED_S)
        until(lambda: not unfinished(db), ENCODED_S)
    finally:
        if s3_server.process is None:
            s3_server.start()
    with db.read() as s:
        assert s.scalar(sa.select(MediaJob.attempt).where(MediaJob.kind == "transcode")) == 1
    check_whole(db, store, asset, 700)


@one_database
def test_a_full_disk_is_told_and_costs_nothing(
    db: Database, settings: Settings, ready_store: ObjectStore, tmp_path: Path
) -> None:
    asset = kit.given(db, ready_store, kit.clip(tmp_path / "a.mkv", *ENCODED))
    full = replace(kit.tools(settings, ready_store), spool=Spool(tmp_path / "spool", spare=10**18))
    worker.run(full, "test", once=True)
    full.db.close()
    with db.read() as s:
        job = s.scalars(sa.select(MediaJob)).one()
    assert (job.state, job.reason_code) == (JobState.QUEUED, "disk.full")
    assert state(db, asset) == AssetState.CHECKING
    with db.write() as s:
        s.execute(sa.update(MediaJob).values(run_at=now()))  # the pause passes, and somebody made room
    kit.work(settings, ready_store)
    check_whole(db, ready_store, asset, 150)


@one_database
def test_the_same_file_again_is_recognised(
    db: Database, settings: Settings, ready_store: ObjectStore, tmp_path: Path
) -> None:
    path = kit.clip(tmp_path / "a.mkv", *ENCODED)
    first = kit.given(db, ready_store, path)
    kit.work(settings, ready_store)
    again = kit.given(db, ready_store, path, owner=first.owner_id)
    elses = kit.given(db, ready_store, path)
    kit.work(settings, ready_store)
    (_, one), (twin, two), (_, three) = (kit.made(db, asset) for asset in (first, again, elses))
    assert one
    assert two
    assert three
    assert twin.state == AssetState.READY
    assert two.id == one.id
    assert three.id != one.id, "another owner's file is nobody else's business"


@one_database
def test_an_altered_source_is_not_used(
    db: Database, settings: Settings, ready_store: ObjectStore, tmp_path: Path
) -> None:
    asset = kit.given(db, ready_store, kit.clip(tmp_path / "a.mkv", *ENCODED))
    with db.write() as s:
        queries.asset(s, asset.id).sha256 = "0" * 64
    kit.work(settings, ready_store)
    asset, _ = kit.made(db, asset)
    assert (asset.state, asset.reason_code) == (AssetState.FAILED, "store.altered")


@one_database
def test_a_timeline_begun_by_another_encoder_is_begun_anew(
    db: Database,
    settings: Settings,
    ready_store: ObjectStore,
    start: Callable[[], subprocess.Popen[bytes]],
    tmp_path: Path,
) -> None:
    asset = kit.given(db, ready_store, kit.clip(tmp_path / "a.mkv", *ENCODED, seconds=28, size="640x360"))
    process = start()
    until(lambda: stored(db), ENCODED_S)
    services.stop(process)
    _, begun = kit.made(db, asset)
    assert begun
    init = begun.prefix + rules.init_name("480")
    altered = ready_store.read(init) + b"another"
    ready_store.put(init, altered)
    kit.work(settings, ready_store)
    _, timeline = kit.made(db, asset)
    assert timeline
    assert ready_store.read(timeline.prefix + rules.init_name("480")) != altered
    check_whole(db, ready_store, asset, 700)


@one_database
def test_a_source_whose_cuts_are_not_there_is_encoded_after_all(
    db: Database, settings: Settings, ready_store: ObjectStore, tmp_path: Path
) -> None:
    asset = kit.given(db, ready_store, kit.copyable(tmp_path / "a.mp4", seconds=12))
    mine = kit.tools(settings, ready_store)
    claim = jobs.claim(mine.db, ["ingest"], "test")
    assert claim
    worker.do(mine, claim)
    mine.db.close()
    with db.write() as s:  # a probe that was wrong about the key frames
        row = queries.asset(s, asset.id)
        row.probe = {**row.probe, "picture": {**row.probe["picture"], "cuts_us": [0, 5_000_000]}}
    kit.work(settings, ready_store)
    asset, _ = kit.made(db, asset)
    assert asset.probe["picture"]["codecs"] == ""
    check_whole(db, ready_store, asset, 300)


@one_database
def test_a_demo_lecture_is_drawn_and_becomes_ready(
    db: Database, settings: Settings, ready_store: ObjectStore, tmp_path: Path
) -> None:
    asset = kit.given(db, ready_store, kit.clip(tmp_path / "a.mkv", *ENCODED))
    with db.write() as s:
        s.execute(sa.delete(MediaJob))
        queries.asset(s, asset.id).source_key = None
        pages = [{"heading": "一、学时从哪里来", "points": ["集中学习由党组织确认；网络学习由平台逐段记录。"]}] * 2
        args = {"title": "学时怎样记录", "seconds": 12, "pages": pages}
        jobs.enqueue(s, "demo_lecture", f"demo:{asset.id}", asset.id, args)
    kit.work(settings, ready_store)
    asset, timeline = kit.made(db, asset)
    assert asset.state == AssetState.READY, asset.reason_code
    assert timeline
    assert [r["name"] for r in timeline.renditions] == ["720", "480", "audio"]
    assert timeline.length_ms == pytest.approx(12_000, abs=150)
    assert timeline.poster_key
    assert ready_store.stat(asset.source_key or "").size == asset.size


def test_the_spool_gives_up_the_oldest_copy_nobody_uses(tmp_path: Path) -> None:
    def fetch(path: Path) -> str:
        path.write_bytes(bytes(100))
        return "a" * 64

    spool = Spool(tmp_path, spare=0, largest=250)
    with spool.source(1, 100, fetch) as (path, sha256):
        assert (path.read_bytes(), sha256) == (bytes(100), "a" * 64)
        with spool.source(2, 100, fetch):
            pass
        with spool.source(3, 100, fetch):
            held = sorted(p.name[0] for p in tmp_path.iterdir())
        assert held == ["1", "3"], "the first is in use, the second was the oldest free one"
    with spool.source(3, 100, lambda _path: pytest.fail("it is there")):
        pass
    assert not list(tmp_path.glob("*.part"))
