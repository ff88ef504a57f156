"""Pages and addresses of the courses room."""

from flask import Blueprint, render_template

blueprint = Blueprint("courses", __name__, template_folder="templates")


@blueprint.get("/courses")
def catalogue() -> str:
    return render_template("webkit/base.html")
