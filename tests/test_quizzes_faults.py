"""An exam of three hundred while web and database are killed: what was acknowledged is there, everybody goes on, one score each."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from quiz_takers import Refused, Taker

import services
from actors import Cast
from packager_stage import awaited
from quiz_kit import make_question, make_quiz
from school.core.db import Database
from school.core.settings import Settings
from school.quizzes.bank.models import QuestionKind
from school.quizzes.marks.models import QuizResult
from school.quizzes.sittings.models import Attempt, AttemptAnswer, AttemptEvent
from sockets_kit import cookies, members

TAKERS = 300
QUESTIONS = 5
AGAIN_S = 0.2  # a page tries again so soon after the network broke

Start = Callable[..., services.LiveServer]


async def patiently(act: Callable[[], Any]) -> Any:
    """Do it as a page would: again and again while the server is away (no connection, or 503)."""
    while True:
        try:
            return await act()
        except ConnectionError:
            pass
        except Refused as refused:
            if refused.args[0] != 503:
                raise
        await asyncio.sleep(AGAIN_S)


async def sit(taker: Taker, quiz_id: int, chance: random.Random, done: Counter[str]) -> None:
    """A whole sitting; now and then an answer is changed, and the browser crashes once in five."""
    await patiently(lambda: taker.look(f"/quizzes/{quiz_id}"))
    await patiently(lambda: taker.start(quiz_id))
    await patiently(taker.open)
    paper = taker.data["questions"]
    for i in range(QUESTIONS):
        for n in range(1, 2 + (chance.random() < 0.2)):
            answer = chance.random() < 0.5
            await patiently(partial(taker.save, i, answer, n))
            done["answers"] += 1
        if chance.random() < 0.2 / QUESTIONS:
            await patiently(taker.open)
            assert taker.data["questions"] == paper
            assert taker.data["answers"] == {str(i): answer for i, (_, answer) in taker.acknowledged.items()}
        await asyncio.sleep(chance.random())
    await patiently(taker.submit)
    taker.hang_up()
    done["submitted"] += 1


async def kill_when(done: Counter[str], answers: int, kill: Callable[[], None]) -> None:
    while done["answers"] < answers:
        await asyncio.sleep(0.05)
    await asyncio.to_thread(kill)


def kill_database(db: Database) -> None:
    """kill -9 of one of PostgreSQL's processes that serves us: the server drops everything and recovers from its log."""
    with db.engine.connect() as connection:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    os.kill(pid, signal.SIGKILL)


def test_nothing_acknowledged_is_lost_when_web_and_database_are_killed(
    settings: Settings, live_server: Start, db: Database, cast: Cast
) -> None:
    with db.write() as s:
        quiz_id = make_quiz(
            s, cast, [make_question(s, cast, QuestionKind.JUDGE) for _ in range(QUESTIONS)], attempts=1, shuffle_questions=True
        ).id  # fmt: skip
    accounts = members(db, cast, TAKERS)
    server = live_server(settings)
    chance = random.Random(300)
    takers = [
        Taker(server.settings.port, dict([cookie.split("=", 1)])) for cookie in cookies(server.settings, db, accounts)
    ]
    done: Counter[str] = Counter()

    def kill_web() -> None:
        server.kill()
        server.start()

    kills = [(chance.randint(100, 400), kill_web), (chance.randint(700, 1300), kill_web)]
    if not db.sqlite:
        kills.append((chance.randint(450, 650), lambda: kill_database(db)))

    async def exam() -> None:
        await asyncio.gather(
            *(sit(taker, quiz_id, random.Random(number), done) for number, taker in enumerate(takers)),
            *(kill_when(done, answers, kill) for answers, kill in kills),
        )

    awaited(asyncio.wait_for(exam(), 240))
    assert done["submitted"] == TAKERS
    with db.read() as s:
        kept = {
            (row.attempt_id, row.position): (row.n, row.answer)
            for row in s.execute(
                sa.select(
                    AttemptAnswer.attempt_id, AttemptAnswer.position, AttemptAnswer.n, AttemptAnswer.answer
                ).where(AttemptAnswer.n > 0)
            )
        }
        told = {(taker.attempt_id, i): given for taker in takers for i, given in taker.acknowledged.items()}
        assert kept == told
        scores = {row.id: row.score_100 for row in s.execute(sa.select(Attempt.id, Attempt.score_100))}
        assert scores == {
            taker.attempt_id: sum(500 for _, answer in taker.acknowledged.values() if answer) for taker in takers
        }
        results = dict(s.execute(sa.select(QuizResult.attempt_id, QuizResult.best_100)).all())
        assert results == scores
        ends = s.scalars(sa.select(AttemptEvent.attempt_id).where(AttemptEvent.kind == "submitted")).all()
        assert sorted(ends) == sorted(scores)


@pytest.mark.parametrize("db_url", ["postgresql"], indirect=True)
def test_two_web_processes_and_the_clock_beside_each_other(
    settings: Settings, live_server: Start, db: Database, cast: Cast
) -> None:
    """The same person at two servers at once: one attempt, and only the page that opened last may answer."""
    with db.write() as s:
        quiz_id = make_quiz(s, cast, [make_question(s, cast, QuestionKind.JUDGE)], attempts=1).id
    servers = live_server(settings), live_server(settings)
    [cookie] = cookies(servers[0].settings, db, [cast.member.account_id])
    takers = [Taker(server.settings.port, dict([cookie.split("=", 1)])) for server in servers for _ in range(10)]

    async def both() -> None:
        await asyncio.gather(*(taker.look(f"/quizzes/{quiz_id}") for taker in takers))
        await asyncio.gather(*(taker.start(quiz_id) for taker in takers))
        assert len({taker.attempt_id for taker in takers}) == 1
        await asyncio.gather(*(taker.open() for taker in takers))
        saved = await asyncio.gather(*(taker.save(0, True, 1) for taker in takers), return_exceptions=True)
        assert saved.count(None) == 1
        assert {one.args[0] for one in saved if isinstance(one, Refused)} == {409}
        last = takers[saved.index(None)]
        assert (await last.submit())["state"] == "marked"
        for taker in takers:
            taker.hang_up()

    awaited(both())
    with db.read() as s:
        assert s.scalars(sa.select(Attempt.score_100)).all() == [500]
