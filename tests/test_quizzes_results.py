"""Who sees whose results, what a contest's table says, and that a contest counted again comes to the same; on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from marks_kit import hand_in

from actors import Actor, Cast
from quiz_kit import make_question, make_quiz
from school.core.db import Database
from school.core.errors import NotAllowed, NotFound
from school.core.person import Grant, Role
from school.core.time import now
from school.org.models import Member
from school.quizzes.access import standing
from school.quizzes.bank.models import Question, QuestionKind
from school.quizzes.marks import recount, results
from school.quizzes.marks import service as marks
from school.quizzes.marks.models import QuizResult
from school.quizzes.marks.results import Which
from school.quizzes.papers.models import Quiz, QuizKind
from school.quizzes.sittings.models import Attempt, AttemptAnswer

K = QuestionKind


def made(db: Database, cast: Cast, **fields: Any) -> tuple[Quiz, list[Question]]:
    with db.write() as s:
        questions = [make_question(s, cast, kind) for kind in (K.SINGLE, K.JUDGE)]
        return make_quiz(s, cast, questions, **fields), questions


@pytest.fixture
def exam(db: Database, cast: Cast) -> Quiz:
    quiz, questions = made(db, cast)
    with db.write() as s:
        hand_in(s, quiz, questions, cast.member.member_id, [[1], True])
        hand_in(s, quiz, questions, cast.member.member_id, [[1], False], no=2)
        hand_in(s, quiz, questions, cast.outsider.member_id, [[0], True])
        hand_in(s, quiz, questions, cast.secretary.member_id, [[1], True], settle=False)
    return quiz


def listed(db: Database, quiz: Quiz, actor: Actor, *more: Any) -> list[tuple[str, int, int | None, bool | None]]:
    with db.read() as s:
        rows, found = results.rows(s, standing(s, actor.person, quiz.id), *more)
    assert found == len(rows)
    return [(row.name, row.tries, row.best_100, row.passed) for row in rows]


def test_the_list_is_in_organisation_order_with_the_best_of_each(db: Database, cast: Cast, exam: Quiz) -> None:
    assert listed(db, exam, cast.trainer) == [
        ("王建国", 2, 1000, True), ("李秀兰", 1, None, None), ("阿依古丽·买买提", 1, 500, False),
    ]  # fmt: skip
    assert [row[0] for row in listed(db, exam, cast.reviewer, Which.PASSED)] == ["王建国"]
    assert [row[0] for row in listed(db, exam, cast.reviewer, Which.FAILED)] == ["阿依古丽·买买提"]
    assert [row[0] for row in listed(db, exam, cast.reviewer, Which.WAITING)] == ["李秀兰"]
    assert [row[0] for row in listed(db, exam, cast.reviewer, Which.ALL, "买")] == ["阿依古丽·买买提"]
    with db.read() as s:
        figures = results.figures(s, standing(s, cast.trainer.person, exam.id))
    assert figures == results.Figures(3, 1, 1, 750)


def test_a_secretary_sees_their_own_branch_and_a_member_nobody(db: Database, cast: Cast, exam: Quiz) -> None:
    assert [row[0] for row in listed(db, exam, cast.secretary)] == ["王建国", "李秀兰"]
    with pytest.raises(NotAllowed, match=r"quiz\.results"):
        listed(db, exam, cast.member)


def test_what_came_of_a_contest_is_its_organisers_alone(db: Database, cast: Cast) -> None:
    quiz, questions = made(db, cast, kind=QuizKind.CONTEST)
    with db.write() as s:
        hand_in(s, quiz, questions, cast.member.member_id, [[1], True])
    assert len(listed(db, quiz, cast.trainer)) == 1
    for actor in (cast.secretary, cast.admin, cast.reviewer):
        with pytest.raises(NotAllowed, match=r"quiz\.results"):
            listed(db, quiz, actor)


# ── the table of a contest ──────────────────────────────


def contest(db: Database, cast: Cast, **fields: Any) -> Quiz:
    """Four of the east branch and three of the west; the west answers quicker, one of them everything wrong."""
    quiz, questions = made(db, cast, kind=QuizKind.CONTEST, **{"table_open": True, **fields})
    with db.write() as s:
        for branch, name, answers, minutes in (
            (cast.branch_id, "东一", [[1], True], 9), (cast.branch_id, "东二", [[1], True], 5),
            (cast.branch_id, "东三", [[1], False], 3), (cast.branch_id, "东四", [[0], False], 1),
            (cast.other_branch_id, "西一", [[1], True], 5), (cast.other_branch_id, "西二", [[1], True], 4),
            (cast.other_branch_id, "西三", [[0], False], 1),
        ):  # fmt: skip
            member = Member(org_id=branch, name=name, created_at=now())
            s.add(member)
            s.flush()
            hand_in(s, quiz, questions, member.id, answers, minutes=minutes)
    return quiz


def placed(db: Database, quiz: Quiz, actor: Actor) -> list[tuple[int, str]]:
    with db.read() as s:
        return [(place.no, place.name) for place in results.table(s, standing(s, actor.person, quiz.id), now())]


def test_the_score_decides_and_then_the_time(db: Database, cast: Cast) -> None:
    quiz = contest(db, cast)
    assert placed(db, quiz, cast.member) == [
        (1, "西二"), (2, "东二"), (2, "西一"), (4, "东一"), (5, "东三"), (6, "东四"), (6, "西三"),
    ]  # fmt: skip


def test_a_team_is_the_mean_of_its_three_best(db: Database, cast: Cast) -> None:
    quiz = contest(db, cast, teams=True)
    with db.read() as s:
        places = results.table(s, standing(s, cast.member.person, quiz.id), now())
    assert [(place.no, place.name, place.score_100, place.mine) for place in places] == [
        (1, "河东村", 833, True), (2, "河西村", 666, False),
    ]  # fmt: skip
    with db.write() as s:  # one sitting of the west falls away: it has no three any more
        west = s.scalars(sa.select(Attempt).where(Attempt.org_id == cast.other_branch_id).limit(1)).one()
        west.state = "void"  # type: ignore[assignment]
        s.flush()
        marks.settle(s, [west.id], now(), "Asia/Shanghai")
    assert [name for _, name in placed(db, quiz, cast.member)] == ["河东村"]


def test_there_is_no_table_unless_it_was_opened_and_only_for_those_the_contest_is_for(db: Database, cast: Cast) -> None:
    closed = contest(db, cast, table_open=False)
    exam, _ = made(db, cast, table_open=True)
    for quiz in (closed, exam):
        with pytest.raises(NotFound, match=r"quiz\.table"):
            placed(db, quiz, cast.member)
    running = contest(db, cast, closes_at=now() + timedelta(hours=1))
    assert placed(db, running, cast.trainer)
    with pytest.raises(NotFound, match=r"quiz\.table"):
        placed(db, running, cast.member)
    named = contest(db, cast, audience=(cast.branch_id,))
    assert placed(db, named, cast.member)
    above = replace(cast.admin.person, grants=(Grant(Role.ORG_ADMIN, cast.county_id, "001."),))
    with pytest.raises(NotFound, match=r"quiz\.table"):  # who oversees it from above is not in it
        placed(db, named, replace(cast.admin, person=above))


# ── counted again ───────────────────────────────────────


def counted(db: Database, quiz: Quiz) -> recount.Recount:
    with db.read() as s:
        return recount.recount(s, quiz.id)


def test_a_contest_counted_again_comes_to_the_same_until_something_was_tampered_with(db: Database, cast: Cast) -> None:
    quiz = contest(db, cast)
    clean = counted(db, quiz)
    assert (clean.attempts, clean.people, clean.differences) == (7, 7, [])
    with db.write() as s:
        first, second, third, *_ = s.scalars(sa.select(Attempt).order_by(Attempt.id)).all()
        first.score_100 = 900
        s.execute(sa.update(AttemptAnswer).where(AttemptAnswer.attempt_id == second.id).values(points_100=0))
        s.execute(sa.update(QuizResult).where(QuizResult.member_id == third.member_id).values(taken_ms=1))
    found = counted(db, quiz)
    assert {(each.attempt_id, each.what) for each in found.differences} == {
        (first.id, "score"), (second.id, "points"), (third.id, "result"),
    }  # fmt: skip
    with db.read() as s:
        assert recount.contests(s) == [quiz.id]
