"""Migrations lead from an empty database, and from every release's filled dump, to exactly the tables of the models."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from school import migrate
from school.core.db import Database
from school.tables import Base

RELEASES = sorted(path for path in (Path(__file__).parent / "releases").glob("*") if path.is_dir())


def _differences(db: Database) -> list[object]:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return [*compare_metadata(context, Base.metadata)]


def test_an_empty_database_becomes_what_the_models_say(empty_db_url: str) -> None:
    db = Database(empty_db_url)
    assert migrate.current(db) is None
    migrate.upgrade(db)
    assert migrate.current(db) == migrate.newest()
    assert _differences(db) == []
    migrate.upgrade(db)  # the second time does nothing
    db.close()


def test_there_is_one_line_of_revisions() -> None:
    from alembic.script import ScriptDirectory

    heads = ScriptDirectory(str(migrate.ROOT / "migrations")).get_heads()
    assert len(heads) == 1, "two people made a revision from the same one: put one after the other"


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_a_release_is_reached_with_all_its_rows(release: Path, empty_db_url: str) -> None:
    """`tests/releases/<version>/{sqlite,postgresql}.sql` is a filled database of that release."""
    db = Database(empty_db_url)
    script = (release / f"{db.engine.dialect.name}.sql").read_text(encoding="utf-8")
    connection = db.engine.raw_connection()
    if db.sqlite:
        connection.executescript(f"PRAGMA foreign_keys=OFF;{script}")  # type: ignore[attr-defined]
    else:
        with connection.cursor() as cursor:
            cursor.execute(script)
    connection.commit()
    connection.close()
    before = _counts(db)
    assert sum(before.values()) > 0
    migrate.upgrade(db)
    assert _differences(db) == []
    after = _counts(db)
    assert {table: after.get(table, 0) for table in before} == before
    db.close()


def _counts(db: Database) -> dict[str, int]:
    names = [name for name in sa.inspect(db.engine).get_table_names() if name != "alembic_version"]
    with db.engine.connect() as connection:
        return {name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0 for name in names}
