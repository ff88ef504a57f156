"""讲师台 in a real Chromium with a fake camera, against the real web process and relay: from the first try to the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import services
from actors import PASSWORD, Cast
from conftest import faultless_page
from patience import until
from relay_kit import RelayProcess
from room_kit import Room
from school.core.db import Database
from school.core.settings import Settings
from school.live.models import LiveState

pytestmark = pytest.mark.browser
SQLITE = pytest.mark.parametrize(
    "db_url", ["sqlite"], indirect=True
)  # what depends on the database is tested elsewhere


@pytest.fixture
def together(settings: Settings) -> Settings:
    """Settings by which a web process and a relay of this test find each other."""
    return replace(settings, relay_port=services.free_port(), live_advertise="127.0.0.1")


@pytest.fixture
def relay(together: Settings, tmp_path: Path) -> Iterator[RelayProcess]:
    made = RelayProcess(together, tmp_path / "relay.log")
    made.start()
    yield made
    made.kill()


@pytest.fixture
def room(db: Database, cast: Cast) -> Room:
    """A class of today, approved."""
    return Room(db, cast, state=LiveState.APPROVED)


def at_the_desk(page: Page, server: services.LiveServer, class_id: int) -> None:
    page.goto(f"{server.url}/sign-in")
    page.fill("[name=login]", "trainer")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(f"{server.url}/")
    page.goto(f"{server.url}/live/{class_id}/desk")
    expect(page.locator("#state")).to_have_text("还没有开始")


def start(page: Page) -> None:
    page.click("#try")
    expect(page.locator("#level-t")).not_to_be_empty()
    page.click("[data-act=start]")
    page.click("#ask-dialog button[value=yes]")
    expect(page.locator("#state")).to_contain_text("正在直播")


def playing(page: Page, video: str) -> None:
    page.wait_for_function("(id) => document.getElementById(id).videoWidth > 0", arg=video)


@SQLITE
def test_a_trainer_rehearses_teaches_and_ends(
    room: Room, cast: Cast, together: Settings, relay: RelayProcess, camera_browser: Browser,
    live_server: Callable[..., services.LiveServer],
) -> None:  # fmt: skip
    server = live_server(together)

    def sources() -> list[str]:
        """What the room was last told that the trainer sends."""
        lines = room.lines("sources")
        return list(lines[-1].body["sources"]) if lines else []

    with faultless_page(camera_browser, permissions=["camera", "microphone"]) as page:
        at_the_desk(page, server, room.id)
        page.click("#try")
        playing(page, "v-main")
        page.click("[data-act=rehearse]")
        expect(page.locator("#state")).to_have_text("彩排中")
        expect(page.locator("#view-says")).to_have_text("彩排：只有讲师台看得到")
        page.wait_for_function(  # as it came back from the relay
            """() => {
              const video = document.getElementById('v-main');
              return video.videoWidth > 0 && video.srcObject.getVideoTracks()[0].label !== 'fake_device_0';
            }"""
        )
        expect(page.locator("#health-t")).to_have_text("网络良好")

        page.click("[data-act=start]")
        page.click("#ask-dialog button[value=yes]")
        expect(page.locator("#state")).to_contain_text("正在直播")
        stream = 1  # the first of a fresh database
        until(lambda: relay.stream(stream).get("sources", {}).get("camera", {}).get("live"))
        assert relay.stream(stream)["sources"]["camera"]["codec"] == "h264"
        until(lambda: relay.stream(stream)["sources"].get("small", {}).get("live"), what="the small picture")

        page.click("#s-screen")
        until(lambda: relay.stream(stream)["sources"].get("screen", {}).get("live"), what="screen")
        expect(page.locator("#inset")).to_be_visible()
        until(lambda: sources() == ["screen", "camera", "small", "mic"])
        page.click("#s-screen")
        expect(page.locator("#inset")).to_be_hidden()
        until(lambda: sources() == ["camera", "small", "mic"])

        room.do(cast.member, "ask", text="冬肥什么时候施？")
        room.do(cast.member, "hand", up=True)
        question = page.locator("#questions .qa")
        expect(question).to_contain_text("冬肥什么时候施？")
        question.get_by_role("button", name="回答这个").click()
        expect(question.get_by_role("button", name="正在回答")).to_be_visible()
        page.locator("#hands").get_by_role("button", name="请发言").click()
        expect(page.locator("#speakers")).to_contain_text("王建国")

        page.get_by_role("button", name="发起投票").click()
        page.fill("#poll-q", "会了吗？")
        page.fill("#option-1", "会了")
        page.click("#poll-go")
        expect(page.locator("#poll-err")).to_contain_text("选项请填 2 到 8 个")
        page.fill("#option-2", "还不会")
        page.click("#poll-go")
        poll = until(lambda: room.lines("poll"))[0].body["poll"]
        room.do(cast.member, "vote", poll=poll, choices=[1])
        expect(page.locator("#poll")).to_contain_text("1 人已投")
        page.locator("#poll").get_by_role("button", name="结束").click()
        expect(page.locator("#poll")).to_contain_text("已结束")

        page.get_by_role("button", name="到课登记").click()
        expect(page.locator("#code-n")).not_to_be_empty()
        code = re.sub(r"\s", "", page.locator("#code-n").inner_text())
        room.do(cast.member, "sign_in", code=code)
        expect(page.locator("#code-count")).to_have_text("1 人已登记")

        page.click("[data-act=pause]")
        expect(page.locator("#state")).to_contain_text("课间暂停")
        page.click("[data-act=resume]")
        expect(page.locator("#state")).to_contain_text("正在直播")
        page.click("[data-act=end]")
        page.click("#ask-dialog button[value=yes]")
        page.wait_for_url(f"{server.url}/live/{room.id}")


@SQLITE
def test_a_killed_relay_costs_the_trainer_nothing_but_a_moment(
    room: Room, together: Settings, relay: RelayProcess, camera_browser: Browser,
    live_server: Callable[..., services.LiveServer],
) -> None:  # fmt: skip
    server = live_server(together)
    with faultless_page(camera_browser, permissions=["camera", "microphone"]) as page:
        at_the_desk(page, server, room.id)
        start(page)
        until(lambda: relay.stream(1).get("sources", {}).get("camera", {}).get("live"))
        page.evaluate("window.began = document.getElementById('v-main').srcObject.getVideoTracks()[0].id")
        relay.kill()
        relay.start()
        until(lambda: relay.stream(1).get("sources", {}).get("camera", {}).get("live"), what="back at the new relay")
        expect(page.locator("#health")).to_have_attribute("data-word", "good")
        assert page.evaluate("document.getElementById('v-main').srcObject.getVideoTracks()[0].id === began")

        second = page.context.new_page()  # the same trainer elsewhere: the newer page sends, the older one says so
        second.goto(page.url)
        second.click("#try")
        expect(second.locator("#health")).to_have_attribute("data-word", "good")
        expect(page.locator("#devices-t")).to_contain_text("另一个窗口")
        expect(page.locator("#health")).to_be_hidden()


@SQLITE
def test_without_permission_the_page_says_what_to_click(
    room: Room, together: Settings, page: Page, live_server: Callable[..., services.LiveServer]
) -> None:
    at_the_desk(page, live_server(together), room.id)
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); }"
    )
    page.reload()
    page.click("#try")
    expect(page.locator("#devices-err")).to_contain_text("请点地址栏左边的图标")
    page.click("[data-act=start]")
    expect(page.locator("#ask-t")).to_have_text("还没有打开摄像头和话筒")
    page.click("#ask-dialog button[value=no]")
    expect(page.locator("#state")).to_have_text("还没有开始")
