"""Read side of the room: which courses a person may see, the catalogue, a course with its lessons, and studio lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from school.core.errors import NotFound
from school.core.i18n import N_
from school.core.person import Person, Role
from school.courses.models import Course, CourseAudience, CourseCategory, CourseState, CourseTerm, Lesson
from school.courses.rules import query_terms
from school.media import queries as media
from school.media.models import Timeline
from school.media.queries import AssetStatus
from school.org.models import Organization
from school.org.reach import below, may_know, names, places, takes_in
from school.records.models import STANDS, StudyHourEntry

PAGE = 12
HOST = aliased(Organization)  # made once: an alias costs more to build than a query with it
OVERSEERS = (Role.REVIEWER, Role.ORG_ADMIN)
FORMS = {"video": ("recorded", "film"), "micro": ("micro",), "audio": ("audio",)}
SORTS = ("todo", "new", "short")


# ── who may see what ────────────────────────────────────


_AUDIENCE = sa.select(CourseAudience.course_id).where(CourseAudience.course_id == Course.id)


def for_person(person: Person) -> sa.ColumnElement[bool]:
    """Whether a course's audience takes the person in: it names nobody, or a subtree that holds one of their places."""
    return takes_in(_AUDIENCE, CourseAudience.org_id, person)


def overseen(person: Person) -> sa.ColumnElement[bool]:
    """Whether the course's host lies under the person's review or administration."""
    return _overseen(person.scopes(*OVERSEERS))


def _overseen(scopes: tuple[str, ...]) -> sa.ColumnElement[bool]:
    if not scopes:
        return sa.false()
    return sa.exists().where(HOST.id == Course.org_id, below(HOST.path, scopes))


def published_for(person: Person) -> sa.ColumnElement[bool]:
    """Whether the course stands in this person's catalogue."""
    return _published(places(person), person.scopes(*OVERSEERS))


def published_to(scopes: tuple[str, ...]) -> sa.ColumnElement[bool]:
    """`published_for` whoever has the `places` of the statement and oversees `scopes`: for statements that are made once."""
    return _published(sa.bindparam("places", expanding=True), scopes)


def _published(known: Sequence[str] | sa.BindParameter[str], scopes: tuple[str, ...]) -> sa.ColumnElement[bool]:
    invited = names(_AUDIENCE, CourseAudience.org_id, known)
    return sa.and_(Course.state == CourseState.PUBLISHED, sa.or_(invited, _overseen(scopes)))


def visible(person: Person) -> sa.ColumnElement[bool]:
    """Whether the person may open the course: in their catalogue, their own, or (but a draft) under their review."""
    return may_know(
        own=Course.trainer_id == person.account_id,
        given=Course.state == CourseState.PUBLISHED,
        invited=for_person(person),
        handed_in=Course.state != CourseState.DRAFT,
        overseen=overseen(person),
    )


def no_course() -> NotFound:
    return NotFound(
        "course.missing",
        N_("没有找到这门课。可能已经撤下，或者不对您所在的党组织开放。需要学习时请联系主办单位。"),
    )


def no_lesson() -> NotFound:
    return NotFound("lesson.missing", N_("没有找到这一节。可能已经移除，请回到课程页看现有的内容。"))


# Written out, and made once: to build such a statement, or to let a loader strategy do it, costs more than to ask it.
_COURSE = (
    sa.select(Course, names(_AUDIENCE, CourseAudience.org_id, sa.bindparam("places", expanding=True)))
    .where(Course.id == sa.bindparam("course_id"))
    .options(joinedload(Course.category), joinedload(Course.org), joinedload(Course.trainer))
)
_LESSONS = (
    sa.select(Lesson)
    .where(Lesson.course_id == sa.bindparam("course_id"))
    .options(joinedload(Lesson.timeline), joinedload(Lesson.asset))
    .order_by(Lesson.position)
)
_INVITED = (
    sa.select(Organization)
    .join(CourseAudience, CourseAudience.org_id == Organization.id)
    .where(CourseAudience.course_id == sa.bindparam("course_id"))
    .order_by(Organization.path)
)


def course(s: Session, person: Person, course_id: int) -> Course:
    """A course the person may see, with category, host, trainer, lessons and their recordings; else NotFound."""
    row = s.execute(_COURSE, {"course_id": course_id, "places": places(person)}).one_or_none()
    if row is None or not _opens(row[0], person, invited=bool(row[1])):
        raise no_course()
    found: Course = row[0]
    lessons = s.scalars(_LESSONS, {"course_id": found.id}).all()
    set_committed_value(found, "lessons", lessons)
    for each in lessons:
        set_committed_value(each, "course", found)  # a lesson alone keeps its course alive
    return found


def _opens(found: Course, person: Person, *, invited: bool) -> bool:
    """`visible`, for one course that is loaded."""
    return may_know(
        own=found.trainer_id == person.account_id,
        given=found.state == CourseState.PUBLISHED,
        invited=invited,
        handed_in=found.state != CourseState.DRAFT,
        overseen=person.holds(found.org.path, *OVERSEERS),
    )


def lesson(s: Session, person: Person, course_id: int, lesson_id: int) -> Lesson:
    """A lesson of a course the person may see; `.course` and its lessons stay loaded with it. Else NotFound."""
    for found in course(s, person, course_id).lessons:
        if found.id == lesson_id:
            return found
    raise no_lesson()


def audience(s: Session, course_id: int) -> Sequence[Organization]:
    """The subtrees a course is for, in their own order; none: everyone."""
    return s.scalars(_INVITED, {"course_id": course_id}).all()


def categories(s: Session) -> Sequence[CourseCategory]:
    return s.scalars(sa.select(CourseCategory).order_by(CourseCategory.sort_no, CourseCategory.id)).all()


# ── the catalogue ───────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the reader of the catalogue asked for. `needs` of must, free; `forms` of FORMS; `progress` open, done or empty."""

    q: str = ""
    category_id: int | None = None
    needs: frozenset[str] = frozenset()
    forms: frozenset[str] = frozenset()
    progress: str = ""
    sort: str = "todo"
    page: int = 1

    @property
    def narrowed(self) -> bool:
        """Whether anything but order and page was asked for."""
        return bool(self.q or self.category_id or self.needs or self.forms or self.progress)


@dataclass(frozen=True, slots=True)
class Card:
    """A course as the catalogue shows it. `ready_ms` is the length of all lessons that can be played."""

    course: Course
    ready_ms: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category with how many courses this person finds in it."""

    category: CourseCategory
    count: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One page of the catalogue, with the figures around it: all and compulsory courses, compulsory ones not yet done."""

    cards: list[Card]
    found: int
    shelves: list[Shelf]
    all: int
    must: int
    must_left: int
    wanted: Wanted = field(default_factory=Wanted)

    @property
    def left(self) -> int:
        """How many more there are after this page."""
        return max(0, self.found - self.wanted.page * PAGE)


def done_by(member_id: int | sa.BindParameter[int] | None) -> sa.ColumnElement[bool]:
    """Whether the member's ledger has an unreversed entry of the course, of any year."""
    if member_id is None:
        return sa.false()
    return sa.exists().where(
        StudyHourEntry.member_id == member_id,
        StudyHourEntry.source_kind == "course",
        StudyHourEntry.source_id == Course.id,
        STANDS,
    )


_EARNED = sa.func.sum(StudyHourEntry.hours_100)
_CREDITS = (
    sa.select(StudyHourEntry.source_id, StudyHourEntry.year, _EARNED)
    .where(
        StudyHourEntry.member_id == sa.bindparam("member_id"),
        StudyHourEntry.source_kind == "course",
        StudyHourEntry.source_id.in_(sa.bindparam("course_ids", expanding=True)),
    )
    .group_by(StudyHourEntry.source_id, StudyHourEntry.year)
    .having(_EARNED > 0)
    .order_by(StudyHourEntry.year)
)


def credits_of(s: Session, member_id: int | None, course_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """course id → (year, hundredths of hours) that stand in the member's ledger, the latest year of each course."""
    if member_id is None or not course_ids:
        return {}
    rows = s.execute(_CREDITS, {"member_id": member_id, "course_ids": course_ids})
    return {course_id: (year, int(hours)) for course_id, year, hours in rows}


def _matches(q: str) -> tuple[list[sa.ColumnElement[bool]], sa.ColumnElement[int]] | None:
    """Conditions that every term of `q` is found, and the weight to order by; None when `q` has no term at all."""
    terms = query_terms(q)
    if not terms:
        return None
    conditions: list[sa.ColumnElement[bool]] = []
    for term in terms:
        row = aliased(CourseTerm)
        same = row.term.startswith(term, autoescape=True) if term.isascii() else row.term == term
        conditions.append(sa.exists().where(row.course_id == Course.id, same))
    weight = (
        sa.select(sa.func.coalesce(sa.func.sum(CourseTerm.weight), 0))
        .where(CourseTerm.course_id == Course.id, CourseTerm.term.in_(terms))
        .scalar_subquery()
    )
    return conditions, weight


def catalogue(s: Session, person: Person, wanted: Wanted) -> Catalogue:
    """The published courses this person may take, as asked for; three queries."""
    mine, done = published_for(person), done_by(person.member_id)
    counts = {
        row.category_id: row
        for row in s.execute(
            sa.select(
                Course.category_id,
                sa.func.count().label("all"),
                sa.func.sum(sa.case((Course.compulsory, 1), else_=0)).label("must"),
                sa.func.sum(sa.case((sa.and_(Course.compulsory, ~done), 1), else_=0)).label("must_left"),
            )
            .where(mine)
            .group_by(Course.category_id)
        )
    }
    cards, found = _page(s, mine, done, wanted)
    return Catalogue(
        cards=cards,
        found=found,
        shelves=[Shelf(c, counts[c.id].all if c.id in counts else 0) for c in categories(s)],
        all=sum(row.all for row in counts.values()),
        must=sum(row.must for row in counts.values()),
        must_left=sum(row.must_left for row in counts.values()),
        wanted=wanted,
    )


def _page(
    s: Session, mine: sa.ColumnElement[bool], done: sa.ColumnElement[bool], wanted: Wanted
) -> tuple[list[Card], int]:
    length = (
        sa.select(sa.func.coalesce(sa.func.sum(Timeline.length_ms), 0))
        .join(Lesson, Lesson.timeline_id == Timeline.id)
        .where(Lesson.course_id == Course.id)
        .scalar_subquery()
    )
    statement = sa.select(Course, length.label("ready_ms"), sa.func.count().over().label("found")).where(mine)
    if wanted.category_id:
        statement = statement.where(Course.category_id == wanted.category_id)
    if len(wanted.needs) == 1:
        statement = statement.where(Course.compulsory.is_("must" in wanted.needs))
    if wanted.forms and len(wanted.forms) < len(FORMS):
        statement = statement.where(Course.kind.in_([kind for form in wanted.forms for kind in FORMS[form]]))
    if wanted.progress:
        statement = statement.where(done if wanted.progress == "done" else ~done)
    if wanted.q:
        matches = _matches(wanted.q)
        if matches is None:
            return [], 0
        statement = statement.where(*matches[0]).order_by(matches[1].desc())
    if wanted.sort == "short":
        statement = statement.order_by(sa.case((length > 0, 0), else_=1), length)
    elif wanted.sort == "todo":
        statement = statement.order_by(sa.case((done, 2), (Course.compulsory, 0), else_=1))
    rows = s.execute(
        statement.order_by(Course.published_at.desc(), Course.id.desc())
        .options(joinedload(Course.category))
        .limit(PAGE)
        .offset((wanted.page - 1) * PAGE)
    ).all()
    return [Card(row.Course, int(row.ready_ms)) for row in rows], rows[0].found if rows else 0


# ── the studio and the review queue ─────────────────────


def own(s: Session, person: Person) -> Sequence[Course]:
    """The courses this person teaches, the newest first, with lessons and their assets."""
    return s.scalars(
        sa.select(Course)
        .where(Course.trainer_id == person.account_id)
        .order_by(Course.created_at.desc(), Course.id.desc())
        .options(
            joinedload(Course.category),
            selectinload(Course.lessons).options(joinedload(Lesson.timeline), joinedload(Lesson.asset)),
        )
    ).all()


def own_titles(s: Session, person: Person) -> Sequence[tuple[int, str]]:
    """(id, title) of the courses this person teaches, the newest first."""
    rows = s.execute(
        sa.select(Course.id, Course.title)
        .where(Course.trainer_id == person.account_id)
        .order_by(Course.created_at.desc(), Course.id.desc())
    )
    return [(course_id, title) for course_id, title in rows]


def own_lessons(s: Session, person: Person) -> list[tuple[int, str, list[tuple[int, str]]]]:
    """As `own_titles`, each with its lessons as (id, title) in their order."""
    rows = s.execute(
        sa.select(Lesson.course_id, Lesson.id, Lesson.title)
        .join(Course, Course.id == Lesson.course_id)
        .where(Course.trainer_id == person.account_id)
        .order_by(Lesson.course_id, Lesson.position)
    ).all()
    lessons: dict[int, list[tuple[int, str]]] = {}
    for course_id, lesson_id, title in rows:
        lessons.setdefault(course_id, []).append((lesson_id, title))
    return [(course_id, title, lessons.get(course_id, [])) for course_id, title in own_titles(s, person)]


def title_of(s: Session, person: Person, course_id: int) -> str | None:
    """A course's title for somebody who may see it, else None."""
    return s.scalar(sa.select(Course.title).where(Course.id == course_id, visible(person)))


def withdrawn_timelines(s: Session) -> frozenset[int]:
    """The recordings of courses that were published and are not now, but for those that another published course shows."""
    recordings = sa.select(Lesson.timeline_id).join(Course, Course.id == Lesson.course_id)
    shown = recordings.where(Course.state == CourseState.PUBLISHED, Lesson.timeline_id.is_not(None))
    withdrawn = recordings.where(
        Course.state != CourseState.PUBLISHED, Course.published_at.is_not(None), Lesson.timeline_id.not_in(shown)
    )
    return frozenset(found for found in s.scalars(withdrawn) if found is not None)


def in_review(s: Session, person: Person) -> Sequence[Course]:
    """What waits for this person's review, the longest waiting first; one's own courses are for somebody else."""
    return s.scalars(
        sa.select(Course)
        .where(Course.state == CourseState.IN_REVIEW, Course.trainer_id != person.account_id, overseen(person))
        .order_by(Course.submitted_at, Course.id)
        .options(
            joinedload(Course.category),
            joinedload(Course.org),
            joinedload(Course.trainer),
            selectinload(Course.lessons).joinedload(Lesson.asset),
        )
    ).all()


def reviewed(s: Session, person: Person, limit: int = 10) -> Sequence[Course]:
    """What this person has published lately."""
    return s.scalars(
        sa.select(Course)
        .where(Course.reviewer_id == person.account_id, Course.published_at.is_not(None))
        .order_by(Course.published_at.desc())
        .options(joinedload(Course.category), joinedload(Course.trainer))
        .limit(limit)
    ).all()


@dataclass(frozen=True, slots=True)
class Slot:
    """A lesson in the studio: how its file is doing, and when it is ready its length and renditions."""

    lesson: Lesson
    status: AssetStatus | None  # None: no file yet
    length_ms: int = 0
    renditions: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """`none` without a file, else the state of its asset."""
        return self.status.state.value if self.status else "none"


def slots(s: Session, lessons: Sequence[Lesson]) -> list[Slot]:
    """The lessons with how their files are doing."""
    found = []
    for lesson in lessons:
        if lesson.asset is None:
            found.append(Slot(lesson, None))
            continue
        timeline = media.timeline_of(s, lesson.asset.id)
        names = tuple(str(r["name"]) for r in timeline.renditions) if timeline else ()
        status = media.status(s, lesson.asset)
        found.append(Slot(lesson, status, status.length_ms, names))
    return found
