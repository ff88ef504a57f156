"""Addresses of the catalogue (课程中心) and of a course's page."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from school.core.person import signed_in
from school.core.text import tidy
from school.core.time import now, year_of
from school.courses import queries, rules
from school.courses.blueprint import blueprint
from school.courses.models import CourseState, Lesson
from school.courses.outside import outside
from school.records import policies
from school.records import queries as records
from school.webkit.context import current_person, school


def _small(text: str) -> int:
    """A number that fits every database's integers."""
    return int(text) if len(text) < 10 else 0


def _wanted() -> queries.Wanted:
    """What the address asks for; what cannot be read is left out."""
    args = request.args
    return queries.Wanted(
        q=tidy(args.get("q", ""))[:60],
        category_id=args.get("category", type=_small),
        needs=frozenset(args.getlist("need")) & {"must", "free"},
        forms=frozenset(args.getlist("form")) & queries.FORMS.keys(),
        progress=args.get("progress", "") if args.get("progress") in {"open", "done"} else "",
        sort=args.get("sort", "") if args.get("sort") in queries.SORTS else "todo",
        page=min(max(args.get("page", 1, type=int), 1), 1000),
    )


def _address(wanted: queries.Wanted, **changes: Any) -> str:
    """The catalogue's address for `wanted` with some fields changed; what is at rest is left out."""
    fields: dict[str, Any] = {
        "q": wanted.q,
        "category": wanted.category_id,
        "need": sorted(wanted.needs),
        "form": sorted(wanted.forms),
        "progress": wanted.progress,
        "sort": wanted.sort if wanted.sort != "todo" else "",
        **changes,
    }
    return url_for("courses.catalogue", **{key: value for key, value in fields.items() if value})


@blueprint.get("/courses")
def catalogue() -> str | Response:
    person = signed_in(current_person())
    wanted = _wanted()
    with school().db.read() as s:
        found = queries.catalogue(s, person, wanted)
        ids = [card.course.id for card in found.cards]
        progress = records.progress_of(s, person.member_id, "course", ids) if person.member_id and ids else {}
        earned = queries.credits_of(s, person.member_id, ids)
    if wanted.page > 1 and not found.cards:
        return redirect(_address(wanted))
    return render_template(
        "courses/catalogue.html",
        found=found,
        wanted=wanted,
        address=_address,
        progress=progress,
        earned=earned,
        this_year=year_of(now(), school().settings.zone),
    )


def next_lesson(lessons: list[Lesson], ribbons: dict[int, records.Ribbon], required_permille: int) -> Lesson | None:
    """The first lesson that is not yet watched far enough, else the first that can be played."""
    ready = [lesson for lesson in lessons if lesson.timeline_id is not None]
    for lesson in ready:
        ribbon = ribbons.get(lesson.id)
        if ribbon is None or ribbon.covered_ms * 1000 < ribbon.length_ms * required_permille:
            return lesson
    return ready[0] if ready else None


@blueprint.get("/courses/<int:course_id>")
def course(course_id: int) -> str:
    return course_page(course_id)


def course_page(course_id: int, *, note: str = "", refusal: str = "") -> str:
    """A course's page; a reviewer's page keeps the `note` that was refused and says why."""
    person = signed_in(current_person())
    with school().db.read() as s:
        found = queries.course(s, person, course_id)
        audience = queries.audience(s, course_id)
        watched = records.ribbons_of(s, person.member_id, "course", course_id) if person.member_id else []
        earned = queries.credits_of(s, person.member_id, [course_id]).get(course_id)
        required = policies.required_permille(s, person.member_id, now(), school().settings.zone)
        tests = outside().tests(s, person, course_id)
    ribbons = {ribbon.ref_id: ribbon for ribbon in watched}
    mine = found.trainer_id == person.account_id
    reviews = (
        found.state == CourseState.IN_REVIEW and not mine and person.holds(found.org.path, *queries.OVERSEERS)
    )  # fmt: skip
    return render_template(
        "courses/course.html",
        course=found,
        audience=audience,
        tests=tests,
        ribbons=ribbons,
        begun=any(ribbon.covered_ms for ribbon in watched),
        earned=earned,
        next=next_lesson(found.lessons, ribbons, required),
        required_permille=required,
        mine=mine,
        reviews=reviews,
        may_withdraw=mine or person.holds(found.org.path, *queries.OVERSEERS),
        rules=rules,
        note=note,
        refusal=refusal,
        this_year=year_of(now(), school().settings.zone),
    )
