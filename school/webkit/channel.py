"""One client's web socket, as the server's side of RFC 6455 speaks it: text alone, without extensions, and bounded.

A library's would do, but for what a hall of thousands needs: a short write must not tear the stream; no compression is
agreed on (some 100 KB a connection); queues have an end, so that a client that takes nothing for `STUCK_S` seconds, or to
whom more is to be said while `BEHIND` bytes wait for it, is let go, and so is one that floods; what everybody hears is
encoded once; and a connection is one greenlet and a few hundred bytes.
"""

from __future__ import annotations

import socket
import ssl
import time
from base64 import b64encode
from collections import deque
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

import gevent
import structlog
from engineio.packet import Packet

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

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MORE, _TEXT, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x8, 0x9, 0xA


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


def framed(payload: bytes, kind: int = _TEXT) -> bytes:
    """One unmasked frame, as a server sends it to anybody."""
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | kind, length))
    elif length < 1 << 16:
        head = bytes((0x80 | kind, 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((0x80 | kind, 127)) + length.to_bytes(8, "big")
    return head + payload


_ENGINE_PING, _BYE = framed(b"2"), framed((1000).to_bytes(2, "big"), _CLOSE)


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
        self._came = b""
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
        key = environ.get("HTTP_SEC_WEBSOCKET_KEY", "").strip().encode("latin-1")
        if len(key) != 24 or environ.get("HTTP_SEC_WEBSOCKET_VERSION") != "13":
            self._write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            raise Ended
        accept = b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
        self._write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )

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
        self._write(framed(message.encode()))

    def wait(self) -> str | None:
        """The next message for the engine; None ends the connection, as does anything a Socket.IO client never sends."""
        try:
            while (message := self._message()) == "3":  # the answer to a ping
                pass
        except (Ended, OSError, UnicodeDecodeError):
            return None
        return None if self.gone or message[:1] not in {"1", "4"} else message

    def close(self) -> None:
        """Say goodbye and let the client go."""
        self._write(_BYE)
        self.drop()

    # ---- reading

    def _message(self) -> str:
        """The next text; control frames in between are dealt with. Raises Ended."""
        parts: list[bytes] = []
        while True:
            kind, last, payload = self._frame()
            if kind == _PING:
                self._write(framed(payload, _PONG))
            elif kind == _CLOSE:
                self._write(framed(payload[:2], _CLOSE))
                raise Ended
            elif kind == (_MORE if parts else _TEXT):
                parts.append(payload)
                if sum(map(len, parts)) > LARGEST:
                    raise Ended
                if last:
                    return b"".join(parts).decode()
            elif kind != _PONG:
                raise Ended

    def _frame(self) -> tuple[int, bool, bytes]:
        """Kind, whether it is the last of its message, and the unmasked payload of the next frame."""
        first, second = self._take(2)
        kind, length = first & 0x0F, second & 0x7F
        if first & 0x70 or not second & 0x80 or (kind >= _CLOSE and (length > 125 or not first & 0x80)):
            raise Ended
        if length >= 126:
            length = int.from_bytes(self._take(2 if length == 126 else 8), "big")
        if length > LARGEST:
            raise Ended
        mask, masked = self._take(4), self._take(length)
        stretched = (mask * (length // 4 + 1))[:length]
        plain = int.from_bytes(masked, "big") ^ int.from_bytes(stretched, "big")
        return kind, bool(first & 0x80), plain.to_bytes(length, "big")

    def _take(self, size: int) -> bytes:
        """Exactly so many bytes."""
        while len(self._came) < size:
            self._listening = True
            data = self._sock.recv(4096)
            self._listening = False
            if not data or self.gone:
                raise Ended
            self._heard_beat = self._beats
            if not self._heard.take(len(data)):
                self.drop("flood")
                raise Ended
            self._came += data
        taken, self._came = self._came[:size], self._came[size:]
        return taken

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
