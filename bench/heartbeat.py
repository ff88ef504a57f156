"""What one acknowledged heartbeat costs the web process, beside an empty POST on the same server; none may be lost."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from bench.harness import Goal, Measured, process_cpu
from school.core.db import Base, Database
from school.core.keys import load_keys
from school.core.settings import Settings
from school.core.time import now
from school.records.intervals import subtract
from school.records.models import Coverage

GOAL = Goal(1.5, "× an empty POST")
MEMBERS = 2000
SECONDS = 4.0  # of each measured run
ROUNDS = 3
KILLS = 4
CONNECTIONS_AT_ONCE = 200


def server() -> Any:
    """The school's own application with one empty POST beside it (gunicorn calls this in its worker)."""
    from school.app import csrf
    from school.wsgi import app

    def empty() -> tuple[str, int]:
        return "", 204

    app.add_url_rule("/empty", "empty", csrf.exempt(empty), methods=["POST"])
    return app


@dataclass
class Watcher:
    """One member's page: its token, where it is, and what the server has acknowledged."""

    member_id: int
    part_id: int
    token: str
    opened: float
    position_ms: int = 0
    acknowledged: list[tuple[int, int]] = field(default_factory=list)

    def body(self) -> bytes:
        """Everything played since the last acknowledgement, at normal speed."""
        to = max(self.position_ms + 1, int((time.time() - self.opened) * 1000))
        self.sent = (self.position_ms, to)
        return json.dumps({"token": self.token, "claims": [self.sent], "position_ms": to}).encode()

    def take(self, answer: bytes) -> None:
        covered = json.loads(answer)["covered"]
        self.acknowledged = [(start, end) for start, end in covered]
        self.position_ms = covered[-1][1] if covered else 0


class Load:
    """Keep-alive connections that each post, wait for the answer, and post again."""

    def __init__(self, port: int, watchers: list[Watcher], *, empty: bool) -> None:
        self.port, self.watchers, self.empty = port, watchers, empty
        self.answered = 0
        self.until = 0.0
        self.gate = asyncio.Semaphore(CONNECTIONS_AT_ONCE)
        self.connected = 0
        self.begun = asyncio.Event()

    async def run(self, seconds: float, begin: Callable[[], None] = lambda: None) -> None:
        """Connect everybody, let each be answered once, call `begin`, and post for `seconds`."""
        self.until = float("inf")
        pages = asyncio.gather(*(self._page(watcher) for watcher in self.watchers))
        while self.connected < len(self.watchers):
            await asyncio.sleep(0.05)
        self.answered, self.until = 0, time.monotonic() + seconds
        begin()
        self.begun.set()
        await pages

    async def _page(self, watcher: Watcher) -> None:
        reader: asyncio.StreamReader | None = None
        writer: asyncio.StreamWriter | None = None
        while time.monotonic() < self.until:
            try:
                if reader is None or writer is None:
                    async with self.gate:
                        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                body = b"" if self.empty else watcher.body()
                writer.write(
                    b"POST %s HTTP/1.1\r\nHost: school\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                    % (b"/empty" if self.empty else b"/study/claims", len(body), body)
                )
                status, answer = await self._answer(reader)
                if status not in (200, 204):
                    raise ConnectionError(status, answer)
                if not self.empty:
                    watcher.take(answer)
                if not self.begun.is_set():
                    self.connected += 1
                    await self.begun.wait()
                else:
                    self.answered += 1
            except (OSError, asyncio.IncompleteReadError, ValueError):  # killed: connect and send again
                if writer is not None:
                    writer.close()
                reader = writer = None
                await asyncio.sleep(0.2)
        if writer is not None:
            writer.close()

    @staticmethod
    async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 : lower.index(b"\r", at)]) if at >= 0 else 0
        return int(head[9:12]), await reader.readexactly(length) if length else b""


def fill(settings: Settings) -> list[Watcher]:
    """2,000 members of one branch, four courses of an hour, and a play session for each member."""
    from school.org.models import Member, Organization, OrgType
    from school.records import service
    from school.records.models import StudyPart

    db, keys = Database(settings.db_url), load_keys(settings)
    Base.metadata.create_all(db.engine)
    with db.write() as s:
        org = Organization(
            code="001", name="青禾县", short_name="青禾县", kind=OrgType.BRANCH, parent_id=None, path="001.", sort_no=1
        )
        s.add(org)
        s.flush()
        members = [Member(org_id=org.id, name=f"学员{n}", created_at=now()) for n in range(MEMBERS)]
        s.add_all(members)
        for number in range(4):
            service.post_item(
                s, kind="course", ref_id=number, title="课程", host="", category="online_course", hours_100=100,
                compulsory=False, parts=[service.PartFacts(ref_id=1, timeline_id=number, title="一", length_ms=3_600_000)],
            )  # fmt: skip
        s.flush()
        parts = list(s.scalars(sa.select(StudyPart.id).order_by(StudyPart.id)))
        watchers = []
        for number, member in enumerate(members):
            ticket = service.open_play_session(
                s, keys, member_id=member.id, part_id=parts[number % 4], device="bench", now=now()
            )
            watchers.append(Watcher(member.id, ticket.part_id, ticket.token, time.time()))
    db.close()
    return watchers


def _lost(settings: Settings, watchers: list[Watcher]) -> int:
    """Members of whom something acknowledged does not stand in the database."""
    db = Database(settings.db_url)
    with db.read() as s:
        rows = s.execute(sa.select(Coverage.member_id, Coverage.intervals))
        stored = {member_id: [(start, end) for start, end in intervals] for member_id, intervals in rows}
    db.close()
    return sum(1 for watcher in watchers if subtract(watcher.acknowledged, stored.get(watcher.member_id, [])))


def _postgres_cpu() -> float:
    mine = [p for p in psutil.Process().children(recursive=True) if p.name().startswith("postgres")]
    return sum(sum(p.cpu_times()[:2]) for p in mine)


@contextmanager
def _databases(folder: Path) -> Iterator[dict[str, str]]:
    import services

    (folder / "pg").mkdir()
    with services.postgresql(folder / "pg") as url:
        yield {"sqlite": f"sqlite:///{folder / 'school.db'}", "postgresql": url}


def _start(settings: Settings, log: Path) -> Any:
    import services
    from school import up

    class Server(services.LiveServer):
        pass

    plain = up.web_command
    services.web_command = lambda s, *, workers=1: (
        [  # type: ignore[attr-defined]
            "bench.heartbeat:server()" if word == "school.wsgi:app" else word for word in plain(s, workers=workers)
        ]
        + ["--pythonpath", str(Path(__file__).parent.parent)]
    )
    made = Server(settings, log)
    made.start()
    return made


def _side(port: int, pid: int, watchers: list[Watcher], *, empty: bool) -> dict[str, Any]:
    load = Load(port, watchers, empty=empty)
    before: list[float] = []
    asyncio.run(load.run(SECONDS, lambda: before.extend([process_cpu(pid), _postgres_cpu(), time.perf_counter()])))
    after = [process_cpu(pid), _postgres_cpu(), time.perf_counter()]
    cpu, postgres, wall = (end - start for start, end in zip(before, after, strict=True))
    return {
        "side": "empty" if empty else "heartbeat",
        "answered": load.answered,
        "per_s": round(load.answered / wall),
        "cpu_us": round(cpu / load.answered * 1e6, 1),
        "postgresql_us": round(postgres / load.answered * 1e6, 1),
    }


def measure() -> Measured:
    import services

    runs: list[dict[str, Any]] = []
    ratios: dict[str, float] = {}
    lost = 0
    with tempfile.TemporaryDirectory() as name, _databases(Path(name)) as urls:
        for database, url in urls.items():
            data = Path(name) / database
            settings = Settings(data=data, database_url=url, port=services.free_port())
            watchers = fill(settings)
            web = _start(settings, Path(name) / f"{database}.log")
            try:
                found: dict[bool, list[float]] = {True: [], False: []}
                for number in range(ROUNDS + 1):
                    for empty in (True, False) if number % 2 else (False, True):
                        run = _side(settings.port, web.process.pid, watchers, empty=empty)
                        if number:  # the first round warms
                            found[empty].append(run["cpu_us"])
                            runs.append({"database": database, **run})
                ratios[database] = sorted(found[False])[ROUNDS // 2] / sorted(found[True])[ROUNDS // 2]
                for _ in range(KILLS):
                    asyncio.run(_load_and_kill(settings.port, watchers, web))
                lost += _lost(settings, watchers)
            finally:
                web.kill()
    notes = {
        "ratios": {name: round(ratio, 3) for name, ratio in ratios.items()},
        "acknowledged_lost": lost,
        "kills": KILLS,
    }
    return Measured(max(ratios.values()), runs, sound=lost == 0, notes=notes)


async def _load_and_kill(port: int, watchers: list[Watcher], web: Any) -> None:
    """Kill the web process in the middle of the load and start it again; the pages go on."""
    load = Load(port, watchers, empty=False)

    async def kill() -> None:
        await load.begun.wait()
        await asyncio.sleep(1)
        await asyncio.to_thread(web.kill)
        await asyncio.to_thread(web.start)

    await asyncio.gather(load.run(4), kill())
