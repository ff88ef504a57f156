"""Writes tests/releases/<version>/*.sql: a small filled database of this release, from which later ones must migrate.

Run once when a release is cut: `.venv/bin/python script/dump_release.py`. Needs the test extras.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import actors  # noqa: E402 - the tests' own people
import courses_kit  # noqa: E402
import services  # noqa: E402
from school import __version__, migrate  # noqa: E402
from school.core.db import Database  # noqa: E402
from school.core.time import now  # noqa: E402
from school.records.models import Mode  # noqa: E402
from school.records.service import NewEntry, post_entries, rebuild_dirty  # noqa: E402

TARGET = ROOT / "tests" / "releases" / __version__


def fill(url: str) -> None:
    """The tests' cast, a published course, a draft and a few hours."""
    db = Database(url)
    migrate.upgrade(db)
    cast = actors.build(db)
    course = courses_kit.published(db, cast)
    courses_kit.draft(db, cast, title="支部台账规范与常见错误")
    with db.write() as s:
        post_entries(
            s,
            [
                NewEntry(
                    member_id=actor.member_id, mode=mode, category=category, hours_100=hours, source_kind=kind,
                    source_id=source, title="支部集体学习", occurred_on=now().date(),
                )
                for actor in (cast.member, cast.secretary, cast.outsider)
                for mode, category, hours, kind, source in (
                    (Mode.GROUP, "branch_study", 200, "meeting", 1),
                    (Mode.ONLINE, "online_course", 100, "course", course.id),
                )
            ],
            now(),
        )  # fmt: skip
    with db.write() as s:
        rebuild_dirty(s)
    db.close()


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        fill(f"sqlite:///{folder / 'school.db'}")
        with sqlite3.connect(folder / "school.db") as connection:
            (TARGET / "sqlite.sql").write_text("\n".join(connection.iterdump()) + "\n", encoding="utf-8")
        with services.postgresql(folder) as url:
            fill(url)
            dump = subprocess.run(
                [services.postgresql_binaries() / "pg_dump", "--inserts", "--no-owner", "--no-comments",
                 "--dbname", url.replace("+psycopg", "")],
                check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"},
            ).stdout  # fmt: skip
        lines = [
            line
            for line in dump.splitlines()
            if not line.startswith(("\\", "--", "SET ", "SELECT pg_catalog.set_config"))
        ]
        (TARGET / "postgresql.sql").write_text("\n".join(line for line in lines if line) + "\n", encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {', '.join(path.name for path in TARGET.iterdir())}")


if __name__ == "__main__":
    main()
