"""Every page, for everyone who has it, at phone, desktop and large type: axe finds no serious fault, nothing scrolls sideways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from marks_kit import hand_in
from playwright.sync_api import Browser, Page

import courses_kit
import live_kit
import services
from actors import PASSWORD, Actor, Cast
from quiz_kit import SAMPLES, make_question, make_quiz
from school.core.db import Database
from school.core.settings import Settings
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


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[[str, Actor | None, int, int], Page]]:
    contexts = []

    def enter(origin: str, actor: Actor | None, width: int, elder: int) -> Page:
        context = browser.new_context(
            base_url=origin, locale="zh-CN", viewport={"width": width, "height": 844}, bypass_csp=True
        )
        contexts.append(context)
        page = context.new_page()
        context.add_cookies([{"name": "elder", "value": str(elder), "url": origin}])
        if actor is not None:
            page.goto("/sign-in")
            page.fill("input[name=login]", actor.login)
            page.fill("input[name=password]", PASSWORD)
            page.click("button[type=submit]")
            page.wait_for_url("**/")
        return page

    yield enter
    for context in contexts:
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


@pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("view", VIEWS)
def test_no_page_has_a_serious_fault(
    view: str,
    settings: Settings,
    db: Database,
    cast: Cast,
    live_server: Callable[..., services.LiveServer],
    open_page: Callable[[str, Actor | None, int, int], Page],
) -> None:
    course = courses_kit.published(db, cast, summary=HORRIBLE)
    draft = courses_kit.draft(db, cast, title=HORRIBLE)
    lesson = courses_kit.lessons(db, course)[0]
    origin = live_server(settings).url
    width, elder = VIEWS[view]
    said = []
    for who, paths in pages(cast, course.id, lesson.id, draft.id, classes(db, cast), sittings(db, cast)).items():
        page = open_page(origin, cast[who] if who else None, width, elder)
        for path in paths:
            said += faults(page, path)
    assert not said, "\n".join(said)
