"""`exam-analysis`: the analysis of 10⁵ attempts of 50 questions beside its floor, CPU seconds, the
worse database.

The floor knows all that the school's own code must find out: that everybody was served the same questions, in the same
order, all of them choices of four worth one point. It reads the rows with the driver alone and lays them out as matrices.
Both give the same difficulties, point-biserials and reliability, or the bench does not count. PostgreSQL works in the one
process of each connection, whose CPU seconds count.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import sqlalchemy as sa

from bench.harness import Goal, Measured, Spent, alternate, process_cpu, spent
from school.core.db import Database
from school.org.models import Member
from school.quizzes.analysis import service as analysis
from school.quizzes.analysis.service import Body
from school.quizzes.papers.models import Quiz
from school.quizzes.sittings.models import Attempt, AttemptAnswer
from school.tables import Base

GOAL = Goal(2.0, "× CPU of the raw SQL and NumPy floor")
TAKERS, QUESTIONS, OPTIONS = 100_000, 50, 4
ROUNDS = 3
FIRST = 1000  # id of the first taker's member
QUIZ = 1
READ = (
    "SELECT a.attempt_id, a.position, a.points_100, a.spent_ms, CAST(a.answer AS TEXT) FROM attempt t "
    "JOIN attempt_answer a ON a.attempt_id = t.id WHERE t.quiz_id = 1 AND t.state = 'marked'"
)
Rows = Iterable[Sequence[Any]]


# ── a filled database ───────────────────────────────────


def _answers(chance: np.random.Generator) -> Iterator[Sequence[Any]]:
    """Answers as they come in: people who know more or less, questions that are harder or easier."""
    hard = chance.normal(0, 1, QUESTIONS)
    for first in range(0, TAKERS, 1000):
        knows = chance.normal(0.5, 1, (1000, 1))
        right = chance.random((1000, QUESTIONS)) < 1 / (1 + np.exp(hard - knows))
        picked = np.where(right, 0, chance.integers(1, OPTIONS, (1000, QUESTIONS)))
        spent_ms = chance.integers(4000, 60_000, (1000, QUESTIONS))
        for taker in range(1000):
            for place in range(QUESTIONS):
                good = bool(right[taker, place])
                yield (
                    first + taker + 1, place, place + 1, f"[{picked[taker, place]}]", 1, 0,
                    int(spent_ms[taker, place]), 100 * good, 1,
                )  # fmt: skip


def _fill(url: str) -> None:
    import actors
    from quiz_kit import make_question, make_quiz

    db = Database(url)
    Base.metadata.create_all(db.engine)
    cast = actors.build(db)
    with db.write() as s:
        body = {"stem": "题", "media": [], "options": [{"text": str(n), "media": []} for n in range(OPTIONS)]}
        make_quiz(
            s, cast, [make_question(s, cast, body=body, key={"right": [0]}) for _ in range(QUESTIONS)], points_100=100
        )
    db.close()
    paper = str([[place + 1, place + 1, 100, [0, 1, 2, 3], None] for place in range(QUESTIONS)]).replace("None", "null")
    attempts = (
        (i, QUIZ, FIRST + i - 1, cast.branch_id, 1, "marked", i * 7919, paper, 0, 0, 60_000, "member", "", "", "", False, 0,
         QUESTIONS, 0, 100 * QUESTIONS, False)
        for i in range(1, TAKERS + 1)
    )  # fmt: skip
    members = (
        (
            i,
            cast.branch_id,
            "王",
            "wang",
            "w",
            4,
            1,
            "01",
            "",
            "full",
            "",
            False,
            "",
            "normal",
            False,
            "2026-01-01 00:00:00",
        )
        for i in range(FIRST, FIRST + TAKERS)
    )
    engine = sa.create_engine(url)
    _pour(
        engine, Member.__tablename__,
        "id, org_id, name, pinyin, initials, strokes, gender, ethnicity, education, category, job, floating, flow_to, "
        "party_status, no_presence_check, created_at", members,
    )  # fmt: skip
    _pour(
        engine, Attempt.__tablename__,
        "id, quiz_id, member_id, org_id, no, state, seed, paper, started_ms, extra_ms, submitted_ms, submitted_by, "
        "holder, device, seat, on_paper, seen_ms, answered, score_100, max_100, passed", attempts,
    )  # fmt: skip
    _pour(
        engine, AttemptAnswer.__tablename__,
        "attempt_id, position, version_id, answer, n, saved_ms, spent_ms, points_100, key_revision",
        _answers(np.random.default_rng(4)),
    )  # fmt: skip
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def _pour(engine: sa.Engine, table: str, columns: str, rows: Rows) -> None:
    raw = engine.raw_connection()
    if isinstance(raw.driver_connection, sqlite3.Connection):
        marks = ", ".join("?" * len(columns.split(",")))
        raw.driver_connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
    else:
        with raw.driver_connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:  # type: ignore[union-attr]
            for row in rows:
                copy.write_row(row)
    raw.commit()
    raw.close()


# ── the two sides ───────────────────────────────────────


def _floor(engine: sa.Engine) -> tuple[list[float], list[float], float]:
    """Difficulties, point-biserials and KR-20, with everything else that the school's analysis works out."""
    cells = np.empty((4, TAKERS, QUESTIONS), np.int32)
    raw = engine.raw_connection()
    # on PostgreSQL a cursor of the server, as the school's own: else all rows come at once
    cursor = raw.cursor() if engine.dialect.name == "sqlite" else raw.driver_connection.cursor("rows")  # type: ignore[union-attr]
    cursor.execute(READ)
    while rows := cursor.fetchmany(20_000):
        ids, places, points, spent_ms, answers = zip(*rows, strict=True)
        at = np.array(ids) - 1, np.array(places)
        cells[0][at], cells[1][at] = points, spent_ms
        cells[2][at] = [int(text[1]) for text in answers]
    raw.close()
    points, spent_ms, picked, _ = cells
    totals = points.sum(axis=1)
    ordered = np.sort(totals)
    size = round(0.27 * TAKERS)
    upper, lower = totals >= ordered[-size], totals <= ordered[size - 1]
    difficulty = points.mean(axis=0) / 100
    biserial = [float(np.corrcoef(points[:, i], totals - points[:, i])[0, 1]) for i in range(QUESTIONS)]
    (points[upper].mean(axis=0) - points[lower].mean(axis=0)).tolist()
    np.median(spent_ms, axis=0)
    for group in (slice(None), upper, lower):
        [np.bincount(picked[group][:, i], minlength=OPTIONS) for i in range(QUESTIONS)]
    np.histogram(totals, 10)
    kr20 = QUESTIONS / (QUESTIONS - 1) * (1 - float(points.var(axis=0).sum()) / float(totals.var()))
    return difficulty.tolist(), biserial, kr20


def _ours(db: Database) -> Body:
    with db.read() as s:
        return analysis.build(s, s.get_one(Quiz, QUIZ))


def _agree(body: Body, floor: tuple[list[float], list[float], float]) -> bool:
    lines = sorted(body["items"], key=lambda line: line["version_id"])
    found = [
        *((line["difficulty"], value) for line, value in zip(lines, floor[0], strict=True)),
        *((line["biserial"], value) for line, value in zip(lines, floor[1], strict=True)),
        (body["whole"]["reliability"], floor[2]),
    ]
    return all(ours is not None and abs(ours - 1000 * value) <= 1 for ours, value in found)


def _server_cpu(engine: sa.Engine) -> float:
    """CPU seconds so far of the processes behind this database's connections; 0 of SQLite, which is this one."""
    if engine.dialect.name == "sqlite":
        return 0.0
    with engine.connect() as connection:
        backend = connection.scalar(sa.text("SELECT pg_backend_pid()"))
    return process_cpu(psutil.Process(backend).ppid())


def _measure(name: str, url: str) -> tuple[float, list[dict[str, Any]], bool]:
    """The ratio, the runs, and whether both sides agree."""
    db, engine = Database(url), sa.create_engine(url)

    def timed(work: Callable[[], object]) -> Spent:
        before = _server_cpu(engine)
        one = spent(work)
        return Spent(one.cpu + _server_cpu(engine) - before, one.wall)

    agreed = _agree(_ours(db), _floor(engine))
    medians, runs = alternate(
        {"school": lambda: timed(lambda: _ours(db)), "floor": lambda: timed(lambda: _floor(engine))}, ROUNDS, warm=0
    )
    db.close()
    engine.dispose()
    return medians["school"].cpu / medians["floor"].cpu, [{"database": name, **run} for run in runs], agreed


def measure() -> Measured:
    import services

    values, runs, sound = [], [], True
    with tempfile.TemporaryDirectory() as folder, services.postgresql(Path(folder)) as server:
        for name, url in {
            "sqlite": f"sqlite:///{folder}/school.db",
            "postgresql": f"{server}?options=-c%20max_parallel_workers_per_gather%3D0",
        }.items():
            _fill(url)
            value, each, agreed = _measure(name, url)
            values.append(value)
            runs += each
            sound = sound and agreed
    return Measured(max(values), runs, sound)
