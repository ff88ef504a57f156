"""What an invigilator does to sittings that go on: more time, a pause, an end, a sitting made void or opened again.

Every verb takes a standing that invigilates, is written to the audit log, and stands as an event of each sitting it moved.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Conflict, Invalid
from school.core.i18n import N_
from school.core.notes import checked
from school.org import audit
from school.quizzes.access import Standing, at_desk
from school.quizzes.marks import earnings
from school.quizzes.marks import service as marks
from school.quizzes.papers.models import Quiz
from school.quizzes.sittings import service as sitting
from school.quizzes.sittings.models import Attempt, AttemptState
from school.quizzes.sittings.outages import MOST_MINUTES
from school.quizzes.sittings.service import Sitting, event, no_attempt
from school.quizzes.sittings.show import was_told
from school.records.bulk import among, move

MINUTES = range(1, MOST_MINUTES + 1)
REASON_MOST = 200
CODE_DIGITS = 6
TOLD = N_("这份试卷的答案已经公布，这位同志可能看过了，不能再打开原来的卷子。可以让他另考一次，或者安排补考。")


def new_code(s: Session, here: Standing) -> str:
    """A new seat code, which everybody who has not begun yet must type; the one before is no longer good."""
    quiz = at_desk(here).quiz
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    s.execute(sa.update(Quiz).where(Quiz.id == quiz.id).values(seat_code=code, seat_code_needed=True))
    quiz.seat_code, quiz.seat_code_needed = code, True
    _audit(s, here, "code")
    return code


def extend(s: Session, here: Standing, minutes: int, reason: str, at_ms: int, *, attempt_id: int | None = None) -> int:
    """Give one open sitting, or all of them, `minutes` more; how many got them.

    Raises Invalid (`control.minutes`, `control.reason`), Conflict (`attempt.over`, `attempt.no_deadline`).
    """
    at_desk(here)
    reason, extra_ms = _reason(reason), _minutes(minutes)
    if attempt_id is None:
        chosen = [one for one in _open(s, here.quiz.id) if one.deadline_ms is not None]
    else:
        chosen = [_one(s, here, attempt_id)]
        if chosen[0].state != AttemptState.OPEN:
            raise _over()
        if chosen[0].deadline_ms is None:
            raise Conflict("attempt.no_deadline", N_("这次答题没有限时，不用加时间。"))
    _shift(s, chosen, extra_ms, given=True)
    sitting.note(
        s,
        [
            event(
                one.id, at_ms, "extended", here.person.account_id, ms=extra_ms, reason=reason, everybody=not attempt_id
            )
            for one in chosen
        ],
    )
    _audit(s, here, "extend", attempt_id, minutes=minutes, reason=reason, sittings=len(chosen))
    return len(chosen)


def pause(s: Session, here: Standing, reason: str, at_ms: int) -> None:
    """Let the whole sitting stand still: nobody can answer, and nobody's time runs. Conflict (`quiz.paused`) when it does."""
    quiz, reason = at_desk(here).quiz, _reason(reason)
    stopped = sa.update(Quiz).where(Quiz.id == quiz.id, Quiz.paused_ms.is_(None)).values(paused_ms=at_ms)
    if s.connection().execute(stopped).rowcount == 0:
        raise Conflict("quiz.paused", N_("考试已经暂停了，不用再按一次。"))
    quiz.paused_ms = at_ms
    _audit(s, here, "pause", reason=reason)


def resume(s: Session, here: Standing, at_ms: int) -> int:
    """Let it go on; everybody who sits gets the time of the pause. How long it was; Conflict (`quiz.running`)."""
    quiz = at_desk(here).quiz
    paused_ms = s.scalar(sa.select(Quiz.paused_ms).where(Quiz.id == quiz.id).with_for_update(key_share=True))
    if paused_ms is None:
        raise Conflict("quiz.running", N_("考试正在进行，没有暂停。"))
    length_ms = max(at_ms - paused_ms, 0)
    # whose time was over before the pause is not woken up by it
    chosen = [
        one
        for one in _open(s, quiz.id)
        if one.deadline_ms is not None and one.deadline_ms + one.grace_s * 1000 >= paused_ms
    ]
    s.execute(sa.update(Quiz).where(Quiz.id == quiz.id).values(paused_ms=None))
    quiz.paused_ms = None
    _shift(s, chosen, length_ms, given=False)
    _hear(s, chosen, length_ms, at_ms)
    sitting.note(s, [event(one.id, at_ms, "paused", here.person.account_id, ms=length_ms) for one in chosen])
    _audit(s, here, "resume", ms=length_ms, sittings=len(chosen))
    return length_ms


def collect(s: Session, here: Standing, at_ms: int, zone: str, *, attempt_id: int | None = None) -> int:
    """Take one open sitting in, or all of them (收卷); how many. Conflict (`attempt.over`) when the one is over."""
    at_desk(here)
    chosen = _open(s, here.quiz.id) if attempt_id is None else [_one(s, here, attempt_id)]
    if attempt_id is not None and chosen[0].state != AttemptState.OPEN:
        raise _over()
    sitting.close(s, [(one, at_ms, "desk") for one in chosen], zone)
    _audit(s, here, "collect", attempt_id, sittings=len(chosen))
    return len(chosen)


def void(s: Session, here: Standing, attempt_id: int, reason: str, at_ms: int, zone: str) -> None:
    """Make a sitting void: it counts neither as a result nor as a try, and what it earned is taken back; the reason stands
    on those lines and on the member's first page.

    Conflict (`attempt.void`) when it is already.
    """
    quiz = at_desk(here).quiz
    reason, one = _reason(reason), _one(s, here, attempt_id)
    if one.state == AttemptState.VOID:
        raise Conflict("attempt.void", N_("这次答题已经作废了。"))
    had_100 = earnings.hours_of(s, quiz, one.member_id)
    _withdraw(s, here, one, reason, at_ms, zone)
    lost_100 = had_100 - earnings.hours_of(s, quiz, one.member_id)
    sitting.note(
        s,
        [
            event(
                one.id,
                at_ms,
                "voided",
                here.person.account_id,
                reason=reason,
                was=one.state,
                hours_100=max(lost_100, 0),
            )
        ],
    )
    _audit(s, here, "void", attempt_id, reason=reason, state=(one.state, AttemptState.VOID))


def reopen(s: Session, here: Standing, attempt_id: int, minutes: int, reason: str, at_ms: int, zone: str) -> None:
    """Let somebody go on whose sitting is over (a power cut at the deadline, a slip of the hand): `minutes` from now, with
    the paper and the answers they had. Its marks are taken back; handed in again it is marked anew, short answers too.

    Raises Conflict: `attempt.open` when it goes on, `attempt.told` when what is right has been shown already,
    `attempt.another` when the person has begun another one.
    """
    quiz, reason, length_ms = at_desk(here).quiz, _reason(reason), _minutes(minutes)
    # whoever begins another one at this moment is stored before, or waits
    s.execute(sa.select(Quiz.id).where(Quiz.id == quiz.id).with_for_update(key_share=True))
    one = _one(s, here, attempt_id)
    if one.state == AttemptState.OPEN:
        raise Conflict("attempt.open", N_("这次答题还在进行，不用重新打开。时间不够时请加时间。"))
    if was_told(s, one.id, sitting.moment_of(at_ms)):
        raise Conflict("attempt.told", TOLD)
    other = sa.select(Attempt.id).where(
        Attempt.quiz_id == one.quiz_id, Attempt.member_id == one.member_id, Attempt.state == AttemptState.OPEN
    )
    if s.scalar(other) is not None:
        raise Conflict("attempt.another", N_("这位同志已经另外开始了一次答题，原来的一次不能再打开。"))
    _withdraw(s, here, one, reason, at_ms, zone)
    marks.forget_short_marks(s, one.id)
    again = {
        "at_id": one.id, "state": AttemptState.OPEN, "submitted_ms": None, "submitted_by": "", "score_100": None,
        "passed": None, "deadline_ms": None if one.deadline_ms is None else at_ms + length_ms,
    }  # fmt: skip
    move(s, Attempt, [again])
    sitting.note(s, [event(one.id, at_ms, "reopened", here.person.account_id, ms=length_ms, reason=reason)])
    _audit(s, here, "reopen", attempt_id, minutes=minutes, reason=reason)


# ── parts of them ───────────────────────────────────────


def _open(s: Session, quiz_id: int) -> Sequence[Sitting]:
    """Everybody who sits the quiz on a screen now, locked."""
    ids = s.scalars(
        sa.select(Attempt.id).where(
            Attempt.quiz_id == quiz_id, Attempt.state == AttemptState.OPEN, Attempt.on_paper.is_(False)
        )
    ).all()
    return [one for one in sitting.held(s, ids).values() if one.state == AttemptState.OPEN]


def _one(s: Session, here: Standing, attempt_id: int) -> Sitting:
    one = sitting.held(s, [attempt_id]).get(attempt_id)
    if one is None or one.quiz_id != here.quiz.id or one.on_paper:
        raise no_attempt()
    return one


def _shift(s: Session, chosen: Iterable[Sitting], by_ms: int, *, given: bool) -> None:
    """Move the deadlines; `given` time is also kept apart, as what a person gave."""
    values: dict[Any, Any] = {Attempt.deadline_ms: Attempt.deadline_ms + by_ms}
    if given:
        values[Attempt.extra_ms] = Attempt.extra_ms + by_ms
    moved = sa.update(Attempt).where(among(s, Attempt.id, (one.id for one in chosen))).values(values)
    s.execute(moved.execution_options(synchronize_session=False))


def _hear(s: Session, chosen: Iterable[Sitting], by_ms: int, at_ms: int) -> None:
    """Move the last sign of life by the length of a pause as well: pages are not listened to in it, which is no silence."""
    later = Attempt.seen_ms + by_ms
    heard = sa.update(Attempt).where(among(s, Attempt.id, (one.id for one in chosen)), Attempt.seen_ms > 0)
    values = {Attempt.seen_ms: sa.case((later > at_ms, at_ms), else_=later)}
    s.execute(heard.values(values).execution_options(synchronize_session=False))


def _withdraw(s: Session, here: Standing, one: Sitting, reason: str, at_ms: int, zone: str) -> None:
    """Make the sitting void and let result, hours and proofs follow."""
    move(s, Attempt, [{"at_id": one.id, "state": AttemptState.VOID}])
    why = marks.Correction(reason, here.person, tells=False)
    marks.settle(s, [one.id], sitting.moment_of(at_ms), zone, why)


def _minutes(minutes: int) -> int:
    if minutes not in MINUTES:
        raise Invalid("control.minutes", N_("请填 1 到 240 之间的分钟数。"))
    return minutes * 60_000


def _reason(reason: str) -> str:
    """Tidied; it stands in the records, and the member reads why a sitting was made void."""
    return checked(reason, "control.reason", N_("请写明原因。"), most=REASON_MOST)


def _over() -> Conflict:
    return Conflict("attempt.over", N_("这次答题已经结束。要让这位同志接着答，请用“重新打开”。"))


def _audit(s: Session, here: Standing, verb: str, attempt_id: int | None = None, **changes: Any) -> None:
    """The quiz as the subject, or the sitting."""
    quiz = here.quiz
    subject = ("quiz", quiz.id) if attempt_id is None else ("attempt", attempt_id)
    audit.record(s, here.person, f"quiz.{verb}", subject, quiz.org_id, title=quiz.title, **changes)
