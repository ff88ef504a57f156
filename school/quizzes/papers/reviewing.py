"""Addresses of review: publishing a quiz, returning it with a note, withdrawing it. The queue itself stands on 内容审核."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from school.core.errors import Invalid
from school.core.person import Person, require, signed_in
from school.quizzes.access import OVERSEERS
from school.quizzes.blueprint import blueprint
from school.quizzes.papers import paper as papers
from school.quizzes.papers import queries, service
from school.quizzes.papers.pages import kind_words, quiz_page
from school.webkit.context import current_person, school
from school.webkit.figures import appointment
from school.webkit.queue import Waiting
from school.webkit.replies import sentence, status_of


def waiting(s: Session, person: Person) -> list[Waiting]:
    """The quizzes that wait for this person's review, as lines of the one queue."""
    return [
        Waiting(
            kind=kind_words(quiz.kind),
            title=quiz.title,
            href=url_for("quizzes.page", quiz_id=quiz.id),
            facts=[
                *([appointment(quiz.opens_at)] if quiz.opens_at else []),
                _("%(n)d 题", n=papers.length_of(s, quiz)),
                quiz.author.name,
                quiz.org.short_name,
            ],
            slip=quiz.slip or kind_words(quiz.kind),
            hue=quiz.id % 8 + 1,
            compulsory=quiz.compulsory,
            submitted_at=quiz.submitted_at or quiz.created_at,
        )
        for quiz in queries.in_review(s, person)
    ]


@blueprint.post("/quizzes/<int:quiz_id>/publish")
def publish(quiz_id: int) -> Response:
    person = require(current_person(), *OVERSEERS)
    with school().db.write() as s:
        quiz = service.publish(s, person, quiz_id, school().settings.zone)
    flash(_("“%(title)s”已发布，学员到时间就能参加。", title=quiz.title), "ok")
    return redirect(url_for("courses.review"))


@blueprint.post("/quizzes/<int:quiz_id>/return")
def give_back(quiz_id: int) -> Response | tuple[str, int]:
    person = require(current_person(), *OVERSEERS)
    note = request.form.get("note", "")
    try:
        with school().db.write() as s:
            quiz = service.give_back(s, person, quiz_id, note)
    except Invalid as error:
        return quiz_page(quiz_id, note=note, refusal=sentence(error)), status_of(error)
    flash(_("“%(title)s”已退回，出卷老师会看到您写的原因。", title=quiz.title), "ok")
    return redirect(url_for("courses.review"))


@blueprint.post("/quizzes/<int:quiz_id>/withdraw")
def withdraw(quiz_id: int) -> Response:
    person = signed_in(current_person())
    with school().db.write() as s:
        quiz = service.withdraw(s, person, quiz_id, school().settings.zone)
    flash(_("“%(title)s”已撤下，学员现在看不到；已经有的成绩和学时不变。", title=quiz.title), "ok")
    return redirect(url_for("quizzes.page", quiz_id=quiz_id))
