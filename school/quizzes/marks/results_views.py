"""Addresses of everybody's results: the list, the workbook, the A4 sheet; a contest's table; putting a note away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from school.core.offload import in_thread
from school.core.person import require_member, signed_in
from school.core.text import tidy
from school.core.time import day_of, local, now
from school.org import audit
from school.org.rules import own_path
from school.quizzes import access
from school.quizzes.access import Standing
from school.quizzes.blueprint import blueprint
from school.quizzes.marks import notes, results, short
from school.quizzes.marks.results import PAGE, Row, Which
from school.quizzes.papers.models import Quiz
from school.webkit.context import current_person, school
from school.webkit.xlsx import Column, Sheet, workbook, write

COLUMNS = (
    Column("序号", 6, "count"), Column("姓名", 14), Column("所在党支部", 28), Column("考试名称", 34),
    Column("次数", 8, "count"), Column("最高分", 10, "hours"), Column("是否及格", 10), Column("交卷时间", 18),
)  # fmt: skip


def _which() -> Which:
    wanted = request.args.get("show", "")
    return Which(wanted) if wanted in set(Which) else Which.ALL


@blueprint.get("/quizzes/<int:quiz_id>/results")
def all_results(quiz_id: int) -> str:
    """成绩: figures and everybody's best result, in organisation order."""
    person = signed_in(current_person())
    which, query = _which(), tidy(request.args.get("q", ""))[:40]
    page = max(1, min(request.args.get("page", 1, type=int), 10_000))
    with school().db.read() as s:
        here = access.standing(s, person, quiz_id)
        figures = results.figures(s, here)
        rows, found = results.rows(s, here, which, query, first=(page - 1) * PAGE, most=PAGE)
        unmarked = short.left(s, quiz_id) if here.desk or here.oversees else 0
    return render_template(
        "quizzes/results.html",
        here=here,
        quiz=here.quiz,
        figures=figures,
        rows=rows,
        found=found,
        first=(page - 1) * PAGE + 1,
        page=page,
        more=page * PAGE < found,
        which=which,
        query=query,
        unmarked=unmarked,
        whole=results.scope(here) is None,
        moment_of=_moment,
    )


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _read(quiz_id: int) -> tuple[Standing, list[Row]]:
    """The standing, and all rows of the list as it is filtered."""
    person = signed_in(current_person())
    with school().db.read() as s:
        here = access.standing(s, person, quiz_id)
        rows, _ = results.rows(s, here, _which(), tidy(request.args.get("q", ""))[:40])
    return here, rows


def _sheet(quiz: Quiz, rows: Sequence[Row], zone: str, printed: date) -> Sheet:
    """考试成绩 with the columns that go back into other registers."""
    cells = [
        (
            number, row.name, row.branch, quiz.title, row.tries, row.best_100,
            "待评阅" if row.passed is None else "是" if row.passed else "否",
            f"{local(_moment(row.submitted_ms), zone):%Y-%m-%d %H:%M}" if row.submitted_ms else None,
        )
        for number, row in enumerate(rows, start=1)
    ]  # fmt: skip
    unit = f"主办单位：{quiz.org.name}　　参加：{len(rows)} 人　　打印日期：{printed}"
    return Sheet("考试成绩", f"{quiz.title}　成绩", unit, COLUMNS, cells)


def _noted(here: Standing, verb: str, people: int) -> None:
    with school().db.write() as s:
        audit.record(s, here.person, f"quiz.{verb}", ("quiz", here.quiz.id), here.quiz.org_id, people=people)


@blueprint.get("/quizzes/<int:quiz_id>/results.xlsx")
def results_export(quiz_id: int) -> ResponseReturnValue:
    here, rows = _read(quiz_id)
    zone = school().settings.zone
    today = day_of(now(), zone)
    file = in_thread(write, [_sheet(here.quiz, rows, zone, today)])
    _noted(here, "results_export", len(rows))
    return workbook(file, f"考试成绩_{here.quiz.title}_{today:%Y%m%d}.xlsx")


@blueprint.get("/quizzes/<int:quiz_id>/results/print")
def results_print(quiz_id: int) -> str:
    """The list as a sheet to look at and to print on A4, landscape."""
    here, rows = _read(quiz_id)
    zone = school().settings.zone
    shown = rows[: results.LEAVES]
    _noted(here, "results_print", len(shown))
    sheet = _sheet(here.quiz, shown, zone, day_of(now(), zone))
    return render_template("quizzes/results_print.html", quiz=here.quiz, sheet=sheet, left=len(rows) - len(shown))


@blueprint.get("/quizzes/<int:quiz_id>/table")
def contest_table(quiz_id: int) -> str:
    """竞赛名次, where the contest has one, for those it is for."""
    person = signed_in(current_person())
    with school().db.read() as s:
        here = access.standing(s, person, quiz_id)
        places = results.table(s, here, now())
    running = here.quiz.closes_at is None or now() < here.quiz.closes_at
    return render_template(
        "quizzes/table.html", quiz=here.quiz, places=places, running=running, team=results.TEAM, shown=results.TABLE
    )


@blueprint.post("/quizzes/<int:quiz_id>/noted")
def put_note_away(quiz_id: int) -> Response:
    """The person has read that a corrected key moved their result, or that a sitting of theirs was made void."""
    _, member_id = require_member(current_person())
    with school().db.write() as s:
        notes.put_away(s, member_id, quiz_id, int(now().timestamp() * 1000))
    return redirect(own_path(request.form.get("next")) or url_for("portal.home"))
