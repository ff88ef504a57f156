"""What stands on a person's desk: the year's hours, what is on or begun, what is still open, exams, and places of duty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.i18n import N_
from school.core.person import Person, Role
from school.courses.models import Course, CourseState
from school.courses.queries import OVERSEERS, overseen
from school.courses.todo import Musts, catalogued, musts
from school.live import queries as live
from school.live.attendance import Makeup, makeups_of
from school.live.models import LiveClass
from school.org.models import Organization
from school.org.pinyin import surname
from school.quizzes.bank import queries as bank_queries
from school.quizzes.marks import notes as quiz_notes
from school.quizzes.papers import queries as quizzes
from school.quizzes.papers.queries import Test
from school.records.cases import waiting_counts
from school.records.models import OrgYear
from school.records.queries import Hours, OpenItem, hours_of, open_items

BEGUN = 4  # courses shown as begun
OPEN = 4  # compulsory courses shown as still open
PLACES = 12  # organisations shown to somebody with duties
COMING = 4  # live classes shown before their day
NEAR = 12  # classes looked at for what is on and comes
AHEAD = timedelta(days=7)  # how long before
MAKEUPS = 4  # of the 待补学名单, the most urgent


@dataclass(frozen=True, slots=True)
class Begun:
    """A course that has been begun: `lesson_id` is where to go on."""

    course: Course
    lesson_id: int
    covered_ms: int
    length_ms: int

    @property
    def left_ms(self) -> int:
        return max(self.length_ms - self.covered_ms, 0)


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation the person looks after, with its figures of the year and the 申请复核 they may answer there."""

    org: Organization
    figures: OrgYear | None
    reviews: int = 0


@dataclass(frozen=True, slots=True)
class Lives:
    """What is on now, what comes within a week, and what the member missed and has still to make up."""

    on: Sequence[LiveClass]
    coming: Sequence[LiveClass]
    makeups: Sequence[Makeup] = ()


@dataclass(frozen=True, slots=True)
class Duties:
    """What the person looks after: organisations, courses they teach, and how much waits for their review."""

    places: list[Place]
    own_courses: int = 0
    to_review: int = 0


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a member's home shows."""

    hours: Hours
    begun: list[Begun]
    open: Musts
    lives: Lives
    tests: Sequence[Test]  # a sitting that is going on comes first
    corrected: Sequence[quiz_notes.Note]  # marks that moved because a key was wrong
    voided: Sequence[quiz_notes.Voided]  # sittings that an invigilator made void
    duties: Duties


def greeting(moment: datetime) -> str:
    """The greeting of the hour; `moment` is in the school's zone."""
    if 5 <= moment.hour < 11:
        return N_("上午好")
    if 11 <= moment.hour < 13:
        return N_("中午好")
    return N_("下午好") if 13 <= moment.hour < 18 else N_("晚上好")


def given_name(name: str) -> str:
    """How to call somebody: the given name of two signs (`周谷雨` → `谷雨`), the first part of a name with a `·`, else all."""
    rest = name[len(surname(name)) :]
    if "·" in name:
        return name.split("·")[0]
    return rest if len(rest) == 2 else name


def desk(s: Session, person: Person, member_id: int, year: int, now: datetime) -> Desk:
    """A member's desk; eight short queries, two more for what is begun, and one for each duty."""
    begun = _begun(s, person, open_items(s, member_id, year))
    return Desk(
        hours=hours_of(s, member_id, year),
        begun=begun[:BEGUN],
        open=musts(s, person, member_id, OPEN, but={each.course.id for each in begun}),
        lives=lives(s, person, now),
        tests=quizzes.due(s, person, now),
        corrected=quiz_notes.notes(s, member_id),
        voided=quiz_notes.voided(s, member_id),
        duties=duties(s, person, year),
    )


def lives(s: Session, person: Person, now: datetime) -> Lives:
    """The live classes a person's first page speaks of."""
    on, announced = live.near(s, person, now, NEAR)
    coming = [each for each in announced if each.starts_at < now + AHEAD][:COMING]
    makeups = makeups_of(s, person.member_id)[:MAKEUPS] if person.member_id else []
    return Lives(on, coming, makeups)


def _begun(s: Session, person: Person, items: Sequence[OpenItem]) -> list[Begun]:
    courses = catalogued(s, person, [each.item.ref_id for each in items if each.item.kind == "course"])
    begun = []
    for each in items:
        course = courses.get(each.item.ref_id)
        if course and each.item.kind == "course" and each.ribbons:
            unfinished = [ribbon for ribbon in each.ribbons if ribbon.covered_ms < ribbon.length_ms]
            lesson_id = (unfinished or each.ribbons)[0].ref_id
            begun.append(Begun(course, lesson_id, each.covered_ms, each.length_ms))
    return begun


def duties(s: Session, person: Person, year: int) -> Duties:
    """All that a person's roles bring with them; no query for somebody without one."""
    own_courses = to_review = 0
    if person.has(Role.TRAINER):
        own = sa.select(sa.func.count()).select_from(Course).where(Course.trainer_id == person.account_id)
        own_courses = s.scalar(own) or 0
    if person.has(*OVERSEERS):
        queue = (
            sa.select(sa.func.count())
            .select_from(Course)
            .where(Course.state == CourseState.IN_REVIEW, Course.trainer_id != person.account_id, overseen(person))
        )
        to_review = (s.scalar(queue) or 0) + live.waiting_count(s, person)
        to_review += quizzes.waiting_count(s, person) + bank_queries.waiting(s, person)[0]
    return Duties(_places(s, person, year), own_courses, to_review)


def _places(s: Session, person: Person, year: int) -> list[Place]:
    """The organisations the person is secretary or administrator of, in tree order, at most PLACES."""
    ids = {grant.org_id for grant in person.grants if grant.role in (Role.BRANCH_SECRETARY, Role.ORG_ADMIN)}
    if not ids:
        return []
    wanted = (
        sa.select(Organization, OrgYear)
        .join(OrgYear, sa.and_(OrgYear.org_id == Organization.id, OrgYear.year == year), isouter=True)
        .where(Organization.id.in_(ids))
        .order_by(Organization.path)
        .limit(PLACES)
    )
    reviews = waiting_counts(s, ids, person.member_id)
    return [Place(org, figures, reviews.get(org.id, 0)) for org, figures in s.execute(wanted)]
