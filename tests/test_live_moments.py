"""Slides, 到课登记, presence checks, sources and the roster: what they store, who sees what, and what is refused."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from actors import Cast
from room_kit import Room
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed, NotFound, TooMany
from school.core.time import now
from school.live import log, moments, room_rules
from school.live.models import LiveCheck, LiveClass, LiveHere, LivePresence, LiveSignIn, LiveState
from school.media.models import AssetState, SlideDeck


@pytest.fixture
def room(db: Database, cast: Cast) -> Room:
    moments.wrong_codes.clear()  # of this process, and every test has a class number one
    return Room(db, cast)


def state(room: Room, who: str) -> dict[str, dict[str, object]]:
    return room.state(room.cast[who])


# ---- slides and sources


def with_slides(room: Room, pages: int, ready: AssetState = AssetState.READY) -> None:
    with room.db.write() as s:
        deck = SlideDeck(
            owner_id=room.cast.trainer.account_id, file_name="冬季.pdf", source_key="x", prefix="decks/1/", pages=pages,
            state=ready, created_at=now(),
        )  # fmt: skip
        s.add(deck)
        s.flush()
        s.get_one(LiveClass, room.id).deck_id = deck.id


def test_slides_turn_for_everybody(room: Room, cast: Cast) -> None:
    assert state(room, "member")["state"]["slide"] == {"page": 0, "pages": 0}
    with pytest.raises(Conflict, match="no_slides"):
        room.do(cast.trainer, "slide", page=1)
    with_slides(room, 12)
    assert state(room, "member")["state"]["slide"] == {"page": 1, "pages": 12}
    room.do(cast.trainer, "slide", page=5)
    assert state(room, "member")["state"]["slide"] == {"page": 5, "pages": 12}
    assert room.lines("slide")[0].body == {"page": 5, "pages": 12}
    for page in (0, 13, "5", None):
        with pytest.raises(Invalid):
            room.do(cast.trainer, "slide", page=page)
    with pytest.raises(NotAllowed):
        room.do(cast.member, "slide", page=6)


def test_slides_that_are_not_drawn_yet_are_none(room: Room, cast: Cast) -> None:
    with_slides(room, 0, AssetState.CHECKING)
    assert state(room, "trainer")["state"]["slide"] == {"page": 0, "pages": 0}


def test_the_room_hears_of_sources_once(room: Room, cast: Cast) -> None:
    for named in (["mic", "camera"], ["camera", "mic", "mic"], ["screen", "camera", "mic", "small"]):
        room.do(cast.trainer, "sources", sources=named)
    assert [line.body["sources"] for line in room.lines("sources")] == [
        ["camera", "mic"],
        ["screen", "camera", "small", "mic"],
    ]
    assert state(room, "member")["state"]["sources"] == ["screen", "camera", "small", "mic"]
    for wrong in (None, "mic", ["telescope"], [1]):
        with pytest.raises(Invalid):
            room.do(cast.trainer, "sources", sources=wrong)


# ---- 到课登记


def test_members_sign_in_with_the_code(room: Room, cast: Cast) -> None:
    with pytest.raises(Conflict, match="code_closed"):
        room.do(cast.member, "sign_in", code="0000")
    code = room.do(cast.trainer, "code", open=True)["code"]
    assert len(code) == 4
    assert code.isdecimal()
    assert room.do(cast.trainer, "code", open=True) == {"code": code}
    signed = room.do(cast.member, "sign_in", code=f" {code[:2]} {code[2:]} ")
    assert room.do(cast.member, "sign_in", code="whatever") == signed
    assert state(room, "member")["me"]["signed_in_ms"] == signed["at_ms"]
    (line,) = room.lines("signed_in")
    assert line.body == {"member_id": cast.member.member_id, "count": 1}
    assert not log.shown_to(line.audience, cast.outsider.account_id, desk=False)
    with pytest.raises(NotAllowed):
        room.do(cast.reviewer, "sign_in", code=code)
    assert room.do(cast.trainer, "code", open=False) == {"code": None}
    with pytest.raises(Conflict, match="code_closed"):
        room.do(cast.outsider, "sign_in", code=code)


def test_only_the_desk_sees_the_code(room: Room, cast: Cast) -> None:
    code = room.do(cast.trainer, "code", key="k1", open=True)["code"]
    seen = [line.body for line in room.lines("code") if log.shown_to(line.audience, cast.member.account_id, desk=False)]
    assert seen == [{"open": True}]
    assert state(room, "member")["state"]["code_open"] is True
    assert "code" not in state(room, "member")["state"]
    assert state(room, "trainer")["state"]["code"] == code
    assert room.do(cast.trainer, "code", key="k1", open=True)["code"] == code


def test_signing_in_is_open_before_the_class(db: Database, cast: Cast) -> None:
    early = Room(db, cast, state=LiveState.APPROVED)
    early.do(cast.member, "sign_in", code=early.do(cast.trainer, "code", open=True)["code"])
    over = Room(db, cast, state=LiveState.ENDED)
    with pytest.raises(Conflict, match="not_open"):
        over.do(cast.trainer, "code", open=True)


def test_five_wrong_codes_a_minute(room: Room, cast: Cast) -> None:
    code = room.do(cast.trainer, "code", open=True)["code"]
    wrong = [f"{(int(code) + step) % 10_000:04}" for step in range(1, room_rules.CODE_TRIES + 1)]
    for each in (*wrong, wrong[0]):  # the same code again is no other try
        with pytest.raises(Invalid, match=r"live\.code"):
            room.do(cast.member, "sign_in", code=each)
    with pytest.raises(TooMany) as refused:
        room.do(cast.member, "sign_in", code=code)
    assert 0 < refused.value.params["seconds"] <= 60
    room.do(cast.outsider, "sign_in", code=code)  # others are not held up
    with room.db.read() as s:
        assert s.scalars(sa.select(LiveSignIn.member_id)).all() == [cast.outsider.member_id]


def test_tries_are_forgotten_after_a_minute() -> None:
    tries = {"0003": 0, "0001": 10, "0002": 20, "0005": 30, "0004": 40}
    with pytest.raises(TooMany) as refused:
        room_rules.may_try(tries, 45_000)
    assert refused.value.params["seconds"] == 15
    assert list(room_rules.may_try(tries, 60_005).values()) == [10, 20, 30, 40]


@pytest.mark.parametrize("code", ["", None, 1234, ["1"], "１２３４５６７８９", "'; --", "\ud800"])
def test_what_is_no_code_is_refused(room: Room, cast: Cast, code: object) -> None:
    room.do(cast.trainer, "code", open=True)
    with pytest.raises(Invalid):
        room.do(cast.member, "sign_in", code=code)


# ---- presence checks


def answers(room: Room) -> list[int]:
    with room.db.read() as s:
        return list(s.scalars(sa.select(LiveHere.member_id).order_by(LiveHere.member_id)))


def test_a_check_is_answered_once(room: Room, cast: Cast) -> None:
    check = room.do(cast.trainer, "check")["check"]
    with pytest.raises(Conflict, match="check_running"):
        room.do(cast.trainer, "check")
    assert state(room, "member")["state"]["check"]["check"] == check  # type: ignore[index]
    for _ in range(2):
        room.do(cast.member, "here", check=check)
    assert answers(room) == [cast.member.member_id]
    assert state(room, "member")["state"]["check"] is None
    assert state(room, "trainer")["state"]["check"]["count"] == 1  # type: ignore[index]
    assert [line.body for line in room.lines("here")] == [{"check": check, "count": 1}]
    with pytest.raises(NotFound):
        room.do(cast.member, "here", check=check + 1)
    with pytest.raises(NotAllowed):
        room.do(cast.reviewer, "here", check=check)


@pytest.mark.parametrize(
    ("event", "body"),
    [("say", {"text": "在"}), ("ask", {"text": "在？"}), ("hand", {"up": True}), ("hand", {"up": False})],
)
def test_whoever_does_something_is_there(room: Room, cast: Cast, event: str, body: dict[str, object]) -> None:
    room.do(cast.trainer, "check")
    room.do(cast.member, event, **body)
    assert answers(room) == [cast.member.member_id]


def test_the_first_sign_of_life_after_a_missed_check_is_kept(room: Room, cast: Cast) -> None:
    check = room.do(cast.trainer, "check")["check"]
    with room.db.write() as s:
        s.get_one(LiveCheck, check).at_ms -= room_rules.CHECK_MS + 1
    assert state(room, "member")["state"]["check"] is None
    room.do(cast.member, "say", text="回来了")
    with room.db.read() as s:
        here = s.get_one(LiveHere, (check, cast.member.member_id))
        assert here.at_ms > s.get_one(LiveCheck, check).at_ms + room_rules.CHECK_MS
    room.do(cast.trainer, "check")  # the next one may be asked now


# ---- the roster


def enter(room: Room, member_id: int, ago_ms: int = 0, *, left: bool = False) -> None:
    at_ms = log.this_ms() - ago_ms
    with room.db.write() as s:
        s.add(LivePresence(class_id=room.id, member_id=member_id, entered_ms=at_ms, seen_ms=at_ms, left=left))


def branches(room: Room) -> list[tuple[str, int, int]]:
    return [
        (each["name"], each["present"], each["expected"]) for each in room.do(room.cast.trainer, "roster")["branches"]
    ]


def test_the_roster_counts_by_branch_in_organisation_order(room: Room, cast: Cast) -> None:
    assert branches(room) == [("河东村", 0, 2), ("河西村", 0, 1)]
    enter(room, cast.outsider.member_id)
    enter(room, cast.outsider.member_id)  # a second device
    enter(room, cast.member.member_id, left=True)
    enter(room, cast.secretary.member_id, ago_ms=10 * 60_000)  # a machine that died
    assert branches(room) == [("河东村", 0, 2), ("河西村", 1, 1)]
    seen = state(room, "member")["state"]
    assert (seen["present"], seen["expected"]) == (1, 3)
    people = room.do(cast.trainer, "roster", org_id=cast.other_branch_id)["people"]
    assert people == [
        {"member_id": cast.outsider.member_id, "name": cast.outsider.name, "present": True, "signed_in": False}
    ]
    with pytest.raises(NotAllowed):
        room.do(cast.member, "roster")


def test_who_teaches_is_not_expected_and_guests_are_counted_as_here(room: Room, cast: Cast) -> None:
    with room.db.write() as s:
        live = s.get_one(LiveClass, room.id)
        live.helper_id = cast.secretary.account_id
        s.execute(sa.text("DELETE FROM live_audience"))
        live.org_id = cast.branch_id
    enter(room, cast.outsider.member_id)
    assert branches(room) == [("河东村", 0, 1), ("河西村", 1, 0)]


def test_a_key_that_is_none_is_refused(room: Room, cast: Cast) -> None:
    for key in ("", "k" * 41, "键", 7, {}):
        with pytest.raises(Invalid):
            room.do(cast.member, "ask", text="问", **{"key": key})
