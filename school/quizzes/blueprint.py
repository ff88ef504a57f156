"""The one blueprint that every address of the bank, of quizzes and of sittings hangs on."""

from flask import Blueprint

from school.org import sheets

blueprint = Blueprint("quizzes", __name__, template_folder="templates")
sheets.guard(blueprint, "quiz")
