"""Tables of course categories, courses, their lessons, audiences and the words they are found by."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from school.core.db import Base, Id
from school.media.models import MediaAsset, Timeline
from school.org.models import Account, Organization
from school.org.offered import Offered


class CourseState(StrEnum):
    """draft → in review → published by another person; a published course can be withdrawn."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class CourseCategory(Base):
    __tablename__ = "course_category"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(sa.String(40), unique=True)
    slip: Mapped[str] = mapped_column(sa.String(4))  # the two characters on the cover's title slip (题签)
    sort_no: Mapped[int] = mapped_column(default=0)  # also chooses the cover's ground, 1 to 8


class Course(Offered, Base):
    """A course with declared hours (hundredths), which decide the ledger entry; lessons hold the recordings."""

    __tablename__ = "course"

    id: Mapped[Id]
    category_id: Mapped[int] = mapped_column(sa.ForeignKey("course_category.id"), index=True)
    category: Mapped[CourseCategory] = relationship()
    kind: Mapped[str] = mapped_column(sa.String(20), default="recorded")  # recorded, film, micro, audio
    hours_100: Mapped[int]
    state: Mapped[CourseState] = mapped_column(sa.String(12), default=CourseState.DRAFT)
    trainer_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    trainer: Mapped[Account] = relationship(foreign_keys=[trainer_id])
    published_at: Mapped[datetime | None]
    lessons: Mapped[list[Lesson]] = relationship(back_populates="course", order_by="Lesson.position")


class CourseAudience(Base):
    """The subtree a course is for; a course without a row is for everyone."""

    __tablename__ = "course_audience"

    course_id: Mapped[int] = mapped_column(sa.ForeignKey("course.id"), primary_key=True)
    org_id: Mapped[int] = mapped_column(sa.ForeignKey(Organization.id), primary_key=True)
    org: Mapped[Organization] = relationship()


class Lesson(Base):
    """One recording of a course. `timeline_id` is set when the worker has made it playable."""

    __tablename__ = "lesson"

    id: Mapped[Id]
    course_id: Mapped[int] = mapped_column(sa.ForeignKey("course.id"), index=True)
    course: Mapped[Course] = relationship(back_populates="lessons")
    title: Mapped[str] = mapped_column(sa.String(80))
    position: Mapped[int] = mapped_column(default=0)
    asset_id: Mapped[int | None] = mapped_column(sa.ForeignKey(MediaAsset.id), index=True)
    asset: Mapped[MediaAsset | None] = relationship()
    timeline_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Timeline.id), index=True)
    timeline: Mapped[Timeline | None] = relationship()


class CourseTerm(Base):
    """A two-character piece (or Latin word) of a course's title, summary or trainer, for search without extensions."""

    __tablename__ = "course_term"

    term: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    course_id: Mapped[int] = mapped_column(sa.ForeignKey("course.id"), primary_key=True, index=True)
    weight: Mapped[int]
