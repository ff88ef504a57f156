"""讨论: what people say to each other in the room, and what the trainer's side does about it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Conflict, Invalid, NotFound, TooMany
from school.core.i18n import N_
from school.core.secrecy import refuse_secrets
from school.live import hands, log, moments, questions, room_rules, rules
from school.live.access import Standing, at_desk, may_moderate
from school.live.models import LiveClass, LiveEvent, LiveMessage, LiveMute
from school.live.room_rules import Body
from school.live.rules import RoomRules
from school.org.models import Account

LENGTH = 300


def say(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`say`: write into the discussion. → `{no, message, waiting}`; a message that waits is seen by the desk alone."""
    room_rules.room_open(here.live.state)
    text = _checked(room_rules.words(body, "text"))
    held = RoomRules.of(here.live.rules)
    if not held.chat and not here.desk:
        raise Conflict("live.chat_off", N_("老师关闭了讨论，请先听讲。有问题可以点“提问”。"))
    questions.not_muted(s, here)
    at_ms = log.this_ms()
    if held.slow_s and not here.desk:
        _not_too_soon(s, here, held.slow_s, at_ms)
    waiting = not here.desk and (held.premoderate or _watched(text, held.words))
    said = LiveMessage(
        class_id=here.live.id, account_id=here.person.account_id, at_ms=at_ms, text=text,
        state="waiting" if waiting else "shown",
    )  # fmt: skip
    s.add(said)
    s.flush()
    line = log.append(
        s, here.live.id, "said", {"message": said.id, "text": text, **({"waiting": True} if waiting else {})},
        account_id=said.account_id, key=room_rules.key(body), at_ms=at_ms,
        audience=log.to(said.account_id) if waiting else log.ALL,
    )  # fmt: skip
    moments.alive(s, here)
    return answer(line)


def answer(line: LiveEvent) -> dict[str, Any]:
    """What `say` answers about the line it made; Invalid when the key was that of another action."""
    if line.kind != "said":
        raise Invalid("live.body", room_rules.UNREADABLE)
    return {"no": line.no, "message": line.body["message"], "waiting": line.body.get("waiting", False)}


def approve(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`approve`: let a message through that waits; it stands in the discussion from now on."""
    at_desk(here)
    said = _of(s, here, room_rules.number(body, "message"))
    if said.state == "removed":
        raise Conflict("live.removed", N_("这条发言已经移除。"))
    if said.state == "waiting":
        said.state, said.handled_by = "shown", here.person.account_id
        s.flush()
        log.append(s, here.live.id, "said", {"message": said.id, "text": said.text}, account_id=said.account_id)
    return {}


def remove(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`remove`: take a message or a question away; its words leave the log, the row keeps them for who asks why."""
    may_moderate(here)
    if body.get("question") is not None:
        questions.remove(s, here, body)
        _blank(s, here.live.id, "asked", "question", room_rules.number(body, "question"))
        return {}
    said = _of(s, here, room_rules.number(body, "message"))
    if said.state != "removed":
        audience = log.to(said.account_id) if said.state == "waiting" else log.ALL
        said.state, said.handled_by = "removed", here.person.account_id
        s.flush()
        log.append(
            s, here.live.id, "removed", {"message": said.id}, account_id=here.person.account_id,
            key=room_rules.key(body), audience=audience,
        )  # fmt: skip
        _blank(s, here.live.id, "said", "message", said.id)
    return {}


def mute(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`mute`: somebody listens and does not speak, or may speak again."""
    may_moderate(here)
    account_id, on = room_rules.number(body, "account_id"), room_rules.flag(body, "on")
    if account_id in (here.live.trainer_id, here.live.helper_id):
        raise Conflict("live.mute_desk", N_("主讲和助教不能设为只听。"))
    if s.get(Account, account_id) is None:
        raise NotFound("live.no_person", N_("没有找到这位同志。"))
    known = s.get(LiveMute, (here.live.id, account_id), populate_existing=True)
    if on == (known is not None):
        return {}
    if known is None:
        s.add(
            LiveMute(class_id=here.live.id, account_id=account_id, muted_by=here.person.account_id, at_ms=log.this_ms())
        )
        hands.silence(s, here, account_id)
    else:
        s.delete(known)
    s.flush()
    log.append(
        s, here.live.id, "muted", {"account_id": account_id, "on": on}, account_id=here.person.account_id,
        key=room_rules.key(body), audience=log.to(account_id),
    )  # fmt: skip
    return {}


def set_rules(s: Session, here: Standing, body: Body) -> dict[str, Any]:
    """`rules`: what holds in the discussion from now on; the list of words is told to the desk alone."""
    at_desk(here)
    held = RoomRules.of(here.live.rules)
    words = body.get("words", list(held.words))
    slow_s = body.get("slow_s", held.slow_s)
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words) or type(slow_s) is not int:
        raise Invalid("live.body", room_rules.UNREADABLE)
    wanted = rules.checked_rules(
        RoomRules(
            room_rules.flag(body, "chat") if "chat" in body else held.chat,
            slow_s,
            room_rules.flag(body, "premoderate") if "premoderate" in body else held.premoderate,
            tuple(room_rules.words({"word": word}, "word") for word in words),
        )
    )
    if wanted == held:
        return {}
    s.execute(sa.update(LiveClass).where(LiveClass.id == here.live.id).values(rules=wanted.stored()))
    shown = {"chat": wanted.chat, "slow_s": wanted.slow_s, "premoderate": wanted.premoderate}
    by = here.person.account_id
    log.append(s, here.live.id, "rules", shown, account_id=by, key=room_rules.key(body))
    if wanted.words != held.words:
        log.append(s, here.live.id, "rules", wanted.stored(), account_id=by, audience=log.DESK)
    return {}


def _checked(text: str) -> str:
    if not text:
        raise Invalid("live.text", N_("请先写一句话再发送。"))
    if len(text) > LENGTH:
        raise Invalid(
            "live.text", N_("这条有 %(length)d 个字，最多 %(most)d 个，请缩短，或分两次发送。"),
            length=len(text), most=LENGTH,
        )  # fmt: skip
    refuse_secrets(text)
    return text


def _watched(text: str, words: tuple[str, ...]) -> bool:
    """Whether the text holds one of the words, whatever the case and the spaces between its signs."""
    flat = "".join(text.split()).casefold()
    return any("".join(word.split()).casefold() in flat for word in words)


def _not_too_soon(s: Session, here: Standing, slow_s: int, at_ms: int) -> None:
    last = s.scalar(
        sa.select(sa.func.max(LiveMessage.at_ms)).where(
            LiveMessage.class_id == here.live.id, LiveMessage.account_id == here.person.account_id
        )
    )
    left_ms = (last or 0) + slow_s * 1000 - at_ms
    if left_ms > 0:
        raise TooMany(
            "live.slow",
            N_("老师请大家慢一点：每 %(slow)d 秒可以说一句，请 %(seconds)d 秒后再发送。"),
            slow=slow_s,
            seconds=min(slow_s, -(-left_ms // 1000)),
        )


def _of(s: Session, here: Standing, message_id: int) -> LiveMessage:
    said = s.get(LiveMessage, message_id, populate_existing=True)
    if said is None or said.class_id != here.live.id:
        raise NotFound("live.no_message", N_("没有找到这条发言。请刷新页面看最新的讨论。"))
    return said


def _blank(s: Session, class_id: int, kind: str, name: str, number: int) -> None:
    """Who comes later is not shown the words that were removed."""
    lines = s.scalars(
        sa.select(LiveEvent).where(
            LiveEvent.class_id == class_id, LiveEvent.kind == kind, LiveEvent.body[name].as_integer() == number
        )
    )
    for line in lines:
        line.body = {**line.body, "text": "", "removed": True}
    s.flush()
