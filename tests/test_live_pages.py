"""The schedule's pages over HTTP: lists, a class's page in each state, the sheet's form, review, and the calendar file."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from icalendar import Calendar

import courses_kit
from actors import Cast
from clients import SchoolClient
from live_kit import make_class
from school.core.db import Database
from school.core.time import local, now
from school.live.models import LiveAttendance, LiveClass, LivePresence, LiveState, ReplayState
from school.org.models import AuditLog

ZONE = "Asia/Shanghai"


def put(db: Database, cast: Cast, state: LiveState = LiveState.APPROVED, **changes: Any) -> int:
    """A class in `state` with some columns changed; its id."""
    audience = changes.pop("audience", ())
    with db.write() as s:
        live = make_class(s, cast, state=state, audience=audience, title=changes.pop("title", "河东夜校"))
        live.submitted_at = now()
        for name, value in changes.items():
            setattr(live, name, value)
        return live.id


def form(**changes: Any) -> dict[str, Any]:
    """What the form of a new class sends."""
    tomorrow = local(now() + timedelta(days=1), ZONE)
    return {
        "title": "河东夜校：冬季柑橘园怎么管", "day": f"{tomorrow:%Y-%m-%d}", "time": "19:30", "minutes": "45",
        "hours": "１", "makeup": "14", "need": "free", "secrecy": "internal", "reach": "all", "chat": "checked",
        "slow": "10", "words": "甲 乙",
    } | changes  # fmt: skip


def main_of(page: str) -> str:
    found = re.search(r"<main.*?</main>", page, re.S)
    assert found
    return found[0]


# ── lists and the class's page ──────────────────────────


def test_an_empty_schedule_says_what_will_be_there(client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.member)
    assert "还没有直播课" in client.get("/live").text
    assert "/live/new" not in client.get("/live").text
    client.act_as(cast.trainer)
    assert 'href="/live/new"' in client.get("/live").text


def test_one_tap_leads_into_the_class_that_is_on(db: Database, client: SchoolClient, cast: Cast) -> None:
    on = put(db, cast, LiveState.LIVE, audience=(cast.branch_id,))
    soon = put(db, cast, starts_at=now() + timedelta(minutes=20), title="老党员学用智能手机")
    later = put(db, cast, starts_at=now() + timedelta(days=1), title="全县党员大党课")
    client.act_as(cast.member)
    for path in ("/live", "/"):
        assert f'href="/live/{on}/room"' in main_of(client.get(path).text), path
    page = main_of(client.get("/live").text)
    assert f'href="/live/{soon}/room"' in page  # whoever is early waits inside
    assert f'href="/live/{later}/room"' not in page
    assert f'href="/live/{later}/class.ics"' in page
    client.act_as(cast.outsider)
    assert f"/live/{on}/" not in client.get("/live").text
    assert client.get(f"/live/{on}").status_code == 404


def test_what_is_missed_stands_on_the_first_page_and_the_list(db: Database, client: SchoolClient, cast: Cast) -> None:
    over = put(db, cast, LiveState.ENDED, replay=ReplayState.PUBLISHED, title="怎样开好支部党员大会")
    with db.write() as s:
        s.add(
            LiveAttendance(class_id=over, member_id=cast.member.member_id, org_id=cast.branch_id,
                           makeup_until=now() + timedelta(days=9))
        )  # fmt: skip
    client.act_as(cast.member)
    for path in ("/", "/live"):
        page = main_of(client.get(path).text)
        assert "待补学" in page, path
        assert f'href="/live/{over}/replay"' in page, path
    client.act_as(cast.outsider)
    assert "待补学" not in client.get("/live").text


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (LiveState.APPROVED, "加入日历"), (LiveState.LIVE, "进入直播课堂"), (LiveState.PAUSED, "课间暂停"),
        (LiveState.ENDED, "回放正在审核"), (LiveState.CANCELLED, "已经取消"), (LiveState.STOPPED, "停播"),
    ],
)  # fmt: skip
def test_a_members_page_in_every_state(
    db: Database, client: SchoolClient, cast: Cast, state: LiveState, said: str
) -> None:
    hour = now() + timedelta(hours=5)
    class_id = put(db, cast, state, starts_at=hour, reviewer_id=cast.reviewer.account_id, review_note="改到下周。")
    client.act_as(cast.member)
    answer = client.get(f"/live/{class_id}")
    assert answer.status_code == 200
    page = main_of(answer.text)
    assert said in page
    assert "<form" not in page
    assert "/desk" not in page
    assert ("改到下周" in page) == (state == LiveState.CANCELLED)  # what a stopped class was stopped for is not for all


def test_who_attended_sees_the_replay_at_once(db: Database, client: SchoolClient, cast: Cast) -> None:
    class_id = put(db, cast, LiveState.ENDED)
    with db.write() as s:
        s.add(LivePresence(class_id=class_id, member_id=cast.member.member_id, entered_ms=1, seen_ms=2))
    client.act_as(cast.member)
    assert f'href="/live/{class_id}/replay"' in client.get(f"/live/{class_id}").text


def test_the_trainers_page_leads_to_the_desk(db: Database, client: SchoolClient, cast: Cast) -> None:
    class_id = put(db, cast)
    client.act_as(cast.trainer)
    page = main_of(client.get(f"/live/{class_id}").text)
    assert f'href="/live/{class_id}/desk"' in page
    assert f'action="/live/{class_id}/recall"' in page
    assert f'action="/live/{class_id}/cancel"' in page
    assert f'action="/live/{class_id}/stop"' not in page
    client.act_as(cast.admin)
    on = put(db, cast, LiveState.LIVE)
    assert f'action="/live/{on}/stop"' in client.get(f"/live/{on}").text


# ── the sheet ───────────────────────────────────────────


def test_a_class_from_the_form_to_its_audience(db: Database, client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.trainer)
    sheet = form(host=cast.county_id, reach="some", audience=[cast.branch_id])
    edit = client.post("/live/new", data=sheet).headers["Location"]
    class_id = int(edit.split("/")[2])
    with db.read() as s:
        live = s.get_one(LiveClass, class_id)
        assert (live.minutes, live.hours_100, live.state) == (45, 100, LiveState.DRAFT)
        assert f"{local(live.starts_at, ZONE):%H:%M}" == "19:30"
        assert live.rules == {"chat": True, "slow_s": 10, "premoderate": True, "words": ["甲", "乙"]}
    assert client.post(f"/live/{class_id}/submit").headers["Location"] == edit
    client.act_as(cast.reviewer)
    assert f'href="/live/{class_id}"' in client.get("/review").text
    assert client.post(f"/live/{class_id}/approve").headers["Location"] == "/review"
    client.act_as(cast.member)
    assert "河东夜校" in client.get("/live").text
    client.act_as(cast.trainer)
    assert "河东夜校" in client.get("/studio/live").text


def test_what_was_typed_stays_after_a_refusal(db: Database, client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.trainer)
    refused = [
        ({"hours": "一个"}, "学时请填"), ({"day": ""}, "上课的日期"), ({"minutes": "abc"}, "时长请填"),
        ({"reach": "some"}, "至少一个党组织"), ({"secrecy": "secret"}, "公开或内部"), ({"makeup": "99"}, "补学天数"),
        ({"title": "机密★ 传达"}, "密级标志"),
    ]  # fmt: skip
    for changes, said in refused:
        answer = client.post("/live/new", data=form(host=cast.county_id, summary="要带剪刀", **changes))
        assert answer.status_code == 422, changes
        assert said in answer.text
        assert "要带剪刀" in answer.text
    with db.read() as s:
        assert s.scalar(sa.select(LiveClass.id)) is None
        assert s.scalars(sa.select(AuditLog.event)).all() == ["live.secret_refused"]


def test_a_second_window_is_told_and_keeps_its_words(db: Database, client: SchoolClient, cast: Cast) -> None:
    class_id = put(db, cast, LiveState.DRAFT)
    client.act_as(cast.trainer)
    assert client.post(f"/live/{class_id}/edit", data=form(version=1, title="先保存的")).status_code == 302
    answer = client.post(f"/live/{class_id}/edit", data=form(version=1, title="后保存的"))
    assert answer.status_code == 409
    assert "先保存的" in answer.text
    assert 'value="后保存的"' in answer.text
    assert client.post(f"/live/{class_id}/edit", data=form(version=2, title="后保存的")).status_code == 302


def test_a_class_belongs_to_a_course_of_its_trainer(db: Database, client: SchoolClient, cast: Cast) -> None:
    course = courses_kit.published(db, cast)
    client.act_as(cast.trainer)
    assert course.title in client.get("/live/new").text
    edit = client.post("/live/new", data=form(host=cast.county_id, course=course.id)).headers["Location"]
    page = client.get(edit.removesuffix("/edit")).text
    assert f'href="/courses/{course.id}"' in page
    assert "没有找到您的这门课程" in client.post("/live/new", data=form(host=cast.county_id, course=course.id + 1)).text


def test_the_stream_key_is_shown_once_and_kept_nowhere(db: Database, client: SchoolClient, cast: Cast) -> None:
    class_id = put(db, cast)
    client.act_as(cast.trainer)
    shown = client.post(f"/live/{class_id}/key")
    key = re.search(r'value="(k-\d+-[^"]+)"', shown.text)
    assert key
    assert shown.headers["Cache-Control"] == "no-store"
    assert key[1] not in client.get(f"/live/{class_id}/edit").text
    script = client.post(f"/live/{class_id}/key", headers={"Accept": "application/json"})
    assert script.json
    assert script.json["key"] != key[1]


# ── review ──────────────────────────────────────────────


def test_a_note_that_says_nothing_is_asked_for_again(db: Database, client: SchoolClient, cast: Cast) -> None:
    class_id = put(db, cast, LiveState.IN_REVIEW)
    client.act_as(cast.reviewer)
    assert client.post(f"/live/{class_id}/return", data={"note": " "}).status_code == 422
    assert client.post(f"/live/{class_id}/return", data={"note": "请改到晚上。"}).status_code == 302
    client.act_as(cast.trainer)
    assert "请改到晚上。" in client.get(f"/live/{class_id}/edit").text


def test_courses_classes_and_replays_wait_in_one_queue(db: Database, client: SchoolClient, cast: Cast) -> None:
    put(db, cast, LiveState.IN_REVIEW, title="要上的课")
    over = put(db, cast, LiveState.ENDED, replay=ReplayState.IN_REVIEW, ended_ms=1, title="上过的课")
    client.act_as(cast.reviewer)
    page = main_of(client.get("/review").text)
    assert page.index("上过的课") < page.index("要上的课")  # the longest waiting first
    assert f'href="/live/{over}/replay"' in page
    assert "有 2 项内容等您审核" in client.get("/").text
    client.act_as(cast.trainer)
    assert client.get("/review").status_code == 403


# ── the calendar ────────────────────────────────────────


def test_the_calendar_file_has_the_hour_and_a_reminder(db: Database, client: SchoolClient, cast: Cast) -> None:
    evil = "讲课,第二讲;\nBEGIN:VALARM"
    class_id = put(db, cast, starts_at=now().replace(microsecond=0) + timedelta(days=1), title=evil, version=3)
    client.act_as(cast.member)
    answer = client.get(f"/live/{class_id}/class.ics")
    assert answer.headers["Content-Type"].startswith("text/calendar")
    calendar = Calendar.from_ical(answer.data)
    [event] = calendar.walk("VEVENT")
    assert str(event["summary"]).replace("\n", " ") == evil.replace("\n", " ")
    assert event["sequence"] == 3
    with db.read() as s:
        live = s.get_one(LiveClass, class_id)
    assert event.decoded("dtstart") == live.starts_at
    assert event.decoded("dtend") - event.decoded("dtstart") == timedelta(minutes=live.minutes)
    [alarm] = event.walk("VALARM")
    assert b"TRIGGER:-PT15M" in alarm.to_ical()
    assert str(event["url"]).endswith(f"/live/{class_id}")


def test_a_cancelled_class_leaves_the_calendar(db: Database, client: SchoolClient, cast: Cast) -> None:
    class_id = put(db, cast, LiveState.CANCELLED, reviewer_id=cast.reviewer.account_id)
    client.act_as(cast.member)
    calendar = Calendar.from_ical(client.get(f"/live/{class_id}/class.ics").data)
    assert calendar["method"] == "CANCEL"
    [event] = calendar.walk("VEVENT")
    assert event["status"] == "CANCELLED"
    assert not event.walk("VALARM")
