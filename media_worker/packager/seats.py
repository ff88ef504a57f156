"""Seats for viewers of low-latency HLS: each holds a connection open nearly all the time, so there is a bound."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

KEPT = 12.0  # seconds a seat stays after its viewer last asked for a playlist


class Seats:
    """Given out with the master playlist, kept by asking for what follows. `most` counts over all classes."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}  # seat: (stream, when)

    def take(self, stream_id: int) -> str | None:
        """A new seat; None when all are taken."""
        self._tidy()
        if len(self._seen) >= self.most:
            return None
        seat = secrets.token_urlsafe(6)
        self._seen[seat] = stream_id, self._clock()
        return seat

    def keep(self, stream_id: int, seat: str) -> bool:
        """Whether `seat` is still this viewer's; one that ran out is taken again when there is room."""
        self._tidy()
        if seat not in self._seen and (not seat or len(seat) > 20 or len(self._seen) >= self.most):
            return False
        self._seen[seat] = stream_id, self._clock()
        return True

    def taken(self, stream_id: int | None = None) -> int:
        """Seats of one class, or of all."""
        self._tidy()
        return sum(stream_id in (None, one) for one, _ in self._seen.values())

    def _tidy(self) -> None:
        until = self._clock() - KEPT
        for seat in [seat for seat, (_, seen) in self._seen.items() if seen < until]:
            del self._seen[seat]
