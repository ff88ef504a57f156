"""A sitting in a real Chromium against the real web process: no answer is lost, whatever happens to network, page and server."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image
from player_kit import add_course, make_clip, put_timeline
from playwright.sync_api import Browser, Page, Route, expect

import actors
from actors import PASSWORD, Actor, Cast
from conftest import faultless_page
from quiz_kit import SAMPLES, make_question, make_quiz
from school.core.db import Database
from school.core.settings import Settings
from school.core.store import ObjectStore, open_store
from school.quizzes.access import standing
from school.quizzes.bank import files
from school.quizzes.bank.models import QuestionKind
from school.quizzes.papers.models import QuizKind, Show
from school.quizzes.sittings import control
from school.quizzes.sittings.models import Attempt, AttemptAnswer, AttemptState
from school.quizzes.sittings.views import clock_ms
from services import LiveServer, free_port

pytestmark = pytest.mark.browser

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@dataclass
class House:
    """A running school with its bank of one question of each kind."""

    server: LiveServer
    store: ObjectStore
    db: Database
    cast: Cast

    def quiz(self, *kinds: QuestionKind, **fields: Any) -> int:
        """A new quiz of these questions; none named: one of each kind."""
        with self.db.write() as s:
            questions = [make_question(s, self.cast, kind) for kind in kinds or SAMPLES]
            return make_quiz(s, self.cast, questions, **fields).id

    def attempt(self, quiz_id: int) -> Attempt:
        with self.db.read() as s:
            return s.scalars(sa.select(Attempt).where(Attempt.quiz_id == quiz_id)).one()

    def answers(self, quiz_id: int) -> dict[int, Any]:
        with self.db.read() as s:
            rows = s.execute(
                sa.select(AttemptAnswer.position, AttemptAnswer.answer).join(Attempt).where(Attempt.quiz_id == quiz_id)
            )
            return {row.position: row.answer for row in rows}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, sqlite_tables: Path) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    shutil.copyfile(sqlite_tables, folder / "school.db")
    settings = Settings(
        data=folder / "data", database_url=f"sqlite:///{folder / 'school.db'}", host="127.0.0.1", port=free_port()
    )
    db, store = Database(settings.db_url), open_store(settings)
    store.prepare()
    server = LiveServer(settings, folder / "web.log")
    made = House(server, store, db, actors.build(db))
    server.start()
    yield made
    server.kill()
    db.close()


@pytest.fixture(autouse=True)
def nothing_goes_on(house: House) -> None:
    """No exam of an earlier test goes on: beside one nothing right is told."""
    with house.db.write() as s:
        s.execute(sa.update(Attempt).where(Attempt.state == AttemptState.OPEN).values(state=AttemptState.VOID))


@pytest.fixture
def phone(browser: Browser, house: House) -> Iterator[Page]:
    """The member's phone, signed in."""
    with faultless_page(browser, **PHONE) as made:
        sign_in(made, house, house.cast.member)
        yield made


def sign_in(page: Page, house: House, actor: Actor) -> None:
    page.goto(f"{house.server.url}/sign-in")
    page.fill("[name=login]", actor.login)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/sign-in" not in url)


def begin(page: Page, quiz_id: int) -> None:
    """Start as the button of the quiz's face does."""
    page.evaluate(
        """(action) => {
          const token = document.querySelector('meta[name=csrf-token]').content;
          const form = document.createElement('form');
          Object.assign(form, { method: 'post', action });
          const field = document.createElement('input');
          Object.assign(field, { name: 'csrf_token', value: token });
          form.append(field);
          document.body.append(form);
          form.submit();
        }""",
        f"/quizzes/{quiz_id}/start",
    )
    expect(page.locator(".question").first).to_be_visible()


def look_at_the_clock(page: Page) -> None:
    """What the page does by itself every half minute."""
    page.evaluate("dispatchEvent(new Event('online'))")


def saved(page: Page) -> None:
    """The answer in view has reached the school."""
    expect(page.locator(".question .saved:not(.wait)")).to_be_visible()


def test_every_kind_is_answered_by_tapping_and_handed_in(phone: Page, house: House) -> None:
    quiz_id = house.quiz()
    begin(phone, quiz_id)
    expect(phone.locator("#left")).to_contain_text(re.compile("30:00|29:[1-5]"))
    phone.locator(".opt", has_text="12月4日").click()
    saved(phone)
    phone.click("#next")
    for text in ("支部党员大会", "支部委员会会议", "党小组会"):
        phone.locator(".opt", has_text=text).click()
    saved(phone)
    phone.click("#next")
    phone.locator(".opt", has_text="正确").click()
    phone.click("#next")
    phone.fill(".field input", "一九二一")
    saved(phone)
    phone.click("#next")
    for text in ("一大", "遵义会议"):  # the last one follows by itself
        phone.locator(".opt", has_text=text).click()
    saved(phone)
    phone.click("#next")
    for left, right in (("一大", "上海"), ("七大", "延安")):
        phone.get_by_label(left).select_option(label=phone.locator("option", has_text=right).first.text_content())
    saved(phone)
    phone.click("#next")
    expect(phone.locator("#finish")).to_be_visible()
    phone.click("#finish")
    expect(phone.locator("#submit-d")).to_contain_text("还有 1 题没有答： 第 7 题")
    phone.locator("#submit-d a").click()
    phone.fill("textarea", "每月开一次，由组长召集。")
    saved(phone)
    phone.click("#finish")
    expect(phone.locator("#submit-d")).to_contain_text("每一题都答了")
    phone.click("#submit-do")
    phone.wait_for_url("**/result")
    assert house.answers(quiz_id) == {
        0: [1], 1: [0, 1, 2], 2: True, 3: ["一九二一"], 4: [1, 0, 2], 5: [1, 0], 6: "每月开一次，由组长召集。",
    }  # fmt: skip
    assert house.attempt(quiz_id).state == AttemptState.SUBMITTED  # a person marks the last one
    expect(phone.locator("#questions .question")).to_have_count(7)
    expect(phone.locator("main")).to_contain_text("由老师评阅")


def test_answers_given_without_a_network_survive_a_reload_and_arrive(phone: Page, house: House) -> None:
    quiz_id = house.quiz(QuestionKind.SINGLE, QuestionKind.JUDGE, QuestionKind.FILL)
    begin(phone, quiz_id)
    phone.context.set_offline(True)
    phone.locator(".opt").nth(1).click()
    expect(phone.locator("#offline")).to_be_visible()
    expect(phone.locator(".saved.wait")).to_contain_text("等待联网送出")
    phone.click("#next")
    phone.locator(".opt").nth(0).click()
    phone.click("text=标记")
    phone.click("#pop summary")
    expect(phone.locator("#pop .sheet .wait")).to_have_count(2)
    phone.click("#pop [data-submit]")
    phone.click("#submit-do")
    expect(phone.locator("#submit-err")).to_contain_text("还没有交上")
    phone.click("#submit-no")
    assert house.answers(quiz_id) == {}
    # the phone drops the page; when it comes back, the answers go out from there
    phone.goto("about:blank")
    phone.context.set_offline(False)
    phone.goto(f"{house.server.url}/quizzes/attempts/{house.attempt(quiz_id).id}")
    expect(phone.locator(".q-no")).to_contain_text("第 2 题")
    expect(phone.get_by_text("取消标记")).to_be_visible()
    saved(phone)
    expect(phone.locator("#offline")).to_be_hidden()
    assert house.answers(quiz_id) == {0: [1], 1: True}


def test_what_waits_goes_out_from_whatever_page_is_opened_next(phone: Page, house: House) -> None:
    quiz_id = house.quiz(QuestionKind.SINGLE)
    begin(phone, quiz_id)
    house.server.kill()  # a line that is only cut may carry the last words of a page that is left
    phone.locator(".opt").nth(2).click()
    expect(phone.locator(".saved.wait")).to_be_visible()
    phone.goto("about:blank")
    tries: list[Route] = []

    def lose_two(route: Route) -> None:
        tries.append(route)
        route.abort() if len(tries) < 3 else route.fallback()

    phone.context.route("**/quizzes/answers", lose_two)  # the line comes back in pieces
    house.server.start()
    phone.goto(f"{house.server.url}/quizzes")
    phone.wait_for_function("() => !Object.keys(localStorage).some((key) => key.startsWith('answers.'))")
    assert house.answers(quiz_id) == {0: [2]}
    assert len(tries) >= 3


def test_a_killed_server_is_waited_for(phone: Page, house: House) -> None:
    quiz_id = house.quiz(QuestionKind.SINGLE, QuestionKind.JUDGE)
    begin(phone, quiz_id)
    phone.locator(".opt").nth(0).click()
    saved(phone)
    house.server.kill()
    phone.locator(".opt").nth(1).click()
    expect(phone.locator("#offline")).to_be_visible()
    house.server.start()
    expect(phone.locator("#offline")).to_be_hidden()
    saved(phone)
    assert house.answers(quiz_id) == {0: [1]}


def test_the_newest_page_answers_and_the_older_one_says_so(phone: Page, browser: Browser, house: House) -> None:
    quiz_id = house.quiz(QuestionKind.SINGLE, QuestionKind.JUDGE)
    begin(phone, quiz_id)
    phone.locator(".opt").nth(0).click()
    saved(phone)
    phone.context.set_offline(True)  # or it might hear of the other page before the tap
    with faultless_page(browser) as desk:
        sign_in(desk, house, house.cast.member)
        begin(desk, quiz_id)
        expect(desk.locator(".q-no")).to_contain_text("第 2 题")  # where it stood
        desk.locator(".sheet:visible a").first.click()
        expect(desk.locator(".opt.on")).to_contain_text("10月1日")
        phone.locator(".opt").nth(1).click()
        phone.context.set_offline(False)
        expect(phone.locator("#elsewhere")).to_be_visible()
        desk.keyboard.press("3")
        saved(desk)
        assert house.answers(quiz_id) == {0: [2]}
    phone.click("#elsewhere a")
    expect(phone.locator("#elsewhere")).to_be_hidden()
    phone.locator(".opt").nth(1).click()
    saved(phone)
    assert house.answers(quiz_id) == {0: [1]}


def test_a_pause_and_more_time_reach_the_page(phone: Page, house: House) -> None:
    quiz_id = house.quiz(QuestionKind.SINGLE, QuestionKind.JUDGE, minutes=5)
    begin(phone, quiz_id)
    with house.db.write() as s:
        here = standing(s, house.cast.trainer.person, quiz_id)
        control.extend(s, here, 10, "开考晚了", clock_ms())
    look_at_the_clock(phone)
    expect(phone.locator("#voice")).to_contain_text("加了 10 分钟")
    expect(phone.locator("#left")).to_contain_text(re.compile("14:|15:00"))
    phone.context.set_offline(True)  # or the page might hear of the pause before the tap
    phone.locator(".opt").nth(1).click()
    with house.db.write() as s:
        control.pause(s, standing(s, house.cast.trainer.person, quiz_id), "停电", clock_ms())
    phone.context.set_offline(False)
    expect(phone.locator("#paused")).to_be_visible()
    with house.db.write() as s:
        control.resume(s, standing(s, house.cast.trainer.person, quiz_id), clock_ms())
    look_at_the_clock(phone)
    expect(phone.locator("#paused")).to_be_hidden()
    saved(phone)
    assert house.answers(quiz_id) == {0: [1]}


def test_time_is_the_schools_and_its_end_hands_in(phone: Page, house: House) -> None:
    quiz_id = house.quiz(QuestionKind.SINGLE, minutes=1)
    begin(phone, quiz_id)
    expect(phone.locator("#voice")).to_contain_text("还剩 1 分钟")
    phone.clock.set_system_time("2031-01-01T00:00:00Z")  # the phone's own clock is of no account
    phone.locator(".opt").nth(1).click()
    saved(phone)
    expect(phone.locator("#left")).to_contain_text(re.compile("0:[1-5][0-9]"))
    with house.db.write() as s:  # the rest of the minute, gone at once
        s.execute(sa.update(Attempt).where(Attempt.quiz_id == quiz_id).values(deadline_ms=Attempt.deadline_ms - 58_000))
    look_at_the_clock(phone)
    phone.wait_for_url("**/result")
    assert house.attempt(quiz_id).state == AttemptState.MARKED
    assert house.answers(quiz_id) == {0: [1]}


def test_practice_tells_at_once_and_wrong_ones_are_practised_again(phone: Page, house: House) -> None:
    quiz_id = house.quiz(
        QuestionKind.SINGLE, QuestionKind.MULTIPLE, kind=QuizKind.PRACTICE, show=Show.AT_ONCE, minutes=None
    )
    begin(phone, quiz_id)
    expect(phone.locator("#left")).to_be_hidden()
    phone.locator(".opt").nth(0).click()
    assert house.answers(quiz_id) == {}  # chosen, not given
    phone.click("text=看对错")
    expect(phone.locator(".opt.bad")).to_contain_text("10月1日")
    expect(phone.locator(".opt.good")).to_contain_text("12月4日")
    expect(phone.locator(".question")).to_contain_text("见党章。")
    phone.reload()
    expect(phone.locator(".opt.bad")).to_contain_text("10月1日")
    phone.click("#next")
    for text in ("支部党员大会", "支部委员会会议", "党小组会"):
        phone.locator(".opt", has_text=text).click()
    phone.click("text=看对错")
    expect(phone.locator(".question")).to_contain_text("答对了")
    phone.click("#finish")
    phone.click("#submit-do")
    phone.wait_for_url("**/result")
    phone.click("text=只看没答对的")
    expect(phone.locator("#questions .question:visible")).to_have_count(1)
    phone.goto(f"{house.server.url}/quizzes/wrong")
    mine = phone.locator("details", has_text="国家宪法日").first
    mine.click()
    expect(mine.locator(".opt.bad")).to_contain_text("10月1日")
    phone.click("#again")
    phone.locator("#redo .opt", has_text="12月4日").click()
    phone.click("text=看对错")
    expect(phone.locator("#redo")).to_contain_text("答对了")


def test_all_by_keyboard_and_read_aloud(browser: Browser, house: House) -> None:
    quiz_id = house.quiz(QuestionKind.SINGLE, QuestionKind.FILL, QuestionKind.ORDER)
    with faultless_page(browser) as page:
        page.add_init_script(  # this browser has no voice: what would be said is written down
            "window.said = []; speechSynthesis.speak = (each) => said.push(each.text);"
        )
        sign_in(page, house, house.cast.member)
        begin(page, quiz_id)
        page.get_by_text("读题").click()
        assert page.evaluate("said") == ["国家宪法日是哪一天？", "A，10月1日", "B，12月4日", "C，12月13日"]
        page.get_by_text("停止").click()
        page.keyboard.press("2")
        saved(page)
        page.keyboard.press("ArrowRight")
        expect(page.locator(".q-no")).to_be_focused()
        page.keyboard.press("3")  # a question to be written: nothing to choose
        page.keyboard.press("ArrowRight")
        expect(page.locator(".q-no")).to_contain_text("第 3 题")
        for number in "31":
            page.keyboard.press(number)
        saved(page)
        page.keyboard.press("Shift+Tab")  # from the question's title into nothing that traps
        page.get_by_role("button", name="交卷", exact=True).first.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#submit-d")).to_contain_text("还有 1 题没有答： 第 2 题")
        page.keyboard.press("Escape")
        expect(page.locator("#submit")).to_be_hidden()
    shown = house.attempt(quiz_id).paper[2][3]
    assert house.answers(quiz_id) == {0: [1], 2: [shown[2], shown[0], shown[1]]}


def test_pictures_and_sounds_of_a_question_are_shown(phone: Page, house: House) -> None:
    picture = BytesIO()
    Image.new("RGB", (640, 360), "#B7141A").save(picture, "PNG")
    looked = files.look_at(picture.getvalue())
    files.keep(house.store, looked)
    with house.db.write() as s:
        person = house.cast.trainer.person
        file_id = files.add(s, person, house.cast.county_id, looked, alt="一面红旗").id
        body, key = SAMPLES[QuestionKind.SINGLE]
        options = [{**body["options"][0], "media": [file_id]}, *body["options"][1:]]
        question = make_question(s, house.cast, body={**body, "media": [file_id], "options": options}, key=key)
        quiz_id = make_quiz(s, house.cast, [make_question(s, house.cast), question]).id
    begin(phone, quiz_id)
    phone.click("#next")
    for place in (".question > img", ".opt img"):
        shown = phone.locator(place)
        expect(shown).to_have_attribute("alt", "一面红旗")
        width, height = shown.evaluate("async (img) => { await img.decode(); return [img.width, img.height]; }")
        assert abs(width / height - 16 / 9) < 0.02
    assert phone.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    phone.locator(".opt img").click()  # a picture is part of its option
    saved(phone)
    assert house.answers(quiz_id) == {1: [0]}


def test_a_lesson_stops_at_its_moment_asks_and_goes_on(
    browser: Browser, house: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    asset_id = put_timeline(
        house.db, house.store, make_clip(tmp_path_factory.mktemp("clip")), house.cast.trainer.account_id
    )
    with house.db.write() as s:
        course = add_course(s, house.cast, [asset_id])
        course_id, lesson_id = course.id, course.lessons[0].id
    quiz_id = house.quiz(
        QuestionKind.SINGLE, QuestionKind.JUDGE, kind=QuizKind.QUIZ, show=Show.AT_ONCE, lesson_ref=lesson_id,
        course_ref=course_id, at_ms=2_000, minutes=None, title="想一想",
    )  # fmt: skip
    with faultless_page(browser) as page:
        sign_in(page, house, house.cast.member)
        page.goto(f"{house.server.url}/courses/{course_id}/lessons/{lesson_id}")
        page.click("#resume")
        dialog = page.locator("dialog.moment")
        expect(dialog.locator(".q-no")).to_contain_text("第 1 题")
        page.wait_for_function("() => document.getElementById('video').paused")
        dialog.locator(".opt", has_text="12月4日").click()
        dialog.get_by_text("看对错").click()
        expect(dialog).to_contain_text("答对了")
        dialog.get_by_text("下一题").click()
        dialog.locator(".opt", has_text="错误").click()
        dialog.get_by_text("看对错").click()
        expect(dialog).to_contain_text("没有答对")
        dialog.get_by_text("交卷").click()
        dialog.get_by_text("接着看").click()
        expect(dialog).to_be_hidden()
        page.wait_for_function(
            "() => { const v = document.getElementById('video'); return !v.paused && v.currentTime > 3; }"
        )
        expect(page.locator("#moments")).to_contain_text("已答")
    assert house.answers(quiz_id) == {0: [1], 1: False}
    assert house.attempt(quiz_id).state == AttemptState.MARKED


@pytest.mark.parametrize(("width", "elder"), [(320, 0), (390, 3), (1280, 0)])
def test_no_width_or_type_size_scrolls_sideways(browser: Browser, house: House, width: int, elder: int) -> None:
    quiz_id = house.quiz(one_a_page=False, title="学习贯彻党章党规党纪专题知识测验（第一期）")
    with faultless_page(browser, viewport={"width": width, "height": 800}) as page:
        page.context.add_cookies([{"name": "elder", "value": str(elder), "url": house.server.url}])
        sign_in(page, house, house.cast.member)
        begin(page, quiz_id)
        expect(page.locator(".question")).to_have_count(7)
        overflow = "document.documentElement.scrollWidth - innerWidth"
        assert page.evaluate(overflow) <= 0
        page.locator("#finish").click()
        page.click("#submit-do")
        page.wait_for_url("**/result")
        expect(page.locator("#questions .question")).to_have_count(7)
        assert page.evaluate(overflow) <= 0
