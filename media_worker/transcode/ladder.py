"""From probe facts to a plan, purely: which renditions, copied or encoded, on which grid of segments, in which runs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from media_worker.transcode.facts import Facts, Picture
from school.media.rules import Rendition

SEGMENT = 4  # seconds a segment aims at
RUN = 15  # segments one ffmpeg makes: 60 s, so that a failure repeats little and a seek costs little
RATE_MAX = 30  # a frame rate above this is halved
AUDIO = "audio"
AUDIO_RATE = 48_000
AUDIO_FRAME = 1024  # samples of an AAC frame
AUDIO_SEGMENT = -(-SEGMENT * AUDIO_RATE // AUDIO_FRAME)  # frames: 188, which is 4.01 s

COPY_GOP_US = 6_000_000  # longer gaps between key frames make segments too long to copy
COPY_RATE = 8_000_000  # bit/s; above it a phone on mobile data is better served by an encode
UNEVEN_US = 500_000  # picture and sound may differ by this much before the shorter one must be filled up
LATE_US = 100_000  # a copied picture may begin this late

# name, short side, highest bit rate of the encoder
_STEPS = (("1080", 1080, 5_500_000), ("720", 720, 3_000_000), ("480", 480, 1_400_000))
_WORTH = 1.2  # a source this much larger than a step deserves a rendition of its own size above it

# H.264 levels: number, macroblocks of a frame, macroblocks per second
_LEVELS = ((30, 1620, 40_500), (31, 3600, 108_000), (32, 5120, 216_000), (40, 8192, 245_760), (42, 8704, 522_240))


@dataclass(frozen=True, slots=True)
class Step:
    """One video rendition: its size in square pixels, and the encoder's ceiling in bit/s."""

    name: str
    width: int
    height: int
    ceiling: int
    level: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What to make of one source. Video segment `n` begins at `start(n)`; all encoded renditions share this grid."""

    length_us: int
    steps: tuple[Step, ...]  # to be encoded, largest first; each is scaled from the one before
    copied: Rendition | None  # the source's own stream as the largest rendition
    rate: Fraction  # frames per second of an encode; a copy keeps the source's frame times
    timescale: int
    cuts_us: tuple[int, ...]  # where segments begin in the copy path
    channels: int  # of the sound; 0: silent
    deinterlace: bool

    @property
    def gop(self) -> int:
        """Frames of a segment on the even grid."""
        return max(1, round(SEGMENT * self.rate))

    @property
    def count(self) -> int:
        """Video segments; the last one may be short."""
        if not (self.steps or self.copied):
            return 0
        return len(self.cuts_us) or -(-self.frames // self.gop)

    @property
    def frames(self) -> int:
        """Frames of the whole timeline on the even grid."""
        return max(1, round(self.rate * self.length_us / 1_000_000))

    @property
    def audio_count(self) -> int:
        frames = -(-self.length_us * AUDIO_RATE // (AUDIO_FRAME * 1_000_000))
        return -(-frames // AUDIO_SEGMENT) if self.channels else 0

    def start(self, number: int) -> Fraction:
        """Seconds at which video segment `number` begins."""
        return Fraction(self.cuts_us[number], 1_000_000) if self.cuts_us else number * self.gop / self.rate

    def ticks(self, number: int) -> int:
        """`start(number)` on the plan's clock."""
        return round(self.start(number) * self.timescale)

    @property
    def renditions(self) -> list[Rendition]:
        """As the timeline names them, largest first, the sound last."""
        made = [self.copied] if self.copied else []
        made += [
            Rendition(s.name, "video", f"avc1.6400{s.level:02x}", s.ceiling, 0, s.width, s.height, float(self.rate))
            for s in self.steps
        ]
        if self.channels:
            made.append(Rendition(AUDIO, "audio", "mp4a.40.2", audio_rate(self.channels)))
        return made


def plan(facts: Facts) -> Plan:
    """The plan of a source; the same facts always give the same plan, so that any worker can continue it."""
    picture, sound = facts.picture, facts.sound
    channels = min(sound.channels, 2) if sound else 0
    if picture is None:
        return Plan(facts.length_us, (), None, Fraction(25), 90_000, (), channels, False)
    spare = facts.length_us - picture.end_us
    length = picture.end_us if spare <= UNEVEN_US else facts.length_us  # a sound's last frame is often longer
    rate = halved(picture.rate)
    steps = sizes(*picture.display, rate)
    if not may_copy(facts, picture):
        return Plan(length, steps, None, rate, timescale(rate), (), channels, picture.interlaced)
    top = steps[0]
    copied = Rendition(
        top.name, "video", picture.codecs, picture.bit_rate * 3 // 2, picture.bit_rate,
        picture.width, picture.height, float(picture.rate),
    )  # fmt: skip
    lower = sizes(*picture.display, picture.rate)[1:]
    return Plan(length, lower, copied, picture.rate, picture.timescale, picture.cuts_us, channels, False)


def may_copy(facts: Facts, picture: Picture) -> bool:
    """Whether the stream can be cut as it is: `codecs` and `cuts_us` are set by the probe only for clean H.264."""
    return bool(
        picture.codecs
        and picture.cuts_us
        and picture.square
        and not picture.interlaced
        and picture.pixel_format in {"yuv420p", "yuvj420p"}
        and min(picture.width, picture.height) <= 1080
        and max(picture.width, picture.height) <= 1920
        and picture.rate <= RATE_MAX
        and picture.longest_gop_us <= COPY_GOP_US
        and picture.bit_rate <= COPY_RATE
        and picture.start_us <= LATE_US
        and facts.length_us - picture.end_us <= UNEVEN_US
    )


def sizes(width: int, height: int, rate: Fraction) -> tuple[Step, ...]:
    """The ladder for a picture of this display size: standard short sides, never upscaled, even numbers."""
    short = min(width, height)
    steps: list[Step] = []
    for place, (name, side, ceiling) in enumerate(_STEPS):
        below = _STEPS[place + 1][1] if place + 1 < len(_STEPS) else 0
        if short < side and (steps or short <= below * _WORTH):
            continue  # either something larger stands already, or the next step is near enough
        w, h = fitted(width, height, side)
        area = w * h / (side * side * 16 / 9)
        steps.append(Step(name, w, h, int(ceiling * min(1.0, max(area, 0.25))), level(w, h, rate)))
    return tuple(steps)


def fitted(width: int, height: int, side: int) -> tuple[int, int]:
    """The largest even size of this shape whose short side is at most `side` and long side at most 16:9 of it."""
    scale = min(Fraction(1), Fraction(side, min(width, height)), Fraction(side * 16, 9 * max(width, height)))
    return _even(width * scale, width), _even(height * scale, height)


def _even(size: Fraction, most: int) -> int:
    return max(2, min(round(size / 2) * 2, most // 2 * 2))


def halved(rate: Fraction) -> Fraction:
    while rate > RATE_MAX:
        rate /= 2
    return rate


def snapped(rate: float) -> Fraction:
    """The usual frame rate a measured one stands for; an odd one is rounded up to whole frames, so that none is lost."""
    for usual in (Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)):
        if abs(rate / usual - 1) < 0.0004:
            return usual
    whole = round(rate)
    if whole and abs(rate / whole - 1) < 0.01:
        return Fraction(whole)
    return Fraction(max(1, -int(-rate // 1)))


def timescale(rate: Fraction) -> int:
    """A clock on which every frame of `rate` begins at a whole tick."""
    if (90_000 / rate).denominator == 1:
        return 90_000
    return rate.numerator if rate.numerator >= 10_000 else rate.numerator * 1000


def level(width: int, height: int, rate: Fraction) -> int:
    """The lowest H.264 level (times ten) for this size and rate."""
    blocks = -(-width // 16) * -(-height // 16)
    for number, frame, second in _LEVELS:
        if blocks <= frame and blocks * rate <= second:
            return number
    return 52


def audio_rate(channels: int) -> int:
    """bit/s: speech in one channel needs little more than half of two."""
    return 80_000 if channels == 1 else 128_000


def next_run(stored: Collection[int], first: int, count: int) -> range | None:
    """The next stretch of segments for one ffmpeg, from the first one that is missing at or after `first`; None: done."""
    begin = next((n for n in range(first, count) if n not in stored), None)
    return None if begin is None else range(begin, min(begin + RUN, count))
