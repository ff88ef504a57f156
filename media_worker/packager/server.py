"""HTTP of the packager, for web processes and nginx in front of it alone: live HLS, health, and how a class is doing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from media_worker.packager import playlist
from media_worker.packager.broadcast import Broadcast
from media_worker.packager.seats import Seats
from media_worker.packager.shelf import Shelf
from school.core import json
from school.core.errors import Invalid, NotFound, SchoolError, Unavailable
from school.core.i18n import N_
from school.media.models import StreamState

PLAYLIST, MEDIA = "application/vnd.apple.mpegurl", "video/mp4"
NAME = re.compile(
    r"(?P<master>low|hall|sound)\.m3u8"
    r"|(?P<folder>low|hall)/(?:(?P<list>video|audio)\.m3u8"
    r"|(?P<kind>video|audio)-(?P<tag>[0-9a-f]{1,16})-(?:init-(?P<run>\d{1,9})\.mp4"
    r"|(?P<number>\d{1,9})(?:\.(?P<part>\d{1,4}))?\.m4s))"
)
NEVER, SECOND, ALWAYS = "no-store", "public, max-age=1", "public, max-age=86400, immutable"
AHEAD = 2  # segments that a player may ask for before they are there
PATIENCE = 9.0  # seconds a request waits for what is to come


class Desk:
    """Answers requests about the classes in `broadcasts` (by stream number). `tag` is this process's own."""

    def __init__(
        self,
        broadcasts: dict[int, Broadcast],
        over: dict[int, StreamState],
        seats: Seats,
        tag: str,
        health: Callable[[], dict[str, object]],
    ) -> None:
        self._broadcasts, self._over, self._seats, self._tag, self._health = broadcasts, over, seats, tag, health
        self._texts: dict[tuple[int, str], tuple[int, str]] = {}  # last playlist of a stream and its versions

    def application(self) -> web.Application:
        app = web.Application(middlewares=[_in_words])
        app.router.add_get("/health", self._show_health)
        app.router.add_get("/streams/{stream:[0-9]{1,18}}", self._show_stream)
        app.router.add_get("/hls/{stream:[0-9]{1,18}}/{name:.+}", self._hls)
        return app

    async def _show_health(self, _request: web.Request) -> web.Response:
        return _json(self._health())

    async def _show_stream(self, request: web.Request) -> web.Response:
        stream_id = int(request.match_info["stream"])
        broadcast = self._broadcasts.get(stream_id)
        if broadcast is None:
            raise _not_on()
        newest = next((one for one in reversed(broadcast.video.segments) if one.closed), None)
        return _json(
            {
                "state": broadcast.order.state,
                "segment": newest.number if newest else None,
                "segment_end_ms": (newest.at_us + newest.length_us) // 1000 if newest else None,
                "waiting": broadcast.recording.waiting,
                "trouble": broadcast.recording.trouble,
                "viewers": {"low": self._seats.taken(stream_id)},
                "faults": broadcast.faults,
            }
        )

    async def _hls(self, request: web.Request) -> web.Response:
        stream_id, asked = int(request.match_info["stream"]), NAME.fullmatch(request.match_info["name"])
        broadcast = self._broadcasts.get(stream_id)
        state = broadcast.order.state if broadcast else self._over.get(stream_id)
        if state == StreamState.STOPPED:
            raise _stopped()
        if broadcast is None or asked is None or not broadcast.audio.segments:
            raise _not_on()
        if asked["master"]:
            return self._master(broadcast, stream_id, asked["master"])
        if asked["list"] and asked["folder"] == "low":
            return await self._low(request, broadcast, stream_id, asked["list"])
        if asked["list"]:
            return self._text(broadcast, stream_id, asked["list"], f"hall/{asked['list']}", SECOND)
        if asked["tag"] != self._tag:
            raise _gone()
        return await self._media(broadcast, asked)

    # ── playlists ────────────────────────────────────────

    def _master(self, broadcast: Broadcast, stream_id: int, name: str) -> web.Response:
        picture, sound = broadcast.video.opening, broadcast.audio.opening
        if picture is None or sound is None or not (name == "low" or broadcast.audio.filled):
            raise _not_on()
        if name == "sound":
            return self._text(broadcast, stream_id, "audio", "sound", SECOND)
        segments = list(broadcast.video.segments)
        if name == "hall":
            return _playlist(playlist.master("hall", picture, sound, segments), SECOND)
        seat = self._seats.take(stream_id)
        if seat is None:
            raise _full()
        return _playlist(playlist.master("low", picture, sound, segments, f"?seat={seat}"), NEVER)

    async def _low(self, request: web.Request, broadcast: Broadcast, stream_id: int, kind: str) -> web.Response:
        if not self._seats.keep(stream_id, request.query.get("seat", "")):
            raise _full()
        shelf = _shelf(broadcast, kind)
        wanted = request.query.get("_HLS_msn")
        if wanted is not None:
            part = request.query.get("_HLS_part")
            if not _is_number(wanted) or not (part is None or _is_number(part)):
                raise Invalid("live.request", N_("这个播放请求读不懂。请刷新页面。"))
            if int(wanted) > playlist.next_part(shelf)[0] + AHEAD:
                raise Invalid("live.ahead", N_("请求的画面还没有到，请刷新页面后从现在接着看。"))
            if not await _wait(shelf, int(wanted), int(part) if part is not None else None):
                raise Unavailable("live.waiting", N_("直播画面暂时没有来，来了会自动接着放。"))
            if broadcast.order.state == StreamState.STOPPED:
                raise _stopped()
        return self._text(broadcast, stream_id, kind, f"low/{kind}", NEVER)

    def _text(self, broadcast: Broadcast, stream_id: int, kind: str, name: str, caching: str) -> web.Response:
        """A playlist, written once for all who ask between two changes."""
        shelf = _shelf(broadcast, kind)
        other_kind = "audio" if kind == "video" else "video"
        other = _shelf(broadcast, other_kind)
        version = shelf.version * 1_000_003 + other.version
        known = self._texts.get((stream_id, name))
        if known is None or known[0] != version:
            if name.startswith("low/"):
                text = playlist.low(shelf, kind, self._tag, (other_kind, other))
            else:
                text = playlist.hall(shelf, kind, self._tag, folder="hall/" if name == "sound" else "")
            known = self._texts[stream_id, name] = version, text
        return _playlist(known[1], caching)

    def forget(self, stream_id: int) -> None:
        """The class is over and served no longer."""
        for key in [key for key in self._texts if key[0] == stream_id]:
            del self._texts[key]

    # ── parts, segments, init sections ──────────────────────────────

    async def _media(self, broadcast: Broadcast, asked: re.Match[str]) -> web.Response:
        shelf = _shelf(broadcast, asked["kind"])
        if asked["run"]:
            opening = shelf.openings.get(int(asked["run"]))
            return _media(opening.init if opening else None)
        number, part = int(asked["number"]), asked["part"]
        if part is None:
            segment = shelf.find(number)
            return _media(segment.data if segment and segment.closed else None)
        place = int(part)
        if (number, place) == playlist.next_part(shelf):  # the one that was hinted at
            await _wait(shelf, number, place)
        segment = shelf.find(number)
        return _media(segment.parts[place].data if segment and place < len(segment.parts) else None)


async def _wait(shelf: Shelf, number: int, part: int | None) -> bool:
    """Until the playlist holds what is asked for, or ends; False when it takes too long."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not shelf.has(number, part) and not shelf.ended:
                await shelf.changed()
    except TimeoutError:
        return False
    return True


def _shelf(broadcast: Broadcast, kind: str) -> Shelf:
    return broadcast.video if kind == "video" else broadcast.audio


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def _media(data: bytes | None) -> web.Response:
    if data is None:
        raise _gone()
    return web.Response(body=data, content_type=MEDIA, headers={"Cache-Control": ALWAYS})


def _playlist(text: str, caching: str) -> web.Response:
    return web.Response(text=text, content_type=PLAYLIST, headers={"Cache-Control": caching})


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(
        body=json.dumps(value), status=status, content_type="application/json", headers={"Cache-Control": NEVER}
    )


class Stopped(SchoolError):
    """What was there may not be fetched any more."""


def _stopped() -> Stopped:
    return Stopped("live.stopped", N_("这堂课已经由管理员停播，画面不能再看。"))


def _not_on() -> NotFound:
    return NotFound("live.not_on", N_("这堂课现在没有直播画面，开始后会自动出现。"))


def _gone() -> NotFound:
    return NotFound("live.gone", N_("这一段直播已经过去，请从现在的画面接着看。"))


def _full() -> Unavailable:
    return Unavailable("live.low_full", N_("低延迟的座位坐满了，已经为您转到流畅播放，内容完全一样。"))


STATUS: dict[type[SchoolError], int] = {Invalid: 400, NotFound: 404, Stopped: 410, Unavailable: 503}


@web.middleware
async def _in_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal is the school's one JSON shape."""
    try:
        return await handler(request)
    except SchoolError as error:
        return _json({"error": {"code": error.code, "message": error.message}}, STATUS.get(type(error), 500))
