"""What the sheets of courses, classes, quizzes and questions share: secrecy and audience as typed, and refusals as their forms show them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from school.core.errors import Invalid, SchoolError
from school.core.i18n import N_
from school.core.secrecy import Secrecy
from school.org import audit
from school.webkit.context import current_person, school
from school.webkit.replies import refuse, sentence


def secrecy(kind: str) -> Secrecy:
    """公开 or 内部 as ticked; Invalid `<kind>.secrecy` when neither is."""
    try:
        return Secrecy(request.form.get("secrecy", ""))
    except ValueError:
        raise Invalid(f"{kind}.secrecy", N_("请选择公开或内部。涉密内容不得上传。")) from None


def audience(kind: str) -> tuple[int, ...]:
    """The organisations ticked, none for everybody; Invalid `<kind>.audience` when some were meant and none is ticked."""
    if request.form.get("reach") != "some":
        return ()
    chosen = tuple(request.form.getlist("audience", type=int))
    if not chosen:
        raise Invalid(f"{kind}.audience", N_("请勾选至少一个党组织，或选择“全体学员”。"))
    return chosen


def typed(*lists: str) -> dict[str, Any]:
    """What stands in the form, to be shown again after a refusal; `lists` names the fields that hold several ids."""
    return {**request.form.to_dict(), **{name: request.form.getlist(name, type=int) for name in lists}}


def refused(error: SchoolError, kind: str) -> dict[str, Any]:
    """The refusal as the form shows it, beside the field its code names.

    An attempt to write down something marked as secret stands in the audit log, as `<kind>.secret_refused`.
    """
    if error.code == "course.secret":
        with school().db.write() as s:
            audit.record(s, current_person(), f"{kind}.secret_refused", mark=error.params["mark"])
    return {"code": error.code, "message": sentence(error)}


def guard(blueprint: Blueprint, kind: str) -> None:
    """Note such attempts too where no form of the blueprint has caught them."""

    @blueprint.errorhandler(Invalid)
    def invalid(error: Invalid) -> Response:
        refused(error, kind)
        return refuse(error)
