"""Timed work of the room, called by the clock: sittings whose time is over are handed in."""

from __future__ import annotations

import sqlalchemy as sa
import structlog

from school.core.db import Database
from school.core.settings import Settings
from school.core.time import now
from school.quizzes.papers.models import Quiz
from school.quizzes.sittings import service as sitting
from school.quizzes.sittings.models import Attempt, AttemptState

log = structlog.get_logger()

BATCH = 50
SLACK_MS = 5_000  # an answer that came in time may still wait for its transaction


def hand_in_due(db: Database, settings: Settings) -> int:
    """Hand in every sitting whose deadline and grace are over, unless its quiz stands still; how many."""
    done, failed = 0, set[int]()
    while due := [attempt_id for attempt_id in _due(db, len(failed) + BATCH) if attempt_id not in failed]:
        try:
            done += _hand_in(db, settings, due)
        except Exception:  # one that cannot be marked must not hold up the others
            log.exception("sittings cannot be handed in together", attempts=len(due))
            for attempt_id in due:
                try:
                    done += _hand_in(db, settings, [attempt_id])
                except Exception:
                    log.exception("a sitting cannot be handed in", attempt_id=attempt_id)
                    failed.add(attempt_id)
    return done


def _due(db: Database, most: int) -> list[int]:
    at_ms = int(now().timestamp() * 1000) - SLACK_MS
    with db.read() as s:
        return list(
            s.scalars(
                sa.select(Attempt.id)
                .join(Quiz, Quiz.id == Attempt.quiz_id)
                .where(
                    Attempt.state == AttemptState.OPEN,
                    Attempt.deadline_ms < at_ms,  # what the index knows
                    Attempt.deadline_ms + Quiz.grace_s * 1000 < at_ms,
                    Attempt.on_paper.is_(False),
                    Quiz.paused_ms.is_(None),
                )
                .order_by(Attempt.deadline_ms)
                .limit(most)
            )
        )


def _hand_in(db: Database, settings: Settings, attempt_ids: list[int]) -> int:
    """One transaction; those that were extended, paused or handed in meanwhile are left alone."""
    at_ms = int(now().timestamp() * 1000)
    with db.write() as s:
        held = sitting.held(s, attempt_ids).values()
        late = [(one, at_ms, "clock") for one in held if one.state == AttemptState.OPEN and one.late(at_ms)]
        sitting.close(s, late, settings.zone)
    return len(late)
