"""Rows of the permission matrix for the bank, quizzes, sittings and marks."""

from __future__ import annotations

from matrix_kit import SIGNED_IN, Call, Make, World, nothing
from quiz_kit import make_question, make_quiz
from school.quizzes.models import Quiz, QuizState

# ---- the things


def quiz_of(w: World, *audience: int, state: QuizState = QuizState.PUBLISHED) -> Quiz:
    """A quiz of the trainer, held by the county, of one question."""
    with w.db.write() as s:
        return make_quiz(s, w.cast, [make_question(s, w.cast)], audience=audience, state=state)


def quiz_for_all(w: World) -> Call:
    return Call({"quiz_id": quiz_of(w).id})


def quiz_for_own_branch(w: World) -> Call:
    return Call({"quiz_id": quiz_of(w, w.cast.branch_id).id})


def quiz_draft(w: World) -> Call:
    return Call({"quiz_id": quiz_of(w, state=QuizState.DRAFT).id})


def quiz_in_review(w: World) -> Call:
    return Call({"quiz_id": quiz_of(w, state=QuizState.IN_REVIEW).id})


def quiz_withdrawn(w: World) -> Call:
    return Call({"quiz_id": quiz_of(w, state=QuizState.WITHDRAWN).id})


# ---- the table

TABLE: list[tuple[str, str, Make, set[str]]] = [
    # quizzes as their people see them
    ("GET", "quizzes.index", nothing, SIGNED_IN),
    ("GET", "quizzes.page", quiz_for_all, SIGNED_IN),
    ("GET", "quizzes.page", quiz_for_own_branch, {"member", "secretary", "trainer", "reviewer", "admin"}),
    ("GET", "quizzes.page", quiz_draft, {"trainer"}),
    ("GET", "quizzes.page", quiz_in_review, {"trainer", "reviewer", "admin"}),
    ("GET", "quizzes.page", quiz_withdrawn, {"trainer", "reviewer", "admin"}),
]
