"""Live HLS for a hall full of viewers: a gate of signed addresses, and one fetch from the packager however many ask.

It answers before Flask does: hundreds of viewers of one PC ask for a playlist and a segment every two seconds. What it
refuses goes on to Flask (`doors.hls`), which says so in the school's words.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from school.core.errors import NotAllowed
from school.core.i18n import N_
from school.core.keys import Keys
from school.core.signing import sign, verify
from school.core.time import now
from school.live.ways import Way, closed, no_node, ways
from school.webkit.context import School
from school.webkit.upstream import Answer, Unreachable, Upstream

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PURPOSE = "hls"
HOURS = 4  # an address lives at least so long; the player asks for a new ticket when it ends
STEP = 3600  # expiries fall on whole hours, so that viewers share one address and nginx one answer of the gate
WAIT = 10.0  # seconds; a blocking reload is answered within three target durations
KEEP = 30.0  # seconds an answer may be kept here, whatever it says
ROOM = 64 * 1024**2  # bytes of answers kept
SHARED = 4  # seconds a proxy in front may keep an answer: so long after a class is stopped its viewers still see it
REFUSED = "school.refused"  # key of the WSGI environment
ADDRESS = re.compile(
    r"/hls/(?P<stream>[0-9]{1,18})/(?P<expiry>[0-9]{1,12})/(?P<signature>[A-Za-z0-9._=-]{1,80})"
    r"/(?P<name>(?:[a-z]{1,20}/)?[A-Za-z0-9-][A-Za-z0-9._-]{0,80})"
)
SEAT = "low.m3u8"  # hands out a seat, so it is never answered to two viewers at once
# a seat of the low-latency audience, and delivery directives (RFC 8216bis)
QUERY = re.compile(r"(?:seat=[A-Za-z0-9_-]{1,40}|_HLS_(?:msn|part)=[0-9]{1,9}|_HLS_skip=(?:YES|v2)|&)*")
MAX_AGE = re.compile(r"max-age=([0-9]{1,9})")
STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


def addresses(keys: Keys, stream_id: int) -> dict[str, str]:
    """Addresses of the three playlists, open for the next hours to whoever holds them."""
    least = (now() + timedelta(hours=HOURS)).timestamp()
    expiry = int(-(-least // STEP) * STEP)
    base = f"/hls/{stream_id}/{expiry}/{sign(keys, PURPOSE, f'{stream_id}/{expiry}')}"
    return {name: f"{base}/{name}.m3u8" for name in ("low", "hall", "sound")}


def check(parts: School, stream_id: int, expiry: int, signature: str) -> Way:
    """The way to a stream that this address opens now. Raises NotAllowed (address), NotFound (closed)."""
    if not verify(parts.keys, PURPOSE, f"{stream_id}/{expiry}", signature):
        raise NotAllowed("stream.address", N_("这个直播地址不对，不能打开。请回到直播页面重新进入。"))
    if time.time() > expiry:
        raise NotAllowed("stream.address_expired", N_("这个直播地址已经过期。请刷新直播页面，接着看就行。"))
    way = ways(parts).to(stream_id)
    if not way.open:
        raise closed()
    return way


def _age(answer: Answer) -> int:
    """Seconds that others may be told the same; 0 when they may not."""
    found = MAX_AGE.search(answer.headers.get("cache-control", ""))
    return int(found[1]) if found and answer.status == 200 else 0


class _Flight:
    """One fetch that is under way, and everybody who waits for it."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.answer: Answer | None = None


class Shelf:
    """Answers by address: kept as long as they say, fetched once however many ask at the same moment."""

    def __init__(self, fetch: Callable[[str], Answer]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight] = {}
        self._kept: OrderedDict[str, tuple[float, Answer]] = OrderedDict()
        self._size = 0

    def get(self, url: str) -> Answer:
        """Raises Unreachable."""
        with self._lock:
            if kept := self._kept.get(url):
                until, answer = kept
                if time.monotonic() < until:
                    return answer
            flight = self._flights.get(url)
            leads = flight is None
            if flight is None:
                flight = self._flights[url] = _Flight()
        if leads:
            self._fly(url, flight)
        else:
            flight.landed.wait(2 * WAIT)
        if flight.answer is None:
            raise Unreachable(url)
        return flight.answer

    def _fly(self, url: str, flight: _Flight) -> None:
        try:
            flight.answer = self._fetch(url)
        finally:
            with self._lock:
                del self._flights[url]
                if flight.answer is not None:
                    self._keep(url, flight.answer)
            flight.landed.set()

    def _keep(self, url: str, answer: Answer) -> None:
        if old := self._kept.pop(url, None):
            self._size -= len(old[1].body)
        age = _age(answer)
        if not age:
            return
        self._kept[url] = time.monotonic() + min(KEEP, age), answer
        self._size += len(answer.body)
        while self._size > ROOM:
            self._size -= len(self._kept.popitem(last=False)[1][1].body)


class Hall:
    """WSGI middleware that answers `/hls/…` and leaves everything else to `app`."""

    def __init__(self, app: WSGIApplication, parts: School) -> None:
        self._app = app
        self._parts = parts
        self._upstream = Upstream()
        self._shelf = Shelf(self._fetch)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if not path.startswith("/hls/") or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._app(environ, start_response)
        asked = ADDRESS.fullmatch(path)
        if asked is None:
            return self._app(environ, start_response)
        try:
            way = check(self._parts, int(asked["stream"]), int(asked["expiry"]), asked["signature"])
            answer = self._ask(way, asked["stream"], asked["name"], environ.get("QUERY_STRING", ""))
        except Exception as error:  # whatever it is, Flask turns it into words
            environ[REFUSED] = error
            return self._app(environ, start_response)
        headers = [
            ("Content-Type", answer.headers.get("content-type", "application/octet-stream")),
            ("Content-Length", str(len(answer.body))),
            ("Cache-Control", answer.headers.get("cache-control", "no-store")),
            ("X-Content-Type-Options", "nosniff"),
        ]
        if age := _age(answer):
            headers.append(("X-Accel-Expires", str(min(SHARED, age))))  # nginx heeds it and does not pass it on
        start_response(STATUS.get(answer.status, "502 Bad Gateway"), headers)
        return [answer.body] if environ["REQUEST_METHOD"] == "GET" else []

    def _ask(self, way: Way, stream: str, name: str, query: str) -> Answer:
        if way.packager is None:
            raise no_node()
        url = f"{way.packager}/hls/{stream}/{name}" + (f"?{query}" if query and QUERY.fullmatch(query) else "")
        try:
            return self._fetch(url) if name == SEAT else self._shelf.get(url)
        except Unreachable:
            raise no_node() from None

    def _fetch(self, url: str) -> Answer:
        return self._upstream.ask("GET", url, seconds=WAIT)


def refusal(environ: WSGIEnvironment) -> Exception:
    """Why the hall did not answer this request."""
    error: Exception = environ.get(REFUSED) or closed()
    return error
