"""The outline of a paper, without database, clock or Flask: its sections, and the presets that a new quiz begins with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from school.core.errors import Invalid
from school.core.i18n import N_
from school.core.secrecy import refuse_secrets
from school.core.text import tidy
from school.quizzes.bank.models import QuestionKind
from school.quizzes.bank.rules import DIFFICULTIES, TAG_LENGTH
from school.quizzes.papers.models import QuizKind, Show
from school.records.models import Mode

TITLE_LENGTH = 40
POINTS_100 = range(50, 10_001, 50)
DRAW = range(1, 201)
SECTIONS = 20
QUESTIONS = 200  # on one paper


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a paper as it is written: fixed when `rule` is None, else `draw` questions that fit it."""

    title: str = ""
    rule: Mapping[str, Any] | None = None
    draw: int = 0
    points_100: int = 200


def checked_section(section: Section, categories: frozenset[str]) -> Section:
    """The section, tidied; Invalid (`section.title`, `section.draw`, `section.points`, `section.rule`) when it does not fit."""
    title = tidy(section.title)
    refuse_secrets(title)
    if len(title) > TITLE_LENGTH:
        raise Invalid("section.title", N_("这一部分的标题最多 %(most)d 个字，请缩短。"), most=TITLE_LENGTH)
    check_points(section.points_100)
    if section.rule is None:
        return Section(title, None, 0, section.points_100)
    if section.draw not in DRAW:
        raise Invalid("section.draw", N_("抽几题请填 1 到 200 之间的数。"))
    rule: dict[str, Any] = {}
    if kind := section.rule.get("kind"):
        if kind not in set(QuestionKind):
            raise Invalid("section.rule", N_("题型请从列表里选择。"))
        rule["kind"] = str(kind)
    if category := section.rule.get("category"):
        if category not in categories:
            raise Invalid("section.rule", N_("题库里没有这个分类。请从列表里选择。"))
        rule["category"] = category
    levels = sorted(set(section.rule.get("difficulty") or ()))
    if not set(levels) <= DIFFICULTIES.keys():
        raise Invalid("section.rule", N_("难度请在 1 到 5 里选择。"))
    if levels and len(levels) < len(DIFFICULTIES):
        rule["difficulty"] = levels
    if tag := tidy(str(section.rule.get("tag") or "")):
        rule["tag"] = tag[:TAG_LENGTH]
    return Section(title, rule, section.draw, section.points_100)


def check_points(points_100: int) -> None:
    if points_100 not in POINTS_100:
        raise Invalid("section.points", N_("每题分数请填 0.5 到 100 之间的数，以 0.5 为一档。"))


# ── presets ─────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Preset:
    """What a new quiz begins with: its kind, the rules that differ from a sheet's own, and the sections of its paper."""

    kind: QuizKind
    name: str
    words: str
    rules: Mapping[str, Any]
    sections: tuple[Section, ...] = ()


def _of(kind: QuestionKind, draw: int, points_100: int) -> Section:
    return Section("", {"kind": kind.value}, draw, points_100)


_MIXED = (_of(QuestionKind.SINGLE, 10, 500), _of(QuestionKind.MULTIPLE, 5, 500), _of(QuestionKind.JUDGE, 5, 500))
PRESETS = {
    "exam": Preset(
        QuizKind.EXAM, N_("考试"), N_("规定时间内答完，60 分及格，最多考 3 次取最好的一次，截止以后公布答案。"),
        {"minutes": 60}, _MIXED,
    ),
    "graduation": Preset(
        QuizKind.EXAM, N_("结业考试"), N_("60 题 100 分，40 分钟，60 分及格；先学满 20 学时才能参加。"),
        {"minutes": 40, "attempts": 1, "hours_needed_100": 2000},
        (_of(QuestionKind.SINGLE, 30, 200), _of(QuestionKind.MULTIPLE, 5, 300), _of(QuestionKind.JUDGE, 25, 100)),
    ),
    "room": Preset(
        QuizKind.EXAM, N_("现场考试"), N_("在考场里考一次，凭监考人员公布的考场码进入，也可以印成纸质试卷；不及格的可以另出补考。"),
        {"minutes": 60, "attempts": 1, "seat_code_needed": True, "mode": Mode.GROUP}, _MIXED,
    ),
    "quiz": Preset(
        QuizKind.QUIZ, N_("随堂测验"), N_("放在课程后面或录像的某一刻，不限时，交卷就看答案，可以考 3 次。"),
        {"show": Show.SUBMITTED}, (_of(QuestionKind.SINGLE, 5, 2000),),
    ),
    "practice": Preset(
        QuizKind.PRACTICE, N_("练习"), N_("随时做，不限次数，每题马上知道对错、看到解析，不计学时。"),
        {"show": Show.AT_ONCE, "attempts": 0}, (Section("", {}, 20, 500),),
    ),
    "contest": Preset(
        QuizKind.CONTEST, N_("知识竞赛"), N_("自愿参加，比得分，同分比用时；不计学时，不作考核依据。"),
        {"minutes": 20, "attempts": 1, "teams": True}, _MIXED,
    ),
}  # fmt: skip
