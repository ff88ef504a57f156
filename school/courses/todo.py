"""What a member's first page asks of courses: those that were begun, and the compulsory ones that are still open."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from school.core.person import Person
from school.courses.models import Course
from school.courses.queries import OVERSEERS, done_by, published_to
from school.org.reach import places


@dataclass(frozen=True, slots=True)
class Musts:
    """The latest of the compulsory courses a member has not completed; how many they all are, and what they earn."""

    courses: Sequence[Course] = ()
    count: int = 0
    hours_100: int = 0


@lru_cache(256)
def _musts(scopes: tuple[str, ...]) -> sa.Select[Course, int, int]:
    """Made once for all who oversee the same: to build such a statement costs more than to ask it."""
    hours_100 = sa.func.sum(Course.hours_100).over()
    return (
        sa.select(Course, sa.func.count().over(), hours_100)
        .where(Course.compulsory.is_(True), published_to(scopes), ~done_by(sa.bindparam("member_id")))
        .options(joinedload(Course.category))
        .order_by(Course.published_at.desc(), Course.id)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


def musts(s: Session, person: Person, member_id: int, limit: int, *, but: Collection[int] = ()) -> Musts:
    """The compulsory courses the member has still to complete; at most `limit` are shown, and none with an id in `but`."""
    asked = {"places": places(person), "member_id": member_id, "limit": limit + len(but)}
    rows = s.execute(_musts(person.scopes(*OVERSEERS)), asked).all()
    if not rows:
        return Musts()
    return Musts([row[0] for row in rows if row[0].id not in but][:limit], rows[0][1], int(rows[0][2]))


@lru_cache(256)
def _catalogued(scopes: tuple[str, ...]) -> sa.Select[Course]:
    wanted = sa.select(Course).where(Course.id.in_(sa.bindparam("ids", expanding=True)), published_to(scopes))
    return wanted.options(joinedload(Course.category))


def catalogued(s: Session, person: Person, ids: Collection[int]) -> dict[int, Course]:
    """id → course of those that stand in the person's catalogue."""
    if not ids:
        return {}
    asked = {"places": places(person), "ids": list(ids)}
    return {course.id: course for course in s.scalars(_catalogued(person.scopes(*OVERSEERS)), asked)}
