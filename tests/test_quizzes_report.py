"""试卷分析 from stored answers to page, workbook and A4, on both databases; drawn papers, key faults, drill-down."""

from __future__ import annotations

import io
import re
from typing import Any
from zipfile import ZipFile

import pytest
import sqlalchemy as sa

from actors import SINCE, Cast
from clients import SchoolClient
from quiz_kit import make_question, make_quiz
from school.core.db import Database
from school.core.errors import NotFound
from school.core.time import now
from school.org.models import AuditLog, Member
from school.quizzes.analysis import reporting
from school.quizzes.analysis import service as analysis
from school.quizzes.analysis.service import Body
from school.quizzes.bank.models import QuestionKind
from school.quizzes.marks import service as marks
from school.quizzes.papers.models import Quiz, QuizKind
from school.quizzes.sittings.models import Attempt, AttemptAnswer, AttemptState

KINDS = (QuestionKind.SINGLE, QuestionKind.FILL, QuestionKind.JUDGE)
GOOD: list[Any] = [[1], ["1921"], True]
PEOPLE = 30  # two thirds of 河东村, the others of 河西村


def paper_of(s: Any, quiz: Quiz) -> list[list[Any]]:
    from school.quizzes.papers.paper import parts_of

    pool = [each for part in parts_of(s, quiz, now().date()) for each in part.pool]
    return [[each.version_id, each.question_id, 500, None, None] for each in pool]


def sat(
    db: Database, cast: Cast, quiz: Quiz, given: list[list[Any]], *, no: int = 1, served: Any = slice(None)
) -> None:
    """One attempt for each of `given` (answers in the order of the paper), by members 1, 2, 3 …, marked."""
    with db.write() as s:
        members = s.scalars(sa.select(Member).where(Member.name.startswith("考")).order_by(Member.id)).all()
        for number in range(len(members), len(given)):
            place = cast.branch_id if number % 3 else cast.other_branch_id
            s.add(Member(org_id=place, name=f"考{number:02}", created_at=SINCE))
        s.flush()
        members = s.scalars(sa.select(Member).where(Member.name.startswith("考")).order_by(Member.id)).all()
        ids = []
        for member, answers in zip(members, given, strict=False):
            paper = paper_of(s, quiz)[served]
            attempt = Attempt(
                quiz_id=quiz.id, member_id=member.id, org_id=member.org_id, no=no, state=AttemptState.SUBMITTED, seed=1,
                paper=paper, started_ms=1_790_000_000_000, submitted_ms=1_790_000_600_000, max_100=500 * len(paper),
            )  # fmt: skip
            s.add(attempt)
            s.flush()
            ids.append(attempt.id)
            s.add_all(
                AttemptAnswer(attempt_id=attempt.id, position=at, version_id=paper[at][0], answer=answer, n=1,
                              saved_ms=1, spent_ms=1000 * (at + 1))
                for at, answer in enumerate(answers) if answer is not None
            )  # fmt: skip
        s.flush()
        marks.settle(s, ids, now())


def usual(number: int) -> list[Any]:
    """The better half know the day and the year, and say that the judgement is wrong; the weaker half do not."""
    best = number < PEOPLE // 2
    return [[1] if best else [0], ["1921"] if best else ["1922"] if number % 2 else ["1921年7月"], not best]


@pytest.fixture
def quiz(db: Database, cast: Cast) -> Quiz:
    with db.write() as s:
        return make_quiz(
            s, cast, [make_question(s, cast, kind) for kind in KINDS], audience=(cast.town_id,), compulsory=True
        )


@pytest.fixture
def taken(db: Database, cast: Cast, quiz: Quiz) -> Quiz:
    sat(db, cast, quiz, [usual(number) for number in range(PEOPLE)])
    return quiz


def built(db: Database, quiz: Quiz) -> Body:
    with db.read() as s:
        return analysis.build(s, quiz)


def test_figures_of_a_paper(db: Database, taken: Quiz) -> None:
    body = built(db, taken)
    assert (body["people"], body["whole"]["attempts"], body["whole"]["method"]) == (PEOPLE, PEOPLE, "kr20")
    lines = {line["kind"]: line for line in body["items"]}
    single, fill, judge = (lines[kind] for kind in KINDS)
    assert (single["difficulty"], single["answered"], single["spent_ms"]) == (500, PEOPLE, 1000)
    assert [(each["text"], each["count"], each["right"]) for each in single["choices"]] == [
        ("10月1日", 15, False), ("12月4日", 15, True), ("12月13日", 0, False),
    ]  # fmt: skip
    assert [(each["text"], each["right"]) for each in fill["choices"]] == [
        ("1921", True),
        ("1922", False),
        ("1921年7月", False),
    ]
    assert judge["biserial"] is not None
    assert judge["biserial"] < 0
    assert [each["text"] for each in judge["choices"]] == ["false", "true"]


def test_those_that_look_wrong_come_first(db: Database, taken: Quiz) -> None:
    items = built(db, taken)["items"]
    assert [line["kind"] for line in items] == ["judge", "fill", "single"]
    assert items[0]["flags"][:2] == ["key", "negative"]
    assert items[1]["flags"] == ["variant"]
    assert items[2]["flags"] == []


def test_only_the_first_attempt_of_each_is_analysed(db: Database, cast: Cast, taken: Quiz) -> None:
    before = built(db, taken)
    sat(db, cast, taken, [GOOD] * PEOPLE, no=2)
    after = built(db, taken)
    assert after["items"] == before["items"]
    assert after["passed"] == PEOPLE  # results are of the best one
    with db.write() as s:  # a void one is none
        first = s.scalars(sa.select(Attempt).where(Attempt.no == 1).order_by(Attempt.id)).first()
        assert first is not None
        first.state = AttemptState.VOID
    assert built(db, taken)["whole"]["attempts"] == PEOPLE


def test_what_was_left_open_counts_as_served(db: Database, cast: Cast, quiz: Quiz) -> None:
    sat(db, cast, quiz, [[[1], None, None]] * 20 + [[[0], ["1921"], True]] * 5)
    lines = {line["kind"]: line for line in built(db, quiz)["items"]}
    assert (lines["fill"]["served"], lines["fill"]["answered"], lines["fill"]["difficulty"]) == (25, 5, 200)
    assert "left" in lines["fill"]["flags"]


def test_drawn_papers_have_split_half(db: Database, cast: Cast, quiz: Quiz) -> None:
    sat(db, cast, quiz, [usual(number)[:2] for number in range(PEOPLE)], served=slice(0, 2))
    sat(db, cast, quiz, [usual(number) for number in range(PEOPLE)] + [GOOD] * 10, no=2)
    body = built(db, quiz)
    assert body["whole"]["method"] == "half"
    assert {line["kind"]: line["served"] for line in body["items"]} == {"single": 40, "fill": 40, "judge": 10}


def test_answers_that_are_hard_to_write_down(db: Database, cast: Cast, quiz: Quiz) -> None:
    """Lines, commas and quotation marks of written answers do not fall apart on their way."""
    said = ["一\n二", 'a,"b"', "null", "反\\斜", "1921"]
    sat(db, cast, quiz, [[[1], [text], True] for text in said] + [[[1], None, None]])
    line = next(line for line in built(db, quiz)["items"] if line["kind"] == "fill")
    assert {each["text"]: each["count"] for each in line["choices"]} == dict.fromkeys(said, 1)
    assert (line["served"], line["answered"]) == (6, 5)


def test_a_sum_entered_from_paper_has_no_questions(db: Database, cast: Cast, taken: Quiz) -> None:
    with db.write() as s:
        attempt = Attempt(
            quiz_id=taken.id, member_id=cast.member.member_id, org_id=cast.branch_id, no=1, seed=1, on_paper=True,
            state=AttemptState.SUBMITTED, paper=paper_of(s, taken), started_ms=1, submitted_ms=2, max_100=1500, score_100=1000,
        )  # fmt: skip
        s.add(attempt)
        s.flush()
        marks.settle(s, [attempt.id], now())
    body = built(db, taken)
    assert (body["people"], body["whole"]["attempts"]) == (PEOPLE + 1, PEOPLE)


# ── organisations ───────────────────────────────────────


def test_organisations_with_drill_down(db: Database, cast: Cast, taken: Quiz) -> None:
    orgs = built(db, taken)["orgs"]
    with db.read() as s:
        top = reporting.branches(s, orgs, None)
        assert top is not None
        assert top.org.id == cast.town_id
        assert [(org.short_name, line["expected"], line["taken"]) for org, line in top.lines] == [
            ("河东村", 22, 20), ("河西村", 11, 10),
        ]  # fmt: skip
        own = reporting.branches(s, orgs, cast.other_branch_id)
        assert own is not None
        assert [org.short_name for org in own.trail] == ["石桥镇", "河西村"]
        assert [line["taken"] for _, line in own.lines] == [10]
        for nowhere in (cast.county_id, 10**6):
            with pytest.raises(NotFound):
                reporting.branches(s, orgs, nowhere)


def test_a_contest_compares_no_organisations(db: Database, cast: Cast, taken: Quiz) -> None:
    with db.write() as s:
        s.get_one(Quiz, taken.id).kind = QuizKind.CONTEST
    with db.read() as s:
        body = analysis.build(s, s.get_one(Quiz, taken.id))
        assert (body["orgs"], body["people"]) == ([], PEOPLE)
        assert reporting.branches(s, body["orgs"], None) is None


# ── keeping it ──────────────────────────────────────────


def test_a_few_at_once_and_many_by_the_clock(
    db: Database, cast: Cast, taken: Quiz, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = reporting.current(db, taken)
    assert (first.body or {})["people"] == PEOPLE
    assert reporting.current(db, taken).built_at == first.built_at
    monkeypatch.setattr(reporting, "AT_ONCE", 5)
    sat(db, cast, taken, [GOOD] * 4, no=2)
    old = reporting.current(db, taken)
    assert (old.coming, old.built_at, old.body) == (True, first.built_at, first.body)
    assert reporting.build_asked(db) == 1
    new = reporting.current(db, taken)
    assert (new.coming, (new.body or {})["passed"]) == (False, built(db, taken)["passed"])
    assert new.built_at is not None
    assert first.built_at is not None
    assert new.built_at > first.built_at
    assert reporting.build_asked(db) == 0


def test_nothing_yet(db: Database, client: SchoolClient, cast: Cast, quiz: Quiz) -> None:
    client.act_as(cast.trainer)
    assert "还没有人交卷" in client.get(f"/quizzes/{quiz.id}/report").text
    assert client.get(f"/quizzes/{quiz.id}/report.xlsx").status_code == 200
    assert client.get(f"/quizzes/{quiz.id}/report/print").status_code == 200


# ── pages ───────────────────────────────────────────────


def test_the_page_tells_what_to_do(db: Database, client: SchoolClient, cast: Cast, taken: Quiz) -> None:
    client.act_as(cast.trainer)
    page = client.get(f"/quizzes/{taken.id}/report").text
    for words in ("答案存疑", "可能漏了写法", "12月4日", "1921年7月", "KR-20", "河西村", "核对或更正答案"):
        assert words in page, words
    assert page.index("党员有退党的自由") < page.index("国家宪法日")
    page = client.get(f"/quizzes/{taken.id}/report?org={cast.branch_id}").text
    assert "石桥镇" in page
    assert client.get(f"/quizzes/{taken.id}/report?org=1000000").status_code == 404
    client.act_as(cast.secretary)
    assert client.get(f"/quizzes/{taken.id}/report").status_code == 403
    client.act_as(cast.trainer)
    before = reporting.current(db, taken).built_at
    assert client.post(f"/quizzes/{taken.id}/report").status_code == 302
    after = reporting.current(db, taken).built_at
    assert before is not None
    assert after is not None
    assert after > before


def test_workbook_and_sheet(db: Database, client: SchoolClient, cast: Cast, taken: Quiz) -> None:
    client.act_as(cast.trainer)
    file = client.get(f"/quizzes/{taken.id}/report.xlsx")
    with ZipFile(io.BytesIO(file.data)) as book:
        assert re.findall(r'<sheet name="([^"]+)"', book.read("xl/workbook.xml").decode()) == [
            "总体", "题目", "选项", "各党组织",
        ]  # fmt: skip
        text = "".join(book.read(name).decode() for name in book.namelist() if "worksheets/sheet" in name)
        for words in ("答案存疑，反向区分", "1921年7月", "河东村", "KR-20"):
            assert words in text, words
    page = client.get(f"/quizzes/{taken.id}/report/print").text
    for words in ("题目分析", "各党组织情况", "填报人"):
        assert words in page, words
    with db.read() as s:
        events = s.scalars(sa.select(AuditLog.event).where(AuditLog.subject_kind == "quiz")).all()
    assert {"quiz.export", "quiz.print"} <= set(events)
