"""Sittings from start to submission, by sets: many people start, open their page and hand in within the same moment.

Every function takes a batch and the session of the transaction it belongs to; `queue.py` gathers the batches. Attempts
are always locked in the order of their ids, so that batches of several web processes and the clock never wait in a ring.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from school.core.errors import NotFound, SchoolError
from school.core.i18n import N_
from school.quizzes.marks import service as marks
from school.quizzes.papers import gate
from school.quizzes.papers.models import Quiz, QuizState, Show
from school.quizzes.sittings.models import Attempt, AttemptEvent, AttemptState
from school.records.bulk import among, move, table_of

ATTEMPT = table_of(Attempt)
Pair = tuple[int, int]  # quiz, member


@dataclass(frozen=True, slots=True)
class Start:
    """One person begins: what they will be served. `last_no` is the number of their attempt before it, 0: none."""

    quiz_id: int
    member_id: int
    account_id: int
    org_id: int
    at_ms: int
    deadline_ms: int | None
    seed: int
    paper: list[Any]
    max_100: int
    last_no: int
    device: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Open:
    """A page opens the sitting, and is from now on the only one that may answer."""

    attempt_id: int
    member_id: int
    account_id: int
    at_ms: int
    holder: str
    device: str = ""
    address: str = ""


@dataclass(slots=True)
class Sitting:
    """An attempt with what of its quiz decides whether an answer is taken."""

    id: int
    quiz_id: int
    member_id: int
    state: AttemptState
    holder: str
    deadline_ms: int | None
    submitted_ms: int | None
    answered: int
    seen_ms: int
    paper: list[Any]
    grace_s: int
    paused_ms: int | None
    show: Show
    on_paper: bool

    @property
    def paused(self) -> bool:
        return self.paused_ms is not None

    def late(self, at_ms: int) -> bool:
        """Whether the time is over, and the grace for what was on its way as well; it stands still during a pause."""
        return self.deadline_ms is not None and not self.paused and at_ms > self.deadline_ms + self.grace_s * 1000


QUIET_MS = 70_000  # a page gives a sign of life every 25 seconds


def silence(one: Sitting, at_ms: int) -> list[dict[str, Any]]:
    """The event that nothing was heard of a sitting with a deadline for more than a minute until `at_ms`; none otherwise.

    Nobody is at fault for it: by it an invigilator sees how long the school, a line or a phone was away.
    """
    if not one.seen_ms or one.deadline_ms is None or at_ms - one.seen_ms <= QUIET_MS:
        return []
    return [event(one.id, at_ms, "silent", None, ms=at_ms - one.seen_ms)]


def deadline_of(quiz: Quiz, at_ms: int) -> int | None:
    """When a sitting that starts at `at_ms` ends: after its minutes, but not after the window; None: it does not."""
    ends = []
    if quiz.minutes is not None:
        ends.append(at_ms + quiz.minutes * 60_000)
    if quiz.closes_at is not None:
        ends.append(int(quiz.closes_at.timestamp() * 1000))
    return min(ends, default=None)


def moment_of(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def no_attempt() -> NotFound:
    return NotFound("attempt.missing", N_("没有找到这次答题。它可能不是您本人的，请从“考试测验”进入。"))


def held(s: Session, attempt_ids: Iterable[int], *, wait: bool = True) -> dict[int, Sitting]:
    """The sittings by their ids, locked until the end of the transaction; without `wait`, those that are free."""
    wanted = (
        sa.select(
            Attempt.id, Attempt.quiz_id, Attempt.member_id, Attempt.state, Attempt.holder, Attempt.deadline_ms,
            Attempt.submitted_ms, Attempt.answered, Attempt.seen_ms, Attempt.paper, Quiz.grace_s, Quiz.paused_ms, Quiz.show,
            Attempt.on_paper,
        )
        .join(Quiz, Quiz.id == Attempt.quiz_id)
        .where(among(s, Attempt.id, attempt_ids))
        .order_by(Attempt.id)
        .with_for_update(of=Attempt, key_share=True, skip_locked=not wait)
    )  # fmt: skip
    return {row[0]: Sitting(*row) for row in s.execute(wanted)}


def start(s: Session, starts: Sequence[Start]) -> list[int | SchoolError]:
    """The id of the attempt each of `starts` sits from now on: a new one, or the one that is open already; Conflict
    (`quiz.not_published`) where the quiz has been taken back since the gate was asked.

    Two starts of one person at once make one attempt: the later one finds that a newer number stands than it knew of.
    New attempts are written in the order of their pairs, so that two processes never wait for each other in a ring.
    """
    served = _served(s, starts)
    newest = _newest(s, starts)
    made: dict[Pair, dict[str, Any]] = {}
    for one in starts:
        if one.quiz_id not in served:
            continue
        pair = one.quiz_id, one.member_id
        no, state, _, _ = newest.get(pair, (0, None, 0, 0))
        if state != AttemptState.OPEN and no == one.last_no:
            made.setdefault(pair, _row(one))
    if made:
        insert = postgresql.insert if s.get_bind().dialect.name == "postgresql" else sqlite.insert
        s.execute(insert(ATTEMPT).on_conflict_do_nothing(), [made[pair] for pair in sorted(made)])
        newest = _newest(s, starts)
    by_pair = {(one.quiz_id, one.member_id): one for one in starts}
    events = []
    for pair, row in made.items():
        no, _, attempt_id, seed = newest[pair]
        if (no, seed) == (row["no"], row["seed"]):  # else another process was quicker
            events.append(event(attempt_id, row["started_ms"], "started", row["account_id"], **_device(by_pair[pair])))
    note(s, events)
    return [newest[one.quiz_id, one.member_id][2] if one.quiz_id in served else gate.not_published() for one in starts]


def _served(s: Session, starts: Sequence[Start]) -> set[int]:
    """The quizzes that are published, and stay so until the starts are stored."""
    wanted = sa.select(Quiz.id).where(
        among(s, Quiz.id, (one.quiz_id for one in starts)), Quiz.state == QuizState.PUBLISHED
    )
    return set(s.scalars(wanted.order_by(Quiz.id).with_for_update(read=True)))


def _newest(s: Session, starts: Sequence[Start]) -> Mapping[Pair, tuple[int, AttemptState, int, int]]:
    """Number, state, id and seed of the newest attempt of each person at each quiz."""
    later = aliased(Attempt)
    last = (
        sa.select(sa.func.max(later.no))
        .where(later.quiz_id == Attempt.quiz_id, later.member_id == Attempt.member_id)
        .scalar_subquery()
    )
    wanted = sa.select(
        Attempt.quiz_id, Attempt.member_id, Attempt.no, Attempt.state, Attempt.id, Attempt.seed
    ).where(
        among(s, Attempt.quiz_id, (one.quiz_id for one in starts)),
        among(s, Attempt.member_id, (one.member_id for one in starts)),
        Attempt.no == last,
    )  # fmt: skip
    return {(row[0], row[1]): tuple(row[2:]) for row in s.execute(wanted)}  # type: ignore[misc]


def _row(one: Start) -> dict[str, Any]:
    return {
        "quiz_id": one.quiz_id, "member_id": one.member_id, "account_id": one.account_id, "org_id": one.org_id,
        "no": one.last_no + 1, "state": AttemptState.OPEN, "seed": one.seed, "paper": one.paper,
        "started_ms": one.at_ms, "deadline_ms": one.deadline_ms, "max_100": one.max_100, "device": one.device[:60],
    }  # fmt: skip


def _device(one: Start | Open) -> dict[str, str]:
    return {"device": one.device[:60], "address": one.address[:60]}


def open_page(s: Session, opens: Sequence[Open]) -> list[Sitting | SchoolError]:
    """Let each page take its sitting over; NotFound (`attempt.missing`) for another person's. One that is over is
    answered as it is."""
    sittings = held(s, (one.attempt_id for one in opens))
    answers: list[Sitting | SchoolError] = []
    events, taken = [], {}
    for one in opens:
        sitting = sittings.get(one.attempt_id)
        if sitting is None or sitting.member_id != one.member_id or sitting.on_paper:
            answers.append(no_attempt())
            continue
        answers.append(sitting)
        if sitting.state != AttemptState.OPEN:
            continue
        events += [] if sitting.paused else silence(sitting, one.at_ms)
        if sitting.holder:
            events.append(event(sitting.id, one.at_ms, "resumed", one.account_id, **_device(one)))
        sitting.holder, sitting.seen_ms = one.holder, max(sitting.seen_ms, one.at_ms)
        taken[sitting.id] = {
            "at_id": sitting.id, "holder": sitting.holder, "seen_ms": sitting.seen_ms, "device": one.device[:60],
        }  # fmt: skip
    move(s, Attempt, [taken[key] for key in sorted(taken)])
    note(s, events)
    return answers


def close(s: Session, ends: Sequence[tuple[Sitting, int, str]], zone: str) -> None:
    """Hand in what is open among the sittings (locked by `held`), each at its moment and by member, clock or desk, and
    mark it. Nobody is said to have handed in after their deadline: what came later was only on its way."""
    ends = sorted((end for end in ends if end[0].state == AttemptState.OPEN), key=lambda end: end[0].id)
    if not ends:
        return
    for one, at_ms, _ in ends:
        one.state = AttemptState.SUBMITTED
        one.submitted_ms = at_ms if one.deadline_ms is None else min(at_ms, one.deadline_ms)
    rows = [
        {"at_id": one.id, "state": one.state, "submitted_ms": one.submitted_ms, "submitted_by": by}
        for one, _, by in ends
    ]
    move(s, Attempt, rows)
    note(s, [event(one.id, at_ms, "submitted", None, by=by) for one, at_ms, by in ends])
    last_ms = max(at_ms for _, at_ms, _ in ends)
    marks.settle(s, [one.id for one, _, _ in ends], moment_of(last_ms), zone)
    states = s.execute(sa.select(Attempt.id, Attempt.state).where(among(s, Attempt.id, (one.id for one, _, _ in ends))))
    by_id = {one.id: one for one, _, _ in ends}
    for attempt_id, state in states:
        by_id[attempt_id].state = AttemptState(state)


def event(attempt_id: int, at_ms: int, kind: str, account_id: int | None, **body: Any) -> dict[str, Any]:
    """A row of what happened beside the answers; write it with `note`."""
    return {"attempt_id": attempt_id, "at_ms": at_ms, "kind": kind, "account_id": account_id, "body": body}


def note(s: Session, events: Sequence[dict[str, Any]]) -> None:
    if events:
        s.execute(sa.insert(table_of(AttemptEvent)), list(events))
