"""Writing a class and its review: what a sheet may hold, who may do what, what the audience sees, and the demo's classes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from actors import Actor, Cast
from live_kit import make_class
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed, NotFound, SchoolError
from school.core.keys import load_keys
from school.core.person import Grant, Person, Role
from school.core.settings import Settings
from school.core.time import local, now
from school.demo.live import fill_live
from school.demo.people import fill_people
from school.live import queries, rules, service
from school.live.models import LiveClass, LiveState, ReplayState
from school.live.outside import Outside
from school.live.rules import RoomRules, Sheet
from school.media import streams
from school.media.models import StreamState
from school.org import queries as org
from school.org import service as org_service
from school.org.models import AuditLog

SOON = now() + timedelta(days=1)
SHEET = Sheet(title="河东夜校：冬季柑橘园怎么管", starts_at=SOON, minutes=45, hours_100=100)


def refused(kind: type[SchoolError], code: str, verb: object, db: Database, *args: object) -> None:
    with pytest.raises(kind) as caught, db.write() as s:
        verb(s, *args)  # type: ignore[operator]
    assert caught.value.code == code


def draft(db: Database, cast: Cast, **changes: object) -> LiveClass:
    with db.write() as s:
        return service.create_class(s, cast.trainer.person, cast.county_id, replace(SHEET, **changes))  # type: ignore[arg-type]


def announced(db: Database, cast: Cast, **changes: object) -> LiveClass:
    live = draft(db, cast, **changes)
    with db.write() as s:
        service.submit(s, cast.trainer.person, live.id)
    with db.write() as s:
        return service.approve(s, cast.reviewer.person, live.id)


def coming(s: Session, actor: Actor) -> list[int]:
    return [live.id for live in queries.near(s, actor.person, now())[1]]


def colleague(db: Database, cast: Cast, org_id: int) -> Person:
    """Another trainer, of organisation `org_id`."""
    with db.write() as s:
        account = org_service.create_account(
            s, f"helper{org_id}", "x", "何助教", None, [(Role.TRAINER, org.organization(s, org_id))], must_change=False
        )
        return org.person_of(s, account)


# ── the sheet ───────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("live.title", {"title": "　"}),
        ("live.title", {"title": "课" * 81}),
        ("live.slip", {"slip": "五个字题签"}),
        ("live.summary", {"summary": "字" * 1001}),
        ("live.minutes", {"minutes": 4}),
        ("live.minutes", {"minutes": 481}),
        ("live.hours", {"hours_100": 30}),
        ("live.hours", {"hours_100": 1025}),
        ("live.makeup", {"makeup_days": 0}),
        ("live.slow", {"rules": RoomRules(slow_s=7)}),
        ("live.words", {"rules": RoomRules(words=("长" * 21,))}),
        ("course.secret", {"title": "机密★10年 会议传达"}),
        ("course.secret", {"summary": "附件：【秘密】"}),
    ],
)
def test_what_a_sheet_may_not_hold(code: str, changes: dict[str, object]) -> None:
    with pytest.raises(Invalid) as caught:
        rules.checked(replace(SHEET, **changes))  # type: ignore[arg-type]
    assert caught.value.code == code


def test_a_moment_is_read_on_the_schools_clock() -> None:
    assert rules.moment_of("2026-11-22", "19:30", "Asia/Shanghai") == datetime(2026, 11, 22, 11, 30, tzinfo=UTC)
    for day, hour in [("", "19:30"), ("2026-02-30", "19:30"), ("2026-11-22", "24:00"), ("0001-01-01", "00:00"),
                      ("9999-12-31", "23:59")]:  # fmt: skip
        with pytest.raises(Invalid):
            rules.moment_of(day, hour, "Asia/Shanghai")


def test_room_rules_survive_being_stored() -> None:
    room = RoomRules(chat=False, slow_s=10, premoderate=True, words=("甲", "乙"))
    assert RoomRules.of(room.stored()) == room
    assert RoomRules.of({}) == RoomRules()


def test_a_trainer_writes_for_where_they_teach(db: Database, cast: Cast) -> None:
    refused(NotAllowed, "person.role", service.create_class, db, cast.reviewer.person, cast.county_id, SHEET)
    town = colleague(db, cast, cast.town_id)
    refused(NotAllowed, "live.host", service.create_class, db, town, cast.county_id, SHEET)
    outside = replace(SHEET, audience=(cast.county_id,))
    refused(Invalid, "live.audience", service.create_class, db, town, cast.town_id, outside)
    with db.write() as s:
        live = service.create_class(s, town, cast.town_id, replace(SHEET, audience=(cast.branch_id,)))
        assert [each.id for each in queries.audience(s, live.id)] == [cast.branch_id]
        assert streams.stream(s, live.stream_id or 0).state == StreamState.CLOSED


def test_a_helper_is_another_trainer_of_the_host(db: Database, cast: Cast) -> None:
    helper = colleague(db, cast, cast.town_id)
    live = draft(db, cast, helper_id=helper.account_id)
    assert live.helper_id == helper.account_id
    for nobody in (cast.trainer.account_id, cast.reviewer.account_id, 10**6):
        sheet = replace(SHEET, helper_id=nobody)
        refused(Invalid, "live.helper", service.edit_class, db, cast.trainer.person, live.id, 1, sheet)
    refused(NotFound, "live.missing", service.edit_class, db, helper, live.id, 1, SHEET)  # helps, and writes no sheet


def test_a_class_belongs_to_a_course_its_trainer_teaches(db: Database, cast: Cast) -> None:
    live = draft(db, cast)
    known = Outside(courses=lambda s, person: [(7, "柑橘栽培")])
    refused(
        Invalid, "live.course", service.edit_class, db, cast.trainer.person, live.id, 1,
        replace(SHEET, course_id=8), known,
    )  # fmt: skip
    with db.write() as s:
        assert service.edit_class(s, cast.trainer.person, live.id, 1, replace(SHEET, course_id=7), known).course_id == 7


def test_two_windows_do_not_overwrite_each_other(db: Database, cast: Cast) -> None:
    live = draft(db, cast)
    with db.write() as s:
        changed = service.edit_class(s, cast.trainer.person, live.id, 1, replace(SHEET, minutes=60))
        assert (changed.version, changed.minutes) == (2, 60)
    refused(Conflict, "live.version", service.edit_class, db, cast.trainer.person, live.id, 1, SHEET)
    with db.write() as s:
        same = service.edit_class(s, cast.trainer.person, live.id, 2, replace(SHEET, minutes=60))
        assert same.version == 2  # saving what stands already is no change
        entry = s.scalars(sa.select(AuditLog).where(AuditLog.event == "live.edit")).one()
        assert entry.detail == {"minutes": [45, 60]}


# ── review ──────────────────────────────────────────────


def test_a_class_is_seen_when_another_person_has_approved_it(db: Database, cast: Cast) -> None:
    live = draft(db, cast, audience=(cast.branch_id,))
    refused(Conflict, "live.state", service.approve, db, cast.reviewer.person, announced(db, cast).id)
    refused(
        NotFound, "live.missing", service.approve, db, cast.reviewer.person, live.id
    )  # a draft is the trainer's own
    with db.write() as s:
        service.submit(s, cast.trainer.person, live.id)
        assert live.id not in coming(s, cast.member)
    refused(Conflict, "live.in_review", service.edit_class, db, cast.trainer.person, live.id, 1, SHEET)
    refused(NotAllowed, "person.role", service.approve, db, cast.member.person, live.id)
    with db.write() as s:
        assert [each.id for each in queries.in_review(s, cast.reviewer.person)] == [live.id]
        assert queries.waiting_count(s, cast.reviewer.person) == 1
        service.approve(s, cast.reviewer.person, live.id)
    with db.read() as s:
        assert live.id in coming(s, cast.member)
        assert live.id not in coming(s, cast.outsider)
        assert queries.waiting_count(s, cast.reviewer.person) == 0


def test_nobody_reviews_a_class_of_their_own_desk(db: Database, cast: Cast) -> None:
    helper = colleague(db, cast, cast.county_id)
    live = draft(db, cast, helper_id=helper.account_id)
    with db.write() as s:
        service.submit(s, cast.trainer.person, live.id)
    for person in (cast.trainer.person, helper):
        county = Grant(Role.REVIEWER, cast.county_id, "001.")
        both = replace(person, grants=(*person.grants, county))
        refused(NotAllowed, "live.own", service.approve, db, both, live.id)
        with db.read() as s:
            assert not queries.in_review(s, both)


def test_what_is_returned_says_why_and_may_be_sent_again(db: Database, cast: Cast) -> None:
    live = draft(db, cast)
    with db.write() as s:
        service.submit(s, cast.trainer.person, live.id)
    refused(Invalid, "live.note", service.return_class, db, cast.reviewer.person, live.id, " ")
    with db.write() as s:
        service.return_class(s, cast.reviewer.person, live.id, "请改到晚上七点以后。")
        assert s.get_one(LiveClass, live.id).review_note == "请改到晚上七点以后。"
    with db.write() as s:
        assert service.submit(s, cast.trainer.person, live.id).review_note == ""


def test_what_is_announced_is_taken_back_and_reviewed_again(db: Database, cast: Cast) -> None:
    live = announced(db, cast)
    refused(Conflict, "live.approved", service.edit_class, db, cast.trainer.person, live.id, 1, SHEET)
    with db.write() as s:
        service.recall(s, cast.trainer.person, live.id)
        assert live.id not in coming(s, cast.member)
        service.edit_class(s, cast.trainer.person, live.id, 1, replace(SHEET, starts_at=SOON + timedelta(days=1)))
    with db.write() as s:
        assert service.submit(s, cast.trainer.person, live.id).state == LiveState.IN_REVIEW


def test_an_hour_that_has_passed_is_not_announced(db: Database, cast: Cast) -> None:
    past = draft(db, cast, starts_at=now() - timedelta(minutes=1))
    refused(Conflict, "live.past", service.submit, db, cast.trainer.person, past.id)
    with db.write() as s:
        waited = make_class(s, cast, state=LiveState.IN_REVIEW)
        waited.starts_at = now() - timedelta(minutes=45 + 121)
    refused(Conflict, "live.past", service.approve, db, cast.reviewer.person, waited.id)


def test_a_cancelled_class_says_so_to_whom_it_was_announced(db: Database, cast: Cast) -> None:
    live, unknown = announced(db, cast, audience=(cast.branch_id,)), draft(db, cast)
    for each in (live, unknown):
        with db.write() as s:
            service.cancel(s, cast.trainer.person, each.id, "改到下周三晚上。")
    with db.read() as s:
        found = queries.gone(s, cast.member.person, live.id)
        assert found
        assert found.review_note == "改到下周三晚上。"
        assert queries.gone(s, cast.outsider.person, live.id) is None
        assert queries.gone(s, cast.member.person, unknown.id) is None  # was never announced


def test_a_new_stream_key_ends_the_one_before(db: Database, cast: Cast) -> None:
    live = announced(db, cast)
    refused(NotAllowed, "live.desk", service.new_key, db, cast.member.person, live.id)
    with db.write() as s:
        first = service.new_key(s, cast.trainer.person, live.id)
        second = service.new_key(s, cast.trainer.person, live.id)
        assert streams.stream_of_key(s, second).id == live.stream_id
    refused(NotAllowed, "stream.key", streams.stream_of_key, db, first)
    with db.write() as s:
        service.cancel(s, cast.trainer.person, live.id)
    refused(Conflict, "live.state", service.new_key, db, cast.trainer.person, live.id)


# ── the board ───────────────────────────────────────────


def test_the_board_shows_what_is_on_what_comes_and_what_is_over(db: Database, cast: Cast) -> None:
    with db.write() as s:
        on = make_class(s, cast, state=LiveState.PAUSED).id
        later, sooner, missed = (make_class(s, cast, state=LiveState.APPROVED) for _ in range(3))
        later.starts_at, sooner.starts_at = now() + timedelta(days=2), now() + timedelta(hours=1)
        missed.starts_at = now() - timedelta(minutes=45 + 121)
        over, withdrawn, foreign = (make_class(s, cast, state=LiveState.ENDED) for _ in range(3))
        for each in (over, withdrawn, foreign):
            each.ended_ms = each.started_ms
        over.replay, withdrawn.replay = ReplayState.PUBLISHED, ReplayState.WITHDRAWN
        expected = [sooner.id, later.id]
    with db.read() as s:
        board = queries.board(s, cast.member.person, now())
    assert [live.id for live in board.on] == [on]
    assert [live.id for live in board.coming] == expected
    assert [(item.live.id, item.open) for item in board.replays] == [(foreign.id, False), (over.id, True)]
    assert not board.more


def test_the_replays_come_in_pages(db: Database, cast: Cast) -> None:
    with db.write() as s:
        for number in range(queries.PAGE + 1):
            made = make_class(s, cast, state=LiveState.ENDED)
            made.replay, made.ended_ms = ReplayState.PUBLISHED, number
    with db.read() as s:
        first = queries.board(s, cast.member.person, now())
        second = queries.board(s, cast.member.person, now(), page=2)
    assert (len(first.replays), first.more, len(second.replays), second.more) == (queries.PAGE, True, 1, False)
    assert second.replays[0].live.ended_ms == 0


# ── the demo ────────────────────────────────────────────


def test_the_demo_has_a_class_this_evening_one_to_start_and_one_to_review(db: Database, settings: Settings) -> None:
    with db.write() as s:
        fill_people(s, load_keys(settings), settings.zone)
        assert fill_live(s, settings.zone)
        assert not fill_live(s, settings.zone)  # a second time nothing is written
    with db.read() as s:
        rows = s.scalars(sa.select(LiveClass).order_by(LiveClass.id)).all()
        assert [live.state for live in rows] == [LiveState.APPROVED, LiveState.APPROVED, LiveState.IN_REVIEW]
        evening, soon, lecture = rows
        assert f"{local(evening.starts_at, settings.zone):%H:%M}" == "19:30"
        rules.may_start(soon.starts_at, soon.minutes, now())
        assert lecture.compulsory
