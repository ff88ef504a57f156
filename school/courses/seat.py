"""What a person has before a lesson: the recording that plays, and, where watching earns hours, their seat in the ledger."""

from __future__ import annotations

from sqlalchemy.orm import Session

from school.core.person import Person
from school.core.time import now
from school.courses.models import CourseState, Lesson
from school.media import queries as media
from school.media.models import Timeline
from school.records import seat
from school.records.seat import Seat


def timeline_of(s: Session, lesson: Lesson) -> Timeline | None:
    """What plays: the published recording; in a preview also what the worker has made of it so far."""
    if lesson.timeline is not None or lesson.course.state == CourseState.PUBLISHED or lesson.asset_id is None:
        return lesson.timeline
    found = media.timeline_of(s, lesson.asset_id)
    return found if found is not None and found.length_ms else None


def seat_of(s: Session, person: Person, lesson: Lesson, zone: str) -> Seat | None:
    """The person's seat; None where watching earns nothing: not published, or an account without a member."""
    if lesson.course.state != CourseState.PUBLISHED or person.member_id is None:
        return None
    return seat.seat_of(s, person.member_id, "course", lesson.course_id, lesson.id, now(), zone)
