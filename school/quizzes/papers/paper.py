"""The paper of a quiz: its sections with the questions the bank has for them now, drawn by a seed, and what is wrong with it."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Conflict
from school.core.i18n import N_
from school.org.models import Organization
from school.org.reach import prefixes
from school.quizzes.bank.models import Question, QuestionKind, QuestionState, QuestionTag, QuestionVersion
from school.quizzes.papers import drawing
from school.quizzes.papers.drawing import Candidate, Part
from school.quizzes.papers.models import Quiz, QuizItem, QuizKind, QuizSection

FRESH_S = 30.0  # how long a plan is kept: five hundred people start in one second, and a withdrawn question goes soon
KEPT = 64  # plans a process keeps

_STILL = re.compile(r"^(以上|上述|前述)")  # 以上都是 stays the last
_LETTERS = re.compile(r"(^|[^A-Za-z])[A-H](?![A-Za-z])")  # “A和B都对” speaks of places: nothing moves


# ── drawing one ─────────────────────────────────────────

_plans: WeakKeyDictionary[object, OrderedDict[tuple[int, int], tuple[float, list[Part]]]] = WeakKeyDictionary()


def paper_of(s: Session, quiz: Quiz, seed: int, today: date) -> list[list[Any]]:
    """The paper that `seed` draws, as Attempt.paper keeps it; the same seed and the same bank give the same paper.

    Conflict (`quiz.paper`) when there is no question at all.
    """
    paper = drawing.drawn(_plan(s, quiz, today), seed, quiz.shuffle_questions, quiz.shuffle_options)
    if not paper:
        raise Conflict("quiz.paper", N_("这份试卷现在没有可用的题，不能开考。请告诉出卷老师。"))
    return [list(served) for served in paper]


def fresh_paper(s: Session, quiz: Quiz, seed: int, today: date) -> list[list[Any]]:
    """As `paper_of`, by what the bank has this moment, and empty when that is nothing: for a look at a draft."""
    parts = parts_of(s, quiz, today)
    return [list(served) for served in drawing.drawn(parts, seed, quiz.shuffle_questions, quiz.shuffle_options)]


def _plan(s: Session, quiz: Quiz, today: date) -> list[Part]:
    """The parts of the quiz, from this process's memory while they are fresh."""
    plans = _plans.setdefault(s.get_bind(), OrderedDict())
    found = plans.get((quiz.id, quiz.version))
    if found is None or found[0] < time.monotonic():
        found = plans[quiz.id, quiz.version] = (time.monotonic() + FRESH_S, parts_of(s, quiz, today))
        while len(plans) > KEPT:
            plans.popitem(last=False)
    return found[1]


def parts_of(s: Session, quiz: Quiz, today: date) -> list[Part]:
    """The sections of the quiz with what the bank has for them on `today`: a few queries, however large the bank is."""
    return [_part(s, quiz, section, today) for section in sections_of(s, quiz.id)]


def sections_of(s: Session, quiz_id: int) -> Sequence[QuizSection]:
    return s.scalars(sa.select(QuizSection).where(QuizSection.quiz_id == quiz_id).order_by(QuizSection.position)).all()


_FACTS = (
    Question.id,
    Question.kind,
    QuestionVersion.id,
    QuestionVersion.body,
)


def _part(s: Session, quiz: Quiz, section: QuizSection, today: date) -> Part:
    if section.rule is None:
        rows = s.execute(
            sa.select(*_FACTS, QuizItem.points_100)
            .join(QuestionVersion, QuestionVersion.id == Question.approved_id)
            .join(QuizItem, QuizItem.question_id == Question.id)
            .where(QuizItem.section_id == section.id, Question.state != QuestionState.WITHDRAWN)
            .order_by(QuizItem.position)
        ).all()
        points = tuple(_worth(quiz, row[1], section.points_100 if row[4] is None else row[4]) for row in rows)
        return Part(tuple(_candidate(*row[:4]) for row in rows), points)
    host = s.get_one(Organization, quiz.org_id).path
    found = s.execute(
        sa.select(*_FACTS)
        .join(QuestionVersion, QuestionVersion.id == Question.approved_id)
        .where(drawable(host, section.rule, today))
        .order_by(Question.id)
    ).all()
    points = tuple(_worth(quiz, row[1], section.points_100) for row in found)
    return Part(tuple(_candidate(*row) for row in found), points, section.draw)


def _worth(quiz: Quiz, kind: str, points_100: int) -> int:
    """Nobody marks a short answer of a practice: it counts nothing, and who wrote it compares it with the reference."""
    return 0 if quiz.kind == QuizKind.PRACTICE and kind == QuestionKind.SHORT else points_100


def drawable(host: str, rule: Mapping[str, Any], today: date) -> sa.ColumnElement[bool]:
    """Whether a question may be drawn by `rule` for a quiz held by the organisation at path `host`: in the bank of it or
    of one above, approved, not withdrawn and valid on `today`."""
    banks = sa.select(Organization.id).where(Organization.path.in_(prefixes(host)))
    wanted = [
        Question.org_id.in_(banks),
        Question.approved_id.is_not(None),
        Question.state != QuestionState.WITHDRAWN,
        sa.or_(Question.valid_from.is_(None), Question.valid_from <= today),
        sa.or_(Question.valid_until.is_(None), Question.valid_until >= today),
    ]
    if rule.get("kind"):
        wanted.append(Question.kind == rule["kind"])
    if rule.get("category"):
        wanted.append(Question.category == rule["category"])
    if rule.get("difficulty"):
        wanted.append(Question.difficulty.in_(rule["difficulty"]))
    if rule.get("tag"):
        wanted.append(Question.id.in_(sa.select(QuestionTag.question_id).where(QuestionTag.tag == rule["tag"])))
    return sa.and_(*wanted)


def _candidate(question_id: int, kind: str, version_id: int, body: Mapping[str, Any]) -> Candidate:
    options = body.get("left") or body.get("options") or ()
    texts = [str(option.get("text", "")) for option in options]
    fixed = 0
    if kind in drawing.CHOICES:
        if any(_LETTERS.search(text) and len(text) > 1 for text in texts[1:]):
            fixed = len(texts)
        elif texts and _STILL.match(texts[-1]):
            fixed = 1
    return Candidate(question_id, version_id, QuestionKind(kind), len(texts), len(body.get("right") or ()), fixed)


def length_of(s: Session, quiz: Quiz) -> int:
    """How many questions a paper of the quiz asks, as it is written."""
    drawn = sa.select(sa.func.coalesce(sa.func.sum(QuizSection.draw), 0)).where(QuizSection.quiz_id == quiz.id)
    chosen = (
        sa.select(sa.func.count())
        .select_from(QuizItem)
        .join(QuizSection, QuizSection.id == QuizItem.section_id)
        .where(QuizSection.quiz_id == quiz.id)
    )
    return int((s.scalar(drawn) or 0) + (s.scalar(chosen) or 0))


# ── what is wrong with one ──────────────────────────────


@dataclass(frozen=True, slots=True)
class SectionCheck:
    """A section as the sheet shows it: how many questions there are for it, how many the paper takes, and the points."""

    found: int
    taken: int
    points_100: int  # of all it takes
    missing: int  # drawn too few, or fixed ones that are withdrawn
    stale: int  # fixed ones past their valid_until: still served


@dataclass(frozen=True, slots=True)
class PaperCheck:
    sections: list[SectionCheck]

    @property
    def questions(self) -> int:
        return sum(section.taken for section in self.sections)

    @property
    def max_100(self) -> int:
        return sum(section.points_100 for section in self.sections)

    @property
    def sound(self) -> bool:
        """Whether it may be sent to review: it asks something, and nothing is missing."""
        return self.questions > 0 and not any(section.missing for section in self.sections)


def checked_paper(s: Session, quiz: Quiz, today: date) -> PaperCheck:
    """What the paper comes to with the bank of today, section by section; never from memory."""
    sections = sections_of(s, quiz.id)
    parts = [_part(s, quiz, section, today) for section in sections]
    short = drawing.lacking(parts)
    checks = []
    for section, part, lack in zip(sections, parts, short, strict=True):
        if part.draw is None:
            items = (
                s.execute(
                    sa.select(Question.valid_until)
                    .join(QuizItem, QuizItem.question_id == Question.id)
                    .where(QuizItem.section_id == section.id)
                )
                .scalars()
                .all()
            )
            stale = sum(1 for until in items if until is not None and until < today)
            checks.append(
                SectionCheck(len(part.pool), len(part.pool), sum(part.points_100), len(items) - len(part.pool), stale)
            )
        else:
            taken = part.draw - lack
            each_100 = max(part.points_100, default=0)
            checks.append(SectionCheck(len(part.pool), taken, taken * each_100, lack, 0))
    return PaperCheck(checks)
