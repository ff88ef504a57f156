"""Demo courses: eight categories and twelve courses; short lectures are queued and open by themselves when they are made."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.person import Person, Role
from school.core.time import now
from school.courses import rules, service
from school.courses.models import Course, CourseCategory, CourseState
from school.demo.lectures import CATEGORIES, COURSES, DemoCourse, DemoLesson
from school.media import jobs
from school.media.models import AssetState, MediaAsset
from school.media.service import new_asset
from school.org import queries as org
from school.org.models import Account, Organization, RoleGrant


def fill_courses(s: Session) -> bool:
    """Write categories and courses for the county's first trainer; False when there is a category or no trainer."""
    if s.scalar(sa.select(CourseCategory.id).limit(1)):
        return False
    trainer, reviewer = _first(s, Role.TRAINER), _first(s, Role.REVIEWER)
    if trainer is None or reviewer is None:
        return False
    categories = {
        name: CourseCategory(name=name, slip=slip, sort_no=number) for number, (name, slip) in enumerate(CATEGORIES, 1)
    }
    s.add_all(categories.values())
    s.flush()
    person = org.person_of(s, trainer)
    for number, demo in enumerate(COURSES):
        course = _course(s, person, demo, categories[demo.category].id)
        for lesson in demo.lessons:
            _lesson(s, person, course, lesson, priority=-number)
        _stand(course, demo, reviewer)
    return True


def _first(s: Session, role: Role) -> Account | None:
    return s.scalar(
        sa.select(Account)
        .join(RoleGrant, RoleGrant.account_id == Account.id)
        .where(RoleGrant.role == role)
        .order_by(Account.id)
        .limit(1)
    )


def _course(s: Session, person: Person, demo: DemoCourse, category_id: int) -> Course:
    audience = s.scalars(sa.select(Organization.id).where(Organization.short_name.in_(demo.audience))).all()
    sheet = rules.Sheet(
        title=demo.title,
        category_id=category_id,
        hours_100=demo.hours_100,
        summary=demo.summary,
        slip=demo.slip,
        kind=demo.kind,
        compulsory=demo.compulsory,
        audience=tuple(audience),
    )
    host = next(grant.org_id for grant in person.grants if grant.role is Role.TRAINER)
    return service.create_course(s, person, host, sheet)


def _lesson(s: Session, person: Person, course: Course, demo: DemoLesson, priority: int) -> None:
    if demo.pages:
        service.add_lesson_from_asset(s, course, _lecture(s, person, course, demo, priority), demo.title)
    else:
        service.add_lesson(s, person, course.id, demo.title)


def _lecture(s: Session, person: Person, course: Course, demo: DemoLesson, priority: int) -> MediaAsset:
    """An asset whose film the worker draws; the catalogue's first course comes first."""
    name = f"{course.title} {demo.title}.mp4"
    asset = new_asset(s, person.account_id, demo.title, name, 0, AssetState.CHECKING)
    args = {"title": demo.title, "seconds": demo.seconds, "pages": [asdict(page) for page in demo.pages]}
    jobs.enqueue(s, "demo_lecture", f"demo_lecture:{asset.id}", asset.id, args, priority)
    return asset


def _stand(course: Course, demo: DemoCourse, reviewer: Account) -> None:
    """Put the course where it stands. Lectures that are still being made are adopted by the clock when they are ready."""
    since = now() - timedelta(days=demo.days)
    course.created_at = since - timedelta(days=2)
    course.review_note = demo.note
    if demo.stands == "in_review":
        course.state, course.submitted_at = CourseState.IN_REVIEW, since
    elif demo.stands == "published":
        course.state, course.submitted_at = CourseState.PUBLISHED, since - timedelta(days=1)
        course.reviewer_id, course.published_at = reviewer.id, since
