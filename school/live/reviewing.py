"""Addresses of review: approving a class and returning it with a note. The queue itself stands on 内容审核."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from school.core.errors import Invalid
from school.core.person import Person, require
from school.live import queries, service
from school.live.access import OVERSEERS
from school.live.blueprint import blueprint
from school.live.models import LiveClass, LiveState
from school.live.pages import class_page
from school.webkit.context import current_person, school
from school.webkit.figures import appointment, hours
from school.webkit.queue import Waiting
from school.webkit.replies import sentence, status_of


def waiting(s: Session, person: Person) -> list[Waiting]:
    """The classes and replays that wait for this person's review, as lines of the one queue."""
    return [
        Waiting(
            kind=_("直播回放") if live.state == LiveState.ENDED else _("直播课"),
            title=live.title,
            href=url_for("live.replay" if live.state == LiveState.ENDED else "live.page", class_id=live.id),
            facts=[
                appointment(live.starts_at),
                _("约 %(n)d 分钟", n=live.minutes),
                _("%(hours)s 学时", hours=hours(live.hours_100)),
                live.trainer.name,
                live.org.short_name,
            ],
            slip=live.slip or _("直播"),
            hue=live.id % 8 + 1,
            compulsory=live.compulsory,
            submitted_at=_since(live),
        )
        for live in queries.in_review(s, person)
    ]


def _since(live: LiveClass) -> datetime:
    """Since when it waits; a replay no longer than since the end of its class."""
    if live.state == LiveState.ENDED and live.ended_ms:
        return datetime.fromtimestamp(live.ended_ms / 1000, UTC)
    return live.submitted_at or live.created_at


@blueprint.post("/live/<int:class_id>/approve")
def approve(class_id: int) -> Response:
    person = require(current_person(), *OVERSEERS)
    with school().db.write() as s:
        live = service.approve(s, person, class_id)
    flash(_("“%(title)s”已通过，学员现在就能看到预告。", title=live.title), "ok")
    return redirect(url_for("courses.review"))


@blueprint.post("/live/<int:class_id>/return")
def return_class(class_id: int) -> Response | tuple[str, int]:
    person = require(current_person(), *OVERSEERS)
    note = request.form.get("note", "")
    try:
        with school().db.write() as s:
            live = service.return_class(s, person, class_id, note)
    except Invalid as error:
        return class_page(class_id, note=note, refusal=sentence(error)), status_of(error)
    flash(_("“%(title)s”已退回，主讲会看到您写的原因。", title=live.title), "ok")
    return redirect(url_for("courses.review"))
