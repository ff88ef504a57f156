"""Addresses of the trainer's studio (我的授课): courses, their sheet, lessons and files, and sending to review."""

from __future__ import annotations

from typing import Any

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from school.core.errors import Conflict, Invalid
from school.core.i18n import N_
from school.core.person import Person, Role, require
from school.courses import queries, rules, service
from school.courses.blueprint import blueprint
from school.courses.models import Course
from school.media.rules import size_words
from school.org import reach, sheets
from school.webkit.bodies import UNREADABLE, json_object
from school.webkit.context import current_person, school
from school.webkit.replies import status_of, wants_json

blueprint.add_app_template_filter(size_words, "size")


def _trainer() -> Person:
    return require(current_person(), Role.TRAINER)


@blueprint.get("/studio")
def studio() -> str:
    person = _trainer()
    with school().db.read() as s:
        courses = queries.own(s, person)
        slots = {course.id: queries.slots(s, course.lessons) for course in courses}
    return render_template("courses/studio.html", courses=courses, slots=slots, rules=rules)


# ── the sheet ───────────────────────────────────────────


def _sheet() -> rules.Sheet:
    """The sheet as typed; Invalid names what cannot be read."""
    form = request.form
    return rules.Sheet(
        title=form.get("title", ""),
        category_id=form.get("category", 0, type=int),
        hours_100=rules.hours_of(form.get("hours", "")),
        summary=form.get("summary", ""),
        slip=form.get("slip", ""),
        kind=form.get("kind", "recorded"),
        compulsory=form.get("need") == "must",
        secrecy=sheets.secrecy("course"),
        audience=sheets.audience("course"),
    )


def _written(course: Course, audience: list[int]) -> dict[str, Any]:
    """A stored course as the form's fields."""
    whole, part = divmod(course.hours_100, 100)
    return {
        "title": course.title,
        "category": str(course.category_id),
        "hours": f"{whole}.{part:02}".rstrip("0").rstrip("."),
        "summary": course.summary,
        "slip": course.slip,
        "kind": course.kind,
        "need": "must" if course.compulsory else "free",
        "secrecy": course.secrecy,
        "reach": "some" if audience else "all",
        "audience": audience,
        "version": str(course.version),
    }


@blueprint.get("/studio/courses/new")
def new_course() -> str:
    return _new_page({"kind": "recorded", "need": "free", "secrecy": "internal", "reach": "all", "audience": []})


def _new_page(fields: dict[str, Any], refusal: dict[str, Any] | None = None) -> str:
    person = _trainer()
    with school().db.read() as s:
        choices = _choices(s, person)
    return render_template("courses/new.html", fields=fields, refusal=refusal, rules=rules, **choices)


def _choices(s: Any, person: Person) -> dict[str, Any]:
    return {
        "categories": queries.categories(s),
        "hosts": reach.hosts(s, person),
        "reachable": reach.audiences(s, person),
    }


@blueprint.post("/studio/courses/new")
def create_course() -> Response | tuple[str, int]:
    person = _trainer()
    try:
        sheet = _sheet()
        with school().db.write() as s:
            course = service.create_course(s, person, request.form.get("host", 0, type=int), sheet)
    except (Invalid, Conflict) as error:
        return _new_page(sheets.typed("audience"), sheets.refused(error, "course")), status_of(error)
    return redirect(url_for("courses.edit", course_id=course.id))


@blueprint.get("/studio/courses/<int:course_id>")
def edit(course_id: int) -> str:
    return _edit_page(course_id)


def _edit_page(course_id: int, typed: dict[str, Any] | None = None, refusal: dict[str, Any] | None = None) -> str:
    person = _trainer()
    with school().db.read() as s:
        course = queries.course(s, person, course_id)
        if course.trainer_id != person.account_id:
            raise queries.no_course()
        written = _written(course, [org.id for org in queries.audience(s, course_id)])
        slots = queries.slots(s, course.lessons)
        choices = _choices(s, person)
    fields = {**(typed or written), "version": written["version"]}
    return render_template(
        "courses/edit.html",
        course=course,
        slots=slots,
        fields=fields,
        written=written,
        refusal=refusal,
        editable=course.state in rules.EDITABLE,
        rules=rules,
        upload_limit=school().settings.upload_limit,
        **choices,
    )


@blueprint.post("/studio/courses/<int:course_id>")
def save_course(course_id: int) -> Response | tuple[str, int]:
    person = _trainer()
    try:
        sheet = _sheet()
        with school().db.write() as s:
            service.edit_course(s, person, course_id, request.form.get("version", 0, type=int), sheet)
    except (Invalid, Conflict) as error:
        return _edit_page(course_id, sheets.typed("audience"), sheets.refused(error, "course")), status_of(error)
    flash(_("已保存"), "ok")
    return redirect(url_for("courses.edit", course_id=course_id))


# ── lessons ─────────────────────────────────────────────


def _back(course_id: int, anchor: str = "lessons") -> Response:
    return redirect(url_for("courses.edit", course_id=course_id, _anchor=anchor))


@blueprint.get("/studio/courses/<int:course_id>/lessons/<int:lesson_id>")
def lesson_card(course_id: int, lesson_id: int) -> Response:
    """One lesson's card as a piece of HTML for the page's script: as on the edit page, or `plain=1` as in the list."""
    person = _trainer()
    with school().db.read() as s:
        lesson = queries.lesson(s, person, course_id, lesson_id)
        if lesson.course.trainer_id != person.account_id:
            raise queries.no_course()
        slots = queries.slots(s, lesson.course.lessons)
    number, plain = lesson.course.lessons.index(lesson), "plain" in request.args
    return make_response(
        render_template(
            "courses/slot.html",
            course=lesson.course,
            slot=slots[number],
            number=0 if plain else number + 1,
            last=len(slots),
            editable=not plain and lesson.course.state in rules.EDITABLE,
            rules=rules,
        )
    )


@blueprint.post("/studio/courses/<int:course_id>/lessons")
def add_lesson(course_id: int) -> Response:
    """A new last lesson, named by the form or after the file `{"file": …}`; JSON `{"id": …}` for a script."""
    person = _trainer()
    asked: Any = json_object() if request.is_json else request.form
    title = str(asked.get("title") or "") or rules.title_from_file(str(asked.get("file") or ""))
    with school().db.write() as s:
        lesson = service.add_lesson(s, person, course_id, title)
    if wants_json():
        return jsonify(id=lesson.id)
    return _back(course_id, f"lesson-{lesson.id}")


@blueprint.post("/studio/courses/<int:course_id>/lessons/<int:lesson_id>")
def change_lesson(course_id: int, lesson_id: int) -> Response:
    """What the lesson's own buttons do: `do` of rename (with `title`), up, down or remove."""
    person = _trainer()
    with school().db.write() as s:
        match request.form.get("do"):
            case "rename":
                service.rename_lesson(s, person, course_id, lesson_id, request.form.get("title", ""))
            case "up":
                service.move_lesson(s, person, course_id, lesson_id, -1)
            case "down":
                service.move_lesson(s, person, course_id, lesson_id, 1)
            case "remove":
                service.remove_lesson(s, person, course_id, lesson_id)
                return _back(course_id)
            case _:
                raise Invalid("lesson.verb", N_("没有看懂要做什么，什么都没有改。请刷新页面再试。"))
    return _back(course_id, f"lesson-{lesson_id}")


@blueprint.post("/studio/courses/<int:course_id>/lessons/<int:lesson_id>/file")
def set_file(course_id: int, lesson_id: int) -> Response:
    """`{"asset_id": …}`: the lesson plays this upload of one's own from its next publication on."""
    person = _trainer()
    asset_id = json_object().get("asset_id")
    if type(asset_id) is not int:
        raise Invalid("body.malformed", UNREADABLE)
    with school().db.write() as s:
        lesson = service.set_file(s, person, course_id, lesson_id, asset_id)
    return jsonify(id=lesson.id, asset_id=lesson.asset_id)


# ── review, seen from the trainer ───────────────────────


@blueprint.post("/studio/courses/<int:course_id>/submit")
def submit(course_id: int) -> Response:
    person = _trainer()
    with school().db.write() as s:
        service.submit(s, person, course_id)
    flash(_("已送审。另一位同志审核通过后发布，学员就能看到。"), "ok")
    return _back(course_id, "")


@blueprint.post("/studio/courses/<int:course_id>/recall")
def recall(course_id: int) -> Response:
    person = _trainer()
    with school().db.write() as s:
        service.recall(s, person, course_id)
    flash(_("已取回，可以继续修改。改好请再送审。"), "ok")
    return _back(course_id, "")
