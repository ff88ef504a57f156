"""Two processes at a class at once: they follow each other, and never wait for each other in a ring (PostgreSQL)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import replay_kit
from rings import meanwhile, refer, take

import live_kit
from actors import Cast
from school.core.db import Database
from school.core.settings import Settings
from school.live import log, presence, running, settle
from school.live.access import standing
from school.live.fanout import Fanout, Room, Seat
from school.live.keeper import Keeper
from school.live.models import LiveClass, LivePresence, LiveReport
from school.live.presence import Arrival
from school.records.ledger import lock_members

ZONE = "Asia/Shanghai"


@pytest.fixture
def db_url(pg_database: Callable[..., str]) -> str:
    """PostgreSQL alone: SQLite has one writer."""
    return pg_database()


def test_who_comes_in_waits_for_no_action_of_the_class(db: Database, cast: Cast) -> None:
    with db.write() as s:
        class_id = live_kit.make_class(s, cast).id
    with db.write() as s, db.write() as other:
        log.hold(s, class_id)
        standing(s, cast.trainer.person, class_id, lock=True)
        refer(other, LiveClass, class_id)


def test_two_processes_move_stays_on_in_one_order(db: Database, cast: Cast) -> None:
    with db.write() as s:
        class_id, at_ms = live_kit.make_class(s, cast).id, log.this_ms()
        who = (cast.member, cast.secretary)
        first, second = presence.enter(s, [Arrival(class_id, each.member_id, at_ms, "") for each in who], ZONE)
    fanout = Fanout(db, "", lambda *_: None)
    keeper = Keeper(db, fanout)
    gone, here = (
        Seat(str(stay), None, class_id, 0, None, False, "", "", stay)  # type: ignore[arg-type]
        for stay in (first, second)
    )
    fanout.rooms[class_id] = Room(class_id, seats={here.sid: here})
    keeper.left(gone)
    with db.write() as s:
        take(s, LivePresence, first)
        moved = meanwhile(db, keeper.move)
        take(s, LivePresence, second)
    moved.result()
    with db.read() as s:
        assert [s.get_one(LivePresence, stay).left for stay in (first, second)] == [True, False]


def test_a_class_that_is_stopped_while_it_is_settled_is_settled_again(
    db: Database, settings: Settings, cast: Cast
) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast)
        replay_kit.stay(s, live, cast.member.member_id, 0, 45)
    with db.write() as s:
        lock_members(s, {cast.member.member_id})
        settled = meanwhile(db, lambda: settle.settle(db, settings, live.id))
        with db.write() as other:
            running.stop(other, cast.admin.person, live.id)
    settled.result()
    assert settle.settle_due(db, settings) == 1
    with db.read() as s:
        body = s.get_one(LiveReport, live.id).body
        assert (body["stopped"], body["makeup"]) == (True, 0)
