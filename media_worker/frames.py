"""What relay and packager say to each other over their Unix socket: whole encoded frames one way, wishes the other way.

A message is a fixed header and its payload; all numbers big-endian. The packager listens (`socket_path`), the relay
connects, and connects again when the packager was restarted. Neither ever waits for the other: the relay drops frames
until the next key frame when the socket is full.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from pathlib import Path

HEADER = struct.Struct(">BBBxIQqqI")  # kind, source, flags, epoch, stream, at_us, arrived_us, payload length
LARGEST = 4 * 1024**2  # bytes of one frame; anything above is not ours


class Kind(IntEnum):
    FRAME = 1  # relay → packager: one H.264 access unit (Annex B) or one Opus packet
    GONE = 2  # relay → packager: the source stopped (its publisher left, or the screen is no longer shared)
    KEY = 3  # packager → relay: ask the publisher of this video source for a key frame


class Source(IntEnum):
    """The tracks of a class. SCREEN, when shared, is the main picture; else CAMERA is."""

    CAMERA = 1
    SCREEN = 2
    SMALL = 3  # a low-resolution picture for weak lines; never recorded
    MIC = 4
    SPEAKER_1 = 5
    SPEAKER_2 = 6
    SPEAKER_3 = 7


VIDEO = frozenset({Source.CAMERA, Source.SCREEN, Source.SMALL})
AUDIO_SLOTS = (Source.MIC, Source.SPEAKER_1, Source.SPEAKER_2, Source.SPEAKER_3)  # order of a viewer's audio sections
VIDEO_SLOTS = (Source.SCREEN, Source.CAMERA, Source.SMALL)  # order of a viewer's video sections; a single one: the main


class Flag(IntFlag):
    NONE = 0
    KEY = 1  # an IDR picture with its parameter sets; always set for sound
    SYNCED = 2  # `at_us` comes from the publisher's sender reports, so sound and picture of one publisher agree


@dataclass(frozen=True, slots=True)
class Message:
    """`at_us`: presentation time on the publisher's clock; `arrived_us`: this machine's clock (Unix, microseconds)."""

    kind: Kind
    stream_id: int
    epoch: int
    source: Source
    flags: Flag = Flag.NONE
    at_us: int = 0
    arrived_us: int = 0
    payload: bytes = b""

    def pack(self) -> bytes:
        head = HEADER.pack(
            self.kind, self.source, self.flags, self.epoch, self.stream_id, self.at_us, self.arrived_us,
            len(self.payload),
        )  # fmt: skip
        return head + self.payload


class Reader:
    """Cuts what streams in into messages; raises ValueError when it cannot be ours (the connection is then closed)."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        self._held += data
        found, place = [], 0
        while len(self._held) - place >= HEADER.size:
            kind, source, flags, epoch, stream_id, at_us, arrived_us, size = HEADER.unpack_from(self._held, place)
            if size > LARGEST:
                raise ValueError(f"a frame of {size} bytes")
            end = place + HEADER.size + size
            if end > len(self._held):
                break
            payload = bytes(self._held[place + HEADER.size : end])
            found.append(Message(Kind(kind), stream_id, epoch, Source(source), Flag(flags), at_us, arrived_us, payload))
            place = end
        del self._held[:place]
        return found


def socket_path(data: Path, node: str) -> Path:
    """Where the packager of `node` listens."""
    return data / "run" / f"{node}.sock"
