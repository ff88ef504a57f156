"""Addresses for everybody: 考试测验 (what is open, comes and is over), and the face of one quiz with its rules and its gate."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from school.core.person import Person, Role, signed_in
from school.core.time import now
from school.quizzes import access, bodies
from school.quizzes.bank.models import QuestionKind
from school.quizzes.blueprint import blueprint
from school.quizzes.marks.models import QuizResult
from school.quizzes.outside import outside
from school.quizzes.papers import gate, queries, rules
from school.quizzes.papers import paper as papers
from school.quizzes.papers.models import QuizKind, QuizState
from school.quizzes.papers.rules import Phase
from school.quizzes.sittings.service import moment_of
from school.webkit import figures
from school.webkit.context import current_person, school
from school.webkit.replies import sentence


def kind_words(kind: str) -> str:
    """考试, 测验, 练习 or 知识竞赛, in the reader's language."""
    text: str = _(rules.KINDS[QuizKind(kind)])
    return text


def question_words(kind: str) -> str:
    """单选题 … in the reader's language."""
    text: str = _(bodies.KINDS[QuestionKind(kind)])
    return text


blueprint.add_app_template_filter(kind_words, "quiz_kind")
blueprint.add_app_template_filter(question_words, "question_kind")


def at_words(at_ms: int) -> str:
    """A moment of the server's clock in milliseconds: `11月22日 14:30` in the school's zone."""
    return figures.moment(moment_of(at_ms))


blueprint.add_app_template_filter(at_words, "at_ms")


def course_tests(s: Session, person: Person, course_id: int) -> list[dict[str, Any]]:
    """The tests of a course as its pages show them (`courses.outside`), but those that its recordings stop for."""
    return [
        {
            "title": test.quiz.title,
            "href": url_for("quizzes.page", quiz_id=test.quiz.id),
            "lesson_id": test.quiz.lesson_ref,
            "facts": _facts(test),
            "needed": test.quiz.course_needs,
            "passed": bool(test.result and test.result.passed),
        }
        for test in queries.of_course(s, person, course_id, now())
        if test.quiz.at_ms is None
    ]


def _facts(test: queries.Test) -> list[str]:
    quiz, facts = test.quiz, [kind_words(test.quiz.kind)]
    if test.phase == Phase.COMING and quiz.opens_at:
        facts.append(_("%(at)s开始", at=figures.appointment(quiz.opens_at)))
    elif quiz.closes_at:
        facts.append(_("%(at)s截止", at=figures.appointment(quiz.closes_at)))
    if quiz.minutes:
        facts.append(_("%(n)d 分钟", n=quiz.minutes))
    return facts


@blueprint.get("/quizzes")
def index() -> str:
    """进行中, 即将开始, 练习, 已结束."""
    person = signed_in(current_person())
    page = min(max(request.args.get("page", 1, type=int), 1), 1000)
    with school().db.read() as s:
        board = queries.board(s, person, now(), page)
    return render_template("quizzes/index.html", board=board, teaches=person.has(Role.TRAINER))


@blueprint.get("/quizzes/<int:quiz_id>")
def page(quiz_id: int) -> str:
    return quiz_page(quiz_id)


def quiz_page(quiz_id: int, *, note: str = "", refusal: str = "", wrong_code: str = "") -> str:
    """A quiz's page; a reviewer's keeps the `note` that was refused and says why. `wrong_code` is said of a seat code."""
    person = signed_in(current_person())
    moment, zone = now(), school().settings.zone
    with school().db.read() as s:
        here = access.standing(s, person, quiz_id)
        quiz = here.quiz
        door = gate.gate(s, here, moment, zone)
        facts: dict[str, Any] = {
            "attempts": queries.own_attempts(s, person, quiz_id),
            "result": s.get(QuizResult, (quiz_id, person.member_id)) if person.member_id else None,
            "audience": queries.audience(s, quiz_id),
            "questions": papers.length_of(s, quiz),
            "first_title": queries.title_of(s, quiz.resit_of_id) if quiz.resit_of_id else None,
            "course_title": outside().course_title(s, person, quiz.course_ref) if quiz.course_ref else None,
        }
    return render_template(
        "quizzes/page.html",
        here=here,
        quiz=quiz,
        gate=door,
        closed=sentence(door.refusal) if door.refusal else "",
        phase=rules.phase(quiz.opens_at, quiz.closes_at, moment),
        rules=rules,
        reviews=quiz.state == QuizState.IN_REVIEW and here.oversees and not here.desk,
        may_withdraw=quiz.state == QuizState.PUBLISHED and (here.authors or here.oversees),
        note=note,
        refusal=refusal,
        wrong_code=wrong_code,
        **facts,
    )
