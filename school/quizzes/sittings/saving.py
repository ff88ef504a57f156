"""Answers of many sittings in one transaction: read by sets, checked one by one, written by sets, handed in where asked.

What a page is told to be saved is stored; an answer that was told before or has been overtaken counts as saved, so a
page may send the same again whenever it is not sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from school.core import json
from school.core.errors import Conflict, Invalid, SchoolError
from school.core.i18n import N_
from school.org.models import Member
from school.quizzes import bodies
from school.quizzes.bank import keyring
from school.quizzes.bank.versions import Asked, asked
from school.quizzes.papers.drawing import Served
from school.quizzes.papers.models import Show
from school.quizzes.sittings import service as sitting
from school.quizzes.sittings import telling
from school.quizzes.sittings.models import Attempt, AttemptAnswer, AttemptEvent, AttemptState
from school.quizzes.sittings.service import Sitting, event
from school.quizzes.sittings.serving import canonical
from school.quizzes.sittings.show import examined
from school.quizzes.sittings.tokens import Ticket, forged
from school.records.bulk import among, move, put, table_of

ANSWER = table_of(AttemptAnswer)
EVENTS_MOST = 300  # of one sitting; a page that reports its comings and goings without end is no longer listened to
SPENT_MOST = 24 * 3_600_000
N_MOST = 2**31


@dataclass(frozen=True, slots=True)
class Given:
    """One answer as the page sent it: in the places it shows, with its own count `n`."""

    i: int
    answer: Any
    n: int
    spent_ms: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one page sends, heard at `at_ms`: answers in their order, whether it was left (`away`) or left for `back_ms`
    and is there again, and whether the sitting is handed in."""

    ticket: Ticket
    at_ms: int
    answers: Sequence[Given] = ()
    away: bool = False
    back_ms: int | None = None
    submit: bool = False

    @property
    def attempt_id(self) -> int:
        return self.ticket.attempt_id


@dataclass(slots=True)
class Outcome:
    """What stands after the commit; a saved answer is `{i, n, saved_ms}`, in practice with what `telling.tell` says of it."""

    sitting: Sitting
    saved: list[dict[str, Any]] = field(default_factory=list)
    refused: list[tuple[int, SchoolError]] = field(default_factory=list)


@dataclass(slots=True)
class _Kept:
    """An answer as the batch works on it; `n` is -1 for one that does not stand yet."""

    n: int = -1
    answer: Any = None
    saved_ms: int = 0
    spent_ms: int = 0
    touched: bool = False


def save(s: Session, deliveries: Sequence[Delivery], zone: str) -> list[Outcome | SchoolError]:
    """Store `deliveries` in their order within the transaction of `s`; one that is refused as a whole answers an error:
    NotAllowed `attempt.token`, Conflict `attempt.elsewhere`, `attempt.over`, `quiz.paused`."""
    batch = _Batch(s, deliveries, zone)
    answers = [batch.take(delivery) for delivery in deliveries]
    batch.write()
    return answers


class _Batch:
    def __init__(self, s: Session, deliveries: Sequence[Delivery], zone: str) -> None:
        self.s, self.zone = s, zone
        self.sittings = sitting.held(s, (delivery.ticket.attempt_id for delivery in deliveries))
        wanted = {
            (delivery.ticket.attempt_id, given.i)
            for delivery in deliveries
            if (here := self.sittings.get(delivery.ticket.attempt_id)) is not None
            for given in delivery.answers
            if 0 <= given.i < len(here.paper)
        }
        self.versions = asked(s, (self.sittings[attempt_id].paper[i][0] for attempt_id, i in wanted))
        self.kept = _kept(s, wanted)
        telling_at_once = {
            self.sittings[attempt_id].paper[i][0]
            for attempt_id, i in wanted
            if self.sittings[attempt_id].show == Show.AT_ONCE
        }
        self.keys = keyring.newest(s, telling_at_once) if telling_at_once else {}
        self.examined = self._examined() if telling_at_once else set[int]()
        self.seen: dict[int, int] = {}
        self.closing: dict[int, tuple[str, int]] = {}
        self.events: list[dict[str, Any]] = []

    def take(self, delivery: Delivery) -> Outcome | SchoolError:
        """Check one delivery and note what it changes; the error when none of it is taken."""
        ticket, at_ms = delivery.ticket, delivery.at_ms
        here = self.sittings.get(ticket.attempt_id)
        if here is None or here.member_id != ticket.member_id:
            return forged()
        outcome = Outcome(here)
        over = here.state != AttemptState.OPEN or here.id in self.closing
        if over and delivery.submit:  # again, or the clock was quicker: the page goes on to the result either way
            outcome.refused = [(given.i, _over()) for given in delivery.answers]
            return outcome
        if over:
            return _over()
        if here.holder != ticket.holder:
            return Conflict(
                "attempt.elsewhere",
                N_("这次答题已经在另一个页面或另一台设备上继续。要在这里接着答，请按“在这里继续”。"),
            )
        if here.member_id in self.examined and here.show == Show.AT_ONCE and delivery.answers:
            return Conflict("quiz.examined", N_("您正在考试，交卷以后再接着做练习。答案留在本页。"))
        if here.paused:
            return Conflict("quiz.paused", N_("监考人员暂停了考试，计时也停了。您的答案留在本页，恢复后自动提交。"))
        if here.late(at_ms):
            if not delivery.submit:
                return _over()
            outcome.refused = [(given.i, _over()) for given in delivery.answers]
            self.closing[here.id] = ("clock", at_ms)
            return outcome
        self._listen(delivery, here)
        for given in delivery.answers:
            try:
                outcome.saved.append(self._answer(here, given, at_ms))
            except SchoolError as error:
                outcome.refused.append((given.i, error))
        if delivery.submit:
            self.closing[here.id] = ("member", at_ms)
        return outcome

    def _examined(self) -> set[int]:
        """Members of the batch who sit an exam beside a page that tells at once."""
        members = {here.member_id for here in self.sittings.values() if here.show == Show.AT_ONCE}
        return set(self.s.scalars(sa.select(Member.id).where(among(self.s, Member.id, members), examined(Member.id))))

    def _listen(self, delivery: Delivery, here: Sitting) -> None:
        at_ms = delivery.at_ms
        self.events += sitting.silence(here, at_ms)
        self.seen[here.id] = here.seen_ms = max(here.seen_ms, at_ms)
        if delivery.away:
            self.events.append(event(here.id, at_ms, "away", None))
        if delivery.back_ms is not None:
            self.events.append(event(here.id, at_ms, "back", None, ms=delivery.back_ms))

    def _answer(self, here: Sitting, given: Given, at_ms: int) -> dict[str, Any]:
        """One answer; what the page is told of it."""
        if not 0 <= given.i < len(here.paper):
            raise Invalid("answer.question", N_("试卷里没有这道题，答案没有保存。请刷新页面后继续答题。"))
        served = Served(*here.paper[given.i])
        question = self.versions[served.version_id]
        kept = self.kept.setdefault((here.id, given.i), _Kept())
        if given.n > kept.n:
            answer = canonical(served, question.kind, bodies.answer_of(question.kind, question.body, given.answer))
            if here.show == Show.AT_ONCE and kept.answer is not None:
                if answer != kept.answer:
                    raise Conflict("answer.told", N_("这一题已经公布了答案，不能再改。"))
            else:
                here.answered += (answer is not None) - (kept.answer is not None)
                kept.answer, kept.saved_ms, kept.touched = answer, at_ms, True
                kept.spent_ms = max(kept.spent_ms, given.spent_ms)
            kept.n = given.n
        return self._told(here, given.i, served, question, kept)

    def _told(self, here: Sitting, i: int, served: Served, question: Asked, kept: _Kept) -> dict[str, Any]:
        told = {"i": i, "n": kept.n, "saved_ms": kept.saved_ms}
        if here.show == Show.AT_ONCE and kept.answer is not None:
            told |= telling.tell(served, question, self.keys[served.version_id], kept.answer)
        return told

    def write(self) -> None:
        """Answers, then the sittings they belong to, then what is handed in."""
        put(
            self.s,
            AttemptAnswer,
            [
                {
                    "attempt_id": attempt_id,
                    "position": i,
                    "version_id": self.sittings[attempt_id].paper[i][0],
                    "answer": kept.answer,
                    "n": kept.n,
                    "saved_ms": kept.saved_ms,
                    "spent_ms": kept.spent_ms,
                }
                for (attempt_id, i), kept in sorted(self.kept.items())
                if kept.touched
            ],
            change=("answer", "n", "saved_ms", "spent_ms"),
        )
        move(
            self.s,
            Attempt,
            [
                {"at_id": attempt_id, "seen_ms": seen_ms, "answered": self.sittings[attempt_id].answered}
                for attempt_id, seen_ms in sorted(self.seen.items())
            ],
        )
        self._note()
        ends = [(self.sittings[attempt_id], at_ms, by) for attempt_id, (by, at_ms) in self.closing.items()]
        sitting.close(self.s, ends, self.zone)

    def _note(self) -> None:
        if not self.events:
            return
        already = dict(
            self.s.execute(
                sa.select(AttemptEvent.attempt_id, sa.func.count())
                .where(among(self.s, AttemptEvent.attempt_id, (one["attempt_id"] for one in self.events)))
                .group_by(AttemptEvent.attempt_id)
            ).all()
        )
        heard = []
        for one in self.events:
            count = already[one["attempt_id"]] = already.get(one["attempt_id"], 0) + 1
            if count <= EVENTS_MOST:
                heard.append(one)
        sitting.note(self.s, heard)


def _over() -> Conflict:
    return Conflict("attempt.over", N_("这次答题已经结束，之后的改动没有计入。结束之前保存的答案都在。"))


def _kept(s: Session, wanted: set[tuple[int, int]]) -> dict[tuple[int, int], _Kept]:
    """What stands of the wanted questions of the wanted attempts."""
    if not wanted:
        return {}
    pairs = sorted(wanted)
    if s.get_bind().dialect.name == "postgresql":
        ids = sa.bindparam(None, [pair[0] for pair in pairs], type_=postgresql.ARRAY(sa.BigInteger))
        places = sa.bindparam(None, [pair[1] for pair in pairs], type_=postgresql.ARRAY(sa.BigInteger))
        given: Any = sa.func.unnest(ids, places).table_valued("attempt_id", "position").render_derived(name="given")
        attempt_id, position = given.c.attempt_id, given.c.position
    else:
        given = sa.func.json_each(json.text(pairs)).table_valued("value")
        attempt_id = sa.func.json_extract(given.c.value, "$[0]")
        position = sa.func.json_extract(given.c.value, "$[1]")
    found = sa.select(
        ANSWER.c.attempt_id, ANSWER.c.position, ANSWER.c.n, ANSWER.c.answer, ANSWER.c.saved_ms, ANSWER.c.spent_ms
    ).join_from(given, ANSWER, sa.and_(ANSWER.c.attempt_id == attempt_id, ANSWER.c.position == position))
    return {(row[0], row[1]): _Kept(*row[2:]) for row in s.execute(found)}
