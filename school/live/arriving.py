"""Those who come into rooms, looked up and welcomed by sets: when thousands come at once, each costs little more than a row."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from school.core.errors import SchoolError
from school.live import access, attendance, log, moments, presence, room_rules, snapshot
from school.live.access import Standing
from school.live.fanout import Room, Seat
from school.live.models import LiveClass
from school.live.presence import Arrival
from school.org import sign_ins

SHARED_S = 1.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody at the door of a class, known by the hash of a sign-in's token; `address` is the network's."""

    class_id: int
    sign_in: str
    address: str


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who may come in: `since` is the last line they know, `device` what they sit at, in words."""

    seat: Seat
    here: Standing
    since: int | None
    device: str
    at_ms: int

    @property
    def counts(self) -> bool:
        """Whether their being here is attendance."""
        return presence.counts(self.here, desk=self.seat.desk)

    @property
    def arrival(self) -> Arrival:
        return Arrival(self.seat.class_id, self.seat.member_id or 0, self.at_ms, self.device)


def look(s: Session, callers: Sequence[Caller]) -> list[Standing | SchoolError]:
    """What each caller may do in their class, by who holds their sign-in now; or why they may not come in."""
    people = sign_ins.people_of_tokens(s, {caller.sign_in: caller.address for caller in callers})
    found: dict[int, Standing | SchoolError] = {}
    for class_id in {caller.class_id for caller in callers}:
        places = [place for place, caller in enumerate(callers) if caller.class_id == class_id]
        who = [people.get(callers[place].sign_in) for place in places]
        found |= zip(places, access.standings(s, who, class_id), strict=True)
    return [found[place] for place in range(len(callers))]


def welcomes(s: Session, room: Room, guests: Sequence[Guest]) -> list[dict[str, Any]]:
    """`welcome` of each guest of one class, in their order, without its lines."""
    shared = _shared(s, room, max(guest.since or 0 for guest in guests))
    live, people = guests[0].here.live, [guest.here.person for guest in guests]
    room.learn(s, live, (person.account_id for person in people))
    mine = snapshot.mine(s, live, people)
    counted = attendance.counted(
        s, live, {person.member_id for person in people if person.member_id is not None}, log.this_ms()
    )
    return [_welcome(s, room, guest, shared, mine[guest.seat.account_id], counted) for guest in guests]


def _welcome(
    s: Session, room: Room, guest: Guest, shared: dict[str, Any], mine: dict[str, Any], counted: dict[int, int]
) -> dict[str, Any]:
    here, seat = guest.here, guest.seat
    person, state = here.person, shared["state"]
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
            "moderates": here.moderates,
            "counted_ms": counted.get(person.member_id, 0) if guest.counts and person.member_id is not None else 0,
            **mine,
        },
        "state": state,
        "questions": snapshot.asked(s, here.live, desk=True) if seat.desk else shared["questions"],
    }  # fmt: skip


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
