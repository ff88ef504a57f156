"""An object of the store as an answer: whole, or the range that was asked for, which players and phones insist on."""

from __future__ import annotations

from flask import Response, request
from werkzeug.datastructures import Range

from school.webkit.context import school


def object_response(key: str, mime: str, *, etag: str, cache: str) -> Response:
    """The object at `key` as exactly `mime`; its address never means anything else than `etag` says."""
    response = Response(mimetype=mime)
    response.headers.update({"Cache-Control": cache, "Accept-Ranges": "bytes"})
    response.set_etag(etag)
    if request.if_none_match.contains(response.get_etag()[0] or ""):
        response.status_code = 304
        return response
    store = school().store
    size = store.stat(key).size
    start, end = 0, size
    if wanted := _one_range(response.get_etag()[0]):
        span = wanted.range_for_length(size)
        if span is None:
            response.status_code = 416
            response.headers.update({"Content-Range": f"bytes */{size}", "Cache-Control": "no-store"})
            return response
        start, end = span
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    response.content_length = end - start
    if request.method != "HEAD":
        response.response = store.stream(key, start, end - start)
    return response


def _one_range(etag: str | None) -> Range | None:
    """The single range of bytes that was asked for of this very object; other kinds may be answered whole."""
    wanted = request.range
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return None
    return wanted if request.if_range.etag in (None, etag) else None
