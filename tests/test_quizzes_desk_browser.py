"""In Chromium: the invigilator's page keeps itself fresh, and a class asks a question of the bank from its console to its report."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

import services
from actors import PASSWORD, Cast
from conftest import faultless_page
from quiz_kit import make_question, make_quiz
from room_kit import Room
from school.core.db import Database
from school.core.settings import Settings
from school.live import settle
from school.live.models import LivePoll
from school.quizzes.bank.models import QuestionKind
from school.quizzes.sittings.models import Attempt
from school.quizzes.sittings.views import clock_ms

pytestmark = pytest.mark.browser
SQLITE = pytest.mark.parametrize(
    "db_url", ["sqlite"], indirect=True
)  # what depends on the database is tested elsewhere

Serve = Callable[[Settings], services.LiveServer]


def sign_in(page: Page, server: services.LiveServer, login: str = "trainer") -> None:
    page.goto(f"{server.url}/sign-in")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(f"{server.url}/")


@SQLITE
def test_who_comes_in_appears_and_gets_more_time(
    page: Page, live_server: Serve, settings: Settings, db: Database, cast: Cast
) -> None:
    with db.write() as s:
        quiz = make_quiz(s, cast, [make_question(s, cast)])
    server = live_server(settings)
    sign_in(page, server)
    page.goto(f"{server.url}/quizzes/{quiz.id}/desk")
    expect(page.get_by_text("这里现在没有人")).to_be_visible()
    with db.write() as s:
        now_ms = clock_ms()
        s.add(
            Attempt(quiz_id=quiz.id, member_id=cast.member.member_id, org_id=cast.branch_id, no=1, seed=1, paper=[[1, 1, 500]],
                    started_ms=now_ms, seen_ms=now_ms, deadline_ms=now_ms + 1_200_000, max_100=500)
        )  # fmt: skip
    row = page.locator("#sitters tbody tr")
    expect(row).to_contain_text("王建国")
    expect(row).to_contain_text("刚刚")
    expect(page.locator("[data-count=open]")).to_have_text("1")
    page.click("summary:has-text('全场加时')")
    page.fill("#quizzes\\.extend_all-r", "开考晚了")
    page.locator(".act form[action$='/desk/extend'] button").click()
    expect(page.get_by_text("1 位正在答题的同志")).to_be_visible()
    expect(row).to_contain_text("加时 10 分钟")
    row.get_by_role("link").click()
    expect(page.get_by_text("加时 10 分钟：开考晚了")).to_be_visible()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    with faultless_page(browser, viewport={"width": 390, "height": 844}) as made:
        yield made
        made.goto("about:blank")  # leaves the class, as closing a page by script does not


@SQLITE
def test_a_class_asks_a_question_of_the_bank_and_its_answers_reach_the_report(
    page: Page, phone: Page, live_server: Serve, settings: Settings, db: Database, cast: Cast
) -> None:
    with db.write() as s:
        for kind in (QuestionKind.SINGLE, QuestionKind.MULTIPLE):
            question = make_question(s, cast, kind)
            question.words = "宪法日" if kind == QuestionKind.SINGLE else "三会一课"
    room = Room(db, cast)
    server = live_server(settings)
    sign_in(page, server)
    page.goto(f"{server.url}/live/{room.id}/desk")
    sign_in(phone, server, cast.member.login)
    phone.goto(f"{server.url}/live/{room.id}/room")
    expect(phone.locator("#state")).to_have_text("正在直播")
    page.get_by_role("button", name="随堂提问").click()
    page.click("#bank summary")
    expect(page.locator("#bank-found li")).to_have_count(2)
    page.fill("#bank-q", "三会")
    expect(page.locator("#bank-found li")).to_have_count(1)
    page.locator("#bank-found button").click()
    expect(page.locator("#bank-note")).to_be_visible()
    expect(page.locator("#poll-q")).to_have_value("“三会一课”的“三会”包括哪些？")
    page.click("#poll-go")
    expect(page.locator("#poll")).to_contain_text("民主生活会")
    with db.read() as s:
        poll = s.scalars(sa.select(LivePoll)).one()
    assert (poll.question_ref, poll.right, poll.multiple) == (question.id, [0, 1, 2], True)

    for text in ("支部党员大会", "民主生活会"):
        phone.locator("#poll").get_by_role("checkbox", name=text).check()
    phone.locator("#poll").get_by_role("button", name="提交").click()
    expect(page.locator("#poll")).to_contain_text("1 人已投")
    page.locator("#poll").get_by_role("button", name="结束").click()
    expect(phone.locator("#poll")).to_contain_text("见党章。")
    page.click("[data-act=end]")
    page.click("#ask-dialog button[value=yes]")
    page.wait_for_url(f"{server.url}/live/{room.id}")
    settle.settle(db, settings, room.id)  # what the clock does a little later
    page.goto(f"{server.url}/live/{room.id}/report")
    asked = page.locator("[aria-labelledby=r-polls] > ul > li")
    expect(asked).to_contain_text("“三会一课”的“三会”包括哪些？")
    expect(asked).to_contain_text("题库的题")
    votes = asked.locator(".vote").all_inner_texts()
    assert [text.split()[-1] for text in votes] == ["1", "0", "0", "1"]
