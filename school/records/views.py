"""Addresses of the records room: claims of study time by signed token, and requests to look again."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from school.core import json
from school.core.errors import Invalid, SchoolError, TooLarge
from school.core.i18n import N_
from school.core.offload import in_thread
from school.core.person import require, require_member
from school.org.models import Member
from school.org.rules import own_path
from school.records.claims import Claim, Outcome, apply
from school.records.commit import GroupCommit
from school.records.ledger import KEEPERS
from school.records.reviews import answer_review, ask_review
from school.records.tokens import unseal
from school.webkit.bodies import json_object
from school.webkit.context import School, current_person, school
from school.webkit.replies import for_scripts

blueprint = Blueprint("records", __name__, template_folder="templates")
study = Blueprint("study", __name__)  # the token in the body authorises; no cookie, so no CSRF

CLAIMS_LIMIT = 1000  # intervals in one body; a page that was away for a day still sends one or two
MALFORMED = N_("这次提交的学习记录读不出来，没有计入。请刷新页面后继续观看。")
LARGE = N_("一次提交的学习记录太多，没有计入。请刷新页面后继续观看。")


def group_commit(parts: School) -> GroupCommit[Claim, Outcome]:
    """The process's one queue of claims, made at its first use."""

    made: GroupCommit[Claim, Outcome] | None = parts.parts.get("claims")
    if made is not None:
        return made

    def flush(claims: Sequence[Claim]) -> list[Outcome | SchoolError]:
        with parts.db.write() as s:
            answers = apply(s, claims, parts.settings.zone)
            if parts.db.sqlite:
                in_thread(s.commit)  # it waits for the disk; the counting before it, for nothing but the processor
            return answers

    made = parts.parts["claims"] = GroupCommit(flush)
    return made


@study.before_request
def _for_scripts() -> None:
    """Always JSON: a beacon has no Accept header of its own."""
    for_scripts()


@study.post("/study/claims")
def claims() -> Response:
    """Claim played stretches; the answer comes after they are stored."""
    at_ms = time.time_ns() // 1_000_000
    body = _body()
    claim = Claim(
        unseal(school().keys, _text(body.get("token"))),
        at_ms,
        _intervals(body.get("claims", [])),
        _optional(body.get("position_ms")),
    )
    return _answer(group_commit(school()).submit(claim))


@study.post("/study/checks")
def checks() -> Response:
    """Answer the presence check."""
    at_ms = time.time_ns() // 1_000_000
    ticket = unseal(school().keys, _text(_body().get("token")))
    return _answer(group_commit(school()).submit(Claim(ticket, at_ms, answer=True)))


def _body() -> dict[str, Any]:
    return json_object(prefix="claim", unreadable=MALFORMED, large=LARGE)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Invalid("claim.malformed", MALFORMED)
    return value


def _number(value: object) -> int:
    """A whole number of milliseconds; NaN, infinities, booleans and words are malformed."""
    if type(value) is int:
        return value
    if type(value) is not float or not math.isfinite(value):
        raise Invalid("claim.malformed", MALFORMED)
    return round(value)


def _optional(value: object) -> int | None:
    return None if value is None else _number(value)


def _intervals(value: object) -> list[tuple[int, int]]:
    if not isinstance(value, list) or any(not isinstance(pair, list) or len(pair) != 2 for pair in value):
        raise Invalid("claim.malformed", MALFORMED)
    if len(value) > CLAIMS_LIMIT:
        raise TooLarge("claim.large", LARGE)
    return [(_number(start), _number(end)) for start, end in value]


def _answer(outcome: Outcome) -> Response:
    hours = outcome.hours
    body = {
        "covered": outcome.covered,
        "refused": outcome.refused,
        "held": outcome.held,
        "covered_ms": outcome.covered_ms,
        "state": outcome.state,
        "check": {"answer_ms": outcome.check_answer_ms} if outcome.check_answer_ms else None,
        "completed": hours is not None,
        "hours": {"group_100": hours.group_100, "online_100": hours.online_100} if hours else None,
    }
    return Response(json.dumps(body), mimetype="application/json")


@blueprint.post("/study/reviews")
def ask() -> tuple[Response, int]:
    """申请复核 by the signed-in member: a refused stretch of a part, or a ledger line."""
    person, _ = require_member(current_person())
    body = _body()
    with school().db.write() as s:
        made = ask_review(
            s,
            person,
            words=_text(body.get("words")),
            part_id=_optional(body.get("part_id")),
            from_ms=_optional(body.get("from_ms")),
            to_ms=_optional(body.get("to_ms")),
            entry_id=_optional(body.get("entry_id")),
        )
    return jsonify(id=made.id, state=made.state), 201


@blueprint.post("/study/reviews/<int:review_id>")
def respond(review_id: int) -> BaseResponse:
    """Answer a request by a page's form, `grant` yes or no with `words`; leads on to `next`."""
    person = require(current_person(), *KEEPERS)
    grant = {"yes": True, "no": False}.get(request.form.get("grant", ""))
    if grant is None:
        raise Invalid("review.choice", N_("没有选同意还是不同意，答复没有保存。请回到申请复核的页面再答复一次。"))
    words = request.form.get("words", "").replace("\r\n", "\n")  # a form sends a line's end as two signs
    with school().db.write() as s:
        made = answer_review(s, person, review_id, grant=grant, words=words, zone=school().settings.zone)
        name = s.get_one(Member, made.member_id).name
    if not grant:
        flash(_("已答复%(name)s同志，没有同意。您写的理由本人会看到。", name=name), "ok")
    elif made.part_id is None:
        flash(_("已同意%(name)s同志的申请，您写的答复本人会看到。", name=name), "ok")
    else:
        flash(_("已同意%(name)s同志的申请，这一段已经计入。", name=name), "ok")
    return redirect(own_path(request.form.get("next")) or url_for("portal.home"))
