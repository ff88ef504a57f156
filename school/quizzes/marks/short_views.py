"""Addresses where short answers are marked: how far it is, and the next answer, without a name."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from school.core.errors import Conflict, Invalid, SchoolError
from school.core.person import signed_in
from school.core.time import now
from school.quizzes import access
from school.quizzes.blueprint import blueprint
from school.quizzes.marks import short
from school.quizzes.marks.marking import MARKERS
from school.webkit.context import current_person, school
from school.webkit.replies import sentence, status_of


@blueprint.get("/quizzes/<int:quiz_id>/marking")
def marking(quiz_id: int) -> str:
    """The next answer of a question, or the one whose mark this person thinks over again (`answer`)."""
    return _page(quiz_id, request.args.get("question", type=int), request.args.get("answer", ""))


def _page(
    quiz_id: int,
    version_id: int | None,
    handle: str = "",
    typed: dict[str, Any] | None = None,
    refusal: SchoolError | None = None,
) -> str:
    person = signed_in(current_person())
    with school().db.read() as s:
        here = short.may_mark(access.standing(s, person, quiz_id))
        questions = short.asked(s, school().keys, here)
    chosen, answer = short.at_hand(questions, version_id, handle)
    if typed is None and answer and answer.own:
        typed = {"points": f"{answer.own.points_100 / 100:g}", "note": answer.own.note}
    return render_template(
        "quizzes/marking.html",
        quiz=here.quiz,
        questions=questions,
        chosen=chosen,
        answer=answer,
        markers=MARKERS,
        typed=typed or {},
        refusal=refusal and {"code": refusal.code, "message": sentence(refusal)},
    )


@blueprint.post("/quizzes/<int:quiz_id>/marking")
def give_mark(quiz_id: int) -> Response | tuple[str, int]:
    person = signed_in(current_person())
    form = request.form
    version_id = form.get("question", type=int)
    try:
        with school().db.write() as s:
            here = access.standing(s, person, quiz_id)
            short.give(
                s, school().keys, here, form.get("answer", ""), form.get("points", ""), form.get("note", ""), now(),
                school().settings.zone,
            )  # fmt: skip
    except Conflict as error:
        flash(sentence(error), "warn")
    except Invalid as error:
        return _page(quiz_id, version_id, form.get("answer", ""), form.to_dict(), error), status_of(error)
    else:
        flash(_("已评，接着评下一份"), "ok")
    return redirect(url_for("quizzes.marking", quiz_id=quiz_id, question=version_id))
