"""Pages and addresses of the portal room."""

from flask import Blueprint, render_template

blueprint = Blueprint("portal", __name__, template_folder="templates")


@blueprint.get("/")
def home() -> str:
    return render_template("webkit/base.html")
