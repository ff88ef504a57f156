"""Stretches of media time as sorted, disjoint pairs of integer milliseconds: union, measure, what is missing, what is left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Interval = tuple[int, int]
Union = list[Interval]  # sorted, disjoint, not touching, none empty


def union(intervals: Iterable[Sequence[int]]) -> Union:
    """All of `intervals` together; empty and inverted ones are left out, touching ones joined."""
    out: Union = []
    for start, end in sorted((start, end) for start, end in intervals if end > start):
        if out and start <= out[-1][1]:
            if end > out[-1][1]:
                out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out


def measure(intervals: Iterable[Sequence[int]]) -> int:
    """Length of disjoint intervals in milliseconds."""
    return sum(end - start for start, end in intervals)


def missing(start: int, end: int, covered: Union) -> Union:
    """The parts of [start, end] that `covered` lacks."""
    out: Union = []
    for a, b in covered:
        if b <= start:
            continue
        if a >= end:
            break
        if a > start:
            out.append((start, a))
        start = max(start, b)
    if start < end:
        out.append((start, end))
    return out


def subtract(intervals: Union, taken: Union) -> Union:
    """What of `intervals` stays when `taken` is taken away."""
    return [piece for start, end in intervals for piece in missing(start, end, taken)]


def clamp(intervals: Iterable[Sequence[int]], length: int, begin: int = 0) -> Union:
    """The union of `intervals` within [begin, length]."""
    return union((max(begin, start), min(end, length)) for start, end in intervals)


def common(one: Union, other: Union) -> Union:
    """What lies in both."""
    return subtract(one, subtract(one, other))
