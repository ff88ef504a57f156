"""The analysis of a quiz out of what is stored: the columns behind it, and the body of its report.

Each person counts once, by their first marked attempt: who comes again knows the questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core import json
from school.org.models import Member, Organization
from school.quizzes import bodies
from school.quizzes.access import expected
from school.quizzes.analysis.rules import UNANSWERED, Column, Item, Sheet, Whole, analyse, flags, gravity
from school.quizzes.bank import keyring
from school.quizzes.bank.models import Question, QuestionKind, QuestionVersion
from school.quizzes.marks.models import QuizResult
from school.quizzes.papers.models import Quiz, QuizKind
from school.quizzes.sittings.models import Attempt, AttemptAnswer, AttemptState
from school.records.bulk import among

CHUNK = 400  # attempts read at once
ANSWERS = 6  # written answers shown of one question


class ChoiceLine(TypedDict):
    """An option, or one of the most frequent written answers: how many gave it, in all and of the upper and lower group."""

    text: str
    count: int
    upper: int
    lower: int
    right: bool


class ItemLine(TypedDict):
    """One question; shares and coefficients in thousandths. `flags` as `analysis_rules.FLAGS`, the gravest first."""

    question_id: int
    version_id: int
    kind: str
    stem: str
    category: str
    waived: bool
    served: int
    answered: int
    difficulty: int | None
    biserial: int | None
    discrimination: int | None
    upper: int
    lower: int
    spent_ms: int | None
    choices: list[ChoiceLine]
    flags: list[str]


class OrgLine(TypedDict):
    """The members of one organisation itself: expected (of a compulsory one), who has a result, who passed, and the sum of
    their best scores in thousandths of the maximum."""

    org_id: int
    path: str
    expected: int
    taken: int
    passed: int
    permille: int


class WholeLine(TypedDict):
    """The paper; shares and coefficients in thousandths, see `analysis_rules.Whole`."""

    attempts: int
    mean: int | None
    median: int | None
    deviation: int | None
    histogram: list[int]
    reliability: int | None
    method: str
    error: int | None


class Body(TypedDict):
    """`QuizReport.body`; `items` with those that look wrong first, `orgs` in organisation order, none of a contest."""

    people: int  # who have a result: the best of their attempts counts
    passed: int
    whole: WholeLine
    items: list[ItemLine]
    orgs: list[OrgLine]


def build(s: Session, quiz: Quiz) -> Body:
    """The whole report; 10⁵ attempts of 50 questions take some seconds."""
    sheet, versions, answers = read(s, quiz.id)
    whole, items = analyse(sheet)
    orgs = _orgs(s, quiz)
    return Body(
        people=sum(line["taken"] for line in orgs),
        passed=sum(line["passed"] for line in orgs),
        whole=_whole(whole),
        items=_items(s, versions, items, answers),
        orgs=[] if quiz.kind == QuizKind.CONTEST else orgs,
    )


# ── reading ─────────────────────────────────────────────


class _Names(dict[Any, int]):
    """Numbers what it is asked for, in the order of asking."""

    def __missing__(self, name: Any) -> int:
        number = self[name] = len(self)
        return number

    def numbers(self, names: Column) -> Column:
        """The numbers of a whole column of whole numbers."""
        different, places = np.unique(names, return_inverse=True)
        return np.array([self[name] for name in different.tolist()], np.int32)[places]


class _Answers(_Names):
    """Numbers answers as the database writes them; none at all is UNANSWERED."""

    def __missing__(self, name: Any) -> int:
        return UNANSWERED if name == "null" else super().__missing__(name)


def read(s: Session, quiz_id: int) -> tuple[Sheet, list[int], list[str]]:
    """What everybody was served in their first marked attempt; the version of each item, and each answer's JSON."""
    firsts = s.scalars(
        sa.select(sa.func.min(Attempt.id))
        .where(Attempt.quiz_id == quiz_id, Attempt.state == AttemptState.MARKED)
        .group_by(Attempt.member_id)
    )
    wanted = np.sort(np.array(firsts.all(), np.int64))
    versions, answers = _Names(), _Answers()
    chunks = [np.empty((6, 0), np.int32)]
    for ids, counts, version_ids, positions, points, spent, texts in _rows(s, quiz_id):
        attempts = np.repeat(np.array(ids, np.int64), counts)
        places = np.searchsorted(wanted, attempts)
        given = np.array(list(map(answers.__getitem__, texts)), np.int32)
        chunk = np.array([places, versions.numbers(version_ids), positions, points, spent, given], np.int32)
        chunks.append(chunk[:, wanted[np.minimum(places, len(wanted) - 1)] == attempts])
    attempt, item, slot, points_100, spent_ms, choice = np.concatenate(chunks, axis=1)
    worths = _worths(s, quiz_id, versions)
    worth = np.array([worths.get(version_id, 0) for version_id in versions], np.int64)
    there, attempt = np.unique(attempt, return_inverse=True)  # papers entered as a sum have no questions
    max_100 = np.bincount(attempt, worth[item], len(there)).astype(np.int64)
    return Sheet(attempt, item, slot, points_100, spent_ms, choice, worth, max_100), list(versions), list(answers)


def _rows(s: Session, quiz_id: int) -> Iterator[tuple[Any, ...]]:
    """The marked questions of CHUNK attempts at a time: attempts, how many questions each has, then in one column each
    version, position, points, time and answer (JSON).

    The database writes each attempt's questions into one line of text: a driver's row costs as much as reading twenty of
    them that way. Its sums over the same rows see them in the same order.
    """
    numbers = (
        AttemptAnswer.version_id,
        AttemptAnswer.position,
        sa.func.coalesce(AttemptAnswer.points_100, 0),
        AttemptAnswer.spent_ms,
    )
    answer = sa.func.coalesce(sa.cast(AttemptAnswer.answer, sa.Text), "null")
    wanted = (
        sa.select(
            Attempt.id,
            sa.func.count(),
            *(sa.func.aggregate_strings(sa.cast(number, sa.Text), ",") for number in numbers),
            sa.func.aggregate_strings(answer, "\n"),  # in JSON a new line is written as a sign of its own
        )
        .join(AttemptAnswer, AttemptAnswer.attempt_id == Attempt.id)
        .where(Attempt.quiz_id == quiz_id, Attempt.state == AttemptState.MARKED)
        .group_by(Attempt.id)
        .execution_options(yield_per=CHUNK)
    )
    for rows in s.execute(wanted).partitions():
        ids, counts, *columns, answers = zip(*rows, strict=True)
        yield ids, counts, *(_whole_numbers(column) for column in columns), "\n".join(answers).split("\n")


def _whole_numbers(texts: Sequence[str]) -> Column:
    return np.fromstring(",".join(texts), np.int64, sep=",")


def _worths(s: Session, quiz_id: int, versions: Mapping[int, int]) -> dict[int, int]:
    """Points of each version, from the papers that served it: as many of them as it takes to have met them all."""
    found: dict[int, int] = {}
    papers = s.scalars(
        sa.select(Attempt.paper)
        .where(Attempt.quiz_id == quiz_id, Attempt.state == AttemptState.MARKED)
        .execution_options(yield_per=50)
    )
    for paper in papers:
        found.update((served[0], served[2]) for served in paper)
        if versions.keys() <= found.keys():
            break
    papers.close()
    return found


# ── the lines ───────────────────────────────────────────


def _milli(value: float | None) -> int | None:
    return None if value is None else round(value * 1000)


def _whole(whole: Whole) -> WholeLine:
    return WholeLine(
        attempts=whole.attempts, mean=_milli(whole.mean), median=_milli(whole.median),
        deviation=_milli(whole.deviation), histogram=whole.histogram, reliability=_milli(whole.reliability),
        method=whole.method, error=_milli(whole.error),
    )  # fmt: skip


def _items(s: Session, versions: Sequence[int], items: Sequence[Item], answers: Sequence[str]) -> list[ItemLine]:
    found = s.execute(
        sa.select(QuestionVersion.id, QuestionVersion.body, Question.id, Question.kind, Question.category)
        .join(Question, Question.id == QuestionVersion.question_id)
        .where(among(s, QuestionVersion.id, versions))
    )
    asked = {row[0]: row for row in found}
    keys = keyring.newest(s, versions)
    lines: list[tuple[tuple[int, float], ItemLine]] = []
    for version_id, item in zip(versions, items, strict=True):
        _, body, question_id, kind, category = asked[version_id]
        kind = QuestionKind(kind)
        key = keys[version_id]
        choices = _choices(kind, body, key.key, item, answers)
        picked = [each["count"] for each in choices] if kind in bodies.CHOICES else None
        wrong = [] if key.waived else flags(item, picked=picked, fill=kind == QuestionKind.FILL)
        line = ItemLine(
            question_id=question_id, version_id=version_id, kind=kind, stem=body["stem"], category=category,
            waived=key.waived, served=item.served, answered=item.answered, difficulty=_milli(item.difficulty),
            biserial=_milli(item.biserial), discrimination=_milli(item.discrimination), upper=item.upper,
            lower=item.lower, spent_ms=item.spent_ms, choices=choices, flags=wrong,
        )  # fmt: skip
        lines.append((gravity(wrong, item.biserial), line))
    return [line for _, line in sorted(lines, key=lambda each: each[0])]


def _choices(
    kind: QuestionKind, body: dict[str, Any], key: dict[str, Any], item: Item, answers: Sequence[str]
) -> list[ChoiceLine]:
    """Of a choice its options in their order, of anything else the most frequent answers; a short answer is nobody else's."""
    if kind == QuestionKind.SHORT:
        return []
    given = [(json.loads(answers[each.choice]), each) for each in item.choices]
    if kind in bodies.CHOICES:
        options = [
            ChoiceLine(text=option["text"], count=0, upper=0, lower=0, right=place in key["right"])
            for place, option in enumerate(body["options"])
        ]
        for answer, each in given:
            for place in answer:
                line = options[place]
                line["count"], line["upper"], line["lower"] = (
                    line["count"] + each.count, line["upper"] + each.upper, line["lower"] + each.lower
                )  # fmt: skip
        return options
    return [
        ChoiceLine(text=said(kind, answer), count=each.count, upper=each.upper, lower=each.lower, right=each.right)
        for answer, each in given[:ANSWERS]
    ]


def said(kind: QuestionKind, answer: Any) -> str:
    """An answer in a line: places as letters, `C B A`; pairs as `1—B`; blanks with strokes between; `true` of a judgement."""
    match kind:
        case QuestionKind.ORDER:
            return " ".join(map(bodies.letter, answer))
        case QuestionKind.MATCH:
            pairs = enumerate(answer, start=1)
            return "　".join(f"{left}—{'？' if right is None else bodies.letter(right)}" for left, right in pairs)
        case QuestionKind.JUDGE:
            return "true" if answer else "false"
    return " ／ ".join(text or "？" for text in answer)


# ── organisations ───────────────────────────────────────


def _orgs(s: Session, quiz: Quiz) -> list[OrgLine]:
    """A line for each organisation whose own members have a result, or owe one."""
    scale = max(quiz.max_100, 1)
    taken = {
        org_id: (count, passed, sum_100)
        for org_id, count, passed, sum_100 in s.execute(
            sa.select(
                QuizResult.org_id, sa.func.count(), sa.func.sum(sa.case((QuizResult.passed, 1), else_=0)),
                sa.func.sum(QuizResult.best_100),
            )
            .where(QuizResult.quiz_id == quiz.id)
            .group_by(QuizResult.org_id)
        )
    }  # fmt: skip
    due = _due(s, quiz) if quiz.compulsory else {}
    places = s.execute(
        sa.select(Organization.id, Organization.path)
        .where(among(s, Organization.id, taken.keys() | due.keys()))
        .order_by(Organization.path)
    )
    lines = []
    for org_id, path in places:
        count, passed, sum_100 = taken.get(org_id, (0, 0, 0))
        lines.append(
            OrgLine(
                org_id=org_id, path=path, expected=due.get(org_id, 0), taken=count, passed=int(passed),
                permille=int(sum_100) * 1000 // scale,
            )
        )  # fmt: skip
    return lines


def _due(s: Session, quiz: Quiz) -> dict[int, int]:
    """How many members of each organisation should sit it."""
    counted = (
        sa.select(Member.org_id, sa.func.count())
        .join(Organization, Organization.id == Member.org_id)
        .where(expected(s, quiz))
        .group_by(Member.org_id)
    )
    return dict(s.execute(counted).all())
