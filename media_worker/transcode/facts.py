"""What the probe learnt about a source file, as values that survive JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True, slots=True)
class Picture:
    """The first real video stream (never a cover picture). Times in µs from the start of the file."""

    codec: str
    width: int  # as coded, before rotation
    height: int
    pixel_aspect: Fraction
    rotation: int  # degrees, a multiple of 90
    rate: Fraction  # frames per second, snapped to a usual one
    pixel_format: str
    interlaced: bool
    start_us: int
    end_us: int
    bit_rate: int
    longest_gap_us: int  # between two frames; a still screen may have none for long
    codecs: str = ""  # RFC 6381, when the stream can be copied as it is
    timescale: int = 0  # ticks per second of the stream's own clock
    longest_gop_us: int = 0
    cuts_us: tuple[int, ...] = ()  # key frames at least a segment apart; only for a stream that can be copied

    @property
    def display(self) -> tuple[int, int]:
        """Width and height on screen, in square pixels, after rotation."""
        width = round(self.width * self.pixel_aspect)
        return (self.height, width) if self.rotation % 180 else (width, self.height)

    @property
    def square(self) -> bool:
        """Upright, with pixels as good as square."""
        return abs(self.pixel_aspect - 1) < Fraction(1, 100) and self.rotation % 360 == 0


@dataclass(frozen=True, slots=True)
class Sound:
    """The first audio stream."""

    codec: str
    channels: int
    rate: int
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Facts:
    """One source file. `length_us` is what is really there, `promised_us` what its header claims (0: it claims nothing)."""

    container: str
    size: int
    length_us: int
    promised_us: int
    picture: Picture | None
    sound: Sound | None

    @property
    def length_ms(self) -> int:
        return self.length_us // 1000

    def to_json(self) -> dict[str, Any]:
        facts = asdict(self)
        if self.picture:
            facts["picture"] |= {"pixel_aspect": str(self.picture.pixel_aspect), "rate": str(self.picture.rate)}
        return facts

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Facts:
        picture, sound = facts["picture"], facts["sound"]
        if picture:
            picture = Picture(**{
                **picture,
                "pixel_aspect": Fraction(picture["pixel_aspect"]),
                "rate": Fraction(picture["rate"]),
                "cuts_us": tuple(picture["cuts_us"]),
            })  # fmt: skip
        return cls(**{**facts, "picture": picture, "sound": Sound(**sound) if sound else None})
