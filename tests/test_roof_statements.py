"""How many statements the pages ask that thousands open in the same minute: one more is a decision, not an accident."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from quiz_takers import Page

import courses_kit
import file_kit
from actors import PASSWORD, Cast
from clients import SchoolClient
from quiz_kit import make_question, make_quiz
from school.core.db import Database
from school.org import sign_ins
from school.quizzes.papers.models import Show
from school.webkit.context import School

Asked = Callable[[Callable[[], object]], int]


@pytest.fixture
def asked(client: SchoolClient) -> Asked:
    """`asked(work)`: how many statements the application sends while `work` runs."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.extend([] if statement.startswith("BEGIN") else [statement])

    parts: School = client.application.extensions["school"]
    sa.event.listen(parts.db.engine, "before_cursor_execute", note)

    def count(work: Callable[[], object]) -> int:
        sent.clear()
        work()
        return len(sent)

    return count


def test_pages_that_everybody_opens(client: SchoolClient, db: Database, cast: Cast, asked: Asked) -> None:
    file_kit.file_year(db, cast)
    course = courses_kit.published(db, cast)
    client.act_as(cast.member)
    for path, most in (("/", 8), (f"/courses/{course.id}", 9)):
        assert client.get(path).status_code == 200
        assert asked(lambda path=path: client.get(path)) == most, path


def test_an_exam_from_the_door_to_the_result(client: SchoolClient, db: Database, cast: Cast, asked: Asked) -> None:
    with db.write() as s:
        questions = [make_question(s, cast) for _ in range(3)]
        quiz = make_quiz(s, cast, questions, attempts=0, show=Show.SUBMITTED, hours_100=100)
    page = Page(client, cast.member)
    page.sit(quiz)  # versions and keys are remembered by the process
    page.save(*((i, [0], 1) for i in range(3)))
    page.submit()
    found = {
        "face": asked(lambda: client.get(f"/quizzes/{quiz.id}")),
        "start": asked(lambda: page.start(quiz)),
        "open": asked(page.open),
        "answer": asked(lambda: page.save((0, [0], 1))),
        "submit": asked(page.submit),
        "result": asked(lambda: client.get(f"/quizzes/attempts/{page.attempt_id}/result")),
    }
    assert found == {"face": 7, "start": 8, "open": 4, "answer": 4, "submit": 16, "result": 9}


def test_the_door(client: SchoolClient, cast: Cast, asked: Asked) -> None:
    parts: School = client.application.extensions["school"]
    device = sign_ins.Device("a test", "::1")
    words = (parts.db, parts.keys, cast.member.login, PASSWORD, device, sign_ins.BORROWED)
    assert asked(lambda: sign_ins.sign_in(*words)) == 8
