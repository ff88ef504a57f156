"""Pure rules of the media room: upload parts, file names, names inside a timeline, and when a signed path expires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MIB = 1024**2
PART = 8 * MIB  # what a browser sends in one request, and the size of a full part
PART_MIN = 5 * MIB  # S3 joins no smaller part unless it is the last one


@dataclass(frozen=True, slots=True)
class Rendition:
    """One stream of a timeline. A video rendition has no sound; the sound is a rendition of its own.

    `bandwidth` (peak) and `average` in bit/s are estimates until the timeline is sealed; `codecs` as in RFC 6381.
    """

    name: str  # also its folder: `1080`, `720`, `480`, `audio`
    kind: Literal["video", "audio"]
    codecs: str
    bandwidth: int
    average: int = 0
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """A segment whose object is stored under the timeline's prefix + `segment_name`. Numbers start at 0, without gaps."""

    rendition: str
    number: int
    start_ms: int
    length_us: int
    size: int
    sha256: str


def init_name(rendition: str) -> str:
    """Object name of a rendition's initialisation section, below the timeline's prefix."""
    return f"{rendition}/init.mp4"


def segment_name(rendition: str, number: int) -> str:
    """Object name of a segment, below the timeline's prefix."""
    return f"{rendition}/{number:05}.m4s"
