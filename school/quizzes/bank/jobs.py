"""What the clock sweeps out of the bank: files that no question uses, and imports that were put aside and forgotten."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.db import Database
from school.core.store import ObjectStore
from school.core.time import now
from school.quizzes import bodies
from school.quizzes.bank import exchange
from school.quizzes.bank.files import key_of
from school.quizzes.bank.models import Question, QuestionFile, QuestionImport, QuestionVersion
from school.records.bulk import among

KEPT = timedelta(days=14)  # a question that is being written stays open in a browser for days, and its pictures with it
ASIDE = timedelta(days=60)  # an import that was read and never taken in
LATELY = timedelta(hours=1)  # longer than any transaction that writes questions
TOGETHER = 200  # files of one transaction


def sweep(db: Database, store: ObjectStore) -> int:
    """Forget files older than KEPT that no version of any question names, and imports put aside before ASIDE; how many
    files there were. What several files share in the store goes with the last of them."""
    _forget_imports(db, store)
    started = now()
    with db.read() as s:
        old = set(s.scalars(sa.select(QuestionFile.id).where(QuestionFile.created_at < started - KEPT)))
        unused = sorted(old - _used(s)) if old else []
    return sum(_forget(db, store, unused[at : at + TOGETHER], started) for at in range(0, len(unused), TOGETHER))


def _used(s: Session, since: datetime | None = None) -> set[int]:
    """The files that are named by any version, or by those of questions that were changed `since`."""
    wanted = sa.select(QuestionVersion.body)
    if since is not None:
        wanted = wanted.join(Question, Question.id == QuestionVersion.question_id).where(Question.changed_at >= since)
    found = s.scalars(wanted.execution_options(yield_per=1000))
    return {file_id for body in found for file_id in bodies.files(body)}


def _forget(db: Database, store: ObjectStore, ids: Collection[int], started: datetime) -> int:
    """Take the rows away, then the objects that none is left of; how many rows.

    Who writes a question holds its files (`bank.service`): a row that is locked here is named by nobody, or by a
    question that was changed since the sweep began, which the second look finds.
    """
    with db.write() as s:
        wanted = sa.select(QuestionFile).where(among(s, QuestionFile.id, ids)).order_by(QuestionFile.id)
        held = s.scalars(wanted.with_for_update()).all()
        named = _used(s, started - LATELY)
        gone = [file for file in held if file.id not in named]
        s.execute(sa.delete(QuestionFile).where(among(s, QuestionFile.id, [file.id for file in gone])))
    shas = {file.sha256 for file in gone}
    with db.read() as s:
        shas -= set(s.scalars(sa.select(QuestionFile.sha256).where(QuestionFile.sha256.in_(shas))))
    for sha256 in sorted(shas):
        store.delete(key_of(sha256))
    return len(gone)


def _forget_imports(db: Database, store: ObjectStore) -> None:
    with db.write() as s:
        old = exchange.drop(s, QuestionImport.created_at < now() - ASIDE)
    for object_key in old:
        store.delete(object_key)
