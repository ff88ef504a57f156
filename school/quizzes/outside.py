"""What the room asks of its siblings; the roof says how, so that no sibling is imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from school.core.person import Person
from school.webkit.context import school

PART = "quizzes.outside"  # the slot of School.parts


@dataclass(frozen=True, slots=True)
class CourseChoice:
    """A course a test may belong to, with its lessons as (id, title) in their order."""

    id: int
    title: str
    lessons: Sequence[tuple[int, str]] = ()


@dataclass(frozen=True, slots=True)
class Outside:
    """Courses a trainer may choose from, and one's title for a reader."""

    courses: Callable[[Session, Person], Sequence[CourseChoice]] = lambda s, person: ()
    course_title: Callable[[Session, Person, int], str | None] = lambda s, person, course_id: None


ALONE = Outside()  # a room without siblings


def outside() -> Outside:
    found: Outside = school().parts.get(PART, ALONE)
    return found
