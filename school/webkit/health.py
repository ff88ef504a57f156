"""`/ping`: whether this web process answers; asks nothing of the database, so that a slow one never looks like a dead one."""

from __future__ import annotations

from flask import Blueprint, Response

blueprint = Blueprint("health", __name__)


@blueprint.get("/ping")
def ping() -> Response:
    return Response("pong\n", mimetype="text/plain", headers={"Cache-Control": "no-store"})
