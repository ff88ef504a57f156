"""The tests' own real parts work: the live web process, its death and return, Redis, and a browser in front of it."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable

import redis
from playwright.sync_api import Page

import services
from actors import Cast
from clients import SchoolClient
from school.core.settings import Settings


def _ping(server: services.LiveServer) -> bytes:
    with urllib.request.urlopen(f"{server.url}/ping", timeout=10) as answer:
        return bytes(answer.read())


def test_the_web_process_comes_back_on_its_port_after_kill_9(
    settings: Settings, live_server: Callable[..., services.LiveServer]
) -> None:
    server = live_server(settings)
    assert _ping(server) == b"pong\n"
    server.kill()
    server.start()
    assert _ping(server) == b"pong\n"


def test_a_browser_sees_a_styled_chinese_page(
    settings: Settings, live_server: Callable[..., services.LiveServer], page: Page
) -> None:
    server = live_server(settings)
    page.goto(f"{server.url}/sign-in")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.evaluate("document.styleSheets.length") >= 2


def test_redis_answers(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as connection:
        assert connection.ping()


def test_the_client_signs_in(client: SchoolClient, cast: Cast) -> None:
    assert client.sign_in(cast.member).status_code in {302, 303}
