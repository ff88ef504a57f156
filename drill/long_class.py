"""An hour of class on real processes: nobody's memory may grow, nothing recorded may be missing, and everybody is counted."""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import requests

import live_kit
import relay_kit
import services
from packager_kit import packager
from school.live import running, settle
from school.live.models import LiveAttendance, LiveClass
from school.media import queries
from school.media.models import Stream
from sockets_kit import room, school

MINUTES = 60
LOOK_S = 15.0  # between two looks at everybody's memory
SETTLED = 0.25  # of the class: what a process has then it may keep
GROWTH = 0.10  # more than that at the end is a leak
SPARE_MB = 16


def _megabytes(pid: int) -> float:
    """Memory of a process and what it started, MB."""
    whole = psutil.Process(pid)
    return sum(each.memory_info().rss for each in (whole, *whole.children(recursive=True))) / 1e6


def _hall(url: str, stop: threading.Event, troubles: list[str]) -> None:
    """One more who watches by HLS: the playlist every other second, and its newest segment."""
    while not stop.wait(2):
        try:
            playlist = requests.get(f"{url}/hall/video.m3u8", timeout=10)
            playlist.raise_for_status()
            newest = [line for line in playlist.text.splitlines() if line and not line.startswith("#")][-1]
            requests.get(f"{url}/hall/{newest}", timeout=10).raise_for_status()
        except (requests.RequestException, IndexError) as trouble:
            troubles.append(str(trouble)[:120])


def run(minutes: float = MINUTES) -> dict[str, Any]:
    """ffmpeg teaches; two watch by WHEP, one by HLS, two talk in the room; memory is looked at all the while."""
    with tempfile.TemporaryDirectory() as name, school(Path(name)) as (server, db, cast), relay_kit.loop() as loop:
        with db.write() as s:
            class_id = live_kit.make_class(s, cast, minutes=round(minutes)).id
            live = s.get_one(LiveClass, class_id)
            stream_id = live.stream_id or 0
        settings = replace(server.settings, packager_port=services.free_port())
        looks: dict[str, list[float]] = {"web": [], "relay": [], "packager": []}
        troubles: list[str] = []
        stop = threading.Event()
        with (
            relay_kit.relay(settings) as relay,
            packager(settings, Path(name) / "packager.log") as packs,
            room(server.settings, db, server.url, class_id) as people,
            relay_kit.publish_ffmpeg(
                f"{relay.url}/whip/{stream_id}", relay.token(stream_id, "publish", cast.trainer.account_id),
                seconds=minutes * 60 + 120,
            ),
        ):  # fmt: skip
            relay_kit.until(lambda: requests.get(f"{packs.url}/hls/{stream_id}/hall.m3u8", timeout=5).ok, 30)
            began = time.time()
            watchers = [
                relay_kit.Watcher(f"{relay.url}/whep/{stream_id}", relay.token(stream_id, "watch", n), loop)
                for n in (1, 2)
            ]
            assert all(watcher.connect() for watcher in watchers)
            guests = [people.enter(cast.member), people.enter(cast.outsider)]
            threading.Thread(target=_hall, args=(f"{packs.url}/hls/{stream_id}", stop, troubles), daemon=True).start()
            said = 0
            while time.time() - began < minutes * 60:
                time.sleep(LOOK_S)
                said += guests[said % 2].send("say", {"key": f"k{said}", "text": f"第 {said} 句"}).get("ok", False)
                for part, process in (("web", server.process), ("relay", relay.process), ("packager", packs.process)):
                    assert process is not None
                    looks[part].append(_megabytes(process.pid))
            pictures = [sum(map(len, watcher.seen)) for watcher in watchers]
            fresh = [max(seen[-1].arrived for seen in watcher.seen if seen) for watcher in watchers]
            alive = all(time.time() - at < 2 for at in fresh)
            with db.write() as s:
                running.end(s, cast.trainer.person, class_id)
            relay_kit.until(lambda: _finished(db, stream_id), 30)
            stop.set()
        settle.settle_due(db, settings)
        with db.read() as s:
            stream = s.get_one(Stream, stream_id)
            timeline = queries.timeline(s, stream.timeline_id or 0)
            attendance = s.get_one(LiveAttendance, (class_id, cast.member.member_id))
            runs = len(queries.runs(s, timeline.id))
        grown = {part: _growth(seen) for part, seen in looks.items()}
        taught_ms = (time.time() - began) * 1000
        missing_ms = minutes * 60_000 - timeline.length_ms
        return {
            "holds": all(grew <= GROWTH for grew in grown.values()) and alive and runs == 1 and not troubles
            and missing_ms < 4_000 and attendance.met,
            "minutes": minutes,
            "memory_mb": {part: [round(seen[0]), round(seen[len(seen) // 4]), round(seen[-1])] for part, seen in looks.items()},
            "grown": {part: round(grew, 3) for part, grew in grown.items()},
            "recorded_ms": timeline.length_ms,
            "taught_ms": round(taught_ms),
            "runs": runs,
            "counted_ms": attendance.counted_ms,
            "said": said,
            "frames_watched": pictures,
            "hall_troubles": troubles[:5],
        }  # fmt: skip


def _finished(db: Any, stream_id: int) -> bool:
    with db.read() as s:
        return s.get_one(Stream, stream_id).finished_at is not None


def _growth(seen: list[float]) -> float:
    """How much more than at a quarter of the class there is at its end, as a share, above what may come and go."""
    start, end = seen[int(len(seen) * SETTLED)], seen[-1]
    return max(0.0, (end - start - SPARE_MB) / start)
