"""Pages of who takes a quiz: the sitting itself, what came of it, and the book of one's wrong answers."""

from __future__ import annotations

from typing import Any

from flask import jsonify, redirect, render_template, request, url_for
from flask.wrappers import Response
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from school.core.person import Person, require_member, signed_in
from school.core.time import now
from school.quizzes.access import Standing
from school.quizzes.blueprint import blueprint
from school.quizzes.marks import service as marks
from school.quizzes.papers import gate
from school.quizzes.papers.models import QuizState
from school.quizzes.sittings import asking, looking, moments, outcomes, wrong
from school.quizzes.sittings import views as sittings_api
from school.quizzes.sittings.models import AttemptState
from school.webkit.bodies import json_object
from school.webkit.context import current_person, school
from school.webkit.replies import for_scripts, wants_json


@blueprint.get("/quizzes/attempts/<int:attempt_id>")
def sitting(attempt_id: int) -> str | BaseResponse:
    """The page of an open sitting, from now on the only one that may answer; that of its result when it is over.

    A script (the questions at a moment of a lesson) gets what the page would know.
    """
    found = sittings_api.open_attempt(attempt_id)
    if found is None:
        return redirect(sittings_api.page_of(attempt_id) + "/result")
    data = {"id": attempt_id, "zone": school().settings.zone, **found}
    if wants_json():
        answer: Response = jsonify({**data, "words": asking.moment_words()})
        return answer
    return render_template("quizzes/sitting.html", sitting=data, quiz=data["quiz"], words=asking.words())


@blueprint.get("/quizzes/attempts/<int:attempt_id>/result")
def result(attempt_id: int) -> str | BaseResponse:
    """What came of a sitting; one that is still open is gone on with instead."""
    person = signed_in(current_person())
    parts, moment = school(), now()
    with parts.db.read() as s:
        found = outcomes.outcome(s, parts.keys, person, attempt_id, moment)
        again = None
        if found.own and found.quiz.state == QuizState.PUBLISHED:
            here = Standing(found.quiz, person, invited=True, authors=False, helps=False, oversees=False)
            again = gate.gate(s, here, moment, parts.settings.zone)
    if found.own and found.attempt.state == AttemptState.OPEN and not found.attempt.on_paper:
        return redirect(sittings_api.page_of(attempt_id))
    return render_template(
        "quizzes/result.html", here=found, quiz=found.quiz, attempt=found.attempt, again=again,
        taken_ms=marks.taken_ms(found.attempt), moment=moment, words=asking.words(),
    )  # fmt: skip


@blueprint.get("/quizzes/wrong")
def wrong_book() -> str:
    """错题本, as far as what is right may be known."""
    _, member_id = require_member(current_person())
    category = request.args.get("category", "")
    page = max(request.args.get("page", 1, int), 1)
    with school().db.read() as s:
        found = wrong.book(s, member_id, now(), category, page)
        questions = looking.looked_back(s, school().keys, [one.given for one in found.wrongs], now())
    for question, one in zip(questions, found.wrongs, strict=True):
        question["url"] = url_for("quizzes.redo_wrong", attempt_id=one.attempt_id, position=one.position)
    return render_template(
        "quizzes/wrong.html", book=found, questions=questions, category=category, words=asking.words()
    )


@blueprint.post("/quizzes/wrong/<int:attempt_id>/<int:position>")
def redo_wrong(attempt_id: int, position: int) -> Response:
    """Answer a question of the book again: whether it is right now, what is right and why."""
    for_scripts()
    _, member_id = require_member(current_person())
    answer = json_object(prefix="answer").get("a")
    with school().db.write() as s:
        told = wrong.redo(s, member_id, attempt_id, position, answer, now())
    return jsonify(told)


def lesson_moments(s: Session, person: Person, lesson_id: int) -> list[dict[str, Any]]:
    """What the page of a lesson is told of its questions: `{at_ms, title, done, start}`, in their order."""
    return [
        {
            "at_ms": one.at_ms,
            "title": one.title,
            "done": one.done,
            "start": url_for("quizzes.start", quiz_id=one.quiz_id),
        }
        for one in moments.of_lesson(s, person, lesson_id, now())
    ]
