"""A sitting over HTTP: start, the page, answers one by one, submission; who is refused what."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from actors import Actor, Cast
from clients import SchoolClient
from quiz_kit import make_question, make_quiz
from school.core.db import Database
from school.quizzes import sittings_api
from school.quizzes.models import Attempt, AttemptAnswer, AttemptState, QuestionKind, Quiz

KINDS = tuple(QuestionKind)


@pytest.fixture
def quiz(db: Database, cast: Cast) -> Quiz:
    with db.write() as s:
        return make_quiz(s, cast, [make_question(s, cast, kind) for kind in KINDS], shuffle_options=True)


class Taker:
    """One member at one page of a sitting."""

    def __init__(self, client: SchoolClient, actor: Actor) -> None:
        self.client, self.actor = client, actor
        self.data: dict[str, Any] = {}
        self.attempt_id = 0

    def start(self, quiz: Quiz) -> Any:
        self.client.act_as(self.actor)
        answer = self.client.post(f"/quizzes/{quiz.id}/start")
        if answer.status_code == 302:
            self.attempt_id = int(answer.headers["Location"].rsplit("/", 1)[1])
        return answer

    def open(self) -> dict[str, Any] | None:
        self.client.act_as(self.actor)
        with self.client.application.test_request_context():
            data = sittings_api.open_attempt(self.attempt_id)
        self.data = data or self.data
        return data

    def save(self, *answers: tuple[int, Any, int], **more: Any) -> Any:
        body = {"token": self.data["token"], "answers": [{"i": i, "a": a, "n": n} for i, a, n in answers], **more}
        return self.client.post("/quizzes/answers", json=body, csrf=False)

    def submit(self, *answers: tuple[int, Any, int]) -> Any:
        body = {"token": self.data["token"], "answers": [{"i": i, "a": a, "n": n} for i, a, n in answers]}
        return self.client.post(f"/quizzes/attempts/{self.attempt_id}/submit", json=body, csrf=False)


@pytest.fixture
def taker(client: SchoolClient, cast: Cast) -> Taker:
    return Taker(client, cast.member)


def test_start_open_answer_and_open_again(db: Database, quiz: Quiz, taker: Taker) -> None:
    assert taker.start(quiz).status_code == 302
    data = taker.open()
    assert data is not None
    assert [question["kind"] for question in data["questions"]] == list(KINDS)
    given = [[0], [0, 3], False, ["1921"], [2, 0, 1], [None, 2], "组长召集。"]
    for i, answer in enumerate(given):
        reply = taker.save((i, answer, 1)).json
        assert [(one["i"], one["n"]) for one in reply["saved"]] == [(i, 1)]
        assert not reply["refused"]
    first = taker.attempt_id
    assert taker.start(quiz).status_code == 302
    assert taker.attempt_id == first
    again = taker.open()
    assert again is not None
    assert again["answers"] == dict(enumerate(given))
    assert again["questions"] == data["questions"]
    with db.read() as s:
        assert s.get_one(Attempt, first).answered == len(KINDS)
        kept = s.scalars(sa.select(AttemptAnswer).order_by(AttemptAnswer.position)).all()
        assert all(one.points_100 is None for one in kept)
        assert s.get_one(Attempt, first).state == AttemptState.OPEN


def test_a_hundred_submissions_are_one(db: Database, quiz: Quiz, taker: Taker) -> None:
    taker.start(quiz)
    taker.open()
    first = taker.submit((2, True, 1))
    assert first.json["state"] in {"submitted", "marked"}
    assert first.json["href"] == f"/quizzes/attempts/{taker.attempt_id}/result"
    assert [one["i"] for one in first.json["saved"]] == [2]
    again = taker.submit((2, False, 2))
    assert again.status_code == 200
    assert again.json["refused"][0]["code"] == "attempt.over"
    assert taker.open() is None
    assert taker.save((2, False, 3)).json["error"]["code"] == "attempt.over"
