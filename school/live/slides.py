"""The class's slides: the trainer's side uploads a PDF, and whoever is in the room or sees the replay gets its pages."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import structlog
from flask import Response, flash, jsonify, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from school.core.errors import Invalid, Unavailable
from school.core.i18n import N_
from school.core.offload import in_thread
from school.core.person import signed_in
from school.live import handout
from school.live.access import at_desk, standing
from school.live.blueprint import blueprint
from school.live.models import LiveState
from school.live.rules import RUNNING
from school.media import decks
from school.media.models import SlideDeck
from school.webkit.context import current_person, school
from school.webkit.replies import wants_json

log = structlog.get_logger()

FORM_SPARE = 64 * 1024  # bytes of a form around its file
SETTLED = "private, max-age=3600"
CHANGING = "private, no-cache"  # a rehearsal may get other slides at any moment


@blueprint.url_value_preprocessor
def _room_for_a_file(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Runs before the CSRF check reads the form; strangers may send no more than any form."""
    if endpoint == "live.put_slides" and request.method == "POST" and current_person() is not None:
        request.max_content_length = decks.LIMIT + FORM_SPARE


@blueprint.get("/live/<int:class_id>/slides")
def slides(class_id: int) -> Response:
    """How the class's deck is doing, for its desk and those who oversee it."""
    person = signed_in(current_person())
    with school().db.read() as s:
        here = standing(s, person, class_id)
        if not here.oversees:
            at_desk(here)
        return _status(handout.deck_of(s, here.live))


@blueprint.post("/live/<int:class_id>/slides")
def put_slides(class_id: int) -> BaseResponse:
    """Take a PDF (`file` of a form); it replaces the deck that was there."""
    person = signed_in(current_person())
    parts = school()
    with parts.db.read() as s:
        handout.changeable(s, person, class_id)
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid("deck.missing", N_("请先选择要上传的 PDF 文件。"))
    with tempfile.TemporaryDirectory(prefix="school-deck-") as folder:
        path = Path(folder) / "source.pdf"
        file.save(path)
        decks.check_file(path)
        prefix = in_thread(decks.store_file, parts.store, path)
    try:
        with parts.db.write() as s:
            deck, gone = handout.put_in(s, person, class_id, file.filename, prefix)
    except BaseException:
        _clear(prefix)
        raise
    _clear(gone)
    if wants_json():
        return _status(deck)
    flash(_("课件已收到，正在变成图片"), "ok")
    return redirect(url_for("live.edit", class_id=class_id) + "#slides")


@blueprint.delete("/live/<int:class_id>/slides")
def remove_slides(class_id: int) -> Response:
    """Take the deck out of the class."""
    person = signed_in(current_person())
    parts = school()
    with parts.db.write() as s:
        gone = handout.take_out(s, person, class_id)
    _clear(gone)
    return _status(None)


@blueprint.get("/live/<int:class_id>/slides/<int:page>.jpg")
def slide(class_id: int, page: int) -> BaseResponse:
    """A page as a picture, for whoever may be in the room now, or may see the replay."""
    person = signed_in(current_person())
    parts = school()
    with parts.db.read() as s:
        live, deck = handout.shown(s, person, class_id)
        key = decks.page_of(deck, page)
        changing = live.state not in (*RUNNING, LiveState.ENDED)
    response = Response(mimetype="image/jpeg")
    response.headers["Cache-Control"] = CHANGING if changing else SETTLED
    response.set_etag(f"{deck.id}-{page}")
    if request.if_none_match.contains(f"{deck.id}-{page}"):
        response.status_code = 304
        return response
    response.set_data(in_thread(parts.store.read, key))
    return response


def _clear(prefix: str | None) -> None:
    """Delete what belongs to no deck any more; a store that is away keeps it, which harms nobody."""
    if prefix is None:
        return
    try:
        in_thread(school().store.delete_prefix, prefix)
    except Unavailable as error:
        log.warning("left in the store", prefix=prefix, trouble=error.code)


def _status(deck: SlideDeck | None) -> Response:
    """`{state, pages, file_name, message}`; `state` is `none` without a deck."""
    if deck is None:
        response = jsonify(state="none", pages=0, file_name="", message="")
    else:
        response = jsonify(
            state=deck.state,
            pages=deck.pages,
            file_name=deck.file_name,
            message=_(decks.message(deck)),
            code=deck.reason_code,
        )
    response.headers["Cache-Control"] = "no-store"
    return response
