"""Keeps a process's stays moving, ends those of who has left, tells members what is counted, and sees who may still be there.

It has a task of its own, so that a database that takes its time never holds up what the room is told.
"""

from __future__ import annotations

import gevent
import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from school.core.db import Database
from school.core.errors import SchoolError
from school.core.offload import in_thread
from school.core.person import signed_in
from school.core.time import now
from school.live import attendance, log, presence
from school.live.access import standing
from school.live.fanout import NAMESPACE, Fanout, Room, Seat
from school.live.models import LiveAudience, LiveClass
from school.org import queries
from school.org.models import Account, Member, Organization, SignIn
from school.org.reach import below
from school.records.bulk import among
from school.webkit.sockets import frame

logger = structlog.get_logger()

CHECKED_EVERY = 3  # turns of presence.MOVED_S between two looks at who may still be there
COUNTED_EVERY = 6
TOGETHER = 500  # sign-ins asked about in one query, members counted in one


class Keeper:
    """The one task of a process that writes its presence down."""

    def __init__(self, db: Database, fanout: Fanout) -> None:
        self.db, self.fanout = db, fanout
        self._left: dict[int, int] = {}  # stay → the moment its last connection of this process ended
        self._running = False

    def start(self) -> None:
        """Start with the first seat."""
        if not self._running:
            self._running = True
            gevent.spawn(self._run)

    def left(self, seat: Seat) -> None:
        """A connection has ended; its stay ends with it unless the member has another one here."""
        if seat.stay is not None:
            self._left[seat.stay] = log.this_ms()

    def _run(self) -> None:
        turn = 0
        while True:
            gevent.sleep(presence.MOVED_S)
            turn += 1
            for due, work in ((1, self.move), (CHECKED_EVERY, self.check), (COUNTED_EVERY, self.tell_counted)):
                if turn % due == 0:
                    try:
                        work()
                    except Exception:
                        logger.exception("keeper")

    def move(self) -> None:
        """Write down that everybody here is still here, and when the others left."""
        now_ms = log.this_ms()  # when they were all here; whoever leaves while it is written leaves later
        stays = {seat.stay for seat in self.fanout.seats() if seat.stay is not None}
        left = {stay: at_ms for stay, at_ms in self._left.items() if stay not in stays}
        if stays or left:
            with self.db.write() as s:
                presence.hold(s, stays | left.keys())
                presence.seen(s, stays, now_ms)
                presence.leave(s, left)
                if self.db.sqlite:
                    in_thread(s.commit)
        for stay, at_ms in left.items():
            if self._left.get(stay) == at_ms:  # else they came and left again while this was written
                del self._left[stay]

    # ---- who may still be there

    def check(self) -> None:
        """Let those go whose sign-in has ended or whom the class is no longer for."""
        for seat in self._signed_out(self.fanout.seats()):
            seat.channel.drop("signed out")
        for room in list(self.fanout.rooms.values()):
            for seat in self._uninvited(room):
                seat.channel.drop("not invited")

    def _signed_out(self, seats: list[Seat]) -> list[Seat]:
        alive: set[str] = set()
        with self.db.read() as s:
            for first in range(0, len(seats), TOGETHER):
                hashes = {seat.sign_in for seat in seats[first : first + TOGETHER]}
                alive.update(
                    s.scalars(
                        sa.select(SignIn.token_hash)
                        .join(Account, Account.id == SignIn.account_id)
                        .where(SignIn.token_hash.in_(hashes), SignIn.expires_at > now(), Account.active)
                    )
                )
        return [seat for seat in seats if seat.sign_in not in alive]

    def _uninvited(self, room: Room) -> list[Seat]:
        """Members are looked up together by the audience; whom that does not explain is asked about one by one."""
        seats = list(room.seats.values())
        with self.db.read() as s:
            live = s.get(LiveClass, room.class_id)
            named = sa.select(Organization.path).join(LiveAudience, LiveAudience.org_id == Organization.id)
            paths = s.scalars(named.where(LiveAudience.class_id == room.class_id)).all()
            sitting = {seat.member_id for seat in seats if seat.member_id is not None and not seat.desk}
            at_home = sa.select(Member.id).join(Organization, Organization.id == Member.org_id)
            invited = (
                sitting
                if not paths
                else set(s.scalars(at_home.where(among(s, Member.id, sitting), below(Organization.path, paths))))
            )
            return [
                seat for seat in seats
                if live is None
                or ((seat.desk or seat.member_id not in invited) and not _may(s, live.id, seat))
            ]  # fmt: skip

    # ---- what is counted

    def tell_counted(self) -> None:
        """Tell each member how much of the class counts so far."""
        for room in list(self.fanout.rooms.values()):
            by_member: dict[int, list[Seat]] = {}
            for seat in room.seats.values():
                if seat.stay is not None and seat.member_id is not None:
                    by_member.setdefault(seat.member_id, []).append(seat)
            members = sorted(by_member)
            for first in range(0, len(members), TOGETHER):
                with self.db.read() as s:
                    live = s.get_one(LiveClass, room.class_id)
                    counted = attendance.counted(s, live, members[first : first + TOGETHER], log.this_ms())
                for member_id, counted_ms in counted.items():
                    body = {"counted_ms": counted_ms, "state": live.state}
                    for seat in by_member[member_id]:
                        seat.channel.push(frame(NAMESPACE, "counted", body))
                gevent.sleep(0)


def _may(s: Session, class_id: int, seat: Seat) -> bool:
    """Whether the seat's person, as they are now, may be where they sit."""
    account = s.get(Account, seat.account_id)
    try:
        here = standing(s, signed_in(queries.person_of(s, account) if account else None), class_id)
    except SchoolError:
        return False
    return here.desk or not seat.desk
