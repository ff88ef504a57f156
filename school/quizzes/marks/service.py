"""Settling sittings that are over: every answer marked by the newest key, the score, the person's result, and what it earns.

Settling is by sets and idempotent: doing it again changes nothing unless a key, a mark or a state has changed since.
Attempts are locked in the order of their ids, then members in theirs, as everybody does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.person import Person
from school.quizzes.bank import keyring
from school.quizzes.bank.keyring import Key
from school.quizzes.marks import earnings
from school.quizzes.marks.marking import agreed, mark
from school.quizzes.marks.models import QuizResult, ShortMark
from school.quizzes.papers.models import Quiz
from school.quizzes.sittings.models import Attempt, AttemptAnswer, AttemptState
from school.records.bulk import among, move, put, table_of
from school.records.ledger import lock_members
from school.records.sessions import ZONE

Place = tuple[int, int]  # attempt id, position
Pair = tuple[int, int]  # quiz id, member id
OVER = (AttemptState.SUBMITTED, AttemptState.MARKED)


@dataclass(frozen=True, slots=True)
class Correction:
    """Why results move although nobody sat: kept on reversing lines of the ledger, and told to those concerned by a note
    on their result, unless they are told otherwise (`tells` is false)."""

    reason: str
    person: Person | None = None
    tells: bool = True


def settle(
    s: Session, attempt_ids: Iterable[int], now: datetime, zone: str = ZONE, correction: Correction | None = None
) -> None:
    """Mark these attempts and move what follows from them: state, score, QuizResult, ledger lines, proofs.

    Those still open are left alone; of void ones only what follows is moved. Results that a `correction` moves carry a
    note for the person.
    """
    taken = s.execute(
        sa.select(
            Attempt.id, Attempt.quiz_id, Attempt.member_id, Attempt.state, Attempt.paper, Attempt.submitted_ms,
            Attempt.on_paper, Attempt.score_100, Attempt.max_100, Attempt.passed,
        )
        .where(among(s, Attempt.id, attempt_ids), Attempt.state != AttemptState.OPEN)
        .order_by(Attempt.id)
        .with_for_update(of=Attempt, key_share=True)
    ).all()  # fmt: skip
    if not taken:
        return
    quizzes = {quiz.id: quiz for quiz in s.scalars(sa.select(Quiz).where(Quiz.id.in_({row.quiz_id for row in taken})))}
    lock_members(s, {row.member_id for row in taken})
    _mark(s, [row for row in taken if row.state in OVER], quizzes)
    pairs = {(row.quiz_id, row.member_id) for row in taken}
    passing = _results(s, pairs, now, correction)
    why = correction or Correction("")
    earnings.follow(s, quizzes, passing, now, zone, why.reason, why.person)


# ── marks ───────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Marks:
    """What a sitting comes to by the newest keys: hundredths and key revision of each question, the sum, and whether that
    passes; None where people have not marked it yet."""

    earned: list[tuple[int | None, int]]
    total_100: int | None
    passed: bool | None

    @property
    def state(self) -> AttemptState:
        return AttemptState.SUBMITTED if self.total_100 is None else AttemptState.MARKED


def counted(
    s: Session, attempts: Sequence[Any], quizzes: Mapping[int, Quiz], given: Mapping[Place, Any]
) -> dict[int, Marks]:
    """Attempt id → its marks, from the answers that are stored (`given_in`) and nothing else."""
    keys = keyring.newest(s, {served[0] for attempt in attempts for served in attempt.paper})
    by_people = any(key.by_people for key in keys.values())
    shorts = short_marks(s, [attempt.id for attempt in attempts]) if by_people else {}
    found = {}
    for attempt in attempts:
        quiz = quizzes[attempt.quiz_id]
        earned: list[tuple[int | None, int]] = []
        for i, (version_id, _, points_100, *_) in enumerate(attempt.paper):
            key, kept = keys[version_id], given.get((attempt.id, i))
            people = shorts.get((attempt.id, i), ())
            points = earned_by(key, kept.answer if kept else None, points_100, people, quiz.partial)
            earned.append((points, key.revision))
        whole = [points for points, _ in earned if points is not None]
        total = sum(whole) if len(whole) == len(earned) else None
        if attempt.on_paper and not any((attempt.id, i) in given for i in range(len(earned))):
            earned, total = [], attempt.score_100  # a paper of which only the sum was entered
        passed = None if total is None else total * 1000 >= quiz.pass_permille * attempt.max_100
        found[attempt.id] = Marks(earned, total, passed)
    return found


def _mark(s: Session, attempts: Sequence[Any], quizzes: Mapping[int, Quiz]) -> None:
    given = given_in(s, [attempt.id for attempt in attempts])
    found = counted(s, attempts, quizzes, given)
    missing, moving, scores = [], [], []
    for attempt in attempts:
        its = found[attempt.id]
        for i, (points_100, revision) in enumerate(its.earned):
            kept = given.get((attempt.id, i))
            if kept is None:
                missing.append(
                    {
                        "attempt_id": attempt.id, "position": i, "version_id": attempt.paper[i][0], "n": 0,
                        "saved_ms": attempt.submitted_ms or 0, "spent_ms": 0, "points_100": points_100,
                        "key_revision": revision,
                    }
                )  # fmt: skip
            elif (kept.points_100, kept.key_revision) != (points_100, revision):
                moving.append(
                    {"at_attempt_id": attempt.id, "at_position": i, "points_100": points_100, "key_revision": revision}
                )
        if (its.state, its.total_100, its.passed) != (attempt.state, attempt.score_100, attempt.passed):
            scores.append({"at_id": attempt.id, "state": its.state, "score_100": its.total_100, "passed": its.passed})
    put(s, AttemptAnswer, missing)
    move(s, AttemptAnswer, moving)
    move(s, Attempt, scores)


def given_in(s: Session, attempt_ids: Collection[int]) -> dict[Place, Any]:
    """The stored answers of these attempts, with the marks they have."""
    rows = s.execute(
        sa.select(
            AttemptAnswer.attempt_id, AttemptAnswer.position, AttemptAnswer.answer, AttemptAnswer.points_100,
            AttemptAnswer.key_revision,
        ).where(among(s, AttemptAnswer.attempt_id, attempt_ids))
    )  # fmt: skip
    return {(row.attempt_id, row.position): row for row in rows}


def earned_by(key: Key, answer: Any, points_100: int, people: Sequence[int], partial: bool) -> int | None:
    """What `answer` earns by `key`, or by what `people` gave it where they must mark; None: not enough of them yet."""
    if key.waived or not points_100:  # what counts nothing waits for nobody
        return points_100
    earned = mark(key.kind, key.key, answer, points_100, partial=partial)
    return agreed(people, points_100) if earned is None else earned


def short_marks(s: Session, attempt_ids: Collection[int]) -> dict[Place, list[int]]:
    """What people have given the short answers of these attempts, in the order they came."""
    rows = s.execute(
        sa.select(ShortMark.attempt_id, ShortMark.position, ShortMark.points_100)
        .where(among(s, ShortMark.attempt_id, attempt_ids))
        .order_by(ShortMark.marked_at, ShortMark.marker_id)
    )
    found: dict[Place, list[int]] = defaultdict(list)
    for attempt_id, position, points_100 in rows:
        found[attempt_id, position].append(points_100)
    return found


def forget_short_marks(s: Session, attempt_id: int) -> None:
    """Take back what people gave the short answers of an attempt whose member may change them; the audit log keeps it."""
    s.execute(sa.delete(ShortMark).where(ShortMark.attempt_id == attempt_id))


# ── results ─────────────────────────────────────────────


def _results(s: Session, pairs: Collection[Pair], now: datetime, correction: Correction | None) -> set[Pair]:
    """Move the results of `pairs` to the best marked attempt of each; those that pass now or passed before."""
    before = {
        (row.quiz_id, row.member_id): row
        for row in s.execute(sa.select(*table_of(QuizResult).c).where(of_pairs(s, QuizResult, pairs)))
    }
    tries: dict[Pair, list[Any]] = defaultdict(list)
    sat = sa.select(
        Attempt.id, Attempt.quiz_id, Attempt.member_id, Attempt.org_id, Attempt.no, Attempt.state, Attempt.score_100,
        Attempt.passed, Attempt.started_ms, Attempt.submitted_ms,
    ).where(of_pairs(s, Attempt, pairs), Attempt.state.in_(OVER))  # fmt: skip
    for row in s.execute(sat):
        tries[row.quiz_id, row.member_id].append(row)
    changed, told = [], []
    for pair in sorted(pairs):
        was, best = before.get(pair), best_of(tries[pair])
        if best is None:
            if was is not None:
                s.execute(sa.delete(QuizResult).where(QuizResult.quiz_id == pair[0], QuizResult.member_id == pair[1]))
            continue
        changed.append(
            {
                "quiz_id": pair[0], "member_id": pair[1], "org_id": best.org_id, "attempt_id": best.id,
                "tries": len(tries[pair]), "best_100": best.score_100, "passed": best.passed,
                "taken_ms": taken_ms(best), "note": "",
            }
        )  # fmt: skip
        if (
            correction
            and correction.tells
            and was is not None
            and (was.best_100, was.passed) != (best.score_100, best.passed)
        ):
            told.append(
                {
                    "at_quiz_id": pair[0], "at_member_id": pair[1], "was_100": was.best_100, "was_passed": was.passed,
                    "told_at": now, "note": correction.reason,
                }
            )  # fmt: skip
    put(s, QuizResult, changed, change=("org_id", "attempt_id", "tries", "best_100", "passed", "taken_ms"))
    move(s, QuizResult, told)
    passing = {(row["quiz_id"], row["member_id"]) for row in changed if row["passed"]}
    return passing | {pair for pair, row in before.items() if pair in pairs and row.passed}


def of_pairs(s: Session, model: type[Attempt] | type[QuizResult], pairs: Collection[Pair]) -> sa.ColumnElement[bool]:
    """Whether a row is of one of the quizzes and one of the members of `pairs`, all with all."""
    return sa.and_(
        among(s, model.quiz_id, {quiz_id for quiz_id, _ in pairs}),
        among(s, model.member_id, {member_id for _, member_id in pairs}),
    )


def taken_ms(attempt: Any) -> int:
    """How long a sitting took, by the server's clock."""
    begun, ended = int(attempt.started_ms), int(attempt.submitted_ms or 0)
    return max(0, ended - begun)


def best_of(tries: Iterable[Any]) -> Any | None:
    """The best marked one: the higher score, then the shorter time, then the earlier one."""
    marked = [one for one in tries if one.state == AttemptState.MARKED]
    return min(marked, key=lambda one: (-one.score_100, taken_ms(one), one.no), default=None)
