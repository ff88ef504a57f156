"""A foreign SQLite write lock of three seconds: the web process goes on answering, and the write that waited is stored."""

from __future__ import annotations

import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

import services
from actors import PASSWORD, Cast
from school.core.db import Database
from school.core.errors import Unavailable
from school.core.settings import Settings
from school.org.models import OrgTreeLock, SignIn

HELD = 3.0


@pytest.fixture
def db_url(sqlite_tables: Path, tmp_path: Path) -> str:
    """SQLite alone: PostgreSQL locks rows, not the database."""
    return f"sqlite:///{shutil.copyfile(sqlite_tables, tmp_path / 'school.db')}"


def _file(settings: Settings) -> str:
    return settings.db_url.removeprefix("sqlite:///")


def test_the_web_process_answers_while_another_process_holds_the_write_lock(
    settings: Settings, cast: Cast, db: Database, live_server: Callable[..., services.LiveServer]
) -> None:
    server = live_server(settings)
    with requests.Session() as browser, ThreadPoolExecutor() as pool:
        form = browser.get(f"{server.url}/sign-in", timeout=30).text
        token = re.search(r'name="csrf-token" content="([^"]+)"', form)
        assert token
        foreign = sqlite3.connect(_file(settings), isolation_level=None)
        foreign.execute("BEGIN IMMEDIATE")
        fields = {"login": cast.member.login, "password": PASSWORD, "csrf_token": token[1]}
        sign_in = pool.submit(browser.post, f"{server.url}/sign-in", data=fields, timeout=30, allow_redirects=False)
        answered, until = 0, time.monotonic() + HELD
        while answered < 20 or time.monotonic() < until:
            assert requests.get(f"{server.url}/ping", timeout=30).text == "pong\n"
            answered += 1
        waited = not sign_in.done()
        foreign.execute("ROLLBACK")
        foreign.close()
        assert sign_in.result().status_code in {302, 303}
    assert waited, "the sign-in was answered before it could be stored"
    with db.read() as s:
        assert s.scalar(sa.select(sa.func.count()).select_from(SignIn)) == 1


def test_a_lock_that_does_not_end_is_said_and_nothing_is_stored(settings: Settings, db: Database) -> None:
    foreign = sqlite3.connect(_file(settings), isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable) as refusal, db.write(patience=0.2) as s:
        s.add(OrgTreeLock(id=1))
    assert refusal.value.code == "database.busy"
    foreign.execute("ROLLBACK")
    foreign.close()
    with db.write() as s:
        s.add(OrgTreeLock(id=1))


def test_writers_of_two_processes_lose_no_write(settings: Settings, db: Database) -> None:
    """Eight threads on two engines add one each, fifty times; none is lost and none gives up."""
    other = Database(settings.db_url)
    with db.write() as s:
        s.add(OrgTreeLock(id=1, version=0))

    def add(database: Database) -> None:
        for _ in range(50):
            with database.write() as s:
                row = s.get_one(OrgTreeLock, 1)
                row.version += 1

    threads = [threading.Thread(target=add, args=(database,)) for database in (db, other) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    with db.read() as s:
        assert s.get_one(OrgTreeLock, 1).version == 400
