"""Alembic's environment: the URL comes from the school's settings, the tables from school.tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

from school.core.db import Database, UTCDateTime
from school.core.settings import load
from school.tables import Base


def _render(kind: str, value: object, _context: object) -> str | bool:
    if kind == "type" and isinstance(value, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=_render,
        compare_type=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


connection: sa.Connection | None = context.config.attributes.get("connection")
if connection is not None:
    run(connection)
else:
    database = Database(load().db_url)
    with database.engine.connect() as connection:
        run(connection)
        connection.commit()
    database.close()
