"""Pages and addresses of the org room."""

from flask import Blueprint, render_template

blueprint = Blueprint("org", __name__, template_folder="templates")


@blueprint.get("/sign-in")
def sign_in() -> str:
    return render_template("webkit/base.html")


@blueprint.get("/account")
def account() -> str:
    return render_template("webkit/base.html")
