"""The one blueprint that the room's views, studio, review and player pages hang on."""

from flask import Blueprint

from school.org import sheets

blueprint = Blueprint("courses", __name__, template_folder="templates")
sheets.guard(blueprint, "course")
