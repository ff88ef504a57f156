"""Addresses of the question bank (题库): the list, one question, writing it, its files, and review by another person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from school.core.errors import Conflict, Invalid
from school.core.i18n import N_
from school.core.person import Person, Role, require
from school.core.time import day_of, now
from school.org import reach, sheets
from school.quizzes.access import BANKERS, OVERSEERS, no_question
from school.quizzes.bank import files, rules, similar
from school.quizzes.bank import form as bank_form
from school.quizzes.bank import queries as bank_queries
from school.quizzes.bank import service as bank
from school.quizzes.bank.models import QuestionKind
from school.quizzes.bank.queries import Wanted
from school.quizzes.blueprint import blueprint
from school.quizzes.bodies import KINDS, letter
from school.webkit.context import current_person, school
from school.webkit.queue import Waiting
from school.webkit.replies import status_of

log = structlog.get_logger()

REVIEWED = 20  # questions on one page of review: each is to be read
FORM_SPARE = 256 * 1024  # bytes of a form around its files
WITH_FILES = {"quizzes.create_question", "quizzes.save_question", "quizzes.upload_file"}
FILTERS = ("q", "kind", "category", "tag", "state", "mine")


@blueprint.url_value_preprocessor
def _room_for_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Runs before the CSRF check reads the form; strangers may send no more than any form."""
    person = current_person() if endpoint in WITH_FILES and request.method == "POST" else None
    if person is not None and person.has(Role.TRAINER):
        request.max_content_length = files.LIMIT + FORM_SPARE


def _today() -> Any:
    return day_of(now(), school().settings.zone)


def _src(file_id: int) -> str:
    return files.for_now(school().keys, file_id)


def _words(**more: Any) -> dict[str, Any]:
    """What every template of the bank may use."""
    return {"rules": rules, "kinds": KINDS, "letter": letter, "src": _src, "today": _today(), **more}


# ── the list ────────────────────────────────────────────


def _wanted() -> Wanted:
    ask = request.args.get
    return Wanted(
        q=ask("q", "")[:60], kind=ask("kind", ""), category=ask("category", ""), tag=ask("tag", ""),
        state=ask("state", ""), mine="mine" in request.args, page=max(1, ask("page", 1, type=int)),
    )  # fmt: skip


def _filters(wanted: Wanted, **other: Any) -> dict[str, Any]:
    """`wanted` as an address carries it, with `other` values in place of its own."""
    values = {name: getattr(wanted, name) for name in FILTERS} | other
    return {name: "1" if value is True else value for name, value in values.items() if value}


@blueprint.get("/bank")
def bank_list() -> str:
    person = require(current_person(), *BANKERS)
    wanted = _wanted()
    with school().db.read() as s:
        found = bank_queries.find(s, person, wanted, _today())
        drafts = bank_queries.drafts(s, person, wanted, _today()) if person.has(Role.TRAINER) else ()
        waiting, _first = bank_queries.waiting(s, person)
    return render_template(
        "quizzes/bank.html", found=found, wanted=wanted, drafts=len(drafts), waiting=waiting, size=bank_queries.PAGE,
        pager_to=lambda page: url_for("quizzes.bank_list", **_filters(wanted, page=page)),
        keep=_filters(wanted), **_words(),
    )  # fmt: skip


@blueprint.post("/bank/batch")
def bank_batch() -> BaseResponse:
    """`do` submit, recall or withdraw with the ticked `ids`, or submit every draft that the list's filters find (`every`)."""
    person = require(current_person(), *BANKERS)
    wanted, do = _wanted(), request.form.get("do", "")
    with school().db.write() as s:
        ids: Sequence[int] = sorted(set(request.form.getlist("ids", type=int)))
        if do == "every":
            ids = bank_queries.drafts(s, require(person, Role.TRAINER), wanted, _today())
        done = _VERBS[do][0](s, person, ids) if do in _VERBS and ids else None
    if done is None:
        flash(_("请先勾选题目，再选要做的事。"), "warn")
    else:
        flash(_(_VERBS[do][1], n=done), "ok" if done else "warn")
    return redirect(url_for("quizzes.bank_list", **_filters(wanted)))


_VERBS = {
    "submit": (bank.submit, N_("已送审 %(n)d 道题，由另一位同志审核。")),
    "every": (bank.submit, N_("已送审 %(n)d 道题，由另一位同志审核。")),
    "recall": (bank.recall, N_("已取回 %(n)d 道题，可以修改了。")),
    "withdraw": (bank.withdraw, N_("已停用 %(n)d 道题，以后的试卷不再用它们；已经开始的考试不受影响。")),
}


# ── one question ────────────────────────────────────────


@blueprint.get("/bank/<int:question_id>")
def question(question_id: int) -> str:
    return question_page(question_id)


def question_page(question_id: int, *, note: str = "", refusal: dict[str, Any] | None = None) -> str:
    """The question with what is right, its versions, what is like it, and what this person may do with it."""
    person = require(current_person(), *BANKERS)
    with school().db.read() as s:
        found = bank_queries.question(s, person, question_id)
        shown = bank_queries.told(s, found, request.args.get("no", type=int))
        versions = bank_queries.versions(s, question_id)
        alike = similar.find(s, person, shown.version.body, but=question_id)
    return render_template(
        "quizzes/bank_question.html", told=shown, question=found, versions=versions, alike=alike, note=note,
        refusal=refusal, may_write=bank_queries.may_write(person, found), follows=rules.follows,
        may_review=bank_queries.may_review(person, shown), may_withdraw=bank_queries.may_withdraw(person, found),
        **_words(),
    )  # fmt: skip


@blueprint.post("/bank/<int:question_id>/<any(submit, recall, withdraw):verb>")
def move_question(question_id: int, verb: str) -> BaseResponse:
    person = require(current_person(), *BANKERS)
    do, words = _VERBS[verb]
    with school().db.write() as s:
        done = do(s, person, [question_id])
    flash(_(words, n=done), "ok")
    return redirect(url_for("quizzes.question", question_id=question_id))


# ── writing ─────────────────────────────────────────────


def _kind(name: str) -> QuestionKind:
    return QuestionKind(name) if name in list(QuestionKind) else QuestionKind.SINGLE


@blueprint.get("/bank/new")
def new_question() -> str:
    kind = _kind(request.args.get("kind", ""))
    return _form_page(None, bank_form.blank(kind) | {"category": request.args.get("category", "")})


@blueprint.post("/bank/new")
def create_question() -> BaseResponse | tuple[str, int]:
    person = require(current_person(), Role.TRAINER)
    fields = bank_form.typed(_kind(request.form.get("kind", "")), request.form)
    fields["host"] = request.form.get("host", "")
    if "more" in request.form:
        return _form_page(None, fields), 200
    try:
        org_id = request.form.get("host", 0, type=int)
        _take_files(person, org_id, fields)
        with school().db.write() as s:
            made = bank.create(s, person, org_id, bank_form.draft(fields))
    except (Invalid, Conflict) as error:
        return _form_page(None, fields, sheets.refused(error, "question")), status_of(error)
    flash(_("已存进题库。还要送审，由另一位同志通过以后才能用。"), "ok")
    return redirect(_after(made.id))


@blueprint.get("/bank/<int:question_id>/edit")
def edit_question(question_id: int) -> str:
    return _form_page(question_id, None)


@blueprint.post("/bank/<int:question_id>/edit")
def save_question(question_id: int) -> BaseResponse | tuple[str, int]:
    person = require(current_person(), Role.TRAINER)
    with school().db.read() as s:
        found = bank_queries.question(s, person, question_id)
    fields = bank_form.typed(QuestionKind(found.kind), request.form)
    if "more" in request.form:
        return _form_page(question_id, fields), 200
    form = request.form
    try:
        _take_files(person, found.org_id, fields)
        with school().db.write() as s:
            bank.edit(
                s, person, question_id, form.get("no", 0, type=int), bank_form.draft(fields), form.get("turn", "")
            )
    except (Invalid, Conflict) as error:
        return _form_page(question_id, fields, sheets.refused(error, "question")), status_of(error)
    flash(_("已保存"), "ok")
    return redirect(_after(question_id))


def _after(question_id: int) -> str:
    """Where a saved question leads: to the next new one of its kind, or to itself."""
    if request.form.get("then") == "next":
        return url_for(
            "quizzes.new_question", kind=request.form.get("kind"), category=request.form.get("category", "")[:40]
        )
    return url_for("quizzes.question", question_id=question_id)


def _form_page(question_id: int | None, fields: dict[str, Any] | None, refusal: dict[str, Any] | None = None) -> str:
    """The form of a new question, or of one by its id with what stands in it (None: as it is stored)."""
    person = require(current_person(), Role.TRAINER)
    with school().db.read() as s:
        found = None
        if question_id is not None:
            found = bank_queries.question(s, person, question_id)
            if not bank_queries.may_write(person, found):
                raise no_question()
            rules.must_be_editable(found.state)
            if fields is None:
                fields = bank_form.written(bank_queries.draft_of(bank_queries.told(s, found)))
        assert fields is not None
        held = files.of(s, _file_ids(fields))
        suggestions = {
            "categories": [category for category, _n in bank_queries.categories(s, person)],
            "known_tags": bank_queries.suggested_tags(s, person),
        }
        hosts = reach.hosts(s, person)
    return render_template(
        "quizzes/bank_edit.html", question=found, fields=fields, files=held, refusal=refusal, hosts=hosts,
        turn=bank.turn_of(found) if found else "", **suggestions, **_words(),
    )  # fmt: skip


def _file_ids(fields: dict[str, Any]) -> list[int]:
    options = [option for name in _lists(fields) for option in fields[name]]
    return [*fields["stem_media"], *(file_id for option in options for file_id in option["media"])]


def _lists(fields: dict[str, Any]) -> tuple[str, ...]:
    return bank_form.KINDS_OF_LISTS.get(fields["kind"], ())


# ── files ───────────────────────────────────────────────


def _take_files(person: Person, org_id: int, fields: dict[str, Any]) -> None:
    """Put what came with the form itself (a browser without script sends it so) beside the ids that were there."""
    places = {"stem_file": fields["stem_media"]}
    for name in _lists(fields):
        places |= {f"{name}_file_{i}": option["media"] for i, option in enumerate(fields[name])}
    for name, ids in places.items():
        upload = request.files.get(name)
        if upload is not None and upload.filename:
            ids.append(_take(person, org_id, upload.read(files.LIMIT + 1), upload.filename, "").id)


def _take(person: Person, org_id: int, data: bytes, name: str, alt: str) -> Any:
    parts = school()
    looked = files.look_at(data)
    files.keep(parts.store, looked)
    with parts.db.write() as s:
        kept = files.add(s, person, org_id, looked, name=name, alt=alt)
    files.keep_still(parts.store, looked)
    return kept


@blueprint.post("/bank/files")
def upload_file() -> Response:
    """Take one `file` for the bank of `host`, with `alt`; answers `{id, mime, src, name, width, height}`."""
    person = require(current_person(), Role.TRAINER)
    upload, form = request.files.get("file"), request.form
    if upload is None or not upload.filename:
        raise Invalid("question_file.missing", N_("请先选择一个图片、声音或短视频文件。"))
    data = upload.read(files.LIMIT + 1)
    kept = _take(person, form.get("host", 0, type=int), data, upload.filename, form.get("alt", ""))
    return jsonify(
        id=kept.id, mime=kept.mime, src=_src(kept.id), name=kept.name, width=kept.width, height=kept.height
    )  # fmt: skip


@blueprint.post("/bank/similar")
def alike() -> Response:
    """What is like the question in the form (its fields, `but` its id): `[{id, brief, href, likeness, same}]`."""
    person = require(current_person(), Role.TRAINER)
    fields = bank_form.typed(_kind(request.form.get("kind", "")), request.form)
    options = [option for name in _lists(fields) for option in fields[name]]
    body = {"stem": fields["stem"][:2000], "options": [{"text": each["text"][:500]} for each in options]}
    if len(rules.bare(body["stem"])) < 4:
        return jsonify(alike=[])
    with school().db.read() as s:
        found = similar.find(s, person, body, but=request.form.get("but", type=int))
    return jsonify(
        alike=[
            {
                "id": each.question.id, "brief": each.question.brief, "likeness": each.likeness, "same": each.same,
                "href": url_for("quizzes.question", question_id=each.question.id),
            }
            for each in found
        ]
    )  # fmt: skip


# ── review ──────────────────────────────────────────────


def waiting(s: Session, person: Person) -> list[Waiting]:
    """The questions that wait for this person's review, as one line of the one queue."""
    count, first = bank_queries.waiting(s, person)
    if first is None:
        return []
    return [
        Waiting(
            kind=_("题库"),
            title=ngettext("%(num)d 道试题", "%(num)d 道试题", count),
            href=url_for("quizzes.review_bank"),
            slip=_("试题"),
            hue=7,
            submitted_at=first.submitted_at or first.created_at,
            facts=[first.brief],
        )
    ]


@blueprint.get("/bank/review")
def review_bank() -> str:
    return _review_page()


def _review_page(note: str = "", refusal: dict[str, Any] | None = None) -> str:
    person = require(current_person(), *OVERSEERS)
    page = max(1, request.args.get("page", 1, type=int))
    with school().db.read() as s:
        shown, total = bank_queries.in_review(s, person, page=page, size=REVIEWED)
        held = similar.hold(s) if shown else None
        alike = {
            told.question.id: similar.find(s, person, told.version.body, but=told.question.id, held=held)
            for told in shown
        }
    return render_template(
        "quizzes/bank_review.html", shown=shown, total=total, alike=alike, page=page, size=REVIEWED, note=note,
        refusal=refusal, pager_to=lambda page: url_for("quizzes.review_bank", page=page), ticked=request.form.getlist("ids", type=int), **_words(),
    )  # fmt: skip


@blueprint.post("/bank/review")
def judge_questions() -> BaseResponse | tuple[str, int]:
    """`do` approve or return (with `note`) the ticked `ids`; `one` leads back to that question."""
    person = require(current_person(), *OVERSEERS)
    form = request.form
    ids, note = sorted(set(form.getlist("ids", type=int))), form.get("note", "")
    one = form.get("one", type=int)
    if not ids:
        flash(_("请先勾选看过的题目。"), "warn")
        return redirect(url_for("quizzes.review_bank"))
    try:
        with school().db.write() as s:
            returns = form.get("do") == "return"
            done = bank.give_back(s, person, ids, note) if returns else bank.approve(s, person, ids)
    except Invalid as error:
        page = (
            question_page(one, note=note, refusal=sheets.refused(error, "question"))
            if one
            else _review_page(note, sheets.refused(error, "question"))
        )
        return page, status_of(error)
    words = _("已退回 %(n)d 道题，出题人会看到您写的原因。", n=done)
    if not returns:
        words = _("已通过 %(n)d 道题，现在可以组卷了。", n=done)
    flash(words, "ok" if done else "warn")
    return redirect(url_for("quizzes.question", question_id=one) if one else url_for("quizzes.review_bank"))
