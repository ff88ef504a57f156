"""A batch of claims in one transaction: read by sets, counted by the pure rule, written by sets, completed where enough."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from school.core.errors import NotAllowed, SchoolError
from school.core.i18n import N_
from school.core.time import day_of
from school.org.models import Member
from school.records import rules
from school.records.bulk import among, move, put, table_of
from school.records.completion import Hours, Pair, complete
from school.records.intervals import Union, measure
from school.records.models import Coverage, HourPolicy, Mode, PlaySession, StudyDay, StudyItem, StudyPart
from school.records.policies import credit_policy, every_policy
from school.records.rules import Clock, CreditPolicy, Refused, Watched
from school.records.tokens import Ticket

SESSION, COVERAGE, DAY = table_of(PlaySession), table_of(Coverage), table_of(StudyDay)
CLOCK = tuple(field.name for field in fields(Clock))  # the columns of a play session that a claim moves


@dataclass(frozen=True, slots=True)
class Claim:
    """What one page says it has played, [from_ms, to_ms] of media time, heard by the server at `at_ms`.

    `answer` says that somebody answered the presence check.
    """

    ticket: Ticket
    at_ms: int
    intervals: Sequence[tuple[int, int]] = ()
    position_ms: int | None = None
    answer: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What stands of the part after the commit.

    `state` is `earning`, `superseded`, `paused` or `capped`; `check_answer_ms` the time to answer a presence check
    that waits; `hours` what the item gave this year once it is completed.
    """

    covered: Union
    refused: Refused
    held: Union
    covered_ms: int
    state: str
    check_answer_ms: int | None
    hours: Hours | None


@dataclass(slots=True)
class _Play:
    """One session as the batch works on it."""

    id: int
    nonce: str
    member_id: int
    part_id: int
    clock: Clock
    policy: CreditPolicy


@dataclass(slots=True)
class _Place:
    """One part of one member as the batch works on it."""

    watched: Watched
    position_ms: int
    grown: bool = False
    touched: bool = False


@dataclass(slots=True)
class _Part:
    item_id: int
    in_ms: int
    length_ms: int
    others_ms: int  # of the item's other active parts
    is_open: bool


def apply(s: Session, claims: Sequence[Claim], zone: str) -> list[Outcome | SchoolError]:
    """Count `claims` in their order within the transaction of `s`; one that is refused as a whole answers an error."""
    batch = _Batch(s, claims, zone)
    errors = [batch.count(claim) for claim in claims]
    batch.write()
    hours = batch.complete()
    return [error or batch.outcome(claim, hours) for claim, error in zip(claims, errors, strict=True)]


class _Batch:
    def __init__(self, s: Session, claims: Sequence[Claim], zone: str) -> None:
        self.s = s
        self.zone = zone
        self.now = datetime.fromtimestamp(max(claim.at_ms for claim in claims) / 1000, UTC)
        self.day = day_of(self.now, zone)
        self.members = sorted({claim.ticket.member_id for claim in claims})
        if s.get_bind().dialect.name == "postgresql":  # SQLite has one writer anyway
            s.execute(
                sa.select(Member.id)
                .where(among(s, Member.id, self.members))
                .order_by(Member.id)
                .with_for_update(key_share=True)
            )
        policies = every_policy(s)
        self.plays = {play.id: play for play in _plays(s, claims, policies)}
        self.parts = _parts(s, {play.part_id for play in self.plays.values()})
        self.places = _places(s, self.plays)
        self.walls = _walls(s, self.members, self.day)
        self.charged: set[int] = set()

    def count(self, claim: Claim) -> SchoolError | None:
        """Count one claim in memory; the error when it cannot be counted at all."""
        ticket = claim.ticket
        play = self.plays.get(ticket.session_id)
        if play is None or (play.member_id, play.part_id, play.nonce) != ticket[1:]:
            return NotAllowed("play.token", N_("学习凭证无效，这一段没有计入。请刷新页面后继续观看。"))
        place = self.places[play.member_id, play.part_id]
        part, policy, clock = self.parts[play.part_id], play.policy, play.clock
        if claim.answer:
            rules.answer(clock, place.watched, policy, claim.at_ms, rules.next_check(policy, random.random()))
        paid = rules.claim(
            clock,
            place.watched,
            claim.intervals,
            length_ms=part.length_ms,
            in_ms=part.in_ms,
            now_ms=claim.at_ms,
            policy=policy,
            left_ms=policy.daily_cap_ms - self.walls.get(play.member_id, 0),
            is_open=part.is_open,
        )
        if claim.position_ms is not None and clock.ended_ms is None:  # else a newer page knows better where to go on
            place.position_ms = min(max(claim.position_ms, 0), part.length_ms)
        place.touched = True
        if paid.media_ms:
            place.grown = True
            self.walls[play.member_id] = self.walls.get(play.member_id, 0) + paid.wall_ms
            self.charged.add(play.member_id)
        return None

    def write(self) -> None:
        touched = {key: place for key, place in sorted(self.places.items()) if place.touched}
        move(
            self.s,
            PlaySession,
            [
                {"at_id": play.id, **{name: getattr(play.clock, name) for name in CLOCK}}
                for play in sorted(self.plays.values(), key=lambda play: play.id)
                if (play.member_id, play.part_id) in touched
            ],
        )
        put(
            self.s,
            Coverage,
            [
                {
                    "member_id": member_id,
                    "part_id": part_id,
                    "mode": Mode.ONLINE,
                    "intervals": place.watched.alone,
                    "refused": place.watched.refused,
                    "covered_ms": measure(place.watched.alone),
                    "position_ms": place.position_ms,
                    "pass_year": self.day.year,
                    "updated_at": self.now,
                }
                for (member_id, part_id), place in touched.items()
            ],
            change=("intervals", "refused", "covered_ms", "position_ms", "updated_at"),
        )
        put(
            self.s,
            StudyDay,
            [
                {"member_id": member_id, "day": self.day, "wall_ms": self.walls[member_id]}
                for member_id in sorted(self.charged)
            ],
            change=("wall_ms",),
        )

    def complete(self) -> dict[Pair, Hours]:
        """Post what is completed; only places that grew and could be enough are looked at."""
        mildest = min((play.policy.completion_permille for play in self.plays.values()), default=0)
        pairs = set()
        for (member_id, part_id), place in self.places.items():
            part = self.parts[part_id]
            if place.grown and rules.completed(
                measure(place.watched.covered) + part.others_ms,
                part.length_ms - part.in_ms + part.others_ms,
                mildest,
            ):
                pairs.add((member_id, part.item_id))
        return complete(self.s, pairs, self.now, self.zone) if pairs else {}

    def outcome(self, claim: Claim, hours: dict[Pair, Hours]) -> Outcome:
        play = self.plays[claim.ticket.session_id]
        place, clock = self.places[play.member_id, play.part_id], play.clock
        covered = place.watched.covered
        waits = clock.check_due_ms is not None and clock.ended_ms is None
        return Outcome(
            covered,
            place.watched.refused,
            clock.held,
            measure(covered),
            self._state(play),
            play.policy.check_answer_ms if waits else None,
            hours.get((play.member_id, self.parts[play.part_id].item_id)),
        )

    def _state(self, play: _Play) -> str:
        if play.clock.ended_ms is not None:
            return "superseded"
        if play.clock.paused_ms is not None:
            return "paused"
        if self.walls.get(play.member_id, 0) >= play.policy.daily_cap_ms:
            return "capped"
        return "earning"


def _plays(s: Session, claims: Sequence[Claim], policies: Sequence[HourPolicy]) -> Iterator[_Play]:
    rules_by_id = {None: credit_policy(None)} | {policy.id: credit_policy(policy) for policy in policies}
    wanted = sa.select(
        SESSION.c.id, SESSION.c.nonce, SESSION.c.member_id, SESSION.c.part_id, SESSION.c.policy_id,
        *(SESSION.c[name] for name in CLOCK),
    ).where(among(s, SESSION.c.id, (claim.ticket.session_id for claim in claims)))  # fmt: skip
    for session_id, nonce, member_id, part_id, policy_id, *clock in s.execute(wanted).all():
        play = _Play(session_id, nonce, member_id, part_id, Clock(*clock), rules_by_id[policy_id])
        play.clock.held = [(a, b) for a, b in play.clock.held]  # JSON has no pairs
        yield play


def _parts(s: Session, part_ids: set[int]) -> dict[int, _Part]:
    sibling = aliased(StudyPart)
    others = (
        sa.select(sa.func.coalesce(sa.func.sum(sibling.length_ms - sibling.in_ms), 0))
        .where(sibling.item_id == StudyPart.item_id, sibling.active, sibling.id != StudyPart.id)
        .scalar_subquery()
    )
    rows = s.execute(
        sa.select(StudyPart.id, StudyPart.item_id, StudyPart.in_ms, StudyPart.length_ms, others, StudyItem.active)
        .join(StudyItem, StudyItem.id == StudyPart.item_id)
        .where(among(s, StudyPart.id, part_ids))
    )
    return {row[0]: _Part(row[1], row[2], row[3], int(row[4]), row[5]) for row in rows}


def _places(s: Session, plays: dict[int, _Play]) -> dict[Pair, _Place]:
    places = {(play.member_id, play.part_id): _Place(Watched(), 0) for play in plays.values()}
    wanted = (
        sa.select(
            COVERAGE.c.member_id, COVERAGE.c.part_id, COVERAGE.c.mode, COVERAGE.c.intervals, COVERAGE.c.refused,
            COVERAGE.c.position_ms,
        )
        .join(SESSION, sa.and_(SESSION.c.member_id == COVERAGE.c.member_id, SESSION.c.part_id == COVERAGE.c.part_id))
        .where(among(s, SESSION.c.id, plays))
    )  # fmt: skip
    for member_id, part_id, mode, intervals, refused, position_ms in s.execute(wanted).all():
        place = places[member_id, part_id]
        if mode == Mode.GROUP:
            place.watched.group = [(a, b) for a, b in intervals]
        else:
            place.watched.alone = [(a, b) for a, b in intervals]
            place.watched.refused = [(a, b, code) for a, b, code in refused]
            place.position_ms = position_ms
    return places


def _walls(s: Session, member_ids: Sequence[int], day: date) -> dict[int, int]:
    rows = s.execute(
        sa.select(DAY.c.member_id, DAY.c.wall_ms).where(among(s, DAY.c.member_id, member_ids), DAY.c.day == day)
    )
    return {row.member_id: row.wall_ms for row in rows}
