"""Addresses of a trainer's quizzes (我的试卷): their list, the sheet, sending to review, copies; the paper's are in `composer.py`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from school.core.errors import Conflict, Invalid
from school.core.i18n import N_
from school.core.person import Person, Role, require
from school.core.time import day_of, local, now
from school.org import reach, sheets
from school.quizzes import access, bodies
from school.quizzes.bank import rules as bank_rules
from school.quizzes.blueprint import blueprint
from school.quizzes.outside import outside
from school.quizzes.papers import composing, outline, queries, rules, service
from school.quizzes.papers.models import Quiz, QuizKind, QuizState, Show
from school.records.models import Mode
from school.webkit.context import current_person, school
from school.webkit.replies import status_of


def trainer() -> Person:
    return require(current_person(), Role.TRAINER)


def zone() -> str:
    return school().settings.zone


@blueprint.get("/studio/quizzes")
def studio() -> str:
    """我的试卷: what this person wrote or invigilates, in every state."""
    person = trainer()
    moment = now()
    with school().db.read() as s:
        quizzes = queries.own_quizzes(s, person)
    phases = {quiz.id: rules.phase(quiz.opens_at, quiz.closes_at, moment) for quiz in quizzes}
    return render_template("quizzes/studio.html", quizzes=quizzes, phases=phases, rules=rules)


# ── a new one ───────────────────────────────────────────


@blueprint.get("/studio/quizzes/new")
def new_quiz() -> str:
    return _new_page({"preset": "exam"})


def _new_page(fields: Mapping[str, Any], refusal: dict[str, Any] | None = None) -> str:
    person = trainer()
    with school().db.read() as s:
        hosts = reach.hosts(s, person)
    return render_template(
        "quizzes/new.html", fields=fields, refusal=refusal, hosts=hosts, presets=outline.PRESETS, rules=rules
    )  # fmt: skip


@blueprint.post("/studio/quizzes/new")
def create_quiz() -> Response | tuple[str, int]:
    person = trainer()
    form = request.form
    try:
        with school().db.write() as s:
            quiz = service.create(
                s, person, form.get("host", 0, type=int), form.get("preset", ""), form.get("title", "")
            )  # fmt: skip
    except Invalid as error:
        return _new_page(form.to_dict(), sheets.refused(error, "quiz")), status_of(error)
    return redirect(url_for("quizzes.edit", quiz_id=quiz.id))


# ── the sheet ───────────────────────────────────────────


def _sheet(kind: QuizKind) -> rules.Sheet:
    """The sheet as typed; Invalid names what cannot be read. What a kind has no field for stays at its rest."""
    form = request.form
    course, _sep, lesson = form.get("course", "").partition(":")
    show, mode = form.get("show", ""), form.get("mode", "")
    return rules.Sheet(
        title=form.get("title", ""),
        summary=form.get("summary", ""),
        slip=form.get("slip", ""),
        secrecy=sheets.secrecy("quiz"),
        opens_at=rules.moment_of(form.get("open_day", ""), form.get("open_time", ""), zone()),
        closes_at=rules.moment_of(form.get("close_day", ""), form.get("close_time", ""), zone()),
        minutes=_number("minutes", "quiz.minutes", N_("答题时长请填 1 到 300 之间的分钟数，或留空不限时。")),
        attempts=_number("attempts", "quiz.attempts", N_("次数请填 1 到 10 之间的数，0 表示不限。")) or 0,
        hours_needed_100=rules.number_of(form.get("needed", ""), "quiz.needed"),
        resit_of_id=form.get("resit", type=int),
        seat_code_needed="seat_code" in form,
        shuffle_questions="shuffle_questions" in form,
        shuffle_options="shuffle_options" in form,
        one_a_page=form.get("pages") != "all",
        partial=form.get("partial") == "part",
        show=Show(show) if show in set(Show) else rules.SHOWN[kind][0],
        pass_permille=rules.number_of(form.get("pass", ""), "quiz.pass") // 10,
        hours_100=rules.number_of(form.get("hours", ""), "quiz.hours"),
        mode=Mode(mode) if mode in set(Mode) else Mode.ONLINE,
        compulsory=form.get("need") == "must",
        course_ref=int(course) if course.isdecimal() and len(course) < 19 else None,
        lesson_ref=int(lesson) if lesson.isdecimal() and len(lesson) < 19 else None,
        at_ms=rules.clock_of(form.get("at", "")),
        course_needs="course_needs" in form,
        teams="teams" in form,
        table_open="table_open" in form,
        audience=sheets.audience("quiz"),
        helpers=tuple(form.getlist("helpers", type=int)),
    )


def _number(field: str, code: str, message: str) -> int | None:
    """A whole number of the form, None when nothing is typed; Invalid (`code`) when it is none."""
    text = request.form.get(field, "").strip()
    if text and not (text.isdecimal() and len(text) < 6):
        raise Invalid(code, message)
    return int(text) if text else None


def _figure(value_100: int) -> str:
    return f"{value_100 / 100:g}"


def _written(quiz: Quiz, sheet: rules.Sheet) -> dict[str, Any]:
    """A stored quiz as the form's fields."""

    def parts(moment: datetime | None) -> tuple[str, str]:
        here = local(moment, zone()) if moment else None
        return (f"{here:%Y-%m-%d}", f"{here:%H:%M}") if here else ("", "")

    (open_day, open_time), (close_day, close_time) = parts(quiz.opens_at), parts(quiz.closes_at)
    seconds = None if quiz.at_ms is None else quiz.at_ms // 1000
    return {
        "title": quiz.title,
        "summary": quiz.summary,
        "slip": quiz.slip,
        "secrecy": quiz.secrecy,
        "open_day": open_day,
        "open_time": open_time,
        "close_day": close_day,
        "close_time": close_time,
        "minutes": str(quiz.minutes or ""),
        "attempts": str(quiz.attempts),
        "needed": _figure(quiz.hours_needed_100),
        "resit": str(quiz.resit_of_id or ""),
        "seat_code": quiz.seat_code_needed,
        "shuffle_questions": quiz.shuffle_questions,
        "shuffle_options": quiz.shuffle_options,
        "pages": "one" if quiz.one_a_page else "all",
        "partial": "part" if quiz.partial else "exact",
        "show": quiz.show,
        "pass": _figure(quiz.pass_permille * 10),
        "hours": _figure(quiz.hours_100),
        "mode": quiz.mode,
        "need": "must" if quiz.compulsory else "free",
        "course": f"{quiz.course_ref or ''}{f':{quiz.lesson_ref}' if quiz.lesson_ref else ''}",
        "at": "" if seconds is None else f"{seconds // 60}:{seconds % 60:02}",
        "course_needs": quiz.course_needs,
        "teams": quiz.teams,
        "table_open": quiz.table_open,
        "reach": "some" if sheet.audience else "all",
        "audience": list(sheet.audience),
        "helpers": list(sheet.helpers),
        "version": str(quiz.version),
    }


def _own(s: Session, person: Person, quiz_id: int) -> Quiz:
    here = access.standing(s, person, quiz_id)
    if not here.authors:
        raise access.no_quiz()
    return here.quiz


@blueprint.get("/studio/quizzes/<int:quiz_id>")
def edit(quiz_id: int) -> str:
    return edit_page(quiz_id)


def edit_page(
    quiz_id: int,
    typed: Mapping[str, Any] | None = None,
    refusal: dict[str, Any] | None = None,
    section: tuple[int, dict[str, Any]] | None = None,
) -> str:
    """The sheet and the paper; after a refusal what was `typed` stands in its fields, `section` (id, refusal) beside it."""
    person = trainer()
    with school().db.read() as s:
        quiz = _own(s, person, quiz_id)
        written = _written(quiz, service.sheet_of(s, quiz))
        today = day_of(now(), zone())
        editable = quiz.state == QuizState.DRAFT
        page: dict[str, Any] = {
            "paper": composing.outline_of(s, quiz, today),
            "begun": queries.begun(s, quiz_id),
            "course_title": outside().course_title(s, person, quiz.course_ref) if quiz.course_ref else None,
        }
        if editable:
            page |= {
                "stock": composing.stock_of(s, quiz, today),
                "reachable": reach.audiences(s, person),
                "colleagues": reach.colleagues(s, person, quiz.org.path),
                "courses": outside().courses(s, person),
                "exams": [each for each in queries.own_exams(s, person) if each[0] != quiz.id],
            }
    return render_template(
        "quizzes/edit.html",
        quiz=quiz,
        fields={**written, **(typed or {}), "version": written["version"]},
        written=written,
        refusal=refusal,
        section_refusal=section,
        editable=editable,
        rules=rules,
        question_kinds=bodies.KINDS,
        levels=bank_rules.DIFFICULTIES,
        **page,
    )


@blueprint.post("/studio/quizzes/<int:quiz_id>")
def save_quiz(quiz_id: int) -> Response | tuple[str, int]:
    person = trainer()
    try:
        with school().db.read() as s:
            kind = QuizKind(_own(s, person, quiz_id).kind)
        sheet = _sheet(kind)
        with school().db.write() as s:
            version = request.form.get("version", 0, type=int)
            service.edit(s, person, quiz_id, version, sheet, zone(), outside())
    except (Invalid, Conflict) as error:
        return edit_page(
            quiz_id, _blank() | sheets.typed("audience", "helpers"), sheets.refused(error, "quiz")
        ), status_of(error)
    flash(_("已保存"), "ok")
    return redirect(url_for("quizzes.edit", quiz_id=quiz_id))


def _blank() -> dict[str, Any]:
    """The boxes of a form that nobody ticked are not sent."""
    names = ("seat_code", "shuffle_questions", "shuffle_options", "course_needs", "teams", "table_open")
    return dict.fromkeys(names, "")


# ── review, seen from the author; copies ────────────────


def _back(quiz_id: int) -> Response:
    return redirect(url_for("quizzes.edit", quiz_id=quiz_id))


@blueprint.post("/studio/quizzes/<int:quiz_id>/submit")
def submit_quiz(quiz_id: int) -> Response | tuple[str, int]:
    person = trainer()
    try:
        with school().db.write() as s:
            service.submit(s, person, quiz_id, zone())
    except (Invalid, Conflict) as error:
        return edit_page(quiz_id, None, sheets.refused(error, "quiz")), status_of(error)
    flash(_("已送审。另一位同志审核通过后发布，学员就能看到。"), "ok")
    return _back(quiz_id)


@blueprint.post("/studio/quizzes/<int:quiz_id>/recall")
def recall_quiz(quiz_id: int) -> Response:
    person = trainer()
    with school().db.write() as s:
        service.recall(s, person, quiz_id)
    flash(_("已取回，可以继续修改。改好请再送审。"), "ok")
    return _back(quiz_id)


@blueprint.post("/studio/quizzes/<int:quiz_id>/copy")
def copy_quiz(quiz_id: int) -> Response:
    """Another one like it; `do=resit` makes it the 补考 of an exam."""
    person = trainer()
    with school().db.write() as s:
        made = service.copy(s, person, quiz_id, resit=request.form.get("do") == "resit")
    flash(_("已照样出了一份草稿，请填好时间再送审。"), "ok")
    return _back(made.id)


@blueprint.post("/studio/quizzes/<int:quiz_id>/discard")
def discard_quiz(quiz_id: int) -> Response:
    person = trainer()
    with school().db.write() as s:
        service.discard(s, person, quiz_id, zone())
    flash(_("草稿已删除"), "ok")
    return redirect(url_for("quizzes.studio"))
