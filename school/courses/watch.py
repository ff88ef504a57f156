"""Watching a lesson: its page, fresh signed paths, and the play sessions that watching is counted by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from flask import jsonify, render_template, request, url_for
from flask.wrappers import Response
from flask_babel import gettext as _

from school.core.errors import Conflict
from school.core.i18n import N_
from school.core.person import require_member, signed_in
from school.core.time import now, year_of
from school.courses import queries
from school.courses.blueprint import blueprint
from school.courses.models import CourseState, Lesson
from school.courses.outside import outside
from school.courses.seat import seat_of, timeline_of
from school.media.models import Timeline
from school.media.service import play_paths
from school.records.rules import REASONS
from school.records.seat import RATES, Seat, device_name, newest_device, script_data
from school.records.service import open_play_session
from school.webkit.context import current_person, school


def _paths(lesson: Lesson, timeline: Timeline) -> dict[str, str | None]:
    """Signed paths; those of a preview go on after 撤下, for a course that is not published has no other watchers."""
    return play_paths(school().keys, timeline, oversight=lesson.course.state != CourseState.PUBLISHED)


def _script_data(
    lesson: Lesson, timeline: Timeline, seat: Seat | None, moments: Sequence[dict[str, Any]], *, done: bool
) -> dict[str, Any]:
    """What the player's script must know; lengths in milliseconds."""

    def here(endpoint: str) -> str:
        return url_for(endpoint, course_id=lesson.course_id, lesson_id=lesson.id)

    return {
        "title": lesson.title,
        "host": lesson.course.org.short_name,
        "paths": _paths(lesson, timeline),
        "renew": here("courses.paths"),
        "growing": timeline.sealed_at is None,
        "length_ms": seat.part.length_ms if seat else timeline.length_ms,
        "position_ms": seat.position_ms if seat else 0,
        "rate": seat.policy.rate_permille / 1000 if seat else max(RATES),
        "moments": moments,
        "study": seat and script_data(seat, here("courses.open_session"), done=done),
    }


@blueprint.get("/courses/<int:course_id>/lessons/<int:lesson_id>")
def lesson(course_id: int, lesson_id: int) -> str:
    """The lesson's page: to study where it gives hours, a preview elsewhere, a word of patience before it can be played."""
    person = signed_in(current_person())
    zone = school().settings.zone
    with school().db.read() as s:
        here = queries.lesson(s, person, course_id, lesson_id)
        timeline = timeline_of(s, here)
        seat = seat_of(s, person, here, zone)
        earned = queries.credits_of(s, person.member_id, [course_id]).get(course_id)
        moments = outside().moments(s, person, lesson_id)
        tests = [test for test in outside().tests(s, person, course_id) if test["lesson_id"] == lesson_id]
    course, year = here.course, year_of(now(), zone)
    following = [other for other in course.lessons if other.position > here.position and other.timeline_id]
    return render_template(
        "courses/lesson.html",
        course=course,
        lesson=here,
        timeline=timeline,
        page=timeline and _script_data(here, timeline, seat, moments, done=earned is not None and earned[0] == year),
        seat=seat,
        tests=tests,
        ribbons={ribbon.ref_id: ribbon for ribbon in (seat.part, *seat.others)} if seat else {},
        next=following[0] if following else None,
        earned=earned,
        rates=RATES,
        reasons={code: _(sentence) for code, sentence in REASONS.items()},
        this_year=year,
    )


@blueprint.get("/courses/<int:course_id>/lessons/<int:lesson_id>/paths")
def paths(course_id: int, lesson_id: int) -> Response:
    """Fresh signed paths, when those of a page that has long been open have run out."""
    person = signed_in(current_person())
    with school().db.read() as s:
        here = queries.lesson(s, person, course_id, lesson_id)
        timeline = timeline_of(s, here)
    if timeline is None:
        raise queries.no_lesson()
    return jsonify(_paths(here, timeline))


@blueprint.post("/courses/<int:course_id>/lessons/<int:lesson_id>/sessions")
def open_session(course_id: int, lesson_id: int) -> Response:
    """Open the member's play session of this lesson on this device; the one before, wherever it is, stops earning."""
    person, member_id = require_member(current_person())
    zone = school().settings.zone
    with school().db.write() as s:
        here = queries.lesson(s, person, course_id, lesson_id)
        seat = seat_of(s, person, here, zone)
        if seat is None:
            raise Conflict("lesson.not_open", N_("这一节现在不计学时，可能刚刚撤下或更换。请刷新页面看现在的内容。"))
        ticket = open_play_session(
            s, school().keys, member_id=member_id, part_id=seat.part.part_id,
            device=device_name(request.user_agent.string), now=now(), zone=zone,
        )  # fmt: skip
    return jsonify(asdict(ticket))


@blueprint.get("/courses/<int:course_id>/lessons/<int:lesson_id>/sessions")
def current_session(course_id: int, lesson_id: int) -> Response:
    """On which device the member's study is counted now, so that a page that stopped earning can say it."""
    _person, member_id = require_member(current_person())
    with school().db.read() as s:
        device = newest_device(s, member_id)
    return jsonify(device=device)
