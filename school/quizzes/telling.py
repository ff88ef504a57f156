"""What is said of an answer at once where a quiz shows it at once (练习): right or not, what is right, and why."""

from __future__ import annotations

from typing import Any

from school.quizzes.drawing import Served
from school.quizzes.keyring import Key
from school.quizzes.marking import mark
from school.quizzes.serving import shown_key
from school.quizzes.versions import Asked


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
