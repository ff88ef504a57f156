"""An organisation's page and the training file in a real browser: chart and table, print, review without leaving the line."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import file_kit
from actors import PASSWORD, Actor, Cast
from conftest import faultless_page
from file_kit import YEAR
from school.core.db import Database
from school.core.settings import Settings
from services import LiveServer

pytestmark = pytest.mark.browser


@pytest.fixture
def db_url(sqlite_tables: Path, tmp_path: Path) -> str:
    """SQLite alone: what is tested here is the page."""
    return f"sqlite:///{shutil.copyfile(sqlite_tables, tmp_path / 'school.db')}"


@pytest.fixture
def origin(db: Database, cast: Cast, settings: Settings, live_server: Callable[..., LiveServer]) -> str:
    file_kit.file_year(db, cast)
    return live_server(settings).url


def sign_in(page: Page, origin: str, actor: Actor) -> None:
    page.goto(f"{origin}/sign-in?next=/account")
    page.fill("input[name=login]", actor.login)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{origin}/account")


def test_the_chart_is_drawn_and_its_table_says_the_same(page: Page, origin: str, cast: Cast) -> None:
    sign_in(page, origin, cast.secretary)
    page.goto(f"{origin}/orgs/{cast.branch_id}?year={YEAR - 1}")  # a year with all its months
    card = page.locator("[data-chart=months]")
    card.scroll_into_view_if_needed()
    expect(card.locator(".chart-box svg")).to_be_visible()
    expect(card.locator("table")).to_be_hidden()
    card.get_by_text("看表格").click()
    rows = card.locator("tbody tr")
    expect(rows.nth(3).locator("td")).to_have_text(["0.0", "0.0"])
    expect(rows.nth(4).locator("td")).to_have_text(["3.0", "0.0"])  # May: 24 of eight members
    page.goto(f"{origin}/orgs/{cast.branch_id}?year={YEAR}")
    page.locator("select[name=state]").select_option("exempt")
    page.get_by_role("button", name="筛选").click()
    expect(page.locator(".pager")).to_contain_text("共 1 位")
    expect(page).to_have_url(re.compile("state=exempt"))


def test_without_script_the_table_stands_there(browser: Browser, page: Page, origin: str, cast: Cast) -> None:
    sign_in(page, origin, cast.secretary)
    seat = page.context.storage_state()
    with faultless_page(browser, java_script_enabled=False, storage_state=seat) as plain:
        plain.goto(f"{origin}/orgs/{cast.branch_id}")
        expect(plain.locator("[data-chart=months] table")).to_be_visible()
        expect(plain.locator(".chart-box")).to_be_hidden()


def test_only_the_sheet_is_printed(page: Page, origin: str, cast: Cast) -> None:
    sign_in(page, origin, cast.member)
    page.goto(f"{origin}/record/print")
    sheet = page.pdf(prefer_css_page_size=True)
    width, height = map(float, re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", sheet)[0])
    assert (round(width), round(height)) == (842, 595)  # A4, landscape
    page.emulate_media(media="print")
    expect(page.locator(".paper")).to_be_visible()
    for part in (".top", ".foot", "h1", "[data-print]"):
        expect(page.locator(part).first).to_be_hidden()


def test_a_line_is_asked_about_without_leaving_it(page: Page, origin: str, cast: Cast) -> None:
    sign_in(page, origin, cast.member)
    page.goto(f"{origin}/record?year={YEAR}")
    line = page.locator("details.entry").first
    line.locator("summary").first.click()
    line.get_by_text("对这一条有疑问").click()
    line.locator("textarea").fill("签到表上有我的名字")
    line.get_by_role("button", name="提交复核申请").click()
    expect(line.get_by_role("status")).to_have_text("已申请复核，等待答复。")
    page.reload()
    line.locator("summary").first.click()
    expect(line).to_contain_text("等待答复")
