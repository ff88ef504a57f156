"""Two processes at a quiz at once: they follow each other, and never wait for each other in a ring (PostgreSQL)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from marks_kit import hand_in
from rings import meanwhile, refer, take

from actors import Actor, Cast
from quiz_kit import make_question, make_quiz
from school.core.db import Database
from school.core.errors import Conflict
from school.core.settings import Settings
from school.core.store_folder import FolderStore
from school.core.time import now
from school.org.models import Member
from school.quizzes.access import standing
from school.quizzes.bank import exchange
from school.quizzes.bank import service as bank
from school.quizzes.bank.models import Question, QuestionImport, QuestionKind
from school.quizzes.papers import onpaper
from school.quizzes.papers import service as papers
from school.quizzes.papers.models import Quiz
from school.quizzes.sittings import control, queue, saving
from school.quizzes.sittings import service as sitting
from school.quizzes.sittings.models import Attempt
from school.quizzes.sittings.saving import Delivery
from school.quizzes.sittings.service import Open, Start
from school.quizzes.sittings.tokens import Ticket
from school.records.ledger import lock_members
from school.records.sessions import ZONE

AIKEN = "国家宪法日是哪一天？\nA. 10月1日\nB. 12月4日\nANSWER: B\n".encode()


@pytest.fixture
def db_url(pg_database: Callable[..., str]) -> str:
    """PostgreSQL alone: SQLite has one writer."""
    return pg_database()


@pytest.fixture
def question(db: Database, cast: Cast) -> Question:
    with db.write() as s:
        return make_question(s, cast, QuestionKind.JUDGE)


@pytest.fixture
def quiz(db: Database, cast: Cast, question: Question) -> Quiz:
    with db.write() as s:
        return make_quiz(s, cast, [question])


def clock_ms() -> int:
    return round(now().timestamp() * 1000)


def start(quiz: Quiz, question: Question, who: Actor, **more: Any) -> Start:
    return Start(
        quiz_id=quiz.id, member_id=who.member_id, account_id=who.account_id, org_id=who.org_id, at_ms=clock_ms(),
        seed=1, paper=[[question.approved_id, question.id, 500, None, None]], max_100=500,
        **{"deadline_ms": None, "last_no": 0, **more},
    )  # fmt: skip


@pytest.fixture
def sat(db: Database, cast: Cast, quiz: Quiz, question: Question) -> list[Ticket]:
    """王建国 sits, whose time was over long ago, and 阿依古丽 beside him."""
    who = cast.member, cast.outsider
    with db.write() as s:
        late, other = start(quiz, question, who[0], deadline_ms=1), start(quiz, question, who[1])
        ids = sitting.start(s, [late, other])
        opens = [
            Open(int(str(key)), one.member_id, one.account_id, clock_ms(), "h")
            for key, one in zip(ids, who, strict=True)
        ]
        sitting.open_page(s, opens)
        return [Ticket(one.attempt_id, one.member_id, "h") for one in opens]


def test_who_only_refers_to_a_row_waits_for_nobody(
    db: Database, cast: Cast, quiz: Quiz, question: Question, sat: list[Ticket]
) -> None:
    """As the result that is written for a sitting names its quiz, and a paper its questions."""
    with db.write() as s:
        control.pause(s, standing(s, cast.trainer.person, quiz.id), "停电。", clock_ms())
        printed = hand_in(s, quiz, [question], cast.secretary.member_id, [True])
        printed.on_paper = True
    with db.write() as s, db.write() as other:
        here = standing(s, cast.trainer.person, quiz.id, lock=True)
        control.resume(s, here, clock_ms())
        onpaper.one(s, here, printed.id)
        bank.withdraw(s, cast.trainer.person, [question.id])
        for row, key in ((Quiz, quiz.id), (Attempt, printed.id), (Question, question.id)):
            refer(other, row, key)


def test_starts_of_two_processes_are_written_in_one_order(
    db: Database, cast: Cast, quiz: Quiz, question: Question
) -> None:
    first, second = start(quiz, question, cast.member), start(quiz, question, cast.outsider)

    def both() -> Any:
        with db.write() as s:
            return sitting.start(s, [second, first])

    with db.write() as s:
        one = sitting.start(s, [first])
        others = meanwhile(db, both)
        two = sitting.start(s, [second])
    assert others.result() == [*two, *one]


def test_nobody_begins_a_quiz_that_is_being_withdrawn(db: Database, cast: Cast, quiz: Quiz, question: Question) -> None:
    def begin() -> Any:
        with db.write() as s:
            return sitting.start(s, [start(quiz, question, cast.member)])

    with db.write() as s:
        papers.withdraw(s, cast.trainer.person, quiz.id, ZONE)
        begun = meanwhile(db, begin)
    (refusal,) = begun.result()
    assert (type(refusal), refusal.code) == (Conflict, "quiz.not_published")
    with db.read() as s:
        assert s.scalar(sa.select(sa.func.count()).select_from(Attempt)) == 0


def test_pages_that_open_and_answers_take_their_sittings_together(
    db: Database, settings: Settings, cast: Cast, sat: list[Ticket]
) -> None:
    low, high = sat
    works = [
        Open(high.attempt_id, high.member_id, cast.outsider.account_id, clock_ms(), "h"),
        Delivery(low, clock_ms()),
    ]
    flush = queue._queue(SimpleNamespace(db=db, settings=settings, parts={}))._flush  # type: ignore[arg-type]
    with db.write() as s:
        take(s, Attempt, low.attempt_id)
        stored = meanwhile(db, lambda: flush(works))
        take(s, Attempt, high.attempt_id)
    stored.result()


def test_who_hands_in_and_whose_time_is_over_are_marked_together(db: Database, cast: Cast, sat: list[Ticket]) -> None:
    late, in_time = sat

    def hand_both_in() -> Any:
        with db.write() as s:
            return saving.save(s, [Delivery(ticket, clock_ms(), submit=True) for ticket in (in_time, late)], ZONE)

    with db.write() as s:
        lock_members(s, {late.member_id})
        saved = meanwhile(db, hand_both_in)
        take(s, Member, in_time.member_id)
    saved.result()
    with db.read() as s:
        by = [s.get_one(Attempt, ticket.attempt_id).submitted_by for ticket in (late, in_time)]
        assert by == ["clock", "member"]


def test_who_begins_anew_keeps_the_old_sitting_from_being_opened_again(
    db: Database, cast: Cast, quiz: Quiz, question: Question, sat: list[Ticket]
) -> None:
    with db.write() as s:
        control.collect(s, standing(s, cast.trainer.person, quiz.id), clock_ms(), ZONE, attempt_id=sat[0].attempt_id)
        s.execute(sa.update(Quiz).values(show="never"))

    def reopen() -> None:
        with db.write() as s:
            desk = standing(s, cast.trainer.person, quiz.id)
            control.reopen(s, desk, sat[0].attempt_id, 10, "停电。", clock_ms(), ZONE)

    with db.write() as s:
        sitting.start(s, [start(quiz, question, cast.member, last_no=1)])
        opened = meanwhile(db, reopen)
    with pytest.raises(Conflict, match=r"attempt\.another"):
        opened.result()


def test_a_file_that_is_being_taken_in_is_not_put_out_by_the_next(db: Database, cast: Cast, tmp_path: Path) -> None:
    store, whole = FolderStore(tmp_path / "shelf"), exchange.opened(AIKEN, None, "党史")

    def keep() -> int:
        return exchange.keep(db, store, cast.trainer.person, cast.county_id, "题.txt", whole)

    first = keep()
    with db.write() as s:
        s.execute(sa.update(QuestionImport).values(taken_at=now()))
        kept = meanwhile(db, keep)
    kept.result()
    with db.read() as s:
        assert s.get(QuestionImport, first) is not None
