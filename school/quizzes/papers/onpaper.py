"""An exam on paper: a drawn paper for everybody on a roster, and what they came to entered by hand, by sums or by answers.

Everybody's paper is drawn and kept as an attempt before it is printed, so that what was asked, and how the letters stood,
is known when it is marked, and a corrected key re-marks it like any other.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, defer

from school.core.errors import Conflict, Invalid, NotFound
from school.core.i18n import N_
from school.core.text import hundredths
from school.core.time import day_of, year_of
from school.org import audit
from school.org.models import Account, Member, Organization, PartyStatus
from school.org.reach import below
from school.quizzes import bodies
from school.quizzes.access import Standing, at_desk, judges
from school.quizzes.bank.versions import asked
from school.quizzes.marks import service as marks
from school.quizzes.marks.models import QuizResult
from school.quizzes.papers import letters, queries
from school.quizzes.papers import paper as papers
from school.quizzes.papers.drawing import Served
from school.quizzes.papers.models import Quiz, QuizKind, QuizState
from school.quizzes.sittings import service as sitting
from school.quizzes.sittings.models import Attempt, AttemptAnswer, AttemptState
from school.quizzes.sittings.serving import canonical, shown
from school.records.bulk import among, put
from school.records.models import MemberYear

MOST = 300  # papers at once: more is printed branch by branch
CHOICES = 400
ENTERED = (AttemptState.SUBMITTED, AttemptState.MARKED)
ABSENT = -1  # instead of points


# ── who, and their papers ───────────────────────────────


def places(s: Session, quiz: Quiz) -> Sequence[Organization]:
    """The organisations whose members may be given a paper: those the quiz is for, with what lies below; at most CHOICES."""
    roots = [org.path for org in queries.audience(s, quiz.id)] or [s.get_one(Organization, quiz.org_id).path]
    return s.scalars(
        sa.select(Organization)
        .where(below(Organization.path, roots), Organization.closed_on.is_(None))
        .order_by(Organization.path)
        .limit(CHOICES)
    ).all()


@dataclass(frozen=True, slots=True)
class Prepared:
    """How many papers were drawn, and who was left out and why: (name, reason code of LEFT_OUT)."""

    papers: int
    left_out: list[tuple[str, str]]


LEFT_OUT = {
    "sitting": N_("正在网上答题，或者已经有一份纸质试卷"),
    "attempts": N_("次数已经用完"),
    "hours": N_("还没学满要求的学时"),
    "resit": N_("原来的考试已经及格"),
    "own": N_("是这场考试的出卷人、监考人员或审卷人"),
}


def prepare(s: Session, here: Standing, org_id: int, moment: datetime, zone: str, *, same: bool) -> Prepared:
    """Draw and keep a paper for every member at or below the organisation who may sit; `same`: one paper for all."""
    quiz = _quiz(here)
    org = next((each for each in places(s, quiz) if each.id == org_id), None)
    if org is None:
        raise NotFound("paper.org", N_("请从列表里选择党组织。"))
    members = s.execute(
        sa.select(Member.id, Member.name, Member.org_id, Account.id)
        .join(Organization, Organization.id == Member.org_id)
        .outerjoin(Account, Account.member_id == Member.id)
        .where(Organization.path.startswith(org.path, autoescape=True), Member.party_status == PartyStatus.NORMAL)
        .order_by(Organization.path, Member.id)
        .limit(MOST + 1)
    ).all()
    if len(members) > MOST:
        raise Conflict("paper.many", N_("一次最多准备 %(most)d 份。请一个支部一个支部地准备。"), most=MOST)
    reasons = _left_out(s, quiz, [row[0] for row in members], year_of(moment, zone))
    desk = {quiz.author_id, *(account.id for account in queries.helpers(s, quiz.id))}
    if quiz.reviewer_id is not None and judges(quiz):
        desk.add(quiz.reviewer_id)
    reasons |= {member_id: "own" for member_id, _, _, account_id in members if account_id in desk}
    nos = _last_nos(s, quiz, [row[0] for row in members])
    at_ms, common, today = int(moment.timestamp() * 1000), secrets.randbelow(2**53), day_of(moment, zone)
    made = 0
    for member_id, _, branch_id, account_id in members:
        if member_id in reasons:
            continue
        seed = common if same else secrets.randbelow(2**53)
        paper = papers.paper_of(s, quiz, seed, today)
        s.add(
            Attempt(
                quiz_id=quiz.id, member_id=member_id, account_id=account_id, org_id=branch_id, seed=seed, paper=paper,
                no=nos.get(member_id, 0) + 1, started_ms=at_ms, on_paper=True, max_100=sum(row[2] for row in paper),
            )
        )  # fmt: skip
        made += 1
    if made:
        audit.record(s, here.person, "quiz.papers", ("quiz", quiz.id), quiz.org_id, papers=made, of=org.id, same=same)
    return Prepared(made, [(name, reasons[member_id]) for member_id, name, *_ in members if member_id in reasons])


def _quiz(here: Standing) -> Quiz:
    """The quiz when its desk may give out papers: published, and one that is sat in a room."""
    quiz = at_desk(here).quiz
    if quiz.state != QuizState.PUBLISHED or quiz.kind not in (QuizKind.EXAM, QuizKind.QUIZ):
        raise Conflict("paper.kind", N_("发布以后的考试和测验才能印纸质试卷。"))
    return quiz


def _left_out(s: Session, quiz: Quiz, member_ids: Sequence[int], year: int) -> dict[int, str]:
    """member id → why they get no paper now: the rules of the gate but its hours of opening, for many at once."""
    found: dict[int, str] = {}
    used: dict[int, int] = {}
    tries = sa.select(Attempt.member_id, Attempt.state).where(
        Attempt.quiz_id == quiz.id, among(s, Attempt.member_id, member_ids)
    )
    for member_id, state in s.execute(tries):
        used[member_id] = used.get(member_id, 0) + (state != AttemptState.VOID)
        if state == AttemptState.OPEN:
            found[member_id] = "sitting"
    if quiz.attempts:
        found |= {each: "attempts" for each, n in used.items() if n >= quiz.attempts and each not in found}
    if quiz.hours_needed_100:
        enough = set(
            s.scalars(
                sa.select(MemberYear.member_id).where(
                    MemberYear.year == year,
                    among(s, MemberYear.member_id, member_ids),
                    MemberYear.group_100 + MemberYear.online_100 >= quiz.hours_needed_100,
                )
            )
        )
        found |= {each: "hours" for each in member_ids if each not in enough and each not in found}
    if quiz.resit_of_id is not None:
        passed = s.scalars(
            sa.select(QuizResult.member_id).where(
                QuizResult.quiz_id == quiz.resit_of_id,
                QuizResult.passed.is_(True),
                among(s, QuizResult.member_id, member_ids),
            )
        )
        found |= {each: "resit" for each in passed if each not in found}
    return found


def _last_nos(s: Session, quiz: Quiz, member_ids: Sequence[int]) -> dict[int, int]:
    rows = s.execute(
        sa.select(Attempt.member_id, sa.func.max(Attempt.no))
        .where(Attempt.quiz_id == quiz.id, among(s, Attempt.member_id, member_ids))
        .group_by(Attempt.member_id)
    )
    return dict(rows.all())


# ── the roster ──────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Line:
    """Somebody on the roster with their paper; `by_answers`: what was entered are answers, not a sum."""

    attempt: Attempt
    name: str
    branch: Organization
    by_answers: bool

    @property
    def open(self) -> bool:
        return self.attempt.state == AttemptState.OPEN


def roster(s: Session, quiz: Quiz, org: Organization | None = None, *, with_papers: bool = False) -> list[Line]:
    """Everybody who has a printed paper, branch by branch in the order of the tree; of `org` and below when given."""
    answered = sa.exists().where(AttemptAnswer.attempt_id == Attempt.id, AttemptAnswer.n > 0)
    wanted = (
        sa.select(Attempt, Member.name, Organization, answered)
        .join(Member, Member.id == Attempt.member_id)
        .join(Organization, Organization.id == Attempt.org_id)
        .where(Attempt.quiz_id == quiz.id, Attempt.on_paper.is_(True))
        .order_by(Organization.path, Member.id, Attempt.no)
    )
    if org is not None:
        wanted = wanted.where(Organization.path.startswith(org.path, autoescape=True))
    if not with_papers:
        wanted = wanted.options(defer(Attempt.paper))
    return [Line(*row) for row in s.execute(wanted)]


def one(s: Session, here: Standing, attempt_id: int) -> Attempt:
    """A printed paper of the quiz for its desk, locked until the transaction ends; else NotFound."""
    found = s.scalar(
        sa.select(Attempt)
        .where(Attempt.id == attempt_id, Attempt.quiz_id == at_desk(here).quiz.id, Attempt.on_paper.is_(True))
        .with_for_update(of=Attempt, key_share=True)
    )
    if found is None:
        raise NotFound("paper.missing", N_("没有找到这份纸质试卷。请回到名册再选。"))
    return found


# ── what they came to ───────────────────────────────────


def enter_sums(s: Session, here: Standing, typed: Mapping[int, str], moment: datetime, zone: str) -> int:
    """Write what markers gave whole papers: attempt id → points as typed, or 缺 for somebody who was not there.

    All or nothing; how many moved. Invalid (`paper.points`) names the papers that cannot be read.
    """
    quiz = at_desk(here).quiz
    lines = {line.attempt.id: line for line in roster(s, quiz) if typed.get(line.attempt.id, "").strip()}
    wanted = {key: _points(typed[key], line.attempt.max_100) for key, line in lines.items() if not line.by_answers}
    unread = [lines[key].name for key, points in wanted.items() if points is None]
    if unread:
        raise Invalid(
            "paper.points",
            N_("这几位的分数没有看懂，什么都没有保存：%(names)s。请填 0 到满分之间的数，缺考写“缺”。"),
            names="、".join(unread),
        )
    at_ms, moved = int(moment.timestamp() * 1000), []
    for key, points in wanted.items():
        attempt = lines[key].attempt
        if points == ABSENT:
            if attempt.state == AttemptState.OPEN:
                _absent(s, here, attempt, at_ms)
                moved.append(key)
        elif (attempt.state, attempt.score_100) != (AttemptState.MARKED, points):
            _hand_in(s, here, attempt, at_ms)
            attempt.score_100 = points
            moved.append(key)
    _settle(s, here, moved, moment, zone, "sums")
    return len(moved)


def _points(text: str, max_100: int) -> int | None:
    """Hundredths, ABSENT, or None when it is neither."""
    if text.strip() in ("缺", "缺考"):
        return ABSENT
    points = hundredths(text)
    return points if points is not None and points <= max_100 else None


def fields_of(s: Session, attempt: Attempt) -> list[dict[str, Any]]:
    """The questions of a printed paper with what was entered of each: `{i, kind, stem, texts}`."""
    paper = [Served(*row) for row in attempt.paper]
    versions = asked(s, (served.version_id for served in paper))
    answers = sa.select(AttemptAnswer.position, AttemptAnswer.answer).where(AttemptAnswer.attempt_id == attempt.id)
    kept: dict[int, Any] = dict(s.execute(answers).all())
    fields = []
    for i, served in enumerate(paper):
        question = versions[served.version_id]
        answer = shown(served, question.kind, kept.get(i))
        texts = letters.shown_words(question.kind, question.body, answer)
        fields.append({"i": i, "kind": question.kind, "stem": question.body["stem"], "texts": texts})
    return fields


def enter_answers(
    s: Session, here: Standing, attempt_id: int, typed: Mapping[int, Sequence[str]], moment: datetime, zone: str
) -> None:
    """Write the answers of one paper by question, as typed from its answer sheet; it is marked at once.

    Invalid (`answer.…`, with `at`: the number of the question) when one cannot be read; nothing is written then.
    """
    attempt = one(s, here, attempt_id)
    if attempt.state == AttemptState.VOID:
        raise Conflict("paper.void", N_("这份试卷记为缺考或作废，不能录入。"))
    paper = [Served(*row) for row in attempt.paper]
    versions = asked(s, (served.version_id for served in paper))
    at_ms, rows = int(moment.timestamp() * 1000), []
    for i, served in enumerate(paper):
        question = versions[served.version_id]
        try:
            raw = letters.typed(question.kind, question.body, typed.get(i, ()))
            answer = canonical(served, question.kind, bodies.answer_of(question.kind, question.body, raw))
        except Invalid as error:
            raise Invalid(error.code, error.message, **{**error.params, "at": i + 1}) from None
        rows.append(
            {
                "attempt_id": attempt.id, "position": i, "version_id": served.version_id, "answer": answer, "n": 1,
                "saved_ms": at_ms, "spent_ms": 0,
            }
        )  # fmt: skip
    attempt.answered = sum(1 for row in rows if row["answer"] is not None)
    _hand_in(s, here, attempt, at_ms)
    s.flush()
    put(s, AttemptAnswer, rows, change=("answer", "n", "saved_ms"))
    _settle(s, here, [attempt.id], moment, zone, "answers")


def _hand_in(s: Session, here: Standing, attempt: Attempt, at_ms: int) -> None:
    if attempt.state == AttemptState.VOID:
        raise Conflict("paper.void", N_("这份试卷记为缺考或作废，不能录入。"))
    if attempt.state == AttemptState.OPEN:
        attempt.state, attempt.submitted_ms, attempt.submitted_by = AttemptState.SUBMITTED, at_ms, "desk"
    sitting.note(s, [sitting.event(attempt.id, at_ms, "entered", here.person.account_id)])


def _absent(s: Session, here: Standing, attempt: Attempt, at_ms: int) -> None:
    """The paper of somebody who did not come counts as no try."""
    attempt.state = AttemptState.VOID
    sitting.note(s, [sitting.event(attempt.id, at_ms, "absent", here.person.account_id)])


def _settle(s: Session, here: Standing, ids: Sequence[int], moment: datetime, zone: str, how: str) -> None:
    if not ids:
        return
    s.flush()
    marks.settle(s, ids, moment, zone)
    s.expire_all()
    audit.record(s, here.person, "quiz.entered", ("quiz", here.quiz.id), here.quiz.org_id, papers=list(ids), how=how)
