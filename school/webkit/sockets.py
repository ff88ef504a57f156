"""The Socket.IO server: web socket only, its connections guarded by `channel`, and refusals in the school's one shape.

Of the engine's own machinery two parts cost a hall too much, and ours stand in their place: its web socket, and its pings
(a greenlet and a timer for each, and another that looks whether they were answered).
`tests/test_live_sockets.py` notices when a new release changes what this leans on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from engineio.packet import MESSAGE, Packet
from flask import Flask, request
from flask_socketio import ConnectionRefusedError, SocketIO
from sqlalchemy.exc import DataError, OperationalError

from school.core import json
from school.core.errors import Invalid, SchoolError, Unavailable
from school.core.settings import Settings
from school.webkit.bodies import UNREADABLE
from school.webkit.channel import BEAT_S, LARGEST, LOST_BEATS, PING_BEATS, Channel, Ended, Frame, Heart, framed
from school.webkit.replies import AWAY, FAULT, error_body

log = structlog.get_logger()

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


def frame(namespace: str, event: str, body: object) -> Frame:
    """`body` as the event of a namespace."""
    text = f"2{namespace},{json.text([event, body])}"
    return Frame(Packet(MESSAGE, text), framed(f"4{text}"))


class _WebSocket:
    """What the engine hands a connection to: a channel reads and writes it until it ends."""

    def __init__(self, heart: Heart, handler: Any, server: Any) -> None:
        self._heart, self._handler, self._server = heart, handler, server

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        engine = self._handler.__self__
        channel = environ[ENVIRON] = Channel(environ["gunicorn.socket"], engine)
        self._heart.add(channel)
        try:
            channel.shake(environ)
            self._handler(channel)
        except Ended:
            pass
        except Exception as error:
            log.info("socket broken", error=repr(error))
        finally:
            self._heart.channels.discard(channel)
            engine.close(wait=False, abort=True)
            self._server.sockets.pop(engine.sid, None)
            channel.drop()
        raise StopIteration  # how gunicorn is told that all is said


def _leave_pings(engine: Any) -> None:
    """Have the engine leave pings to the heart, and whether anybody is still there."""
    connected = engine.handlers["connect"]

    def connect(sid: str, environ: dict[str, Any]) -> Any:
        here = engine.sockets[sid]
        here.schedule_ping = lambda: None
        here.last_ping = None  # of a ping not answered yet: nothing is sent to who owes an answer

        def poll() -> list[Packet]:
            """The engine's own gives a connection up for which it has had nothing to send, not even a ping, for long."""
            packet = here.queue.get()
            here.queue.task_done()
            return [] if packet is None else [packet]

        here.poll = poll
        return connected(sid, environ)

    engine.on("connect", connect)


def install(app: Flask, settings: Settings) -> SocketIO:
    """The application's Socket.IO server. Nothing runs before the first client: a process that forks later has its own."""
    made = SocketIO(
        app,
        async_mode="gevent",
        transports=["websocket"],
        allow_upgrades=False,
        cors_allowed_origins=[settings.origin] if settings.origin else None,  # None: the address it was asked at
        max_http_buffer_size=LARGEST,
        ping_interval=PING_BEATS * BEAT_S,
        ping_timeout=(LOST_BEATS - PING_BEATS) * BEAT_S,
        monitor_clients=False,
        async_handlers=False,  # one client's events are done one after the other, so a flood holds up its sender alone
        json=_Json,
        logger=_Quiet(),
        engineio_logger=_Quiet(),
    )
    engine = made.server.eio
    engine._async = {**engine._async, "websocket": partial(_WebSocket, Heart())}
    _leave_pings(engine)
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
