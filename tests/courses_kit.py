"""What the tests of the courses room need: a category, a sheet to write, and recordings that are ready without a worker."""

from __future__ import annotations

from dataclasses import asdict, replace

from sqlalchemy.orm import Session

from actors import SINCE, Actor, Cast
from school.core.db import Database
from school.courses import service
from school.courses.models import Course, CourseCategory, Lesson
from school.courses.rules import Sheet
from school.media.models import AssetState, MediaAsset, Timeline
from school.media.rules import Rendition

RENDITIONS = (
    Rendition("480", "video", "avc1.42e01f", 900_000, width=854, height=480, frame_rate=25.0),
    Rendition("audio", "audio", "mp4a.40.2", 64_000),
)
SHEET = Sheet(title="党章导读：义务与权利", category_id=0, hours_100=100, summary="第三条、第四条讲了什么。")


def category(s: Session, name: str = "党章党规党纪", number: int = 2) -> CourseCategory:
    found = s.query(CourseCategory).filter_by(name=name).one_or_none()
    if found is None:
        found = CourseCategory(name=name, slip=name[:2], sort_no=number)
        s.add(found)
        s.flush()
    return found


def recording(s: Session, owner: Actor, *, length_ms: int = 60_000, sealed: bool = True) -> MediaAsset:
    """An asset of `owner` that is ready, its timeline sealed; or one that is still being transcoded."""
    asset = MediaAsset(
        owner_id=owner.account_id, title="第一讲", file_name="lecture.mp4", size=1_000_000, created_at=SINCE,
        state=AssetState.READY if sealed else AssetState.TRANSCODING,
    )  # fmt: skip
    s.add(asset)
    s.flush()
    finish(s, asset, length_ms) if sealed else None
    return asset


def finish(s: Session, asset: MediaAsset, length_ms: int = 60_000) -> Timeline:
    """What the worker does in the end: a sealed timeline, and the asset is ready."""
    timeline = Timeline(
        asset_id=asset.id, prefix=f"timelines/{asset.id}/{length_ms}/", expected_ms=length_ms, length_ms=length_ms,
        renditions=[asdict(each) for each in RENDITIONS], created_at=SINCE, sealed_at=SINCE,
    )  # fmt: skip
    asset.state = AssetState.READY
    s.add(timeline)
    s.flush()
    return timeline


def draft(db: Database, cast: Cast, *, category_name: str = "党章党规党纪", **changes: object) -> Course:
    """A draft of the cast's trainer with one lesson that is ready."""
    with db.write() as s:
        sheet = replace(SHEET, category_id=category(s, category_name).id, **changes)  # type: ignore[arg-type]
        course = service.create_course(s, cast.trainer.person, cast.county_id, sheet)
        lesson = service.add_lesson(s, cast.trainer.person, course.id, "第一讲　总纲")
        service.set_file(s, cast.trainer.person, course.id, lesson.id, recording(s, cast.trainer).id)
    return course


def published(db: Database, cast: Cast, **changes: object) -> Course:
    """A course of the cast's trainer that the cast's reviewer has published."""
    course = draft(db, cast, **changes)
    with db.write() as s:
        service.submit(s, cast.trainer.person, course.id)
    with db.write() as s:
        return service.publish(s, cast.reviewer.person, course.id)


def lessons(db: Database, course: Course) -> list[Lesson]:
    with db.read() as s:
        return s.query(Lesson).filter_by(course_id=course.id).order_by(Lesson.position).all()
