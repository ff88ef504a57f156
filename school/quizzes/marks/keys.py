"""A key is corrected: who would be concerned, the correction itself, and marking by it everything it was ever asked in.

The correction is stored first; marking follows in short transactions and is taken up by the clock wherever it was left,
for an answer remembers by which revision it was marked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session, joinedload

from school.core import notes
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed
from school.core.i18n import N_
from school.core.person import Person
from school.core.time import now as this_moment
from school.org import audit
from school.org.models import Account, Member, Organization
from school.org.queries import person_of
from school.quizzes import bodies
from school.quizzes.access import OVERSEERS, in_bank, no_question
from school.quizzes.bank.keyring import Key
from school.quizzes.bank.models import AnswerKey, Question, QuestionKind, QuestionVersion
from school.quizzes.marks import service as marks
from school.quizzes.papers.models import Quiz, QuizKind
from school.quizzes.sittings.models import Attempt, AttemptAnswer, AttemptState
from school.records.bulk import among

log = structlog.get_logger()

CHUNK = 200  # attempts a transaction
SETTLED = timedelta(
    minutes=1
)  # a sitting that was marked by the old key while the new one was stored is stored by then
NOTHING_NEW = N_("答案和现在的一样，没有要更正的。请核对后再提交。")


# ── what is corrected ───────────────────────────────────


@dataclass(frozen=True, slots=True)
class Keyed:
    """A version with its newest key, before somebody who may correct it."""

    question: Question
    version: QuestionVersion
    key: AnswerKey

    def by(self, key: dict[str, Any], waived: bool) -> Key:
        return Key(self.key.revision + 1, QuestionKind(self.question.kind), key, waived)


def keyed(s: Session, person: Person, question_id: int, no: int | None = None) -> Keyed:
    """Version `no` (None: the one that quizzes serve, or the latest) with its key, for its author or who oversees the bank.

    Raises NotFound (`question.missing`), NotAllowed (`question.key_author`), Conflict (`question.key_draft`).
    """
    question = s.scalar(
        sa.select(Question).where(Question.id == question_id, in_bank(person)).options(joinedload(Question.org))
    )
    if question is None:
        raise no_question()
    if question.author_id != person.account_id and not person.holds(question.org.path, *OVERSEERS):
        raise NotAllowed(
            "question.key_author", N_("答案由出题人或题库所在单位的审核人员更正。发现有误时，请告诉他们。")
        )
    wanted = sa.select(QuestionVersion).where(QuestionVersion.question_id == question.id)
    if no is not None:
        wanted = wanted.where(QuestionVersion.no == no)
    elif question.approved_id:
        wanted = wanted.where(QuestionVersion.id == question.approved_id)
    version = s.scalars(wanted.order_by(QuestionVersion.no.desc()).limit(1)).one_or_none()
    if version is None:
        raise no_question()
    if version.approved_at is None and version.id != question.approved_id:
        # its first key goes on being written with the draft, and a second one would stand over it unseen
        raise Conflict("question.key_draft", N_("这一版还没有审核通过，答案请直接在题目里修改。"))
    newest = sa.select(AnswerKey).where(AnswerKey.version_id == version.id).order_by(AnswerKey.revision.desc())
    return Keyed(question, version, s.scalars(newest.limit(1)).one())


def checked_key(found: Keyed, key: dict[str, Any], waived: bool) -> dict[str, Any]:
    """`key` in the shape of the question; of a single choice several options may be right after a correction.

    Invalid (`question.key`, `question.blanks`) for what is no key, (`question.same_key`) when nothing would change.
    """
    kind = QuestionKind(found.question.kind)
    several = QuestionKind.MULTIPLE if kind == QuestionKind.SINGLE else kind
    key = bodies.checked_key(several, found.version.body, key)
    if (key, waived) == (found.key.key, found.key.waived):
        raise Invalid("question.same_key", NOTHING_NEW)
    return key


def checked_reason(reason: str) -> str:
    """Why the key is corrected, tidied; whoever is concerned will read it."""
    return notes.checked(reason, "question.reason", N_("请写明更正的原因，成绩有变化的同志会看到。"))


# ── who would be concerned ──────────────────────────────


@dataclass(frozen=True, slots=True)
class Change:
    """A person's result in one quiz, as it is and as it would be. Nobody passes or fails a practice or a contest."""

    quiz: str
    kind: QuizKind
    member_id: int
    name: str
    branch: str
    was_100: int
    is_100: int
    was_passed: bool
    passed: bool

    @property
    def judged(self) -> bool:
        return self.kind in (QuizKind.QUIZ, QuizKind.EXAM)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a correction would do: `attempts` were asked the question, the results of `changes` would move."""

    attempts: int
    changes: list[Change]

    @property
    def gained(self) -> int:
        """How many would pass who did not."""
        return sum(change.judged and change.passed and not change.was_passed for change in self.changes)

    @property
    def lost(self) -> int:
        return sum(change.judged and change.was_passed and not change.passed for change in self.changes)


@dataclass(frozen=True, slots=True)
class _Try:
    """A sitting that is over, with what decides whether it is the person's best."""

    id: int
    quiz_id: int
    member_id: int
    no: int
    state: AttemptState
    score_100: int
    passed: bool
    started_ms: int
    submitted_ms: int | None


def preview(s: Session, found: Keyed, key: dict[str, Any], waived: bool) -> Preview:
    """What correcting the key to `key` would do, without doing it: results by quiz and person."""
    scores: dict[int, tuple[int, bool]] = {}
    attempts = 0
    for row, earned in _remarked(s, found, found.by(key, waived)):
        attempts += 1
        if row.score_100 is not None and earned is not None and earned != row.points_100:
            score = row.score_100 - (row.points_100 or 0) + earned
            scores[row.attempt_id] = score, score * 1000 >= row.pass_permille * row.max_100
    return Preview(attempts, _changes(s, scores))


def _remarked(s: Session, found: Keyed, key: Key) -> Iterator[tuple[Any, int | None]]:
    """Each marked answer to the version, with what it would earn by `key`."""
    rows = s.execute(
        sa.select(
            AttemptAnswer.attempt_id, AttemptAnswer.position, AttemptAnswer.answer, AttemptAnswer.points_100,
            Attempt.paper, Attempt.score_100, Attempt.max_100, Quiz.partial, Quiz.pass_permille,
        )
        .join(Attempt, Attempt.id == AttemptAnswer.attempt_id)
        .join(Quiz, Quiz.id == Attempt.quiz_id)
        .where(AttemptAnswer.version_id == found.version.id, Attempt.state.in_(marks.OVER))
        .execution_options(yield_per=1000)
    )  # fmt: skip
    for some in rows.partitions():
        shorts = marks.short_marks(s, [row.attempt_id for row in some]) if key.by_people else {}
        for row in some:
            people = shorts.get((row.attempt_id, row.position), ())
            yield row, marks.earned_by(key, row.answer, row.paper[row.position][2], people, row.partial)


def _changes(s: Session, scores: dict[int, tuple[int, bool]]) -> list[Change]:
    """How the best attempt of each person moves when attempts come to `scores`."""
    concerned = {
        (row.quiz_id, row.member_id)
        for row in s.execute(sa.select(Attempt.quiz_id, Attempt.member_id).where(among(s, Attempt.id, scores)))
    }
    tries: dict[tuple[int, int], list[_Try]] = {pair: [] for pair in concerned}
    sat = sa.select(
        Attempt.id, Attempt.quiz_id, Attempt.member_id, Attempt.no, Attempt.state, Attempt.score_100, Attempt.passed,
        Attempt.started_ms, Attempt.submitted_ms,
    ).where(marks.of_pairs(s, Attempt, concerned), Attempt.state == AttemptState.MARKED)  # fmt: skip
    rows: Iterable[Any] = s.execute(sat)
    for row in rows:
        if (row.quiz_id, row.member_id) in tries:
            tries[row.quiz_id, row.member_id].append(_Try(*row))
    moved = []
    for pair, theirs in tries.items():
        was = marks.best_of(theirs)
        new = [
            replace(one, score_100=scores[one.id][0], passed=scores[one.id][1]) if one.id in scores else one
            for one in theirs
        ]
        best = marks.best_of(new)
        if was and best and (was.score_100, was.passed) != (best.score_100, best.passed):
            moved.append((pair, was, best))
    return _named(s, moved)


def _named(s: Session, moved: Collection[tuple[tuple[int, int], Any, Any]]) -> list[Change]:
    quizzes = {pair[0] for pair, _, _ in moved}
    asked = {row.id: row for row in s.execute(sa.select(Quiz.id, Quiz.title, Quiz.kind).where(Quiz.id.in_(quizzes)))}
    people = {
        row.id: row
        for row in s.execute(
            sa.select(Member.id, Member.name, Organization.short_name, Organization.path)
            .join(Organization, Organization.id == Member.org_id)
            .where(among(s, Member.id, {pair[1] for pair, _, _ in moved}))
        )
    }
    ordered = sorted(moved, key=lambda one: (one[0][0], people[one[0][1]].path, one[0][1]))
    return [
        Change(
            asked[quiz_id].title, asked[quiz_id].kind, member_id, people[member_id].name, people[member_id].short_name, was.score_100,
            best.score_100, bool(was.passed), bool(best.passed),
        )
        for (quiz_id, member_id), was, best in ordered
    ]  # fmt: skip


# ── the correction ──────────────────────────────────────


def correct(
    s: Session, person: Person, question_id: int, no: int, key: dict[str, Any], waived: bool, reason: str, revision: int,
    now: datetime,
) -> Keyed:  # fmt: skip
    """Store what is right from now on; `remark` then marks by it. `revision` is the one the person had read.

    Raises Conflict (`question.key_changed`) when somebody corrected it since, Invalid as `checked_key` and
    `checked_reason`.
    """
    s.execute(sa.select(Question.id).where(Question.id == question_id).with_for_update(key_share=True))
    found = keyed(s, person, question_id, no)
    if found.key.revision != revision:
        raise Conflict("question.key_changed", N_("刚才有同志更正过这道题的答案。请看看现在的答案，再决定要不要改。"))
    key, reason = checked_key(found, key, waived), checked_reason(reason)
    made = AnswerKey(
        version_id=found.version.id, revision=revision + 1, key=key, waived=waived, author_id=person.account_id,
        reason=reason, created_at=now,
    )  # fmt: skip
    s.add(made)
    s.flush()
    audit.record(
        s, person, "question.key", ("question", question_id), found.question.org_id, no=found.version.no,
        revision=(revision, revision + 1), waived=waived, reason=reason,
    )  # fmt: skip
    return Keyed(found.question, found.version, made)


def remark(db: Database, version_id: int, zone: str, *, most: int | None = None) -> bool:
    """Mark everything that was asked the version by its newest key, CHUNK attempts at a time; whether that is all.

    Results that move carry the reason as a note, ledger lines are reversed and posted. Stops after `most` attempts.
    """
    done, last = 0, 0
    while most is None or done < most:
        with db.write() as s:
            newest = s.scalars(
                sa.select(AnswerKey)
                .where(AnswerKey.version_id == version_id)
                .order_by(AnswerKey.revision.desc())
                .limit(1)
            ).one()
            ids = _behind(s, newest, last)
            if not ids:
                return True
            by = person_of(s, s.get_one(Account, newest.author_id))
            marks.settle(s, ids, this_moment(), zone, marks.Correction(newest.reason, by))
        done, last = done + len(ids), ids[-1]
    return False


def _behind(s: Session, newest: AnswerKey, last: int) -> list[int]:
    """The next attempts after `last` whose answer was marked by an older key, or none."""
    wanted = (
        sa.select(AttemptAnswer.attempt_id)
        .join(Attempt, Attempt.id == AttemptAnswer.attempt_id)
        .where(
            AttemptAnswer.version_id == newest.version_id,
            AttemptAnswer.attempt_id > last,
            sa.or_(AttemptAnswer.key_revision.is_(None), AttemptAnswer.key_revision < newest.revision),
            Attempt.state.in_(marks.OVER),
        )
        .order_by(AttemptAnswer.attempt_id)
        .limit(CHUNK)
    )
    return list(s.scalars(wanted))


def waiting(s: Session, version_id: int) -> int:
    """How many sittings are still to be marked by the newest key of the version."""
    newest = sa.select(sa.func.max(AnswerKey.revision)).where(AnswerKey.version_id == version_id).scalar_subquery()
    return s.scalars(
        sa.select(sa.func.count())
        .select_from(AttemptAnswer)
        .join(Attempt, Attempt.id == AttemptAnswer.attempt_id)
        .where(
            AttemptAnswer.version_id == version_id, AttemptAnswer.key_revision < newest, Attempt.state.in_(marks.OVER)
        )
    ).one()


def history(s: Session, version_id: int) -> list[tuple[AnswerKey, str]]:
    """The corrections of a version with the names of who made them, the newest first."""
    rows = s.execute(
        sa.select(AnswerKey, Account.name)
        .join(Account, Account.id == AnswerKey.author_id)
        .where(AnswerKey.version_id == version_id, AnswerKey.revision > 1)
        .order_by(AnswerKey.revision.desc())
    )
    return [(row[0], row[1]) for row in rows]


def remark_due(db: Database, zone: str) -> int:
    """The clock's: finish what a correction left, also what was being handed in while it was stored; how many keys."""
    with db.read() as s:
        due = s.execute(
            sa.select(AnswerKey.version_id, AnswerKey.revision, AnswerKey.created_at)
            .where(AnswerKey.revision > 1, AnswerKey.applied_at.is_(None))
            .order_by(AnswerKey.created_at)
        ).all()
    done = 0
    for version_id, revision, created_at in due:
        try:
            remark(db, version_id, zone)
            if this_moment() - created_at >= SETTLED:
                with db.write() as s:
                    s.get_one(AnswerKey, (version_id, revision)).applied_at = this_moment()
                done += 1
        except Exception:  # one that cannot be marked must not hold up the others
            log.exception("answers cannot be marked anew", version_id=version_id)
    return done
