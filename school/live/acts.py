"""Addresses that change a class's state: rehearse, start, pause, resume, end, stop, cancel; a form or a script may ask."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, jsonify, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from school.core.i18n import N_
from school.core.person import Person, signed_in
from school.live import running, service
from school.live.blueprint import blueprint
from school.live.models import LiveClass
from school.webkit.bodies import json_object
from school.webkit.context import current_person, school
from school.webkit.replies import wants_json

DONE = {
    "start": N_("已经开始上课"),
    "pause": N_("已暂停，按“继续上课”就接着上"),
    "resume": N_("接着上课"),
    "end": N_("已下课，回放马上就好"),
    "stop": N_("已停播，所有人都已离开，回放也看不到了"),
    "cancel": N_("这堂课已取消"),
}


def _act(verb: str, act: Callable[[Session, Person], LiveClass]) -> Response:
    """Do it, and answer `{"state": …}` to a script and the class's page to a form."""
    person = signed_in(current_person())
    with school().db.write() as s:
        live = act(s, person)
    if wants_json():
        return jsonify(state=live.state)
    flash(_(DONE[verb]), "ok")
    return redirect(url_for("live.page", class_id=live.id))


def _asked(field: str) -> object:
    """A field of the form or of the script's JSON object."""
    return json_object().get(field) if request.is_json else request.form.get(field)


@blueprint.post("/live/<int:class_id>/rehearse")
def rehearse(class_id: int) -> Response:
    """彩排 on, or off with `{"on": false}`; answers `{"state": "rehearsal" | "closed"}`, a form goes to the desk."""
    person = signed_in(current_person())
    on = _asked("on") not in (False, "0")
    with school().db.write() as s:
        live = running.rehearse(s, person, class_id, on=on)
    if wants_json():
        return jsonify(state="rehearsal" if on else "closed")
    return redirect(url_for("live.page", class_id=live.id))


@blueprint.post("/live/<int:class_id>/start")
def start(class_id: int) -> Response:
    return _act("start", lambda s, person: running.start(s, person, class_id))


@blueprint.post("/live/<int:class_id>/pause")
def pause(class_id: int) -> Response:
    return _act("pause", lambda s, person: running.pause(s, person, class_id))


@blueprint.post("/live/<int:class_id>/resume")
def resume(class_id: int) -> Response:
    return _act("resume", lambda s, person: running.resume(s, person, class_id))


@blueprint.post("/live/<int:class_id>/end")
def end(class_id: int) -> Response:
    return _act("end", lambda s, person: running.end(s, person, class_id))


@blueprint.post("/live/<int:class_id>/stop")
def stop(class_id: int) -> Response:
    why = str(_asked("why") or "")
    return _act("stop", lambda s, person: running.stop(s, person, class_id, why))


@blueprint.post("/live/<int:class_id>/cancel")
def cancel(class_id: int) -> Response:
    why = str(_asked("why") or "")
    return _act("cancel", lambda s, person: service.cancel(s, person, class_id, why))
