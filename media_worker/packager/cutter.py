"""Cuts pictures and sound into parts of 0.4 s and segments of about 2 s, at the same moments.

The picture leads: a segment begins at a key picture, a run at a key picture whose shape or publisher is new. Each cut is
handed to the sound, which makes its own at the nearest frame once everything before it has been heard. Both renditions
say the lengths that the picture measured, so that they never drift apart.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from media_worker.packager import fmp4
from media_worker.packager.fmp4 import Sample
from media_worker.packager.h264 import Shape, Unit
from media_worker.packager.shelf import Opening, Part, Shelf
from media_worker.packager.sound import BIT_RATE, FRAME, Encoder, Mixer, place

PART = 400_000  # microseconds after which a part is closed at the next picture
SEGMENT = 1_500_000  # least microseconds between key pictures that begin segments; they are asked for every 2 s
USUAL, LONGEST = 40_000, 200_000  # a picture's time on screen when none follows: like the one before, within reason

CODECS = "mp4a.40.2"  # of the sound


class Depth(IntEnum):
    """What ends, or with BEGIN what begins, at a cut."""

    PART = 1
    SEGMENT = 2
    RUN = 3
    BEGIN = 4


class Cut(NamedTuple):
    depth: Depth
    at_us: int
    length_us: int = 0  # of the part that ends here, as the picture measured it


class PictureTrack:
    """One picture's frames as parts and segments on a shelf. All moments in microseconds on our clock, growing."""

    def __init__(self, shelf: Shelf, on_cut: Callable[[Cut], None] | None = None) -> None:
        self._shelf = shelf
        self._on_cut = on_cut or (lambda _cut: None)
        self.shape: Shape | None = None  # of the run; None between runs
        self.last_us = 0  # the newest picture, or the end of the last run
        self.key_us = 0  # the newest key picture
        self._base_us = self._part_us = self._segment_us = 0
        self._fragments = 0
        self._usual_us = USUAL
        self._held: tuple[int, Unit] | None = None  # its length is known when the next one comes
        self._samples: list[Sample] = []

    def begin(self, at_us: int, unit: Unit) -> None:
        """Start a run with a key picture."""
        assert self.shape is None
        assert unit.shape is not None
        self.shape, shape = unit.shape, unit.shape
        self._shelf.open_run(Opening(fmp4.picture_init(shape), shape.codecs, shape.width, shape.height))
        self._base_us = self._part_us = self._segment_us = self.key_us = self.last_us = at_us
        self._fragments, self._held, self._usual_us = 0, (at_us, unit), USUAL
        self._on_cut(Cut(Depth.BEGIN, at_us))

    def push(self, at_us: int, unit: Unit) -> None:
        """The next picture of the run."""
        at_us = max(at_us, self.last_us + 1000)
        self._usual_us = min(LONGEST, at_us - self.last_us)
        self._settle(at_us)
        if unit.shape is not None and at_us - self._segment_us >= SEGMENT:
            self._cut(Depth.SEGMENT, at_us)
        elif at_us - self._part_us >= PART - 1000:
            self._cut(Depth.PART, at_us)
        if unit.shape is not None:
            self.key_us = at_us
        self._held, self.last_us = (at_us, unit), at_us

    def end(self, at_us: int | None = None) -> int:
        """End the run where the next one begins, or where its last picture has been seen; says where."""
        end_us = max(at_us or self.last_us + self._usual_us, self.last_us + 1000)
        self._settle(end_us)
        self._cut(Depth.RUN, end_us)
        self.shape, self.last_us = None, end_us
        return end_us

    def _settle(self, until_us: int) -> None:
        if self._held is not None:
            at_us, unit = self._held
            ticks = self._tick(until_us) - self._tick(at_us)
            self._samples.append(Sample(unit.sample, ticks, unit.shape is not None))
            self._held = None

    def _cut(self, depth: Depth, at_us: int) -> None:
        self._fragments += 1
        data = fmp4.fragment(self._fragments, self._tick(self._part_us), self._samples)
        length_us = at_us - self._part_us
        self._shelf.add_part(self._part_us, Part(data, length_us, self._samples[0].key))
        self._samples, self._part_us = [], at_us
        if depth != Depth.PART:
            self._segment_us = at_us
            self._shelf.close_segment()
        self._on_cut(Cut(depth, at_us, length_us))

    def _tick(self, at_us: int) -> int:
        return round((at_us - self._base_us) * fmp4.PICTURE_RATE / 1_000_000)


class SoundTrack:
    """The mixed sound as parts and segments on a shelf, cut where the picture was."""

    def __init__(self, shelf: Shelf, mixer: Mixer) -> None:
        self._shelf = shelf
        self._mixer = mixer
        self._cuts: deque[Cut] = deque()
        self._encoder: Encoder | None = None
        self._drained = False  # the encoder has given everything of a run that ends
        self._base = 0  # place of the run's first sample
        self._begun = 0  # frames of the run that lie in parts already
        self._frames: list[bytes] = []  # encoded, in no part yet
        self._last = b""
        self._fragments = 0
        self._part_us = 0

    def cut(self, cut: Cut) -> None:
        """The picture was cut; the sound follows when it has come so far."""
        self._cuts.append(cut)

    def advance(self, until_us: int) -> None:
        """Everything said before `until_us` is here: mix, encode and cut so far."""
        until = place(until_us)
        while self._step(until):
            pass

    @property
    def idle(self) -> bool:
        """Between runs."""
        return self._encoder is None and not self._cuts

    def finish(self) -> None:
        """Make every cut that waits, with what is here."""
        if self._cuts:
            self.advance(self._cuts[-1].at_us + 1_000_000)

    def _step(self, until: int) -> bool:
        """One cut or one frame further; whether there was something to do."""
        if self._encoder is None:
            return self._begin(until)
        if cut := self._due():
            self._cut(cut)
            return True
        end = next((place(cut.at_us) for cut in self._cuts if cut.depth == Depth.RUN), None)
        if self._mixer.cursor + FRAME <= (until if end is None else min(until, end)):
            self._frames += self._encoder.feed(self._mixer.take(FRAME))
            return True
        if end is not None and end <= until and not self._drained:
            self._drain(self._encoder, max(0, end - self._mixer.cursor))
            return True
        return False

    def _due(self) -> Cut | None:
        """The first cut when every frame before it has been encoded; frames belong to where most of them lies."""
        if not self._cuts:
            return None
        cut = self._cuts[0]
        here = cut.depth != Depth.RUN and self._begun + len(self._frames) >= self._frames_before(cut)
        return self._cuts.popleft() if here or self._drained else None

    def _frames_before(self, cut: Cut) -> int:
        return round((place(cut.at_us) - self._base) / FRAME)

    def _begin(self, until: int) -> bool:
        if not self._cuts or place(self._cuts[0].at_us) > until:
            return False
        cut = self._cuts.popleft()
        self._encoder, self._drained = Encoder(), False
        self._mixer.skip_to(place(cut.at_us))
        self._part_us, self._base = cut.at_us, place(cut.at_us)
        self._begun, self._fragments, self._frames = 0, 0, []
        self._shelf.open_run(Opening(fmp4.sound_init(self._encoder.configuration, BIT_RATE), CODECS))
        return True

    def _drain(self, encoder: Encoder, rest: int) -> None:
        """The end of the run is reached: `rest` samples before it, and what the encoder holds."""
        if rest > FRAME // 4:
            self._frames += encoder.feed(np.pad(self._mixer.take(rest), ((0, 0), (0, FRAME - rest))))
        self._frames += encoder.flush()
        self._drained = True

    def _cut(self, cut: Cut) -> None:
        """Close a part. It is never empty: a very short one says the last frame again."""
        wanted = max(1, self._frames_before(cut) - self._begun) if cut.depth != Depth.RUN else len(self._frames)
        frames, self._frames = self._frames[:wanted], self._frames[wanted:]
        frames = frames or [self._last]
        self._last = frames[-1]
        self._fragments += 1
        data = fmp4.fragment(self._fragments, self._begun * FRAME, [Sample(frame, FRAME) for frame in frames])
        self._begun += len(frames)
        self._shelf.add_part(self._part_us, Part(data, cut.length_us, True))
        self._part_us = cut.at_us
        if cut.depth != Depth.PART:
            self._shelf.close_segment()
        if cut.depth == Depth.RUN:
            self._encoder = None
