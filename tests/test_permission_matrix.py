"""Who may do what: every address of the school against every kind of person, own and foreign. An unlisted one fails.

To add an address, add a row: the request, what it is about (a small function that makes the real thing), and who may.
Everybody not named must be refused: sent to the door, to the password page, or answered 401, 403 or 404.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import replay_kit
import sqlalchemy as sa
import tus
from flask import Flask

import actors
import courses_kit
import live_kit
from actors import SINCE, Actor, Cast
from clients import SchoolClient
from school.core.db import Database
from school.core.errors import NotAllowed, NotFound, SchoolError, SignInNeeded
from school.core.keys import Keys
from school.core.person import Role, signed_in
from school.core.settings import Settings
from school.core.store import ObjectStore
from school.core.time import now
from school.courses import service as courses
from school.courses.models import Course
from school.live import events, hall, reporting, settle
from school.live.access import standing
from school.live.models import LiveClass, LiveReport, LiveState, ReplayState
from school.media import decks, uploads
from school.media.models import AssetState, MediaAsset, Timeline
from school.media.service import play_paths
from school.org import queries
from school.org import service as org
from school.org.models import Account, Member, Organization, OrgType, SignIn
from school.records import reviews, sessions
from school.records.models import StudyPart

# ---- the people

EVERYBODY = {
    "visitor",  # nobody is signed in
    "newcomer",  # a member whose first password waits to be changed
    "member",  # 石桥镇 河东村
    "outsider",  # a member of 河西村
    "secretary",  # of 河东村
    "neighbour",  # the secretary of 河西村
    "trainer",  # for the county; everything below that somebody teaches is this one's
    "colleague",  # another trainer for the county
    "reviewer",  # for the county
    "admin",  # of the county
    "stranger",  # trainer, reviewer, secretary and administrator of another town, 东桥镇
    "sysadmin",
}
SIGNED_IN = EVERYBODY - {"visitor", "newcomer"}
MEMBERS = {"member", "outsider", "secretary", "neighbour"}
TEACHING = {"trainer", "colleague", "stranger"}
REVIEWING = {"reviewer", "admin", "stranger"}
NOBODY: set[str] = set()


@dataclass
class World:
    """What a row's function may build with."""

    db: Database
    keys: Keys
    cast: Cast
    people: dict[str, Actor | None]
    store: ObjectStore


@dataclass
class Call:
    """One request: values of the address, and what is sent."""

    values: dict[str, Any] = field(default_factory=dict)
    send: dict[str, Any] = field(default_factory=dict)


Make = Callable[[World], Call]

# ---- the things


def nothing(w: World) -> Call:
    return Call()


def file_of(name: str, **values: str) -> Make:
    return lambda w: Call({"filename": name, **values})


def own_branch(w: World) -> Call:
    return Call({"org_id": w.cast.branch_id})


def foreign_branch(w: World) -> Call:
    return Call({"org_id": w.cast.other_branch_id})


def town(w: World) -> Call:
    return Call({"org_id": w.cast.town_id})


def no_branch(w: World) -> Call:
    return Call({"org_id": 10**6})


def device(w: World) -> Call:
    """A sign-in of the member."""
    with w.db.write() as s:
        row = SignIn(token_hash=f"t{now().timestamp()}", account_id=w.cast.member.account_id, created_at=SINCE,
                     seen_at=now(), expires_at=now())  # fmt: skip
        s.add(row)
        s.flush()
        return Call({"sign_in_id": row.id})


def draft(w: World) -> Call:
    return Call({"course_id": courses_kit.draft(w.db, w.cast).id})


def submitted(w: World) -> Call:
    course = courses_kit.draft(w.db, w.cast)
    with w.db.write() as s:
        courses.submit(s, w.cast.trainer.person, course.id)
    return Call({"course_id": course.id}, {"data": {"note": "请补充讲稿出处。"}})


def _published(w: World, *audience: int) -> Course:
    return courses_kit.published(w.db, w.cast, audience=audience)


def for_all(w: World) -> Call:
    return Call({"course_id": _published(w).id})


def for_own_branch(w: World) -> Call:
    return Call({"course_id": _published(w, w.cast.branch_id).id})


def withdrawn(w: World) -> Call:
    course = _published(w)
    with w.db.write() as s:
        courses.withdraw(s, w.cast.trainer.person, course.id)
    return Call({"course_id": course.id})


def _with_lesson(w: World, call: Call) -> Call:
    with w.db.read() as s:
        course = s.get_one(Course, call.values["course_id"])
        call.values["lesson_id"] = course.lessons[0].id
    return call


def draft_lesson(w: World) -> Call:
    call = _with_lesson(w, draft(w))
    call.send = {"data": {"do": "rename", "title": "第一讲　义务"}}
    return call


def draft_file(w: World) -> Call:
    call = _with_lesson(w, draft(w))
    with w.db.write() as s:
        call.send = {"json": {"asset_id": courses_kit.recording(s, w.cast.trainer).id}}
    return call


def lesson_for_all(w: World) -> Call:
    return _with_lesson(w, for_all(w))


def lesson_for_own_branch(w: World) -> Call:
    return _with_lesson(w, for_own_branch(w))


def asset(w: World) -> Call:
    with w.db.write() as s:
        return Call({"asset_id": courses_kit.recording(s, w.cast.trainer).id})


def failed_asset(w: World) -> Call:
    with w.db.write() as s:
        made = MediaAsset(owner_id=w.cast.trainer.account_id, title="第一讲", file_name="a.mp4", size=1, created_at=SINCE,
                          state=AssetState.FAILED)  # fmt: skip
        s.add(made)
        s.flush()
        return Call({"asset_id": made.id})


def new_upload(w: World) -> Call:
    return Call(
        {}, {"headers": {**tus.RESUMABLE, "Upload-Length": "9", "Upload-Metadata": tus.metadata(filename="a.mp4")}}
    )


def upload(w: World) -> Call:
    with w.db.write() as s:
        row = uploads.create_upload(s, w.cast.trainer.person, size=9, file_name="a.mp4", title="", limit=99)
    headers = {**tus.RESUMABLE, "Upload-Offset": "0", "Content-Type": tus.OCTETS}
    return Call({"token": row.token}, {"headers": headers, "data": b"ninebytes"})


def _signed(w: World) -> str:
    with w.db.write() as s:
        made = courses_kit.recording(s, w.cast.trainer)
        timeline = s.scalars(sa.select(Timeline).where(Timeline.asset_id == made.id)).one()
        return str(play_paths(w.keys, timeline)["master"])


def signed_path(w: World) -> Call:
    _, _, timeline_id, expiry, signature, name = _signed(w).split("/", 5)
    return Call({"timeline_id": timeline_id, "expiry": expiry, "signature": signature, "name": name})


def forged_path(w: World) -> Call:
    call = signed_path(w)
    call.values["timeline_id"] = int(call.values["timeline_id"]) + 1
    return call


def signed_gate(w: World) -> Call:
    return Call({}, {"headers": {"X-Original-URI": _signed(w)}})


def forged_gate(w: World) -> Call:
    return Call({}, {"headers": {"X-Original-URI": "/m/1/9999999999/k1.forged/master.m3u8"}})


def _part(w: World) -> int:
    course = _published(w)
    with w.db.read() as s:
        return s.scalars(sa.select(StudyPart.id).order_by(StudyPart.id.desc())).first() or course.id


def claim(w: World) -> Call:
    part_id = _part(w)
    with w.db.write() as s:
        ticket = sessions.open_play_session(
            s, w.keys, member_id=w.cast.member.member_id, part_id=part_id, device="x", now=now(), zone="Asia/Shanghai"
        )
    return Call({}, {"json": {"token": ticket.token, "claims": [[0, 10]], "position_ms": 10}})


def forged_claim(w: World) -> Call:
    call = claim(w)
    call.send["json"]["token"] = call.send["json"]["token"][:-2] + "xx"
    return call


def question(w: World) -> Call:
    """About a part that every member has opened."""
    part_id = _part(w)
    with w.db.write() as s:
        for actor in w.people.values():
            if actor and actor.member_id:
                sessions.open_play_session(
                    s, w.keys, member_id=actor.member_id, part_id=part_id, device="x", now=now(), zone="Asia/Shanghai"
                )
    return Call({}, {"json": {"words": "那天停电，请再看一下。", "part_id": part_id, "from_ms": 0, "to_ms": 1000}})


def _asked(w: World, actor: Actor) -> Call:
    about = question(w).send["json"]
    with w.db.write() as s:
        made = reviews.ask_review(s, actor.person, **about)
    return Call({"review_id": made.id}, {"data": {"grant": "no", "words": "已核对，请重看这一段。"}})


def waiting_question(w: World) -> Call:
    return _asked(w, w.cast.member)


def secretarys_question(w: World) -> Call:
    return _asked(w, w.cast.secretary)


def _on_air(w: World) -> LiveClass:
    """A class on the air for one branch; the trainer's, of the county."""
    with w.db.write() as s:
        return live_kit.make_class(s, w.cast, audience=(w.cast.branch_id,))


def on_air(w: World) -> Call:
    return Call({"class_id": _on_air(w).id})


def ticket_to_watch(w: World) -> Call:
    return Call({"class_id": _on_air(w).id}, {"json": {"want": "watch"}})


def ticket_to_publish(w: World) -> Call:
    return Call({"class_id": _on_air(w).id}, {"json": {"want": "publish"}})


def class_on_air(w: World) -> Call:
    return Call({"class_id": _on_air(w).id})


def stream_of_class(w: World) -> Call:
    return Call({"stream_id": _on_air(w).stream_id}, {"data": b"v=0"})


def stream_session(w: World) -> Call:
    return Call({"stream_id": _on_air(w).stream_id, "session": "s1"})


def class_with_slides(w: World) -> Call:
    """A class on the air whose slides are still being drawn."""
    live = _on_air(w)
    with w.db.write() as s:
        s.get_one(LiveClass, live.id).deck_id = decks.add(s, w.cast.trainer.account_id, "a.pdf", f"decks/{live.id}/").id
    return Call({"class_id": live.id})


def a_slide(w: World) -> Call:
    return Call({**class_with_slides(w).values, "page": 1})


def _hall(w: World) -> str:
    stream_id = _on_air(w).stream_id
    assert stream_id
    return hall.addresses(w.keys, stream_id)["hall"]


def hls_path(w: World) -> Call:
    _, _, stream_id, expiry, signature, name = _hall(w).split("/")
    return Call({"stream_id": stream_id, "expiry": expiry, "signature": signature, "name": name})


def forged_hls_path(w: World) -> Call:
    call = hls_path(w)
    call.values["stream_id"] = int(call.values["stream_id"]) + 1
    return call


def hls_gate(w: World) -> Call:
    return Call({}, {"headers": {"X-Original-URI": _hall(w)}})


def forged_hls_gate(w: World) -> Call:
    return Call({}, {"headers": {"X-Original-URI": "/hls/1/9999999999/k1.forged/hall.m3u8"}})


def _scheduled(w: World, state: LiveState, *audience: int) -> Call:
    """A class of the trainer in `state`, for `audience`, whose hour is near."""
    with w.db.write() as s:
        live = live_kit.make_class(s, w.cast, state=state, audience=audience)
        live.starts_at, live.submitted_at = now() + timedelta(minutes=10), now()
        return Call({"class_id": live.id}, {"data": {"note": "请改一改时间。"}})


def class_draft(w: World) -> Call:
    return _scheduled(w, LiveState.DRAFT)


def class_in_review(w: World) -> Call:
    return _scheduled(w, LiveState.IN_REVIEW)


def class_announced(w: World) -> Call:
    return _scheduled(w, LiveState.APPROVED)


def class_for_own_branch(w: World) -> Call:
    return _scheduled(w, LiveState.APPROVED, w.cast.branch_id)


def class_going_on(w: World) -> Call:
    return _scheduled(w, LiveState.LIVE)


def class_in_a_pause(w: World) -> Call:
    return _scheduled(w, LiveState.PAUSED)


def class_cancelled(w: World) -> Call:
    call = _scheduled(w, LiveState.CANCELLED, w.cast.branch_id)
    with w.db.write() as s:
        s.get_one(LiveClass, call.values["class_id"]).reviewer_id = w.cast.reviewer.account_id
    return call


def class_with_report(w: World) -> Call:
    call = _scheduled(w, LiveState.ENDED, w.cast.town_id)
    with w.db.write() as s:
        live = s.get_one(LiveClass, call.values["class_id"])
        body = reporting.build(s, live, recorded=False, zone="Asia/Shanghai")
        s.add(LiveReport(class_id=live.id, body=dict(body), built_at=now()))
    return call


def _held(w: World, replay: ReplayState = ReplayState.ATTENDED, *, stopped: bool = False) -> Call:
    """A class for the town that is over and settled; the member of the branch was there, the others were not."""
    with w.db.write() as s:
        live = replay_kit.held(s, w.cast, minutes=1, audience=(w.cast.town_id,))
        replay_kit.stay(s, live, w.cast.member.member_id, 0, 1)
        live.captions_key = "captions/test.vtt"
    settle.settle(w.db, Settings(), live.id)
    with w.db.write() as s:
        kept = s.get_one(LiveClass, live.id)
        kept.replay = replay
        if stopped:
            replay_kit.stop_stream(s, kept)
    return Call({"class_id": live.id}, {"data": {"note": "请剪去课前闲谈。", "begin": "0:01", "remove": "1"}})


def replay_attended(w: World) -> Call:
    return _held(w)


def with_captions(w: World) -> Call:
    call = _held(w)
    w.store.put("captions/test.vtt", b"WEBVTT\n")
    return call


def replay_in_review(w: World) -> Call:
    return _held(w, ReplayState.IN_REVIEW)


def replay_published(w: World) -> Call:
    return _held(w, ReplayState.PUBLISHED)


def replay_withdrawn(w: World) -> Call:
    return _held(w, ReplayState.WITHDRAWN)


def replay_stopped(w: World) -> Call:
    return _held(w, ReplayState.WITHDRAWN, stopped=True)


# ---- the table

TABLE: list[tuple[str, str, Make, set[str]]] = [
    ("GET", "static", file_of("icons.svg"), EVERYBODY),
    ("GET", "asset", file_of("icons.svg", version="1"), EVERYBODY),
    ("GET", "health.ping", nothing, EVERYBODY),
    # one's own account
    ("GET", "org.sign_in", nothing, EVERYBODY),
    ("POST", "org.sign_in", nothing, EVERYBODY),
    ("POST", "org.sign_out", nothing, EVERYBODY),
    ("POST", "org.view", nothing, EVERYBODY),
    ("GET", "org.password", nothing, EVERYBODY - {"visitor"}),
    ("POST", "org.password", nothing, EVERYBODY - {"visitor"}),
    ("GET", "org.account", nothing, SIGNED_IN),
    ("POST", "org.sign_out_device", device, SIGNED_IN),  # of one's own account only: test_org_pages
    ("POST", "org.sign_out_everywhere", nothing, SIGNED_IN),
    # a member's own pages
    ("GET", "portal.home", nothing, SIGNED_IN),
    ("GET", "portal.record", nothing, MEMBERS),
    ("GET", "portal.register", nothing, MEMBERS),
    ("GET", "portal.record_export", nothing, MEMBERS),
    # organisations
    *(
        row
        for endpoint in (
            "portal.organization",
            "portal.organization_export",
            "portal.organization_print",
            "portal.organization_reviews",
        )
        for row in (
            ("GET", endpoint, own_branch, {"secretary", "admin"}),
            ("GET", endpoint, foreign_branch, {"neighbour", "admin"}),
            ("GET", endpoint, town, {"admin"}),
            ("GET", endpoint, no_branch, NOBODY),
        )
    ),
    # courses
    ("GET", "courses.catalogue", nothing, SIGNED_IN),
    ("GET", "courses.course", for_all, SIGNED_IN),
    ("GET", "courses.course", for_own_branch, {"member", "secretary", "trainer", "reviewer", "admin"}),
    ("GET", "courses.course", submitted, {"trainer", "reviewer", "admin"}),
    ("GET", "courses.course", draft, {"trainer"}),
    ("GET", "courses.course", withdrawn, {"trainer", "reviewer", "admin"}),
    ("GET", "courses.lesson", lesson_for_all, SIGNED_IN),
    ("GET", "courses.lesson", lesson_for_own_branch, {"member", "secretary", "trainer", "reviewer", "admin"}),
    ("GET", "courses.lesson", draft_lesson, {"trainer"}),
    ("GET", "courses.paths", lesson_for_all, SIGNED_IN),
    ("GET", "courses.paths", lesson_for_own_branch, {"member", "secretary", "trainer", "reviewer", "admin"}),
    ("POST", "courses.open_session", lesson_for_all, MEMBERS),
    ("POST", "courses.open_session", lesson_for_own_branch, {"member", "secretary"}),
    ("GET", "courses.current_session", lesson_for_all, MEMBERS),
    # the studio
    ("GET", "courses.studio", nothing, TEACHING),
    ("GET", "courses.new_course", nothing, TEACHING),
    ("POST", "courses.create_course", nothing, TEACHING),
    ("GET", "courses.edit", draft, {"trainer"}),
    ("POST", "courses.save_course", draft, {"trainer"}),
    ("POST", "courses.add_lesson", draft, {"trainer"}),
    ("GET", "courses.lesson_card", draft_lesson, {"trainer"}),
    ("POST", "courses.change_lesson", draft_lesson, {"trainer"}),
    ("POST", "courses.set_file", draft_file, {"trainer"}),
    ("POST", "courses.submit", draft, {"trainer"}),
    ("POST", "courses.recall", submitted, {"trainer"}),
    # review
    ("GET", "courses.review", nothing, REVIEWING),
    ("POST", "courses.publish", submitted, {"reviewer", "admin"}),
    ("POST", "courses.return_course", submitted, {"reviewer", "admin"}),
    ("POST", "courses.withdraw", for_all, {"trainer", "reviewer", "admin"}),
    # media
    ("OPTIONS", "media.upload_options", nothing, EVERYBODY),
    ("POST", "media.create_upload", new_upload, TEACHING),
    ("HEAD", "media.upload_offset", upload, {"trainer"}),
    ("PATCH", "media.patch_upload", upload, {"trainer"}),
    ("DELETE", "media.cancel_upload", upload, {"trainer"}),
    ("GET", "media.asset", asset, {"trainer", "reviewer", "admin", "sysadmin"}),
    ("POST", "media.retry", failed_asset, {"trainer", "reviewer", "admin", "sysadmin"}),
    ("GET", "media.play", signed_path, EVERYBODY),  # the signature is the permission
    ("GET", "media.play", forged_path, NOBODY),
    ("GET", "media.gate", signed_gate, EVERYBODY),
    ("GET", "media.gate", forged_gate, NOBODY),
    # the schedule of live classes
    ("GET", "live.index", nothing, SIGNED_IN),
    ("GET", "live.page", class_announced, SIGNED_IN),
    ("GET", "live.page", class_for_own_branch, {"member", "secretary", "trainer", "reviewer", "admin"}),
    ("GET", "live.page", class_draft, {"trainer"}),
    ("GET", "live.page", class_in_review, {"trainer", "reviewer", "admin"}),
    ("GET", "live.page", class_cancelled, {"member", "secretary", "trainer", "reviewer", "admin"}),
    ("GET", "live.calendar", class_for_own_branch, {"member", "secretary", "trainer", "reviewer", "admin"}),
    ("GET", "live.studio", nothing, TEACHING),
    ("GET", "live.new", nothing, TEACHING),
    ("POST", "live.create", nothing, TEACHING),
    ("GET", "live.edit", class_draft, {"trainer"}),
    ("POST", "live.save", class_draft, {"trainer"}),
    ("POST", "live.submit", class_draft, {"trainer"}),
    ("POST", "live.recall", class_in_review, {"trainer"}),
    ("POST", "live.new_key", class_announced, {"trainer"}),
    ("POST", "live.approve", class_in_review, {"reviewer", "admin"}),
    ("POST", "live.return_class", class_in_review, {"reviewer", "admin"}),
    ("POST", "live.cancel", class_announced, {"trainer", "reviewer", "admin"}),
    ("POST", "live.rehearse", class_announced, {"trainer"}),
    ("POST", "live.start", class_announced, {"trainer"}),
    ("POST", "live.pause", class_going_on, {"trainer"}),
    ("POST", "live.resume", class_in_a_pause, {"trainer"}),
    ("POST", "live.end", class_going_on, {"trainer"}),
    ("POST", "live.stop", class_going_on, {"trainer", "reviewer", "admin"}),
    *(
        ("GET", endpoint, class_with_report, {"trainer", "reviewer", "admin", "secretary", "neighbour"})
        for endpoint in ("live.report", "live.report_export", "live.report_print")
    ),
    # the room, picture and sound of a class
    # the replay: who was there and who oversees it at once, the others after review
    *(
        ("GET", endpoint, thing, allowed)
        for endpoint in ("live.replay", "live.replay_state", "live.replay_story", "live.replay_paths")
        for thing, allowed in (
            (replay_attended, {"member", "trainer", "reviewer", "admin"}),
            (replay_published, MEMBERS | {"trainer", "reviewer", "admin"}),
            (replay_withdrawn, {"trainer", "reviewer", "admin"}),
            (replay_stopped, {"reviewer", "admin"}),
        )
    ),
    ("POST", "live.replay_session", replay_attended, {"member"}),
    ("POST", "live.replay_session", replay_published, MEMBERS),
    ("GET", "live.replay_device", replay_published, MEMBERS),  # of one's own devices only
    ("GET", "live.replay_captions", with_captions, {"member", "trainer", "reviewer", "admin"}),
    ("POST", "live.trim_replay", replay_attended, {"trainer", "reviewer", "admin"}),
    ("POST", "live.set_captions", replay_attended, {"trainer", "reviewer", "admin"}),
    ("POST", "live.submit_replay", replay_attended, {"trainer"}),
    ("POST", "live.publish_replay", replay_in_review, {"reviewer", "admin"}),
    ("POST", "live.return_replay", replay_in_review, {"reviewer", "admin"}),
    ("POST", "live.withdraw_replay", replay_published, {"trainer", "reviewer", "admin"}),
    ("GET", "live.room", on_air, {"member", "secretary", "trainer", "reviewer", "admin"}),
    ("POST", "live.tickets", ticket_to_watch, {"member", "secretary", "trainer", "reviewer", "admin"}),
    ("POST", "live.tickets", ticket_to_publish, {"trainer"}),
    ("GET", "live.slides", class_with_slides, {"trainer", "reviewer", "admin"}),
    ("POST", "live.put_slides", class_with_slides, {"trainer"}),
    ("DELETE", "live.remove_slides", class_with_slides, {"trainer"}),
    ("GET", "live.slide", a_slide, {"member", "secretary", "trainer", "reviewer", "admin"}),
    *(
        row
        for endpoint in ("stream.whip", "stream.whep")  # the bearer token is the permission, and the relay reads it
        for row in (
            ("POST", endpoint, stream_of_class, EVERYBODY),
            *((method, endpoint, stream_session, EVERYBODY) for method in ("GET", "PATCH", "DELETE")),
        )
    ),
    ("GET", "stream.hls", hls_path, EVERYBODY),  # the signature is the permission
    ("GET", "stream.hls", forged_hls_path, NOBODY),
    ("GET", "stream.gate", hls_gate, EVERYBODY),
    ("GET", "stream.gate", forged_hls_gate, NOBODY),
    # study
    ("POST", "study.claims", claim, EVERYBODY),  # the signed token is the permission
    ("POST", "study.claims", forged_claim, NOBODY),
    ("POST", "study.checks", claim, EVERYBODY),
    ("POST", "study.checks", forged_claim, NOBODY),
    ("POST", "records.ask", question, MEMBERS),
    ("POST", "records.respond", waiting_question, {"secretary", "admin"}),
    ("POST", "records.respond", secretarys_question, {"admin"}),  # nobody answers their own
]

# Socket.IO event of a class that the trainer holds for 河东村 → what is sent, and who may send it
IN_ROOM = {"member", "secretary", "trainer", "reviewer", "admin"}
MODERATING = {"trainer", "reviewer", "admin"}
AT_DESK = {"trainer"}
EVENTS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "connect": ({}, IN_ROOM),
    "disconnect": ({}, IN_ROOM),
    "say": ({"text": "听清楚了"}, IN_ROOM),
    "remove": ({"message": 1}, MODERATING),
    "approve": ({"message": 1}, AT_DESK),
    "mute": ({"account_id": 1, "on": False}, MODERATING),
    "rules": ({"slow_s": 0}, AT_DESK),
    "ask": ({"text": "冬剪什么时候开始？"}, IN_ROOM),
    "second": ({"question": 1, "on": True}, IN_ROOM),
    "question": ({"question": 1, "state": "answered"}, AT_DESK),
    "hand": ({"up": True}, {"member", "secretary"}),
    "call": ({"account_id": 1}, AT_DESK),
    "hang_up": ({"account_id": 10**6}, AT_DESK),  # and one's own: test_live_hands
    "poll_open": ({"question": "会了吗？", "options": ["会了", "还不会"]}, AT_DESK),
    "vote": ({"poll": 1, "choices": [0]}, IN_ROOM),
    "poll_close": ({"poll": 1}, AT_DESK),
    "slide": ({"page": 1}, AT_DESK),
    "code": ({"open": True}, AT_DESK),
    "sign_in": ({"code": "0000"}, {"member", "secretary"}),
    "check": ({}, AT_DESK),
    "here": ({"check": 1}, {"member", "secretary"}),
    "sources": ({"sources": ["camera"]}, AT_DESK),
    "watching": ({"mode": "low", "stalls": 0}, IN_ROOM),
    "roster": ({}, AT_DESK),
}

# ---- the test


@pytest.fixture(scope="module")
def school_app(sqlite_tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One application for the whole table; what depends on the database is tested on both elsewhere."""
    from school.app import create_app

    folder = tmp_path_factory.mktemp("matrix")
    shutil.copyfile(sqlite_tables, folder / "school.db")
    made = create_app(Settings(data=folder))
    made.test_client_class = SchoolClient
    made.extensions["school"].store.prepare()
    yield made
    made.extensions["school"].db.close()


@pytest.fixture(scope="module")
def world(school_app: Flask) -> World:
    """The cast and the people of the table that it lacks."""
    parts = school_app.extensions["school"]
    cast = actors.build(parts.db)
    with parts.db.write() as s:
        county = queries.organization(s, cast.county_id)
        far = org.create_organization(s, county, "far", "中共青禾县东桥镇委员会", "东桥镇", OrgType.COMMITTEE)
        west = queries.organization(s, cast.other_branch_id)
        neighbour = Member(org_id=west.id, name="何秋分", created_at=SINCE)
        s.add(neighbour)
        s.flush()

        def actor(login: str, member: Member | None, *roles: tuple[Role, Organization]) -> Actor:
            account = org.create_account(s, login, "x", login, member, roles, must_change=False)
            person = queries.person_of(s, s.get_one(Account, account.id))
            return Actor(login, login, account.id, person.member_id or 0, person.org_id or 0, person)

        everything = [(role, far) for role in Role if role != Role.SYSADMIN]
        people: dict[str, Actor | None] = {
            "visitor": None,
            "newcomer": replace(cast.member, person=replace(cast.member.person, must_change_password=True)),
            "neighbour": actor("neighbour", neighbour, (Role.BRANCH_SECRETARY, west)),
            "colleague": actor("colleague", None, (Role.TRAINER, county)),
            "stranger": actor("stranger", None, *everything),
        }
    people |= {name: cast[name] for name in EVERYBODY - people.keys()}
    return World(parts.db, parts.keys, cast, people, parts.store)


def opened(method: str, status: int, location: str | None) -> bool:
    """Whether the answer lets the person in: what was asked is answered, or refused for another reason than who asks."""
    if status in (401, 403, 404) or (
        status == 302 and (location == "/password" or (location or "").startswith("/sign-in"))
    ):
        return method == "POST" and status == 302 and location == "/sign-in"  # after signing out
    assert status < 400 or status in (409, 422, 429, 503), f"answered {status}"
    return True


@pytest.mark.parametrize(
    ("method", "endpoint", "make", "allowed"), TABLE, ids=[f"{row[0]} {row[1]} {row[2].__name__}" for row in TABLE]
)
def test_a_row(school_app: Flask, world: World, method: str, endpoint: str, make: Make, allowed: set[str]) -> None:
    client = school_app.test_client()
    assert isinstance(client, SchoolClient)
    client.act_as(None)
    client.refresh()
    let_in = set()
    call = make(world)
    for name in sorted(EVERYBODY):
        if method != "GET":
            call = make(world)  # the one before may have used it up
        client.act_as(world.people[name])
        with school_app.test_request_context():
            address = school_app.url_for(endpoint, **call.values)
        answer = client.open(address, method=method, buffered=True, **call.send)
        if answer.headers.get("Set-Cookie"):  # the session is another one, and so is its token
            client.act_as(None)
            client.refresh()
        if opened(method, answer.status_code, answer.location):
            let_in.add(name)
    assert let_in == allowed


def test_every_address_has_a_row(school_app: Flask) -> None:
    listed = {row[:2] for row in TABLE}
    missing = set()
    for rule in school_app.url_map.iter_rules():
        methods = (rule.methods or set()) - {"OPTIONS", "HEAD"} or {"HEAD"} & (rule.methods or set()) or {"OPTIONS"}
        missing |= {(method, rule.endpoint) for method in methods} - listed
    assert not missing, "add rows to TABLE"
    gone = {endpoint for _, endpoint in listed} - {rule.endpoint for rule in school_app.url_map.iter_rules()}
    assert not gone, "these addresses are no more"


@pytest.mark.parametrize("name", EVENTS)
def test_an_event(world: World, name: str) -> None:
    """Whoever is not named is refused for who they are; the others at most for what they sent."""
    with world.db.write() as s:
        class_id = live_kit.make_class(s, world.cast, audience=(world.cast.branch_id,)).id
    body, allowed = EVENTS[name]
    let_in = set()
    for who, actor in world.people.items():
        with world.db.write() as s:
            try:
                here = standing(s, signed_in(actor.person if actor else None), class_id)
                if name in events.TABLE:
                    events.perform(s, here, name, body)
            except (SignInNeeded, NotAllowed):
                continue
            except NotFound as error:
                if error.code == "live.missing":
                    continue
            except SchoolError:
                pass
            let_in.add(who)
    assert let_in == allowed


def test_every_socket_event_has_a_row(school_app: Flask) -> None:
    handlers = school_app.extensions["socketio"].server.handlers
    assert {event for events in handlers.values() for event in events} == EVENTS.keys()
    assert EVENTS.keys() - {"connect", "disconnect"} == events.TABLE.keys()
