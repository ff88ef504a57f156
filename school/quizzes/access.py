"""Who a person is before a quiz: sitting it, its author, invigilating, or overseeing it; and who may use a question."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from school.core.errors import NotAllowed, NotFound
from school.core.i18n import N_
from school.core.person import Person, Role
from school.org.models import Member, Organization, PartyStatus
from school.org.reach import below, may_know, names, places, prefixes, takes_in
from school.quizzes.bank.models import Question, QuestionState
from school.quizzes.papers.models import Quiz, QuizAudience, QuizHelper, QuizKind, QuizState

OVERSEERS = (Role.REVIEWER, Role.ORG_ADMIN)
BANKERS = (Role.TRAINER, *OVERSEERS)  # who may look into the bank of their organisations


@dataclass(frozen=True, slots=True)
class Standing:
    """What one person may do with one quiz."""

    quiz: Quiz
    person: Person
    invited: bool  # belongs to the audience
    authors: bool  # made it
    helps: bool  # invigilates beside the author
    oversees: bool  # reviews or administers its host

    @property
    def desk(self) -> bool:
        """Invigilates: sees who sits, gives codes and time, writes incidents down, enters papers."""
        return self.authors or self.helps

    @property
    def reviewed(self) -> bool:
        """Published a paper that judges: they have read it with its answers, and do not sit it."""
        return judges(self.quiz) and self.quiz.reviewer_id == self.person.account_id

    @property
    def sees_results(self) -> bool:
        """May see everybody's marks and the analysis; a secretary sees those of their own branch elsewhere. What came of
        a contest is its author's alone: it is never reported upward."""
        return self.authors or (self.oversees and self.quiz.kind != QuizKind.CONTEST)


def judges(quiz: Quiz) -> bool:
    """Whether who has reviewed the quiz may not sit it: an exam, a contest, whatever earns hours by itself.

    A test that only a course asks for would close the course to them. Nor is anybody kept out for single questions of
    the bank, which most trainers of a small county have written or read.
    """
    return quiz.kind in (QuizKind.EXAM, QuizKind.CONTEST) or quiz.hours_100 > 0


def no_quiz() -> NotFound:
    return NotFound("quiz.missing", N_("没有找到这场考试或测验。可能已经撤下，或者不对您所在的党组织开放。"))


def _audience() -> sa.Select[int]:
    return sa.select(QuizAudience.quiz_id).where(QuizAudience.quiz_id == Quiz.id)


def invited(person: Person) -> sa.ColumnElement[bool]:
    """Whether the quiz's audience takes the person in."""
    return takes_in(_audience(), QuizAudience.org_id, person)


def expected(s: Session, quiz: Quiz) -> sa.ColumnElement[bool]:
    """Whether a `Member` (joined with their `Organization`) belongs to the audience, or to the host when it is for everyone."""
    named = s.scalars(
        sa.select(Organization.path)
        .join(QuizAudience, QuizAudience.org_id == Organization.id)
        .where(QuizAudience.quiz_id == quiz.id)
    ).all()
    paths = list(named) or [s.get_one(Organization, quiz.org_id).path]
    return sa.and_(Member.party_status == PartyStatus.NORMAL, below(Organization.path, paths))


def overseen(person: Person) -> sa.ColumnElement[bool]:
    """Whether the quiz's host lies under the person's review or administration."""
    scopes = person.scopes(*OVERSEERS)
    if not scopes:
        return sa.false()
    return sa.exists().where(Organization.id == Quiz.org_id, below(Organization.path, scopes))


def _helps(account_id: int | sa.BindParameter[int]) -> sa.ColumnElement[bool]:
    return sa.exists().where(QuizHelper.quiz_id == Quiz.id, QuizHelper.account_id == account_id)


def helping(person: Person) -> sa.ColumnElement[bool]:
    return _helps(person.account_id)


def visible(person: Person) -> sa.ColumnElement[bool]:
    """Whether the person may know of the quiz: invited to a published one, their own, helping, or (but a draft) overseen."""
    return may_know(
        own=Quiz.author_id == person.account_id,
        given=Quiz.state == QuizState.PUBLISHED,
        invited=invited(person) | helping(person),
        handed_in=Quiz.state != QuizState.DRAFT,
        overseen=overseen(person),
    )


def known(person: Person, **more: object) -> dict[str, object]:
    """The person as parameters of statements that are worked out once and asked for everybody, beside `more`."""
    return {"places": places(person), "account_id": person.account_id, "member_id": person.member_id or 0, **more}


INVITED = names(_audience(), QuizAudience.org_id, sa.bindparam("places", expanding=True))  # `invited` of who is `known`
HELPING = _helps(sa.bindparam("account_id"))
_WANTED = (
    sa.select(Quiz, INVITED, HELPING)
    .where(Quiz.id == sa.bindparam("quiz_id"))
    .options(joinedload(Quiz.org), joinedload(Quiz.author))
)
_LOCKED = _WANTED.with_for_update(of=Quiz, key_share=True).execution_options(populate_existing=True)


def standing(s: Session, person: Person, quiz_id: int, *, lock: bool = False) -> Standing:
    """What `person` may do with the quiz; NotFound (`quiz.missing`) when they may not know of it, as `visible` has it."""
    row = s.execute(_LOCKED if lock else _WANTED, known(person, quiz_id=quiz_id)).one_or_none()
    if row is None:
        raise no_quiz()
    quiz: Quiz = row[0]
    here = Standing(
        quiz, person, bool(row[1]), quiz.author_id == person.account_id, bool(row[2]),
        person.holds(quiz.org.path, *OVERSEERS),
    )  # fmt: skip
    if not may_know(
        own=here.authors,
        given=quiz.state == QuizState.PUBLISHED,
        invited=here.invited or here.helps,
        handed_in=quiz.state != QuizState.DRAFT,
        overseen=here.oversees,
    ):
        raise no_quiz()
    return here


def at_desk(standing: Standing) -> Standing:
    """`standing` when it invigilates, else NotAllowed (`quiz.desk`)."""
    if not standing.desk:
        raise NotAllowed("quiz.desk", N_("这一步由出卷老师和监考人员来做。需要帮忙时，请当面告诉监考人员。"))
    return standing


def sees_results(standing: Standing) -> Standing:
    """`standing` when it may see everybody's marks, else NotAllowed (`quiz.results`)."""
    if not standing.sees_results:
        raise NotAllowed("quiz.results", N_("全部成绩只有出卷老师和主办单位的管理员能看。您自己的成绩在“我的考试”里。"))
    return standing


def in_bank(person: Person) -> sa.ColumnElement[bool]:
    """Whether the person may see the question in the bank: held at, below or above (approved ones) a place of theirs."""
    scopes = person.scopes(*BANKERS)
    above = sorted({prefix for scope in scopes for prefix in prefixes(scope)})
    host = sa.select(Organization.id).where(Organization.id == Question.org_id).correlate(Question)
    return sa.or_(
        host.where(below(Organization.path, scopes)).exists(),
        sa.and_(Question.state == QuestionState.APPROVED, host.where(Organization.path.in_(above)).exists()),
    )


def no_question() -> NotFound:
    return NotFound("question.missing", N_("题库里没有找到这道题。可能已经停用，或者属于别的党组织。"))
