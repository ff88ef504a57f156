"""Sound: Opus of the microphone and the called speakers, mixed by the moment it was said, and encoded as AAC.

Moments are microseconds on our clock, places are samples at 48 kHz on the same clock. What nobody said (a gap, a
muted microphone, nobody there) is silence, so the sound is always as long as the picture.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

RATE = 48_000
FRAME = 1024  # samples of an AAC frame
BIT_RATE = 96_000
KEPT = 16 * RATE  # samples between what was mixed last and the newest that is taken
GAP = RATE * 30 // 1000  # further than this from its place is a gap; nearer is drift, and is stretched away
STRETCH = 200  # one sample in so many

Pcm = NDArray[np.float32]  # [2, samples], −1 to 1


def place(at_us: int) -> int:
    """The sample at a moment."""
    return at_us * 48 // 1000


class Voice:
    """One source of sound: decodes its packets and knows where the next one joins on."""

    def __init__(self) -> None:
        self._decoder = av.CodecContext.create("opus", "r")
        self._decoder.sample_rate = RATE
        self._decoder.layout = "stereo"
        self._next: int | None = None

    def hear(self, at_us: int, payload: bytes) -> list[tuple[int, Pcm]]:
        """What the packet says, with the place of each piece; a packet that is none says nothing."""
        if not payload:  # the decoder would take it for the end of everything
            return []
        try:
            frames = self._decoder.decode(av.Packet(payload))
        except av.FFmpegError:
            return []
        heard, begin = [], place(at_us)
        for frame in frames:
            pcm = _stereo(frame)
            heard.append(self._join(begin, pcm))
            begin += pcm.shape[1]
        return heard

    def _join(self, begin: int, pcm: Pcm) -> tuple[int, Pcm]:
        size = pcm.shape[1]
        if self._next is None or abs(begin - self._next) > GAP:
            self._next = begin
        away = begin - self._next
        most = size // STRETCH
        if step := max(-most, min(most, away)):
            grid = np.linspace(0, size - 1, size + step)
            pcm = np.stack([np.interp(grid, np.arange(size), side) for side in pcm]).astype(np.float32)
        start, self._next = self._next, self._next + pcm.shape[1]
        return start, pcm


class Mixer:
    """Adds up what was said at the same time, in a ring of `KEPT` samples from `cursor` on."""

    def __init__(self, cursor: int) -> None:
        self.cursor = cursor
        self._ring: Pcm = np.zeros((2, KEPT), np.float32)

    def add(self, begin: int, pcm: Pcm) -> None:
        """Lay sound at its place; what lies before the cursor comes too late."""
        skipped = max(0, self.cursor - begin)
        begin, pcm = begin + skipped, pcm[:, skipped:]
        pcm = pcm[:, : max(0, self.cursor + KEPT - begin)]
        first = min(pcm.shape[1], KEPT - begin % KEPT)
        self._ring[:, begin % KEPT : begin % KEPT + first] += pcm[:, :first]
        self._ring[:, : pcm.shape[1] - first] += pcm[:, first:]

    def take(self, count: int) -> Pcm:
        """The next `count` samples; the cursor goes on."""
        slots = np.arange(self.cursor, self.cursor + count) % KEPT
        mixed = np.clip(self._ring[:, slots], -1.0, 1.0)
        self._ring[:, slots] = 0
        self.cursor += count
        return mixed

    def skip_to(self, cursor: int) -> None:
        """Forget what lies before `cursor`; everything, when that goes back or far ahead because a clock was set."""
        if 0 <= cursor - self.cursor < KEPT:
            self.take(cursor - self.cursor)
        else:
            self._ring[:] = 0
            self.cursor = cursor


class Encoder:
    """AAC of one run. The encoder looks one frame ahead, so frames come out that much later than they went in."""

    def __init__(self) -> None:
        self._codec: Any = av.CodecContext.create("aac", "w")
        self._codec.sample_rate = RATE
        self._codec.layout = "stereo"
        self._codec.format = "fltp"
        self._codec.bit_rate = BIT_RATE
        self._codec.time_base = Fraction(1, RATE)
        self._codec.open()
        self._fed = 0
        self._primed = False

    @property
    def configuration(self) -> bytes:
        """The AudioSpecificConfig."""
        return bytes(self._codec.extradata)

    def feed(self, pcm: Pcm) -> list[bytes]:
        """Encoded frames of `FRAME` samples; the first one fed is the first one out."""
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm), format="fltp", layout="stereo")
        frame.sample_rate = RATE
        frame.pts = self._fed
        self._fed += FRAME
        return self._out(frame)

    def flush(self) -> list[bytes]:
        """What the encoder still holds."""
        return self._out(None)

    def _out(self, frame: av.AudioFrame | None) -> list[bytes]:
        packets = [bytes(packet) for packet in self._codec.encode(frame)]
        if packets and not self._primed:  # the first packet is nothing but the encoder's run-up
            self._primed = True
            return packets[1:]
        return packets


def _stereo(frame: av.AudioFrame) -> Pcm:
    pcm = frame.to_ndarray()
    if not frame.format.is_planar:
        pcm = pcm.reshape(-1, frame.layout.nb_channels).T
    if pcm.dtype == np.int16:
        pcm = pcm / 32768
    return np.repeat(pcm, 2, 0).astype(np.float32) if pcm.shape[0] == 1 else pcm.astype(np.float32, copy=False)
