"""Pages and addresses of the media room."""

from flask import Blueprint

blueprint = Blueprint("media", __name__, template_folder="templates")
