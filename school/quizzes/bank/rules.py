"""The rules of the bank, without database, clock or Flask: what is written about a question, and through which states it goes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from school.core import notes
from school.core.errors import Conflict, Invalid
from school.core.i18n import N_
from school.core.secrecy import refuse_secrets
from school.core.text import nfkc, tidy, tidy_lines
from school.quizzes import bodies
from school.quizzes.bank.models import QuestionKind, QuestionState

CATEGORY_LENGTH = 40
TAG_LENGTH = 20
TAGS = 8
EXPLANATION_LENGTH = 2000
BASIS_LENGTH = 400
BRIEF_LENGTH = 120
DIFFICULTIES = {1: N_("易"), 2: N_("较易"), 3: N_("中"), 4: N_("较难"), 5: N_("难")}
STATES = {
    QuestionState.DRAFT: N_("草稿"),
    QuestionState.IN_REVIEW: N_("等待审核"),
    QuestionState.APPROVED: N_("可用"),
    QuestionState.WITHDRAWN: N_("已停用"),
}


# ── what an author writes ───────────────────────────────


@dataclass(frozen=True, slots=True)
class Draft:
    """A question as somebody wrote it; `body` and `key` as `bodies` tells."""

    kind: QuestionKind
    body: dict[str, Any]
    key: dict[str, Any]
    category: str
    difficulty: int = 1
    explanation: str = ""
    basis: str = ""
    tags: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None


def checked(draft: Draft) -> Draft:
    """The draft, tidied; Invalid with the field's code (`question.stem`, `.category`, `.difficulty` …) and what to do."""
    body, key = bodies.checked(draft.kind, draft.body, draft.key)
    category, basis, explanation = tidy(draft.category), tidy(draft.basis), tidy_lines(draft.explanation)
    tags = tuple(dict.fromkeys(filter(None, map(tidy, draft.tags))))
    refuse_secrets(category, basis, explanation, *tags)
    if not category:
        raise Invalid("question.category", N_("请填写分类，例如党史、党章。"))
    for code, text, most in (
        ("category", category, CATEGORY_LENGTH),
        ("basis", basis, BASIS_LENGTH),
        ("explanation", explanation, EXPLANATION_LENGTH),
        *(("tags", tag, TAG_LENGTH) for tag in tags),
    ):
        if len(text) > most:
            raise Invalid(f"question.{code}", _TOO_LONG[code], most=most)
    if len(tags) > TAGS:
        raise Invalid("question.tags", N_("标签最多 %(most)d 个，请去掉几个。"), most=TAGS)
    if draft.difficulty not in DIFFICULTIES:
        raise Invalid("question.difficulty", N_("难度请选 1 到 5。"))
    if draft.valid_from and draft.valid_until and draft.valid_from > draft.valid_until:
        raise Invalid("question.valid_until", N_("有效期的最后一天不能早于第一天。"))
    return Draft(
        draft.kind, body, key, category, draft.difficulty, explanation, basis, tags, draft.valid_from, draft.valid_until
    )


_TOO_LONG = {
    "category": N_("分类最多 %(most)d 个字，请缩短。"),
    "basis": N_("依据最多 %(most)d 个字，请缩短。"),
    "explanation": N_("解析最多 %(most)d 个字，请删短。"),
    "tags": N_("一个标签最多 %(most)d 个字，请缩短。"),
}


def checked_note(note: str) -> str:
    """A reviewer's note to the author; it must say something."""
    return notes.checked(note, "question.note", N_("请写明退回的原因和要改的地方，出题人会看到。"))


# ── how a question is found ─────────────────────────────

_LETTERS_ONLY = re.compile(r"[\W_]+")


def plain(text: str) -> str:
    """`text` with full-width forms made plain, in small letters."""
    return nfkc(text).lower()


def bare(text: str) -> str:
    """`text` made plain and without white space and punctuation."""
    return _LETTERS_ONLY.sub("", plain(text))


def brief(stem: str) -> str:
    return stem.replace("\n", " ")[:BRIEF_LENGTH]


def digest(stem: str) -> str:
    """The same for stems that differ in white space, punctuation, width or case alone."""
    return hashlib.blake2b((bare(stem) or stem).encode(), digest_size=16).hexdigest()


def words(draft: Draft) -> str:
    """All that search looks into, one text."""
    return plain("\n".join((*bodies.texts(draft.body), draft.category, draft.basis, *draft.tags)))


def wanted(query: str) -> list[str]:
    """The words of a search, all of which must be found."""
    return plain(tidy(query)).split()[:8]


# ── states ──────────────────────────────────────────────

MOVES: dict[str, tuple[frozenset[QuestionState], QuestionState, str]] = {
    "submit": (
        frozenset({QuestionState.DRAFT, QuestionState.WITHDRAWN}),
        QuestionState.IN_REVIEW,
        N_("这道题已经送审或可用，不用再送。"),
    ),
    "recall": (
        frozenset({QuestionState.IN_REVIEW}),
        QuestionState.DRAFT,
        N_("这道题现在不在审核中，不能取回。请刷新页面看最新的状态。"),
    ),
    "return": (
        frozenset({QuestionState.IN_REVIEW}),
        QuestionState.DRAFT,
        N_("这道题现在不在审核中，可能出题人已经取回，或别的同志已经审过。请刷新页面看最新的状态。"),
    ),
    "approve": (
        frozenset({QuestionState.IN_REVIEW}),
        QuestionState.APPROVED,
        N_("这道题现在不在审核中，可能出题人已经取回，或别的同志已经审过。请刷新页面看最新的状态。"),
    ),
    "withdraw": (
        frozenset({QuestionState.DRAFT, QuestionState.APPROVED}),
        QuestionState.WITHDRAWN,
        N_("这道题正在审核或已经停用。要停用正在审核的题，请先取回。"),
    ),
}
EDITABLE = frozenset({QuestionState.DRAFT, QuestionState.APPROVED, QuestionState.WITHDRAWN})


def move(state: QuestionState, verb: str) -> QuestionState:
    """The state after `verb` (submit, recall, return, approve, withdraw); Conflict (`question.state`) when it does not follow."""
    before, after, refusal = MOVES[verb]
    if state not in before:
        raise Conflict("question.state", refusal)
    return after


def follows(state: QuestionState, verb: str) -> bool:
    return state in MOVES[verb][0]


def must_be_editable(state: QuestionState) -> None:
    if state not in EDITABLE:
        raise Conflict("question.in_review", N_("这道题正在审核，现在不能改。要改请先按“取回修改”。"))


def stale(valid_until: date | None, today: date) -> bool:
    """Whether the question is past its last day (过期)."""
    return valid_until is not None and valid_until < today


def joined(tags: Iterable[str]) -> str:
    """Tags as a field of a form shows them."""
    return "，".join(tags)
