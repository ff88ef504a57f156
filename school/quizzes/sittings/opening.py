"""The read side of a sitting: what somebody who starts will be served, and what the page of an open one shows."""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.keys import Keys
from school.core.time import day_of
from school.quizzes.access import Standing
from school.quizzes.bank import keyring
from school.quizzes.bank.files import address
from school.quizzes.bank.versions import asked
from school.quizzes.papers import gate
from school.quizzes.papers import paper as papers
from school.quizzes.papers.drawing import Served
from school.quizzes.papers.models import Quiz, Show
from school.quizzes.sittings import telling
from school.quizzes.sittings.models import Attempt, AttemptAnswer, AttemptState
from school.quizzes.sittings.service import Sitting, Start, deadline_of, moment_of, no_attempt
from school.quizzes.sittings.serving import face, shown
from school.quizzes.sittings.show import examined
from school.quizzes.sittings.tokens import Ticket, seal

FILES_MS = 12 * 3_600_000  # how long the files of a sitting without an end can be fetched
HOUR_MS = 3_600_000


def prepared(s: Session, here: Standing, code: str, at_ms: int, zone: str) -> int | Start:
    """The attempt that is open already, or what a new one will be; raises what the gate says of who may not start.

    The paper is drawn here, outside the transaction that stores it.
    """
    person, quiz = here.person, here.quiz
    moment = moment_of(at_ms)
    entered = gate.enter(s, here, code, moment, zone)
    if entered.open_id is not None:
        return entered.open_id
    last_no = s.scalar(
        sa.select(sa.func.max(Attempt.no)).where(Attempt.quiz_id == quiz.id, Attempt.member_id == person.member_id)
    )
    seed = secrets.randbelow(2**53)
    paper = papers.paper_of(s, quiz, seed, day_of(moment, zone))
    assert person.member_id is not None
    assert person.org_id is not None
    return Start(
        quiz_id=quiz.id,
        member_id=person.member_id,
        account_id=person.account_id,
        org_id=person.org_id,
        at_ms=at_ms,
        deadline_ms=deadline_of(quiz, at_ms),
        seed=seed,
        paper=paper,
        max_100=sum(points_100 for _, _, points_100, *_ in paper),
        last_no=last_no or 0,
    )


class TimeLeft(NamedTuple):
    """What decides how much time a sitting still has."""

    state: AttemptState
    deadline_ms: int | None
    paused: bool


def time_left(s: Session, attempt_id: int, member_id: int) -> TimeLeft:
    """How the time of this member's sitting stands; NotFound (`attempt.missing`) for anybody else's."""
    row = s.execute(
        sa.select(Attempt.state, Attempt.deadline_ms, Quiz.paused_ms.is_not(None))
        .join(Quiz, Quiz.id == Attempt.quiz_id)
        .where(Attempt.id == attempt_id, Attempt.member_id == member_id)
    ).one_or_none()
    if row is None:
        raise no_attempt()
    return TimeLeft(row[0], row[1], bool(row[2]))


def opened(s: Session, keys: Keys, here: Sitting, ticket: Ticket, now_ms: int) -> dict[str, Any]:
    """What the page of an open sitting shows and sends: everything but its addresses.

    `{token, quiz, state, now_ms, deadline_ms, paused, questions, answers, n, told}`: `questions` as
    `serving.face`, `answers` and `n` by question in the places shown, `told` what has been said at once of them.
    """
    quiz = s.get_one(Quiz, here.quiz_id)
    paper = [Served(*row) for row in here.paper]
    versions = asked(s, (served.version_id for served in paper))
    until_ms = max(here.deadline_ms or 0, now_ms) + FILES_MS
    until = (until_ms // HOUR_MS + 1) * HOUR_MS // 1000  # by the hour, so that a reload finds its pictures in the cache
    rows = s.execute(
        sa.select(AttemptAnswer.position, AttemptAnswer.answer, AttemptAnswer.n)
        .where(AttemptAnswer.attempt_id == here.id)
        .order_by(AttemptAnswer.position)
    ).all()
    told = {}
    if quiz.show == Show.AT_ONCE and not s.scalar(sa.select(examined(here.member_id))):
        known = {row.position: row.answer for row in rows if row.answer is not None}
        keys_of = keyring.newest(s, {paper[i].version_id for i in known})
        for i, answer in known.items():
            version_id = paper[i].version_id
            told[i] = telling.tell(paper[i], versions[version_id], keys_of[version_id], answer)
    return {
        "token": seal(keys, ticket),
        "quiz": {
            "title": quiz.title,
            "kind": quiz.kind,
            "one_a_page": quiz.one_a_page,
            "show": quiz.show,
            "minutes": quiz.minutes,
        },
        "state": here.state,
        "now_ms": now_ms,
        "deadline_ms": here.deadline_ms,
        "paused": here.paused,
        "questions": [
            face(i, versions[served.version_id], served, lambda file_id: address(keys, file_id, until))
            for i, served in enumerate(paper)
        ],
        "answers": {
            row.position: shown(paper[row.position], versions[paper[row.position].version_id].kind, row.answer)
            for row in rows
        },
        "n": {row.position: row.n for row in rows},
        "told": told,
    }
