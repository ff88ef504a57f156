"""One client's web socket: wsproto reads what comes, and what leaves is bounded and encoded once for everybody.

A whole library would do, but for what a hall of thousands needs: a short write must not tear the stream; no compression is
agreed on (some 100 KB a connection); queues have an end, so that a client that takes nothing for `STUCK_S` seconds, or to
whom more is to be said while `BEHIND` bytes wait for it, is let go, and so is one that floods; and a connection is one
greenlet. The only file that knows wsproto.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gevent
import structlog
from engineio.packet import Packet
from wsproto import ConnectionType, WSConnection
from wsproto.connection import Connection
from wsproto.events import AcceptConnection, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.utilities import RemoteProtocolError

from school.core.errors import TooMany
from school.core.i18n import N_

log = structlog.get_logger()

LARGEST = 16 * 1024  # bytes of one message from a client
BEHIND = 256 * 1024  # bytes that wait for one client
KERNEL = 64 * 1024  # of them in the kernel's own buffer, which would else grow to megabytes
STUCK_S = 10.0  # seconds without a byte taken
SILENT_S = 90.0  # until somebody who has connected must have come in; a school that thousands enter at once reads late
BYTES = (16 * 1024, 256 * 1024)  # a second, and at once, from one client
EVENTS = (5.0, 30.0)
BEAT_S = 1.0
PING_BEATS, LOST_BEATS = 20, 35  # between two pings; without a byte from a client until it is taken for lost


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
    """One event, encoded once for everybody who hears it: as the engine queues it, and as it goes over the line."""

    packet: Packet
    data: bytes


def framed(text: str) -> bytes:
    """One message, as a server sends it to anybody: without a mask, so the same bytes serve all."""
    return _SPEAKER.send(TextMessage(data=text))


_SPEAKER = Connection(ConnectionType.SERVER)
_ENGINE_PING, _BYE = framed("2"), Connection(ConnectionType.SERVER).send(CloseConnection(code=1000))


class Ended(Exception):
    """The client has gone, or said what no client says."""


class Channel:
    """One client's connection: where its messages come from, and the one place where bytes leave for it.

    They leave in order, bounded, and without waiting for the client. For the engine it is the web socket.
    """

    def __init__(self, sock: Any, engine: Any) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL)
        self._sock, self._engine = sock, engine
        self._tls = isinstance(sock, ssl.SSLSocket)
        self._protocol = WSConnection(ConnectionType.SERVER)
        self._events: Iterator[Event] = iter(())
        self._waiting: deque[bytes] = deque()
        self._behind = 0
        self._heard = Bucket(*BYTES)
        self._asked = Bucket(*EVENTS)
        self._beats = self._heard_beat = 0
        self._listening = False  # for more of it; else it waits for us
        self.gone = False
        self.welcome = False  # somebody who may be here
        self.asking = False  # whether they may is being looked up
        gevent.spawn_later(SILENT_S, self._silent)

    def shake(self, environ: dict[str, Any]) -> None:
        """Answer the request that asks for a web socket. Raises Ended when it is none."""
        headers = [
            (name[5:].replace("_", "-").encode("latin-1"), value.encode("latin-1"))
            for name, value in environ.items()
            if name.startswith("HTTP_")
        ]
        try:
            self._protocol.initiate_upgrade_connection(headers, "/")  # where to has been looked at before
        except RemoteProtocolError:
            self._write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            raise Ended from None
        next(self._protocol.events())  # the request itself
        self._write(self._protocol.send(AcceptConnection()))

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

    def beat(self) -> None:
        """A moment has passed: ping in time, and let go who has not been heard for too long.

        Beats are counted, not seconds, and only while we listen: when the school is late, nobody is taken for lost.
        """
        self._beats += 1
        if not self._listening:
            self._heard_beat = self._beats
        if self._beats - self._heard_beat > LOST_BEATS:
            self.drop("lost")
        elif self._beats % PING_BEATS == 0:
            self._write(_ENGINE_PING)

    # ---- for the engine

    def send(self, message: str) -> None:
        if self.gone:
            raise BrokenPipeError
        self._write(framed(message))

    def wait(self) -> str | None:
        """The next message for the engine; None ends the connection, as does anything a Socket.IO client never sends."""
        try:
            while (message := self._message()) == "3":  # the answer to a ping
                pass
        except (Ended, OSError):
            return None
        return None if self.gone or message[:1] not in {"1", "4"} else message

    def close(self) -> None:
        """Say goodbye and let the client go."""
        self._write(_BYE)
        self.drop()

    # ---- reading

    def _message(self) -> str:
        """The next text; a ping in between is answered. Raises Ended."""
        parts: list[str] = []
        left = LARGEST
        while True:
            event = self._event()
            if isinstance(event, TextMessage):
                parts.append(event.data)
                left -= 1 + len(event.data)  # an empty piece takes its place too
                if left < 0:
                    raise Ended
                if event.message_finished:
                    return "".join(parts)
            elif isinstance(event, Ping):
                self._write(self._protocol.send(event.response()))
            elif not isinstance(event, Pong):
                if isinstance(event, CloseConnection):
                    self._write(self._protocol.send(event.response()))
                raise Ended

    def _event(self) -> Event:
        """The next thing that the client has said."""
        while (event := next(self._events, None)) is None:
            self._listening = True
            data = self._sock.recv(4096)
            self._listening = False
            if not data or self.gone:
                raise Ended
            self._heard_beat = self._beats
            if not self._heard.take(len(data)):
                self.drop("flood")
                raise Ended
            self._protocol.receive_data(data)
            self._events = self._protocol.events()
        return event

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


class Heart:
    """Beats for every channel of the process, in one task instead of some timers for each."""

    def __init__(self) -> None:
        self.channels: set[Channel] = set()
        self._beating = False

    def add(self, channel: Channel) -> None:
        """Beat for this one too; the task starts with the first, so a process that forks later has its own."""
        self.channels.add(channel)
        if not self._beating:
            self._beating = True
            gevent.spawn(self._run)

    def _run(self) -> None:
        while True:
            gevent.sleep(BEAT_S)
            for channel in list(self.channels):
                channel.beat()
