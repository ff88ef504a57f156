"""Dated hour policies in the database: which one counts for a member on a day, and what a year asks of members."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.time import day_of
from school.org.models import Member, PostHolding
from school.records.models import HourExemption, HourPolicy
from school.records.requirements import Post, Required, audiences, choose, required
from school.records.rules import CreditPolicy

DEFAULT = CreditPolicy()
SNAPSHOT = tuple(
    column.key for column in HourPolicy.__table__.columns if column.key not in ("effective_from", "effective_until")
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a year asks of one member, and whether they are excused from it (免予硬性要求)."""

    required: Required
    exempt: bool


def credit_policy(policy: HourPolicy | None) -> CreditPolicy:
    """The numbers of the credit rule; the school's defaults when there is no policy."""
    if policy is None:
        return DEFAULT
    return CreditPolicy(
        rate_permille=policy.rate_permille,
        gap_ms=policy.gap_ms,
        daily_cap_ms=policy.daily_cap_ms,
        check_every_ms=policy.check_every_ms,
        check_answer_ms=policy.check_answer_ms,
        completion_permille=policy.completion_permille,
    )


def snapshot(policy: HourPolicy | None) -> dict[str, Any]:
    """What an entry keeps of the policy it was counted by."""
    return {key: getattr(policy, key) for key in SNAPSHOT} if policy else {}


def every_policy(s: Session) -> Sequence[HourPolicy]:
    """All policies of all years: a handful of rows."""
    return s.scalars(sa.select(HourPolicy).order_by(HourPolicy.id)).all()


def policy_for(policies: Sequence[HourPolicy], category: str, post: str | None, day: date) -> HourPolicy | None:
    """The policy that counts for somebody of this category and post on `day`."""
    return choose(policies, audiences(category, post), day)


_POSITION = sa.select(Member.category, Member.post).where(Member.id == sa.bindparam("member_id"))


def required_permille(s: Session, member_id: int | None, moment: datetime, zone: str) -> int:
    """How much of a course or class completes it, by the policy that counts for this member at `moment`."""
    position = s.execute(_POSITION, {"member_id": member_id}).one_or_none() if member_id else None
    if position is None:
        return DEFAULT.completion_permille
    policy = policy_for(every_policy(s), position.category, position.post, day_of(moment, zone))
    return credit_policy(policy).completion_permille


def asked_of(s: Session, members: Mapping[int, str], year: int) -> dict[int, Asked]:
    """What `year` asks of `members` (id → category), set by set; members without posts share one reckoning."""
    policies = every_policy(s)
    posts = _posts(s, members.keys(), year)
    excused = set(
        s.scalars(
            sa.select(HourExemption.member_id).where(
                HourExemption.year == year, HourExemption.member_id.in_(members.keys())
            )
        )
    )
    without_post = {category: required(policies, category, (), year) for category in set(members.values())}
    return {
        member_id: Asked(
            required(policies, category, posts[member_id], year) if member_id in posts else without_post[category],
            member_id in excused,
        )
        for member_id, category in members.items()
    }


def _posts(s: Session, member_ids: Collection[int], year: int) -> dict[int, list[Post]]:
    found: dict[int, list[Post]] = defaultdict(list)
    rows = s.execute(
        sa.select(PostHolding.member_id, PostHolding.post, PostHolding.since, PostHolding.until).where(
            PostHolding.member_id.in_(member_ids),
            PostHolding.since <= date(year, 12, 31),
            sa.or_(PostHolding.until.is_(None), PostHolding.until > date(year, 1, 1)),
        )
    )
    for member_id, post, since, until in rows:
        found[member_id].append(Post(post, since, until))
    return found
