"""Which study year a page is about."""

from __future__ import annotations

from flask import request

from school.core import time
from school.webkit.context import school


def this_year() -> int:
    """The study year that it is now at the school."""
    return time.year_of(time.now(), school().settings.zone)


def chosen_year() -> int:
    """`?year=` of the address when it can be a year, else this year."""
    text = request.args.get("year", "")
    return int(text) if len(text) == 4 and text.isascii() and text.isdigit() else this_year()
