"""Read side of quizzes: what is open, comes and is over for a person, a course's tests, studio lists and what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, defer, joinedload

from school.core.db import UTCDateTime
from school.core.person import Person
from school.org.models import Account, Organization
from school.quizzes.access import HELPING, INVITED, helping, judges, known, overseen
from school.quizzes.marks.models import QuizResult
from school.quizzes.papers.models import Quiz, QuizAudience, QuizHelper, QuizKind, QuizState
from school.quizzes.papers.rules import Phase, phase
from school.quizzes.sittings.models import Attempt, AttemptState

PAGE = 12  # quizzes that are over at once
SHOWN = 60
OWN = 200
AHEAD = timedelta(days=7)  # how long before it opens an exam stands on a desk
DESK = 4


def audience(s: Session, quiz_id: int) -> Sequence[Organization]:
    """The subtrees a quiz is for, in their own order; none: everyone."""
    return s.scalars(
        sa.select(Organization)
        .join(QuizAudience, QuizAudience.org_id == Organization.id)
        .where(QuizAudience.quiz_id == quiz_id)
        .order_by(Organization.path)
    ).all()


def helpers(s: Session, quiz_id: int) -> Sequence[Account]:
    """Who invigilates beside the author."""
    return s.scalars(
        sa.select(Account)
        .join(QuizHelper, QuizHelper.account_id == Account.id)
        .where(QuizHelper.quiz_id == quiz_id)
        .order_by(Account.name, Account.id)
    ).all()


def title_of(s: Session, quiz_id: int) -> str | None:
    return s.scalar(sa.select(Quiz.title).where(Quiz.id == quiz_id))


def faced(statement: sa.Select[Quiz]) -> sa.Select[Quiz]:
    """`statement` with what every list shows of a quiz."""
    return statement.options(joinedload(Quiz.org), joinedload(Quiz.author))


# ── as its people see it ────────────────────────────────


@dataclass(frozen=True, slots=True)
class Test:
    """A published quiz with how this person stands in it: their result, and whether they are sitting it now."""

    quiz: Quiz
    phase: Phase
    result: QuizResult | None = None
    sitting: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """The page 考试测验: open now (the first to close first), to come, practice, and one page of what is over."""

    open: list[Test] = field(default_factory=list)
    coming: list[Test] = field(default_factory=list)
    practice: list[Test] = field(default_factory=list)
    over: list[Test] = field(default_factory=list)
    found: int = 0
    page: int = 1

    @property
    def more(self) -> bool:
        return self.page * PAGE < self.found


# Made once: to build such a statement costs more than to ask it. They are asked with what `access.known` says.
_MOMENT = sa.bindparam("moment", type_=UTCDateTime())
_RESULT, _OPEN = aliased(QuizResult), aliased(Attempt)
_ADDRESSED = sa.and_(Quiz.state == QuizState.PUBLISHED, sa.or_(INVITED, HELPING))
_LISTED = sa.and_(_ADDRESSED, Quiz.lesson_ref.is_(None))  # one at a lesson is met there
_GOING = sa.or_(Quiz.closes_at.is_(None), Quiz.closes_at > _MOMENT)
_OVER = sa.and_(_LISTED, Quiz.closes_at <= _MOMENT)
_FIRST_TO_CLOSE = sa.case((Quiz.closes_at.is_(None), 1), else_=0), Quiz.closes_at
_TESTS = (  # quizzes with this member's result and open attempt
    sa.select(Quiz, _RESULT, _OPEN.id)
    .outerjoin(_RESULT, sa.and_(_RESULT.quiz_id == Quiz.id, _RESULT.member_id == sa.bindparam("member_id")))
    .outerjoin(
        _OPEN,
        sa.and_(
            _OPEN.quiz_id == Quiz.id,
            _OPEN.member_id == sa.bindparam("member_id"),
            _OPEN.state == AttemptState.OPEN,
        ),
    )
    .options(joinedload(Quiz.org))
)
_COUNT_OVER = sa.select(sa.func.count()).select_from(Quiz).where(_OVER)
_PAST = (
    _TESTS.where(_OVER)
    .order_by(Quiz.closes_at.desc(), Quiz.id.desc())
    .limit(PAGE)
    .offset(sa.bindparam("skipped", type_=sa.Integer))
)
_NOW = _TESTS.where(_LISTED, _GOING).order_by(*_FIRST_TO_CLOSE, Quiz.id.desc()).limit(SHOWN)
_DUE = (
    _TESTS.where(
        _LISTED,
        sa.or_(Quiz.kind == QuizKind.EXAM, Quiz.compulsory.is_(True)),
        _GOING,
        sa.or_(Quiz.opens_at.is_(None), Quiz.opens_at < sa.bindparam("soon", type_=UTCDateTime())),
    )
    .order_by(*_FIRST_TO_CLOSE, Quiz.id)
    .limit(SHOWN)
)
_OF_COURSE = (
    _TESTS.where(
        Quiz.course_ref == sa.bindparam("course_id"),
        Quiz.state == QuizState.PUBLISHED,
        sa.or_(INVITED, HELPING, Quiz.author_id == sa.bindparam("account_id")),
    )
    .order_by(Quiz.id)
    .limit(SHOWN)
)


def _read(
    s: Session, statement: sa.Select[Quiz, QuizResult, int], person: Person, moment: datetime, **more: object
) -> list[Test]:
    return [
        Test(quiz, phase(quiz.opens_at, quiz.closes_at, moment), result, attempt_id is not None)
        for quiz, result, attempt_id in s.execute(statement, known(person, moment=moment, **more))
    ]


def board(s: Session, person: Person, moment: datetime, page: int = 1) -> Board:
    """Everything the page shows; two queries, and one that counts."""
    found = s.scalar(_COUNT_OVER, known(person, moment=moment)) or 0
    past = _read(s, _PAST, person, moment, skipped=(page - 1) * PAGE)
    if page > 1:
        return Board(over=past, found=found, page=page)
    now = _read(s, _NOW, person, moment)
    practice = [test for test in now if test.quiz.kind == QuizKind.PRACTICE and test.phase == Phase.OPEN]
    asked = [test for test in now if test.quiz.kind != QuizKind.PRACTICE]
    coming = [test for test in now if test.phase == Phase.COMING]
    coming.sort(key=lambda test: test.quiz.opens_at or moment)
    return Board([test for test in asked if test.phase == Phase.OPEN], coming, practice, past, found)


def due(s: Session, person: Person, moment: datetime) -> list[Test]:
    """What a member's first page speaks of: a sitting that is going on, exams and compulsory tests that are open or open
    within a week and are not passed yet, but for those this person has made. Contests and practice are looked for by who
    likes them."""
    if person.member_id is None:
        return []
    tests = [
        test
        for test in _read(s, _DUE, person, moment, soon=moment + AHEAD)
        if test.sitting or not ((test.result and test.result.passed) or _made_by(person, test.quiz))
    ]
    resits = [test.quiz.resit_of_id for test in tests if test.quiz.resit_of_id]
    if resits:
        passed = set(
            s.scalars(
                sa.select(QuizResult.quiz_id).where(
                    QuizResult.quiz_id.in_(resits),
                    QuizResult.member_id == person.member_id,
                    QuizResult.passed.is_(True),
                )
            )
        )
        tests = [test for test in tests if test.quiz.resit_of_id not in passed]
    tests.sort(key=lambda test: not test.sitting)
    return tests[:DESK]


def _made_by(person: Person, quiz: Quiz) -> bool:
    """Whether this person wrote the quiz, or published it and so does not sit it (`access.judges`)."""
    return person.account_id == quiz.author_id or (judges(quiz) and person.account_id == quiz.reviewer_id)


def of_course(s: Session, person: Person, course_id: int, moment: datetime) -> list[Test]:
    """The published tests of a course this person may sit, those of its lessons as well, in the order they were made."""
    return _read(s, _OF_COURSE, person, moment, course_id=course_id)


def own_attempts(s: Session, person: Person, quiz_id: int) -> Sequence[Attempt]:
    """This member's attempts of a quiz, the newest first, without their papers."""
    return s.scalars(
        sa.select(Attempt)
        .where(Attempt.quiz_id == quiz_id, Attempt.member_id == (person.member_id or 0))
        .options(defer(Attempt.paper))
        .order_by(Attempt.no.desc())
        .limit(OWN)
    ).all()


# ── the studio and the review queue ─────────────────────


def own_quizzes(s: Session, person: Person) -> Sequence[Quiz]:
    """The quizzes this person wrote or invigilates, the newest first."""
    return s.scalars(
        faced(
            sa.select(Quiz)
            .where(sa.or_(Quiz.author_id == person.account_id, helping(person)))
            .order_by(Quiz.created_at.desc(), Quiz.id.desc())
            .limit(OWN)
        )
    ).all()


def begun(s: Session, quiz_id: int) -> bool:
    """Whether anybody has a paper of the quiz already: then it is not changed any more."""
    return bool(s.scalar(sa.select(sa.exists().where(Attempt.quiz_id == quiz_id))))


def own_exams(s: Session, person: Person) -> Sequence[tuple[int, str]]:
    """(id, title) of the exams this person wrote that a 补考 may follow."""
    rows = s.execute(
        sa.select(Quiz.id, Quiz.title)
        .where(Quiz.author_id == person.account_id, Quiz.kind == QuizKind.EXAM, Quiz.published_at.is_not(None))
        .order_by(Quiz.id.desc())
        .limit(OWN)
    )
    return [(quiz_id, title) for quiz_id, title in rows]


def _waits_for(person: Person) -> sa.ColumnElement[bool]:
    """Whether the quiz waits for this person's review; those of one's own desk are for somebody else."""
    return sa.and_(
        Quiz.state == QuizState.IN_REVIEW,
        Quiz.author_id != person.account_id,
        ~helping(person),
        overseen(person),
    )


def in_review(s: Session, person: Person) -> Sequence[Quiz]:
    """What waits for this person's review, the longest waiting first."""
    return s.scalars(
        faced(sa.select(Quiz).where(_waits_for(person)).order_by(Quiz.submitted_at, Quiz.id).limit(OWN))
    ).all()


def waiting_count(s: Session, person: Person) -> int:
    """How many quizzes wait for this person's review."""
    return s.scalar(sa.select(sa.func.count()).select_from(Quiz).where(_waits_for(person))) or 0
