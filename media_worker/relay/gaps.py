"""Which packets of a publisher are missing, and when to ask for them again."""

from __future__ import annotations

AGAIN = 0.08  # seconds between two requests
PATIENCE = 1.0  # seconds after which a packet is given up
TRIES = 6
MOST = 64  # packets asked for at once
JUMP = 512  # a sequence number so far ahead is a new beginning, not a loss


class Gaps:
    """Sequence numbers (16 bit) that have not come, each with its age and the number of requests."""

    def __init__(self) -> None:
        self._highest: int | None = None
        self._missing: dict[int, tuple[float, int]] = {}  # sequence → missed since, times asked
        self._asked_at = 0.0

    def saw(self, sequence: int, now: float) -> list[int]:
        """Note a packet that came at `now` (seconds); the sequence numbers to ask for, ascending."""
        if self._highest is None:
            self._highest = sequence
            return []
        ahead = (sequence - self._highest) & 0xFFFF
        fresh = False
        if ahead == 0 or ahead >= 0x8000:
            self._missing.pop(sequence, None)
        elif ahead > JUMP:
            self._missing.clear()
            self._highest = sequence
        else:
            for step in range(1, ahead):
                self._missing[(self._highest + step) & 0xFFFF] = (now, 0)
                fresh = True
            self._highest = sequence
        if not self._missing or not (fresh or now - self._asked_at > AGAIN):
            return []
        self._asked_at = now
        return self._due(now)

    def _due(self, now: float) -> list[int]:
        asked: list[int] = []
        for sequence, (since, times) in list(self._missing.items()):
            if now - since > PATIENCE or times >= TRIES:
                del self._missing[sequence]
            elif len(asked) < MOST:
                self._missing[sequence] = (since, times + 1)
                asked.append(sequence)
        return sorted(asked)  # ascending: aiortc packs them as differences
