"""A sitting that is over is settled once and the same however often: marks, result, ledger and proof agree, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from marks_kit import hand_in
from records_kit import post_course

from actors import Actor, Cast
from quiz_kit import make_question, make_quiz
from school.core.db import Database
from school.core.time import now
from school.quizzes.access import standing
from school.quizzes.bank.models import AnswerKey, Question, QuestionKind
from school.quizzes.marks import service as marks
from school.quizzes.marks.models import QuizResult, ShortMark
from school.quizzes.papers.models import Quiz, QuizKind, Show
from school.quizzes.sittings.models import Attempt, AttemptAnswer, AttemptState
from school.quizzes.sittings.show import visible_key
from school.records import needs
from school.records.models import MemberYear, StudyHourEntry, StudyProof

K = QuestionKind
RIGHT: dict[QuestionKind, Any] = {K.SINGLE: [1], K.MULTIPLE: [0, 1, 2], K.JUDGE: True, K.FILL: ["1921"]}


def paper(db: Database, cast: Cast, *kinds: QuestionKind, **fields: Any) -> tuple[Quiz, list[Question]]:
    with db.write() as s:
        questions = [make_question(s, cast, kind) for kind in kinds or RIGHT]
        return make_quiz(s, cast, questions, **fields), questions


def result_of(db: Database, quiz: Quiz, member_id: int) -> QuizResult | None:
    with db.read() as s:
        return s.get(QuizResult, (quiz.id, member_id))


def lines_of(db: Database, member_id: int) -> list[tuple[str, int, int]]:
    with db.read() as s:
        rows = s.scalars(
            sa.select(StudyHourEntry).where(StudyHourEntry.member_id == member_id).order_by(StudyHourEntry.id)
        )
        return [(row.source_kind, row.year, row.hours_100) for row in rows]


def test_a_sitting_is_marked_and_its_result_and_hours_follow(db: Database, cast: Cast) -> None:
    quiz, questions = paper(db, cast, hours_100=100)
    with db.write() as s:
        attempt = hand_in(s, quiz, questions, cast.member.member_id, [[1], [0, 1], True, ["一九二一"]])
    assert (attempt.state, attempt.score_100, attempt.passed) == (AttemptState.MARKED, 1500, True)
    result = result_of(db, quiz, cast.member.member_id)
    assert result is not None
    assert (result.attempt_id, result.tries, result.best_100, result.passed) == (attempt.id, 1, 1500, True)
    assert result.taken_ms == 600_000
    assert lines_of(db, cast.member.member_id) == [("quiz", now().year, 100)]
    with db.read() as s:
        given = s.scalars(sa.select(AttemptAnswer).order_by(AttemptAnswer.position)).all()
        assert [(row.points_100, row.key_revision) for row in given] == [(500, 1), (0, 1), (500, 1), (500, 1)]


def test_settling_again_changes_nothing(db: Database, cast: Cast) -> None:
    quiz, questions = paper(db, cast, hours_100=100)
    with db.write() as s:
        attempt = hand_in(s, quiz, questions, cast.member.member_id, list(RIGHT.values()))
    for _ in range(2):
        with db.write() as s:
            marks.settle(s, [attempt.id], now())
    result = result_of(db, quiz, cast.member.member_id)
    assert result is not None
    assert (result.tries, result.best_100, result.told_at) == (1, 2000, None)
    assert len(lines_of(db, cast.member.member_id)) == 1


def test_the_best_attempt_counts_and_a_void_one_does_not(db: Database, cast: Cast) -> None:
    quiz, questions = paper(db, cast, hours_100=50)
    member = cast.member.member_id
    with db.write() as s:
        hand_in(s, quiz, questions, member, [[1], None, None, None])
        best = hand_in(s, quiz, questions, member, list(RIGHT.values()), no=2)
        hand_in(s, quiz, questions, member, [[1], None, True, None], no=3)
    result = result_of(db, quiz, member)
    assert result is not None
    assert (result.attempt_id, result.tries, result.best_100) == (best.id, 3, 2000)
    with db.write() as s:
        s.get_one(Attempt, best.id).state = AttemptState.VOID
        marks.settle(s, [best.id], now(), correction=marks.Correction("携带资料"))
    result = result_of(db, quiz, member)
    assert result is not None
    assert (result.tries, result.best_100, result.passed) == (2, 1000, False)
    assert (result.was_100, result.was_passed, result.note) == (2000, True, "携带资料")
    assert [hours for _, _, hours in lines_of(db, member)] == [50, -50]
    with db.write() as s:
        for one in s.scalars(sa.select(Attempt)):
            one.state = AttemptState.VOID
        marks.settle(s, s.scalars(sa.select(Attempt.id)), now())
    assert result_of(db, quiz, member) is None


def test_hours_come_once_and_a_resit_stands_for_its_exam(db: Database, cast: Cast) -> None:
    quiz, questions = paper(db, cast, hours_100=100)
    member = cast.member.member_id
    with db.write() as s:
        resit = make_quiz(s, cast, questions, hours_100=100, resit_of_id=quiz.id)
        hand_in(s, quiz, questions, member, [[0], None, None, None], at=datetime(2025, 12, 30, 1, tzinfo=UTC))
        hand_in(
            s, resit, questions, member, list(RIGHT.values()), at=datetime(2025, 12, 31, 17, tzinfo=UTC)
        )  # 2026 here
        hand_in(s, quiz, questions, member, list(RIGHT.values()), no=2, at=datetime(2026, 5, 1, tzinfo=UTC))
    assert lines_of(db, member) == [("quiz", 2026, 100)]
    with db.read() as s:
        line = s.scalars(sa.select(StudyHourEntry)).one()
        assert line.source_id == quiz.id
        assert s.get_one(MemberYear, (member, 2026)).online_100 == 100


@pytest.mark.parametrize("later_first", [False, True])
def test_a_window_over_new_year_earns_once_in_the_year_of_the_first_pass(
    db: Database, cast: Cast, later_first: bool
) -> None:
    """Whichever was marked first; and when the first pass falls away, the hours move to the next one."""
    quiz, questions = paper(db, cast, hours_100=100)
    member = cast.member.member_id
    before, after = (
        datetime(2025, 12, 31, 15, 59, tzinfo=UTC),
        datetime(2025, 12, 31, 16, 1, tzinfo=UTC),
    )  # midnight here
    with db.write() as s:
        first = hand_in(s, quiz, questions, member, [[1], None, True, ["1921"]], at=before, settle=False)
        better = hand_in(s, quiz, questions, member, list(RIGHT.values()), no=2, at=after, settle=False)
        for one in (better, first) if later_first else (first, better):
            marks.settle(s, [one.id], after)
    moved = [("quiz", 2026, 100), ("quiz", 2026, -100)] if later_first else []
    assert lines_of(db, member) == [*moved, ("quiz", 2025, 100)]
    result = result_of(db, quiz, member)
    assert result is not None
    assert result.attempt_id == better.id, "the better one is the result all the same"
    with db.write() as s:
        s.get_one(Attempt, first.id).state = AttemptState.VOID
        marks.settle(s, [first.id], after, correction=marks.Correction("替考"))
    assert lines_of(db, member)[len(moved) + 1 :] == [("quiz", 2025, -100), ("quiz", 2026, 100)]
    with db.read() as s:
        assert [s.get_one(MemberYear, (member, year)).online_100 for year in (2025, 2026)] == [0, 100]


def test_what_a_keeper_took_back_is_not_posted_again(db: Database, cast: Cast) -> None:
    from school.records.ledger import reverse_entry

    quiz, questions = paper(db, cast, hours_100=100)
    member = cast.member.member_id
    with db.write() as s:
        hand_in(s, quiz, questions, member, list(RIGHT.values()))
        line = s.scalars(sa.select(StudyHourEntry)).one()
        reverse_entry(s, cast.secretary.person, line.id, "替考")
    with db.write() as s:
        hand_in(s, quiz, questions, member, list(RIGHT.values()), no=2)
    assert [hours for _, _, hours in lines_of(db, member)] == [100, -100]


def test_short_answers_wait_for_two_people_and_a_third_when_they_differ(db: Database, cast: Cast) -> None:
    quiz, questions = paper(db, cast, K.JUDGE, K.SHORT)
    with db.write() as s:
        attempt = hand_in(s, quiz, questions, cast.member.member_id, [True, "每月一次。"])
        assert (attempt.state, attempt.score_100, attempt.passed) == (AttemptState.SUBMITTED, None, None)
    assert result_of(db, quiz, cast.member.member_id) is None
    seen = []
    for actor, points in ((cast.trainer, 100), (cast.reviewer, 400), (cast.admin, 300)):
        with db.write() as s:
            s.add(
                ShortMark(
                    attempt_id=attempt.id, position=1, marker_id=actor.account_id, points_100=points, marked_at=now()
                )
            )
            s.flush()
            marks.settle(s, [attempt.id], now())
            seen.append(s.get_one(Attempt, attempt.id, populate_existing=True).score_100)
    assert seen == [None, None, 800]
    with db.write() as s:
        empty = hand_in(s, quiz, questions, cast.outsider.member_id, [True, None])
    assert (empty.state, empty.score_100) == (AttemptState.MARKED, 500)


def test_a_waived_question_gives_its_points_to_who_was_served_it(db: Database, cast: Cast) -> None:
    quiz, questions = paper(db, cast, K.SINGLE, K.JUDGE)
    with db.write() as s:
        attempt = hand_in(s, quiz, questions, cast.member.member_id, [None, True])
        version = questions[0].approved_id
        assert version
        s.add(
            AnswerKey(
                version_id=version, revision=2, key={"right": [1]}, waived=True, author_id=cast.trainer.account_id,
                created_at=now(),
            )
        )  # fmt: skip
        s.flush()
        marks.settle(s, [attempt.id], now(), correction=marks.Correction("题目有误"))
        assert s.get_one(Attempt, attempt.id, populate_existing=True).score_100 == 1000
    result = result_of(db, quiz, cast.member.member_id)
    assert result is not None
    assert (result.was_100, result.best_100) == (500, 1000)
    assert result.told_at is not None


def test_many_are_settled_in_one_go(db: Database, cast: Cast) -> None:
    quiz, questions = paper(db, cast, hours_100=100)
    members = [cast.member.member_id, cast.outsider.member_id, cast.secretary.member_id]
    with db.write() as s:
        waiting = [
            hand_in(s, quiz, questions, member_id, list(RIGHT.values()), settle=False).id for member_id in members
        ]
        marks.settle(s, waiting, now())
    for member_id in members:
        assert len(lines_of(db, member_id)) == 1


# ── what a course needs ─────────────────────────────────


@pytest.mark.parametrize("watched_first", [True, False])
def test_a_course_is_complete_when_it_is_watched_and_its_test_is_passed(
    db: Database, cast: Cast, watched_first: bool
) -> None:
    from records_kit import MINUTE, START, ZONE, cast_watcher

    quiz, questions = paper(db, cast)
    member = cast.member.member_id
    with db.write() as s:
        course, (part,) = post_course(s, 10 * MINUTE)
        needs.needs(s, course.kind, course.ref_id, "quiz", sa.select(Quiz.id).where(Quiz.id == quiz.id), START, ZONE)
    watcher = cast_watcher(db, cast)

    def watch() -> None:
        watcher.open(part.id)
        watcher.watch(0, 10 * MINUTE)

    def sit() -> Attempt:
        with db.write() as s:
            return hand_in(s, quiz, questions, member, list(RIGHT.values()), at=watcher.now)

    if watched_first:
        watch()
        assert lines_of(db, member) == []
        attempt = sit()
    else:
        attempt = sit()
        watch()
    assert lines_of(db, member) == [("course", START.year, 100)]
    with db.write() as s:
        s.get_one(Attempt, attempt.id).state = AttemptState.VOID
        marks.settle(s, [attempt.id], now(), correction=marks.Correction("作废"))
        assert s.get(StudyProof, (member, "quiz", quiz.id)) is None
    assert [hours for _, _, hours in lines_of(db, member)] == [100, -100]
    with db.write() as s:  # the need falls away: what is covered is complete
        needs.needs(s, course.kind, course.ref_id, "quiz", sa.select(Quiz.id).where(sa.false()), watcher.now, ZONE)
    assert [hours for _, _, hours in lines_of(db, member)] == [100, -100, 100]


def test_hours_that_stood_before_a_course_needed_its_test_stay(db: Database, cast: Cast) -> None:
    from records_kit import MINUTE, START, ZONE, cast_watcher

    quiz, questions = paper(db, cast)
    member = cast.member.member_id
    with db.write() as s:
        course, (part,) = post_course(s, 10 * MINUTE)
    watcher = cast_watcher(db, cast)
    watcher.open(part.id)
    watcher.watch(0, 10 * MINUTE)
    with db.write() as s:
        needs.needs(s, course.kind, course.ref_id, "quiz", sa.select(Quiz.id).where(Quiz.id == quiz.id), START, ZONE)
        attempt = hand_in(s, quiz, questions, member, list(RIGHT.values()), at=watcher.now)
        attempt.state = AttemptState.VOID
        s.flush()
        marks.settle(s, [attempt.id], now())
    assert lines_of(db, member) == [("course", START.year, 100)]


# ── when right answers may leave the server ─────────────


def test_right_answers_leave_when_the_paper_says_so(db: Database, cast: Cast) -> None:
    moment = now()
    later = moment + timedelta(hours=2)

    def seen(show: Show, state: AttemptState, at: datetime, *, who: Actor = cast.member, still: bool = False) -> bool:
        with db.write() as s:
            # nothing is told beside an exam that goes on
            s.execute(sa.update(Attempt).where(Attempt.state == AttemptState.OPEN).values(state=AttemptState.VOID))
            questions = [make_question(s, cast)]
            kind = QuizKind.PRACTICE if show == Show.AT_ONCE else QuizKind.EXAM
            quiz = make_quiz(s, cast, questions, kind=kind, show=show, closes_at=moment + timedelta(hours=1))
            attempt = hand_in(s, quiz, questions, cast.member.member_id, [[1]], settle=False)
            attempt.state = state
            if still:
                hand_in(s, quiz, questions, cast.outsider.member_id, [None], settle=False).state = AttemptState.OPEN
            s.flush()
            return visible_key(s, standing(s, who.person, quiz.id), attempt, at)

    done, sitting = AttemptState.MARKED, AttemptState.OPEN
    assert seen(Show.AT_ONCE, sitting, moment)
    assert not seen(Show.SUBMITTED, sitting, moment)
    assert seen(Show.SUBMITTED, done, moment)
    assert not seen(Show.CLOSED, done, moment)
    assert seen(Show.CLOSED, done, later)
    assert not seen(Show.CLOSED, done, later, still=True)  # somebody was given more time
    assert not seen(Show.CLOSED, sitting, later)
    assert not seen(Show.NEVER, done, later)
    assert not seen(Show.SUBMITTED, AttemptState.VOID, later)
    # who sees everybody's results sees them, but not of a sitting that goes on
    assert seen(Show.NEVER, done, moment, who=cast.trainer)
    assert not seen(Show.NEVER, sitting, moment, who=cast.trainer)
    assert not seen(Show.SUBMITTED, done, later, who=cast.outsider)


def test_holding_an_office_shows_nobody_the_answers_of_their_own_sitting(db: Database, cast: Cast) -> None:
    with db.write() as s:
        questions = [make_question(s, cast)]
        quiz = make_quiz(s, cast, questions, show=Show.CLOSED)
        attempt = hand_in(s, quiz, questions, cast.member.member_id, [[1]])
        boss = replace(cast.admin.person, member_id=cast.member.member_id)
        here = standing(s, boss, quiz.id)
        assert here.sees_results
        assert not visible_key(s, here, attempt, now())
