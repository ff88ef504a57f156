"""Demo papers of the demo bank: an exam that is open, a practice, a contest, and an exam that waits for review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.person import Person, Role
from school.core.time import day_of, now
from school.demo.people import first_with
from school.quizzes.bank.models import QuestionKind
from school.quizzes.papers import composing, service
from school.quizzes.papers import paper as papers
from school.quizzes.papers.models import Quiz
from school.quizzes.papers.outline import Section


@dataclass(frozen=True, slots=True)
class DemoQuiz:
    """`sections` are (kind or None for any, how many, hundredths of points each); the window is in days from now."""

    preset: str
    title: str
    summary: str
    sections: tuple[tuple[QuestionKind | None, int, int], ...]
    opens: int | None = None
    closes: int | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)
    published: bool = True


QUIZZES = (
    DemoQuiz(
        "exam", "党章党纪知识测验", "考党章、党史和组织生活的基本知识。可以先做练习，再来考试。",
        (
            (QuestionKind.SINGLE, 8, 500), (QuestionKind.MULTIPLE, 4, 750), (QuestionKind.JUDGE, 4, 500),
            (QuestionKind.FILL, 2, 500),
        ),
        -1, 30, {"minutes": 40, "hours_100": 50, "compulsory": True, "slip": "测验"},
    ),
    DemoQuiz(
        "practice", "党务知识天天练", "每次抽 10 题，每答一题马上看对错和解析。", ((None, 10, 1000),), rules={"slip": "练习"}
    ),
    DemoQuiz(
        "contest", "“学党章”知识竞赛", "自愿参加，先比得分，得分相同比用时；各党支部另有团体成绩。",
        ((QuestionKind.SINGLE, 6, 1000), (QuestionKind.JUDGE, 4, 1000)), -1, 14,
        {"minutes": 15, "slip": "竞赛", "table_open": True},
    ),
    DemoQuiz(
        "room", "党支部书记培训班结业考试", "在县委党校报告厅考，凭考场码进入；也可以印成纸质试卷。",
        ((QuestionKind.SINGLE, 10, 700), (QuestionKind.JUDGE, 5, 600)), 6, 7, {"minutes": 60, "hours_100": 100},
        published=False,
    ),
)  # fmt: skip


def fill_papers(s: Session, zone: str) -> bool:
    """Write the quizzes of the county's first trainer; False when there is one already, or nobody to write it."""
    if s.scalar(sa.select(Quiz.id).limit(1)):
        return False
    trainer, reviewer = first_with(s, Role.TRAINER), first_with(s, Role.REVIEWER)
    if trainer is None or reviewer is None:
        return False
    for demo in QUIZZES:
        _write(s, trainer, reviewer, demo, zone)
    return True


def _at(moment: datetime, days: int | None, hour: time, zone: str) -> datetime | None:
    """The moment of `hour` on the school's clock, `days` after `moment`."""
    if days is None:
        return None
    return datetime.combine(day_of(moment, zone) + timedelta(days=days), hour, ZoneInfo(zone)).astimezone(UTC)


def _write(s: Session, trainer: Person, reviewer: Person, demo: DemoQuiz, zone: str) -> None:
    host = next(grant.org_id for grant in trainer.grants if grant.role is Role.TRAINER)
    quiz = service.create(s, trainer, host, demo.preset, demo.title)
    moment = now()
    sheet = replace(
        service.sheet_of(s, quiz),
        summary=demo.summary,
        opens_at=_at(moment, demo.opens, time(8), zone),
        closes_at=_at(moment, demo.closes, time(18), zone),
        **demo.rules,
    )
    service.edit(s, trainer, quiz.id, quiz.version, sheet, zone)
    for section in papers.sections_of(s, quiz.id):
        composing.remove_section(s, trainer, quiz.id, section.id)
    today = day_of(moment, zone)
    for kind, draw, points_100 in demo.sections:
        section = composing.add_section(s, trainer, quiz.id, fixed=False)
        rule = {"kind": kind.value} if kind else {}
        composing.change_section(s, trainer, quiz.id, section.id, Section("", rule, draw, points_100), today)
    service.submit(s, trainer, quiz.id, zone)
    if demo.published:
        service.publish(s, reviewer, quiz.id, zone)
