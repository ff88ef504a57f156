"""Addresses for everybody: what is on (直播课堂) and a class's own page."""

from __future__ import annotations

from flask import render_template

from school.core.person import signed_in
from school.live import access
from school.live.blueprint import blueprint
from school.webkit.context import current_person, school


@blueprint.get("/live/<int:class_id>")
def page(class_id: int) -> str:
    person = signed_in(current_person())
    with school().db.read() as s:
        here = access.standing(s, person, class_id)
    return render_template("live/page.html", here=here, live=here.live)
