"""Addresses where a key is corrected: the form, what the correction would do, and the correction itself."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from school.core import json
from school.core.errors import Conflict, Invalid, SchoolError
from school.core.person import signed_in
from school.core.time import now
from school.quizzes import bodies
from school.quizzes.bank import files
from school.quizzes.bank.models import QuestionKind
from school.quizzes.blueprint import blueprint
from school.quizzes.marks import keys
from school.quizzes.marks.keys import Keyed, Preview
from school.webkit.context import current_person, school
from school.webkit.replies import sentence, status_of

AT_ONCE = 2000  # sittings marked anew before the page answers; the clock goes on with the others
SHOWN = 100  # people named in the preview


@blueprint.get("/bank/<int:question_id>/key")
def key(question_id: int) -> str:
    """更正答案: what counts as right now, and the form."""
    return _page(question_id, request.args.get("version", type=int))


def _page(
    question_id: int,
    no: int | None,
    typed: dict[str, Any] | None = None,
    preview: Preview | None = None,
    refusal: SchoolError | None = None,
) -> str:
    person = signed_in(current_person())
    with school().db.read() as s:
        found = keys.keyed(s, person, question_id, no)
        waiting = keys.waiting(s, found.version.id)
        history = keys.history(s, found.version.id)
        held = files.of(s, bodies.files(found.version.body))
    return render_template(
        "quizzes/key.html",
        question=found.question,
        version=found.version,
        body=found.version.body,
        current=found.key,
        history=history,
        waiting=waiting,
        typed=typed or {"key": found.key.key, "waived": found.key.waived, "reason": ""},
        preview=preview,
        seen=_seen(typed) if preview and typed else "",
        shown=SHOWN,
        kinds=bodies.KINDS,
        letter=bodies.letter,
        files=held,
        src=lambda file_id: files.for_now(school().keys, file_id),
        refusal=refusal and {"code": refusal.code, "message": sentence(refusal)},
    )


@blueprint.post("/bank/<int:question_id>/key")
def correct_key(question_id: int) -> str | Response | tuple[str, int]:
    """Corrects the key and marks anew, when what it would do was shown before; else (or with `do=preview`) shows it."""
    person = signed_in(current_person())
    form = request.form
    no = form.get("version", type=int)
    waived = "waived" in form
    typed: dict[str, Any] = {"key": {}, "waived": waived, "reason": form.get("reason", "")}
    try:
        with school().db.read() as s:
            found = keys.keyed(s, person, question_id, no)
            typed["key"] = found.key.key if waived else _typed_key(found, form)
            typed["key"] = keys.checked_key(found, typed["key"], waived)
            keys.checked_reason(typed["reason"])
            if form.get("do") == "preview" or form.get("seen") != _seen(typed):
                return _page(question_id, no, typed, keys.preview(s, found, typed["key"], waived))
        with school().db.write() as s:
            revision = form.get("revision", 0, type=int)
            found = keys.correct(
                s, person, question_id, found.version.no, typed["key"], waived, typed["reason"], revision, now()
            )  # fmt: skip
    except (Invalid, Conflict) as error:
        return _page(question_id, no, typed, refusal=error), status_of(error)
    done = keys.remark(school().db, found.version.id, school().settings.zone, most=AT_ONCE)
    flash(
        _("答案已更正，成绩有变化的同志已经重新计分，并会收到说明。")
        if done
        else _("答案已更正。答卷比较多，正在陆续重新计分，几分钟内完成。"),
        "ok",
    )
    return redirect(url_for("quizzes.key", question_id=question_id, version=found.version.no))


def _seen(typed: dict[str, Any]) -> str:
    """What a preview was of, as the form that confirms it carries it."""
    return json.text([typed["key"], typed["waived"]])


def _typed_key(found: Keyed, form: MultiDict[str, str]) -> dict[str, Any]:
    """The key as the form of its kind gives it; `bodies` says what is wrong with it."""
    body = found.version.body
    match QuestionKind(found.question.kind):
        case QuestionKind.SINGLE | QuestionKind.MULTIPLE:
            return {"right": form.getlist("right", type=int)}
        case QuestionKind.JUDGE:
            return {"right": {"true": True, "false": False}.get(form.get("right", ""))}
        case QuestionKind.FILL:
            return {"blanks": [form.get(f"blank-{i}", "").splitlines() for i in range(body["blanks"])]}
        case QuestionKind.ORDER:
            placed = [(form.get(f"place-{i}", 0, type=int), i) for i in range(len(body["options"]))]
            whole = {place for place, _ in placed} == set(range(1, len(placed) + 1))
            return {"order": [i for _, i in sorted(placed)] if whole else None}
        case QuestionKind.MATCH:
            return {"pairs": [form.get(f"pair-{i}", -1, type=int) for i in range(len(body["left"]))]}
        case QuestionKind.SHORT:
            return {"model": form.get("model", "")}
