"""WHIP: a publisher's connection, from the offer to the tracks it feeds."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from aiortc import RTCPeerConnection
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError

from media_worker.frames import Source
from media_worker.relay import aiortc_hooks as hooks
from media_worker.relay import assemble
from media_worker.relay.assemble import Frame
from media_worker.relay.offers import Section, read
from media_worker.relay.transcoder import Transcoder
from school.core.errors import Conflict, Invalid
from school.core.i18n import N_
from school.media.stream_tokens import Part

if TYPE_CHECKING:
    from media_worker.relay.broadcast import Broadcast

log = structlog.get_logger()

SILENT = 3.0  # seconds without anything from a publisher, after which another may take its place
QUIET = 8.0  # seconds without a packet after which a picture no longer counts as there
CONNECT = 15.0  # seconds a connection may take to come about
DEAD = 20.0  # seconds without anything, after which a publisher's session ends

# Which sources the sections of an offer are, in their order.
SOURCES: dict[Part, dict[str, tuple[Source, ...]]] = {
    "publish": {"audio": (Source.MIC,), "video": (Source.CAMERA, Source.SMALL)},
    "screen": {"video": (Source.SCREEN,)},
    "speak-1": {"audio": (Source.SPEAKER_1,)},
    "speak-2": {"audio": (Source.SPEAKER_2,)},
    "speak-3": {"audio": (Source.SPEAKER_3,)},
}
REFUSALS = (ValueError, OperationError, InternalError, InvalidAccessError, InvalidStateError)


class Unsupported(Invalid):
    """The publisher's codecs cannot be forwarded."""


class Intake:
    """One source as it comes in: to the track packet by packet, to the packager frame by frame."""

    def __init__(
        self, broadcast: Broadcast, source: Source, inlet: hooks.Inlet, codec: str, on_end: Callable[[], None]
    ) -> None:
        self.source, self.inlet, self.codec = source, inlet, codec
        self.loss = 0.0  # share of the packets of the last second that were lost on the way
        self._broadcast = broadcast
        self._track = broadcast.tracks[source]
        self._counted = (0, 0)
        self._asked_at = 0.0
        inlet.on_report = self._track.report
        self._transcoder: Transcoder | None = None
        if codec == "vp8":
            self._frames = assemble.vp8()
            self._transcoder = Transcoder(self._transcoded, on_end)
            self._sequence = 0
            inlet.on_packet = self._to_transcode
            self._track.attach(self._transcoder.wish_key)
        else:
            self._frames = assemble.h264() if self._track.is_video else assemble.opus()
            inlet.on_packet = self._forward
            self._track.attach(inlet.ask_key)

    def _forward(self, sequence: int, timestamp: int, marker: int, payload: bytes) -> None:
        self._track.feed(sequence, timestamp, marker, payload)
        if not self._broadcast.recording:
            return
        for frame in self._frames.add(sequence, timestamp, marker, payload, time.monotonic()):
            self._broadcast.record(self.source, frame)
        if self._track.is_video and self._frames.broken:
            self._track.wish_key(calmly=1.0)

    def _to_transcode(self, sequence: int, timestamp: int, marker: int, payload: bytes) -> None:
        assert self._transcoder is not None
        taken = [
            self._transcoder.push(frame)
            for frame in self._frames.add(sequence, timestamp, marker, payload, time.monotonic())
        ]
        if (self._frames.broken or not all(taken)) and time.monotonic() - self._asked_at > 1.0:
            self._asked_at = time.monotonic()
            self.inlet.ask_key()

    def _transcoded(self, frame: Frame) -> None:
        packets = assemble.pack_h264(frame.payload)
        for number, payload in enumerate(packets, 1):
            self._sequence = (self._sequence + 1) & 0xFFFF
            self._track.feed(self._sequence, frame.timestamp, int(number == len(packets)), payload)
        self._broadcast.record(self.source, frame)

    def watch_over(self, *, heard: bool) -> None:
        """Once in a while: does it still come, and how well."""
        came, lost = self._track.packets, self.inlet.lost
        before_came, before_lost = self._counted
        self._counted = (came, lost)
        missing = max(0, lost - before_lost)
        self.loss = missing / max(1, came - before_came + missing)
        if self._track.live and (not heard or time.monotonic() - self._track.last_at > QUIET):
            self._track.live = False
            self._broadcast.gone(self.source)

    def close(self) -> None:
        self.inlet.on_packet = lambda sequence, timestamp, marker, payload: None
        self.inlet.on_report = lambda ntp, timestamp: None
        if self._transcoder is not None:
            self._transcoder.close()
        self._track.detach()
        self._broadcast.gone(self.source)


class Publisher:
    """A connected publisher: one part of a class, by one account (0: whoever has the stream key)."""

    def __init__(self, part: Part, account_id: int, pc: RTCPeerConnection) -> None:
        self.id = secrets.token_urlsafe(12)
        self.part, self.account_id, self.pc = part, account_id, pc
        self.opened_at = self.heard_at = time.monotonic()
        self.intakes: dict[Source, Intake] = {}
        self.ended = False  # what it sends cannot be handled any more; it may come anew

    def hear(self) -> None:
        self.heard_at = time.monotonic()

    def end(self) -> None:
        self.ended = True

    @property
    def silent(self) -> bool:
        return time.monotonic() - self.heard_at > SILENT

    @property
    def dead(self) -> bool:
        """It never connected, failed, or has long said nothing."""
        if self.ended or self.pc.connectionState in ("failed", "closed"):
            return True
        limit = DEAD if self.pc.connectionState == "connected" else CONNECT
        return time.monotonic() - self.heard_at > limit

    def watch_over(self) -> None:
        for intake in self.intakes.values():
            intake.watch_over(heard=not self.silent)

    async def close(self) -> None:
        for intake in self.intakes.values():
            intake.close()
        await self.pc.close()


async def publish(
    broadcast: Broadcast, part: Part, account_id: int, offer: str, *, advertise: str, transcode: bool
) -> tuple[Publisher, str]:
    """Connect a publisher; the answer to its offer. An earlier session of the same account gives way.

    Raises Invalid (`stream.offer`), Unsupported (`stream.codec`), Conflict (`stream.taken`).
    """
    earlier = broadcast.publishers.get(part)
    if earlier is not None and earlier.account_id != account_id and not earlier.silent:
        raise Conflict("stream.taken", N_("已经有人在播这一路画面或声音。请对方先停播，或者过几秒再试。"))
    plan = _plan(part, read(offer), transcode=transcode)
    pc = hooks.connection()
    made = Publisher(part, account_id, pc)
    found: dict[Source, tuple[hooks.Inlet, str]] = {}
    for section, source, codec in plan:
        transceiver = pc.addTransceiver(section.kind, direction="recvonly" if source is not None else "inactive")
        if codec is not None:
            transceiver.setCodecPreferences(hooks.codecs(section.kind, vp8=codec == "vp8"))
        inlet = transceiver.receiver
        assert isinstance(inlet, hooks.Inlet)
        inlet.on_heard = made.hear
        if source is not None and codec is not None:
            found[source] = (inlet, codec)
    hooks.on_checked(pc, made.hear)
    try:
        answer = await hooks.answer(pc, offer, advertise)
    except REFUSALS as error:
        await pc.close()
        raise bad_offer() from error
    if earlier is not None:
        broadcast.replaced.append(earlier.id)
        await broadcast.drop_publisher(earlier)
    made.intakes = {
        source: Intake(broadcast, source, inlet, codec, made.end) for source, (inlet, codec) in found.items()
    }
    broadcast.publishers[part] = made
    log.info("publishing", stream=broadcast.stream_id, part=part, sources=[s.name.lower() for s in found])
    return made, answer


def bad_offer() -> Invalid:
    return Invalid("stream.offer", N_("直播软件发来的连接请求读不懂。请更新浏览器或直播软件后再试。"))


def _plan(part: Part, sections: list[Section], *, transcode: bool) -> list[tuple[Section, Source | None, str | None]]:
    """For each section of the offer the source it is, or None, and its codec, or None when we share none."""
    free = {kind: list(sources) for kind, sources in SOURCES[part].items()}
    plan: list[tuple[Section, Source | None, str | None]] = []
    for section in sections:
        wanted = free.get(section.kind, []) if section.sends else []
        codec = section.codec(transcode=transcode)
        if wanted and codec is None:
            raise unsupported(section)
        plan.append((section, wanted.pop(0) if wanted else None, codec))
    if all(source is None for _, source, _ in plan):
        raise bad_offer()
    return plan


def unsupported(section: Section) -> Unsupported:
    if section.kind == "audio":
        return Unsupported("stream.codec", N_("声音请用 Opus 编码。请在直播软件里把音频编码改成 Opus 再播。"))
    return Unsupported(
        "stream.codec",
        N_("画面请用 H.264 Baseline 编码。请换用新版 Chrome、Edge 或 Safari；OBS 选 H.264、配置 baseline、不用 B 帧。"),
    )
