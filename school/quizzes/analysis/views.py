"""Addresses of a quiz's analysis: the page with drill-down by organisation, the workbook and the A4 sheet."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from school.core.errors import NotFound
from school.core.i18n import N_
from school.core.offload import in_thread
from school.core.person import Person, signed_in
from school.core.time import day_of, now
from school.org import audit
from school.quizzes import access, bodies
from school.quizzes.access import Standing
from school.quizzes.analysis import reporting
from school.quizzes.analysis import tables as report_tables
from school.quizzes.analysis.service import Body
from school.quizzes.blueprint import blueprint
from school.webkit.context import current_person, school
from school.webkit.xlsx import Sheet, workbook, write


def _here(quiz_id: int) -> tuple[Person, Standing]:
    person = signed_in(current_person())
    with school().db.read() as s:
        return person, access.sees_results(access.standing(s, person, quiz_id))


@blueprint.get("/quizzes/<int:quiz_id>/report")
def report(quiz_id: int) -> str:
    """试卷分析: the paper, its questions with those that look wrong first, and organisations below `org`."""
    _, here = _here(quiz_id)
    found = reporting.current(school().db, here.quiz)
    branches = None
    if found.body is not None:
        with school().db.read() as s:
            branches = reporting.branches(s, found.body["orgs"], request.args.get("org", type=int))
    return render_template(
        "quizzes/report.html",
        here=here,
        quiz=here.quiz,
        found=found,
        body=found.body,
        branches=branches,
        kinds=bodies.KINDS,
        flags=report_tables.FLAGS,
        judged=report_tables.JUDGED,
        methods=report_tables.METHODS,
        decimal=report_tables.decimal,
        letter=bodies.letter,
    )


@blueprint.post("/quizzes/<int:quiz_id>/report")
def rebuild_report(quiz_id: int) -> ResponseReturnValue:
    """Have the report built anew, whatever it is of."""
    _, here = _here(quiz_id)
    with school().db.write() as s:
        reporting.forget(s, here.quiz.id)
    return redirect(url_for("quizzes.report", quiz_id=quiz_id))


def _body(here: Standing) -> Body:
    found = reporting.current(school().db, here.quiz)
    if found.body is None:
        raise NotFound("quiz.no_report", N_("分析还在做，一般不到一分钟。请稍后再打开。"))
    return found.body


@blueprint.get("/quizzes/<int:quiz_id>/report.xlsx")
def report_export(quiz_id: int) -> ResponseReturnValue:
    """The workbook: figures, questions, options, and every organisation that has members of its own concerned."""
    person, here = _here(quiz_id)
    body, today = _body(here), day_of(now(), school().settings.zone)
    sheets: list[Sheet] = [
        table(here.quiz, body, today)
        for table in (report_tables.figures_table, report_tables.item_table, report_tables.choice_table)
    ]
    with school().db.write() as s:
        if body["orgs"]:
            sheets.append(report_tables.org_table(here.quiz, body, reporting.named(s, body["orgs"]), today))
        audit.record(s, person, "quiz.export", ("quiz", quiz_id), here.quiz.org_id, people=body["people"])
    return workbook(in_thread(write, sheets), f"试卷分析_{here.quiz.title}_{today:%Y%m%d}.xlsx")


@blueprint.get("/quizzes/<int:quiz_id>/report/print")
def report_print(quiz_id: int) -> str:
    """Figures, questions and the organisations right below the top, to print on A4, landscape."""
    person, here = _here(quiz_id)
    body, today = _body(here), day_of(now(), school().settings.zone)
    sheets = [report_tables.figures_table(here.quiz, body, today), report_tables.item_table(here.quiz, body, today)]
    with school().db.write() as s:
        found = reporting.branches(s, body["orgs"], None)
        if found is not None:
            lines = [(org.short_name, line) for org, line in found.lines]
            sheets.append(report_tables.org_table(here.quiz, body, lines, today))
        audit.record(s, person, "quiz.print", ("quiz", quiz_id), here.quiz.org_id, people=body["people"])
    return render_template("quizzes/report_print.html", quiz=here.quiz, sheets=sheets)
