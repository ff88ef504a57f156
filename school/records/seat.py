"""A member's seat before a recording that gives hours, and what the player's script must know of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from school.core.i18n import N_
from school.core.time import day_of
from school.org.models import Member
from school.records.models import Coverage, Mode, PlaySession, ReviewRequest
from school.records.policies import credit_policy, every_policy, policy_for
from school.records.queries import Ribbon, ribbons_of
from school.records.rules import CreditPolicy

RATES = (0.75, 1.0, 1.25, 1.5)  # what a page with a player offers, as far as the policy credits it
HEAD_MS, TAIL_MS = 5_000, 10_000  # who stopped this near to either end begins anew
SYSTEMS = {
    "iPhone": "iPhone", "iPad": "iPad", "HarmonyOS": "HarmonyOS", "Android": "Android",
    "Windows": "Windows", "Macintosh": "Mac", "Linux": "Linux",
}  # fmt: skip
BROWSERS = {
    "MicroMessenger": N_("微信"), "DingTalk": N_("钉钉"), "Edg": "Edge", "Firefox|FxiOS": "Firefox",
    "Chrome|CriOS": "Chrome", "Safari": "Safari",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seat:
    """A member before one part of an item that gives hours."""

    member_id: int
    part: Ribbon  # what the member has of this part
    others: tuple[Ribbon, ...]  # of the item's other parts
    policy: CreditPolicy
    position_ms: int  # where to go on, the part's beginning: anew
    asked: tuple[tuple[int, int], ...]  # stretches whose review is open

    @property
    def need_ms(self) -> int:
        """How much of the whole item must be covered."""
        length = sum(part.span_ms for part in (self.part, *self.others))
        return -(-length * self.policy.completion_permille // 1000)

    @property
    def elsewhere_ms(self) -> int:
        """What is covered of the item's other parts."""
        return sum(part.covered_ms for part in self.others)


def seat_of(
    s: Session, member_id: int, kind: str, ref_id: int, part_ref: int, moment: datetime, zone: str
) -> Seat | None:
    """The member's seat before part `part_ref` of the item (`kind`, `ref_id`); None where it gives no hours."""
    parts = {part.ref_id: part for part in ribbons_of(s, member_id, kind, ref_id)}
    part = parts.pop(part_ref, None)
    if part is None:
        return None
    member = s.get_one(Member, member_id)
    policy = policy_for(every_policy(s), member.category, member.post, day_of(moment, zone))
    return Seat(
        member_id,
        part,
        tuple(parts.values()),
        credit_policy(policy),
        _position(s, member_id, part),
        _asked(s, member_id, part),
    )


def _position(s: Session, member_id: int, part: Ribbon) -> int:
    latest = s.scalar(
        sa.select(Coverage.position_ms).where(
            Coverage.member_id == member_id, Coverage.part_id == part.part_id, Coverage.mode == Mode.ONLINE
        )
    )
    return latest if latest and part.in_ms + HEAD_MS <= latest <= part.length_ms - TAIL_MS else part.in_ms


def _asked(s: Session, member_id: int, part: Ribbon) -> tuple[tuple[int, int], ...]:
    rows = s.execute(
        sa.select(ReviewRequest.from_ms, ReviewRequest.to_ms).where(
            ReviewRequest.member_id == member_id,
            ReviewRequest.part_id == part.part_id,
            ReviewRequest.state == "open",
        )
    )
    return tuple((start, end) for start, end in rows if start is not None and end is not None)


def script_data(seat: Seat, sessions: str, *, done: bool, expected: bool = True) -> dict[str, Any]:
    """What the player's script counts with; `sessions` is the address that opens a play session, lengths are ms.

    Who is not `expected` to complete the item needs nothing more; what they watch counts as ever.
    """
    return {
        "part_id": seat.part.part_id,
        "sessions": sessions,
        "claims": url_for("study.claims"),
        "checks": url_for("study.checks"),
        "reviews": url_for("records.ask"),
        "covered": seat.part.covered,
        "refused": seat.part.refused,
        "asked": seat.asked,
        "need_ms": seat.need_ms if expected else 0,
        "elsewhere_ms": seat.elsewhere_ms,
        "done": done,
    }


def device_name(agent: str) -> str:
    """What a member knows a device by, from its User-Agent: `Android 微信`, `Windows Chrome`; empty when unknown."""
    tables = (SYSTEMS, BROWSERS)
    found = (next((name for mark, name in table.items() if re.search(mark, agent)), "") for table in tables)
    return " ".join(filter(None, found))


def newest_device(s: Session, member_id: int) -> str:
    """On which device the member's study is counted now, in the reader's language."""
    device = s.scalar(
        sa.select(PlaySession.device)
        .where(PlaySession.member_id == member_id)
        .order_by(PlaySession.opened_at.desc(), PlaySession.id.desc())
    )
    return " ".join(_(word) for word in (device or "").split())
