"""A live class from the schedule to the training files, in Chromium: on one PC, and on two web processes and two relays.

A trainer with a camera and a shared screen teaches; one member watches with almost no delay, one on a phone by HLS; one
comes late and makes up on the replay what was missed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from test_roof_up import running

import relay_kit
import services
from packager_kit import packager
from patience import PATIENCE_S, until
from school import demo
from school.core.db import Database
from school.core.keys import load_keys
from school.core.settings import Settings, dump
from school.core.store import open_store
from school.core.time import now
from school.demo.people import PASSWORD
from school.live.models import LiveAttendance, LiveClass
from school.org.models import Account
from school.records.models import StudyHourEntry

__all__ = ["running"]

TITLE = "冬季果园管理三件事"
PHONE = {"width": 390, "height": 844}
EARLY_MS, WHOLE_MS = 16_000, 45_000  # when the late member comes, and when the class ends
# A camera as the cheapest phone has it: the machine encodes and decodes everything in software, for all these pages.
SMALL = """
const media = navigator.mediaDevices;
const small = { width: 640, height: 360, frameRate: 15 };
const camera = media.getUserMedia.bind(media);
media.getUserMedia = (wanted) => camera({ ...wanted, ...(wanted.video && { video: small }) });
const screen = media.getDisplayMedia.bind(media);
media.getDisplayMedia = () => screen({ video: small, audio: false });
"""


@dataclass(frozen=True)
class Place:
    """A running school: where the trainer and where the members go in, and its database."""

    trainers: str
    members: str
    db: Database


@pytest.fixture
def one_pc(running: tuple[subprocess.Popen[bytes], str, Path]) -> Iterator[Place]:
    _process, origin, log = running
    until(lambda: "已经打开" in log.read_text())
    db = Database(f"sqlite:///{log.parent / 'data' / 'school.db'}")
    yield Place(origin, origin, db)
    db.close()


@contextmanager
def clock(settings: Settings, log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "school", "clock"], env={**os.environ, **dump(settings)}, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
        try:
            yield
        finally:
            services.kill(process)


@pytest.fixture
def several(
    pg_database: Callable[..., str], s3_server: services.S3Server, redis_url: str, tmp_path: Path,
    live_server: Callable[..., services.LiveServer],
) -> Iterator[Place]:  # fmt: skip
    """PostgreSQL, S3, Redis, a clock, two web processes, and two relays each with its packager."""
    settings = s3_server.settings(
        "school-live-story", Settings(data=tmp_path / "data", database_url=pg_database(), redis_url=redis_url)
    )
    settings = replace(settings, live_advertise="127.0.0.1")
    open_store(settings).prepare()
    db = Database(settings.db_url)
    demo.fill(db, load_keys(settings), settings, say=lambda _text: None)
    with ExitStack() as parts:
        parts.enter_context(clock(settings, tmp_path / "clock.log"))
        for node in ("a", "b"):
            mine = replace(
                settings, live_node=node, relay_port=services.free_port(), packager_port=services.free_port()
            )
            parts.enter_context(relay_kit.relay(mine, relay_port=mine.relay_port))
            parts.enter_context(packager(mine, tmp_path / f"packager-{node}.log"))
        yield Place(live_server(settings).url, live_server(settings).url, db)
    db.close()


@pytest.fixture
def sign_in(camera_browser: Browser) -> Iterator[Callable[..., Page]]:
    """`sign_in(origin, login)`: a page of a fresh browser in which that demo account is signed in."""
    opened: list[BrowserContext] = []

    def enter(origin: str, login: str, viewport: dict[str, int] | None = None) -> Page:
        context = camera_browser.new_context(
            base_url=origin, locale="zh-CN", viewport=viewport or {"width": 1280, "height": 900},
            permissions=["camera", "microphone"],
        )  # fmt: skip
        context.set_default_timeout(PATIENCE_S * 1000)
        context.add_init_script(SMALL)
        opened.append(context)
        page = context.new_page()
        page.goto("/sign-in")
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url("**/")
        return page

    yield enter
    for context in opened:
        context.close()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("place", ["one_pc", "several"])
def test_a_class_is_taught_counted_and_made_up(
    place: str, request: pytest.FixtureRequest, sign_in: Callable[..., Page]
) -> None:
    here: Place = request.getfixturevalue(place)
    trainer = sign_in(here.trainers, "linzhichun")
    class_id = schedule(trainer)
    approve(sign_in(here.members, "hechushu"), class_id)

    # ── before and at the beginning ──
    desk = trainer
    desk.goto(f"/live/{class_id}/desk")
    desk.click("#try")
    expect(desk.locator("#level-t")).not_to_be_empty()
    near = sign_in(here.members, "zhouguyu")
    near.goto(f"/live/{class_id}")
    near.get_by_role("link", name="先进来等").click()
    phone = sign_in(here.members, "wubailu", PHONE)
    phone.goto(f"/live/{class_id}/room")
    expect(phone.locator("#state")).to_have_text("还没有开始")
    desk.click("[data-act=start]")
    desk.click("#ask-dialog button[value=yes]")
    expect(desk.locator("#state")).to_contain_text("正在直播")
    began = here_ms()
    desk.click("#s-screen")
    moves(near, "screen")
    moves(near, "camera")
    phone.locator("#mode").select_option("smooth")
    moves(phone, "hall")

    # ── they talk, vote and speak ──
    near.fill("#say", "老师，冬肥什么时候施？")
    near.press("#say", "Enter")
    expect(phone.locator("#chat")).to_contain_text("冬肥什么时候施")
    poll(desk, [near, phone])
    late = sign_in(here.members, "maxiazhi")
    while here_ms() - began < EARLY_MS:
        late.wait_for_timeout(200)
    late.goto(f"/live/{class_id}/room")
    expect(late.locator("#chat")).to_contain_text("冬肥什么时候施")  # who comes late reads what was said
    missed_s = (here_ms() - began) / 1000
    near.get_by_role("button", name="请求发言").first.click()
    desk.locator("#hands").get_by_role("button", name="请发言").click()
    near.get_by_role("button", name="打开话筒发言").click()
    expect(near.locator("#speaking")).to_contain_text("大家听得到您")
    near.get_by_role("button", name="结束发言").last.click()
    expect(near.locator("#speaking")).to_be_hidden()
    while here_ms() - began < WHOLE_MS:
        late.wait_for_timeout(200)
    desk.click("[data-act=end]")
    desk.click("#ask-dialog button[value=yes]")
    desk.wait_for_url(re.compile(rf"/live/{class_id}$"))

    # ── the replay is there, with what was said and done ──
    near.get_by_role("link", name="看回放").click()
    near.click("#resume")
    near.wait_for_function("() => document.getElementById('video').readyState >= 2")
    expect(near.locator("main")).to_contain_text("冬肥什么时候施")
    expect(near.locator("main")).to_contain_text("今年施过几次？")

    # ── everybody is counted; the late one lacks the beginning ──
    def row(login: str) -> LiveAttendance | None:
        with here.db.read() as s:
            return s.scalar(
                sa.select(LiveAttendance)
                .join(Account, Account.member_id == LiveAttendance.member_id)
                .where(LiveAttendance.class_id == class_id, Account.login == login)
            )

    until(lambda: row("maxiazhi"))
    for login in ("zhouguyu", "wubailu"):
        until(lambda login=login: hours(here.db, login, class_id) == 25, what=f"the hours of {login}: {row(login)}")
    missed = row("maxiazhi")
    assert missed is not None
    assert not missed.met
    assert missed.makeup_until is not None
    assert missed.counted_ms > 0
    assert hours(here.db, "maxiazhi", class_id) == 0

    # ── what was missed is made up on the replay, and only that ──
    late.goto(f"/live/{class_id}/replay")
    until(lambda: covered(late) > 0)
    late.click("#resume")
    until(lambda: hours(here.db, "maxiazhi", class_id) == 25, missed_s + PATIENCE_S, "made up, second by second")
    late.goto("/record")
    expect(late.locator("main")).to_contain_text(TITLE)
    desk.goto(f"/live/{class_id}/report")
    expect(desk.locator("main")).to_contain_text("今年施过几次？")
    with here.db.read() as s:
        lines = s.scalars(
            sa.select(StudyHourEntry).where(StudyHourEntry.source_kind == "live", StudyHourEntry.source_id == class_id)
        ).all()
        assert all(line.mode == "online" and line.hours_100 == 25 for line in lines)
        assert len({line.member_id for line in lines}) == len(lines) == 3


def schedule(trainer: Page) -> int:
    """The trainer writes the class and sends it to review; its number."""
    soon = (now() + timedelta(minutes=20)).astimezone(ZoneInfo("Asia/Shanghai"))
    trainer.goto("/live/new")
    trainer.fill("input[name=title]", TITLE)
    trainer.fill("input[name=day]", soon.strftime("%Y-%m-%d"))
    trainer.fill("input[name=time]", soon.strftime("%H:%M"))
    trainer.fill("input[name=minutes]", "30")
    trainer.fill("input[name=hours]", "0.25")
    trainer.check("input[name=chat][value=open]")
    trainer.click("main form button[type=submit]")
    trainer.wait_for_url(re.compile(r"/live/\d+/edit"))
    found = re.search(r"/live/(\d+)/", trainer.url)
    assert found
    trainer.get_by_role("button", name="送审").click()
    expect(trainer.locator("main")).to_contain_text("正在等待另一位同志审核")
    return int(found[1])


def approve(reviewer: Page, class_id: int) -> None:
    reviewer.goto(f"/live/{class_id}")
    with reviewer.expect_navigation():
        reviewer.get_by_role("button", name="通过").click()
    reviewer.close()


def moves(page: Page, layer: str) -> None:
    """The picture of `layer` is shown and goes on."""
    expect(page.locator(f"#{layer}")).to_be_visible()
    page.wait_for_function(
        """async (layer) => {
          const video = document.querySelector(`#${layer} video`);
          const before = video.currentTime;
          await new Promise((done) => setTimeout(done, 400));
          return video.videoWidth > 0 && video.currentTime > before + 0.2;
        }""",
        arg=layer,
    )


def poll(desk: Page, voters: list[Page]) -> None:
    """A vote, opened, given and closed."""
    desk.get_by_role("button", name="发起投票").click()
    desk.fill("#poll-q", "今年施过几次？")
    desk.fill("#option-1", "没有")
    desk.fill("#option-2", "一次")
    desk.click("#poll-go")
    for page in voters:
        card: Locator = page.locator("#poll")
        card.get_by_role("radio", name="一次").click()
        card.get_by_role("button", name="提交").click()
    expect(desk.locator("#poll")).to_contain_text(f"{len(voters)} 人已投")
    desk.locator("#poll").get_by_role("button", name="结束").click()
    for page in voters:
        expect(page.locator("#poll")).to_contain_text("投票已结束")


def covered(page: Page) -> int:
    """Credited seconds as the replay says them; 0 before it says anything."""
    minutes, _, seconds = page.locator("[data-sum=yes]").inner_text().partition(":")
    return int(minutes or 0) * 60 + int(seconds or 0)


def hours(db: Database, login: str, class_id: int) -> int:
    """Hundredths of hours of the class in the ledger of this account's member."""
    with db.read() as s:
        found = s.scalar(
            sa.select(sa.func.sum(StudyHourEntry.hours_100))
            .join(Account, Account.member_id == StudyHourEntry.member_id)
            .where(Account.login == login, StudyHourEntry.source_kind == "live", StudyHourEntry.source_id == class_id)
        )
        assert s.get(LiveClass, class_id) is not None
    return int(found or 0)


def here_ms() -> int:
    return round(now().timestamp() * 1000)
