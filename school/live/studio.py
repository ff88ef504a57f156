"""Addresses of a trainer's live classes: their list, the sheet, sending to review, and the stream key."""

from __future__ import annotations

from typing import Any

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from school.core.errors import Conflict, Invalid
from school.core.person import Person, Role, require, signed_in
from school.core.time import local, now
from school.live import access, queries, rules, service
from school.live.blueprint import blueprint
from school.live.models import LiveClass, LiveState
from school.live.outside import outside
from school.org import reach, sheets
from school.webkit.context import current_person, school
from school.webkit.replies import status_of, wants_json


def _trainer() -> Person:
    return require(current_person(), Role.TRAINER)


@blueprint.get("/studio/live")
def studio() -> str:
    """我的直播课: what this person teaches or helps in, in every state."""
    person = _trainer()
    moment = now()
    with school().db.read() as s:
        classes = queries.own_classes(s, person)
    missed = {live.id for live in classes if rules.missed(live.state, live.starts_at, live.minutes, moment)}
    return render_template("live/studio.html", classes=classes, missed=missed, rules=rules)


# ── the sheet ───────────────────────────────────────────


def _sheet() -> rules.Sheet:
    """The sheet as typed; Invalid names what cannot be read."""
    form = request.form
    return rules.Sheet(
        title=form.get("title", ""),
        starts_at=rules.moment_of(form.get("day", ""), form.get("time", ""), school().settings.zone),
        minutes=form.get("minutes", 0, type=int),
        hours_100=rules.hours_of(form.get("hours", "")),
        summary=form.get("summary", ""),
        slip=form.get("slip", ""),
        compulsory=form.get("need") == "must",
        secrecy=sheets.secrecy("live"),
        makeup_days=form.get("makeup", 0, type=int),
        helper_id=form.get("helper", type=int),
        course_id=form.get("course", type=int),
        audience=sheets.audience("live"),
        rules=rules.RoomRules(
            chat=form.get("chat") != "off",
            slow_s=form.get("slow", 0, type=int),
            premoderate=form.get("chat") == "checked",
            words=tuple(form.get("words", "").split()),
        ),
    )


FRESH = {
    "minutes": "45", "hours": "1", "makeup": "14", "need": "free", "secrecy": "internal", "reach": "all",
    "audience": [], "chat": "checked", "slow": "0",
}  # fmt: skip


def _written(live: LiveClass, audience: list[int]) -> dict[str, Any]:
    """A stored class as the form's fields."""
    starts = local(live.starts_at, school().settings.zone)
    room = rules.RoomRules.of(live.rules)
    return {
        "title": live.title,
        "day": f"{starts:%Y-%m-%d}",
        "time": f"{starts:%H:%M}",
        "minutes": str(live.minutes),
        "hours": f"{live.hours_100 / 100:g}",
        "summary": live.summary,
        "slip": live.slip,
        "need": "must" if live.compulsory else "free",
        "secrecy": live.secrecy,
        "makeup": str(live.makeup_days),
        "helper": str(live.helper_id or ""),
        "course": str(live.course_id or ""),
        "reach": "some" if audience else "all",
        "audience": audience,
        "chat": "off" if not room.chat else "checked" if room.premoderate else "open",
        "slow": str(room.slow_s),
        "words": " ".join(room.words),
        "version": str(live.version),
    }


def _choices(s: Session, person: Person, host: str) -> dict[str, Any]:
    return {
        "hosts": reach.hosts(s, person),
        "reachable": reach.audiences(s, person),
        "helpers": reach.colleagues(s, person, host),
        "courses": outside().courses(s, person),
    }


@blueprint.get("/live/new")
def new() -> str:
    return _new_page(FRESH)


def _new_page(fields: dict[str, Any], refusal: dict[str, Any] | None = None) -> str:
    person = _trainer()
    with school().db.read() as s:
        choices = _choices(s, person, next(iter(person.scopes(Role.TRAINER))))
    return render_template("live/new.html", fields=fields, refusal=refusal, rules=rules, **choices)


@blueprint.post("/live/new")
def create() -> Response | tuple[str, int]:
    person = _trainer()
    try:
        sheet = _sheet()
        with school().db.write() as s:
            live = service.create_class(s, person, request.form.get("host", 0, type=int), sheet, outside())
    except (Invalid, Conflict) as error:
        return _new_page(sheets.typed("audience"), sheets.refused(error, "live")), status_of(error)
    flash(_("已保存。可以再传课件，看一遍没有问题就送审。"), "ok")
    return redirect(url_for("live.edit", class_id=live.id))


@blueprint.get("/live/<int:class_id>/edit")
def edit(class_id: int) -> str:
    return _edit_page(class_id)


def _edit_page(class_id: int, typed: dict[str, Any] | None = None, refusal: dict[str, Any] | None = None) -> str:
    person = _trainer()
    with school().db.read() as s:
        here = access.standing(s, person, class_id)
        if not here.teaches:
            raise access.no_class()
        live = here.live
        facts = queries.facts(s, person, live)
        choices = _choices(s, person, live.org.path)
        course_title = outside().course_title(s, person, live.course_id) if live.course_id else None
    written = _written(live, [org.id for org in facts.audience])
    return render_template(
        "live/edit.html",
        live=live,
        facts=facts,
        course_title=course_title,
        fields={**(typed or written), "version": written["version"]},
        written=written,
        refusal=refusal,
        editable=live.state == LiveState.DRAFT,
        keyed=live.state not in rules.OVER,
        rules=rules,
        **choices,
    )


@blueprint.post("/live/<int:class_id>/edit")
def save(class_id: int) -> Response | tuple[str, int]:
    person = _trainer()
    try:
        sheet = _sheet()
        with school().db.write() as s:
            service.edit_class(s, person, class_id, request.form.get("version", 0, type=int), sheet, outside())
    except (Invalid, Conflict) as error:
        return _edit_page(class_id, sheets.typed("audience"), sheets.refused(error, "live")), status_of(error)
    flash(_("已保存"), "ok")
    return redirect(url_for("live.edit", class_id=class_id))


# ── review, seen from the trainer ───────────────────────


@blueprint.post("/live/<int:class_id>/submit")
def submit(class_id: int) -> Response:
    person = _trainer()
    with school().db.write() as s:
        service.submit(s, person, class_id)
    flash(_("已送审。另一位同志审核通过后，学员就能看到预告。"), "ok")
    return redirect(url_for("live.edit", class_id=class_id))


@blueprint.post("/live/<int:class_id>/recall")
def recall(class_id: int) -> Response:
    person = _trainer()
    with school().db.write() as s:
        service.recall(s, person, class_id)
    flash(_("已取回，可以继续修改。改好请再送审。"), "ok")
    return redirect(url_for("live.edit", class_id=class_id))


# ── the stream key ──────────────────────────────────────


@blueprint.post("/live/<int:class_id>/key")
def new_key(class_id: int) -> Response:
    """A fresh stream key, shown this once: `{"key", "address"}` for a script, a page for a form."""
    person = signed_in(current_person())
    with school().db.write() as s:
        key = service.new_key(s, person, class_id)
        live = access.standing(s, person, class_id).live
    address = f"{school().settings.origin or request.host_url.rstrip('/')}/whip/{live.stream_id}"
    if wants_json():
        answer = jsonify(key=key, address=address)
    else:
        answer = make_response(render_template("live/key.html", live=live, key=key, address=address))
    answer.headers["Cache-Control"] = "no-store"
    return answer
