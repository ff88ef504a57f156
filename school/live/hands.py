"""请求发言: a member raises a hand, the trainer's side calls up to three, each speaks in a slot until hung up."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Conflict, NotAllowed
from school.core.i18n import N_
from school.live import log, moments, questions, room_rules
from school.live.access import Standing, at_desk
from school.live.models import LiveHand
from school.live.room_rules import Body
from school.media import streams
from school.org.models import Account
from school.records.bulk import among

STANDING = ("raised", "called")


def raise_hand(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`hand`: ask to speak, or no longer; taking it down while speaking ends the speaking."""
    room_rules.only_members(here.person.member_id)
    room_rules.begun(here.live.state)
    up = room_rules.flag(body, "up")
    log.hold(s, here.live.id)
    moments.alive(s, here)
    hand = of(s, here.live.id, here.person.account_id)
    if up == (hand is not None):
        return {}
    if hand is None:
        questions.not_muted(s, here)
        hand = LiveHand(class_id=here.live.id, account_id=here.person.account_id, raised_ms=log.this_ms())
        s.add(hand)
    elif hand.state == "called":
        _finish(s, here, hand, body)
        return {}
    else:
        hand.state, hand.done_ms = "done", log.this_ms()
    s.flush()
    log.append(
        s, here.live.id, "hand", {"account_id": here.person.account_id, "up": up}, account_id=here.person.account_id,
        key=room_rules.key(body), audience=log.to(here.person.account_id),
    )  # fmt: skip
    return {}


def call(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`call`: let somebody who raised a hand speak. → `{slot}`, 1 to 3."""
    at_desk(here)
    room_rules.begun(here.live.state)
    account_id = room_rules.number(body, "account_id")
    log.hold(s, here.live.id)
    hand = of(s, here.live.id, account_id)
    if hand is None:
        raise Conflict("live.no_hand", N_("这位同志已经放下了，不用再请。"))
    if hand.state == "raised":
        hand.slot = room_rules.free_slot([each.slot for each in speakers(s, here.live.id)])
        hand.state, hand.called_ms = "called", log.this_ms()
        _admit(s, here)
        name = s.scalars(sa.select(Account.name).where(Account.id == account_id)).one()
        log.append(
            s, here.live.id, "called", {"account_id": account_id, "name": name, "slot": hand.slot},
            account_id=here.person.account_id, key=room_rules.key(body),
        )  # fmt: skip
    return {"slot": hand.slot}


def hang_up(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`hang_up`: end somebody's speaking, or set a raised hand aside; the speaker may end their own."""
    account_id = room_rules.number(body, "account_id")
    if account_id != here.person.account_id and not here.desk:
        raise NotAllowed("live.desk", N_("只有主讲、助教和发言的同志本人可以结束发言。"))
    log.hold(s, here.live.id)
    if account_id == here.person.account_id:
        moments.alive(s, here)
    hand = of(s, here.live.id, account_id)
    if hand is not None:
        _put_down(s, here, hand, body)
    return {}


def silence(s: Session, here: Standing, account_id: int) -> None:
    """Who is set to listen speaks no longer, and waits for it no longer."""
    hand = of(s, here.live.id, account_id)
    if hand is not None:
        _put_down(s, here, hand, {})


def of(s: Session, class_id: int, account_id: int) -> LiveHand | None:
    """The person's hand that is up or that was called; None otherwise."""
    return s.scalars(
        sa.select(LiveHand)
        .where(LiveHand.class_id == class_id, LiveHand.account_id == account_id, LiveHand.state.in_(STANDING))
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()


def standing(s: Session, class_id: int, account_ids: Collection[int]) -> dict[int, int | None]:
    """Whose hand of these is up or was called, and their slots."""
    rows = s.execute(
        sa.select(LiveHand.account_id, LiveHand.slot)
        .where(LiveHand.class_id == class_id, LiveHand.state.in_(STANDING), among(s, LiveHand.account_id, account_ids))
    )  # fmt: skip
    return {row.account_id: row.slot for row in rows}


def up(s: Session, class_id: int) -> list[LiveHand]:
    """Hands that wait, who waits longest first."""
    return _in(s, class_id, "raised", LiveHand.raised_ms)


def speakers(s: Session, class_id: int) -> list[LiveHand]:
    """Those who speak now, by slot."""
    return _in(s, class_id, "called", LiveHand.slot)


def speaking(s: Session, class_id: int, account_id: int) -> int | None:
    """The person's slot while they may speak, else None; what a ticket to publish a sound asks."""
    hand = of(s, class_id, account_id)
    return hand.slot if hand is not None and hand.state == "called" else None


def _in(s: Session, class_id: int, state: str, order: sa.ColumnElement[Any] | Any) -> list[LiveHand]:
    wanted = sa.select(LiveHand).where(LiveHand.class_id == class_id, LiveHand.state == state)
    return list(s.scalars(wanted.order_by(order, LiveHand.id).execution_options(populate_existing=True)))


def _admit(s: Session, here: Standing) -> None:
    """Let the relay hear those who speak now and nobody else, whatever a browser goes on sending."""
    s.flush()
    if here.live.stream_id is not None:
        now = {hand.slot: hand.account_id for hand in speakers(s, here.live.id) if hand.slot is not None}
        streams.set_speakers(s, here.live.stream_id, now)


def _put_down(s: Session, here: Standing, hand: LiveHand, body: Body) -> None:
    if hand.state == "called":
        _finish(s, here, hand, body)
        return
    hand.state, hand.done_ms = "done", log.this_ms()
    s.flush()
    log.append(
        s, here.live.id, "hand", {"account_id": hand.account_id, "up": False}, account_id=here.person.account_id,
        key=room_rules.key(body), audience=log.to(hand.account_id),
    )  # fmt: skip


def _finish(s: Session, here: Standing, hand: LiveHand, body: Body) -> None:
    slot, hand.slot = hand.slot, None
    hand.state, hand.done_ms = "done", log.this_ms()
    _admit(s, here)
    log.append(
        s, here.live.id, "hung_up", {"account_id": hand.account_id, "slot": slot}, account_id=here.person.account_id,
        key=room_rules.key(body),
    )  # fmt: skip
