"""Claims over HTTP: what is stored is acknowledged, what is not is refused in one sentence, and kill -9 loses nothing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from flask import Flask
from records_kit import MINUTE, post_course

from actors import Cast
from clients import SchoolClient
from patience import until
from school.core.db import Database
from school.core.keys import load_keys
from school.core.settings import Settings
from school.core.time import now
from school.org.models import Member
from school.records import service
from school.records.intervals import subtract
from school.records.models import Coverage, PlaySession, ReviewRequest, StudyHourEntry
from services import LiveServer


def open_session(db: Database, settings: Settings, member_id: int, part_id: int, ago_ms: int = 0) -> service.PlayTicket:
    """A session that has been earning for `ago_ms`."""
    with db.write() as s:
        ticket = service.open_play_session(
            s, load_keys(settings), member_id=member_id, part_id=part_id, device="Chrome", now=now(), zone=settings.zone
        )
        session = s.scalars(sa.select(PlaySession).order_by(PlaySession.id.desc())).first()
        assert session
        session.seen_ms -= ago_ms
    return ticket


@pytest.fixture
def part_id(db: Database) -> int:
    with db.write() as s:
        _, (part,) = post_course(s, 10 * MINUTE)
        return part.id


@pytest.fixture
def token(db: Database, settings: Settings, cast: Cast, part_id: int) -> str:
    return open_session(db, settings, cast.member.member_id, part_id, ago_ms=60_000).token


def test_a_claim_needs_no_cookie_and_answers_what_stands(client: SchoolClient, token: str) -> None:
    body = {"token": token, "claims": [[0, 30_000]], "position_ms": 30_000}
    answer = client.post("/study/claims", json=body, csrf=False)
    assert answer.status_code == 200
    assert answer.json == {
        "covered": [[0, 30_000]], "refused": [], "held": [], "covered_ms": 30_000, "state": "earning",
        "check": None, "completed": False, "hours": None,
    }  # fmt: skip
    assert client.post("/study/checks", json={"token": token}, csrf=False).json == answer.json


def test_a_beacon_says_text_plain(client: SchoolClient, token: str) -> None:
    body = json.dumps({"token": token, "claims": [[0, 1000.4]], "at": "1970-01-01T00:00:00Z", "clock": -1e18})
    answer = client.post("/study/claims", data=body, content_type="text/plain;charset=UTF-8", csrf=False)
    assert answer.status_code == 200
    assert answer.get_json()["covered"] == [[0, 1000]]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b"null", b"\xff\xfe", b'{"token": 5}', b"[" * 50_000, b'"' + b"x" * 60_000,
        b'{"token": "TOKEN", "claims": {"a": 1}}', b'{"token": "TOKEN", "claims": [1, 2]}',
        b'{"token": "TOKEN", "claims": [[0, NaN]]}', b'{"token": "TOKEN", "claims": [[0, Infinity]]}',
        b'{"token": "TOKEN", "claims": [[0, "9"]]}', b'{"token": "TOKEN", "claims": [[0, true]]}',
        b'{"token": "TOKEN", "claims": [[0, 1, 2]]}', b'{"token": "TOKEN", "claims": [[0, 5]], "position_ms": []}',
        b'{"token": "TOKEN", "claims": [[0, 1' + b"0" * 5000 + b"]]}",
    ],
)  # fmt: skip
def test_garbage_is_refused_in_one_sentence(client: SchoolClient, token: str, body: bytes) -> None:
    answer = client.post("/study/claims", data=body.replace(b"TOKEN", token.encode()), csrf=False)
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["error"]["code"] == "claim.malformed"
    assert "刷新" in answer.json["error"]["message"]


def test_numbers_outside_the_part_are_cut_to_it(client: SchoolClient, token: str) -> None:
    claims = [[-5e300, -1], [10, 5], [-1000, 1000], [599_000, 10**30], [7, 7]]
    answer = client.post("/study/claims", json={"token": token, "claims": claims, "position_ms": -4}, csrf=False)
    assert answer.get_json()["covered"] == [[0, 1000], [599_000, 600_000]]


def test_too_many_intervals_are_refused(client: SchoolClient, token: str) -> None:
    claims = [[n, n + 1] for n in range(0, 20_000, 2)]
    answer = client.post("/study/claims", json={"token": token, "claims": claims}, csrf=False)
    assert answer.status_code == 413
    assert answer.json is not None
    assert answer.json["error"]["code"] == "claim.large"


def test_a_token_of_somebody_else_cannot_be_made(client: SchoolClient, cast: Cast, token: str) -> None:
    forged = token.replace(f"-{cast.member.member_id}-", f"-{cast.outsider.member_id}-", 1)
    assert forged != token
    for path in ("/study/claims", "/study/checks"):
        answer = client.post(path, json={"token": forged, "claims": [[0, 1000]]}, csrf=False)
        assert answer.status_code == 403
        assert answer.json is not None
        assert answer.json["error"]["code"] == "play.token"


def test_a_member_asks_to_look_again_and_the_secretary_grants_it(
    client: SchoolClient, db: Database, cast: Cast, part_id: int, token: str
) -> None:
    client.post("/study/claims", json={"token": token, "claims": [[0, 600_000]]}, csrf=False)
    client.act_as(cast.member)
    asked = {"part_id": part_id, "from_ms": 90_000, "to_ms": 600_000, "words": "投影仪上看的，网络断了"}
    made = client.post("/study/reviews", json=asked)
    assert made.status_code == 201
    assert client.post("/study/reviews", json=asked).get_json() == made.get_json()
    review = made.get_json()["id"]
    address = f"/study/reviews/{review}"
    assert client.post(address, data={"grant": "yes", "words": "同意"}).status_code == 403
    client.act_as(cast.secretary)
    for form in ({"grant": "yes", "words": " "}, {"words": "当晚在场"}, {"grant": "true", "words": "当晚在场"}, {}):
        assert client.post(address, data=form).status_code == 422, form
    answer = client.post(address, data={"grant": "yes", "words": "当晚在场", "next": "//elsewhere.example/"})
    assert (answer.status_code, answer.location) == (302, "/")
    assert client.post(address, data={"grant": "no", "words": "再想想"}).status_code == 409
    with db.read() as s:
        row = s.scalars(sa.select(Coverage)).one()
        assert (row.intervals, row.refused) == ([[0, 600_000]], [])
        entry = s.scalars(sa.select(StudyHourEntry)).one()
        assert entry.evidence["reviews"] == [{"id": review, "stretch": [90_000, 600_000]}]
        assert s.get_one(ReviewRequest, review).answered_by == cast.secretary.account_id


def test_a_locked_database_for_three_seconds_loses_nothing_and_stops_nobody(
    live_server: Callable[..., LiveServer], db: Database, settings: Settings, cast: Cast, part_id: int
) -> None:
    token = open_session(db, settings, cast.member.member_id, part_id, ago_ms=60_000).token
    server = live_server(settings)
    foreign = Database(settings.db_url)
    with ThreadPoolExecutor(2) as pool, foreign.write() as s:
        s.execute(sa.update(Member).values(floating=Member.floating))  # SQLite: the whole database, PostgreSQL: its row
        waiting = pool.submit(
            requests.post, f"{server.url}/study/claims", json={"token": token, "claims": [[0, 30_000]]}, timeout=30
        )
        began, pings = time.monotonic(), 0
        while pings < 3 or time.monotonic() < began + 3:
            assert requests.get(f"{server.url}/ping", timeout=30).status_code == 200
            pings += 1
        assert not waiting.done()  # and if a ping had waited with it, both would have given up by now
        s.rollback()
        assert waiting.result().json()["covered"] == [[0, 30_000]]
    foreign.close()


class Page:
    """A member's page on a bad day: sends what is not acknowledged until it is, to whichever server there is."""

    def __init__(self, urls: list[str], token: str, opened: float) -> None:
        self.urls, self.token, self.opened = urls, token, opened
        self.acknowledged: list[list[int]] = []
        self.played_to = self.answers = 0

    def run(self, over: threading.Event) -> None:
        number = 0
        while not over.is_set():
            to = int((time.time() - self.opened) * 1000)
            body = {"token": self.token, "claims": [[self.played_to, to]], "position_ms": to}
            number += 1
            try:
                answer = requests.post(f"{self.urls[number % len(self.urls)]}/study/claims", json=body, timeout=20)
            except requests.RequestException:
                time.sleep(0.1)
                continue
            assert answer.status_code == 200, answer.text
            self.acknowledged, self.played_to = answer.json()["covered"], to
            self.answers += 1


def pages(db: Database, settings: Settings, cast: Cast, urls: list[str], count: int) -> list[Page]:
    with db.write() as s:
        _, (part,) = post_course(s, 60 * MINUTE)
        members = [Member(org_id=cast.branch_id, name=f"学员{n}", created_at=now()) for n in range(count)]
        s.add_all(members)
    return [Page(urls, open_session(db, settings, m.id, part.id).token, time.time()) for m in members]


def stored(db: Database) -> dict[int, Any]:
    with db.read() as s:
        return {row.member_id: row for row in s.scalars(sa.select(Coverage))}


@pytest.mark.slow
def test_killing_the_web_process_four_times_loses_nothing_acknowledged(
    live_server: Callable[..., LiveServer], db: Database, settings: Settings, cast: Cast
) -> None:
    load_keys(settings)
    server = live_server(settings)
    made = pages(db, settings, cast, [server.url], 20)
    over = threading.Event()
    with ThreadPoolExecutor(len(made)) as pool:
        runs = [pool.submit(page.run, over) for page in made]
        try:
            for _ in range(4):
                time.sleep(1.3)
                server.kill()
                server.start()
            heard = [page.answers for page in made]
            until(lambda: all(page.answers > before + 1 for page, before in zip(made, heard, strict=True)))
        finally:
            over.set()
        for run in runs:
            run.result()
    rows = {(row.intervals and row.member_id): row for row in stored(db).values()}
    assert len(rows) == len(made)
    for page, member_id in zip(made, sorted(rows), strict=True):
        kept = [(a, b) for a, b in rows[member_id].intervals]
        assert page.acknowledged
        assert not subtract([(a, b) for a, b in page.acknowledged], kept)
        assert kept[0][0] == 0
        assert len(kept) == 1  # played without a break: nothing in the middle is missing either
        assert rows[member_id].refused == []


@pytest.mark.slow
def test_two_web_processes_count_the_same_member_without_losing_a_claim(
    live_server: Callable[..., LiveServer], db: Database, settings: Settings, cast: Cast, part_id: int
) -> None:
    token = open_session(db, settings, cast.member.member_id, part_id, ago_ms=600_000).token
    load_keys(settings)
    one, two = live_server(settings), live_server(replace(settings))
    step = 5_000

    def send(number: int) -> int:
        body = {"token": token, "claims": [[number * step, (number + 1) * step]]}
        return requests.post(f"{(one, two)[number % 2].url}/study/claims", json=body, timeout=30).status_code

    with ThreadPoolExecutor(24) as pool:
        assert set(pool.map(send, range(120))) == {200}
    (row,) = stored(db).values()
    assert row.intervals == [[0, 600_000]]
    with db.read() as s:
        assert s.scalars(sa.select(StudyHourEntry.hours_100)).all() == [100]


def test_too_much_waiting_is_told_to_come_again(app: Flask, client: SchoolClient, token: str) -> None:
    from school.records.views import group_commit

    commit = group_commit(app.extensions["school"])
    commit.waiting = 10_000
    answer = client.post("/study/claims", json={"token": token, "claims": [[0, 1000]]}, csrf=False)
    assert answer.status_code == 503
    assert answer.json is not None
    assert "自动再次提交" in answer.json["error"]["message"]


def test_only_a_part_one_has_opened_can_be_asked_about(
    client: SchoolClient, db: Database, settings: Settings, cast: Cast, part_id: int
) -> None:
    """Whose audience a part is for is asked when it is opened; its number alone says nothing."""
    asked = {"words": "那天停电。", "part_id": part_id, "from_ms": 0, "to_ms": 1000}
    open_session(db, settings, cast.member.member_id, part_id)
    client.act_as(cast.outsider)
    assert client.post("/study/reviews", json=asked).status_code == 404
    client.act_as(cast.member)
    assert client.post("/study/reviews", json=asked).status_code == 201
