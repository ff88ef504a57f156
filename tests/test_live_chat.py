"""讨论 in a class's room: what may be said when, what waits for the desk, and what is taken away, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from actors import Cast
from room_kit import Room
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed, NotFound, TooMany
from school.live import log
from school.live.models import LiveClass, LiveMessage, LiveState


@pytest.fixture
def room(db: Database, cast: Cast) -> Room:
    return Room(db, cast)


def test_a_word_is_a_line_and_a_row_once_whatever_is_sent_again(room: Room, cast: Cast) -> None:
    first = room.do(cast.member, "say", "k1", text="  听清楚了，\u202e谢谢  ")
    assert first == {"no": 1, "message": first["message"], "waiting": False}
    assert room.do(cast.member, "say", "k1", text="听清楚了") == first
    assert room.do(cast.secretary, "say", "k1", text="我也是")["no"] == 2  # a key is its sender's own
    assert [line.body["text"] for line in room.lines("said")] == ["听清楚了，谢谢", "我也是"]
    assert [line.audience for line in room.lines()] == [log.ALL, log.ALL]


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "live.text"), (" \u200b", "live.text"), ("长" * 301, "live.text"), ("机密★5年", "course.secret")],
)
def test_what_cannot_be_said(room: Room, cast: Cast, text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        room.do(cast.member, "say", text=text)
    assert refused.value.code == code
    assert not room.lines()


@pytest.mark.parametrize("state", [LiveState.ENDED, LiveState.STOPPED])
def test_after_the_class_nothing_is_said(db: Database, cast: Cast, state: LiveState) -> None:
    with pytest.raises(Conflict) as refused:
        Room(db, cast, state=state).do(cast.trainer, "say", text="还有人吗")
    assert refused.value.code == "live.not_open"


def test_before_the_class_people_may_greet_each_other(db: Database, cast: Cast) -> None:
    assert Room(db, cast, state=LiveState.APPROVED).do(cast.member, "say", text="我到了")["no"] == 1


def test_the_desk_closes_the_discussion_for_the_others(room: Room, cast: Cast) -> None:
    room.do(cast.trainer, "rules", chat=False)
    with pytest.raises(Conflict) as refused:
        room.do(cast.member, "say", text="老师好")
    assert refused.value.code == "live.chat_off"
    assert room.do(cast.trainer, "say", text="先听讲")["message"]
    room.do(cast.trainer, "rules", chat=True)
    assert room.do(cast.member, "say", text="老师好")["message"]
    assert [line.body["chat"] for line in room.lines("rules")] == [False, True]


def test_slow_mode_says_how_long_to_wait(room: Room, cast: Cast) -> None:
    room.do(cast.trainer, "rules", slow_s=30)
    room.do(cast.member, "say", text="第一句")
    with pytest.raises(TooMany) as refused:
        room.do(cast.member, "say", text="第二句")
    assert refused.value.code == "live.slow"
    assert 0 < refused.value.params["seconds"] <= 30
    room.do(cast.secretary, "say", text="别人可以")
    room.do(cast.trainer, "say", text="老师")
    room.do(cast.trainer, "say", text="老师可以接着说")
    with room.db.write() as s:
        s.execute(sa.update(LiveMessage).values(at_ms=LiveMessage.at_ms - 31_000))
    assert room.do(cast.member, "say", text="第二句")["message"]


def test_what_waits_is_seen_by_the_desk_and_its_author_until_it_is_approved(room: Room, cast: Cast) -> None:
    room.do(cast.trainer, "rules", premoderate=True)
    said = room.do(cast.member, "say", "w", text="请老师看看")
    assert said["waiting"] is True
    assert room.do(cast.member, "say", "w", text="请老师看看") == said
    (waits,) = room.lines("said")
    assert waits.audience == log.to(cast.member.account_id)
    assert waits.body["waiting"] is True
    for _ in range(2):  # the second time changes nothing
        assert room.do(cast.trainer, "approve", message=said["message"]) == {}
    _, shown = room.lines("said")
    assert (shown.audience, shown.account_id) == (log.ALL, cast.member.account_id)
    assert shown.body == {"message": said["message"], "text": "请老师看看"}
    assert room.do(cast.trainer, "say", text="老师不用等")["waiting"] is False


@pytest.mark.parametrize("text", ["加微信领红包", "加 微 信", "加WeChat", "加wechat吧"])
def test_a_message_with_a_word_of_the_list_waits(room: Room, cast: Cast, text: str) -> None:
    room.do(cast.trainer, "rules", words=["微信", "WeChat"])
    assert room.do(cast.member, "say", text=text)["waiting"] is True
    assert room.do(cast.member, "say", text="橘子要剪枝")["waiting"] is False
    told = room.lines("rules")
    assert [(line.audience, "words" in line.body) for line in told] == [(log.ALL, False), (log.DESK, True)]


def test_removed_words_leave_the_log_and_the_row_keeps_them(room: Room, cast: Cast) -> None:
    said = room.do(cast.member, "say", text="不该说的话")
    for _ in range(2):
        assert room.do(cast.reviewer, "remove", message=said["message"]) == {}
    line, removed = room.lines()
    assert line.body == {"message": said["message"], "text": "", "removed": True}
    assert (removed.kind, removed.audience) == ("removed", log.ALL)
    with room.db.read() as s:
        row = s.get_one(LiveMessage, said["message"])
        assert (row.text, row.state, row.handled_by) == ("不该说的话", "removed", cast.reviewer.account_id)
    with pytest.raises(Conflict):
        room.do(cast.trainer, "approve", message=said["message"])
    asked = room.do(cast.member, "ask", text="不该问的话")
    room.do(cast.trainer, "remove", question=asked["question"])
    assert [line.body["text"] for line in room.lines("asked")] == [""]


def test_a_waiting_message_that_is_refused_is_told_to_its_author_alone(room: Room, cast: Cast) -> None:
    room.do(cast.trainer, "rules", premoderate=True)
    said = room.do(cast.member, "say", text="请老师看看")
    room.do(cast.trainer, "remove", message=said["message"])
    assert [line.audience for line in room.lines("removed")] == [log.to(cast.member.account_id)]


def test_who_is_muted_listens_until_the_desk_lifts_it(room: Room, cast: Cast) -> None:
    room.do(cast.trainer, "mute", account_id=cast.member.account_id, on=True)
    for event, body in (("say", {"text": "让我说"}), ("ask", {"text": "让我问"})):
        with pytest.raises(NotAllowed) as refused:
            room.do(cast.member, event, **body)
        assert refused.value.code == "live.muted"
    room.do(cast.trainer, "mute", account_id=cast.member.account_id, on=True)
    room.do(cast.admin, "mute", account_id=cast.member.account_id, on=False)
    assert room.do(cast.member, "say", text="谢谢")["message"]
    assert [line.body["on"] for line in room.lines("muted")] == [True, False]
    assert {line.audience for line in room.lines("muted")} == {log.to(cast.member.account_id)}


def test_what_is_not_there_or_of_another_class_is_not_found(room: Room, db: Database, cast: Cast) -> None:
    elsewhere = Room(db, cast).do(cast.member, "say", text="别的课")["message"]
    for event in ("remove", "approve"):
        for message in (elsewhere, 10**6):
            with pytest.raises(NotFound):
                room.do(cast.trainer, event, message=message)
    with pytest.raises(NotFound):
        room.do(cast.trainer, "mute", account_id=10**6, on=True)
    with pytest.raises(Conflict):
        room.do(cast.reviewer, "mute", account_id=cast.trainer.account_id, on=True)


@pytest.mark.parametrize("body", [{"words": "微信"}, {"words": [1]}, {"slow_s": "5"}, {"slow_s": 7}, {"slow_s": True}, {"chat": 1}, {"words": ["长" * 21]}, {"words": [str(n) for n in range(101)]}])  # fmt: skip
def test_rules_that_make_no_sense_change_nothing(room: Room, cast: Cast, body: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        room.do(cast.trainer, "rules", **body)
    with room.db.read() as s:
        assert s.get_one(LiveClass, room.id).rules == {}
    assert not room.lines()


def test_a_key_of_another_action_says_nothing(room: Room, cast: Cast) -> None:
    room.do(cast.member, "ask", key="k", text="冬肥什么时候施？")
    with pytest.raises(Invalid):
        room.do(cast.member, "say", key="k", text="听清楚了")
    assert room.lines("said") == []
