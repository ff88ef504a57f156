"""Writing the paper of a draft: its sections, the questions chosen one by one, and what the bank has to choose from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Conflict, Invalid, NotFound
from school.core.i18n import N_
from school.core.person import Person
from school.org import audit
from school.org.models import Organization
from school.quizzes.access import no_question
from school.quizzes.bank import rules as bank_rules
from school.quizzes.bank.models import Question, QuestionState, QuestionTag
from school.quizzes.papers import outline, rules
from school.quizzes.papers import paper as papers
from school.quizzes.papers.models import Quiz, QuizItem, QuizSection
from school.quizzes.papers.outline import Section
from school.quizzes.papers.service import own_quiz

PAGE = 20  # questions to choose from at once
TAGS = 100


# ── reading it ──────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Item:
    """A chosen question with its points; `gone`: withdrawn, so that no paper has it any more; `stale`: 过期."""

    question: Question
    points_100: int
    gone: bool
    stale: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the paper as the studio shows it."""

    section: QuizSection
    check: papers.SectionCheck
    items: list[Item]


@dataclass(frozen=True, slots=True)
class Outline:
    """The whole paper with what it comes to."""

    parts: list[Part]
    check: papers.PaperCheck


def outline_of(s: Session, quiz: Quiz, today: date) -> Outline:
    check = papers.checked_paper(s, quiz, today)
    sections = papers.sections_of(s, quiz.id)
    return Outline(
        [
            Part(section, each, _items(s, section, today) if section.rule is None else [])
            for section, each in zip(sections, check.sections, strict=True)
        ],
        check,
    )


def _items(s: Session, section: QuizSection, today: date) -> list[Item]:
    rows = s.execute(
        sa.select(Question, QuizItem.points_100)
        .join(QuizItem, QuizItem.question_id == Question.id)
        .where(QuizItem.section_id == section.id)
        .order_by(QuizItem.position)
    )
    return [
        Item(
            question,
            section.points_100 if points is None else points,
            question.state == QuestionState.WITHDRAWN or question.approved_id is None,
            bank_rules.stale(question.valid_until, today),
        )
        for question, points in rows
    ]


@dataclass(frozen=True, slots=True)
class Stock:
    """What the bank has for a quiz: how many questions of each kind and category, and the tags in use."""

    kinds: dict[str, int]
    categories: dict[str, int]
    tags: Sequence[str]


def stock_of(s: Session, quiz: Quiz, today: date) -> Stock:
    can = papers.drawable(s.get_one(Organization, quiz.org_id).path, {}, today)
    rows = s.execute(
        sa.select(Question.kind, Question.category, sa.func.count())
        .where(can)
        .group_by(Question.kind, Question.category)
    )
    kinds: dict[str, int] = {}
    categories: dict[str, int] = {}
    for kind, category, count in rows:
        kinds[kind] = kinds.get(kind, 0) + count
        categories[category] = categories.get(category, 0) + count
    tags = s.scalars(
        sa.select(QuestionTag.tag)
        .join(Question, Question.id == QuestionTag.question_id)
        .where(can)
        .group_by(QuestionTag.tag)
        .order_by(sa.func.count().desc(), QuestionTag.tag)
        .limit(TAGS)
    ).all()
    return Stock(kinds, dict(sorted(categories.items())), tags)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to choose from: questions that hold every word of `q`, of a kind, of a category."""

    q: str = ""
    kind: str = ""
    category: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Choices:
    """A page of questions that do not stand on the paper yet."""

    questions: Sequence[Question]
    found: int
    wanted: Wanted

    @property
    def more(self) -> bool:
        return self.wanted.page * PAGE < self.found


def choices(s: Session, quiz: Quiz, wanted: Wanted, today: date) -> Choices:
    """The usable questions that fit, the newest first, but for those already chosen."""
    host = s.get_one(Organization, quiz.org_id).path
    can = sa.and_(
        papers.drawable(host, {"kind": wanted.kind, "category": wanted.category}, today),
        Question.id.not_in(_chosen(quiz.id)),
        *(Question.words.contains(word, autoescape=True) for word in bank_rules.wanted(wanted.q)),
    )
    found = s.scalar(sa.select(sa.func.count()).select_from(Question).where(can)) or 0
    questions = s.scalars(
        sa.select(Question).where(can).order_by(Question.id.desc()).limit(PAGE).offset((wanted.page - 1) * PAGE)
    ).all()
    return Choices(questions, found, wanted)


def fixed_section(s: Session, person: Person, quiz_id: int, section_id: int) -> tuple[Quiz, QuizSection]:
    """One's own draft and a section of it for which questions are chosen; else NotFound, Conflict or Invalid."""
    quiz = _own_draft(s, person, quiz_id)
    return quiz, _fixed(s, quiz, section_id)


def _chosen(quiz_id: int) -> sa.Select[int]:
    return sa.select(QuizItem.question_id).where(
        QuizItem.section_id.in_(sa.select(QuizSection.id).where(QuizSection.quiz_id == quiz_id))
    )


# ── sections ────────────────────────────────────────────


def add_section(s: Session, person: Person, quiz_id: int, *, fixed: bool) -> QuizSection:
    """A new last section of one's own draft: of chosen questions, or five drawn of all."""
    quiz = _own_draft(s, person, quiz_id)
    sections = papers.sections_of(s, quiz.id)
    if len(sections) >= outline.SECTIONS:
        raise Conflict("section.many", N_("一份卷子最多 %(most)d 个部分。"), most=outline.SECTIONS)
    begin = Section() if fixed else Section("", {}, 5)
    made = QuizSection(
        quiz_id=quiz.id, position=len(sections) + 1, title="", rule=None if fixed else {}, draw=begin.draw,
        points_100=sections[-1].points_100 if sections else begin.points_100,
    )  # fmt: skip
    s.add(made)
    s.flush()
    _changed(s, person, quiz, "add", section=made.id)
    return made


def change_section(s: Session, person: Person, quiz_id: int, section_id: int, wanted: Section, today: date) -> None:
    """Write a section's title, points and, of a drawn one, what is drawn. Invalid (`section.…`) names what does not fit."""
    quiz = _own_draft(s, person, quiz_id)
    section = _section(s, quiz, section_id)
    if (section.rule is None) != (wanted.rule is None):
        raise _no_section()
    known = {
        *stock_of(s, quiz, today).categories,
        *([str((section.rule or {})["category"])] if _keeps(section, wanted) else ()),
    }
    fits = outline.checked_section(wanted, frozenset(known))
    section.title, section.points_100 = fits.title, fits.points_100
    if fits.rule is not None:
        section.rule, section.draw = dict(fits.rule), fits.draw
    _changed(
        s, person, quiz, "change", section=section_id, rule=section.rule, draw=section.draw, points=section.points_100
    )


def _keeps(section: QuizSection, wanted: Section) -> bool:
    """Whether a category stays as it was, even though the bank has nothing of it left."""
    before = (section.rule or {}).get("category")
    return bool(before) and before == (wanted.rule or {}).get("category")


def move_section(s: Session, person: Person, quiz_id: int, section_id: int, step: int) -> None:
    """Up (-1) or down (1) by one place; at the end nothing happens."""
    quiz = _own_draft(s, person, quiz_id)
    sections = list(papers.sections_of(s, quiz.id))
    _step(sections, sections.index(_section(s, quiz, section_id)), step)
    for position, section in enumerate(sections, 1):
        section.position = position
    _changed(s, person, quiz, "move", section=section_id)


def remove_section(s: Session, person: Person, quiz_id: int, section_id: int) -> None:
    quiz = _own_draft(s, person, quiz_id)
    section = _section(s, quiz, section_id)
    s.execute(sa.delete(QuizItem).where(QuizItem.section_id == section.id))
    s.delete(section)
    s.flush()
    for position, other in enumerate(papers.sections_of(s, quiz.id), 1):
        other.position = position
    _changed(s, person, quiz, "remove", section=section_id)


# ── questions chosen one by one ─────────────────────────


def add_questions(
    s: Session, person: Person, quiz_id: int, section_id: int, question_ids: Sequence[int], today: date
) -> int:
    """Put usable questions at the end of a fixed section; how many came, for those on the paper already do not."""
    quiz = _own_draft(s, person, quiz_id)
    section = _fixed(s, quiz, section_id)
    host = s.get_one(Organization, quiz.org_id).path
    usable = set(
        s.scalars(
            sa.select(Question.id).where(
                Question.id.in_(question_ids), papers.drawable(host, {}, today), Question.id.not_in(_chosen(quiz.id))
            )
        )
    )
    fresh = [question_id for question_id in dict.fromkeys(question_ids) if question_id in usable]

    def add(items: list[tuple[int, int | None]]) -> None:
        if len(items) + len(fresh) > outline.QUESTIONS:
            raise Conflict("quiz.long", N_("一份卷子最多 %(most)d 题，请减少。"), most=outline.QUESTIONS)
        items.extend((question_id, None) for question_id in fresh)

    _rewrite(s, section, add)
    if fresh:
        _changed(s, person, quiz, "choose", section=section_id, questions=fresh)
    return len(fresh)


def remove_question(s: Session, person: Person, quiz_id: int, section_id: int, question_id: int) -> None:
    quiz = _own_draft(s, person, quiz_id)
    _rewrite(s, _fixed(s, quiz, section_id), lambda items: items.pop(_place(items, question_id)))
    _changed(s, person, quiz, "leave_out", section=section_id, question=question_id)


def move_question(s: Session, person: Person, quiz_id: int, section_id: int, question_id: int, step: int) -> None:
    """Up (-1) or down (1) by one place within its section."""
    quiz = _own_draft(s, person, quiz_id)
    _rewrite(s, _fixed(s, quiz, section_id), lambda items: _step(items, _place(items, question_id), step))
    _changed(s, person, quiz, "move", section=section_id, question=question_id)


def set_points(
    s: Session, person: Person, quiz_id: int, section_id: int, question_id: int, points_100: int | None
) -> None:
    """What one question is worth; None: as its section says."""
    quiz = _own_draft(s, person, quiz_id)
    if points_100 is not None:
        outline.check_points(points_100)

    def write(items: list[tuple[int, int | None]]) -> None:
        items[_place(items, question_id)] = (question_id, points_100)

    _rewrite(s, _fixed(s, quiz, section_id), write)
    _changed(s, person, quiz, "points", section=section_id, question=question_id, points=points_100)


def _rewrite(s: Session, section: QuizSection, change: Callable[[list[tuple[int, int | None]]], Any]) -> None:
    """Write a section's questions anew after `change` has had them as (question, points)."""
    rows = s.execute(
        sa.select(QuizItem.question_id, QuizItem.points_100)
        .where(QuizItem.section_id == section.id)
        .order_by(QuizItem.position)
    )
    items = [(question_id, points) for question_id, points in rows]
    change(items)
    s.execute(sa.delete(QuizItem).where(QuizItem.section_id == section.id))
    s.add_all(
        QuizItem(section_id=section.id, position=position, question_id=question_id, points_100=points)
        for position, (question_id, points) in enumerate(items, 1)
    )


def _place(items: list[tuple[int, int | None]], question_id: int) -> int:
    found = next((place for place, (each, _) in enumerate(items) if each == question_id), None)
    if found is None:
        raise no_question()
    return found


def _step(things: list[Any], place: int, step: int) -> None:
    if 0 <= place + step < len(things):
        things.insert(place + step, things.pop(place))


def _own_draft(s: Session, person: Person, quiz_id: int) -> Quiz:
    quiz = own_quiz(s, person, quiz_id)
    rules.must_be_editable(quiz.state)
    return quiz


def _section(s: Session, quiz: Quiz, section_id: int) -> QuizSection:
    found = s.get(QuizSection, section_id)
    if found is None or found.quiz_id != quiz.id:
        raise _no_section()
    return found


def _fixed(s: Session, quiz: Quiz, section_id: int) -> QuizSection:
    section = _section(s, quiz, section_id)
    if section.rule is not None:
        raise Invalid("section.drawn", N_("这一部分按规则抽题，不能一题一题地选。请另加一个“自己选题”的部分。"))
    return section


def _no_section() -> NotFound:
    return NotFound("section.missing", N_("没有找到试卷的这一部分，可能已经移除。请刷新页面。"))


def _changed(s: Session, person: Person, quiz: Quiz, verb: str, **facts: Any) -> None:
    quiz.version += 1
    audit.record(s, person, "quiz.paper", ("quiz", quiz.id), quiz.org_id, verb=verb, **facts)
