"""Short answers are marked by people who see neither whose they are nor what others gave: two, and a third when they differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Conflict, Invalid, NotAllowed
from school.core.i18n import N_
from school.core.keys import Keys
from school.core.secrecy import refuse_secrets
from school.core.signing import sign
from school.core.text import hundredths, tidy
from school.org import audit
from school.quizzes.access import Standing
from school.quizzes.bank import keyring
from school.quizzes.bank.models import Question, QuestionKind, QuestionVersion
from school.quizzes.marks import service as marks
from school.quizzes.marks.marking import agreed, differ
from school.quizzes.marks.models import ShortMark
from school.quizzes.sittings.models import Attempt, AttemptAnswer
from school.records.bulk import put

NOTE_LENGTH = 400
PURPOSE = "short"  # of the handles that name an answer without telling whose it is


class Mark(NamedTuple):
    """What one person gave an answer."""

    marker_id: int
    points_100: int
    note: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A short answer as its marker sees it: `handle` names it to this marker alone, `given` are the marks so far.

    `own` is the mark that this person gave, while nobody else has marked it: until then they may think again.
    """

    handle: str
    attempt_id: int
    position: int
    version_id: int
    text: str
    points_100: int
    given: list[int]
    mine: bool  # marked by this person, or written by them
    own: Mark | None = None

    @property
    def open(self) -> bool:
        """Whether it still needs somebody's mark."""
        return agreed(self.given, self.points_100) is None

    @property
    def third(self) -> bool:
        return differ(self.given, self.points_100)


@dataclass(slots=True)
class Asked:
    """A short question of the quiz and how far its marking is."""

    version_id: int
    stem: str
    model: str  # what a good answer says
    answers: list[Answer] = field(default_factory=list)

    @property
    def done(self) -> int:
        return sum(not answer.open for answer in self.answers)

    @property
    def waiting(self) -> list[Answer]:
        """What this person may mark now: first where two differ, then in an order that tells nothing."""
        return sorted(
            (answer for answer in self.answers if answer.open and not answer.mine),
            key=lambda answer: (not answer.third, answer.handle),
        )

    @property
    def changeable(self) -> list[Answer]:
        """What this person has marked and may still change, for nobody else has marked it."""
        return sorted((answer for answer in self.answers if answer.own), key=lambda answer: answer.handle)


def may_mark(here: Standing) -> Standing:
    """`here` when this person marks short answers: author, helpers, and who oversees; else NotAllowed (`quiz.marking`)."""
    if not (here.desk or here.oversees):
        raise NotAllowed("quiz.marking", N_("简答题由出卷老师、监考人员和主办单位的审核人员评阅。"))
    return here


def asked(s: Session, keys: Keys, here: Standing) -> list[Asked]:
    """The short questions that were answered in this quiz, with every answer, none of which tells whose it is."""
    rows = s.execute(
        sa.select(
            AttemptAnswer.attempt_id, AttemptAnswer.position, AttemptAnswer.version_id, AttemptAnswer.answer,
            Attempt.paper, Attempt.member_id, QuestionVersion.body,
        )
        .join(Attempt, Attempt.id == AttemptAnswer.attempt_id)
        .join(QuestionVersion, QuestionVersion.id == AttemptAnswer.version_id)
        .join(Question, Question.id == QuestionVersion.question_id)
        .where(
            Attempt.quiz_id == here.quiz.id, Attempt.state.in_(marks.OVER), Question.kind == QuestionKind.SHORT,
            AttemptAnswer.answer.is_not(sa.null()),
        )
        .order_by(AttemptAnswer.version_id)
    ).all()  # fmt: skip
    given = _given(s, here.quiz.id)
    me = here.person
    keyed = keyring.newest(s, {row.version_id for row in rows})
    found: dict[int, Asked] = {}
    for row in rows:
        key = keyed[row.version_id]
        points_100 = row.paper[row.position][2]
        if key.waived or not points_100:
            continue
        marked = given[row.attempt_id, row.position]
        question = found.setdefault(
            row.version_id, Asked(row.version_id, row.body["stem"], str(key.key.get("model", "")))
        )
        question.answers.append(
            Answer(
                handle=handle(keys, here, row.attempt_id, row.position),
                attempt_id=row.attempt_id,
                position=row.position,
                version_id=row.version_id,
                text=row.answer,
                points_100=points_100,
                given=[mark.points_100 for mark in marked],
                mine=row.member_id == me.member_id or any(mark.marker_id == me.account_id for mark in marked),
                own=_own(marked, me.account_id),
            )
        )
    return list(found.values())


def at_hand(questions: Sequence[Asked], version_id: int | None, name: str = "") -> tuple[Asked | None, Answer | None]:
    """The question to mark and which answer of it: those asked for by `version_id` and `name` where they can be had, else
    the first that waits for this person."""
    chosen = next((each for each in questions if each.version_id == version_id), None)
    chosen = chosen or next((each for each in questions if each.waiting), None)
    if chosen is None:
        return None, None
    first = next(iter(chosen.waiting), None)
    return chosen, next((each for each in (*chosen.waiting, *chosen.changeable) if name and each.handle == name), first)


def handle(keys: Keys, here: Standing, attempt_id: int, position: int) -> str:
    """The name of an answer for one marker: says nothing about the sitting, and nothing to another marker."""
    return sign(keys, PURPOSE, f"{attempt_id}-{position}-{here.person.account_id}")


def give(
    s: Session, keys: Keys, here: Standing, name: str, typed: str, note: str, now: datetime, zone: str
) -> Answer:  # fmt: skip
    """Mark the answer that this person knows as `name` with the points they typed, or change the mark they gave it while
    it is the only one; settles the sitting.

    Raises Invalid (`short.points`, `short.note`), Conflict (`short.done`) when it needs no mark of theirs any more.
    """
    answer, own = _wanted(s, keys, may_mark(here), name)
    points_100, note = hundredths(typed), tidy(note)
    if points_100 is None or points_100 > answer.points_100:
        raise Invalid("short.points", N_("请填 0 到 %(most)g 之间的分数，最多两位小数。"), most=answer.points_100 / 100)
    if len(note) > NOTE_LENGTH:
        raise Invalid("short.note", N_("评语最多 %(most)d 个字，请删短。"), most=NOTE_LENGTH)
    refuse_secrets(note)
    row = {
        "attempt_id": answer.attempt_id, "position": answer.position, "marker_id": here.person.account_id,
        "points_100": points_100, "note": note, "marked_at": now,
    }  # fmt: skip
    put(s, ShortMark, [row], change=("points_100", "note", "marked_at"))
    audit.record(
        s, here.person, "quiz.short_mark", ("attempt", answer.attempt_id), here.quiz.org_id, position=answer.position,
        points_100=points_100 if own is None else (own.points_100, points_100),
    )  # fmt: skip
    marks.settle(s, [answer.attempt_id], now, zone)
    return answer


def _wanted(s: Session, keys: Keys, here: Standing, name: str) -> tuple[Answer, Mark | None]:
    """The answer this person knows as `name`, its sitting locked, and the mark of theirs that they may change."""
    answer = next((one for question in asked(s, keys, here) for one in question.answers if one.handle == name), None)
    if answer is not None:
        over = sa.select(Attempt.id).where(Attempt.id == answer.attempt_id, Attempt.state.in_(marks.OVER))
        if s.scalar(over.with_for_update(key_share=True)) is not None:  # else it was opened again meanwhile
            marked = _given(s, here.quiz.id, answer.attempt_id)[answer.attempt_id, answer.position]
            own = _own(marked, here.person.account_id)
            done = agreed([mark.points_100 for mark in marked], answer.points_100) is not None
            mine = answer.mine or any(mark.marker_id == here.person.account_id for mark in marked)
            if own is not None or not (done or mine):
                return answer, own
    raise Conflict("short.done", N_("这份答案已经评完，或者您已经评过了。请接着评下一份。"))


def _own(marked: Sequence[Mark], account_id: int) -> Mark | None:
    """This person's mark when it is the only one."""
    return marked[0] if len(marked) == 1 and marked[0].marker_id == account_id else None


def _given(s: Session, quiz_id: int, attempt_id: int | None = None) -> dict[tuple[int, int], list[Mark]]:
    """The marks of each answer of the quiz (or of one sitting) in the order they came."""
    wanted = (
        sa.select(ShortMark.attempt_id, ShortMark.position, ShortMark.marker_id, ShortMark.points_100, ShortMark.note)
        .join(Attempt, Attempt.id == ShortMark.attempt_id)
        .where(Attempt.quiz_id == quiz_id)
        .order_by(ShortMark.marked_at, ShortMark.marker_id)
    )
    if attempt_id is not None:
        wanted = wanted.where(ShortMark.attempt_id == attempt_id)
    found: dict[tuple[int, int], list[Mark]] = defaultdict(list)
    for at, position, marker_id, points_100, note in s.execute(wanted):
        found[at, position].append(Mark(marker_id, points_100, note))
    return found


def left(s: Session, quiz_id: int) -> int:
    """How many sittings wait for somebody to mark a short answer of theirs."""
    return s.scalars(
        sa.select(sa.func.count())
        .select_from(Attempt)
        .where(Attempt.quiz_id == quiz_id, Attempt.state == marks.OVER[0])
    ).one()


def comments(s: Session, attempt_id: int) -> dict[int, Sequence[str]]:
    """position → what the markers wrote beside their marks, for who sat it and when the paper says so."""
    rows = s.execute(
        sa.select(ShortMark.position, ShortMark.note)
        .where(ShortMark.attempt_id == attempt_id, ShortMark.note != "")
        .order_by(ShortMark.position, ShortMark.marked_at)
    )
    found: dict[int, list[str]] = defaultdict(list)
    for position, note in rows:
        found[position].append(note)
    return dict(found)
