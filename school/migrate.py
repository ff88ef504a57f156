"""Schema: brings a database to the newest revision, and says which one it has."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from school.core.db import Database

ROOT = Path(__file__).parent.parent


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return config


def newest() -> str | None:
    """The newest revision this release knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def current(db: Database) -> str | None:
    """The revision of `db`; None for an empty database."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(db: Database) -> None:
    """Bring `db` to the newest revision; does nothing when it is there."""
    if current(db) == newest():
        return
    config = _config()
    with db.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def stamp(db: Database) -> None:
    """Say that `db` has the newest schema, for one whose tables were made directly."""
    config = _config()
    with db.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.stamp(config, "head")
        connection.commit()
