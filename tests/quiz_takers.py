"""Members who sit a quiz in one test process: at pages of the test client here, or by real HTTP in their hundreds."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from typing import Any

from actors import Actor
from clients import SchoolClient
from school.quizzes.papers.models import Quiz

_CSRF = re.compile(rb'<meta name="csrf-token" content="([^"]+)"')
_SITTING = re.compile(rb'<script type="application/json" id="sitting">(.*?)</script>')
RIGHT: dict[str, Any] = {"single": [1], "multiple": [0, 1, 2], "judge": True, "fill": ["1921"]}  # of quiz_kit's samples


class Page:
    """One member at one page of a sitting, by the test client; `answers` are (question, answer, n)."""

    def __init__(self, client: SchoolClient, actor: Actor) -> None:
        self.client, self.actor = client, actor
        self.data: dict[str, Any] = {}
        self.attempt_id = 0

    def start(self, quiz: Quiz, **form: str) -> Any:
        self.client.act_as(self.actor)
        answer = self.client.post(f"/quizzes/{quiz.id}/start", data=form, headers={"Accept": "application/json"})
        if answer.status_code == 302:
            self.attempt_id = int(answer.headers["Location"].rsplit("/", 1)[1])
        return answer

    def open(self) -> Any:
        """Open the page; afterwards `data` is what it knows."""
        self.client.act_as(self.actor)
        answer = self.client.get(f"/quizzes/attempts/{self.attempt_id}", headers={"Accept": "application/json"})
        if answer.is_json and answer.status_code == 200:
            self.data = dict(answer.json or {})
        return answer

    def sit(self, quiz: Quiz) -> Page:
        assert self.start(quiz).status_code == 302
        assert self.open().status_code == 200
        return self

    def save(self, *answers: tuple[int, Any, int], **more: Any) -> Any:
        return self.client.post("/quizzes/answers", json=self._body(answers) | more, csrf=False)

    def submit(self, *answers: tuple[int, Any, int]) -> Any:
        return self.client.post(f"/quizzes/attempts/{self.attempt_id}/submit", json=self._body(answers), csrf=False)

    def clock(self) -> Any:
        self.client.act_as(self.actor)
        return self.client.get(f"/quizzes/attempts/{self.attempt_id}/clock")

    def _body(self, answers: tuple[tuple[int, Any, int], ...]) -> dict[str, Any]:
        return {"token": self.data["token"], "answers": [{"i": i, "a": a, "n": n} for i, a, n in answers]}


class Refused(Exception):
    """The server answered, and not with what was asked for."""


@dataclass
class Taker:
    """One member at a browser of their own, by real HTTP on one connection that is opened again whenever it breaks."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""
    attempt_id: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    acknowledged: dict[int, tuple[int, Any]] = field(default_factory=dict)  # question → n and answer
    _line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: bytes = b"", kind: str = "application/json", accept: str = "text/html"
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content; OSError when the connection breaks."""
        if self._line is None:
            self._line = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self._line
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n" if method == "POST" else ""
        try:
            writer.write(
                f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nCookie: {cookie}\r\nAccept: {accept}\r\n"
                f"{sent}X-CSRFToken: {self.csrf}\r\n\r\n".encode()
                + body
            )
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers: dict[str, str] = {}
            for line in head[1:]:
                name, _, value = line.partition(": ")
                if name.lower() == "set-cookie":
                    key, _, cookie = value.partition("=")
                    self.cookies[key] = cookie.partition(";")[0]
                headers[name.lower()] = value
            content = await reader.readexactly(int(headers.get("content-length", 0)))
        except (OSError, asyncio.IncompleteReadError) as error:
            self.hang_up()
            raise ConnectionError(str(error)) from error
        if headers.get("connection") == "close":
            self.hang_up()
        return int(head[0].split()[1]), headers, content

    def hang_up(self) -> None:
        if self._line is not None:
            self._line[1].transport.abort()
            self._line = None

    async def sign_in(self, login: str, password: str) -> None:
        await self.look("/sign-in")
        form = f"login={login}&password={password}&csrf_token={self.csrf}".encode()
        status, _, content = await self.ask("POST", "/sign-in", form, "application/x-www-form-urlencoded")
        if status != 302:
            raise Refused(status, content[:300])

    async def look(self, path: str) -> bytes:
        """A page as a browser reads it."""
        status, _, content = await self.ask("GET", path)
        if status != 200:
            raise Refused(status, content[:300])
        if found := _CSRF.search(content):
            self.csrf = found[1].decode()
        if found := _SITTING.search(content):
            self.data = json.loads(found[1])
        return content

    async def start(self, quiz_id: int) -> None:
        form = "application/x-www-form-urlencoded"
        status, headers, content = await self.ask("POST", f"/quizzes/{quiz_id}/start", b"code=", form)
        if status != 302:
            raise Refused(status, content[:300])
        self.attempt_id = int(headers["location"].rsplit("/", 1)[1])

    async def open(self) -> None:
        status, _, content = await self.ask("GET", f"/quizzes/attempts/{self.attempt_id}", accept="application/json")
        if status != 200:
            raise Refused(status, content[:300])
        self.data = json.loads(content)

    async def save(self, i: int, answer: Any, n: int) -> None:
        """One answer; when this returns it was acknowledged."""
        await self._send("/quizzes/answers", i, answer, n)
        self.acknowledged[i] = n, answer

    async def submit(self) -> dict[str, Any]:
        return await self._send(f"/quizzes/attempts/{self.attempt_id}/submit")

    async def _send(self, path: str, *given: Any) -> dict[str, Any]:
        answers = [dict(zip(("i", "a", "n"), given, strict=True))] if given else []
        body = json.dumps({"token": self.data["token"], "answers": answers}).encode()
        status, _, content = await self.ask("POST", path, body)
        if status != 200:
            raise Refused(status, content[:300])
        answer: dict[str, Any] = json.loads(content)
        if answer["refused"]:
            raise Refused(status, answer["refused"])
        return answer
