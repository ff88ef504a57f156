"""A publisher's clock: which moment an RTP timestamp stands for, from the publisher's own sender reports."""

from __future__ import annotations

NTP_TO_UNIX = 2_208_988_800  # seconds from 1900 to 1970
STEP_US = 100_000  # a report so far off means that the clock was set; smaller differences are jitter and are smoothed
SMOOTH = 8


def ntp_to_us(ntp: int) -> int:
    """Microseconds since 1970 of a 64-bit NTP time."""
    return ((ntp >> 32) - NTP_TO_UNIX) * 1_000_000 + ((ntp & 0xFFFFFFFF) * 1_000_000 >> 32)


def us_to_ntp(us: int) -> int:
    seconds, rest = divmod(us, 1_000_000)
    return ((seconds + NTP_TO_UNIX) << 32) | ((rest << 32) // 1_000_000)


class SenderClock:
    """Maps timestamps (32 bit, `rate` ticks a second) of one source to the publisher's clock, in microseconds.

    Until the first report the arrival of the first packet stands in for it, and `synced` is False.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.synced = False
        self._zero_us: int | None = None  # moment of the (unwrapped) timestamp 0
        self._last: int | None = None  # the highest timestamp so far, unwrapped

    def unwrap(self, timestamp: int) -> int:
        """The timestamp without its wraps at 2**32; it may lie before the last one."""
        if self._last is None:
            self._last = timestamp
            return timestamp
        ahead = (timestamp - self._last) & 0xFFFFFFFF
        found = self._last + (ahead if ahead < 0x80000000 else ahead - 0x100000000)
        self._last = max(self._last, found)
        return found

    def arrived(self, timestamp: int, now_us: int) -> None:
        """A packet came at `now_us` of our clock; only the first one counts, and only before a report."""
        if self._zero_us is None:
            self._zero_us = now_us - self._ticks(timestamp)

    def report(self, ntp: int, timestamp: int) -> None:
        """A sender report: `timestamp` was at `ntp` of the publisher's clock."""
        if ntp >> 32 == 0:
            return  # the sender has no clock
        zero = ntp_to_us(ntp) - self._ticks(timestamp)
        off = zero - self._zero_us if self._zero_us is not None else 0
        if not self.synced or abs(off) > STEP_US or self._zero_us is None:
            self._zero_us, self.synced = zero, True
        else:
            self._zero_us += off // SMOOTH

    def at_us(self, timestamp: int) -> int:
        """Presentation time of a timestamp; `arrived` or `report` must have been called."""
        assert self._zero_us is not None
        return self._zero_us + self._ticks(timestamp)

    def _ticks(self, timestamp: int) -> int:
        return self.unwrap(timestamp) * 1_000_000 // self.rate
