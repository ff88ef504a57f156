"""Picture and sound through the school's own origin: WHIP and WHEP passed on to the relay that carries the stream.

The bearer token or stream key authorises, and the relay reads it; no cookie is looked at, so there is no CSRF check.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from school.core.errors import NotFound
from school.core.i18n import N_
from school.live import hall
from school.live.ways import no_node, ways
from school.webkit.context import School, school
from school.webkit.replies import for_scripts
from school.webkit.upstream import Unreachable, Upstream

blueprint = Blueprint("stream", __name__)

SECONDS = 10.0
SESSION = re.compile(r"[A-Za-z0-9_-]{0,80}")
FORWARD = ("Authorization", "Content-Type", "Accept", "If-Match", "Origin", "Access-Control-Request-Method",
           "Access-Control-Request-Headers")  # fmt: skip
BACK = ("content-type", "etag", "link", "accept-patch", "accept-post", "allow", "retry-after", "www-authenticate")
MANY = ["GET", "PATCH", "DELETE", "OPTIONS"]


@blueprint.before_request
def _for_scripts() -> None:
    for_scripts()


@blueprint.route("/whip/<int:stream_id>", methods=["POST", "OPTIONS"], provide_automatic_options=False)
@blueprint.route("/whip/<int:stream_id>/<session>", methods=MANY, provide_automatic_options=False)
def whip(stream_id: int, session: str = "") -> BaseResponse:
    """A publisher's offer, its session's end, and what else RFC 9725 asks for."""
    return _pass_on("whip", stream_id, session)


@blueprint.route("/whep/<int:stream_id>", methods=["POST", "OPTIONS"], provide_automatic_options=False)
@blueprint.route("/whep/<int:stream_id>/<session>", methods=MANY, provide_automatic_options=False)
def whep(stream_id: int, session: str = "") -> BaseResponse:
    """A viewer's offer, which pictures it wants, whether its session lives, and its end."""
    return _pass_on("whep", stream_id, session)


@blueprint.get("/hls/<int:stream_id>/<int:expiry>/<signature>/<path:name>")
def hls(stream_id: int, expiry: int, signature: str, name: str) -> BaseResponse:
    """What `hall.Hall` would not answer; here stands only why."""
    raise hall.refusal(request.environ)


def _pass_on(what: str, stream_id: int, session: str) -> BaseResponse:
    parts = school()
    if not SESSION.fullmatch(session):
        raise NotFound("stream.no_session", N_("这次连接已经结束。请刷新页面，再进入一次。"))
    relay = ways(parts).relay(stream_id)
    path = f"/{what}/{stream_id}" + (f"/{session}" if session else "")
    headers = {name: request.headers[name] for name in FORWARD if name in request.headers}
    try:
        answer = _upstream(parts).ask(
            request.method, relay + path, headers=headers, body=request.get_data(cache=False) or None, seconds=SECONDS
        )
    except Unreachable:
        raise no_node() from None
    response = Response(answer.body, answer.status)
    for name, value in answer.headers.items():
        if name in BACK or name.startswith("access-control-"):
            response.headers[name] = value
    if location := answer.headers.get("location"):
        response.headers["Location"] = urlsplit(location).path
        response.autocorrect_location_header = False
    response.headers["Cache-Control"] = "no-store"
    return response


def _upstream(parts: School) -> Upstream:
    made: Upstream = parts.parts.setdefault("upstream", Upstream())
    return made
