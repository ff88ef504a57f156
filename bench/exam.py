"""What one taker of an exam costs web and database: sign in, open, 16 answers saved one by one, submit, see the result."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from bench.harness import Goal, Measured, process_cpu

GOAL = Goal(0.12, "CPU s per taker")
TAKERS = 60
ROUNDS = 3
QUESTIONS = 16
AT_ONCE = 12  # takers who sit at the same time
PAUSE_S = 0.1  # between two answers of one taker


def _postgres_cpu() -> float:
    mine = [p for p in psutil.Process().children(recursive=True) if p.name().startswith("postgres")]
    return sum(sum(p.cpu_times()[:2]) for p in mine)


def fill(settings: Any, takers: int, *, quizzes: int = 1) -> tuple[list[int], list[int]]:
    """Members with accounts, and exams of 16 single choices for them: the exams' and the accounts' ids."""
    import sockets_kit
    from actors import build, password_hash
    from quiz_kit import make_question, make_quiz
    from school.core.db import Base, Database
    from school.org.models import Account

    db = Database(settings.db_url)
    Base.metadata.create_all(db.engine)
    cast = build(db)
    accounts = sockets_kit.members(db, cast, takers)
    with db.write() as s:
        for account_id in accounts:
            s.get_one(Account, account_id).password_hash = password_hash()
        questions = [make_question(s, cast) for _ in range(QUESTIONS)]
        exams = [
            make_quiz(s, cast, questions, attempts=0, shuffle_questions=True, shuffle_options=True, hours_100=100).id
            for _ in range(quizzes)
        ]
    db.close()
    return exams, accounts


async def _sit(port: int, quiz_id: int, number: int, gate: asyncio.Semaphore) -> None:
    from quiz_takers import Taker

    from actors import PASSWORD

    async with gate:
        taker = Taker(port)
        await taker.sign_in(f"m{number}", PASSWORD)
        await taker.look(f"/quizzes/{quiz_id}")
        await taker.start(quiz_id)
        await taker.look(f"/quizzes/attempts/{taker.attempt_id}")
        for i in range(QUESTIONS):
            await taker.save(i, [(number + i) % 3], 1)
            await asyncio.sleep(PAUSE_S)
        done = await taker.submit()
        await taker.look(done["href"])
        taker.hang_up()


async def _all_sit(port: int, quiz_id: int) -> None:
    gate = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(_sit(port, quiz_id, number, gate) for number in range(TAKERS)))


def measure() -> Measured:
    import services
    from school.core.settings import Settings

    runs: list[dict[str, Any]] = []
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pg").mkdir()
        with services.postgresql(folder / "pg") as pg_url:
            for database, url in {"sqlite": f"sqlite:///{folder / 'school.db'}", "postgresql": pg_url}.items():
                settings = Settings(
                    data=folder / database, database_url=url, host="127.0.0.1", port=services.free_port()
                )
                [quiz_id], _ = fill(settings, TAKERS)
                web = services.LiveServer(settings, folder / f"{database}.log")
                web.start()
                assert web.process is not None
                try:
                    costs = []
                    for number in range(ROUNDS + 1):
                        cpu, pg, wall = process_cpu(web.process.pid), _postgres_cpu(), time.perf_counter()
                        asyncio.run(_all_sit(settings.port, quiz_id))
                        cpu, pg = process_cpu(web.process.pid) - cpu, _postgres_cpu() - pg
                        if number:  # the first round warms
                            costs.append((cpu + pg) / TAKERS)
                            runs.append(
                                {
                                    "database": database,
                                    "web_s": round(cpu / TAKERS, 4),
                                    "database_s": round(pg / TAKERS, 4),
                                    "wall_s": round(time.perf_counter() - wall, 1),
                                }
                            )
                    found[database] = sorted(costs)[ROUNDS // 2]
                finally:
                    web.kill()
    return Measured(max(found.values()), runs, notes={"by_database": {k: round(v, 4) for k, v in found.items()}})
