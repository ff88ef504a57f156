"""到课: who is expected in a class and who is in the room now, by branch in organisation order."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.live import log, room_rules
from school.live.access import Standing, at_desk
from school.live.models import LiveAudience, LiveClass, LivePresence, LiveSignIn
from school.live.room_rules import Body
from school.org.models import Account, Member, Organization, PartyStatus
from school.org.reach import below

FRESH_MS = 30_000  # a stay that has not been seen for longer has ended without saying so
BRANCHES = 400  # lines of a roster; a committee of more looks at the report
PEOPLE = 500  # of one branch


def scopes(s: Session, live: LiveClass) -> list[str]:
    """Paths of the subtrees whose members are expected: the audience, or the host's own when it is for everyone."""
    named = s.scalars(
        sa.select(Organization.path)
        .join(LiveAudience, LiveAudience.org_id == Organization.id)
        .where(LiveAudience.class_id == live.id)
    ).all()
    return list(named) or [s.scalars(sa.select(Organization.path).where(Organization.id == live.org_id)).one()]


def expected(s: Session, live: LiveClass) -> sa.ColumnElement[bool]:
    """Whether a `Member` (joined with their `Organization`) is expected: but who teaches or helps."""
    desk = (
        sa.select(Account.member_id)
        .where(Account.id.in_([live.trainer_id, live.helper_id or live.trainer_id]), Account.member_id.is_not(None))
    )  # fmt: skip
    return sa.and_(
        Member.party_status == PartyStatus.NORMAL, below(Organization.path, scopes(s, live)), Member.id.not_in(desk)
    )


def expected_count(s: Session, live: LiveClass) -> int:
    """How many members are expected (应到)."""
    return s.scalars(
        sa.select(sa.func.count())
        .select_from(Member)
        .join(Organization, Organization.id == Member.org_id)
        .where(expected(s, live))
    ).one()


def _here(class_id: int, now_ms: int) -> sa.Select[int]:
    """Ids of the members in the room now."""
    return sa.select(LivePresence.member_id).where(
        LivePresence.class_id == class_id, LivePresence.left.is_(False), LivePresence.seen_ms > now_ms - FRESH_MS
    )


def present_count(s: Session, class_id: int) -> int:
    """How many members are in the room now, each once however many devices they have."""
    inside = _here(class_id, log.this_ms()).distinct().subquery()
    return s.scalars(sa.select(sa.func.count()).select_from(inside)).one()


def roster(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`roster`: expected and present by branch in organisation order; with `org_id` also that branch's people."""
    at_desk(here)
    org_id = room_rules.number(body, "org_id") if body.get("org_id") is not None else None
    return {
        "branches": branches(s, here.live),
        "people": people(s, here.live, org_id) if org_id is not None else [],
    }


def branches(s: Session, live: LiveClass) -> list[dict[str, Any]]:
    """`{org_id, name, present, expected}` of each organisation with members expected or here, by the tree's path."""
    inside = _here(live.id, log.this_ms())
    due = expected(s, live)
    present = sa.func.sum(sa.case((Member.id.in_(inside), 1), else_=0))
    rows = s.execute(
        sa.select(
            Organization.id, Organization.short_name, present, sa.func.sum(sa.case((due, 1), else_=0)).label("expected")
        )
        .join(Member, Member.org_id == Organization.id)
        .where(sa.or_(due, Member.id.in_(inside)))
        .group_by(Organization.id, Organization.short_name, Organization.path)
        .order_by(Organization.path)
        .limit(BRANCHES)
    )
    return [
        {"org_id": org_id, "name": name, "present": int(there), "expected": int(wanted)}
        for org_id, name, there, wanted in rows
    ]


def people(s: Session, live: LiveClass, org_id: int) -> list[dict[str, Any]]:
    """`{member_id, name, present, signed_in}` of one branch's members who are expected or here, by strokes of the name."""
    inside = _here(live.id, log.this_ms())
    signed = sa.exists().where(LiveSignIn.class_id == live.id, LiveSignIn.member_id == Member.id)
    rows = s.execute(
        sa.select(Member.id, Member.name, Member.id.in_(inside), signed)
        .join(Organization, Organization.id == Member.org_id)
        .where(Member.org_id == org_id, sa.or_(expected(s, live), Member.id.in_(inside)))
        .order_by(Member.strokes, Member.pinyin, Member.id)
        .limit(PEOPLE)
    )
    return [
        {"member_id": member_id, "name": name, "present": bool(there), "signed_in": bool(sign)}
        for member_id, name, there, sign in rows
    ]
