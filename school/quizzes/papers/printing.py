"""Papers as they are printed or looked through: every question as its sitting shows it, with what is right where it may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy.orm import Session

from school.core.keys import Keys
from school.quizzes.bank import files, keyring
from school.quizzes.bank.models import QuestionKind
from school.quizzes.bank.versions import asked
from school.quizzes.papers import letters
from school.quizzes.papers.drawing import Served
from school.quizzes.sittings.serving import face, shown_key


@dataclass(frozen=True, slots=True)
class Printed:
    """A question with its number; `face` as `serving.face`, `right` in words, both in the places of this paper."""

    number: int
    kind: QuestionKind
    face: dict[str, Any]
    points_100: int
    right: str
    explanation: str
    basis: str


def printed(s: Session, keys: Keys, paper: Sequence[Sequence[Any]]) -> list[Printed]:
    """The questions of a kept paper, by their newest keys; pictures are at addresses for this hour."""
    served = [Served(*row) for row in paper]
    versions = asked(s, (one.version_id for one in served))
    right = keyring.newest(s, (one.version_id for one in served))
    questions = []
    for i, one in enumerate(served):
        question, key = versions[one.version_id], right[one.version_id]
        questions.append(
            Printed(
                number=i + 1,
                kind=question.kind,
                face=face(i, question, one, lambda file_id: files.for_now(keys, file_id)),
                points_100=one.points_100,
                right=letters.words(question.kind, shown_key(one, question.kind, key.key)),
                explanation=question.explanation,
                basis=question.basis,
            )
        )
    return questions


@dataclass(frozen=True, slots=True)
class Block:
    """Questions of one kind and worth that follow each other, as a printed paper heads them: 一、单选题（每题 2 分）."""

    kind: QuestionKind
    points_100: int
    questions: list[Printed]


def blocks(questions: Sequence[Printed]) -> list[Block]:
    return [
        Block(kind, points, list(run))
        for (kind, points), run in groupby(questions, key=lambda one: (one.kind, one.points_100))
    ]
