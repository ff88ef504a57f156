"""What the room asks of its siblings; the roof says how, so that no sibling is imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from school.core.person import Person
from school.webkit.context import school

PART = "courses.outside"  # the slot of School.parts


@dataclass(frozen=True, slots=True)
class Outside:
    """Questions asked at moments of a lesson, for its page's script: `{at_ms, title, done, start}` each, in their order;
    and the tests of a course beside them: `{title, href, lesson_id, facts, needed, passed}`, `lesson_id` None: of the whole."""

    moments: Callable[[Session, Person, int], Sequence[dict[str, Any]]] = lambda s, person, lesson_id: ()
    tests: Callable[[Session, Person, int], Sequence[dict[str, Any]]] = lambda s, person, course_id: ()


ALONE = Outside()  # a room without siblings


def outside() -> Outside:
    found: Outside = school().parts.get(PART, ALONE)
    return found
