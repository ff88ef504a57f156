"""Near-duplicates: each question keeps a sketch of its text, eight hashed character pairs, and what is alike shares some.

The pairs with the smallest hashes are a fair sample of all pairs (bottom-k): of two texts that share most pairs the
samples share most too. What shares two is then compared in full. A look goes over the sketches of the whole bank: 32
bytes a question, a fifth of a second for a hundred thousand of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.offload import in_thread
from school.core.person import Person
from school.quizzes import bodies
from school.quizzes.access import in_bank
from school.quizzes.bank import rules as bank_rules
from school.quizzes.bank.models import Question, QuestionState, QuestionVersion
from school.records.bulk import among

SAMPLE = 8  # pieces of a sketch; 0 stands for none
SHARED = 2  # of them, before two questions are compared
ALIKE = 500  # per mille of pairs in common
SHOWN = 5
CANDIDATES = 60
NEIGHBOURS = 8  # how many that share a piece are looked at, among many at once

Sketches = npt.NDArray[np.uint32]  # a row each


# ── the likeness of two texts ───────────────────────────


def text_of(body: dict[str, Any]) -> str:
    """What is compared: stem and options without white space and punctuation."""
    return bank_rules.bare("\n".join(bodies.texts(body)))


def sketches(texts: Sequence[str]) -> list[str]:
    """The sketch of each bare text, in hex; the same on every machine and for ever, and whatever stands beside it."""
    letters = np.frombuffer("".join(texts).encode("utf-32-le"), "<u4")
    rows = np.repeat(np.arange(len(texts), dtype="u8"), np.fromiter(map(len, texts), int, len(texts)))
    within = rows[:-1] == rows[1:]  # pairs of one text
    hashed = (letters[:-1] * np.uint32(0x10001) + letters[1:]) * np.uint32(0x9E3779B1)
    pieces = np.sort(rows[:-1][within] << np.uint64(32) | hashed[within])  # by text, then the smallest first
    pieces = pieces[np.diff(pieces, prepend=~pieces[:1]) != 0]  # each once
    rows = (pieces >> np.uint64(32)).astype(int)
    places = np.arange(len(pieces)) - np.searchsorted(rows, np.arange(len(texts)))[rows]  # among those of its text
    kept = places < SAMPLE
    made = np.zeros((len(texts), SAMPLE), "<u4")
    made[rows[kept], places[kept]] = pieces[kept].astype("<u4")
    return [row.tobytes().hex() for row in made]


def sketch(text: str) -> str:
    """The sketch of one bare text."""
    return sketches([text])[0]


def likeness(one: str, other: str) -> int:
    """Pairs of characters that two bare texts share, per mille of all pairs of both."""
    mine, theirs = set(pairwise(one)), set(pairwise(other))
    every = len(mine | theirs)
    return 1000 * len(mine & theirs) // every if every else 0


def _rows(sketches: Iterable[str]) -> Sketches:
    return np.frombuffer(bytes.fromhex("".join(sketches)), "<u4").reshape(-1, SAMPLE)


# ── one question ────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Similar:
    """A question of the bank that says much the same. `likeness` per mille; `same` when the stem is the same."""

    question: Question
    likeness: int
    same: bool


@dataclass(frozen=True, slots=True)
class Held:
    """The sketches of every question in use, as of one look."""

    ids: list[int]
    digests: list[str]
    sketches: Sketches


def hold(s: Session) -> Held:
    """The sketches of the whole bank, for several looks at once."""
    rows = s.execute(
        sa.select(Question.id, Question.digest, Question.sketch)
        .where(Question.state != QuestionState.WITHDRAWN, Question.sketch != "")
        .order_by(Question.id)
    ).all()
    return Held([row.id for row in rows], [row.digest for row in rows], _rows(row.sketch for row in rows))


def find(
    s: Session, person: Person, body: dict[str, Any], *, but: int | None = None, held: Held | None = None
) -> list[Similar]:
    """The questions this person may see that are most like `body`, the likest first; `but` is the question itself.

    While nothing but a stem is written yet, stems are compared.
    """
    held = held or hold(s)
    text, stem, digest = text_of(body), bank_rules.bare(body["stem"]), bank_rules.digest(body["stem"])
    compared = (lambda other: bank_rules.bare(other["stem"])) if text == stem else text_of
    mine = _rows([sketch(text)])[0]
    shared = np.isin(held.sketches, mine[mine > 0]).sum(axis=1)
    likest = np.argsort(-shared, kind="stable")[:CANDIDATES]
    near = {held.ids[place] for place in likest.tolist() if shared[place] >= SHARED}
    near.update(question_id for question_id, known in zip(held.ids, held.digests, strict=True) if known == digest)
    rows = s.execute(_latest(Question).where(among(s, Question.id, near), Question.id != (but or 0), in_bank(person)))
    found = [Similar(question, likeness(text, compared(other)), question.digest == digest) for question, other in rows]
    found = [each for each in found if each.same or each.likeness >= ALIKE]
    return sorted(found, key=lambda each: (-each.same, -each.likeness, each.question.id))[:SHOWN]


def _latest(*columns: Any) -> sa.Select[Any]:
    """`columns` of questions, then the body of the latest version."""
    latest = sa.and_(QuestionVersion.question_id == Question.id, QuestionVersion.no == Question.latest_no)
    return sa.select(*columns, QuestionVersion.body).join(QuestionVersion, latest)


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
    """Place among `many` bodies → what that one repeats, the likest only; for the notes of an import.

    The comparing, seconds of it for ten thousand, is done in the thread pool.
    """
    held = hold(s)
    texts, digests, near = in_thread(_near, held, many)
    first = len(held.ids)
    known = _known(s, person, {held.ids[a] for a, _ in near if a < first})
    return in_thread(_likest, held, many, texts, digests, near, known)


def _near(held: Held, many: Sequence[dict[str, Any]]) -> tuple[list[str], list[str], list[tuple[int, int]]]:
    """Bare texts of the many, digests of bank and many, and pairs to compare: the many stand behind the bank."""
    texts = [text_of(body) for body in many]
    digests = [*held.digests, *(bank_rules.digest(body["stem"]) for body in many)]
    every = np.concatenate([held.sketches, _rows(sketches(texts))])
    return texts, digests, sorted((a, b) for a, b in (_sharing(every) | _same(digests)) if b >= len(held.ids))


def _likest(
    held: Held,
    many: Sequence[dict[str, Any]],
    texts: Sequence[str],
    digests: Sequence[str],
    near: Sequence[tuple[int, int]],
    known: dict[int, tuple[str, str]],
) -> dict[int, Repeat]:
    first = len(held.ids)
    found: dict[int, Repeat] = {}
    for a, b in near:
        if a >= first:
            text, brief = texts[a - first], bank_rules.brief(many[a - first]["stem"])
            which: tuple[int | None, int | None] = (None, a - first)
        elif held.ids[a] in known:
            text, brief = known[held.ids[a]]
            which = (held.ids[a], None)
        else:
            continue
        repeat = Repeat(*which, brief, likeness(text, texts[b - first]), digests[a] == digests[b])
        best = found.get(b - first)
        if (repeat.same or repeat.likeness >= ALIKE) and (
            best is None or (repeat.same, repeat.likeness) > (best.same, best.likeness)
        ):
            found[b - first] = repeat
    return found


def _sharing(sketches: Sketches) -> set[tuple[int, int]]:
    """Pairs of rows (the earlier one first) that share enough pieces, found among neighbours who share a piece."""
    rows = np.repeat(np.arange(len(sketches)), SAMPLE)
    pieces = sketches.ravel()
    rows, pieces = rows[pieces > 0], pieces[pieces > 0]
    order = np.argsort(pieces, kind="stable")  # rows of one piece stay in order
    rows, pieces = rows[order], pieces[order]
    shared = []
    for step in range(1, NEIGHBOURS + 1):
        alike = pieces[step:] == pieces[:-step]
        shared.append(rows[:-step][alike] * len(sketches) + rows[step:][alike])
    pairs, counts = np.unique(np.concatenate(shared), return_counts=True)
    enough = pairs[counts >= SHARED]
    return set(zip((enough // len(sketches)).tolist(), (enough % len(sketches)).tolist(), strict=True))


def _same(digests: Sequence[str]) -> set[tuple[int, int]]:
    """Pairs of places with one digest: each with the first one that has it."""
    first: dict[str, int] = {}
    places = [(first.setdefault(digest, place), place) for place, digest in enumerate(digests)]
    return {(a, b) for a, b in places if a != b}


def _known(s: Session, person: Person, ids: set[int]) -> dict[int, tuple[str, str]]:
    """Question id → its bare text and its brief, for those the person may see."""
    wanted = _latest(Question.id, Question.brief).where(among(s, Question.id, ids), in_bank(person))
    return {row.id: (text_of(row.body), row.brief) for row in s.execute(wanted)}
