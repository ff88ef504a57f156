"""The last segments of one rendition, part by part, with those who wait for the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

WINDOW = 12  # closed segments that are kept


@dataclass(frozen=True, slots=True)
class Part:
    """One `moof` with its `mdat`. A player may begin at an independent one."""

    data: bytes
    length_us: int
    independent: bool


@dataclass(slots=True)
class Segment:
    """A segment as it grows. `at_us` is the moment of its first frame on our clock."""

    number: int
    run: int
    at_us: int
    parts: list[Part] = field(default_factory=list)
    length_us: int = 0
    closed: bool = False

    @property
    def data(self) -> bytes:
        return b"".join(part.data for part in self.parts)

    @property
    def bit_rate(self) -> int:
        return sum(len(part.data) for part in self.parts) * 8_000_000 // max(1, self.length_us)


@dataclass(frozen=True, slots=True)
class Opening:
    """How a run begins. Sizes in pixels, none for sound."""

    init: bytes
    codecs: str
    width: int = 0
    height: int = 0


class Shelf:
    """Segments of one rendition in the order of their numbers; each run has its opening."""

    def __init__(self, first: int, run: int, on_closed: Callable[[Segment], None]) -> None:
        self.segments: deque[Segment] = deque()
        self.openings: dict[int, Opening] = {}
        self.ended = False
        # For EXT-X-DISCONTINUITY-SEQUENCE: discontinuities before the window. Those of the packager before us count, else a
        # player that goes on would put our moments on its time line.
        self.dropped_runs = run
        self.version = 0
        self._next, self._run = first, run - 1
        self._on_closed = on_closed
        self._changed = asyncio.Event()

    @property
    def opening(self) -> Opening | None:
        """Of the newest run."""
        return self.openings.get(self._run)

    @property
    def open_segment(self) -> Segment | None:
        return self.segments[-1] if self.segments and not self.segments[-1].closed else None

    @property
    def filled(self) -> bool:
        """Whether a segment has been closed."""
        return bool(self.segments and self.segments[0].closed)

    @property
    def next_number(self) -> int:
        """Of the segment that follows the newest one."""
        return self._next

    def open_run(self, opening: Opening) -> None:
        """What follows cannot be joined to what was; the segment before it must be closed."""
        self._run += 1
        self.openings[self._run] = opening

    def add_part(self, at_us: int, part: Part) -> None:
        """The next part; the first one after a closed segment begins a new one at `at_us`."""
        segment = self.open_segment
        if segment is None:
            segment = Segment(self._next, self._run, at_us)
            self._next += 1
            self.segments.append(segment)
        segment.parts.append(part)
        segment.length_us += part.length_us
        self._tell()

    def close_segment(self) -> None:
        """Nothing more belongs to the open segment."""
        segment = self.open_segment
        if segment is None:
            return
        segment.closed = True
        self._on_closed(segment)
        while len(self.segments) > WINDOW + 1:
            gone = self.segments.popleft()
            if self.segments[0].run != gone.run:
                self.dropped_runs += 1
                self.openings.pop(gone.run, None)
        self._tell()

    def end(self) -> None:
        """Nothing will follow at all."""
        self.ended = True
        self._tell()

    def find(self, number: int) -> Segment | None:
        if not self.segments or not 0 <= number - self.segments[0].number < len(self.segments):
            return None
        return self.segments[number - self.segments[0].number]

    def has(self, number: int, part: int | None) -> bool:
        """Whether this part, or the whole segment without `part`, or anything after it, is there."""
        newest = self.segments[-1] if self.segments else None
        if newest is None or newest.number < number:
            return False
        if newest.number > number or newest.closed:
            return True
        return part is not None and part < len(newest.parts)

    async def changed(self) -> None:
        """Returns at the next change."""
        await self._changed.wait()

    def _tell(self) -> None:
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()
