"""What somebody who means ill tries on the quizzes: guessed seat codes, answers looked up beside an exam, marks of one's
own, endless chains, files that are bombs. On both databases."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
from picture_kit import picture
from quiz_takers import Page

from actors import Cast
from clients import SchoolClient
from quiz_kit import make_question, make_quiz
from school.core.db import Database
from school.core.errors import Invalid, SchoolError, TooLarge
from school.core.time import now
from school.org.models import AuditLog
from school.quizzes.access import standing
from school.quizzes.bank import files
from school.quizzes.bank.formats import Format, common, read
from school.quizzes.bank.models import QuestionKind, QuestionState, QuestionVersion
from school.quizzes.marks import keys
from school.quizzes.outside import ALONE
from school.quizzes.papers import gate, onpaper, service
from school.quizzes.papers.models import QuizHelper, QuizKind, Show
from school.quizzes.sittings.models import Attempt
from school.records.sessions import ZONE
from school.webkit import markup


def refused(code: str) -> Any:
    return pytest.raises(SchoolError, match=f"^{re.escape(code)}:")


# ── the door ────────────────────────────────────────────


def test_a_seat_code_cannot_be_tried_out(client: SchoolClient, db: Database, cast: Cast) -> None:
    with db.write() as s:
        quiz = make_quiz(
            s, cast, [make_question(s, cast)], seat_code_needed=True, seat_code="482915", audience=(cast.county_id,)
        )  # fmt: skip
    guesser, honest = Page(client, cast.member), Page(client, cast.outsider)
    for guess in range(gate.WRONG_CODES):
        answer = guesser.start(quiz, code=f"{guess:06}")
        assert (answer.status_code, answer.json["error"]["code"]) == (422, "quiz.seat_code")
    answer = guesser.start(quiz, code="482915")  # the right one tells nothing now either
    assert (answer.status_code, answer.json["error"]["code"]) == (429, "quiz.seat_tries")
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert honest.start(quiz, code="482 915").status_code == 302  # nobody else waits
    with db.write() as s:
        assert s.scalar(sa.select(sa.func.count()).where(AuditLog.event == gate.WRONG)) == gate.WRONG_CODES
        s.execute(sa.update(AuditLog).where(AuditLog.event == gate.WRONG).values(at=now() - gate.WINDOW))
    assert guesser.start(quiz, code="482915").status_code == 302


def test_a_resit_of_its_own_resit_is_refused(db: Database, cast: Cast) -> None:
    """Whoever follows the chain, as each settling does, would never come to an end."""
    with db.write() as s:
        first = make_quiz(s, cast, [make_question(s, cast)])
        again = make_quiz(s, cast, [make_question(s, cast)], resit_of_id=first.id)
        third = make_quiz(s, cast, [make_question(s, cast)], resit_of_id=again.id)
        for quiz, of in ((first, third), (first, again), (again, third), (third, third)):
            sheet = service.Sheet(title="考试", resit_of_id=of.id)
            with refused("quiz.resit"):
                service._must_fit(s, cast.trainer.person, quiz, sheet, ALONE)
        service._must_fit(s, cast.trainer.person, third, service.Sheet(title="考试", resit_of_id=first.id), ALONE)


# ── what is right, looked up beside an exam ─────────────


def test_nothing_right_is_told_while_an_exam_is_sat(client: SchoolClient, db: Database, cast: Cast) -> None:
    """Neither by an earlier attempt, nor by the wrong-answer book, nor by a practice that asks the same question."""
    with db.write() as s:
        question = make_question(s, cast)
        exam = make_quiz(s, cast, [question], show=Show.SUBMITTED, attempts=2)
        practice = make_quiz(s, cast, [question], kind=QuizKind.PRACTICE, show=Show.AT_ONCE, minutes=None, attempts=0)
    first = Page(client, cast.member).sit(exam)
    assert first.submit((0, [0], 1)).status_code == 200
    page = f"/quizzes/attempts/{first.attempt_id}/result"
    book = f"/quizzes/wrong/{first.attempt_id}/0"
    drill, started = Page(client, cast.member).sit(practice), Page(client, cast.member).sit(practice)
    assert started.attempt_id == drill.attempt_id
    assert '"explanation"' in client.get(page).text
    assert '"explanation"' in client.get("/quizzes/wrong").text

    second = Page(client, cast.member).sit(exam)
    assert '"explanation"' not in client.get(page).text
    assert '"explanation"' not in client.get("/quizzes/wrong").text
    assert client.post(book, json={"a": [1]}).status_code == 404
    answer = started.save((0, [2], 1))
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "quiz.examined")
    assert '"key"' not in answer.text
    assert second.save((0, [1], 1)).json["saved"][0].keys() == {"i", "n", "saved_ms"}

    assert second.submit((0, [1], 2)).status_code == 200
    told = started.save((0, [2], 1)).json["saved"][0]
    assert told["key"] == {"right": [1]}
    third = Page(client, cast.outsider)  # of whom nothing was ever asked
    client.act_as(third.actor)
    assert client.get(page).status_code == 404
    assert client.post(book, json={"a": [1]}).status_code == 404


def test_a_told_answer_is_not_told_again_beside_an_exam(client: SchoolClient, db: Database, cast: Cast) -> None:
    with db.write() as s:
        question = make_question(s, cast)
        practice = make_quiz(s, cast, [question], kind=QuizKind.PRACTICE, show=Show.AT_ONCE, minutes=None, attempts=0)
        exam = make_quiz(s, cast, [question], show=Show.NEVER)
    drill = Page(client, cast.member).sit(practice)
    assert drill.save((0, [2], 1)).json["saved"][0]["key"] == {"right": [1]}
    assert drill.open().json["told"]["0"]["key"] == {"right": [1]}
    Page(client, cast.member).sit(exam)
    assert drill.open().json["told"] == {}


def test_file_ids_do_not_tell_the_authored_order(db: Database, cast: Cast) -> None:
    """Pictures of a 排序 are put in as the author thinks of them, from first to last."""
    looked = files.look_at(picture("PNG"))
    with db.write() as s:
        ids = [files.add(s, cast.trainer.person, cast.county_id, looked).id for _ in range(12)]
    assert len(set(ids)) == 12
    assert ids != sorted(ids)
    assert all(0 < each < 2**53 for each in ids)  # what a script reads whole


# ── marks and keys ──────────────────────────────────────


def test_nobody_at_the_desk_gets_a_paper_to_mark_themselves(db: Database, cast: Cast) -> None:
    with db.write() as s:
        quiz = make_quiz(s, cast, [make_question(s, cast)], hours_100=200)
        quiz.author_id = cast.outsider.account_id
        s.add(QuizHelper(quiz_id=quiz.id, account_id=cast.trainer.account_id))
        s.flush()
        here = standing(s, cast.trainer.person, quiz.id)
        made = onpaper.prepare(s, here, cast.county_id, now(), ZONE, same=True)
        given = set(s.scalars(sa.select(Attempt.member_id).where(Attempt.quiz_id == quiz.id)))
    assert cast.member.member_id in given
    assert cast.outsider.member_id not in given
    assert made.left_out == [(cast.outsider.name, "own")]


@pytest.mark.parametrize(
    ("fields", "kept_out"),
    [
        ({}, True), ({"kind": QuizKind.CONTEST}, True), ({"kind": QuizKind.QUIZ, "hours_100": 50}, True),
        ({"kind": QuizKind.QUIZ}, False),  # only a course asks for it, which would be closed to them
        ({"kind": QuizKind.PRACTICE}, False),
    ],
)  # fmt: skip
def test_who_reviewed_a_paper_does_not_sit_it(
    client: SchoolClient, db: Database, cast: Cast, fields: dict[str, Any], kept_out: bool
) -> None:
    with db.write() as s:
        quiz = make_quiz(s, cast, [make_question(s, cast)], reviewer_id=cast.outsider.account_id, **fields)
    client.act_as(cast.outsider)
    said = "您审过这份试卷" in client.get(f"/quizzes/{quiz.id}").text
    answer = client.post(f"/quizzes/{quiz.id}/start", headers={"Accept": "application/json"})
    assert (said, answer.status_code) == ((True, 403) if kept_out else (False, 302))
    due = f'href="/quizzes/{quiz.id}"'
    if quiz.kind == QuizKind.EXAM:
        assert due not in client.get("/").text, "what they cannot sit does not wait for them"
    client.act_as(cast.member)
    if quiz.kind == QuizKind.EXAM:
        assert due in client.get("/").text
    assert client.post(f"/quizzes/{quiz.id}/start").status_code == 302
    if kept_out and quiz.kind != QuizKind.CONTEST:
        with db.write() as s:
            here = standing(s, cast.trainer.person, quiz.id)
            made = onpaper.prepare(s, here, cast.county_id, now(), ZONE, same=True)
        assert (cast.outsider.name, "own") in made.left_out


def test_the_key_of_a_draft_is_not_corrected_behind_it(db: Database, cast: Cast) -> None:
    """A second revision would stand over the first, which the draft goes on being written with, and mark the approved one."""
    with db.write() as s:
        question = make_question(s, cast, state=QuestionState.DRAFT)
        with refused("question.key_draft"):
            keys.correct(s, cast.trainer.person, question.id, 1, {"right": [0]}, False, "另一个", 1, now())
        version = s.scalars(sa.select(QuestionVersion).where(QuestionVersion.question_id == question.id)).one()
        version.approved_at = now()
        assert keys.keyed(s, cast.trainer.person, question.id).key.revision == 1


# ── hostile requests and files ──────────────────────────


def test_numbers_no_column_holds(client: SchoolClient, db: Database, cast: Cast) -> None:
    with db.write() as s:
        quiz = make_quiz(s, cast, [make_question(s, cast, QuestionKind.JUDGE)])
    page = Page(client, cast.member).sit(quiz)
    for one in (
        {"i": 0, "a": True, "n": 1, "spent_ms": 10**400},
        {"i": 0, "a": True, "n": 10**30},
        {"i": 10**30, "a": True, "n": 1},
        {"i": 0, "a": [10**400], "n": 1},
    ):
        body = {"token": page.data["token"], "answers": [one]}
        answer = client.post("/quizzes/answers", json=body, csrf=False)
        assert answer.status_code in {200, 400, 422}
        assert not (answer.json or {}).get("saved")
    assert page.save((0, True, 1), back=10**400).status_code in {200, 400, 422}
    assert client.get(f"/quizzes/{10**30}", headers={"Accept": "application/json"}).status_code == 404


@pytest.mark.parametrize("line", ["文字\n", "{\n", "::名字\n", "文字 \n 文字 \n ", "A) 选项\n", "//[tag:"])
def test_an_endless_gift_file_is_read_in_one_go(line: str) -> None:
    """Each of its lines was held against all before it: these files would take hours (and the suite its time limit)."""
    read(Format.GIFT, (line * 300_000).encode(), "党章")


def test_html_nested_without_end_is_refused() -> None:
    with pytest.raises(Invalid, match=r"^markup\.many:"):
        markup.plain("<ol><li>" * 200_000)
    found = read(Format.GIFT, b"[html]" + b"<ol><li>" * 200_000 + b"{T}\n\n[html]<b>x</b>{T}", "党章")
    assert (len(found.items), len(found.problems)) == (1, 1)


def test_a_file_of_nothing_but_mistakes_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "MOST_QUESTIONS", 100)
    with pytest.raises(TooLarge, match=r"^import\.many:"):
        read(Format.AIKEN, b"ANSWER: A\n" * 101, "党章")


@pytest.mark.parametrize(
    ("kind", "inside"),
    [
        ("essay", f"<charlimit>{'9' * 5000}</charlimit>"),
        ("multichoice", "<single>false</single>" + '<answer fraction="inf"><text>甲</text></answer>' * 2),
        (
            "multichoice",
            '<answer fraction="nan"><text>甲</text></answer><answer fraction="100"><text>乙</text></answer>',
        ),
    ],
)
def test_numbers_that_are_none_in_moodle_xml(kind: str, inside: str) -> None:
    asked = f'<question type="{kind}"><questiontext format="html"><text>题</text></questiontext>{inside}</question>'
    found = read(Format.MOODLE_XML, f"<quiz>{asked}</quiz>".encode(), "党章")
    assert len(found.items) + len(found.problems) == 1
