"""Sets of rows in one statement, on both databases."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from school.core.db import Base


def table_of(model: type[Base]) -> sa.Table:
    """The table of a model, for statements that need no objects."""
    table = sa.inspect(model).local_table
    assert isinstance(table, sa.Table)
    return table


def upsert(s: Session, model: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT of `model` on which `on_conflict_do_…` may be said, in the dialect of the session."""
    table = table_of(model)
    return postgresql.insert(table) if s.get_bind().dialect.name == "postgresql" else sqlite.insert(table)
