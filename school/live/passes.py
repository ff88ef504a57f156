"""What a ticket may open for a person now: the picture, the trainer's side, or a microphone they were called to."""

from __future__ import annotations

from sqlalchemy.orm import Session

from school.core.errors import Conflict, Invalid, NotAllowed
from school.core.i18n import N_
from school.live import access, hands
from school.live.access import Standing
from school.live.models import LiveState
from school.media.stream_tokens import Part

ON_AIR = (LiveState.LIVE, LiveState.PAUSED)
BEHIND = (LiveState.APPROVED, *ON_AIR)  # the trainer's side rehearses before the class
SLOTS: dict[int, Part] = {1: "speak-1", 2: "speak-2", 3: "speak-3"}


def allowed(s: Session, here: Standing, want: object) -> tuple[int, Part]:
    """The stream that a ticket for `want` opens, and how. Raises NotAllowed, Conflict (`live.not_open`) or Invalid."""
    part = _part(s, here, want)
    if here.live.stream_id is None:
        raise _not_open()
    return here.live.stream_id, part


def _part(s: Session, here: Standing, want: object) -> Part:
    match want:
        case "watch":
            if not (here.invited or here.moderates):
                raise access.no_class()
            _open(here, ON_AIR)
            return "watch"
        case "preview" | "publish" | "screen":
            access.at_desk(here)
            _open(here, BEHIND)
            return want
        case "speak":
            _open(here, ON_AIR)
            slot = hands.speaking(s, here.live.id, here.person.account_id)
            if slot is None:
                raise NotAllowed("live.not_called", N_("请先点“请求发言”，老师请您发言后话筒才会打开。"))
            return SLOTS[slot]
    raise Invalid("live.ticket", N_("这次请求读不懂，没有接通。请刷新页面后再试一次。"))


def _open(here: Standing, states: tuple[LiveState, ...]) -> None:
    if here.live.state not in states:
        raise _not_open()


def _not_open() -> Conflict:
    return Conflict("live.not_open", N_("这堂课现在没有直播。请看一下上课时间，到时再进入。"))
