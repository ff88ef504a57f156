"""Addresses of review (内容审核): the queue, publishing, returning with a note, and withdrawing a published course."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from school.core.errors import Invalid
from school.core.person import Person, require, signed_in
from school.courses import queries, service
from school.courses.blueprint import blueprint
from school.courses.catalogue import course_page
from school.webkit import queue
from school.webkit.context import current_person, school
from school.webkit.figures import hours
from school.webkit.replies import sentence, status_of


def waiting(s: Session, person: Person) -> list[queue.Waiting]:
    """The courses that wait for this person's review, as lines of the one queue."""
    return [
        queue.Waiting(
            kind=_("课程"),
            title=course.title,
            href=url_for("courses.course", course_id=course.id),
            facts=[
                _("%(hours)s 学时", hours=hours(course.hours_100)),
                _("共 %(n)d 节", n=len(course.lessons)),
                course.trainer.name,
                course.org.short_name,
            ],
            slip=course.category.slip,
            hue=(course.category.sort_no - 1) % 8 + 1,
            compulsory=course.compulsory,
            submitted_at=course.submitted_at or course.created_at,
        )
        for course in queries.in_review(s, person)
    ]


@blueprint.get("/review")
def review() -> str:
    person = require(current_person(), *queries.OVERSEERS)
    with school().db.read() as s:
        waiting = queue.waiting(s, person)
        published = queries.reviewed(s, person)
    return render_template("courses/review.html", waiting=waiting, published=published)


@blueprint.post("/review/<int:course_id>/publish")
def publish(course_id: int) -> Response:
    person = require(current_person(), *queries.OVERSEERS)
    with school().db.write() as s:
        course = service.publish(s, person, course_id)
    flash(_("“%(title)s”已发布，学员现在就能看到。", title=course.title), "ok")
    return redirect(url_for("courses.review"))


@blueprint.post("/review/<int:course_id>/return")
def return_course(course_id: int) -> Response | tuple[str, int]:
    person = require(current_person(), *queries.OVERSEERS)
    note = request.form.get("note", "")
    try:
        with school().db.write() as s:
            course = service.return_course(s, person, course_id, note)
    except Invalid as error:
        return course_page(course_id, note=note, refusal=sentence(error)), status_of(error)
    flash(_("“%(title)s”已退回，讲师会看到您写的原因。", title=course.title), "ok")
    return redirect(url_for("courses.review"))


@blueprint.post("/courses/<int:course_id>/withdraw")
def withdraw(course_id: int) -> Response:
    person = signed_in(current_person())
    with school().db.write() as s:
        course = service.withdraw(s, person, course_id)
    flash(_("“%(title)s”已撤下，学员现在看不到；已经计入的学时不变。", title=course.title), "ok")
    if course.trainer_id == person.account_id:
        return redirect(url_for("courses.edit", course_id=course.id))
    return redirect(url_for("courses.review"))
