"""The room's pages over HTTP: the whole way from a new course to a member's catalogue, and what a form keeps when refused."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

import courses_kit as kit
from actors import Actor, Cast
from clients import SchoolClient
from school.core.db import Database
from school.core.time import now
from school.courses import queries, service
from school.courses.models import Course, CourseState, Lesson
from school.media import stopped
from school.org.models import AuditLog
from school.records.completion import Hours, complete
from school.records.models import StudyPart
from school.records.rules import Watched
from school.records.sessions import store_watched

FORM = {
    "title": "台账 <script>alert(1)</script>",
    "hours": "0.5",
    "summary": "会议记录怎样写 & 常见错误",
    "slip": "",
    "kind": "recorded",
    "need": "free",
    "secrecy": "internal",
    "reach": "all",
}


@pytest.fixture
def form(db: Database, cast: Cast) -> dict[str, str]:
    """A new course's form, filled in."""
    with db.write() as s:
        return {**FORM, "category": str(kit.category(s, "基层党建实务", 5).id), "host": str(cast.county_id)}


def made(client: SchoolClient, cast: Cast, form: dict[str, str]) -> int:
    client.act_as(cast.trainer)
    answer = client.post("/studio/courses/new", data=form)
    assert answer.status_code == 302, answer.text
    return int(re.search(r"/studio/courses/(\d+)", answer.location)[1])  # type: ignore[index]


def test_from_a_new_course_to_a_members_catalogue(
    client: SchoolClient, cast: Cast, db: Database, form: dict[str, str]
) -> None:
    course_id = made(client, cast, form)
    address = f"/studio/courses/{course_id}"
    added = client.post(f"{address}/lessons", json={"file": "C:\\视频\\台账规范_终稿.mp4"})
    assert added.status_code == 200
    lesson_id = added.json["id"]  # type: ignore[index]
    with db.write() as s:
        asset_id = kit.recording(s, cast.trainer, length_ms=125_000).id
    assert client.post(f"{address}/lessons/{lesson_id}/file", json={"asset_id": asset_id}).status_code == 200
    card = client.get(f"{address}/lessons/{lesson_id}").text
    assert 'data-state="ready"' in card
    assert "台账规范 终稿" in card
    assert "2:05" in card
    assert "<html" not in card
    assert client.post(f"{address}/submit", follow_redirects=True).text.count("等待审核") >= 1

    client.act_as(cast.member)
    assert client.get(f"/courses/{course_id}").status_code == 404
    client.act_as(cast.reviewer)
    assert "台账 &lt;script&gt;" in client.get("/review").text
    assert "通过并发布" in client.get(f"/courses/{course_id}").text
    published = client.post(f"/review/{course_id}/publish", follow_redirects=True)
    assert "已发布" in published.text

    client.act_as(cast.member)
    catalogue = client.get("/courses?q=台账").text
    assert "台账 &lt;script&gt;alert(1)&lt;/script&gt;" in catalogue
    assert "<script>alert" not in catalogue
    assert "3 分钟" in catalogue  # lengths are rounded up
    page = client.get(f"/courses/{course_id}").text
    assert "开始学习" in page
    assert "看够 90%，就计入 0.5 网络学时" in page
    assert f"/courses/{course_id}/lessons/{lesson_id}" in page
    assert "会议记录怎样写 &amp; 常见错误" in page


def test_the_page_promises_what_the_ledger_counts(client: SchoolClient, cast: Cast, db: Database) -> None:
    """Nine tenths of all lessons together, however they are spread over them."""
    course = kit.draft(db, cast)
    with db.write() as s:
        second = service.add_lesson(s, cast.trainer.person, course.id, "第二讲　义务")
        service.set_file(s, cast.trainer.person, course.id, second.id, kit.recording(s, cast.trainer).id)
    with db.write() as s:
        service.submit(s, cast.trainer.person, course.id)
    with db.write() as s:
        service.publish(s, cast.reviewer.person, course.id)
    client.act_as(cast.member)
    assert "各节一共看够 90%，就计入 1 网络学时" in client.get(f"/courses/{course.id}").text

    def watch(part: StudyPart, ms: int) -> dict[tuple[int, int], Hours]:
        with db.write() as s:
            store_watched(s, cast.member.member_id, part.id, Watched(alone=[(0, ms)]), now(), "Asia/Shanghai")
            s.flush()
            return complete(s, {(cast.member.member_id, part.item_id)}, now(), "Asia/Shanghai")

    with db.read() as s:
        first, other = s.query(StudyPart).order_by(StudyPart.position).all()
    assert watch(first, 60_000) == {}
    assert watch(other, 47_000) == {}
    assert list(watch(other, 48_000).values()) == [Hours(0, 100)]  # eight tenths of this one
    assert "就计入" not in client.get(f"/courses/{course.id}").text


def test_a_refused_form_keeps_what_was_typed(client: SchoolClient, cast: Cast, form: dict[str, str]) -> None:
    client.act_as(cast.trainer)
    for change, words in [
        ({"hours": "一"}, "学时请填"),
        ({"title": "  "}, "请填写标题"),
        ({"summary": "机密★10年 防汛"}, "涉密内容不得上传"),
        ({"category": ""}, "请选择课程的分类"),
        ({"secrecy": "secret"}, "请选择公开或内部"),
        ({"reach": "some"}, "请勾选至少一个党组织"),
    ]:
        answer = client.post("/studio/courses/new", data={**form, **change})
        assert answer.status_code == 422, change
        assert words in answer.text
        if "title" not in change:
            assert 'value="台账 &lt;script&gt;alert(1)&lt;/script&gt;"' in answer.text


def test_the_second_of_two_windows_keeps_its_text(
    client: SchoolClient, cast: Cast, db: Database, form: dict[str, str]
) -> None:
    course_id = made(client, cast, form)
    address = f"/studio/courses/{course_id}"
    first = client.post(address, data={**form, "title": "先保存的", "version": "1"})
    assert first.status_code == 302
    second = client.post(address, data={**form, "title": "后保存的", "version": "1"})
    assert second.status_code == 409
    assert 'value="后保存的"' in second.text
    assert "您填的内容都还在" in second.text
    assert "<dd>先保存的</dd>" in second.text
    assert 'name="version" value="2"' in second.text
    assert client.post(address, data={**form, "title": "后保存的", "version": "2"}).status_code == 302
    with db.read() as s:
        assert s.get_one(Course, course_id).title == "后保存的"


def test_lessons_change_without_a_script(client: SchoolClient, cast: Cast, db: Database, form: dict[str, str]) -> None:
    course_id = made(client, cast, form)
    address = f"/studio/courses/{course_id}/lessons"
    for title in ("第一讲", "第二讲"):
        assert client.post(address, data={"title": title}).status_code == 302
    with db.read() as s:
        first, second = s.scalars(sa.select(Lesson.id).order_by(Lesson.position)).all()
    assert client.post(f"{address}/{second}", data={"do": "up"}).status_code == 302
    assert client.post(f"{address}/{first}", data={"do": "rename", "title": "改名"}).status_code == 302
    assert client.post(f"{address}/{first}", data={"do": "explode"}).status_code == 422
    with db.read() as s:
        assert s.scalars(sa.select(Lesson.title).order_by(Lesson.position)).all() == ["第二讲", "改名"]
    assert client.post(f"{address}/{second}", data={"do": "remove"}).status_code == 302
    assert client.post(address, data={"title": "密级：机密"}).status_code == 422
    page = client.get(f"/studio/courses/{course_id}").text
    assert "等待文件" in page
    assert page.count("data-lesson=") == 1


def test_a_return_without_a_reason_is_refused_and_one_with_it_is_read(
    client: SchoolClient, cast: Cast, db: Database
) -> None:
    course = kit.draft(db, cast)
    with db.write() as s:
        service.submit(s, cast.trainer.person, course.id)
    client.act_as(cast.reviewer)
    assert "请写明退回的原因" in client.post(f"/review/{course.id}/return", data={"note": " "}).text
    kept = client.post(f"/review/{course.id}/return", data={"note": "标题里写了秘密★"})
    assert kept.status_code == 422
    assert ">标题里写了秘密★</textarea>" in kept.text
    assert client.post(f"/review/{course.id}/return", data={"note": "第二页<b>年份</b>写错了"}).status_code == 302
    client.act_as(cast.trainer)
    page = client.get(f"/studio/courses/{course.id}").text
    assert "第二页&lt;b&gt;年份&lt;/b&gt;写错了" in page
    assert "退回修改" in client.get("/studio").text


def test_withdrawing_by_the_trainer_and_by_the_administrator(client: SchoolClient, cast: Cast, db: Database) -> None:
    for who in ("trainer", "admin", "reviewer"):
        course = kit.published(db, cast, title=f"{who}要撤的课")
        client.act_as(cast[who])
        assert client.post(f"/courses/{course.id}/withdraw", follow_redirects=True).status_code == 200
        with db.read() as s:
            assert s.get_one(Course, course.id).state == CourseState.WITHDRAWN
    course = kit.published(db, cast)
    for who in ("member", "secretary", "outsider", "sysadmin"):
        client.act_as(cast[who])
        assert client.post(f"/courses/{course.id}/withdraw").status_code in (403, 404)


def test_withdrawing_ends_the_paths_that_were_given_out_but_not_the_desks(
    client: SchoolClient, cast: Cast, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopped, "FRESH", 0)
    course = kit.published(db, cast)
    (lesson,) = kit.lessons(db, course)

    def path(actor: Actor) -> str:
        client.act_as(actor)
        return str(client.get(f"/courses/{course.id}/lessons/{lesson.id}/paths").json["master"])  # type: ignore[index]

    def opens(path: str) -> int:
        client.act_as(None)  # the address alone is the permission
        return client.get(path).status_code

    given = path(cast.member)
    assert opens(given) == 200
    with db.write() as s:
        service.withdraw(s, cast.trainer.person, course.id)
    assert opens(given) == 403
    assert [opens(path(actor)) for actor in (cast.trainer, cast.reviewer)] == [200, 200]
    with db.write() as s:
        service.submit(s, cast.trainer.person, course.id)
    assert opens(given) == 403
    with db.write() as s:
        service.publish(s, cast.reviewer.person, course.id)
    assert opens(given) == 200


def test_a_recording_that_another_published_course_shows_stays_open(cast: Cast, db: Database) -> None:
    courses = [kit.published(db, cast, title=title) for title in ("第一门课程", "第二门课程")]
    (first,), (second,) = (kit.lessons(db, course) for course in courses)
    with db.write() as s:
        s.get_one(Lesson, second.id).timeline_id = first.timeline_id
        service.withdraw(s, cast.trainer.person, courses[0].id)
        s.flush()
        assert queries.withdrawn_timelines(s) == frozenset()
        service.withdraw(s, cast.trainer.person, courses[1].id)
        s.flush()
        assert queries.withdrawn_timelines(s) == {first.timeline_id}


def test_the_studio_is_the_trainers(client: SchoolClient, cast: Cast, db: Database) -> None:
    course = kit.draft(db, cast)
    for who in ("member", "secretary", "outsider", "reviewer", "admin", "sysadmin"):
        client.act_as(cast[who])
        for path in ("/studio", "/studio/courses/new", f"/studio/courses/{course.id}"):
            assert client.get(path).status_code == 403, (who, path)
        for path in ("lessons", "submit", "recall"):
            assert client.post(f"/studio/courses/{course.id}/{path}").status_code == 403, (who, path)


def test_review_is_the_reviewers(client: SchoolClient, cast: Cast) -> None:
    for who, status in {"reviewer": 200, "admin": 200, "trainer": 403, "member": 403, "secretary": 403}.items():
        client.act_as(cast[who])
        assert client.get("/review").status_code == status, who
    client.act_as(None)
    for path in ("/courses", "/courses/1", "/studio", "/review"):
        assert "/sign-in" in client.get(path).location


def test_another_trainers_course_is_not_found(client: SchoolClient, cast: Cast, db: Database) -> None:
    course = kit.published(db, cast)
    with db.write() as s:
        s.execute(sa.update(Course).values(trainer_id=cast.admin.account_id))
    client.act_as(cast.trainer)
    assert client.get(f"/courses/{'9' * 30}").status_code == 404
    assert client.get(f"/studio/courses/{course.id}").status_code == 404
    assert client.post(f"/studio/courses/{course.id}/submit").status_code == 404
    assert client.get(f"/courses/{course.id}").status_code == 200


def test_the_catalogue_reads_any_address(client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.member)
    for query in (
        "page=0", "page=-1", "page=abc", "page=99999999999999999999", "category=999999", "category=9" + "9" * 30,
        "category=x", "sort=evil", "need=evil&form=evil", "progress=evil", "q=" + "党" * 500, "q=%00%FF", "q=%E2%80%AE",
    ):  # fmt: skip
        assert client.get(f"/courses?{query}", follow_redirects=True).status_code == 200, query


def test_a_secrecy_mark_is_refused_and_stands_in_the_audit_log(
    client: SchoolClient, cast: Cast, db: Database, form: dict[str, str]
) -> None:
    course_id = made(client, cast, form)
    address = f"/studio/courses/{course_id}"
    assert client.post(address, data={**form, "version": "1", "summary": "绝密★"}).status_code == 422
    refusal = client.post(f"{address}/lessons", json={"file": "秘密★五年.mp4"})
    assert refusal.status_code == 422
    assert refusal.json["error"]["code"] == "course.secret"  # type: ignore[index]
    with db.read() as s:
        lines = s.scalars(sa.select(AuditLog).where(AuditLog.event == "course.secret_refused")).all()
        assert [(line.account_id, line.detail["mark"]) for line in lines] == [
            (cast.trainer.account_id, "绝密★"), (cast.trainer.account_id, "秘密★"),
        ]  # fmt: skip
        assert s.scalar(sa.select(sa.func.count()).select_from(Lesson)) == 0


def test_pages_of_the_catalogue_and_its_empty_shelves(client: SchoolClient, cast: Cast, db: Database) -> None:
    client.act_as(cast.member)
    assert "还没有上架的课程" in client.get("/courses").text
    for number in range(14):
        kit.published(db, cast, title=f"第{number}课")
    first = client.get("/courses").text
    assert first.count('class="plain course"') == 12
    assert "再看 2 门" in first
    second = client.get("/courses?page=2").text
    assert second.count('class="plain course"') == 2
    assert "看前面的" in second
    beyond = client.get("/courses?page=3")
    assert (beyond.status_code, beyond.location) == (302, "/courses")
    assert "没有找到含“&lt;b&gt;航天”的课" in client.get("/courses?q=<b>航天").text


def test_forms_ask_for_the_token(client: SchoolClient, cast: Cast, db: Database) -> None:
    course = kit.draft(db, cast)
    client.act_as(cast.trainer)
    assert client.post(f"/studio/courses/{course.id}/submit", csrf=False).status_code == 409
    with db.read() as s:
        assert s.get_one(Course, course.id).state == CourseState.DRAFT
