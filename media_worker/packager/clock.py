"""Brings every publisher's clock to this machine's: pure arithmetic over two stamps of each frame.

A frame carries `at_us`, its moment on the publisher's clock, and `arrived_us`, when the relay had it on ours. The
quickest frames of the last seconds say how far the clocks are apart; everything else is the network's delay. Publisher
clocks may be hours wrong and run too fast: only differences of `at_us` are used, and the offset follows slowly.
"""

from __future__ import annotations

from collections import deque

SECOND = 1_000_000  # microseconds
REMEMBERED = 20  # seconds whose quickest frames are looked at
FOLLOW = 0.005  # how much of each second the offset may move: heard by nobody, faster than any quartz drifts
# A frame so far before or behind its place: somebody set a clock, and all begins anew.
EARLY, LATE = 1 * SECOND, 10 * SECOND


class PublisherClock:
    """The offset between one publisher's clock and ours. All in microseconds."""

    def __init__(self) -> None:
        self._quickest: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)  # (second of arrival, least difference)
        self._offset = 0.0
        self._moved_us: int | None = None

    def ours(self, at_us: int, arrived_us: int) -> int:
        """The frame's moment on our clock."""
        difference = arrived_us - at_us
        if self._moved_us is None or not -EARLY < difference - self._offset < LATE:
            self._quickest.clear()
            self._offset, self._moved_us = difference, arrived_us
        self._note(difference, arrived_us)
        self._follow(arrived_us)
        return at_us + round(self._offset)

    def _note(self, difference: int, arrived_us: int) -> None:
        second = arrived_us // SECOND
        if self._quickest and self._quickest[-1][0] == second:
            self._quickest[-1] = second, min(self._quickest[-1][1], difference)
        else:
            self._quickest.append((second, difference))

    def _follow(self, arrived_us: int) -> None:
        assert self._moved_us is not None
        most = max(0, arrived_us - self._moved_us) * FOLLOW
        goal = min(difference for _, difference in self._quickest)
        self._offset += max(-most, min(most, goal - self._offset))
        self._moved_us = max(self._moved_us, arrived_us)
