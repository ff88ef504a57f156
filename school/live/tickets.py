"""Tickets into a class's picture and sound: a short-lived token, the addresses it opens, and the way through NAT."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from school.core.person import signed_in
from school.live import access, hall, passes
from school.live.blueprint import blueprint
from school.media import streams
from school.media.stream_tokens import seal
from school.webkit.bodies import json_object
from school.webkit.context import current_person, school


@blueprint.post("/live/<int:class_id>/tickets")
def tickets(class_id: int) -> Response:
    """A ticket to watch, preview, publish, share the screen or speak, for whoever may do that now."""
    person = signed_in(current_person())
    want = json_object().get("want")
    parts = school()
    with parts.db.read() as s:
        stream_id, part = passes.allowed(s, access.standing(s, person, class_id), want)
        node = streams.carrier(s, stream_id)
    ticket: dict[str, Any] = {
        "token": seal(parts.keys, stream_id, part, person.account_id),
        "ice_servers": parts.settings.ice,
        "seats": max(0, node.seats - node.viewers) if node else 0,
    }
    if part in ("watch", "preview"):
        ticket["whep"] = f"/whep/{stream_id}"
    else:
        ticket["whip"] = f"/whip/{stream_id}"
    if part == "watch":
        ticket["hls"] = hall.addresses(parts.keys, stream_id)
    response = jsonify(ticket)
    response.headers["Cache-Control"] = "no-store"
    return response
