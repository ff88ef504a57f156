"""The verbs of the records room that other rooms call: post what gives hours, open a play session, post and reverse lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.records.ledger import NewEntry, post_entries, post_entry, reverse_entry
from school.records.models import StudyItem, StudyPart
from school.records.reviews import answer_review, ask_review
from school.records.rollup import rebuild_dirty
from school.records.sessions import PlayTicket, open_play_session
from school.records.years import excuse

__all__ = [
    "NewEntry",
    "PartFacts",
    "PlayTicket",
    "answer_review",
    "ask_review",
    "close_item",
    "excuse",
    "open_play_session",
    "post_entries",
    "post_entry",
    "post_item",
    "rebuild_dirty",
    "reverse_entry",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFacts:
    """One timeline of an item, as the feature that owns it knows it; `ref_id` is the lesson, `length_ms` where it ends."""

    ref_id: int
    timeline_id: int
    title: str
    length_ms: int
    in_ms: int = 0  # trim: nothing before it is asked for
    position: int = 0


def post_item(
    s: Session,
    *,
    kind: str,
    ref_id: int,
    title: str,
    host: str,
    category: str,
    hours_100: int,
    compulsory: bool,
    parts: Sequence[PartFacts],
) -> StudyItem:
    """Post what gives hours when it is completed, or post it again after a change; parts no longer named turn inactive.

    A part whose timeline changed is a new part. Coverage of the old one stays as evidence.
    """
    item = s.scalar(sa.select(StudyItem).where(StudyItem.kind == kind, StudyItem.ref_id == ref_id).with_for_update())
    if item is None:
        item = StudyItem(kind=kind, ref_id=ref_id)
        s.add(item)
    item.title, item.host, item.category = title, host, category
    item.hours_100, item.compulsory, item.active = hours_100, compulsory, True
    s.flush()
    known = {
        (part.ref_id, part.timeline_id): part
        for part in s.scalars(sa.select(StudyPart).where(StudyPart.item_id == item.id))
    }
    named = {(facts.ref_id, facts.timeline_id) for facts in parts}
    for facts in parts:
        part = known.get((facts.ref_id, facts.timeline_id))
        if part is None:
            part = StudyPart(item_id=item.id, ref_id=facts.ref_id, timeline_id=facts.timeline_id)
            s.add(part)
        part.title, part.position, part.active = facts.title, facts.position, True
        part.in_ms, part.length_ms = facts.in_ms, facts.length_ms
    for key, part in known.items():
        part.active = key in named
    s.flush()
    return item


def close_item(s: Session, kind: str, ref_id: int) -> None:
    """The item no longer gives hours; what was earned stays."""
    s.execute(sa.update(StudyItem).where(StudyItem.kind == kind, StudyItem.ref_id == ref_id).values(active=False))
