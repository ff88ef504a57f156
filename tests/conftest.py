"""Fixtures: both databases, both stores, the application, its cast, the real web process and a browser.

A part that is not on this machine is a skip with its reason; with CI set it is a failure.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
import structlog
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as properties
from jinja2.bccache import Bucket, BytecodeCache
from playwright.sync_api import Browser, Page, expect

import actors
import services
import warden
from actors import Cast
from clients import SchoolClient
from patience import PATIENCE_S
from school.core.db import Database
from school.core.settings import Settings
from school.core.store import ObjectStore, open_store
from school.tables import Base

T = TypeVar("T")


class Templates(BytecodeCache):
    """Templates as code, kept for the next application of this process: each would compile its own otherwise."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self.kept.get((bucket.key, bucket.checksum)):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


_numbers = itertools.count(1)
WEIGHTS = {"slow": 60, "browser": 15, "live_server": 10}  # a test with this mark or fixture lasts as long as so many
_templates = Templates()
expect.set_options(timeout=PATIENCE_S * 1000)
properties.register_profile("patient", properties(deadline=None, suppress_health_check=[HealthCheck.too_slow]))
properties.load_profile("patient")  # on top of what Hypothesis itself sets when it sees CI: always the same examples
structlog.configure(  # the usual frames with every local variable take more than a second each
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


@contextmanager
def part(running: AbstractContextManager[T]) -> Iterator[T]:
    """A real part for the tests; a missing one skips them, and fails them in CI."""
    try:
        value = running.__enter__()
    except services.Missing as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    try:
        yield value
    finally:
        running.__exit__(None, None, None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI set nothing may be skipped: a skip for any reason is a failure there."""
    report = yield
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


def pytest_configure() -> None:
    """Nothing outlives the run that started it, not even one that is killed."""
    warden.watch_over_this_run()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, so that two processes come to their end together; a file's tests keep their order."""
    weights: Counter[Path] = Counter()
    for item in items:
        what = {mark.name for mark in item.iter_markers()} | set(getattr(item, "fixturenames", ()))
        weights[item.path] += max((weight for name, weight in WEIGHTS.items() if name in what), default=1)
    items.sort(key=lambda item: -weights[item.path])


def _create_tables(url: str) -> None:
    database = Database(url)
    Base.metadata.create_all(database.engine)
    database.close()


def _admin(server: sa.URL, statement: str) -> None:
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


@pytest.fixture(scope="session")
def pg_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a running PostgreSQL server's maintenance database."""
    with part(services.postgresql(tmp_path_factory.mktemp("pg"))) as url:
        yield url


@pytest.fixture(scope="session")
def pg_tables(pg_url: str) -> str:
    """Name of a PostgreSQL database with all tables, to copy from."""
    server = sa.make_url(pg_url)
    _admin(server, "CREATE DATABASE tables")
    _create_tables(server.set(database="tables").render_as_string(hide_password=False))
    return "tables"


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to copy from."""
    path = tmp_path_factory.mktemp("sqlite") / "tables.db"
    _create_tables(f"sqlite:///{path}")
    return path


@contextmanager
def pg_databases(request: pytest.FixtureRequest) -> Iterator[Callable[..., str]]:
    """Makes PostgreSQL databases until the end of the block; see `pg_database`."""
    made: list[str] = []
    server = sa.make_url(request.getfixturevalue("pg_url"))

    def make(*, empty: bool = False) -> str:
        template = "template1" if empty else request.getfixturevalue("pg_tables")
        made.append(f"t{next(_numbers)}")
        _admin(server, f"CREATE DATABASE {made[-1]} TEMPLATE {template}")
        return server.set(database=made[-1]).render_as_string(hide_password=False)

    yield make
    for name in made:
        _admin(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def pg_database(request: pytest.FixtureRequest) -> Iterator[Callable[..., str]]:
    """`pg_database()` makes a PostgreSQL database with all tables, `pg_database(empty=True)` one without; gives its URL."""
    with pg_databases(request) as make:
        yield make


def _wipe(url: str) -> None:
    """Make a database as new, in a tenth of a new one's time: whoever is connected is parted, no row, no page, numbers from 1."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:

        def run(statement: str) -> list[str]:
            return [str(row[0]) for row in connection.exec_driver_sql(statement)]

        run(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        used = run(
            "SELECT oid::regclass FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0"
        )
        connection.exec_driver_sql("SET session_replication_role = replica")  # no foreign key minds the order
        for table in used:
            connection.exec_driver_sql(f"DELETE FROM {table}")
        if used:
            connection.exec_driver_sql(f"VACUUM {', '.join(used)}")
        run("SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'")


@pytest.fixture(scope="session")
def pg_slate(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of the PostgreSQL database that the tests of this process use one after the other; `db_url` wipes it."""
    with pg_databases(request) as make:
        yield make()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_db_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database without a table, on both engines; for migrations."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("pg_database")(empty=True)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def db_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty database with all tables; a test that asks for it runs on both engines."""
    if request.param == "sqlite":
        path = tmp_path / "school.db"
        shutil.copyfile(request.getfixturevalue("sqlite_tables"), path)
        yield f"sqlite:///{path}"
        return
    url: str = request.getfixturevalue("pg_slate")
    yield url
    _wipe(url)


@pytest.fixture
def db(db_url: str) -> Iterator[Database]:
    database = Database(db_url)
    yield database
    database.close()


@pytest.fixture
def settings(db_url: str, tmp_path: Path) -> Settings:
    """Settings on both engines, with a folder store."""
    return Settings(data=tmp_path / "data", database_url=db_url)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.S3Server]:
    """One running S3 server; a test that stops it starts it again."""
    with part(services.s3(tmp_path_factory.mktemp("s3"))) as server:
        yield server


def with_s3(settings: Settings, server: services.S3Server) -> Settings:
    """`settings` on a bucket of its own of `server`; call `open_store(...).prepare()` to make it."""
    return server.settings(f"school-{next(_numbers)}", settings)


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty object store; a test that asks for it runs on a folder and on S3."""
    settings = Settings(data=tmp_path / "data")
    if request.param == "s3":
        settings = with_s3(settings, request.getfixturevalue("s3_server"))
    made = open_store(settings)
    made.prepare()
    return made


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a running Redis server."""
    with part(services.redis(tmp_path_factory.mktemp("redis"))) as url:
        yield url


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The whole application in this process, on both databases."""
    from school.app import create_app  # only here: the pure tests of a room start without every other room

    made = create_app(settings)
    made.jinja_env.bytecode_cache = _templates
    made.test_client_class = SchoolClient
    made.extensions["school"].store.prepare()
    yield made
    made.extensions["school"].db.close()


@pytest.fixture
def client(app: Flask) -> SchoolClient:
    """A browser without a screen: keeps cookies, sends the CSRF token, signs in with `client.sign_in(actor)`."""
    made = app.test_client()
    assert isinstance(made, SchoolClient)
    return made


@pytest.fixture
def cast(db: Database) -> Cast:
    """青禾县's people, written into the test's database (shared by `db`, `app`, `live_server`)."""
    return actors.build(db)


@pytest.fixture
def live_server(tmp_path: Path) -> Iterator[Callable[..., services.LiveServer]]:
    """`live_server(settings)` starts the real web process on a free port; every one is killed at the end."""
    running: list[services.LiveServer] = []

    def start(settings: Settings, *, workers: int = 1) -> services.LiveServer:
        settings = replace(settings, host="127.0.0.1", port=services.free_port())
        open_store(settings).prepare()
        server = services.LiveServer(settings, tmp_path / f"web-{settings.port}.log")
        running.append(server)
        server.start(workers)
        return server

    yield start
    for server in running:
        server.kill()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A running Chromium, headless."""
    with part(services.chromium()) as running:
        yield running


@pytest.fixture(scope="session")
def camera_browser(browser: Browser) -> Iterator[Browser]:
    """A running Chromium with a fake camera and microphone, for pages that publish or watch by WebRTC."""
    with services.chromium_with_camera(browser) as running:
        yield running


@contextmanager
def faultless_page(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page of a fresh Chinese desktop browser; a script's fault or a breach of the content policy fails the test."""
    context = browser.new_context(**{"locale": "zh-CN", "viewport": {"width": 1280, "height": 800}, **options})
    context.set_default_timeout(PATIENCE_S * 1000)
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    yield context.new_page()
    context.close()
    assert not faults, faults


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with faultless_page(browser) as made:
        yield made
