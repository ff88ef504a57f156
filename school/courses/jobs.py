"""The room's timed work: published courses whose recordings have become ready open by themselves."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from school.core.db import Database
from school.courses.models import Course, CourseState, Lesson
from school.courses.service import adopt
from school.media.models import AssetState, MediaAsset


def _waiting(s: Session) -> list[int]:
    return list(
        s.scalars(
            sa.select(Lesson.course_id)
            .distinct()
            .join(Lesson.course)
            .join(MediaAsset, MediaAsset.id == Lesson.asset_id)
            .where(
                Course.state == CourseState.PUBLISHED,
                Lesson.timeline_id.is_(None),
                MediaAsset.state == AssetState.READY,
            )
        )
    )


def adopt_ready(db: Database) -> int:
    """Give published lessons the timelines that were finished since (demo lectures are published before they are made).

    Returns how many courses were touched; each in a transaction of its own.
    """
    with db.read() as s:
        waiting = _waiting(s)
    for course_id in waiting:
        with db.write() as s:
            course = s.scalar(
                sa.select(Course)
                .where(Course.id == course_id, Course.state == CourseState.PUBLISHED)
                .options(joinedload(Course.org), selectinload(Course.lessons).joinedload(Lesson.timeline))
                .with_for_update(of=Course)
            )
            if course is not None:
                adopt(s, course)
    return len(waiting)
