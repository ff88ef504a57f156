"""What a year asks of a member: dated policies by audience, in proportion to the months (pure)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeVar

FULL_MEMBERS = frozenset({"full", "probationary"})
POSTS = ("secretary", "deputy_secretary", "committee_member")  # the first one held says which rule is followed


class Asks(Protocol):
    """The part of an HourPolicy that says how much is required."""

    audience: str
    effective_from: date
    effective_until: date | None
    required_group_100: int
    required_online_100: int
    online_counts: bool
    proration: str


P = TypeVar("P", bound=Asks)


@dataclass(frozen=True, slots=True)
class Post:
    """A party post held from `since` on; `until` is the first day without it (None: still held)."""

    post: str
    since: date
    until: date | None


@dataclass(frozen=True, slots=True)
class Required:
    """A member's year in hundredths of hours; `online_counts`: 网络 hours count toward the group figure too."""

    group_100: int = 0
    online_100: int = 0
    online_counts: bool = False


def audiences(category: str, post: str | None) -> tuple[str, ...]:
    """Audiences that fit, the closest first: a committee member without a rule of their own follows the secretaries'."""
    own = "member" if category in FULL_MEMBERS else category
    return (own,) if post is None else (post, POSTS[0], own)


def choose(policies: Sequence[P], fitting: Sequence[str], day: date) -> P | None:
    """The policy in force on `day` for the closest fitting audience; the newest when several are."""
    for audience in fitting:
        found = [
            policy
            for policy in policies
            if policy.audience == audience
            and policy.effective_from <= day
            and (policy.effective_until is None or day <= policy.effective_until)
        ]
        if found:
            return max(found, key=lambda policy: policy.effective_from)
    return None


def required(policies: Sequence[Asks], category: str, posts: Sequence[Post], year: int) -> Required:
    """What `year` asks. A month counts by the post held on its last day; the sum is rounded up to a whole hour."""

    def on_last_day(month: int) -> Asks | None:
        day = date(year, month, monthrange(year, month)[1])
        held = [p.post for p in posts if p.since <= day and (p.until is None or p.until > day)]
        return choose(policies, audiences(category, min(held, key=POSTS.index, default=None)), day)

    months = [on_last_day(month) for month in range(1, 13)]
    last = months[-1]
    if last is None:
        return Required()

    def figure(of: Callable[[Asks], int]) -> int:
        figures = [of(policy) if policy else 0 for policy in months]
        if last.proration == "none":
            return figures[-1]
        if last.proration == "stricter_wins":
            return max(figures)
        return -(-sum(figures) // 1200) * 100

    return Required(
        figure(lambda policy: policy.required_group_100),
        figure(lambda policy: policy.required_online_100),
        last.online_counts,
    )
