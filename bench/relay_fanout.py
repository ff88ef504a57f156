"""CPU of the relay for each WebRTC viewer, beside Janus 1.1.2 (streaming plugin, event_loops=2), with 100 viewers of 720p30.

Both get the same film from ffmpeg without encoding and serve the same process of viewers, whose ICE and DTLS are real.
All of it runs in a network of its own (Janus refuses loopback), so it needs root and `unshare`.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.harness import Goal, Measured, ahead, ffmpeg, process_cpu, quiet
from school.core.db import Database
from school.core.settings import Settings
from school.media import streams
from school.media.models import StreamState
from school.tables import Base

GOAL = Goal(1.0, "× Janus")
GSO_GOAL = 0.6
VIEWERS = int(os.environ.get("BENCH_VIEWERS", "100"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "10"))  # of each measured run
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SIDES = ("ours", "ours with GSO", "janus")
SETTLE = 3  # seconds after the last viewer has connected
ADDRESS = "10.9.9.1"
JANUS = {
    "janus.jcfg": """
general: {{ configs_folder = "{folder}"
 plugins_folder = "{library}/plugins"
 transports_folder = "{library}/transports"
 events_folder = "{library}/events"
 loggers_folder = "{library}/loggers"
 interface = "127.0.0.1"
 debug_level = 2
 event_loops = 2
 admin_secret = "bench"
}}
media: {{ rtp_port_range = "20000-30000" }}
nat: {{ full_trickle = false
 ice_enforce_list = "school0" }}
plugins: {{ disable = "{other_plugins}" }}
transports: {{ disable = "{other_transports}" }}
events: {{ broadcast = false }}
""",
    "janus.plugin.streaming.jcfg": """
live: {{ type = "rtp"
 id = 1
 audio = true
 video = true
 audioport = 15002
 audiopt = 111
 audiocodec = "opus"
 videoport = 15004
 videopt = 102
 videocodec = "h264"
 videofmtp = "profile-level-id=42e01f;packetization-mode=1"
}}
""",
    "janus.transport.http.jcfg": """
general: {{ json = "plain"
 base_path = "/janus"
 http = true
 port = 18088
 ip = "127.0.0.1"
 https = false }}
admin: {{ admin_http = false }}
""",
}


def measure() -> Measured:
    """Start again in a network of our own, and read there what was found."""
    if shutil.which("janus") is None:
        raise SystemExit("relay-fanout needs its peer: apt-get install janus (1.1.2, Debian 12)")
    if shutil.which("unshare") is None or os.getuid() != 0:
        raise SystemExit("relay-fanout needs root and unshare: it runs in a network of its own")
    inside = subprocess.run(
        ["unshare", "-n", sys.executable, "-m", "bench.relay_fanout"], stdout=subprocess.PIPE, check=True, text=True
    )
    runs: list[dict[str, Any]] = json.loads(inside.stdout.splitlines()[-1])

    cost = {side: statistics.median(run["ms_per_viewer"] for run in runs if run["side"] == side) for side in SIDES}
    sound = {side: all(run["sound"] for run in runs if run["side"] == side) for side in SIDES}
    gso = cost["ours with GSO"] / cost["janus"]
    notes = {
        "ratio_gso": round(gso, 3),
        "goal_gso": GSO_GOAL,
        "holds_gso": sound["ours with GSO"] and sound["janus"] and gso <= GSO_GOAL,
        "ms_per_viewer": cost,
        "viewers_per_core": {side: round(1000 / each) for side, each in cost.items()},
        "viewers": VIEWERS,
        "sound": sound,
    }
    return Measured(cost["ours"] / cost["janus"], runs, sound=sound["ours"] and sound["janus"], notes=notes)


# ── inside the network ────────────────────────────────


def inside() -> list[dict[str, Any]]:
    ahead()  # publisher, server and viewers: whoever of them starves, packets are lost
    ip = ["ip", "link"]
    quiet([*ip, "set", "lo", "up"])
    for kind in ("dummy", "ifb"):
        if subprocess.run([*ip, "add", "school0", "type", kind], capture_output=True).returncode == 0:
            break
    quiet(["ip", "addr", "add", f"{ADDRESS}/24", "dev", "school0"])
    quiet([*ip, "set", "school0", "up"])
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        film = _film(folder)
        for number in range(ROUNDS):
            for side in SIDES if number % 2 == 0 else reversed(SIDES):
                if side == "janus":
                    runs.append(_janus(folder / f"janus-{number}", film))
                else:
                    runs.append(_ours(folder / f"{side}-{number}".replace(" ", "-"), film, side))
                print(runs[-1], file=sys.stderr, flush=True)
    return runs


def _film(folder: Path) -> Path:
    """Twenty seconds of 720p30 at 1.6 Mbit/s with sound, encoded once."""
    film = folder / "film.mkv"
    quiet([
        ffmpeg(), "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30,noise=alls=8:allf=t", "-f", "lavfi", "-i",
        "sine=440:r=48000", "-t", "20", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-profile:v", "baseline", "-bf", "0",
        "-preset", "ultrafast", "-tune", "zerolatency", "-g", "60", "-b:v", "1550k", "-maxrate", "1550k", "-bufsize", "800k",
        "-c:a", "libopus", "-b:a", "48k", "-ac", "2", film,
    ])  # fmt: skip
    return film


def _ours(data: Path, film: Path, side: str) -> dict[str, Any]:
    from relay_kit import relay

    data.mkdir()
    settings = Settings(data=data)
    db = Database(settings.db_url)
    Base.metadata.create_all(db.engine)
    with db.write() as s:
        stream = streams.open_stream(s)
        stream.state = StreamState.LIVE
        stream_id = stream.id
    settings = replace(settings, live_gso=side != "ours", live_seats=2 * VIEWERS)
    with relay(settings, live_advertise=ADDRESS) as running:
        feed = ["-c", "copy", "-f", "whip", "-authorization", running.token(stream_id, "publish"),
                f"{running.url}/whip/{stream_id}"]  # fmt: skip
        assert running.process is not None
        job = {
            "kind": "whep", "url": f"{running.url}/whep/{stream_id}",
            "tokens": [running.token(stream_id, "watch", 100 + n) for n in range(VIEWERS)],
        }  # fmt: skip
        with _feeding(film, feed):
            return _served(side, running.process.pid, job)


def _janus(folder: Path, film: Path) -> dict[str, Any]:
    import services

    library = next(Path("/usr/lib").glob("*/janus"))
    folder.mkdir()
    for name, text in JANUS.items():
        others = {
            key: ",".join(one.name for one in (library / key).glob("*.so") if wanted not in one.name)
            for key, wanted in (("plugins", "streaming"), ("transports", "http"))
        }
        (folder / name).write_text(
            text.format(
                folder=folder, library=library, other_plugins=others["plugins"], other_transports=others["transports"]
            )
        )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["janus", "-F", folder, "-C", folder / "janus.jcfg"], stdout=log, stderr=log)
    try:
        services.wait_for_port(18088, process)
        rtp = "rtp://127.0.0.1:{port}?pkt_size=1200"
        feed = [
            "-map", "0:a", "-c", "copy", "-f", "rtp", "-payload_type", "111", rtp.format(port=15002),
            "-map", "0:v", "-c", "copy", "-bsf:v", "h264_mp4toannexb", "-f", "rtp", "-payload_type", "102",
            rtp.format(port=15004),
        ]  # fmt: skip
        with _feeding(film, feed):
            job = {"kind": "janus", "url": "http://127.0.0.1:18088/janus", "tokens": [""] * VIEWERS}
            return _served("janus", process.pid, job)
    finally:
        services.stop(process)


@contextmanager
def _feeding(film: Path, target: list[str]) -> Iterator[None]:
    command = [ffmpeg(), "-v", "error", "-re", "-stream_loop", "-1", "-i", str(film), *target]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(2)
        yield
    finally:
        process.kill()
        process.wait()


def _served(side: str, pid: int, job: dict[str, Any]) -> dict[str, Any]:
    """The server's CPU while every viewer is served, and what the viewers saw meanwhile."""
    swarm = subprocess.Popen(
        [sys.executable, Path(__file__).parent.parent / "tests" / "relay_swarm.py"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert swarm.stdin is not None
    assert swarm.stdout is not None
    try:
        swarm.stdin.write(json.dumps({**job, "address": ADDRESS, "seconds": SECONDS}) + "\n")
        swarm.stdin.flush()
        if swarm.stdout.readline().strip() != "connected":
            raise RuntimeError("the viewers did not connect")
        time.sleep(SETTLE)
        swarm.stdin.write("go\n")
        swarm.stdin.flush()
        cpu, wall = process_cpu(pid), time.monotonic()
        seen = json.loads(swarm.stdout.readline())
        cpu, wall = process_cpu(pid) - cpu, time.monotonic() - wall
        expected = seen["packets_per_s"] * seen["viewers"] * wall
        lost = max(0, seen["lost"]) / max(1, expected)
        return {
            "side": side, "sound": seen["unsound"] == 0 and lost < 0.01 and seen["kbps"] > 1200,
            "ms_per_viewer": round(cpu / wall / seen["viewers"] * 1000, 3), "lost_share": round(lost, 5), **seen,
        }  # fmt: skip
    finally:
        swarm.kill()
        swarm.communicate()


if __name__ == "__main__":
    print(json.dumps(inside()))
