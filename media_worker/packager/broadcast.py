"""One class as the packager has it: which picture leads, what is cut from it, what is kept and what is served.

The main picture is the shared screen, else the camera, else a card while there is sound. While the screen leads, the
camera is kept beside it as a picture of its own. Everything here runs in the loop and never waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from media_worker.frames import AUDIO_SLOTS, VIDEO, Flag, Kind, Message, Source
from media_worker.packager.card import EVERY, card
from media_worker.packager.clock import PublisherClock
from media_worker.packager.cutter import PictureTrack, SoundTrack
from media_worker.packager.h264 import Unit, Unreadable, read_unit
from media_worker.packager.recording import Half, Recording
from media_worker.packager.shelf import Segment, Shelf
from media_worker.packager.sound import Mixer, Voice, place
from school.media.models import StreamState
from school.media.streams import Order, Recorded

log = structlog.get_logger("packager")

KEY_EVERY = 2_000_000  # microseconds between the key pictures that are asked for
ASK_AGAIN = 500_000  # least microseconds between two questions
KEYLESS = 20_000_000  # a publisher that sends no key picture for so long is heard again from the next one on
HOLE = 3_000_000  # a picture that has not come for so long is gone
GONE = 1_000_000  # a picture whose publisher left may come back, or another take its place, in this time
UNHEARD = 1_500_000  # longest that the sound waits for a voice that was heard before
SPEAKING = 500_000  # sound that came so lately goes on, also where silence is sent sparingly
STALL = 5_000_000  # between two ticks: our clock was set, or we were asleep
BEHIND = 150_000  # the sound is mixed this long after it was said when nobody is waited for
KEPT_BEFORE = 5_000_000  # sound that is remembered between runs, until a key picture says where one begins


@dataclass(slots=True)
class Line:
    """One source as it comes. Moments in microseconds on our clock; 0: never."""

    source: Source
    clock: PublisherClock = field(default_factory=PublisherClock)  # until its sender reports have come
    life: int = 0  # grows whenever the source goes, so that who comes after is somebody else
    seen_us: int = 0
    gone_us: int = 0
    asked_us: int = 0
    ready: bool = False  # it has given a key picture
    voice: Voice | None = None
    said_us: int = 0  # end of what it has said


class Broadcast:
    """`obey` orders, `hear` frames, `tick` ten times a second; `video` and `audio` are what is served."""

    def __init__(
        self, order: Order, recorded: tuple[Recorded, Recorded], recording: Recording, ask: Callable[[Source], bool]
    ) -> None:
        self.order = order
        self.recording = recording
        main, camera = recorded
        self.video = Shelf(main.number, main.run, self._picture_closed)
        self.audio = Shelf(main.number, main.run, self._sound_closed)
        self._camera_shelf = Shelf(camera.number, camera.run, self._camera_closed)  # kept, not served
        self._ask_publisher = ask
        self._lines = {source: Line(source) for source in Source}
        self._clocks: dict[Source, PublisherClock] = {}
        self._mixer = Mixer(0)
        self._sound = SoundTrack(self.audio, self._mixer)
        self._main = PictureTrack(self.video, self._sound.cut)
        self._beside = PictureTrack(self._camera_shelf)
        self._leading: tuple[Source, int] | None = None  # source and its life; None: the card, or nothing
        self._beside_life = 0
        self._pictured: deque[Segment] = deque()  # closed pictures whose sound is not there yet
        self._ticked_us = 0
        self._live_us = 0  # since when the class is on, as far as we are concerned
        self.live = False
        self.over = False
        self.left_at: float | None = None  # when it stood in the orders no longer
        self.faults = 0

    # ── orders ──────────────────────────────────────────

    def obey(self, order: Order, now_us: int) -> None:
        """Do what the web process ordered; the same again changes nothing."""
        self.order = order
        live = order.state == StreamState.LIVE
        if live and not self.live:
            self.live, self._live_us, self._ticked_us = True, now_us, now_us
            for source in (Source.SCREEN, Source.CAMERA):
                self._ask(self._lines[source], now_us)
        elif self.live and not live:
            self.live = False
            self._rest()
        if order.state in (StreamState.ENDED, StreamState.STOPPED) and not self.over:
            self.over = True
            self.video.end()
            self.audio.end()
            self.leave()

    def leave(self) -> None:
        """Nothing more comes from this process: close what is open and keep it."""
        if self.live:
            self.live = False
            self._rest()
        self.recording.close()

    def _rest(self) -> None:
        """Close what is open, with what is here."""
        for track in (self._main, self._beside):
            if track.shape is not None:
                track.end()
        self._sound.finish()
        self._leading = None
        for line in self._lines.values():
            line.voice, line.ready = None, False

    def _begin_anew(self, now_us: int) -> None:
        """Moments before and after do not belong together: what follows is a run of its own."""
        log.warning("this machine's clock was set, or we were asleep", stream=self.order.stream_id)
        self._rest()
        self._lines = {source: Line(source, life=line.life + 1) for source, line in self._lines.items()}
        self._clocks.clear()
        self._live_us = now_us

    # ── what comes from the relay ───────────────────────────────

    def hear(self, message: Message) -> None:
        """A frame, or the news that a source is gone."""
        line = self._lines[message.source]
        if message.kind == Kind.GONE:
            self._lose(line, message.arrived_us)
        elif message.kind == Kind.FRAME and message.epoch == self.order.epoch and message.source != Source.SMALL:
            at_us = self._clock(line, message).ours(message.at_us, message.arrived_us)
            line.seen_us = message.arrived_us
            if not self.live:
                return
            if message.source in VIDEO:
                self._see(line, at_us, message.payload)
            else:
                self._listen(line, at_us, message.payload)

    def cut_off(self, now_us: int) -> None:
        """The relay is gone, and with it every source."""
        for line in self._lines.values():
            if line.seen_us:
                self._lose(line, now_us)

    def _clock(self, line: Line, message: Message) -> PublisherClock:
        """Sources of one publisher share its clock once its sender reports tie them together."""
        if not message.flags & Flag.SYNCED:
            return line.clock
        one = Source.MIC if line.source == Source.CAMERA else line.source
        return self._clocks.setdefault(one, PublisherClock())

    def _lose(self, line: Line, now_us: int) -> None:
        line.life += 1
        line.seen_us, line.gone_us, line.ready, line.voice = 0, now_us, False, None
        line.clock = PublisherClock()
        both = {Source.MIC, Source.CAMERA}
        if line.source not in both or not any(self._lines[one].seen_us for one in both):
            self._clocks.pop(Source.MIC if line.source in both else line.source, None)
        if line.source == Source.SCREEN and self.live:
            self._end_beside()
            self._ask(self._lines[Source.CAMERA], now_us)

    def _listen(self, line: Line, at_us: int, payload: bytes) -> None:
        if line.voice is None:
            line.voice = Voice()
        for begin, pcm in line.voice.hear(at_us, payload):
            self._mixer.add(begin, pcm)
            line.said_us = (begin + pcm.shape[1]) * 1000 // 48

    def _see(self, line: Line, at_us: int, payload: bytes) -> None:
        try:
            unit = read_unit(payload)
        except Unreadable as trouble:
            self.faults += 1
            log.warning("a picture that cannot be read", stream=self.order.stream_id, trouble=str(trouble))
            return
        if unit is None:
            return
        line.ready = line.ready or unit.shape is not None
        if not line.ready:
            self._ask(line, line.seen_us)
        elif line.source == self._preferred():
            self._lead(line, at_us, unit)
        elif line.source == Source.CAMERA:
            self._stand_beside(line, at_us, unit)

    def _preferred(self) -> Source:
        return Source.SCREEN if self._lines[Source.SCREEN].ready else Source.CAMERA

    # ── pictures ─────────────────────────────────────────

    def _lead(self, line: Line, at_us: int, unit: Unit) -> None:
        same = self._leading == (line.source, line.life)
        if self._on(self._main, same, line, at_us, unit):
            self._leading = line.source, line.life
            if line.source == Source.CAMERA:
                self._end_beside()

    def _stand_beside(self, line: Line, at_us: int, unit: Unit) -> None:
        if self._on(self._beside, self._beside_life == line.life, line, at_us, unit):
            self._beside_life = line.life

    def _on(self, track: PictureTrack, same: bool, line: Line, at_us: int, unit: Unit) -> bool:
        """Lay a picture onto a track, in a new run when it does not follow; whether it lies there."""
        distance = at_us - track.last_us
        whole = track.shape is not None and -HOLE < distance < HOLE and at_us - track.key_us < KEYLESS
        if whole and same and unit.shape in (None, track.shape):
            track.push(at_us, unit)
            if at_us - track.key_us >= KEY_EVERY:
                self._ask(line, line.seen_us)
            return True
        if unit.shape is None:
            self._ask(line, line.seen_us)
            return False
        if track.shape is not None:
            end_us = track.end(at_us if whole else None)
            at_us = max(at_us, end_us) if whole else at_us
        track.begin(at_us, unit)
        return True

    def _end_beside(self) -> None:
        if self._beside.shape is not None:
            self._beside.end()

    def _ask(self, line: Line, now_us: int) -> None:
        late = now_us - line.asked_us >= ASK_AGAIN or now_us < line.asked_us
        if late and self._ask_publisher(line.source):
            line.asked_us = now_us

    # ── as time goes by ──────────────────────────────────────

    def tick(self, now_us: int) -> None:
        """What happens because nothing came: pictures that are gone, the card, and the sound up to here."""
        steady, self._ticked_us = -STALL < self._ticked_us - now_us <= 0, now_us
        if not self.live:
            return
        if not steady:
            self._begin_anew(now_us)
        voices = [self._lines[source] for source in AUDIO_SLOTS if self._lines[source].voice]
        heard = [line for line in voices if now_us - line.seen_us < UNHEARD]
        speaking = any(now_us - line.seen_us < SPEAKING for line in heard)
        if self._leading is not None:
            self._look_after_leading(now_us, speaking)
        elif self._main.shape is not None:
            self._show_card(now_us, bool(heard))
        elif speaking and now_us - max(self._live_us, self._main.last_us) > HOLE:
            self._begin_card(now_us - BEHIND)
        camera = self._lines[Source.CAMERA]
        if self._beside.shape is not None and (camera.life != self._beside_life or now_us - camera.seen_us > HOLE):
            self._end_beside()
        if self._sound.idle:
            self._mixer.skip_to(place(now_us - KEPT_BEFORE))
        said = min((line.said_us for line in heard), default=now_us - BEHIND)
        self._sound.advance(min(self._main.last_us, max(said, now_us - UNHEARD)))

    def _look_after_leading(self, now_us: int, speaking: bool) -> None:
        assert self._leading is not None
        source, life = self._leading
        line = self._lines[source]
        since, patience = (line.seen_us, HOLE) if line.life == life else (line.gone_us, GONE)
        if now_us - since <= patience:
            return
        line.ready = False
        end_us, self._leading = self._main.end(), None
        if speaking:
            self._begin_card(end_us)

    def _begin_card(self, at_us: int) -> None:
        self._leading = None
        self._main.begin(at_us, card())

    def _show_card(self, now_us: int, heard: bool) -> None:
        while self._main.last_us + EVERY <= now_us - BEHIND:
            self._main.push(self._main.last_us + EVERY, card())
        if not heard:
            self._main.end()

    # ── what was closed ──────────────────────────────────────

    def _picture_closed(self, segment: Segment) -> None:
        self._pictured.append(segment)

    def _sound_closed(self, segment: Segment) -> None:
        picture = self._pictured.popleft()
        self.recording.take(
            [
                Half("source", "video", picture, self.video.openings[picture.run]),
                Half("audio", "audio", segment, self.audio.openings[segment.run]),
            ]
        )

    def _camera_closed(self, segment: Segment) -> None:
        half = Half("camera", "video", segment, self._camera_shelf.openings[segment.run])
        self.recording.take([half], camera=True)
