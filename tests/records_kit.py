"""What the records tests share: an item to study, and a member's way of claiming time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy.orm import Session

from actors import Cast
from school.core.db import Database
from school.core.keys import Keys
from school.records import claims, service
from school.records.claims import Claim, Outcome
from school.records.models import StudyItem, StudyPart
from school.records.tokens import unseal

ZONE = "Asia/Shanghai"
KEYS = Keys({"k1": b"k" * 32}, b"h" * 32)
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # a Monday morning in the school's zone
MINUTE = 60_000
_refs: Iterator[int] = count(1)


def post_course(
    s: Session, *lengths_ms: int, hours_100: int = 100, ref_id: int | None = None, timeline_id: int = 1
) -> tuple[StudyItem, list[StudyPart]]:
    """A course with one lesson for each length."""
    item = service.post_item(
        s,
        kind="course",
        ref_id=ref_id if ref_id is not None else next(_refs),
        title="党章导读：义务与权利",
        host="青禾县委党校",
        category="online_course",
        hours_100=hours_100,
        compulsory=True,
        parts=[
            service.PartFacts(
                ref_id=number, timeline_id=timeline_id, title=f"第{number}讲", length_ms=length, position=number
            )
            for number, length in enumerate(lengths_ms, 1)
        ],
    )
    parts = s.query(StudyPart).filter_by(item_id=item.id, active=True).order_by(StudyPart.position).all()
    return item, parts


class Watcher:
    """A member in front of a page: its clock is the test's, its claims go straight into a batch."""

    def __init__(self, db: Database, member_id: int, now: datetime = START) -> None:
        self.db, self.member_id, self.now, self.token = db, member_id, now, ""

    def open(self, part_id: int) -> service.PlayTicket:
        with self.db.write() as s:
            ticket = service.open_play_session(
                s, KEYS, member_id=self.member_id, part_id=part_id, device="Chrome", now=self.now, zone=ZONE
            )
        self.token = ticket.token
        return ticket

    def wait(self, ms: int) -> None:
        self.now += timedelta(milliseconds=ms)

    def make(
        self, *intervals: Sequence[int], token: str | None = None, position_ms: int | None = None, answer: bool = False
    ) -> Claim:
        at_ms = round(self.now.timestamp() * 1000)
        spans = [(start, end) for start, end in intervals]
        return Claim(unseal(KEYS, token or self.token), at_ms, spans, position_ms, answer)

    def claim(self, *intervals: Sequence[int], token: str | None = None, position_ms: int | None = None) -> Outcome:
        return self.send(self.make(*intervals, token=token, position_ms=position_ms))

    def answer(self) -> Outcome:
        return self.send(self.make(answer=True))

    def send(self, claim: Claim) -> Outcome:
        with self.db.write() as s:
            (outcome,) = claims.apply(s, [claim], ZONE)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def watch(self, start_ms: int, end_ms: int, beat_ms: int = 15_000) -> Outcome:
        """Play from `start_ms` to `end_ms` at normal speed, claiming at every beat and answering when asked."""
        position = start_ms
        while position < end_ms:
            to = min(position + beat_ms, end_ms)
            self.wait(to - position)
            outcome = self.claim((position, to), position_ms=to)
            if outcome.check_answer_ms is not None:
                outcome = self.answer()
            position = to
        return outcome


def cast_watcher(db: Database, cast: Cast) -> Watcher:
    return Watcher(db, cast.member.member_id)
