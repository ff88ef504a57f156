"""Time: UTC everywhere inside; the school's own zone decides which day and year it is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def local(moment: datetime, zone: str) -> datetime:
    """`moment` in the school's zone."""
    return moment.astimezone(ZoneInfo(zone))


def day_of(moment: datetime, zone: str) -> date:
    """The calendar day of `moment` in the school's zone."""
    return local(moment, zone).date()


def year_of(moment: datetime, zone: str) -> int:
    """The study year of `moment`: the calendar year in the school's zone."""
    return local(moment, zone).year
