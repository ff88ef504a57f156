"""A lease in the database: one holder at a time does what only one process may do, until it stops renewing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from school.core import time
from school.core.db import Base, Database, UTCDateTime


class Lease(Base):
    """Who may do `name`, and until when by the database's clock."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    holder: Mapped[str] = mapped_column(sa.String(120))
    until: Mapped[datetime]


_FIRST = sa.text(
    "INSERT INTO lease (name, holder, until) VALUES (:name, :holder, :until) ON CONFLICT DO NOTHING RETURNING name"
).bindparams(sa.bindparam("until", type_=UTCDateTime()))


def database_now(s: Session) -> datetime:
    """This moment on the database's own clock, so that machines whose clocks differ agree (SQLite: this machine's)."""
    if s.get_bind().dialect.name == "sqlite":
        return time.now()
    moment: datetime = s.scalars(sa.select(sa.func.clock_timestamp())).one()
    return moment.astimezone(UTC)


def take(db: Database, name: str, holder: str, seconds: float) -> bool:
    """Take or renew the lease `name` for `holder`; whether it is theirs for the next `seconds`.

    It must renew well before the end and stop its work when this answers False or cannot be asked.
    """
    with db.write() as s:
        now = database_now(s)
        until = now + timedelta(seconds=seconds)
        free = sa.or_(Lease.holder == holder, Lease.until <= now)
        renewal = sa.update(Lease).where(Lease.name == name, free).values(holder=holder, until=until)
        if s.scalar(renewal.returning(Lease.name)):
            return True
        return bool(s.scalar(_FIRST, {"name": name, "holder": holder, "until": until}))


def release(db: Database, name: str, holder: str) -> None:
    """Give the lease back at once; nothing happens when another holder has it."""
    with db.write() as s:
        s.execute(sa.delete(Lease).where(Lease.name == name, Lease.holder == holder))
