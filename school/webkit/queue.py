"""The one queue of 内容审核: each room names what waits for a reviewer, the roof puts the rooms' providers together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter

from sqlalchemy.orm import Session

from school.core.person import Person
from school.webkit.context import school

PART = "review.queue"  # the slot of School.parts


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of the queue: what it is, where it is reviewed, its facts in words, and its cover (`slip` on `hue` 1–8)."""

    kind: str
    title: str
    href: str
    slip: str
    hue: int
    submitted_at: datetime
    facts: list[str] = field(default_factory=list)
    compulsory: bool | None = None  # None: no such thing is said of it


Provider = Callable[[Session, Person], Sequence[Waiting]]


def waiting(s: Session, person: Person) -> list[Waiting]:
    """What waits for this person's review in all rooms, the longest waiting first."""
    providers: Sequence[Provider] = school().parts.get(PART, ())
    lines = [line for provider in providers for line in provider(s, person)]
    return sorted(lines, key=attrgetter("submitted_at"))
