"""People in a class's room for tests: real Socket.IO clients on the real web process, signed in without the form."""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import socketio
import websocket
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

import actors
import services
from actors import Actor, Cast
from patience import PATIENCE_S
from school.core.db import Database
from school.core.keys import load_keys
from school.core.settings import Settings
from school.core.store import open_store
from school.core.time import now
from school.org.models import Account, Member, Organization, OrgType, SignIn
from school.org.sign_ins import token_hash
from school.tables import Base


def cookies(settings: Settings, db: Database, account_ids: list[int]) -> list[str]:
    """A `Cookie` header for a fresh sign-in of each account."""
    app = Flask("cookies")
    app.secret_key = load_keys(settings).current[1]
    sealer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert sealer is not None
    tokens = [secrets.token_urlsafe(16) for _ in account_ids]
    with db.write() as s:
        s.add_all(
            SignIn(
                token_hash=token_hash(token), account_id=account_id, device="Chromium", address="127.0.0.1",
                created_at=now(), seen_at=now(), expires_at=now() + timedelta(days=1),
            )
            for token, account_id in zip(tokens, account_ids, strict=True)
        )  # fmt: skip
    return [f"school={sealer.dumps({'token': token})}" for token in tokens]


@contextmanager
def school(folder: Path, *, database_url: str = "") -> Iterator[tuple[services.LiveServer, Database, Cast]]:
    """A running school of its own in `folder`, on SQLite unless said otherwise, with the cast of the tests."""
    settings = Settings(data=folder, database_url=database_url, host="127.0.0.1", port=services.free_port())
    db = Database(settings.db_url)
    Base.metadata.create_all(db.engine)
    open_store(settings).prepare()
    server = services.LiveServer(settings, folder / "web.log")
    try:
        cast = actors.build(db)
        server.start()
        yield server, db, cast
    finally:
        server.stop()
        db.close()


def members(db: Database, cast: Cast, people: int) -> list[int]:
    """Accounts of so many members in branches of fifty below the town."""
    with db.write() as s:
        town = s.get_one(Organization, cast.town_id)
        branches = [
            Organization(
                code=f"b{number}", name=f"中共第{number}村支部委员会", short_name=f"第{number}村", kind=OrgType.BRANCH,
                parent_id=town.id, path=f"{town.path}{number + 100:03}.", sort_no=number,
            )
            for number in range(-(-people // 50))
        ]  # fmt: skip
        s.add_all(branches)
        s.flush()
        made = [
            Member(org_id=branches[number // 50].id, name=f"学员{number}", created_at=now()) for number in range(people)
        ]
        s.add_all(made)
        s.flush()
        accounts = [
            Account(
                login=f"m{number}", name=member.name, member_id=member.id, password_hash="-",
                must_change_password=False, created_at=now(),
            )
            for number, member in enumerate(made)
        ]  # fmt: skip
        s.add_all(accounts)
        s.flush()
        return [account.id for account in accounts]


class Guest:
    """One connection to a room: everything it has heard, and how to say something."""

    def __init__(
        self, url: str, class_id: int, cookie: str = "", *, side: str = "room", since: int | None = None
    ) -> None:
        self.url, self.class_id, self.cookie, self.side = url, class_id, cookie, side
        self.since = since
        self.welcomes: list[dict[str, Any]] = []
        self.ticks: list[dict[str, Any]] = []
        self.lines: list[dict[str, Any]] = []
        self.heard: list[tuple[str, Any]] = []
        self.doubled: list[dict[str, Any]] = []
        self.refusal: dict[str, Any] | None = None
        self.news = threading.Condition()
        self.opened: list[websocket.WebSocket] = []  # the client forgets one whose server falls before the first word
        self.client = socketio.Client(
            reconnection=False, request_timeout=PATIENCE_S, websocket_extra_options={"class_": self._open}
        )
        for event, take in (("welcome", self._welcome), ("tick", self._tick), ("connect_error", self._refused)):
            self.client.on(event, take, namespace="/live")
        for event in ("counted", "notice"):
            self.client.on(event, lambda body, event=event: self._note(event, body), namespace="/live")

    def connect(self, **headers: str) -> Guest:
        """Come in; raises socketio's ConnectionError when refused (see `refusal`)."""
        if self.cookie:
            headers["Cookie"] = self.cookie
        self.client.connect(
            self.url, headers=headers, transports=["websocket"], namespaces=["/live"],
            auth={"class": self.class_id, "since": self.since, "side": self.side}, wait_timeout=PATIENCE_S,
        )  # fmt: skip
        self.until(lambda: self.welcomes)
        return self

    @property
    def welcome(self) -> dict[str, Any]:
        return self.welcomes[-1]

    def send(self, event: str, body: dict[str, Any] | None = None, *, timeout: float = PATIENCE_S) -> dict[str, Any]:
        """Do something and return the acknowledgement."""
        answer: dict[str, Any] = self.client.call(event, body or {}, namespace="/live", timeout=timeout)
        return answer

    def said(self) -> list[str]:
        """What this guest has read in the discussion, in order."""
        return [line["body"]["text"] for line in self.lines if line["kind"] == "said"]

    def kinds(self) -> list[str]:
        return [line["kind"] for line in self.lines]

    def until(self, true: Callable[[], object], seconds: float = PATIENCE_S) -> None:
        """Wait until `true()`; the limit only ends a broken run."""
        with self.news:
            assert self.news.wait_for(true, seconds), f"it did not happen; heard {self.lines[-5:]}"
            assert not self.doubled, "a line told twice"

    def leave(self) -> None:
        self.client.disconnect()
        for line in self.opened:
            line.shutdown()

    def _open(self, **options: Any) -> websocket.WebSocket:
        self.opened.append(websocket.WebSocket(**options))
        return self.opened[-1]

    def _note(self, event: str, body: Any) -> None:
        with self.news:
            self.heard.append((event, body))
            self.news.notify_all()

    def _welcome(self, body: dict[str, Any]) -> None:
        with self.news:
            self.welcomes.append(body)
            self._take(body["events"])
            self.since = max(self.since or 0, body["no"])
            self.news.notify_all()

    def _tick(self, body: dict[str, Any]) -> None:
        with self.news:
            self.ticks.append(body)
            self._take(body["events"])
            self.since = max(self.since or 0, body["no"])
            self.news.notify_all()

    def _take(self, lines: list[dict[str, Any]]) -> None:
        """python-socketio handles each event in a thread of its own, so their order is put right here (`Wire` has it)."""
        known = {line["no"] for line in self.lines}
        self.doubled += [line for line in lines if line["no"] in known]
        self.lines = sorted((*self.lines, *lines), key=lambda line: line["no"])

    def _refused(self, body: Any) -> None:
        with self.news:
            self.refusal = body
            self.news.notify_all()


class Wire:
    """A web socket by hand: it reads when told to, sends anything at all, and takes every byte it gets seriously."""

    def __init__(self, port: int, cookie: str = "", *, window: int = 0, headers: str = "") -> None:
        self.sock = socket.socket()
        if window:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(("127.0.0.1", port))
        self.sock.sendall(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            f"Cookie: {cookie}\r\n{headers}\r\n".encode()
        )
        self.data = b""
        self.head = self._until(b"\r\n\r\n").decode()

    def _until(self, mark: bytes) -> bytes:
        while mark not in self.data:
            self._more()
        found, _, self.data = self.data.partition(mark)
        return found

    def _more(self) -> None:
        got = self.sock.recv(65536)
        if not got:
            raise EOFError
        self.data += got

    def frame(self) -> str:
        """The next text frame; EOFError when the server has ended the connection."""
        while True:
            while len(self.data) < 2:
                self._more()
            kind, length = self.data[0], self.data[1]
            start = 2
            if length in (126, 127):
                start = 4 if length == 126 else 10
                while len(self.data) < start:
                    self._more()
                length = int.from_bytes(self.data[2:start], "big")
            while len(self.data) < start + length:
                self._more()
            body, self.data = self.data[start : start + length], self.data[start + length :]
            if kind == 0x88:
                raise EOFError
            assert kind == 0x81, f"a corrupt stream: {kind:#x}"
            text = body.decode()
            if text == "2":
                self.send("3")
            else:
                return text

    def send(self, text: str | bytes, kind: int = 0x81) -> None:
        data = text.encode() if isinstance(text, str) else text
        length = len(data)
        if length < 126:
            size = bytes((0x80 | length,))
        else:
            size = b"\xfe" + length.to_bytes(2, "big") if length < 1 << 16 else b"\xff" + length.to_bytes(8, "big")
        self.sock.sendall(bytes((kind,)) + size + bytes(4) + data)  # masked with zeros

    def send_for_ever(self, text: str) -> None:
        """Until the server has had enough."""
        while True:
            self.send(text)

    def enter(self, class_id: int, side: str = "room") -> dict[str, Any]:
        """Come in; the welcome."""
        self.frame()
        self.send("40/live," + json.dumps({"class": class_id, "side": side}))
        return self.event("welcome")

    def event(self, name: str) -> dict[str, Any]:
        """The next event of this name."""
        while True:
            text = self.frame()
            if text.startswith("42/live,"):
                event, body = json.loads(text[8:])
                if event == name:
                    found: dict[str, Any] = body
                    return found

    def ended(self) -> bool:
        """Whether the server ends the connection; what still comes is read."""
        try:
            while True:
                self.frame()
        except (EOFError, ConnectionError):
            return True
        except TimeoutError:
            return False

    def close(self) -> None:
        self.sock.close()


class Room:
    """Makes guests of one class on one server and sends them away at the end."""

    def __init__(self, settings: Settings, db: Database, url: str, class_id: int) -> None:
        self.settings, self.db, self.url, self.class_id = settings, db, url, class_id
        self.guests: list[Guest] = []
        self.wires: list[Wire] = []

    def wire(self, actor: Actor | None, *, window: int = 0, headers: str = "") -> Wire:
        """A connection by hand, not in the room yet."""
        cookie = cookies(self.settings, self.db, [actor.account_id])[0] if actor else ""
        self.wires.append(Wire(int(self.url.rsplit(":", 1)[1]), cookie, window=window, headers=headers))
        return self.wires[-1]

    def guest(self, actor: Actor | None, *, url: str = "", side: str = "room", since: int | None = None) -> Guest:
        """A person who has not come in yet."""
        cookie = cookies(self.settings, self.db, [actor.account_id])[0] if actor else ""
        made = Guest(url or self.url, self.class_id, cookie, side=side, since=since)
        self.guests.append(made)
        return made

    def enter(self, actor: Actor, *, url: str = "", side: str = "room", since: int | None = None) -> Guest:
        return self.guest(actor, url=url, side=side, since=since).connect()


@contextmanager
def room(settings: Settings, db: Database, url: str, class_id: int) -> Iterator[Room]:
    """A room on the server at `url`; its guests leave at the end."""
    made = Room(settings, db, url, class_id)
    try:
        yield made
    finally:
        for guest in made.guests:
            guest.leave()
        for wire in made.wires:
            wire.close()
