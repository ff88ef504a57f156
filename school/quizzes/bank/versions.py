"""Versions as sittings need them: what each asks and which files it shows, kept by the process, for a version never changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.quizzes import bodies
from school.quizzes.bank.models import Question, QuestionFile, QuestionKind, QuestionVersion
from school.records.bulk import among

KEPT = 20_000  # versions a process remembers of one database


class File(NamedTuple):
    """A picture, sound or short video as a page shows it; `alt` says what who cannot see or hear it should know.

    `width` and `height` in pixels let a page keep room for it; 0 for a sound.
    """

    id: int
    mime: str
    alt: str
    width: int
    height: int


class Asked(NamedTuple):
    """One version: shapes of `body` in `bodies.py`, `files` by their ids."""

    version_id: int
    kind: QuestionKind
    body: dict[str, Any]
    files: Mapping[int, File]
    explanation: str
    basis: str


_kept: WeakKeyDictionary[object, dict[int, Asked]] = WeakKeyDictionary()


def asked(s: Session, version_ids: Iterable[int]) -> Mapping[int, Asked]:
    """The versions by their ids, from memory where they are known; those that were never approved are not kept."""
    kept = _kept.setdefault(s.get_bind(), {})
    wanted = set(version_ids)
    missing = wanted.difference(kept)
    if missing:
        if len(kept) + len(missing) > KEPT:
            kept.clear()
            missing = wanted
        kept.update(_read(s, missing))
    return kept


def _read(s: Session, version_ids: Iterable[int]) -> dict[int, Asked]:
    rows = s.execute(
        sa.select(
            QuestionVersion.id, Question.kind, QuestionVersion.body, QuestionVersion.explanation, QuestionVersion.basis
        )
        .join(Question, Question.id == QuestionVersion.question_id)
        .where(among(s, QuestionVersion.id, version_ids))
    ).all()
    wanted = {file_id for row in rows for file_id in bodies.files(row.body)}
    files = {}
    if wanted:
        found = sa.select(
            QuestionFile.id, QuestionFile.mime, QuestionFile.alt, QuestionFile.width, QuestionFile.height
        ).where(among(s, QuestionFile.id, wanted))
        files = {row.id: File(*row) for row in s.execute(found)}
    return {
        row.id: Asked(
            row.id,
            QuestionKind(row.kind),
            row.body,
            {file_id: files[file_id] for file_id in bodies.files(row.body) if file_id in files},
            row.explanation,
            row.basis,
        )
        for row in rows
    }
