"""Addresses of a class's report: the page, the workbook and the A4 sheet."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import render_template
from flask.typing import ResponseReturnValue

from school.core.offload import in_thread
from school.core.person import Person, signed_in
from school.core.time import day_of, now
from school.live import access, tables
from school.live.access import Standing
from school.live.blueprint import blueprint
from school.live.findings import SHOWN, Attended, Findings, findings, people, points
from school.org import audit
from school.webkit.context import current_person, school
from school.webkit.xlsx import workbook, write

CURVE = (640, 160)  # the drawing's own units
ROWS = 24  # of the curve's table at most


@blueprint.get("/live/<int:class_id>/report")
def report(class_id: int) -> str:
    """上课报告: figures, branches in organisation order, the curve, votes, questions and the 待补学名单."""
    person = signed_in(current_person())
    with school().db.read() as s:
        found = findings(s, access.standing(s, person, class_id))
    curve = found.body["curve"] if found.body else []
    return render_template(
        "live/report.html",
        found=found,
        live=found.live,
        points=points(curve, *CURVE),
        size=CURVE,
        top=max((present for _, present in curve), default=0),
        curve=curve[:: max(1, -(-len(curve) // ROWS))],
        moment_of=_moment,
        questions=tables.QUESTIONS,
        states=tables.STATES,
        shown=SHOWN,
    )


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _read(class_id: int) -> tuple[Person, Standing, Findings, list[Attended]]:
    person = signed_in(current_person())
    with school().db.read() as s:
        here = access.standing(s, person, class_id)
        return person, here, findings(s, here), people(s, here)


@blueprint.get("/live/<int:class_id>/report.xlsx")
def report_export(class_id: int) -> ResponseReturnValue:
    """The workbook: everybody expected or there, the branches, votes and questions."""
    person, here, found, everybody = _read(class_id)
    zone = school().settings.zone
    today = day_of(now(), zone)
    file = in_thread(write, tables.book(found, everybody, zone, today))
    with school().db.write() as s:
        audit.record(s, person, "live.export", ("live", class_id), here.live.org_id, people=len(everybody))
    return workbook(file, f"上课报告_{here.live.title}_{today:%Y%m%d}.xlsx")


@blueprint.get("/live/<int:class_id>/report/print")
def report_print(class_id: int) -> str:
    """各支部到课汇总 and the 待补学名单 as a sheet to look at and to print on A4, landscape."""
    person, here, found, everybody = _read(class_id)
    zone = school().settings.zone
    today = day_of(now(), zone)
    branches = tables.branch_table(found, everybody, zone, today)
    owing = tables.people_table(found, [each for each in everybody if each.makeup_until], zone, today)
    with school().db.write() as s:
        audit.record(s, person, "live.print", ("live", class_id), here.live.org_id, people=len(everybody))
    return render_template("live/report_print.html", live=here.live, found=found, branches=branches, owing=owing)
