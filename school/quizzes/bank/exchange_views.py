"""Addresses for questions in and out as files: upload, preview with its problems, taking in, the template, and export."""

from __future__ import annotations

import base64
import io
from functools import partial
from typing import Any

from flask import flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from school.core.errors import Conflict, Invalid, SchoolError, TooLarge
from school.core.offload import in_thread
from school.core.person import Person, Role, require
from school.core.time import day_of, now
from school.org import audit, reach
from school.quizzes import bodies
from school.quizzes.access import BANKERS
from school.quizzes.bank import exchange, formats
from school.quizzes.bank import queries as bank_queries
from school.quizzes.bank.exchange import Preview
from school.quizzes.bank.formats import Format, xlsx_out
from school.quizzes.bank.models import QuestionImport
from school.quizzes.bank.queries import Wanted
from school.quizzes.bank.rules import Draft
from school.quizzes.blueprint import blueprint
from school.quizzes.bodies import KINDS
from school.webkit import xlsx
from school.webkit.context import current_person, school
from school.webkit.replies import sentence, status_of

SHOWN = 100  # questions of a preview that stand on its page
PROBLEMS = 200


@blueprint.url_value_preprocessor
def _room_for_a_bank(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Runs before the CSRF check reads the form; strangers may send no more than any form."""
    person = current_person() if endpoint == "quizzes.read_import" and request.method == "POST" else None
    if person is not None and person.has(Role.TRAINER):
        request.max_content_length = exchange.MOST_BYTES + 256 * 1024


# ── in ──────────────────────────────────────────────────


@blueprint.get("/bank/import")
def new_import() -> str:
    return _import_page({"form": "", "category": "", "host": ""})


def _import_page(fields: dict[str, str], refusal: SchoolError | None = None) -> str:
    person = require(current_person(), Role.TRAINER)
    with school().db.read() as s:
        hosts = reach.hosts(s, person)
        categories = [name for name, _count in bank_queries.categories(s, person)]
    told = {"code": refusal.code, "message": sentence(refusal)} if refusal else None
    return render_template(
        "quizzes/import_new.html", fields=fields, hosts=hosts, categories=categories, names=formats.NAMES, refusal=told
    )


@blueprint.post("/bank/import")
def read_import() -> Response | tuple[str, int]:
    """Read the `file` as `form` (empty: by what it holds) and show what it holds; nothing is in the bank yet."""
    person = require(current_person(), Role.TRAINER)
    fields = {name: request.form.get(name, "") for name in ("form", "category", "host")}
    sent = request.files.get("file")
    try:
        form = Format(fields["form"]) if fields["form"] in set(Format) else None
        preview = exchange.opened(sent.read() if sent else b"", form, fields["category"])
        name = (sent.filename if sent else "") or ""
        org_id = request.form.get("host", 0, type=int)
        import_id = exchange.keep(school().db, school().store, person, org_id, name, preview)
    except (Invalid, TooLarge) as error:
        return _import_page(fields, error), status_of(error)
    return redirect(url_for("quizzes.show_import", import_id=import_id))


def _kept(import_id: int) -> tuple[Person, QuestionImport]:
    person = require(current_person(), Role.TRAINER)
    with school().db.read() as s:
        return person, exchange.kept(s, person, import_id)


def place_words(form: str, place: int) -> str:
    """Where a question stands in its file."""
    return str(_("第 %(n)d 题", n=place) if form == Format.MOODLE_XML else _("第 %(n)d 行", n=place))


def _media(preview: Preview, draft: Draft) -> list[dict[str, str]]:
    """The files of a question in their order: what each is, and of a picture a small one as an address that holds it."""
    found = (preview.files[place - 1] for place in bodies.files(draft.body))
    return [
        {"mime": looked.mime, "alt": file.alt, "name": file.name, "src": _src(looked.thumb)} for file, looked in found
    ]


def _src(thumb: bytes) -> str:
    """What the limited child drew anew (`files.look`), in the page itself: nothing of the file is fetched from anywhere."""
    mime = "image/png" if thumb.startswith(b"\x89PNG") else "image/jpeg"
    return f"data:{mime};base64,{base64.b64encode(thumb).decode()}" if thumb else ""


@blueprint.get("/bank/import/<int:import_id>")
def show_import(import_id: int) -> str | Response:
    person, found = _kept(import_id)
    if found.taken_at is not None:
        return redirect(url_for("quizzes.bank_list", mine=1))
    preview = exchange.shown(school().store, found)
    repeats = exchange.repeats(school().db, person, preview)
    return render_template(
        "quizzes/import.html",
        found=found,
        preview=preview,
        repeats=repeats,
        form_name=formats.NAMES[preview.form],
        place=place_words,
        kinds=KINDS,
        answer=xlsx_out.answer_words,
        media=partial(_media, preview),
        shown=SHOWN,
        problems=PROBLEMS,
    )


@blueprint.get("/bank/import/<int:import_id>/problems.xlsx")
def import_problems(import_id: int) -> Response:
    """Every problem and every note of the file, row by row."""
    _person, found = _kept(import_id)
    preview = exchange.shown(school().store, found)
    columns = [
        xlsx.Column(_("位置"), 12),
        xlsx.Column(_("题目"), 50),
        xlsx.Column(_("结果"), 12),
        xlsx.Column(_("说明"), 70),
    ]
    sheet = xlsx.Sheet(_("导入结果"), _("导入结果"), found.name, columns, _lines(preview))
    return xlsx.workbook(
        in_thread(xlsx.write, [sheet]), f"导入结果_{day_of(now(), school().settings.zone):%Y%m%d}.xlsx"
    )


def _lines(preview: Preview) -> list[tuple[str, str, str, str]]:
    """Place, question, what becomes of it, and why; in the order of the file."""
    results = {"error": _("有错"), "skipped": _("没有收下")}
    lines = [
        (each.place, each.brief, results[each.kind], _(each.note.message, **each.note.params))
        for each in preview.problems
    ] + [
        (item.place, item.draft.body["stem"][:120], _("收下，有说明"), _(note.message, **note.params))
        for item in preview.items
        for note in item.notes
    ]
    return [(place_words(preview.form, place), *more) for place, *more in sorted(lines)]


@blueprint.post("/bank/import/<int:import_id>")
def take_import(import_id: int) -> Response:
    """`do` take (with `skip`, `submit`) writes all of it into the bank, `do` drop forgets it."""
    person = require(current_person(), Role.TRAINER)
    form, parts = request.form, school()
    if form.get("do") == "drop":
        exchange.forget(parts.db, parts.store, person, import_id)
        return redirect(url_for("quizzes.new_import"))
    try:
        count = exchange.take(
            parts.db, parts.store, person, import_id, skip="skip" in form, submit="submit" in form
        )  # fmt: skip
    except Conflict as error:
        flash(sentence(error), "bad")
        return redirect(url_for("quizzes.show_import", import_id=import_id))
    if "submit" in form:
        flash(_("已导入 %(n)d 道题并送审，由另一位同志审核通过后可用。", n=count), "ok")
    else:
        flash(_("已导入 %(n)d 道题，都是草稿。核对以后请送审。", n=count), "ok")
    return redirect(url_for("quizzes.bank_list", mine=1))


@blueprint.get("/bank/import/template.xlsx")
def import_template() -> Response:
    require(current_person(), Role.TRAINER)
    return xlsx.workbook(in_thread(xlsx_out.template), "题库导入模板.xlsx")


# ── out ─────────────────────────────────────────────────


def _asked() -> tuple[Person, Wanted, Format]:
    person = require(current_person(), *BANKERS)
    ask = request.args.get
    asked = ask("form", "")
    wanted = Wanted(
        q=ask("q", "")[:60], kind=ask("kind", ""), category=ask("category", ""), tag=ask("tag", ""),
        state=ask("state", ""), mine="mine" in request.args,
    )  # fmt: skip
    return person, wanted, Format(asked) if asked in set(Format) else Format.XLSX


def _export(person: Person, wanted: Wanted) -> exchange.Export:
    with school().db.read() as s:
        today = day_of(now(), school().settings.zone)
        return exchange.chosen(s, bank_queries.matching(wanted, person, today))


@blueprint.get("/bank/export")
def export() -> str:
    """What would be written in the format of `form`, and what that does not carry, question by question."""
    person, wanted, form = _asked()
    found = _export(person, wanted)
    losses: dict[int, list[formats.Loss]] = {}
    for loss in exchange.losses(form, found):
        losses.setdefault(loss.index, []).append(loss)
    with school().db.read() as s:
        categories = [name for name, _count in bank_queries.categories(s, person)]
    return render_template(
        "quizzes/export.html",
        found=found,
        wanted=wanted,
        form=form,
        names=formats.NAMES,
        losses=losses,
        whole=sum(any(loss.whole for loss in some) for some in losses.values()),
        shown=PROBLEMS,
        most=exchange.MOST_OUT,
        categories=categories,
        kinds=KINDS,
        keep={name: value for name, value in request.args.items() if value},
    )


@blueprint.get("/bank/export/file")
def export_file() -> Response:
    person, wanted, form = _asked()
    found = _export(person, wanted)
    data = exchange.written(school().store, form, found)
    with school().db.write() as s:
        audit.record(s, person, "question.export", ("question", None), None, form=form, count=len(found.drafts))
    ending, mime = formats.FORMATS[form]
    name = f"题库_{day_of(now(), school().settings.zone):%Y%m%d}.{ending}"
    response = send_file(io.BytesIO(data), mimetype=mime, as_attachment=True, download_name=name)
    response.headers["Cache-Control"] = "private, no-store"
    return response
