"""Moments of the class that belong to nobody's talk: slide turns, the sign-in code (到课登记), presence checks, sources."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Conflict, Invalid, NotFound
from school.core.i18n import N_
from school.live import log, room_rules
from school.live.access import Standing, at_desk
from school.live.models import LiveCheck, LiveClass, LiveCode, LiveHere, LiveSignIn
from school.live.room_rules import Body
from school.media.models import AssetState, SlideDeck
from school.records.bulk import among

SOURCES = ("screen", "camera", "small", "mic")
REMEMBERED = 10_000  # people whose wrong codes are remembered

# Wrong codes and when they were typed (ms), by (class, account). Of this process alone: a refusal rolls its transaction
# back, and a member's socket stays with one process; the code is evidence beside presence, not instead of it. The same
# code again is no other try: what was stored together with a refusal is done twice.
wrong_codes: OrderedDict[tuple[int, int], dict[str, int]] = OrderedDict()


# ── slides and sources ──────────────────────────────────


def pages(s: Session, live: LiveClass) -> int:
    """Pages of the class's slides that can be shown; 0 without slides."""
    if live.deck_id is None:
        return 0
    deck = s.get(SlideDeck, live.deck_id, populate_existing=True)
    return deck.pages if deck is not None and deck.state == AssetState.READY else 0


def slide(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`slide`: turn the slides for everybody."""
    at_desk(here)
    room_rules.begun(here.live.state)
    page = room_rules.number(body, "page")
    log.hold(s, here.live.id)
    all_pages = pages(s, here.live)
    room_rules.page(page, all_pages)
    _set(s, here, page=page)
    _append(s, here, "slide", {"page": page, "pages": all_pages}, body)
    return {}


def sources(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`sources`: what is being sent now, of `screen`, `camera`, `small`, `mic`; said by whoever sends it."""
    at_desk(here)
    room_rules.begun(here.live.state)
    named = body.get("sources")
    if not isinstance(named, list) or not all(isinstance(name, str) and name in SOURCES for name in named):
        raise Invalid("live.sources", N_("画面和声音的名称不对，请刷新讲师台。"))
    kept = [name for name in SOURCES if name in named]
    log.hold(s, here.live.id)
    if kept != s.scalars(sa.select(LiveClass.sources).where(LiveClass.id == here.live.id)).one():
        _set(s, here, sources=kept)
        _append(s, here, "sources", {"sources": kept}, body)
    return {}


def _set(s: Session, here: Standing, **values: Any) -> None:
    s.execute(sa.update(LiveClass).where(LiveClass.id == here.live.id).values(**values))


# ── 到课登记 ────────────────────────────────────────────


def open_code(s: Session, class_id: int) -> LiveCode | None:
    """The sign-in code that holds now."""
    return s.scalars(
        sa.select(LiveCode)
        .where(LiveCode.class_id == class_id, LiveCode.closed_ms.is_(None))
        .order_by(LiveCode.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()


def code(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`code`: open sign-in with four fresh digits, or close it. → `{code}`, None once it is closed."""
    at_desk(here)
    room_rules.room_open(here.live.state)
    wish = room_rules.flag(body, "open")
    log.hold(s, here.live.id)
    held = open_code(s, here.live.id)
    if wish and held is None:
        held = LiveCode(class_id=here.live.id, code=f"{secrets.randbelow(10_000):04}", opened_ms=log.this_ms())
        s.add(held)
        s.flush()
        _append(s, here, "code", {"open": True}, {})
        _append(s, here, "code", {"open": True, "code": held.code}, body, audience=log.DESK)
    elif not wish and held is not None:
        held.closed_ms = log.this_ms()
        s.flush()
        _append(s, here, "code", {"open": False}, body)
        held = None
    return {"code": held.code if held is not None else None}


def sign_in(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`sign_in`: a member types the code on the screen; who has signed in stays so. → `{at_ms}`."""
    member_id = room_rules.only_members(here.person.member_id)
    room_rules.room_open(here.live.state)
    typed = "".join(room_rules.words(body, "code").split())[:8]
    log.hold(s, here.live.id)
    known = s.get(LiveSignIn, (here.live.id, member_id), populate_existing=True)
    if known is not None:
        return {"at_ms": known.at_ms}
    held = open_code(s, here.live.id)
    if held is None:
        raise Conflict("live.code_closed", N_("现在没有开放到课登记。老师开放以后会报四位数字。"))
    who, moment = (here.live.id, here.person.account_id), log.this_ms()
    others = {code: at_ms for code, at_ms in wrong_codes.get(who, {}).items() if code != typed}
    recent = room_rules.may_try(others, moment)
    if not secrets.compare_digest(typed.encode(), held.code.encode()):
        wrong_codes[who] = {**recent, typed: moment}
        wrong_codes.move_to_end(who)
        if len(wrong_codes) > REMEMBERED:
            wrong_codes.popitem(last=False)
        raise Invalid("live.code", N_("登记码不对，请听清老师报的四位数字，再填一次。"))
    wrong_codes.pop(who, None)
    s.add(LiveSignIn(class_id=here.live.id, member_id=member_id, at_ms=moment))
    s.flush()
    line = {"member_id": member_id, "count": signed_in(s, here.live.id)}
    _append(s, here, "signed_in", line, body, audience=log.to(here.person.account_id), at_ms=moment)
    alive(s, here)
    return {"at_ms": moment}


def signed_in(s: Session, class_id: int) -> int:
    """How many members have signed in with a code."""
    return s.scalars(sa.select(sa.func.count()).where(LiveSignIn.class_id == class_id)).one()


def signed_in_at(s: Session, class_id: int, member_ids: Collection[int]) -> dict[int, int]:
    """When each of these members has signed in; who has not is left out."""
    rows = s.execute(
        sa.select(LiveSignIn.member_id, LiveSignIn.at_ms)
        .where(LiveSignIn.class_id == class_id, among(s, LiveSignIn.member_id, member_ids))
    )  # fmt: skip
    return {row.member_id: row.at_ms for row in rows}


# ── presence checks ─────────────────────────────────────


_LAST_CHECK = (
    sa.select(LiveCheck).where(LiveCheck.class_id == sa.bindparam("class_id")).order_by(LiveCheck.id.desc()).limit(1)
)


def last_check(s: Session, class_id: int) -> LiveCheck | None:
    """The latest presence check of the class."""
    return s.scalars(_LAST_CHECK, {"class_id": class_id}).first()


def check(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`check`: ask everybody for a sign of life within a minute. → `{check}`."""
    at_desk(here)
    room_rules.begun(here.live.state)
    log.hold(s, here.live.id)
    before, moment = last_check(s, here.live.id), log.this_ms()
    if before is not None and room_rules.running(before.at_ms, before.answer_ms, moment):
        raise Conflict("live.check_running", N_("刚才的在场确认还没有到时间，请等它结束。"))
    made = LiveCheck(class_id=here.live.id, at_ms=moment, answer_ms=room_rules.CHECK_MS)
    s.add(made)
    s.flush()
    _append(s, here, "check", {"check": made.id, "answer_ms": made.answer_ms}, body, at_ms=moment)
    return {"check": made.id}


def answer(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`here`: a member answers a check; late, it counts again from now on. → `{}`."""
    member_id = room_rules.only_members(here.person.member_id)
    number = room_rules.number(body, "check")
    log.hold(s, here.live.id)
    asked = s.get(LiveCheck, number)
    if asked is None or asked.class_id != here.live.id:
        raise NotFound("live.no_check", N_("没有找到这次在场确认，不用再点。"))
    _note(s, here, asked, member_id, room_rules.key(body))
    return {}


def alive(s: Session, here: Standing) -> None:
    """A member has just done something: it answers the latest check, in time or as the first sign of life after it."""
    if here.person.member_id is None:
        return
    asked = last_check(s, here.live.id)
    if asked is not None:
        log.hold(s, here.live.id)
        _note(s, here, asked, here.person.member_id, None)


def answers(s: Session, check_id: int) -> int:
    """How many members have answered a check."""
    return s.scalars(sa.select(sa.func.count()).where(LiveHere.check_id == check_id)).one()


def answered(s: Session, check_id: int, member_id: int) -> bool:
    """Whether the member has answered the check."""
    return s.get(LiveHere, (check_id, member_id)) is not None


def _note(s: Session, here: Standing, asked: LiveCheck, member_id: int, key: str | None) -> None:
    if s.get(LiveHere, (asked.id, member_id), populate_existing=True) is not None:
        return
    moment = log.this_ms()
    s.add(LiveHere(check_id=asked.id, member_id=member_id, at_ms=moment))
    s.flush()
    log.append(
        s, here.live.id, "here", {"check": asked.id, "count": answers(s, asked.id)}, at_ms=moment,
        account_id=here.person.account_id, key=key, audience=log.DESK,
    )  # fmt: skip


def _append(
    s: Session,
    here: Standing,
    kind: str,
    line: dict[str, Any],
    body: Body,
    *,
    audience: str = log.ALL,
    at_ms: int | None = None,
) -> None:
    log.append(
        s, here.live.id, kind, line, account_id=here.person.account_id, key=room_rules.key(body), audience=audience,
        at_ms=at_ms,
    )  # fmt: skip
