"""From stays in the room to what counts of them: lines that broke are bridged, unanswered presence checks taken out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from school.records.intervals import Union, clamp, common, subtract, union
from school.records.models import Mode
from school.records.presence import Stay

BRIDGE_MS = 30_000  # whoever is back so soon had not gone: a line broke, a process was started anew
OPEN_MS = 15_000  # a stay is moved on more often than this while its line stands
GRACE_MS = 5_000  # beside the time to answer a check: the way there and back
FOR_EVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Seen:
    """One row of presence: in the room from `from_ms` to `to_ms`, milliseconds since 1970."""

    mode: Mode
    from_ms: int
    to_ms: int
    later: bool = False  # in another class: of two that were entered in the same millisecond, the one that counts


@dataclass(frozen=True, slots=True)
class Asked:
    """A presence check, and when this member answered it or first showed a sign of life after it."""

    at_ms: int
    answer_ms: int
    sign_ms: int | None


@dataclass(frozen=True, slots=True)
class Attendee:
    """All that is known of one member in one class."""

    seen: list[Seen] = field(default_factory=list)
    checks: list[Asked] = field(default_factory=list)
    excused: bool = False  # needs no presence checks
    elsewhere: list[Seen] = field(default_factory=list)  # stays in other classes that were on air at the time, `held`


def bridged(stays: Iterable[tuple[int, int]]) -> Union:
    """The union of stays, those that follow within BRIDGE_MS joined."""
    out: Union = []
    for start, end in union(stays):
        if out and start - out[-1][1] <= BRIDGE_MS:
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out


def held(seen: Sequence[Seen]) -> list[Seen]:
    """The stays of one member in one class, each until the next when that follows within BRIDGE_MS.

    Who leaps to and fro between two rooms is thus in the one entered last, and is not paid for both.
    """
    rows = sorted(seen, key=lambda each: each.from_ms)
    following = [*(each.from_ms for each in rows[1:]), FOR_EVER]
    return [
        replace(each, to_ms=after) if each.to_ms < after <= each.to_ms + BRIDGE_MS else each
        for each, after in zip(rows, following, strict=False)
    ]


def to_the_end(seen_ms: int, ended_ms: int | None) -> int:
    """Until when somebody was there whose line stood when the class ended; its last move may not have been written yet."""
    if ended_ms is not None and seen_ms < ended_ms <= seen_ms + OPEN_MS:
        return ended_ms
    return seen_ms


def unanswered(there: Union, checks: Sequence[Asked]) -> Union:
    """What of `there` passed after a check that was not answered in time, until the next sign of life.

    A check asks only those who are there. A sign of life is an answer to any later check too.
    """
    signs = sorted(check.sign_ms for check in checks if check.sign_ms is not None)
    missed = []
    for check in checks:
        if not any(start <= check.at_ms <= end for start, end in there):
            continue
        sign = next((moment for moment in signs if moment >= check.at_ms), FOR_EVER)
        if sign > check.at_ms + check.answer_ms + GRACE_MS:
            missed.append((check.at_ms, sign))
    return common(there, union(missed))


def superseded(seen: Sequence[Seen], elsewhere: Sequence[Seen]) -> Union:
    """When a class that was entered later took over: of two rooms at once the newer one counts."""
    return union(
        (max(mine.from_ms, other.from_ms), min(mine.to_ms, other.to_ms))
        for mine in seen
        for other in elsewhere
        if (other.from_ms, other.later) > (mine.from_ms, False)
    )


def stays_of(attendee: Attendee, until_ms: int = FOR_EVER) -> list[Stay]:
    """What counts of a member's presence up to `until_ms`, and, with its reason, what does not.

    Whether the class was on air at the time is asked of the recording's runs afterwards.
    """
    alone = [seen for seen in attendee.seen if seen.mode == Mode.ONLINE]
    group = union((seen.from_ms, seen.to_ms) for seen in attendee.seen if seen.mode == Mode.GROUP)
    there = clamp(bridged((seen.from_ms, seen.to_ms) for seen in alone), until_ms)
    missed = [] if attendee.excused else unanswered(there, attendee.checks)
    taken = common(subtract(there, missed), superseded(held(alone), attendee.elsewhere))
    counts = subtract(subtract(there, missed), taken)
    return [
        *(Stay(Mode.GROUP, start, end) for start, end in clamp(group, until_ms)),
        *(Stay(Mode.ONLINE, start, end) for start, end in counts),
        *(Stay(Mode.ONLINE, start, end, "no_answer") for start, end in missed),
        *(Stay(Mode.ONLINE, start, end, "superseded") for start, end in taken),
    ]


def there(attendee: Attendee, begin_ms: int, end_ms: int) -> Union:
    """When the member was in the room during the class, whether that counts or not."""
    return common(bridged((seen.from_ms, seen.to_ms) for seen in attendee.seen), [(begin_ms, end_ms)])
