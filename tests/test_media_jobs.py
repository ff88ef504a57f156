"""The job table: nothing is done twice, nothing is lost, and a worker that lost its lease can do nothing any more."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa
from media_kit import an_asset

from school.core.db import Database
from school.core.errors import Conflict
from school.core.time import now
from school.media import jobs, queries, service
from school.media.models import AssetState, JobState, MediaJob

SHORT = timedelta(milliseconds=200)
LONG = timedelta(minutes=10)


def queue(db: Database, *keys: str, kind: str = "ingest", **more: object) -> None:
    with db.write() as s:
        for key in keys:
            jobs.enqueue(s, kind, key, **more)  # type: ignore[arg-type]


def job(db: Database, key: str) -> MediaJob:
    with db.read() as s:
        return s.scalars(sa.select(MediaJob).where(MediaJob.key == key)).one()


def must_claim(db: Database, kind: str = "ingest", lease: timedelta = LONG) -> jobs.Claim:
    claim = jobs.claim(db, [kind], "w", lease=lease)
    assert claim is not None
    return claim


def test_a_job_is_claimed_kept_and_finished(db: Database) -> None:
    queue(db, "a", args={"n": 1})
    claim = must_claim(db)
    assert (claim.key, claim.args, claim.attempt) == ("a", {"n": 1}, 1)
    assert jobs.claim(db, ["ingest"], "other") is None
    assert jobs.beat(db, claim, 420, "probe")
    assert (job(db, "a").progress, job(db, "a").stage) == (420, "probe")
    assert jobs.finish(db, claim)
    assert job(db, "a").state == JobState.DONE
    assert not jobs.finish(db, claim)
    assert not jobs.beat(db, claim, 1, "probe")


def test_the_same_key_is_queued_once_even_by_two_at_a_time(db: Database) -> None:
    barrier = threading.Barrier(4)

    def add() -> None:
        barrier.wait()
        queue(db, "same")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.read() as s:
        assert s.scalar(sa.select(sa.func.count(MediaJob.id))) == 1


def test_higher_priority_and_own_kinds_first(db: Database) -> None:
    queue(db, "low", priority=0)
    queue(db, "high", priority=5)
    queue(db, "other", kind="poster", priority=9)
    assert [must_claim(db).key for _ in range(2)] == ["high", "low"]
    assert jobs.claim(db, ["ingest"], "w") is None


def test_eight_claimers_take_each_job_once(db_url: str, db: Database) -> None:
    queue(db, *(f"j{n}" for n in range(40)))
    taken: list[str] = []

    def work() -> None:
        mine = Database(db_url)
        misses = 0
        while misses < 3:  # SKIP LOCKED may show nothing while others hold the rest
            claim = jobs.claim(mine, ["ingest"], threading.current_thread().name)
            if claim is None:
                misses += 1
                time.sleep(0.01)
                continue
            taken.append(claim.key)
            assert jobs.finish(mine, claim)
        mine.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(f"j{n}" for n in range(40))


def test_a_job_whose_lease_ran_out_is_taken_over_and_the_old_token_is_dead(db: Database) -> None:
    with db.write() as s:
        asset_id = an_asset(s).id
    queue(db, "a", asset_id=asset_id)
    old = must_claim(db, lease=SHORT)
    time.sleep(0.25)
    new = must_claim(db)
    assert (new.id, new.attempt) == (old.id, 2)
    assert not jobs.beat(db, old, 900, "transcode")
    assert not jobs.finish(db, old)
    assert not jobs.fail(db, old, "worker.fault", retry=False)
    assert not jobs.release(db, old)
    with pytest.raises(jobs.LeaseLost), db.write() as s:
        jobs.hold(s, old)
    with db.write() as s:
        jobs.hold(s, new)
    assert job(db, "a").state == JobState.RUNNING
    assert jobs.finish(db, new)


def test_a_beat_keeps_the_lease(db: Database) -> None:
    queue(db, "a")
    claim = must_claim(db, lease=jobs.LEASE / 2)
    until = job(db, "a").lease_until
    assert jobs.beat(db, claim, 1, "")
    later = job(db, "a").lease_until
    assert until is not None
    assert later is not None
    assert later > until


CLAIMER = """
import sys, time
from datetime import timedelta
import school.tables
from school.core.db import Database
from school.core.errors import Conflict
from school.media import jobs
claim = jobs.claim(Database(sys.argv[1]), ["ingest"], "doomed", lease=timedelta(seconds=0.5))
print(claim.token, flush=True)
time.sleep(60)
"""


def test_a_worker_killed_in_the_middle_loses_nothing(db_url: str, db: Database) -> None:
    queue(db, "a")
    process = subprocess.Popen([sys.executable, "-c", CLAIMER, db_url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    token = process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()
    assert job(db, "a").token == token
    until = time.monotonic() + 30
    claim = None
    while claim is None and time.monotonic() < until:
        claim = jobs.claim(db, ["ingest"], "heir")
        time.sleep(0.05)
    assert claim is not None
    assert claim.attempt == 2
    assert claim.token != token


def test_a_failed_attempt_waits_longer_each_time_and_then_fails_with_its_asset(db: Database) -> None:
    with db.write() as s:
        asset_id = an_asset(s).id
    queue(db, "a", asset_id=asset_id, max_attempts=3)
    pauses = []
    for _ in range(3):
        claim = must_claim(db)
        at = now()
        assert jobs.fail(db, claim, "store.away", retry=True, detail="connection refused")
        failed = job(db, "a")
        pauses.append(failed.run_at - at)
        with db.write() as s:
            s.execute(sa.update(MediaJob).values(run_at=now() - LONG))
    assert pauses[0] >= jobs.FIRST_PAUSE
    assert pauses[1] >= 2 * jobs.FIRST_PAUSE
    assert (failed.state, failed.reason_code, failed.detail) == (JobState.FAILED, "store.away", "connection refused")
    with db.read() as s:
        asset = queries.asset(s, asset_id)
        assert (asset.state, asset.reason_code) == (AssetState.FAILED, "store.away")
    assert jobs.claim(db, ["ingest"], "w") is None


def test_a_failure_that_is_final_is_not_tried_again(db: Database) -> None:
    with db.write() as s:
        asset_id = an_asset(s).id
    queue(db, "a", asset_id=asset_id)
    assert jobs.fail(db, must_claim(db), "file.truncated", retry=False, kept_ms=760_000, expected_ms=3_600_000)
    with db.read() as s:
        asset = queries.asset(s, asset_id)
        shown = queries.status(s, asset)
    assert shown.state == AssetState.FAILED
    assert "只有前 12:40" in shown.message % shown.params


def test_a_small_job_that_fails_does_not_fail_the_asset(db: Database) -> None:
    with db.write() as s:
        asset_id = an_asset(s, AssetState.READY).id
    queue(db, "p", kind="poster", asset_id=asset_id)
    assert jobs.fail(db, must_claim(db, "poster"), "worker.fault", retry=False)
    with db.read() as s:
        assert queries.asset(s, asset_id).state == AssetState.READY


def test_a_job_that_kills_every_worker_is_closed_with_a_reason(db: Database) -> None:
    with db.write() as s:
        asset_id = an_asset(s).id
    queue(db, "a", asset_id=asset_id, max_attempts=2)
    for _ in range(2):
        must_claim(db, lease=timedelta(0))
        time.sleep(0.01)
    assert jobs.claim(db, ["ingest"], "w") is None
    assert (job(db, "a").state, job(db, "a").reason_code) == (JobState.FAILED, "worker.died")
    with db.read() as s:
        assert queries.asset(s, asset_id).reason_code == "worker.died"


def test_failed_work_can_be_tried_afresh(db: Database) -> None:
    with db.write() as s:
        asset_id = an_asset(s).id
    queue(db, "a", asset_id=asset_id)
    jobs.fail(db, must_claim(db), "disk.full", retry=False)
    with db.write() as s:
        jobs.requeue(s, queries.asset(s, asset_id))
    with db.write() as s, pytest.raises(Conflict):
        jobs.requeue(s, queries.asset(s, asset_id))
    with db.read() as s:
        assert queries.asset(s, asset_id).state == AssetState.CHECKING
    assert must_claim(db).attempt == 1


def test_a_stopped_worker_gives_its_job_back_untried(db: Database) -> None:
    queue(db, "a")
    assert jobs.release(db, must_claim(db))
    assert must_claim(db).attempt == 1


def test_leases_are_measured_by_the_databases_clock(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    queue(db, "a")
    must_claim(db, lease=timedelta(minutes=1))
    monkeypatch.setattr(jobs, "now", lambda: now() + timedelta(hours=5))
    taken_over = jobs.claim(db, ["ingest"], "a worker whose clock is five hours fast") is not None
    assert taken_over == db.sqlite  # SQLite has no clock but its process's


def test_the_overview_counts_and_names(db: Database) -> None:
    with db.write() as s:
        an_asset(s)
    queue(db, "a", "b", "c")
    must_claim(db)
    jobs.fail(db, must_claim(db), "disk.full", retry=False, detail="No space left on device")
    with db.read() as s:
        view = queries.overview(s)
    assert view.jobs == {"queued": 1, "running": 1, "failed": 1}
    assert view.assets == {"checking": 1}
    assert view.oldest_queued_at is not None
    assert [(j.worker, j.attempt) for j in view.running] == [("w", 1)]
    assert [(j.reason, j.detail) for j in view.failed] == [("disk.full", "No space left on device")]


def test_an_unknown_reason_is_a_programming_error(db: Database) -> None:
    with db.write() as s:
        asset_id = an_asset(s).id
        with pytest.raises(KeyError):
            service.fail_asset(s, asset_id, "no.such_reason")
