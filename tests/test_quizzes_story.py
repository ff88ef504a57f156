"""An exam from two files of questions to the training file and back, in Chromium: on one PC, and on two web processes.

A trainer imports questions, a colleague reviews them, a member sits the exam on a phone through a dead network and a
killed server; then a key turns out to be wrong, and wrong in turn to have been corrected.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from subprocess import Popen
from typing import Any
from zoneinfo import ZoneInfo

import psutil
import pytest
import sqlalchemy as sa
from bank_kit import ALBUM, GIVEN, SHEET, album, workbook
from playwright.sync_api import Browser, Page, expect
from test_live_story import clock
from test_roof_up import running

import services
from conftest import faultless_page
from patience import until
from school import demo
from school.core.db import Database
from school.core.keys import load_keys
from school.core.settings import Settings
from school.core.store import open_store
from school.core.time import now
from school.demo.people import PASSWORD
from school.org.models import Account
from school.quizzes.bank.models import AnswerKey, Question, QuestionKind, QuestionState
from school.quizzes.papers.models import Quiz
from school.quizzes.sittings.models import Attempt, AttemptAnswer, AttemptState
from school.records.models import StudyHourEntry

__all__ = ["running"]

TITLE = "冬训结业考试"
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
CUT_SECONDS = 6  # longer than the page waits before it tries again


# ── where it happens ────────────────────────────────────


@dataclass(frozen=True)
class Place:
    """A running school: where trainers and where members go in, its database, and how the members' web process falls.

    `fall()` kills it; what that returns, called, sees to it that it is there again.
    """

    trainers: str
    members: str
    db: Database
    fall: Callable[[], Callable[[], None]]


@pytest.fixture
def one_pc(running: tuple[Popen[bytes], str, Path]) -> Iterator[Place]:
    supervisor, origin, log = running
    until(lambda: "已经打开" in log.read_text())
    db = Database(f"sqlite:///{log.parent / 'data' / 'school.db'}")

    def fall() -> Callable[[], None]:
        children = psutil.Process(supervisor.pid).children()
        web = next(child for child in children if "gunicorn" in " ".join(child.cmdline()))
        for victim in [web, *web.children(recursive=True)]:
            victim.kill()
        return lambda: None  # the supervisor sees to it

    yield Place(origin, origin, db, fall)
    db.close()


@pytest.fixture
def several(
    pg_database: Callable[..., str], s3_server: services.S3Server, redis_url: str, tmp_path: Path,
    live_server: Callable[..., services.LiveServer],
) -> Iterator[Place]:  # fmt: skip
    """PostgreSQL, S3, Redis, a clock and two web processes."""
    settings = s3_server.settings(
        "school-quizzes-story", Settings(data=tmp_path / "data", database_url=pg_database(), redis_url=redis_url)
    )
    open_store(settings).prepare()
    db = Database(settings.db_url)
    demo.fill(db, load_keys(settings), settings, say=lambda _text: None)
    with clock(settings, tmp_path / "clock.log"):
        trainers, members = live_server(settings), live_server(settings)

        def fall() -> Callable[[], None]:
            members.kill()
            return members.start

        yield Place(trainers.url, members.url, db, fall)
    db.close()


@pytest.fixture
def sign_in(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`sign_in(origin, login)`: a page of a fresh browser in which that demo account is signed in."""
    with ExitStack() as pages:

        def enter(origin: str, login: str, **options: Any) -> Page:
            page = pages.enter_context(faultless_page(browser, base_url=origin, **options))
            page.goto("/sign-in")
            page.fill("input[name=login]", login)
            page.fill("input[name=password]", PASSWORD)
            page.click("main button[type=submit]")
            page.wait_for_url("**/")
            return page

        yield enter


# ── the bank ────────────────────────────────────────────


def read_in(trainer: Page, file: Path) -> Page:
    """The preview of what a file holds."""
    trainer.goto("/bank")
    trainer.get_by_role("link", name=re.compile("导入")).first.click()
    trainer.set_input_files("input[name=file]", file)
    trainer.get_by_role("button", name="读取文件").click()
    trainer.wait_for_url(re.compile(r"/bank/import/\d+$"))
    return trainer


def take_in(preview: Page, count: int) -> None:
    preview.check("input[name=submit]")
    preview.get_by_role("button", name=f"导入 {count} 道题").click()
    expect(preview.locator(".flash, [role=status]").filter(has_text=f"已导入 {count} 道题并送审")).to_be_visible()


def approve_in_batch(reviewer: Page, db: Database) -> None:
    reviewer.goto("/review")
    reviewer.get_by_role("link", name=re.compile("道试题")).click()
    expect(reviewer.locator("h1")).to_have_text("审核试题")
    while reviewer.locator("[data-tick-all]").count():
        reviewer.check("[data-tick-all]")
        with reviewer.expect_navigation():
            reviewer.get_by_role("button", name="通过勾选的").click()
        expect(reviewer.get_by_text(re.compile(r"已通过 \d+ 道题"))).to_be_visible()
    with db.read() as s:
        found = s.execute(
            sa.select(Question.category, sa.func.count())
            .where(Question.state == QuestionState.APPROVED, Question.category.in_([SHEET, ALBUM]))
            .group_by(Question.category)
        ).all()
    assert {row[0]: row[1] for row in found} == {SHEET: len(GIVEN), ALBUM: 2}


# ── the exam ────────────────────────────────────────────


def compose(trainer: Page) -> int:
    """Nine questions drawn from the sheet and one with a picture, ten points each; the number of the quiz."""
    trainer.goto("/studio/quizzes")
    trainer.get_by_role("link", name="新出试卷").first.click()
    trainer.fill("input[name=title]", TITLE)
    trainer.check("input[name=preset][value=exam]")
    trainer.get_by_role("button", name="开始出卷").click()
    trainer.wait_for_url(re.compile(r"/studio/quizzes/\d+"))
    rules: list[tuple[str, str, str]] = [("6", "single", SHEET), ("3", "multiple", SHEET), ("1", "", ALBUM)]
    for place, (draw, kind, category) in enumerate(rules):
        section = trainer.locator("#paper li.card").nth(place)
        section.get_by_text("抽题规则").click()
        section.locator("[name=draw]").fill(draw)
        section.locator("[name=points]").fill("10")
        section.locator("select[name=kind]").select_option(kind)
        section.locator("select[name=category]").select_option(category)
        with trainer.expect_navigation():
            section.get_by_role("button", name="保存这一部分").click()
    expect(trainer.locator("#paper")).to_contain_text("10 题，满分 100")
    here = now().astimezone(ZoneInfo("Asia/Shanghai"))
    opens, closes = here - timedelta(hours=1), here + timedelta(days=2)
    for name, moment in (("open", opens), ("close", closes)):
        trainer.fill(f"input[name={name}_day]", moment.strftime("%Y-%m-%d"))
        trainer.fill(f"input[name={name}_time]", moment.strftime("%H:%M"))
    trainer.fill("input[name=minutes]", "40")
    trainer.fill("input[name=pass]", "90")
    trainer.fill("input[name=hours]", "0.5")
    with trainer.expect_navigation():
        trainer.get_by_role("button", name="保存规则").click()
    expect(trainer.get_by_text("已保存")).to_be_visible()
    trainer.get_by_role("button", name="送审").click()
    expect(trainer.locator("main")).to_contain_text("正在等待另一位同志审核")
    found = re.search(r"/studio/quizzes/(\d+)", trainer.url)
    assert found
    return int(found[1])


def publish(reviewer: Page) -> None:
    reviewer.goto("/review")
    reviewer.get_by_role("link", name=re.compile(TITLE)).click()
    reviewer.get_by_role("button", name="发布").click()
    expect(reviewer.locator("main")).not_to_contain_text("等您审核")


# ── the sitting ─────────────────────────────────────────


@dataclass(frozen=True)
class Paper:
    """What the database knows of the member's paper: of each question its id and the places at which right ones are served."""

    attempt_id: int
    questions: list[int]
    right: list[list[int]]
    kinds: list[QuestionKind]


def paper(db: Database, quiz_id: int) -> Paper:
    with db.read() as s:
        attempt = s.scalars(sa.select(Attempt).where(Attempt.quiz_id == quiz_id)).one()
        keys = {key.version_id: key.key for key in s.scalars(sa.select(AnswerKey).where(AnswerKey.revision == 1))}
        kinds = dict(s.execute(sa.select(Question.id, Question.kind)).all())
    return Paper(
        attempt.id,
        [question_id for _, question_id, *_ in attempt.paper],
        [
            sorted(order.index(place) if order else place for place in keys[version_id]["right"])
            for version_id, _, _, order, _ in attempt.paper
        ],
        [QuestionKind(kinds[question_id]) for _, question_id, *_ in attempt.paper],
    )


def answers(db: Database, attempt_id: int) -> int:
    with db.read() as s:
        return s.scalar(sa.select(sa.func.count()).where(AttemptAnswer.attempt_id == attempt_id)) or 0


def answer(phone: Page, places: list[int]) -> None:
    """Tap these options of the question in view."""
    for place in places:
        phone.locator(".question .opt").nth(place).click()


def saved(phone: Page) -> None:
    """The answer in view has reached the school."""
    expect(phone.locator(".question .saved:not(.wait)")).to_be_visible()


def sit(here: Place, phone: Page, quiz_id: int) -> Paper:
    """Nine right answers and a wrong one, through a dead network and a fallen server."""
    phone.goto("/quizzes")
    phone.get_by_role("link", name=re.compile(TITLE)).first.click()
    phone.get_by_role("button", name="开始答题").click()
    expect(phone.locator(".question")).to_be_visible()
    told = paper(here.db, quiz_id)
    assert (told.kinds.count(QuestionKind.SINGLE), told.kinds.count(QuestionKind.MULTIPLE)) == (7, 3)

    def go(place: int, *, wrong: bool = False) -> None:
        right = told.right[place]
        answer(phone, [0 if right != [0] else 1] if wrong else right)

    go(0)
    saved(phone)
    phone.click("#next")

    # the network is gone: what is answered stays on the phone, and the page says so
    phone.context.set_offline(True)
    back = time.monotonic() + CUT_SECONDS
    for place in (1, 2, 3):
        go(place)
        expect(phone.locator("#offline")).to_contain_text("网络断开了")
        expect(phone.locator(".question .saved.wait")).to_be_visible()
        phone.click("#next")
    assert answers(here.db, told.attempt_id) == 1
    phone.wait_for_timeout(1000 * max(0.0, back - time.monotonic()))
    phone.context.set_offline(False)
    expect(phone.locator("#offline")).to_be_hidden()
    until(lambda: answers(here.db, told.attempt_id) == 4)

    # the server falls in the middle of an answer
    go(4)
    saved(phone)
    phone.click("#next")
    back_up = here.fall()
    go(5)
    expect(phone.locator("#offline")).to_be_visible()
    back_up()
    expect(phone.locator("#offline")).to_be_hidden()
    saved(phone)
    assert answers(here.db, told.attempt_id) == 6

    phone.click("#next")
    go(6, wrong=True)
    for place in (7, 8, 9):
        phone.click("#next")
        go(place)
    saved(phone)
    phone.click("#pop summary")
    phone.locator("#pop .sheet a").nth(with_picture(here.db, told)).click()
    expect(phone.locator(".question img").first).to_be_visible()
    phone.wait_for_function("() => [...document.querySelectorAll('.question img')].every((each) => each.naturalWidth)")
    assert phone.locator(".question img").count() in (1, 3)
    phone.click("#pop summary")
    phone.locator("#pop [data-submit]").click()
    expect(phone.locator("#submit-d")).to_contain_text("每一题都答了")
    phone.click("#submit-do")
    phone.wait_for_url("**/result")
    return told


def with_picture(db: Database, told: Paper) -> int:
    """Which of the questions came with a picture."""
    with db.read() as s:
        return next(
            place
            for place, question_id in enumerate(told.questions)
            if s.get_one(Question, question_id).category == ALBUM
        )


# ── what comes of it ────────────────────────────────────


def ledger(db: Database, quiz_id: int) -> list[tuple[int, bool]]:
    """The member's lines of this quiz, in their order: hundredths of hours, and whether it reverses another."""
    with db.read() as s:
        lines = s.scalars(
            sa.select(StudyHourEntry)
            .join(Account, Account.member_id == StudyHourEntry.member_id)
            .where(
                Account.login == "zhouguyu", StudyHourEntry.source_kind == "quiz", StudyHourEntry.source_id == quiz_id
            )
            .order_by(StudyHourEntry.id)
        ).all()
    return [(line.hours_100, line.reverses_id is not None) for line in lines]


def lines_shown(member: Page) -> list[str]:
    """The hours of this exam's lines in the training file, as they are read there, the newest first."""
    member.goto("/record")
    shown = member.locator(".entry summary", has_text=TITLE).locator(".h").all_inner_texts()
    return [text.split()[0] for text in shown]


def correct(trainer: Page, question_id: int, right: list[int], reason: str) -> Page:
    """Another key is written, and what it would do is looked at."""
    trainer.goto(f"/bank/{question_id}")
    trainer.get_by_role("link", name="更正答案").click()
    expect(trainer.locator("h1")).to_have_text("更正答案")
    for place, box in enumerate(trainer.locator("input[name=right]").all()):
        box.set_checked(place in right)
    trainer.fill("textarea[name=reason]", reason)
    trainer.get_by_role("button", name="看看谁的成绩会变").click()
    return trainer


def remark(preview: Page) -> None:
    preview.get_by_role("button", name="更正答案并重新计分").click()
    expect(preview.get_by_text("答案已更正")).to_be_visible()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("place", ["one_pc", "several"])
def test_an_exam_from_two_files_to_the_training_file_and_back(
    place: str, request: pytest.FixtureRequest, sign_in: Callable[..., Page], tmp_path: Path
) -> None:
    here: Place = request.getfixturevalue(place)

    # ── the bank is filled and read by another pair of eyes ──
    trainer = sign_in(here.trainers, "linzhichun")
    preview = read_in(trainer, workbook(tmp_path / "冬训题库.xlsx"))
    expect(preview.locator(".import-sum")).to_contain_text(f"{len(GIVEN)} 道可以导入")
    expect(preview.get_by_text("题库里已有相近的题").first).to_be_visible()  # the demo bank has them too
    take_in(preview, len(GIVEN))
    preview = read_in(trainer, album(tmp_path / "questions-冬训-看图识史.xml"))
    expect(preview.locator(".import-sum")).to_contain_text("2 道可以导入")
    expect(preview.locator("main")).to_contain_text("这是一段说明文字，不是题目，没有收下。")
    take_in(preview, 2)
    reviewer = sign_in(here.trainers, "hechushu")
    approve_in_batch(reviewer, here.db)

    # ── the exam is drawn up, published and sat ──
    quiz_id = compose(trainer)
    publish(reviewer)
    phone = sign_in(here.members, "zhouguyu", **PHONE)
    told = sit(here, phone, quiz_id)
    expect(phone.locator("main")).to_contain_text("90 / 100")
    expect(phone.locator("main")).to_contain_text("0.5 学时已记入学习档案")
    assert ledger(here.db, quiz_id) == [(50, False)]
    assert lines_shown(phone) == ["0.5"]

    # ── a key was wrong: the member no longer passes ──
    first = next(place for place in range(6) if told.kinds[place] == QuestionKind.SINGLE)
    question_id = told.questions[first]
    with here.db.read() as s:
        version_id = s.get_one(Question, question_id).approved_id
        right: int = s.get_one(AnswerKey, (version_id, 1)).key["right"][0]
    preview = correct(trainer, question_id, [1 - right if right < 2 else 0], "答案抄错了一格")
    expect(preview.locator("main table")).to_contain_text("周谷雨")
    expect(preview.locator("main table")).to_contain_text("变为不及格")
    assert ledger(here.db, quiz_id) == [(50, False)]
    remark(preview)
    assert ledger(here.db, quiz_id) == [(50, False), (-50, True)]
    assert lines_shown(phone) == ["−0.5", "0.5"]
    phone.goto("/")
    expect(phone.locator("main")).to_contain_text("您的成绩由 90 分改为 80 分")

    # ── it was right after all: the hours are there again ──
    preview = correct(trainer, question_id, [right], "核对原文，原来的答案没有错")
    expect(preview.locator("main table")).to_contain_text("变为及格")
    remark(preview)
    assert ledger(here.db, quiz_id) == [(50, False), (-50, True), (50, False)]
    assert lines_shown(phone) == ["0.5", "−0.5", "0.5"]
    with here.db.read() as s:
        attempt = s.get_one(Attempt, told.attempt_id)
        assert (attempt.state, attempt.score_100, attempt.passed) == (AttemptState.MARKED, 9000, True)
        assert s.get_one(Quiz, quiz_id).title == TITLE
