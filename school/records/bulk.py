"""Sets of rows in one statement, on both databases."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from school.core.db import Base


def upsert(s: Session, model: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT of `model` on which `on_conflict_do_…` may be said, in the dialect of the session."""
    table = sa.inspect(model).local_table
    return postgresql.insert(table) if s.get_bind().dialect.name == "postgresql" else sqlite.insert(table)
