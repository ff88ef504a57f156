"""The address of a question's picture, sound or video: signed, and good for so long as it says."""

from __future__ import annotations

from flask import Response

from school.quizzes.bank import files
from school.quizzes.blueprint import blueprint
from school.webkit.context import school
from school.webkit.objects import object_response

KEPT = "private, max-age=86400, immutable"  # by the browser alone: who has the address may see it


@blueprint.get("/quizzes/files/<int:file_id>/<int:until>/<signature>")
def file(file_id: int, until: int, signature: str) -> Response:
    """The bytes of a file for whoever holds a signed address; no sign-in is asked, as for the rest of a sitting."""
    parts = school()
    with parts.db.read() as s:
        found = files.found(s, parts.keys, file_id, until, signature)
    response = object_response(files.key_of(found.sha256), found.mime, etag=found.sha256, cache=KEPT)
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; sandbox"  # opened by itself it is nothing but seen
    )
    return response
