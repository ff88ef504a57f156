"""The gate before a sitting and its reasons; an exam on paper from the roster to the result; letters both ways."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from actors import Cast
from clients import SchoolClient
from quiz_kit import SAMPLES, make_question, make_quiz
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotFound, SchoolError
from school.core.time import now, year_of
from school.quizzes import bodies
from school.quizzes.access import standing
from school.quizzes.bank.keyring import newest
from school.quizzes.bank.models import QuestionKind
from school.quizzes.marks.models import QuizResult
from school.quizzes.papers import gate, letters, onpaper, queries
from school.quizzes.papers.drawing import Served
from school.quizzes.papers.models import Quiz, QuizKind, QuizState
from school.quizzes.papers.rules import Phase
from school.quizzes.sittings.models import Attempt, AttemptEvent, AttemptState
from school.quizzes.sittings.serving import shown_key
from school.records.models import MemberYear

ZONE = "Asia/Shanghai"
KINDS = tuple(kind for kind in QuestionKind if kind != QuestionKind.SHORT)

# ── the gate ────────────────────────────────────────────


def refused(db: Database, cast: Cast, quiz_id: int, who: str = "member", code: str = "") -> str:
    """The code of the gate's refusal, empty when it is open."""
    with db.read() as s:
        try:
            gate.enter(s, standing(s, cast[who].person, quiz_id), code, now(), ZONE)
        except SchoolError as error:
            return error.code
    return ""


def quiz_of(db: Database, cast: Cast, **fields: Any) -> int:
    with db.write() as s:
        return make_quiz(s, cast, [make_question(s, cast)], **fields).id


def sat(db: Database, cast: Cast, quiz_id: int, state: AttemptState, no: int = 1, **fields: Any) -> int:
    with db.write() as s:
        made = Attempt(
            quiz_id=quiz_id, member_id=cast.member.member_id, org_id=cast.branch_id, no=no, state=state, seed=1,
            paper=[], started_ms=0, max_100=500, **fields,
        )  # fmt: skip
        s.add(made)
        s.flush()
        return made.id


def test_the_gate_says_why_it_is_closed(db: Database, cast: Cast) -> None:
    day = timedelta(days=1)
    for fields, who, code in [
        ({}, "member", ""),
        ({}, "trainer", "person.member"),
        ({"state": QuizState.WITHDRAWN}, "admin", "person.member"),
        ({"opens_at": now() + day}, "member", "quiz.not_open"),
        ({"closes_at": now() - day}, "member", "quiz.closed"),
        ({"paused_ms": 1}, "member", "quiz.paused"),
        ({"hours_needed_100": 100}, "member", "quiz.hours"),
        ({"seat_code_needed": True, "seat_code": "246810"}, "member", "quiz.seat_code"),
    ]:
        assert refused(db, cast, quiz_of(db, cast, **fields), who) == code
    coded = quiz_of(db, cast, seat_code_needed=True, seat_code="246810")
    assert refused(db, cast, coded, code=" ２４６８１０ ") == ""
    assert refused(db, cast, quiz_of(db, cast, seat_code_needed=True), code="") == "quiz.seat_code"


def test_attempts_run_out_and_a_void_one_does_not_count(db: Database, cast: Cast) -> None:
    quiz_id = quiz_of(db, cast, attempts=2)
    sat(db, cast, quiz_id, AttemptState.VOID)
    sat(db, cast, quiz_id, AttemptState.MARKED, 2)
    assert refused(db, cast, quiz_id) == ""
    sat(db, cast, quiz_id, AttemptState.SUBMITTED, 3)
    assert refused(db, cast, quiz_id) == "quiz.attempts"
    assert refused(db, cast, quiz_id, "outsider") == ""


def test_a_sitting_that_goes_on_is_gone_on_with(db: Database, cast: Cast) -> None:
    """Whatever the window, the pause or the code say meanwhile; a printed paper is not sat on a screen."""
    quiz_id = quiz_of(db, cast, closes_at=now() - timedelta(hours=1), attempts=1, seat_code_needed=True, paused_ms=1)
    attempt_id = sat(db, cast, quiz_id, AttemptState.OPEN)
    with db.read() as s:
        assert gate.enter(s, standing(s, cast.member.person, quiz_id), "", now(), ZONE).open_id == attempt_id
    other = quiz_of(db, cast)
    sat(db, cast, other, AttemptState.OPEN, on_paper=True)
    assert refused(db, cast, other) == "quiz.on_paper"


def test_hours_of_both_kinds_and_a_resit_open_the_gate(db: Database, cast: Cast) -> None:
    first = quiz_of(db, cast)
    resit = quiz_of(db, cast, resit_of_id=first, hours_needed_100=300)
    attempt_id = sat(db, cast, first, AttemptState.MARKED)
    member_id = cast.member.member_id
    with db.write() as s:
        s.add(
            MemberYear(
                member_id=member_id, org_id=cast.branch_id, year=year_of(now(), ZONE), group_100=200, online_100=100
            )
        )
        s.add(
            QuizResult(
                quiz_id=first, member_id=member_id, org_id=cast.branch_id, attempt_id=attempt_id, tries=1, best_100=100,
                passed=False,
            )
        )  # fmt: skip
    assert refused(db, cast, resit) == ""
    with db.write() as s:
        s.execute(sa.update(QuizResult).values(passed=True))
    assert refused(db, cast, resit) == "quiz.resit"


def test_lists_show_what_is_open_comes_and_is_over(client: SchoolClient, db: Database, cast: Cast) -> None:
    day = timedelta(days=1)
    with db.write() as s:
        question = [make_question(s, cast)]
        make_quiz(s, cast, question, title="正在考", opens_at=now() - day, closes_at=now() + day)
        make_quiz(s, cast, question, title="明天考", opens_at=now() + day, closes_at=now() + 2 * day)
        make_quiz(s, cast, question, title="考过了", opens_at=now() - 2 * day, closes_at=now() - day)
        make_quiz(s, cast, question, title="天天练", kind=QuizKind.PRACTICE)
        make_quiz(s, cast, question, title="录像里的", kind=QuizKind.QUIZ, course_ref=1, lesson_ref=2, at_ms=5)
        make_quiz(s, cast, question, title="别的支部", audience=(cast.other_branch_id,))
        make_quiz(s, cast, question, title="竞赛", kind=QuizKind.CONTEST, closes_at=now() + day)
    with db.read() as s:
        board = queries.board(s, cast.member.person, now())
        assert [test.quiz.title for test in board.open] == ["正在考", "竞赛"]
        assert [test.quiz.title for test in board.coming] == ["明天考"]
        assert [test.quiz.title for test in board.over] == ["考过了"]
        assert [test.quiz.title for test in board.practice] == ["天天练"]
        assert [test.quiz.title for test in queries.due(s, cast.member.person, now())] == ["正在考", "明天考"]
        [met] = queries.of_course(s, cast.member.person, 1, now())
        assert (met.quiz.title, met.phase) == ("录像里的", Phase.OPEN)
    client.act_as(cast.member)
    page = client.get("/quizzes").text
    assert "正在考" in page
    assert "别的支部" not in page


# ── on paper ────────────────────────────────────────────


def room(db: Database, cast: Cast, **fields: Any) -> int:
    with db.write() as s:
        questions = [make_question(s, cast, kind) for kind in KINDS]
        values = {"audience": (cast.branch_id,), "shuffle_questions": True, "shuffle_options": True, **fields}
        return make_quiz(s, cast, questions, **values).id


def prepared(db: Database, cast: Cast, quiz_id: int, **more: Any) -> onpaper.Prepared:
    with db.write() as s:
        here = standing(s, cast.trainer.person, quiz_id)
        return onpaper.prepare(s, here, cast.branch_id, now(), ZONE, **{"same": False, **more})


def test_right_letters_on_a_printed_paper_are_full_marks(client: SchoolClient, db: Database, cast: Cast) -> None:
    """Everybody's letters differ; what the marker's key says, typed in, is right for each."""
    quiz_id = room(db, cast)
    made = prepared(db, cast, quiz_id)
    assert (made.papers, made.left_out) == (2, [])
    assert prepared(db, cast, quiz_id).papers == 0  # they have theirs
    client.act_as(cast.trainer)
    for page in ("print", "key"):
        assert "王建国" in client.get(f"/quizzes/{quiz_id}/onpaper/{page}").text
    with db.read() as s:
        attempts = s.scalars(sa.select(Attempt).where(Attempt.quiz_id == quiz_id)).all()
        keys = newest(s, {row[0] for attempt in attempts for row in attempt.paper})
    for attempt in attempts:
        form = {}
        for i, row in enumerate(attempt.paper):
            key = keys[row[0]]
            words = letters.words(key.kind, shown_key(Served(*row), key.kind, key.key))
            form[f"a{i}"] = words.split("／")[0]
        assert client.post(f"/quizzes/{quiz_id}/onpaper/{attempt.id}", data=form).status_code == 302
    with db.read() as s:
        for attempt in s.scalars(sa.select(Attempt).where(Attempt.quiz_id == quiz_id)):
            assert (attempt.state, attempt.score_100, attempt.passed) == (AttemptState.MARKED, attempt.max_100, True)
        assert len(s.scalars(sa.select(QuizResult)).all()) == 2
    again = client.get(f"/quizzes/{quiz_id}/onpaper/{attempts[0].id}").text
    assert 'value="1921"' in again  # what was entered can be looked through and put right


def test_sums_are_entered_by_roster_all_or_none(client: SchoolClient, db: Database, cast: Cast) -> None:
    quiz_id = room(db, cast)
    prepared(db, cast, quiz_id, same=True)
    with db.read() as s:
        one, other = s.scalars(sa.select(Attempt.id).where(Attempt.quiz_id == quiz_id).order_by(Attempt.id)).all()
        assert len({str(attempt.paper) for attempt in s.scalars(sa.select(Attempt))}) == 1
    client.act_as(cast.trainer)
    bad = client.post(f"/quizzes/{quiz_id}/onpaper/results", data={f"score-{one}": "25", f"score-{other}": "99"})
    assert bad.status_code == 422
    assert 'value="99"' in bad.text
    client.post(f"/quizzes/{quiz_id}/onpaper/results", data={f"score-{one}": "25.5", f"score-{other}": "缺"})
    with db.read() as s:
        first, absent = s.get_one(Attempt, one), s.get_one(Attempt, other)
        assert (first.state, first.score_100, first.passed) == (AttemptState.MARKED, 2550, True)
        assert absent.state == AttemptState.VOID
        assert set(s.scalars(sa.select(AttemptEvent.kind))) == {"entered", "absent"}
        assert s.scalars(sa.select(QuizResult.best_100)).all() == [2550]
    client.post(f"/quizzes/{quiz_id}/onpaper/results", data={f"score-{one}": "12"})
    with db.read() as s:
        assert s.scalars(sa.select(QuizResult.passed)).all() == [False]
        assert gate.gate(s, standing(s, cast.secretary.person, quiz_id), now(), ZONE).left == 3


def test_who_gets_no_paper_and_why(db: Database, cast: Cast) -> None:
    quiz_id = room(db, cast, attempts=1)
    sat(db, cast, quiz_id, AttemptState.MARKED)
    made = prepared(db, cast, quiz_id)
    assert (made.papers, made.left_out) == (1, [("王建国", "attempts")])
    needing = room(db, cast, hours_needed_100=100)
    assert {why for _, why in prepared(db, cast, needing).left_out} == {"hours"}
    with db.write() as s:
        here = standing(s, cast.trainer.person, quiz_id)
        with pytest.raises(NotFound):  # not of the audience
            onpaper.prepare(s, here, cast.other_branch_id, now(), ZONE, same=True)
        s.get_one(Quiz, quiz_id).kind = QuizKind.CONTEST
    with pytest.raises(Conflict):
        prepared(db, cast, quiz_id)


def test_an_answer_that_cannot_be_read_names_its_question(db: Database, cast: Cast) -> None:
    with db.write() as s:
        quiz_id = make_quiz(s, cast, [make_question(s, cast), make_question(s, cast)]).id
    prepared(db, cast, quiz_id)
    with db.write() as s:
        here = standing(s, cast.trainer.person, quiz_id)
        attempt_id = s.scalars(sa.select(Attempt.id)).first()
        assert attempt_id
        with pytest.raises(Invalid) as error:
            onpaper.enter_answers(s, here, attempt_id, {0: ["A"], 1: ["Z"]}, now(), ZONE)
        assert error.value.params["at"] == 2


# ── letters ─────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "texts", "answer"),
    [
        (QuestionKind.SINGLE, ["ｂ"], [1]),
        (QuestionKind.MULTIPLE, ["A、B c"], [0, 1, 2]),
        (QuestionKind.JUDGE, ["√"], True),
        (QuestionKind.JUDGE, ["错误"], False),
        (QuestionKind.FILL, ["1921"], ["1921"]),
        (QuestionKind.ORDER, ["BAC"], [1, 0, 2]),
        (QuestionKind.MATCH, ["B-"], [1, None]),
        (QuestionKind.SHORT, ["每月一次"], "每月一次"),
        (QuestionKind.SINGLE, [" "], None),
    ],
)
def test_what_stands_on_a_sheet_is_read(kind: QuestionKind, texts: list[str], answer: Any) -> None:
    body = SAMPLES[kind][0]
    read = letters.typed(kind, body, texts)
    assert bodies.answer_of(kind, body, read) == answer
    assert letters.typed(kind, body, letters.shown_words(kind, body, answer)) == read or answer is None


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (QuestionKind.SINGLE, "D"),
        (QuestionKind.SINGLE, "2"),
        (QuestionKind.MULTIPLE, "AA"),
        (QuestionKind.JUDGE, "也许"),
    ],
)
def test_what_is_no_answer_is_refused(kind: QuestionKind, text: str) -> None:
    with pytest.raises(Invalid):
        letters.typed(kind, SAMPLES[kind][0], [text])
