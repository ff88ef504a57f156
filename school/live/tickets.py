"""Tickets into a class's picture and sound: a short-lived token, the addresses it opens, and the way through NAT."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Response, jsonify
from sqlalchemy.orm import Session

from school.core.errors import Conflict, Invalid, NotAllowed
from school.core.i18n import N_
from school.core.person import signed_in
from school.live import access, hall
from school.live.access import Standing
from school.live.blueprint import blueprint
from school.live.models import LiveHand, LiveState
from school.media import streams
from school.media.stream_tokens import Part, seal
from school.webkit.bodies import json_object
from school.webkit.context import current_person, school

ON_AIR = (LiveState.LIVE, LiveState.PAUSED)
BEHIND = (LiveState.APPROVED, *ON_AIR)  # the trainer's side rehearses before the class
SLOTS: dict[int, Part] = {1: "speak-1", 2: "speak-2", 3: "speak-3"}


@blueprint.post("/live/<int:class_id>/tickets")
def tickets(class_id: int) -> Response:
    """A ticket to watch, preview, publish, share the screen or speak, for whoever may do that now."""
    person = signed_in(current_person())
    want = json_object().get("want")
    parts = school()
    with parts.db.read() as s:
        here = access.standing(s, person, class_id)
        part = part_of(s, here, want)
        stream_id = here.live.stream_id
        if stream_id is None:
            raise _not_open()
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


def part_of(s: Session, here: Standing, want: object) -> Part:
    """What a ticket for `want` allows. Raises NotAllowed, Conflict (`live.not_open`) or Invalid."""
    match want:
        case "watch":
            if not (here.invited or here.moderates):
                raise access.no_class()
            _open(here, ON_AIR)
            return "watch"
        case "preview" | "publish" | "screen":
            access.at_desk(here)
            _open(here, BEHIND)
            return want
        case "speak":
            _open(here, ON_AIR)
            return SLOTS[_slot(s, here)]
    raise Invalid("live.ticket", N_("这次请求读不懂，没有接通。请刷新页面后再试一次。"))


def _slot(s: Session, here: Standing) -> int:
    """The place in which the trainer has called this person to speak."""
    slot = s.scalar(
        sa.select(LiveHand.slot).where(
            LiveHand.class_id == here.live.id,
            LiveHand.account_id == here.person.account_id,
            LiveHand.state == "called",
            LiveHand.slot.is_not(None),
        )
    )
    if slot is None:
        raise NotAllowed("live.not_called", N_("请先点“请求发言”，老师请您发言后话筒才会打开。"))
    return slot


def _open(here: Standing, states: tuple[LiveState, ...]) -> None:
    if here.live.state not in states:
        raise _not_open()


def _not_open() -> Conflict:
    return Conflict("live.not_open", N_("这堂课现在没有直播。请看一下上课时间，到时再进入。"))
