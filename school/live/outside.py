"""What the room asks of its siblings; the roof says how, so that no sibling is imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from school.core.person import Person
from school.webkit.context import school

PART = "live.outside"  # the slot of School.parts


@dataclass(frozen=True, slots=True)
class Outside:
    """Courses a class may belong to: those a trainer may choose from as (id, title), and one's title for a reader."""

    courses: Callable[[Session, Person], Sequence[tuple[int, str]]] = lambda s, person: ()
    course_title: Callable[[Session, Person, int], str | None] = lambda s, person, course_id: None


ALONE = Outside()  # a room without siblings


def outside() -> Outside:
    found: Outside = school().parts.get(PART, ALONE)
    return found
