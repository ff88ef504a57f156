"""One class on this relay: its tracks, who publishes into them, who watches them, and what it may do now."""

from __future__ import annotations

import random
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from media_worker.frames import VIDEO, Flag, Kind, Message, Source
from media_worker.relay.assemble import Frame
from media_worker.relay.frames_link import FramesLink
from media_worker.relay.track import Track
from school.media.models import StreamState
from school.media.stream_tokens import Part
from school.media.streams import SENDING, Order

if TYPE_CHECKING:
    from media_worker.relay.publish import Publisher
    from media_worker.relay.watch import Viewer

KEY_EVERY = 2.0  # seconds: key frames cut the segments of the recording
WATCHED = (StreamState.LIVE, StreamState.PAUSED)  # states in which members' viewers stay
RECORDED = frozenset(Source) - {Source.SMALL}


class Broadcast:
    """`order` is what the web process last said; everything here obeys it at once."""

    def __init__(self, order: Order, link: FramesLink, *, runs: bool) -> None:
        self.order = order
        self.tracks = {source: Track(source, runs=runs) for source in Source}
        self.publishers: dict[Part, Publisher] = {}
        self.replaced: deque[str] = deque(maxlen=32)  # sessions that gave way to a newer one
        self.viewers: dict[str, Viewer] = {}
        self.follow_ssrc, self.follow_repair_ssrc = random.getrandbits(31), random.getrandbits(31)
        self.opened_at = time.monotonic()
        self._link = link
        self._sent: set[Source] = set()  # sources the packager knows of
        self._rates: dict[Source, tuple[int, float, int]] = {}  # octets then, when, kbit/s

    @property
    def stream_id(self) -> int:
        return self.order.stream_id

    def admits(self, part: Part) -> bool:
        """Whether somebody with this part may be connected now."""
        if part == "watch":
            return self.order.state in WATCHED
        return self.order.state in SENDING

    def hears(self, part: Part, account_id: int) -> bool:
        """Whether this account (0: the stream key) may send this part now; a called member's place is theirs alone."""
        speaks = part not in ("speak-1", "speak-2", "speak-3") or self.order.speakers.get(part) == account_id
        return speaks and self.admits(part)

    def shows(self, part: Part) -> bool:
        """Whether a viewer with this part gets pictures and sound now: nothing is shown to members in a pause."""
        return self.order.state == StreamState.LIVE or (part == "preview" and self.order.state in SENDING)

    @property
    def recording(self) -> bool:
        return self.order.state == StreamState.LIVE

    async def obey(self, order: Order) -> None:
        """Take a new order: drop whoever may not stay, and begin anew with key frames when the class goes live."""
        before, self.order = self.order, order
        rekeyed = order.key_hash != before.key_hash
        for publisher in list(self.publishers.values()):
            if not self.hears(publisher.part, publisher.account_id) or (rekeyed and not publisher.account_id):
                await self.drop_publisher(publisher)
        for viewer in list(self.viewers.values()):
            if not self.admits(viewer.part):
                await self.drop_viewer(viewer)
        if order.state != before.state:
            if order.state == StreamState.LIVE:
                for source in VIDEO:
                    self.tracks[source].wish_key()
            self.arrange()

    async def close(self) -> None:
        for publisher in list(self.publishers.values()):
            await self.drop_publisher(publisher)
        for viewer in list(self.viewers.values()):
            await self.drop_viewer(viewer)

    async def drop_publisher(self, publisher: Publisher) -> None:
        if self.publishers.get(publisher.part) is publisher:
            del self.publishers[publisher.part]
        await publisher.close()
        self.arrange()

    async def drop_viewer(self, viewer: Viewer) -> None:
        self.viewers.pop(viewer.id, None)
        await viewer.close()

    def arrange(self) -> None:
        """Show every viewer what there is to see now."""
        for viewer in self.viewers.values():
            viewer.arrange()

    # ── to the packager ────────────────────────────

    def record(self, source: Source, frame: Frame) -> None:
        """Hand a frame to the packager, when the class is being recorded."""
        if not self.recording or source not in RECORDED:
            return
        clock = self.tracks[source].clock
        flags = (Flag.KEY if frame.key else Flag.NONE) | (Flag.SYNCED if clock.synced else Flag.NONE)
        self._sent.add(source)
        self._link.send(
            Message(
                Kind.FRAME, self.stream_id, self.order.epoch, source, flags, clock.at_us(frame.timestamp),
                time.time_ns() // 1000, frame.payload,
            )
        )  # fmt: skip

    def gone(self, source: Source) -> None:
        """Tell the packager that a source stopped."""
        if source in self._sent:
            self._sent.discard(source)
            self._link.send(
                Message(Kind.GONE, self.stream_id, self.order.epoch, source, arrived_us=time.time_ns() // 1000)
            )

    def wish_keys(self) -> None:
        """Browsers send key frames only on request: ask when the last one is `KEY_EVERY` old."""
        now = time.monotonic()
        for source in VIDEO & RECORDED if self.recording else ():
            track = self.tracks[source]
            if track.live and now - track.key_at >= KEY_EVERY - 0.05:
                track.wish_key(calmly=1.0)
        for track in self.tracks.values():
            if track.waiting and track.is_video:
                track.wish_key()

    # ── what is known of it ──────────────────────────

    def measure(self) -> None:
        """Note the bit rates; once a second."""
        now = time.monotonic()
        for source, track in self.tracks.items():
            octets, at, _ = self._rates.get(source, (track.octets, now - 1, 0))
            self._rates[source] = (track.octets, now, round((track.octets - octets) * 8 / max(0.1, now - at) / 1000))

    def state(self) -> dict[str, Any]:
        """What the trainer's health words are made of."""
        sources = {}
        for publisher in self.publishers.values():
            for source, intake in publisher.intakes.items():
                track = self.tracks[source]
                sources[source.name.lower()] = {
                    "live": track.live,
                    "kbps": self._rates.get(source, (0, 0.0, 0))[2],
                    "packets": track.packets,
                    "lost": intake.inlet.lost,
                    "loss": round(intake.loss, 4),
                    "keys": track.keys,
                    "key_requests": track.asked,
                    "repaired": track.repaired,
                    "faults": intake.inlet.faults,
                    "viewers": track.viewers,
                    "codec": intake.codec,
                }
        return {
            "id": self.stream_id,
            "state": self.order.state.value,
            "epoch": self.order.epoch,
            "sources": sources,
            "viewers": len(self.viewers),
            "lossy": sum(viewer.lossy for viewer in self.viewers.values()),
            "dropped": sum(viewer.dropped for viewer in self.viewers.values()),
        }
