"""The member's room in a real Chromium, with the real web process, relay and packager, on a phone-sized page."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

import actors
import relay_kit
import services
from actors import PASSWORD, Actor, Cast
from conftest import faultless_page
from packager_kit import packager
from patience import until
from relay_kit import Publisher, RelayProcess
from room_kit import Room
from school.core.db import Database
from school.core.settings import Settings
from school.core.store import open_store
from school.core.time import local
from school.live import log, running
from school.live.attendance import counted_ms
from school.live.models import LiveClass, LiveMessage, LivePresence, LiveState
from school.media import decks
from services import LiveServer, free_port

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
MINUTE_MS = 60_000


@dataclass
class House:
    """A running school with its node; `relay` has one seat, so that the second viewer finds it full."""

    server: LiveServer
    relay: RelayProcess
    db: Database
    cast: Cast
    loop: relay_kit.Loop

    def room(self, state: LiveState = LiveState.LIVE) -> Room:
        """A class, on the air unless said otherwise, once the one seat is free again."""
        until(self.free, what="the seat of the test before")
        return Room(self.db, self.cast, state=state)

    def free(self) -> bool:
        taken: int = self.relay.health()["viewers"]
        return taken == 0

    def live(self, room: Room) -> LiveClass:
        with self.db.read() as s:
            return s.get_one(LiveClass, room.id)

    def publish(self, room: Room) -> Publisher:
        """The trainer's camera and microphone."""
        stream_id = self.live(room).stream_id
        assert stream_id
        token = self.relay.token(stream_id, "publish", self.cast.trainer.account_id)
        made = Publisher(f"{self.relay.url}/whip/{stream_id}", token, self.loop)
        assert made.connect(), made.error
        return made

    def turn(self, room: Room, verb: str) -> None:
        with self.db.write() as s:
            getattr(running, verb)(s, self.cast.trainer.person, room.id)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, sqlite_tables: Path) -> Iterator[House]:
    """One school for all tests here; the rooms' events run on both engines elsewhere."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copyfile(sqlite_tables, folder / "school.db")
    settings = Settings(
        data=folder / "data", database_url=f"sqlite:///{folder / 'school.db'}", host="127.0.0.1", port=free_port(),
        relay_port=free_port(), packager_port=free_port(), live_advertise="127.0.0.1", live_seats=1,
    )  # fmt: skip
    open_store(settings).prepare()
    db = Database(settings.db_url)
    cast = actors.build(db)
    server = LiveServer(settings, folder / "web.log")
    server.start()
    with (
        relay_kit.loop() as loop,
        relay_kit.relay(settings, relay_port=settings.relay_port) as relay,
        packager(settings, folder / "packager.log"),
    ):
        yield House(server, relay, db, cast, loop)
    server.kill()
    db.close()


@pytest.fixture
def phone(camera_browser: Browser) -> Iterator[Page]:
    with faultless_page(camera_browser, viewport=PHONE) as made:
        yield made
        made.goto("about:blank")  # leaves the class, as closing a page by script does not


def sign_in(page: Page, house: House, path: str, actor: Actor) -> None:
    page.goto(f"{house.server.url}/sign-in?next={path}")
    page.fill("[name=login]", actor.login)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")


def enter(page: Page, house: House, room: Room, actor: Actor) -> Page:
    """Sign in and go from the class's page into the room with one tap."""
    sign_in(page, house, f"/live/{room.id}", actor)
    page.get_by_role("link", name="进入直播课堂").click()
    expect(page.locator("#state")).to_have_text("正在直播")
    return page


def moves(page: Page, layer: str) -> None:
    """The picture of `layer` is shown and goes on."""
    expect(page.locator(f"#{layer}.big")).to_be_visible()
    page.wait_for_function(
        """async (layer) => {
          const video = document.querySelector(`#${layer} video`);
          const before = video.currentTime;
          await new Promise((done) => setTimeout(done, 400));
          return video.videoWidth > 0 && video.currentTime > before + 0.2;
        }""",
        arg=layer,
    )


def test_one_tap_to_picture_and_sound_and_taking_part(phone: Page, house: House) -> None:
    room, member = house.room(), house.cast.member
    publisher = house.publish(room)
    enter(phone, house, room, member)
    moves(phone, "camera")
    expect(phone.locator("#sound-ask")).to_be_hidden()

    phone.get_by_label("说一句").fill("老师，冬肥什么时候施？")
    phone.keyboard.press("Enter")
    mine = phone.locator("#chat .msg", has_text="冬肥什么时候施")
    expect(mine).to_contain_text("王建国　河东村")
    expect(mine.locator("[data-note]")).to_be_hidden()
    room.do(house.cast.trainer, "say", text="采果后七到十天。")
    expect(phone.locator("#chat .msg.host")).to_contain_text("周明远　主讲")

    poll = room.do(house.cast.trainer, "poll_open", question="今年施过几次？", options=["没有", "一次", "两次"])["poll"]
    card = phone.locator("#poll")
    expect(card).to_contain_text("记名")
    card.get_by_role("radio", name="一次").click()
    card.get_by_role("button", name="提交").click()
    expect(card).to_contain_text("已投 1 人")
    expect(card.get_by_role("radio", name="一次")).to_have_attribute("aria-checked", "true")
    room.do(house.cast.trainer, "poll_close", poll=poll)
    expect(card).to_contain_text("投票已结束")

    phone.get_by_role("button", name="请求发言").click()
    expect(phone.get_by_role("button", name="取消请求")).to_be_visible()
    until(lambda: room.lines("hand"), what="the hand in the log")
    room.do(house.cast.trainer, "call", account_id=member.account_id)
    phone.get_by_role("button", name="打开话筒发言").click()
    expect(phone.locator("#speaking")).to_contain_text("大家听得到您")
    stream_id = house.live(room).stream_id
    assert stream_id
    until(lambda: "speaker_1" in str(house.relay.stream(stream_id)), what="the member's voice at the relay")
    phone.get_by_role("button", name="结束发言").last.click()
    expect(phone.locator("#speaking")).to_be_hidden()
    until(lambda: room.lines("hung_up"), what="hung up")

    code = room.do(house.cast.trainer, "code", open=True)["code"]
    phone.get_by_label("请输入老师给出的登记码").fill(code)
    phone.get_by_role("button", name="登记", exact=True).click()
    expect(phone.locator("#signed")).to_contain_text("已到课登记")
    room.do(house.cast.trainer, "check")
    phone.get_by_role("button", name="我在听课").press("Enter")
    expect(phone.locator("#check")).to_be_hidden()
    until(lambda: room.lines("here"), what="the answer")

    house.turn(room, "pause")
    expect(phone.locator("#cover")).to_contain_text("课间休息")
    house.turn(room, "resume")
    moves(phone, "camera")
    house.turn(room, "end")
    expect(phone.get_by_role("link", name="看回放")).to_be_visible()
    publisher.close()


def test_a_full_relay_leads_to_hls_and_back_when_there_is_room(
    phone: Page, camera_browser: Browser, house: House
) -> None:
    room = house.room()
    publisher = house.publish(room)
    enter(phone, house, room, house.cast.secretary)
    moves(phone, "camera")
    with faultless_page(camera_browser, viewport=PHONE) as second:
        enter(second, house, room, house.cast.member)
        expect(second.locator("#says")).to_have_text("低延时的座位满了，已转为流畅")
        moves(second, "hall")
        expect(second.get_by_role("combobox", name="画面")).to_have_value("smooth")
        phone.goto("about:blank")
        until(house.free, 20, "whoever leaves frees the seat at once")
        second.evaluate("dispatchEvent(new Event('online'))")  # another network: worth a try at once
        moves(second, "camera")
        expect(second.get_by_role("combobox", name="画面")).to_have_value("low")
        second.get_by_role("combobox", name="画面").select_option("sound")
        expect(second.locator("#cover")).to_contain_text("只听声音")
    publisher.close()


def test_where_udp_does_not_pass_hls_plays(browser: Browser, house: House) -> None:
    room = house.room()
    publisher = house.publish(room)
    closed = browser.browser_type.launch(
        executable_path=services.chromium_path(),
        args=[*services.BROWSER_ARGS, "--webrtc-ip-handling-policy=disable_non_proxied_udp",
              "--force-webrtc-ip-handling-policy=disable_non_proxied_udp"],
    )  # fmt: skip
    try:
        with faultless_page(closed, viewport=PHONE) as page:
            enter(page, house, room, house.cast.member)
            expect(page.locator("#says")).to_have_text("这里的网络用不了低延时，已转为流畅")
            moves(page, "hall")
    finally:
        closed.close()
    publisher.close()


def test_what_was_said_without_a_connection_goes_out_once(phone: Page, house: House) -> None:
    room, member = house.room(), house.cast.member
    enter(phone, house, room, member)
    house.server.kill()
    expect(phone.locator("#state")).to_have_text("网断了，正在重连")
    for text in ("第一句", "第二句"):
        phone.get_by_label("说一句").fill(text)
        phone.keyboard.press("Enter")
    expect(phone.locator("#waiting")).to_have_text("2 条待发送，恢复后自动发出")
    room.do(house.cast.trainer, "say", text="大家都在吗？")  # said meanwhile
    house.server.start()
    expect(phone.locator("#waiting")).to_be_hidden()
    expect(phone.locator("#chat .msg", has_text="大家都在吗")).to_have_count(1)
    for text in ("第一句", "第二句"):
        expect(phone.locator("#chat .msg", has_text=text)).to_have_count(1)

    def stored() -> list[str]:
        with house.db.read() as s:
            rows = s.query(LiveMessage).filter_by(class_id=room.id, account_id=member.account_id)
            return sorted(each.text for each in rows)

    until(lambda: len(stored()) >= 2, what="both are stored")
    phone.reload()
    expect(phone.locator("#chat .msg", has_text="第二句")).to_have_count(1)
    assert stored() == ["第一句", "第二句"]


def test_the_room_waits_for_the_class_and_hears_that_it_is_stopped(phone: Page, house: House) -> None:
    room = house.room(LiveState.APPROVED)
    sign_in(phone, house, f"/live/{room.id}/room", house.cast.member)
    expect(phone.locator("#cover")).to_contain_text("开始上课")
    house.turn(room, "start")
    expect(phone.locator("#state")).to_have_text("正在直播")
    publisher = house.publish(room)
    moves(phone, "camera")
    with house.db.write() as s:
        running.stop(s, house.cast.admin.person, room.id)
    expect(phone.locator("#cover")).to_contain_text("已由管理员停播")
    expect(phone.get_by_label("说一句")).to_be_disabled()
    publisher.close()


def test_a_phone_whose_clock_is_five_hours_fast_shows_and_counts_the_schools_time(phone: Page, house: House) -> None:
    room, member = house.room(), house.cast.member
    this_ms = log.this_ms()
    with house.db.write() as s:
        live = s.get_one(LiveClass, room.id)
        live.started_ms = this_ms - 12 * MINUTE_MS - 3_000  # nearly a minute is left for all that follows
        log.append(s, room.id, "state", {"state": "live"}, at_ms=live.started_ms)
        s.add(LivePresence(
            class_id=room.id, member_id=member.member_id, entered_ms=this_ms - 10 * MINUTE_MS - 3_000, seen_ms=this_ms,
        ))  # fmt: skip
    phone.add_init_script(
        "const real = Date; globalThis.Date = class extends real { constructor(...when) {"
        " super(...(when.length ? when : [real.now() + 18_000_000])); } static now() { return real.now() + 18_000_000; } };"
    )
    enter(phone, house, room, member)
    expect(phone.locator("#since")).to_have_text("　周明远　已讲 12 分钟")
    expect(phone.locator("#counted")).to_have_text("已计入 10 分钟")
    code = room.do(house.cast.trainer, "code", open=True)["code"]
    phone.get_by_label("请输入老师给出的登记码").fill(code)
    phone.get_by_role("button", name="登记", exact=True).click()
    signed_at = until(lambda: room.lines("signed_in"), what="the sign-in")[-1].at_ms
    expect(phone.locator("#signed")).to_contain_text(
        local(datetime.fromtimestamp(signed_at / 1000, UTC), "Asia/Shanghai").strftime("%H:%M")
    )
    room.do(house.cast.trainer, "check")
    phone.get_by_role("button", name="我在听课").press("Enter")
    until(lambda: room.lines("here"), what="the answer")
    with house.db.read() as s:
        stay = s.query(LivePresence).filter_by(class_id=room.id).one()
        live = s.get_one(LiveClass, room.id)
        assert this_ms <= stay.seen_ms <= log.this_ms()
        assert counted_ms(s, live, member.member_id, log.this_ms()) // MINUTE_MS == 10


def test_slides_come_to_the_desk_once_they_are_drawn_and_to_whoever_waits_once_it_begins(
    phone: Page, camera_browser: Browser, house: House
) -> None:
    room = house.room(LiveState.APPROVED)
    store = open_store(house.server.settings)
    with house.db.write() as s:
        deck = decks.add(s, house.cast.trainer.account_id, "课件.pdf", "decks/waiting/")
        s.get_one(LiveClass, room.id).deck_id = deck.id
    for page in (1, 2):
        image = io.BytesIO()
        Image.new("RGB", (64, 36), "#FAF7F1").save(image, "JPEG")
        store.put(decks.page_key(deck, page), image.getvalue(), "image/jpeg")

    with faultless_page(camera_browser) as desk:
        sign_in(desk, house, f"/live/{room.id}/desk", house.cast.trainer)
        expect(desk.locator("#deck-says")).to_contain_text("正在变成图片")
        with house.db.write() as s:
            decks.ready(s, deck.id, 2)
        expect(desk.locator("#page")).to_have_text("第 1 页 / 2")
        desk.goto("about:blank")
    sign_in(phone, house, f"/live/{room.id}/room", house.cast.member)
    expect(phone.locator("#cover")).to_contain_text("开始上课")
    house.turn(room, "start")
    expect(phone.locator("#slide")).to_be_visible()
    phone.wait_for_function("() => document.querySelector('#slide img').naturalWidth === 64")
    phone.get_by_role("button", name="请求发言").click()
    expect(phone.locator("#raised")).to_have_text("已请求发言，等老师点名")


def test_the_trainer_can_trim_the_replay_on_a_desktop(camera_browser: Browser, house: House) -> None:
    room = house.room()
    publisher = house.publish(room)
    with faultless_page(camera_browser) as page:
        sign_in(page, house, f"/live/{room.id}/room", house.cast.trainer)
        moves(page, "camera")
        house.turn(room, "end")
        publisher.close()
        page.goto(f"{house.server.url}/live/{room.id}/replay")
        begin = page.get_by_label("从这里开始")
        until(lambda: page.reload() and begin.count(), what="the recording is closed")
        expect(begin).to_be_visible()
        expect(page.get_by_role("tab", name="章节")).to_be_visible()
        page.set_viewport_size(PHONE)
        page.wait_for_function("(width) => document.documentElement.scrollWidth === width", arg=PHONE["width"])
