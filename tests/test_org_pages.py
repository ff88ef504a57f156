"""The door, the account page and the password page over HTTP, with cookies and CSRF as browsers send them."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask

from actors import PASSWORD, Cast
from clients import SchoolClient
from school.core.crypto import encrypt
from school.core.db import Database
from school.org.models import Account, Member, SignIn


def first_password(db: Database, login: str) -> None:
    with db.write() as s:
        s.execute(sa.update(Account).where(Account.login == login).values(must_change_password=True))


def devices(db: Database) -> list[SignIn]:
    with db.read() as s:
        return list(s.scalars(sa.select(SignIn).order_by(SignIn.id)))


def test_the_door_lets_in_and_leads_back(client: SchoolClient, cast: Cast) -> None:
    sent_away = client.get("/account")
    assert sent_away.location == "/sign-in?next=/account"
    answer = client.post("/sign-in", data={"login": "member", "password": PASSWORD, "next": "/account", "own": "1"})
    assert answer.location == "/account"
    page = client.get("/account")
    assert page.status_code == 200
    assert cast.member.name in page.text
    assert client.get("/sign-in?next=/record").location == "/record"


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/x", "/\\evil.example"])
def test_the_door_leads_nowhere_else(client: SchoolClient, cast: Cast, target: str) -> None:
    answer = client.post("/sign-in", data={"login": "member", "password": PASSWORD, "next": target})
    assert answer.location == "/"


def test_the_cookie_is_closed_to_scripts_and_holds_no_more_than_a_token(client: SchoolClient, cast: Cast) -> None:
    answer = client.sign_in(cast.member)
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("school="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Expires" not in cookie  # not this person's own device: the browser forgets it
    with client.session_transaction() as session:
        assert set(session) <= {"token", "csrf_token", "_permanent"}
    own = client.post("/sign-in", data={"login": "member", "password": PASSWORD, "own": "1"})
    assert any("Expires" in c for c in own.headers.getlist("Set-Cookie") if c.startswith("school="))


def test_a_wrong_try_keeps_the_account_and_says_what_is_left(client: SchoolClient, cast: Cast) -> None:
    for left in (4, 3, 2, 1):
        answer = client.post("/sign-in", data={"login": "<b>member", "password": "wrong"})
        assert answer.status_code == 422
        assert f"还可以试 {left} 次" in answer.text
        assert 'value="&lt;b&gt;member"' in answer.text
        assert "wrong" not in answer.text
    client.post("/sign-in", data={"login": "<b>member", "password": "wrong"})
    locked = client.post("/sign-in", data={"login": "<b>member", "password": "wrong"})
    assert locked.status_code == 429
    assert 0 < int(locked.headers["Retry-After"]) <= 900


def test_signing_in_begins_a_new_session(client: SchoolClient, cast: Cast) -> None:
    client.refresh()
    with client.session_transaction() as session:
        session["left_by_somebody"] = "x"
        before = session["csrf_token"]
    client.sign_in(cast.member)
    with client.session_transaction() as session:
        assert "left_by_somebody" not in session
        assert session.get("csrf_token") != before


def test_signing_out_ends_the_token_not_only_the_cookie(client: SchoolClient, cast: Cast, db: Database) -> None:
    client.sign_in(cast.member)
    with client.session_transaction() as session:
        token = session["token"]
    answer = client.post("/sign-out")
    assert answer.location == "/sign-in"
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert devices(db) == []
    with client.session_transaction() as session:
        session["token"] = token
    assert client.get("/account").status_code == 302


def test_a_first_password_opens_nothing_but_its_own_page(client: SchoolClient, cast: Cast, db: Database) -> None:
    first_password(db, "member")
    client.sign_in(cast.member)
    for path in ("/", "/record", "/courses", "/account", f"/orgs/{cast.branch_id}"):
        assert client.get(path).location == "/password", path
    refused = client.get("/record", headers={"Accept": "application/json"})
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (403, "person.first_password")
    assert client.post("/password", data={"new": "Chunfeng-26", "again": "Chunfeng-27"}).status_code == 422
    assert "太简单" in client.post("/password", data={"new": "chunfeng26", "again": "chunfeng26"}).text
    done = client.post("/password", data={"new": "Chunfeng-26", "again": "Chunfeng-26"})
    assert done.location == "/"
    home = client.get("/")
    assert home.status_code == 200
    assert "密码已经换好" in home.text


def test_changing_the_password_asks_for_the_old_one(client: SchoolClient, cast: Cast) -> None:
    client.sign_in(cast.member)
    words = {"new": "Chunfeng-26", "again": "Chunfeng-26"}
    assert "现在的密码不对" in client.post("/password", data=words).text
    assert "现在的密码不对" in client.post("/password", data={"old": "no", **words}).text
    assert client.post("/password", data={"old": PASSWORD, **words}).location == "/account"


def test_devices_are_listed_and_ended(app: Flask, client: SchoolClient, cast: Cast, db: Database) -> None:
    other = app.test_client()
    assert isinstance(other, SchoolClient)
    agent = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120.0 Mobile MicroMessenger/8.0"
    other.post("/sign-in", data={"login": "member", "password": PASSWORD}, headers={"User-Agent": agent})
    client.sign_in(cast.member)
    page = client.get("/account").text
    assert "Android · 微信" in page
    assert page.count("这台设备") == 1
    (foreign,) = re.findall(r"/account/devices/(\d+)/sign-out", page)
    client.post(f"/account/devices/{foreign}/sign-out")
    assert other.get("/account").status_code == 302
    other.refresh()
    other.sign_in(cast.member)
    assert len(devices(db)) == 2
    client.post("/account/sign-out-everywhere")
    assert len(devices(db)) == 1
    assert client.get("/account").status_code == 200


def test_the_account_page_shows_ones_own_numbers_masked(
    app: Flask, client: SchoolClient, cast: Cast, db: Database
) -> None:
    keys = app.extensions["school"].keys
    with db.write() as s:
        member = s.get_one(Member, cast.member.member_id)
        member.mobile_enc = encrypt(keys, "10000000317")
        member.id_number_enc = encrypt(keys, "990102198802290016")
    client.sign_in(cast.member)
    page = client.get("/account").text
    assert "100****0317" in page
    assert "990***********0016" in page
    assert "19880229" not in page


def test_anothers_device_cannot_be_ended(app: Flask, client: SchoolClient, cast: Cast, db: Database) -> None:
    other = app.test_client()
    assert isinstance(other, SchoolClient)
    other.sign_in(cast.outsider)
    client.sign_in(cast.member)
    client.post(f"/account/devices/{devices(db)[0].id}/sign-out")
    assert other.get("/account").status_code == 200


def test_language_and_type_size_stay_on_the_device_and_with_the_account(
    app: Flask, client: SchoolClient, cast: Cast, db: Database
) -> None:
    door = client.get("/sign-in", headers={"Accept-Language": "fr"}).text
    assert '<html lang="zh-CN">' in door
    assert client.post("/account/view", data={"locale": "en", "next": "/sign-in"}).location == "/sign-in"
    assert '<html lang="en"' in client.get("/sign-in").text
    client.post("/account/view", json={"elder": 2})
    assert 'data-elder="2"' in client.get("/sign-in").text
    client.sign_in(cast.member)
    client.post("/account/view", json={"elder": 1, "locale": "en"})
    client.post("/account/view", json={"elder": 7, "locale": "xx"})  # not known: nothing changes
    with db.read() as s:
        account = s.get_one(Account, cast.member.account_id)
        assert (account.elder, account.locale) == (1, "en")
    other = app.test_client()
    assert isinstance(other, SchoolClient)
    other.sign_in(cast.member)
    page = other.get("/account").text
    assert '<html lang="en" data-elder="1"' in page


def test_a_post_without_the_token_changes_nothing(client: SchoolClient, cast: Cast, db: Database) -> None:
    client.sign_in(cast.member)
    for headers in ({}, {"X-CSRFToken": "forged"}):
        answer = client.post("/sign-out", csrf=False, headers=headers)
        assert answer.status_code == 409
        assert "刷新页面" in answer.text
        assert "form.stale" in answer.text
    assert len(devices(db)) == 1


def test_a_name_that_would_be_markup_stays_a_name(client: SchoolClient, cast: Cast, db: Database) -> None:
    evil = "<script>alert(1)</script>\"'·名"
    with db.write() as s:
        s.execute(sa.update(Account).where(Account.login == "secretary").values(name=evil))
    client.sign_in(cast.secretary)
    for path in ("/account", "/", f"/orgs/{cast.branch_id}"):
        assert "<script>alert" not in client.get(path).text, path


def test_the_places_in_the_bars_are_those_one_may_go_to(client: SchoolClient, cast: Cast) -> None:
    def bars() -> tuple[list[str], list[str]]:
        page = client.get("/account").text
        top = re.search(r'<nav aria-label="主导航">(.*?)</nav>', page, re.S)
        tab = re.search(r'<nav class="tabbar[^>]*>(.*?)</nav>', page, re.S)
        assert top
        assert tab
        return re.findall(r">([^<>]+)</a>", top[1]), re.findall(r"([^<>\s]+)</a>", tab[1])

    expected = {
        "member": (["首页", "课程", "直播课堂", "考试测验", "学习档案"], ["首页", "课程", "直播", "档案", "我的"]),
        "secretary": (
            ["首页", "课程", "直播课堂", "考试测验", "学习档案", "支部管理"],
            ["首页", "课程", "直播", "支部", "我的"],
        ),
        "trainer": (["首页", "课程", "直播课堂", "考试测验", "我的授课"], ["首页", "课程", "直播", "授课", "我的"]),
        "reviewer": (["首页", "课程", "直播课堂", "考试测验", "内容审核"], ["首页", "课程", "直播", "审核", "我的"]),
        "admin": (["首页", "课程", "直播课堂", "考试测验", "组织管理"], ["首页", "课程", "直播", "组织", "我的"]),
        "sysadmin": (["首页", "课程", "直播课堂", "考试测验"], ["首页", "课程", "直播", "我的"]),
    }
    for name, places in expected.items():
        client.act_as(cast[name])
        assert bars() == places, name
        for href in re.findall(r'<nav aria-label="主导航">(.*?)</nav>', client.get("/account").text, re.S):
            for path in re.findall(r'href="([^"]+)"', href):
                assert client.get(path).status_code == 200, (name, path)
