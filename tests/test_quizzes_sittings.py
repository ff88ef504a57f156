"""A sitting over HTTP on both databases: start, one page that answers, time by the server's clock, submission, abuse."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from quiz_takers import RIGHT, Page

from actors import Cast
from clients import SchoolClient
from quiz_kit import make_question, make_quiz
from school.core.db import Database
from school.core.settings import Settings
from school.core.time import now
from school.quizzes.bank.models import QuestionKind
from school.quizzes.marks.models import QuizResult
from school.quizzes.papers.drawing import Served
from school.quizzes.papers.models import Quiz, QuizKind, Show
from school.quizzes.sittings import jobs, queue
from school.quizzes.sittings import views as sittings_api
from school.quizzes.sittings.models import Attempt, AttemptAnswer, AttemptEvent, AttemptState
from school.quizzes.sittings.serving import canonical, shown, shown_key
from school.quizzes.sittings.tokens import Ticket, seal

KINDS = tuple(QuestionKind)
GIVEN: list[Any] = [[0], [0, 3], False, ["1921"], [2, 0, 1], [None, 2], "组长召集。"]  # one for each of KINDS

Make = Callable[..., Quiz]


@pytest.fixture
def make(db: Database, cast: Cast) -> Make:
    """`make(**fields)` publishes a quiz with one question of each kind, or of `kinds`."""

    def one(*, kinds: tuple[QuestionKind, ...] = KINDS, **fields: Any) -> Quiz:
        with db.write() as s:
            return make_quiz(s, cast, [make_question(s, cast, kind) for kind in kinds], **fields)

    return one


@pytest.fixture
def page(client: SchoolClient, cast: Cast) -> Page:
    return Page(client, cast.member)


@pytest.fixture
def other(client: SchoolClient, cast: Cast) -> Page:
    """The same person at another page."""
    return Page(client, cast.member)


def move(db: Database, attempt_id: int, **values: Any) -> None:
    with db.write() as s:
        s.execute(sa.update(Attempt).where(Attempt.id == attempt_id).values(values))


def kept(db: Database, attempt_id: int) -> dict[int, Any]:
    with db.read() as s:
        rows = s.scalars(sa.select(AttemptAnswer).where(AttemptAnswer.attempt_id == attempt_id))
        return {row.position: row.answer for row in rows}


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


# ── the walk ────────────────────────────────────────────


def test_answers_are_kept_one_by_one_and_found_again(db: Database, make: Make, page: Page) -> None:
    quiz = make(shuffle_options=True)
    first = page.sit(quiz).data
    assert [question["kind"] for question in first["questions"]] == list(KINDS)
    for i, answer in enumerate(GIVEN):
        reply = page.save((i, answer, 1)).json
        assert [(one["i"], one["n"], one["saved_ms"] <= reply["now_ms"]) for one in reply["saved"]] == [(i, 1, True)]
        assert not reply["refused"]
    attempt_id = page.attempt_id
    assert page.sit(quiz).attempt_id == attempt_id
    assert page.data["questions"] == first["questions"], "the paper never changes"
    assert page.data["answers"] == {str(i): answer for i, answer in enumerate(GIVEN)}
    assert page.data["n"] == {str(i): 1 for i in range(len(GIVEN))}
    with db.read() as s:
        attempt = s.get_one(Attempt, attempt_id)
        assert (attempt.answered, attempt.state, attempt.no) == (len(KINDS), AttemptState.OPEN, 1)
        happened = s.scalars(sa.select(AttemptEvent.kind).order_by(AttemptEvent.id)).all()
        assert happened == ["started", "resumed"]


def test_answers_are_kept_in_the_places_of_the_author(db: Database, make: Make, page: Page) -> None:
    page.sit(make(shuffle_options=True))
    page.save(*((i, answer, 1) for i, answer in enumerate(GIVEN)))
    with db.read() as s:
        paper = [Served(*row) for row in s.get_one(Attempt, page.attempt_id).paper]
    assert any(served.order for served in paper)
    for i, kind in enumerate(KINDS):
        assert kept(db, page.attempt_id)[i] == canonical(paper[i], kind, GIVEN[i])


def test_places_go_there_and_back() -> None:
    served = Served(1, 1, 100, [2, 0, 1], [1, 2, 0, 3])
    for kind, answer in ((KINDS[1], [0, 2]), (KINDS[4], [2, 0, 1]), (KINDS[5], [3, None, 0]), (KINDS[3], ["a"])):
        assert shown(served, kind, canonical(served, kind, answer)) == answer
        assert canonical(served, kind, shown(served, kind, answer)) == answer
    assert canonical(served, QuestionKind.SINGLE, [0]) == [2], "what stands first is the author's third"
    assert canonical(served, QuestionKind.MATCH, [3, None, 0]) == [None, 1, 3]
    assert shown_key(served, QuestionKind.SINGLE, {"right": [2]}) == {"right": [0]}


def test_the_later_answer_stands_in_whatever_order_they_arrive(db: Database, make: Make, page: Page) -> None:
    page.sit(make())
    page.save((0, [2], 5))
    overtaken = page.save((0, [0], 4)).json
    assert [(one["i"], one["n"]) for one in overtaken["saved"]] == [(0, 5)], "the page need not send it again"
    page.save((2, True, 1), (2, None, 2), (3, [""], 1))
    assert kept(db, page.attempt_id) == {0: [2], 2: None, 3: None}
    with db.read() as s:
        assert s.get_one(Attempt, page.attempt_id).answered == 1


def test_submission_marks_once_and_says_so_again(db: Database, make: Make, page: Page) -> None:
    quiz = make(kinds=tuple(QuestionKind(kind) for kind in RIGHT))
    page.sit(quiz)
    page.save(*((i, answer, 1) for i, answer in enumerate(list(RIGHT.values())[:3])))
    first = page.submit((3, RIGHT["fill"], 1)).json
    assert (first["state"], [one["i"] for one in first["saved"]]) == ("marked", [3])
    assert first["href"] == f"/quizzes/attempts/{page.attempt_id}/result"
    again = page.submit((3, ["1927"], 2))
    assert (again.status_code, again.json["state"], again.json["refused"][0]["code"]) == (200, "marked", "attempt.over")
    assert code_of(page.save((3, ["1927"], 3))) == (409, "attempt.over")
    assert page.open().status_code == 302, "to the result"
    with db.read() as s:
        attempt = s.get_one(Attempt, page.attempt_id)
        assert (attempt.score_100, attempt.passed, attempt.submitted_by) == (2000, True, "member")
        assert s.scalars(sa.select(QuizResult.best_100)).all() == [2000]


def test_practice_tells_at_once_and_then_stands(make: Make, page: Page) -> None:
    page.sit(make(kind=QuizKind.PRACTICE, show=Show.AT_ONCE, shuffle_options=True))
    assert page.data["told"] == {}
    [told] = page.save((2, False, 1)).json["saved"]
    assert (told["right"], told["key"], told["explanation"]) == (False, {"right": True}, "见党章。")
    [again] = page.save((2, False, 2)).json["saved"]
    assert again["right"] is False
    [refused] = page.save((2, True, 3)).json["refused"]
    assert refused["code"] == "answer.told"
    page.open()
    assert list(page.data["told"]) == ["2"], "of no other question"


# ── whose it is, and at which page ──────────────────────


def test_the_newest_page_answers_and_the_one_before_is_told(db: Database, make: Make, page: Page, other: Page) -> None:
    quiz = make()
    page.sit(quiz)
    page.save((2, True, 1))
    other.sit(quiz)
    assert other.attempt_id == page.attempt_id
    assert other.data["answers"] == {"2": True}
    assert code_of(page.save((2, False, 2))) == (409, "attempt.elsewhere")
    assert code_of(page.submit()) == (409, "attempt.elsewhere")
    assert other.save((0, [1], 1)).status_code == 200
    page.open()
    assert page.save((2, False, 2)).status_code == 200
    assert code_of(other.save((0, [0], 2))) == (409, "attempt.elsewhere")
    assert kept(db, page.attempt_id) == {0: [1], 2: False}


def test_another_members_sitting_is_nobodys_business(
    app: Flask, client: SchoolClient, cast: Cast, make: Make, page: Page
) -> None:
    page.sit(make())
    for actor in (cast.outsider, cast.secretary, cast.trainer, cast.admin):
        stranger = Page(client, actor)
        stranger.attempt_id, stranger.data = page.attempt_id, page.data
        assert stranger.open().status_code in {403, 404}
        assert stranger.clock().status_code in {403, 404}
    assert page.clock().json["state"] == "open", "and nothing has moved"
    keys = app.extensions["school"].keys
    mine = Ticket(page.attempt_id, cast.member.member_id, page.data["token"].split(".")[0].split("-")[2])
    for ticket in (mine._replace(member_id=cast.outsider.member_id), mine._replace(attempt_id=10**6)):
        page.data["token"] = seal(keys, ticket)  # signed, and still for nothing there is
        assert code_of(page.save((2, True, 1))) == (403, "attempt.token")
    sealed = seal(keys, mine)
    altered = sealed[:-1] + ("A" if sealed[-1] != "A" else "B")
    for token in (altered, "1-1-a.k1.x", "", "x", "1.2.3"):
        page.data["token"] = token
        assert code_of(page.save((2, True, 1))) == (403, "attempt.token")
    page.data["token"] = seal(keys, mine)
    page.attempt_id += 1
    assert code_of(page.submit()) == (403, "attempt.token"), "the address names another sitting"


def test_a_hundred_starts_and_submissions_at_once_make_one(
    db: Database, app: Flask, make: Make, cast: Cast, page: Page
) -> None:
    quiz = make(kinds=(QuestionKind.JUDGE,), attempts=1)
    app.extensions["school"].load_person = lambda: cast.member.person
    csrf = page.client.refresh()
    session = page.client.get_cookie("school")
    assert session is not None

    def start(_: int) -> str:
        client = app.test_client()
        client.set_cookie("school", session.value)
        return str(client.post(f"/quizzes/{quiz.id}/start", headers={"X-CSRFToken": csrf}).headers["Location"])

    with ThreadPoolExecutor(20) as pool:
        places = set(pool.map(start, range(100)))
    assert len(places) == 1
    page.attempt_id = int(places.pop().rsplit("/", 1)[1])
    page.open()
    body = {"token": page.data["token"], "answers": [{"i": 0, "a": True, "n": 1}]}
    address = f"/quizzes/attempts/{page.attempt_id}/submit"
    with ThreadPoolExecutor(20) as pool:
        states = set(pool.map(lambda _: app.test_client().post(address, json=body).get_json()["state"], range(100)))
    assert states == {"marked"}
    with db.read() as s:
        assert s.scalars(sa.select(Attempt.score_100)).all() == [500]
        assert s.scalars(sa.select(QuizResult.tries)).all() == [1]
        assert s.scalars(sa.select(AttemptEvent.kind).order_by(AttemptEvent.id)).all() == ["started", "submitted"]
    assert code_of(page.start(quiz)) == (409, "quiz.attempts")


# ── time ────────────────────────────────────────────────


def test_nothing_of_the_paper_is_seen_before_the_window_opens(db: Database, make: Make, page: Page) -> None:
    quiz = make(opens_at=now() + timedelta(minutes=1))
    assert code_of(page.start(quiz)) == (409, "quiz.not_open")
    seen = page.client.get(f"/quizzes/{quiz.id}").text
    assert "国家宪法日" not in seen
    with db.read() as s:
        assert s.scalar(sa.select(sa.func.count()).select_from(Attempt)) == 0
    with db.write() as s:
        s.get_one(Quiz, quiz.id).opens_at = now()
    page.sit(quiz)


def test_no_answer_to_a_page_tells_what_is_right(make: Make, page: Page) -> None:
    """Every text of a key, an explanation and a basis, and every field that could hold one, in all a taker is sent."""
    quiz = make(shuffle_options=True, show=Show.CLOSED, closes_at=now() + timedelta(hours=1))
    page.start(quiz)
    answers = [page.open(), *(page.save((i, answer, 1)) for i, answer in enumerate(GIVEN))]
    answers += [page.open(), page.clock(), page.submit()]
    fields = ('"right": {', '"right": t', '"right": f', '"pairs"', '"key"', '"explanation"', '"basis"', '"order":')
    texts = ("见党章。", "一九二一", "每月一次")
    for answer in answers:
        body = {name: value for name, value in answer.json.items() if name != "words"}  # of the page, not of the paper
        text = json.dumps(body, ensure_ascii=False)
        assert [telling for telling in (*texts, *fields) if telling in text] == []
    page.client.act_as(page.actor)
    result = page.client.get(f"/quizzes/attempts/{page.attempt_id}/result").text
    assert [telling for telling in texts if telling in result] == []


def test_the_deadline_is_the_servers(db: Database, make: Make, page: Page, settings: Settings) -> None:
    """What a page believes of the time decides nothing: it only sends, and late is what the server hears late."""
    quiz = make(kinds=(QuestionKind.JUDGE, QuestionKind.JUDGE), minutes=30)
    page.sit(quiz)
    attempt_id, ms = page.attempt_id, 60_000
    assert 29 * ms < page.data["deadline_ms"] - page.data["now_ms"] <= 30 * ms
    page.save((0, True, 1), spent_ms=10**15, at_ms=0, now_ms=10**15)
    at_ms = sittings_api.clock_ms()
    move(db, attempt_id, deadline_ms=at_ms - 10_000)
    assert page.save((1, True, 1)).json["saved"], "it was on its way: the grace is thirty seconds"
    assert jobs.hand_in_due(db, settings) == 0
    move(db, attempt_id, deadline_ms=at_ms - 40_000)
    assert code_of(page.save((1, False, 2))) == (409, "attempt.over")
    late = page.submit((1, False, 2)).json
    assert (late["state"], late["refused"][0]["code"]) == ("marked", "attempt.over")
    assert kept(db, attempt_id) == {0: True, 1: True}
    with db.read() as s:
        attempt = s.get_one(Attempt, attempt_id)
        assert (attempt.submitted_by, attempt.submitted_ms, attempt.score_100) == ("clock", at_ms - 40_000, 1000)


def test_the_clock_hands_in_what_is_over(db: Database, make: Make, page: Page, settings: Settings) -> None:
    page.sit(make(kinds=(QuestionKind.JUDGE,)))
    page.save((0, True, 1))
    assert jobs.hand_in_due(db, settings) == 0
    move(db, page.attempt_id, deadline_ms=sittings_api.clock_ms() - 36_000)
    assert jobs.hand_in_due(db, settings) == 1
    assert jobs.hand_in_due(db, settings) == 0
    assert page.clock().json["state"] == "marked"
    with db.read() as s:
        assert s.scalars(sa.select(QuizResult.best_100)).all() == [500]


def test_a_window_that_closes_ends_the_sitting(make: Make, page: Page) -> None:
    closes_at = (now() + timedelta(minutes=5)).replace(microsecond=0)
    page.sit(make(minutes=30, closes_at=closes_at))
    assert page.data["deadline_ms"] == closes_at.timestamp() * 1000


def test_leaving_the_page_is_written_down_and_nothing_else(db: Database, make: Make, page: Page) -> None:
    page.sit(make())
    page.save(away=True)
    page.save(back=4200)
    with ThreadPoolExecutor(40) as pool:
        list(pool.map(lambda _: page.save(away=True), range(400)))
    with db.read() as s:
        events = s.scalars(sa.select(AttemptEvent).order_by(AttemptEvent.id)).all()
        assert [(one.kind, one.body) for one in events[1:3]] == [("away", {}), ("back", {"ms": 4200})]
        assert len(events) == 300, "a page that reports without end is no longer listened to"
        assert s.get_one(Attempt, page.attempt_id).state == AttemptState.OPEN


# ── what no page of ours sends ──────────────────────────

NASTY: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 1.5, -0.0, 1e308, "", " ", "\u202e", "x" * 5000, "\ud800", "\x00", "1", [], [[]],
    [None], [0, 0], ["a"] * 500, [1.0], [True], ["\ud800"], ["\x00"], {}, {"a": {}}, {"$ne": 1}, [{}], [2**64], [-1], [[0]],
]  # fmt: skip


def test_answers_to_what_is_not_on_the_paper_are_refused_alone(db: Database, make: Make, page: Page) -> None:
    page.sit(make())
    reply = page.save((len(KINDS), True, 1), (10**6, True, 1), (2, True, 1), (0, [7], 1), (1, True, 1)).json
    assert [one["i"] for one in reply["saved"]] == [2]
    assert [(one["i"], one["code"]) for one in reply["refused"]] == [
        (7, "answer.question"), (10**6, "answer.question"), (0, "answer.shape"), (1, "answer.shape"),
    ]  # fmt: skip
    assert kept(db, page.attempt_id) == {2: True}


def test_ten_thousand_malformed_requests(app: Flask, make: Make, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of them on each database. Whatever comes is kept as an answer or refused in the school's words; it is never a
    fault, and the good answers beside it all stand."""
    monkeypatch.setattr(queue, "TICK", 0.0005)  # nobody else comes
    page.sit(make())
    page.save(*((i, answer, 1) for i, answer in enumerate(GIVEN)))
    client, chance = app.test_client(), random.Random(4)
    good = {"i": 2, "a": False, "n": 1, "spent_ms": 5}

    def send(number: int) -> tuple[int, str]:
        body: dict[str, Any] = {"token": page.data["token"], "answers": [good]}
        where, nasty = chance.choice(("token", "answers", "away", "back", "one", *good)), chance.choice(NASTY)
        if where == "a":
            body["answers"] = [{"i": chance.randrange(len(KINDS)), "a": nasty, "n": 0}]
        elif where in good:
            body["answers"] = [{**good, where: nasty}]
        elif where == "one":
            body["answers"] = [nasty]
        else:
            body[where] = nasty
        path = "/quizzes/answers" if number % 10 else f"/quizzes/attempts/{page.attempt_id + 1}/submit"
        sent = {"data": chance.randbytes(chance.randrange(200))} if number % 50 == 7 else {"json": body}
        answer = client.post(path, **sent)
        return answer.status_code, answer.text if answer.status_code >= 500 or not answer.is_json else ""

    assert set(map(send, range(5_000))) == {(200, ""), (403, ""), (413, ""), (422, "")}
    page.open()
    assert page.data["answers"] == {str(i): answer for i, answer in enumerate(GIVEN)}


def test_bodies_beyond_measure_are_refused(make: Make, page: Page) -> None:
    page.sit(make())
    assert code_of(page.save(*((2, True, n) for n in range(201)))) == (413, "answer.large")
    assert code_of(page.save((6, "长" * 40_000, 1))) == (413, "answer.large")
    [refused] = page.save((6, "长" * 501, 1)).json["refused"]
    assert refused["code"] == "answer.long"
