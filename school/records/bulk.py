"""Sets of rows in one statement: PostgreSQL takes them as one JSON value, SQLite runs a prepared statement over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from school.core import json
from school.core.db import Base, UTCDateTime

Rows = Sequence[Mapping[str, Any]]
SQLITE = sqlite.dialect(paramstyle="qmark", json_serializer=json.text)


def table_of(model: type[Base]) -> sa.Table:
    """The table of a model, for statements that need no objects."""
    table = sa.inspect(model).local_table
    assert isinstance(table, sa.Table)
    return table


def among(s: Session, column: Any, ids: Iterable[int]) -> sa.ColumnElement[bool]:
    """Whether `column` is one of `ids`, which are one parameter: the statement is always the same one."""
    wanted = sorted(set(ids))
    if s.get_bind().dialect.name == "postgresql":
        return column == sa.any_(sa.bindparam(None, wanted, type_=postgresql.ARRAY(sa.BigInteger)))  # type: ignore[no-any-return]
    return column.in_(sa.select(sa.func.json_each(json.text(wanted)).table_valued("value").c.value))  # type: ignore[no-any-return]


def put(s: Session, model: type[Base], rows: Rows, *, change: tuple[str, ...] = ()) -> None:
    """Insert `rows` (all with the same columns); a row whose primary key exists takes the columns `change` instead."""
    if rows:
        _run(s, _put, model, rows, change)


def move(s: Session, model: type[Base], rows: Rows) -> None:
    """Update by primary key; every row names its key as `at_…` and the same columns."""
    if rows:
        _run(s, _move, model, rows)


def _run(s: Session, build: Any, model: type[Base], rows: Rows, *more: Any) -> None:
    together = s.get_bind().dialect.name == "postgresql"
    statement = build(model, tuple(rows[0]), *more, together)
    if together:
        s.connection().execute(statement, {"rows": json.text(rows)})
    else:
        text, encode = _prepared(statement, tuple(rows[0]))
        s.connection().exec_driver_sql(text, encode(rows))


@cache
def _put(model: type[Base], names: tuple[str, ...], change: tuple[str, ...], together: bool) -> sa.Insert:
    table = table_of(model)
    if together:
        source = _given(table, names)
        insert: Any = postgresql.insert(table).from_select(names, sa.select(*(source.c[name] for name in names)))
    else:
        insert = sqlite.insert(table)
    keys = [column.name for column in table.primary_key]
    if not change:
        return insert.on_conflict_do_nothing(index_elements=keys)  # type: ignore[no-any-return]
    return insert.on_conflict_do_update(  # type: ignore[no-any-return]
        index_elements=keys, set_={name: insert.excluded[name] for name in change}
    )


@cache
def _prepared(
    statement: sa.Insert | sa.Update, names: tuple[str, ...]
) -> tuple[str, Callable[[Rows], list[tuple[Any, ...]]]]:
    """The text of a statement for SQLite's driver and how it takes rows, worked out once for all of them."""
    compiled: Any = statement.compile(dialect=SQLITE, column_keys=names)
    columns = [(itemgetter(name), _processor(compiled.binds[name].type)) for name in compiled.positiontup]

    def encode(rows: Rows) -> list[tuple[Any, ...]]:
        """Column by column: most take their values as they are."""
        values = (map(value, rows) if kind is None else map(kind, map(value, rows)) for value, kind in columns)
        return list(zip(*values, strict=True))

    return str(compiled), encode


def _processor(kind: sa.types.TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """How SQLite's driver takes a value of this type; None: as it is."""
    process: Callable[[Any], Any] | None = kind.dialect_impl(SQLITE).bind_processor(SQLITE)
    if process is not None and isinstance(kind, UTCDateTime | sa.Date):
        return lru_cache(256)(process)  # rows of one set share their moments and days
    return process


@cache
def _move(model: type[Base], names: tuple[str, ...], together: bool) -> sa.Update:
    table = table_of(model)
    keys = [column.name for column in table.primary_key]
    change = [name for name in names if not name.startswith("at_")]
    given: Any = _given(table, names).c if together else {name: sa.bindparam(name) for name in names}
    return (
        sa.update(table)
        .where(*(table.c[key] == given[f"at_{key}"] for key in keys))
        .values({name: given[name] for name in change})
    )


def _given(table: sa.Table, names: Sequence[str]) -> sa.TableValuedAlias:
    """The parameter `rows`, a JSON array of objects, as a table."""
    columns = [sa.column(name, table.c[name.removeprefix("at_")].type) for name in names]
    rows = sa.cast(sa.bindparam("rows", type_=sa.Text), sa.JSON)
    return sa.func.json_to_recordset(rows).table_valued(*columns).render_derived(name="given", with_types=True)
