"""Play sessions: one member watching one part on one device; the newest one earns."""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import NotFound
from school.core.i18n import N_
from school.core.keys import Keys
from school.core.time import day_of, year_of
from school.records.intervals import Union, measure
from school.records.ledger import lock_members
from school.records.models import (
    STANDS,
    Coverage,
    HourPolicy,
    Mode,
    PlaySession,
    StudyDay,
    StudyHourEntry,
    StudyItem,
    StudyPart,
)
from school.records.policies import credit_policy, every_policy, policy_for
from school.records.rules import Clock, CreditPolicy, Refused, Watched, claim, next_check, supersede
from school.records.tokens import Ticket, seal

ZONE = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class PlayTicket:
    """What a player needs: the token that authorises its claims, and what already stands of this part (milliseconds)."""

    token: str
    part_id: int
    in_ms: int
    length_ms: int
    position_ms: int
    covered: Union
    refused: Refused
    rate: float
    check_answer_ms: int
    required_permille: int


def ms_of(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def open_play_session(
    s: Session, keys: Keys, *, member_id: int, part_id: int, device: str, now: datetime, zone: str = ZONE
) -> PlayTicket:
    """Open a session of `member_id` on `part_id`; the one before stops earning at `now` and may still deliver.

    Who may watch is asked by the caller. Raises NotFound (`play.part`) when the part gives no hours (any more).
    """
    member = lock_members(s, {member_id}).get(member_id)
    part = s.scalar(
        sa.select(StudyPart)
        .join(StudyItem, StudyItem.id == StudyPart.item_id)
        .where(StudyPart.id == part_id, StudyPart.active, StudyItem.active)
    )
    if member is None or part is None:
        raise NotFound("play.part", N_("这一讲现在不能学习，可能正在更换视频。请返回课程页面看看。"))
    policies = every_policy(s)
    policy = policy_for(policies, member.category, member.post, day_of(now, zone))
    rule = credit_policy(policy)
    check_left = _supersede(s, member_id, {p.id: p for p in policies}, now, zone)
    if member.no_presence_check:
        check_left = None
    elif check_left is None:
        check_left = next_check(rule, random.random())
    _new_pass(s, member_id, part, year_of(now, zone))
    session = PlaySession(
        nonce=secrets.token_hex(6),
        member_id=member_id,
        part_id=part.id,
        policy_id=policy.id if policy else None,
        opened_at=now,
        device=device[:200],
        seen_ms=ms_of(now),
        heard_ms=ms_of(now),
        check_left_ms=check_left,
    )
    s.add(session)
    s.flush()
    rows = coverage_of(s, member_id, part.id)
    watched = watched_of(rows)
    return PlayTicket(
        token=seal(keys, Ticket(session.id, member_id, part.id, session.nonce)),
        part_id=part.id,
        in_ms=part.in_ms,
        length_ms=part.length_ms,
        position_ms=rows[Mode.ONLINE].position_ms if Mode.ONLINE in rows else 0,
        covered=watched.covered,
        refused=watched.refused,
        rate=rule.rate_permille / 1000,
        check_answer_ms=rule.check_answer_ms,
        required_permille=rule.completion_permille,
    )


def end_play_sessions(s: Session, member_id: int, now: datetime, zone: str = ZONE) -> None:
    """The member has begun to be counted elsewhere (a live class): whatever still earns stops at `now` and may still
    deliver what it earned."""
    earning = sa.select(PlaySession.id).where(PlaySession.member_id == member_id, PlaySession.ended_ms.is_(None))
    if s.scalar(earning.limit(1)) is None:
        return
    lock_members(s, {member_id})
    _supersede(s, member_id, {policy.id: policy for policy in every_policy(s)}, now, zone)


def coverage_of(s: Session, member_id: int, part_id: int) -> dict[str, Coverage]:
    """The member's coverage of the part by mode."""
    rows = s.scalars(sa.select(Coverage).where(Coverage.member_id == member_id, Coverage.part_id == part_id))
    return {row.mode: row for row in rows}


def watched_of(rows: dict[str, Coverage]) -> Watched:
    alone, group = rows.get(Mode.ONLINE), rows.get(Mode.GROUP)
    return Watched(
        [(a, b) for a, b in alone.intervals] if alone else [],
        [(a, b) for a, b in group.intervals] if group else [],
        [(a, b, code) for a, b, code in alone.refused] if alone else [],
    )


def store_watched(s: Session, member_id: int, part_id: int, watched: Watched, now: datetime, zone: str) -> Coverage:
    """Write what was covered alone and what was refused back to its row."""
    row = s.get(Coverage, (member_id, part_id, Mode.ONLINE))
    if row is None:
        row = Coverage(member_id=member_id, part_id=part_id, mode=Mode.ONLINE, position_ms=0)
        row.pass_year = year_of(now, zone)
        s.add(row)
    row.intervals, row.refused = list(watched.alone), list(watched.refused)
    row.covered_ms, row.updated_at = measure(watched.alone), now
    return row


def _supersede(s: Session, member_id: int, policies: dict[int, HourPolicy], now: datetime, zone: str) -> int | None:
    """End the sessions that still earn, paying what they hold; the media time left to the next presence check."""
    left: int | None = None
    earning = sa.select(PlaySession).where(PlaySession.member_id == member_id, PlaySession.ended_ms.is_(None))
    for session in s.scalars(earning.order_by(PlaySession.id)):
        rule = credit_policy(policies.get(session.policy_id or 0))
        clock = Clock(**{field.name: getattr(session, field.name) for field in fields(Clock)})
        clock.held = [(a, b) for a, b in session.held]
        watched = watched_of(coverage_of(s, member_id, session.part_id))
        left = supersede(clock, watched, rule, ms_of(now))
        if session.held:
            _settle(s, session, clock, watched, rule, now, zone)
        for field in fields(Clock):
            setattr(session, field.name, getattr(clock, field.name))
    return left


def _settle(
    s: Session, session: PlaySession, clock: Clock, watched: Watched, rule: CreditPolicy, now: datetime, zone: str
) -> None:
    """Pay or refuse what an ending session still holds."""
    part = s.get_one(StudyPart, session.part_id)
    day = s.get(StudyDay, (session.member_id, day_of(now, zone)))
    if day is None:
        day = StudyDay(member_id=session.member_id, day=day_of(now, zone), wall_ms=0)
        s.add(day)
    paid = claim(
        clock, watched, (), length_ms=part.length_ms, in_ms=part.in_ms, now_ms=ms_of(now), policy=rule,
        left_ms=rule.daily_cap_ms - day.wall_ms,
    )  # fmt: skip
    day.wall_ms += paid.wall_ms
    store_watched(s, session.member_id, part.id, watched, now, zone)


def _new_pass(s: Session, member_id: int, part: StudyPart, year: int) -> None:
    """An item credited in an earlier year may be earned again: this year it is watched from the beginning.

    What was covered then stays in the evidence of that year's line.
    """
    item = s.get_one(StudyItem, part.item_id)
    last = s.scalar(
        sa.select(sa.func.max(StudyHourEntry.year)).where(
            StudyHourEntry.member_id == member_id,
            StudyHourEntry.source_kind == item.kind,
            StudyHourEntry.source_id == item.ref_id,
            STANDS,
        )
    )
    if last is None or last >= year:
        return
    parts = sa.select(StudyPart.id).where(StudyPart.item_id == item.id)
    s.execute(
        sa.delete(Coverage).where(
            Coverage.member_id == member_id, Coverage.part_id.in_(parts), Coverage.pass_year <= last
        )
    )
