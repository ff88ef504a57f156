"""Signed media paths (playlists, segments, pictures) and how an asset is doing, as JSON."""

from __future__ import annotations

from flask import Response, jsonify, make_response, request
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from school.core.errors import NotFound, SchoolError
from school.core.i18n import N_
from school.core.person import signed_in
from school.media import jobs, playlists, queries, rules, service, tus
from school.media.blueprint import blueprint
from school.media.rules import Rendition
from school.media.stopped import stopped
from school.webkit.context import current_person, school
from school.webkit.objects import object_response

__all__ = ["blueprint", "tus"]

TYPES = {
    "m3u8": "application/vnd.apple.mpegurl",
    "mp4": "video/mp4",
    "m4s": "video/iso.segment",
    "jpg": "image/jpeg",
}
FOR_EVER = "public, max-age=31536000, immutable"
SEALED = "public, max-age=3600"
GROWING = "public, max-age=1"
GATE = "max-age=5"  # so long after 停播 or 撤下 a proxy in front goes on


@blueprint.get("/m/<int:timeline_id>/<int:expiry>/<signature>/<path:name>")
def play(timeline_id: int, expiry: int, signature: str, name: str) -> BaseResponse:
    """A playlist, segment or picture of a timeline, for whoever holds a signed path; no sign-in is asked."""
    _check(timeline_id, expiry, signature)
    found = rules.PLAYABLE.fullmatch(name)
    if found is None:
        raise NotFound("media.no_file", N_("没有找到这个视频文件，可能已经撤下。"))
    if found["playlist"]:
        return _playlist(timeline_id, found["rendition"])
    return _object(timeline_id, name)


@blueprint.get("/m-auth")
def gate() -> BaseResponse:
    """For a proxy in front (`auth_request`): 204 when the address in `X-Original-URI` is signed and fresh, else 403.

    It reads nothing else of the request, so its answer may be kept per signed prefix for as long as it says.
    """
    pieces = request.headers.get("X-Original-URI", "").partition("?")[0].split("/", 5)
    try:
        _, m, timeline_id, expiry, signature, _ = pieces
        _check(int(timeline_id), int(expiry), signature)
    except (ValueError, SchoolError):
        m = ""
    response = make_response("", 204 if m == "m" else 403)
    response.headers["Cache-Control"] = GATE if m == "m" else "no-store"
    return response


def _check(timeline_id: int, expiry: int, signature: str) -> None:
    parts = school()
    service.check_path(parts.keys, stopped(parts), timeline_id, expiry, signature)


@blueprint.get("/media/assets/<int:asset_id>")
def asset(asset_id: int) -> BaseResponse:
    """How an asset is doing, for its owner and for those who review it."""
    person = signed_in(current_person())
    with school().db.read() as s:
        status = queries.status(s, queries.asset_for(s, person, asset_id))
    return _status(status)


@blueprint.post("/media/assets/<int:asset_id>/retry")
def retry(asset_id: int) -> BaseResponse:
    """Put a failed asset's work back into the queue."""
    person = signed_in(current_person())
    with school().db.write() as s:
        found = queries.asset_for(s, person, asset_id)
        jobs.requeue(s, found)
        s.flush()
        status = queries.status(s, found)
    return _status(status)


def _status(status: queries.AssetStatus) -> Response:
    text = gettext(status.message)
    response = jsonify(
        id=status.id,
        title=status.title,
        file_name=status.file_name,
        state=status.state,
        stage=status.stage,
        progress=status.progress,
        message=text % status.params if status.params else text,
        code=status.code,
        size=status.size,
        uploaded=status.uploaded,
        timeline_id=status.timeline_id,
        length_ms=status.length_ms,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _playlist(timeline_id: int, rendition: str | None) -> BaseResponse:
    with school().db.read() as s:
        timeline = queries.timeline(s, timeline_id)
        renditions = [Rendition(**r) for r in timeline.renditions]
        segments = queries.segments(s, timeline_id, rendition) if rendition else []
    sealed = timeline.sealed_at is not None
    if rendition is None:
        text = playlists.master(renditions)
    elif rendition in {r.name for r in renditions}:
        text = playlists.media(rendition, segments, sealed=sealed)
    else:
        raise NotFound("media.no_file", N_("没有找到这个视频文件，可能已经撤下。"))
    response = make_response(text)
    response.mimetype = TYPES["m3u8"]
    response.headers["Cache-Control"] = SEALED if sealed else GROWING
    response.add_etag()
    return response.make_conditional(request)


def _object(timeline_id: int, name: str) -> BaseResponse:
    """An object of the store, whole or the range that was asked for; its address never means anything else."""
    return object_response(
        rules.prefix(timeline_id) + name,
        TYPES[name.rpartition(".")[2]],
        etag=f"{timeline_id}-{name.replace('/', '-')}",
        cache=FOR_EVER,
    )
