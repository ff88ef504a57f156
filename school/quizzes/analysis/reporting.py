"""Keeps the report of a quiz: whether it still tells what stands; built at once for a few, by the clock for many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.db import Database
from school.core.errors import NotFound
from school.core.i18n import N_
from school.core.time import now
from school.org.models import Organization
from school.org.reach import prefixes
from school.quizzes.analysis.service import Body, OrgLine, build
from school.quizzes.marks.models import QuizReport, QuizResult
from school.quizzes.papers.models import Quiz
from school.records.bulk import among, put

AT_ONCE = 300  # people whose report is built while the reader waits: a few hundredths of a second


@dataclass(frozen=True, slots=True)
class Report:
    """What a reader is shown. `body` is None before the first one is built; `coming`: a newer one is being built."""

    body: Body | None
    built_at: datetime | None
    coming: bool


def current(db: Database, quiz: Quiz) -> Report:
    """The report as it may be shown now; one that is out of date is built anew or asked of the clock."""
    with db.read() as s:
        kept = s.get(QuizReport, quiz.id)
        basis, people = _basis(s, quiz.id)
        if kept is not None and kept.built_at is not None and kept.basis == basis:
            return Report(_body(kept), kept.built_at, coming=False)
        if people <= AT_ONCE:
            body, moment = build(s, quiz), now()
        else:
            body = None
    if body is not None:
        with db.write() as s:
            _keep(s, quiz.id, body, basis, moment)
        return Report(body, moment, coming=False)
    if kept is None or kept.asked_at is None:
        with db.write() as s:
            _ask(s, quiz.id)
    return Report(_body(kept), kept.built_at, coming=True) if kept is not None else Report(None, None, coming=True)


def forget(s: Session, quiz_id: int) -> None:
    """The report is out of date, whatever it was built of: who reads it next has it built anew."""
    s.execute(sa.update(QuizReport).where(QuizReport.quiz_id == quiz_id).values(basis=""))


def _ask(s: Session, quiz_id: int) -> None:
    """Let the clock build the report within a few seconds."""
    row: dict[str, Any] = {"quiz_id": quiz_id, "body": {}, "basis": "", "asked_at": now()}
    put(s, QuizReport, [row], change=("asked_at",))


def build_asked(db: Database) -> int:
    """Build every report that was asked for, each from one snapshot; how many there were. Called by the clock."""
    with db.read() as s:
        asked = s.scalars(sa.select(QuizReport.quiz_id).where(QuizReport.asked_at.is_not(None))).all()
    for quiz_id in asked:
        with db.read() as s:
            moment = now()
            basis, _ = _basis(s, quiz_id)
            body = build(s, s.get_one(Quiz, quiz_id))
        with db.write() as s:
            _keep(s, quiz_id, body, basis, moment)
    return len(asked)


def _keep(s: Session, quiz_id: int, body: Body, basis: str, moment: datetime) -> None:
    row = {"quiz_id": quiz_id, "body": body, "basis": basis, "asked_at": None, "built_at": moment}
    put(s, QuizReport, [row], change=("body", "basis", "asked_at", "built_at"))


def _basis(s: Session, quiz_id: int) -> tuple[str, int]:
    """What changes whenever a result does, and how many results there are; the results' own rows are short."""
    people, best_100, tries = s.execute(
        sa.select(
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(QuizResult.best_100 * (1 + QuizResult.member_id % 97)), 0),
            sa.func.coalesce(sa.func.sum(QuizResult.tries), 0),
        ).where(QuizResult.quiz_id == quiz_id)
    ).one()
    return f"{people}:{best_100}:{tries}", people


def _body(kept: QuizReport) -> Body | None:
    body: Body | None = kept.body or None  # type: ignore[assignment]  # `_keep` has written it
    return body


# ── organisations ───────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Branches:
    """The results below one organisation: `trail` leads to it from the top, `lines` are what lies right below it, in
    organisation order, and its own members first."""

    trail: list[Organization]
    lines: list[tuple[Organization, OrgLine]]

    @property
    def org(self) -> Organization:
        return self.trail[-1]


def branches(s: Session, orgs: Sequence[OrgLine], org_id: int | None) -> Branches | None:
    """The lines below `org_id`, or below the lowest organisation that holds all of them; None without any line.

    NotFound (`quiz.no_org`) for an organisation without anybody concerned.
    """
    if not orgs:
        return None
    top = _common([line["path"] for line in orgs])
    chosen = s.get(Organization, org_id) if org_id else s.scalar(sa.select(Organization).filter_by(path=top))
    if chosen is None or not chosen.path.startswith(top) or not any(_inside(line, chosen.path) for line in orgs):
        raise NotFound("quiz.no_org", N_("这个党组织没有人参加。请返回上一级再选。"))
    below = s.scalars(sa.select(Organization).filter_by(parent_id=chosen.id).order_by(Organization.path)).all()
    own = [line for line in orgs if line["org_id"] == chosen.id]
    lines = [(chosen, line) for line in own]
    for child in below:
        inside = [line for line in orgs if _inside(line, child.path)]
        if inside:
            lines.append((child, summed(child.id, child.path, inside)))
    above = [path for path in prefixes(chosen.path) if path.startswith(top)]
    trail = s.scalars(sa.select(Organization).where(Organization.path.in_(above)).order_by(Organization.path)).all()
    return Branches(list(trail), lines)


def named(s: Session, lines: Sequence[OrgLine]) -> list[tuple[str, OrgLine]]:
    """The lines with the short names of their organisations."""
    wanted = sa.select(Organization.id, Organization.short_name).where(
        among(s, Organization.id, (line["org_id"] for line in lines))
    )
    names = dict(s.execute(wanted).all())
    return [(names.get(line["org_id"], ""), line) for line in lines]


def summed(org_id: int, path: str, lines: Sequence[OrgLine]) -> OrgLine:
    """The lines of a subtree as one."""
    return OrgLine(
        org_id=org_id,
        path=path,
        expected=sum(line["expected"] for line in lines),
        taken=sum(line["taken"] for line in lines),
        passed=sum(line["passed"] for line in lines),
        permille=sum(line["permille"] for line in lines),
    )


def _inside(line: OrgLine, path: str) -> bool:
    return line["path"].startswith(path)


def _common(paths: Sequence[str]) -> str:
    """The longest path that all of `paths` begin with."""
    return max((above for above in prefixes(paths[0]) if all(path.startswith(above) for path in paths)), key=len)
