"""What each person in a room is told: one frame per audience and tick, encoded once, read from the class's log.

A process knows the classes its own clients are in, reads "everything since n" of their logs when a commit of its own or
another process's ring says so, and once a second anyway. See docs/adr/0008-the-log-is-the-bus.md.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gevent
import sqlalchemy as sa
import structlog
from gevent.event import Event
from sqlalchemy.orm import Session

from school.core.db import Database
from school.live import log, polls, presence, roster, snapshot
from school.live.access import no_class
from school.live.bell import Bell
from school.live.models import LiveClass, LiveEvent
from school.webkit.channel import Channel, Frame
from school.webkit.sockets import frame

logger = structlog.get_logger()

NAMESPACE = "/live"
TICK_S = 0.2  # at most one frame per audience in this time
POLL_S = 1.0
COUNTS_S = 2.0  # between two counts of those present
KEPT = 500  # lines a process keeps of a room: who misses more is told that there is a gap
FIRST = 100  # lines for somebody who comes for the first time
BREATH = 250  # frames sent before others may run


@dataclass(eq=False, slots=True)
class Seat:
    """One connection in a room."""

    sid: str
    channel: Channel
    class_id: int
    account_id: int
    member_id: int | None
    desk: bool
    sign_in: str  # hash of its token
    address: str  # of the network
    stay: int | None = None  # the LivePresence that this connection moves on


@dataclass(slots=True)
class Line:
    """A line as it is told, and who may see it."""

    audience: str
    told: dict[str, Any]


@dataclass(eq=False)
class Room:
    """One class as this process knows it: the last lines, and who of its own clients is there."""

    class_id: int
    no: int = 0
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=KEPT))
    seats: dict[str, Seat] = field(default_factory=dict)
    voices: dict[int, dict[str, Any]] = field(default_factory=dict)
    woken: bool = False
    ticked: float = 0.0
    told: dict[str, Any] = field(default_factory=dict)  # counts as they were last sent
    shared: tuple[float, dict[str, Any]] = (0.0, {})  # what `welcome` says to everybody alike, and when it was read

    @property
    def desk(self) -> bool:
        """Whether somebody of the trainer's side is here."""
        return any(seat.desk for seat in self.seats.values())

    def take(self, told: Sequence[Line]) -> None:
        """Keep new lines; words that were removed leave the memory too."""
        for line in told:
            if line.told["kind"] == "removed":
                self._blank(line.told["body"])
            self.lines.append(line)
            self.no = line.told["no"]

    def learn(self, s: Session, live: LiveClass, account_ids: Iterable[int]) -> None:
        """Know these people by name."""
        unknown = set(account_ids) - self.voices.keys()
        if unknown:
            self.voices.update(snapshot.voices(s, unknown, live))

    def read(self, s: Session, live: LiveClass, no: int) -> list[Line]:
        """The lines after `no` from the database, as they are told; at most KEPT."""
        new = log.since(s, self.class_id, no, limit=KEPT)
        self.learn(s, live, (line.account_id for line in new if line.account_id is not None))
        return told(new, self.voices)

    def _blank(self, removed: dict[str, Any]) -> None:
        for line in self.lines:
            body = line.told["body"]
            if line.told["kind"] in {"said", "asked"} and any(body.get(key) == value for key, value in removed.items()):
                line.told["body"] = {**body, "text": "", "removed": True}

    def missed(self, seat: Seat, since: int | None, upto: int) -> tuple[list[dict[str, Any]], bool]:
        """The lines after `since` that the seat may see, and whether there is a gap before them."""
        mine = [line.told for line in self.lines if line.told["no"] <= upto and visible(line, seat)]
        if since is None:
            return mine[-FIRST:], False
        oldest = self.lines[0].told["no"] if self.lines else self.no + 1
        if since < oldest - 1:
            return mine[-FIRST:], True
        return [told for told in mine if told["no"] > since], False


def visible(line: Line, seat: Seat) -> bool:
    """Whether the seat may see the line."""
    return log.shown_to(line.audience, seat.account_id, desk=seat.desk)


def told(lines: Iterable[LiveEvent], voices: dict[int, dict[str, Any]]) -> list[Line]:
    """Lines as docs/protocol.md has them; `voices` are the people they name."""
    made = []
    for line in lines:
        by = {"by": voices[line.account_id]} if line.account_id is not None else {}
        made.append(
            Line(line.audience, {"no": line.no, "at_ms": line.at_ms, "kind": line.kind, **by, "body": line.body})
        )
    return made


class Fanout:
    """The rooms of this process, and the one task that tells them what is new."""

    def __init__(self, db: Database, redis_url: str, after: Callable[[Room, Sequence[Line]], None]) -> None:
        self.db, self._after = db, after
        self.rooms: dict[int, Room] = {}
        self.bell = Bell(redis_url, self._hear) if redis_url else None
        self._woken = Event()
        self._rung = Event()
        self._running = False
        self._slow = False  # the desks have been told that messages come late
        db.after_write.append(self._written)

    # ---- rooms and seats

    def room(self, class_id: int) -> Room:
        """The room, made and filled with its last lines when this process has nobody in it yet."""
        known = self.rooms.get(class_id)
        if known is not None:
            return known
        made = Room(class_id)
        with self.db.read() as s:
            live = s.get(LiveClass, class_id)
            if live is None:
                raise no_class()
            made.take(made.read(s, live, max(0, live.event_no - KEPT)))
            made.no = max(made.no, live.event_no)
        return self.rooms.setdefault(class_id, made)

    def seat(self, room: Room, seat: Seat, welcome: dict[str, Any], since: int | None) -> None:
        """Welcome a seat with the lines up to `welcome['no']`, then with what came since; from now on it hears ticks.

        Nothing here yields, so it misses no line and hears none twice.
        """
        room = self.rooms.setdefault(room.class_id, room)  # it may have been forgotten and made again meanwhile
        upto = min(welcome["no"], room.no)
        events, gap = room.missed(seat, since, upto)
        gap_too = {"gap": True} if gap else {}
        seat.channel.push(frame(NAMESPACE, "welcome", {**welcome, "no": upto, "events": events, **gap_too}))
        if room.no > upto:
            later, _ = room.missed(seat, upto, room.no)
            seat.channel.push(frame(NAMESPACE, "tick", {"no": room.no, "events": later}))
        if seat.desk and self._slow:
            seat.channel.push(_slow_links(True))
        room.seats[seat.sid] = seat
        self._run_once()

    def leave(self, seat: Seat) -> None:
        room = self.rooms.get(seat.class_id)
        if room is not None:
            room.seats.pop(seat.sid, None)

    def seats(self) -> list[Seat]:
        return [seat for room in self.rooms.values() for seat in room.seats.values()]

    # ---- being woken

    def _written(self, s: Session) -> None:
        """After every commit of this process: rooms whose log has grown hear of it at once, the other processes too."""
        grown = s.info.pop(log.GROWN, ())
        if grown:
            self._hear(grown)
            if self.bell is not None:
                self.bell.ring(grown)
                self._rung.set()

    def _hear(self, class_ids: Iterable[int]) -> None:
        for class_id in class_ids:
            room = self.rooms.get(class_id)
            if room is not None:
                room.woken = True
                self._woken.set()

    # ---- the task

    def _run_once(self) -> None:
        """Start with the first seat: a process that was forked after the import has tasks of its own."""
        if not self._running:
            self._running = True
            gevent.spawn(self._run)
            if self.bell is not None:
                gevent.spawn(self.bell.listen)
                gevent.spawn(self._ring)

    def _ring(self) -> None:
        while self.bell is not None:
            self._rung.wait()
            self._rung.clear()
            self.bell.send()

    def _run(self) -> None:
        polled = counted = 0.0
        while True:
            try:
                self._woken.wait(self._pause(polled))
                self._woken.clear()
                at = time.monotonic()
                if at - polled >= POLL_S:
                    polled = at
                    self._poll()
                    self._say_slow()
                counts = at - counted >= COUNTS_S
                if counts:
                    counted = at
                for room in list(self.rooms.values()):
                    if counts or (room.woken and at - room.ticked >= TICK_S):
                        self._tick(room, counts=counts)
            except Exception:
                logger.exception("fan-out")
                gevent.sleep(POLL_S)

    def _pause(self, polled: float) -> float:
        """Seconds until something is due without being woken."""
        at = time.monotonic()
        due = [polled + POLL_S, *(room.ticked + TICK_S for room in self.rooms.values() if room.woken)]
        return max(0.0, min(due) - at)

    def _poll(self) -> None:
        """Look at all rooms' logs; forget the rooms that everybody has left."""
        self.rooms = {class_id: room for class_id, room in self.rooms.items() if room.seats}
        if not self.rooms:
            return
        with self.db.read() as s:
            grown = s.execute(sa.select(LiveClass.id, LiveClass.event_no).where(LiveClass.id.in_(list(self.rooms))))
            for class_id, no in grown.all():
                room = self.rooms.get(class_id)
                if room is not None and no > room.no:
                    room.woken = True

    def _tick(self, room: Room, *, counts: bool) -> None:
        """Read what is new and tell it."""
        room.woken, room.ticked = False, time.monotonic()
        with self.db.read() as s:
            lines = room.read(s, s.get_one(LiveClass, room.class_id), room.no)
            more, for_desk = self._counts(s, room) if counts else ({}, {})
        if len(lines) == KEPT:
            room.woken = True
            self._woken.set()
        if lines or more or for_desk:
            room.take(lines)
            self._tell(room, lines, more, for_desk)
        if lines:
            self._after(room, lines)

    def _counts(self, s: Session, room: Room) -> tuple[dict[str, Any], dict[str, Any]]:
        """Those present and the open poll's figures for all, the ways of watching for the desk; what has changed."""
        now = {"present": roster.present_count(s, room.class_id), "tallies": polls.tallies(s, room.class_id)}
        desk = {"watching": presence.ways(s, room.class_id, log.this_ms())} if room.desk else {}
        changed, for_desk = ({k: v for k, v in each.items() if room.told.get(k) != v} for each in (now, desk))
        room.told = now | desk
        return changed, for_desk

    def _tell(self, room: Room, lines: Sequence[Line], more: dict[str, Any], for_desk: dict[str, Any]) -> None:
        """One frame for all, one for the desk, and one for each person who alone may see a line."""
        seats = list(room.seats.values())
        named = {line.audience for line in lines} - {log.ALL, log.DESK}
        frames: dict[str, Frame | None] = {}
        for number, seat in enumerate(seats, 1):
            own = log.to(seat.account_id)
            group = log.DESK if seat.desk else own if own in named else log.ALL
            if group not in frames:
                events = [line.told for line in lines if visible(line, seat)]
                counts = more | for_desk if seat.desk else more
                body = {"no": room.no, "events": events, **counts}
                frames[group] = frame(NAMESPACE, "tick", body) if events or counts else None
            made = frames[group]
            if made is not None:
                seat.channel.push(made)
            if number % BREATH == 0:
                gevent.sleep(0)

    def _say_slow(self) -> None:
        """Tell the desks when the other processes are out of earshot, and when they are heard again."""
        slow = self.bell is not None and self.bell.away
        if slow != self._slow:
            self._slow = slow
            for seat in self.seats():
                if seat.desk:
                    seat.channel.push(_slow_links(slow))


def _slow_links(on: bool) -> Frame:
    return frame(NAMESPACE, "notice", {"code": "slow_links", "on": on})
