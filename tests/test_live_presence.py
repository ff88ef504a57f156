"""Stays in the room: entered, moved on, left and come back to; and who must go while the class is on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import socketio
import sqlalchemy as sa

import live_kit
import services
from actors import Cast
from patience import until
from school.core.db import Database
from school.core.settings import Settings
from school.live import log, presence, roster
from school.live.models import LiveAudience, LiveClass, LivePresence
from school.live.presence import RETURN_MS, Arrival
from school.org.models import SignIn
from sockets_kit import room

ZONE = "Asia/Shanghai"


@pytest.fixture
def class_id(db: Database, cast: Cast) -> int:
    with db.write() as s:
        return live_kit.make_class(s, cast).id


def stays(db: Database, class_id: int) -> list[tuple[int, int, bool]]:
    """(entered, seen, left) of each stay, the earliest first."""
    with db.read() as s:
        rows = s.scalars(sa.select(LivePresence).where(LivePresence.class_id == class_id).order_by(LivePresence.id))
        return [(row.entered_ms, row.seen_ms, row.left) for row in rows]


def enter(db: Database, class_id: int, member_id: int, at_ms: int) -> int:
    with db.write() as s:
        return presence.enter(s, [Arrival(class_id, member_id, at_ms, "Android")], ZONE)[0]


def test_who_is_back_soon_goes_on_in_the_same_stay(db: Database, cast: Cast, class_id: int) -> None:
    member = cast.member.member_id
    first = enter(db, class_id, member, 1_000_000)
    with db.write() as s:
        presence.seen(s, [first], 1_005_000)
        presence.leave(s, {first: 1_007_000})
    assert stays(db, class_id) == [(1_000_000, 1_007_000, True)]
    assert enter(db, class_id, member, 1_007_000 + RETURN_MS) == first
    assert stays(db, class_id) == [(1_000_000, 1_022_000, False)]
    second = enter(db, class_id, member, 1_022_000 + RETURN_MS + 1)
    assert second != first
    assert len(stays(db, class_id)) == 2
    assert enter(db, class_id, cast.secretary.member_id, 1_022_000) not in {first, second}


def test_a_stay_never_shrinks(db: Database, cast: Cast, class_id: int) -> None:
    stay = enter(db, class_id, cast.member.member_id, 1_000_000)
    with db.write() as s:
        presence.seen(s, [stay], 1_060_000)
        presence.seen(s, [stay], 1_030_000)  # a clock that was put back
        presence.leave(s, {stay: 1_020_000})
    assert stays(db, class_id) == [(1_000_000, 1_060_000, False)], "who was seen since has not left"
    assert enter(db, class_id, cast.member.member_id, 1_050_000) == stay
    assert stays(db, class_id) == [(1_000_000, 1_060_000, False)]


def test_present_are_members_each_once(db: Database, cast: Cast, class_id: int) -> None:
    at_ms = log.this_ms()
    stay = enter(db, class_id, cast.member.member_id, at_ms)
    enter(db, class_id, cast.outsider.member_id, at_ms - roster.FRESH_MS - 1)  # of a process that was killed
    with db.write() as s:
        assert roster.present_count(s, class_id) == 1
        assert presence.ways(s, class_id, at_ms) == {"none": 1}
        presence.leave(s, {stay: at_ms})
        assert roster.present_count(s, class_id) == 0


def test_the_desk_sees_who_is_there_by_branch_and_how_they_watch(
    settings: Settings, live_server: Callable[..., services.LiveServer], db: Database, cast: Cast, class_id: int
) -> None:
    server = live_server(settings)
    with room(server.settings, db, server.url, class_id) as here:
        desk = here.enter(cast.trainer, side="desk")
        member, second_device, other = here.enter(cast.member), here.enter(cast.member), here.enter(cast.outsider)
        assert member.send("watching", {"mode": "smooth", "stalls": 0})["ok"]
        desk.until(lambda: any(tick.get("present") == 2 for tick in desk.ticks))
        desk.until(lambda: any(tick.get("watching") == {"none": 1, "smooth": 1} for tick in desk.ticks))
        branches = {row["name"]: (row["present"], row["expected"]) for row in desk.send("roster")["branches"]}
        assert branches == {"河东村": (1, 2), "河西村": (1, 1)}
        assert len(stays(db, class_id)) == 2  # two devices are one stay; the desk is none
        second_device.leave()
        other.leave()
        until(lambda: [left for *_, left in stays(db, class_id)] == [False, True])
        until(lambda: desk.send("roster")["branches"][0]["present"] == 1)


@pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)
def test_who_is_signed_out_or_no_longer_invited_must_go(
    settings: Settings, live_server: Callable[..., services.LiveServer], db: Database, cast: Cast, class_id: int
) -> None:
    server = live_server(settings)
    with room(server.settings, db, server.url, class_id) as here:
        member, outsider, desk = (
            here.enter(cast.member),
            here.enter(cast.outsider),
            here.enter(cast.trainer, side="desk"),
        )
        signed_out = here.enter(cast.secretary)
        with db.write() as s:
            s.execute(sa.delete(SignIn).where(SignIn.account_id == cast.secretary.account_id))
            s.add(LiveAudience(class_id=class_id, org_id=cast.branch_id))
        assert (
            outsider.send("say", {"text": "还在"})["error"]["code"] == "live.missing"
        )  # at once, when they do something
        assert signed_out.send("say", {"text": "还在"})["error"]["code"] == "person.sign_in"
        until(lambda: not outsider.client.connected and not signed_out.client.connected)
        with db.write() as s:
            s.execute(sa.update(LiveClass).values(trainer_id=cast.admin.account_id))
        until(lambda: not desk.client.connected)  # within fifteen seconds, when they do nothing
        assert member.client.connected
        for guest, code in ((outsider, "live.missing"), (signed_out, "person.sign_in"), (desk, "live.missing")):
            with pytest.raises(socketio.exceptions.ConnectionError):
                guest.connect()
            assert guest.refusal is not None
            assert guest.refusal["data"]["error"]["code"] == code


@pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)
def test_a_class_that_is_stopped_sends_everybody_away(
    settings: Settings, live_server: Callable[..., services.LiveServer], db: Database, cast: Cast, class_id: int
) -> None:
    from school.live import running

    server = live_server(settings)
    with room(server.settings, db, server.url, class_id) as here:
        member = here.enter(cast.member)
        with db.write() as s:
            running.stop(s, cast.admin.person, class_id, "内容需要核对")
        member.until(lambda: "state" in member.kinds())
        until(lambda: not member.client.connected)
        with pytest.raises(socketio.exceptions.ConnectionError):
            member.connect()
