"""`school up`: web, relay, packager, media workers and clock under one supervisor that restarts what falls and stops cleanly."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import FrameType

from school.core.processes import follow
from school.core.settings import Settings, dump

STOP_SECONDS = 15
RESTART_SECONDS = (1, 2, 5, 10, 30)
AT_ONCE = (0.2, 0.5, *RESTART_SECONDS)  # for what carries a class: its trainer is back within five seconds


def environment(settings: Settings) -> dict[str, str]:
    """The variables that give a child process the supervisor's own settings."""
    data = settings.data.resolve()
    return {**os.environ, **dump(replace(settings, data=data, database_url=replace(settings, data=data).db_url))}


def certificate(settings: Settings) -> tuple[Path, Path]:
    """A self-signed certificate and key in the data folder, made once; for `--https` in a local network."""
    from school.core.tls import self_signed

    folder = settings.data / "tls"
    return self_signed(folder, [settings.host, socket.gethostname(), "localhost", "127.0.0.1"])


def web_command(settings: Settings, *, workers: int = 1) -> list[str]:
    """The gunicorn command line of the web process."""
    command = [
        sys.executable, "-m", "gunicorn", "school.wsgi:app",
        "--worker-class", "gevent", "--workers", str(workers), "--worker-connections", "10000",
        "--bind", f"{settings.host}:{settings.port}", "--backlog", "4096",
        "--graceful-timeout", "10", "--log-level", "warning", "--no-control-socket",
    ]  # fmt: skip
    if settings.https:
        crt, key = certificate(settings)
        command += ["--certfile", str(crt), "--keyfile", str(key)]
    return command


@dataclass
class Child:
    """One supervised process."""

    name: str
    command: list[str]
    pauses: Sequence[float] = RESTART_SECONDS  # before each new start in a row
    process: subprocess.Popen[bytes] | None = None
    falls: int = 0
    started: float = 0.0
    due: float = 0.0


@dataclass
class Supervisor:
    """Keeps children running until told to stop; a child that falls comes back after a growing pause."""

    environ: dict[str, str]
    children: list[Child] = field(default_factory=list)
    say: Callable[[str], None] = print
    stopping: bool = False

    def add(self, name: str, command: list[str], pauses: Sequence[float] = RESTART_SECONDS) -> None:
        self.children.append(Child(name, command, pauses))

    def _start(self, child: Child) -> None:
        child.process = subprocess.Popen(
            child.command, env=self.environ, preexec_fn=partial(follow, os.getpid(), signal.SIGTERM),
            start_new_session=True,
        )  # fmt: skip
        child.started = time.monotonic()

    def run(self, *, ready: Callable[[], None] = lambda: None, port: tuple[str, int] | None = None) -> None:
        """Start every child, call `ready` once `port` serves, and watch until SIGINT or SIGTERM."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        for child in self.children:
            self._start(child)
        announced = port is None
        while not self.stopping:
            for child in self.children:
                self._watch(child)
            if not announced and port is not None and serving(*port):
                announced = True
                ready()
            time.sleep(0.1)
        self._end()

    def _watch(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.due:
                self._start(child)
            return
        code = child.process.poll()
        if code is None:
            if child.falls and now - child.started > 60:
                child.falls = 0
            return
        pause = child.pauses[min(child.falls, len(child.pauses) - 1)]
        self.say(f"{child.name} 退出（{code}），{pause} 秒后重新启动")
        child.process, child.falls, child.due = None, child.falls + 1, now + pause

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _end(self) -> None:
        running = [child.process for child in self.children if child.process and child.process.poll() is None]
        for process in running:
            process.terminate()
        until = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def serving(host: str, port: int) -> bool:
    """Whether somebody at `host:port` takes up what is said: a web process listens before it has read its program.

    Over TLS the answer is a closed line, which tells as much.
    """
    try:
        with socket.create_connection(("127.0.0.1" if host in {"0.0.0.0", "::"} else host, port), 0.2) as line:
            line.settimeout(0.5)
            line.sendall(b"GET /ping HTTP/1.0\r\n\r\n")
            line.recv(1)
            return True
    except OSError:
        return False


def listening(host: str, port: int) -> bool:
    """Whether something answers on `host:port`."""
    try:
        socket.create_connection(("127.0.0.1" if host in {"0.0.0.0", "::"} else host, port), 0.2).close()
        return True
    except OSError:
        return False


def open_port(host: str, port: int) -> int:
    """`port` when nobody listens there, else a free one: relay and packager say themselves where they are."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            probe.bind((host, 0))
        found: int = probe.getsockname()[1]
        return found


def live_ports(settings: Settings, say: Callable[[str], None]) -> Settings:
    """`settings` with ports for relay and packager that are free; says when one is not as set."""
    wanted = settings.relay_port, settings.packager_port
    relay, packager = (open_port(settings.live_host, port) for port in wanted)
    for port, chosen in zip(wanted, (relay, packager), strict=True):
        if port != chosen:
            say(f"端口 {port} 已被占用，直播服务改用 {chosen}。")
    return replace(settings, relay_port=relay, packager_port=packager)


def up(settings: Settings, *, ready: Callable[[], None], say: Callable[[str], None]) -> None:
    """Run the whole school on this machine until stopped."""
    settings = live_ports(settings, say)
    supervisor = Supervisor(environment(settings), say=say)
    supervisor.add("web", web_command(settings))
    for name in ("packager", "relay"):
        supervisor.add(name, [sys.executable, "-m", f"media_worker.{name}", "--keep"], AT_ONCE)
    for number in range(settings.media_workers):
        supervisor.add(f"media worker {number + 1}", [sys.executable, "-m", "media_worker"])
    supervisor.add("clock", [sys.executable, "-m", "school", "clock"])
    supervisor.run(ready=ready, port=(settings.host, settings.port))
