"""The one blueprint that every address of a live class hangs on."""

from flask import Blueprint

from school.org import sheets

blueprint = Blueprint("live", __name__, template_folder="templates")
sheets.guard(blueprint, "live")
