"""The one shape of a refusal: as JSON for scripts, as a page for people, and the headers that go with every answer."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from actors import Cast
from clients import SchoolClient
from school.core import errors
from school.core.person import Role, require
from school.webkit.context import current_person

CASES: list[tuple[Exception, int, str, str]] = [
    (errors.Invalid("a.b", "请核对。"), 422, "a.b", "没有办成"),
    (errors.NotAllowed("a.b", "不行。"), 403, "a.b", "不在您的职责范围内"),
    (errors.NotFound("a.b", "没有。"), 404, "a.b", "没有找到"),
    (errors.Conflict("a.b", "别人先改了 %(n)s 处。", n=3), 409, "a.b", "没有办成"),
    (errors.TooLarge("a.b", "太大。"), 413, "a.b", "内容太大"),
    (errors.TooMany("a.b", "等 %(seconds)s 秒。", seconds=7), 429, "a.b", "请稍等一会儿"),
    (errors.Unavailable("a.b", "忙。"), 503, "a.b", "系统正忙"),
    (OperationalError("SELECT", {}, Exception("gone")), 503, "database.away", "系统正忙"),
    (RuntimeError("secret detail"), 500, "fault", "系统出了故障"),
]
SCRIPT = {"Accept": "application/json"}


@pytest.fixture
def thrower(app: Flask) -> Flask:
    """The application with one more address for each case, and one that asks for a role."""
    for number, (error, *_) in enumerate(CASES):

        def throw(error: Exception = error) -> str:
            raise error

        app.add_url_rule(f"/throw/{number}", f"throw{number}", throw, methods=["GET", "POST"])

    def teach() -> str:
        require(current_person(), Role.TRAINER, Role.REVIEWER)
        return "taught"

    app.add_url_rule("/teach", "teach", teach)
    return app


def test_every_refusal_has_one_shape(thrower: Flask, client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.member)
    for number, (error, status, code, title) in enumerate(CASES):
        answer = client.get(f"/throw/{number}", headers=SCRIPT)
        body = answer.get_json()
        assert answer.status_code == status
        assert set(body) == {"error"}
        assert {"code", "message"} <= set(body["error"]) <= {"code", "message", "params"}
        assert body["error"]["code"] == code
        assert "%(" not in body["error"]["message"]
        params = error.params if isinstance(error, errors.SchoolError) else {}
        assert body["error"].get("params", {}) == params
        page = client.get(f"/throw/{number}")
        assert page.status_code == status
        assert page.mimetype == "text/html"
        for words in (title, code, body["error"]["message"], "<h1>"):
            assert words in page.text
        assert "secret detail" not in page.text + str(body)


def test_too_many_says_when(thrower: Flask, client: SchoolClient) -> None:
    assert client.get("/throw/5").headers["Retry-After"] == "7"


def test_a_visitor_is_led_to_the_door_and_a_script_is_told(client: SchoolClient) -> None:
    assert client.get("/record?year=2025").location == "/sign-in?next=/record?year%3D2025"
    answer = client.get("/record", headers=SCRIPT)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (401, "person.sign_in")
    posted = client.post("/account/sign-out-everywhere")
    assert posted.status_code == 401
    assert 'href="/sign-in"' in posted.text


def test_no_permission_says_whose_page_it_is_and_whom_to_ask(thrower: Flask, client: SchoolClient, cast: Cast) -> None:
    client.sign_in(cast.member)
    page = client.get("/teach")
    assert page.status_code == 403
    assert "这一页给授课教师、内容审核人员看" in page.text
    answer = client.get("/teach", headers=SCRIPT).get_json()["error"]
    assert answer["params"] == {"roles": ["trainer", "reviewer"]}


def test_http_faults_have_the_same_shape(client: SchoolClient) -> None:
    for answer, status in (
        (client.get("/nowhere", headers=SCRIPT), 404),
        (client.get("/sign-out", headers=SCRIPT), 405),
    ):
        assert answer.status_code == status
        assert answer.get_json()["error"]["code"] == f"http.{status}"
    page = client.get("/nowhere")
    assert page.status_code == 404
    assert "没有找到" in page.text


def test_the_page_of_a_fault_needs_no_database(thrower: Flask, client: SchoolClient, cast: Cast) -> None:
    client.sign_in(cast.member)
    thrower.extensions["school"].db.close()

    def away() -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    thrower.extensions["school"].load_person = away
    page = client.get("/account")
    assert page.status_code == 503
    assert "database.away" in page.text
    assert "没有保存" in page.text


def test_every_answer_carries_the_security_headers(client: SchoolClient) -> None:
    for path in ("/sign-in", "/nowhere", "/static/icons.svg"):
        headers = client.get(path, buffered=True).headers
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "ws:" not in policy  # what a page knows can be sent to no other place
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
    one, two = (client.get("/sign-in").headers["Content-Security-Policy"] for _ in range(2))
    assert one != two  # a new nonce each time


def test_personal_pages_are_not_kept_by_the_browser(client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.member)
    assert client.get("/account").headers["Cache-Control"] == "private, no-cache"
    assert client.get("/account", headers=SCRIPT).headers["Cache-Control"] == "private, no-cache"
    export = client.get("/record/hours.xlsx", buffered=True)
    assert (export.status_code, export.headers["Cache-Control"]) == (200, "private, no-store")
    assert "no-cache" not in client.get("/static/icons.svg", buffered=True).headers["Cache-Control"]


def test_pages_have_one_heading_a_language_and_no_inline_code(client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.secretary)
    for path in ("/sign-in", "/account", "/password", "/nowhere"):
        if path == "/sign-in":
            client.act_as(None)
        page = client.get(path).text
        client.act_as(cast.secretary)
        assert page.count("<h1") == 1, path
        assert '<html lang="zh-CN"' in page
        assert " style=" not in page
        assert " onclick=" not in page


class Pieces(io.RawIOBase):
    """A body of `size` bytes that is made while it is read; it notes how much was."""

    def __init__(self, size: int) -> None:
        self.left, self.taken = size, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        step = min(len(buffer), self.left)
        buffer[:step] = b"[" * step
        self.left -= step
        self.taken += step
        return step


@pytest.mark.parametrize("path", ["/account/view", "/study/claims", "/sign-in"])
def test_a_body_in_pieces_is_not_read_beyond_its_limit(client: SchoolClient, path: str) -> None:
    """Without a length, as `Transfer-Encoding: chunked` sends it."""
    body = Pieces(20 * 1024**2)
    kind = "application/x-www-form-urlencoded" if path == "/sign-in" else "application/json"
    environ = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_TYPE": kind}
    answer = client.post(path, environ_overrides=environ)
    assert answer.status_code in (413, 422)
    assert body.taken <= 512 * 1024


@pytest.mark.parametrize("body", ["[]", "5", '"x"', "null", "true", "{", "[" * 60_000, '{"locale": [1], "elder": {}}'])
def test_a_script_that_sends_something_else_than_an_object_is_told(client: SchoolClient, cast: Cast, body: str) -> None:
    client.act_as(cast.trainer)
    for path in ("/account/view", "/studio/courses/1/lessons", "/studio/courses/1/lessons/1/file", "/study/claims"):
        answer = client.post(path, data=body, content_type="application/json")
        assert answer.status_code in ({200, 403, 404, 422} if body.endswith("}") else {422}), path


def test_what_no_column_can_hold_is_the_senders_fault(client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.member)
    for sent in (
        {"words": "x", "part_id": 10**30},
        {"words": "x", "entry_id": 10**30},
        {"words": "x", "part_id": 1e308},
    ):
        assert client.post("/study/reviews", json=sent).status_code in (400, 404)
    client.act_as(cast.trainer)
    sheet = {"title": "x", "hours": "1", "kind": "recorded", "secrecy": "internal", "host": str(10**30)}
    assert client.post("/studio/courses/new", data=sheet).status_code in (400, 403)
    client.act_as(None)
    assert client.post("/sign-in", data={"login": "a\0b", "password": "x"}).status_code in (400, 422)
    answer = client.post("/study/claims", data=r'{"token": "1-1-1-x.k1.\ud800"}')
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "play.token")


def test_the_way_back_leads_to_a_page(client: SchoolClient) -> None:
    for referrer, there in (("http://localhost/courses", True), ("javascript://localhost/%0aalert(1)", False)):
        page = client.post("/account/view", csrf=False, headers={"Referer": referrer}).text
        assert (referrer in page) is there
