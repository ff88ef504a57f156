"""Who is in the room, by the server's clock: stays that begin with a connection and are moved on every few seconds.

What stands in `LivePresence` counts. A stay is moved on while its connection lives; when a process is killed, what was
moved on stands, and who is back within `RETURN_MS` goes on in the same stay.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from school.core.errors import Invalid
from school.core.time import now
from school.live import room_rules
from school.live.access import Standing
from school.live.models import LivePresence
from school.live.room_rules import Body
from school.live.roster import FRESH_MS
from school.records.bulk import among, table_of
from school.records.models import Mode, PlaySession
from school.records.sessions import end_play_sessions

logger = structlog.get_logger()

RETURN_MS = 15_000
MOVED_S = 5.0  # how often the stays of a process are moved on
WAYS = ("low", "smooth", "sound", "none")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody who comes into a class: `at_ms` by the server's clock, `device` in words."""

    class_id: int
    member_id: int
    at_ms: int
    device: str


def counts(here: Standing, *, desk: bool) -> bool:
    """Whether being in the room is attendance: a member who sits in it, invited, and does not teach."""
    return here.person.member_id is not None and here.invited and not desk and not here.teaches


def enter(s: Session, arrivals: Sequence[Arrival], zone: str) -> list[int]:
    """The stays of those who come in, in their order; one that was seen a moment ago goes on.

    Whatever else a member was playing ends. A handful of queries, however many come.
    """
    ids = sorted({arrival.member_id for arrival in arrivals})
    playing = sa.select(PlaySession.member_id).where(
        among(s, PlaySession.member_id, ids), PlaySession.ended_ms.is_(None)
    )
    for member_id in sorted(set(s.scalars(playing))):
        end_play_sessions(s, member_id, now(), zone)
    known: dict[tuple[int, int], LivePresence] = {}  # the latest stay of each member in each class
    classes = {arrival.class_id for arrival in arrivals}
    for stay in s.scalars(
        sa.select(LivePresence)
        .where(
            LivePresence.class_id.in_(classes), among(s, LivePresence.member_id, ids), LivePresence.mode == Mode.ONLINE
        )
        .order_by(LivePresence.id)
    ):
        known[stay.class_id, stay.member_id] = stay
    came: list[LivePresence] = []
    back: dict[int, int] = {}
    for arrival in arrivals:
        who = (arrival.class_id, arrival.member_id)
        before = known.get(who)
        if before is None or before.seen_ms < arrival.at_ms - RETURN_MS:
            known[who] = before = LivePresence(
                class_id=arrival.class_id, member_id=arrival.member_id, entered_ms=arrival.at_ms, seen_ms=arrival.at_ms,
                device=arrival.device[:60],
            )  # fmt: skip
            s.add(before)
        elif before.id is not None:
            back[before.id] = max(arrival.at_ms, back.get(before.id, 0))
        came.append(before)
    s.flush()
    _move(s, back, left=False)
    return [stay.id for stay in came]


def hold(s: Session, stays: Collection[int]) -> None:
    """Take the stays' rows in the order of their numbers, so that two processes never wait for each other in a circle."""
    if stays and s.get_bind().dialect.name != "sqlite":
        s.execute(
            sa.select(LivePresence.id)
            .where(among(s, LivePresence.id, stays))
            .order_by(LivePresence.id)
            .with_for_update(key_share=True)
        )


def seen(s: Session, stays: Collection[int], at_ms: int) -> None:
    """Move the stays on to `at_ms`; none ever shrinks."""
    if stays:
        s.execute(
            sa.update(LivePresence)
            .where(among(s, LivePresence.id, stays))
            .values(seen_ms=_later(at_ms), left=False)
            .execution_options(synchronize_session=False)
        )


def leave(s: Session, stays: Mapping[int, int]) -> None:
    """Each of the stays has ended at its moment, unless the member comes back soon, or has been seen since."""
    _move(s, stays, left=True)


def _move(s: Session, stays: Mapping[int, int], *, left: bool) -> None:
    """Move each stay on to its own moment; who was seen later, by whatever process, has not `left`."""
    if not stays:
        return
    table = table_of(LivePresence)
    at_ms = sa.bindparam("at_ms", type_=table.c.seen_ms.type)
    moved = sa.update(table).where(table.c.id == sa.bindparam("stay")).values(seen_ms=_later(at_ms), left=left)
    s.connection().execute(
        moved.where(table.c.seen_ms <= at_ms) if left else moved,
        [{"stay": stay, "at_ms": moment} for stay, moment in sorted(stays.items())],
    )


def watching(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`watching`: how the page gets its picture now, `low`, `smooth`, `sound` or `none`, and how often it stood still."""
    mode, stalls = room_rules.words(body, "mode"), body.get("stalls", 0)
    if mode not in WAYS or type(stalls) is not int:
        raise Invalid("live.body", room_rules.UNREADABLE)
    s.execute(
        sa.update(LivePresence)
        .where(
            LivePresence.class_id == here.live.id,
            LivePresence.member_id == here.person.member_id,
            LivePresence.left.is_(False),
        )
        .values(watching=mode)
        .execution_options(synchronize_session=False)
    )
    logger.info("watching", class_id=here.live.id, mode=mode, stalls=stalls)
    return {}


def ways(s: Session, class_id: int, now_ms: int) -> dict[str, int]:
    """How many of those in the room watch in each way; ways that nobody takes are left out."""
    rows = s.execute(
        sa.select(LivePresence.watching, sa.func.count())
        .where(
            LivePresence.class_id == class_id, LivePresence.left.is_(False), LivePresence.seen_ms > now_ms - FRESH_MS
        )
        .group_by(LivePresence.watching)
    )
    return {mode: int(count) for mode, count in rows}


def _later(at_ms: Any) -> sa.ColumnElement[int]:
    return sa.case((LivePresence.seen_ms < at_ms, at_ms), else_=LivePresence.seen_ms)
