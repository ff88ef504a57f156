"""The namespace `/live`: who comes into a room and is welcomed, what they send, and their leaving. Thin over the services."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import gevent
import structlog
from flask import Flask, request, session
from flask_babel import gettext as _
from flask_socketio import SocketIO
from sqlalchemy.orm import Session

from school.core.errors import Conflict, Invalid, SchoolError, SignInNeeded
from school.core.i18n import N_
from school.core.offload import in_thread
from school.core.person import Person, signed_in
from school.live import access, attendance, events, log, moments, presence, room_rules, snapshot
from school.live.access import Standing, standing
from school.live.fanout import NAMESPACE, Fanout, Line, Room, Seat
from school.live.keeper import Keeper
from school.live.models import LiveClass, LiveState
from school.live.outside import outside
from school.live.presence import Arrival, Stay
from school.org.sign_ins import token_hash
from school.org.words import device_words
from school.records.commit import GroupCommit
from school.webkit import sockets
from school.webkit.context import School, current_person
from school.webkit.sockets import Channel

logger = structlog.get_logger()

TICK_S = 0.03  # actions and arrivals of this time are stored together
SHARED_S = 1.0
LAST_WORDS_S = 1.5  # between telling somebody that it is over and ending the connection
OVER = {LiveState.STOPPED, LiveState.CANCELLED}


@dataclass(frozen=True, slots=True)
class Action:
    """What one person has sent."""

    person: Person
    class_id: int
    name: str
    body: dict[str, Any]


class Rooms:
    """The rooms of one process: their seats, their fan-out and what is stored for them."""

    def __init__(self, parts: School) -> None:
        self.parts, self.db = parts, parts.db
        self.fanout = Fanout(parts.db, parts.settings.redis_url, self._heard)
        self.keeper = Keeper(parts.db, self.fanout)
        self.seats: dict[str, Seat] = {}
        self.actions: GroupCommit[Action, dict[str, Any]] = GroupCommit(self._perform, tick=TICK_S)
        self.arrivals: GroupCommit[Arrival, Stay] = GroupCommit(self._arrive, tick=TICK_S)

    # ---- coming and going

    def come_in(self, channel: Channel, auth: dict[str, Any]) -> None:
        """Let somebody in whom the class is for; `auth` is `{class, since, side}`."""
        class_id, side, since = auth.get("class"), auth.get("side", "room"), auth.get("since")
        if type(class_id) is not int or not 0 < class_id < 2**63:
            raise access.no_class()
        if side not in {"room", "desk"}:
            raise Invalid("live.body", room_rules.UNREADABLE)
        person = signed_in(current_person())
        with self.db.read() as s:
            here = standing(s, person, class_id)
        room_rules.room_open(here.live.state)
        if side == "desk":
            access.at_desk(here)
        seat = Seat(
            request.sid, channel, class_id, person.account_id, person.member_id, side == "desk",  # type: ignore[attr-defined]
            token_hash(session.get("token", "")),
        )  # fmt: skip
        self.seats[seat.sid] = seat
        device = " · ".join(_(word) for word in device_words(request.user_agent.string))
        # The welcome must follow the answer to the connection, which is queued when this returns, without yielding.
        gevent.spawn(self._welcome, seat, here, since if type(since) is int and since >= 0 else None, device)

    def go(self, sid: str) -> None:
        seat = self.seats.pop(sid, None)
        if seat is not None:
            self.fanout.leave(seat)
            self.keeper.left(seat)

    def _welcome(self, seat: Seat, here: Standing, since: int | None, device: str) -> None:
        try:
            first = False
            if presence.counts(here, desk=seat.desk) and seat.member_id is not None:
                stay = self.arrivals.submit(Arrival(seat.class_id, seat.member_id, log.this_ms(), device))
                seat.stay, first = stay.id, stay.first and not here.desk
            room = self.fanout.room(seat.class_id)
            with self.db.read() as s:
                welcome = self._state(s, room, seat, here, since or 0, first=first)
        except Exception:
            logger.exception("welcome", class_id=seat.class_id)
            return seat.channel.drop("no welcome")
        if seat.sid in self.seats:
            self.fanout.seat(room, seat, welcome, since)
            self.keeper.start()
        else:  # gone again meanwhile
            self.keeper.left(seat)
        return None

    def _state(self, s: Session, room: Room, seat: Seat, here: Standing, since: int, *, first: bool) -> dict[str, Any]:
        """`welcome` without its lines. Who is here for the `first` time has done nothing yet that would have to be read."""
        person = here.person
        shared = self._shared(s, room, since)
        room.learn(s, here.live, {person.account_id})
        if first:
            mine, counted_ms = snapshot.newcomer(s, here), 0
        else:
            mine = snapshot.me(s, here)
            counted_ms = self._counted(s, here) if seat.stay is not None else 0
        state = shared["state"]
        if seat.desk:
            state = state | snapshot.desk(s, here)
        if shared["checking"]:
            state = state | {"check": snapshot.check(s, here)}
        return {
            "now_ms": log.this_ms(),
            "no": shared["no"],
            "class": shared["class"],
            "me": {
                "account_id": person.account_id, "member_id": person.member_id, "name": person.name,
                "branch": room.voices[person.account_id]["branch"], "side": "desk" if seat.desk else "room",
                "moderates": here.moderates, "counted_ms": counted_ms, **mine,
            },
            "state": state,
            "questions": snapshot.asked(s, here.live, desk=True) if seat.desk else shared["questions"],
        }  # fmt: skip

    @staticmethod
    def _counted(s: Session, here: Standing) -> int:
        member_id = here.person.member_id
        return attendance.counted_ms(s, here.live, member_id, log.this_ms()) if member_id is not None else 0

    @staticmethod
    def _shared(s: Session, room: Room, since: int) -> dict[str, Any]:
        """What everybody is told alike, read once a second: when thousands come at once, it is most of the work.

        `no` is read before the rest, so that all that came later is told as lines. It is never older than what somebody
        who comes back has already seen.
        """
        read_at, shared = room.shared
        if time.monotonic() - read_at > SHARED_S or shared["no"] < min(since, room.no):
            no = room.no
            live = s.get_one(LiveClass, room.class_id, populate_existing=True)
            check = moments.last_check(s, live.id)
            shared = {
                "no": no,
                "class": {
                    "id": live.id, "title": live.title, "state": live.state, "started_ms": live.started_ms,
                    "ended_ms": live.ended_ms, "trainer": live.trainer.name, "org": live.org.short_name,
                    "minutes": live.minutes,
                },
                "state": snapshot.common(s, live) | {"check": None},
                "checking": check is not None and room_rules.running(check.at_ms, check.answer_ms, log.this_ms()),
                "questions": snapshot.asked(s, live, desk=False),
            }  # fmt: skip
            room.shared = (time.monotonic(), shared)
        return shared

    def _heard(self, room: Room, lines: Sequence[Line]) -> None:
        """A class that was stopped is over for everybody; they hear of it first."""
        if any(line.told["kind"] == "state" and line.told["body"].get("state") in OVER for line in lines):
            for seat in list(room.seats.values()):
                gevent.spawn_later(LAST_WORDS_S, seat.channel.drop, "stopped")

    # ---- doing something

    def act(self, name: str, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
        """Do what was sent, by who it is now: a sign-in that has ended is heard of at once."""
        seat = self.seats.get(request.sid)  # type: ignore[attr-defined]
        if seat is None:
            raise Conflict("live.again", N_("连接刚刚断开过，正在重新进入。"))
        try:
            person = signed_in(current_person())
            event, body = events.row(name, body)
            if event.reads:
                with self.db.read() as s:
                    return events.perform(s, standing(s, person, seat.class_id), name, body)
            if event.prepare is not None:
                with self.db.read() as s:
                    body = events.prepared(s, standing(s, person, seat.class_id), event, body, outside())
            return self.actions.submit(Action(person, seat.class_id, name, body))
        except SchoolError as error:
            if isinstance(error, SignInNeeded) or error.code == "live.missing":
                gevent.spawn_later(LAST_WORDS_S, channel.drop, "may not be here")
            raise

    def _perform(self, actions: Sequence[Action]) -> list[dict[str, Any] | Exception]:
        """Store a batch, one transaction a class; what one person's action comes to is no other's concern."""
        answers: dict[int, dict[str, Any] | Exception] = {}
        numbered = sorted(enumerate(actions), key=lambda each: (each[1].class_id, each[0]))
        for class_id, group in groupby(numbered, key=lambda each: each[1].class_id):
            answers |= self._store(class_id, list(group))
        return [answers[number] for number in range(len(actions))]

    def _store(self, class_id: int, works: list[tuple[int, Action]]) -> dict[int, dict[str, Any] | Exception]:
        """The answers to the actions of one class; when they cannot be stored together, each is tried alone."""
        try:
            with self.db.write() as s:
                log.hold(s, class_id)
                alone = len(works) == 1  # then the whole transaction is its own, and needs no savepoint
                answers = {number: _done(s, action) if alone else _one(s, action) for number, action in works}
                if self.db.sqlite:
                    in_thread(s.commit)
                return answers
        except Exception as error:
            if isinstance(error, SchoolError) or len(works) == 1:
                return dict.fromkeys((number for number, _ in works), error)
            return {number: answer for work in works for number, answer in self._store(class_id, [work]).items()}

    def _arrive(self, arrivals: Sequence[Arrival]) -> list[Stay]:
        """Store who has come, in the order of the members, so that two processes never wait for each other in a circle."""
        order = sorted(range(len(arrivals)), key=lambda number: arrivals[number].member_id)
        with self.db.write() as s:
            stays = presence.enter(s, [arrivals[number] for number in order], self.parts.settings.zone)
            if self.db.sqlite:
                in_thread(s.commit)
        found = dict(zip(order, stays, strict=True))
        return [found[number] for number in range(len(arrivals))]


def _done(s: Session, action: Action) -> dict[str, Any]:
    return events.perform(s, standing(s, action.person, action.class_id), action.name, action.body)


def _one(s: Session, action: Action) -> dict[str, Any] | Exception:
    """One among others: what it is refused for leaves nothing behind."""
    try:
        with s.begin_nested():
            return _done(s, action)
    except SchoolError as error:
        return error


def install(app: Flask, parts: School) -> SocketIO:
    """The Socket.IO server of `app` with the rooms of live classes."""
    made = sockets.install(app, parts.settings)
    rooms = parts.parts["rooms"] = Rooms(parts)
    made.on_event("connect", sockets.admitting(rooms.come_in), namespace=NAMESPACE)
    made.on_event("disconnect", lambda *_: rooms.go(request.sid), namespace=NAMESPACE)  # type: ignore[attr-defined]
    for name in events.TABLE:
        made.on_event(name, sockets.answering(name, partial(rooms.act, name)), namespace=NAMESPACE)
    return made
