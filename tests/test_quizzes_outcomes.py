"""What came of a sitting and the wrong-answer book, on both databases: what is right is seen by nobody before it may be."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from quiz_takers import Page

from actors import Actor, Cast
from clients import SchoolClient
from quiz_kit import make_question, make_quiz
from school.core.db import Database
from school.core.time import now
from school.quizzes.bank.models import Question, QuestionKind, QuestionState
from school.quizzes.marks.models import QuizResult
from school.quizzes.papers.models import Quiz, QuizKind, QuizState, Show
from school.quizzes.sittings import moments, wrong
from school.quizzes.sittings.models import Attempt, AttemptEvent, AttemptState

SECRET = "见党章。"  # the explanation of every question of quiz_kit
Make = Callable[..., Quiz]


@pytest.fixture
def make(db: Database, cast: Cast) -> Make:
    """`make(*kinds, **fields)` publishes a quiz of these questions; none named: a single choice and a judgement."""

    def one(*kinds: QuestionKind, **fields: Any) -> Quiz:
        with db.write() as s:
            wanted = kinds or (QuestionKind.SINGLE, QuestionKind.JUDGE)
            return make_quiz(s, cast, [make_question(s, cast, kind) for kind in wanted], **fields)

    return one


@pytest.fixture
def page(client: SchoolClient, cast: Cast) -> Page:
    return Page(client, cast.member)


def hand_in(page: Page, quiz: Quiz, *answers: Any) -> int:
    """Sit the quiz with these answers; the attempt's id."""
    page.sit(quiz)
    assert page.submit(*((i, answer, 1) for i, answer in enumerate(answers))).status_code == 200
    return page.attempt_id


def read(answer: Any) -> str:
    """A page with the signs that its JSON writes as numbers."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), answer.text)


def result(client: SchoolClient, actor: Actor, attempt_id: int) -> Any:
    client.act_as(actor)
    return client.get(f"/quizzes/attempts/{attempt_id}/result")


def result_page(page: Page, attempt_id: int) -> str:
    return read(result(page.client, page.actor, attempt_id))


def book_page(client: SchoolClient, actor: Actor) -> str:
    client.act_as(actor)
    return read(client.get("/quizzes/wrong"))


def redo(client: SchoolClient, attempt_id: int, position: int, answer: Any) -> Any:
    return client.post(f"/quizzes/wrong/{attempt_id}/{position}", json={"a": answer})


def test_the_page_of_a_sitting_knows_no_answer(page: Page, make: Make) -> None:
    page.sit(make(*QuestionKind))
    text = read(page.client.get(f"/quizzes/attempts/{page.attempt_id}"))
    assert "国家宪法日是哪一天" in text
    for hidden in (SECRET, "一九二一", '"key"', '"explanation"', "每月一次，由组长召集"):
        assert hidden not in text


def test_marks_answers_and_reasons_after_handing_in(page: Page, make: Make) -> None:
    attempt_id = hand_in(page, make(), [0], True)
    text = result_page(page, attempt_id)
    for shown in ("5<small> / 10", "没有及格", "再考一次，还有 2 次", SECRET):
        assert shown in text


@pytest.mark.parametrize(("show", "visible"), [(Show.SUBMITTED, True), (Show.CLOSED, False), (Show.NEVER, False)])
def test_right_answers_wait_for_their_time(page: Page, make: Make, db: Database, show: Show, visible: bool) -> None:
    quiz = make(show=show, closes_at=now() + timedelta(hours=1))
    attempt_id = hand_in(page, quiz, [0], False)
    assert (SECRET in result_page(page, attempt_id)) is visible
    assert ("没有错题" in book_page(page.client, page.actor)) is not visible
    assert redo(page.client, attempt_id, 0, [1]).status_code == (200 if visible else 404)
    if show == Show.CLOSED:
        with db.write() as s:
            s.execute(sa.update(Quiz).values(closes_at=now() - timedelta(seconds=1)))
        assert SECRET in result_page(page, attempt_id)


def test_an_open_sitting_is_gone_on_with(page: Page, make: Make) -> None:
    page.sit(make())
    answer = result(page.client, page.actor, page.attempt_id)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/quizzes/attempts/{page.attempt_id}")
    page.submit()
    page.client.act_as(page.actor)
    answer = page.client.get(f"/quizzes/attempts/{page.attempt_id}")
    assert answer.headers["Location"] == f"/quizzes/attempts/{page.attempt_id}/result"


def test_a_result_is_the_persons_and_of_those_who_see_all(page: Page, make: Make, cast: Cast) -> None:
    attempt_id = hand_in(page, make(), [1], True)
    for name, status in {"member": 200, "trainer": 200, "reviewer": 200, "secretary": 404, "outsider": 404}.items():
        assert result(page.client, cast[name], attempt_id).status_code == status, name
    assert f"{cast.member.name}的答卷" in result(page.client, cast.trainer, attempt_id).text


def test_ones_own_result_outlives_the_quiz(page: Page, make: Make, db: Database) -> None:
    attempt_id = hand_in(page, make(), [1], True)
    with db.write() as s:
        s.execute(sa.update(Quiz).values(state=QuizState.WITHDRAWN))
    answer = result(page.client, page.actor, attempt_id)
    assert (answer.status_code, "再考一次" in answer.text) == (200, False)


def test_short_answers_are_waited_for(page: Page, make: Make) -> None:
    attempt_id = hand_in(page, make(QuestionKind.SINGLE, QuestionKind.SHORT), [1], "由组长召集。")
    text = result_page(page, attempt_id)
    assert "评阅中" in text
    assert "<dd>—</dd>" in text


def test_a_void_sitting_says_why(page: Page, make: Make, db: Database, cast: Cast) -> None:
    attempt_id = hand_in(page, make(), [1], True)
    with db.write() as s:
        s.execute(sa.update(Attempt).values(state=AttemptState.VOID))
        s.add(
            AttemptEvent(
                attempt_id=attempt_id, at_ms=1, kind="voided", account_id=cast.trainer.account_id, body={"reason": "坐错了位置"}
            )
        )  # fmt: skip
    text = result_page(page, attempt_id)
    assert "坐错了位置" in text
    assert SECRET not in text


def test_a_corrected_mark_is_told(page: Page, make: Make, db: Database) -> None:
    attempt_id = hand_in(page, make(), [1], True)
    with db.write() as s:
        s.execute(sa.update(QuizResult).values(was_100=500, was_passed=False, told_at=now(), note="第 1 题答案有误"))
    text = result_page(page, attempt_id)
    assert "原来 5 分，现在 10 分。" in text
    assert "第 1 题答案有误" in text


def test_a_question_leaves_the_book_when_it_is_answered_right_again(page: Page, make: Make) -> None:
    attempt_id = hand_in(page, make(), [0], False)
    assert "共 2 题" in book_page(page.client, page.actor)
    wrong_again = redo(page.client, attempt_id, 0, [2]).json
    assert (wrong_again["right"], wrong_again["key"], wrong_again["explanation"]) == (False, {"right": [1]}, SECRET)
    assert "共 2 题" in book_page(page.client, page.actor)
    assert redo(page.client, attempt_id, 0, [1]).json["right"] is True
    assert "共 1 题" in book_page(page.client, page.actor)


def test_a_later_right_answer_elsewhere_takes_it_out_and_a_wrong_one_puts_it_back(page: Page, make: Make) -> None:
    quiz = make(QuestionKind.SINGLE, attempts=0)
    first = hand_in(page, quiz, [0])
    assert redo(page.client, first, 0, [1]).json["right"] is True
    assert "没有错题" in book_page(page.client, page.actor)
    hand_in(page, quiz, [2])
    assert "共 1 题" in book_page(page.client, page.actor)
    hand_in(page, quiz, [1])
    assert "没有错题" in book_page(page.client, page.actor)


def test_what_is_no_mistake_stays_out_of_the_book(page: Page, make: Make, db: Database) -> None:
    quiz = make(QuestionKind.SINGLE, QuestionKind.JUDGE, QuestionKind.SHORT, QuestionKind.ORDER)
    page.sit(quiz)
    page.submit((1, False, 1), (2, "不知道。", 1))  # one wrong, one for a person to mark, two not answered
    assert "共 1 题" in book_page(page.client, page.actor)
    with db.write() as s:
        s.execute(sa.update(Question).where(Question.kind == QuestionKind.JUDGE).values(state=QuestionState.WITHDRAWN))
    assert "没有错题" in book_page(page.client, page.actor)


def test_the_book_goes_by_category_and_page(page: Page, db: Database, cast: Cast) -> None:
    with db.write() as s:
        questions = [make_question(s, cast, category="党纪" if i < 2 else "党章") for i in range(wrong.PAGE + 2)]
        quiz = make_quiz(s, cast, questions)
    hand_in(page, quiz, *([0] for _ in questions))
    with db.read() as s:
        book = wrong.book(s, cast.member.member_id, now())
        assert (book.found, book.categories, len(book.wrongs), book.more) == (12, {"党章": 10, "党纪": 2}, 10, True)
        assert len(wrong.book(s, cast.member.member_id, now(), "党纪").wrongs) == 2
        assert len(wrong.book(s, cast.member.member_id, now(), page=2).wrongs) == 2
        assert wrong.book(s, cast.outsider.member_id, now()).found == 0


@pytest.mark.parametrize("answer", [[7], "x", {"a": 1}, [[1]], [True]])
def test_no_answer_is_refused(page: Page, make: Make, answer: Any) -> None:
    attempt_id = hand_in(page, make(), [0], True)
    assert redo(page.client, attempt_id, 0, answer).json["error"]["code"] == "answer.shape"
    assert redo(page.client, attempt_id, 9, [1]).status_code == 404


def test_moments_of_a_lesson_are_for_who_is_invited(page: Page, make: Make, db: Database, cast: Cast) -> None:
    late = make(kind=QuizKind.QUIZ, lesson_ref=7, at_ms=90_000, audience=(cast.branch_id,), show=Show.AT_ONCE)
    early = make(kind=QuizKind.QUIZ, lesson_ref=7, at_ms=30_000)
    make(kind=QuizKind.QUIZ, lesson_ref=7, at_ms=40_000, state=QuizState.DRAFT)
    make(kind=QuizKind.QUIZ, lesson_ref=7, at_ms=50_000, closes_at=now())
    make(kind=QuizKind.QUIZ, lesson_ref=7)  # after the lesson, not in it
    hand_in(page, early, [1], True)
    with db.read() as s:
        found = moments.of_lesson(s, cast.member.person, 7, now())
        assert [(one.quiz_id, one.at_ms, one.done) for one in found] == [
            (early.id, 30_000, True),
            (late.id, 90_000, False),
        ]
        assert [one.quiz_id for one in moments.of_lesson(s, cast.outsider.person, 7, now())] == [early.id]
        assert moments.of_lesson(s, cast.reviewer.person, 7, now()) == []
