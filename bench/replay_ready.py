"""Seconds from "end" to the replay's first frame in Chromium, after a class of BENCH_MINUTES (default 10).

Real processes: relay, packager, web and clock; ffmpeg publishes 720p by WHIP. The member's browser goes to the replay the
moment the class ends, as the room does, and presses play as soon as it can.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.harness import Goal, Measured

GOAL = Goal(5.0, "s")
MINUTES = float(os.environ.get("BENCH_MINUTES", "10"))
PATIENCE_S = 60
SHOWN = "() => { const video = document.getElementById('video'); return video && video.videoWidth > 0 && video.currentTime > 0; }"


def measure() -> Measured:
    """Seconds to the first frame; beside it, until the recording was closed and until everybody was counted."""
    import actors
    import live_kit
    import packager_kit
    import relay_kit
    import services
    from school.core.db import Database
    from school.core.settings import Settings, dump
    from school.core.store import open_store
    from school.core.time import now
    from school.live.models import LiveClass, LivePresence, LiveState
    from school.media.models import Stream, Timeline
    from school.tables import Base

    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        ports = {key: services.free_port() for key in ("port", "relay_port", "packager_port")}
        settings = Settings(data=folder / "data", host="127.0.0.1", live_advertise="127.0.0.1", **ports)
        settings.data.mkdir()
        open_store(settings).prepare()
        db = Database(settings.db_url)
        stack.callback(db.close)
        Base.metadata.create_all(db.engine)
        cast = actors.build(db)
        with db.write() as s:
            live = live_kit.make_class(s, cast, state=LiveState.LIVE)
            began_ms, stream_id = live.started_ms or 0, live.stream_id or 0
        relay = stack.enter_context(relay_kit.relay(settings, relay_port=settings.relay_port))
        stack.enter_context(packager_kit.packager(settings, folder / "packager.log"))
        web = services.LiveServer(replace(settings), folder / "web.log")
        web.start()
        stack.callback(web.kill)
        clock = subprocess.Popen(
            [sys.executable, "-m", "school", "clock"], env={**os.environ, **dump(settings)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            cwd=Path(__file__).parent.parent,
        )  # fmt: skip
        stack.callback(lambda: services.kill(clock))
        browser = stack.enter_context(services.chromium())
        pages = {who: browser.new_context(locale="zh-CN").new_page() for who in ("trainer", "member")}
        for who, page in pages.items():
            page.goto(f"{web.url}/sign-in")
            page.fill("[name=login]", cast[who].login)
            page.fill("[name=password]", actors.PASSWORD)
            page.click("main button[type=submit]")
            page.wait_for_url(lambda url: "/sign-in" not in url)
            page.goto(f"{web.url}/live/{live.id}")
        token = relay.token(stream_id, "publish")
        length = MINUTES * 60
        stack.enter_context(
            relay_kit.publish_ffmpeg(
                f"{relay.url}/whip/{stream_id}", token, seconds=length + 120, size="1280x720", rate=30, kbps=1500
            )
        )
        time.sleep(length)
        with db.write() as s:  # the room is not what is measured: the member was there all the time
            seen_ms = round(time.time() * 1000)
            s.add(LivePresence(class_id=live.id, member_id=cast.member.member_id, entered_ms=began_ms, seen_ms=seen_ms))
        token = pages["trainer"].get_attribute("meta[name=csrf-token]", "content") or ""
        began = time.monotonic()
        ended = pages["trainer"].request.post(f"{web.url}/live/{live.id}/end", headers={"X-CSRFToken": token, "Accept": "application/json"})  # fmt: skip
        assert ended.ok, ended.text()
        page = pages["member"]
        page.goto(f"{web.url}/live/{live.id}/replay", wait_until="commit")
        page.wait_for_selector("#play:enabled", timeout=PATIENCE_S * 1000)  # its script is there
        page.click("#resume", timeout=PATIENCE_S * 1000)
        while not page.evaluate(SHOWN):
            assert time.monotonic() - began < PATIENCE_S, page.locator("#says").inner_text()
            page.wait_for_timeout(50)
        first_frame = time.monotonic() - began
        after: dict[str, float] = {}
        while len(after) < 2 and time.monotonic() - began < PATIENCE_S:
            with db.read() as s:
                if s.get_one(Stream, stream_id).finished_at is not None:
                    after.setdefault("closed_s", round(time.monotonic() - began, 2))
                if s.get_one(LiveClass, live.id).settled_at is not None:
                    after.setdefault("settled_s", round(time.monotonic() - began, 2))
            time.sleep(0.1)
        with db.read() as s:
            recorded = s.get_one(Timeline, s.get_one(Stream, stream_id).timeline_id)
            run: dict[str, Any] = {"first_frame_s": round(first_frame, 2), **after, "recorded_s": round(recorded.length_ms / 1000, 1)}  # fmt: skip
    sound = run["recorded_s"] > 0.95 * length - 15 and "settled_s" in after
    return Measured(round(first_frame, 2), [run], sound=sound, notes={"minutes": MINUTES, "at": now().isoformat()})
