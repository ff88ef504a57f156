"""`reports`: p95 of all the queries behind one branch or committee page, a million members, the worse database and page.

The pages are read one after the other over one connection. The figure is the time on the clock, so the machine must be
quiet; the processor time, ours and the database's own for this connection, stands beside it.
"""

from __future__ import annotations

import itertools
import random
import sqlite3
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable

from bench.harness import Goal, Measured, percentile
from school.core.db import Database
from school.core.person import Grant, Person, Role
from school.org.models import Member, MemberCategory, Organization, OrgClosure, OrgType, PostType
from school.org.pinyin import spell, strokes
from school.portal import overview
from school.records.models import MemberYear, OrgYear
from school.records.reports import Filters
from school.tables import Base

GOAL = Goal(50, "ms")
MEMBERS = 1_000_000
LEVELS = ((1, 15), (15, 150), (150, 1_500), (1_500, 12_000), (12_000, 46_334))  # parents, children: 60,000 in all
YEARS = (2025, 2026)
TODAY = date(2026, 11, 22)
PAGES = 200  # of each kind on each database
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
SIGNS = "立春雨水知分清和谷夏小满芒种至暑秋处白露寒霜降冬雪大惊蛰文明建国海江山川林树田石玉兰梅竹"
FILLED = (Organization, OrgClosure, Member, MemberYear, OrgYear)

Rows = Iterator[tuple[Any, ...]]


def _tree() -> tuple[list[tuple[int, int | None, str, str]], list[tuple[int, int, int]]]:
    """Organisations (id, parent, path, kind) and the closure (ancestor, descendant, distance), level by level."""
    orgs: list[tuple[int, int | None, str, str]] = [(1, None, "001.", OrgType.COMMITTEE)]
    lines: dict[int, list[int]] = {1: [1]}
    above = [1]
    for depth, (_, children) in enumerate(LEVELS):
        kind = (OrgType.COMMITTEE, OrgType.COMMITTEE, OrgType.COMMITTEE, OrgType.GENERAL_BRANCH, OrgType.BRANCH)[depth]
        below, places = [], dict.fromkeys(above, 0)
        for number in range(children):
            parent = above[number % len(above)]
            places[parent] += 1
            org_id = len(orgs) + 1
            orgs.append((org_id, parent, f"{orgs[parent - 1][2]}{places[parent]:03}.", kind))
            lines[org_id] = [org_id, *lines[parent]]
            below.append(org_id)
        above = below
    closure = [(up, org_id, distance) for org_id, line in lines.items() for distance, up in enumerate(line)]
    return orgs, closure


def _names(chance: random.Random) -> list[tuple[str, str, str, int]]:
    """Thirty thousand names with pinyin, initials and strokes; a surname is the rarer the later it stands."""
    weights = [1 / (place + 4) for place in range(len(SURNAMES))]
    names = []
    for surname in chance.choices(SURNAMES, weights, k=30_000):
        name = surname + "".join(chance.choices(SIGNS, k=chance.choice((1, 2, 2, 2))))
        names.append((name, *spell(name), strokes(name)))
    return names


def _members(branches: Sequence[int]) -> Iterator[tuple[tuple[Any, ...], list[tuple[Any, ...]]]]:
    """Each member's row, and their rows of both years."""
    chance = random.Random(7)
    names = _names(chance)
    since = datetime(2025, 1, 1, tzinfo=UTC)
    for member_id in range(1, MEMBERS + 1):
        place = member_id % len(branches)
        name, pinyin, initials, number = names[chance.randrange(len(names))]
        post = PostType.SECRETARY if member_id <= len(branches) else None
        category = MemberCategory.PROBATIONARY if member_id % 40 == 0 else MemberCategory.FULL
        row = (member_id, branches[place], name, pinyin, initials, number, category, post, member_id % 30 == 0, since)
        years = []
        for year in YEARS:
            group, online = 50 * chance.randrange(110), 50 * chance.randrange(70)
            asked = 5600 if post else 3200
            met = group >= asked and online >= 2000
            exempt = member_id % 50 == 0
            years.append((member_id, year, branches[place], group, online, asked, 2000, exempt, met))
        yield row, years


class _Sink:
    """Takes rows into one database: COPY on PostgreSQL, executemany on SQLite."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = sa.create_engine(url)

    def create(self) -> None:
        """All tables; those that are filled get their indexes afterwards."""
        Base.metadata.create_all(self.engine)
        with self.engine.begin() as connection:
            for index in self._indexes():
                index.drop(connection)

    def finish(self) -> None:
        with self.engine.begin() as connection:
            for index in self._indexes():
                connection.execute(CreateIndex(index))
            if self.engine.dialect.name == "postgresql":
                connection.exec_driver_sql("ANALYZE")
        self.engine.dispose()

    @staticmethod
    def _indexes() -> list[sa.Index]:
        return [index for model in FILLED for index in Base.metadata.tables[model.__tablename__].indexes]

    def put(self, table: str, columns: str, rows: Rows) -> None:
        """Append rows; `columns` are named in the order of each row."""
        raw = self.engine.raw_connection()
        if isinstance(raw.driver_connection, sqlite3.Connection):
            marks = ", ".join("?" * len(columns.split(",")))
            raw.driver_connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
        else:
            with raw.driver_connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:  # type: ignore[union-attr]
                for row in rows:
                    copy.write_row(row)
        raw.commit()
        raw.close()


def fill(url: str) -> None:
    """Write the tree, the members and both years into an empty database."""
    sink = _Sink(url)
    sink.create()
    orgs, closure = _tree()
    sink.put(
        "organization", "id, code, name, short_name, kind, parent_id, path, sort_no",
        ((i, f"B{i:06}", f"中共第{i}号组织委员会", f"第{i}号组织", kind, up, path, i) for i, up, path, kind in orgs),
    )  # fmt: skip
    sink.put("org_closure", "ancestor_id, descendant_id, distance", iter(closure))
    branches = [org_id for org_id, _, _, kind in orgs if kind == OrgType.BRANCH]
    member_columns = (
        "id, org_id, name, pinyin, initials, strokes, category, post, floating, created_at, gender, ethnicity, education, "
        "job, flow_to, party_status, no_presence_check"
    )
    year_columns = (
        "member_id, year, org_id, group_100, online_100, required_group_100, required_online_100, exempt, met, "
        "online_counts, counted"
    )
    totals: dict[tuple[int, int], list[int]] = {(org[0], year): [0] * 6 for org in orgs for year in YEARS}
    people = _members(branches)
    while chunk := list(itertools.islice(people, 100_000)):
        rest = (0, "01", "", "", "", "normal", False)
        sink.put("member", member_columns, ((*row, *rest) for row, _ in chunk))
        sink.put("member_year", year_columns, ((*year, False, True) for _, years in chunk for year in years))
        for _, years in chunk:
            for _, year, org_id, group, online, _, _, exempt, met in years:
                for place, figure in enumerate((1, exempt, met and not exempt, group + online > 0, group, online)):
                    totals[org_id, year][place] += figure
    parents = {org[0]: org[1] for org in orgs}
    for org_id, _, _, _ in reversed(orgs):  # children stand behind their parents
        if (up := parents[org_id]) is not None:
            for year in YEARS:
                totals[up, year] = [a + b for a, b in zip(totals[up, year], totals[org_id, year], strict=True)]
    months = "[" + ", ".join(["[210, 130]"] * 12) + "]"
    sink.put(
        "org_year",
        "org_id, year, parent_id, members, exempt, met, started, group_100, online_100, months, built_at",
        ((i, y, parents[i], *each, months, datetime(2026, 11, 22, tzinfo=UTC)) for (i, y), each in totals.items()),
    )  # fmt: skip
    sink.finish()


def _branch_filters(chance: random.Random) -> Filters:
    return Filters(
        text=chance.choice(("", "", "", "王", "wj", "li", "春", "zhang")),
        category=chance.choice(("", "", "full", "probationary", "floating")),
        state=chance.choice(("", "", "learning", "met", "exempt")),
        sort=chance.choice(("post", "strokes", "pinyin", "needed")),
        page=chance.choice((1, 1, 1, 2)),
    )


def _search(chance: random.Random) -> Filters:
    signs = "".join(chance.choices(SIGNS, k=2))
    surname = chance.choice(SURNAMES)
    pinyin, initials = spell(surname + signs)
    return Filters(
        text=chance.choice((surname + signs, surname + signs[0], initials, initials[:2], pinyin, pinyin[:4]))
    )


def _no_filter(chance: random.Random) -> Filters:
    return Filters()


def _clock(db: Database) -> Callable[[], int]:
    """Processor nanoseconds spent so far by this process and by the database's process for its connection."""
    if db.sqlite:
        return time.process_time_ns
    with db.read() as s:
        backend = Path(f"/proc/{s.scalar(sa.text('SELECT pg_backend_pid()'))}/schedstat")
    return lambda: time.process_time_ns() + int(backend.read_text().split()[0])


def _time(url: str) -> dict[str, list[tuple[float, float]]]:
    """(processor, clock) milliseconds of each page's queries, by kind of page, on a warm database."""
    db = Database(url, pool_size=1)
    spent = _clock(db)
    chance = random.Random(11)
    person = Person(1, "管理员", (Grant(Role.ORG_ADMIN, 1, "001."),))
    ends = list(itertools.accumulate((1, *(children for _, children in LEVELS))))
    levels = [(1, 1), *((before + 1, end) for before, end in itertools.pairwise(ends))]  # first and last id of each
    kinds = {
        "branch": (levels[5:], _branch_filters),
        "committee": (levels[:5], _no_filter),
        "committee search": (levels[:5], _search),
    }
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    for number, kind in itertools.product(range(PAGES + 20), kinds):
        among, filters = kinds[kind]
        org_id, year, chosen = chance.randint(*chance.choice(among)), chance.choice(YEARS), filters(chance)
        cpu, start = spent(), time.perf_counter_ns()
        with db.read() as s:
            overview.read(s, person, s.get_one(Organization, org_id), year, TODAY, chosen)
        if number >= 20:  # the first ones fill the statement caches
            found[kind].append(((spent() - cpu) / 1e6, (time.perf_counter_ns() - start) / 1e6))
    db.close()
    return found


@contextmanager
def _databases() -> Iterator[dict[str, str]]:
    """Both databases, filled. The SQLite file stays in the temp folder for the next run."""
    import services

    tables = [Base.metadata.tables[model.__tablename__] for model in FILLED]
    schema = "".join(str(made) for each in tables for made in (CreateTable(each), *map(CreateIndex, each.indexes)))
    kept = Path(tempfile.gettempdir()) / f"school-bench-reports-{zlib.crc32(schema.encode()):08x}.db"
    if not kept.exists():
        draft = kept.with_suffix(".new")
        draft.unlink(missing_ok=True)
        fill(f"sqlite:///{draft}")
        draft.rename(kept)
    with tempfile.TemporaryDirectory() as folder, services.postgresql(Path(folder)) as server:
        fill(server)
        yield {"sqlite": f"sqlite:///{kept}", "postgresql": server}


def measure() -> Measured:
    runs: list[dict[str, Any]] = []
    with _databases() as urls:
        for name, url in urls.items():
            for kind, times in _time(url).items():
                run: dict[str, Any] = {"database": name, "page": kind, "pages": len(times)}
                for clock, each in zip(("cpu", "wall"), zip(*times, strict=True), strict=True):
                    for share in (50, 95):
                        run[f"p{share}_{clock}_ms"] = round(percentile(each, share / 100), 2)
                runs.append(run)
    return Measured(max(run["p95_wall_ms"] for run in runs), runs)
