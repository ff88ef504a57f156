"""A class on a whole school as `school up` runs it, in Chromium: a trainer's desk, a member by WHEP and one by HLS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import requests
from playwright.sync_api import Browser, Error, Page, expect

import actors
import live_kit
import services
from actors import PASSWORD, Cast
from packager_kit import rows_of
from relay_kit import until
from school.core.db import Database
from school.core.settings import Settings, dump
from school.live.models import LiveAttendance, LiveClass, LiveState
from school.media.models import Stream
from school.media.queries import timeline

SEGMENT_MS = 2_000
PATIENCE_MS = 40_000  # three pages encode and decode in software
# A camera as the cheapest phone has it; and every time a picture stood still for
# more than 0.7 s: [since when, how long] by the page's clock.
INIT = """
const media = navigator.mediaDevices;
const camera = media.getUserMedia.bind(media);
const small = { width: 640, height: 360, frameRate: 15 };
media.getUserMedia = (wanted) => camera({ ...wanted, ...(wanted.video && { video: small }) });
window.stood = [];
window.moved = 0;
const shown = new WeakMap();
setInterval(() => {
  let moves = false;
  for (const video of document.querySelectorAll('video')) {
    const { totalVideoFrames: frames } = video.getVideoPlaybackQuality();
    moves ||= frames > (shown.get(video) ?? 0);
    shown.set(video, frames);
  }
  if (!moves) return;
  if (moved && Date.now() - moved > 700) stood.push([moved, Date.now() - moved]);
  moved = Date.now();
}, 50);
"""


@dataclass
class Taught:
    """A class that is on. `near` watches by WHEP, `phone` by HLS; both were there before it began."""

    settings: Settings
    db: Database
    cast: Cast
    class_id: int
    supervisor: psutil.Process
    desk: Page
    near: Page
    phone: Page

    @property
    def stream_id(self) -> int:
        with self.db.read() as s:
            return s.get_one(LiveClass, self.class_id).stream_id or 0

    def publishing(self) -> bool:
        """Whether the trainer's camera reaches the relay."""
        answer = self._ask(f"{self.settings.relay_port}/streams/{self.stream_id}")
        return answer is not None and bool(answer.get("sources", {}).get("camera", {}).get("live"))

    def health(self, part: str) -> dict[str, Any] | None:
        """What `relay` or `packager` says of itself; None while it is not there."""
        return self._ask(f"{getattr(self.settings, part + '_port')}/health")

    def _ask(self, where: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = requests.get(f"http://127.0.0.1:{where}", timeout=2).json()
        except requests.RequestException:
            return None
        return found

    def kill(self, part: str) -> float:
        """kill -9 whoever works as `relay` or `packager`, not the parent that keeps it; when that was."""
        parents = [one for one in self.supervisor.children() if f"media_worker.{part}" in one.cmdline()]
        until(lambda: [child for parent in parents for child in parent.children()])[0].send_signal(signal.SIGKILL)
        return time.time()

    def calm(self, *pages: Page) -> None:
        """Until the pictures of all `pages` have moved without a standstill for five seconds."""
        quiet = "() => Date.now() - moved < 500 && !stood.some(([at, ms]) => at + ms > Date.now() - 5000)"
        for page in pages:
            try:
                page.wait_for_function(quiet, timeout=60_000)
            except Error as error:
                videos = "() => [...document.querySelectorAll('video')].map((v) => [v.currentTime, v.readyState, v.networkState, v.buffered.length && v.buffered.start(0), v.buffered.length && v.buffered.end(v.buffered.length - 1)])"
                raise AssertionError(f"stands still: {page.evaluate(videos)}, {page.inner_text('#says')}") from error

    def end(self) -> dict[str, Any]:
        """End the class at the desk; what was recorded, its holes between runs, and what everybody was counted, in ms."""
        self.desk.click("[data-act=end]")
        self.desk.click("#ask-dialog button[value=yes]")
        until(lambda: self._settled(), 60, "settled")
        with self.db.read() as s:
            stream = s.get_one(Stream, self.stream_id)
            length_ms = timeline(s, stream.timeline_id or 0).length_ms
            rows = list(s.scalars(rows_of(stream.timeline_id or 0, "source")))
            counted = [
                s.get_one(LiveAttendance, (self.class_id, actor.member_id)).counted_ms
                for actor in (self.cast.member, self.cast.outsider)
            ]
        holes = [
            now.wall_ms - before.wall_ms - before.length_us // 1000
            for before, now in pairwise(rows)
            if now.run != before.run
        ]  # another picture size is a new run too, without a hole
        return {
            "recorded_ms": length_ms,
            "numbers_whole": [row.number for row in rows] == list(range(len(rows))),
            "holes_ms": [hole for hole in holes if hole > 100],
            "counted_ms": counted,
            "counted_right": all(abs(length_ms - one) <= 1_000 for one in counted),
        }

    def _settled(self) -> bool:
        with self.db.read() as s:
            return s.get_one(LiveClass, self.class_id).settled_at is not None


def stood_ms(page: Page, since: float) -> int:
    """The longest standstill of the page's picture that was not over by `since` (seconds)."""
    found: int = page.evaluate(
        "(since) => Math.max(0, ...stood.filter(([at, ms]) => at + ms > since).map(([, ms]) => ms))", since * 1000
    )
    return found


@contextmanager
def taught(folder: Path, *, port: int = 0, trainers_port: int = 0) -> Iterator[Taught]:
    """A class five seconds old. The trainer comes in by `trainers_port` when that is another one than the school's."""
    settings = Settings(
        data=folder / "data", host="127.0.0.1", port=port or services.free_port(), media_workers=0,
        relay_port=services.free_port(), packager_port=services.free_port(), live_advertise="127.0.0.1",
    )  # fmt: skip
    log = folder / "up.log"
    with log.open("wb") as out:
        up = subprocess.Popen(
            [sys.executable, "-m", "school", "up", "--no-demo"], stdout=out, stderr=out,
            env={**os.environ, **dump(settings)},
        )  # fmt: skip
    try:
        until(lambda: "已经打开" in log.read_text(), 120, "school up")
        db = Database(settings.db_url)
        cast = actors.build(db)
        with db.write() as s:
            class_id = live_kit.make_class(s, cast, state=LiveState.APPROVED).id
        with services.chromium() as plain, services.chromium_with_camera(plain) as browser:
            expect.set_options(timeout=PATIENCE_MS)
            origin = f"http://127.0.0.1:{settings.port}"
            near = _page(browser, origin, cast.member.login, f"/live/{class_id}/room")
            phone = _page(browser, origin, cast.outsider.login, f"/live/{class_id}/room")
            desk = _page(
                browser, f"http://127.0.0.1:{trainers_port or settings.port}", "trainer", f"/live/{class_id}/desk"
            )
            phone.locator("#mode").evaluate(
                "(mode) => { mode.value = 'smooth'; mode.dispatchEvent(new Event('change')); }"
            )
            desk.click("#try")
            expect(desk.locator("#level-t")).not_to_be_empty()
            desk.click("[data-act=start]")
            desk.click("#ask-dialog button[value=yes]")
            here = Taught(settings, db, cast, class_id, psutil.Process(up.pid), desk, near, phone)
            expect(near.locator("#camera.big")).to_be_visible()
            expect(phone.locator("#hall.big")).to_be_visible()
            here.calm(near, phone)
            yield here
        db.close()
    except Exception:
        print(log.read_text()[-6000:], file=sys.stderr)  # what the school said; the folder goes with us
        raise
    finally:
        services.stop(up)


def _page(browser: Browser, origin: str, login: str, path: str) -> Page:
    """A signed-in page of a fresh browser at `path`."""
    context = browser.new_context(base_url=origin, locale="zh-CN", permissions=["camera", "microphone"])
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(INIT)
    page = context.new_page()
    page.goto("/sign-in")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/")
    page.goto(path)
    return page
