"""The lesson page's addresses on both databases: who gets a seat, who a preview, who nothing; sessions and paths."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from player_kit import LENGTH_MS, Clip, add_course, make_clip, put_timeline

from actors import SINCE, Cast
from clients import SchoolClient
from school.core.db import Database
from school.courses import models
from school.courses.models import CourseAudience, CourseState
from school.records.models import Coverage, Mode, PlaySession, StudyPart
from school.records.seat import device_name

SCRIPT = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return make_clip(tmp_path_factory.mktemp("clip"))


class Lesson:
    """A one-lesson course in the database, and its addresses."""

    def __init__(self, app: Flask, db: Database, cast: Cast, clip: Clip, state: CourseState, growing: bool) -> None:
        store = app.extensions["school"].store
        asset_id = put_timeline(db, store, clip, cast.trainer.account_id, growing=growing)
        with db.write() as s:
            course = add_course(s, cast, [asset_id], state)
            self.course_id, self.lesson_id = course.id, course.lessons[0].id
        self.url = f"/courses/{self.course_id}/lessons/{self.lesson_id}"


@pytest.fixture
def published(app: Flask, db: Database, cast: Cast, clip: Clip) -> Lesson:
    return Lesson(app, db, cast, clip, CourseState.PUBLISHED, growing=False)


@pytest.fixture
def draft(app: Flask, db: Database, cast: Cast, clip: Clip) -> Lesson:
    """A draft whose recording is still being transcoded."""
    return Lesson(app, db, cast, clip, CourseState.DRAFT, growing=True)


def script_data(client: SchoolClient, url: str) -> dict[str, Any]:
    """What the page tells its script."""
    page = client.get(url)
    assert page.status_code == 200
    found = re.search(r'<script type="application/json" id="lesson">(.*?)</script>', page.text, re.S)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_a_member_has_a_seat_and_the_newest_session_earns(
    client: SchoolClient, db: Database, cast: Cast, published: Lesson
) -> None:
    client.act_as(cast.member)
    data = script_data(client, published.url)
    assert data["length_ms"] == LENGTH_MS
    assert data["study"]["covered"] == []
    assert data["study"]["need_ms"] == LENGTH_MS * 9 // 10
    assert not data["growing"]
    phone = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) AppleWebKit Chrome/120 MicroMessenger/8.0"}
    first = client.post(data["study"]["sessions"])
    second = client.post(data["study"]["sessions"], headers=phone)
    assert first.status_code == second.status_code == 200
    assert second.json is not None
    assert second.json["part_id"] == data["study"]["part_id"]
    assert second.json["rate"] == 1.5
    assert client.get(data["study"]["sessions"]).json == {"device": "Android 微信"}
    with db.read() as s:
        assert [play.ended_ms is None for play in s.query(PlaySession).order_by(PlaySession.id)] == [False, True]


def test_going_on_where_one_stopped_but_not_at_either_end(
    client: SchoolClient, db: Database, cast: Cast, published: Lesson
) -> None:
    client.act_as(cast.member)
    with db.write() as s:
        part = s.query(StudyPart).one()
        s.add(
            Coverage(
                member_id=cast.member.member_id, part_id=part.id, mode=Mode.ONLINE, intervals=[[0, 31_000]],
                refused=[[31_000, 33_000, "no_answer"]], covered_ms=31_000, position_ms=33_000, pass_year=2026,
                updated_at=SINCE,
            )
        )  # fmt: skip
    data = script_data(client, published.url)
    assert data["position_ms"] == 33_000
    assert data["study"]["refused"] == [[31_000, 33_000, "no_answer"]]
    assert "从 0:33 接着看" in client.get(published.url).text
    for position in (4_000, 51_000):
        with db.write() as s:
            s.query(Coverage).one().position_ms = position
        assert script_data(client, published.url)["position_ms"] == 0


def test_fresh_paths_open_and_carry_no_cookie(client: SchoolClient, cast: Cast, published: Lesson) -> None:
    client.act_as(cast.member)
    fresh = client.get(f"{published.url}/paths").json
    client.act_as(None)
    assert fresh is not None
    assert client.get(fresh["master"]).status_code == 200
    assert client.get(fresh["audio"]).status_code == 200


@pytest.mark.parametrize("name", ["trainer", "reviewer", "admin"])
def test_who_has_no_member_file_watches_without_counting(
    client: SchoolClient, cast: Cast, published: Lesson, name: str
) -> None:
    client.act_as(cast[name])
    assert script_data(client, published.url)["study"] is None
    refused = client.post(f"{published.url}/sessions", headers=SCRIPT)
    assert refused.status_code == 403
    assert refused.json is not None
    assert refused.json["error"]["code"] == "person.member"


def test_the_trainer_previews_what_is_transcoded_so_far(client: SchoolClient, cast: Cast, draft: Lesson) -> None:
    client.act_as(cast.trainer)
    data = script_data(client, draft.url)
    assert data["growing"]
    assert data["study"] is None
    assert 0 < data["length_ms"] < LENGTH_MS
    assert "这是预览，不计学时" in client.get(draft.url).text


def test_a_draft_earns_nothing_even_for_those_who_may_see_it(
    app: Flask, client: SchoolClient, db: Database, cast: Cast, clip: Clip
) -> None:
    waiting = Lesson(app, db, cast, clip, CourseState.IN_REVIEW, growing=False)
    person = replace(cast.admin.person, member_id=cast.member.member_id, org_id=cast.branch_id)
    client.act_as(replace(cast.admin, person=person))
    assert script_data(client, waiting.url)["study"] is None
    refused = client.post(f"{waiting.url}/sessions", headers=SCRIPT)
    assert refused.status_code == 409
    assert refused.json is not None
    assert refused.json["error"]["code"] == "lesson.not_open"


def test_others_do_not_learn_that_there_is_such_a_lesson(
    client: SchoolClient, db: Database, cast: Cast, published: Lesson, draft: Lesson
) -> None:
    with db.write() as s:
        s.add(CourseAudience(course_id=published.course_id, org_id=cast.branch_id))
    for actor, lesson in ((cast.outsider, published), (cast.member, draft)):
        client.act_as(actor)
        for path in ("", "/paths"):
            assert client.get(lesson.url + path).status_code == 404
        assert client.post(f"{lesson.url}/sessions").status_code == 404
    client.act_as(cast.member)
    assert client.get(f"/courses/{published.course_id}/lessons/{draft.lesson_id}").status_code == 404


def test_a_lesson_without_a_recording_asks_for_patience(
    client: SchoolClient, db: Database, cast: Cast, draft: Lesson
) -> None:
    with db.write() as s:
        s.query(models.Lesson).one().asset_id = None
    client.act_as(cast.trainer)
    page = client.get(draft.url)
    assert "这一节还在准备" in page.text
    assert "<video" not in page.text
    assert client.get(f"{draft.url}/paths").status_code == 404


def test_nobody_is_sent_to_sign_in(client: SchoolClient, cast: Cast, published: Lesson) -> None:
    client.act_as(None)
    assert client.get(published.url).status_code == 302
    assert client.post(f"{published.url}/sessions", headers=SCRIPT).status_code == 401


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) AppleWebKit/605 MicroMessenger/8.0", "iPhone 微信"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/120 Safari/537 Edg/120", "Windows Edge"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X) AppleWebKit/605 Version/17 Safari/605", "Mac Safari"),
        ("curl/8", ""),
    ],
)
def test_devices_have_names_that_members_know(agent: str, name: str) -> None:
    assert device_name(agent) == name
