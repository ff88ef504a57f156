"""Writes `tests/releases/<version>/`: a filled database of this release on both engines, for the migrations that come after it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import marks_kit  # noqa: E402
import replay_kit  # noqa: E402

import actors  # noqa: E402 - the tests' own cast and servers
import quiz_kit  # noqa: E402
import services  # noqa: E402
from school import __version__, migrate  # noqa: E402
from school.core.db import Database  # noqa: E402


def _fill(url: str) -> None:
    db = Database(url)
    migrate.upgrade(db)
    cast = actors.build(db)
    with db.write() as s:
        replay_kit.held(s, cast, minutes=2)
        questions = [quiz_kit.make_question(s, cast, kind) for kind in quiz_kit.SAMPLES]
        quiz = quiz_kit.make_quiz(s, cast, questions, hours_100=50)
        right = [[1], [0, 1, 2], True, ["1921"], [1, 0, 2], [1, 0], "每月一次。"]
        marks_kit.hand_in(s, quiz, questions, cast.member.member_id, right)
    db.close()


def _sqlite(folder: Path) -> str:
    path = folder / "school.db"
    _fill(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    lines = "\n".join(connection.iterdump())
    connection.close()
    return lines


def _postgresql(folder: Path) -> str:
    with services.postgresql(folder) as url:
        _fill(url)
        dump = services.postgresql_binaries() / "pg_dump"
        plain = url.replace("postgresql+psycopg://", "postgresql://")
        text = subprocess.check_output([dump, "--inserts", "--no-owner", "--no-privileges", plain], text=True)
    meta = ("\\", "--", "SET ", "SELECT pg_catalog.set_config")  # psql's own words, and settings of one version
    return "\n".join(line for line in text.splitlines() if line and not line.startswith(meta))


def main() -> None:
    target = ROOT / "tests" / "releases" / __version__
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, make in (("sqlite", _sqlite), ("postgresql", _postgresql)):
            (target / f"{name}.sql").write_text(make(Path(folder)) + "\n", encoding="utf-8")
    print(f"{target.relative_to(ROOT)} is written")


if __name__ == "__main__":
    main()
