"""Addresses that put a replay in order: trim, captions, and its way through review. Forms; each leads back to the replay."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from school.core.errors import Invalid, TooLarge
from school.core.i18n import N_
from school.core.person import Person, signed_in
from school.live import captions, replays
from school.live.blueprint import blueprint
from school.live.models import LiveClass
from school.webkit.context import current_person, school

DONE = {
    "submit": N_("回放已送审，通过以后学习范围内的同志都能看"),
    "publish": N_("回放已开放，没有参加直播的同志现在就能补学"),
    "return": N_("回放已退回，主讲会看到您写的原因"),
    "withdraw": N_("回放已撤下，已经计入的学时不变"),
}


def _back(class_id: int) -> Response:
    return redirect(url_for("live.replay", class_id=class_id))


def _act(class_id: int, verb: str, act: Callable[[Session, Person], LiveClass]) -> Response:
    person = signed_in(current_person())
    with school().db.write() as s:
        act(s, person)
    flash(_(DONE[verb]), "ok")
    return _back(class_id)


@blueprint.post("/live/<int:class_id>/replay/submit")
def submit_replay(class_id: int) -> Response:
    return _act(class_id, "submit", lambda s, person: replays.submit(s, person, class_id))


@blueprint.post("/live/<int:class_id>/replay/publish")
def publish_replay(class_id: int) -> Response:
    return _act(class_id, "publish", lambda s, person: replays.publish(s, person, class_id))


@blueprint.post("/live/<int:class_id>/replay/return")
def return_replay(class_id: int) -> Response:
    note = request.form.get("note", "")
    return _act(class_id, "return", lambda s, person: replays.return_replay(s, person, class_id, note))


@blueprint.post("/live/<int:class_id>/replay/withdraw")
def withdraw_replay(class_id: int) -> Response:
    return _act(class_id, "withdraw", lambda s, person: replays.withdraw(s, person, class_id))


@blueprint.post("/live/<int:class_id>/replay/trim")
def trim_replay(class_id: int) -> Response:
    """`begin` and `end` as positions (`2:30`); an empty `end` is the end of the recording."""
    person = signed_in(current_person())
    begin, end = (replays.point(request.form.get(name, "")) for name in ("begin", "end"))
    with school().db.write() as s:
        replays.trim(s, person, class_id, begin or 0, end)
    flash(_("开头和结尾已改好，学时正在按新的长度重新统计。"), "ok")
    return _back(class_id)


@blueprint.post("/live/<int:class_id>/replay/captions")
def set_captions(class_id: int) -> Response:
    """`file`: a WebVTT or SubRip file that takes the place of the one before; `remove`: none from now on."""
    person = signed_in(current_person())
    request.max_content_length = captions.LIMIT + 64 * 1024
    key, file = None, request.files.get("file")
    with school().db.read() as s:
        replays.may_manage(s, person, class_id)
    if "remove" not in request.form:
        if file is None or not file.filename:
            raise Invalid("captions.none", N_("还没有选择字幕文件。请选择 .vtt 或 .srt 文件。"))
        data = file.read(captions.LIMIT + 1)
        if len(data) > captions.LIMIT:
            raise TooLarge("captions.large", N_("字幕文件太大，最多 1 MB。请检查是不是选错了文件。"))
        key = f"captions/{class_id}/{secrets.token_hex(8)}.vtt"
        school().store.put(key, captions.write(captions.read(data)).encode(), "text/vtt")
    with school().db.write() as s:
        before = replays.set_captions(s, person, class_id, key)
    if before:
        school().store.delete(before)
    flash(_("字幕已放上") if key else _("字幕已移除"), "ok")
    return _back(class_id)
