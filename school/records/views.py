"""Addresses of the records room: claims of study time by signed token, and requests to look again."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("records", __name__, template_folder="templates")
