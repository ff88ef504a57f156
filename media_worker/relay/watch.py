"""WHEP: a viewer's connection, with a section for each picture and sound that may come and go."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from aiortc import RTCPeerConnection

from media_worker.frames import AUDIO_SLOTS, VIDEO_SLOTS, Source
from media_worker.relay import aiortc_hooks as hooks
from media_worker.relay.offers import read
from media_worker.relay.publish import CONNECT, REFUSALS, bad_offer, unsupported
from media_worker.relay.sender import Budget, Sender
from media_worker.relay.srtp import Way
from school.core.errors import Invalid
from school.core.i18n import N_
from school.media.stream_tokens import Part

if TYPE_CHECKING:
    from media_worker.relay.broadcast import Broadcast

DEAD = 10.0  # seconds without a report or check, after which a viewer is gone
LOSSY = 0.25  # share of lost packets above which a line cannot carry the picture
LOSSY_FOR = 5.0  # seconds
WELL = 0.05  # share below which it is well again
WELL_FOR = 15.0  # seconds; doubled each time it fails again
WANTED = frozenset({Source.SCREEN, Source.CAMERA})
NAMES = {source.name.lower(): source for source in VIDEO_SLOTS}


class Viewer:
    """A connected viewer. `want`: the pictures it asked for; a viewer with one picture section gets the main one."""

    def __init__(self, broadcast: Broadcast, part: Part, account_id: int, pc: RTCPeerConnection) -> None:
        self.id = secrets.token_urlsafe(12)
        self.part, self.account_id, self.pc = part, account_id, pc
        self.opened_at = self.heard_at = time.monotonic()
        self.want: frozenset[Source] = WANTED
        self.lossy = False
        self.senders: dict[Source | None, Sender] = {}  # None: the section that follows the main picture
        self._broadcast = broadcast
        self._way: Way | None = None
        self._budget = Budget()
        self._bad_since: float | None = None
        self._well_since: float | None = None
        self._patience = WELL_FOR

    # ── coming about ────────────────────────────

    def add(self, source: Source | None, outlet: hooks.Outlet) -> None:
        """A section for a source; None for the one that follows the main picture."""
        broadcast = self._broadcast
        if source is None:
            ssrc, repair_ssrc = broadcast.follow_ssrc, broadcast.follow_repair_ssrc
        else:
            ssrc, repair_ssrc = broadcast.tracks[source].ssrc, broadcast.tracks[source].repair_ssrc
        outlet.name(group=_group(source), ssrc=ssrc, repair_ssrc=repair_ssrc)
        sender = Sender(outlet, f"class-{broadcast.stream_id}", self._budget)
        self.senders[source] = sender
        outlet.on_ready = lambda: self._ready(sender)
        outlet.on_feedback = lambda packet: self._feedback(sender, packet)

    def _ready(self, sender: Sender) -> None:
        if self._way is None:
            self._way = Way(hooks.Peer(sender.outlet.transport))
        sender.way = self._way
        self.hear()
        self.arrange()

    def _feedback(self, sender: Sender, packet: Any) -> None:
        self.hear()
        sender.feedback(packet)

    def hear(self) -> None:
        self.heard_at = time.monotonic()

    # ── what it gets ──────────────────────────────

    def arrange(self) -> None:
        """Aim every section at what it should show now."""
        tracks, shown = self._broadcast.tracks, self._broadcast.shows(self.part)
        for source, sender in self.senders.items():
            if source is None:
                main = self._main()
                if not shown:
                    sender.aim(None)
                elif main is not None:
                    sender.aim(tracks[main])
            else:
                sender.aim(tracks[source] if shown and self._gets(source) else None)

    def _gets(self, source: Source) -> bool:
        if source in AUDIO_SLOTS:
            return True
        if self.lossy and self._small_there:
            return source == Source.SMALL
        return source in self.want

    def _main(self) -> Source | None:
        there = [source for source in VIDEO_SLOTS if self._broadcast.tracks[source].live and self._gets(source)]
        return there[0] if there else None

    @property
    def _small_there(self) -> bool:
        return self._broadcast.tracks[Source.SMALL].live

    # ── how it is ────────────────────────────────

    @property
    def dropped(self) -> int:
        return self._way.dropped if self._way is not None else 0

    @property
    def dead(self) -> bool:
        if self.pc.connectionState in ("failed", "closed"):
            return True
        limit = DEAD if self.pc.connectionState == "connected" else CONNECT
        return time.monotonic() - self.heard_at > limit

    def watch_over(self) -> None:
        """Once a second: report to it, note where it has moved to, and spare a line that loses too much."""
        if self._way is None:
            return
        for sender in self.senders.values():
            sender.report()
        if self._way.peer.moved():
            self._move()
        else:
            self._way.address = self._way.peer.address
        self._spare()

    def _move(self) -> None:
        """It is reached over another of our ports now."""
        old = self._way
        assert old is not None
        try:
            self._way = Way(hooks.Peer(next(iter(self.senders.values())).outlet.transport))
        except (KeyError, OSError):  # no pair at the moment: the old one serves until it is dead
            self._way = old
            return
        for sender in self.senders.values():
            if sender.way is not None:
                sender.rejoin(self._way)
        old.close()

    def _spare(self) -> None:
        now = time.monotonic()
        pictures = [sender for source, sender in self.senders.items() if source not in AUDIO_SLOTS and sender.track]
        loss = max((sender.fraction_lost for sender in pictures), default=0.0)
        self._bad_since = (self._bad_since or now) if loss > LOSSY else None
        self._well_since = (self._well_since or now) if loss < WELL else None
        if not self.lossy and self._bad_since is not None and now - self._bad_since >= LOSSY_FOR:
            self.lossy, self._well_since = True, None
            self.arrange()
        elif self.lossy and self._well_since is not None and now - self._well_since >= self._patience:
            self.lossy, self._bad_since = False, None
            self._patience = min(300.0, 2 * self._patience)
            self.arrange()

    async def close(self) -> None:
        for sender in self.senders.values():
            sender.close()
        if self._way is not None:
            self._way.close()
            self._way = None
        await self.pc.close()


def _group(source: Source | None) -> str:
    """Browsers play one picture in step with one sound of the same group: the trainer's face with the trainer's voice."""
    if source in (None, Source.MIC, Source.CAMERA):
        return "class"
    assert source is not None
    return source.name.lower()


def wanted(names: object) -> frozenset[Source]:
    """Pictures by their names; Invalid (`stream.want`) when they are none."""
    if not isinstance(names, list) or not all(isinstance(name, str) and name in NAMES for name in names):
        raise Invalid("stream.want", N_("没有这样的画面。可以选 screen、camera、small。"))
    return frozenset(NAMES[name] for name in names)


async def watch(broadcast: Broadcast, part: Part, account_id: int, offer: str, *, advertise: str) -> tuple[Viewer, str]:
    """Connect a viewer; the answer to its offer. Raises Invalid (`stream.offer`), Unsupported (`stream.codec`)."""
    sections = read(offer)
    pictures = sum(section.kind == "video" and section.receives for section in sections)
    slots: dict[str, list[Source | None]] = {
        "audio": list(AUDIO_SLOTS),
        "video": [None] if pictures == 1 else list(VIDEO_SLOTS),
    }
    pc = hooks.connection()
    made = Viewer(broadcast, part, account_id, pc)
    broadcast.viewers[made.id] = made  # at once: the seat is taken
    try:
        for section in sections:
            takes = section.receives and bool(slots[section.kind])
            transceiver = pc.addTransceiver(section.kind, direction="sendonly" if takes else "inactive")
            if section.codec() is None:
                if takes:
                    raise unsupported(section)
                continue
            transceiver.setCodecPreferences(hooks.codecs(section.kind))
            if takes:
                outlet = transceiver.sender
                assert isinstance(outlet, hooks.Outlet)
                made.add(slots[section.kind].pop(0), outlet)
        if not made.senders:
            raise bad_offer()
        hooks.on_checked(pc, made.hear)
        answer = await hooks.answer(pc, offer, advertise)
    except BaseException as error:
        await broadcast.drop_viewer(made)
        if isinstance(error, REFUSALS):
            raise bad_offer() from error
        raise
    return made, answer
