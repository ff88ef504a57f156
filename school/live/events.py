"""The one table of what may be sent in a class's room: event → who may, and the verb that does it; and how it is done.

A verb is `f(s, here, body) -> dict`: it works in the transaction of `s`, is given a body whose `key` is in order, raises
`school.core.errors`, and returns what the acknowledgement says besides `ok`. What it appends to the log carries
`key=room_rules.key(body)`, so that an action sent again is answered from the log and not done again. What a verb needs of a
sibling is asked for by its row's `prepare` beforehand, outside of the transaction that holds the class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy.orm import Session

from school.core.errors import Invalid
from school.live import access, chat, hands, log, moments, polls, presence, questions, room_rules, roster
from school.live.access import Standing
from school.live.models import LiveEvent
from school.live.outside import Outside

Prepare = Callable[[Session, Standing, dict[str, Any], Outside], dict[str, Any]]
Verb = Callable[[Session, Standing, dict[str, Any]], dict[str, Any]]


class Who(Enum):
    """Who may send an event; everybody means who may be in the room at all."""

    EVERYBODY = "everybody"
    MEMBERS = "members"  # an account with a member: it has a training file
    DESK = "desk"  # trainer and helper
    MODERATORS = "moderators"  # desk, and who reviews or administers the host


@dataclass(frozen=True, slots=True)
class Event:
    """One row. `reads`: it stores nothing, and is done without the class's row. `again`: the answer to a known key.

    `prepare` puts into the body what siblings know.
    """

    do: Verb
    who: Who
    reads: bool = False
    prepare: Prepare | None = None
    again: Callable[[LiveEvent], dict[str, Any]] = lambda line: {"no": line.no, "at_ms": line.at_ms, **line.body}


TABLE: dict[str, Event] = {
    "say": Event(chat.say, Who.EVERYBODY, again=chat.answer),
    "remove": Event(chat.remove, Who.MODERATORS),
    "approve": Event(chat.approve, Who.DESK),
    "mute": Event(chat.mute, Who.MODERATORS),
    "rules": Event(chat.set_rules, Who.DESK),
    "ask": Event(questions.ask, Who.EVERYBODY),
    "second": Event(questions.second, Who.EVERYBODY),
    "question": Event(questions.handle, Who.DESK),
    "hand": Event(hands.raise_hand, Who.MEMBERS),
    "call": Event(hands.call, Who.DESK),
    "hang_up": Event(hands.hang_up, Who.EVERYBODY),  # the desk, and the speaker
    "poll_open": Event(polls.open_poll, Who.DESK, prepare=polls.fetched),
    "vote": Event(polls.vote, Who.EVERYBODY),
    "poll_close": Event(polls.close, Who.DESK),
    "slide": Event(moments.slide, Who.DESK),
    "code": Event(moments.code, Who.DESK),
    "sign_in": Event(moments.sign_in, Who.MEMBERS),
    "check": Event(moments.check, Who.DESK),
    "here": Event(moments.answer, Who.MEMBERS),
    "sources": Event(moments.sources, Who.DESK),
    "watching": Event(presence.watching, Who.EVERYBODY),
    "roster": Event(roster.roster, Who.DESK, reads=True),
}


def allowed(here: Standing, who: Who) -> None:
    """NotAllowed (`live.desk`, `live.moderate`, `person.member`) unless the standing is among `who`."""
    match who:
        case Who.DESK:
            access.at_desk(here)
        case Who.MODERATORS:
            access.may_moderate(here)
        case Who.MEMBERS:
            room_rules.only_members(here.person.member_id)
        case Who.EVERYBODY:
            pass


def row(name: str, body: object) -> tuple[Event, dict[str, Any]]:
    """The event's row and its body; Invalid when there is no such event or the body is no object."""
    event = TABLE.get(name)
    if event is None or not isinstance(body, dict):
        raise Invalid("live.body", room_rules.UNREADABLE)
    room_rules.key(body)
    return event, body


def prepared(s: Session, here: Standing, event: Event, body: dict[str, Any], outside: Outside) -> dict[str, Any]:
    """The body with what siblings know, for who may send the event; nothing is stored. Raises SchoolError."""
    if event.prepare is None:
        return body
    allowed(here, event.who)
    return event.prepare(s, here, body, outside)


def perform(s: Session, here: Standing, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Do one event in the transaction of `s`; what is acknowledged after the commit. Raises SchoolError."""
    event, given = row(name, body)
    allowed(here, event.who)
    if event.reads:
        return event.do(s, here, given)
    key = room_rules.key(given)
    line = log.known(s, here.live.id, here.person.account_id, key) if key else None
    if line is not None:
        return event.again(line)
    return event.do(s, here, given)
