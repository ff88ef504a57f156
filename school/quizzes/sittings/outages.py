"""How long nothing was heard of a whole room: most likely the school or the room's line was away, and the time can be given back.

Silences of single sittings are stored when their page comes back (`service.silence`); what all of them share is the
outage. It is offered to a person, never given by itself: a room full of locked phones looks the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.quizzes.sittings.models import Attempt, AttemptEvent, AttemptState

LEAST = 2  # sittings; the silence of one is seen on its own page
MOST_MINUTES = 240  # as much as a person may give at once
MINUTE_MS = 60_000

Span = tuple[int, int]  # from and until, in ms


@dataclass(slots=True)
class Heard:
    """When a sitting with a deadline was heard of: since it began, last of all, and the silences between, oldest first.

    `given_ms` is when it was last given time.
    """

    started_ms: int
    seen_ms: int
    given_ms: int = 0
    silences: list[Span] = field(default_factory=list)

    @property
    def lost_ms(self) -> int:
        """How long it was silent, but for what was given back."""
        return sum(until - since for since, until in self.silences if until > self.given_ms)

    def within(self, span: Span) -> Span | None:
        """What of `span` this sitting was silent too; `span` whole where it does not speak against it: it began later, is
        silent still, or has been given its time."""
        since, until = span
        if self.started_ms >= since or self.seen_ms <= since or self.given_ms >= until:
            return span
        return next(
            ((max(since, a), min(until, b)) for a, b in self.silences if min(until, b) > max(since, a)), None
        )  # fmt: skip


def common(room: Sequence[Heard]) -> Span | None:
    """The latest silence that everybody shares; None when somebody was heard in every one of them, or sits alone."""
    owed = [each for each in room if any(until > each.given_ms for _, until in each.silences)]
    if len(owed) < LEAST:
        return None
    first = owed[0]
    for since, until in reversed(first.silences):
        span: Span | None = (since, until) if until > first.given_ms else None
        for each in room:
            span = each.within(span) if span else None
        if span is not None:
            return span
    return None


def minutes(ms: int) -> int:
    """Whole minutes that make up for `ms`, 0 for none; no more than a person may give at once."""
    return min(-(-ms // MINUTE_MS), MOST_MINUTES)


def lost(s: Session, quiz_id: int) -> int:
    """Minutes that everybody who sits the quiz now has lost together and not been given back; 0: none."""
    span = common(list(_heard(s, Attempt.quiz_id == quiz_id, Attempt.state == AttemptState.OPEN).values()))
    return minutes(span[1] - span[0]) if span else 0


def lost_by(s: Session, attempt_id: int) -> int:
    """Minutes that one sitting has lost and not been given back."""
    heard = _heard(s, Attempt.id == attempt_id).get(attempt_id)
    return minutes(heard.lost_ms) if heard else 0


def _heard(s: Session, *which: sa.ColumnElement[bool]) -> dict[int, Heard]:
    rows = s.execute(
        sa.select(
            Attempt.id, Attempt.started_ms, Attempt.seen_ms, AttemptEvent.kind, AttemptEvent.at_ms, AttemptEvent.body
        )
        .outerjoin(
            AttemptEvent,
            sa.and_(AttemptEvent.attempt_id == Attempt.id, AttemptEvent.kind.in_(("silent", "extended", "reopened"))),
        )
        .where(*which, Attempt.on_paper.is_(False), Attempt.deadline_ms.is_not(None))
        .order_by(Attempt.id, AttemptEvent.at_ms, AttemptEvent.id)
    )
    found: dict[int, Heard] = {}
    for attempt_id, started_ms, seen_ms, kind, at_ms, body in rows:
        heard = found.setdefault(attempt_id, Heard(started_ms, seen_ms))
        if kind == "silent":
            heard.silences.append((at_ms - int(body["ms"]), at_ms))
        elif kind is not None:
            heard.given_ms = at_ms
    return found
