"""监考: the invigilator's page, what it asks for every few seconds, and what is done from it; every act is a plain form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from school.core.errors import Invalid
from school.core.i18n import N_
from school.core.person import signed_in
from school.quizzes import access
from school.quizzes.access import Standing, at_desk
from school.quizzes.blueprint import blueprint
from school.quizzes.sittings import control, invigilation
from school.quizzes.sittings.models import AttemptState
from school.quizzes.sittings.service import QUIET_MS, moment_of
from school.quizzes.sittings.views import clock_ms
from school.webkit.context import current_person, school

STATES = {
    AttemptState.OPEN: N_("答题中"),
    AttemptState.SUBMITTED: N_("已交卷"),
    AttemptState.MARKED: N_("已交卷"),
    AttemptState.VOID: N_("已作废"),
}
EVENTS = {
    "started": N_("开始答题"),
    "resumed": N_("在另一个页面或设备上接着答"),
    "away": N_("离开了答题页面"),
    "back": N_("回到答题页面，离开 %(length)s"),
    "submitted": N_("交卷"),
    "extended": N_("加时 %(length)s：%(reason)s"),
    "silent": N_("有 %(length)s 没有消息，后来接上了"),
    "paused": N_("全场暂停过 %(length)s"),
    "voided": N_("作废：%(reason)s"),
    "told": N_("本人看到了作废的原因"),
    "reopened": N_("重新打开，给 %(length)s：%(reason)s"),
}
SUBMITTED_BY = {"member": N_("本人交卷"), "clock": N_("到时间自动交卷"), "desk": N_("监考人员收卷")}


def _standing(s: Session, quiz_id: int) -> Standing:
    return at_desk(access.standing(s, signed_in(current_person()), quiz_id))


def _room(s: Session, here: Standing) -> dict[str, Any]:
    show = request.args.get("show", "all")
    if show not in invigilation.SHOWS:
        show = "all"
    found = invigilation.room(s, here, clock_ms(), show=show, search=request.args.get("q", ""))
    for sitter in found["sitters"]:
        sitter["href"] = url_for("quizzes.sitter", quiz_id=here.quiz.id, attempt_id=sitter["id"])
    return found


@blueprint.get("/quizzes/<int:quiz_id>/desk")
def desk(quiz_id: int) -> str:
    """The room as it is now; `show` and `q` choose whom to list."""
    with school().db.read() as s:
        here = _standing(s, quiz_id)
        found, notes = _room(s, here), invigilation.notes(s, here)
        absent = (
            invigilation.absent(s, here, request.args.get("q", "")) if request.args.get("show") == "absent" else None
        )
    return render_template(
        "quizzes/desk.html", here=here, quiz=here.quiz, room=found, notes=notes, absent=absent, states=STATES, shows=invigilation.SHOWS,
        moment_of=moment_of, zone=school().settings.zone,
    )  # fmt: skip


@blueprint.get("/quizzes/<int:quiz_id>/desk/room")
def desk_room(quiz_id: int) -> Response:
    """As `invigilation.room` tells, with the address of each sitter's own page (`href`)."""
    with school().db.read() as s:
        found = _room(s, _standing(s, quiz_id))
    answer: Response = jsonify(found)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@blueprint.get("/quizzes/<int:quiz_id>/desk/<int:attempt_id>")
def sitter(quiz_id: int, attempt_id: int) -> str:
    """One person's sitting: what happened, and what may be done about it."""
    with school().db.read() as s:
        here = _standing(s, quiz_id)
        found = invigilation.sitter(s, here, attempt_id, clock_ms())
    return render_template(
        "quizzes/sitter.html", here=here, quiz=here.quiz, **found, states=STATES, moment_of=moment_of, told=_told,
        submitted_by=SUBMITTED_BY, told_already=control.TOLD, now_ms=clock_ms(), quiet_ms=QUIET_MS,
    )  # fmt: skip


def _told(kind: str, body: dict[str, Any]) -> str:
    """An event in words."""
    length = _length(int(body.get("ms") or 0))
    words: str = _(EVENTS.get(kind, kind), length=length, reason=body.get("reason", ""))
    return words


def _length(ms: int) -> str:
    words: str = _("%(n)d 秒", n=round(ms / 1000)) if ms < 120_000 else _("%(n)d 分钟", n=round(ms / 60_000))
    return words


# ── what is done ────────────────────────────────────────

Act = Callable[[Session, Standing], Any]  # does it, and gives the words of what was done


def _done(quiz_id: int, act: Act, attempt_id: int | None = None) -> Response:
    """Do it in one transaction, say what was done, and go back to where it was asked for."""
    with school().db.write() as s:
        words = act(s, _standing(s, quiz_id))
    flash(words, "ok")
    if attempt_id is None:
        return redirect(url_for("quizzes.desk", quiz_id=quiz_id))
    return redirect(url_for("quizzes.sitter", quiz_id=quiz_id, attempt_id=attempt_id))


def _minutes() -> int:
    minutes = request.form.get("minutes", type=int)
    if minutes is None:
        raise Invalid("control.minutes", N_("请填 1 到 240 之间的分钟数。"))
    return minutes


def _why() -> str:
    return request.form.get("reason", "")


@blueprint.post("/quizzes/<int:quiz_id>/desk/code")
def new_code(quiz_id: int) -> Response:
    """A new seat code; the one before is no longer good."""

    def act(s: Session, here: Standing) -> Any:
        return _("新的考场码是 %(code)s，原来的不能再用。", code=control.new_code(s, here))

    return _done(quiz_id, act)


@blueprint.post("/quizzes/<int:quiz_id>/desk/extend")
def extend_all(quiz_id: int) -> Response:
    """More time for everybody who sits now: `minutes`, `reason`."""

    def act(s: Session, here: Standing) -> Any:
        minutes = _minutes()
        people = control.extend(s, here, minutes, _why(), clock_ms())
        return _("给 %(people)d 位正在答题的同志各加了 %(minutes)d 分钟。", people=people, minutes=minutes)

    return _done(quiz_id, act)


@blueprint.post("/quizzes/<int:quiz_id>/desk/pause")
def pause_all(quiz_id: int) -> Response:
    """Let the whole room stand still: `reason`."""

    def act(s: Session, here: Standing) -> Any:
        control.pause(s, here, _why(), clock_ms())
        return _("全场暂停了，大家的时间都停着。")

    return _done(quiz_id, act)


@blueprint.post("/quizzes/<int:quiz_id>/desk/resume")
def resume_all(quiz_id: int) -> Response:
    """Let it go on; the time of the pause is given back."""

    def act(s: Session, here: Standing) -> Any:
        length = _length(control.resume(s, here, clock_ms()))
        return _("考试继续，暂停的 %(length)s 已经还给大家。", length=length)

    return _done(quiz_id, act)


@blueprint.post("/quizzes/<int:quiz_id>/desk/collect")
def collect_all(quiz_id: int) -> Response:
    """收卷: take in every sitting that is still open."""

    def act(s: Session, here: Standing) -> Any:
        people = control.collect(s, here, clock_ms(), school().settings.zone)
        return _("收了 %(people)d 位同志的卷子，答案都在。", people=people)

    return _done(quiz_id, act)


@blueprint.post("/quizzes/<int:quiz_id>/desk/notes")
def note_room(quiz_id: int) -> Response:
    """An incident of the whole room: `text`."""

    def act(s: Session, here: Standing) -> Any:
        invigilation.note_down(s, here, request.form.get("text", ""), clock_ms())
        return _("记下了。")

    return _done(quiz_id, act)


@blueprint.post("/quizzes/<int:quiz_id>/desk/<int:attempt_id>/extend")
def extend_one(quiz_id: int, attempt_id: int) -> Response:
    def act(s: Session, here: Standing) -> Any:
        minutes = _minutes()
        control.extend(s, here, minutes, _why(), clock_ms(), attempt_id=attempt_id)
        return _("加了 %(minutes)d 分钟。", minutes=minutes)

    return _done(quiz_id, act, attempt_id)


@blueprint.post("/quizzes/<int:quiz_id>/desk/<int:attempt_id>/collect")
def collect_one(quiz_id: int, attempt_id: int) -> Response:
    def act(s: Session, here: Standing) -> Any:
        control.collect(s, here, clock_ms(), school().settings.zone, attempt_id=attempt_id)
        return _("收卷了，答案都在。")

    return _done(quiz_id, act, attempt_id)


@blueprint.post("/quizzes/<int:quiz_id>/desk/<int:attempt_id>/void")
def void_one(quiz_id: int, attempt_id: int) -> Response:
    """The sitting counts for nothing from now on: `reason`."""

    def act(s: Session, here: Standing) -> Any:
        control.void(s, here, attempt_id, _why(), clock_ms(), school().settings.zone)
        return _("这次答题作废了，不算成绩，也不占次数。")

    return _done(quiz_id, act, attempt_id)


@blueprint.post("/quizzes/<int:quiz_id>/desk/<int:attempt_id>/reopen")
def reopen_one(quiz_id: int, attempt_id: int) -> Response:
    """Let somebody go on whose sitting is over: `minutes`, `reason`."""

    def act(s: Session, here: Standing) -> Any:
        minutes = _minutes()
        control.reopen(s, here, attempt_id, minutes, _why(), clock_ms(), school().settings.zone)
        return _("重新打开了，这位同志可以接着答 %(minutes)d 分钟。", minutes=minutes)

    return _done(quiz_id, act, attempt_id)


@blueprint.post("/quizzes/<int:quiz_id>/desk/<int:attempt_id>/notes")
def note_sitter(quiz_id: int, attempt_id: int) -> Response:
    """An incident of one sitting: `text`."""

    def act(s: Session, here: Standing) -> Any:
        invigilation.note_down(s, here, request.form.get("text", ""), clock_ms(), attempt_id=attempt_id)
        return _("记下了。")

    return _done(quiz_id, act, attempt_id)
