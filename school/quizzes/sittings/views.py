"""Addresses of a sitting for scripts: start, answers as they are given, submission, the server's clock.

Answers carry the signed token of their page, so they need no cookie: a person whose sign-in ends in the middle loses
nothing, and believing a page costs no look-up.
"""

from __future__ import annotations

import math
import time
from typing import Any

from flask import Blueprint, Response, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from school.core import json
from school.core.errors import Invalid, TooLarge
from school.core.i18n import N_
from school.core.person import require_member
from school.quizzes.access import standing
from school.quizzes.blueprint import blueprint
from school.quizzes.papers import gate, pages
from school.quizzes.sittings import opening, queue
from school.quizzes.sittings.models import AttemptState
from school.quizzes.sittings.saving import N_MOST, SPENT_MOST, Delivery, Given, Outcome
from school.quizzes.sittings.service import Open
from school.quizzes.sittings.tokens import Ticket, forged, new_holder, unseal
from school.records.seat import device_name
from school.webkit.bodies import json_object
from school.webkit.context import current_person, school
from school.webkit.replies import error_body, for_scripts, sentence, wants_json

sittings = Blueprint("sittings", __name__)  # the token in the body authorises; no cookie, so no CSRF

ANSWERS_MOST = 200  # in one body; a page that was away for an hour sends its last answer to each question
MALFORMED = N_("这次提交的答案读不出来，没有保存。请刷新页面后继续答题。")
LARGE = N_("一次提交的答案太多，没有保存。请刷新页面后继续答题。")


def clock_ms() -> int:
    """The server's clock, the only one that counts."""
    return time.time_ns() // 1_000_000


def page_of(attempt_id: int) -> str:
    return f"{request.script_root}/quizzes/attempts/{attempt_id}"


# ── with a cookie ───────────────────────────────────────


@blueprint.post("/quizzes/<int:quiz_id>/start")
def start(quiz_id: int) -> BaseResponse:
    """Begin, or go on where one is; leads to the page of the sitting. A wrong seat code is said beside its field."""
    at_ms = clock_ms()
    person, _ = require_member(current_person())
    try:
        with school().db.read() as s:
            here = standing(s, person, quiz_id)
            work = opening.prepared(s, here, request.form.get("code", ""), at_ms, school().settings.zone)
    except Invalid as wrong:
        if wrong.code != "quiz.seat_code":
            raise
        with school().db.write() as s:
            gate.note_wrong_code(s, here)
        if wants_json():
            raise
        return make_response(pages.quiz_page(quiz_id, wrong_code=sentence(wrong)), 422)
    attempt_id = work if isinstance(work, int) else queue.begin(school(), work)
    return redirect(page_of(attempt_id))


def open_attempt(attempt_id: int) -> dict[str, Any] | None:
    """What the sitting page of the signed-in person shows (`opening.opened` with `urls`), from now on the only page that
    may answer; None when the sitting is over. NotFound (`attempt.missing`) for anybody else's."""
    at_ms = clock_ms()
    person, member_id = require_member(current_person())
    ticket = Ticket(attempt_id, member_id, new_holder())
    here = queue.open_page(
        school(),
        Open(attempt_id, member_id, person.account_id, at_ms, ticket.holder, _device(), request.remote_addr or ""),
    )
    if here.state != AttemptState.OPEN:
        return None
    with school().db.read() as s:
        data = opening.opened(s, school().keys, here, ticket, clock_ms())
    data["urls"] = {
        "answers": url_for("sittings.answers"),
        "submit": url_for("sittings.submit", attempt_id=attempt_id),
        "clock": url_for("quizzes.attempt_clock", attempt_id=attempt_id),
        "result": page_of(attempt_id) + "/result",
    }
    return data


@blueprint.get("/quizzes/attempts/<int:attempt_id>/clock")
def attempt_clock(attempt_id: int) -> Response:
    """How much time is left by the server's clock, which an invigilator may have moved."""
    for_scripts()
    _, member_id = require_member(current_person())
    with school().db.read() as s:
        left = opening.time_left(s, attempt_id, member_id)
    return _json(_standing(left.state, left.deadline_ms, paused=left.paused))


def _device() -> str:
    return device_name(request.user_agent.string)


# ── with the page's token ───────────────────────────────


@sittings.before_request
def _for_scripts() -> None:
    """Always JSON: a beacon has no Accept header of its own."""
    for_scripts()


@sittings.post("/quizzes/answers")
def answers() -> Response:
    """Answers as they are given; answered after they are stored. Without answers: a sign of life."""
    at_ms = clock_ms()
    return _json(_delivered(queue.deliver(school(), _delivery(at_ms, submit=False))))


@sittings.post("/quizzes/attempts/<int:attempt_id>/submit")
def submit(attempt_id: int) -> Response:
    """Hand the sitting in, with the last answers; again and again the same answer."""
    at_ms = clock_ms()
    work = _delivery(at_ms, submit=True)
    if work.ticket.attempt_id != attempt_id:
        raise forged()
    outcome = queue.deliver(school(), work)
    return _json({**_delivered(outcome), "href": page_of(attempt_id) + "/result"})


def _delivery(at_ms: int, *, submit: bool) -> Delivery:
    body = json_object(prefix="answer", unreadable=MALFORMED, large=LARGE)
    token, given, back_ms = body.get("token"), body.get("answers", []), body.get("back")
    if not isinstance(token, str) or not isinstance(given, list):
        raise Invalid("answer.malformed", MALFORMED)
    if len(given) > ANSWERS_MOST:
        raise TooLarge("answer.large", LARGE)
    return Delivery(
        unseal(school().keys, token),
        at_ms,
        [_given(one) for one in given],
        away=body.get("away") is not None,
        back_ms=None if back_ms is None else _number(back_ms, SPENT_MOST),
        submit=submit,
    )


def _given(one: object) -> Given:
    if not isinstance(one, dict):
        raise Invalid("answer.malformed", MALFORMED)
    i, n = one.get("i"), one.get("n")
    if type(i) is not int or type(n) is not int or not 0 <= n < N_MOST or not 0 <= i < N_MOST:
        raise Invalid("answer.malformed", MALFORMED)
    return Given(i, one.get("a"), n, _number(one.get("spent_ms", 0), SPENT_MOST))


def _number(value: object, most: int) -> int:
    """A length in milliseconds as the page tells it, never below 0 nor over `most`; NaN and words are malformed."""
    if type(value) not in (int, float) or not math.isfinite(value):  # type: ignore[arg-type]
        raise Invalid("answer.malformed", MALFORMED)
    return min(max(round(value), 0), most)  # type: ignore[call-overload, no-any-return]


def _delivered(outcome: Outcome) -> dict[str, Any]:
    here = outcome.sitting
    return {
        "saved": outcome.saved,
        "refused": [{"i": i, **_refusal(error)} for i, error in outcome.refused],
        **_standing(here.state, here.deadline_ms, paused=here.paused),
    }


def _refusal(error: Any) -> Any:
    return error_body(error)["error"]


def _standing(state: str, deadline_ms: int | None, *, paused: bool) -> dict[str, Any]:
    return {"now_ms": clock_ms(), "deadline_ms": deadline_ms, "paused": paused, "state": state}


def _json(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), mimetype="application/json")
