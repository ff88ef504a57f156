"""What every template may use: the school's name, the person, the view (language, type size) and versioned assets."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, request
from flask_babel import Babel, get_locale
from werkzeug.routing import IntegerConverter, Map

from school.core.time import day_of, now
from school.webkit.context import current_person, school

STATIC = Path(__file__).parent / "static"


@cache
def version() -> str:
    """Fingerprint of all scripts and styles together."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.suffix in {".css", ".js", ".mjs", ".svg"}:
            digest.update(path.relative_to(STATIC).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:10]


def asset(name: str) -> str:
    """Address of a file in webkit's static folder.

    The version is a folder of the address: browsers may keep everything for ever, and a module that imports another
    one by a relative path gets the same version and the same instance as the page.
    """
    return f"{request.script_root}/static/v-{version()}/{name}"  # url_for costs 20 µs, and a page has forty icons


class Number(IntegerConverter):
    """`<int:…>` of an address: what does not fit a database's integer is no address of ours."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=2**63 - 1)


def chosen_locale() -> str:
    """`zh` or `en`: this device's choice, else the account's, else the browser's, else Chinese."""
    wish = request.cookies.get("locale")
    if wish not in {"zh", "en"}:
        person = current_person()
        wish = person.locale if person else request.accept_languages.best_match(["zh", "en"])
    return "en" if wish == "en" else "zh"


def chosen_elder() -> int:
    """0 for the standard page, 1 to 3 for 长辈版."""
    person = current_person()
    cookie = request.cookies.get("elder", "")
    return int(cookie) if cookie in {"0", "1", "2", "3"} else person.elder if person else 0


def _today(zone: str) -> str:
    return day_of(now(), zone).isoformat()


def install(app: Flask) -> None:
    Babel(
        app,
        locale_selector=chosen_locale,
        default_translation_directories=str(Path(__file__).parent.parent / "locales"),
    )
    app.jinja_env.globals["asset"] = asset
    app.url_map.converters["int"] = Number
    app.add_url_rule(
        "/static/v-<version>/<path:filename>", "asset", lambda version, filename: app.send_static_file(filename)
    )

    @app.context_processor
    def _context() -> dict[str, Any]:
        settings = school().settings
        number, _, times = settings.help_phone.partition("（")
        return {
            "school_name": settings.name,
            "help_number": number.strip(),
            "help_times": times and f"（{times}",
            "filing": settings.filing,
            "person": current_person(),
            "locale": str(get_locale()),
            "elder": chosen_elder(),
            "grey_day": bool(settings.grey_days) and _today(settings.zone) in settings.grey_days.split(","),
        }
