"""The base page in a real browser: the door, 长辈版, the offline line, keyboard, and no page wider than its screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

import services
from actors import PASSWORD, Cast
from school.core.db import Database
from school.core.settings import Settings
from school.org.models import Account

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)]
WIDTHS = (320, 390, 768, 1280)


@pytest.fixture
def at(live_server: Callable[..., services.LiveServer], settings: Settings, cast: Cast) -> str:
    """Where the school answers."""
    return live_server(settings).url


def enter(page: Page, at: str, login: str = "secretary") -> None:
    page.goto(f"{at}/sign-in")
    page.get_by_label("手机号或账号").fill(login)
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url(f"{at}/")


def too_wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_the_door_shows_the_password_and_says_what_is_wrong(page: Page, at: str) -> None:
    page.goto(f"{at}/sign-in")
    field = page.get_by_label("密码", exact=True)
    field.fill("wrong")
    page.get_by_role("button", name="显示").click()
    expect(field).to_have_attribute("type", "text")
    page.get_by_role("button", name="隐藏").click()
    expect(field).to_have_attribute("type", "password")
    page.get_by_label("手机号或账号").fill("secretary")
    page.keyboard.press("Enter")
    expect(field).to_have_accessible_description("账号和密码对不上。还可以试 4 次，之后要等 15 分钟。")
    expect(field).to_be_focused()
    expect(page.get_by_label("手机号或账号")).to_have_value("secretary")


def test_large_type_is_kept_with_the_account(page: Page, at: str, db: Database, cast: Cast) -> None:
    enter(page, at)
    with page.expect_response("**/account/view") as kept:
        page.get_by_role("button", name="长辈版").click()
    assert kept.value.ok
    expect(page.locator("html")).to_have_attribute("data-elder", "1")
    with db.read() as s:
        assert s.get_one(Account, cast.secretary.account_id).elder == 1
    page.goto(f"{at}/account")
    expect(page.get_by_role("button", name="标准版")).to_be_visible()
    page.get_by_role("button", name="最大").click()
    expect(page.locator("html")).to_have_attribute("data-elder", "3")
    smallest = page.evaluate(
        """() => Math.min(...[...document.querySelectorAll('main *')].filter(e => e.checkVisibility() &&
             [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())).map(e => parseFloat(getComputedStyle(e).fontSize)))"""
    )
    assert smallest >= 18


def test_the_offline_line_comes_and_goes_by_itself(page: Page, at: str) -> None:
    enter(page, at)
    line = page.get_by_text("网络断开了，连上后自动继续")
    expect(line).to_be_hidden()
    page.context.set_offline(True)
    expect(line).to_be_visible()
    page.context.set_offline(False)
    expect(line).to_be_hidden()


def test_the_first_tab_stop_leads_to_the_text(page: Page, at: str) -> None:
    enter(page, at)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到正文")).to_be_focused()


def test_no_page_is_wider_than_its_screen(page: Page, at: str) -> None:
    page.goto(f"{at}/sign-in")
    pages = ["/sign-in"]
    for _ in range(2):
        for path in pages:
            for elder in ("0", "3"):
                page.context.add_cookies([{"name": "elder", "value": elder, "url": at}])
                for width in WIDTHS:
                    page.set_viewport_size({"width": width, "height": 844})
                    page.goto(at + path)
                    assert not too_wide(page), (path, elder, width)
        if pages == ["/sign-in"]:
            page.set_viewport_size({"width": 1280, "height": 844})
            enter(page, at)
            pages = ["/account", "/password", "/nowhere"]


def test_signing_out_leaves_nothing_behind(page: Page, at: str) -> None:
    enter(page, at)
    page.goto(f"{at}/account")
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url(f"{at}/sign-in")
    page.go_back()
    page.wait_for_url(f"{at}/sign-in**")
    expect(page.get_by_role("heading", name="登录")).to_be_visible()
