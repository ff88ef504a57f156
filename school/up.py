"""`school up`: web, media workers and clock under one supervisor that restarts what falls and stops cleanly."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from school.core.settings import PREFIX, Settings

STOP_SECONDS = 15
RESTART_SECONDS = (1, 2, 5, 10, 30)
_PR_SET_PDEATHSIG = 1


def environment(settings: Settings) -> dict[str, str]:
    """The variables that give a child process the supervisor's own settings."""
    chosen = {
        "DATA": str(settings.data.resolve()),
        "HOST": settings.host,
        "PORT": str(settings.port),
        "HTTPS": "1" if settings.https else "0",
        "ENV": settings.env,
        "DATABASE_URL": settings.db_url if settings.database_url else f"sqlite:///{settings.data.resolve()}/school.db",
    }
    return {**os.environ, **{PREFIX + name: value for name, value in chosen.items()}}


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

    def add(self, name: str, command: list[str]) -> None:
        self.children.append(Child(name, command))

    def _start(self, child: Child) -> None:
        parent = os.getpid()

        def follow_parent() -> None:  # the kernel ends the child when the supervisor is killed
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

        child.process = subprocess.Popen(
            child.command, env=self.environ, preexec_fn=follow_parent, start_new_session=True
        )
        child.started = time.monotonic()

    def run(self, *, ready: Callable[[], None] = lambda: None, port: tuple[str, int] | None = None) -> None:
        """Start every child, call `ready` once `port` answers, and watch until SIGINT or SIGTERM."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        for child in self.children:
            self._start(child)
        announced = port is None
        while not self.stopping:
            for child in self.children:
                self._watch(child)
            if not announced and port is not None and listening(*port):
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
        pause = RESTART_SECONDS[min(child.falls, len(RESTART_SECONDS) - 1)]
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


def listening(host: str, port: int) -> bool:
    """Whether something answers on `host:port`."""
    try:
        socket.create_connection(("127.0.0.1" if host in {"0.0.0.0", "::"} else host, port), 0.2).close()
        return True
    except OSError:
        return False


def up(settings: Settings, *, ready: Callable[[], None], say: Callable[[str], None]) -> None:
    """Run the whole school on this machine until stopped."""
    supervisor = Supervisor(environment(settings), say=say)
    supervisor.add("web", web_command(settings))
    for number in range(settings.media_workers):
        supervisor.add(f"media worker {number + 1}", [sys.executable, "-m", "media_worker"])
    supervisor.add("clock", [sys.executable, "-m", "school", "clock"])
    supervisor.run(ready=ready, port=(settings.host, settings.port))
