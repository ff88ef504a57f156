"""How long the tests wait for what must come: far longer than it takes, so that a busy machine breaks nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from school.core.db import Database

PATIENCE_S = 120.0  # what pages in Chromium are given, too; how long a test may take as a whole is pytest's `timeout`


def until(true: Callable[[], Any], seconds: float = PATIENCE_S, what: str = "") -> Any:
    """What `true()` gives once it is not false; AssertionError after `seconds`, which only end a broken run."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what or 'it did not happen'}"
        time.sleep(0.05)
    return found


def somebody_waits(db: Database) -> bool:
    """Whether a transaction waits for another one's rows; SQLite's waits before it begins, and nobody sees it."""
    if db.sqlite:
        return True
    with db.read() as s:
        return s.scalar(sa.text("SELECT true FROM pg_locks WHERE NOT granted LIMIT 1")) is True
