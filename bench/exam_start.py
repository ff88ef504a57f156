"""Everybody begins at once: 500 takers, signed in and waiting at the door, open the paper within five seconds."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.exam import fill
from bench.harness import Goal, Measured, ahead, percentile

GOAL = Goal(1.5, "s (99th percentile)")
TAKERS = 500
WITHIN_S = 5.0
ROUNDS = 3


async def _begin(taker: Any, quiz_id: int, at: float) -> float | None:
    """Press the button at `at`, wait for the paper; how long it took, None when it did not come."""
    from quiz_takers import Refused

    await asyncio.sleep(at - time.perf_counter())
    try:
        await taker.start(quiz_id)
        await taker.look(f"/quizzes/attempts/{taker.attempt_id}")
    except (Refused, ConnectionError):
        return None
    return time.perf_counter() - at if taker.data["questions"] else None


async def _storm(port: int, quiz_id: int, cookies: list[str]) -> list[float | None]:
    from quiz_takers import Taker

    takers = [Taker(port, dict([cookie.split("=", 1)])) for cookie in cookies]
    gate = asyncio.Semaphore(20)

    async def arrive(taker: Any) -> None:
        async with gate:
            await taker.look(f"/quizzes/{quiz_id}")
            taker.hang_up()  # it waits longer than a connection is kept

    await asyncio.gather(*map(arrive, takers))
    begin = time.perf_counter() + 0.5
    at = [begin + WITHIN_S * number / len(takers) for number in range(len(takers))]
    took = await asyncio.gather(*(_begin(taker, quiz_id, when) for taker, when in zip(takers, at, strict=True)))
    for taker in takers:
        taker.hang_up()
    return list(took)


def measure() -> Measured:
    import services
    from school.core.db import Database
    from school.core.settings import Settings
    from sockets_kit import cookies

    runs: list[dict[str, Any]] = []
    worst: dict[str, float] = {}
    failed = 0
    first = ahead()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pg").mkdir()
        with services.postgresql(folder / "pg", durable=True) as pg_url:
            for database, url in {"sqlite": f"sqlite:///{folder / 'school.db'}", "postgresql": pg_url}.items():
                settings = Settings(
                    data=folder / database, database_url=url, host="127.0.0.1", port=services.free_port()
                )
                quiz_ids, accounts = fill(settings, TAKERS, quizzes=ROUNDS + 1)
                db = Database(settings.db_url)
                signed_in = cookies(settings, db, accounts)
                db.close()
                web = services.LiveServer(settings, folder / f"{database}.log")
                web.start()
                try:
                    found = []
                    for quiz_id in quiz_ids:
                        took = asyncio.run(_storm(settings.port, quiz_id, signed_in))
                        came = [one for one in took if one is not None]
                        if quiz_id == quiz_ids[0]:
                            continue  # warms
                        failed += len(took) - len(came)
                        found.append(percentile(came, 0.99))
                        runs.append(
                            {
                                "database": database,
                                "p50_s": round(percentile(came, 0.5), 3),
                                "p99_s": round(found[-1], 3),
                                "failed": len(took) - len(came),
                            }
                        )
                    worst[database] = sorted(found)[ROUNDS // 2]
                finally:
                    web.kill()
    notes = {"by_database": {name: round(value, 3) for name, value in worst.items()}, "failed": failed, "ahead": first}
    return Measured(max(worst.values()), runs, sound=failed == 0, notes=notes)
