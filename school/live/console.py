"""The trainer's console (讲师台): one page from the check of the devices to the end of the class; the helper's too."""

from __future__ import annotations

from typing import Any

from flask import jsonify, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from school.core.person import signed_in
from school.live import moments, polls, room_rules, rules
from school.live.access import Standing, at_desk, standing
from school.live.blueprint import blueprint
from school.live.log import this_ms
from school.live.outside import outside
from school.media.models import Stream, StreamState
from school.org.models import Account
from school.webkit.context import current_person, school


def _script_data(s: Session, here: Standing) -> dict[str, Any]:
    """What the console's scripts must know before the socket speaks; moments in milliseconds since 1970."""
    live = here.live
    stream = s.get(Stream, live.stream_id) if live.stream_id is not None else None
    return {
        "id": live.id,
        "state": live.state,
        "rehearsal": stream is not None and stream.state == StreamState.REHEARSAL,
        "teaches": here.teaches,
        "account_id": here.person.account_id,
        "starts_ms": round(live.starts_at.timestamp() * 1000),
        "started_ms": live.started_ms,
        "now_ms": this_ms(),
        "pages": moments.pages(s, live),
        "page": live.page,
        "bank": url_for("live.bank", class_id=live.id),
    }


@blueprint.get("/live/<int:class_id>/desk")
def desk(class_id: int) -> str | Response:
    """The console while there is a room; before approval and after the end it leads to the class's own page."""
    person = signed_in(current_person())
    with school().db.read() as s:
        here = at_desk(standing(s, person, class_id))
        if here.live.state not in room_rules.ROOM:
            return redirect(url_for("live.page", class_id=class_id))
        helper = s.get(Account, here.live.helper_id) if here.live.helper_id is not None else None
        page = _script_data(s, here)
    return render_template(
        "live/console.html", here=here, live=here.live, helper=helper, page=page, rules=rules, room_rules=room_rules
    )


@blueprint.get("/live/<int:class_id>/questions")
def bank(class_id: int) -> Response:
    """从题库选题: questions of the bank that hold the words of `q` and that this class can ask.

    → `{questions: [{question_ref, question, options, multiple, right, explanation, category}]}`; a permission of the
    bank's own, so a helper who keeps no bank finds nothing.
    """
    person = signed_in(current_person())
    with school().db.read() as s:
        at_desk(standing(s, person, class_id))
        found = outside().questions(s, person, request.args.get("q", ""))
    lines = [
        {"question_ref": lent.question_id, "category": lent.category, **polls.written(lent)}
        for lent in found
        if polls.fits(lent)
    ]
    return jsonify(questions=lines)
