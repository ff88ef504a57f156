"""The web edge of refusals: one table from errors to HTTP, one body for scripts, one page for people."""

from __future__ import annotations

import structlog
from flask import Flask, Response, g, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from school.core import errors
from school.core.i18n import N_

log = structlog.get_logger()

STATUS: dict[type[errors.SchoolError], int] = {
    errors.Invalid: 422,
    errors.SignInNeeded: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.TooMany: 429,
    errors.Unavailable: 503,
}
HTTP_WORDS = {
    404: N_("没有找到这个页面。地址可能抄错了，或者内容已经撤下。"),
    405: N_("这个地址不接受这样的请求。请返回上一页重新操作。"),
    413: N_("内容太大，没有保存。请分几次提交。"),
}
FAULT = N_("系统出了故障，已经记录下来。您之前保存的内容都在。请过一会儿再试，或打服务电话。")


def status_of(error: errors.SchoolError) -> int:
    return next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)


def sentence(error: errors.SchoolError) -> str:
    """What happened and what to do, in the reader's language."""
    text: str = gettext(error.message)
    return text % error.params if error.params else text


def error_body(error: errors.SchoolError) -> dict[str, object]:
    """The one shape of a refusal, over HTTP and as a Socket.IO acknowledgement."""
    return {
        "error": {
            "code": error.code,
            "message": sentence(error),
            **({"params": error.params} if error.params else {}),
        }
    }


def for_scripts() -> None:
    """Refuse this request in JSON whatever it accepts: no person reads the answer itself."""
    g.for_scripts = True


def wants_json() -> bool:
    """Whether a script asked: it says so, it sent JSON, or the address is for scripts only."""
    return (
        "for_scripts" in g
        or request.is_json
        or request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html") == "application/json"
    )


def refuse(error: errors.SchoolError) -> BaseResponse:
    status = status_of(error)
    if wants_json():
        response: Response = jsonify(error_body(error))
    elif isinstance(error, errors.SignInNeeded) and request.method == "GET":
        return redirect(url_for("org.sign_in", next=request.full_path.rstrip("?")))
    else:
        response = make_response(render_template("webkit/error.html", status=status, **error_body(error)))
    response.status_code = status
    if isinstance(error, errors.TooMany):
        response.headers["Retry-After"] = str(error.params.get("seconds", 60))
    return response


def install(app: Flask) -> None:
    """Let every refusal and fault of `app` answer in the one shape."""

    @app.errorhandler(errors.SchoolError)
    def _school(error: errors.SchoolError) -> BaseResponse:
        return refuse(error)

    @app.errorhandler(CSRFError)
    def _csrf(_error: CSRFError) -> BaseResponse:
        return refuse(
            errors.Conflict("form.stale", N_("这个页面打开太久了，刚才的内容没有提交。请刷新页面后再提交一次。"))
        )

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> BaseResponse | HTTPException:
        if error.code is None or error.code < 400:
            return error
        body = errors.SchoolError(f"http.{error.code}", HTTP_WORDS.get(error.code, FAULT))
        response = refuse(body)
        response.status_code = error.code
        return response

    @app.errorhandler(Exception)
    def _fault(error: Exception) -> BaseResponse:
        log.exception("fault", path=request.path)
        return refuse(errors.SchoolError("fault", FAULT))
