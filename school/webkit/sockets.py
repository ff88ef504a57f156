"""The Socket.IO server: web socket only, guarded and bounded, and refusals in the school's one shape.

python-socketio and simple-websocket leave a few things open that a hall of thousands needs; they are closed here:
- simple-websocket calls `send`, which under gevent may write only a part: a slow reader got a corrupt stream. Everything
  goes through a `Channel` that keeps the rest and its order.
- It accepts permessage-deflate (some 100 KB a connection): the offer is not passed on.
- Queues have no end: a client that takes nothing for `STUCK_S` seconds, or to whom more is to be said while `BEHIND`
  bytes wait for it, is let go, and so is one that floods. The others notice nothing.
- A frame from the server is not masked, so what everybody hears is encoded once and the same bytes go to all.
`tests/test_live_sockets.py` notices when a new release changes what this leans on.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gevent
import structlog
from engineio.async_drivers.gevent import WebSocketWSGI
from engineio.packet import MESSAGE, Packet
from flask import Flask, request
from flask_socketio import ConnectionRefusedError, SocketIO
from sqlalchemy.exc import DataError, OperationalError

from school.core import json
from school.core.errors import Invalid, SchoolError, TooMany, Unavailable
from school.core.i18n import N_
from school.core.settings import Settings
from school.webkit.bodies import UNREADABLE
from school.webkit.replies import AWAY, FAULT, error_body

log = structlog.get_logger()

LARGEST = 16 * 1024  # bytes of one message from a client
BEHIND = 256 * 1024  # bytes that wait for one client
KERNEL = 64 * 1024  # of them in the kernel's own buffer, which would else grow to megabytes
STUCK_S = 10.0  # seconds without a byte taken
SILENT_S = 90.0  # until somebody who has connected must have come in; a school that thousands enter at once reads late
BYTES = (16 * 1024, 256 * 1024)  # a second, and at once, from one client
EVENTS = (5.0, 30.0)
ENVIRON = "school.channel"


class _Json:
    """orjson for the engine: strict, and a bottomless nesting is an error and not a fault."""

    @staticmethod
    def dumps(value: object, **_: object) -> str:
        return json.text(value)

    loads = staticmethod(json.loads)


class _Quiet:
    """The engine's log: what a client sent wrongly is one line, never a traceback."""

    def info(self, *_: object) -> None: ...

    def warning(self, message: str, *words: object) -> None:
        log.debug("socket", message=message % words if words else message)

    def error(self, message: str, *words: object) -> None:
        self.warning(message, *words)

    def exception(self, message: str, *_: object) -> None:
        log.info("socket message not taken", what=message, exc_info=False)


class Bucket:
    """So much a second, and so much at once."""

    def __init__(self, rate: float, most: float) -> None:
        self.rate, self.most, self.left, self.at = rate, most, most, time.monotonic()

    def take(self, amount: float) -> bool:
        """Whether `amount` is still allowed; it is taken anyway."""
        at = time.monotonic()
        self.left = min(self.most, self.left + (at - self.at) * self.rate) - amount
        self.at = at
        return self.left >= 0


@dataclass(frozen=True, slots=True)
class Frame:
    """One event, encoded once for everybody who hears it."""

    packet: Packet
    data: bytes


def frame(namespace: str, event: str, body: object) -> Frame:
    """`body` as the event of a namespace: as the engine queues it, and as the bytes of one web socket text frame."""
    text = f"2{namespace},{json.text([event, body])}"
    payload = b"4" + text.encode()
    length = len(payload)
    if length < 126:
        head = bytes((0x81, length))
    elif length < 1 << 16:
        head = b"\x81\x7e" + length.to_bytes(2, "big")
    else:
        head = b"\x81\x7f" + length.to_bytes(8, "big")
    return Frame(Packet(MESSAGE, text), head + payload)


class Channel:
    """One client's connection: the one place where bytes leave, in order, bounded, and without waiting for the client.

    It stands in for the socket that simple-websocket reads and writes.
    """

    def __init__(self, sock: Any, engine: Any) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL)
        self._sock, self._engine = sock, engine
        self._tls = isinstance(sock, ssl.SSLSocket)
        self._waiting: deque[bytes] = deque()
        self._behind = 0
        self._heard = Bucket(*BYTES)
        self._asked = Bucket(*EVENTS)
        self.gone = False
        self.welcome = False  # somebody who may be here
        self.asking = False  # whether they may is being looked up
        gevent.spawn_later(SILENT_S, self._silent)

    # ---- for the rooms

    def push(self, what: Frame) -> None:
        """Send a frame; what the engine still has in its queue goes first. Nothing happens when the client is gone."""
        if self._engine.queue.empty():
            self._write(what.data)
        elif not self._engine.closed:
            self._engine.queue.put(what.packet)

    def drop(self, why: str = "") -> None:
        """Let the client go now; its disconnect handlers run."""
        if self.gone:
            return
        self.gone = True
        self._waiting.clear()
        if why:
            log.info("socket dropped", why=why)
        try:
            self._sock.shutdown(socket.SHUT_RDWR)  # wakes who reads, and the engine cleans up
        except OSError:
            pass

    def allowed(self) -> None:
        """TooMany (`live.too_fast`) when this client asks for more than a person can."""
        if not self._asked.take(1):
            if self._asked.left < -10 * EVENTS[1]:
                self.drop("flood")
            self._asked.left = max(self._asked.left, -11 * EVENTS[1])
            raise TooMany("live.too_fast", N_("操作太快了，请等 %(seconds)d 秒再试。"), seconds=2)

    # ---- for simple-websocket

    def recv(self, size: int) -> bytes:
        data: bytes = self._sock.recv(size)
        if not self._heard.take(len(data)):
            self.drop("flood")
            return b""
        return data

    def send(self, data: bytes) -> int:
        if self.gone:
            raise BrokenPipeError
        self._write(data)
        return len(data)

    def close(self) -> None:
        self.gone = True
        self._sock.close()

    # ---- writing

    def _write(self, data: bytes) -> None:
        if self.gone:
            return None
        if not self._waiting and not self._tls:
            try:
                sent = self._sock.send(data, 0, 0.0)
            except BlockingIOError:
                sent = 0
            except OSError:
                return self.drop()
            if sent == len(data):
                return None
            data = data[sent:]
        if self._behind > BEHIND:
            return self.drop("slow")
        self._waiting.append(data)
        self._behind += len(data)
        if len(self._waiting) == 1:
            gevent.spawn(self._drain)
        return None

    def _drain(self) -> None:
        """Send what waits as the client takes it."""
        while self._waiting:
            data = self._waiting[0]
            try:
                with gevent.Timeout(STUCK_S):
                    sent = self._sock.send(data)
            except gevent.Timeout:
                return self.drop("stuck")
            except OSError:
                return self.drop()
            self._behind -= sent
            if not self._waiting:  # dropped meanwhile
                return None
            if sent == len(data):
                self._waiting.popleft()
            else:
                self._waiting[0] = data[sent:]
        return None

    def _silent(self) -> None:
        if self.asking:  # a busy school is no reason to send anybody away
            gevent.spawn_later(SILENT_S, self._silent)
        elif not self.welcome:
            self.drop("silent")


class _WebSocket(WebSocketWSGI):  # type: ignore[misc]  # the engine's own, untyped
    """A web socket as the engine makes one for each client, with the guards of this file."""

    def __init__(self, handler: Any, server: Any) -> None:
        super().__init__(handler, server)
        self.server_args["max_message_size"] = LARGEST
        self.engine = handler.__self__

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        self.channel = Channel(environ["gunicorn.socket"], self.engine)
        environ["gunicorn.socket"] = environ[ENVIRON] = self.channel
        try:
            return super().__call__(environ, start_response)
        except StopIteration:  # how it tells gunicorn that all is said
            raise
        except Exception as error:
            log.info("socket broken", error=repr(error))
            raise StopIteration from None
        finally:
            self.engine.close(wait=False, abort=True)
            self.channel.drop()

    def wait(self) -> str | None:
        """The next message; None ends the connection, as does anything a Socket.IO client never sends."""
        data = super().wait()
        if self.channel.gone or not isinstance(data, str) or data[:1] not in {"1", "3", "4"}:
            return None
        return data


def install(app: Flask, settings: Settings) -> SocketIO:
    """The application's Socket.IO server. Nothing runs before the first client: a process that forks later has its own."""
    made = SocketIO(
        app,
        async_mode="gevent",
        transports=["websocket"],
        allow_upgrades=False,
        cors_allowed_origins=[settings.origin] if settings.origin else None,  # None: the address it was asked at
        max_http_buffer_size=LARGEST,
        ping_interval=20,
        ping_timeout=15,
        async_handlers=False,  # one client's events are done one after the other, so a flood holds up its sender alone
        json=_Json,
        logger=_Quiet(),
        engineio_logger=_Quiet(),
    )
    engine = made.server.eio
    engine._async = {**engine._async, "websocket": _WebSocket}
    return made


def channel() -> Channel:
    """The connection of the event that is being handled."""
    found: Channel = request.environ[ENVIRON]
    return found


def _refusal(error: Exception, event: str) -> dict[str, object]:
    """The one shape of a refusal, whatever went wrong."""
    if isinstance(error, SchoolError):
        return error_body(error)
    if isinstance(error, OperationalError):
        log.exception("database away", event_name=event)
        return error_body(Unavailable("database.away", AWAY))
    if isinstance(error, (DataError, OverflowError, UnicodeError)):
        log.exception("unstorable", event_name=event)
        return error_body(Invalid("live.body", UNREADABLE))
    log.exception("fault", event_name=event)
    return error_body(SchoolError("fault", FAULT))


def admitting(come_in: Callable[[Channel, dict[str, Any]], None]) -> Callable[[Any], None]:
    """A connect handler: `come_in(channel, auth)` lets the client in by returning, and refuses by raising anything."""

    def connect(auth: Any = None) -> None:
        here = channel()
        here.asking = True
        try:
            here.allowed()
            if here.welcome or not isinstance(auth, dict):  # `connect` sent as an event is no second arrival
                raise Invalid("live.body", UNREADABLE)
            come_in(here, auth)
        except Exception as error:
            refusal = _refusal(error, "connect")
            raise ConnectionRefusedError(refusal["error"]["code"], refusal) from None  # type: ignore[index]
        finally:
            here.asking = False
        here.welcome = True

    return connect


def answering(
    made: SocketIO, namespace: str, event: str, do: Callable[[str, Channel, dict[str, Any]], dict[str, Any]]
) -> None:
    """Handle an event: what `do(sid, channel, body)` returns is acknowledged with `ok`, what it raises as `error`.

    It runs outside of Flask's request, which costs more to set up than most events to do; only a refusal has one, for
    its sentence is in the person's language.
    """
    server = made.server

    def handle(sid: str, *args: Any) -> dict[str, Any] | None:
        environ = server.get_environ(sid, namespace=namespace)
        if environ is None:  # gone meanwhile
            return None
        here: Channel = environ[ENVIRON]
        try:
            here.allowed()
            if len(args) != 1 or not isinstance(args[0], dict):
                raise Invalid("live.body", UNREADABLE)
            return {"ok": True, **do(sid, here, args[0])}
        except Exception as error:
            with environ["flask.app"].request_context(environ):
                return _refusal(error, event)

    server.on(event, handle, namespace=namespace)
