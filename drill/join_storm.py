"""Five thousand members come into one class within ten seconds; everybody must be welcomed, and every stay stored."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from crowd import Crowd

import live_kit
from bench.harness import process_cpu
from school.live.models import LivePresence
from sockets_kit import cookies, members, school

PEOPLE = 5000
SECONDS = 10.0


def run(people: int = PEOPLE, seconds: float = SECONDS) -> dict[str, Any]:
    """Let them in, and ask the database who was there."""
    with tempfile.TemporaryDirectory() as name, school(Path(name)) as (server, db, cast):
        accounts = members(db, cast, people)
        with db.write() as s:
            class_id = live_kit.make_class(s, cast).id
        tickets = cookies(server.settings, db, accounts)
        assert server.process is not None
        before = process_cpu(server.process.pid)
        crowd = Crowd(server.settings.port, class_id)
        began = time.perf_counter()
        crowd.arrive(tickets, seconds, patience=180)
        took = time.perf_counter() - began
        cpu = process_cpu(server.process.pid) - before
        waits = sorted(one.welcomed or 0.0 for one in crowd.inside)
        with db.read() as s:
            stays = s.scalars(sa.select(sa.func.count()).select_from(LivePresence)).one()
        refused = sorted({one.refused for one in crowd.gone})
        crowd.leave()
        return {
            "holds": len(waits) == stays == people,
            "welcomed": len(waits),
            "stays": stays,
            "all_in_after_s": round(took, 2),
            "wait_p50_s": round(waits[len(waits) // 2], 3) if waits else None,
            "wait_most_s": round(waits[-1], 3) if waits else None,
            "cpu_ms_each": round(cpu / people * 1000, 2),
            "refused": refused,
        }
