"""Addresses for everybody: 考试测验 (what is open, comes and is over), and the face of one quiz with its gate."""

from __future__ import annotations

from flask import render_template

from school.core.person import signed_in
from school.quizzes import access
from school.quizzes.blueprint import blueprint
from school.webkit.context import current_person, school


@blueprint.get("/quizzes")
def index() -> str:
    signed_in(current_person())
    return render_template("quizzes/index.html")


@blueprint.get("/quizzes/<int:quiz_id>")
def page(quiz_id: int) -> str:
    person = signed_in(current_person())
    with school().db.read() as s:
        here = access.standing(s, person, quiz_id)
    return render_template("quizzes/page.html", here=here, quiz=here.quiz)
