"""Votes and quick questions (随堂提问) in the room: open, vote, close.

An anonymous vote must not be traceable from what is stored, so of it there is kept only
- that an account has voted (`LiveVoter` without choices), so that nobody votes twice, and
- how many chose each option (`LivePoll.tally`), one row that forgets its earlier values.
Nothing else may carry a vote's moment, because whoever had noted the numbers as they moved (everybody sees them) could
lay the two side by side. Therefore a vote makes no line of the log; its acknowledgement's key is not kept; an anonymous
one is no sign of life for a presence check (`vote` alone asks `moments.alive`, for a named one); it cannot be changed,
which would need to know it; and voters have no order: their rows lie by account in SQLite, and `close` writes them
anew by account in one transaction, so that in PostgreSQL neither place nor transaction number tells who was first.
What remains is arithmetic: when all chose the same, everybody knows what everybody chose.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Conflict, Invalid, NotFound
from school.core.i18n import N_
from school.core.secrecy import refuse_secrets
from school.live import log, moments, room_rules
from school.live.access import Standing, at_desk
from school.live.models import LivePoll, LiveVoter
from school.live.outside import BankQuestion, Outside
from school.live.room_rules import Body
from school.records.bulk import among


def fetched(s: Session, here: Standing, body: dict[str, Any], outside: Outside) -> dict[str, Any]:
    """The body of `poll_open` with the bank's own question in place of its id; what else was sent of it counts for nothing."""
    if body.get("question_ref") is None:
        return body
    lent = outside.question(s, here.person, room_rules.number(body, "question_ref"))
    return {**written(lent), "question_ref": lent, "key": body.get("key")}


def written(lent: BankQuestion) -> dict[str, Any]:
    """A question of the bank as a trainer would have written it into the dialog."""
    return {
        "question": lent.question, "options": list(lent.options), "multiple": lent.multiple, "right": list(lent.right),
        "explanation": lent.explanation[: room_rules.EXPLANATION_LENGTH],
    }  # fmt: skip


def fits(lent: BankQuestion) -> bool:
    """Whether a class can ask it: as many and as short options as one of its own may have."""
    body = written(lent)
    try:
        room_rules.poll(room_rules.words(body, "question"), body["options"], body["explanation"])
    except Invalid:
        return False
    return True


def open_poll(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`poll_open`: put a question to the room; with `right` it is a quick question. One at a time. → `{poll}`."""
    at_desk(here)
    room_rules.begun(here.live.state)
    lent = body.get("question_ref")
    if lent is not None and not isinstance(lent, BankQuestion):  # only `fetched` may say what the bank has
        raise Invalid("live.body", room_rules.UNREADABLE)
    question, explanation = room_rules.words(body, "question"), room_rules.words(body, "explanation")
    options = room_rules.poll(question, body.get("options") or (), explanation)
    multiple, anonymous = room_rules.flag(body, "multiple"), room_rules.flag(body, "anonymous")
    right = None
    if body.get("right") is not None:
        right = room_rules.places(body, "right", len(options))
        room_rules.right(right, multiple=multiple)
    refuse_secrets(question, explanation, *options)
    log.hold(s, here.live.id)
    if running(s, here.live.id) is not None:
        raise Conflict("live.poll_open", N_("上一道题还没有结束。请先按“结束”，再出下一道。"))
    poll = LivePoll(
        class_id=here.live.id, question=question, options=options, multiple=multiple, anonymous=anonymous, right=right,
        explanation=explanation if right is not None else "", tally=[0] * len(options), opened_ms=log.this_ms(),
        question_ref=lent.question_id if lent is not None else None,
    )  # fmt: skip
    s.add(poll)
    s.flush()
    log.append(
        s, here.live.id, "poll", face(poll), account_id=here.person.account_id, key=room_rules.key(body),
        at_ms=poll.opened_ms,
    )  # fmt: skip
    return {"poll": poll.id}


def vote(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`vote`: a person's choices; a named vote may be changed while the poll is open. → `{tally, voters}`.

    An anonymous vote that comes again changes nothing and is answered with `again: true`: whether it is the same one
    sent twice or another one is not known here.
    """
    room_rules.begun(here.live.state)
    number = room_rules.number(body, "poll")
    log.hold(s, here.live.id)
    poll = _of(s, here, number)
    if poll.closed_ms is not None:
        raise Conflict("live.poll_closed", N_("这道题已经结束，不能再投。"))
    chosen = room_rules.places(body, "choices", len(poll.options))
    room_rules.choices(chosen, multiple=poll.multiple)
    known = s.get(LiveVoter, (poll.id, here.person.account_id), populate_existing=True)
    if known is not None and poll.anonymous:
        return {**figures(poll), "again": True}
    if known is None:
        kept = None if poll.anonymous else chosen
        s.add(LiveVoter(poll_id=poll.id, account_id=here.person.account_id, choices=kept))
        poll.tally, poll.voters = room_rules.counted(poll.tally, (), chosen), poll.voters + 1
    else:
        poll.tally = room_rules.counted(poll.tally, known.choices or (), chosen)
        known.choices = chosen
    s.flush()
    if not poll.anonymous:
        moments.alive(s, here)
    return figures(poll)


def close(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`poll_close`: end it and show everybody the result, with the right answers of a quick question."""
    at_desk(here)
    number = room_rules.number(body, "poll")
    log.hold(s, here.live.id)
    poll = _of(s, here, number)
    if poll.closed_ms is None:
        end(s, poll, account_id=here.person.account_id, key=room_rules.key(body))
    return {}


def end(s: Session, poll: LivePoll, *, account_id: int | None = None, key: str | None = None) -> None:
    """Close an open poll; without an account the school itself does, as when the class is over."""
    poll.closed_ms = log.this_ms()
    s.flush()
    if poll.anonymous:
        _forget_order(s, poll.id)
    log.append(s, poll.class_id, "poll_closed", result(poll), account_id=account_id, key=key, at_ms=poll.closed_ms)


def end_running(s: Session, class_id: int) -> None:
    """Close the poll that is still open when the class ends."""
    poll = running(s, class_id)
    if poll is not None:
        end(s, poll)


def running(s: Session, class_id: int) -> LivePoll | None:
    """The open poll of the class."""
    return s.scalars(
        sa.select(LivePoll)
        .where(LivePoll.class_id == class_id, LivePoll.closed_ms.is_(None))
        .order_by(LivePoll.id)
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()


def votes(s: Session, class_id: int, account_ids: Collection[int]) -> dict[int, dict[str, list[int]]]:
    """What each of these people has voted, by poll (text, as JSON names it); an empty list says only that they have."""
    rows = s.execute(
        sa.select(LiveVoter.account_id, LiveVoter.poll_id, LiveVoter.choices)
        .join(LivePoll, LivePoll.id == LiveVoter.poll_id)
        .where(LivePoll.class_id == class_id, among(s, LiveVoter.account_id, account_ids))
    )
    found: dict[int, dict[str, list[int]]] = {}
    for account_id, poll_id, choices in rows:
        found.setdefault(account_id, {})[str(poll_id)] = choices or []
    return found


def tallies(s: Session, class_id: int) -> list[dict[str, Any]]:
    """The figures of the open poll, as `tick` carries them."""
    poll = running(s, class_id)
    return [{"poll": poll.id, **figures(poll)}] if poll is not None else []


def face(poll: LivePoll) -> dict[str, Any]:
    """What the room sees of an open poll: never what is right."""
    return {
        "poll": poll.id, "question": poll.question, "options": poll.options, "multiple": poll.multiple,
        "anonymous": poll.anonymous, "quiz": poll.right is not None,
    }  # fmt: skip


def figures(poll: LivePoll) -> dict[str, Any]:
    """Votes per option, and how many people have voted."""
    return {"tally": poll.tally, "voters": poll.voters}


def result(poll: LivePoll) -> dict[str, Any]:
    """What everybody sees once it is closed."""
    made = {"poll": poll.id, **figures(poll)}
    if poll.right is not None:
        made |= {"right": poll.right, "explanation": poll.explanation}
    return made


def _of(s: Session, here: Standing, poll_id: int) -> LivePoll:
    poll = s.get(LivePoll, poll_id, populate_existing=True)
    if poll is None or poll.class_id != here.live.id:
        raise NotFound("live.no_poll", N_("没有找到这道题，可能已经换了一道。"))
    return poll


def _forget_order(s: Session, poll_id: int) -> None:
    """Write the voters anew by account, all in this transaction."""
    mine = LiveVoter.poll_id == poll_id
    accounts: Sequence[int] = s.scalars(
        sa.select(LiveVoter.account_id).where(mine).order_by(LiveVoter.account_id)
    ).all()
    s.execute(sa.delete(LiveVoter).where(mine))
    if accounts:
        s.execute(
            sa.insert(LiveVoter),
            [{"poll_id": poll_id, "account_id": account, "choices": None} for account in accounts],
        )
