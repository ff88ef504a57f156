"""How figures are written on every page: hours, lengths, days and moments, in the reader's language and the school's zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from babel.dates import format_skeleton
from flask import Flask
from flask_babel import get_locale, gettext, to_user_timezone

from school.core import time

NOTHING = "—"  # "does not apply"; zero is written 0


def hours(value_100: int | None, places: int | None = None) -> str:
    """Hundredths of a study hour as the shortest exact decimal: 50 → `0.5`, 2000 → `20`, -200 → `−2`.

    `places` fixes the decimals (rounded), for a column whose figures stand below each other.
    """
    if value_100 is None:
        return NOTHING
    whole, part = divmod(abs(value_100), 100)
    text = f"{whole}.{part:02}".rstrip("0").rstrip(".") if places is None else f"{abs(value_100) / 100:.{places}f}"
    return f"−{text}" if value_100 < 0 else text


def places(values_100: Iterable[int]) -> int:
    """The decimals that show every one of these hours exactly: 0, 1 or 2."""
    return max((0 if value % 100 == 0 else 1 if value % 10 == 0 else 2 for value in values_100), default=0)


def clock(ms: int) -> str:
    """Milliseconds as a position: `31:05`, `1:02:03`."""
    minutes, seconds = divmod(ms // 1000, 60)
    whole_hours, minutes = divmod(minutes, 60)
    return f"{whole_hours}:{minutes:02}:{seconds:02}" if whole_hours else f"{minutes}:{seconds:02}"


def minutes(ms: int) -> str:
    """Milliseconds as a length in words, rounded up to a minute: `46 分钟`."""
    text: str = gettext("%(n)d 分钟", n=-(-ms // 60_000))
    return text


def day(value: date) -> str:
    """`11月22日`, with the year only when it is not this one; of a moment, its day in the school's zone."""
    if isinstance(value, datetime):
        value = to_user_timezone(value).date()
    this_year = to_user_timezone(time.now()).year
    skeleton = "MMMd" if value.year == this_year else "yMMMd"
    return format_skeleton(skeleton, value, locale=get_locale())


def moment(value: datetime) -> str:
    """`11月22日 14:30` in the school's zone."""
    here: datetime = to_user_timezone(value)
    return f"{day(here.date())} {here:%H:%M}"


def appointment(value: datetime) -> str:
    """As `moment`, with 今天 or 明天 for the day where it is one of these: `今天 19:30`."""
    here: datetime = to_user_timezone(value)
    away = (here.date() - to_user_timezone(time.now()).date()).days
    if away not in (0, 1):
        return moment(value)
    near = gettext("明天") if away else gettext("今天")  # outside of the f-string, where the catalogue finds them
    return f"{near} {here:%H:%M}"


def time_of_day(value: datetime) -> str:
    """`19:30` in the school's zone."""
    return f"{to_user_timezone(value):%H:%M}"


def install(app: Flask) -> None:
    """Make each of them a template filter of the same name."""
    app.jinja_env.filters.update(
        hours=hours, clock=clock, minutes=minutes, day=day, moment=moment, appointment=appointment, time=time_of_day
    )
