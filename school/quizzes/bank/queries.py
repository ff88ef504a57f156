"""Read side of the bank: lists with their filters, one question with its versions, and what waits for review."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from school.core.person import Person, Role
from school.org.models import Account, Organization
from school.org.reach import below
from school.quizzes import bodies
from school.quizzes.access import BANKERS, OVERSEERS, in_bank, no_question
from school.quizzes.bank import rules
from school.quizzes.bank.models import (
    AnswerKey,
    Question,
    QuestionFile,
    QuestionKind,
    QuestionState,
    QuestionTag,
    QuestionVersion,
)
from school.quizzes.bank.rules import Draft
from school.records.bulk import among

PAGE = 50
SUGGESTED = 40  # categories and tags offered while typing


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the reader of the bank asked for; `state` of QuestionState or `stale`; empty: all that is not withdrawn."""

    q: str = ""
    kind: str = ""
    category: str = ""
    tag: str = ""
    state: str = ""
    mine: bool = False
    page: int = 1

    @property
    def narrowed(self) -> bool:
        """Whether anything but the page was asked for."""
        return bool(self.q or self.kind or self.category or self.tag or self.state or self.mine)


@dataclass(frozen=True, slots=True)
class Found:
    """One page of the bank, how many there are in all, and the categories of the person's bank with their numbers."""

    questions: Sequence[Question]
    total: int
    categories: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Told:
    """A version as it is shown with all that is right: the newest `key`, `files` by id."""

    question: Question
    version: QuestionVersion
    key: AnswerKey
    files: dict[int, QuestionFile]
    tags: tuple[str, ...] = ()
    written_by: str = ""
    approved_by: str = ""


# ── lists ───────────────────────────────────────────────


def matching(wanted: Wanted, person: Person, today: date) -> list[sa.ColumnElement[bool]]:
    """What a question must fulfil to be in the list; every word of the search must be found."""
    conditions = [in_bank(person)]
    conditions += [Question.words.contains(word, autoescape=True) for word in rules.wanted(wanted.q)]
    if wanted.kind:
        conditions.append(Question.kind == wanted.kind)
    if wanted.category:
        conditions.append(Question.category == wanted.category)
    if wanted.tag:
        conditions.append(
            sa.exists().where(QuestionTag.question_id == Question.id, QuestionTag.tag == wanted.tag)
        )  # fmt: skip
    if wanted.mine:
        conditions.append(Question.author_id == person.account_id)
    if wanted.state == "stale":
        conditions += [Question.valid_until < today, Question.state != QuestionState.WITHDRAWN]
    elif wanted.state:
        conditions.append(Question.state == wanted.state)
    else:
        conditions.append(Question.state != QuestionState.WITHDRAWN)
    return conditions


def find(s: Session, person: Person, wanted: Wanted, today: date) -> Found:
    """The questions of the person's bank as asked for, what was written last first, what was written together in its order."""
    conditions = matching(wanted, person, today)
    rows = s.execute(
        sa.select(Question, sa.func.count().over().label("total"))
        .where(*conditions)
        .order_by(Question.changed_at.desc(), Question.id)
        .options(joinedload(Question.org), joinedload(Question.author))
        .limit(PAGE)
        .offset((wanted.page - 1) * PAGE)
    ).all()
    return Found([row.Question for row in rows], rows[0].total if rows else 0, categories(s, person))


def categories(s: Session, person: Person) -> Sequence[tuple[str, int]]:
    """The categories of the person's bank, each with its number of questions in use, the largest first."""
    rows = s.execute(
        sa.select(Question.category, sa.func.count())
        .where(in_bank(person), Question.state != QuestionState.WITHDRAWN)
        .group_by(Question.category)
        .order_by(sa.func.count().desc(), Question.category)
        .limit(SUGGESTED)
    )
    return [(category, count) for category, count in rows]


def drafts(s: Session, person: Person, wanted: Wanted, today: date) -> Sequence[int]:
    """Ids of all that is listed and can be sent to review by this trainer."""
    return s.scalars(
        sa.select(Question.id)
        .join(Organization, Organization.id == Question.org_id)
        .where(
            *matching(wanted, person, today),
            Question.state == QuestionState.DRAFT,
            below(Organization.path, person.scopes(Role.TRAINER)),
        )
        .order_by(Question.id)
    ).all()


# ── one question ────────────────────────────────────────


def question(s: Session, person: Person, question_id: int) -> Question:
    """A question of the person's bank with host, author and reviewer, else NotFound."""
    found = s.scalar(
        sa.select(Question)
        .where(Question.id == question_id, in_bank(person))
        .options(joinedload(Question.org), joinedload(Question.author), joinedload(Question.reviewer))
    )
    if found is None:
        raise no_question()
    return found


def told(s: Session, found: Question, no: int | None = None) -> Told:
    """Version `no` (None: the latest) of a question with what is right in it; NotFound when there is no such version."""
    version = s.scalar(
        sa.select(QuestionVersion).where(
            QuestionVersion.question_id == found.id, QuestionVersion.no == (no or found.latest_no)
        )
    )
    if version is None:
        raise no_question()
    [shown] = tell(s, [(found, version)])
    return shown


def versions(s: Session, question_id: int) -> Sequence[sa.Row[QuestionVersion, str, str | None]]:
    """Every version with who wrote and who approved it, the newest first."""
    reviewer = sa.orm.aliased(Account)
    return s.execute(
        sa.select(QuestionVersion, Account.name, reviewer.name)
        .join(Account, Account.id == QuestionVersion.author_id)
        .outerjoin(reviewer, reviewer.id == QuestionVersion.reviewer_id)
        .where(QuestionVersion.question_id == question_id)
        .order_by(QuestionVersion.no.desc())
    ).all()


def tell(s: Session, pairs: Sequence[tuple[Question, QuestionVersion]]) -> list[Told]:
    """Versions with their newest keys, files and tags; four statements, however many."""
    ids = [version.id for _, version in pairs]
    keys = {
        key.version_id: key
        for key in s.scalars(
            sa.select(AnswerKey).where(among(s, AnswerKey.version_id, ids)).order_by(AnswerKey.revision)
        )
    }
    wanted = {file_id for _, version in pairs for file_id in bodies.files(version.body)}
    files = {file.id: file for file in s.scalars(sa.select(QuestionFile).where(among(s, QuestionFile.id, wanted)))}
    tags: dict[int, list[str]] = {}
    for tag in s.scalars(
        sa.select(QuestionTag)
        .where(among(s, QuestionTag.question_id, (found.id for found, _ in pairs)))
        .order_by(QuestionTag.tag)
    ):
        tags.setdefault(tag.question_id, []).append(tag.tag)
    people = {version.author_id for _, version in pairs} | {v.reviewer_id for _, v in pairs if v.reviewer_id}
    names = {row.id: row.name for row in s.execute(sa.select(Account.id, Account.name).where(Account.id.in_(people)))}
    return [
        Told(
            found, version, keys[version.id], files, tuple(tags.get(found.id, ())), names[version.author_id],
            names.get(version.reviewer_id or 0, ""),
        )
        for found, version in pairs
    ]  # fmt: skip


def draft_of(shown: Told) -> Draft:
    """A stored version as its author would write it."""
    found = shown.question
    return Draft(
        kind=QuestionKind(found.kind), body=shown.version.body, key=shown.key.key, category=found.category,
        difficulty=found.difficulty, explanation=shown.version.explanation, basis=shown.version.basis,
        tags=shown.tags, valid_from=found.valid_from, valid_until=found.valid_until,
    )  # fmt: skip


# ── review ──────────────────────────────────────────────


def _reviewable(person: Person) -> sa.ColumnElement[bool]:
    """Whether a question waits for this person: in review, in a bank they oversee, written by somebody else."""
    wrote = (
        sa.select(QuestionVersion.id)
        .where(
            QuestionVersion.question_id == Question.id,
            QuestionVersion.no == Question.latest_no,
            QuestionVersion.author_id == person.account_id,
        )
        .correlate(Question)
        .exists()
    )
    host = (
        sa.select(Organization.id)
        .where(Organization.id == Question.org_id, below(Organization.path, person.scopes(*OVERSEERS)))
        .correlate(Question)
        .exists()
    )
    return sa.and_(
        Question.state == QuestionState.IN_REVIEW, Question.author_id != person.account_id, ~wrote, host
    )  # fmt: skip


def waiting(s: Session, person: Person) -> tuple[int, Question | None]:
    """How many questions wait for this person's review, and the one that has waited longest."""
    count = s.scalar(sa.select(sa.func.count()).select_from(Question).where(_reviewable(person))) or 0
    return count, s.scalar(_first(person)) if count else None


def _first(person: Person) -> sa.Select[Question]:
    return sa.select(Question).where(_reviewable(person)).order_by(Question.submitted_at, Question.id).limit(1)


def in_review(s: Session, person: Person, *, page: int = 1, size: int = PAGE) -> tuple[list[Told], int]:
    """One page of what waits for this person's review, the longest waiting first, and how many there are."""
    latest = sa.and_(QuestionVersion.question_id == Question.id, QuestionVersion.no == Question.latest_no)
    rows = s.execute(
        sa.select(Question, QuestionVersion, sa.func.count().over())
        .join(QuestionVersion, latest)
        .where(_reviewable(person))
        .order_by(Question.submitted_at, Question.id)
        .options(joinedload(Question.author), joinedload(Question.org))
        .limit(size)
        .offset((page - 1) * size)
    ).all()
    return tell(s, [(row[0], row[1]) for row in rows]), rows[0][2] if rows else 0


def may_write(person: Person, found: Question) -> bool:
    return person.holds(found.org.path, Role.TRAINER)


def may_review(person: Person, shown: Told) -> bool:
    """Whether this person is another one than those who wrote it, and oversees its bank."""
    writers = (shown.question.author_id, shown.version.author_id)
    return person.account_id not in writers and person.holds(shown.question.org.path, *OVERSEERS)


def may_withdraw(person: Person, found: Question) -> bool:
    return person.holds(found.org.path, *BANKERS)


def suggested_tags(s: Session, person: Person) -> Sequence[str]:
    """The tags used most in the person's bank."""
    return s.scalars(
        sa.select(QuestionTag.tag)
        .join(Question, Question.id == QuestionTag.question_id)
        .where(in_bank(person))
        .group_by(QuestionTag.tag)
        .order_by(sa.func.count().desc(), QuestionTag.tag)
        .limit(SUGGESTED)
    ).all()
