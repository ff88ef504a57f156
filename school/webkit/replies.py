"""The web edge of refusals: one table from errors to HTTP, one body for scripts, one page for people."""

from __future__ import annotations

from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, g, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from school.core import errors
from school.core.i18n import N_
from school.core.person import ROLES
from school.webkit.context import school

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
    400: N_("这次提交的内容读不出来，没有保存。请返回上一页再提交一次。"),
    404: N_("没有找到这个页面。地址可能抄错了，或者内容已经撤下。"),
    405: N_("这个地址不接受这样的请求。请返回上一页重新操作。"),
    413: N_("内容太大，没有保存。请分几次提交。"),
    415: N_("这种格式的内容这里不能收。请返回上一页重新操作。"),
}
FAULT = N_("系统出了故障，已经记录下来。您之前保存的内容都在。请过一会儿再试，或打服务电话。")
AWAY = N_("学校的数据库暂时连不上，刚才的内容没有保存。请过一分钟再试一次。")
STALE = N_("这个页面打开太久了，刚才的内容没有提交。请刷新页面后再提交一次。")

# Status → icon and title of the page; 422 and the rest say only that it was not done.
PAGES = {
    401: ("me", N_("请先登录")),
    403: ("people", N_("这一页不在您的职责范围内")),
    404: ("search", N_("没有找到")),
    409: ("info", N_("没有办成")),
    413: ("up", N_("内容太大")),
    429: ("clock", N_("请稍等一会儿")),
    500: ("warn", N_("系统出了故障")),
    503: ("nowifi", N_("系统正忙")),
}


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


def refuse(error: errors.SchoolError, status: int | None = None) -> BaseResponse:
    """The answer to a refusal: JSON for scripts, the way to the door, or a page that says what to do."""
    status = status or status_of(error)
    if wants_json():
        response: Response = jsonify(error_body(error))
    elif isinstance(error, errors.SignInNeeded) and request.method == "GET":
        return redirect(url_for("org.sign_in", next=request.full_path.rstrip("?")))
    elif error.code == "person.first_password" and request.method == "GET":
        return redirect(url_for("org.password"))
    else:
        response = make_response(_page(error, status))
    response.status_code = status
    if isinstance(error, errors.TooMany):
        response.headers["Retry-After"] = str(error.params.get("seconds", 60))
    return response


def _page(error: errors.SchoolError, status: int) -> str:
    """The page of a refusal; it needs no database, which may be what failed."""
    known = g.setdefault("person", None)
    icon, title = PAGES.get(status, ("info", N_("没有办成")))
    duties = [gettext(ROLES[role]) for role in error.params.get("roles", ())]
    referrer = urlsplit(request.referrer or "")
    return render_template(
        "webkit/error.html",
        status=status,
        icon=icon,
        title=gettext("这一页给%(whom)s看", whom=gettext("、").join(duties)) if duties else gettext(title),
        contact=school().contact(known) if known and status == 403 else None,
        back=request.referrer if referrer.scheme in {"http", "https"} and referrer.netloc == request.host else None,
        **error_body(error),
    )


def install(app: Flask) -> None:
    """Let every refusal and fault of `app` answer in the one shape."""

    @app.errorhandler(errors.SchoolError)
    def _school(error: errors.SchoolError) -> BaseResponse:
        return refuse(error)

    @app.errorhandler(CSRFError)
    def _csrf(_error: CSRFError) -> BaseResponse:
        return refuse(errors.Conflict("form.stale", STALE))

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> BaseResponse | HTTPException:
        if error.code is None or error.code < 400:
            return error
        return refuse(errors.SchoolError(f"http.{error.code}", HTTP_WORDS.get(error.code, FAULT)), error.code)

    @app.errorhandler(OperationalError)
    def _away(_error: OperationalError) -> BaseResponse:
        log.exception("database away", path=request.path)
        g.setdefault("person", None)  # whose language it would be stands in the database too
        return refuse(errors.Unavailable("database.away", AWAY))

    @app.errorhandler(DataError)
    @app.errorhandler(OverflowError)
    @app.errorhandler(UnicodeEncodeError)
    def _unstorable(_error: Exception) -> BaseResponse:
        """A number no column holds, a zero sign or half a sign in a text: the sender's, and nothing was written."""
        log.exception("unstorable", path=request.path)
        return refuse(errors.Invalid("http.400", HTTP_WORDS[400]), 400)

    @app.errorhandler(Exception)
    def _fault(_error: Exception) -> BaseResponse:
        log.exception("fault", path=request.path)
        return refuse(errors.SchoolError("fault", FAULT))
