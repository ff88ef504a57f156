"""One picture or sound of a class on its way to the viewers: one numbering for all of them, one history for repairs."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from media_worker.frames import VIDEO, Source
from media_worker.relay.assemble import starts_key
from media_worker.relay.clock import SenderClock, us_to_ntp
from media_worker.relay.srtp import RUN, Way, cut_runs, fan_out, fan_out_runs

if TYPE_CHECKING:
    from media_worker.relay.sender import Sender

HISTORY = 1024  # packets kept for repairs: four seconds of a picture
COALESCE = 0.5  # seconds between two requests for a key frame
PATIENCE = 0.004  # seconds a packet may wait for the rest of its frame: browsers spread a frame over several
LAST_START = 65_400  # nobody begins just before the numbering wraps: a loss there would leave them unable to decrypt
HEADER = struct.Struct("!BBHLL")


class Packet(NamedTuple):
    """A packet in the track's numbering."""

    sequence: int
    timestamp: int
    marker: int
    payload: bytes


class Shape(NamedTuple):
    """How a group of viewers sees the packets; all of one shape share their bytes."""

    payload_type: int
    ssrc: int
    sequence_shift: int
    timestamp_shift: int

    def pack(self, packet: Packet) -> bytes:
        sequence, timestamp, marker, payload = packet
        head = HEADER.pack(
            0x80, (marker << 7) | self.payload_type, (sequence + self.sequence_shift) & 0xFFFF,
            (timestamp + self.timestamp_shift) & 0xFFFFFFFF, self.ssrc,
        )  # fmt: skip
        return head + payload


class Track:
    """The numbering goes on when the publisher comes back or another takes over, so that players notice a pause only."""

    def __init__(self, source: Source, *, runs: bool) -> None:
        self.source = source
        self.is_video = source in VIDEO
        self.rate = 90_000 if self.is_video else 48_000
        self.ssrc, self.repair_ssrc = random.getrandbits(31), random.getrandbits(31)
        self.clock = SenderClock(self.rate)
        self.ask_key: Callable[[], None] | None = None  # of the publisher that feeds it now
        self.live = False  # a publisher feeds it and packets come
        self.last: Packet | None = None  # the newest
        self.last_at = 0.0  # monotonic
        self.key_at = 0.0  # when the last key frame began, monotonic
        self.packets = self.octets = self.keys = self.asked = self.repaired = 0
        self.groups: dict[Shape, dict[Sender, Way]] = {}
        self.waiting: set[Sender] = set()  # for a key frame
        self._runs = runs and self.is_video
        self._burst: list[Packet] = []
        self._burst_at = 0.0
        self._history: list[Packet | None] = [None] * HISTORY
        self._sequence_shift = random.randrange(1, 20_000)
        self._timestamp_shift = random.getrandbits(30)
        self._fresh = True
        self._asked_at = 0.0

    # ── in ──────────────────────────────────

    def attach(self, ask_key: Callable[[], None]) -> None:
        """A publisher begins (again) to feed the track."""
        self.ask_key = ask_key
        self.clock = SenderClock(self.rate)
        self._fresh = True

    def detach(self) -> None:
        self.ask_key, self.live = None, False

    def report(self, ntp: int, timestamp: int) -> None:
        """A sender report of the publisher."""
        self.clock.report(ntp, timestamp)

    def feed(self, sequence: int, timestamp: int, marker: int, payload: bytes) -> None:
        """One packet of the publisher, sent to everybody at once (in runs: with the rest of its frame)."""
        now = time.monotonic()
        self.clock.arrived(timestamp, time.time_ns() // 1000)
        if self._fresh:
            self._join_on(sequence, timestamp, now)
        packet = Packet(
            (sequence + self._sequence_shift) & 0xFFFF,
            (timestamp + self._timestamp_shift) & 0xFFFFFFFF,
            marker,
            payload,
        )
        self.packets += 1
        self.octets += len(payload)
        self._history[packet.sequence % HISTORY] = packet
        if self.last is None or (packet.sequence - self.last.sequence) & 0xFFFF < 0x8000:
            self.last, self.last_at, self.live = packet, now, True
        if not self.is_video or starts_key(payload):
            self._begin(packet, now)
        if not self._runs:
            for shape, ways in self.groups.items():
                fan_out(shape.pack(packet), ways.values())
        else:
            if not self._burst:
                self._burst_at = now
            self._burst.append(packet)
            if marker or len(self._burst) >= RUN or now - self._burst_at > PATIENCE:
                self.flush()

    def flush(self) -> None:
        """Send what waits for the end of its frame."""
        burst, self._burst = self._burst, []
        for shape, ways in self.groups.items():
            fan_out_runs(cut_runs([shape.pack(packet) for packet in burst]), ways.values())

    def _join_on(self, sequence: int, timestamp: int, now: float) -> None:
        """Number on from the last packet, with the time that has passed since."""
        self._fresh = False
        if self.last is not None:
            passed = int((now - self.last_at) * self.rate) + 1
            self._sequence_shift = (self.last.sequence + 1 - sequence) & 0xFFFF
            self._timestamp_shift = (self.last.timestamp + passed - timestamp) & 0xFFFFFFFF

    def _begin(self, packet: Packet, now: float) -> None:
        """A key frame (or any sound) begins: whoever waited for it joins in."""
        if self.is_video and now - self.key_at > 0.01:
            self.keys += 1
        self.key_at = now
        if self.waiting and packet.sequence < LAST_START:
            if self._burst:
                self.flush()
            for sender in list(self.waiting):
                sender.begin(self, packet, now)
            self.waiting.clear()

    # ── out ─────────────────────────────────

    def join(self, sender: Sender, shape: Shape, way: Way) -> None:
        self.groups.setdefault(shape, {})[sender] = way

    def leave(self, sender: Sender, shape: Shape) -> None:
        group = self.groups.get(shape, {})
        group.pop(sender, None)
        if not group:
            self.groups.pop(shape, None)

    def wish_key(self, *, calmly: float = COALESCE) -> None:
        """Ask the publisher for a key frame, at most every `calmly` seconds."""
        now = time.monotonic()
        if self.ask_key is not None and self.is_video and now - self._asked_at >= calmly:
            self._asked_at = now
            self.asked += 1
            self.ask_key()

    def again(self, sequence: int) -> Packet | None:
        """A packet by its number, while it is remembered."""
        packet = self._history[sequence % HISTORY]
        return packet if packet is not None and packet.sequence == sequence else None

    def moment(self) -> tuple[int, int] | None:
        """The publisher's NTP time and the track's timestamp of the newest packet; None before the first report."""
        if self.last is None or not self.clock.synced or not self.live:
            return None
        published = (self.last.timestamp - self._timestamp_shift) & 0xFFFFFFFF
        return us_to_ntp(self.clock.at_us(published)), self.last.timestamp

    @property
    def viewers(self) -> int:
        return sum(map(len, self.groups.values()))
