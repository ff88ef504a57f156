"""One media section of a viewer: which track it shows, where its numbering stands, and what it is sent again."""

from __future__ import annotations

import random
import struct
import time
from typing import Any

from aiortc.rtp import (
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
)

from media_worker.relay.aiortc_hooks import Outlet
from media_worker.relay.srtp import Way, fan_out
from media_worker.relay.track import HEADER, Packet, Shape, Track

REPAIRS = 150  # packets a second that one viewer may be sent again


class Budget:
    """How many repairs a viewer may still have now: `REPAIRS` a second, saved up for two seconds."""

    def __init__(self) -> None:
        self._left = 2.0 * REPAIRS
        self._at = time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._left = min(2.0 * REPAIRS, self._left + (now - self._at) * REPAIRS)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Sender:
    """Follows one track after another (screen, camera, the small picture) with one numbering of its own.

    As long as it stays with the track it began with, its packets are the track's own bytes, shared with everybody else.
    """

    def __init__(self, outlet: Outlet, cname: str, budget: Budget) -> None:
        self.outlet = outlet
        self.track: Track | None = None  # whose packets it gets
        self.target: Track | None = None  # whose key frame it waits for
        self.way: Way | None = None  # once connected
        self._budget = budget  # the viewer's
        self.fraction_lost = 0.0  # as the viewer last reported
        self._cname = cname.encode()
        self._shape: Shape | None = None
        self._first = 0  # number from which `_shape` holds
        self._end: tuple[Track, Shape, Packet, float] | None = None  # where its numbering stopped
        self._repair_sequence = random.randrange(0x8000)

    def aim(self, track: Track | None) -> None:
        """Show this track from its next key frame on, and the present one until then; None: show nothing."""
        wanted = self.target or self.track
        if track is wanted or self.way is None:
            return
        if self.target is not None:
            self.target.waiting.discard(self)
            self.target = None
        if track is None:
            self._leave()
        elif track is not self.track:
            self.target = track
            track.waiting.add(self)
            track.wish_key()

    def begin(self, track: Track, packet: Packet, now: float) -> None:
        """`packet` is the first of the track that this viewer gets; called by the track."""
        self._leave()
        self.target, self.track = None, track
        sequence_shift = timestamp_shift = 0
        if self._end is not None:
            old, shape, last, last_at = self._end
            sequence_shift = (last.sequence + shape.sequence_shift + 1 - packet.sequence) & 0xFFFF
            if old is track:
                timestamp_shift = shape.timestamp_shift
            else:
                passed = int((now - last_at) * track.rate) + 1
                timestamp_shift = (last.timestamp + shape.timestamp_shift + passed - packet.timestamp) & 0xFFFFFFFF
        self._shape = Shape(self.outlet.payload_type, self.outlet.ssrc, sequence_shift, timestamp_shift)
        self._first = (packet.sequence + sequence_shift) & 0xFFFF
        if self.way is not None:
            track.join(self, self._shape, self.way)

    def _leave(self) -> None:
        if self.track is not None and self._shape is not None:
            self.track.leave(self, self._shape)
            if self.track.last is not None:
                self._end = (self.track, self._shape, self.track.last, self.track.last_at)
        self.track = None

    def rejoin(self, way: Way) -> None:
        """The viewer is reached by another way now."""
        self.way = way
        if self.track is not None and self._shape is not None:
            self.track.join(self, self._shape, way)

    def close(self) -> None:
        self.aim(None)
        self.way = None

    # ── what the viewer says ──────────────────────────

    def feedback(self, packet: Any) -> None:
        """An RTCP packet about this section."""
        if isinstance(packet, RtcpPsfbPacket) and packet.fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
            if self.track is not None:
                self.track.wish_key()
        elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
            for sequence in packet.lost:
                self._repair(sequence & 0xFFFF)
        elif isinstance(packet, RtcpRrPacket):
            for report in packet.reports:
                if report.ssrc == self.outlet.ssrc:
                    self.fraction_lost = report.fraction_lost / 256

    def _repair(self, sequence: int) -> None:
        shape, way, track = self._shape, self.way, self.track
        if track is None or shape is None or way is None or (sequence - self._first) & 0xFFFF >= 0x8000:
            return
        packet = track.again((sequence - shape.sequence_shift) & 0xFFFF)
        if packet is None or not self._budget.take():
            return
        track.repaired += 1
        data = shape.pack(packet)
        if self.outlet.repair_type is not None:
            self._repair_sequence = (self._repair_sequence + 1) & 0xFFFF
            head = HEADER.pack(
                0x80, (packet.marker << 7) | self.outlet.repair_type, self._repair_sequence,
                (packet.timestamp + shape.timestamp_shift) & 0xFFFFFFFF, self.outlet.repair_ssrc,
            )  # fmt: skip
            data = head + struct.pack("!H", sequence) + packet.payload
        fan_out(data, (way,))

    # ── what the viewer is told ─────────────────────────

    def report(self) -> None:
        """A sender report: by it the viewer plays sound and picture of one publisher in step."""
        if self.track is None or self._shape is None or self.way is None or (moment := self.track.moment()) is None:
            return
        ntp, timestamp = moment
        info = RtcpSenderInfo(
            ntp_timestamp=ntp, rtp_timestamp=(timestamp + self._shape.timestamp_shift) & 0xFFFFFFFF,
            packet_count=self.track.packets & 0xFFFFFFFF, octet_count=self.track.octets & 0xFFFFFFFF,
        )  # fmt: skip
        ssrc = self.outlet.ssrc
        name = RtcpSdesPacket(chunks=[RtcpSourceInfo(ssrc=ssrc, items=[(1, self._cname)])])
        self.way.peer.send_rtcp(bytes(RtcpSrPacket(ssrc=ssrc, sender_info=info)) + bytes(name))
