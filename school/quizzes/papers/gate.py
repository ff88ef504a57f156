"""The gate before a sitting: may this person begin now, and if not, why and what to do; asked by the face page and by the start."""

from __future__ import annotations

import hmac
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Conflict, Invalid, NotAllowed, SchoolError, TooMany
from school.core.i18n import N_
from school.core.time import local, year_of
from school.org import audit
from school.org.models import AuditLog
from school.quizzes.access import Standing
from school.quizzes.marks.models import QuizResult
from school.quizzes.papers.models import Quiz, QuizKind, QuizState
from school.quizzes.sittings.models import Attempt, AttemptState
from school.records.queries import hours_of

WRONG_CODES = 10  # typed by one person within WINDOW, before they must wait
WINDOW = timedelta(minutes=15)
WRONG = "quiz.wrong_code"  # as the audit log calls it


@dataclass(frozen=True, slots=True)
class Gate:
    """`refusal` is why the person may not begin (a code, a sentence, its parameters); None when they may.

    `open_id` is their attempt that is still going on: then it is continued and nothing else is asked. `left` counts the
    attempts that remain, None: as often as one likes. `code`: the invigilator's code must be typed.
    """

    refusal: SchoolError | None
    open_id: int | None = None
    left: int | None = None
    code: bool = False
    hours_100: int = 0  # of the year, when the quiz asks for some


def gate(s: Session, here: Standing, moment: datetime, zone: str) -> Gate:
    """How the gate stands for this person at `moment`; at most three short queries."""
    quiz, member_id = here.quiz, here.person.member_id
    if member_id is None:
        return Gate(NotAllowed("person.member", N_("这个账号没有对应的党员，不能答题。请用党员本人的账号登录。")))
    tries = s.execute(
        sa.select(Attempt.id, Attempt.state, Attempt.on_paper).where(
            Attempt.quiz_id == quiz.id, Attempt.member_id == member_id
        )
    ).all()
    going_on = next((row for row in tries if row.state == AttemptState.OPEN), None)
    used = sum(1 for row in tries if row.state != AttemptState.VOID)
    left = max(quiz.attempts - used, 0) if quiz.attempts else None
    if going_on is not None and quiz.state == QuizState.PUBLISHED:
        if going_on.on_paper:
            return Gate(Conflict("quiz.on_paper", N_("您的试卷已经印好，请在考场用纸质试卷作答。")), left=left)
        return Gate(None, going_on.id, left)
    refusal = _closed(here, moment, zone) or _used_up(quiz, left)
    hours_100 = 0
    if refusal is None and quiz.hours_needed_100:
        hours = hours_of(s, member_id, year_of(moment, zone))
        hours_100 = hours.group_100 + hours.online_100
        if hours_100 < quiz.hours_needed_100:
            refusal = _no(
                "quiz.hours",
                N_("参加前今年要先学满 %(needed)s 学时，您现在有 %(have)s 学时。学满以后再来。"),
                needed=f"{quiz.hours_needed_100 / 100:g}",
                have=f"{hours_100 / 100:g}",
            )
    if refusal is None and quiz.resit_of_id is not None:
        first = s.get(QuizResult, (quiz.resit_of_id, member_id))
        if first is not None and first.passed:
            refusal = _no("quiz.resit", N_("这是补考，您在原来的考试里已经及格，不用再考。"))
    return Gate(refusal, None, left, quiz.seat_code_needed, hours_100)


def enter(s: Session, here: Standing, code: str, moment: datetime, zone: str) -> Gate:
    """The gate of somebody who begins or goes on now.

    Raises its refusal, Invalid (`quiz.seat_code`) when the seat code is asked for and `code` is another one (whoever
    calls then writes it down by `note_wrong_code`), or TooMany (`quiz.seat_tries`) after too many of those.
    """
    found = gate(s, here, moment, zone)
    if found.refusal is not None:
        raise found.refusal
    if found.code:
        _must_not_guess(s, here, moment)
        if not _same(code, here.quiz.seat_code):
            raise Invalid("quiz.seat_code", N_("考场码不对。请看考场里公布的数字，或请监考人员告诉您。"))
    return found


def note_wrong_code(s: Session, here: Standing) -> None:
    """Write a wrong seat code down, so that six digits cannot be tried one by one."""
    audit.record(s, here.person, WRONG, ("quiz", here.quiz.id), here.quiz.org_id)


def _must_not_guess(s: Session, here: Standing, moment: datetime) -> None:
    typed = sa.select(sa.func.count(), sa.func.min(AuditLog.at)).where(
        AuditLog.event == WRONG, AuditLog.subject_id == here.quiz.id,
        AuditLog.account_id == here.person.account_id, AuditLog.at > moment - WINDOW,
    )  # fmt: skip
    count, first = s.execute(typed).one()
    if count >= WRONG_CODES:
        seconds = max(1, int((first + WINDOW - moment).total_seconds()))
        raise TooMany(
            "quiz.seat_tries",
            N_("考场码试错的次数太多。请向监考人员问清楚，过 %(minutes)d 分钟再试。"),
            minutes=-(-seconds // 60),
            seconds=seconds,
        )


def _same(typed: str, code: str) -> bool:
    plain = "".join(unicodedata.normalize("NFKC", typed).split())
    return bool(code) and hmac.compare_digest(plain.encode(), code.encode())


def not_published() -> Conflict:
    return _no("quiz.not_published", N_("还没有发布，或者已经撤下，现在不能答题。"))


def _no(code: str, message: str, **params: Any) -> Conflict:
    return Conflict(code, message, **params)


def _closed(here: Standing, moment: datetime, zone: str) -> SchoolError | None:
    """Why nobody like this person may begin at `moment`."""
    quiz = here.quiz
    if quiz.state != QuizState.PUBLISHED:
        return not_published()
    if not here.invited:
        return NotAllowed("quiz.not_invited", N_("不对您所在的党组织开放，您看到的是预览，不能答题。"))
    if here.desk and quiz.kind != QuizKind.PRACTICE:
        return NotAllowed("quiz.own", N_("您是出卷人或者监考人员，不能参加自己的考试。"))
    if here.reviewed:
        return NotAllowed(
            "quiz.reviewed", N_("您审过这份试卷，题目和答案都看过了，不能参加。需要学时的，请参加别的考试或学习。")
        )
    if quiz.opens_at is not None and moment < quiz.opens_at:
        return _no(
            "quiz.not_open", N_("还没有开始，%(when)s 开考。到时间请再打开这一页。"), when=_words(quiz.opens_at, zone)
        )
    if quiz.closes_at is not None and moment >= quiz.closes_at:
        return _no("quiz.closed", N_("已经在 %(when)s 截止，不能再答。"), when=_words(quiz.closes_at, zone))
    if quiz.paused_ms is not None:
        return _no("quiz.paused", N_("监考人员让考试暂停了，请稍等，继续以后再进入。时间会补上。"))
    return None


def _used_up(quiz: Quiz, left: int | None) -> SchoolError | None:
    if left != 0:
        return None
    return _no("quiz.attempts", N_("最多可以考 %(n)d 次，您的次数已经用完。"), n=quiz.attempts)


def _words(moment: datetime, zone: str) -> str:
    return f"{local(moment, zone):%Y-%m-%d %H:%M}"
