"""What an invigilator does to sittings that go on, on both databases: more time, pause, collect, void, open again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from quiz_takers import Page
from sqlalchemy.orm import Session

from actors import Cast
from clients import SchoolClient
from quiz_kit import make_question, make_quiz
from school.core.db import Database
from school.core.errors import SchoolError
from school.core.settings import Settings
from school.org.models import AuditLog
from school.quizzes.access import standing
from school.quizzes.bank.models import QuestionKind
from school.quizzes.marks.models import QuizResult
from school.quizzes.papers.models import Quiz
from school.quizzes.sittings import control, jobs
from school.quizzes.sittings import views as sittings_api
from school.quizzes.sittings.models import Attempt, AttemptEvent
from school.records.sessions import ZONE

MINUTE = 60_000
Do = Callable[..., Any]


@pytest.fixture
def quiz(db: Database, cast: Cast) -> Quiz:
    with db.write() as s:
        return make_quiz(s, cast, [make_question(s, cast, QuestionKind.JUDGE)], attempts=1)


@pytest.fixture
def page(client: SchoolClient, cast: Cast, quiz: Quiz) -> Page:
    return Page(client, cast.member).sit(quiz)


@pytest.fixture
def do(db: Database, cast: Cast, quiz: Quiz) -> Do:
    """`do(verb, …)` as the trainer, now."""

    def call(verb: Callable[..., Any], *values: Any, **named: Any) -> Any:
        with db.write() as s:
            return verb(s, standing(s, cast.trainer.person, quiz.id), *values, **named)

    return call


def refused(code: str) -> Any:
    return pytest.raises(SchoolError, match=f"^{re.escape(code)}:")


def clock(page: Page) -> dict[str, Any]:
    answer: dict[str, Any] = page.clock().json
    return answer


def events(s: Session) -> list[str]:
    return list(s.scalars(sa.select(AttemptEvent.kind).order_by(AttemptEvent.id)))


def test_more_time_for_one_and_for_all(
    db: Database, client: SchoolClient, cast: Cast, quiz: Quiz, page: Page, do: Do
) -> None:
    other = Page(client, cast.outsider).sit(quiz)
    before = clock(page)["deadline_ms"], clock(other)["deadline_ms"]
    at_ms = sittings_api.clock_ms()
    assert do(control.extend, 10, "来晚了，经同意。", at_ms, attempt_id=page.attempt_id) == 1
    assert do(control.extend, 5, "广播耽误了。", at_ms) == 2
    assert clock(page)["deadline_ms"] == before[0] + 15 * MINUTE
    assert clock(other)["deadline_ms"] == before[1] + 5 * MINUTE
    assert page.save((0, True, 1)).json["deadline_ms"] == before[0] + 15 * MINUTE, "each answer tells it too"
    with db.read() as s:
        assert s.get_one(Attempt, page.attempt_id).extra_ms == 15 * MINUTE
        assert s.scalars(sa.select(AuditLog.event).order_by(AuditLog.id)).all()[-2:] == ["quiz.extend"] * 2


def test_a_pause_stops_answers_and_time(db: Database, quiz: Quiz, page: Page, do: Do, settings: Settings) -> None:
    deadline_ms, at_ms = clock(page)["deadline_ms"], sittings_api.clock_ms()
    do(control.pause, "停电。", at_ms)
    for answer in (page.save((0, True, 1)), page.submit((0, True, 1))):
        assert (answer.status_code, answer.json["error"]["code"]) == (409, "quiz.paused")
    assert clock(page)["paused"] is True
    page.open()
    assert page.data["paused"] is True
    with db.write() as s:  # its time would be over long ago
        s.execute(sa.update(Attempt).values(deadline_ms=at_ms - 20_000))
    with refused("quiz.paused"):
        do(control.pause, "停电。", at_ms)
    assert jobs.hand_in_due(db, settings) == 0
    assert do(control.resume, at_ms + 7 * MINUTE) == 7 * MINUTE
    assert clock(page)["deadline_ms"] == at_ms - 20_000 + 7 * MINUTE
    assert deadline_ms > at_ms
    assert page.save((0, True, 1)).status_code == 200
    with refused("quiz.running"):
        do(control.resume, at_ms)


def test_a_pause_wakes_nobody_up_whose_time_was_over(db: Database, page: Page, do: Do, settings: Settings) -> None:
    at_ms = sittings_api.clock_ms()
    with db.write() as s:
        s.execute(sa.update(Attempt).values(deadline_ms=at_ms - 36_000))
    do(control.pause, "停电。", at_ms)
    do(control.resume, at_ms + 10 * MINUTE)
    assert page.save((0, True, 1)).json["error"]["code"] == "attempt.over"
    assert jobs.hand_in_due(db, settings) == 1


def test_collecting_void_and_opening_again(db: Database, quiz: Quiz, page: Page, do: Do) -> None:
    at_ms = sittings_api.clock_ms()
    page.save((0, True, 1))
    assert do(control.collect, at_ms, ZONE) == 1
    assert page.save((0, False, 2)).json["error"]["code"] == "attempt.over"
    with db.read() as s:
        assert s.scalars(sa.select(QuizResult.best_100)).all() == [500]
    do(control.reopen, page.attempt_id, 5, "提前收卷了。", at_ms, ZONE)
    with db.read() as s:
        assert s.scalars(sa.select(QuizResult.best_100)).all() == []
    page.open()
    assert page.data["answers"] == {"0": True}
    assert page.data["deadline_ms"] == at_ms + 5 * MINUTE
    page.save((0, False, 2))
    assert page.submit().json["state"] == "marked"
    with db.read() as s:
        assert s.scalars(sa.select(QuizResult.best_100)).all() == [0]
    do(control.void, page.attempt_id, "替考。", at_ms, ZONE)
    with db.read() as s:
        assert s.scalars(sa.select(QuizResult.best_100)).all() == []
        assert events(s) == ["started", "submitted", "reopened", "resumed", "submitted", "voided"]
    with refused("attempt.void"):
        do(control.void, page.attempt_id, "替考。", at_ms, ZONE)
    first = page.attempt_id
    page.sit(quiz)
    assert page.attempt_id != first, "a void one is not a try"
    with refused("attempt.another"):
        do(control.reopen, first, 5, "弄错了。", at_ms, ZONE)


def test_a_seat_code_is_asked_of_who_begins(
    db: Database, client: SchoolClient, cast: Cast, quiz: Quiz, page: Page, do: Do
) -> None:
    old, code = do(control.new_code), do(control.new_code)
    late = Page(client, cast.outsider)
    for wrong in ("", old if old != code else "x", "x"):
        assert late.start(quiz, code=wrong).json["error"]["code"] == "quiz.seat_code"
    assert late.start(quiz, code=f" {code}").status_code == 302
    assert page.start(quiz).status_code == 302, "who sits already goes on without"


def test_what_cannot_be_done_is_refused(
    db: Database, client: SchoolClient, cast: Cast, quiz: Quiz, page: Page, do: Do
) -> None:
    at_ms = sittings_api.clock_ms()
    with db.write() as s:
        elsewhere = make_quiz(s, cast, [make_question(s, cast)], minutes=None)
    foreign = Page(client, cast.outsider).sit(elsewhere)
    refusals: tuple[tuple[str, Callable[..., Any], tuple[Any, ...], dict[str, int]], ...] = (
        ("control.minutes", control.extend, (0, "因", at_ms), {}),
        ("control.minutes", control.extend, (241, "因", at_ms), {}),
        ("control.reason", control.extend, (5, " ", at_ms), {}),
        ("control.reason", control.pause, ("长" * 201, at_ms), {}),
        ("attempt.missing", control.extend, (5, "因", at_ms), {"attempt_id": foreign.attempt_id}),
        ("attempt.missing", control.void, (foreign.attempt_id, "因", at_ms, ZONE), {}),
        ("attempt.open", control.reopen, (page.attempt_id, 5, "因", at_ms, ZONE), {}),
    )  # fmt: skip
    for code, verb, values, named in refusals:
        with refused(code):
            do(verb, *values, **named)
    page.submit()
    over: tuple[tuple[Callable[..., Any], tuple[Any, ...]], ...] = (
        (control.extend, (5, "因", at_ms)),
        (control.collect, (at_ms, ZONE)),
    )
    for verb, values in over:
        with refused("attempt.over"):
            do(verb, *values, attempt_id=page.attempt_id)
    with db.write() as s:
        here = standing(s, cast.trainer.person, elsewhere.id)
        with refused("attempt.no_deadline"):
            control.extend(s, here, 5, "因", at_ms, attempt_id=foreign.attempt_id)
    with db.write() as s, refused("quiz.desk"):
        control.pause(s, standing(s, cast.member.person, quiz.id), "因", at_ms)
