"""`bank-import`: a table of 10,000 questions through the whole import on SQLite, beside reading the file with calamine alone.

The whole import: the file is looked over and read, every question checked, all of it put aside for the preview, taken
out again and written into the bank in one transaction. Wall time; a fresh bank each round.
"""

from __future__ import annotations

import io
import random
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from python_calamine import CalamineWorkbook

from bench.harness import Goal, Measured, Spent, alternate, spent
from school.core.db import Database
from school.core.person import Grant, Person, Role
from school.core.store_folder import FolderStore
from school.core.time import now
from school.org.models import Account, Organization, OrgType
from school.quizzes.bank import exchange, formats
from school.quizzes.bank.formats import Format
from school.quizzes.bank.models import Question, QuestionKind
from school.quizzes.bank.rules import Draft
from school.tables import Base

GOAL = Goal(6, "× reading the file with calamine alone (wall)")
QUESTIONS = 10_000
ROUNDS = 5
WORDS = [
    "学习",
    "贯彻",
    "组织",
    "支部",
    "党员",
    "会议",
    "制度",
    "纪律",
    "章程",
    "宪法",
    "党课",
    "群众",
    "基层",
    "服务",
    "责任",
    "监督",
    "程序",
    "民主",
    "集中",
    "理论",
    "实践",
    "作风",
]


def drafts() -> list[Draft]:
    """Questions of the lengths and kinds that trainers write, none like another."""
    chance = random.Random(1)
    kinds = [QuestionKind.SINGLE] * 5 + [QuestionKind.MULTIPLE] * 2 + [QuestionKind.JUDGE] * 2 + [QuestionKind.FILL]

    def words(most: int) -> str:
        return "".join(chance.choices(WORDS, k=chance.randint(2, most)))

    made = []
    for number in range(QUESTIONS):
        kind = kinds[number % len(kinds)]
        stem = f"关于{words(12)}，下列说法第{number}条是？"
        media: list[int] = []
        options = [{"text": f"{words(5)}{letter}", "media": media} for letter in "甲乙丙丁"]
        body: dict[str, Any] = {"stem": stem, "media": media}
        key: dict[str, Any] = {"right": [number % 4]}
        match kind:
            case QuestionKind.SINGLE:
                body["options"] = options
            case QuestionKind.MULTIPLE:
                body["options"], key = options, {"right": [0, 1 + number % 3]}
            case QuestionKind.JUDGE:
                key = {"right": number % 4 == 0}
            case _:
                body |= {"stem": f"{stem}____。", "blanks": 1}
                key = {"blanks": [[words(3), str(number)]]}
        made.append(Draft(kind, body, key, "党章", 1 + number % 5, f"{words(14)}。", "党章第三条"))
    return made


def measure() -> Measured:
    data = formats.write(Format.XLSX, drafts(), {}).data
    folders = count()

    def floor() -> Spent:
        def work() -> None:
            with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
                assert len(book.get_sheet_by_index(0).to_python()) == QUESTIONS + 3

        return spent(work)

    with tempfile.TemporaryDirectory() as name:

        def ours() -> Spent:
            folder = Path(name) / str(next(folders))
            folder.mkdir()
            db, store = Database(f"sqlite:///{folder / 'school.db'}"), FolderStore(folder / "store")
            person = _school(db)

            def work() -> None:
                preview = exchange.opened(data, None, "")
                import_id = exchange.keep(db, store, person, 1, "题库.xlsx", preview)
                assert exchange.take(db, store, person, import_id) == QUESTIONS

            one = spent(work)
            with db.read() as s:
                assert s.scalar(sa.select(sa.func.count()).select_from(Question)) == QUESTIONS
            db.close()
            return one

        medians, runs = alternate({"calamine": floor, "import": ours}, ROUNDS)
    notes = {"megabytes": round(len(data) / 1e6, 2), "import_s": round(medians["import"].wall, 3)}
    return Measured(medians["import"].wall / medians["calamine"].wall, runs, notes=notes)


def _school(db: Database) -> Person:
    """An organisation with a trainer."""
    Base.metadata.create_all(db.engine)
    with db.write() as s:
        s.add(
            Organization(
                id=1, code="1", path="001.", name="中共青禾县委员会", short_name="县委", kind=OrgType.COMMITTEE
            )
        )
        s.add(Account(id=1, login="trainer", name="周谷雨", password_hash="", created_at=now()))
    return Person(1, "周谷雨", (Grant(Role.TRAINER, 1, "001."),))
