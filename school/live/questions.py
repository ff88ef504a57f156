"""Questions to the trainer: asked, wanted by others too (也想问), taken up and answered."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Conflict, Invalid, NotAllowed, NotFound
from school.core.i18n import N_
from school.core.secrecy import refuse_secrets
from school.live import log, moments, room_rules
from school.live.access import Standing, at_desk, may_moderate
from school.live.models import LiveMute, LiveQuestion, LiveSecond
from school.live.room_rules import Body
from school.records.bulk import among

OPEN = ("waiting", "answering")
SHOWN = 200  # questions a client is given when it comes in


def ask(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`ask`: put a question. → `{question}`."""
    room_rules.room_open(here.live.state)
    text = room_rules.question(room_rules.words(body, "text"))
    refuse_secrets(text)
    log.hold(s, here.live.id)
    not_muted(s, here)
    mine = sa.select(sa.func.count()).where(
        LiveQuestion.class_id == here.live.id,
        LiveQuestion.account_id == here.person.account_id,
        LiveQuestion.state.in_(OPEN),
    )
    if s.scalar(mine) == room_rules.OPEN_QUESTIONS:
        raise Conflict(
            "live.questions",
            N_("您已有 %(most)d 个问题在等老师回答，答过以后再提新的。别人提过的，点“也想问”就行。"),
            most=room_rules.OPEN_QUESTIONS,
        )
    asked = LiveQuestion(
        class_id=here.live.id, account_id=here.person.account_id, at_ms=log.this_ms(), text=text, seconds=0
    )
    s.add(asked)
    s.flush()
    line = {"question": asked.id, "text": text, "seconds": 0, "state": asked.state}
    _append(s, here, "asked", line, body, at_ms=asked.at_ms)
    moments.alive(s, here)
    return {"question": asked.id}


def second(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`second`: stand behind somebody else's question, or no longer. → `{seconds}`."""
    room_rules.room_open(here.live.state)
    number, on = room_rules.number(body, "question"), room_rules.flag(body, "on")
    log.hold(s, here.live.id)
    asked = of(s, here, number)
    if asked.account_id == here.person.account_id:
        raise Invalid("live.own_question", N_("这是您自己提的问题，已经在等老师回答。"))
    if asked.state not in OPEN:
        raise Conflict("live.answered", N_("这个问题老师已经处理过了。"))
    known = s.get(LiveSecond, (asked.id, here.person.account_id), populate_existing=True)
    if on != (known is not None):
        if known is None:
            s.add(LiveSecond(question_id=asked.id, account_id=here.person.account_id))
        else:
            s.delete(known)
        asked.seconds += 1 if on else -1
        s.flush()
        _append(s, here, "question", _standing(asked), body)
        moments.alive(s, here)
    return {"seconds": asked.seconds}


def handle(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`question`: the trainer's side takes one up, has answered it, or leaves it for later.

    One is answered at a time: taking up the next has answered the one before.
    """
    at_desk(here)
    room_rules.room_open(here.live.state)
    number, state = room_rules.number(body, "question"), room_rules.words(body, "state")
    if state not in room_rules.QUESTION_STATES:
        raise Invalid("live.question_state", N_("请选择回答、答完或会后答。"))
    log.hold(s, here.live.id)
    asked = of(s, here, number)
    if asked.state == "removed":
        raise Conflict("live.removed", N_("这个问题已经移除。"))
    if asked.state == state:
        return {}
    moment = log.this_ms()
    if state == "answering":
        for before in s.scalars(
            sa.select(LiveQuestion).where(LiveQuestion.class_id == here.live.id, LiveQuestion.state == "answering")
        ):
            before.state = "answered"
            s.flush()
            _append(s, here, "question", _standing(before), {}, at_ms=moment)
        asked.answering_ms = moment
    asked.state = state
    s.flush()
    _append(s, here, "question", _standing(asked), body, at_ms=moment)
    return {}


def remove(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`remove` with `question`: take away what should not stand there."""
    may_moderate(here)
    number = room_rules.number(body, "question")
    log.hold(s, here.live.id)
    asked = of(s, here, number)
    if asked.state != "removed":
        asked.state = "removed"
        s.flush()
        _append(s, here, "removed", {"question": asked.id}, body)
    return {}


def of(s: Session, here: Standing, question_id: int) -> LiveQuestion:
    """The class's question, or NotFound (`live.no_question`)."""
    found = s.get(LiveQuestion, question_id, populate_existing=True)
    if found is None or found.class_id != here.live.id:
        raise NotFound("live.no_question", N_("没有找到这个问题。"))
    return found


def standing_questions(s: Session, class_id: int, *, desk: bool) -> list[LiveQuestion]:
    """The open ones, the one being answered first, then the most wanted; the trainer's side also gets the handled ones."""
    states = (*OPEN, "answered", "later") if desk else OPEN
    open_first = sa.case({"answering": 0, "waiting": 1}, value=LiveQuestion.state, else_=2)
    wanted = sa.select(LiveQuestion).where(LiveQuestion.class_id == class_id, LiveQuestion.state.in_(states))
    return list(s.scalars(wanted.order_by(open_first, LiveQuestion.seconds.desc(), LiveQuestion.id).limit(SHOWN)))


def seconded(s: Session, class_id: int, account_ids: Collection[int]) -> dict[int, list[int]]:
    """The questions that each of these people stands behind."""
    rows = s.execute(
        sa.select(LiveSecond.account_id, LiveSecond.question_id)
        .join(LiveQuestion, LiveQuestion.id == LiveSecond.question_id)
        .where(LiveQuestion.class_id == class_id, among(s, LiveSecond.account_id, account_ids))
        .order_by(LiveSecond.question_id)
    )
    found: dict[int, list[int]] = {}
    for account_id, question_id in rows:
        found.setdefault(account_id, []).append(question_id)
    return found


def muted_among(s: Session, class_id: int, account_ids: Collection[int]) -> set[int]:
    """Who of these people may only listen."""
    wanted = sa.select(LiveMute.account_id).where(
        LiveMute.class_id == class_id, among(s, LiveMute.account_id, account_ids)
    )
    return set(s.scalars(wanted))


_MUTED = sa.select(LiveMute.account_id).where(
    LiveMute.class_id == sa.bindparam("class_id"), LiveMute.account_id == sa.bindparam("account_id")
)


def muted(s: Session, here: Standing) -> bool:
    """Whether the person may only listen."""
    who = {"class_id": here.live.id, "account_id": here.person.account_id}
    return s.scalar(_MUTED, who) is not None


def not_muted(s: Session, here: Standing) -> None:
    """NotAllowed (`live.muted`) when the person may only listen."""
    if not here.desk and muted(s, here):
        raise NotAllowed("live.muted", N_("老师请您先听讲，暂时不能发言和提问。"))


def _standing(asked: LiveQuestion) -> dict[str, Any]:
    return {"question": asked.id, "seconds": asked.seconds, "state": asked.state}


def _append(
    s: Session, here: Standing, kind: str, line: dict[str, Any], body: Body, *, at_ms: int | None = None
) -> None:
    log.append(
        s, here.live.id, kind, line, account_id=here.person.account_id, key=room_rules.key(body), at_ms=at_ms
    )  # fmt: skip
