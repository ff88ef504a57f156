"""Who may do what: every address of the school against every kind of person, own and foreign. An unlisted one fails.

To add an address, add a row: the request, what it is about (a small function that makes the real thing), and who may.
Everybody not named must be refused: sent to the door, to the password page, or answered 401, 403 or 404. The rows of
live classes stand in `matrix_live`, those of quizzes in `matrix_quizzes`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import matrix_live
import matrix_quizzes
import pytest
import sqlalchemy as sa
import tus
from flask import Flask
from matrix_live import EVENTS

import actors
import courses_kit
import live_kit
from actors import SINCE, Actor
from clients import SchoolClient
from matrix_kit import (
    EVERYBODY,
    MEMBERS,
    NOBODY,
    REVIEWING,
    SIGNED_IN,
    TEACHING,
    Call,
    Make,
    World,
    file_of,
    nothing,
)  # fmt: skip
from school.core.errors import NotAllowed, NotFound, SchoolError, SignInNeeded
from school.core.person import Role, signed_in
from school.core.settings import Settings
from school.core.time import now
from school.courses import service as courses
from school.courses.models import Course
from school.live import events
from school.live.access import standing
from school.media import uploads
from school.media.models import AssetState, MediaAsset, Timeline
from school.media.service import play_paths
from school.org import queries
from school.org import service as org
from school.org.models import Account, Member, Organization, OrgType, SignIn
from school.records import reviews, sessions
from school.records.models import StudyPart

# ---- the things


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
    call.send["json"]["token"] = call.send["json"]["token"][:-2] + "!!"
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
    *matrix_live.TABLE,
    *matrix_quizzes.TABLE,
    # study
    ("POST", "study.claims", claim, EVERYBODY),  # the signed token is the permission
    ("POST", "study.claims", forged_claim, NOBODY),
    ("POST", "study.checks", claim, EVERYBODY),
    ("POST", "study.checks", forged_claim, NOBODY),
    ("POST", "records.ask", question, MEMBERS),
    ("POST", "records.respond", waiting_question, {"secretary", "admin"}),
    ("POST", "records.respond", secretarys_question, {"admin"}),  # nobody answers their own
]

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
