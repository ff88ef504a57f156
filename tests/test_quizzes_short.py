"""Short answers are marked without a name, by two people and a third where they differ; nobody marks twice or their own."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from marks_kit import hand_in
from quiz_takers import Page
from records_kit import KEYS

from actors import Actor, Cast
from clients import SchoolClient
from quiz_kit import make_question, make_quiz
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed
from school.core.time import now
from school.org.models import AuditLog
from school.quizzes.access import standing
from school.quizzes.bank.models import Question, QuestionKind
from school.quizzes.marks import short
from school.quizzes.marks.models import ShortMark
from school.quizzes.papers.models import Quiz, QuizHelper, QuizItem, QuizKind, QuizSection, Show
from school.quizzes.sittings import control
from school.quizzes.sittings import service as sitting
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
    assert [each.text for each in waiting(db, quiz, cast.trainer)] == ["组长召集。"]
    with pytest.raises(Conflict, match=r"short\.done"), db.write() as s:  # the handle is another's
        short.give(s, KEYS, standing(s, cast.reviewer.person, quiz.id), answer.handle, "8", "", now(), ZONE)
    wrote = replace(cast.admin, person=replace(cast.admin.person, member_id=cast.member.member_id))
    assert [each.text for each in waiting(db, quiz, wrote)] == ["组长召集。"]


def test_a_mark_may_be_thought_over_until_somebody_else_has_marked(
    client: SchoolClient, db: Database, cast: Cast, exam: tuple[Quiz, Question]
) -> None:
    quiz, question = exam
    path = f"/quizzes/{quiz.id}/marking"
    client.act_as(cast.trainer)
    first = client.get(path).text
    [handle] = re.findall(r'name="answer" value="([^"]+)"', first)
    text = "每月一次。" if "每月一次。" in first else "组长召集。"
    form = {"question": question.approved_id, "answer": handle}
    client.post(path, data={**form, "points": "8", "note": "写得全"})
    assert "您评过、还能改的 1 份" in client.get(path).text
    again = client.get(path, query_string=form).text
    assert "改您评的分" in again
    assert 'value="8"' in again
    assert client.post(path, data={**form, "points": "11"}).status_code == 422
    client.post(path, data={**form, "points": "3", "note": "再看只有一半"})
    with db.read() as s:
        mark = s.query(ShortMark).one()
        assert (mark.points_100, mark.note) == (300, "再看只有一半")
        changes = s.scalars(sa.select(AuditLog.detail).where(AuditLog.event == "quiz.short_mark")).all()
        assert changes[-1]["points_100"] == [800, 300]
    give(db, quiz, cast.reviewer, text, "4")
    late = client.post(path, data={**form, "points": "9"}, follow_redirects=True).text
    assert "已经评完" in late
    assert "还能改的" not in late
    with db.read() as s:
        assert s.scalars(sa.select(Attempt.score_100).where(Attempt.score_100 > 0)).all() == [350]


def test_an_answer_that_may_change_again_is_marked_anew(db: Database, cast: Cast, exam: tuple[Quiz, Question]) -> None:
    quiz, _ = exam
    at_ms = round(now().timestamp() * 1000)
    known = next(each for each in waiting(db, quiz, cast.reviewer) if each.text == "每月一次。")
    give(db, quiz, cast.trainer, "每月一次。", "8")
    with db.write() as s:
        s.execute(sa.update(Quiz).values(show=Show.NEVER))
        control.reopen(s, standing(s, cast.trainer.person, quiz.id), known.attempt_id, 5, "停电。", at_ms, ZONE)
    with pytest.raises(Conflict, match=r"short\.done"), db.write() as s:
        short.give(s, KEYS, standing(s, cast.reviewer.person, quiz.id), known.handle, "8", "", now(), ZONE)
    with db.write() as s:
        assert s.query(ShortMark).all() == []
        sitting.close(s, [(sitting.held(s, [known.attempt_id])[known.attempt_id], at_ms, "member")], ZONE)
    for actor in (cast.trainer, cast.reviewer):
        assert {each.text for each in waiting(db, quiz, actor)} == {"每月一次。", "组长召集。"}


@pytest.mark.parametrize("drawn", [False, True])
def test_a_short_answer_of_a_practice_waits_for_nobody_and_counts_nothing(
    client: SchoolClient, db: Database, cast: Cast, drawn: bool
) -> None:
    with db.write() as s:
        questions = [make_question(s, cast, kind) for kind in (QuestionKind.JUDGE, QuestionKind.SHORT)]
        practice = make_quiz(s, cast, questions, kind=QuizKind.PRACTICE, show=Show.AT_ONCE, attempts=0)
        if drawn:
            s.execute(sa.delete(QuizItem))
            s.execute(sa.update(QuizSection).values(rule={}, draw=2))
    page = Page(client, cast.member).sit(practice)
    places = {face["kind"]: face["i"] for face in page.data["questions"]}
    assert {face["kind"]: face["points"] for face in page.data["questions"]} == {"judge": 5.0, "short": 0.0}
    told = page.save((places["judge"], True, 1), (places["short"], "每月一次。", 1)).json["saved"][1]
    assert (told["right"], told["key"]) == (None, {"model": "每月一次，由组长召集。"})
    assert page.submit().json["state"] == "marked"
    with db.read() as s:
        attempt = s.get_one(Attempt, page.attempt_id)
        assert (attempt.score_100, attempt.max_100) == (500, 500)
        assert short.asked(s, KEYS, standing(s, cast.trainer.person, practice.id)) == []
    result = client.get(f"/quizzes/attempts/{page.attempt_id}/result").text
    looked = json.loads(re.findall(r'<script type="application/json" id="looked">(.*?)</script>', result)[0])
    assert sorted(str(question["told"]["right"]) for question in looked) == ["None", "True"]
    assert ">1<small> / 1 题" in result


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
