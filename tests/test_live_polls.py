"""投票 and 随堂提问: counted once, changed only when named, right answers only at the end, and anonymous for good."""

from __future__ import annotations

import itertools
import json

import pytest
import sqlalchemy as sa

from actors import Cast
from room_kit import Room
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed, NotFound
from school.live import room_rules, running
from school.live.models import LiveHere, LivePoll, LiveState, LiveVoter

YES_NO = {"question": "冬肥施了吗？", "options": ["施了", "还没有"]}


@pytest.fixture
def room(db: Database, cast: Cast) -> Room:
    return Room(db, cast)


def test_a_named_vote_counts_once_and_may_be_changed(room: Room, cast: Cast) -> None:
    poll = room.do(cast.trainer, "poll_open", **YES_NO)["poll"]
    assert room.do(cast.member, "vote", poll=poll, choices=[0]) == {"tally": [1, 0], "voters": 1}
    assert room.do(cast.secretary, "vote", poll=poll, choices=[0]) == {"tally": [2, 0], "voters": 2}
    assert room.do(cast.member, "vote", poll=poll, choices=[1]) == {"tally": [1, 1], "voters": 2}
    assert room.do(cast.member, "vote", poll=poll, choices=[1]) == {"tally": [1, 1], "voters": 2}
    room.do(cast.trainer, "poll_close", poll=poll)
    with pytest.raises(Conflict, match="poll_closed"):
        room.do(cast.member, "vote", poll=poll, choices=[0])
    (line,) = room.lines("poll_closed")
    assert line.body == {"poll": poll, "tally": [1, 1], "voters": 2}
    with room.db.read() as s:
        assert s.get_one(LiveVoter, (poll, cast.member.account_id)).choices == [1]


def test_several_choices_count_each(room: Room, cast: Cast) -> None:
    poll = room.do(cast.trainer, "poll_open", question="想听什么？", options=["修剪", "施肥", "销路"], multiple=True)[
        "poll"
    ]
    assert room.do(cast.member, "vote", poll=poll, choices=[2, 0])["tally"] == [1, 0, 1]
    assert room.do(cast.member, "vote", poll=poll, choices=[1, 2]) == {"tally": [0, 1, 1], "voters": 1}


def test_what_does_not_fit_is_refused_with_a_sentence(room: Room, cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        room.do(cast.member, "poll_open", **YES_NO)
    for wrong in (
        {"question": "", "options": ["一", "二"]},
        {"question": "题", "options": ["一"]},
        {"question": "题", "options": ["一", "一"]},
        {"question": "题", "options": [str(n) for n in range(9)]},
        {"question": "题", "options": ["一", 2]},
        {"question": "题", "options": ["一", "二"], "right": []},
        {"question": "题", "options": ["一", "二"], "right": [0, 1]},
        {"question": "题", "options": ["一", "二"], "right": [2]},
        {"question": "【秘密】题", "options": ["一", "二"]},
    ):
        with pytest.raises(Invalid):
            room.do(cast.trainer, "poll_open", **wrong)
    poll = room.do(cast.trainer, "poll_open", **YES_NO)["poll"]
    with pytest.raises(Conflict, match="poll_open"):
        room.do(cast.trainer, "poll_open", **YES_NO)
    for choices in ([], [0, 1], [2], [-1], [0, 0], [True], "0", None, [0.5]):
        with pytest.raises(Invalid):
            room.do(cast.member, "vote", poll=poll, choices=choices)
    with pytest.raises(NotFound):
        room.do(cast.member, "vote", poll=poll + 1, choices=[0])
    for number in (0, -1, 2**63, "1", None, True, 1.0):
        with pytest.raises(Invalid):
            room.do(cast.member, "vote", poll=number, choices=[0])


def test_no_poll_before_the_class_begins(db: Database, cast: Cast) -> None:
    with pytest.raises(Conflict, match="not_begun"):
        Room(db, cast, state=LiveState.APPROVED).do(cast.trainer, "poll_open", **YES_NO)


def test_the_right_answer_shows_only_at_the_end(room: Room, cast: Cast) -> None:
    """Until a quick question is closed, nothing that leaves the server says what is right or why."""
    explanation = "采果后树最缺养分。"
    poll = room.do(cast.trainer, "poll_open", **YES_NO, right=[1], explanation=explanation)["poll"]
    before = [room.do(cast.member, "vote", poll=poll, choices=[0])]
    before += [room.state(who) for who in (cast.member, cast.trainer)]
    before += [line.body for line in room.lines()]
    text = json.dumps(before, ensure_ascii=False)
    assert '"quiz": true' in text
    assert "right" not in text
    assert explanation not in text
    room.do(cast.trainer, "poll_close", poll=poll)
    (line,) = room.lines("poll_closed")
    assert line.body == {"poll": poll, "tally": [1, 0], "voters": 1, "right": [1], "explanation": explanation}


def test_a_repeated_opening_opens_once(room: Room, cast: Cast) -> None:
    first = room.do(cast.trainer, "poll_open", key="a1", **YES_NO)
    assert room.do(cast.trainer, "poll_open", key="a1", **YES_NO)["poll"] == first["poll"]
    assert len(room.lines("poll")) == 1


# ---- anonymous


def stored_of(room: Room, poll: int) -> str:
    """Everything the database holds of the class and the poll, but the final counts, as text."""
    with room.db.read() as s:
        tables = ("live_event", "live_voter", "live_here", "live_presence", "audit_log")
        rows = {name: [list(map(str, row)) for row in s.execute(sa.text(f"SELECT * FROM {name}"))] for name in tables}
    return json.dumps(rows, ensure_ascii=False)


@pytest.mark.parametrize("order", list(itertools.permutations([("member", 0), ("secretary", 1), ("outsider", 1)])))
def test_the_database_does_not_know_who_chose_what(room: Room, cast: Cast, order: list[tuple[str, int]]) -> None:
    """In whatever order three people vote, what is stored is the same: no row, line or place remembers the order."""
    poll = room.do(cast.trainer, "poll_open", **YES_NO, anonymous=True)["poll"]
    events = len(room.lines())
    for name, choice in order:
        room.do(cast[name], "vote", poll=poll, choices=[choice], key=f"secret-{name}-{choice}")
    assert len(room.lines()) == events, "a vote left a line with its moment"
    room.do(cast.trainer, "poll_close", poll=poll)
    stored = stored_of(room, poll)
    assert "secret-" not in stored, "the key of a vote was kept"
    with room.db.read() as s:
        voters = s.scalars(sa.select(LiveVoter).where(LiveVoter.poll_id == poll)).all()
        assert [voter.choices for voter in voters] == [None] * len({name for name, _ in order})
        assert s.scalar(sa.text("SELECT count(*) FROM live_voter WHERE choices IS NOT NULL")) == 0
        accounts = sorted(cast[name].account_id for name, _ in order)
        if room.db.sqlite:
            with pytest.raises(sa.exc.OperationalError, match="rowid"):
                s.execute(sa.text("SELECT rowid FROM live_voter"))
        else:
            places = s.execute(sa.text("SELECT account_id, xmin::text FROM live_voter ORDER BY ctid")).all()
            assert [account for account, _ in places] == accounts, "rows lie in the order of the votes"
            assert len({transaction for _, transaction in places}) == 1, "transactions tell the order of the votes"
        assert s.get_one(LivePoll, poll).tally == [1, 2]


def test_an_anonymous_vote_cannot_be_changed_and_may_be_sent_again(room: Room, cast: Cast) -> None:
    poll = room.do(cast.trainer, "poll_open", **YES_NO, anonymous=True)["poll"]
    assert room.do(cast.member, "vote", poll=poll, choices=[0]) == {"tally": [1, 0], "voters": 1}
    for choice in (0, 1):
        again = room.do(cast.member, "vote", poll=poll, choices=[choice])
        assert again == {"tally": [1, 0], "voters": 1, "again": True}
    assert room.state(cast.member)["me"]["votes"] == {str(poll): []}


def test_an_anonymous_vote_is_no_sign_of_life_with_a_moment(room: Room, cast: Cast) -> None:
    room.do(cast.trainer, "check")
    poll = room.do(cast.trainer, "poll_open", **YES_NO, anonymous=True)["poll"]
    room.do(cast.member, "vote", poll=poll, choices=[0])
    with room.db.read() as s:
        assert s.scalar(sa.select(sa.func.count()).select_from(LiveHere)) == 0
    room.do(cast.trainer, "poll_close", poll=poll)
    named = room.do(cast.trainer, "poll_open", **YES_NO)["poll"]
    room.do(cast.member, "vote", poll=named, choices=[0])
    with room.db.read() as s:
        assert s.scalars(sa.select(LiveHere.member_id)).all() == [cast.member.member_id]


def test_counting_takes_out_before_it_puts_in() -> None:
    assert room_rules.counted([3, 1, 0], [0], [1, 2]) == [2, 2, 1]
    assert room_rules.counted([0, 0], (), [1]) == [0, 1]


def test_the_end_of_the_class_closes_the_open_poll(room: Room, cast: Cast) -> None:
    poll = room.do(cast.trainer, "poll_open", **YES_NO, anonymous=True)["poll"]
    room.do(cast.member, "vote", poll=poll, choices=[1])
    with room.db.write() as s:
        running.end(s, cast.trainer.person, room.id)
    assert [line.kind for line in room.lines()][-2:] == ["poll_closed", "state"]
    (line,) = room.lines("poll_closed")
    assert (line.body["tally"], line.account_id) == ([0, 1], None)
