"""Ten thousand questions are taken in while others are served, and a process that dies on the way leaves none of them."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from actors import Cast
from school.core.db import Database
from school.core.store_folder import FolderStore
from school.quizzes.bank import exchange
from school.quizzes.bank.exchange import Preview
from school.quizzes.bank.formats import Format, Item
from school.quizzes.bank.models import Question, QuestionKind
from school.quizzes.bank.rules import Draft, checked

QUESTIONS = 10_000
# A web process's way of taking an import in; it writes how often others had their turn between the first set and the last.
TAKE = """
from gevent import monkey; monkey.patch_all()
import os, pickle, signal, sys, gevent
from pathlib import Path
import school.tables
from school.core.db import Database
from school.core.store_folder import FolderStore
from school.quizzes.bank import exchange, service
person, url, shelf, import_id, dies = pickle.loads(bytes.fromhex(sys.argv[1]))
turns, at = 0, []
def others():
    global turns
    while True:
        turns += 1
        gevent.sleep(0.001)
write = service.add_many
def add_many(*args, **options):
    at.append(turns)
    if dies and len(at) == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(*args, **options)
exchange.bank.add_many = add_many
gevent.spawn(others)
db = Database(url)
count = gevent.spawn(exchange.take, db, FolderStore(Path(shelf)), person, import_id).get()
print(count, len(at), at[-1] - at[0])
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "shelf"


@pytest.fixture
def import_id(db: Database, shelf: Path, cast: Cast) -> int:
    """An import of 10,000 questions, put aside."""
    one = checked(
        Draft(
            QuestionKind.SINGLE, {"stem": "国家宪法日是哪一天？", "options": ["12月4日", "10月1日"]}, {"right": [0]}, "宪法"
        )
    )  # fmt: skip
    preview = Preview(Format.AIKEN, [Item(place, one) for place in range(QUESTIONS)], (), ())
    return exchange.keep(db, FolderStore(shelf), cast.trainer.person, cast.county_id, "题.txt", preview)


def take(db_url: str, shelf: Path, cast: Cast, import_id: int, *, dies: bool) -> subprocess.CompletedProcess[str]:
    told = pickle.dumps((cast.trainer.person, db_url, str(shelf), import_id, dies)).hex()
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", TAKE, told], capture_output=True, text=True, check=False
    )  # fmt: skip


def held(db: Database) -> int:
    with db.read() as s:
        return s.scalar(sa.select(sa.func.count()).select_from(Question)) or 0


def test_others_have_their_turn_while_ten_thousand_questions_are_written(
    db: Database, db_url: str, shelf: Path, cast: Cast, import_id: int
) -> None:
    answer = take(db_url, shelf, cast, import_id, dies=False)
    assert answer.stderr == ""
    count, sets, turns = map(int, answer.stdout.split())
    assert (count, sets) == (QUESTIONS, 10)
    assert turns >= sets - 1, "the hub stood still"
    assert held(db) == QUESTIONS


def test_a_process_that_dies_while_it_writes_leaves_nothing_and_the_import_can_be_taken_in_again(
    db: Database, db_url: str, shelf: Path, cast: Cast, import_id: int
) -> None:
    assert take(db_url, shelf, cast, import_id, dies=True).returncode == -signal.SIGKILL
    assert held(db) == 0
    assert exchange.take(db, FolderStore(shelf), cast.trainer.person, import_id) == QUESTIONS
    assert held(db) == QUESTIONS
