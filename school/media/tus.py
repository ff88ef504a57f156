"""The tus 1.0 resumable upload protocol at `/uploads`: creation, HEAD, PATCH, termination, expiration."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Response, make_response, request, url_for
from werkzeug.exceptions import ClientDisconnected
from werkzeug.http import http_date
from werkzeug.wrappers import Response as BaseResponse

from school.core.errors import Invalid, SchoolError
from school.core.i18n import N_
from school.core.person import signed_in
from school.media import rules, uploads
from school.media.blueprint import TUS_BODY, blueprint
from school.media.models import Upload
from school.webkit import replies
from school.webkit.context import current_person, school

VERSION = "1.0.0"
EXTENSIONS = "creation,termination,expiration"
WRONG = N_("上传请求的格式不对，没有保存。请刷新页面后重新选择文件，已经传好的部分会接着传。")

P = ParamSpec("P")


def _tus(view: Callable[P, BaseResponse]) -> Callable[P, BaseResponse]:
    """A view that speaks tus: it asks for the version, and every answer, refusals too, says it."""

    @wraps(view)
    def speaking(*args: P.args, **kwargs: P.kwargs) -> BaseResponse:
        if request.headers.get("Tus-Resumable") != VERSION:
            response = replies.refuse(Invalid("upload.version", WRONG))
            response.status_code = 412
            response.headers["Tus-Version"] = VERSION
        else:
            try:
                response = view(*args, **kwargs)
            except SchoolError as error:
                response = replies.refuse(error)
        response.headers["Tus-Resumable"] = VERSION
        response.headers["Cache-Control"] = "no-store"
        return response

    return speaking


def _number(header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise Invalid("upload.header", WRONG, header=header)
    return int(text)


def _standing(upload: Upload, status: int) -> Response:
    response = make_response("", status)
    response.headers["Upload-Offset"] = str(upload.offset)
    response.headers["Asset-Id"] = str(upload.asset_id)
    if not upload.completed_at:
        response.headers["Upload-Expires"] = http_date(upload.touched_at + uploads.KEPT)
    return response


@blueprint.route("/uploads", methods=["OPTIONS"], provide_automatic_options=False)
@blueprint.route("/uploads/<token>", methods=["OPTIONS"], provide_automatic_options=False)
def upload_options(token: str = "") -> BaseResponse:
    """What this server can do."""
    response = make_response("", 204)
    response.headers.update(
        {
            "Tus-Resumable": VERSION,
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(school().settings.upload_limit),
        }
    )
    return response


@blueprint.post("/uploads")
@_tus
def create_upload() -> BaseResponse:
    """Open an upload: `Upload-Length`, `Upload-Metadata` with `filename` and perhaps `title`; answers `Asset-Id`."""
    facts = rules.parse_metadata(request.headers.get("Upload-Metadata", ""))
    size = _number("Upload-Length")
    with school().db.write() as s:
        upload = uploads.create_upload(
            s,
            current_person(),
            size=size,
            file_name=facts.get("filename", ""),
            title=facts.get("title", ""),
            limit=school().settings.upload_limit,
        )
    response = _standing(upload, 201)
    response.headers["Location"] = url_for("media.patch_upload", token=upload.token)
    return response


@blueprint.route("/uploads/<token>", methods=["HEAD"])
@_tus
def upload_offset(token: str) -> BaseResponse:
    """Where to go on: everything before `Upload-Offset` is stored."""
    person = signed_in(current_person())
    with school().db.read() as s:
        upload = uploads.find_upload(s, person, token)
    response = _standing(upload, 200)
    response.headers["Upload-Length"] = str(upload.size)
    return response


@blueprint.patch("/uploads/<token>")
@_tus
def patch_upload(token: str) -> BaseResponse:
    """Take bytes from `Upload-Offset` on; when 204 is answered they are stored."""
    person = signed_in(current_person())
    offset = _number("Upload-Offset")
    if request.mimetype != TUS_BODY:
        response = replies.refuse(Invalid("upload.body", WRONG))
        response.status_code = 415
        return response
    upload = uploads.receive(
        school().db, school().store, person, token, offset, _body, announced=request.content_length or 0
    )
    return _standing(upload, 204)


@blueprint.delete("/uploads/<token>")
@_tus
def cancel_upload(token: str) -> BaseResponse:
    """Give up an upload that is not complete."""
    uploads.cancel_upload(school().db, school().store, signed_in(current_person()), token)
    return make_response("", 204)


def _body(most: int) -> bytes:
    """The next bytes of the request; nothing at its end, or when the line has broken."""
    try:
        return request.stream.read(most)
    except (ClientDisconnected, OSError):
        return b""
