"""Pages and addresses of the records room."""

from flask import Blueprint

blueprint = Blueprint("records", __name__, template_folder="templates")
