"""Near-duplicates: each question keeps a few of its hashed character pairs, so that what is alike shares some of them.

The pairs with the smallest hashes are a fair sample of all pairs (bottom-k): two texts that share most pairs share most
of the sample. What shares some is then compared in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any
from zlib import crc32

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.person import Person
from school.quizzes import bank_rules
from school.quizzes.access import in_bank
from school.quizzes.models import Question, QuestionPiece, QuestionState, QuestionVersion

SAMPLE = 8  # pieces a question keeps
SHARED = 2  # of them, before two questions are compared
ALIKE = 500  # per mille of pairs in common
SHOWN = 5
CANDIDATES = 60
CHUNK = 5000  # values of one statement; SQLite takes 32766


@dataclass(frozen=True, slots=True)
class Similar:
    """A question of the bank that says much the same. `likeness` per mille; `same` when the stem is the same."""

    question: Question
    likeness: int
    same: bool


def sketch(pairs: Iterable[str]) -> list[int]:
    """The pieces of a question with these pairs, ascending; the same on every machine and for ever."""
    return nsmallest(SAMPLE, {crc32(pair.encode()) * 0x9E3779B1 & 0xFFFFFFFF for pair in pairs})


def find(s: Session, person: Person, body: dict[str, Any], *, but: int | None = None) -> list[Similar]:
    """The questions this person may see that are most like `body`, the likest first; `but` is the question itself."""
    pairs, digest = bank_rules.pairs(body), bank_rules.digest(body["stem"])
    sharing = (
        sa.select(QuestionPiece.question_id)
        .where(QuestionPiece.piece.in_(sketch(pairs)))
        .group_by(QuestionPiece.question_id)
        .having(sa.func.count() >= SHARED)
        .order_by(sa.func.count().desc(), QuestionPiece.question_id)
        .limit(CANDIDATES)
    )
    near = s.scalars(sharing).all()
    rows = s.execute(
        sa.select(Question, QuestionVersion.body)
        .join(
            QuestionVersion,
            sa.and_(QuestionVersion.question_id == Question.id, QuestionVersion.no == Question.latest_no),
        )
        .where(
            sa.or_(Question.digest == digest, Question.id.in_(near)),
            Question.id != (but or 0),
            Question.state != QuestionState.WITHDRAWN,
            in_bank(person),
        )
    )
    found = [Similar(q, bank_rules.likeness(pairs, bank_rules.pairs(other)), q.digest == digest) for q, other in rows]
    found = [each for each in found if each.same or each.likeness >= ALIKE]
    return sorted(found, key=lambda each: (-each.same, -each.likeness, each.question.id))[:SHOWN]


# ── many at once ────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Repeat:
    """What one of many is like: a question of the bank by `question_id`, or an earlier one of the many by `place`."""

    question_id: int | None
    place: int | None
    brief: str
    likeness: int
    same: bool


def repeats(s: Session, person: Person, many: Sequence[dict[str, Any]]) -> dict[int, Repeat]:
    """Place among `many` bodies → what that one repeats, the likest only; for the notes of an import."""
    pairs = [bank_rules.pairs(body) for body in many]
    sketches = list(map(sketch, pairs))
    digests = [bank_rules.digest(body["stem"]) for body in many]
    found = _among(many, pairs, sketches, digests)
    candidates = _candidates(s, person, sketches, digests)
    bodies = _bodies(s, {question_id for ids in candidates.values() for question_id in ids})
    for place, ids in candidates.items():
        for question_id in ids:
            brief, digest, other = bodies[question_id]
            repeat = Repeat(
                question_id, None, brief, bank_rules.likeness(pairs[place], other), digest == digests[place]
            )  # fmt: skip
            _keep(found, place, repeat)
    return found


def _keep(found: dict[int, Repeat], place: int, repeat: Repeat) -> None:
    """Keep the likest; of two as like the one in the bank, which comes later here."""
    known = found.get(place)
    if (repeat.same or repeat.likeness >= ALIKE) and (
        known is None or (repeat.same, repeat.likeness) >= (known.same, known.likeness)
    ):
        found[place] = repeat


def _among(
    many: Sequence[dict[str, Any]],
    pairs: Sequence[frozenset[str]],
    sketches: Sequence[list[int]],
    digests: Sequence[str],
) -> dict[int, Repeat]:
    """What repeats an earlier one of the many themselves."""
    found: dict[int, Repeat] = {}
    first: dict[str, int] = {}
    keeping: dict[int, list[int]] = {}
    for place, pieces in enumerate(sketches):
        if (same := first.setdefault(digests[place], place)) != place:
            likeness = bank_rules.likeness(pairs[place], pairs[same])
            _keep(found, place, Repeat(None, same, bank_rules.brief(many[same]["stem"]), likeness, True))
        else:
            counts: dict[int, int] = {}
            for piece in pieces:
                for other in keeping.get(piece, ()):
                    counts[other] = counts.get(other, 0) + 1
            for other, count in counts.items():
                if count >= SHARED:
                    likeness = bank_rules.likeness(pairs[place], pairs[other])
                    _keep(found, place, Repeat(None, other, bank_rules.brief(many[other]["stem"]), likeness, False))
        for piece in pieces:
            kept = keeping.setdefault(piece, [])
            if len(kept) < CANDIDATES:  # a piece of everything tells nothing
                kept.append(place)
    return found


def _candidates(
    s: Session, person: Person, sketches: Sequence[list[int]], digests: Sequence[str]
) -> dict[int, set[int]]:
    """Place → ids of the questions in the person's bank that share its stem or enough pieces."""
    known = sa.select(Question.id).where(Question.state != QuestionState.WITHDRAWN, in_bank(person))
    if s.scalar(known.limit(1)) is None:
        return {}
    held: dict[int, list[int]] = {}
    for chunk in _chunks(sorted({piece for pieces in sketches for piece in pieces})):
        for piece, question_id in s.execute(
            sa.select(QuestionPiece.piece, QuestionPiece.question_id).where(
                QuestionPiece.piece.in_(chunk), QuestionPiece.question_id.in_(known)
            )
        ):
            held.setdefault(piece, []).append(question_id)
    stems: dict[str, list[int]] = {}
    for chunk in _chunks(sorted(set(digests))):
        for digest, question_id in s.execute(
            sa.select(Question.digest, Question.id).where(Question.digest.in_(chunk), Question.id.in_(known))
        ):
            stems.setdefault(digest, []).append(question_id)
    found: dict[int, set[int]] = {}
    for place, pieces in enumerate(sketches):
        counts: dict[int, int] = {}
        for piece in pieces:
            for question_id in held.get(piece, ())[:CANDIDATES]:
                counts[question_id] = counts.get(question_id, 0) + 1
        near = {question_id for question_id, count in counts.items() if count >= SHARED}
        near.update(stems.get(digests[place], ())[:SHOWN])
        if near:
            found[place] = near
    return found


def _bodies(s: Session, ids: set[int]) -> dict[int, tuple[str, str, frozenset[str]]]:
    """Question id → its brief, the digest of its stem, its pairs."""
    found: dict[int, tuple[str, str, frozenset[str]]] = {}
    for chunk in _chunks(sorted(ids)):
        rows = s.execute(
            sa.select(Question.id, Question.brief, Question.digest, QuestionVersion.body)
            .join(
                QuestionVersion,
                sa.and_(QuestionVersion.question_id == Question.id, QuestionVersion.no == Question.latest_no),
            )
            .where(Question.id.in_(chunk))
        )
        found.update({row.id: (row.brief, row.digest, bank_rules.pairs(row.body)) for row in rows})
    return found


def _chunks(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[i : i + CHUNK] for i in range(0, len(values), CHUNK))
