"""What the desk and a course's page cost a signed-in member, beside the same queries and template in a bare Flask application.

The floor runs on the same server program. It sends the very statements that the page sent to the same database and
renders the same template with the same values; it knows no sign-in, no permission, no header and no object mapper.
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.harness import Goal, Measured, Spent, alternate, process_cpu

GOAL = Goal(1.6, "× a bare Flask page")
REQUESTS = 200
ROUNDS = 3
LOGIN = "BENCH_LOGIN"  # variables that the floor's process reads
PAGES = "BENCH_PAGES"


def _signed_in(open_page: Callable[..., Any], login: str) -> dict[str, str]:
    """Headers of a browser that has signed in as `login` with the demo password; `open_page` sends one request."""
    from school.demo.people import PASSWORD

    status, headers, body = open_page("GET", "/sign-in", {}, None)
    token = re.search(r'name="csrf-token" content="([^"]+)"', body)
    assert token, body[:500]
    fields = f"login={login}&password={PASSWORD}&csrf_token={token[1]}"
    form = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": _cookies(headers)}
    status, headers, body = open_page("POST", "/sign-in", form, fields)
    assert status in {302, 303}, body[:500]
    kept = _cookies(headers)
    _, headers, _ = open_page("GET", "/", {"Cookie": kept}, None)  # a first page adds the token of its forms
    return {"Cookie": _cookies(headers) or kept, "Accept-Language": "zh-CN"}


def _cookies(headers: list[tuple[str, str]]) -> str:
    return "; ".join(value.partition(";")[0] for name, value in headers if name.lower() == "set-cookie")


def floor() -> Any:
    """The bare application (gunicorn calls this): it learns each page's statements and values from the real one, once."""
    from flask import Flask, template_rendered

    from school.app import create_app

    real = create_app()
    parts = real.extensions["school"]
    engine = parts.db.engine

    def ask(
        method: str, path: str, headers: dict[str, str], data: str | None
    ) -> tuple[int, list[tuple[str, str]], str]:
        answer = real.test_client(use_cookies=False).open(path, method=method, headers=headers, data=data)
        return answer.status_code, list(answer.headers), answer.text

    headers = _signed_in(ask, os.environ[LOGIN])
    bare = Flask("bare", static_folder=None)
    bare.secret_key = real.secret_key
    bare.jinja_env = real.jinja_env
    bare.extensions = real.extensions
    bare.config.update(real.config)
    bare.url_map = real.url_map
    for number, path in enumerate(os.environ[PAGES].split()):
        statements: list[tuple[str, Any]] = []
        rendered: list[tuple[Any, dict[str, Any]]] = []

        def note(_c: Any, _cursor: Any, text: str, values: Any, *_rest: Any, kept: list[Any] = statements) -> None:
            if text.lstrip().upper().startswith("SELECT"):
                kept.append((text, values))

        def keep(_app: Any, template: Any, context: dict[str, Any], kept: list[Any] = rendered, **_more: Any) -> None:
            kept.append((template, context))

        sa.event.listen(engine, "before_cursor_execute", note)
        with template_rendered.connected_to(keep, real):
            status, _, body = ask("GET", path, headers, None)
        sa.event.remove(engine, "before_cursor_execute", note)
        assert status == 200, body[:500]
        assert len(rendered) == 1

        def page(statements: Any = statements, rendered: Any = rendered) -> str:
            with engine.connect() as connection:
                for text, values in statements:
                    connection.exec_driver_sql(text, values).all()
            template, context = rendered[0]
            text: str = template.render(context)
            return text

        bare.add_url_rule(f"/floor/{number}", f"floor{number}", page)
    return bare


@contextmanager
def _serving(application: str, environ: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server process of `application` on the school's own server program."""
    import services
    from school.core.settings import load
    from school.up import web_command

    port = services.free_port()
    settings = replace(load(environ), port=port)
    command = [application if word == "school.wsgi:app" else word for word in web_command(settings)]
    process = subprocess.Popen(command, env={**environ, "SCHOOL_PORT": str(port)}, start_new_session=True)
    try:
        services.wait_for_port(port, process)
        yield process, port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Reader:
    """A browser's connection that asks for one page again and again."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(
        self, method: str, path: str, headers: dict[str, str], data: str | None
    ) -> tuple[int, list[tuple[str, str]], str]:
        try:
            self.line.request(method, path, body=data, headers=headers)
            answer = self.line.getresponse()
        except http.client.RemoteDisconnected:  # the server has ended what was idle while the other side ran
            self.line.close()
            return self.ask(method, path, headers, data)
        return answer.status, answer.getheaders(), answer.read().decode()

    def spend(self, path: str, headers: dict[str, str]) -> Spent:
        before = process_cpu(self.process.pid)
        for _ in range(REQUESTS):
            status, _, body = self.ask("GET", path, headers, None)
            assert status == 200, body[:500]
        return Spent(process_cpu(self.process.pid) - before, 0.0)


def measure() -> Measured:
    """The worse of the two pages: CPU a request of ours, divided by the floor's."""
    from school import demo, migrate
    from school.core.db import Database
    from school.core.keys import load_keys
    from school.core.settings import Settings, dump
    from school.courses.models import Course, CourseState
    from school.demo.people import CHARACTERS
    from school.records.models import StudyHourEntry

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder))
        db = Database(settings.db_url)
        migrate.upgrade(db)
        demo.fill(db, load_keys(settings), settings, say=lambda _text: None)
        with db.read() as s:
            course_id = s.scalars(
                sa.select(Course.id).where(Course.state == CourseState.PUBLISHED).order_by(Course.id)
            ).first()
            assert s.scalar(sa.select(sa.func.count()).select_from(StudyHourEntry))
        db.close()
        login = next(each.login for each in CHARACTERS if each.duty)
        pages = {"desk": "/", "course": f"/courses/{course_id}"}
        environ = {**os.environ, **dump(settings), LOGIN: login, PAGES: " ".join(pages.values())}
        environ["PYTHONPATH"] = str(Path(__file__).parent.parent)
        with _serving("school.wsgi:app", environ) as ours, _serving("bench.page:floor()", environ) as theirs:
            reader, bare = Reader(*ours), Reader(*theirs)
            headers = _signed_in(reader.ask, login)
            found: dict[str, float] = {}
            runs: list[dict[str, Any]] = []
            for number, (name, path) in enumerate(pages.items()):
                real, copy = (
                    reader.ask("GET", path, headers, None)[2],
                    bare.ask("GET", f"/floor/{number}", headers, None)[2],
                )
                assert abs(len(real) - len(copy)) < 200, "the floor renders another page"
                sides = {
                    f"{name}": lambda path=path: reader.spend(path, headers),
                    f"{name} floor": lambda number=number: bare.spend(f"/floor/{number}", headers),
                }
                medians, each = alternate(sides, ROUNDS)
                found[name] = medians[name].cpu / medians[f"{name} floor"].cpu
                runs += each
    worst = max(found, key=lambda name: found[name])
    return Measured(found[worst], runs, notes={"worst": worst, "ratios": found, "requests_a_run": REQUESTS})
