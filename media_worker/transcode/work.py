"""One attempt at a job: what it may use, how it says how far it is, and when it must stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from media_worker.transcode import ffmpeg
from media_worker.transcode.refusal import Refused, Stopped
from media_worker.transcode.spool import Spool
from school.core.db import Database
from school.core.errors import Unavailable
from school.core.settings import Settings
from school.core.store import ObjectStore
from school.media import jobs, queries, sources
from school.media.jobs import Claim, LeaseLost
from school.media.models import MediaAsset

T = TypeVar("T")
log = structlog.get_logger()

BEAT = 3.0  # seconds between heartbeats; the trainer's progress bar moves as often
STALE = 0.75  # of the lease: without a heartbeat for so long, somebody else may already hold the job
AWAY = 1800.0  # seconds for which a store or database that does not answer is waited for


@dataclass(frozen=True)
class Tools:
    """What a worker process has for all its jobs."""

    settings: Settings
    db: Database
    store: ObjectStore
    spool: Spool
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def ffmpeg(self) -> str:
        return ffmpeg.binary(self.settings.ffmpeg)


class Work:
    """A claimed job while it is being done. `check` is called often and raises when it must not go on."""

    def __init__(self, tools: Tools, claim: Claim) -> None:
        self.tools = tools
        self.claim = claim
        self._progress, self._stage = 0, ""
        self._beaten = time.monotonic()
        self._lost = False
        self._over = threading.Event()
        self._pulse = threading.Thread(target=self._beat, name=f"pulse-{claim.id}", daemon=True)

    def __enter__(self) -> Work:
        self._pulse.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._pulse.join()

    def report(self, stage: str, progress: int) -> None:
        """`progress` in permille; it reaches the trainer with the next heartbeat."""
        self._stage, self._progress = stage, progress

    def check(self) -> None:
        """Raises LeaseLost when another worker may hold the job, Stopped when this one has been asked to end."""
        if self._lost or time.monotonic() - self._beaten > self.claim.lease.total_seconds() * STALE:
            raise LeaseLost(self.claim)
        if self.tools.stopping.is_set():
            raise Stopped

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that counts only while the job is ours; raises LeaseLost."""
        with self.tools.db.write() as s:
            jobs.hold(s, self.claim)
            yield s

    def patiently(self, act: Callable[[], T], *, seconds: float = AWAY) -> T:
        """The answer of `act`, repeated while the store or database is away; `act` must bear repetition."""
        until, pause = time.monotonic() + seconds, 0.2
        while True:
            self.check()
            try:
                return act()
            except Unavailable as error:
                if error.code == "store.full":
                    raise Refused("disk.full", retry=True, detail=str(error)) from error
                trouble: Exception = error
            except OperationalError as error:
                trouble = error
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                trouble = error
            if time.monotonic() > until:
                raise Refused("store.away", retry=True, detail=str(trouble)) from trouble
            log.warning("waiting", job=self.claim.key, trouble=str(trouble)[:200])
            self.tools.stopping.wait(pause)
            pause = min(5.0, pause * 2)

    def asset(self) -> MediaAsset:
        """The asset of the job, detached; its state at this moment."""

        def read() -> MediaAsset:
            with self.tools.db.read() as s:
                assert self.claim.asset_id is not None
                return queries.asset(s, self.claim.asset_id)

        return self.patiently(read)

    @contextmanager
    def source(self) -> Iterator[tuple[Path, str]]:
        """The asset's source as a local file, and its SHA-256. Raises Refused when it is lost, altered or does not fit."""
        asset = self.asset()
        self.report("fetch", 0)

        def fetch(path: Path) -> str:
            return self.patiently(lambda: sources.fetch_source(self.tools.db, self.tools.store, asset.id, path))

        with self.tools.spool.source(asset.id, asset.size, fetch) as found:
            yield found

    def _beat(self) -> None:
        """The heartbeat thread. A database that does not answer is no reason to stop before the lease is in doubt."""
        while not self._over.wait(min(BEAT, self.claim.lease.total_seconds() / 4)):
            sent = time.monotonic()
            try:
                if not jobs.beat(self.tools.db, self.claim, self._progress, self._stage):
                    self._lost = True
                    return
                self._beaten = sent
            except (Unavailable, DBAPIError) as error:
                log.warning("no heartbeat", job=self.claim.key, trouble=str(error)[:200])
