"""The rules of quizzes, without database, clock or Flask: kinds, states, and what may be written on a sheet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from school.core import notes
from school.core.errors import Conflict, Invalid
from school.core.i18n import N_
from school.core.secrecy import SECRECIES as SECRECIES  # the pages read it from here
from school.core.secrecy import Secrecy, refuse_secrets
from school.core.text import hundredths, tidy, tidy_lines
from school.core.time import typed
from school.quizzes.papers.models import QuizKind, QuizState, Show
from school.records.models import Mode

TITLE_LENGTH = 80
SUMMARY_LENGTH = 1000
SLIP_LENGTH = 4
MINUTES = range(1, 301)
ATTEMPTS = range(11)  # 0: as often as one likes
HOURS_100 = range(0, 801, 25)
NEEDED_100 = range(0, 20_001, 25)
PASS_PERMILLE = range(500, 1001, 10)
AT_MS = range(24 * 3600 * 1000)  # of a lesson

KINDS = {
    QuizKind.PRACTICE: N_("练习"),
    QuizKind.QUIZ: N_("测验"),
    QuizKind.EXAM: N_("考试"),
    QuizKind.CONTEST: N_("知识竞赛"),
}
STATES = {
    QuizState.DRAFT: N_("草稿"),
    QuizState.IN_REVIEW: N_("等待审核"),
    QuizState.PUBLISHED: N_("已发布"),
    QuizState.WITHDRAWN: N_("已撤下"),
}
SHOWS = {
    Show.AT_ONCE: N_("每答一题马上给出"),
    Show.SUBMITTED: N_("自己交卷以后"),
    Show.CLOSED: N_("截止以后"),
    Show.NEVER: N_("不公布"),
}
SHOWN = {  # what a kind may choose from
    QuizKind.PRACTICE: (Show.AT_ONCE,),
    QuizKind.QUIZ: (Show.SUBMITTED, Show.AT_ONCE, Show.CLOSED, Show.NEVER),
    QuizKind.EXAM: (Show.CLOSED, Show.SUBMITTED, Show.NEVER),
    QuizKind.CONTEST: (Show.CLOSED, Show.NEVER),
}
MODES = {Mode.ONLINE: N_("网络学时"), Mode.GROUP: N_("集中学时")}

# ── states ──────────────────────────────────────────────

_REVIEWED = N_("现在不在审核中，可能出卷老师已经取回，或别的同志已经审过。请刷新页面看最新的状态。")

# verb → states it follows on, the state after it, and what is said elsewhere
MOVES: dict[str, tuple[frozenset[QuizState], QuizState, str]] = {
    "submit": (frozenset({QuizState.DRAFT}), QuizState.IN_REVIEW, N_("已经送审或发布，不用再送。")),
    "recall": (
        frozenset({QuizState.IN_REVIEW, QuizState.PUBLISHED}),
        QuizState.DRAFT,
        N_("现在不能取回修改。请刷新页面看最新的状态。"),
    ),
    "return": (frozenset({QuizState.IN_REVIEW}), QuizState.DRAFT, _REVIEWED),
    "publish": (frozenset({QuizState.IN_REVIEW}), QuizState.PUBLISHED, _REVIEWED),
    "withdraw": (
        frozenset({QuizState.PUBLISHED}),
        QuizState.WITHDRAWN,
        N_("没有发布，不用撤下。请刷新页面看最新的状态。"),
    ),
}


def move(state: QuizState, verb: str) -> QuizState:
    """The state after `verb`; Conflict (`quiz.state`) when it does not follow."""
    before, after, refusal = MOVES[verb]
    if state not in before:
        raise Conflict("quiz.state", refusal)
    return after


def must_be_editable(state: QuizState) -> None:
    if state == QuizState.IN_REVIEW:
        raise Conflict("quiz.in_review", N_("正在审核，现在不能改。要改请先按“取回修改”。"))
    if state != QuizState.DRAFT:
        raise Conflict("quiz.published", N_("已经发布过，不能改了。要用新的题目或规则，请按“照样再出一份”。"))


class Phase(StrEnum):
    """Where a published quiz stands in its window."""

    COMING = "coming"
    OPEN = "open"
    OVER = "over"


def phase(opens_at: datetime | None, closes_at: datetime | None, moment: datetime) -> Phase:
    if closes_at is not None and moment >= closes_at:
        return Phase.OVER
    return Phase.COMING if opens_at is not None and moment < opens_at else Phase.OPEN


# ── what may be written ─────────────────────────────────


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a trainer writes about a quiz; hours in hundredths, `audience` and `helpers` are ids, none: everyone, nobody."""

    title: str
    summary: str = ""
    slip: str = ""
    secrecy: Secrecy = Secrecy.INTERNAL
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    minutes: int | None = None
    attempts: int = 3
    hours_needed_100: int = 0
    resit_of_id: int | None = None
    seat_code_needed: bool = False
    shuffle_questions: bool = True
    shuffle_options: bool = True
    one_a_page: bool = True
    partial: bool = False
    show: Show = Show.CLOSED
    pass_permille: int = 600
    hours_100: int = 0
    mode: Mode = Mode.ONLINE
    compulsory: bool = False
    course_ref: int | None = None
    lesson_ref: int | None = None
    at_ms: int | None = None
    course_needs: bool = False
    teams: bool = False
    table_open: bool = False
    audience: tuple[int, ...] = ()
    helpers: tuple[int, ...] = ()


def checked(kind: QuizKind, sheet: Sheet) -> Sheet:
    """The sheet, tidied, with what its kind settles; Invalid (`quiz.title`, `quiz.window` …) names the field that does not fit."""
    sheet = replace(
        sheet,
        title=tidy(sheet.title),
        summary=tidy_lines(sheet.summary),
        slip="".join(tidy(sheet.slip).split()),
        opens_at=sheet.opens_at and sheet.opens_at.replace(second=0, microsecond=0),
        closes_at=sheet.closes_at and sheet.closes_at.replace(second=0, microsecond=0),
        audience=tuple(sorted(set(sheet.audience))),
        helpers=tuple(sorted(set(sheet.helpers))),
    )
    check_words(sheet)
    sheet = _settled(kind, sheet)
    _window(kind, sheet)
    _numbers(sheet)
    if sheet.show not in SHOWN[kind]:
        raise Invalid("quiz.show", N_("考试和竞赛不能边答边公布答案。请选择别的时间。"))
    if sheet.show == Show.CLOSED and sheet.closes_at is None:
        raise Invalid("quiz.show", N_("没有截止时间，就等不到“截止以后”。请填截止时间，或换一个公布答案的时间。"))
    return sheet


def check_words(sheet: Sheet) -> None:
    refuse_secrets(sheet.title, sheet.summary, sheet.slip)
    if not sheet.title:
        raise Invalid("quiz.title", N_("请填写名称。"))
    if len(sheet.title) > TITLE_LENGTH:
        raise Invalid(
            "quiz.title", N_("名称有 %(length)d 个字，最多 %(most)d 个，请缩短。"), length=len(sheet.title), most=TITLE_LENGTH
        )  # fmt: skip
    if len(sheet.slip) > SLIP_LENGTH:
        raise Invalid("quiz.slip", N_("题签最多 %(most)d 个字，请缩短，或留空。"), most=SLIP_LENGTH)
    if len(sheet.summary) > SUMMARY_LENGTH:
        raise Invalid(
            "quiz.summary", N_("说明有 %(length)d 个字，最多 %(most)d 个，请删短。"),
            length=len(sheet.summary), most=SUMMARY_LENGTH,
        )  # fmt: skip


def _settled(kind: QuizKind, sheet: Sheet) -> Sheet:
    """The sheet with what its kind does not leave open."""
    if kind != QuizKind.CONTEST:
        sheet = replace(sheet, teams=False, table_open=False)
    if kind != QuizKind.EXAM:
        sheet = replace(sheet, resit_of_id=None, seat_code_needed=False, mode=Mode.ONLINE)
    if kind in (QuizKind.PRACTICE, QuizKind.CONTEST):  # voluntary, and nothing is earned by it
        sheet = replace(
            sheet, hours_100=0, hours_needed_100=0, compulsory=False, course_needs=False, mode=Mode.ONLINE
        )  # fmt: skip
    if kind == QuizKind.CONTEST:
        sheet = replace(sheet, course_ref=None)
    if kind == QuizKind.PRACTICE:
        sheet = replace(sheet, minutes=None, attempts=0, show=Show.AT_ONCE)
    if sheet.course_ref is None:
        sheet = replace(sheet, lesson_ref=None, course_needs=False)
    if sheet.lesson_ref is None:
        sheet = replace(sheet, at_ms=None)
    return sheet


def _window(kind: QuizKind, sheet: Sheet) -> None:
    timed = kind in (QuizKind.EXAM, QuizKind.CONTEST)
    if timed and (sheet.opens_at is None or sheet.closes_at is None):
        raise Invalid("quiz.window", N_("请填写开始和截止的日期、时间。"))
    if sheet.opens_at and sheet.closes_at and sheet.opens_at >= sheet.closes_at:
        raise Invalid("quiz.window", N_("截止时间要晚于开始时间。"))
    if timed and sheet.minutes is None:
        raise Invalid("quiz.minutes", N_("请填写答题时长，1 到 300 分钟。"))
    if sheet.minutes is not None and sheet.minutes not in MINUTES:
        raise Invalid("quiz.minutes", N_("答题时长请填 1 到 300 之间的分钟数，或留空不限时。"))
    room = sheet.closes_at - sheet.opens_at if sheet.opens_at and sheet.closes_at else None
    if room is not None and sheet.minutes and room < timedelta(minutes=sheet.minutes):
        raise Invalid("quiz.window", N_("从开始到截止还不够答题时长，最早进来的人也答不完。请放宽时间。"))


def _numbers(sheet: Sheet) -> None:
    if sheet.attempts not in ATTEMPTS:
        raise Invalid("quiz.attempts", N_("次数请填 1 到 10 之间的数，0 表示不限。"))
    if sheet.hours_100 not in HOURS_100:
        raise Invalid("quiz.hours", _NUMBERS["quiz.hours"])
    if sheet.hours_needed_100 not in NEEDED_100:
        raise Invalid("quiz.needed", _NUMBERS["quiz.needed"])
    if sheet.pass_permille not in PASS_PERMILLE:
        raise Invalid("quiz.pass", _NUMBERS["quiz.pass"])
    if sheet.at_ms is not None and sheet.at_ms not in AT_MS:
        raise Invalid("quiz.at", AT_WORDS)


AT_WORDS = N_("出题的时刻请写成 分:秒，如 12:30，或留空放在这一节后面。")


_NUMBERS = {
    "quiz.hours": N_("学时请填 0 到 8 之间的数，以 0.25 为一档；0 表示不计学时。"),
    "quiz.needed": N_("先学满的学时请填 0 到 200 之间的数，以 0.25 为一档；0 表示没有要求。"),
    "quiz.pass": N_("及格线请填 50 到 100 之间的数，如 60。"),
}


def number_of(text: str, code: str) -> int:
    """Hundredths from what a person types, 0 for nothing; Invalid (`code`) when it is no number."""
    value = hundredths(text or "0")
    if value is None:
        raise Invalid(code, _NUMBERS[code])
    return value


def clock_of(text: str) -> int | None:
    """Milliseconds from `12:30` or `1:02:03`; None for nothing; Invalid (`quiz.at`) for anything else."""
    plain = text.replace("：", ":").strip()
    if not plain:
        return None
    pieces = plain.split(":")
    if not 2 <= len(pieces) <= 3 or not all(
        piece.isascii() and piece.isdigit() and len(piece) <= 3 for piece in pieces
    ):
        raise Invalid("quiz.at", AT_WORDS)
    seconds = 0
    for piece in pieces:
        seconds = seconds * 60 + int(piece)
    return seconds * 1000


def moment_of(day: str, time: str, zone: str) -> datetime | None:
    """The moment of `2026-11-22` and `19:30` on the school's clock, None when neither is given; else Invalid (`quiz.window`)."""
    if not day.strip() and not time.strip():
        return None
    if (moment := typed(day, time, zone)) is None:
        raise Invalid("quiz.window", N_("请把日期和时间都填上，例如 2026-11-22 和 19:30。"))
    return moment


def checked_note(note: str) -> str:
    """A reviewer's note to the author; it must say something."""
    return notes.checked(note, "quiz.note", N_("请写明退回的原因和要改的地方，出卷老师会看到。"))
