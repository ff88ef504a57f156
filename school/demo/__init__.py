"""Demo data for an empty database: a fictional county with its people, courses, live classes, questions, exams and two years of study hours."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from school.core.db import Database
from school.core.keys import Keys
from school.core.settings import Settings
from school.demo.courses import fill_courses
from school.demo.hours import fill_hours
from school.demo.live import fill_live
from school.demo.people import DEMO_ACCOUNTS, PASSWORD, fill_people
from school.demo.quizzes import fill_bank
from school.demo.quizzes_papers import fill_papers
from school.org.models import Account, Organization


def fill(db: Database, keys: Keys, settings: Settings, say: Callable[[str], object] = print) -> bool:
    """Fill an empty database; False, and nothing written, when anybody is in it already."""
    with db.write() as s:
        if s.scalar(sa.select(Organization.id).limit(1)):
            return False
        say("正在放入示例数据：青禾县的党组织和 1,000 名党员……")
        fill_people(s, keys, settings.zone)
        fill_courses(s)
        fill_live(s, settings.zone)
        fill_bank(s)
        fill_papers(s, settings.zone)
        say("正在放入两年的学时记录……")
        fill_hours(s, settings.zone)
    return True


def account_lines(db: Database) -> list[str]:
    """How to sign in with each demo account that is still there; nothing in a school without demo data."""
    with db.read() as s:
        there = set(s.scalars(sa.select(Account.login).where(Account.login.in_([a.login for a in DEMO_ACCOUNTS]))))
    lines = [f"  {each.login:<14} {each.name}　{each.duty}" for each in DEMO_ACCOUNTS if each.login in there]
    return [f"示例账号（密码都是 {PASSWORD}）：", *lines] if lines else []
