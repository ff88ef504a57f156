"""Two transactions at once on PostgreSQL, for tests that nobody waits in a ring: what waits, and what is free meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from patience import until
from school.core.db import Database

WAITING = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def refer(s: Session, row: type[Any], key: int) -> None:
    """What an insertion does that names the row; OperationalError at once when somebody keeps it from that."""
    s.execute(sa.select(row.id).where(row.id == key).with_for_update(read=True, key_share=True, nowait=True)).one()


def take(s: Session, row: type[Any], key: int) -> None:
    """What a change of the row does; OperationalError at once when somebody else has taken it."""
    s.execute(sa.select(row.id).where(row.id == key).with_for_update(key_share=True, nowait=True)).one()


def meanwhile(db: Database, work: Callable[[], Any]) -> Future[Any]:
    """`work` in a thread of its own, once it waits for a lock of the database."""

    def waits() -> bool:
        with db.read() as s:
            return bool(s.scalar(WAITING))

    pool = ThreadPoolExecutor(1)
    going = pool.submit(work)
    pool.shutdown(wait=False)
    until(lambda: going.done() or waits(), what="it waits")
    assert not going.done(), going.exception() or going.result()
    return going
