"""The relay over HTTP: WHIP (RFC 9725) in, WHEP out, and how it is."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web
from sqlalchemy.exc import DBAPIError

from media_worker.relay.aiortc_hooks import Door
from media_worker.relay.broadcast import Broadcast
from media_worker.relay.node import Relay, not_open, not_showing
from media_worker.relay.offers import LARGEST
from media_worker.relay.publish import SOURCES, Publisher, Unsupported, publish
from media_worker.relay.watch import wanted, watch
from school.core import errors
from school.core.i18n import N_
from school.media.stream_tokens import Pass, unseal

log = structlog.get_logger()

RELAY = web.AppKey("relay", Relay)
SDP = "application/sdp"
PER_ACCOUNT = 3  # viewers of one account and stream; the oldest gives way
STATUS: list[tuple[type[errors.SchoolError], int]] = [
    (Unsupported, 406),
    (errors.SignInNeeded, 401),
    (errors.NotAllowed, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.TooLarge, 413),
    (errors.Unavailable, 503),
    (errors.Invalid, 422),
]
HTTP_WORDS = {
    404: N_("没有这个地址。"),
    405: N_("这个地址不接受这样的请求。"),
    413: N_("连接请求太大。"),
}
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Expose-Headers": "Location, ETag, Link, Accept-Patch",
    "Access-Control-Max-Age": "86400",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(relay: Relay) -> web.Application:
    app = web.Application(client_max_size=LARGEST, middlewares=[_polite])
    app[RELAY] = relay
    app.router.add_post("/whip/{stream:\\d{1,18}}", whip)
    app.router.add_get("/whip/{stream:\\d{1,18}}/{session}", published, allow_head=False)
    app.router.add_delete("/whip/{stream:\\d{1,18}}/{session}", hang_up)
    app.router.add_post("/whep/{stream:\\d{1,18}}", whep)
    app.router.add_route("PATCH", "/whep/{stream:\\d{1,18}}/{session}", change)
    app.router.add_get("/whep/{stream:\\d{1,18}}/{session}", alive, allow_head=False)
    app.router.add_delete("/whep/{stream:\\d{1,18}}/{session}", leave)
    app.router.add_options("/{kind:whip|whep}/{rest:.*}", options)
    app.router.add_get("/streams/{stream:\\d{1,18}}", stream)
    app.router.add_get("/health", health)
    return app


@web.middleware
async def _polite(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal is one JSON shape, in words; every answer may be read by a page of another origin."""
    try:
        response = await handler(request)
    except errors.SchoolError as error:
        response = _refusal(error)
    except web.HTTPException as error:
        words = HTTP_WORDS.get(error.status, N_("这个请求做不了。"))
        response = _body(error.status, f"http.{error.status}", words)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
    except DBAPIError as error:
        log.warning("no database", trouble=str(error)[:200])
        response = _body(503, "database.away", N_("学校的数据库暂时连不上。请过一会儿再试。"))
    except asyncio.CancelledError:
        raise
    except Exception as error:
        request.app[RELAY].faults += 1
        log.exception("request failed", path=request.path, exc_info=error)
        response = _body(500, "fault", N_("直播服务出了故障，已经记录下来。请过一会儿再试。"))
    response.headers.update(CORS)
    return response


def _refusal(error: errors.SchoolError) -> web.Response:
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    response = _body(status, error.code, error.message % error.params if error.params else error.message)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        response.headers["Retry-After"] = "2"
    return response


def _body(status: int, code: str, message: str) -> web.Response:
    return web.json_response(
        {"error": {"code": code, "message": message}}, status=status,
        dumps=lambda value: json.dumps(value, ensure_ascii=False),
    )  # fmt: skip


# ── who asks ───────────────────────────────────────


async def _pass(request: web.Request, relay: Relay) -> Pass:
    """Who asks, by token or stream key; SignInNeeded when neither is there or it is not good."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if kind.lower() != "bearer" or not token or len(token) > 500:
        raise errors.SignInNeeded("stream.token", N_("缺少直播凭证。请从讲师台复制完整的直播地址和直播码。"))
    try:
        if token.startswith("k-"):
            return Pass(await asyncio.to_thread(relay.stream_of_key, token), "publish", 0, 0)
        return unseal(relay.keys, token)
    except errors.NotAllowed as error:
        raise errors.SignInNeeded(error.code, error.message) from error


def _number(request: web.Request) -> int:
    return int(request.match_info["stream"])


async def _offer(request: web.Request) -> str:
    if request.content_type != SDP:
        raise web.HTTPUnsupportedMediaType
    data = await request.read()
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise web.HTTPBadRequest from None


def _not_yours() -> errors.NotAllowed:
    return errors.NotAllowed("stream.part", N_("这张凭证不能用在这里。请刷新页面，再进入一次。"))


def _created(request: web.Request, session: str, answer: str) -> web.Response:
    kind = request.path.split("/", 2)[1]
    response = web.Response(status=201, body=answer.encode(), content_type=SDP)
    response.headers["Location"] = f"/{kind}/{_number(request)}/{session}"
    response.headers["ETag"] = f'"{secrets.token_hex(8)}"'
    for link in ice_links(request.app[RELAY].settings.ice_servers):
        response.headers.add("Link", link)
    return response


def ice_links(servers: str) -> list[str]:
    """Link headers (RFC 9725 §4.6) for the STUN and TURN servers of the settings."""
    links = []
    for server in json.loads(servers or "[]"):
        urls = server["urls"] if isinstance(server["urls"], list) else [server["urls"]]
        for url in urls:
            link = f'<{url}>; rel="ice-server"'
            if "username" in server:
                link += f'; username="{server["username"]}"; credential="{server["credential"]}"'
                link += '; credential-type="password"'
            links.append(link)
    return links


# ── WHIP ────────────────────────────────────────


async def whip(request: web.Request) -> web.Response:
    """A publisher's offer. 201 with the answer."""
    relay = request.app[RELAY]
    who = await _pass(request, relay)
    if who.stream_id != _number(request) or who.part not in SOURCES:
        raise _not_yours()
    offer = await _offer(request)
    broadcast = await relay.carry(who.stream_id)
    if broadcast.admits(who.part) and not broadcast.hears(who.part, who.account_id):
        raise errors.NotAllowed("stream.not_called", N_("现在没有请您发言。要说话请先点“请求发言”。"))
    async with relay.locks.setdefault(who.stream_id, asyncio.Lock()):
        made, answer = await publish(
            broadcast, who.part, who.account_id, offer,
            advertise=relay.advertise, transcode=relay.settings.live_transcode,
        )  # fmt: skip
    if not broadcast.hears(who.part, who.account_id) or relay.broadcasts.get(who.stream_id) is not broadcast:
        await broadcast.drop_publisher(made)
        raise not_open()
    return _created(request, made.id, answer)


def _publishing(request: web.Request) -> tuple[Broadcast, Publisher]:
    """The session and its class. A session's address is known to nobody else."""
    broadcast = request.app[RELAY].broadcasts.get(_number(request))
    for publisher in broadcast.publishers.values() if broadcast else ():
        if secrets.compare_digest(publisher.id.encode(), request.match_info["session"].encode()):
            assert broadcast is not None
            return broadcast, publisher
    raise web.HTTPNotFound


async def published(request: web.Request) -> web.Response:
    """Whether the session lives; a publisher who hears nothing asks before it comes again. 410: a newer one has its place."""
    broadcast = request.app[RELAY].broadcasts.get(_number(request))
    if broadcast is not None and request.match_info["session"] in broadcast.replaced:
        raise web.HTTPGone
    _publishing(request)
    return web.Response(status=204)


async def hang_up(request: web.Request) -> web.Response:
    """A publisher leaves."""
    broadcast, publisher = _publishing(request)
    await broadcast.drop_publisher(publisher)
    return web.Response(status=200)


# ── WHEP ────────────────────────────────────────


async def whep(request: web.Request) -> web.Response:
    """A viewer's offer. 201 with the answer; 503 when all seats are taken."""
    relay = request.app[RELAY]
    who = await _pass(request, relay)
    if who.stream_id != _number(request) or who.part not in ("watch", "preview"):
        raise _not_yours()
    offer = await _offer(request)
    broadcast = await relay.carry(who.stream_id)
    if not broadcast.admits(who.part):
        raise not_showing(broadcast.order.state)
    mine = [one for one in broadcast.viewers.values() if one.account_id == who.account_id]
    for viewer in mine[: max(0, len(mine) - PER_ACCOUNT + 1)]:
        await broadcast.drop_viewer(viewer)
    relay.check_seat(who.part)
    made, answer = await watch(broadcast, who.part, who.account_id, offer, advertise=relay.advertise)
    if not broadcast.admits(who.part) or relay.broadcasts.get(who.stream_id) is not broadcast:
        await broadcast.drop_viewer(made)
        raise not_open()
    return _created(request, made.id, answer)


def _viewing(request: web.Request) -> tuple[Broadcast, Any]:
    broadcast = request.app[RELAY].broadcasts.get(_number(request))
    viewer = broadcast.viewers.get(request.match_info["session"]) if broadcast else None
    if broadcast is None or viewer is None:
        raise web.HTTPNotFound
    return broadcast, viewer


async def change(request: web.Request) -> web.Response:
    """Which pictures a viewer wants: `{"want": ["screen", "camera", "small"]}`."""
    _, viewer = _viewing(request)
    try:
        body = json.loads(await request.read())
        names = body["want"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise web.HTTPBadRequest from None
    viewer.want = wanted(names)
    viewer.arrange()
    return web.Response(status=204)


async def alive(request: web.Request) -> web.Response:
    _viewing(request)
    return web.Response(status=204)


async def leave(request: web.Request) -> web.Response:
    broadcast, viewer = _viewing(request)
    await broadcast.drop_viewer(viewer)
    return web.Response(status=200)


async def options(request: web.Request) -> web.Response:
    return web.Response(status=204, headers={"Accept-Post": SDP, "Allow": "GET, POST, PATCH, DELETE, OPTIONS"})


# ── how it is (inner network only) ─────────────────────────


async def stream(request: web.Request) -> web.Response:
    broadcast = request.app[RELAY].broadcasts.get(_number(request))
    if broadcast is None:
        raise web.HTTPNotFound
    return web.json_response(broadcast.state())


async def health(request: web.Request) -> web.Response:
    return web.json_response({**request.app[RELAY].health(), "refused_datagrams": Door.refused})
