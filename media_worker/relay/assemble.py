"""Packets of one source, in whatever order they come, into whole frames in the order they were sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

START = b"\x00\x00\x00\x01"
HELD = 512  # packets waiting for a missing one
LARGEST = 2 * 1024**2  # bytes of one frame

IDR, SPS, PPS, STAP_A, FU_A = 5, 7, 8, 24, 28


@dataclass(frozen=True, slots=True)
class Frame:
    """`timestamp` as the publisher sent it; `key`: can be decoded by itself."""

    timestamp: int
    payload: bytes
    key: bool


class Assembler:
    """Orders packets, cuts frames at the marker or a new timestamp, and drops what a lost packet spoils.

    `unpack(payload)` gives the bytes a packet adds to its frame; `finish(payload)` what a whole frame becomes and whether
    it is a key frame. After a loss nothing comes until a key frame; `broken` says so.
    """

    def __init__(
        self, unpack: Callable[[bytes], bytes], finish: Callable[[bytes], tuple[bytes, bool]], patience: float
    ) -> None:
        self._unpack, self._finish, self._patience = unpack, finish, patience
        self.broken = True
        self.lost = 0  # packets given up
        self._next: int | None = None  # sequence number (unwrapped) that comes next
        self._held: dict[int, tuple[int, int, bytes]] = {}
        self._waiting_since: float | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._timestamp: int | None = None
        self._spoiled = False

    def add(self, sequence: int, timestamp: int, marker: int, payload: bytes, now: float) -> list[Frame]:
        """One packet that came at `now` (seconds); the frames it completes."""
        if self._next is None:
            self._next = sequence
        ahead = (sequence - self._next) & 0xFFFF
        if ahead >= 0x8000:
            return []  # too late, or again
        self._held[self._next + ahead] = (timestamp, marker, payload)
        frames: list[Frame] = []
        self._take(frames)
        if not self._held:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now
        elif now - self._waiting_since > self._patience or len(self._held) > HELD:
            first = min(self._held)
            self.lost += first - self._next
            self._next, self._waiting_since, self._spoiled, self.broken = first, None, True, True
            self._take(frames)
        return frames

    def _take(self, frames: list[Frame]) -> None:
        assert self._next is not None
        while (packet := self._held.pop(self._next, None)) is not None:
            self._next += 1
            timestamp, marker, payload = packet
            if timestamp != self._timestamp:
                self._close(frames)
                self._timestamp = timestamp
            try:
                part = self._unpack(payload)
            except (ValueError, IndexError):
                self._spoiled = True
                part = b""
            self._size += len(part)
            if self._size > LARGEST:
                self._spoiled = True
                self._parts.clear()
            else:
                self._parts.append(part)
            if marker:
                self._close(frames)

    def _close(self, frames: list[Frame]) -> None:
        if self._parts and self._timestamp is not None and not self._spoiled:
            payload, key = self._finish(b"".join(self._parts))
            if key:
                self.broken = False
            if payload and not self.broken:
                frames.append(Frame(self._timestamp, payload, key))
        elif self._spoiled:
            self.broken = True
        self._parts, self._size, self._spoiled, self._timestamp = [], 0, False, None


# ── H.264 (RFC 6184) ────────────────────────────────────


def starts_key(payload: bytes) -> bool:
    """Whether a packet begins an H.264 key frame."""
    kind = payload[0] & 31
    if kind == STAP_A:
        return len(payload) > 3 and (payload[3] & 31) in (IDR, SPS)
    if kind == FU_A:
        return len(payload) > 1 and payload[1] & 0x9F == 0x80 | IDR
    return kind in (IDR, SPS)


def unpack_h264(payload: bytes) -> bytes:
    """The Annex B bytes of one packet; ValueError when it is none of ours."""
    kind = payload[0] & 31
    if 0 < kind < STAP_A:
        return START + payload
    if kind == FU_A:
        if payload[1] & 0x80:
            return START + bytes([payload[0] & 0xE0 | payload[1] & 31]) + payload[2:]
        return payload[2:]
    if kind == STAP_A:
        parts, place = [], 1
        while place + 2 <= len(payload):
            size = int.from_bytes(payload[place : place + 2], "big")
            parts += [START, payload[place + 2 : place + 2 + size]]
            place += 2 + size
        return b"".join(parts)
    raise ValueError(f"NAL unit of type {kind}")


def pack_h264(unit: bytes, largest: int = 1180) -> list[bytes]:
    """The packets (payloads) that carry an Annex B access unit; the last one bears the marker."""
    packets = []
    for nal in (nal.rstrip(b"\x00") for nal in unit.replace(START, START[1:]).split(START[1:])):
        if not nal:
            continue
        if len(nal) <= largest:
            packets.append(nal)
            continue
        head, kind, body = nal[0] & 0xE0 | FU_A, nal[0] & 31, nal[1:]
        cuts = range(0, len(body), largest - 2)
        for at in cuts:
            edge = (0x80 if at == 0 else 0) | (0x40 if at == cuts[-1] else 0)
            packets.append(bytes([head, edge | kind]) + body[at : at + largest - 2])
    return packets


class ParameterSets:
    """Puts the stream's parameter sets before key frames that came without: some encoders send them only once."""

    def __init__(self) -> None:
        self._sets: dict[int, bytes] = {}

    def finish(self, unit: bytes) -> tuple[bytes, bool]:
        """The access unit with what it needs, and whether it is a key frame."""
        kinds: set[int] = set()
        place = unit.find(START)
        while place >= 0:
            end = unit.find(START, place + 4)
            kind = unit[place + 4] & 31 if place + 4 < len(unit) else 0
            kinds.add(kind)
            if kind in (SPS, PPS):
                self._sets[kind] = unit[place : end if end >= 0 else len(unit)]
            place = end
        if IDR not in kinds:
            return unit, False
        missing = b"".join(self._sets.get(kind, b"") for kind in (SPS, PPS) if kind not in kinds)
        return missing + unit, True


def h264() -> Assembler:
    return Assembler(unpack_h264, ParameterSets().finish, 0.5)


def opus() -> Assembler:
    """Every packet is a frame of its own; a missing one is waited for a moment only."""
    return Assembler(bytes, lambda payload: (payload, True), 0.1)


# ── VP8 (RFC 7741), only for turning it into H.264 ──────────────────


def unpack_vp8(payload: bytes) -> bytes:
    """The frame bytes behind the descriptor; ValueError when it is cut short."""
    place = 1
    if payload[0] & 0x80:
        more = payload[1]
        place = 2
        if more & 0x80:
            place += 2 if payload[2] & 0x80 else 1
        place += bool(more & 0x40) + bool(more & 0x30)
    if place >= len(payload):
        raise ValueError("no frame in the packet")
    return payload[place:]


def vp8() -> Assembler:
    return Assembler(unpack_vp8, lambda frame: (frame, not frame[0] & 1), 0.5)
