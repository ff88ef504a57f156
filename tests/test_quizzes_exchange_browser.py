"""In a real browser, on the real web process: a Moodle file with a picture and a table come in, and the bank goes out."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from actors import PASSWORD, Cast
from school.core.settings import Settings
from school.quizzes.bank import formats
from school.quizzes.bank.formats import File, Format
from school.quizzes.bank.models import QuestionKind
from school.quizzes.bank.rules import Draft, checked
from services import LiveServer

# What depends on the database is tested elsewhere.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)]


def moodle_file() -> bytes:
    """A question with a picture, one of a kind that no bank has, and one without a right answer."""
    picture = io.BytesIO()
    Image.new("RGB", (60, 40), "#B7141A").save(picture, "PNG")
    body = {"stem": "图中是什么颜色？", "media": [1], "options": ["红色", "蓝色", "黄色"]}
    draft = checked(Draft(QuestionKind.SINGLE, body, {"right": [0]}, "党徽党旗", 2, "见图。", "条例第二条"))
    whole = formats.write(Format.MOODLE_XML, [draft], {1: File("a.png", picture.getvalue(), "一块红色")}).data
    more = (
        '<question type="calculated"><name><text>计算</text></name><questiontext><text>{a}+{b}</text></questiontext></question>'
        '<question type="multichoice"><questiontext><text>没有答案的题</text></questiontext>'
        '<answer fraction="0"><text>甲</text></answer><answer fraction="0"><text>乙</text></answer></question></quiz>'
    )
    return whole.replace(b"</quiz>", more.encode())


def test_a_trainer_brings_a_file_in_and_takes_the_bank_out(
    live_server: Callable[..., LiveServer], settings: Settings, cast: Cast, page: Page, tmp_path: Path
) -> None:
    url = live_server(settings).url
    page.goto(f"{url}/sign-in")
    page.fill("[name=login]", cast.trainer.login)
    page.fill("[name=password]", PASSWORD)
    page.click("form button[type=submit]")
    page.wait_for_url("**/")
    page.goto(f"{url}/bank/import")
    file = {"name": "题库.xml", "mimeType": "text/xml", "buffer": moodle_file()}
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="读取文件").click()
    expect(page.get_by_role("heading", name="核对导入的题目")).to_be_visible()
    expect(page.get_by_text("没有标出正确答案")).to_be_visible()
    expect(page.get_by_text("calculated")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("() => document.documentElement.scrollWidth <= 390")
    page.get_by_role("button", name="导入 1 道题").click()
    # nothing is sent before it is said what becomes of mistakes
    expect(page.locator("[name=skip]:invalid")).to_be_focused()
    page.get_by_text("跳过有错的 1 道题").click()
    page.get_by_role("button", name="导入 1 道题").click()
    expect(page.get_by_text("已导入 1 道题，都是草稿")).to_be_visible()
    page.get_by_role("link", name="图中是什么颜色？").click()
    page.wait_for_url(re.compile(r"/bank/\d+$"))
    page.wait_for_function("() => document.querySelector('img[alt=一块红色]')?.naturalWidth === 60")
    page.goto(f"{url}/bank/export?form=gift")
    expect(page.get_by_text("GIFT 带不了图片和声音")).to_be_visible()
    page.goto(f"{url}/bank/export?form=xlsx")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载 1 道题").click()
    download.value.save_as(tmp_path / "out.xlsx")
    batch = formats.read(Format.XLSX, (tmp_path / "out.xlsx").read_bytes(), "x")
    assert [(item.draft.category, len(batch.files)) for item in batch.items] == [("党徽党旗", 1)]
