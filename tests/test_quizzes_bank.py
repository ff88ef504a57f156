"""The question bank on both databases: writing, two-person review, versions, search, near-duplicates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from actors import Actor, Cast
from quiz_kit import SAMPLES
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed, NotFound, SchoolError
from school.org.models import AuditLog
from school.quizzes import bank, bank_rules, similar
from school.quizzes.bank_rules import Draft
from school.quizzes.models import (
    AnswerKey,
    Question,
    QuestionKind,
    QuestionState,
    QuestionTag,
    QuestionVersion,
)


def draft(kind: QuestionKind = QuestionKind.SINGLE, **fields: Any) -> Draft:
    body, key = SAMPLES[kind]
    return Draft(kind=kind, body=body, key=key, **{"category": "党章", **fields})


def asking(stem: str, **fields: Any) -> Draft:
    """A true/false question with this stem."""
    return replace(draft(QuestionKind.JUDGE, **fields), body={"stem": stem})


def made(db: Database, cast: Cast, *drafts: Draft, by: Actor | None = None, **options: Any) -> list[int]:
    with db.write() as s:
        return bank.add_many(s, (by or cast.trainer).person, cast.county_id, drafts or (draft(),), **options)


def refused(kind: type[SchoolError], code: str, db: Database, verb: Any, *args: Any) -> None:
    with pytest.raises(kind) as caught, db.write() as s:
        verb(s, *args)
    assert caught.value.code == code


# ── writing ─────────────────────────────────────────────


def test_many_are_written_as_one_would_be(db: Database, cast: Cast) -> None:
    drafts = [draft(kind, tags=("基础", "党史"), basis="党章") for kind in QuestionKind]
    ids = made(db, cast, *drafts)
    with db.read() as s:
        for question_id, wanted in zip(ids, drafts, strict=True):
            question = s.get_one(Question, question_id)
            version = s.scalars(sa.select(QuestionVersion).where(QuestionVersion.question_id == question_id)).one()
            key = s.get_one(AnswerKey, (version.id, 1))
            tags = s.scalars(sa.select(QuestionTag.tag).where(QuestionTag.question_id == question_id)).all()
            assert (question.kind, question.state) == (wanted.kind, QuestionState.DRAFT)
            assert (question.approved_id, question.latest_no, version.no) == (None, 1, 1)
            assert (version.body, key.key, version.basis) == (wanted.body, wanted.key, "党章")
            assert set(tags) == {"基础", "党史"}
        assert s.scalars(sa.select(AuditLog.event)).all() == ["question.create"]
    assert made(db, cast) > ids[-1:], "ids go on after a set"


def test_nothing_is_written_when_one_does_not_fit(db: Database, cast: Cast) -> None:
    with pytest.raises(Invalid) as caught:
        made(db, cast, draft(), draft(category=" "))
    assert caught.value.code == "question.category"
    with db.read() as s:
        assert s.scalar(sa.select(sa.func.count()).select_from(Question)) == 0
