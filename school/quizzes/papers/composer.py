"""Addresses that write a draft's paper: its sections, choosing questions from the bank, and the questions one by one."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from school.core.errors import Invalid
from school.core.i18n import N_
from school.core.text import hundredths, tidy
from school.core.time import day_of, now
from school.quizzes import bodies
from school.quizzes.bank import rules as bank_rules
from school.quizzes.bank.models import QuestionKind
from school.quizzes.blueprint import blueprint
from school.quizzes.papers import composing, outline
from school.quizzes.papers.studio import edit_page, trainer, zone
from school.webkit.context import school
from school.webkit.replies import sentence, status_of

_NOT_UNDERSTOOD = N_("没有看懂要做什么，什么都没有改。请刷新页面再试。")


def _back(quiz_id: int, anchor: str = "paper") -> Response:
    return redirect(url_for("quizzes.edit", quiz_id=quiz_id, _anchor=anchor))


@blueprint.post("/studio/quizzes/<int:quiz_id>/sections")
def add_section(quiz_id: int) -> Response:
    """A new last section: `do` of fixed (自己选题), then questions are chosen at once, or drawn (按规则抽题)."""
    person = trainer()
    fixed = request.form.get("do") == "fixed"
    with school().db.write() as s:
        section = composing.add_section(s, person, quiz_id, fixed=fixed)
    if fixed:
        return redirect(url_for("quizzes.choose", quiz_id=quiz_id, section_id=section.id))
    return _back(quiz_id, f"section-{section.id}")


@blueprint.post("/studio/quizzes/<int:quiz_id>/sections/<int:section_id>")
def change_section(quiz_id: int, section_id: int) -> Response | tuple[str, int]:
    """`do` of save (title, points, draw, kind, category, difficulty, tag), up, down or remove."""
    person, form = trainer(), request.form
    try:
        with school().db.write() as s:
            match form.get("do"):
                case "save":
                    today = day_of(now(), zone())
                    composing.change_section(s, person, quiz_id, section_id, _section(), today)
                case "up":
                    composing.move_section(s, person, quiz_id, section_id, -1)
                case "down":
                    composing.move_section(s, person, quiz_id, section_id, 1)
                case "remove":
                    composing.remove_section(s, person, quiz_id, section_id)
                    return _back(quiz_id)
                case _:
                    raise Invalid("section.verb", _NOT_UNDERSTOOD)
    except Invalid as error:
        refusal = (section_id, {"code": error.code, "message": sentence(error)})
        return edit_page(quiz_id, section=refusal), status_of(error)
    return _back(quiz_id, f"section-{section_id}")


def _section() -> outline.Section:
    """A section as typed; one with a `draw` is drawn."""
    form = request.form
    points_100 = hundredths(form.get("points", ""))
    if points_100 is None:
        points_100 = 0  # which no section takes
    if "draw" not in form:
        return outline.Section(form.get("title", ""), None, 0, points_100)
    rule = {
        "kind": form.get("kind", ""),
        "category": form.get("category", ""),
        "difficulty": form.getlist("difficulty", type=int),
        "tag": form.get("tag", ""),
    }
    return outline.Section(form.get("title", ""), rule, form.get("draw", 0, type=int), points_100)


@blueprint.get("/studio/quizzes/<int:quiz_id>/sections/<int:section_id>/questions")
def choose(quiz_id: int, section_id: int) -> str:
    """Questions of the bank to tick: searched by words, kind and category."""
    person, args = trainer(), request.args
    kind = args.get("kind", "")
    wanted = composing.Wanted(
        q=tidy(args.get("q", ""))[:60],
        kind=kind if kind in set(QuestionKind) else "",
        category=args.get("category", "")[: bank_rules.CATEGORY_LENGTH],
        page=min(max(args.get("page", 1, type=int), 1), 1000),
    )
    today = day_of(now(), zone())
    with school().db.read() as s:
        quiz, section = composing.fixed_section(s, person, quiz_id, section_id)
        found = composing.choices(s, quiz, wanted, today)
        stock = composing.stock_of(s, quiz, today)
    return render_template(
        "quizzes/choose.html", quiz=quiz, section=section, found=found, stock=stock, wanted=wanted,
        question_kinds=bodies.KINDS,
    )  # fmt: skip


@blueprint.post("/studio/quizzes/<int:quiz_id>/sections/<int:section_id>/questions")
def add_questions(quiz_id: int, section_id: int) -> Response:
    person = trainer()
    chosen = request.form.getlist("question", type=int)
    if not chosen:
        raise Invalid("section.none", N_("请先勾选要加入的题。"))
    with school().db.write() as s:
        came = composing.add_questions(s, person, quiz_id, section_id, chosen, day_of(now(), zone()))
    flash(_("加入了 %(n)d 题", n=came), "ok")
    if request.form.get("do") == "more":
        back: dict[str, Any] = {name: value for name in ("q", "kind", "category") if (value := request.form.get(name))}
        return redirect(url_for("quizzes.choose", quiz_id=quiz_id, section_id=section_id, **back))
    return _back(quiz_id, f"section-{section_id}")


@blueprint.post("/studio/quizzes/<int:quiz_id>/sections/<int:section_id>/questions/<int:question_id>")
def change_question(quiz_id: int, section_id: int, question_id: int) -> Response:
    """`do` of points (with `points`, empty: as the section says), up, down or remove."""
    person, form = trainer(), request.form
    here = (person, quiz_id, section_id, question_id)
    with school().db.write() as s:
        match form.get("do"):
            case "points":
                text = form.get("points", "").strip()
                composing.set_points(s, *here, (hundredths(text) or 0) if text else None)
            case "up":
                composing.move_question(s, *here, -1)
            case "down":
                composing.move_question(s, *here, 1)
            case "remove":
                composing.remove_question(s, *here)
            case _:
                raise Invalid("section.verb", _NOT_UNDERSTOOD)
    return _back(quiz_id, f"section-{section_id}")
