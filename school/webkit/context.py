"""What a request may reach: the school's parts, and the signed-in person that the roof injects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import current_app, g

from school.core.db import Database
from school.core.keys import Keys
from school.core.person import Person
from school.core.settings import Settings
from school.core.store import ObjectStore


@dataclass
class School:
    """The parts one process works with; made once by the roof, reached by `school()` inside a request."""

    settings: Settings
    db: Database
    store: ObjectStore
    keys: Keys
    load_person: Callable[[], Person | None] = lambda: None
    contact: Callable[[Person], str | None] = lambda person: None  # whom this person asks when something is not allowed
    parts: dict[str, Any] = field(default_factory=dict)  # one named slot per room that keeps a process-wide part


def school() -> School:
    parts: School = current_app.extensions["school"]
    return parts


def current_person() -> Person | None:
    """Who is signed in; asked of the roof's loader once a request."""
    if "person" not in g:
        g.person = school().load_person()
    person: Person | None = g.person
    return person
