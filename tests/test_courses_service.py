"""Courses on both databases: who may do what, review by another person, what is seen and found, what the ledger is told."""

from __future__ import annotations

import gc
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

import courses_kit as kit
from actors import Actor, Cast
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed, NotFound, SchoolError
from school.core.settings import Settings
from school.core.store import open_store
from school.core.time import now
from school.courses import jobs, queries, service
from school.courses.models import Course, CourseState, CourseTerm, Lesson
from school.courses.queries import Wanted
from school.demo.courses import fill_courses
from school.media.models import JobState, MediaAsset, MediaJob
from school.org.models import AuditLog
from school.records import service as records
from school.records.models import Mode, StudyItem, StudyPart


def seen(s: Session, actor: Actor, **wanted: object) -> list[str]:
    found = queries.catalogue(s, actor.person, Wanted(**wanted))  # type: ignore[arg-type]
    return [card.course.title for card in found.cards]


def refused(kind: type[SchoolError], code: str, verb: object, db: Database, *args: object) -> None:
    with pytest.raises(kind) as caught, db.write() as s:
        verb(s, *args)  # type: ignore[operator]
    assert caught.value.code == code


# ── states and people ───────────────────────────────────


def test_publication_opens_the_course_and_posts_it(db: Database, cast: Cast) -> None:
    course = kit.published(db, cast)
    [lesson] = kit.lessons(db, course)
    with db.read() as s:
        item = s.scalars(sa.select(StudyItem)).one()
        part = s.scalars(sa.select(StudyPart)).one()
        assert (item.kind, item.ref_id, item.hours_100, item.active) == ("course", course.id, 100, True)
        assert (item.host, item.category) == ("中共青禾县委员会", "online_course")
        assert (part.ref_id, part.timeline_id, part.length_ms) == (lesson.id, lesson.timeline_id, 60_000)
        assert queries.course(s, cast.member.person, course.id).reviewer_id == cast.reviewer.account_id
        events = s.scalars(sa.select(AuditLog.event).order_by(AuditLog.id)).all()
    assert events == ["course.create", "lesson.add", "lesson.file", "course.submit", "course.publish"]


def test_nobody_publishes_their_own_course(db: Database, cast: Cast) -> None:
    course = kit.draft(db, cast)
    both = replace(cast.trainer.person, grants=cast.trainer.person.grants + cast.reviewer.person.grants)
    with db.write() as s:
        service.submit(s, both, course.id)
    refused(NotAllowed, "course.own", service.publish, db, both, course.id)
    refused(NotAllowed, "course.own", service.return_course, db, both, course.id, "改")
    with db.read() as s:
        assert queries.in_review(s, both) == []
        assert [c.id for c in queries.in_review(s, cast.admin.person)] == [course.id]


@pytest.mark.parametrize("who", ["member", "secretary", "trainer", "sysadmin"])
def test_only_reviewers_over_the_host_review(db: Database, cast: Cast, who: str) -> None:
    course = kit.draft(db, cast)
    with db.write() as s:
        service.submit(s, cast.trainer.person, course.id)
    refused(NotAllowed, "person.role", service.publish, db, cast[who].person, course.id)
    elsewhere = replace(
        cast.reviewer.person, grants=tuple(replace(grant, path="002.") for grant in cast.reviewer.person.grants)
    )
    refused(NotFound, "course.missing", service.publish, db, elsewhere, course.id)


@pytest.mark.parametrize("who", ["member", "secretary", "reviewer", "admin", "sysadmin"])
def test_only_the_trainer_writes(db: Database, cast: Cast, who: str) -> None:
    course = kit.draft(db, cast)
    person = cast[who].person
    refused(NotAllowed, "person.role", service.submit, db, person, course.id)
    refused(NotAllowed, "person.role", service.add_lesson, db, person, course.id, "第二讲")
    refused(NotAllowed, "person.role", service.create_course, db, person, cast.county_id, kit.SHEET)
    other = replace(cast.trainer.person, account_id=cast.member.account_id)
    refused(NotFound, "course.missing", service.edit_course, db, other, course.id, 1, kit.SHEET)


def test_a_course_is_held_only_where_one_teaches(db: Database, cast: Cast) -> None:
    in_branch = replace(
        cast.trainer.person,
        grants=tuple(
            replace(grant, org_id=cast.branch_id, path="001.001.001.") for grant in cast.trainer.person.grants
        ),
    )
    with db.write() as s:
        sheet = replace(kit.SHEET, category_id=kit.category(s).id)
    refused(NotAllowed, "course.host", service.create_course, db, in_branch, cast.county_id, sheet)
    aside = replace(sheet, audience=(cast.other_branch_id,))
    refused(Invalid, "course.audience", service.create_course, db, in_branch, cast.branch_id, aside)


def test_a_course_goes_to_review_only_when_every_lesson_is_ready(db: Database, cast: Cast) -> None:
    trainer = cast.trainer.person
    with db.write() as s:
        sheet = replace(kit.SHEET, category_id=kit.category(s).id)
        course = service.create_course(s, trainer, cast.county_id, sheet)
    refused(Conflict, "course.empty", service.submit, db, trainer, course.id)
    with db.write() as s:
        lesson = service.add_lesson(s, trainer, course.id, "第一讲")
    refused(Conflict, "lesson.no_file", service.submit, db, trainer, course.id)
    with db.write() as s:
        asset = kit.recording(s, cast.trainer, sealed=False)
        service.set_file(s, trainer, course.id, lesson.id, asset.id)
    refused(Conflict, "lesson.not_ready", service.submit, db, trainer, course.id)
    with db.write() as s:
        kit.finish(s, s.get_one(MediaAsset, asset.id))
    with db.write() as s:
        assert service.submit(s, trainer, course.id).state == CourseState.IN_REVIEW


def test_what_is_in_review_or_published_cannot_be_changed(db: Database, cast: Cast) -> None:
    course, trainer = kit.draft(db, cast), cast.trainer.person
    with db.write() as s:
        service.submit(s, trainer, course.id)
    refused(Conflict, "course.in_review", service.add_lesson, db, trainer, course.id, "第二讲")
    with db.write() as s:
        service.publish(s, cast.reviewer.person, course.id)
    refused(Conflict, "course.published", service.add_lesson, db, trainer, course.id, "第二讲")
    refused(Conflict, "course.state", service.publish, db, cast.reviewer.person, course.id)


def test_a_returned_course_carries_its_note_until_it_is_sent_again(db: Database, cast: Cast) -> None:
    course = kit.draft(db, cast)
    with db.write() as s:
        service.submit(s, cast.trainer.person, course.id)
    refused(Invalid, "course.note", service.return_course, db, cast.reviewer.person, course.id, " \n")
    with db.write() as s:
        returned = service.return_course(s, cast.reviewer.person, course.id, "第二页的年份写错了。")
        assert (returned.state, returned.review_note) == (CourseState.DRAFT, "第二页的年份写错了。")
    with db.write() as s:
        assert service.submit(s, cast.trainer.person, course.id).review_note == ""


def test_a_replaced_file_is_a_new_part_and_the_old_one_stays(db: Database, cast: Cast) -> None:
    course, trainer = kit.published(db, cast), cast.trainer.person
    [lesson] = kit.lessons(db, course)
    with db.write() as s:
        service.withdraw(s, trainer, course.id)
        assert s.scalars(sa.select(StudyItem)).one().active is False
    with db.read() as s:
        assert seen(s, cast.member) == []
        with pytest.raises(NotFound):
            queries.course(s, cast.member.person, course.id)
    with db.write() as s:
        replaced = service.set_file(
            s, trainer, course.id, lesson.id, kit.recording(s, cast.trainer, length_ms=90_000).id
        )
        assert replaced.timeline is None
    with db.write() as s:
        service.submit(s, trainer, course.id)
    with db.write() as s:
        service.publish(s, cast.reviewer.person, course.id)
    with db.read() as s:
        parts = s.scalars(sa.select(StudyPart).order_by(StudyPart.id)).all()
        assert [(part.length_ms, part.active) for part in parts] == [(60_000, False), (90_000, True)]
        assert s.scalars(sa.select(StudyItem)).one().active is True


def test_a_file_of_somebody_else_is_not_taken(db: Database, cast: Cast) -> None:
    course = kit.draft(db, cast)
    [lesson] = kit.lessons(db, course)
    with db.write() as s:
        foreign = kit.recording(s, cast.reviewer).id
    refused(Invalid, "lesson.asset", service.set_file, db, cast.trainer.person, course.id, lesson.id, foreign)


def test_two_windows_the_second_save_is_told(db: Database, cast: Cast) -> None:
    course, trainer = kit.draft(db, cast), cast.trainer.person
    sheet = replace(kit.SHEET, category_id=course.category_id)
    with db.write() as s:
        assert service.edit_course(s, trainer, course.id, 1, replace(sheet, title="第一个窗口")).version == 2
    refused(Conflict, "course.version", service.edit_course, db, trainer, course.id, 1, replace(sheet, title="第二个"))
    with db.write() as s:
        assert (
            service.edit_course(s, trainer, course.id, 2, replace(sheet, title="第一个窗口")).version == 2
        )  # the same
        assert s.get_one(Course, course.id).title == "第一个窗口"


def test_lessons_keep_their_order(db: Database, cast: Cast) -> None:
    course, trainer = kit.draft(db, cast), cast.trainer.person
    with db.write() as s:
        for title in ("二", "三"):
            service.add_lesson(s, trainer, course.id, title)
    first, second, third = (lesson.id for lesson in kit.lessons(db, course))
    with db.write() as s:
        service.move_lesson(s, trainer, course.id, third, -1)
        service.move_lesson(s, trainer, course.id, first, -1)  # already the first
    assert [lesson.id for lesson in kit.lessons(db, course)] == [first, third, second]
    with db.write() as s:
        service.remove_lesson(s, trainer, course.id, first)
        service.rename_lesson(s, trainer, course.id, second, " 改好的名字 ")
    assert [(lesson.title, lesson.position) for lesson in kit.lessons(db, course)] == [("三", 1), ("改好的名字", 2)]
    refused(NotFound, "lesson.missing", service.rename_lesson, db, trainer, course.id, first, "没有了")


# ── who sees and finds what ─────────────────────────────


def test_an_audience_is_a_subtree(db: Database, cast: Cast) -> None:
    kit.published(db, cast, title="给大家的课")
    east = kit.published(db, cast, title="给河东的课", audience=(cast.branch_id,))
    kit.published(db, cast, title="给石桥的课", audience=(cast.town_id,))
    with db.read() as s:
        assert set(seen(s, cast.member)) == {"给大家的课", "给河东的课", "给石桥的课"}
        assert set(seen(s, cast.outsider)) == {"给大家的课", "给石桥的课"}
        assert set(seen(s, cast.admin)) == {"给大家的课", "给河东的课", "给石桥的课"}
        assert seen(s, cast.sysadmin).count("给大家的课") == 1
        with pytest.raises(NotFound):
            queries.course(s, cast.outsider.person, east.id)
        [lesson] = queries.course(s, cast.member.person, east.id).lessons
        assert queries.lesson(s, cast.member.person, east.id, lesson.id) is lesson


def test_a_lesson_keeps_its_course_when_the_session_is_over(db: Database, cast: Cast) -> None:
    course = kit.published(db, cast)
    [lesson] = kit.lessons(db, course)
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.extend([statement] if statement.startswith("SELECT") else [])

    sa.event.listen(db.engine, "after_cursor_execute", count)
    with db.read() as s:
        found = queries.lesson(s, cast.member.person, course.id, lesson.id)
        gc.collect()
    assert len(statements) == 2  # the course, and its lessons: the way back costs none
    assert found.course.lessons == [found]
    assert found.course.org.id == cast.county_id
    with pytest.raises(NotFound), db.read() as s:
        queries.lesson(s, cast.member.person, course.id, 10**6)


def test_a_draft_is_seen_by_its_trainer_alone(db: Database, cast: Cast) -> None:
    course = kit.draft(db, cast)
    with db.read() as s:
        assert queries.course(s, cast.trainer.person, course.id).id == course.id
        for who in ("member", "secretary", "outsider", "reviewer", "admin", "sysadmin"):
            with pytest.raises(NotFound):
                queries.course(s, cast[who].person, course.id)
    with db.write() as s:
        service.submit(s, cast.trainer.person, course.id)
    with db.read() as s:
        assert queries.course(s, cast.reviewer.person, course.id).id == course.id
        with pytest.raises(NotFound):
            queries.course(s, cast.member.person, course.id)


def test_search_finds_words_of_two_characters(db: Database, cast: Cast) -> None:
    charter, citrus = "党章导读：义务与权利", "柑橘病虫害绿色防控"
    kit.published(db, cast)
    kit.published(db, cast, title=citrus, summary="讲 IPM 综合防治。", category_name="乡村振兴与实用技术")
    with db.read() as s:
        for q, found in {
            "党章": [charter],
            "章": [charter],
            "义务与权利": [charter],
            "防控 柑橘": [citrus],
            "柑橘党章": [],
            "总纲": [citrus, charter],  # a lesson's title; the newer course first
            "周明": [citrus, charter],  # the trainer
            "乡村振兴": [citrus],  # the category
            "ＩＰＭ": [citrus],  # full width, in the summary
            "ip": [citrus],
            "航天": [],
            "%": [],
            "'; drop table course; --": [],
        }.items():
            assert seen(s, cast.member, q=q) == found, q


def test_what_was_renamed_is_found_by_its_new_words_only(db: Database, cast: Cast) -> None:
    course = kit.draft(db, cast)
    with db.write() as s:
        sheet = replace(kit.SHEET, category_id=course.category_id, title="六项纪律")
        service.edit_course(s, cast.trainer.person, course.id, 1, sheet)
    with db.read() as s:
        terms = set(s.scalars(sa.select(CourseTerm.term).where(CourseTerm.course_id == course.id)))
    assert "纪律" in terms
    assert "导读" not in terms


def test_filters_order_and_pages(db: Database, cast: Cast) -> None:
    for number in range(queries.PAGE + 2):
        kit.published(db, cast, title=f"选修{number}", kind="audio" if number == 3 else "recorded")
    kit.published(db, cast, title="必修课", compulsory=True, category_name="宪法法律")
    with db.read() as s:
        first = queries.catalogue(s, cast.member.person, Wanted())
        assert (first.found, first.all, first.must, first.must_left, first.left) == (15, 15, 1, 1, 3)
        assert first.cards[0].course.title == "必修课"
        assert first.cards[0].ready_ms == 60_000
        assert [shelf.count for shelf in first.shelves] == [14, 1]
        second = queries.catalogue(s, cast.member.person, Wanted(page=2))
        assert (len(second.cards), second.left) == (3, 0)
        assert not {c.course.id for c in first.cards} & {c.course.id for c in second.cards}
        assert seen(s, cast.member, needs=frozenset({"must"})) == ["必修课"]
        assert seen(s, cast.member, forms=frozenset({"audio"})) == ["选修3"]
        law = first.shelves[1].category.id
        assert seen(s, cast.member, category_id=law) == ["必修课"]
        assert seen(s, cast.member, sort="new")[0] == "必修课"
        assert seen(s, cast.member, progress="done") == []


def test_what_stands_in_the_ledger_is_done(db: Database, cast: Cast) -> None:
    course = kit.published(db, cast, compulsory=True)
    line = records.NewEntry(
        member_id=cast.member.member_id, mode=Mode.ONLINE, category="online_course", hours_100=100,
        source_kind="course", source_id=course.id, title=course.title, occurred_on=date(2026, 3, 1),
    )  # fmt: skip
    with db.write() as s:
        [entry] = records.post_entries(s, [line], now())
    with db.read() as s:
        assert seen(s, cast.member, progress="done") == [course.title]
        assert seen(s, cast.member, progress="open") == []
        assert queries.catalogue(s, cast.member.person, Wanted()).must_left == 0
        assert seen(s, cast.outsider, progress="open") == [course.title]
        assert queries.credits_of(s, cast.member.member_id, [course.id]) == {course.id: (2026, 100)}
    with db.write() as s:
        records.reverse_entry(s, cast.admin.person, entry.id, "记错了人，更正。")
    with db.read() as s:
        assert seen(s, cast.member, progress="open") == [course.title]
        assert queries.credits_of(s, cast.member.member_id, [course.id]) == {}


# ── without a person ────────────────────────────────────


def test_the_command_line_adds_a_lecture(db: Database, cast: Cast, settings: Settings, tmp_path: Path) -> None:
    course, store = kit.draft(db, cast), open_store(settings)
    store.prepare()
    (tmp_path / "讲座.mp4").write_bytes(b"not really a film")
    lesson = service.upload_lecture(db, store, course.id, tmp_path / "讲座.mp4", "第二讲")
    with db.read() as s:
        asset = s.get_one(MediaAsset, lesson.asset_id)
        job = s.scalars(sa.select(MediaJob)).one()
        assert (lesson.title, lesson.position, asset.owner_id) == ("第二讲", 2, cast.trainer.account_id)
        assert (job.kind, job.state) == ("ingest", JobState.QUEUED)
        assert asset.source_key is not None
    assert store.read(asset.source_key) == b"not really a film"


def test_published_demo_courses_open_when_their_lectures_are_ready(db: Database, cast: Cast) -> None:
    with db.write() as s:
        assert fill_courses(s)
        assert not fill_courses(s)
    with db.read() as s:
        queued = s.scalars(sa.select(MediaJob)).all()
        assert {job.kind for job in queued} == {"demo_lecture"}
        assert all(120 <= job.args["seconds"] <= 240 and job.args["pages"] for job in queued)
        assert queries.catalogue(s, cast.member.person, Wanted()).all >= 5
        course = s.scalars(sa.select(Course).where(Course.title == "党章导读：义务与权利")).one()
        first, second = (lesson.asset_id for lesson in course.lessons)
    assert jobs.adopt_ready(db) == 0
    for asset_id, posted in ((first, 0), (second, 1)):
        with db.write() as s:
            kit.finish(s, s.get_one(MediaAsset, asset_id))
        assert jobs.adopt_ready(db) == 1
        with db.read() as s:
            assert s.scalar(sa.select(sa.func.count()).select_from(StudyItem)) == posted
    assert jobs.adopt_ready(db) == 0
    with db.read() as s:
        assert s.scalar(sa.select(sa.func.count()).select_from(StudyPart)) == 2
        assert all(lesson.timeline_id for lesson in s.scalars(sa.select(Lesson).where(Lesson.course_id == course.id)))
