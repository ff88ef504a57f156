"""`school up` for real: it serves with demo data, restarts what falls, stops cleanly and leaves no process behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

import services
from media_worker.keep import STEADY
from patience import PATIENCE_S, until
from school.core.settings import Settings, load
from school.up import Supervisor, environment, live_ports, serving


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, Path]]:
    port, relay, packager = (services.free_port() for _ in range(3))
    environ = {
        **os.environ, "SCHOOL_DATA": str(tmp_path / "data"), "SCHOOL_PORT": str(port),
        "SCHOOL_RELAY_PORT": str(relay), "SCHOOL_PACKAGER_PORT": str(packager),
    }  # fmt: skip
    log = tmp_path / "up.log"
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "school", "up"], env=environ, stdout=out, stderr=out)
        try:
            yield process, f"http://127.0.0.1:{port}", log
        finally:
            children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            for each in [*children, process]:
                try:
                    each.kill()
                except psutil.NoSuchProcess:
                    pass
            process.wait()


@pytest.mark.slow
def test_it_serves_survives_a_fall_and_stops_cleanly(running: tuple[subprocess.Popen[bytes], str, Path]) -> None:
    process, origin, log = running
    until(lambda: "已经打开" in log.read_text())
    assert requests.get(f"{origin}/sign-in", timeout=60).status_code == 200
    assert "Qinghe-2026" in log.read_text()
    supervisor = psutil.Process(process.pid)
    until(lambda: len(supervisor.children()) == 5)
    web = next(child for child in supervisor.children() if "gunicorn" in " ".join(child.cmdline()))
    for victim in [web, *web.children(recursive=True)]:
        victim.kill()
    until(lambda: "重新启动" in log.read_text())
    until(lambda: serving("127.0.0.1", int(origin.rsplit(":", 1)[1])))
    assert requests.get(f"{origin}/sign-in", timeout=60).status_code == 200
    until(lambda: "the packager listens" in log.read_text())
    for part in ("packager", "relay"):
        (parent,) = (child for child in supervisor.children() if f"media_worker.{part}" in child.cmdline())
        (working,) = until(parent.children)
        assert parent.num_threads() == 1, "a fork copies no other thread"
        until(lambda working=working: time.time() - working.create_time() > STEADY + 1)
        working.kill()
        until(lambda parent=parent, working=working: [one for one in parent.children() if one.pid != working.pid])
    family = supervisor.children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 0
    told = log.read_text()
    assert "数据都已保存" in told
    assert "Traceback" not in told, told[-4000:]
    until(lambda: all(services.gone(child) for child in family))


def test_children_follow_a_killed_supervisor(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    child = f"import os,time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    program = (
        "import os, sys\n"
        "from school.up import Supervisor\n"
        "s = Supervisor(dict(os.environ)); s.add('child', [sys.executable, '-c', sys.argv[1]]); s.run()"
    )
    process = subprocess.Popen([sys.executable, "-c", program, child])
    until(lambda: mark.exists() and mark.read_text())
    orphan = psutil.Process(int(mark.read_text()))
    process.kill()
    process.wait()
    until(lambda: services.gone(orphan))


def test_a_child_that_keeps_falling_waits_longer_each_time() -> None:
    said: list[str] = []
    supervisor = Supervisor(dict(os.environ), say=said.append)
    supervisor.add("worker", [sys.executable, "-c", "raise SystemExit(3)"])
    child = supervisor.children[0]
    for _ in range(3):
        child.due = 0.0
        supervisor._watch(child)
        assert child.process is not None
        child.process.wait()
        supervisor._watch(child)
    assert [line.split("，")[1] for line in said] == ["1 秒后重新启动", "2 秒后重新启动", "5 秒后重新启动"]


def test_the_settings_of_the_supervisor_reach_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = Settings(data=Path("school"), https=True, relay_port=1234, live_seats=7)
    seen = load({k: v for k, v in environment(given).items() if k.startswith("SCHOOL_")})
    assert (seen.data, seen.https, seen.relay_port, seen.live_seats) == (tmp_path / "school", True, 1234, 7)
    assert seen.db_url == f"sqlite:///{tmp_path / 'school' / 'school.db'}"


def test_two_schools_on_one_machine_do_not_quarrel_about_ports() -> None:
    said: list[str] = []
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken, free = other.getsockname()[1], services.free_port()
        chosen = live_ports(Settings(relay_port=taken, packager_port=free), said.append)
    assert chosen.relay_port not in (taken, free)
    assert chosen.packager_port == free
    assert len(said) == 1
    assert str(taken) in said[0]
