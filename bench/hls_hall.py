"""CPU of a hall's live HLS for each viewer and minute: nginx as the compose file sets it up, with the web
process behind it, beside nginx that serves the same playlists and segments as plain files. A real packager makes them.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from bench.harness import Goal, Measured, ahead, ffmpeg, process_cpu, quiet

GOAL = Goal(1.3, "× plain files")
VIEWERS = int(os.environ.get("BENCH_VIEWERS", "300"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "20"))  # of each measured run
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
WARM = 4.0  # seconds before a run is measured: every viewer has its connection and the newest segments
RATE, EVERY = 25, 2  # pictures a second, seconds between key pictures and between looks at a playlist
PLAYLISTS = ("video", "audio")


def measure() -> Measured:
    """CPU a viewer-minute of ours (nginx and web process), divided by that of plain nginx."""
    import services

    ahead()  # a viewer who gets no turn asks for less, and then a minute is not a minute
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        settings, keys, stream_id, packager = _class_that_is_on(folder, stack)
        from school.live.hall import addresses

        web = services.LiveServer(replace(settings, port=services.free_port()), folder / "web.log")
        web.start()
        stack.callback(web.kill)
        door = stack.enter_context(front(folder / "front", f"127.0.0.1:{web.settings.port}"))
        copies = folder / "copies"
        stack.enter_context(_mirrored(f"{packager}/hls/{stream_id}/", copies))
        plain = stack.enter_context(_plain(folder / "plain", copies))
        assert web.process
        sides = {
            "ours": (door[0] + addresses(keys, stream_id)["hall"], [door[1], web.process.pid]),
            "floor": (f"{plain[0]}/hall.m3u8", [plain[1]]),
        }
        found: dict[str, list[float]] = {side: [] for side in sides}
        runs: list[dict[str, Any]] = []
        for number in range(ROUNDS):
            for side in list(sides) if number % 2 == 0 else list(reversed(sides)):
                one = _watched(*sides[side])
                found[side].append(one["cpu_ms_a_viewer_minute"])
                runs.append({"side": side, **one})
        value = statistics.median(found["ours"]) / statistics.median(found["floor"])
    asked = [run["requests"] for run in runs]
    sound = all(run["failed"] == 0 for run in runs) and min(asked) > 0.97 * max(asked)
    return Measured(value, runs, sound=sound, notes={"viewers": VIEWERS, "sound": sound})


def _watched(address: str, pids: list[int]) -> dict[str, Any]:
    """What one run of the viewers cost the processes `pids`, and what they got."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.hls_hall", address, str(VIEWERS), str(WARM + SECONDS + 1)],
        stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent,
    ) as viewers:  # fmt: skip
        assert viewers.stdout
        viewers.stdout.readline()  # they begin
        time.sleep(WARM)
        before, began = [process_cpu(pid) for pid in pids], time.monotonic()
        time.sleep(SECONDS)
        each = [process_cpu(pid) - cpu for pid, cpu in zip(pids, before, strict=True)]
        minutes = VIEWERS * (time.monotonic() - began) / 60
        got = json.loads(viewers.stdout.readline())
    costs = [round(1000 * cpu / minutes, 3) for cpu in each]
    return {"cpu_ms_a_viewer_minute": sum(costs), "nginx": costs[0], "web": sum(costs[1:]), **got}


# ── a class that is on ────────────────────────────────────


def _class_that_is_on(folder: Path, stack: ExitStack) -> tuple[Any, Any, int, str]:
    """Settings, keys, the stream and the packager's address, with a publisher of 720p at 1.5 Mbit/s."""
    import packager_kit as kit
    import services
    from patience import until
    from school.core.db import Database
    from school.core.keys import load_keys
    from school.core.settings import Settings
    from school.core.store import open_store
    from school.media import streams
    from school.tables import Base

    settings = Settings(data=folder / "data", packager_port=services.free_port())
    settings.data.mkdir()
    open_store(settings).prepare()
    db = Database(settings.db_url)
    stack.callback(db.close)
    Base.metadata.create_all(db.engine)
    stream_id = kit.open_live(db)
    running = stack.enter_context(kit.packager(settings, folder / "packager.log"))
    node = streams.Node(settings.node, "http://127.0.0.1:9", running.url, 100)
    stack.enter_context(_again(lambda: streams.announce(db, node), 1.0))
    publisher = kit.Publisher(stream_id)
    stack.enter_context(kit.Feeder(settings, publisher))
    film, began = _film(folder), time.time_ns() // 1000
    publisher.begin(film, began)
    publisher.begin(kit.Mouth(), began)
    until(lambda: kit.closed(running, stream_id, 4), what="four segments")
    return settings, load_keys(settings), stream_id, running.url


def _film(folder: Path) -> Any:
    """A camera that shows the same two seconds again and again, encoded once."""
    import av

    from packager_kit import Eye

    path = folder / "film.h264"
    quiet([
        ffmpeg(), "-f", "lavfi", "-i", f"testsrc2=s=1280x720:r={RATE}:d={EVERY},noise=alls=20:allf=t",
        "-c:v", "libx264", "-profile:v", "baseline", "-bf", "0", "-g", str(RATE * EVERY), "-b:v", "1500k",
        "-maxrate", "1500k", "-bufsize", "1500k", "-pix_fmt", "yuv420p", path,
    ])  # fmt: skip
    with av.open(str(path)) as film:
        pictures = [(bytes(packet), packet.is_keyframe) for packet in film.demux() if packet.size]

    class Film(Eye):
        def look(self, _at_us: int) -> tuple[bytes, bool]:
            self._shown += 1
            return pictures[(self._shown - 1) % len(pictures)]

    return Film(size=(1280, 720), rate=RATE)


# ── the two servers ───────────────────────────────────────


@contextmanager
def front(folder: Path, web: str) -> Iterator[tuple[str, int]]:
    import services

    folder.mkdir()
    port = services.free_port()
    config = services.render_front(folder, port, [web, web])
    with _nginx(config, folder, port) as found:
        yield found


@contextmanager
def _plain(folder: Path, files: Path) -> Iterator[tuple[str, int]]:
    import services

    folder.mkdir()
    port, config = services.free_port(), folder / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""
    config.write_text(
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{ }}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/body;\n"
        f"server {{ listen 127.0.0.1:{port}; root {files}; types {{ video/mp4 m4s mp4; text/plain m3u8; }} }} }}\n"
    )
    with _nginx(config, folder, port) as found:
        yield found


@contextmanager
def _nginx(config: Path, folder: Path, port: int) -> Iterator[tuple[str, int]]:
    """nginx with `sendfile` on, as its image comes."""
    import services

    config.write_text(config.read_text().replace("http {", "http { sendfile on; ", 1))
    process = subprocess.Popen([services.nginx_program(), "-c", config, "-p", folder], stderr=subprocess.DEVNULL)
    try:
        services.wait_for_port(port, process)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        services.stop(process)


@contextmanager
def _mirrored(source: str, folder: Path) -> Iterator[None]:
    """Copies of the hall's playlists and segments as plain files, a quarter of a second old at most."""
    (folder / "hall").mkdir(parents=True)

    def fetch(name: str) -> bytes:
        with urllib.request.urlopen(source + name, timeout=10) as answer:
            data: bytes = answer.read()
            return data

    def put(name: str, data: bytes) -> None:
        part = folder / f"{name}.part"
        part.write_bytes(data)
        part.rename(folder / name)

    def copy() -> None:
        for kind in PLAYLISTS:
            text = fetch(f"hall/{kind}.m3u8")
            for name in _names(text.decode()):
                if not (folder / "hall" / name).exists():
                    put(f"hall/{name}", fetch(f"hall/{name}"))
            put(f"hall/{kind}.m3u8", text)
        put("hall.m3u8", fetch("hall.m3u8"))

    copy()
    try:
        with _again(copy, 0.25):
            yield
    finally:
        shutil.rmtree(folder)


@contextmanager
def _again(work: Any, seconds: float) -> Iterator[None]:
    """`work` now and every so many seconds, on a thread."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(seconds):
            work()

    work()
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# ── the viewers, a process of their own ──────────────────────────────


def _names(text: str) -> list[str]:
    """Init sections and segments that a media playlist names."""
    return re.findall(r'URI="([^"]+)"', text) + [line for line in text.splitlines() if line and line[0] != "#"]


async def _view(session: Any, address: str, until: float, delay: float, got: dict[str, int]) -> None:
    """What a player does: both playlists every two seconds, and each segment once."""
    await asyncio.sleep(delay)
    seen: set[str] = set()

    async def get(url: str) -> bytes:
        async with session.get(url) as answer:
            data: bytes = await answer.read()
            got["requests"] += 1
            got["bytes"] += len(data)
            if answer.status != 200:
                got["failed"] += 1
                print(answer.status, url.rpartition("/")[2], file=sys.stderr, flush=True)
            return data

    await get(address)
    due = time.monotonic()
    while due < until:
        for kind in PLAYLISTS:
            playlist = urljoin(address, f"hall/{kind}.m3u8")
            names = _names((await get(playlist)).decode())
            for name in [name for name in names if name not in seen][-4:]:
                await get(urljoin(playlist, name))
            seen.update(names)
        due += EVERY
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _view_all(address: str, count: int, seconds: float) -> dict[str, int]:
    import aiohttp

    got = {"requests": 0, "bytes": 0, "failed": 0}
    until = time.monotonic() + seconds
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        print(flush=True)
        await asyncio.gather(*(_view(session, address, until, EVERY * n / count, got) for n in range(count)))
    return got


if __name__ == "__main__":
    import uvloop

    print(json.dumps(uvloop.run(_view_all(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))), flush=True)
