"""What a person has before a lesson: the recording that plays, and, where watching earns hours, their seat in the ledger."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.person import Person
from school.core.time import day_of, now
from school.courses.models import CourseState, Lesson
from school.media import queries as media
from school.media.models import Timeline
from school.org.models import Member
from school.records import policies
from school.records import queries as records
from school.records.models import Coverage, ReviewRequest
from school.records.rules import CreditPolicy

HEAD_MS, TAIL_MS = 5_000, 10_000  # who stopped this near to either end begins anew


@dataclass(frozen=True, slots=True)
class Seat:
    """A member before a lesson that gives hours."""

    member_id: int
    part: records.Ribbon  # what the member has of this lesson
    others: tuple[records.Ribbon, ...]  # of the course's other lessons
    policy: CreditPolicy
    position_ms: int  # where to go on, 0: from the beginning
    asked: tuple[tuple[int, int], ...]  # stretches whose review is open

    @property
    def need_ms(self) -> int:
        """How much of the whole course must be covered."""
        length = sum(part.length_ms for part in (self.part, *self.others))
        return -(-length * self.policy.completion_permille // 1000)

    @property
    def elsewhere_ms(self) -> int:
        """What is covered of the course's other lessons."""
        return sum(part.covered_ms for part in self.others)


def timeline_of(s: Session, lesson: Lesson) -> Timeline | None:
    """What plays: the published recording; in a preview also what the worker has made of it so far."""
    if lesson.timeline is not None or lesson.course.state == CourseState.PUBLISHED or lesson.asset_id is None:
        return lesson.timeline
    found = media.timeline_of(s, lesson.asset_id)
    return found if found is not None and found.length_ms else None


def seat_of(s: Session, person: Person, lesson: Lesson, zone: str) -> Seat | None:
    """The person's seat; None where watching earns nothing: not published, or an account without a member."""
    if lesson.course.state != CourseState.PUBLISHED or person.member_id is None:
        return None
    parts = {part.ref_id: part for part in records.ribbons_of(s, person.member_id, "course", lesson.course_id)}
    part = parts.pop(lesson.id, None)
    if part is None:
        return None
    member = s.get_one(Member, person.member_id)
    policy = policies.policy_for(policies.every_policy(s), member.category, member.post, day_of(now(), zone))
    return Seat(
        member.id,
        part,
        tuple(parts.values()),
        policies.credit_policy(policy),
        _position(s, member.id, part),
        _asked(s, member.id, part),
    )


def _position(s: Session, member_id: int, part: records.Ribbon) -> int:
    latest = s.scalar(
        sa.select(Coverage.position_ms)
        .where(Coverage.member_id == member_id, Coverage.part_id == part.part_id)
        .order_by(Coverage.updated_at.desc())
    )
    return latest if latest and HEAD_MS <= latest <= part.length_ms - TAIL_MS else 0


def _asked(s: Session, member_id: int, part: records.Ribbon) -> tuple[tuple[int, int], ...]:
    rows = s.execute(
        sa.select(ReviewRequest.from_ms, ReviewRequest.to_ms).where(
            ReviewRequest.member_id == member_id,
            ReviewRequest.part_id == part.part_id,
            ReviewRequest.state == "open",
        )
    )
    return tuple((start, end) for start, end in rows if start is not None and end is not None)
