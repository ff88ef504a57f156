"""The studio in a real browser: a file becomes a lesson, its upload pauses and goes on, and the card follows the worker."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

import courses_kit as kit
from actors import PASSWORD, Actor, Cast
from patience import until
from school.core.db import Database
from school.core.settings import Settings
from school.courses import service
from school.courses.models import Lesson
from school.media.models import AssetState, MediaAsset, Upload
from school.media.service import fail_asset, set_asset_state
from services import LiveServer

pytestmark = pytest.mark.browser

MIB = 1024**2
LIMIT = 30 * MIB


@pytest.fixture
def db_url(sqlite_tables: Path, tmp_path: Path) -> str:
    """SQLite alone: what is tested here is the page."""
    return f"sqlite:///{shutil.copyfile(sqlite_tables, tmp_path / 'school.db')}"


@pytest.fixture
def server(settings: Settings, live_server: Callable[..., LiveServer]) -> LiveServer:
    return live_server(replace(settings, upload_limit=LIMIT))


@pytest.fixture
def studio(db: Database, cast: Cast, server: LiveServer, page: Page) -> str:
    """Path of a draft without lessons, its trainer signed in and looking at it."""
    with db.write() as s:
        sheet = replace(kit.SHEET, category_id=kit.category(s).id)
        course = service.create_course(s, cast.trainer.person, cast.county_id, sheet)
    sign_in(page, server, cast.trainer)
    path = f"{server.url}/studio/courses/{course.id}"
    page.goto(path)
    return path


def sign_in(page: Page, server: LiveServer, actor: Actor) -> None:
    page.goto(f"{server.url}/sign-in?next=/account")
    page.fill("input[name=login]", actor.login)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{server.url}/account")


@pytest.fixture
def network(page: Page) -> Callable[..., None]:
    """`network(upload=…, offline=…)`: send no faster than so many bytes a second (-1: as fast as it goes), or not at all."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")

    def set_to(*, upload: int = -1, offline: bool = False) -> None:
        conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload}
        session.send("Network.emulateNetworkConditions", conditions)

    return set_to


def a_file(folder: Path, name: str, size: int) -> Path:
    path = folder / name
    with path.open("wb") as file:
        file.truncate(size)
    return path


def asset_of(db: Database) -> MediaAsset | None:
    with db.read() as s:
        return s.scalars(sa.select(MediaAsset).join(Lesson, Lesson.asset_id == MediaAsset.id)).one_or_none()


def stored(db: Database) -> int:
    with db.read() as s:
        return s.scalars(sa.select(Upload)).one().offset


def test_an_upload_pauses_goes_on_and_is_taken_up_after_a_closed_page(
    db: Database, studio: str, page: Page, network: Callable[..., None], tmp_path: Path
) -> None:
    film = a_file(tmp_path, "台账规范_终稿.mp4", 24 * MIB)
    network(upload=2 * MIB)
    page.set_input_files("[data-files]", film)
    card = page.locator("[data-lesson]")
    expect(card.locator("[data-title]")).to_have_text("台账规范 终稿")
    expect(card.locator("[data-words]")).to_contain_text("每秒")
    card.locator("[data-pause]").click()
    expect(card.locator("[data-tag]")).to_have_text("已暂停")
    card.locator("[data-pause]").click()
    expect(card.locator("[data-tag]")).to_contain_text("上传")

    until(lambda: stored(db) >= 8 * MIB)
    page.context.on("dialog", lambda dialog: dialog.accept())  # the page asks before it is left in the middle
    page.goto("about:blank")
    before = stored(db)
    assert 0 < before < 24 * MIB

    network()
    page.goto(studio)
    expect(card.locator("[data-words]")).to_contain_text("还没传完")
    page.set_input_files("[data-files]", film)  # dropped anywhere, it finds its own lesson again
    expect(card).to_have_attribute("data-state", "checking")
    expect(page.locator("[data-lesson]")).to_have_count(1)
    assert stored(db) == 24 * MIB
    with db.read() as s:
        assert s.scalar(sa.select(sa.func.count()).select_from(MediaAsset)) == 1


def test_too_large_and_empty_files_are_refused_before_they_are_sent(
    db: Database, studio: str, page: Page, tmp_path: Path
) -> None:
    page.set_input_files("[data-files]", a_file(tmp_path, "太大<b>.mp4", LIMIT + MIB))
    expect(page.locator("[data-refusal]")).to_contain_text("“太大<b>.mp4”有 31 MB，超过了最大 30 MB 的限制")
    page.set_input_files("[data-files]", a_file(tmp_path, "空.mp4", 0))
    expect(page.locator("[data-refusal]")).to_contain_text("是空文件")
    expect(page.locator("[data-lesson]")).to_have_count(0)
    with db.read() as s:
        assert s.scalar(sa.select(sa.func.count()).select_from(MediaAsset)) == 0


def test_the_card_follows_the_worker_to_the_end(
    db: Database, cast: Cast, server: LiveServer, studio: str, page: Page, tmp_path: Path
) -> None:
    page.set_input_files("[data-files]", a_file(tmp_path, "第一讲.mp4", MIB))
    card = page.locator("[data-lesson]")
    expect(card).to_have_attribute("data-state", "checking")
    expect(page.locator("[data-submit]")).to_be_disabled()
    asset = asset_of(db)
    assert asset is not None

    with db.write() as s:
        fail_asset(s, asset.id, "file.truncated", kept_ms=760_000, expected_ms=2_400_000)
    expect(card).to_have_attribute("data-state", "failed")
    expect(card.locator(".note.bad")).to_contain_text("只有前 12:40，后面没有内容")
    expect(card.locator(".steps .fail")).to_have_text("检查")
    expect(card.locator("[data-choose]").first).to_have_text("重新选择文件")

    with page.expect_file_chooser() as chosen:
        card.locator("[data-choose]").first.click()
    chosen.value.set_files(a_file(tmp_path, "第一讲（重新拷贝）.mp4", 2 * MIB))
    expect(card).to_have_attribute("data-state", "checking")
    expect(card.locator(".file-name")).to_have_text("第一讲（重新拷贝）.mp4")
    again = asset_of(db)
    assert again is not None
    assert again.id != asset.id
    with db.write() as s:
        set_asset_state(s, again.id, AssetState.TRANSCODING)
    expect(card).to_have_attribute("data-state", "transcoding")
    with db.write() as s:
        kit.finish(s, s.get_one(MediaAsset, again.id))
    expect(card).to_have_attribute("data-state", "ready")
    page.locator("[data-submit]").click()  # it opened by itself
    expect(page.get_by_text("正在等待另一位同志审核")).to_be_visible()

    page.goto("about:blank")  # no answer to the page before may bring its cookie back
    page.context.clear_cookies()
    sign_in(page, server, cast.reviewer)
    page.goto(f"{server.url}/review")
    page.locator(".review-item").click()
    with page.expect_navigation():
        page.get_by_role("button", name="通过并发布").click()
    page.context.clear_cookies()
    sign_in(page, server, cast.member)
    page.goto(f"{server.url}/courses")
    page.fill("#q", "党章")
    page.keyboard.press("Enter")
    page.locator(".course").click()
    expect(page.get_by_role("link", name="开始学习")).to_be_visible()


def test_a_lost_network_is_waited_for(
    db: Database, studio: str, page: Page, network: Callable[..., None], tmp_path: Path
) -> None:
    network(upload=2 * MIB)
    page.set_input_files("[data-files]", a_file(tmp_path, "第一讲.mp4", 24 * MIB))
    card = page.locator("[data-lesson]")
    expect(card.locator("[data-words]")).to_contain_text("每秒")
    network(offline=True)
    expect(card.locator("[data-tag]")).to_have_text("等待网络")
    expect(card.locator("[data-words]")).to_contain_text("连上后自动接着传")
    network()
    expect(card).to_have_attribute("data-state", "checking")
    assert stored(db) == 24 * MIB


def test_filters_apply_themselves_and_more_cards_join(db: Database, cast: Cast, server: LiveServer, page: Page) -> None:
    for number in range(14):
        kit.published(db, cast, title=f"第{number}课", compulsory=number == 0)
    sign_in(page, server, cast.member)
    page.goto(f"{server.url}/courses")
    page.locator("[data-more]").click()
    expect(page.locator(".course")).to_have_count(14)
    expect(page.locator("[data-more]")).to_have_count(0)
    page.uncheck("input[name=need][value=free]")
    expect(page.locator(".course")).to_have_count(1)
    expect(page).to_have_url(f"{server.url}/courses?need=must")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/courses")
    opener = page.locator("[data-filters]")
    expect(page.locator("#narrow")).to_be_hidden()
    opener.click()
    expect(opener).to_have_attribute("aria-expanded", "true")
    page.check("input[name=progress][value=done]")
    page.locator("[data-apply]").click()
    expect(page.get_by_text("没有符合所选条件的课")).to_be_visible()
