"""What passing earns: the hours of a quiz once, and the proof that a course may ask for; taken back when it is not so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.person import Person
from school.core.time import day_of
from school.org.models import Organization
from school.quizzes.papers.models import Quiz
from school.quizzes.sittings.models import Attempt, AttemptState
from school.records import needs
from school.records.bulk import among
from school.records.ledger import NewEntry, post_entries, withdraw_entries
from school.records.models import Mode, StudyHourEntry

KIND = "quiz"  # of ledger lines and proofs
CATEGORIES = {Mode.GROUP: "off_job_class", Mode.ONLINE: "online_course"}
MOVED = "同一场考试的学时只计一次，记在最早及格的那一年"  # on a line that is taken back without a correction
Pair = tuple[int, int]  # quiz id, member id


def follow(
    s: Session,
    quizzes: Mapping[int, Quiz],
    pairs: Collection[Pair],
    now: datetime,
    zone: str,
    reason: str,
    person: Person | None,
) -> None:
    """Bring ledger and proofs of `pairs` (who passes, or passed before) to what their marked attempts say.

    A resit (补考) stands for the quiz it repeats: both together earn once, in the year of the first pass, for a window
    may be open over New Year and who passed before it must not lose that by trying again. A line that a keeper reversed
    by hand is not posted again.
    """
    by_quiz: dict[int, set[int]] = defaultdict(set)
    for quiz_id, member_id in pairs:
        by_quiz[quiz_id].add(member_id)
    for quiz_id in sorted(by_quiz):
        family = _family(s, quizzes[quiz_id])
        members = by_quiz[quiz_id]
        passes = s.execute(
            sa.select(Attempt.id, Attempt.quiz_id, Attempt.member_id, Attempt.submitted_ms, Attempt.score_100, Attempt.max_100)
            .where(
                Attempt.quiz_id.in_(family), among(s, Attempt.member_id, members), Attempt.passed.is_(True),
                Attempt.state == AttemptState.MARKED,
            )
            .order_by(Attempt.submitted_ms, Attempt.id)
        ).all()  # fmt: skip
        _hours(s, family, members, passes, now, zone, reason, person)
        passed = {row.member_id for row in passes}
        root = next(iter(family))
        if passed:
            needs.prove(s, KIND, root, passed, now, zone)
        if members - passed:
            needs.disprove(s, KIND, root, members - passed, reason, now, person)


def _family(s: Session, quiz: Quiz) -> dict[int, Quiz]:
    """The quiz that `quiz` repeats in the end (or itself), first, and all that repeat it."""
    root = _root(s, quiz)
    found = {root.id: root}
    above = [root.id]
    while above:
        resits = s.scalars(sa.select(Quiz).where(Quiz.resit_of_id.in_(above))).all()
        above = [resit.id for resit in resits]
        found.update((resit.id, resit) for resit in resits)
    return found


def hours_of(s: Session, quiz: Quiz, member_id: int) -> int:
    """What stands in the member's ledger for passing this quiz, or the one it is a resit of, in hundredths."""
    total = s.scalar(
        sa.select(sa.func.sum(StudyHourEntry.hours_100)).where(
            StudyHourEntry.member_id == member_id,
            StudyHourEntry.source_kind == KIND,
            StudyHourEntry.source_id == _root(s, quiz).id,
        )
    )
    return int(total or 0)


def _root(s: Session, quiz: Quiz) -> Quiz:
    """The quiz that `quiz` repeats in the end, or itself."""
    while quiz.resit_of_id is not None:
        quiz = s.get_one(Quiz, quiz.resit_of_id)
    return quiz


def _hours(
    s: Session, family: Mapping[int, Quiz], members: Collection[int], passes: Collection[Any], now: datetime, zone: str,
    reason: str, person: Person | None,
) -> None:  # fmt: skip
    root = next(iter(family))
    lines = s.scalars(
        sa.select(StudyHourEntry).where(
            among(s, StudyHourEntry.member_id, members),
            StudyHourEntry.source_kind == KIND,
            StudyHourEntry.source_id == root,
        )
    ).all()
    reversing = {line.reverses_id: line for line in lines if line.reverses_id}
    earned: dict[int, tuple[Any, date]] = {}  # member → their first pass, and its day
    for row in passes:
        if family[row.quiz_id].hours_100 and row.member_id not in earned:
            earned[row.member_id] = row, day_of(datetime.fromtimestamp(row.submitted_ms / 1000, UTC), zone)
    wanted = {(member_id, day.year) for member_id, (_, day) in earned.items()}
    standing = [line for line in lines if not line.reverses_id and line.id not in reversing]
    by_hand = {(line.member_id, line.year) for line in reversing.values() if line.posted_by}
    gone = [line for line in standing if (line.member_id, line.year) not in wanted]
    withdraw_entries(s, gone, reason or MOVED, now, person)
    there = {(line.member_id, line.year) for line in standing} | by_hand
    drafts = []
    for member_id, (row, day) in sorted(earned.items()):
        quiz = family[row.quiz_id]
        if (member_id, day.year) not in there:
            drafts.append(
                NewEntry(
                    member_id=row.member_id, source_kind=KIND, source_id=root, mode=Mode(quiz.mode),
                    category=CATEGORIES[Mode(quiz.mode)], hours_100=quiz.hours_100, title=quiz.title,
                    host=s.get_one(Organization, quiz.org_id).name, occurred_on=day,
                    evidence={
                        "attempt": row.id, "score_100": row.score_100, "max_100": row.max_100,
                        "pass_permille": quiz.pass_permille,
                    },
                )
            )  # fmt: skip
    if drafts:
        post_entries(s, drafts, now)
