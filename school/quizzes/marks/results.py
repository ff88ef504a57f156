"""Everybody's results of a quiz, for who may see them; and a contest's own table."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import NotAllowed, NotFound
from school.core.i18n import N_
from school.core.person import Role
from school.org.models import Member, Organization
from school.org.reach import below
from school.quizzes.access import Standing
from school.quizzes.marks.models import QuizResult
from school.quizzes.papers.models import QuizKind
from school.quizzes.sittings.models import Attempt, AttemptState

OVER = (AttemptState.SUBMITTED, AttemptState.MARKED)
PAGE = 50
LEAVES = 1000  # rows of a printed sheet at most
TABLE = 50  # places a contest's table shows
TEAM = 3  # best results of a branch that make its mean; a branch with fewer is not in the table


class Which(StrEnum):
    """What of the list is shown."""

    ALL = "all"
    PASSED = "passed"
    FAILED = "failed"
    WAITING = "waiting"  # a short answer is not marked yet


@dataclass(frozen=True, slots=True)
class Row:
    """A member's result and the sitting it stands on; `best_100` is None while nothing of theirs is marked to the end (the
    sitting is the latest one then). `branch` is the one at that time."""

    member_id: int
    name: str
    branch: str
    tries: int
    best_100: int | None
    passed: bool | None
    attempt_id: int
    submitted_ms: int | None
    corrected: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """All that this person may see, in numbers; `mean_100` of the best results."""

    people: int
    passed: int
    waiting: int
    mean_100: int | None


# ── who sees whose ──────────────────────────────────────


def scope(here: Standing) -> tuple[str, ...] | None:
    """The subtrees whose results `here` may see; None: all of them. NotAllowed (`quiz.results`).

    The author and who oversees the host see all, a secretary or administrator those of their own organisations. What
    came of a contest is its organiser's alone: it is never reported upward.
    """
    scopes = here.person.scopes(Role.BRANCH_SECRETARY, Role.ORG_ADMIN)
    if here.sees_results:
        return None
    if here.quiz.kind == QuizKind.CONTEST or not scopes:
        raise NotAllowed("quiz.results", N_("全部成绩只有出卷老师和主办单位的管理员能看。您自己的成绩在“我的考试”里。"))
    return scopes


def figures(s: Session, here: Standing) -> Figures:
    lines = _lines(here).subquery()
    row = s.execute(
        sa.select(
            sa.func.count(),
            sa.func.count(sa.case((lines.c.passed.is_(True), 1))),
            sa.func.count(sa.case((lines.c.waiting > 0, 1))),
            sa.func.avg(lines.c.best_100),
        ).select_from(lines)
    ).one()
    return Figures(row[0], row[1], row[2], None if row[3] is None else round(row[3]))


def rows(
    s: Session, here: Standing, which: Which = Which.ALL, query: str = "", *, first: int = 0, most: int | None = None
) -> tuple[list[Row], int]:
    """The results in organisation order, `most` of them from `first` on, and how many there are."""
    lines = _lines(here).subquery()
    wanted = sa.select(lines)
    if which is Which.PASSED:
        wanted = wanted.where(lines.c.passed.is_(True))
    elif which is Which.FAILED:
        wanted = wanted.where(lines.c.passed.is_(False))
    elif which is Which.WAITING:
        wanted = wanted.where(lines.c.waiting > 0)
    if query:
        wanted = wanted.where(lines.c.name.contains(query, autoescape=True))
    total = s.scalars(sa.select(sa.func.count()).select_from(wanted.subquery())).one()
    found = s.execute(wanted.order_by(lines.c.path, lines.c.member_id).offset(first).limit(most))
    return [
        Row(
            row.member_id, row.name, row.branch, row.tries, row.best_100, row.passed, row.attempt_id, row.submitted_ms,
            row.was_100 is not None,
        )
        for row in found
    ], total  # fmt: skip


def _lines(here: Standing) -> sa.Select[tuple[int, str]]:
    """One row a member who handed something in, with their result where there is one, within what `here` may see."""
    scopes = scope(here)
    sat = (
        sa.select(
            Attempt.member_id,
            sa.func.max(Attempt.org_id).label("org_id"),
            sa.func.count().label("tries"),
            sa.func.count(sa.case((Attempt.state == AttemptState.SUBMITTED, 1))).label("waiting"),
            sa.func.max(Attempt.id).label("attempt_id"),
            sa.func.max(Attempt.submitted_ms).label("submitted_ms"),
        )
        .where(Attempt.quiz_id == here.quiz.id, Attempt.state.in_(OVER))
        .group_by(Attempt.member_id)
        .subquery()
    )
    lines = (
        sa.select(
            sat.c.member_id, Member.name, Organization.short_name.label("branch"), Organization.path, sat.c.tries,
            sat.c.waiting, QuizResult.best_100, QuizResult.passed, QuizResult.was_100,
            sa.func.coalesce(QuizResult.attempt_id, sat.c.attempt_id).label("attempt_id"),
            sa.func.coalesce(Attempt.submitted_ms, sat.c.submitted_ms).label("submitted_ms"),
        )
        .join(Member, Member.id == sat.c.member_id)
        .outerjoin(QuizResult, sa.and_(QuizResult.quiz_id == here.quiz.id, QuizResult.member_id == sat.c.member_id))
        .outerjoin(Attempt, Attempt.id == QuizResult.attempt_id)
        .join(Organization, Organization.id == sa.func.coalesce(QuizResult.org_id, sat.c.org_id))
    )  # fmt: skip
    return lines if scopes is None else lines.where(below(Organization.path, scopes))


# ── the table of a contest ──────────────────────────────


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the table: a person, or a branch with the mean of its TEAM best; `taken_ms` settles equal scores."""

    no: int
    name: str
    branch: str
    score_100: int
    taken_ms: int
    mine: bool


def table(s: Session, here: Standing, now: datetime) -> list[Place]:
    """The contest's table, the first TABLE places and one's own.

    For those the contest is for, once it is over; for who runs it at any time. NotFound (`quiz.table`) where there is none.
    """
    quiz = here.quiz
    if quiz.kind != QuizKind.CONTEST or not quiz.table_open or not (here.invited or here.desk):
        raise NotFound("quiz.table", N_("这场竞赛没有公布名次。您自己的成绩在“我的考试”里。"))
    if quiz.closes_at and now < quiz.closes_at and not here.desk:
        raise NotFound("quiz.table", N_("竞赛还在进行，截止以后公布名次。"))
    return _teams(s, here) if quiz.teams else _people(s, here)


def _people(s: Session, here: Standing) -> list[Place]:
    number = sa.func.rank().over(order_by=(QuizResult.best_100.desc(), QuizResult.taken_ms)).label("no")
    ranked = (
        sa.select(
            number, QuizResult.member_id, Member.name, Organization.short_name, QuizResult.best_100, QuizResult.taken_ms
        )
        .join(Member, Member.id == QuizResult.member_id)
        .join(Organization, Organization.id == QuizResult.org_id)
        .where(QuizResult.quiz_id == here.quiz.id)
        .subquery()
    )  # fmt: skip
    mine = here.person.member_id or 0
    found = s.execute(
        sa.select(ranked)
        .where(sa.or_(ranked.c.no <= TABLE, ranked.c.member_id == mine))
        .order_by(ranked.c.no, ranked.c.member_id)
    )
    return [Place(row[0], row[2], row[3], row[4], row[5], row[1] == mine) for row in found]


def _teams(s: Session, here: Standing) -> list[Place]:
    found = s.execute(
        sa.select(QuizResult.org_id, Organization.short_name, QuizResult.best_100, QuizResult.taken_ms)
        .join(Organization, Organization.id == QuizResult.org_id)
        .where(QuizResult.quiz_id == here.quiz.id)
        .order_by(QuizResult.best_100.desc(), QuizResult.taken_ms)
    )
    best: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
    for org_id, name, score_100, taken_ms in found:
        if len(best[org_id, name]) < TEAM:
            best[org_id, name].append((score_100, taken_ms))
    teams = [
        (sum(score for score, _ in each), sum(taken for _, taken in each), org_id, name)
        for (org_id, name), each in best.items()
        if len(each) == TEAM
    ]
    teams.sort(key=lambda team: (-team[0], team[1], team[2]))
    places: list[Place] = []
    for at, (sum_100, sum_ms, org_id, name) in enumerate(teams, start=1):
        equal = bool(places) and (teams[at - 2][0], teams[at - 2][1]) == (sum_100, sum_ms)
        no = places[-1].no if equal else at
        places.append(Place(no, name, "", sum_100 // TEAM, sum_ms // TEAM, org_id == here.person.org_id))
    return [place for place in places if place.no <= TABLE or place.mine]
