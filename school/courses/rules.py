"""The rules of the room, without database, clock or Flask: states, what may be written, secrecy marks, search terms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from school.core import notes
from school.core.errors import Conflict, Invalid
from school.core.i18n import N_
from school.core.secrecy import SECRECIES as SECRECIES  # the pages read it from here
from school.core.secrecy import Secrecy, refuse_secrets
from school.core.text import hundredths, tidy, tidy_lines
from school.courses.models import CourseState

TITLE_LENGTH = 80
SUMMARY_LENGTH = 1000
SLIP_LENGTH = 4
LESSONS = 60
HOURS_100 = range(25, 4001, 25)  # declared hours: from 0.25 to 40, in steps of 0.25
KINDS = {
    "recorded": N_("视频"),
    "film": N_("电教片"),
    "micro": N_("微课"),
    "audio": N_("音频"),
}
STATES = {
    CourseState.DRAFT: N_("草稿"),
    CourseState.IN_REVIEW: N_("等待审核"),
    CourseState.PUBLISHED: N_("已发布"),
    CourseState.WITHDRAWN: N_("已撤下"),
}
RETRIED = frozenset({"file.length_differs", "store.away", "disk.full", "worker.died", "worker.fault"})

# ── states ──────────────────────────────────────────────

MOVES: dict[str, tuple[frozenset[CourseState], CourseState, str]] = {
    "submit": (
        frozenset({CourseState.DRAFT, CourseState.WITHDRAWN}),
        CourseState.IN_REVIEW,
        N_("这门课已经送审或发布，不用再送。"),
    ),
    "recall": (
        frozenset({CourseState.IN_REVIEW}),
        CourseState.DRAFT,
        N_("这门课现在不在审核中，不能取回。请刷新页面看最新的状态。"),
    ),
    "return": (
        frozenset({CourseState.IN_REVIEW}),
        CourseState.DRAFT,
        N_("这门课现在不在审核中，可能讲师已经取回，或别的同志已经审过。请刷新页面看最新的状态。"),
    ),
    "publish": (
        frozenset({CourseState.IN_REVIEW}),
        CourseState.PUBLISHED,
        N_("这门课现在不在审核中，可能讲师已经取回，或别的同志已经审过。请刷新页面看最新的状态。"),
    ),
    "withdraw": (
        frozenset({CourseState.PUBLISHED}),
        CourseState.WITHDRAWN,
        N_("这门课没有发布，不用撤下。"),
    ),
}
EDITABLE = frozenset({CourseState.DRAFT, CourseState.WITHDRAWN})


def move(state: CourseState, verb: str) -> CourseState:
    """The state after `verb` (submit, recall, return, publish, withdraw); Conflict when it does not follow."""
    before, after, refusal = MOVES[verb]
    if state not in before:
        raise Conflict("course.state", refusal)
    return after


def must_be_editable(state: CourseState) -> None:
    if state == CourseState.IN_REVIEW:
        raise Conflict("course.in_review", N_("这门课正在审核，现在不能改。要改请先按“取回修改”。"))
    if state not in EDITABLE:
        raise Conflict(
            "course.published", N_("这门课已经发布，现在不能改。要改请先撤下，改好再送审；学员已有的学时不变。")
        )


# ── what may be written ─────────────────────────────────


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a trainer writes about a course. `hours_100` in hundredths; `audience` holds organisation ids, none: everyone."""

    title: str
    category_id: int
    hours_100: int
    summary: str = ""
    slip: str = ""
    kind: str = "recorded"
    compulsory: bool = False
    secrecy: Secrecy = Secrecy.INTERNAL
    audience: tuple[int, ...] = ()


HOURS_WORDS = N_("学时请填 0.25 到 40 之间的数，以 0.25 为一档，如 0.5、1、1.5。")


def checked(sheet: Sheet) -> Sheet:
    """The sheet, tidied; Invalid (`course.title`, `course.hours` …) with the sentence for the field that does not fit."""
    title, summary, slip = tidy(sheet.title), tidy_lines(sheet.summary), "".join(tidy(sheet.slip).split())
    refuse_secrets(title, summary, slip)
    if len(slip) > SLIP_LENGTH:
        raise Invalid("course.slip", N_("题签最多 %(most)d 个字，请缩短，或留空用分类的题签。"), most=SLIP_LENGTH)
    if len(summary) > SUMMARY_LENGTH:
        raise Invalid(
            "course.summary", N_("简介有 %(length)d 个字，最多 %(most)d 个，请删短。"), length=len(summary), most=SUMMARY_LENGTH
        )  # fmt: skip
    if sheet.hours_100 not in HOURS_100:
        raise Invalid("course.hours", HOURS_WORDS)
    if sheet.kind not in KINDS:
        raise Invalid("course.kind", N_("请选择课程的形式。"))
    return Sheet(
        title=checked_title(title),
        category_id=sheet.category_id,
        hours_100=sheet.hours_100,
        summary=summary,
        slip=slip,
        kind=sheet.kind,
        compulsory=sheet.compulsory,
        secrecy=sheet.secrecy,
        audience=tuple(sorted(set(sheet.audience))),
    )


def checked_title(title: str) -> str:
    """A course's or lesson's title, tidied; Invalid when it is empty, too long or carries a secrecy mark."""
    title = tidy(title)
    refuse_secrets(title)
    if not title:
        raise Invalid("course.title", N_("请填写标题。"))
    if len(title) > TITLE_LENGTH:
        raise Invalid(
            "course.title", N_("标题有 %(length)d 个字，最多 %(most)d 个，请缩短。"), length=len(title), most=TITLE_LENGTH
        )  # fmt: skip
    return title


def checked_note(note: str) -> str:
    """A reviewer's note to the trainer; it must say something."""
    return notes.checked(note, "course.note", N_("请写明退回的原因和要改的地方，讲师会看到。"))


def hours_of(text: str) -> int:
    """Hundredths of an hour from what a person types (`0.5`, `１`, `1.50`); Invalid when it is no number."""
    value = hundredths(text)
    if value is None:
        raise Invalid("course.hours", HOURS_WORDS)
    return value


def title_from_file(name: str) -> str:
    """A lesson's first title from the name of its file: without folder and ending, `_` as a space."""
    stem = re.split(r"[/\\]", name)[-1].rsplit(".", 1)[0]
    return tidy(stem.replace("_", " "))[:TITLE_LENGTH] or tidy(name)[:TITLE_LENGTH]


# ── search ──────────────────────────────────────────────

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_WORD = re.compile(r"[a-z0-9à-öø-ÿ]+")
TERM_LENGTH = 40
QUERY_TERMS = 16


def _runs(text: str) -> tuple[list[str], list[str]]:
    """Runs of Chinese characters and lower-cased words of everything else; full-width forms are made plain first."""
    plain = unicodedata.normalize("NFKC", text).lower()
    return _HAN.findall(plain), [word[:TERM_LENGTH] for word in _WORD.findall(plain)]


def index_terms(text: str) -> set[str]:
    """What `text` is found by: every Chinese character, every two neighbours, every Latin word or number."""
    runs, words = _runs(text)
    terms = set(words)
    for run in runs:
        terms.update(run)
        terms.update(run[i : i + 2] for i in range(len(run) - 1))
    return terms


def query_terms(text: str) -> list[str]:
    """What must all be in the index for a course to be found: pairs of each Chinese run (one character stands alone)."""
    runs, words = _runs(text)
    terms: dict[str, None] = dict.fromkeys(words)
    for run in runs:
        terms.update(dict.fromkeys([run] if len(run) == 1 else [run[i : i + 2] for i in range(len(run) - 1)]))
    return list(terms)[:QUERY_TERMS]


def weigh(parts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Terms of several (text, weight) parts; a term weighs what its heaviest part does."""
    weights: dict[str, int] = {}
    for text, weight in parts:
        for term in index_terms(text):
            weights[term] = max(weight, weights.get(term, 0))
    return weights
