"""Verbs around a quiz before and after it is sat: write its sheet, send it to review, publish, return, withdraw, copy."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Conflict, Invalid, NotAllowed
from school.core.i18n import N_
from school.core.person import Person, Role, require
from school.core.secrecy import Secrecy, refuse_secrets
from school.core.time import day_of, now
from school.org import audit, reach
from school.org.models import Organization
from school.quizzes.access import OVERSEERS, Standing, no_quiz, standing
from school.quizzes.outside import ALONE, Outside
from school.quizzes.papers import paper as papers
from school.quizzes.papers import queries, rules
from school.quizzes.papers.models import (
    Quiz,
    QuizAudience,
    QuizHelper,
    QuizItem,
    QuizKind,
    QuizSection,
    QuizState,
    Show,
)
from school.quizzes.papers.outline import PRESETS, QUESTIONS
from school.quizzes.papers.rules import Sheet
from school.quizzes.sittings.models import Attempt, AttemptState
from school.records import needs
from school.records.models import Mode

# ── the sheet ───────────────────────────────────────────

_FIELDS = (
    "title", "summary", "slip", "secrecy", "opens_at", "closes_at", "minutes", "attempts", "hours_needed_100",
    "resit_of_id", "seat_code_needed", "shuffle_questions", "shuffle_options", "one_a_page", "partial", "show",
    "pass_permille", "hours_100", "mode", "compulsory", "course_ref", "lesson_ref", "at_ms", "course_needs", "teams",
    "table_open",
)  # fmt: skip


def create(s: Session, person: Person, host_id: int, preset: str, title: str) -> Quiz:
    """A new draft of the signed-in trainer from one of `PRESETS`, held for `host_id`, where they must be a trainer."""
    require(person, Role.TRAINER)
    host = s.get(Organization, host_id)
    if host is None or not person.holds(host.path, Role.TRAINER):
        raise NotAllowed("quiz.host", N_("您不是这个党组织的讲师，不能用它的名义出卷。请从列表里选择主办单位。"))
    if preset not in PRESETS:
        raise Invalid("quiz.preset", N_("请选择一种：考试、测验、练习或者竞赛。"))
    begin = PRESETS[preset]
    sheet = Sheet(title=title, **begin.rules)
    rules.check_words(sheet)
    quiz = Quiz(kind=begin.kind, org_id=host.id, author_id=person.account_id, created_at=now(), state=QuizState.DRAFT)
    _write(quiz, sheet)
    s.add(quiz)
    s.flush()
    s.add_all(
        QuizSection(
            quiz_id=quiz.id, position=position, title=section.title, rule=section.rule and dict(section.rule),
            draw=section.draw, points_100=section.points_100,
        )
        for position, section in enumerate(begin.sections, 1)
    )  # fmt: skip
    audit.record(s, person, "quiz.create", ("quiz", quiz.id), host.id, title=quiz.title, kind=quiz.kind)
    return quiz


def edit(
    s: Session, person: Person, quiz_id: int, version: int, sheet: Sheet, zone: str, outside: Outside = ALONE
) -> Quiz:
    """Write a draft's sheet. Conflict (`quiz.version`) when somebody saved another one since `version` was read."""
    quiz = own_quiz(s, person, quiz_id)
    rules.must_be_editable(quiz.state)
    if quiz.version != version:
        raise Conflict(
            "quiz.version",
            N_(
                "这份卷子刚才在别的窗口改过。您填的内容都还在下面，请对照现在保存的内容，再按一次“保存”就以您填的为准。"
            ),
        )
    sheet = rules.checked(quiz.kind, sheet)
    _must_fit(s, person, quiz, sheet, outside)
    before = {name: getattr(quiz, name) for name in _FIELDS}
    _write(quiz, sheet)
    changes: dict[str, Any] = {
        name: (value, getattr(quiz, name)) for name, value in before.items() if value != getattr(quiz, name)
    }
    changes.update(reach.set_audience(s, person, QuizAudience, {"quiz_id": quiz.id}, sheet.audience, "quiz.audience"))
    changes.update(_set_helpers(s, person, quiz, sheet.helpers))
    if changes:
        quiz.version += 1
        audit.record(s, person, "quiz.edit", ("quiz", quiz.id), quiz.org_id, **changes)
    if quiz.published_at is not None and changes.keys() & {"course_ref", "course_needs"}:
        _need(s, before["course_ref"], zone)  # the course asked for it until now
    return quiz


def _write(quiz: Quiz, sheet: Sheet) -> None:
    for name in _FIELDS:
        setattr(quiz, name, getattr(sheet, name))


def sheet_of(s: Session, quiz: Quiz) -> Sheet:
    """A stored quiz as the sheet it was written from."""
    fields = {name: getattr(quiz, name) for name in _FIELDS}
    fields |= {"secrecy": Secrecy(quiz.secrecy), "show": Show(quiz.show), "mode": Mode(quiz.mode)}
    return Sheet(
        **fields,
        audience=tuple(org.id for org in queries.audience(s, quiz.id)),
        helpers=tuple(account.id for account in queries.helpers(s, quiz.id)),
    )


def _must_fit(s: Session, person: Person, quiz: Quiz, sheet: Sheet, outside: Outside) -> None:
    """What the sheet points at must be the author's to point at."""
    if sheet.resit_of_id != quiz.resit_of_id and sheet.resit_of_id is not None:
        first = s.get(Quiz, sheet.resit_of_id)
        sound = first is not None and first.author_id == person.account_id and first.kind == QuizKind.EXAM
        while sound and first is not None:  # whoever follows the chain of resits must come to an end
            sound = first.id != quiz.id
            first = s.get(Quiz, first.resit_of_id) if first.resit_of_id is not None else None
        if not sound:
            raise Invalid("quiz.resit", N_("没有找到您的这场考试。请从列表里选择，或者不选。"))
    if sheet.course_ref is None or (sheet.course_ref, sheet.lesson_ref) == (quiz.course_ref, quiz.lesson_ref):
        return
    lessons = next((c.lessons for c in outside.courses(s, person) if c.id == sheet.course_ref), None)
    if lessons is None or sheet.lesson_ref not in {None, *(lesson_id for lesson_id, _ in lessons)}:
        raise Invalid("quiz.course", N_("没有找到您的这门课程或这一节。请从列表里选择，或者不选。"))


def _set_helpers(s: Session, person: Person, quiz: Quiz, account_ids: Sequence[int]) -> dict[str, Any]:
    """Make those who invigilate beside the author exactly `account_ids`, all of them other trainers of the host."""
    before, after = sorted(account.id for account in queries.helpers(s, quiz.id)), sorted(account_ids)
    if before == after:
        return {}
    host = s.get_one(Organization, quiz.org_id)
    if not set(after) - set(before) <= {account.id for account in reach.colleagues(s, person, host.path)}:
        raise Invalid("quiz.helpers", N_("没有找到这位监考人员。请从列表里选择，或者不选。"))
    s.execute(sa.delete(QuizHelper).where(QuizHelper.quiz_id == quiz.id))
    s.add_all(QuizHelper(quiz_id=quiz.id, account_id=account_id) for account_id in after)
    return {"helpers": (before, after)}


def own_quiz(s: Session, person: Person, quiz_id: int) -> Quiz:
    """The signed-in trainer's own quiz, locked until the transaction ends; NotFound for anybody else's."""
    require(person, Role.TRAINER)
    here = standing(s, person, quiz_id, lock=True)
    if not here.authors:
        raise no_quiz()
    return here.quiz


def copy(s: Session, person: Person, quiz_id: int, *, resit: bool = False) -> Quiz:
    """A new draft with the rules and the paper of one's own quiz, whose window is still to be set; `resit` makes it the
    补考 for who does not pass that exam."""
    first = own_quiz(s, person, quiz_id)
    if resit and first.kind != QuizKind.EXAM:
        raise Conflict("quiz.resit", N_("只有考试才有补考。"))
    sheet = sheet_of(s, first)
    title = f"{first.title}（补考）" if resit else first.title
    quiz = Quiz(
        kind=first.kind, org_id=first.org_id, author_id=person.account_id, created_at=now(), state=QuizState.DRAFT,
        grace_s=first.grace_s,
    )  # fmt: skip
    resit_of_id = first.id if resit else first.resit_of_id
    _write(
        quiz,
        replace(sheet, title=title[: rules.TITLE_LENGTH], opens_at=None, closes_at=None, resit_of_id=resit_of_id),
    )
    s.add(quiz)
    s.flush()
    s.add_all(QuizAudience(quiz_id=quiz.id, org_id=org_id) for org_id in sheet.audience)
    s.add_all(QuizHelper(quiz_id=quiz.id, account_id=account_id) for account_id in sheet.helpers)
    for section in papers.sections_of(s, first.id):
        twin = QuizSection(
            quiz_id=quiz.id, position=section.position, title=section.title, rule=section.rule, draw=section.draw,
            points_100=section.points_100,
        )  # fmt: skip
        s.add(twin)
        s.flush()
        items = s.scalars(sa.select(QuizItem).where(QuizItem.section_id == section.id)).all()
        s.add_all(
            QuizItem(section_id=twin.id, position=i.position, question_id=i.question_id, points_100=i.points_100)
            for i in items
        )
    audit.record(s, person, "quiz.copy", ("quiz", quiz.id), quiz.org_id, of=first.id, resit=resit)
    return quiz


# ── review and what follows from it ─────────────────────


def submit(s: Session, person: Person, quiz_id: int, zone: str) -> Quiz:
    """Send one's own draft to review: its sheet must be complete and its paper sound."""
    quiz = own_quiz(s, person, quiz_id)
    state = rules.move(quiz.state, "submit")
    rules.checked(quiz.kind, sheet_of(s, quiz))
    _must_be_sound(s, quiz, zone)
    refuse_secrets(quiz.title, quiz.summary)
    quiz.state, quiz.submitted_at, quiz.review_note = state, now(), ""
    audit.record(s, person, "quiz.submit", ("quiz", quiz.id), quiz.org_id, title=quiz.title)
    return quiz


def _must_be_sound(s: Session, quiz: Quiz, zone: str) -> int:
    """The points of the paper; Conflict when it cannot be served as it is written, or its window is over."""
    check = papers.checked_paper(s, quiz, day_of(now(), zone))
    if not check.sound:
        raise Conflict("quiz.paper", N_("试卷还没有出好：没有题目，或者题库里可用的题不够。请看试卷里标红的部分。"))
    if check.questions > QUESTIONS:
        raise Conflict("quiz.long", N_("一份卷子最多 %(most)d 题，请减少。"), most=QUESTIONS)
    if quiz.closes_at is not None and quiz.closes_at <= now():
        raise Conflict("quiz.past", N_("截止时间已经过了。请改成以后的时间，保存后再送审。"))
    return check.max_100


def recall(s: Session, person: Person, quiz_id: int) -> Quiz:
    """Take one's own quiz back, from review or (before anybody has begun it) from its people; then it is reviewed again."""
    quiz = own_quiz(s, person, quiz_id)
    before, state = quiz.state, rules.move(quiz.state, "recall")
    if before == QuizState.PUBLISHED and queries.begun(s, quiz.id):
        raise Conflict("quiz.begun", N_("已经有人作答，不能再改卷子。可以撤下，或按“照样再出一份”另出一份。"))
    quiz.state = state
    quiz.version += 1
    audit.record(s, person, "quiz.recall", ("quiz", quiz.id), quiz.org_id, state=(before, quiz.state))
    return quiz


def _reviewed(s: Session, person: Person, quiz_id: int) -> Quiz:
    """A quiz that waits for review, for somebody who may review it: over its host, and no part of its desk."""
    require(person, *OVERSEERS)
    here = standing(s, person, quiz_id, lock=True)
    if here.desk:
        raise NotAllowed("quiz.own", N_("自己出的卷、自己监考的卷不能由自己审核。请让另一位审核人员来审。"))
    if not here.oversees:
        raise no_quiz()
    return here.quiz


def give_back(s: Session, person: Person, quiz_id: int, note: str) -> Quiz:
    """Send a quiz back to its author with a note that says what to change."""
    quiz = _reviewed(s, person, quiz_id)
    quiz.state = rules.move(quiz.state, "return")
    quiz.review_note = rules.checked_note(note)
    audit.record(s, person, "quiz.return", ("quiz", quiz.id), quiz.org_id, note=quiz.review_note)
    return quiz


def publish(s: Session, person: Person, quiz_id: int, zone: str) -> Quiz:
    """Open a reviewed quiz to its audience, from `opens_at` on; what the paper is worth is fixed now."""
    quiz = _reviewed(s, person, quiz_id)
    state = rules.move(quiz.state, "publish")
    quiz.max_100 = _must_be_sound(s, quiz, zone)
    quiz.state, quiz.reviewer_id, quiz.review_note, quiz.published_at = state, person.account_id, "", now()
    quiz.seat_code = f"{secrets.randbelow(1_000_000):06}" if quiz.seat_code_needed else ""
    _need(s, quiz.course_ref, zone)
    audit.record(s, person, "quiz.publish", ("quiz", quiz.id), quiz.org_id, title=quiz.title)
    return quiz


def withdraw(s: Session, person: Person, quiz_id: int, zone: str) -> Quiz:
    """Take a published quiz from its people; what they did and earned stays. Conflict (`quiz.sitting`) while somebody sits."""
    here = may_withdraw(standing(s, person, quiz_id, lock=True))
    quiz = here.quiz
    state = rules.move(quiz.state, "withdraw")
    sitting = s.scalar(
        sa.select(sa.func.count()).where(
            Attempt.quiz_id == quiz.id, Attempt.state == AttemptState.OPEN, Attempt.on_paper.is_(False)
        )
    )
    if sitting:
        raise Conflict("quiz.sitting", N_("还有 %(n)d 位同志正在答题，现在不能撤下。请等他们交卷。"), n=sitting)
    quiz.state = state
    _need(s, quiz.course_ref, zone)
    audit.record(s, person, "quiz.withdraw", ("quiz", quiz.id), quiz.org_id, title=quiz.title)
    return quiz


def may_withdraw(here: Standing) -> Standing:
    """`here` when it is the author or an overseer, else NotAllowed (`quiz.withdraw`)."""
    if not (here.authors or here.oversees):
        raise NotAllowed("quiz.withdraw", N_("只有出卷老师和管理员可以撤下。"))
    return here


def discard(s: Session, person: Person, quiz_id: int, zone: str) -> None:
    """Throw one's own draft away; one that somebody has sat, even in an earlier form, stays."""
    quiz = own_quiz(s, person, quiz_id)
    rules.must_be_editable(quiz.state)
    if queries.begun(s, quiz.id) or s.scalar(sa.select(sa.exists().where(Quiz.resit_of_id == quiz.id))):
        raise Conflict("quiz.begun", N_("已经有人作答，或者有补考接在后面，不能删除。"))
    audit.record(s, person, "quiz.discard", ("quiz", quiz.id), quiz.org_id, title=quiz.title)
    sections = sa.select(QuizSection.id).where(QuizSection.quiz_id == quiz.id)
    s.execute(sa.delete(QuizItem).where(QuizItem.section_id.in_(sections)))
    for table in (QuizSection, QuizAudience, QuizHelper):
        s.execute(sa.delete(table).where(table.quiz_id == quiz.id))
    course_ref = quiz.course_ref
    s.delete(quiz)
    _need(s, course_ref, zone)


def _need(s: Session, course_ref: int | None, zone: str) -> None:
    """Tell the records which tests the course asks for now.

    One that is taken back to be changed goes on being asked for: otherwise a wrong word put right would complete the
    course of everybody who still has the test before them.
    """
    if course_ref is None:
        return
    s.flush()
    asked = sa.select(Quiz.id).where(
        Quiz.course_ref == course_ref,
        Quiz.course_needs.is_(True),
        Quiz.published_at.is_not(None),
        Quiz.state != QuizState.WITHDRAWN,
    )
    needs.needs(s, "course", course_ref, "quiz", asked, now(), zone)
