"""The lease: one holder at a time, on both databases, also when many ask at once and when the holder dies."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import timedelta

import sqlalchemy as sa

from school.core import lease, time
from school.core.db import Database


def _run_out(db: Database, name: str) -> None:
    with db.write() as s:
        s.execute(
            sa.update(lease.Lease).where(lease.Lease.name == name).values(until=time.now() - timedelta(seconds=1))
        )


def test_one_holder_keeps_it_until_it_runs_out(db: Database) -> None:
    assert lease.take(db, "clock", "a", 30)
    assert lease.take(db, "clock", "a", 30), "the holder renews"
    assert not lease.take(db, "clock", "b", 30)
    assert lease.take(db, "relay:7", "b", 30), "another name is another lease"
    _run_out(db, "clock")
    assert lease.take(db, "clock", "b", 30)
    assert not lease.take(db, "clock", "a", 30), "the old holder learns that it lost it"


def test_a_released_lease_is_free_at_once_and_only_its_holder_releases_it(db: Database) -> None:
    assert lease.take(db, "clock", "a", 30)
    lease.release(db, "clock", "b")
    assert not lease.take(db, "clock", "b", 30)
    lease.release(db, "clock", "a")
    assert lease.take(db, "clock", "b", 30)


def test_of_many_who_ask_at_once_one_gets_it(db_url: str) -> None:
    for round_ in range(3):
        won: list[str] = []
        gate = threading.Barrier(8)

        def ask(name: str, won: list[str] = won, gate: threading.Barrier = gate, round_: int = round_) -> None:
            own = Database(db_url)
            gate.wait()
            if lease.take(own, f"round {round_}", name, 30):
                won.append(name)
            own.close()

        asking = [threading.Thread(target=ask, args=(f"p{number}",)) for number in range(8)]
        for one in asking:
            one.start()
        for one in asking:
            one.join()
        assert len(won) == 1


def test_what_a_killed_holder_held_is_free_when_it_runs_out(db: Database, db_url: str) -> None:
    script = (
        "import os, signal, sys\n"
        "from school.core import lease\n"
        "from school.core.db import Database\n"
        "assert lease.take(Database(sys.argv[1]), 'clock', 'dead', 30)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, db_url], check=False).returncode == -9
    assert not lease.take(db, "clock", "next", 30)
    _run_out(db, "clock")
    assert lease.take(db, "clock", "next", 30)


def test_the_clock_is_the_databases(db: Database) -> None:
    with db.read() as s:
        assert abs(lease.database_now(s) - time.now()) < timedelta(minutes=1)
