"""Presence by the server's clock and the media time it covers: the pure half of counting a live class.

A recording consists of runs: within one, media time and the clock pass alike; between two of them the class stood still
or the line was broken, and nothing was shown that could be covered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from school.core.time import day_of
from school.records.intervals import Union, clamp, common, measure, subtract, union
from school.records.models import Mode
from school.records.rules import MAX_PIECES, Watched, cover, cut, refuse


class Run(Protocol):
    """A stretch of a recording without a hole: media [media_ms, +length_ms] was made at [wall_ms, +length_ms]."""

    @property
    def wall_ms(self) -> int: ...
    @property
    def media_ms(self) -> int: ...
    @property
    def length_ms(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Stay:
    """[from_ms, to_ms] by the server's clock that a member was there; with a reason of `rules.REASONS` it does not count."""

    mode: Mode
    from_ms: int
    to_ms: int
    refused: str | None = None


def laid(runs: Iterable[Run]) -> list[tuple[int, int, int]]:
    """(from, to, media minus wall) of each run, in the order of the recording, so that no moment belongs to two.

    Where clocks of two machines made runs overlap, the earlier one keeps the moment.
    """
    out: list[tuple[int, int, int]] = []
    end = 0
    for run in sorted(runs, key=lambda run: run.media_ms):
        start = max(run.wall_ms, end)
        if start < run.wall_ms + run.length_ms:
            end = run.wall_ms + run.length_ms
            out.append((start, end, run.media_ms - run.wall_ms))
    return out


def to_media(wall: Union, runs: Iterable[Run]) -> Union:
    """The media time that was made in `wall`."""
    return union(
        (a + shift, b + shift) for start, end, shift in laid(runs) for a, b in common(wall, [(start, end)])
    )  # fmt: skip


def media_at(runs: Iterable[Run], wall_ms: int) -> int:
    """Where in the recording a moment lies; one in a hole lies at the hole, one before or after at either end."""
    place: int | None = None
    for start, end, shift in laid(runs):
        if wall_ms < start:
            return start + shift if place is None else place
        place = min(wall_ms, end) + shift
    return place or 0


def by_day(wall: Union, zone: str) -> Iterator[tuple[date, Union]]:
    """`wall` cut at the midnights of `zone`, day by day."""
    days: dict[date, list[tuple[int, int]]] = {}
    for start, end in wall:
        while start < end:
            day = day_of(datetime.fromtimestamp(start / 1000, UTC), zone)
            tomorrow = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) + timedelta(days=1)
            cut = min(end, round(tomorrow.timestamp() * 1000))
            days.setdefault(day, []).append((start, cut))
            start = cut
    for day in sorted(days):
        yield day, days[day]


@dataclass(frozen=True, slots=True)
class Presence:
    """What one member's stays in one class come to, before the day's cap is asked."""

    group: Union  # wall
    alone: Union  # wall, what another place earned taken away
    refused: list[tuple[str, Union]]  # reason, wall

    def media(self, runs: Sequence[Run]) -> Union:
        return to_media(union([*self.group, *self.alone]), runs)


def sorted_out(stays: Iterable[Stay], elsewhere: Union) -> Presence:
    """What counts of `stays` and what does not; `elsewhere` is when a newer play session of the member was earning.

    The meeting room's roster says that a member was there: what their phone did meanwhile takes nothing from it.
    """
    stays = list(stays)
    group = union((stay.from_ms, stay.to_ms) for stay in stays if stay.mode == Mode.GROUP and stay.refused is None)
    there = union((stay.from_ms, stay.to_ms) for stay in stays if stay.mode == Mode.ONLINE and stay.refused is None)
    reasons = sorted({stay.refused for stay in stays if stay.refused is not None})
    refused = [(why, union((stay.from_ms, stay.to_ms) for stay in stays if stay.refused == why)) for why in reasons]
    refused.append(("superseded", common(there, elsewhere)))
    return Presence(group, subtract(there, elsewhere), [(why, wall) for why, wall in refused if wall])


def count(
    presence: Presence, runs: Sequence[Run], watched: Watched, walls: dict[date, int], cap_ms: int, zone: str
) -> dict[date, int]:
    """Cover in `watched` what `presence` pays for, and note what it does not; the clock newly charged to each day.

    `walls` is what each day was charged before; `cap_ms` holds for time alone (网络) only. Counting the same again
    changes nothing and costs nothing.
    """
    watched.group = union([*watched.group, *to_media(presence.group, runs)])
    charged: dict[date, int] = {}
    for day, wall in by_day(presence.alone, zone):
        fresh = subtract(to_media(wall, runs), watched.covered)
        if len(fresh) + len(watched.alone) > MAX_PIECES:
            refuse(watched, fresh, "scattered")
            continue
        left = max(cap_ms - walls.get(day, 0), 0)
        paid, unpaid = cut(fresh, left)
        cover(watched, paid)
        refuse(watched, unpaid, "daily_cap")
        if cost := measure(paid):
            charged[day] = cost
    for why, wall in presence.refused:
        refuse(watched, to_media(wall, runs), why)
    if watched.refused:
        watched.refused = [
            (a, b, why) for start, end, why in watched.refused for a, b in subtract([(start, end)], watched.covered)
        ]
    return charged


def counted(presence: Presence, runs: Sequence[Run], watched: Watched, in_ms: int, out_ms: int) -> int:
    """Media time within the part that presence (and not watching the recording) covered."""
    return measure(clamp(common(presence.media(runs), watched.covered), out_ms, in_ms))
