"""From an empty draft to a published exam: the sheet, the paper, review; copies and resits; what may be done when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from actors import Cast
from clients import SchoolClient
from quiz_kit import make_question, make_quiz
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed, NotFound
from school.core.time import day_of, now
from school.quizzes.access import standing
from school.quizzes.bank.models import Question, QuestionKind, QuestionState
from school.quizzes.papers import composing, queries, rules, service
from school.quizzes.papers import paper as papers
from school.quizzes.papers.models import Quiz, QuizItem, QuizKind, QuizSection, QuizState, Show
from school.quizzes.papers.outline import PRESETS, Section
from school.quizzes.sittings.models import Attempt, AttemptState
from school.records.models import StudyNeed

ZONE = "Asia/Shanghai"


def today() -> Any:
    return day_of(now(), ZONE)


def sheet(**more: Any) -> rules.Sheet:
    begin = rules.Sheet("党章测验", opens_at=now(), closes_at=now() + timedelta(days=7), minutes=30)
    return replace(begin, **more)


# ── pages ───────────────────────────────────────────────


def test_a_trainer_writes_an_exam_and_another_person_publishes_it(
    client: SchoolClient, db: Database, cast: Cast
) -> None:
    with db.write() as s:
        for _ in range(12):
            make_question(s, cast, category="党章")
        chosen = make_question(s, cast, QuestionKind.JUDGE, category="党史")
        chosen.words = "党员有退党的自由"
    client.act_as(cast.trainer)
    made = client.post("/studio/quizzes/new", data={"title": "党章 党纪测验", "preset": "exam", "host": cast.county_id})
    assert made.status_code == 302
    page = client.get(made.location).text
    quiz_id = int(made.location.rsplit("/", 1)[1])
    assert "还差 5 题" in page  # the preset asks for questions of kinds that the bank does not have
    assert client.post(f"/studio/quizzes/{quiz_id}/submit").status_code in (409, 422)
    with db.read() as s:
        first, second, third = papers.sections_of(s, quiz_id)
    for section in (second, third):
        client.post(f"/studio/quizzes/{quiz_id}/sections/{section.id}", data={"do": "remove"})
    rule = {"do": "save", "title": "单选题", "points": "9.5", "draw": "10", "kind": "single", "category": "党章"}
    client.post(f"/studio/quizzes/{quiz_id}/sections/{first.id}", data=rule)
    fixed = client.post(f"/studio/quizzes/{quiz_id}/sections", data={"do": "fixed"})
    found = client.get(fixed.location, query_string={"q": "退党"}).text
    assert "党员有退党的自由" in found
    assert "国家宪法日" not in found
    client.post(fixed.location, data={"question": chosen.id, "do": "done"})
    page = client.get(f"/studio/quizzes/{quiz_id}").text
    assert "11 题" in page
    form = {
        "title": "党章 党纪测验", "secrecy": "internal", "reach": "all", "open_day": "2026-01-01", "open_time": "08:00",
        "close_day": "2036-01-01", "close_time": "18:00", "minutes": "30", "attempts": "3", "pass": "60", "hours": "1",
        "needed": "", "show": "closed", "mode": "online", "need": "must", "pages": "one", "partial": "exact",
        "shuffle_questions": "1", "shuffle_options": "1", "version": version_of(db, quiz_id),
    }  # fmt: skip
    saved = client.post(f"/studio/quizzes/{quiz_id}", data=form)
    assert saved.status_code == 302, saved.text
    assert client.post(f"/studio/quizzes/{quiz_id}/submit").status_code == 302
    client.act_as(cast.member)
    assert client.get(f"/quizzes/{quiz_id}").status_code == 404
    client.act_as(cast.reviewer)
    assert "党章 党纪测验" in client.get("/review").text
    assert "等您审核" in client.get(f"/quizzes/{quiz_id}").text
    assert "答案" in client.get(f"/quizzes/{quiz_id}/sample").text
    assert client.post(f"/quizzes/{quiz_id}/return", data={"note": " "}).status_code == 422
    assert client.post(f"/quizzes/{quiz_id}/publish").status_code == 302
    with db.read() as s:
        quiz = s.get_one(Quiz, quiz_id)
        assert (quiz.state, quiz.max_100) == (QuizState.PUBLISHED, 11 * 950)
    client.act_as(cast.member)
    assert "党章 党纪测验" in client.get("/").text  # compulsory: on the desk
    assert "党章 党纪测验" in client.get("/quizzes").text
    face = client.get(f"/quizzes/{quiz_id}").text
    assert "共 11 题，30 分钟" in face
    assert "开始答题" in face


def version_of(db: Database, quiz_id: int) -> str:
    with db.read() as s:
        return str(s.get_one(Quiz, quiz_id).version)


def test_what_was_typed_stays_after_a_refusal(client: SchoolClient, db: Database, cast: Cast) -> None:
    with db.write() as s:
        quiz = make_quiz(s, cast, [make_question(s, cast)], state=QuizState.DRAFT)
    client.act_as(cast.trainer)
    form = {"title": "新的名称", "secrecy": "internal", "reach": "all", "pass": "很高", "version": "1", "minutes": "30"}
    answer = client.post(f"/studio/quizzes/{quiz.id}", data=form)
    assert answer.status_code == 422
    assert "新的名称" in answer.text
    assert "及格线请填" in answer.text
    secret = client.post("/studio/quizzes/new", data={"title": "机密★测验", "preset": "exam", "host": cast.county_id})
    assert "涉密内容不得上传" in secret.text


# ── the sheet ───────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "change", "code"),
    [
        (QuizKind.EXAM, {"title": " "}, "quiz.title"),
        (QuizKind.EXAM, {"opens_at": None}, "quiz.window"),
        (QuizKind.EXAM, {"minutes": None}, "quiz.minutes"),
        (QuizKind.EXAM, {"minutes": 301}, "quiz.minutes"),
        (QuizKind.EXAM, {"show": Show.AT_ONCE}, "quiz.show"),
        (QuizKind.QUIZ, {"closes_at": None}, "quiz.show"),
        (QuizKind.EXAM, {"closes_at": now() - timedelta(days=1)}, "quiz.window"),
        (QuizKind.EXAM, {"closes_at": now() + timedelta(minutes=10)}, "quiz.window"),
        (QuizKind.EXAM, {"attempts": 11}, "quiz.attempts"),
        (QuizKind.EXAM, {"hours_100": 30}, "quiz.hours"),
        (QuizKind.EXAM, {"pass_permille": 400}, "quiz.pass"),
        (QuizKind.EXAM, {"summary": "密级：机密"}, "course.secret"),
    ],
)
def test_what_does_not_fit_is_named(kind: QuizKind, change: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.checked(kind, sheet(**change))
    assert refused.value.code == code


def test_a_kind_settles_what_it_does_not_leave_open() -> None:
    practice = rules.checked(QuizKind.PRACTICE, sheet(hours_100=100, compulsory=True, seat_code_needed=True))
    assert (practice.hours_100, practice.compulsory, practice.seat_code_needed) == (0, False, False)
    assert (practice.show, practice.attempts, practice.minutes) == (Show.AT_ONCE, 0, None)
    contest = rules.checked(QuizKind.CONTEST, sheet(hours_100=100, compulsory=True, teams=True, course_ref=3))
    assert (contest.hours_100, contest.compulsory, contest.teams, contest.course_ref) == (0, False, True, None)
    assert not rules.checked(QuizKind.EXAM, sheet(teams=True, table_open=True)).table_open


def test_every_preset_is_a_sheet_its_kind_takes() -> None:
    for preset in PRESETS.values():
        rules.checked(preset.kind, sheet(**{"minutes": None, "show": Show.CLOSED, **preset.rules}))


@pytest.mark.parametrize(("text", "ms"), [("", None), ("12:30", 750_000), ("1:02:03", 3_723_000), ("12：30", 750_000)])
def test_a_moment_of_a_recording_is_read(text: str, ms: int | None) -> None:
    assert rules.clock_of(text) == ms


@pytest.mark.parametrize("text", ["12", "a:b", "1:2:3:4", "-1:30"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        rules.clock_of(text)


def test_two_people_who_edit_at_once_are_told(db: Database, cast: Cast) -> None:
    with db.write() as s:
        quiz = make_quiz(s, cast, [make_question(s, cast)], state=QuizState.DRAFT)
        service.edit(s, cast.trainer.person, quiz.id, 1, sheet(), ZONE)
        with pytest.raises(Conflict, match=r"quiz\.version"):
            service.edit(s, cast.trainer.person, quiz.id, 1, sheet(title="另一个"), ZONE)


def test_what_a_sheet_points_at_must_be_ones_own(db: Database, cast: Cast) -> None:
    trainer = cast.trainer.person
    with db.write() as s:
        quiz = make_quiz(s, cast, [make_question(s, cast)], state=QuizState.DRAFT)
        for change, code in [
            ({"course_ref": 5}, "quiz.course"),
            ({"resit_of_id": quiz.id}, "quiz.resit"),
            ({"helpers": (cast.member.account_id,)}, "quiz.helpers"),
            ({"audience": (999,)}, "quiz.audience"),
        ]:
            with pytest.raises(Invalid) as refused:
                service.edit(s, trainer, quiz.id, quiz.version, sheet(**change), ZONE)
            assert refused.value.code == code


# ── the paper ───────────────────────────────────────────


def test_a_paper_takes_only_what_is_approved_valid_and_near(db: Database, cast: Cast) -> None:
    """Of the bank of the host and above; not drafts, not withdrawn ones, not stale ones, not another branch's."""
    with db.write() as s:
        good = [make_question(s, cast) for _ in range(3)]
        make_question(s, cast, state=QuestionState.DRAFT)
        make_question(s, cast, org_id=cast.branch_id)
        stale, gone, revised = (make_question(s, cast) for _ in range(3))
        stale.valid_until = today() - timedelta(days=1)
        gone.state = QuestionState.WITHDRAWN
        revised.state = QuestionState.IN_REVIEW  # its approved version goes on
        quiz = make_quiz(s, cast, [], state=QuizState.DRAFT)
        section = papers.sections_of(s, quiz.id)[0]
        section.rule, section.draw = {"difficulty": [1]}, 10
        s.flush()
        usable = {question.id for question in (*good, revised)}
        assert {row[1] for row in papers.fresh_paper(s, quiz, 1, today())} == usable
        check = papers.checked_paper(s, quiz, today()).sections[0]
        assert (check.found, check.taken, check.missing) == (4, 4, 6)
        chosen = composing.add_section(s, cast.trainer.person, quiz.id, fixed=True)
        ids = [question.id for question in s.scalars(sa.select(Question))]
        assert composing.add_questions(s, cast.trainer.person, quiz.id, chosen.id, [*ids, *ids], today()) == 4


def test_questions_of_a_section_are_ordered_weighed_and_removed(db: Database, cast: Cast) -> None:
    trainer = cast.trainer.person
    with db.write() as s:
        one, two, three = (make_question(s, cast).id for _ in range(3))
        quiz = make_quiz(s, cast, [], state=QuizState.DRAFT)
        section = papers.sections_of(s, quiz.id)[0]
        here = (s, trainer, quiz.id, section.id)
        composing.add_questions(*here, [three, one, two], today())
        composing.move_question(*here, two, -1)
        composing.set_points(*here, one, 350)
        composing.remove_question(*here, three)
        composing.change_section(*here, Section("选择题", None, 0, 200), today())
        paper = papers.fresh_paper(s, quiz, 1, today())
        assert [row[1:3] for row in paper] == [[two, 200], [one, 350]]
        assert papers.length_of(s, quiz) == 2
        with pytest.raises(Invalid):
            composing.set_points(*here, one, 33)
        with pytest.raises(NotFound):
            composing.remove_question(*here, three)


def test_sections_are_moved_checked_and_removed(db: Database, cast: Cast) -> None:
    trainer = cast.trainer.person
    with db.write() as s:
        make_question(s, cast)
        quiz = make_quiz(s, cast, [], state=QuizState.DRAFT)
        first = papers.sections_of(s, quiz.id)[0].id
        drawn = composing.add_section(s, trainer, quiz.id, fixed=False).id
        composing.move_section(s, trainer, quiz.id, drawn, -1)
        assert [section.id for section in papers.sections_of(s, quiz.id)] == [drawn, first]
        for wanted, code in [
            (Section("", {}, 0, 200), "section.draw"),
            (Section("", {}, 5, 33), "section.points"),
            (Section("", {"category": "没有这一类"}, 5, 200), "section.rule"),
            (Section("", {"kind": "essay"}, 5, 200), "section.rule"),
            (Section("", {"difficulty": [6]}, 5, 200), "section.rule"),
            (Section("长" * 41, {}, 5, 200), "section.title"),
        ]:
            with pytest.raises(Invalid) as refused:
                composing.change_section(s, trainer, quiz.id, drawn, wanted, today())
            assert refused.value.code == code
        composing.remove_section(s, trainer, quiz.id, drawn)
        assert [section.position for section in papers.sections_of(s, quiz.id)] == [1]
        other = make_quiz(s, cast, [], state=QuizState.DRAFT)
        with pytest.raises(NotFound):
            composing.remove_section(s, trainer, other.id, first)


def test_a_plan_is_kept_and_follows_an_edit(db: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five hundred people start in one second: the bank is read once; a withdrawn question goes when the plan is old."""
    with db.write() as s:
        questions = [make_question(s, cast) for _ in range(2)]
        quiz = make_quiz(s, cast, questions)
    with db.read() as s:
        assert len(papers.paper_of(s, quiz, 7, today())) == 2
    with db.write() as s:
        s.get_one(Question, questions[0].id).state = QuestionState.WITHDRAWN
    with db.read() as s:
        assert len(papers.paper_of(s, quiz, 7, today())) == 2
        monkeypatch.setattr(papers.time, "monotonic", lambda: 10**9)
        assert len(papers.paper_of(s, quiz, 7, today())) == 1
        assert papers.paper_of(s, quiz, 7, today()) == papers.paper_of(s, quiz, 7, today())


# ── review, copies, and what follows ────────────────────


def drafted(db: Database, cast: Cast, **fields: Any) -> int:
    values = {"opens_at": now(), "closes_at": now() + timedelta(days=1), **fields}
    with db.write() as s:
        return make_quiz(s, cast, [make_question(s, cast)], state=QuizState.DRAFT, **values).id


def test_nobody_publishes_their_own(db: Database, cast: Cast) -> None:
    both = replace(cast.trainer.person, grants=(*cast.trainer.person.grants, *cast.reviewer.person.grants))
    quiz_id = drafted(db, cast)
    with db.write() as s:
        service.submit(s, both, quiz_id, ZONE)
        with pytest.raises(Conflict):
            service.edit(s, both, quiz_id, 1, sheet(), ZONE)
        with pytest.raises(NotAllowed, match=r"quiz\.own"):
            service.publish(s, both, quiz_id, ZONE)
        assert queries.waiting_count(s, both) == 0
        assert [quiz.id for quiz in queries.in_review(s, cast.reviewer.person)] == [quiz_id]
        service.publish(s, cast.reviewer.person, quiz_id, ZONE)
        with pytest.raises(Conflict):
            service.publish(s, cast.reviewer.person, quiz_id, ZONE)


def test_an_incomplete_quiz_is_not_submitted(db: Database, cast: Cast) -> None:
    with db.write() as s:
        empty = make_quiz(s, cast, [], state=QuizState.DRAFT, opens_at=now(), closes_at=now() + timedelta(days=1))
        with pytest.raises(Conflict, match=r"quiz\.paper"):
            service.submit(s, cast.trainer.person, empty.id, ZONE)
        timeless = make_quiz(s, cast, [make_question(s, cast)], state=QuizState.DRAFT)
        with pytest.raises(Invalid, match=r"quiz\.window"):
            service.submit(s, cast.trainer.person, timeless.id, ZONE)
    past = drafted(db, cast, opens_at=now() - timedelta(days=2), closes_at=now() - timedelta(days=1))
    with db.write() as s, pytest.raises(Conflict, match=r"quiz\.past"):
        service.submit(s, cast.trainer.person, past, ZONE)


def published(db: Database, cast: Cast, **fields: Any) -> int:
    quiz_id = drafted(db, cast, **fields)
    with db.write() as s:
        service.submit(s, cast.trainer.person, quiz_id, ZONE)
        service.publish(s, cast.reviewer.person, quiz_id, ZONE)
    return quiz_id


def attempt(cast: Cast, quiz_id: int, state: AttemptState = AttemptState.OPEN) -> Attempt:
    return Attempt(
        quiz_id=quiz_id, member_id=cast.member.member_id, org_id=cast.branch_id, no=1, state=state, seed=1, paper=[],
        started_ms=0, max_100=500,
    )  # fmt: skip


def test_what_has_been_sat_is_neither_taken_back_nor_thrown_away(db: Database, cast: Cast) -> None:
    trainer = cast.trainer.person
    quiz_id = published(db, cast)
    with db.write() as s:
        service.recall(s, trainer, quiz_id)
        service.submit(s, trainer, quiz_id, ZONE)
        service.publish(s, cast.reviewer.person, quiz_id, ZONE)
        s.add(attempt(cast, quiz_id))
        s.flush()
        with pytest.raises(Conflict, match=r"quiz\.begun"):
            service.recall(s, trainer, quiz_id)
        with pytest.raises(Conflict, match=r"quiz\.sitting"):
            service.withdraw(s, trainer, quiz_id, ZONE)
        s.execute(sa.update(Attempt).values(state=AttemptState.MARKED))
        service.withdraw(s, cast.admin.person, quiz_id, ZONE)
        with pytest.raises(Conflict):
            service.discard(s, trainer, quiz_id, ZONE)
    with db.write() as s, pytest.raises(NotFound):
        service.withdraw(s, cast.member.person, quiz_id, ZONE)


def test_a_draft_is_thrown_away_with_its_paper(db: Database, cast: Cast) -> None:
    quiz_id = drafted(db, cast)
    with db.write() as s:
        service.discard(s, cast.trainer.person, quiz_id, ZONE)
    with db.read() as s:
        assert s.get(Quiz, quiz_id) is None
        assert not s.scalars(sa.select(QuizSection)).all()
        assert not s.scalars(sa.select(QuizItem)).all()


def test_a_resit_has_the_rules_and_the_paper_of_its_exam(db: Database, cast: Cast) -> None:
    quiz_id = published(db, cast, seat_code_needed=True)
    with db.write() as s:
        first = s.get_one(Quiz, quiz_id)
        assert len(first.seat_code) == 6
        made = service.copy(s, cast.trainer.person, quiz_id, resit=True)
        assert (made.resit_of_id, made.state, made.closes_at, made.seat_code) == (quiz_id, QuizState.DRAFT, None, "")
        assert made.title == f"{first.title}（补考）"
        assert papers.fresh_paper(s, made, 3, today()) == papers.fresh_paper(s, first, 3, today())
        with pytest.raises(Conflict):
            service.discard(s, cast.trainer.person, quiz_id, ZONE)


def test_a_course_asks_for_its_test_while_it_is_published(db: Database, cast: Cast) -> None:
    trainer = cast.trainer.person

    def asked(s: Any) -> list[int]:
        return list(s.scalars(sa.select(StudyNeed.ref_id).where(StudyNeed.item_ref == 7)))

    quiz_id = published(db, cast, course_ref=7, course_needs=True)
    with db.write() as s:
        assert asked(s) == [quiz_id]
        service.recall(s, trainer, quiz_id)
        assert asked(s) == [quiz_id]  # a word put right must not complete the course of everybody
        service.discard(s, trainer, quiz_id, ZONE)
        assert asked(s) == []
    other = published(db, cast, course_ref=7, course_needs=True)
    with db.write() as s:
        service.withdraw(s, trainer, other, ZONE)
        assert asked(s) == []


def test_two_tests_of_a_course_published_at_once_are_both_asked_for(db: Database, cast: Cast) -> None:
    one, other = (drafted(db, cast, course_ref=7, course_needs=True, published_at=None) for _ in range(2))
    left = [other]

    def publish(quiz_id: int) -> None:
        with db.write() as s:
            service.submit(s, cast.trainer.person, quiz_id, ZONE)
            service.publish(s, cast.reviewer.person, quiz_id, ZONE)

    def meanwhile(*call: Any) -> None:
        if "WHERE quiz.course_ref =" in call[2] and left and not db.sqlite:
            publish(left.pop())

    sa.event.listen(db.engine, "after_cursor_execute", meanwhile)
    publish(one)
    for quiz_id in left:  # SQLite: one after the other
        publish(quiz_id)
    with db.read() as s:
        assert set(s.scalars(sa.select(StudyNeed.ref_id))) == {one, other}


def test_a_colleague_who_invigilates_sees_the_quiz_and_not_its_sheet(db: Database, cast: Cast) -> None:
    quiz_id = published(db, cast)
    with db.write() as s:
        quiz = s.get_one(Quiz, quiz_id)
        quiz.author_id = cast.admin.account_id
        s.flush()
        with pytest.raises(NotFound):
            service.own_quiz(s, cast.trainer.person, quiz_id)
        assert standing(s, cast.trainer.person, quiz_id).authors is False
