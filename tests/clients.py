"""The test client: a Flask client that does what the pages' scripts do with the CSRF token."""

from __future__ import annotations

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from actors import PASSWORD, Actor

_TOKEN = re.compile(r'<meta name="csrf-token" content="([^"]+)"')


class SchoolClient(FlaskClient):
    """Adds the page's CSRF token to every unsafe request; `csrf=False` leaves it out."""

    token: str | None = None

    def open(self, *args: Any, csrf: bool = True, **options: Any) -> TestResponse:
        if csrf and options.get("method", "GET") not in {"GET", "HEAD", "OPTIONS"}:
            headers = dict(options.pop("headers", None) or {})
            headers.setdefault("X-CSRFToken", self.token or self.refresh())
            options["headers"] = headers
        return super().open(*args, **options)

    def refresh(self) -> str:
        """Read the CSRF token from a page, as a browser that has just loaded it would."""
        found = _TOKEN.search(super().open("/sign-in", follow_redirects=True).text)
        assert found, "the page carries no CSRF token"
        self.token = found[1]
        return self.token

    def sign_in(self, actor: Actor, password: str = PASSWORD) -> TestResponse:
        """Sign in through the real form; returns the answer."""
        answer = self.post("/sign-in", data={"login": actor.login, "password": password})
        self.token = None
        return answer

    def act_as(self, actor: Actor | None) -> None:
        """From now on every request of this application comes from `actor`, without the sign-in form."""
        person = actor.person if actor else None
        self.application.extensions["school"].load_person = lambda: person
