"""The namespace `/live`: who comes into a room and is welcomed, what they send, and their leaving. Thin over the services."""

from __future__ import annotations

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
from school.live import access, arriving, events, log, presence, room_rules
from school.live.access import Standing, standing
from school.live.arriving import Caller, Guest
from school.live.fanout import NAMESPACE, Fanout, Line, Room, Seat
from school.live.keeper import Keeper
from school.live.models import LiveState
from school.live.outside import ALONE, PART
from school.org.sign_ins import people_of_tokens, token_hash
from school.org.words import device_words
from school.records.commit import GroupCommit
from school.webkit import sockets
from school.webkit.channel import Channel
from school.webkit.context import School

logger = structlog.get_logger()

TICK_S = 0.03  # arrivals of this time are looked up and stored together
DONE_S = 0.06  # actions; the room hears of them with the next tick of the fan-out, which is longer
LAST_WORDS_S = 1.5  # between telling somebody that it is over and ending the connection
OVER = {LiveState.STOPPED, LiveState.CANCELLED}

Answer = dict[str, Any] | Exception
Answers = dict[int, Answer]  # by the number of the action


@dataclass(frozen=True, slots=True)
class Action:
    """What somebody in a seat has sent."""

    seat: Seat
    name: str
    body: dict[str, Any]


class Rooms:
    """The rooms of one process: their seats, their fan-out and what is stored for them."""

    def __init__(self, parts: School) -> None:
        self.parts, self.db = parts, parts.db
        self.fanout = Fanout(parts.db, parts.settings.redis_url, self._heard)
        self.keeper = Keeper(parts.db, self.fanout)
        self.seats: dict[str, Seat] = {}
        self.callers: GroupCommit[Caller, Standing] = GroupCommit(self._look, tick=TICK_S)
        self.guests: GroupCommit[Guest, dict[str, Any]] = GroupCommit(self._arrive, tick=TICK_S)
        self.actions: GroupCommit[Action, dict[str, Any]] = GroupCommit(self._perform, tick=DONE_S)

    # ---- coming and going

    def come_in(self, channel: Channel, auth: dict[str, Any]) -> None:
        """Let somebody in whom the class is for; `auth` is `{class, since, side}`."""
        class_id, side, since = auth.get("class"), auth.get("side", "room"), auth.get("since")
        if type(class_id) is not int or not 0 < class_id < 2**63:
            raise access.no_class()
        if side not in {"room", "desk"}:
            raise Invalid("live.body", room_rules.UNREADABLE)
        caller = Caller(class_id, token_hash(session.get("token", "")), request.remote_addr or "")
        here = self.callers.submit(caller)
        room_rules.room_open(here.live.state)
        if side == "desk":
            access.at_desk(here)
        seat = Seat(
            request.sid, channel, class_id, here.person.account_id, here.person.member_id, side == "desk",  # type: ignore[attr-defined]
            caller.sign_in, caller.address,
        )  # fmt: skip
        self.seats[seat.sid] = seat
        device = " · ".join(_(word) for word in device_words(request.user_agent.string))
        known = since if type(since) is int and since >= 0 else None
        # The welcome must follow the answer to the connection, which is queued when this returns, without yielding.
        gevent.spawn(self._welcome, Guest(seat, here, known, device, log.this_ms()))

    def go(self, sid: str) -> None:
        seat = self.seats.pop(sid, None)
        if seat is not None:
            self.fanout.leave(seat)
            self.keeper.left(seat)

    def _welcome(self, guest: Guest) -> None:
        seat = guest.seat
        try:
            welcome = self.guests.submit(guest)
            room = self.fanout.room(seat.class_id)
        except Exception:
            logger.exception("welcome", class_id=seat.class_id)
            return seat.channel.drop("no welcome")
        if seat.sid in self.seats:
            self.fanout.seat(room, seat, welcome, guest.since)
            self.keeper.start()
        else:  # gone again meanwhile
            self.keeper.left(seat)
        return None

    def _look(self, callers: Sequence[Caller]) -> list[Standing | Exception]:
        with self.db.read() as s:
            return [*arriving.look(s, callers)]

    def _arrive(self, guests: Sequence[Guest]) -> list[dict[str, Any] | Exception]:
        """Store who has come, then read what they are told.

        It is stored in the order of the members, so that two processes never wait for each other in a circle.
        """
        counting = sorted((guest for guest in guests if guest.counts), key=lambda guest: guest.seat.member_id or 0)
        if counting:
            with self.db.write() as s:
                stays = presence.enter(s, [guest.arrival for guest in counting], self.parts.settings.zone)
                if self.db.sqlite:
                    in_thread(s.commit)
            for guest, stay in zip(counting, stays, strict=True):
                guest.seat.stay = stay
        told: dict[str, dict[str, Any] | Exception] = {}
        by_class = sorted(guests, key=lambda guest: guest.seat.class_id)
        for class_id, group in groupby(by_class, key=lambda guest: guest.seat.class_id):
            room, together = self.fanout.room(class_id), list(group)
            with self.db.read() as s:
                found = arriving.welcomes(s, room, together)
            told |= {guest.seat.sid: welcome for guest, welcome in zip(together, found, strict=True)}
        return [told[guest.seat.sid] for guest in guests]

    def _heard(self, room: Room, lines: Sequence[Line]) -> None:
        """A class that was stopped is over for everybody; they hear of it first."""
        if any(line.told["kind"] == "state" and line.told["body"].get("state") in OVER for line in lines):
            for seat in list(room.seats.values()):
                gevent.spawn_later(LAST_WORDS_S, seat.channel.drop, "stopped")

    # ---- doing something

    def act(self, name: str, sid: str, channel: Channel, body: dict[str, Any]) -> dict[str, Any]:
        """Do what was sent, by who it is now: a sign-in that has ended is heard of at once."""
        seat = self.seats.get(sid)
        if seat is None:
            raise Conflict("live.again", N_("连接刚刚断开过，正在重新进入。"))
        try:
            event, body = events.row(name, body)
            if event.reads:
                with self.db.read() as s:
                    return events.perform(s, _here(s, seat), name, body)
            if event.prepare is not None:
                with self.db.read() as s:
                    body = events.prepared(s, _here(s, seat), event, body, self.parts.parts.get(PART, ALONE))
            return self.actions.submit(Action(seat, name, body))
        except SchoolError as error:
            if isinstance(error, SignInNeeded) or error.code == "live.missing":
                gevent.spawn_later(LAST_WORDS_S, channel.drop, "may not be here")
            raise

    def _perform(self, actions: Sequence[Action]) -> list[dict[str, Any] | Exception]:
        """Store a batch, one transaction a class; what one person's action comes to is no other's concern."""
        answers: Answers = {}
        numbered = sorted(enumerate(actions), key=lambda each: (each[1].seat.class_id, each[0]))
        for class_id, group in groupby(numbered, key=lambda each: each[1].seat.class_id):
            answers |= self._store(class_id, list(group))
        return [answers[number] for number in range(len(actions))]

    def _store(self, class_id: int, works: list[tuple[int, Action]], *, apart: bool = False) -> Answers:
        """The answers to the actions of one class, stored together.

        A refusal must leave nothing behind. It is rare, so only when there is one all are done again, each with a
        savepoint of its own (`apart`); when they cannot be stored even so, each is tried alone.
        """
        try:
            with self.db.write() as s:
                log.hold(s, class_id)
                people = people_of_tokens(s, {action.seat.sign_in: action.seat.address for _, action in works})
                one = _apart if apart else _done
                answers = {number: one(s, action, people) for number, action in works}
                if self.db.sqlite:
                    in_thread(s.commit)
                return answers
        except Exception as error:
            if len(works) == 1:
                return {works[0][0]: error}
            if not apart:
                return self._store(class_id, works, apart=True)
            if isinstance(error, SchoolError):  # the database is away for everybody alike
                return dict.fromkeys((number for number, _ in works), error)
            return {number: answer for work in works for number, answer in self._store(class_id, [work]).items()}


def _here(s: Session, seat: Seat) -> Standing:
    """What the person in the seat may do now."""
    person = people_of_tokens(s, {seat.sign_in: seat.address}).get(seat.sign_in)
    return standing(s, signed_in(person), seat.class_id)


def _done(s: Session, action: Action, people: dict[str, Person]) -> Answer:
    person = signed_in(people.get(action.seat.sign_in))
    return events.perform(s, standing(s, person, action.seat.class_id), action.name, action.body)


def _apart(s: Session, action: Action, people: dict[str, Person]) -> Answer:
    """One among others: what it is refused for leaves nothing behind."""
    try:
        with s.begin_nested():
            return _done(s, action, people)
    except SchoolError as error:
        return error


def install(app: Flask, parts: School) -> SocketIO:
    """The Socket.IO server of `app` with the rooms of live classes."""
    made = sockets.install(app, parts.settings)
    rooms = parts.parts["rooms"] = Rooms(parts)
    made.on_event("connect", sockets.admitting(rooms.come_in), namespace=NAMESPACE)
    made.on_event("disconnect", lambda *_: rooms.go(request.sid), namespace=NAMESPACE)  # type: ignore[attr-defined]
    for name in events.TABLE:
        sockets.answering(made, NAMESPACE, name, partial(rooms.act, name))
    return made
