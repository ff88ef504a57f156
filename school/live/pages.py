"""Addresses for everybody: 直播课堂 (what is on, announced and over), a class's own page, and the file for a calendar."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from school.core.errors import NotFound
from school.core.person import Person, Role, signed_in
from school.core.time import now
from school.live import access, attendance, calendar, queries, rules
from school.live.blueprint import blueprint
from school.live.findings import may_read
from school.live.models import LiveClass, LiveState
from school.live.outside import outside
from school.records import policies
from school.webkit.context import current_person, school


def opens_at(live: LiveClass) -> datetime:
    """From when its people may wait in the room."""
    return live.starts_at - rules.EARLY


@blueprint.get("/live")
def index() -> str:
    """正在直播, 待补学, 预告, 回放."""
    person = signed_in(current_person())
    moment = now()
    page = min(max(request.args.get("page", 1, type=int), 1), 1000)
    with school().db.read() as s:
        board = queries.board(s, person, moment, page)
        makeups = attendance.makeups_of(s, person.member_id) if person.member_id and page == 1 else []
    return render_template(
        "live/index.html",
        board=board,
        makeups=makeups,
        opens={live.id for live in board.coming if opens_at(live) <= moment},
        teaches=person.has(Role.TRAINER),
    )


@blueprint.get("/live/<int:class_id>")
def page(class_id: int) -> str:
    return class_page(class_id)


def class_page(class_id: int, *, note: str = "", refusal: str = "") -> str:
    """A class's page; a reviewer's page keeps the `note` that was refused and says why."""
    person = signed_in(current_person())
    try:
        return _page(person, class_id, note, refusal)
    except NotFound:
        with school().db.read() as s:
            live = queries.gone(s, person, class_id)
        if live is None:
            raise
        return render_template("live/gone.html", live=live)


def _page(person: Person, class_id: int, note: str, refusal: str) -> str:
    moment = now()
    with school().db.read() as s:
        here = access.standing(s, person, class_id)
        live = here.live
        facts = queries.facts(s, person, live)
        course_title = outside().course_title(s, person, live.course_id) if live.course_id else None
        required = policies.required_permille(s, person.member_id, moment, school().settings.zone)
    return render_template(
        "live/page.html",
        here=here,
        live=live,
        facts=facts,
        course_title=course_title,
        required_permille=required,
        rules=rules,
        room=rules.RoomRules.of(live.rules),
        early=opens_at(live),
        ends_at=live.starts_at + timedelta(minutes=live.minutes),
        opens=opens_at(live) <= moment,
        missed=rules.missed(live.state, live.starts_at, live.minutes, moment),
        shows_slides=here.moderates or (live.state in rules.RUNNING) or facts.replay,
        may_report=facts.reported and may_read(here),
        reviews=live.state == LiveState.IN_REVIEW and here.oversees and not here.desk,
        may_cancel=live.state in rules.MOVES["cancel"][0] and (here.teaches or here.oversees),
        may_stop=live.state in rules.MOVES["stop"][0] and here.moderates,
        note=note,
        refusal=refusal,
    )


@blueprint.get("/live/<int:class_id>/class.ics", endpoint="calendar")
def calendar_file(class_id: int) -> Response:
    """The class for a calendar; taking it over again after a change moves the entry."""
    person = signed_in(current_person())
    with school().db.read() as s:
        live = queries.gone(s, person, class_id) or access.standing(s, person, class_id).live
    origin = school().settings.origin or request.host_url.rstrip("/")
    address = origin + url_for("live.page", class_id=live.id)
    entry = calendar.Entry(
        uid=f"live-{live.id}@{request.host}",
        revision=live.version,
        title=live.title,
        starts_at=live.starts_at,
        minutes=live.minutes,
        words=_("主讲　%(name)s", name=live.trainer.name),
        address=address,
        organiser=live.org.name,
        written_at=live.submitted_at or live.created_at,
        cancelled=live.state == LiveState.CANCELLED,
    )
    headers = {"Content-Disposition": f'attachment; filename="class-{live.id}.ics"'}
    return Response(calendar.write(entry), mimetype=None, content_type=calendar.ICS, headers=headers)
