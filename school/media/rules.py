"""Pure rules of the media room: upload parts, file names, names inside a timeline, and when a signed path expires."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from school.core.errors import Invalid
from school.core.i18n import N_
from school.core.store import MIN_PART

PART = 8 * 1024**2  # bytes of a full part, and what a browser sends in one request
ESSENTIAL = frozenset({"ingest", "transcode", "demo_lecture"})  # jobs without which an asset cannot become ready
NAME_LENGTH = 120  # characters of a file's name or a title that are kept
PATH_SPARE = timedelta(hours=6)  # a signed path lives this much longer than the recording
PATH_STEP = timedelta(hours=6)  # expiries fall on multiples of this, so that viewers share one address


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of an upload from `offset`, to be stored as one part."""

    offset: int
    data: bytes

    @property
    def end(self) -> int:
        return self.offset + len(self.data)


class PartCutter:
    """Cuts what streams in into full parts, holding no more than one part.

    `tail` is the short part stored last (`is_short`); it is cut anew together with what follows, so that however often
    a line breaks only the very last part of an upload is short.
    """

    def __init__(self, offset: int, tail: bytes = b"", *, full: int = PART) -> None:
        self._full = full
        self._offset = offset - len(tail)
        self._old = len(tail)
        self._held = [tail] if tail else []
        self._size = len(tail)

    def feed(self, data: bytes) -> list[Piece]:
        """The parts that `data` completes."""
        ready = []
        while data:
            taken = data[: self._full - self._size]
            self._held.append(taken)
            self._size += len(taken)
            data = data[len(taken) :]
            if self._size == self._full:
                ready.append(self._cut())
        return ready

    def rest(self) -> Piece | None:
        """What is left at the end, shorter than a full part; None when nothing new is."""
        return self._cut() if self._size > self._old else None

    def _cut(self) -> Piece:
        piece = Piece(self._offset, b"".join(self._held))
        self._offset, self._held, self._size, self._old = piece.end, [], 0, 0
        return piece


def is_short(size: int, *, short: int = MIN_PART) -> bool:
    """Whether a part of `size` must be the last one of its upload, or be cut anew with what follows."""
    return size < short


def clean_name(name: str) -> str:
    """A file's name fit to be shown: its last path component without control or formatting characters, not too long."""
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    name = "".join(" " if c.isspace() else c for c in name if c.isspace() or unicodedata.category(c)[0] != "C")
    name = re.sub(r" +", " ", name).strip(" .")
    if len(name) <= NAME_LENGTH:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > 10:
        return name[:NAME_LENGTH]
    return stem[: NAME_LENGTH - len(suffix) - 2] + "…." + suffix


def stem(name: str) -> str:
    """A file's name without its suffix: the title until the trainer writes a better one."""
    front, dot, suffix = name.rpartition(".")
    return front if dot and front and len(suffix) <= 10 else name


def parse_metadata(header: str) -> dict[str, str]:
    """tus `Upload-Metadata`: pairs of a key and base64 text, between commas. Raises Invalid."""
    found: dict[str, str] = {}
    for pair in filter(None, (piece.strip() for piece in header.split(","))):
        key, _, value = pair.partition(" ")
        try:
            text = base64.b64decode(value.strip(), validate=True).decode("utf-8", "replace")
        except ValueError:
            text = None
        if text is None or key in found:
            raise Invalid("upload.metadata", N_("上传请求里的文件信息读不懂。请刷新页面后重新选择文件。"))
        found[key] = text
    return found


def size_words(size: int) -> str:
    """`960 MB`, `1.8 GB`: as people read sizes of files."""
    if size >= 1024**3:
        return f"{size / 1024**3:.1f} GB".replace(".0 ", " ")
    return f"{max(1, round(size / 1024**2))} MB"


def path_expiry(moment: datetime, length_ms: int) -> datetime:
    """When a media path given out at `moment` ends: at least the recording's length and six hours later."""
    least = (moment + timedelta(milliseconds=length_ms) + PATH_SPARE).timestamp()
    step = PATH_STEP.total_seconds()
    return datetime.fromtimestamp(-(-least // step) * step, moment.tzinfo)


POSTER = "poster.jpg"  # object names below a timeline's prefix
STORYBOARD = "storyboard.jpg"
PLAYABLE = re.compile(
    rf"(?P<playlist>master|(?P<rendition>[a-z0-9]{{1,20}})/index)\.m3u8"
    rf"|[a-z0-9]{{1,20}}/(?:init(?:-\d{{1,5}})?\.mp4|\d{{5}}\.m4s)|{re.escape(POSTER)}|{re.escape(STORYBOARD)}"
)  # everything a signed path may end with


def prefix(timeline_id: int) -> str:
    """Where a timeline's objects lie in the store."""
    return f"timelines/{timeline_id}/"


def media_path(timeline_id: int, expiry: datetime) -> str:
    """The signed part of a media path."""
    return f"{timeline_id}/{int(expiry.timestamp())}"


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
    """A segment whose object is stored under the timeline's prefix + `segment_name`. Numbers start at 0, without gaps.

    `run` grows at each discontinuity (a new publisher, another picture size): decode times begin anew and the run has
    an init section of its own, in every rendition. `wall_ms` is the server's clock at the beginning of a live segment.
    """

    rendition: str
    number: int
    start_ms: int
    length_us: int
    size: int
    sha256: str
    run: int = 0
    wall_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a live recording without a hole: media [media_ms, +length_ms] was made at [wall_ms, +length_ms]."""

    wall_ms: int
    media_ms: int
    length_ms: int


HOLE_MS = 1000  # arrival times waver and clocks drift; more than this is time that was not recorded


def merged_runs(segments: Sequence[tuple[int, int, int, int]]) -> list[Run]:
    """Stretches of consecutive segments (start in ms, length in µs, run, wall clock in ms)."""
    found: list[Run] = []
    last: int | None = None
    for start_ms, length_us, run, wall_ms in segments:
        end_ms = start_ms + round(length_us / 1000)
        if found and run == last and abs(wall_ms - found[-1].wall_ms - (start_ms - found[-1].media_ms)) <= HOLE_MS:
            found[-1] = replace(found[-1], length_ms=end_ms - found[-1].media_ms)
        else:
            found.append(Run(wall_ms, start_ms, end_ms - start_ms))
        last = run
    return found


def init_name(rendition: str, run: int = 0) -> str:
    """Object name of a run's initialisation section, below the timeline's prefix."""
    return f"{rendition}/init-{run}.mp4" if run else f"{rendition}/init.mp4"


def segment_name(rendition: str, number: int) -> str:
    """Object name of a segment, below the timeline's prefix."""
    return f"{rendition}/{number:05}.m4s"
