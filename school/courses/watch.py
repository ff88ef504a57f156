"""Watching a lesson: its page, fresh signed paths, and the play sessions that watching is counted by."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from flask import jsonify, render_template, request, url_for
from flask.wrappers import Response
from flask_babel import gettext as _

from school.core.errors import Conflict
from school.core.i18n import N_
from school.core.person import require_member, signed_in
from school.core.time import now, year_of
from school.courses import queries
from school.courses.blueprint import blueprint
from school.courses.models import Lesson
from school.courses.seat import Seat, seat_of, timeline_of
from school.media.models import Timeline
from school.media.service import play_paths
from school.records.models import PlaySession
from school.records.rules import REASONS
from school.records.service import open_play_session
from school.webkit.context import current_person, school

RATES = (0.75, 1.0, 1.25, 1.5)  # what the page offers, as far as the policy credits it
SYSTEMS = {
    "iPhone": "iPhone", "iPad": "iPad", "HarmonyOS": "HarmonyOS", "Android": "Android",
    "Windows": "Windows", "Macintosh": "Mac", "Linux": "Linux",
}  # fmt: skip
BROWSERS = {
    "MicroMessenger": N_("微信"), "DingTalk": N_("钉钉"), "Edg": "Edge", "Firefox|FxiOS": "Firefox",
    "Chrome|CriOS": "Chrome", "Safari": "Safari",
}  # fmt: skip


def device_name(agent: str) -> str:
    """What a member knows a device by, from its User-Agent: `Android 微信`, `Windows Chrome`; empty when unknown."""
    tables = (SYSTEMS, BROWSERS)
    found = (next((name for mark, name in table.items() if re.search(mark, agent)), "") for table in tables)
    return " ".join(filter(None, found))


def _script_data(lesson: Lesson, timeline: Timeline, seat: Seat | None, *, done: bool) -> dict[str, Any]:
    """What the player's script must know; lengths in milliseconds."""

    def here(endpoint: str) -> str:
        return url_for(endpoint, course_id=lesson.course_id, lesson_id=lesson.id)

    return {
        "title": lesson.title,
        "host": lesson.course.org.short_name,
        "paths": play_paths(school().keys, timeline),
        "renew": here("courses.paths"),
        "growing": timeline.sealed_at is None,
        "length_ms": seat.part.length_ms if seat else timeline.length_ms,
        "position_ms": seat.position_ms if seat else 0,
        "rate": seat.policy.rate_permille / 1000 if seat else max(RATES),
        "study": seat and {
            "part_id": seat.part.part_id,
            "sessions": here("courses.open_session"),
            "claims": url_for("study.claims"),
            "checks": url_for("study.checks"),
            "reviews": url_for("records.ask"),
            "covered": seat.part.covered,
            "refused": seat.part.refused,
            "asked": seat.asked,
            "need_ms": seat.need_ms,
            "elsewhere_ms": seat.elsewhere_ms,
            "done": done,
        },
    }  # fmt: skip


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
    course, year = here.course, year_of(now(), zone)
    following = [other for other in course.lessons if other.position > here.position and other.timeline_id]
    return render_template(
        "courses/lesson.html",
        course=course,
        lesson=here,
        timeline=timeline,
        page=timeline and _script_data(here, timeline, seat, done=earned is not None and earned[0] == year),
        seat=seat,
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
    return jsonify(play_paths(school().keys, timeline))


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
        device = s.scalar(
            sa.select(PlaySession.device)
            .where(PlaySession.member_id == member_id)
            .order_by(PlaySession.opened_at.desc(), PlaySession.id.desc())
        )
    return jsonify({"device": " ".join(_(word) for word in (device or "").split())})
