"""What an action in the room must look like, without database, clock or Flask: reading what was sent, polls, slots, codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from school.core.errors import Conflict, Invalid, NotAllowed, TooMany
from school.core.i18n import N_
from school.core.text import tidy
from school.live.models import LiveState

QUESTION_LENGTH = 300  # of a member's question to the trainer
POLL_LENGTH = 200
OPTION_LENGTH = 60
OPTIONS = range(2, 9)
EXPLANATION_LENGTH = 400
OPEN_QUESTIONS = 3  # unanswered ones of one person
SLOTS = (1, 2, 3)  # members who speak at the same time
CODE_TRIES = 5
CODE_WINDOW_MS = 60_000
CHECK_MS = 60_000  # time to answer a presence check

ROOM = frozenset({LiveState.APPROVED, LiveState.LIVE, LiveState.PAUSED})  # people may come in
CLASS = frozenset({LiveState.LIVE, LiveState.PAUSED})  # it has begun
QUESTION_STATES = frozenset({"waiting", "answering", "answered", "later"})

UNREADABLE = N_("这一步没有送完整，没有办成。请刷新页面再试一次。")

Body = Mapping[str, Any]


# ── reading what was sent ───────────────────────────────


def number(body: Body, name: str) -> int:
    """A positive whole number that a database key can be; Invalid (`live.body`) for anything else."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise Invalid("live.body", UNREADABLE)
    return value


def flag(body: Body, name: str) -> bool:
    """True or false; Invalid (`live.body`) for anything else, but what is missing is false."""
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise Invalid("live.body", UNREADABLE)
    return value


def words(body: Body, name: str) -> str:
    """A line of text without control signs and doubled spaces; empty when it is missing."""
    value = body.get(name) or ""
    if not isinstance(value, str):
        raise Invalid("live.body", UNREADABLE)
    return tidy(value.encode("utf-8", "ignore").decode())  # half a surrogate fits no column


def key(body: Body) -> str | None:
    """The sender's own name of this action, at most 40 characters; None when it sent none."""
    value = body.get("key")
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= 40 or not (value.isascii() and value.isprintable()):
        raise Invalid("live.body", UNREADABLE)
    return value


def places(body: Body, name: str, options: int) -> list[int]:
    """Indexes into `options` options, each once, in order; Invalid (`live.body`) for anything else."""
    value = body.get(name)
    if not isinstance(value, list) or not all(type(each) is int and 0 <= each < options for each in value):
        raise Invalid("live.body", UNREADABLE)
    if len(set(value)) != len(value):
        raise Invalid("live.body", UNREADABLE)
    return sorted(value)


# ── when ────────────────────────────────────────────────


def room_open(state: LiveState) -> None:
    """Conflict (`live.not_open`) unless people may be in the room."""
    if state not in ROOM:
        raise Conflict("live.not_open", N_("这堂课现在没有开放。已经下课的，可以去看回放。"))


def begun(state: LiveState) -> None:
    """Conflict (`live.not_begun`, `live.not_open`) unless the class is going on."""
    if state == LiveState.APPROVED:
        raise Conflict("live.not_begun", N_("还没有开始上课，开始以后再点。"))
    if state not in CLASS:
        raise Conflict("live.not_open", N_("这堂课现在没有开放。已经下课的，可以去看回放。"))


def only_members(member_id: int | None) -> int:
    """The member's id, or NotAllowed (`person.member`)."""
    if member_id is None:
        raise NotAllowed("person.member", N_("这个账号没有对应的党员，不能这样做。请用党员本人的账号登录。"))
    return member_id


# ── questions and polls ─────────────────────────────────


def question(text: str) -> str:
    """The text of a question to the trainer; Invalid (`live.question`)."""
    if not text:
        raise Invalid("live.question", N_("请先写下您的问题。"))
    if len(text) > QUESTION_LENGTH:
        raise Invalid(
            "live.question",
            N_("问题有 %(length)d 个字，最多 %(most)d 个，请缩短，或分两次提。"),
            length=len(text),
            most=QUESTION_LENGTH,
        )
    return text


def poll(text: str, options: Sequence[object], explanation: str) -> list[str]:
    """The options of a new poll, tidied; Invalid (`live.poll`, `live.options`, `live.explanation`)."""
    if not text or len(text) > POLL_LENGTH:
        raise Invalid("live.poll", N_("请填写题目，最多 %(most)d 个字。"), most=POLL_LENGTH)
    if not all(isinstance(option, str) for option in options):
        raise Invalid("live.body", UNREADABLE)
    texts = [words({"option": option}, "option") for option in options]
    texts = [option for option in texts if option]
    if len(texts) not in OPTIONS:
        raise Invalid(
            "live.options", N_("选项请填 %(least)d 到 %(most)d 个。"), least=OPTIONS.start, most=OPTIONS.stop - 1
        )
    if len(set(texts)) != len(texts):
        raise Invalid("live.options", N_("有两个选项一样，请改一个。"))
    if any(len(option) > OPTION_LENGTH for option in texts):
        raise Invalid("live.options", N_("每个选项最多 %(most)d 个字，请缩短。"), most=OPTION_LENGTH)
    if len(explanation) > EXPLANATION_LENGTH:
        raise Invalid("live.explanation", N_("讲解最多 %(most)d 个字，请缩短。"), most=EXPLANATION_LENGTH)
    return texts


def right(chosen: Sequence[int], *, multiple: bool) -> None:
    """Invalid (`live.right`) when the right answers do not fit the kind of question."""
    if not chosen:
        raise Invalid("live.right", N_("请勾出正确的选项。"))
    if not multiple and len(chosen) > 1:
        raise Invalid("live.right", N_("单选题只能有一个正确选项。要勾几个，请改成多选。"))


def choices(chosen: Sequence[int], *, multiple: bool) -> None:
    """Invalid (`live.choices`) when a vote does not fit the poll."""
    if not chosen:
        raise Invalid("live.choices", N_("请至少选一项。"))
    if not multiple and len(chosen) > 1:
        raise Invalid("live.choices", N_("这道题只能选一项。"))


def counted(tally: Sequence[int], before: Sequence[int], after: Sequence[int]) -> list[int]:
    """`tally` with one person's choices `before` taken out and `after` put in."""
    return [votes - (place in before) + (place in after) for place, votes in enumerate(tally)]


# ── slots, pages, codes, checks ─────────────────────────


def free_slot(taken: Sequence[int | None]) -> int:
    """The lowest free place to speak; Conflict (`live.slots`) when all three speak."""
    for slot in SLOTS:
        if slot not in taken:
            return slot
    raise Conflict("live.slots", N_("同时最多 %(most)d 位同志发言，请先结束一位。"), most=len(SLOTS))


def page(wanted: int, pages: int) -> int:
    """A page of the slides; Conflict (`live.no_slides`), Invalid (`live.page`)."""
    if not pages:
        raise Conflict("live.no_slides", N_("这堂课没有课件，或者课件还在准备。"))
    if wanted > pages:
        raise Invalid("live.page", N_("课件只有 %(pages)d 页。"), pages=pages)
    return wanted


def may_try(tries: Mapping[str, int], now_ms: int) -> dict[str, int]:
    """Those of somebody's wrong tries (code → when) that still count; TooMany (`live.code_tries`) when they are as many as
    allowed."""
    recent = {code: at_ms for code, at_ms in tries.items() if now_ms - at_ms < CODE_WINDOW_MS}
    if len(recent) >= CODE_TRIES:
        raise TooMany(
            "live.code_tries",
            N_("登记码输错了 %(most)d 次，请听清老师报的数字，%(seconds)d 秒后再试。"),
            most=CODE_TRIES,
            seconds=-(-(min(recent.values()) + CODE_WINDOW_MS - now_ms) // 1000),
        )
    return recent


def running(at_ms: int, answer_ms: int, now_ms: int) -> bool:
    """Whether a presence check still takes answers in time."""
    return now_ms <= at_ms + answer_ms
