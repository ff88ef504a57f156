"""Pages of one's own account: signing in and out, the password, devices, and how pages look."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from school.core.crypto import decrypt
from school.core.errors import Invalid, SchoolError, SignInNeeded, TooMany
from school.core.i18n import N_
from school.core.person import ROLES, Person, Role, signed_in
from school.org import queries, rules, sign_ins, words
from school.org.models import Account, Member
from school.org.service import keep_view
from school.org.sign_ins import Device
from school.webkit.bodies import json_object
from school.webkit.context import current_person, school
from school.webkit.replies import sentence, status_of, wants_json

blueprint = Blueprint("org", __name__, template_folder="templates")

LOCALES = {"zh", "en"}
ELDER = {"0", "1", "2", "3"}


def _own_target() -> str:
    return rules.own_path(request.values.get("next")) or url_for("portal.home")


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """The door. A wrong try keeps what was typed as account, and says how many tries are left."""
    person = current_person()
    if request.method == "GET":
        return redirect(_own_target()) if person else _door()
    login = request.form.get("login", "")
    own = request.form.get("own") == "1"
    device = Device(request.user_agent.string, request.remote_addr or "")
    lasts = timedelta(days=school().settings.session_days) if own else sign_ins.BORROWED
    try:
        token = sign_ins.sign_in(school().db, school().keys, login, request.form.get("password", ""), device, lasts)
    except (Invalid, TooMany) as error:
        if wants_json():
            raise
        return _door(error, login=login, own=own)
    target = _own_target()
    session.clear()  # a cookie set before signing in is worth nothing afterwards
    session["token"] = token
    session.permanent = own
    return redirect(target)


def _door(error: SchoolError | None = None, *, login: str = "", own: bool = True) -> Response:
    page = render_template("org/sign_in.html", error=error and sentence(error), login=login, own=own,
                           target=request.values.get("next", ""), days=school().settings.session_days)  # fmt: skip
    response = make_response(page, status_of(error) if error else 200)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.params["seconds"])
    return response


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End this device's sign-in, and let the browser forget the pages it kept."""
    person, token = current_person(), session.get("token")
    if person and token:
        with school().db.write() as s:
            sign_ins.sign_out(s, person, token)
    session.clear()
    response = redirect(url_for("org.sign_in"))
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _known() -> Person:
    """The person, also while a first password waits to be changed."""
    person = current_person()
    if person is None:
        raise SignInNeeded("person.sign_in", N_("请先登录。"))
    return person


@blueprint.route("/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    """Change one's own password; the first one must be changed before anything else."""
    person = _known()
    if request.method == "GET":
        return _password_page(person)
    new, again = request.form.get("new", ""), request.form.get("again", "")
    old = None if person.must_change_password else request.form.get("old", "")
    try:
        if new != again:
            raise Invalid("password.differs", N_("两次输入的新密码不一样，请再输入一次。"))
        sign_ins.change_password(school().db, person, old, new, keep=session.get("token", ""))
    except (Invalid, TooMany) as error:
        if wants_json():
            raise
        return make_response(_password_page(person, error), status_of(error))
    flash(_("密码已经换好。其他设备上的登录已经退出。"), "ok")
    return redirect(url_for("portal.home" if person.must_change_password else "org.account"))


def _password_page(person: Person, error: SchoolError | None = None) -> str:
    admin = person.has(Role.ORG_ADMIN, Role.SYSADMIN)
    return render_template(
        "org/password.html",
        first=person.must_change_password,
        least=rules.ADMIN_PASSWORD_LENGTH if admin else rules.PASSWORD_LENGTH,
        error=error and sentence(error),
        wrong="old" if error and error.code in {"password.old", "sign_in.locked"} else "new",
    )


@blueprint.get("/account")
def account() -> str:
    """我的: who one is here, how pages look, the password, and where one is signed in."""
    person = signed_in(current_person())
    with school().db.read() as s:
        held = s.get_one(Account, person.account_id)
        member = s.get(Member, person.member_id) if person.member_id else None
        branch = queries.organization(s, person.org_id) if person.org_id else None
        roles = [(ROLES[grant.role], queries.organization(s, grant.org_id)) for grant in person.grants]
        devices = sign_ins.devices(s, person.account_id)
    return render_template(
        "org/account.html",
        account=held,
        member=member,
        branch=branch,
        roles=roles,
        category=words.CATEGORIES[member.category] if member else "",
        mobile=_masked(member.mobile_enc, rules.mask_mobile) if member else "",
        id_number=_masked(member.id_number_enc, rules.mask_id_number) if member else "",
        devices=[(device, _device_name(device.device)) for device in devices],
        this_device=sign_ins.token_hash(session.get("token", "")),
    )


def _masked(sealed: bytes | None, mask: Callable[[str], str]) -> str:
    """Enough of a sealed number to recognise one's own; nothing when there is none."""
    return mask(decrypt(school().keys, sealed)) if sealed else ""


def _device_name(agent: str) -> str:
    return " · ".join(_(word) for word in words.device_words(agent)) or _("一台设备")


@blueprint.post("/account/view")
def view() -> ResponseReturnValue:
    """Keep the language or the type size: on this device for everyone, with the account for who is signed in."""
    wish = json_object() if request.is_json else request.form
    locale, elder = str(wish.get("locale", "")), str(wish.get("elder", ""))
    response: Response = make_response({}) if request.is_json else make_response(redirect(_own_target()))
    chosen = {"locale": locale if locale in LOCALES else None, "elder": elder if elder in ELDER else None}
    for name, value in chosen.items():
        if value is not None:
            response.set_cookie(name, value, max_age=365 * 86400, samesite="Lax", secure=request.is_secure)
    person = current_person()
    if person and any(value is not None for value in chosen.values()):
        with school().db.write() as s:
            keep_view(s, person, locale=chosen["locale"], elder=int(chosen["elder"]) if chosen["elder"] else None)
    return response


@blueprint.post("/account/devices/<int:sign_in_id>/sign-out")
def sign_out_device(sign_in_id: int) -> ResponseReturnValue:
    person = signed_in(current_person())
    with school().db.write() as s:
        sign_ins.sign_out_device(s, person, sign_in_id)
    flash(_("那台设备已经退出登录。"), "ok")
    return redirect(url_for("org.account"))


@blueprint.post("/account/sign-out-everywhere")
def sign_out_everywhere() -> ResponseReturnValue:
    """End every other device's sign-in; this one stays."""
    person = signed_in(current_person())
    with school().db.write() as s:
        ended = sign_ins.sign_out_everywhere(s, person, person.account_id, keep=session.get("token", ""))
    flash(_("其他 %(n)d 台设备都已退出登录。", n=ended) if ended else _("没有其他设备登录着。"), "ok")
    return redirect(url_for("org.account"))
