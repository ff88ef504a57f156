"""What an invigilator does to sittings that go on, on both databases: more time, pause, collect, void, open again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
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
from school.core.time import now
from school.org.models import AuditLog
from school.quizzes.access import standing
from school.quizzes.bank.models import QuestionKind
from school.quizzes.marks import notes
from school.quizzes.marks.models import QuizResult
from school.quizzes.papers.models import Quiz, Show
from school.quizzes.sittings import control, jobs
from school.quizzes.sittings import views as sittings_api
from school.quizzes.sittings.models import Attempt, AttemptEvent
from school.records.models import StudyHourEntry
from school.records.sessions import ZONE

MINUTE = 60_000
Do = Callable[..., Any]


@pytest.fixture
def quiz(db: Database, cast: Cast) -> Quiz:
    with db.write() as s:
        return make_quiz(
            s, cast, [make_question(s, cast, QuestionKind.JUDGE)], attempts=1, hours_100=100, show=Show.CLOSED,
            closes_at=now() + timedelta(hours=2),
        )  # fmt: skip


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
    told = client.post(f"/quizzes/{quiz.id}/start", data={"code": "x"})  # a person is told where the code is typed
    assert (told.status_code, told.text.count("考场码不对")) == (422, 1)
    assert 'name="code"' in told.text
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
        ("course.secret", control.pause, ("见附件，机密★10年", at_ms), {}),
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


def test_who_is_made_void_reads_why(
    db: Database, client: SchoolClient, cast: Cast, quiz: Quiz, page: Page, do: Do
) -> None:
    page.save((0, True, 1))
    page.submit()
    do(control.void, page.attempt_id, "请人代答。", sittings_api.clock_ms(), ZONE)
    with db.read() as s:
        lines = s.scalars(sa.select(StudyHourEntry).order_by(StudyHourEntry.id)).all()
        assert [(line.hours_100, line.note) for line in lines] == [(100, ""), (-100, "请人代答。")]
        [told] = notes.voided(s, cast.member.member_id)
        assert (told.no, told.reason, told.hours_100) == (1, "请人代答。", 100)
        assert not notes.notes(s, cast.member.member_id)
        assert not notes.voided(s, cast.outsider.member_id)
    client.act_as(cast.member)
    first = client.get("/").text
    assert "第 1 次答题已由监考人员作废" in first
    assert "原来记的 1 学时已冲回" in first
    assert "请人代答。" in first
    client.post(f"/quizzes/{quiz.id}/noted", data={"next": "/"})
    assert "作废" not in client.get("/").text
    assert "请人代答。" in client.get(f"/quizzes/attempts/{page.attempt_id}/result").text, "it can still be looked up"
    with db.read() as s:
        assert events(s)[-2:] == ["voided", "told"]


def test_a_void_sitting_leaves_no_note_of_corrected_marks(
    db: Database, cast: Cast, quiz: Quiz, page: Page, do: Do
) -> None:
    """The better of two is made void: the other one stands, and one note says so, not two."""
    with db.write() as s:
        s.execute(sa.update(Quiz).values(attempts=2))
    page.submit((0, True, 1))
    best = page.attempt_id
    page.sit(quiz).submit((0, False, 1))
    do(control.void, best, "拿错了卷子。", sittings_api.clock_ms(), ZONE)
    with db.read() as s:
        assert notes.notes(s, cast.member.member_id) == []
        assert len(notes.voided(s, cast.member.member_id)) == 1
        assert s.scalars(sa.select(QuizResult.best_100)).all() == [0]


@pytest.mark.parametrize(
    ("show", "until_closed", "told"),
    [
        (Show.CLOSED, 60, False),
        (Show.CLOSED, -1, True),  # everybody who sat it may read now what is right
        (Show.SUBMITTED, 60, True),  # it was read right after handing in
        (Show.NEVER, -1, False),
    ],
)
def test_a_paper_is_not_opened_again_when_its_answers_were_told(
    db: Database,
    client: SchoolClient,
    cast: Cast,
    quiz: Quiz,
    page: Page,
    do: Do,
    show: Show,
    until_closed: int,
    told: bool,
) -> None:
    page.submit((0, True, 1))
    closes_at: datetime = now() + timedelta(minutes=until_closed)
    with db.write() as s:
        s.execute(sa.update(Quiz).values(show=show, closes_at=closes_at))
    client.act_as(cast.trainer)
    assert ("重新打开" not in client.get(f"/quizzes/{quiz.id}/desk/{page.attempt_id}").text) == told
    again = page.attempt_id, 5, "停电。", sittings_api.clock_ms(), ZONE
    if told:
        with refused("attempt.told"):
            do(control.reopen, *again)
        do(control.void, page.attempt_id, "停电。", sittings_api.clock_ms(), ZONE)
        with refused("attempt.told"):  # making it void first is no way around
            do(control.reopen, *again)
    else:
        do(control.reopen, *again)


def test_while_somebody_still_sits_the_answers_are_not_told_and_another_may_go_on(
    db: Database, client: SchoolClient, cast: Cast, quiz: Quiz, page: Page, do: Do
) -> None:
    Page(client, cast.outsider).sit(quiz)
    page.submit((0, True, 1))
    with db.write() as s:
        s.execute(sa.update(Quiz).values(closes_at=now() - timedelta(minutes=1)))
    do(control.reopen, page.attempt_id, 5, "停电。", sittings_api.clock_ms(), ZONE)
    assert page.open().status_code == 200
