"""The roof: puts the rooms together into one Flask application. Only this file and its neighbours know every room."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

import school.tables  # noqa: F401 - every table is known before the first query
from school.core.db import Database
from school.core.keys import load_keys
from school.core.settings import Settings, load
from school.core.store import open_store
from school.courses.views import blueprint as courses
from school.media.views import blueprint as media
from school.org.views import blueprint as org
from school.portal.views import blueprint as portal
from school.records.views import blueprint as records
from school.webkit import figures, health, pages, replies, security
from school.webkit.context import School, current_person

csrf = CSRFProtect()


def create_app(settings: Settings | None = None) -> Flask:
    """One web application on `settings` (default: the environment)."""
    settings = settings or load()
    keys = load_keys(settings)
    app = Flask("school", static_folder="webkit/static", template_folder="webkit/templates")
    app.config.update(
        SECRET_KEY=keys.current[1],
        SECRET_KEY_FALLBACKS=list(keys.ring.values())[1:],
        SESSION_COOKIE_NAME="school",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.https or settings.origin.startswith("https:"),
        PERMANENT_SESSION_LIFETIME=timedelta(days=settings.session_days),
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365),
        MAX_CONTENT_LENGTH=16 * 1024**2,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        BABEL_DEFAULT_LOCALE="zh",
        BABEL_DEFAULT_TIMEZONE=settings.zone,
    )
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, *[settings.trusted_proxies] * 4)  # type: ignore[method-assign]
    app.extensions["school"] = School(settings, Database(settings.db_url), open_store(settings), keys)
    csrf.init_app(app)
    for floor in (replies, security, pages, figures):
        floor.install(app)
    _rooms(app)
    return app


def _rooms(app: Flask) -> None:
    """Register each room's blueprint and wire the rooms to each other."""
    app.register_blueprint(health.blueprint)
    for room in (org, media, records, courses, portal):
        app.register_blueprint(room)
    app.context_processor(_navigation)


def _navigation() -> dict[str, object]:
    """The places in the top bar and the phone's tab bar, as far as this person may go."""
    person = current_person()
    if person is None:
        return {"nav": []}
    return {"nav": []}
