"""The roof: puts the rooms together into one Flask application. Only this file and its neighbours know every room."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from flask import Flask, request, session, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from school.core.db import Database
from school.core.keys import load_keys
from school.core.person import Person, Role
from school.core.settings import Settings, load
from school.core.store import open_store
from school.core.time import day_of, now
from school.courses import outside as courses_outside
from school.courses import queries as course_list
from school.courses import reviewing as course_reviews
from school.courses.views import blueprint as courses
from school.live import queries as classes
from school.live import reviewing as live_reviews
from school.live import sockets
from school.live.doors import blueprint as stream
from school.live.hall import Hall
from school.live.outside import PART as OUTSIDE
from school.live.outside import BankQuestion, Outside
from school.live.views import blueprint as live
from school.media.stopped import WITHDRAWN
from school.media.views import blueprint as media
from school.org import queries, sign_ins
from school.org.views import blueprint as org
from school.portal.views import blueprint as portal
from school.quizzes import outside as quizzes_outside
from school.quizzes.bank import lending
from school.quizzes.bank import views as bank_pages
from school.quizzes.papers import pages as quiz_pages
from school.quizzes.papers import reviewing as quiz_reviews
from school.quizzes.sittings import taking
from school.quizzes.sittings.views import sittings
from school.quizzes.views import blueprint as quizzes
from school.records.views import blueprint as records
from school.records.views import study
from school.webkit import figures, health, pages, queue, replies, security
from school.webkit.context import School, current_person

csrf = CSRFProtect()

LEARNING = {"courses.catalogue", "courses.course", "courses.lesson"}
STUDIO = {"live.new", "live.create", "live.edit", "live.save", "live.new_key"}
MANAGING = {"portal.organization", "portal.organization_print", "portal.organization_reviews"}


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
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(days=400),  # the cookie's; the sign-in's own end stands in the database
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365),
        MAX_CONTENT_LENGTH=256 * 1024,  # of forms; parsing more would hold everybody up. Uploads say their own
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        BABEL_DEFAULT_LOCALE="zh",
        BABEL_DEFAULT_TIMEZONE=settings.zone,
    )
    db = Database(settings.db_url)
    app.extensions["school"] = School(
        settings, db, open_store(settings), keys, partial(_load_person, db), partial(_contact, db)
    )
    csrf.init_app(app)
    for floor in (replies, security, pages, figures):
        floor.install(app)
    _rooms(app)
    sockets.install(app, app.extensions["school"])
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, *[settings.trusted_proxies] * 4)  # type: ignore[method-assign]
    app.wsgi_app = Hall(app.wsgi_app, app.extensions["school"])  # type: ignore[method-assign]
    return app


def _rooms(app: Flask) -> None:
    """Register each room's blueprint and wire the rooms to each other."""
    app.register_blueprint(health.blueprint)
    for room in (org, media, records, study, courses, live, stream, quizzes, sittings, portal):
        app.register_blueprint(room)
    csrf.exempt(stream)  # a bearer token or stream key authorises; encoders have no page
    csrf.exempt(sittings)  # answers carry the signed token of their page
    csrf.exempt(study)  # claims carry their own signed token and may come from a beacon without a page
    parts = app.extensions["school"].parts
    parts[queue.PART] = (course_reviews.waiting, live_reviews.waiting, quiz_reviews.waiting, bank_pages.waiting)
    zone = app.extensions["school"].settings.zone
    parts[WITHDRAWN] = (course_list.withdrawn_timelines, classes.withdrawn_timelines)
    parts[OUTSIDE] = Outside(
        course_list.own_titles,
        course_list.title_of,
        lambda s, person, search: [
            BankQuestion(*each) for each in lending.quick(s, person, search, day_of(now(), zone))
        ],
        lambda s, person, question_id: BankQuestion(*lending.quick_one(s, person, question_id, day_of(now(), zone))),
    )
    parts[courses_outside.PART] = courses_outside.Outside(taking.lesson_moments, quiz_pages.course_tests)
    parts[quizzes_outside.PART] = quizzes_outside.Outside(
        lambda s, person: [quizzes_outside.CourseChoice(*each) for each in course_list.own_lessons(s, person)],
        course_list.title_of,
    )
    app.context_processor(_navigation)


def _load_person(db: Database) -> Person | None:
    """Who sent this request: the cookie holds a random token, the database knows its hash."""
    token = session.get("token")
    return sign_ins.person_of_token(db, token, request.remote_addr or "") if token else None


def _contact(db: Database, person: Person) -> str | None:
    """The secretary of the person's branch, whom to ask; nobody when that is the person, or is not known."""
    if person.org_id is None:
        return None
    with db.read() as s:
        secretary = queries.secretary_of(s, person.org_id)
    if secretary is None or secretary.id == person.member_id:
        return None
    contact: str = _("%(name)s书记", name=secretary.name)
    return contact


def _navigation() -> dict[str, object]:
    """The places in the top bar and the phone's tab bar, as far as this person may go: at most five tabs."""
    person = current_person()
    if person is None or person.must_change_password:
        return {"nav": []}
    places = [
        _place("portal.home", _("首页"), "home", here=request.endpoint == "portal.home"),
        _place("courses.catalogue", _("课程"), "course", here=request.endpoint in LEARNING),
    ]
    in_class = request.blueprint == "live" and not _in_studio()
    places.append(_place("live.index", _("直播课堂"), "live", short=_("直播"), here=in_class))
    examined = request.path.startswith("/quizzes")
    exams = _place("quizzes.index", _("考试测验"), "exam", short=_("考试"), here=examined)
    places.append({**exams, "tab": False})  # one tap from the first page
    if person.member_id:
        places.append(_place("portal.record", _("学习档案"), "record", short=_("档案")))
    duties = []
    for grant in person.grants:
        if grant.role in {Role.BRANCH_SECRETARY, Role.ORG_ADMIN}:
            branch = grant.role is Role.BRANCH_SECRETARY
            words = (
                {"label": _("支部管理"), "short": _("支部")} if branch else {"label": _("组织管理"), "short": _("组织")}
            )
            here = request.endpoint in MANAGING
            duties.append(_place("portal.organization", icon="people", here=here, org_id=grant.org_id, **words))
            break
    if person.has(Role.TRAINER):
        duties.append(_place("courses.studio", _("我的授课"), "slides", short=_("授课"), here=_in_studio()))
    if person.has(Role.REVIEWER):
        here = request.path.startswith("/review")
        duties.append(_place("courses.review", _("内容审核"), "exam", short=_("审核"), here=here))
    for place in duties[1:]:
        place["tab"] = False
    if duties and person.member_id:
        places[-1]["tab"] = False  # the training file is one tap from the first page
    mine = _place("org.account", _("我的"), "me", bar=False, here=request.blueprint == "org")
    studio = [
        _place("courses.studio", _("课程"), "course"),
        _place("live.studio", _("直播课"), "live"),
        _place("quizzes.studio", _("试卷"), "exam"),
        _place("quizzes.bank_list", _("题库"), "exam", here=request.path.startswith("/bank")),
    ]
    return {"nav": [*places, *duties, mine], "studio_places": studio}


def _in_studio() -> bool:
    """Whether this is a page of a trainer's own work."""
    return request.path.startswith(("/studio", "/bank")) or request.endpoint in STUDIO


def _place(
    endpoint: str, label: str, icon: str, *, short: str = "", here: bool | None = None, bar: bool = True, **values: Any
) -> dict[str, object]:
    """One place: `bar` puts it in the top bar, `tab` in the phone's tab bar under its `short` name."""
    return {
        "href": url_for(endpoint, **values),
        "label": label,
        "short": short or label,
        "icon": icon,
        "here": request.endpoint == endpoint if here is None else here,
        "bar": bar,
        "tab": True,
    }
