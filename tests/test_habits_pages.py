"""Every page, for everyone who has it, at phone, desktop and large type: axe finds no serious fault, nothing scrolls sideways."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from marks_kit import hand_in
from playwright.sync_api import Browser, Page, StorageState

import actors
import courses_kit
import live_kit
import services
from actors import PASSWORD, Actor, Cast
from patience import PATIENCE_S
from quiz_kit import SAMPLES, make_question, make_quiz
from school.core.db import Database
from school.core.settings import Settings
from school.core.store import open_store
from school.core.time import now
from school.live import reporting
from school.live.models import LiveAttendance, LivePoll, LiveReport, LiveState
from school.quizzes.sittings.models import Attempt

AXE = Path(__file__).parent.parent / "node_modules" / "axe-core" / "axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"], "resultTypes": ["violations"]}
VIEWS = {"phone": (390, 0), "desktop": (1280, 0), "elder": (390, 1), "largest": (390, 3), "narrow": (320, 0)}
WIDEST = """() => [...document.body.querySelectorAll('*')]
  .filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
  .slice(-3).map((e) => e.outerHTML.slice(0, 120)).join(' | ')"""
HORRIBLE = "阿布都热合曼·买买提江·<script>alert(1)</script>"

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]


def classes(db: Database, cast: Cast) -> dict[LiveState, int]:
    """A live class in every state, the one that is over with its report."""
    with db.write() as s:
        made = {state: live_kit.make_class(s, cast, state=state, title=HORRIBLE) for state in LiveState}
        for live in made.values():
            live.submitted_at, live.reviewer_id, live.review_note = now(), cast.reviewer.account_id, HORRIBLE
        over = made[LiveState.ENDED]
        over.ended_ms = (over.started_ms or 0) + 2_700_000
        s.add(
            LiveAttendance(class_id=over.id, member_id=cast.member.member_id, org_id=cast.branch_id,
                           makeup_until=now())
        )  # fmt: skip
        s.add(
            LivePoll(class_id=over.id, question=HORRIBLE, options=[HORRIBLE, "乙"], tally=[3, 1], voters=4, opened_ms=1)
        )  # fmt: skip
        s.flush()
        body = reporting.build(s, over, recorded=True, zone="Asia/Shanghai")
        s.add(LiveReport(class_id=over.id, body=dict(body), built_at=now()))
        return {state: live.id for state, live in made.items()}


def sittings(db: Database, cast: Cast) -> list[str]:
    """What a member opens of a quiz with a question of each kind: its face, a sitting, the result of one, 错题本."""
    with db.write() as s:
        questions = [make_question(s, cast, kind) for kind in SAMPLES]
        quiz = make_quiz(s, cast, questions)
        over = hand_in(
            s, quiz, questions, cast.member.member_id, [[0], [0, 3], None, ["1922"], None, None, "每月一次。"]
        )
        going_on = Attempt(
            quiz_id=quiz.id, member_id=cast.member.member_id, org_id=cast.branch_id, no=2, seed=1, paper=over.paper,
            started_ms=over.started_ms, max_100=over.max_100,
        )  # fmt: skip
        s.add(going_on)
        s.flush()
        return ["/quizzes", f"/quizzes/{quiz.id}", "/quizzes/wrong",
                f"/quizzes/attempts/{going_on.id}", f"/quizzes/attempts/{over.id}/result"]  # fmt: skip


def pages(
    cast: Cast, course: int, lesson: int, draft: int, live: dict[LiveState, int], quizzes: list[str]
) -> dict[str, list[str]]:
    """Who opens what; '' is a visitor."""
    over = f"/live/{live[LiveState.ENDED]}"
    return {
        "": ["/sign-in", "/no-such-page"],
        "member": ["/", "/courses", "/courses?q=党章", "/courses?q=zzzz", f"/courses/{course}",
                   f"/courses/{course}/lessons/{lesson}", "/record", "/record/print", "/account", "/password", "/studio",
                   "/live", *(f"/live/{live[state]}" for state in (LiveState.APPROVED, LiveState.LIVE, LiveState.ENDED,
                                                                  LiveState.CANCELLED)),
                   *(f"/live/{live[state]}/room" for state in (LiveState.APPROVED, LiveState.LIVE)),
                   *quizzes],
        "secretary": ["/", f"/orgs/{cast.branch_id}", f"/orgs/{cast.branch_id}/print",
                      f"/orgs/{cast.branch_id}/reviews", f"{over}/report"],
        "admin": ["/", f"/orgs/{cast.county_id}", f"/orgs/{cast.town_id}", f"/orgs/{cast.county_id}/print"],
        "trainer": ["/", "/studio", "/studio/courses/new", f"/studio/courses/{draft}", f"/studio/courses/{course}",
                    "/studio/live", "/live/new", *(f"/live/{live[state]}/edit" for state in (LiveState.DRAFT, LiveState.APPROVED)),
                    f"{over}/report", f"{over}/report/print",
                    "/bank", "/bank/1", "/bank/7/edit", "/bank/new?kind=single", "/bank/new?kind=match"],
        "reviewer": ["/", "/review", "/bank", "/bank/review", f"/courses/{draft}", f"/live/{live[LiveState.IN_REVIEW]}"],
    }  # fmt: skip


@dataclass(frozen=True)
class House:
    """A running school: where it answers, who opens what, and what their browsers keep once they have signed in."""

    url: str
    pages: dict[str, list[str]]
    seats: dict[str, StorageState]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, sqlite_tables: Path, browser: Browser) -> Iterator[House]:
    """One school for all views: looking at a page changes nothing on it."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copyfile(sqlite_tables, folder / "school.db")
    settings = Settings(
        data=folder / "data",
        database_url=f"sqlite:///{folder / 'school.db'}",
        host="127.0.0.1",
        port=services.free_port(),
    )
    open_store(settings).prepare()
    db = Database(settings.db_url)
    cast = actors.build(db)
    course = courses_kit.published(db, cast, summary=HORRIBLE)
    draft = courses_kit.draft(db, cast, title=HORRIBLE)
    lesson = courses_kit.lessons(db, course)[0]
    all_pages = pages(cast, course.id, lesson.id, draft.id, classes(db, cast), sittings(db, cast))
    server = services.LiveServer(settings, folder / "web.log")
    try:
        server.start()
        seats = {who: signed_in(browser, server.url, cast[who] if who else None) for who in all_pages}
        yield House(server.url, all_pages, seats)
    finally:
        server.kill()
        db.close()


def signed_in(browser: Browser, url: str, actor: Actor | None) -> StorageState:
    """What a browser keeps of somebody who has signed in; None is a visitor."""
    with opened(browser, base_url=url) as page:
        if actor is not None:
            page.goto("/sign-in")
            page.fill("input[name=login]", actor.login)
            page.fill("input[name=password]", PASSWORD)
            page.click("button[type=submit]")
            page.wait_for_url("**/")
        return page.context.storage_state()


@contextmanager
def opened(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page of a fresh browser that takes axe in and shows nothing half faded."""
    context = browser.new_context(locale="zh-CN", bypass_csp=True, reduced_motion="reduce", **options)
    context.set_default_timeout(PATIENCE_S * 1000)
    try:
        yield context.new_page()
    finally:
        context.close()


def faults(page: Page, path: str) -> list[str]:
    """What axe and a ruler say about `path`."""
    page.goto(path, wait_until="load")
    page.add_script_tag(path=AXE)
    found = page.evaluate("(rules) => axe.run(document, rules)", RULES)["violations"]
    said = [
        f"{path}: {v['impact']} {v['id']}: {v['nodes'][0]['html'][:160]}"
        for v in found
        if v["impact"] in {"serious", "critical"}
    ]
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if over > 0:
        said.append(f"{path}: {over} px too wide: {page.evaluate(WIDEST)}")
    return said


@pytest.mark.parametrize("view", VIEWS)
def test_no_page_has_a_serious_fault(view: str, house: House, browser: Browser) -> None:
    width, elder = VIEWS[view]
    said = []
    for who, paths in house.pages.items():
        seat, viewport = house.seats[who], {"width": width, "height": 844}
        with opened(browser, base_url=house.url, viewport=viewport, storage_state=seat) as page:
            page.context.add_cookies([{"name": "elder", "value": str(elder), "url": house.url}])
            for path in paths:
                said += faults(page, path)
    assert not said, "\n".join(said)
