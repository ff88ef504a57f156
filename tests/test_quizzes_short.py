"""Short answers are marked without a name, by two people and a third where they differ; nobody marks twice or their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from marks_kit import hand_in
from records_kit import KEYS

from actors import Actor, Cast
from quiz_kit import make_question, make_quiz
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed
from school.core.time import now
from school.quizzes.access import standing
from school.quizzes.bank.models import Question, QuestionKind
from school.quizzes.marks import short
from school.quizzes.papers.models import Quiz, QuizHelper
from school.quizzes.sittings.models import Attempt, AttemptState

ZONE = "Asia/Shanghai"


@pytest.fixture
def exam(db: Database, cast: Cast) -> tuple[Quiz, Question]:
    """Three members have written something, one of them nothing."""
    with db.write() as s:
        question = make_question(s, cast, QuestionKind.SHORT)
        quiz = make_quiz(s, cast, [question], points_100=1000)
        for actor, text in ((cast.member, "每月一次。"), (cast.outsider, "组长召集。"), (cast.secretary, None)):
            hand_in(s, quiz, [question], actor.member_id, [text], points_100=1000)
    return quiz, question


def waiting(db: Database, quiz: Quiz, actor: Actor) -> list[short.Answer]:
    with db.read() as s:
        questions = short.asked(s, KEYS, short.may_mark(standing(s, actor.person, quiz.id)))
    return [answer for question in questions for answer in question.waiting]


def give(db: Database, quiz: Quiz, actor: Actor, text: str, points: str, **more: Any) -> None:
    answer = next(each for each in waiting(db, quiz, actor) if each.text == text)
    with db.write() as s:
        here = standing(s, actor.person, quiz.id)
        short.give(s, KEYS, here, answer.handle, points, more.get("note", ""), now(), ZONE)


def test_two_who_agree_are_halved_and_a_third_decides(db: Database, cast: Cast, exam: tuple[Quiz, Question]) -> None:
    quiz, _ = exam
    for actor, one, other in ((cast.trainer, "8", "2"), (cast.reviewer, "9", "8")):
        give(db, quiz, actor, "每月一次。", one)
        give(db, quiz, actor, "组长召集。", other)
    with db.read() as s:
        first, second, third = s.query(Attempt).order_by(Attempt.id).all()
        assert (first.state, first.score_100) == (AttemptState.MARKED, 850)
        assert (second.state, second.score_100) == (AttemptState.SUBMITTED, None)
        assert third.score_100 == 0
        assert short.left(s, quiz.id) == 1
    assert [each.third for each in waiting(db, quiz, cast.admin)] == [True]
    give(db, quiz, cast.admin, "组长召集。", "6.5", note="要点齐了一半")
    with db.read() as s:
        second = s.query(Attempt).order_by(Attempt.id).all()[1]
        assert (second.score_100, second.passed) == (650, True)
        assert short.comments(s, second.id) == {0: ["要点齐了一半"]}
    assert waiting(db, quiz, cast.admin) == []


def test_a_marker_is_told_neither_whose_it_is_nor_what_was_given(
    db: Database, cast: Cast, exam: tuple[Quiz, Question]
) -> None:
    quiz, _ = exam
    mine, theirs = waiting(db, quiz, cast.trainer), waiting(db, quiz, cast.reviewer)
    assert {each.text for each in mine} == {each.text for each in theirs} == {"每月一次。", "组长召集。"}
    assert not {each.handle for each in mine} & {each.handle for each in theirs}


def test_nobody_marks_twice_or_their_own_or_what_is_done(db: Database, cast: Cast, exam: tuple[Quiz, Question]) -> None:
    quiz, _ = exam
    answer = next(each for each in waiting(db, quiz, cast.trainer) if each.text == "每月一次。")
    give(db, quiz, cast.trainer, "每月一次。", "8")
    with pytest.raises(Conflict, match=r"short\.done"), db.write() as s:
        short.give(s, KEYS, standing(s, cast.trainer.person, quiz.id), answer.handle, "8", "", now(), ZONE)
    with pytest.raises(Conflict, match=r"short\.done"), db.write() as s:  # the handle is another's
        short.give(s, KEYS, standing(s, cast.reviewer.person, quiz.id), answer.handle, "8", "", now(), ZONE)
    wrote = replace(cast.admin, person=replace(cast.admin.person, member_id=cast.member.member_id))
    assert [each.text for each in waiting(db, quiz, wrote)] == ["组长召集。"]


@pytest.mark.parametrize("points", ["", "10.01", "-1", "十", "1e1"])
def test_points_stay_within_the_question(db: Database, cast: Cast, exam: tuple[Quiz, Question], points: str) -> None:
    with pytest.raises(Invalid, match=r"short\.points"):
        give(db, exam[0], cast.trainer, "每月一次。", points)


def test_who_only_takes_part_marks_nothing(db: Database, cast: Cast, exam: tuple[Quiz, Question]) -> None:
    quiz, _ = exam
    with pytest.raises(NotAllowed, match=r"quiz\.marking"):
        waiting(db, quiz, cast.secretary)
    with db.write() as s:
        s.add(QuizHelper(quiz_id=quiz.id, account_id=cast.secretary.account_id))
    assert len(waiting(db, quiz, cast.secretary)) == 2
