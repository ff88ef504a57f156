"""Thousands of people in one room from one thread: plain sockets, counted as cheaply as Python can.

They speak Socket.IO over web sockets to any server, so that a bench may put the same crowd before two of them.
"""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

SAID = b'"kind":"said"'


@dataclass(eq=False, slots=True)
class One:
    """One connection. `welcomed` is how long it took until the first event of the room, in seconds."""

    sock: socket.socket
    cookie: str
    began: float
    stage: str = "connecting"  # → shaking → opening → joining → inside, or gone
    data: bytearray = field(default_factory=bytearray)
    welcomed: float | None = None
    refused: str = ""
    said: int = 0  # lines heard in the room
    frames: int = 0
    acks: list[str] = field(default_factory=list)


class Crowd:
    """Everybody who comes to the class `class_id` on the server at `port` of this machine."""

    def __init__(self, port: int, class_id: int) -> None:
        self.port, self.class_id = port, class_id
        self.all: list[One] = []
        self._selector = selectors.EpollSelector()

    def arrive(self, cookies: Sequence[str], seconds: float, patience: float = 60) -> None:
        """Let one person a cookie connect, spread over `seconds`, and wait until all are inside (at most `patience`)."""
        began = time.perf_counter()
        for number, cookie in enumerate(cookies):
            while number > len(cookies) * (time.perf_counter() - began) / max(seconds, 0.001):
                self.turn(0.002)
            self._connect(cookie)
            if number % 16 == 0:
                self.turn(0)
        while time.perf_counter() - began < patience and len(self.inside) + len(self.gone) < len(self.all):
            self.turn(0.05)

    @property
    def inside(self) -> list[One]:
        return [one for one in self.all if one.stage == "inside"]

    @property
    def gone(self) -> list[One]:
        return [one for one in self.all if one.stage == "gone"]

    @property
    def said(self) -> int:
        """Lines delivered so far, one for each who heard it."""
        return sum(one.said for one in self.all)

    @property
    def frames(self) -> int:
        return sum(one.frames for one in self.all)

    def listen(self, seconds: float) -> None:
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            self.turn(min(left, 0.05))

    def send(self, one: One, event: str, body: dict[str, Any], number: int = 1) -> None:
        """Let one of them do something."""
        text = f"42/live,{number}" + json.dumps([event, body], ensure_ascii=False)
        self._send(one, text)

    def leave(self) -> None:
        for one in self.all:
            if one.stage != "gone":
                self._go(one)
        self._selector.close()

    # ---- one turn

    def turn(self, timeout: float) -> None:
        """Take what has come."""
        for key, events in self._selector.select(timeout):
            one: One = key.data
            try:
                if one.stage == "connecting":
                    self._shake(one)
                elif events & selectors.EVENT_READ:
                    self._read(one)
            except OSError as error:
                self._go(one, repr(error))

    def _connect(self, cookie: str) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect_ex(("127.0.0.1", self.port))
        one = One(sock, cookie, time.perf_counter())
        self.all.append(one)
        self._selector.register(sock, selectors.EVENT_WRITE, one)

    def _shake(self, one: One) -> None:
        one.sock.sendall(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            f"Cookie: {one.cookie}\r\n\r\n".encode()
        )
        one.stage = "shaking"
        self._selector.modify(one.sock, selectors.EVENT_READ, one)

    def _read(self, one: One) -> None:
        got = one.sock.recv(1 << 18)
        if not got:
            return self._go(one, "closed by the server")
        one.data += got
        if one.stage == "shaking":
            end = one.data.find(b"\r\n\r\n")
            if end < 0:
                return None
            if not one.data.startswith(b"HTTP/1.1 101"):
                return self._go(one, one.data[:60].decode(errors="replace"))
            del one.data[: end + 4]
            one.stage = "opening"
        data, at = one.data, 0
        while len(data) - at >= 2:
            length, start = data[at + 1], at + 2
            if length == 126:
                length, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                length, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if len(data) < start + length or start > len(data):
                break
            self._take(one, bytes(data[start : start + length]))
            at = start + length
        if one.stage != "gone":
            del data[:at]
        return None

    def _take(self, one: One, text: bytes) -> None:
        if text.startswith(b"42/live,"):
            one.frames += 1
            one.said += text.count(SAID)
            if one.stage == "joining":
                one.stage, one.welcomed = "inside", time.perf_counter() - one.began
        elif text == b"2":
            self._send(one, "3")
        elif text.startswith(b"43/live,"):
            one.acks.append(text[8:].decode())
        elif text.startswith(b"0"):
            one.stage = "joining"
            self._send(one, "40/live," + json.dumps({"class": self.class_id, "side": "room"}))
        elif text.startswith(b"44"):
            self._go(one, text.decode())

    def _send(self, one: One, text: str) -> None:
        data = text.encode()
        length = len(data)
        size = bytes((0x80 | length,)) if length < 126 else b"\xfe" + length.to_bytes(2, "big")
        try:
            one.sock.sendall(b"\x81" + size + bytes(4) + data)
        except OSError as error:
            self._go(one, repr(error))

    def _go(self, one: One, why: str = "") -> None:
        if one.stage != "gone":
            one.stage, one.refused = "gone", why
            self._selector.unregister(one.sock)
            one.sock.close()
