"""The demo bank: questions of six categories that can be drawn at once, and a few that wait for review."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.person import Role
from school.demo.people import first_with
from school.quizzes.bank import service as bank
from school.quizzes.bank.models import Question, QuestionKind
from school.quizzes.bank.rules import Draft

QUESTIONS = Path(__file__).with_name("questions.json")


def fill_bank(s: Session) -> bool:
    """Write the questions as the county's first trainer; False when there is one already, or nobody to write it."""
    if s.scalar(sa.select(Question.id).limit(1)):
        return False
    trainer, reviewer = first_with(s, Role.TRAINER), first_with(s, Role.REVIEWER)
    if trainer is None or reviewer is None:
        return False
    given = json.loads(QUESTIONS.read_text(encoding="utf-8"))
    host = next(grant.org_id for grant in trainer.grants if grant.role is Role.TRAINER)
    ids = bank.add_many(s, trainer, host, [_draft(each) for each in given], submit=True)
    s.flush()
    bank.approve(s, reviewer, [id_ for id_, each in zip(ids, given, strict=True) if not each.get("waits")])
    return True


def _draft(given: dict[str, Any]) -> Draft:
    """A question of the file: places of what is right as in `bodies`, an ordering written in its right order."""
    body: dict[str, Any] = {
        name: given[name] for name in ("stem", "options", "left", "right", "limit") if name in given
    }
    kind = QuestionKind(given["kind"])
    if kind == QuestionKind.ORDER:
        key: dict[str, Any] = {"order": list(range(len(given["options"])))}
    elif kind == QuestionKind.FILL:
        key = {"blanks": given["blanks"]}
    elif kind == QuestionKind.MATCH:
        key = {"pairs": given["pairs"]}
    elif kind == QuestionKind.SHORT:
        key = {"model": given["model"]}
    else:
        key = {"right": given["right"]}
    return Draft(
        kind=kind, body=body, key=key, category=given["category"], difficulty=given["difficulty"],
        explanation=given["explanation"], basis=given["basis"],
    )  # fmt: skip
