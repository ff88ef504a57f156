"""Pages of who takes a quiz: the sitting itself, what came of it, and the book of one's wrong answers."""

from __future__ import annotations

from flask import jsonify, redirect, render_template
from flask.wrappers import Response
from werkzeug.wrappers import Response as BaseResponse

from school.quizzes import sittings_api
from school.quizzes.blueprint import blueprint
from school.webkit.context import school
from school.webkit.replies import wants_json


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
        answer: Response = jsonify(data)
        return answer
    return render_template("quizzes/sitting.html", sitting=data, quiz=data["quiz"])
