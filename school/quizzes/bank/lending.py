"""Questions of the bank lent to a live class: those that can be asked as plain text with options, as their key is now."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.i18n import N_
from school.core.person import Person
from school.quizzes import bodies
from school.quizzes.access import in_bank, no_question
from school.quizzes.bank.models import AnswerKey, Question, QuestionKind, QuestionState, QuestionVersion
from school.quizzes.bank.rules import wanted

KINDS = (QuestionKind.SINGLE, QuestionKind.MULTIPLE, QuestionKind.JUDGE)
FOUND = 60  # questions looked through for one search
JUDGED = (N_("正确"), N_("错误"))


class Quick(NamedTuple):
    """A question as a class may ask it; `right` are places of `options`."""

    question_id: int
    question: str
    options: tuple[str, ...]
    multiple: bool
    right: tuple[int, ...]
    explanation: str
    category: str


def quick(s: Session, person: Person, search: str, today: date) -> list[Quick]:
    """Questions that hold every word of `search`, the newest first; without words the newest of all that may be seen."""
    words = [Question.words.contains(word, autoescape=True) for word in wanted(search)]
    found = s.execute(_lendable(person, today).where(*words).order_by(Question.id.desc()).limit(FOUND))
    return [_quick(*row) for row in found if not bodies.files(row[2])]


def quick_one(s: Session, person: Person, question_id: int, today: date) -> Quick:
    """One of them; NotFound (`question.missing`) when the person may not see it or a class cannot ask it."""
    row = s.execute(_lendable(person, today).where(Question.id == question_id)).one_or_none()
    if row is None or bodies.files(row[2]):
        raise no_question()
    return _quick(*row)


def _lendable(person: Person, today: date) -> sa.Select[Any]:
    newest = (
        sa.select(sa.func.max(AnswerKey.revision))
        .where(AnswerKey.version_id == QuestionVersion.id)
        .correlate(QuestionVersion)
        .scalar_subquery()
    )
    return (
        sa.select(
            Question.id, Question.kind, QuestionVersion.body, AnswerKey.key, QuestionVersion.explanation,
            Question.category,
        )
        .join(QuestionVersion, QuestionVersion.id == Question.approved_id)
        .join(AnswerKey, sa.and_(AnswerKey.version_id == QuestionVersion.id, AnswerKey.revision == newest))
        .where(
            in_bank(person),
            Question.kind.in_(KINDS),
            Question.state != QuestionState.WITHDRAWN,
            AnswerKey.waived.is_(False),  # then nothing is known to be right
            sa.or_(Question.valid_from.is_(None), Question.valid_from <= today),
            sa.or_(Question.valid_until.is_(None), Question.valid_until >= today),
        )
    )  # fmt: skip


def _quick(
    question_id: int, kind: str, body: dict[str, Any], key: dict[str, Any], explanation: str, category: str
) -> Quick:
    if kind == QuestionKind.JUDGE:
        options, right = JUDGED, (0 if key["right"] else 1,)
    else:
        options, right = tuple(option["text"] for option in body["options"]), tuple(key["right"])
    return Quick(
        question_id, body["stem"], options, kind == QuestionKind.MULTIPLE, right, explanation, category
    )  # fmt: skip
