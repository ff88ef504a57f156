"""The rules of the room, without database, clock or Flask: states, what may be written, hours, and the room's own rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from school.core import notes
from school.core.errors import Conflict, Invalid
from school.core.i18n import N_
from school.core.secrecy import SECRECIES as SECRECIES  # the pages read it from here
from school.core.secrecy import Secrecy, refuse_secrets
from school.core.text import hundredths, tidy, tidy_lines
from school.core.time import typed
from school.live.models import LiveState

TITLE_LENGTH = 80
SUMMARY_LENGTH = 1000
SLIP_LENGTH = 4
HOURS_100 = range(25, 1001, 25)  # declared hours: from 0.25 to 10, in steps of 0.25
MINUTES = range(5, 481)
MAKEUP_DAYS = range(1, 91)
SLOW_S = (0, 5, 10, 30, 60)  # slow mode: seconds between two messages of one person
WORDS = 100
WORD_LENGTH = 20

EARLY = timedelta(minutes=30)  # a class may start so long before its hour
LATE = timedelta(hours=2)  # and so long after its planned end; one still running by then without a picture is ended

STATES = {
    LiveState.DRAFT: N_("草稿"),
    LiveState.IN_REVIEW: N_("等待审核"),
    LiveState.APPROVED: N_("预告"),
    LiveState.LIVE: N_("正在直播"),
    LiveState.PAUSED: N_("课间暂停"),
    LiveState.ENDED: N_("已下课"),
    LiveState.CANCELLED: N_("已取消"),
    LiveState.STOPPED: N_("已停播"),
}
RUNNING = frozenset({LiveState.LIVE, LiveState.PAUSED})
OVER = frozenset({LiveState.ENDED, LiveState.CANCELLED, LiveState.STOPPED})

# ── states ──────────────────────────────────────────────

_OVER = N_("这堂课已经结束，不能再这样做。需要时请重新安排一堂课。")
_REVIEWED = N_("这堂课现在不在审核中，可能主讲已经取回，或别的同志已经审过。请刷新页面看最新的状态。")

# verb → states it follows on, the state after it, and what is said elsewhere
MOVES: dict[str, tuple[frozenset[LiveState], LiveState, str]] = {
    "submit": (frozenset({LiveState.DRAFT}), LiveState.IN_REVIEW, N_("这堂课已经送审或通过，不用再送。")),
    "recall": (
        frozenset({LiveState.IN_REVIEW, LiveState.APPROVED}),
        LiveState.DRAFT,
        N_("这堂课现在不能取回修改。请刷新页面看最新的状态。"),
    ),
    "return": (frozenset({LiveState.IN_REVIEW}), LiveState.DRAFT, _REVIEWED),
    "approve": (frozenset({LiveState.IN_REVIEW}), LiveState.APPROVED, _REVIEWED),
    "cancel": (
        frozenset({LiveState.DRAFT, LiveState.IN_REVIEW, LiveState.APPROVED}),
        LiveState.CANCELLED,
        N_("这堂课已经开始过，不能取消。正在上课时请按“下课”，有问题时请按“一键停播”。"),
    ),
    "start": (frozenset({LiveState.APPROVED}), LiveState.LIVE, N_("这堂课还没有审核通过，不能开始。请先送审。")),
    "pause": (frozenset({LiveState.LIVE}), LiveState.PAUSED, N_("现在没有在上课，不用暂停。")),
    "resume": (frozenset({LiveState.PAUSED}), LiveState.LIVE, N_("现在没有暂停，不用继续。还没上课时请按“开始上课”。")),
    "end": (RUNNING, LiveState.ENDED, N_("这堂课还没有开始，不用下课。不上了请按“取消这堂课”。")),
    "stop": (
        frozenset({*RUNNING, LiveState.ENDED}),
        LiveState.STOPPED,
        N_("这堂课没有在播，不用停播。"),
    ),
}
REPEATED = frozenset({"start", "pause", "resume", "end", "stop", "cancel"})  # doing these again changes nothing


def move(state: LiveState, verb: str) -> LiveState:
    """The state after `verb`; `state` itself when it has been done already; Conflict (`live.state`) when it does not follow."""
    before, after, refusal = MOVES[verb]
    if state in before:
        return after
    if verb in REPEATED and state == after:
        return after
    if state == LiveState.STOPPED:
        raise Conflict("live.state", N_("这堂课已经被管理员停播，不能再这样做。想知道原因，请联系主办单位。"))
    if state == LiveState.CANCELLED:
        raise Conflict("live.state", N_("这堂课已经取消。需要时请重新安排一堂课。"))
    if state == LiveState.ENDED:
        raise Conflict("live.state", _OVER)
    if verb == "start" and state == LiveState.PAUSED:
        raise Conflict("live.state", N_("这堂课正在课间暂停。要接着上，请按“继续上课”。"))
    raise Conflict("live.state", refusal)


def must_be_editable(state: LiveState) -> None:
    if state == LiveState.IN_REVIEW:
        raise Conflict("live.in_review", N_("这堂课正在审核，现在不能改。要改请先按“取回修改”。"))
    if state == LiveState.APPROVED:
        raise Conflict("live.approved", N_("这堂课已经审核通过，现在不能改。要改请先按“取回修改”，改好再送审。"))
    if state != LiveState.DRAFT:
        raise Conflict("live.begun", N_("这堂课已经上过或不再上，不能改了。"))


def may_start(starts_at: datetime, minutes: int, moment: datetime) -> None:
    """Conflict (`live.early`, `live.late`) outside the time in which a class may start."""
    if moment < starts_at - EARLY:
        raise Conflict(
            "live.early",
            N_("还没到上课时间，最早可以提前 %(minutes)d 分钟开始。现在可以先彩排。"),
            minutes=int(EARLY.total_seconds()) // 60,
        )
    if overdue(starts_at, minutes, moment):
        raise Conflict("live.late", N_("已经过了上课时间。请取回修改，换一个时间再送审，学员会看到新的时间。"))


def overdue(starts_at: datetime, minutes: int, moment: datetime) -> bool:
    """Whether the class should have ended long ago."""
    return moment > starts_at + timedelta(minutes=minutes) + LATE


def missed(state: LiveState, starts_at: datetime, minutes: int, moment: datetime) -> bool:
    """Whether the class was announced and never begun."""
    return state == LiveState.APPROVED and overdue(starts_at, minutes, moment)


# ── the room's own rules ────────────────────────────────


@dataclass(frozen=True, slots=True)
class RoomRules:
    """What holds in the room's discussion. `slow_s`: seconds between two messages of one person, 0 for none."""

    chat: bool = True
    slow_s: int = 0
    premoderate: bool = False  # the trainer's side lets each message through
    words: tuple[str, ...] = ()  # a message with one of them waits for the trainer's side

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> RoomRules:
        """From `LiveClass.rules`; what is missing is at its default."""
        return cls(
            chat=bool(stored.get("chat", True)),
            slow_s=int(stored.get("slow_s", 0)),
            premoderate=bool(stored.get("premoderate", False)),
            words=tuple(stored.get("words", ())),
        )

    def stored(self) -> dict[str, Any]:
        return {**asdict(self), "words": list(self.words)}


def checked_rules(rules: RoomRules) -> RoomRules:
    """The room's rules, tidied; Invalid (`live.slow`, `live.words`) when one does not fit."""
    if rules.slow_s not in SLOW_S:
        raise Invalid("live.slow", N_("发言间隔请从列表里选择。"))
    words = tuple(dict.fromkeys(word for word in (tidy(word) for word in rules.words) if word))
    if len(words) > WORDS or any(len(word) > WORD_LENGTH for word in words):
        raise Invalid(
            "live.words",
            N_("要留意的词最多 %(words)d 个，每个最多 %(length)d 个字，请删减。"),
            words=WORDS,
            length=WORD_LENGTH,
        )
    return RoomRules(rules.chat, rules.slow_s, rules.premoderate, words)


# ── what may be written ─────────────────────────────────


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a trainer writes about a class. `hours_100` in hundredths; `audience` holds organisation ids, none: everyone."""

    title: str
    starts_at: datetime
    minutes: int
    hours_100: int
    summary: str = ""
    slip: str = ""
    compulsory: bool = False
    secrecy: Secrecy = Secrecy.INTERNAL
    makeup_days: int = 14
    helper_id: int | None = None  # the account of a colleague
    course_id: int | None = None
    audience: tuple[int, ...] = ()
    rules: RoomRules = RoomRules()


def checked(sheet: Sheet) -> Sheet:
    """The sheet, tidied; Invalid (`live.title`, `live.hours` …) with the sentence for the field that does not fit."""
    title, summary, slip = tidy(sheet.title), tidy_lines(sheet.summary), "".join(tidy(sheet.slip).split())
    refuse_secrets(title, summary, slip)
    if not title:
        raise Invalid("live.title", N_("请填写标题。"))
    if len(title) > TITLE_LENGTH:
        raise Invalid(
            "live.title", N_("标题有 %(length)d 个字，最多 %(most)d 个，请缩短。"), length=len(title), most=TITLE_LENGTH
        )  # fmt: skip
    if len(slip) > SLIP_LENGTH:
        raise Invalid("live.slip", N_("题签最多 %(most)d 个字，请缩短，或留空用“直播”。"), most=SLIP_LENGTH)
    if len(summary) > SUMMARY_LENGTH:
        raise Invalid(
            "live.summary", N_("简介有 %(length)d 个字，最多 %(most)d 个，请删短。"), length=len(summary), most=SUMMARY_LENGTH
        )  # fmt: skip
    if sheet.minutes not in MINUTES:
        raise Invalid("live.minutes", N_("时长请填 5 到 480 之间的分钟数。"))
    if sheet.hours_100 not in HOURS_100:
        raise Invalid("live.hours", HOURS_WORDS)
    if sheet.makeup_days not in MAKEUP_DAYS:
        raise Invalid("live.makeup", N_("补学天数请填 1 到 90 之间的数。"))
    return Sheet(
        title=title,
        starts_at=sheet.starts_at.replace(second=0, microsecond=0),
        minutes=sheet.minutes,
        hours_100=sheet.hours_100,
        summary=summary,
        slip=slip,
        compulsory=sheet.compulsory,
        secrecy=sheet.secrecy,
        makeup_days=sheet.makeup_days,
        helper_id=sheet.helper_id,
        course_id=sheet.course_id,
        audience=tuple(sorted(set(sheet.audience))),
        rules=checked_rules(sheet.rules),
    )


HOURS_WORDS = N_("学时请填 0.25 到 10 之间的数，以 0.25 为一档，如 0.5、1、1.5。")


def hours_of(text: str) -> int:
    """Hundredths of an hour from what a person types; Invalid when it is no number."""
    value = hundredths(text)
    if value is None:
        raise Invalid("live.hours", HOURS_WORDS)
    return value


def moment_of(day: str, time: str, zone: str) -> datetime:
    """The moment of `2026-11-22` and `19:30` on the school's clock; Invalid when they are none."""
    if (moment := typed(day, time, zone)) is None:
        raise Invalid("live.starts_at", N_("请填写上课的日期和时间，例如 2026-11-22 和 19:30。"))
    return moment


def checked_note(note: str) -> str:
    """A reviewer's note to the trainer; it must say something."""
    return notes.checked(note, "live.note", N_("请写明退回的原因和要改的地方，主讲会看到。"))
