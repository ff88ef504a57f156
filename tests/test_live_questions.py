"""提问 and 请求发言: wanted by others, taken up one at a time; hands raised, called into three places, and put down."""

from __future__ import annotations

import pytest

from actors import Cast
from room_kit import Room
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed, NotFound
from school.live import hands
from school.live.models import LiveClass, LiveMute, LiveQuestion, LiveState
from school.media.models import Stream
from school.org.models import Account, Member


@pytest.fixture
def room(db: Database, cast: Cast) -> Room:
    return Room(db, cast)


def queue(room: Room, who: str = "trainer") -> list[tuple[str, int, str]]:
    return [(each["text"], each["seconds"], each["state"]) for each in room.state(room.cast[who])["questions"]]


def test_questions_wait_by_how_many_want_to_know(room: Room, cast: Cast) -> None:
    first = room.do(cast.member, "ask", text="  冬肥  什么时候施？")["question"]
    second = room.do(cast.outsider, "ask", text="涂白怎么配？")["question"]
    assert queue(room, "member") == [("冬肥 什么时候施？", 0, "waiting"), ("涂白怎么配？", 0, "waiting")]
    assert room.do(cast.member, "second", question=second, on=True) == {"seconds": 1}
    assert room.do(cast.member, "second", question=second, on=True) == {"seconds": 1}
    assert room.do(cast.secretary, "second", question=second, on=True) == {"seconds": 2}
    assert [text for text, *_ in queue(room)] == ["涂白怎么配？", "冬肥 什么时候施？"]
    assert room.do(cast.member, "second", question=second, on=False) == {"seconds": 1}
    with pytest.raises(Invalid, match="own_question"):
        room.do(cast.member, "second", question=first, on=True)
    assert len(room.lines("question")) == 3, "what changed nothing left a line"


def test_one_question_is_answered_at_a_time(room: Room, cast: Cast) -> None:
    one, two = (room.do(cast.member, "ask", text=text)["question"] for text in ("一", "二"))
    room.do(cast.trainer, "question", question=one, state="answering")
    room.do(cast.trainer, "question", question=two, state="answering")
    assert queue(room) == [("二", 0, "answering"), ("一", 0, "answered")]
    assert queue(room, "member") == [("二", 0, "answering")]
    room.do(cast.trainer, "question", question=two, state="later")
    assert [line.body["state"] for line in room.lines("question")] == ["answering", "answered", "answering", "later"]
    with room.db.read() as s:
        assert s.get_one(LiveQuestion, one).answering_ms is not None
    with pytest.raises(Conflict, match="answered"):
        room.do(cast.outsider, "second", question=two, on=True)
    with pytest.raises(Invalid):
        room.do(cast.trainer, "question", question=one, state="removed")
    with pytest.raises(NotAllowed):
        room.do(cast.member, "question", question=one, state="answered")


def test_a_person_has_three_open_questions_at_most(room: Room, cast: Cast) -> None:
    asked = [room.do(cast.member, "ask", text=f"第 {n} 问")["question"] for n in range(3)]
    with pytest.raises(Conflict, match="questions"):
        room.do(cast.member, "ask", text="第四问")
    room.do(cast.trainer, "question", question=asked[0], state="answered")
    room.do(cast.member, "ask", text="第四问")


def test_what_is_removed_is_gone(room: Room, cast: Cast) -> None:
    asked = room.do(cast.member, "ask", text="不相干的话")["question"]
    room.do(cast.admin, "remove", question=asked)
    assert queue(room) == []
    with pytest.raises(Conflict):
        room.do(cast.trainer, "question", question=asked, state="answering")
    with pytest.raises(NotAllowed):
        room.do(cast.outsider, "remove", question=asked)


def test_a_question_of_another_class_is_none_of_this(room: Room, db: Database, cast: Cast) -> None:
    other = Room(db, cast)
    asked = other.do(cast.member, "ask", text="那边的问题")["question"]
    with pytest.raises(NotFound):
        room.do(cast.outsider, "second", question=asked, on=True)
    with pytest.raises(NotFound):
        room.do(cast.trainer, "remove", question=asked)


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "长" * 301, None, 7, ["话"], "【机密】问"])
def test_what_is_no_question_is_refused(room: Room, cast: Cast, text: object) -> None:
    with pytest.raises(Invalid):
        room.do(cast.member, "ask", text=text)


def test_half_a_sign_is_dropped(room: Room, cast: Cast) -> None:
    room.do(cast.member, "ask", text="一半\ud83d的字")
    assert queue(room)[0][0] == "一半的字"


def test_who_listens_first_asks_nothing_and_raises_no_hand(room: Room, cast: Cast) -> None:
    with room.db.write() as s:
        s.add(LiveMute(class_id=room.id, account_id=cast.member.account_id, muted_by=cast.trainer.account_id, at_ms=1))
    assert [each["name"] for each in state(room, "trainer")["state"]["muted"]] == ["王建国"]  # type: ignore[index]
    for event, body in (("ask", {"text": "问"}), ("hand", {"up": True})):
        with pytest.raises(NotAllowed, match="muted"):
            room.do(cast.member, event, **body)


# ---- hands


def members(room: Room, count: int) -> list[int]:
    """More accounts of members who have raised a hand."""
    made = []
    with room.db.write() as s:
        for n in range(count):
            member = Member(
                org_id=room.cast.branch_id, name=f"学员{n}", created_at=s.get_one(LiveClass, room.id).created_at
            )
            s.add(member)
            s.flush()
            account = Account(
                login=f"more{n}", name=member.name, member_id=member.id, password_hash="x", created_at=member.created_at
            )
            s.add(account)
            s.flush()
            s.add(hands.LiveHand(class_id=room.id, account_id=account.id, raised_ms=n))
            made.append(account.id)
    return made


def state(room: Room, who: str) -> dict[str, object]:
    return room.state(room.cast[who])


def test_three_speak_at_a_time_and_a_place_is_used_again(room: Room, cast: Cast) -> None:
    a, b, c, d = members(room, 4)
    assert [room.do(cast.trainer, "call", account_id=each)["slot"] for each in (a, b, c)] == [1, 2, 3]
    assert room.do(cast.trainer, "call", account_id=b) == {"slot": 2}
    with pytest.raises(Conflict, match="slots"):
        room.do(cast.trainer, "call", account_id=d)
    room.do(cast.trainer, "hang_up", account_id=b)
    assert room.do(cast.trainer, "call", account_id=d)["slot"] == 2
    assert [line.body for line in room.lines("hung_up")] == [{"account_id": b, "slot": 2}]
    with room.db.read() as s:
        assert hands.speaking(s, room.id, d) == 2
        assert hands.speaking(s, room.id, b) is None


def test_a_hand_goes_up_once_and_down(room: Room, cast: Cast) -> None:
    for _ in range(2):
        room.do(cast.member, "hand", up=True)
    assert len(room.lines("hand")) == 1
    assert state(room, "member")["me"]["hand"] is True  # type: ignore[index]
    (waiting,) = state(room, "trainer")["state"]["hands"]  # type: ignore[index]
    assert waiting["by"] == {
        "account_id": cast.member.account_id, "name": "王建国", "branch": "河东村", "host": False,
    }  # fmt: skip
    assert "hands" not in state(room, "outsider")["state"]  # type: ignore[operator]
    room.do(cast.member, "hand", up=False)
    with pytest.raises(Conflict, match="no_hand"):
        room.do(cast.trainer, "call", account_id=cast.member.account_id)


def test_the_speaker_may_end_and_others_may_not(room: Room, cast: Cast) -> None:
    room.do(cast.member, "hand", up=True)
    room.do(cast.trainer, "call", account_id=cast.member.account_id)
    assert state(room, "outsider")["state"]["speakers"] == [  # type: ignore[index]
        {"account_id": cast.member.account_id, "name": "王建国", "slot": 1}
    ]
    with pytest.raises(NotAllowed):
        room.do(cast.outsider, "hang_up", account_id=cast.member.account_id)
    with pytest.raises(NotAllowed):
        room.do(cast.outsider, "call", account_id=cast.member.account_id)
    room.do(cast.member, "hang_up", account_id=cast.member.account_id)
    room.do(cast.member, "hang_up", account_id=cast.member.account_id)
    assert len(room.lines("hung_up")) == 1


def relayed(room: Room) -> dict[str, int]:
    """Whose sound the relay takes."""
    with room.db.read() as s:
        stream_id = s.get_one(LiveClass, room.id).stream_id
        return dict(s.get_one(Stream, stream_id).speakers)


def test_the_relay_hears_those_who_were_called_and_nobody_else(room: Room, cast: Cast) -> None:
    a, b = members(room, 2)
    assert relayed(room) == {}
    for account_id in (a, b):
        room.do(cast.trainer, "call", account_id=account_id)
    assert relayed(room) == {"speak-1": a, "speak-2": b}
    room.do(cast.trainer, "hang_up", account_id=a)
    assert relayed(room) == {"speak-2": b}
    room.do(cast.reviewer, "mute", account_id=b, on=True)
    assert relayed(room) == {}
    assert [line.body["slot"] for line in room.lines("hung_up")] == [1, 2]


def test_who_is_muted_waits_no_longer_to_speak(room: Room, cast: Cast) -> None:
    room.do(cast.member, "hand", up=True)
    room.do(cast.trainer, "mute", account_id=cast.member.account_id, on=True)
    with pytest.raises(Conflict, match="no_hand"):
        room.do(cast.trainer, "call", account_id=cast.member.account_id)


def test_an_account_without_a_member_raises_no_hand(room: Room, cast: Cast) -> None:
    with pytest.raises(NotAllowed, match="member"):
        room.do(cast.reviewer, "hand", up=True)


def test_no_hands_before_the_class(db: Database, cast: Cast) -> None:
    with pytest.raises(Conflict, match="not_begun"):
        Room(db, cast, state=LiveState.APPROVED).do(cast.member, "hand", up=True)
