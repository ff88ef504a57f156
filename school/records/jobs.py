"""Timed work of the records room, called by the clock; each step is one short transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.db import Database
from school.core.settings import Settings
from school.core.time import day_of, now, year_of
from school.records import rollup, years
from school.records.models import StudyDay

KEEP_DAYS = 40  # of what the daily cap has counted


def rebuild_dirty(db: Database, settings: Settings) -> int:
    """Bring the year totals of every marked organisation up to date; how many marks there were."""
    return _to_the_end(db, rollup.rebuild_dirty)


def keep_years(db: Database, settings: Settings) -> int:
    """Give every member and organisation a row for the running year and let it follow transfers and moves."""
    year = year_of(now(), settings.zone)
    steps = (years.open_missing, years.follow_members, years.follow_tree)
    return sum(_to_the_end(db, partial(step, year=year)) for step in steps)


def follow_rules(db: Database, settings: Settings) -> None:
    """Reckon anew what the running year asks of every member: posts, policies and exemptions change."""
    year = year_of(now(), settings.zone)
    after: int | None = 0
    while after is not None:
        with db.write() as s:
            after = years.follow_rules(s, year, after)


def forget_days(db: Database, settings: Settings) -> None:
    """Remove what the daily cap counted long ago."""
    with db.write() as s:
        s.execute(sa.delete(StudyDay).where(StudyDay.day < day_of(now(), settings.zone) - timedelta(KEEP_DAYS)))


def _to_the_end(db: Database, step: Callable[[Session], int]) -> int:
    done = 0
    while True:
        with db.write() as s:
            count = step(s)
        if not count:
            return done
        done += count
