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


def typed(day: str, time: str, zone: str) -> datetime | None:
    """The moment of `2026-11-22` and `19:30` on the school's clock; None when they are none of the years 2020 to 2100."""
    try:
        moment = datetime.strptime(f"{day.strip()} {time.strip()[:5]}", "%Y-%m-%d %H:%M")
    except ValueError:
        return None
    return moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) if 2020 <= moment.year <= 2100 else None
