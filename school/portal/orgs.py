"""Addresses of an organisation: a branch with its members, a committee with what lies below; 申请复核, export and print."""

from __future__ import annotations

from datetime import date

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from school.core import time
from school.core.errors import TooLarge
from school.core.i18n import N_
from school.core.offload import in_thread
from school.core.person import Person, require, signed_in
from school.org import audit
from school.org.models import Organization
from school.org.queries import organization
from school.portal import overview, sheets
from school.portal.blueprint import blueprint
from school.portal.overview import KEEPERS, WITH_MEMBERS
from school.portal.sheets import Summary
from school.portal.years import chosen_year, this_year
from school.records import reports
from school.records.cases import answered_cases, waiting_cases, waiting_counts
from school.records.reports import Filters, MemberRow
from school.records.rules import REASONS
from school.webkit.context import current_person, school
from school.webkit.xlsx import Sheet, workbook, write

EXPORT_LIMIT = 20_000  # rows in one file
COUNTED = 2000  # members up to which a subtree's meetings are counted for a table
WAITING = 50  # requests on one page, the longest waiting
ANSWERED = 20  # the latest answers below them
CHUNK = 500  # rows read at once for an export, so that other requests come in between


def _opened(s: Session, org_id: int) -> tuple[Person, Organization]:
    """The organisation, for somebody whose duties cover it; else NotFound, SignInNeeded or NotAllowed."""
    person = signed_in(current_person())
    org = organization(s, org_id)
    require(person, *KEEPERS, path=org.path)
    return person, org


@blueprint.get("/orgs/<int:org_id>", endpoint="organization")
def organization_page(org_id: int) -> str:
    """A branch: its year and members. A committee: its year and the organisations below."""
    year, filters = chosen_year(), Filters.read(request.args)
    with school().db.read() as s:
        person, org = _opened(s, org_id)
        page = overview.read(s, person, org, year, _today(), filters)
    return render_template(
        "portal/branch.html" if page.with_members else "portal/committee.html",
        page=page,
        month_names=[_("%(n)d月", n=number) for number in range(1, 13)],
        found_limit=reports.FOUND_LIMIT,
        words=sheets,
    )


@blueprint.get("/orgs/<int:org_id>/reviews")
def organization_reviews(org_id: int) -> str:
    """申请复核 of the organisation and below: what waits for an answer, and what was answered lately."""
    with school().db.read() as s:
        person, org = _opened(s, org_id)
        page = {
            "org": org,
            "crumbs": overview.crumbs(s, person, org),
            "waiting": waiting_cases(s, org_id, WAITING),
            "waiting_count": waiting_counts(s, [org_id], None).get(org_id, 0),
            "answered": answered_cases(s, org_id, ANSWERED),
        }
    return render_template("portal/reviews.html", reasons=REASONS, **page)


def _members(org_id: int, year: int, filters: Filters) -> list[MemberRow]:
    """All members of a branch as filtered, read in pieces."""
    rows: list[MemberRow] = []
    while True:
        with school().db.read() as s:
            wanted = Filters(filters.text, filters.category, filters.state, filters.sort, page=len(rows) // CHUNK + 1)
            piece, _found = reports.members(s, org_id, year, wanted, CHUNK)
        rows += piece
        if len(piece) < CHUNK:
            return rows


def _summaries(org: Organization, year: int, *, deep: bool) -> list[Summary]:
    """The organisations directly below, or every branch below, with what they held. Raises TooLarge."""
    rows: list[Summary] = []
    after = ""
    while True:
        with school().db.read() as s:
            piece = (
                reports.branches(s, org, year, after, CHUNK)
                if deep
                else reports.children(s, org.id, year, now=year == this_year())
            )
            small = [each.id for each, figures in piece if figures and figures.members <= COUNTED]
            held = reports.held(s, small, year) if small else {}
        rows += [
            Summary(each, figures, *held.get(each.id, (0, 0) if each.id in small else ())) for each, figures in piece
        ]
        if not deep or len(piece) < CHUNK:
            return rows
        after = piece[-1][0].path
        if len(rows) >= EXPORT_LIMIT:
            raise TooLarge(
                "export.large",
                N_("这个范围超过 %(most)s 个支部，一张表装不下。请到下一级党组织分别导出。"),
                most=EXPORT_LIMIT,
            )


@blueprint.get("/orgs/<int:org_id>/hours.xlsx")
def organization_export(org_id: int) -> ResponseReturnValue:
    """学时统计表 of a branch as filtered, 支部学习情况汇总表 of a committee (`?deep=1`: every branch below)."""
    year, filters, deep = chosen_year(), Filters.read(request.args), request.args.get("deep") == "1"
    with school().db.read() as s:
        person, org = _opened(s, org_id)
    sheet = _sheet(org, year, filters, deep=deep)
    file = in_thread(write, [sheet])
    with school().db.write() as s:
        chosen = {**filters.args(page=1), **({"deep": "1"} if deep else {})}
        audit.record(s, person, "hours.export", ("organization", org_id), org_id, year=year, filters=[*chosen.items()])
    name = f"{sheet.title}_{org.short_name}_{_today():%Y%m%d}.xlsx"
    return workbook(file, name)


def _sheet(org: Organization, year: int, filters: Filters, *, deep: bool) -> Sheet:
    if org.kind in WITH_MEMBERS:
        return sheets.hours_table(org, year, _members(org.id, year, filters), _today())
    return sheets.summary_table(org, year, _summaries(org, year, deep=deep), _today())


def _today() -> date:
    return time.day_of(time.now(), school().settings.zone)


@blueprint.get("/orgs/<int:org_id>/print")
def organization_print(org_id: int) -> str:
    """The same table as a sheet to look at and to print on A4, landscape."""
    year, filters, deep = chosen_year(), Filters.read(request.args), request.args.get("deep") == "1"
    with school().db.read() as s:
        person, org = _opened(s, org_id)
    sheet = _sheet(org, year, filters, deep=deep)
    with school().db.write() as s:
        audit.record(s, person, "hours.print", ("organization", org_id), org_id, year=year)
    return render_template(
        "portal/org_print.html", org=org, year=year, sheet=sheet, rows=list(sheet.rows), filters=filters
    )
