"""Addresses of the home page and of a member's own training file; the pages of organisations are in `orgs.py`."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from school.core import time
from school.core.offload import in_thread
from school.core.person import Role, require_member
from school.org import audit
from school.org.models import Member
from school.org.words import CATEGORIES
from school.portal import desk, sheets
from school.portal import orgs as orgs  # its addresses join the blueprint
from school.portal.blueprint import blueprint
from school.portal.evidence import evidence
from school.portal.years import chosen_year, this_year
from school.records.models import Mode
from school.records.queries import hours_of, lines_of, open_items, reviews_of, years_of
from school.records.rules import REASONS
from school.webkit.context import current_person, school
from school.webkit.xlsx import workbook, write

__all__ = ["blueprint"]


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The desk of a member, the office of an account without one; visitors are sent to sign in."""
    person = current_person()
    if person is None:
        return redirect(url_for("org.sign_in"))
    if person.must_change_password:
        return redirect(url_for("org.password"))
    now = time.local(time.now(), school().settings.zone)
    greeting = {"now": now, "greeting": desk.greeting(now)}
    with school().db.read() as s:
        if person.member_id is None:
            duties, lives = desk.duties(s, person, now.year), desk.lives(s, person, now)
        else:
            mine = desk.desk(s, person, person.member_id, now.year, now)
    if person.member_id is None:
        return render_template("portal/office.html", duties=duties, lives=lives, roles=Role, **greeting)
    return render_template("portal/desk.html", desk=mine, given=desk.given_name(person.name), roles=Role, **greeting)


@blueprint.get("/record")
def record() -> str:
    """学习档案: the member's year, every line with its evidence."""
    _, member_id = require_member(current_person())
    year = chosen_year()
    mode = request.args.get("mode", "")
    chosen = Mode(mode) if mode in set(Mode) else None
    with school().db.read() as s:
        member = s.get_one(Member, member_id)
        page = {
            "member": member,
            "branch": member.org,
            "hours": hours_of(s, member_id, year),
            "years": sorted({year, this_year(), *years_of(s, member_id)}, reverse=True),
            "lines": lines_of(s, member_id, year, chosen),
            "open": open_items(s, member_id, year, reviews=reviews_of(s, member_id))
            if year == this_year() and chosen is not Mode.GROUP
            else [],
        }
    words = {"categories": CATEGORIES, "reasons": REASONS, "evidence": evidence}
    return render_template("portal/record.html", year=year, mode=mode, **words, **page)


@blueprint.get("/record/print")
def register() -> str:
    """学时登记表 of a year, as a sheet to look at and to print on A4."""
    _, member_id = require_member(current_person())
    year = chosen_year()
    with school().db.read() as s:
        member = s.get_one(Member, member_id)
        page = {
            "member": member,
            "branch": member.org,
            "hours": hours_of(s, member_id, year),
            "lines": sheets.register_lines(lines_of(s, member_id, year)),
            "person_words": sheets.about(member),
        }
    printed = time.local(time.now(), school().settings.zone).strftime("%Y-%m-%d %H:%M")
    return render_template("portal/register.html", year=year, printed=printed, **page)


@blueprint.get("/record/hours.xlsx")
def record_export() -> ResponseReturnValue:
    """Everything that stands in the member's own file, one sheet a year."""
    person, member_id = require_member(current_person())
    with school().db.read() as s:
        member = s.get_one(Member, member_id)
        unit = member.org.name
        years = [(year, lines_of(s, member_id, year)) for year in years_of(s, member_id) or [this_year()]]
    printed = time.day_of(time.now(), school().settings.zone)
    book = [sheets.own_lines(member.name, unit, year, lines, printed) for year, lines in years]
    file = in_thread(write, book)
    with school().db.write() as s:
        audit.record(s, person, "record.export", ("member", member_id), person.org_id, years=[y for y, _ in years])
    name = f"学习明细_{member.name}_{printed:%Y%m%d}.xlsx"
    return workbook(file, name)
