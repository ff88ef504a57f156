"""What the room asks of its siblings; the roof says how, so that no sibling is imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from school.core.errors import NotFound
from school.core.i18n import N_
from school.core.person import Person
from school.webkit.context import school

PART = "live.outside"  # the slot of School.parts


@dataclass(frozen=True, slots=True)
class BankQuestion:
    """A question that a bank lends to a class; `right` are places of `options`."""

    question_id: int
    question: str
    options: tuple[str, ...]
    multiple: bool
    right: tuple[int, ...]
    explanation: str
    category: str


def _no_bank(s: Session, person: Person, question_id: int) -> BankQuestion:
    raise NotFound("question.missing", N_("题库里没有找到这道题。可能已经停用，或者属于别的党组织。"))


@dataclass(frozen=True, slots=True)
class Outside:
    """Courses a class may belong to: those a trainer may choose from as (id, title), and one's title for a reader.

    Questions of the bank: those a trainer may ask that hold the words of a search, and one by its id (NotFound).
    """

    courses: Callable[[Session, Person], Sequence[tuple[int, str]]] = lambda s, person: ()
    course_title: Callable[[Session, Person, int], str | None] = lambda s, person, course_id: None
    questions: Callable[[Session, Person, str], Sequence[BankQuestion]] = lambda s, person, search: ()
    question: Callable[[Session, Person, int], BankQuestion] = _no_bank


ALONE = Outside()  # a room without siblings


def outside() -> Outside:
    found: Outside = school().parts.get(PART, ALONE)
    return found
