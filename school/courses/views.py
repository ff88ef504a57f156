"""Addresses of the catalogue (课程中心) and of a course's page; the room's other pages are imported at the end."""

from __future__ import annotations

from flask import render_template

from school.courses.blueprint import blueprint

__all__ = ["blueprint"]


@blueprint.get("/courses")
def catalogue() -> str:
    return render_template("webkit/base.html")
