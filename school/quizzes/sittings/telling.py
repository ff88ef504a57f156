"""What is said of an answer at once where a quiz shows it at once (练习): right or not, what is right, and why."""

from __future__ import annotations

from typing import Any

from school.quizzes.bank.keyring import Key
from school.quizzes.bank.versions import Asked
from school.quizzes.marks.marking import mark
from school.quizzes.papers.drawing import Served
from school.quizzes.sittings.serving import shown_key


def tell(served: Served, question: Asked, key: Key, answer: Any) -> dict[str, Any]:
    """`{right, key, explanation, basis}` of an answer in authored places; `right` is None where a person must mark, and
    `key` is in the places the sitting shows."""
    points = 100 if key.waived else mark(key.kind, key.key, answer, 100, partial=False)
    return {
        "right": None if points is None else points == 100,
        "key": shown_key(served, key.kind, key.key),
        "explanation": question.explanation,
        "basis": question.basis,
    }
