"""Fixtures: a fresh database on SQLite and on PostgreSQL, settings, and the application on top of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

import services
from school.core.db import Database
from school.core.settings import Settings
from school.tables import Base

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def pg_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a running PostgreSQL server's maintenance database."""
    with services.postgresql(tmp_path_factory.mktemp("pg")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def db_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database with all tables; a test that asks for it runs on both databases."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'school.db'}"
    else:
        server = sa.make_url(request.getfixturevalue("pg_url"))
        name = f"t{next(_numbers)}"
        engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        url = server.set(database=name).render_as_string(hide_password=False)
    database = Database(url)
    Base.metadata.create_all(database.engine)
    database.close()
    return url


@pytest.fixture
def db(db_url: str) -> Iterator[Database]:
    database = Database(db_url)
    yield database
    database.close()


@pytest.fixture
def settings(db_url: str, tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", database_url=db_url)
