"""Verbs of the room: write a course and its lessons, send it to review, publish, return and withdraw it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed
from school.core.i18n import N_
from school.core.person import Person, Role, require
from school.core.secrecy import refuse_secrets
from school.core.store import ObjectStore
from school.core.time import now
from school.courses import queries, rules
from school.courses.models import Course, CourseAudience, CourseCategory, CourseState, CourseTerm, Lesson
from school.media import queries as media
from school.media.models import AssetState, MediaAsset
from school.media.uploads import take_file
from school.org import audit, reach
from school.org.models import Organization
from school.records import service as records

ITEM = "course"  # the kind under which a course stands in the ledger
WEIGHTS = {"title": 8, "lesson": 4, "trainer": 3, "category": 2, "summary": 1}


# ── the course's sheet ──────────────────────────────────


def create_course(s: Session, person: Person, host_id: int, sheet: rules.Sheet) -> Course:
    """A new draft of the signed-in trainer, held for organisation `host_id`, where they must be a trainer."""
    require(person, Role.TRAINER)
    host = s.get(Organization, host_id)
    if host is None or not person.holds(host.path, Role.TRAINER):
        raise NotAllowed("course.host", N_("您不是这个党组织的讲师，不能用它的名义开课。请从列表里选择主办单位。"))
    course = Course(org_id=host.id, trainer_id=person.account_id, created_at=now(), state=CourseState.DRAFT, version=1)
    _write(s, person, course, rules.checked(sheet))
    s.add(course)
    s.flush()
    reach.set_audience(s, person, CourseAudience, {"course_id": course.id}, sheet.audience, "course.audience")
    index(s, course)
    audit.record(s, person, "course.create", ("course", course.id), host.id, title=course.title)
    return course


def edit_course(s: Session, person: Person, course_id: int, version: int, sheet: rules.Sheet) -> Course:
    """Write a draft's sheet. Conflict (`course.version`) when somebody saved another one since `version` was read."""
    course = own_course(s, person, course_id)
    rules.must_be_editable(course.state)
    if course.version != version:
        raise Conflict(
            "course.version",
            N_("这门课刚才在别的窗口改过。您填的内容都还在下面，请对照现在保存的内容，再按一次“保存”就以您填的为准。"),
        )
    before = {name: getattr(course, name) for name in _FIELDS}
    _write(s, person, course, rules.checked(sheet))
    changes: dict[str, Any] = {
        name: (before[name], getattr(course, name)) for name in _FIELDS if before[name] != getattr(course, name)
    }
    changes.update(
        reach.set_audience(s, person, CourseAudience, {"course_id": course.id}, sheet.audience, "course.audience")
    )
    if changes:
        course.version += 1
        index(s, course)
        audit.record(s, person, "course.edit", ("course", course.id), course.org_id, **changes)
    return course


_FIELDS = ("title", "slip", "summary", "category_id", "kind", "compulsory", "hours_100", "secrecy")


def _write(s: Session, person: Person, course: Course, sheet: rules.Sheet) -> None:
    category = s.get(CourseCategory, sheet.category_id)
    if category is None:
        raise Invalid("course.category", N_("请选择课程的分类。"))
    course.category = category
    for name in _FIELDS:
        setattr(course, name, getattr(sheet, name))


def own_course(s: Session, person: Person, course_id: int) -> Course:
    """The signed-in trainer's own course, locked until the transaction ends; NotFound for anybody else's."""
    require(person, Role.TRAINER)
    course = _locked(s, course_id)
    if course is None or course.trainer_id != person.account_id:
        raise queries.no_course()
    return course


def _locked(s: Session, course_id: int) -> Course | None:
    return s.scalar(
        sa.select(Course)
        .where(Course.id == course_id)
        .options(selectinload(Course.lessons).options(joinedload(Lesson.asset), joinedload(Lesson.timeline)))
        .with_for_update(of=Course)
    )


def index(s: Session, course: Course) -> None:
    """Make the words a course is found by those of its title, lessons, trainer, category and summary."""
    s.flush()
    wanted = rules.weigh(
        [
            (course.title, WEIGHTS["title"]),
            *((title, WEIGHTS["lesson"]) for title in _lesson_titles(s, course)),
            (course.trainer.name, WEIGHTS["trainer"]),
            (course.category.name, WEIGHTS["category"]),
            (course.summary, WEIGHTS["summary"]),
        ]
    )
    rows = {row.term: row for row in s.scalars(sa.select(CourseTerm).where(CourseTerm.course_id == course.id))}
    for term, row in rows.items():
        if term not in wanted:
            s.delete(row)
        else:
            row.weight = wanted[term]
    s.add_all(CourseTerm(term=t, course_id=course.id, weight=w) for t, w in wanted.items() if t not in rows)


def _lesson_titles(s: Session, course: Course) -> Sequence[str]:
    return s.scalars(sa.select(Lesson.title).where(Lesson.course_id == course.id)).all()


# ── lessons ─────────────────────────────────────────────


def add_lesson(s: Session, person: Person, course_id: int, title: str) -> Lesson:
    """A new last lesson of one's own draft, still without a file."""
    course = own_course(s, person, course_id)
    rules.must_be_editable(course.state)
    lesson = _append(s, course, title)
    index(s, course)
    audit.record(s, person, "lesson.add", ("lesson", lesson.id), course.org_id, title=lesson.title)
    return lesson


def add_lesson_from_asset(s: Session, course: Course, asset: MediaAsset, title: str) -> Lesson:
    """A new last lesson that plays `asset`; for the command line and demo data, which act without a person."""
    rules.must_be_editable(course.state)
    lesson = _append(s, course, title)
    lesson.asset = asset
    index(s, course)
    audit.record(s, None, "lesson.add", ("lesson", lesson.id), course.org_id, title=lesson.title, asset=asset.id)
    return lesson


def _append(s: Session, course: Course, title: str) -> Lesson:
    if len(course.lessons) >= rules.LESSONS:
        raise Conflict("lesson.too_many", N_("一门课最多 %(most)d 节。请另开一门课。"), most=rules.LESSONS)
    lesson = Lesson(title=rules.checked_title(title), position=len(course.lessons) + 1)
    course.lessons.append(lesson)
    s.flush()
    return lesson


def _own_lesson(s: Session, person: Person, course_id: int, lesson_id: int) -> tuple[Course, Lesson]:
    course = own_course(s, person, course_id)
    rules.must_be_editable(course.state)
    for lesson in course.lessons:
        if lesson.id == lesson_id:
            return course, lesson
    raise queries.no_lesson()


def rename_lesson(s: Session, person: Person, course_id: int, lesson_id: int, title: str) -> Lesson:
    course, lesson = _own_lesson(s, person, course_id, lesson_id)
    before, lesson.title = lesson.title, rules.checked_title(title)
    if before != lesson.title:
        index(s, course)
        audit.record(
            s, person, "lesson.rename", ("lesson", lesson.id), course.org_id, title=(before, lesson.title)
        )  # fmt: skip
    return lesson


def move_lesson(s: Session, person: Person, course_id: int, lesson_id: int, step: int) -> None:
    """Change places with the lesson before (`step` -1) or after (+1); at either end nothing happens."""
    course, lesson = _own_lesson(s, person, course_id, lesson_id)
    order = list(course.lessons)
    at = order.index(lesson)
    to = at + (1 if step > 0 else -1)
    if 0 <= to < len(order):
        order.insert(to, order.pop(at))
        _number(order)
        audit.record(s, person, "lesson.move", ("lesson", lesson.id), course.org_id, position=(at + 1, to + 1))


def remove_lesson(s: Session, person: Person, course_id: int, lesson_id: int) -> None:
    """Take a lesson out of one's own draft. Hours already earned stay: the ledger does not ask the lesson."""
    course, lesson = _own_lesson(s, person, course_id, lesson_id)
    _number([other for other in course.lessons if other is not lesson])
    audit.record(s, person, "lesson.remove", ("lesson", lesson.id), course.org_id, title=(lesson.title, None))
    s.delete(lesson)
    index(s, course)


def _number(lessons: Sequence[Lesson]) -> None:
    for position, lesson in enumerate(lessons, 1):
        lesson.position = position


def set_file(s: Session, person: Person, course_id: int, lesson_id: int, asset_id: int) -> Lesson:
    """Let a lesson play another file of one's own; its timeline changes when the course is published again."""
    course, lesson = _own_lesson(s, person, course_id, lesson_id)
    asset = s.get(MediaAsset, asset_id)
    if asset is None or asset.owner_id != person.account_id:
        raise Invalid("lesson.asset", N_("没有找到您上传的这个文件。请重新选择文件上传。"))
    if lesson.asset_id != asset.id:
        audit.record(
            s, person, "lesson.file", ("lesson", lesson.id), course.org_id, asset=(lesson.asset_id, asset.id)
        )  # fmt: skip
        lesson.asset, lesson.timeline = asset, None
    return lesson


def upload_lecture(db: Database, store: ObjectStore, course_id: int, path: Path, title: str) -> Lesson:
    """Take a local file into an editable course as its last lesson, and queue the work on it."""
    with db.read() as s:
        course = _existing(s, course_id)
        rules.must_be_editable(course.state)
        owner_id, title = course.trainer_id, rules.checked_title(title)
    asset = take_file(db, store, owner_id, path, title)
    with db.write() as s:
        return add_lesson_from_asset(s, _existing(s, course_id), s.get_one(MediaAsset, asset.id), title)


def _existing(s: Session, course_id: int) -> Course:
    course = _locked(s, course_id)
    if course is None:
        raise queries.no_course()
    return course


# ── review and publication ──────────────────────────────


def submit(s: Session, person: Person, course_id: int) -> Course:
    """Send one's own draft to review: at least one lesson, and each one ready to be played."""
    course = own_course(s, person, course_id)
    state = rules.move(course.state, "submit")
    if not course.lessons:
        raise Conflict("course.empty", N_("还没有课时，不能送审。请先上传至少一个视频或录音。"))
    for lesson in course.lessons:
        if lesson.asset is None:
            raise Conflict(
                "lesson.no_file", N_("“%(title)s”还没有文件，不能送审。请上传文件，或移除这一节。"), title=lesson.title
            )
        if lesson.asset.state != AssetState.READY:
            raise Conflict(
                "lesson.not_ready",
                N_("“%(title)s”还没有转码完成，不能送审。转好以后再按“送审”，网页可以先关掉。"),
                title=lesson.title,
            )
    refuse_secrets(course.title, course.summary, *(lesson.title for lesson in course.lessons))
    course.state, course.submitted_at, course.review_note = state, now(), ""
    audit.record(s, person, "course.submit", ("course", course.id), course.org_id, title=course.title)
    return course


def recall(s: Session, person: Person, course_id: int) -> Course:
    """Take one's own course back from review to go on writing."""
    course = own_course(s, person, course_id)
    course.state = rules.move(course.state, "recall")
    audit.record(s, person, "course.recall", ("course", course.id), course.org_id)
    return course


def _reviewed(s: Session, person: Person, course_id: int) -> Course:
    """A course that waits for review, for somebody who may review it: over its host, and not its author."""
    require(person, *queries.OVERSEERS)
    course = _locked(s, course_id)
    if course is None or not (person.holds(course.org.path, *queries.OVERSEERS)):
        raise queries.no_course()
    if course.trainer_id == person.account_id:
        raise NotAllowed("course.own", N_("自己讲的课不能由自己审核。请让另一位审核人员来审。"))
    return course


def return_course(s: Session, person: Person, course_id: int, note: str) -> Course:
    """Send a course back to its trainer with a note that says what to change."""
    course = _reviewed(s, person, course_id)
    course.state = rules.move(course.state, "return")
    course.review_note = rules.checked_note(note)
    audit.record(s, person, "course.return", ("course", course.id), course.org_id, note=course.review_note)
    return course


def publish(s: Session, person: Person, course_id: int) -> Course:
    """Open a reviewed course to its audience and post what it gives to the ledger."""
    course = _reviewed(s, person, course_id)
    course.state = rules.move(course.state, "publish")
    course.reviewer_id, course.published_at, course.review_note = person.account_id, now(), ""
    if not adopt(s, course):
        raise Conflict(
            "course.not_ready", N_("有一节的视频还没有准备好，现在不能发布。请退回给讲师，说明是哪一节，改好再送审。")
        )
    audit.record(s, person, "course.publish", ("course", course.id), course.org_id, title=course.title)
    return course


def adopt(s: Session, course: Course) -> bool:
    """Let every lesson play the finished timeline of its asset, and post the course when all have one; whether all had."""
    for lesson in course.lessons:
        made = lesson.asset is not None and lesson.asset.state == AssetState.READY
        timeline = media.timeline_of(s, lesson.asset.id) if lesson.asset is not None and made else None
        if timeline is not None and timeline.sealed_at is not None:
            lesson.timeline = timeline
    if not course.lessons or any(lesson.timeline is None for lesson in course.lessons):
        return False
    records.post_item(
        s,
        kind=ITEM,
        ref_id=course.id,
        title=course.title,
        host=course.org.name,
        category="online_course",
        hours_100=course.hours_100,
        compulsory=course.compulsory,
        parts=[
            records.PartFacts(
                ref_id=lesson.id,
                timeline_id=lesson.timeline.id,
                title=lesson.title,
                length_ms=lesson.timeline.length_ms,
                position=lesson.position,
            )
            for lesson in course.lessons
            if lesson.timeline is not None
        ],
    )
    return True


def withdraw(s: Session, person: Person, course_id: int) -> Course:
    """Close a published course, by its trainer or whoever oversees its host. Hours already earned stay."""
    require(person, Role.TRAINER, *queries.OVERSEERS)
    course = _locked(s, course_id)
    mine = course is not None and course.trainer_id == person.account_id
    if course is None or not (mine or person.holds(course.org.path, *queries.OVERSEERS)):
        raise queries.no_course()
    course.state = rules.move(course.state, "withdraw")
    records.close_item(s, ITEM, course.id)
    audit.record(s, person, "course.withdraw", ("course", course.id), course.org_id, title=course.title)
    return course
