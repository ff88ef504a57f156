"""A corrected key: the preview says what will move, one action moves it, and everybody concerned is told; on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from marks_kit import hand_in

from actors import Cast
from quiz_kit import make_question, make_quiz
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed, NotFound
from school.core.person import Person
from school.core.time import now
from school.org.models import AuditLog, Member
from school.quizzes.bank.models import AnswerKey, Question, QuestionKind
from school.quizzes.marks import keys
from school.quizzes.marks import service as marks
from school.quizzes.marks.models import QuizResult
from school.quizzes.papers.models import Quiz
from school.quizzes.sittings.models import Attempt, AttemptAnswer
from school.records.models import MemberYear, StudyHourEntry

K = QuestionKind
ZONE = "Asia/Shanghai"


def sat(db: Database, cast: Cast, *kinds: QuestionKind, **fields: Any) -> tuple[Quiz, list[Question]]:
    with db.write() as s:
        questions = [make_question(s, cast, kind) for kind in kinds or (K.SINGLE, K.JUDGE)]
        return make_quiz(s, cast, questions, **{"hours_100": 100, **fields}), questions


def correct(db: Database, person: Person, question: Question, key: dict[str, Any], **more: Any) -> None:
    values = {"waived": False, "reason": "原答案有误", "revision": 1, **more}
    with db.write() as s:
        found = keys.correct(s, person, question.id, 1, key, now=now(), **values)
    assert keys.remark(db, found.version.id, ZONE)


def marked(db: Database, quiz: Quiz) -> dict[int, tuple[int, bool, int | None, str]]:
    """Member id → best, passed, what it was before the correction, and the note."""
    with db.read() as s:
        rows = s.scalars(sa.select(QuizResult).where(QuizResult.quiz_id == quiz.id))
        return {row.member_id: (row.best_100, row.passed, row.was_100, row.note) for row in rows}


def test_what_the_preview_says_is_what_happens(db: Database, cast: Cast) -> None:
    quiz, questions = sat(db, cast)
    up, down, same = cast.member.member_id, cast.outsider.member_id, cast.secretary.member_id
    with db.write() as s:
        hand_in(s, quiz, questions, up, [[2], True])  # wrong by the old key
        hand_in(s, quiz, questions, down, [[1], True])
        hand_in(s, quiz, questions, same, [[0], True])
        hand_in(s, quiz, questions, same, [[0], False], no=2)
    with db.read() as s:
        found = keys.keyed(s, cast.trainer.person, questions[0].id)
        told = keys.preview(s, found, {"right": [2]}, waived=False)
    assert (told.attempts, told.gained, told.lost) == (4, 1, 1)
    assert {(c.member_id, c.was_100, c.is_100, c.passed) for c in told.changes} == {
        (up, 500, 1000, True), (down, 1000, 500, False),
    }  # fmt: skip
    correct(db, cast.trainer.person, questions[0], {"right": [2]})
    assert marked(db, quiz) == {
        up: (1000, True, 500, "原答案有误"), down: (500, False, 1000, "原答案有误"), same: (500, False, None, ""),
    }  # fmt: skip
    with db.read() as s:
        revisions = s.scalars(
            sa.select(AttemptAnswer.key_revision).where(AttemptAnswer.version_id == questions[0].approved_id)
        )
        assert set(revisions) == {2}
        ledger = s.scalars(sa.select(StudyHourEntry).order_by(StudyHourEntry.id)).all()
        assert sorted((line.member_id, line.hours_100) for line in ledger) == sorted(
            [(down, 100), (down, -100), (up, 100)]
        )
        assert s.get_one(MemberYear, (down, now().year)).online_100 == 0
        reversing = next(line for line in ledger if line.reverses_id)
        assert (reversing.note, reversing.posted_by) == ("原答案有误", None)
        acts = s.execute(sa.select(AuditLog.event, AuditLog.account_id).where(AuditLog.event != "")).all()
        assert ("question.key", cast.trainer.account_id) in acts
        assert ("hours.withdraw", cast.trainer.account_id) in acts


def test_correcting_back_brings_everything_back(db: Database, cast: Cast) -> None:
    quiz, questions = sat(db, cast)
    member = cast.member.member_id
    with db.write() as s:
        hand_in(s, quiz, questions, member, [[1], True])
    before = marked(db, quiz)[member][:2]
    correct(db, cast.trainer.person, questions[0], {"right": [2]})
    correct(db, cast.reviewer.person, questions[0], {"right": [1]}, revision=2)
    assert marked(db, quiz)[member][:2] == before
    with db.read() as s:
        assert s.get_one(MemberYear, (member, now().year)).online_100 == 100
        assert s.scalars(sa.select(sa.func.count()).select_from(StudyHourEntry)).one() == 3


def test_a_single_choice_may_come_to_have_two_right_options(db: Database, cast: Cast) -> None:
    quiz, questions = sat(db, cast)
    with db.write() as s:
        hand_in(s, quiz, questions, cast.member.member_id, [[1], True])
        hand_in(s, quiz, questions, cast.outsider.member_id, [[2], True])
    correct(db, cast.trainer.person, questions[0], {"right": [1, 2]})
    assert {best for best, *_ in marked(db, quiz).values()} == {1000}


def test_only_the_author_and_overseers_correct_and_only_what_they_read(db: Database, cast: Cast) -> None:
    _, questions = sat(db, cast)
    colleague = replace(cast.trainer.person, account_id=cast.sysadmin.account_id)
    key = {"right": [2]}
    with pytest.raises(NotAllowed, match=r"question\.key_author"):
        correct(db, colleague, questions[0], key)
    with pytest.raises(NotFound):
        correct(db, cast.member.person, questions[0], key)
    with pytest.raises(Invalid, match=r"question\.reason"):
        correct(db, cast.trainer.person, questions[0], key, reason="  ")
    with pytest.raises(Invalid, match=r"question\.same_key"):
        correct(db, cast.trainer.person, questions[0], {"right": [1]})
    with pytest.raises(Invalid, match=r"question\.key"):
        correct(db, cast.trainer.person, questions[0], {"right": [9]})
    correct(db, cast.reviewer.person, questions[0], key)
    with pytest.raises(Conflict, match=r"question\.key_changed"):
        correct(db, cast.trainer.person, questions[0], {"right": [0]})


def test_marking_that_was_cut_short_is_finished_by_the_clock(db: Database, cast: Cast, monkeypatch: Any) -> None:
    quiz, questions = sat(db, cast)
    monkeypatch.setattr(keys, "CHUNK", 3)
    with db.write() as s:
        people = [Member(org_id=cast.branch_id, name=f"党员{i}", created_at=now()) for i in range(7)]
        s.add_all(people)
        s.flush()
        for person in people:
            hand_in(s, quiz, questions, person.id, [[2], True])
    with db.write() as s:
        found = keys.correct(s, cast.trainer.person, questions[0].id, 1, {"right": [2]}, False, "原答案有误", 1, now())
    assert not keys.remark(db, found.version.id, ZONE, most=3)
    with db.read() as s:
        assert keys.waiting(s, found.version.id) == 4
    assert keys.remark_due(db, ZONE) == 0  # all is marked, but a sitting may still be on its way with the old key
    assert [best for best, *_ in marked(db, quiz).values()] == [1000] * 7

    with db.write() as s:  # such a one
        late = hand_in(s, quiz, questions, cast.member.member_id, [[2], True])
        s.execute(
            sa.update(AttemptAnswer).where(AttemptAnswer.attempt_id == late.id).values(key_revision=1, points_100=0)
        )
        s.execute(sa.update(AnswerKey).where(AnswerKey.revision == 2).values(created_at=now() - keys.SETTLED))
    assert keys.remark_due(db, ZONE) == 1
    assert keys.remark_due(db, ZONE) == 0
    with db.read() as s:
        assert s.get_one(Attempt, late.id).score_100 == 1000


def test_a_correction_that_is_stored_counts_for_who_hands_in_afterwards(db: Database, cast: Cast) -> None:
    quiz, questions = sat(db, cast)
    with db.write() as s:
        attempt = hand_in(s, quiz, questions, cast.member.member_id, [[2], True])
    with db.write() as s:
        keys.correct(s, cast.trainer.person, questions[0].id, 1, {"right": [2]}, False, "原答案有误", 1, now())
    with db.write() as s:
        marks.settle(s, [attempt.id], now(), ZONE)
        assert s.get_one(Attempt, attempt.id, populate_existing=True).score_100 == 1000
