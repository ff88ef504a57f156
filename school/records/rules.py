"""How watched time becomes credit: the pure rule. Every length is integer milliseconds, moments are milliseconds since 1970.

Media time is covered; server time pays for it. A play session accrues a budget while it is its member's newest one;
claims spend it. Claims may come late, twice or in any order: the union of intervals is idempotent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from school.core.i18n import N_
from school.records.intervals import Union, clamp, measure, subtract, union

GRACE_MS = 15_000  # beside the time to answer a presence check: the way there and back
SILENCE_MS = 30_000  # a page that plays speaks more often than this
SLACK_MS = 2_000  # a claim this far ahead of the clock waits for it instead of being refused
MAX_PIECES = 500  # a part's coverage in more pieces than this was not watched by a person

REASONS = {
    "too_fast": N_("播放得比可计入的倍速快，或者跳过了这一段。按正常速度看一遍就会计入。"),
    "superseded": N_("您在别的页面或设备上打开了课程，只有最后打开的一处计时。回到一处把这一段看完就会计入。"),
    "no_answer": N_("这一段时间没有回应页面上的提示。重新看一遍就会计入，也可以申请复核。"),
    "daily_cap": N_("今天计入的网络学习时间已到每日上限。明天再看这一段就会计入。"),
    "not_open": N_("这门课程已经停止开放，停止以后看的不再计入。有疑问可以申请复核。"),
    "scattered": N_("这一段报上来的片段太零碎，无法计入。请连续看一遍。"),
}

Refused = list[tuple[int, int, str]]  # from_ms, to_ms, reason code; disjoint, sorted


@dataclass(frozen=True, slots=True)
class CreditPolicy:
    """The numbers of the rule, as one HourPolicy has them."""

    rate_permille: int = 1500  # highest playback rate that is credited
    gap_ms: int = 660_000  # longest unobserved stretch that still pays, server time
    daily_cap_ms: int = 8 * 3_600_000  # wall clock credited on one day
    check_every_ms: int = 15 * 60_000  # mean media time between presence checks, 0: none
    check_answer_ms: int = 60_000
    completion_permille: int = 900


@dataclass(slots=True)
class Clock:
    """What one play session may still claim (see PlaySession for the fields)."""

    seen_ms: int
    heard_ms: int
    ended_ms: int | None = None
    paused_ms: int | None = None
    check_due_ms: int | None = None
    check_left_ms: int | None = None
    budget_us: int = 0
    wall_ms: int = 0
    held: Union = field(default_factory=list)


@dataclass(slots=True)
class Watched:
    """What one member has of one part: covered alone, covered in a group, and refused, which neither overlaps."""

    alone: Union = field(default_factory=list)
    group: Union = field(default_factory=list)
    refused: Refused = field(default_factory=list)

    @property
    def covered(self) -> Union:
        return union([*self.alone, *self.group]) if self.group else self.alone


def within(watched: Watched, in_ms: int, out_ms: int) -> Watched:
    """What of `watched` lies in [in_ms, out_ms], the trimmed part."""
    refused = [(max(start, in_ms), min(end, out_ms), code) for start, end, code in watched.refused]
    return Watched(
        clamp(watched.alone, out_ms, in_ms),
        clamp(watched.group, out_ms, in_ms),
        [piece for piece in refused if piece[0] < piece[1]],
    )


@dataclass(frozen=True, slots=True)
class Paid:
    """What a claim came to: media time newly covered and the wall clock it costs the day."""

    media_ms: int = 0
    wall_ms: int = 0
    capped: bool = False


def refuse(watched: Watched, pieces: Union, reason: str) -> None:
    """Note `pieces` as not credited; what is covered stays so, an earlier reason gives way to this one."""
    if not pieces:
        return
    kept = [(a, b, code) for start, end, code in watched.refused for a, b in subtract([(start, end)], pieces)]
    fresh = [(a, b, reason) for a, b in subtract(pieces, watched.covered)]
    merged: Refused = []
    for start, end, code in sorted(kept + fresh):
        if merged and merged[-1][1:] == (start, code):
            merged[-1] = (merged[-1][0], end, code)
        else:
            merged.append((start, end, code))
    if len(merged) > MAX_PIECES:
        merged = sorted(sorted(merged, key=lambda piece: piece[0] - piece[1])[:MAX_PIECES])
    watched.refused = merged


def cover(watched: Watched, pieces: Union) -> None:
    """Add `pieces` to what was covered alone; nothing stays refused that is covered."""
    watched.alone = union([*watched.alone, *pieces])
    if watched.refused:
        watched.refused = [
            (a, b, why) for start, end, why in watched.refused for a, b in subtract([(start, end)], pieces)
        ]


def next_check(policy: CreditPolicy, roll: float) -> int | None:
    """Media time until the next presence check: two thirds to four thirds of the mean by `roll` in [0, 1); None: never."""
    span = policy.check_every_ms * 2 // 3
    return span + int(span * roll) or None  # the product alone stays below `span`, however near to 1 the roll is


def accrue(clock: Clock, policy: CreditPolicy, now_ms: int) -> None:
    """Let the server's clock pay in, up to now or to where the session stopped earning.

    Idle time is not saved up beyond one gap; what an unanswered check holds was claimed before and keeps its own money.
    """
    if clock.check_due_ms is not None or clock.paused_ms is not None:
        return
    until = now_ms if clock.ended_ms is None else min(now_ms, clock.ended_ms)
    passed = min(until - clock.seen_ms, policy.gap_ms)
    if passed > 0:
        held = measure(clock.held)
        most_us = policy.gap_ms * policy.rate_permille + min(clock.budget_us, held * 1000)
        clock.budget_us = min(clock.budget_us + passed * policy.rate_permille, most_us)
        clock.wall_ms = min(clock.wall_ms + passed, policy.gap_ms + min(clock.wall_ms, held))
        clock.seen_ms = until


def hear(clock: Clock, watched: Watched, policy: CreditPolicy, now_ms: int) -> None:
    """Note that the page spoke. A check it has known for too long pauses the session from when it was due.

    Silence does not count: a page in a tunnel cannot be told.
    """
    if clock.check_due_ms is not None:
        silence = now_ms - clock.heard_ms
        if silence > SILENCE_MS:
            clock.check_due_ms += silence
        if now_ms - clock.check_due_ms > policy.check_answer_ms + GRACE_MS:
            clock.paused_ms, clock.check_due_ms = clock.check_due_ms, None
            refuse(watched, clock.held, "no_answer")
            clock.held = []
    clock.heard_ms = max(clock.heard_ms, now_ms)


def claim(
    clock: Clock,
    watched: Watched,
    intervals: Iterable[Sequence[int]],
    *,
    length_ms: int,
    in_ms: int = 0,
    now_ms: int,
    policy: CreditPolicy,
    left_ms: int,
    is_open: bool = True,
) -> Paid:
    """Cover of `intervals` (media time of a part that is [`in_ms`, `length_ms`]) what the clock can pay, refuse or hold the rest.

    `left_ms` is what the day's cap still allows, wall clock; `is_open` whether the item still gives hours.
    """
    hear(clock, watched, policy, now_ms)
    accrue(clock, policy, now_ms)
    fresh = subtract(clamp([*intervals, *clock.held], length_ms, in_ms), watched.covered)
    clock.held = []
    if not fresh:
        return Paid()
    if len(fresh) + len(watched.alone) > MAX_PIECES:
        refuse(watched, fresh, "scattered")
        return Paid()
    paid = _afford(clock, measure(fresh), left_ms) if is_open else Paid()
    pieces, unpaid = cut(fresh, paid.media_ms)
    clock.budget_us -= paid.media_ms * 1000
    clock.wall_ms -= paid.wall_ms
    cover(watched, pieces)
    if clock.check_left_ms is not None and clock.check_due_ms is None and clock.paused_ms is None:
        clock.check_left_ms -= paid.media_ms
        if clock.check_left_ms <= 0:
            clock.check_due_ms = now_ms
    reason = _reason(clock, paid, measure(unpaid), is_open)
    if reason is None:
        clock.held = unpaid
    else:
        refuse(watched, unpaid, reason)
    return paid


def _afford(clock: Clock, wanted_ms: int, left_ms: int) -> Paid:
    media = min(wanted_ms, clock.budget_us // 1000)
    if clock.check_left_ms is not None:
        media = min(media, clock.check_left_ms)
    wall = min(media, clock.wall_ms)
    if wall > left_ms:
        return Paid(media * max(left_ms, 0) // wall, max(left_ms, 0), capped=True)
    return Paid(media, wall)


def cut(pieces: Union, length: int) -> tuple[Union, Union]:
    """`pieces` before and after their first `length` milliseconds."""
    before: Union = []
    after: Union = []
    for start, end in pieces:
        cut = min(end, start + length)
        length -= cut - start
        if cut > start:
            before.append((start, cut))
        if cut < end:
            after.append((cut, end))
    return before, after


def _reason(clock: Clock, paid: Paid, unpaid_ms: int, is_open: bool) -> str | None:
    """Why the clock did not pay; None: it may still, hold the claim."""
    if not is_open:
        return "not_open"
    if clock.ended_ms is not None:
        return "superseded"
    if clock.paused_ms is not None:
        return "no_answer"
    if paid.capped:
        return "daily_cap"
    if clock.check_due_ms is not None or unpaid_ms <= SLACK_MS:
        return None
    return "too_fast"


def answer(clock: Clock, watched: Watched, policy: CreditPolicy, now_ms: int, next_check_ms: int | None) -> None:
    """Somebody is there. In time: nothing is lost. However late: the session earns again from now."""
    hear(clock, watched, policy, now_ms)
    if clock.ended_ms is not None or (clock.check_due_ms is None and clock.paused_ms is None):
        return
    if clock.paused_ms is not None:
        clock.seen_ms = max(clock.seen_ms, now_ms)
    clock.paused_ms = clock.check_due_ms = None
    clock.check_left_ms = next_check_ms


def supersede(clock: Clock, watched: Watched, policy: CreditPolicy, now_ms: int) -> int | None:
    """A newer session was opened: stop earning now; opening answers a check that waits.

    Returns the media time to the next presence check that the newer session takes over, None when it draws anew.
    """
    if clock.ended_ms is not None:
        return None
    took_over = clock.check_left_ms if now_ms - clock.heard_ms <= policy.gap_ms else None
    answer_waits = clock.check_due_ms is not None
    if answer_waits:
        hear(clock, watched, policy, now_ms)
        clock.check_due_ms = None
    accrue(clock, policy, now_ms)
    clock.ended_ms = now_ms
    clock.check_left_ms = None
    return took_over or None


def completed(covered_ms: int, length_ms: int, permille: int) -> bool:
    """Whether enough of the media time is covered."""
    return length_ms > 0 and covered_ms * 1000 >= length_ms * permille


def split_hours(hours_100: int, group_ms: int, online_ms: int) -> tuple[int, int]:
    """`hours_100` in proportion to what was covered in a group and alone; the two always add up to it."""
    total = group_ms + online_ms
    if total <= 0:
        return 0, 0
    group = (2 * hours_100 * group_ms + total) // (2 * total)
    return group, hours_100 - group


def group_and_alone(watched: Iterable[Watched]) -> tuple[int, int]:
    """Covered media time of several parts, 集中 and 网络; a stretch covered both ways counts 集中."""
    group = alone = 0
    for part in watched:
        group += measure(part.group)
        alone += measure(subtract(part.alone, part.group))
    return group, alone
