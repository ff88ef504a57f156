"""The whole line in a real browser: a trainer's file becomes a member's hours, seen by branch and committee.

The school runs as `script/server` runs it, on the demo county: web, media worker and clock under their supervisor.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, Page, expect
from test_roof_up import running

from patience import PATIENCE_S, until
from school.core.db import Database
from school.demo.people import PASSWORD
from school.org.models import Organization
from school.records.models import MemberYear, StudyHourEntry

__all__ = ["running"]

TITLE = "村务公开怎么做"
SECONDS = 75
HOURS = "10"  # enough to be seen in the committee's averages
CUT_SECONDS = 10


@pytest.fixture
def lecture(tmp_path: Path) -> Path:
    """A real 360p lecture file: a moving picture and a tone."""
    path = tmp_path / "讲座.mp4"
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25",
         "-f", "lavfi", "-i", "sine=frequency=330", "-t", str(SECONDS), "-c:v", "libx264", "-preset", "ultrafast",
         "-pix_fmt", "yuv420p", "-c:a", "aac", path],
        check=True,
    )  # fmt: skip
    return path


@pytest.fixture
def school(running: tuple[subprocess.Popen[bytes], str, Path]) -> Iterator[tuple[str, Database]]:
    _process, origin, log = running
    until(lambda: "已经打开" in log.read_text())
    db = Database(f"sqlite:///{log.parent / 'data' / 'school.db'}")
    yield origin, db
    db.close()


@pytest.fixture
def sign_in(browser: Browser, school: tuple[str, Database]) -> Iterator[Callable[[str], BrowserContext]]:
    """`sign_in(login)`: a fresh browser in which that demo account is signed in."""
    opened: list[BrowserContext] = []

    def enter(login: str) -> BrowserContext:
        context = browser.new_context(base_url=school[0], locale="zh-CN", viewport={"width": 1280, "height": 900})
        context.set_default_timeout(PATIENCE_S * 1000)
        opened.append(context)
        page = context.new_page()
        page.goto("/sign-in")
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url("**/")
        page.close()
        return context

    yield enter
    for context in opened:
        context.close()


def upload_and_submit(trainer: BrowserContext, file: Path) -> str:
    """The trainer's part; returns the path of the course in the studio."""
    page = trainer.new_page()
    page.goto("/studio/courses/new")
    page.fill("input[name=title]", TITLE)
    page.select_option("select[name=category]", label="廉政教育")
    page.fill("input[name=hours]", HOURS)
    page.check("input[name=need][value=must]")
    page.click("main form button[type=submit]")
    page.wait_for_url(re.compile(r"/studio/courses/\d+"))
    page.set_input_files("[data-files]", file)
    expect(page.locator("[data-slots] .tag.ok")).to_be_visible(timeout=300_000)  # the demo's lectures are made, too
    page.reload()
    page.click("[data-submit]")
    expect(page.get_by_text("正在等待另一位同志审核")).to_be_visible()
    path = "/" + page.url.split("/", 3)[3].split("?")[0].split("#")[0]
    page.close()
    return path.replace("/studio", "")


def publish(reviewer: BrowserContext, course: str) -> None:
    page = reviewer.new_page()
    page.goto(course)
    with page.expect_navigation():
        page.get_by_role("button", name="通过并发布").click()
    page.close()


def covered(page: Page) -> int:
    """Credited seconds as the page says them; 0 before it says anything."""
    minutes, _, seconds = page.locator("[data-sum=yes]").inner_text().partition(":")
    return int(minutes or 0) * 60 + int(seconds or 0)


def play(page: Page, at_least: int, rate: str = "1.5") -> None:
    """Watch until `at_least` seconds are credited."""
    page.locator("#rate").select_option(rate)
    if page.evaluate("document.getElementById('video').paused"):
        page.click("#play")
    until(lambda: covered(page) >= at_least, SECONDS + PATIENCE_S)


def entry(db: Database) -> StudyHourEntry | None:
    with db.read() as session:
        return session.scalars(sa.select(StudyHourEntry).where(StudyHourEntry.title == TITLE)).one_or_none()


def online_hours(page: Page, path: str) -> list[str]:
    page.goto(path)
    return (
        page.locator("main table").first.locator("tbody tr").all_text_contents()
    )  # the table beside a chart is folded


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_from_a_trainers_disk_to_the_training_file(
    school: tuple[str, Database], sign_in: Callable[[str], BrowserContext], lecture: Path
) -> None:
    _origin, db = school
    course = upload_and_submit(sign_in("linzhichun"), lecture)
    publish(sign_in("hechushu"), course)

    with db.read() as session:
        branch = session.scalars(sa.select(Organization).where(Organization.short_name == "河东村支部")).one()
    admin = sign_in("gaolidong").new_page()
    before = {path: online_hours(admin, path) for path in (f"/orgs/{branch.id}", f"/orgs/{branch.parent_id}")}

    member = sign_in("zhouguyu")
    page = member.new_page()
    page.goto(course)
    page.get_by_role("link", name=re.compile("开始学习|继续学习")).first.click()
    page.wait_for_selector("#play:not([disabled])")
    play(page, 15)

    page.reload()  # nothing that was watched is lost
    page.wait_for_selector("#play:not([disabled])")
    until(lambda: covered(page) >= 15)

    play(page, 25)
    page.locator("#rate").select_option("1.0")
    heard = page.evaluate("document.getElementById('video').currentTime")
    member.set_offline(True)  # a dead network for a while; the picture goes on as far as it was fetched
    page.wait_for_timeout(CUT_SECONDS * 1000)
    reached = page.evaluate("document.getElementById('video').currentTime")
    assert reached > heard
    member.set_offline(False)
    until(lambda: covered(page) >= int(reached) - 2)

    second = member.new_page()  # a second tab takes over; the first one earns nothing more
    second.goto(page.url)
    second.wait_for_selector("#play:not([disabled])")
    play(second, covered(second) + 5)
    expect(page.locator("#superseded")).to_be_visible()
    page.close()

    play(second, int(SECONDS * 0.9) - 1)
    expect(second.locator("#completed")).to_be_visible()
    posted = entry(db)
    assert posted is not None
    assert (posted.hours_100, posted.mode, posted.year) == (1000, "online", posted.occurred_on.year)
    assert posted.org_id == branch.id

    second.goto("/record")
    expect(second.get_by_text(TITLE).first).to_be_visible()
    for path, old in before.items():  # the committee's totals follow within a minute
        until(lambda path=path, old=old: online_hours(admin, path) != old)  # type: ignore[misc]
    with db.read() as session:
        total = session.scalars(sa.select(MemberYear.online_100).where(MemberYear.member_id == posted.member_id)).all()
        entries: Any = session.scalar(
            sa.select(sa.func.sum(StudyHourEntry.hours_100)).where(
                StudyHourEntry.member_id == posted.member_id, StudyHourEntry.mode == "online"
            )
        )
    assert sum(total) == entries
