"""Addresses of paper: a sample with its answers for author and reviewer; printed papers, their key, and what they came to."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from school.core.errors import Invalid, NotAllowed
from school.core.i18n import N_
from school.core.person import signed_in
from school.core.time import day_of, now
from school.org.models import Member, Organization
from school.quizzes import access
from school.quizzes.access import Standing, at_desk
from school.quizzes.blueprint import blueprint
from school.quizzes.papers import onpaper, printing
from school.quizzes.papers import paper as papers
from school.quizzes.sittings.models import AttemptState
from school.webkit.context import current_person, school
from school.webkit.replies import sentence, status_of


def _standing(s: Session, quiz_id: int, *, lock: bool = False) -> Standing:
    return access.standing(s, signed_in(current_person()), quiz_id, lock=lock)


@blueprint.get("/quizzes/<int:quiz_id>/sample")
def sample(quiz_id: int) -> str:
    """One paper as it may be drawn, with answers: for who wrote it and who reviews it. `draw` shows another one."""
    moment = now()
    seed = request.args.get("draw", 1, type=int)
    with school().db.read() as s:
        here = _standing(s, quiz_id)
        if not (here.authors or here.oversees):
            raise NotAllowed("quiz.sample", N_("样卷和答案只有出卷老师和审核人员能看。"))
        paper = papers.fresh_paper(s, here.quiz, seed, day_of(moment, school().settings.zone))
        questions = printing.printed(s, school().keys, paper)
    return render_template("quizzes/sample.html", quiz=here.quiz, blocks=printing.blocks(questions), draw=seed)


# ── on paper ────────────────────────────────────────────


@blueprint.get("/quizzes/<int:quiz_id>/onpaper")
def onpaper_roster(quiz_id: int) -> str:
    return _roster_page(quiz_id)


def _roster_page(quiz_id: int, typed: dict[str, str] | None = None, refusal: str = "") -> str:
    with school().db.read() as s:
        here = at_desk(_standing(s, quiz_id))
        lines = onpaper.roster(s, here.quiz)
        choices = onpaper.places(s, here.quiz)
    branches = list({line.branch.id: line.branch for line in lines}.values())
    return render_template(
        "quizzes/onpaper.html", here=here, quiz=here.quiz, lines=lines, branches=branches, places=choices,
        typed=typed or {}, refusal=refusal,
    )  # fmt: skip


@blueprint.post("/quizzes/<int:quiz_id>/onpaper")
def prepare_papers(quiz_id: int) -> Response:
    """Draw a paper for everybody of an organisation (`org`); `same`: one paper for all."""
    form, moment = request.form, now()
    with school().db.write() as s:
        made = onpaper.prepare(
            s, _standing(s, quiz_id, lock=True), form.get("org", 0, type=int), moment, school().settings.zone,
            same=form.get("same") == "1",
        )  # fmt: skip
    flash(_("准备好 %(n)d 份试卷，可以打印了。", n=made.papers), "ok" if made.papers else "warn")
    for code, words in onpaper.LEFT_OUT.items():
        names = [name for name, reason in made.left_out if reason == code]
        if names:
            flash(_("没有准备（%(why)s）：%(names)s", why=_(words), names="、".join(names)), "warn")
    return redirect(url_for("quizzes.onpaper_roster", quiz_id=quiz_id))


def _printing(quiz_id: int, template: str) -> str:
    """Papers of the roster that are not entered yet, of one organisation (`org`) or all."""
    org_id = request.args.get("org", 0, type=int)
    with school().db.read() as s:
        here = at_desk(_standing(s, quiz_id))
        org = s.get(Organization, org_id) if org_id else None
        lines = [line for line in onpaper.roster(s, here.quiz, org, with_papers=True) if line.open]
        sheets: list[dict[str, Any]] = []
        for line in lines:
            questions = printing.printed(s, school().keys, line.attempt.paper)
            sheets.append({"line": line, "questions": questions, "blocks": printing.blocks(questions)})
    return render_template(template, quiz=here.quiz, sheets=sheets)


@blueprint.get("/quizzes/<int:quiz_id>/onpaper/print")
def print_papers(quiz_id: int) -> str:
    return _printing(quiz_id, "quizzes/onpaper_print.html")


@blueprint.get("/quizzes/<int:quiz_id>/onpaper/key")
def print_key(quiz_id: int) -> str:
    """What is right on each printed paper, for who marks them."""
    return _printing(quiz_id, "quizzes/onpaper_key.html")


@blueprint.post("/quizzes/<int:quiz_id>/onpaper/results")
def enter_sums(quiz_id: int) -> Response | tuple[str, int]:
    """`score-<attempt id>` of the roster: points, or 缺."""
    typed = {
        int(name[6:]): text
        for name, text in request.form.items()
        if name.startswith("score-") and name[6:].isdecimal() and len(name) < 25
    }
    try:
        with school().db.write() as s:
            n = onpaper.enter_sums(s, _standing(s, quiz_id, lock=True), typed, now(), school().settings.zone)
    except Invalid as error:
        return _roster_page(quiz_id, {f"{key}": text for key, text in typed.items()}, sentence(error)), status_of(error)
    flash(_("保存了 %(n)d 份成绩", n=n), "ok")
    return redirect(url_for("quizzes.onpaper_roster", quiz_id=quiz_id))


@blueprint.get("/quizzes/<int:quiz_id>/onpaper/<int:attempt_id>")
def answers_on_paper(quiz_id: int, attempt_id: int) -> str:
    return _answers_page(quiz_id, attempt_id)


def _answers_page(
    quiz_id: int, attempt_id: int, typed: dict[int, list[str]] | None = None, refusal: dict[str, Any] | None = None
) -> str:
    with school().db.read() as s:
        here = _standing(s, quiz_id)
        attempt = onpaper.one(s, here, attempt_id)
        fields = onpaper.fields_of(s, attempt)
        member = s.get_one(Member, attempt.member_id)
    for field in fields:
        field["texts"] = (typed or {}).get(field["i"]) or field["texts"]
    return render_template(
        "quizzes/onpaper_answers.html", quiz=here.quiz, attempt=attempt, member=member, fields=fields, refusal=refusal,
        void=attempt.state == AttemptState.VOID,
    )  # fmt: skip


@blueprint.post("/quizzes/<int:quiz_id>/onpaper/<int:attempt_id>")
def enter_answers(quiz_id: int, attempt_id: int) -> Response | tuple[str, int]:
    """`a<number from 0>` of each question, of 填空 several; then back to the roster."""
    typed = {
        int(name[1:]): request.form.getlist(name)
        for name in request.form
        if name.startswith("a") and name[1:].isdecimal() and len(name) < 6
    }
    try:
        with school().db.write() as s:
            onpaper.enter_answers(
                s, _standing(s, quiz_id, lock=True), attempt_id, typed, now(), school().settings.zone
            )  # fmt: skip
    except Invalid as error:
        refusal = {"at": error.params.get("at"), "message": sentence(error)}
        return _answers_page(quiz_id, attempt_id, typed, refusal), status_of(error)
    flash(_("这份试卷录好了"), "ok")
    return redirect(url_for("quizzes.onpaper_roster", quiz_id=quiz_id, _anchor=f"paper-{attempt_id}"))
