"""Two relays with their packagers share the classes of one school: when the one that carries a class dies, the other does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

import live_kit
import relay_kit
import services
from actors import Actor, Cast
from packager_kit import PackagerProcess, named, rows_of, stream_of
from patience import until
from relay_kit import Loop, Publisher, RelayProcess, Watcher
from school.core.db import Database
from school.core.settings import Settings
from school.core.store import open_store
from school.live import running
from school.live.models import LiveClass
from school.media.models import Segment
from sockets_kit import cookies

CSRF = re.compile(r'<meta name="csrf-token" content="([^"]+)"')


@dataclass
class Node:
    relay: RelayProcess
    packager: PackagerProcess

    def kill(self) -> None:
        self.relay.kill()
        self.packager.kill()


class Visitor:
    """A signed-in page without a browser: it asks for tickets and goes where they lead, as the scripts do."""

    def __init__(self, url: str, settings: Settings, db: Database, actor: Actor, live: LiveClass) -> None:
        self.url, self.live_id = url, live.id
        self.session = requests.Session()
        name, _, value = cookies(settings, db, [actor.account_id])[0].partition("=")
        self.session.cookies.set(name, value, domain="127.0.0.1", path="/")
        found = CSRF.search(self.session.get(f"{url}/", timeout=20).text)
        assert found
        self.session.headers.update({"X-CSRFToken": found[1], "Accept": "application/json"})

    def ticket(self, want: str) -> dict[str, Any]:
        answer = self.session.post(f"{self.url}/live/{self.live_id}/tickets", json={"want": want}, timeout=20)
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def publisher(self, loop: Loop) -> Publisher:
        """Ask and come, until a relay takes us."""

        def come() -> Publisher | None:
            ticket = self.ticket("publish")
            made = Publisher(self.url + ticket["whip"], ticket["token"], loop)
            return made if made.connect() else None

        return until(come, what="a relay for the publisher")  # type: ignore[no-any-return]

    def watcher(self, loop: Loop) -> Watcher:
        def come() -> Watcher | None:
            ticket = self.ticket("watch")
            made = Watcher(self.url + ticket["whep"], ticket["token"], loop, sounds=1, pictures=2)
            return made if made.connect() else None

        return until(come, what="a relay for the viewer")  # type: ignore[no-any-return]


@pytest.fixture
def nodes(settings: Settings, tmp_path: Path, db: Database) -> Iterator[dict[str, Node]]:
    settings = replace(settings, live_advertise="127.0.0.1")
    settings.data.mkdir()
    open_store(settings).prepare()
    made = {}
    for name in ("a", "b"):
        mine = replace(settings, live_node=name, relay_port=services.free_port(), packager_port=services.free_port())
        made[name] = Node(
            RelayProcess(mine, tmp_path / f"relay-{name}.log"), PackagerProcess(mine, tmp_path / f"packager-{name}.log")
        )
    parts = [part for node in made.values() for part in (node.relay, node.packager)]
    try:
        with ThreadPoolExecutor() as at_once:
            list(at_once.map(lambda part: part.start(), parts))
        yield made
    finally:
        for node in made.values():
            node.kill()


def listed(visitor: Visitor, address: str) -> dict[int, str]:
    """Numbers and names of what the hall's playlist offers; nothing while nobody answers."""
    answer = visitor.session.get(visitor.url + address, timeout=20)
    if not answer.ok:
        return {}
    playlist = urljoin(answer.url, named(answer.text, "")[0])
    if playlist.endswith(".m3u8"):
        answer = visitor.session.get(playlist, timeout=20)
        if not answer.ok:
            return {}
    first = int(re.findall(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", answer.text)[0])
    return {first + place: urljoin(answer.url, name) for place, name in enumerate(named(answer.text, ""))}


def stored(db: Database, stream_id: int, rendition: str) -> list[Segment]:
    with db.read() as s:
        return list(s.scalars(rows_of(stream_of(db, stream_id).timeline_id or 0, rendition)))


@pytest.mark.slow
@pytest.mark.parametrize("db_url", ["postgresql"], indirect=True)  # what several machines share
def test_the_other_node_takes_the_class_over(
    settings: Settings,
    db: Database,
    cast: Cast,
    nodes: dict[str, Node],
    live_server: Callable[..., services.LiveServer],
) -> None:
    with db.write() as s:
        live = live_kit.make_class(s, cast)
        stream_id = live.stream_id
        assert stream_id
    server = live_server(settings)
    trainer = Visitor(server.url, settings, db, cast.trainer, live)
    member = Visitor(server.url, settings, db, cast.member, live)
    with relay_kit.loop() as loop:
        early = Watcher(
            f"{nodes['b'].relay.url}/whep/{stream_id}", member.ticket("watch")["token"], loop, sounds=1, pictures=2
        )
        assert early.connect()  # before anybody publishes: now b carries the class
        astray = Publisher(f"{nodes['a'].relay.url}/whip/{stream_id}", trainer.ticket("publish")["token"], loop)
        assert not astray.connect()
        assert (astray.status, astray.error["code"]) == (409, "stream.elsewhere")
        publisher = trainer.publisher(loop)
        assert publisher.address.startswith(server.url)
        until(lambda: nodes["b"].relay.stream(stream_id).get("sources"), what="b has the trainer")
        until(lambda: any(early.seen), what="who came first sees the trainer")
        hall = member.ticket("watch")["hls"]["hall"]
        before = until(lambda: listed(member, hall), what="the hall")
        until(lambda: len(stored(db, stream_id, "source")) > 1, what="something is stored")

        nodes["b"].kill()
        publisher.vanish()
        publisher = trainer.publisher(loop)
        late = member.watcher(loop)
        until(lambda: nodes["a"].relay.stream(stream_id).get("sources"), what="a has the trainer")
        until(lambda: any(late.seen), what="a viewer sees the trainer")
        assert stream_of(db, stream_id).node == "a"
        until(lambda: any(number > max(before) for number in listed(member, hall)), what="the same address goes on")
        after = until(lambda: listed(member, hall))
        assert member.session.get(after[max(after)], timeout=20).ok
        with db.write() as s:
            running.end(s, cast.trainer.person, live.id)
        until(lambda: stream_of(db, stream_id).finished_at, what="closed")
        loop.run(publisher.pc.close())
    for rendition in ("source", "audio"):
        rows = stored(db, stream_id, rendition)
        assert [row.number for row in rows] == list(range(len(rows)))
        assert sorted({row.run for row in rows}) == [0, 1]
        turn = next(row for row in rows if row.run == 1)
        last = rows[turn.number - 1]
        assert turn.wall_ms >= last.wall_ms + last.length_us // 1000, "nothing is recorded twice"
        assert turn.start_ms == pytest.approx(last.start_ms + last.length_us / 1000, abs=2)
