"""The clock: every timed job of the school in one table, run by APScheduler in whichever process holds the lease."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from school.core import lease
from school.core.db import Database
from school.core.settings import Settings
from school.core.store import ObjectStore, open_store
from school.courses import jobs as courses
from school.live import running as live
from school.live import settle
from school.media import uploads
from school.org import sign_ins
from school.quizzes.analysis import reporting
from school.quizzes.bank import jobs as bank
from school.quizzes.marks import keys
from school.quizzes.sittings import jobs as quizzes
from school.records import jobs as records

log = structlog.get_logger()

LEASE_SECONDS = 30


@dataclass(frozen=True)
class Tools:
    """What a timed job may use."""

    db: Database
    store: ObjectStore
    settings: Settings


@dataclass(frozen=True)
class Timed:
    """A job and how often it runs, in seconds."""

    name: str
    every: int
    run: Callable[[Tools], object]


JOBS: tuple[Timed, ...] = (
    Timed("year totals", 20, lambda t: records.rebuild_dirty(t.db, t.settings)),
    Timed("ready lectures", 5, lambda t: courses.adopt_ready(t.db)),
    Timed("live classes", 2, lambda t: settle.settle_due(t.db, t.settings)),
    Timed("classes left running", 60, lambda t: live.end_forgotten(t.db)),
    Timed("analyses of quizzes", 3, lambda t: reporting.build_asked(t.db)),
    Timed("sittings whose time is over", 2, lambda t: quizzes.hand_in_due(t.db, t.settings)),
    Timed("corrected keys", 10, lambda t: keys.remark_due(t.db, t.settings.zone)),
    Timed("rows of the year", 60, lambda t: records.keep_years(t.db, t.settings)),
    Timed("rules of the year", 6 * 3600, lambda t: records.follow_rules(t.db, t.settings)),
    Timed("old day counts", 24 * 3600, lambda t: records.forget_days(t.db, t.settings)),
    Timed("files no question uses", 24 * 3600, lambda t: bank.sweep(t.db, t.store)),
    Timed("abandoned uploads", 3600, lambda t: uploads.clean_uploads(t.db, t.store)),
    Timed("old sign-ins", 3600, lambda t: sign_ins.forget_old(t.db)),
)


def _guarded(timed: Timed, tools: Tools) -> Callable[[], None]:
    def work() -> None:
        try:
            timed.run(tools)
        except Exception:
            log.exception("timed job failed", job=timed.name)

    return work


def run(settings: Settings) -> None:
    """Work until SIGINT or SIGTERM. Raises nothing: a job that fails is logged and tried again at its next time."""
    tools = Tools(Database(settings.db_url, pool_size=3), open_store(settings), settings)
    holder = f"{socket.gethostname()}:{os.getpid()}"
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    scheduler = BackgroundScheduler(timezone=settings.zone, job_defaults={"coalesce": True, "max_instances": 1})
    for timed in JOBS:
        scheduler.add_job(
            _guarded(timed, tools), "interval", seconds=timed.every, id=timed.name, misfire_grace_time=None
        )
    scheduler.start(paused=True)
    holding = False
    while not stop.is_set():
        try:
            mine = lease.take(tools.db, "clock", holder, LEASE_SECONDS)
        except Exception:
            log.exception("lease")
            mine = False
        if mine and not holding:
            scheduler.resume()
        elif holding and not mine:
            scheduler.pause()
        holding = mine
        stop.wait(LEASE_SECONDS / 3)
    scheduler.shutdown(wait=True)
    if holding:
        lease.release(tools.db, "clock", holder)
    tools.db.close()
