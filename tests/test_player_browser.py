"""Watching in a real Chromium against the real web process: what was played counts once, whatever happens on the way."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from player_kit import LENGTH_MS, Clip, add_course, grow, make_clip, put_timeline
from playwright.sync_api import Page, Route, expect

import actors
from actors import PASSWORD, Actor, Cast
from school.core.db import Database
from school.core.keys import load_keys
from school.core.settings import Settings
from school.core.store import ObjectStore, open_store
from school.courses.models import CourseState, Lesson
from school.media import service as media
from school.records.models import (
    Coverage,
    HourPolicy,
    MemberYear,
    PlaySession,
    ReviewRequest,
    StudyDay,
    StudyHourEntry,
)
from services import LiveServer, free_port

pytestmark = pytest.mark.browser

# Milliseconds that a stretch may lose where playing begins or ends: one look at the clock, and the way there while the
# machine is busy with something else.
EDGE = 1_500


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return make_clip(tmp_path_factory.mktemp("clip"))


@dataclass
class Hall:
    """A running school with one published one-lesson course, and a member's page."""

    server: LiveServer
    store: ObjectStore
    db: Database
    cast: Cast
    course_id: int
    lesson_id: int

    @property
    def url(self) -> str:
        return f"{self.server.url}/courses/{self.course_id}/lessons/{self.lesson_id}"

    def coverage(self) -> Coverage | None:
        with self.db.read() as s:
            return s.query(Coverage).filter_by(member_id=self.cast.member.member_id).one_or_none()

    def covered(self) -> list[list[int]]:
        found = self.coverage()
        return found.intervals if found else []

    def rule(self, **changes: Any) -> None:
        """The policy that counts for members, with some numbers changed."""
        with self.db.write() as s:
            s.add(
                HourPolicy(
                    name="党员", audience="member", effective_from=date(2020, 1, 1), required_group_100=3200,
                    required_online_100=0, **{"check_every_ms": 0, **changes},
                )
            )  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, sqlite_tables: Path, clip: Clip) -> Iterator[Hall]:
    """One running school for all tests here; one database engine is enough, both count the same elsewhere."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copyfile(sqlite_tables, folder / "school.db")
    settings = Settings(
        data=folder / "data", database_url=f"sqlite:///{folder / 'school.db'}", host="127.0.0.1", port=free_port()
    )
    db, store = Database(settings.db_url), open_store(settings)
    store.prepare()
    cast = actors.build(db)
    asset_id = put_timeline(db, store, clip, cast.trainer.account_id)
    with db.write() as s:
        course = add_course(s, cast, [asset_id])
        course_id, lesson_id = course.id, course.lessons[0].id
    server = LiveServer(settings, folder / "web.log")
    server.start()
    yield Hall(server, store, db, cast, course_id, lesson_id)
    server.kill()
    db.close()


@pytest.fixture
def hall(house: Hall) -> Hall:
    """The school as if nobody had watched yet."""
    with house.db.write() as s:
        for table in (ReviewRequest, StudyHourEntry, MemberYear, PlaySession, Coverage, StudyDay, HourPolicy):
            s.connection().execute(table.__table__.delete())  # past the guard of the ledger, which is never emptied
    return house


@pytest.fixture
def faults(page: Page) -> Iterator[list[str]]:
    """Errors in the page's console; a test that expects some clears the list."""
    found: list[str] = []
    page.context.on("console", lambda line: found.append(line.text) if line.type == "error" else None)
    yield found
    assert found == []


def sign_in(page: Page, hall: Hall, actor: Actor) -> None:
    page.goto(f"{hall.server.url}/sign-in")
    page.fill("[name=login]", actor.login)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/sign-in" not in url)


@pytest.fixture
def seat(page: Page, hall: Hall, faults: list[str]) -> Page:
    """The member before the lesson; nothing plays yet."""
    sign_in(page, hall, hall.cast.member)
    page.goto(hall.url)
    expect(page.locator("#play")).to_be_enabled()
    return page


AT_SIXTEENFOLD = """() => new Promise((done) => {  // back in time by itself: the last ten seconds would last half of one
  const video = document.getElementById('video');
  video.playbackRate = 16;
  const look = setInterval(() => {
    if (video.currentTime < 45) return;
    clearInterval(look);
    video.playbackRate = 1;
    done();
  }, 10);
})"""


def now_ms(page: Page) -> float:
    at: float = page.evaluate("document.getElementById('video').currentTime * 1000")
    return at


def watch_until(page: Page, seconds: float) -> None:
    page.wait_for_function("at => document.getElementById('video').currentTime >= at", arg=seconds)


def clock(ms: float) -> str:
    """A place in the lesson as the page writes it."""
    return f"{int(ms) // 60_000}:{int(ms) // 1000 % 60:02}"


def pause(page: Page) -> float:
    """Press pause, wait until everything played is stored; where the picture stands, ms."""
    page.get_by_role("button", name="暂停").click()
    expect(page.locator("#saved")).to_contain_text("已保存")
    page.wait_for_function("() => !Object.keys(localStorage).some(key => key.startsWith('study.'))")
    return now_ms(page)


def one_stretch(covered: list[list[int]], start: float, end: float, *, most: float | None = None) -> None:
    """`covered` is one stretch from `start` to `end`, or further up to `most` where the picture ran on meanwhile.

    A seek may land a frame beside where it aimed.
    """
    assert all(after[0] - before[1] < 50 for before, after in pairwise(covered)), covered
    assert covered[0][0] <= start + EDGE, covered
    assert end - EDGE <= covered[-1][1] <= (most or end + 1), (covered, end)


def test_watching_counts_and_a_reload_in_the_middle_loses_nothing(seat: Page, hall: Hall) -> None:
    seat.get_by_role("button", name="开始学习").click()
    watch_until(seat, 6)
    seat.reload()
    go_on = seat.get_by_role("button", name=re.compile("^从 0:[0-5][0-9] 接着看$"))
    expect(go_on).to_be_enabled()
    stopped = re.search(r"0:(\d\d)", go_on.inner_text())
    assert stopped
    assert int(stopped[1]) >= 5
    go_on.click()
    watch_until(seat, int(stopped[1]) + 3)
    at = pause(seat)
    one_stretch(hall.covered(), 0, at)
    expect(seat.locator("[data-sum=no]")).to_have_text("0:00")
    found = hall.coverage()
    assert found is not None
    assert found.refused == []
    assert abs(found.position_ms - at) < EDGE
    expect(seat.get_by_role("slider", name="播放位置")).to_have_attribute("aria-valuetext", f"{clock(at)} / 1:00")


def test_without_network_the_picture_goes_on_and_everything_is_delivered_later(
    seat: Page, hall: Hall, faults: list[str]
) -> None:
    seat.route(re.compile(r"/0001[34]\.m4s$"), lambda route: route.abort())  # the last seconds never came in time
    seat.get_by_role("button", name="开始学习").click()
    watch_until(seat, 2)
    seat.wait_for_function(
        "() => { const b = document.getElementById('video').buffered; return b.end(b.length - 1) > 12; }"
    )
    seat.context.set_offline(True)
    watch_until(seat, 6)
    seat.keyboard.press("k")
    expect(seat.locator("#saved")).to_have_text("已存在本机，等待联网")
    seat.keyboard.press("k")
    watch_until(seat, 8)
    seat.get_by_role("slider", name="播放位置").fill("55")
    expect(seat.locator("#says")).to_have_text("网断了，连上后自动继续")
    seat.unroute_all()
    seat.context.set_offline(False)
    watch_until(seat, 57)
    at = pause(seat)
    assert len(hall.covered()) == 2, hall.covered()
    first, last = hall.covered()
    one_stretch([first], 0, 8_000, most=55_000)
    one_stretch([last], 55_000, at)
    faults.clear()  # the browser notes each request that found no network


def test_what_nobody_acknowledged_outlives_a_crash_and_goes_out_from_the_next_page(
    seat: Page, hall: Hall, faults: list[str]
) -> None:
    seat.context.route("**/study/claims", lambda route: route.abort())
    seat.get_by_role("button", name="开始学习").click()
    watch_until(seat, 6)
    at = now_ms(seat)
    seat.goto("about:blank")
    assert hall.covered() == []
    seat.context.unroute("**/study/claims")
    tries: list[Route] = []

    def lose_one(route: Route) -> None:
        tries.append(route)
        route.abort() if len(tries) == 1 else route.fallback()

    seat.context.route("**/study/claims", lose_one)  # the line comes back in pieces
    seat.goto(f"{hall.server.url}/courses")
    seat.wait_for_function("() => !Object.keys(localStorage).some(key => key.startsWith('study.'))")
    assert len(tries) > 1, "the page tried again by itself"
    one_stretch(hall.covered(), 0, at, most=LENGTH_MS)
    faults.clear()


def test_only_the_last_opened_page_earns_and_the_other_says_so(seat: Page, hall: Hall) -> None:
    seat.get_by_role("button", name="开始学习").click()
    watch_until(seat, 2)
    other = seat.context.new_page()
    other.goto(hall.url)
    other.get_by_role("slider", name="播放位置").fill("30")
    other.get_by_role("button", name="播放", exact=True).click()
    watch_until(other, 31)
    expect(seat.locator("#superseded")).to_contain_text("您在“Linux Chrome”上接着学习了。")
    at = now_ms(seat)
    seat.evaluate("document.getElementById('video').play()")  # somebody who helps with a script earns nothing either
    watch_until(seat, at / 1000 + 2)
    seat.evaluate("document.getElementById('video').pause()")
    there = pause(other)
    first, second = hall.covered()
    one_stretch([first], 0, 2_000, most=at + 1)
    one_stretch([second], 30_000, there)
    seat.get_by_role("button", name="在这里继续学习").click()
    expect(seat.locator("#superseded")).to_be_hidden()
    watch_until(seat, there / 1000 + 2)
    end = pause(seat)
    one_stretch(hall.covered()[1:], 30_000, end)
    expect(other.locator("#superseded")).to_be_visible()


def test_sixteenfold_speed_is_refused_with_its_reason_and_a_person_can_be_asked(seat: Page, hall: Hall) -> None:
    began = time.monotonic()
    seat.get_by_role("button", name="开始学习").click()
    watch_until(seat, 1)
    seat.evaluate(AT_SIXTEENFOLD)
    pause(seat)
    earned_ms = (time.monotonic() - began) * 1_500 + 1_000  # the usable speed is one and a half
    card = seat.locator("#reasons article")
    expect(card).to_contain_text("播放得比可计入的倍速快")
    found = hall.coverage()
    assert found is not None
    assert found.covered_ms < earned_ms  # however long this machine took to play so fast
    assert sum(end - start for start, end, _ in found.refused) > 40_000 - earned_ms
    card.get_by_role("button", name="申请复核").click()
    card.get_by_label("请说明当时的情况").fill("电脑卡住了，画面自己跳过去的。")
    card.get_by_role("button", name="提交复核申请").click()
    expect(card.get_by_text("已申请复核")).to_be_visible()
    with hall.db.read() as s:
        asked = s.query(ReviewRequest).one()
    known = hall.coverage()  # a stretch that the school counted in two is one card
    assert known is not None
    assert asked.from_ms == found.refused[0][0]
    assert asked.to_ms in {end for each in (found, known) for _, end, _ in each.refused}
    seat.reload()
    expect(card.get_by_text("已申请复核")).to_be_visible()
    start = found.refused[0][0]
    card.get_by_role("button", name="回看这一段").click()
    watch_until(seat, start / 1000 + 3)
    pause(seat)
    again = hall.coverage()
    assert again is not None
    assert again.covered_ms > found.covered_ms + 2_000


def test_everything_works_from_the_keyboard(seat: Page) -> None:
    state = (
        "(() => { const v = document.getElementById('video'); return [v.paused, v.muted, v.playbackRate, v.volume] })()"
    )
    seat.keyboard.press("Space")
    watch_until(seat, 1)
    seat.keyboard.press("ArrowRight")
    watch_until(seat, 11)
    seat.keyboard.press("ArrowLeft")
    seat.wait_for_function("() => document.getElementById('video').currentTime < 8")
    for key in ("m", ">", "ArrowDown"):
        seat.keyboard.press(key)
    assert seat.evaluate(state) == [False, False, 1.25, 0.9]
    seat.keyboard.press("m")
    seat.keyboard.press("<")
    assert seat.evaluate(state)[:3] == [False, True, 1]
    expect(seat.get_by_role("button", name="静音")).to_have_attribute("aria-pressed", "true")
    seat.keyboard.press("f")
    seat.wait_for_function("() => document.fullscreenElement?.id === 'frame'")
    seat.keyboard.press("f")
    seat.wait_for_function("() => !document.fullscreenElement")
    seat.get_by_text("键盘操作").click()
    seat.get_by_label("使用 K、M、F、<、> 单键操作").uncheck()
    seat.keyboard.press("k")
    assert not seat.evaluate("document.getElementById('video').paused")
    seat.get_by_role("slider", name="播放位置").focus()
    seat.keyboard.press("Space")
    assert seat.evaluate("document.getElementById('video').paused")


def test_a_presence_check_is_answered_by_any_key(page: Page, hall: Hall, faults: list[str]) -> None:
    hall.rule(check_every_ms=3_000)
    sign_in(page, hall, hall.cast.member)
    page.goto(hall.url)
    page.get_by_role("button", name="开始学习").click()
    watch_until(page, 5)
    page.evaluate("document.getElementById('play').click()")  # the question may be there already
    question = page.get_by_role("dialog", name="您还在学习吗？")
    expect(question).to_be_visible()
    expect(question.get_by_role("button")).to_be_focused()
    page.keyboard.press("x")
    expect(question).to_be_hidden()
    watch_until(page, 6)
    assert faults == []


def test_an_unanswered_check_pauses_and_an_answer_goes_on(page: Page, hall: Hall, faults: list[str]) -> None:
    hall.rule(check_every_ms=3_000, check_answer_ms=1_000)
    sign_in(page, hall, hall.cast.member)
    page.goto(hall.url)
    page.get_by_role("button", name="开始学习").click()
    watch_until(page, 5)
    page.evaluate("for (const _ of [1, 2]) document.getElementById('play').click()")  # a key of its own might answer
    question = page.get_by_role("dialog", name="您还在学习吗？")
    expect(question.get_by_text("没有收到回应，先停在这里")).to_be_visible()
    assert page.evaluate("document.getElementById('video').paused")
    at = now_ms(page)
    question.click()
    expect(question).to_be_hidden()
    watch_until(page, at / 1000 + 1)


def test_enough_of_the_course_completes_it_at_once(page: Page, hall: Hall, faults: list[str]) -> None:
    hall.rule(completion_permille=100)
    sign_in(page, hall, hall.cast.member)
    page.goto(hall.url)
    expect(page.locator("#need")).to_have_text("这门课再看 1 分钟即学完（10%）")
    page.get_by_role("button", name="开始学习").click()
    watch_until(page, 7)
    pause(page)
    expect(page.locator("#completed")).to_contain_text("网络学习 1 学时已记入档案")
    expect(page.locator("#need")).to_be_hidden()
    with hall.db.read() as s:
        entry = s.query(StudyHourEntry).one()
        assert (entry.member_id, entry.hours_100, entry.source_id) == (hall.cast.member.member_id, 100, hall.course_id)


def expired(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The prefix of the lesson's signed paths as they are today, and as they were a month ago."""
    with hall.db.read() as s:
        timeline = s.get_one(Lesson, hall.lesson_id).timeline
    assert timeline is not None
    keys = load_keys(hall.server.settings)
    fresh = media.play_paths(keys, timeline)["master"]
    with monkeypatch.context() as patch:
        patch.setattr(media, "now", lambda: datetime.now(UTC) - timedelta(days=30))
        old = media.play_paths(keys, timeline)["master"]
    assert fresh is not None
    assert old is not None
    return fresh.rpartition("/")[0], old.rpartition("/")[0]


@pytest.mark.parametrize("own", [False, True], ids=["fed by the page", "the browser's own HLS"])
def test_expired_paths_are_renewed_without_a_word(
    page: Page, hall: Hall, faults: list[str], monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    fresh, old = expired(hall, monkeypatch)

    def age(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace(fresh, old))

    refused: list[str] = []
    page.on("response", lambda answer: refused.append(answer.url) if answer.status == 403 else None)
    if own:  # as Safari and some web views do
        page.add_init_script("Object.defineProperty(Navigator.prototype, 'vendor', { get: () => 'Apple' })")
    sign_in(page, hall, hall.cast.member)
    page.route(hall.url, age)
    page.goto(hall.url)
    expect(page.locator("#play")).to_be_enabled()
    page.get_by_role("button", name="开始学习").click()
    watch_until(page, 3)
    at = pause(page)
    assert refused, "the old paths were still good"
    one_stretch(hall.covered(), 0, at)
    assert page.evaluate("() => document.getElementById('video').src.startsWith('blob:')") is not own
    faults.clear()


def test_quality_can_be_chosen_down_to_the_sound_alone(seat: Page, hall: Hall) -> None:
    seat.get_by_role("button", name="开始学习").click()
    watch_until(seat, 2)
    quality = seat.get_by_label("画面")
    quality.select_option("流畅")
    seat.wait_for_function("() => document.getElementById('video').videoHeight === 90")
    at = now_ms(seat)
    quality.select_option("仅声音")
    seat.wait_for_function("() => document.getElementById('video').videoHeight === 0")
    watch_until(seat, at / 1000 + 3)
    quality.select_option("自动")
    seat.wait_for_function("() => document.getElementById('video').videoHeight > 0")
    watch_until(seat, at / 1000 + 5)
    end = pause(seat)
    assert sum(to - start for start, to in hall.covered()) >= end - 2 * EDGE


def test_a_trainer_previews_while_the_rest_is_still_made(page: Page, hall: Hall, clip: Clip, faults: list[str]) -> None:
    asset_id = put_timeline(hall.db, hall.store, clip, hall.cast.trainer.account_id, growing=True)
    with hall.db.write() as s:
        course = add_course(s, hall.cast, [asset_id], CourseState.DRAFT)
        url = f"{hall.server.url}/courses/{course.id}/lessons/{course.lessons[0].id}"
    claims: list[str] = []
    page.on("request", lambda request: claims.append(request.url) if "/study/" in request.url else None)
    sign_in(page, hall, hall.cast.trainer)
    page.goto(url)
    expect(page.locator("main")).to_contain_text("这是预览，不计学时")
    page.get_by_role("slider", name="播放位置").fill("13")
    page.get_by_role("button", name="播放", exact=True).click()
    watch_until(page, 14)
    grow(hall.db, hall.store, clip, asset_id)
    watch_until(page, 18)
    expect(page.locator("#length")).to_have_text("1:00")
    assert claims == []


def test_a_phone_shows_all_of_it_without_scrolling_sideways(seat: Page, hall: Hall) -> None:
    for width, elder in ((320, "0"), (390, "0"), (320, "3"), (390, "1")):
        seat.context.add_cookies([{"name": "elder", "value": elder, "url": hall.server.url}])
        seat.set_viewport_size({"width": width, "height": 700})
        seat.goto(hall.url)
        expect(seat.locator("#play")).to_be_enabled()
        assert seat.evaluate("document.documentElement.scrollWidth") == width
        least = 60 if elder != "0" else 44
        for name in ("#play", "#back", "#rate", "#full", "#resume"):
            box = seat.locator(name).bounding_box()
            assert box is not None
            assert box["height"] >= least, (name, elder, box)
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
