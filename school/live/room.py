"""The member's room: one page from the waiting before a class to its last word; everything in it comes by socket."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, url_for
from werkzeug.wrappers import Response

from school.core.person import signed_in
from school.live.access import Standing, standing
from school.live.blueprint import blueprint
from school.live.models import LiveState
from school.webkit.context import current_person, school

ENTERED = (LiveState.APPROVED, LiveState.LIVE, LiveState.PAUSED)  # states with a room to be in


def _script_data(here: Standing, zone: str) -> dict[str, Any]:
    """What the room's scripts must know before the socket speaks; moments in milliseconds since 1970."""
    live = here.live
    base = url_for("live.page", class_id=live.id)
    return {
        "id": live.id,
        "state": live.state,
        "starts_ms": round(live.starts_at.timestamp() * 1000),
        "started_ms": live.started_ms,
        "zone": zone,
        "account_id": here.person.account_id,
        "member": here.person.member_id is not None,
        "page": base,
        "tickets": url_for("live.tickets", class_id=live.id),
        "slides": f"{base}/slides",
        "replay": url_for("live.replay", class_id=live.id),
        "home": url_for("portal.home"),
        "trainer": live.trainer.name,
    }


@blueprint.get("/live/<int:class_id>/room")
def room(class_id: int) -> str | Response:
    """The room while there is one: before the class to wait in it; after it leads to the replay."""
    person = signed_in(current_person())
    with school().db.read() as s:
        here = standing(s, person, class_id)
    if here.live.state == LiveState.ENDED:
        return redirect(url_for("live.replay", class_id=class_id))
    if here.live.state not in ENTERED:
        return redirect(url_for("live.page", class_id=class_id))
    return render_template("live/room.html", here=here, live=here.live, page=_script_data(here, school().settings.zone))
