"""The one blueprint that the room's home, training file and organisation pages hang on."""

from flask import Blueprint

blueprint = Blueprint("portal", __name__, template_folder="templates")
