"""What a year asks: by audience, by date and by month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest

from school.records.requirements import Post, Required, audiences, choose, required


@dataclass
class Rule:
    audience: str
    required_group_100: int
    required_online_100: int = 0
    effective_from: date = date(2019, 1, 1)
    effective_until: date | None = None
    online_counts: bool = False
    proration: str = "by_month"


MEMBER, SECRETARY = Rule("member", 3200), Rule("secretary", 5600)


@pytest.mark.parametrize(
    ("posts", "hours"),
    [
        ([], 32),
        ([Post("secretary", date(2020, 1, 1), None)], 56),
        ([Post("secretary", date(2026, 7, 1), None)], 44),  # 吴白露
        ([Post("secretary", date(2026, 7, 31), None)], 44),
        ([Post("secretary", date(2026, 8, 1), None)], 42),
        ([Post("secretary", date(2020, 1, 1), date(2026, 4, 1))], 38),
        ([Post("secretary", date(2020, 1, 1), date(2026, 3, 31))], 36),  # not on the last day of March
        ([Post("committee_member", date(2026, 7, 1), None)], 44),  # the secretaries' rule, having none of their own
        ([Post("secretary", date(2025, 1, 1), date(2026, 1, 1))], 32),
    ],
)
def test_a_month_counts_by_the_post_held_on_its_last_day(posts: list[Post], hours: int) -> None:
    assert required([MEMBER, SECRETARY], "full", posts, 2026).group_100 == hours * 100


def test_the_closest_audience_wins_and_a_post_of_two_counts_once() -> None:
    own = Rule("committee_member", 4000)
    both = [Post("committee_member", date(2026, 1, 1), None), Post("secretary", date(2026, 1, 1), None)]
    assert required([MEMBER, SECRETARY, own], "full", both[:1], 2026).group_100 == 4000
    assert required([MEMBER, SECRETARY, own], "full", both, 2026).group_100 == 5600
    assert audiences("candidate", None) == ("candidate",)
    assert required([MEMBER], "candidate", [], 2026) == Required()


def test_dated_rules_change_from_their_day_and_the_sum_is_rounded_up() -> None:
    old = Rule("member", 2400, effective_until=date(2026, 10, 30))
    new = Rule("member", 3250, effective_from=date(2026, 10, 31))
    assert choose([old, new], ("member",), date(2026, 10, 30)) is old
    assert choose([old, new], ("member",), date(2026, 10, 31)) is new
    assert required([old, new], "full", [], 2026).group_100 == 2700  # 24 × 9/12 + 32.5 × 3/12 = 26.125


@pytest.mark.parametrize(("proration", "hours"), [("by_month", 44), ("stricter_wins", 56), ("none", 32)])
def test_how_a_change_within_the_year_counts_is_the_rules_to_say(proration: str, hours: int) -> None:
    rules = [Rule("member", 3200, proration=proration), Rule("secretary", 5600, proration=proration)]
    posts = [Post("secretary", date(2020, 1, 1), date(2026, 7, 1))]
    assert required(rules, "full", posts, 2026).group_100 == hours * 100
