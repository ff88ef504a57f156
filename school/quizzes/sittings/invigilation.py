"""What an invigilator sees of a room: who sits and how far, who has not been heard of, what happened; and incident notes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.i18n import N_
from school.core.notes import checked
from school.core.text import tidy
from school.org import audit
from school.org.models import Account, Member, Organization
from school.quizzes.access import Standing, at_desk, expected
from school.quizzes.sittings import outages
from school.quizzes.sittings.models import Attempt, AttemptEvent, AttemptState, QuizNote
from school.quizzes.sittings.service import QUIET_MS, moment_of, no_attempt
from school.quizzes.sittings.show import was_told
from school.records.bulk import among

SHOWN = 200  # sitters on the page; more are found by name
NOTES = 100
TOLD = ("away", "resumed", "silent")  # events that are counted beside a name; evidence, never a verdict
SHOWS = ("all", "open", "quiet", "over", "absent")


def room(s: Session, here: Standing, now_ms: int, *, show: str = "all", search: str = "") -> dict[str, Any]:
    """Who sits, those who still answer first, by branch in organisation order and by name.

    With `show` as `absent` nobody is listed; see `absent` for who has not begun.

    → `{now_ms, paused_ms, code, counts: {open, quiet, submitted, marked, void}, sitters: [{id, name, branch, no, state,
    answered, of, started_ms, seen_ms, quiet, deadline_ms, extra_ms, submitted_ms, seat, device, on_paper, away, resumed,
    silent}], more, lost}`; `quiet`: nothing was heard of for more than a minute; `lost`: minutes that all lost together. `show` is one of SHOWS, `search` part of a name.
    """
    quiz = at_desk(here).quiz
    wanted = (
        sa.select(
            Attempt.id, Member.name, Organization.short_name.label("branch"), Attempt.no, Attempt.state, Attempt.answered,
            sa.func.json_array_length(Attempt.paper).label("of"), Attempt.started_ms, Attempt.seen_ms,
            Attempt.deadline_ms, Attempt.extra_ms, Attempt.submitted_ms, Attempt.seat, Attempt.device, Attempt.on_paper,
        )
        .join(Member, Member.id == Attempt.member_id)
        .join(Organization, Organization.id == Attempt.org_id)
        .where(Attempt.quiz_id == quiz.id)
        .order_by(Attempt.state != AttemptState.OPEN, Organization.path, Member.pinyin, Member.id, Attempt.no)
        .limit(SHOWN + 1)
    )  # fmt: skip
    quiet = _quiet(here, now_ms)
    match show:
        case "open":
            wanted = wanted.where(Attempt.state == AttemptState.OPEN)
        case "quiet":
            wanted = wanted.where(quiet)
        case "over":
            wanted = wanted.where(Attempt.state != AttemptState.OPEN)
        case "absent":
            wanted = wanted.where(sa.false())
    wanted = wanted.where(_named(search))
    rows = s.execute(wanted.add_columns(quiet.label("quiet"))).all()
    told = _told(s, [row.id for row in rows])
    return {
        "now_ms": now_ms,
        "paused_ms": quiz.paused_ms,
        "code": quiz.seat_code,
        "counts": _counts(s, here, now_ms),
        "sitters": [
            {
                **row._asdict(),
                "quiet": bool(row.quiet),
                **{kind: told.get((row.id, kind), 0) for kind in TOLD},
            }
            for row in rows[:SHOWN]
        ],
        "more": len(rows) > SHOWN,
        "lost": outages.lost(s, quiz.id) if any(kind == "silent" for _, kind in told) else 0,
    }


def absent(s: Session, here: Standing, search: str = "") -> tuple[int, list[tuple[str, str]]]:
    """How many of those the quiz is for have not begun, and the first SHOWN of them: name and branch, in their order."""
    sat = sa.exists().where(
        Attempt.quiz_id == here.quiz.id, Attempt.member_id == Member.id, Attempt.state != AttemptState.VOID
    )
    missing = sa.and_(expected(s, at_desk(here).quiz), ~sat, _named(search))
    people = sa.select(Member.name, Organization.short_name).join(Organization, Organization.id == Member.org_id)
    count = s.scalar(people.with_only_columns(sa.func.count(), maintain_column_froms=True).where(missing)) or 0
    found = s.execute(people.where(missing).order_by(Organization.path, Member.pinyin, Member.id).limit(SHOWN))
    return count, [(name, branch) for name, branch in found]


def _named(search: str) -> sa.ColumnElement[bool]:
    """Whether a `Member` is found by a part of the name, or by how its pinyin begins."""
    name = tidy(search).lower()
    if not name:
        return sa.true()
    return sa.or_(Member.name.contains(name, autoescape=True), Member.pinyin.startswith(name, autoescape=True))


def _quiet(here: Standing, now_ms: int) -> sa.ColumnElement[bool]:
    """Whether a page that should answer has not been heard of; nothing is, while the room stands still."""
    if here.quiz.paused_ms is not None:
        return sa.false()
    return sa.and_(
        Attempt.state == AttemptState.OPEN, Attempt.on_paper.is_(False), Attempt.seen_ms < now_ms - QUIET_MS,
        Attempt.started_ms < now_ms - QUIET_MS,
    )  # fmt: skip


def _counts(s: Session, here: Standing, now_ms: int) -> dict[str, int]:
    mine = Attempt.quiz_id == here.quiz.id
    by_state = s.execute(sa.select(Attempt.state, sa.func.count()).where(mine).group_by(Attempt.state)).all()
    counts = {**dict.fromkeys(AttemptState, 0), **dict(by_state)}
    quiet = s.scalar(sa.select(sa.func.count()).where(mine, _quiet(here, now_ms))) or 0
    return {**{str(state): count for state, count in counts.items()}, "quiet": quiet}


def _told(s: Session, attempt_ids: Collection[int]) -> dict[tuple[int, str], int]:
    """How often each of TOLD happened in each of the attempts."""
    if not attempt_ids:
        return {}
    rows = s.execute(
        sa.select(AttemptEvent.attempt_id, AttemptEvent.kind, sa.func.count())
        .where(among(s, AttemptEvent.attempt_id, attempt_ids), AttemptEvent.kind.in_(TOLD))
        .group_by(AttemptEvent.attempt_id, AttemptEvent.kind)
    )
    return {(attempt_id, kind): count for attempt_id, kind, count in rows}


# ── one person ──────────────────────────────────────────


def sitter(s: Session, here: Standing, attempt_id: int, now_ms: int) -> dict[str, Any]:
    """One attempt of this quiz with its member, branch, notes, events (oldest first), and whether what is right has been told
    (`answers_told`), so that it is not opened again, and the minutes it `lost`; NotFound (`attempt.missing`)."""
    at_desk(here)
    row = s.execute(
        sa.select(Attempt, Member.name, Organization.short_name)
        .join(Member, Member.id == Attempt.member_id)
        .join(Organization, Organization.id == Attempt.org_id)
        .where(Attempt.id == attempt_id, Attempt.quiz_id == here.quiz.id)
    ).one_or_none()
    if row is None:
        raise no_attempt()
    attempt: Attempt = row[0]
    events = s.execute(
        sa.select(AttemptEvent, Account.name)
        .outerjoin(Account, Account.id == AttemptEvent.account_id)
        .where(AttemptEvent.attempt_id == attempt_id)
        .order_by(AttemptEvent.at_ms, AttemptEvent.id)
    )
    return {
        "attempt": attempt,
        "name": row[1],
        "branch": row[2],
        "events": [(event, by) for event, by in events],
        "notes": notes(s, here, attempt_id),
        "answers_told": attempt.state != AttemptState.OPEN and was_told(s, attempt_id, moment_of(now_ms)),
        "lost": _lost(s, attempt),
    }


def _lost(s: Session, attempt: Attempt) -> int:
    """Minutes that the sitting lost by silences; of one that the clock took in, those at its end."""
    if attempt.state == AttemptState.OPEN:
        return outages.lost_by(s, attempt.id)
    if attempt.submitted_by != "clock" or attempt.submitted_ms is None:
        return 0
    silent_ms = attempt.submitted_ms - attempt.seen_ms
    return outages.minutes(silent_ms) if silent_ms > QUIET_MS else 0


# ── incidents ───────────────────────────────────────────


def note_down(s: Session, here: Standing, text: str, at_ms: int, *, attempt_id: int | None = None) -> None:
    """Keep an incident (考场记录), of one sitting or of the whole room. Invalid (`quiz.note`), NotFound (`attempt.missing`)."""
    quiz = at_desk(here).quiz
    text = checked(text, "quiz.note", N_("请写明经过。"))
    if (
        attempt_id is not None
        and s.scalar(sa.select(Attempt.id).where(Attempt.id == attempt_id, Attempt.quiz_id == quiz.id)) is None
    ):
        raise no_attempt()
    s.add(QuizNote(quiz_id=quiz.id, attempt_id=attempt_id, account_id=here.person.account_id, at_ms=at_ms, text=text))
    audit.record(s, here.person, "quiz.note", ("quiz", quiz.id), quiz.org_id, attempt=attempt_id)


def notes(s: Session, here: Standing, attempt_id: int | None = None) -> Sequence[tuple[QuizNote, str, str | None]]:
    """Incidents with who wrote them and whom they are of, the newest first; of one sitting, or of all and the room."""
    at_desk(here)
    wanted = (
        sa.select(QuizNote, Account.name, Member.name)
        .join(Account, Account.id == QuizNote.account_id)
        .outerjoin(Attempt, Attempt.id == QuizNote.attempt_id)
        .outerjoin(Member, Member.id == Attempt.member_id)
        .where(QuizNote.quiz_id == here.quiz.id)
        .order_by(QuizNote.at_ms.desc(), QuizNote.id.desc())
        .limit(NOTES)
    )
    if attempt_id is not None:
        wanted = wanted.where(QuizNote.attempt_id == attempt_id)
    return s.execute(wanted).all()
