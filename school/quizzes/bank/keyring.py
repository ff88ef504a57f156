"""What is right for a version, by its newest correction; a process remembers keys, for a revision never changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.quizzes.bank.models import AnswerKey, Question, QuestionKind, QuestionVersion
from school.records.bulk import among

KEPT = 20_000  # keys a process remembers of one database


class Key(NamedTuple):
    """A key with what marking by it needs; `waived`: whoever was served the question has its points (shape: `bodies.py`)."""

    revision: int
    kind: QuestionKind
    key: dict[str, Any]
    waived: bool

    @property
    def by_people(self) -> bool:
        """Whether persons mark what was answered."""
        return self.kind == QuestionKind.SHORT and not self.waived


_kept: WeakKeyDictionary[object, dict[tuple[int, int], Key]] = WeakKeyDictionary()


def newest(s: Session, version_ids: Iterable[int]) -> dict[int, Key]:
    """version id → its newest key, as this transaction sees it: one query, and one more for keys not known here yet."""
    kept = _kept.setdefault(s.get_bind(), {})
    revisions = s.execute(
        sa.select(AnswerKey.version_id, sa.func.max(AnswerKey.revision))
        .where(among(s, AnswerKey.version_id, version_ids))
        .group_by(AnswerKey.version_id)
    ).all()
    wanted = [(version_id, revision) for version_id, revision in revisions]
    missing = {version_id for version_id, revision in wanted if (version_id, revision) not in kept}
    read = _read(s, missing) if missing else {}
    found = {
        version_id: read.get((version_id, revision)) or kept[version_id, revision] for version_id, revision in wanted
    }
    if len(kept) + len(read) > KEPT:
        kept.clear()
    kept.update(read)
    return found


def _read(s: Session, version_ids: Iterable[int]) -> dict[tuple[int, int], Key]:
    """Every key of the versions."""
    rows = s.execute(
        sa.select(AnswerKey.version_id, AnswerKey.revision, Question.kind, AnswerKey.key, AnswerKey.waived)
        .join(QuestionVersion, QuestionVersion.id == AnswerKey.version_id)
        .join(Question, Question.id == QuestionVersion.question_id)
        .where(among(s, AnswerKey.version_id, version_ids))
    )
    return {(row[0], row[1]): Key(row[1], QuestionKind(row[2]), row[3], row[4]) for row in rows}
