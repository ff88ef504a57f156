"""The room's connections on the real web process: coming in, being refused, coming back, and the traps of the trade."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import gevent
import gevent.socket
import pytest
import requests
import socketio
from flask import Flask

import live_kit
import services
from actors import Cast
from patience import PATIENCE_S, until
from school.core.db import Database
from school.core.settings import Settings
from school.live import log
from school.up import web_command
from school.webkit import channel, sockets
from sockets_kit import Room, room

SQLITE = pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)  # where the database does not matter


@pytest.fixture
def server(settings: Settings, live_server: Callable[..., services.LiveServer]) -> services.LiveServer:
    return live_server(settings)


@pytest.fixture
def here(server: services.LiveServer, db: Database, cast: Cast) -> Iterator[Room]:
    """The room of a class that is on, for everybody."""
    with db.write() as s:
        class_id = live_kit.make_class(s, cast).id
    with room(server.settings, db, server.url, class_id) as made:
        yield made


def write(db: Database, class_id: int, texts: list[str]) -> None:
    """Lines that another process has written."""
    with db.write() as s:
        for text in texts:
            log.append(s, class_id, "said", {"message": 0, "text": text})


def test_a_word_reaches_everybody_once_and_who_comes_back_hears_what_was_missed(here: Room, cast: Cast) -> None:
    member, trainer = here.enter(cast.member), here.enter(cast.trainer, side="desk")
    assert member.welcome["me"]["name"] == "王建国"
    assert member.welcome["me"]["branch"] == "河东村"
    assert member.welcome["class"]["trainer"] == "周明远"
    answer = member.send("say", {"text": "大家好", "key": "one"})
    assert answer == {"ok": True, "no": 1, "message": answer["message"], "waiting": False}
    assert member.send("say", {"text": "大家好", "key": "one"}) == answer
    trainer.until(trainer.said)
    assert trainer.lines[0]["by"] == {
        "account_id": cast.member.account_id, "name": "王建国", "branch": "河东村", "host": False,
    }  # fmt: skip
    member.until(lambda: member.since == 1)
    member.leave()
    for number in range(3):
        trainer.send("say", {"text": f"第{number}点"})
    back = here.enter(cast.member, since=member.since)
    back.until(lambda: len(back.said()) == 3)
    assert back.said() == ["第0点", "第1点", "第2点"]
    assert "gap" not in back.welcome
    trainer.send("say", {"text": "继续"})
    back.until(lambda: back.said()[-1] == "继续")
    assert len(back.said()) == 4
    trainer.until(lambda: len(trainer.said()) == 5)
    assert trainer.said() == ["大家好", "第0点", "第1点", "第2点", "继续"]


def test_what_is_for_one_person_is_told_to_nobody_else(here: Room, cast: Cast) -> None:
    member, other, desk = here.enter(cast.member), here.enter(cast.outsider), here.enter(cast.trainer, side="desk")
    assert member.send("hand", {"up": True})["ok"]
    assert other.send("say", {"text": "我在"})["ok"]
    for guest in (member, other, desk):
        guest.until(guest.said)
    assert member.kinds() == ["hand", "said"]
    assert other.kinds() == ["said"]
    assert desk.kinds() == ["hand", "said"]
    late = here.enter(cast.secretary)
    late.until(late.said)  # in the welcome, or in the tick that makes up for the second it may be old
    assert late.kinds() == ["said"]


@SQLITE
def test_strangers_are_refused_with_a_sentence_and_hear_nothing(here: Room, db: Database, cast: Cast) -> None:
    with db.write() as s:
        closed = live_kit.make_class(s, cast, audience=(cast.branch_id,)).id
    member = here.enter(cast.member)
    cases = [
        (here.guest(None), "person.sign_in"),
        (here.guest(cast.member, side="desk"), "live.desk"),
        (here.guest(cast.member, side="stage"), "live.body"),
        (here.guest(cast.outsider), "live.missing"),
        (here.guest(cast.outsider), "live.missing"),
    ]
    cases[-2][0].class_id, cases[-1][0].class_id = closed, 2**62
    for guest, code in cases:
        with pytest.raises(socketio.exceptions.ConnectionError):
            guest.connect()
        assert guest.refusal is not None
        error = guest.refusal["data"]["error"]
        assert error["code"] == code
        assert error["message"]
    member.send("say", {"text": "里面的话"})
    member.until(member.said)
    assert not [guest for guest, _ in cases if guest.lines or guest.welcomes]
    wire = here.wire(None)  # who goes on sending after the refusal is not let in either
    wire.frame()
    wire.send('40/live,{"class":1}')
    assert wire.frame().startswith("44/live,")
    wire.send('42/live,7["say",{"text":"外面的话"}]')
    wire.send("1")
    assert wire.ended()
    assert member.said() == ["里面的话"]


@SQLITE
def test_foreign_origins_and_other_transports_are_refused(here: Room, cast: Cast) -> None:
    assert here.wire(cast.member, headers="Origin: https://elsewhere.example\r\n").head.startswith("HTTP/1.1 400")
    assert here.wire(cast.member, headers=f"Origin: {here.url}\r\n").enter(here.class_id)
    assert requests.get(f"{here.url}/socket.io/?EIO=4&transport=polling", timeout=10).status_code == 400
    with requests.Session() as http:
        client = socketio.Client(reconnection=False, request_timeout=PATIENCE_S, http_session=http)
        with pytest.raises(socketio.exceptions.ConnectionError):
            client.connect(here.url, transports=["polling"], namespaces=["/live"])


@SQLITE
def test_no_compression_is_agreed_on(here: Room, cast: Cast) -> None:
    """Trap B: it would cost a hundred kilobytes a connection."""
    wire = here.wire(cast.member, headers="Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")
    assert wire.head.startswith("HTTP/1.1 101")
    assert "permessage-deflate" not in wire.head
    assert wire.enter(here.class_id)["class"]["id"] == here.class_id


def test_the_web_process_takes_more_than_a_thousand_connections(settings: Settings) -> None:
    """Trap C: gunicorn's own limit is 1000."""
    command = web_command(settings)
    assert int(command[command.index("--worker-connections") + 1]) >= 10_000
    assert int(command[command.index("--backlog") + 1]) >= 4096


@SQLITE
def test_a_slow_reader_gets_every_byte_in_order(here: Room, db: Database, cast: Cast) -> None:
    """Trap A: a short write must not tear the stream."""
    slow = here.wire(cast.member, window=4096)
    slow.enter(here.class_id)
    quick = here.enter(cast.secretary)
    texts = [
        f"{number}：" + "慢" * 3000 for number in range(60)
    ]  # half a megabyte: more than the kernel's buffers hold
    for start in range(0, 60, 30):
        write(db, here.class_id, texts[start : start + 30])
        quick.until(lambda start=start: len(quick.said()) == start + 30)  # the slow one holds nobody up
    read: list[str] = []
    while len(read) < 60:
        read += [line["body"]["text"] for line in slow.event("tick")["events"]]
    assert read == texts == quick.said()
    slow.send("42/live,1" + '["say",{"text":"读完了"}]')
    quick.until(lambda: quick.said()[-1] == "读完了")


@SQLITE
def test_who_reads_nothing_is_let_go_and_the_others_go_on(
    here: Room, server: services.LiveServer, db: Database, cast: Cast
) -> None:
    """Trap D: a queue without end is the whole process's memory."""
    stuck = here.wire(cast.member, window=4096)
    stuck.enter(here.class_id)
    quick = here.enter(cast.secretary)
    sent = 0
    while "socket dropped" not in server.log.read_text():
        assert sent < 400, "it was never let go"
        write(db, here.class_id, [f"{sent}：" + "快" * 3000 for sent in range(sent, sent + 20)])
        sent += 20
        quick.until(lambda due=sent: len(quick.said()) == due)
    assert stuck.ended()
    assert quick.send("say", {"text": "还在"})["ok"]
    quick.until(lambda: quick.said()[-1] == "还在")
    assert '"why": "slow"' in server.log.read_text()


def test_somebody_who_never_comes_in_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "SILENT_S", 0.01)
    with ExitStack() as stack:
        (near, far), (guest, welcome) = [[stack.enter_context(each) for each in socket.socketpair()] for _ in range(2)]

        def serve() -> None:  # gevent has a loop of its own in each thread
            channel.Channel(near, None)
            channel.Channel(guest, None).welcome = True
            gevent.sleep(0.1)
            gevent.get_hub().destroy(destroy_loop=True)

        with ThreadPoolExecutor(1) as pool:
            pool.submit(serve).result()
        far.settimeout(10)
        assert far.recv(1) == b""
        welcome.setblocking(False)
        with pytest.raises(BlockingIOError):
            welcome.recv(1)


def test_the_engine_leaves_pings_to_the_heart_and_forgets_who_is_lost(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that answers stays; one that never does is let go, and nothing of it is kept."""
    for module in (channel, sockets):
        monkeypatch.setattr(module, "BEAT_S", 0.01)
    made = sockets.install(Flask("engine"), settings)
    engine = made.server.eio

    def connect() -> tuple[gevent.socket.socket, gevent.Greenlet[..., None]]:
        near, far = gevent.socket.socketpair()
        environ = {
            "REQUEST_METHOD": "GET", "QUERY_STRING": "EIO=4&transport=websocket", "HTTP_CONNECTION": "Upgrade",
            "HTTP_UPGRADE": "websocket", "HTTP_HOST": "school", "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
            "HTTP_SEC_WEBSOCKET_VERSION": "13", "gunicorn.socket": near,
        }  # fmt: skip

        def serve() -> None:
            with pytest.raises(StopIteration):
                engine.handle_request(environ, None)

        return far, gevent.spawn(serve)

    def serve() -> None:
        (deaf, dropped), (alive, served) = connect(), connect()

        def more() -> bytes:
            came: bytes = alive.recv(4096)
            assert came, "who answers was let go"
            return came

        data = b""
        while not dropped.ready() or data.count(b"\x81\x012") < 5:  # more than twice as long as it takes to be lost
            data += more()
            if data.endswith(b"\x81\x012"):
                alive.sendall(b"\x81\x81" + bytes(4) + b"3")
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in data  # the answer of RFC 6455's own example
        assert len(engine.sockets) == len(made.server.environ) == 1
        alive.sendall(b"\x81\x8b" + bytes(4) + b"40/nowhere,")  # and the engine has not given it up either
        while b"44/nowhere," not in data:
            data += more()
        deaf.close()
        alive.close()
        served.join()
        assert not engine.sockets
        assert not made.server.environ
        gevent.get_hub().destroy(destroy_loop=True)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(serve).result()


@SQLITE
def test_nonsense_ends_its_sender_alone(here: Room, server: services.LiveServer, cast: Cast) -> None:
    quick = here.enter(cast.secretary)
    nonsense: list[tuple[str | bytes, int]] = [
        ("", 0x81), ("x", 0x81), ("2probe", 0x81), ("5", 0x81), ("b4AAA", 0x81), (b"\xff\xfe", 0x81), (b"\x00", 0x82),
        ("4", 0x81), ("4x", 0x81), ("49", 0x81), ("42", 0x81), ("42/live,", 0x81), ("42/live,{}", 0x81),
        ("42/live,[]", 0x81), ("42/live,[{}]", 0x81), ("42/live,[null,1]", 0x81), ("42/live," + "[" * 9000, 0x81),
        ("42/live,9" * 50, 0x81), ("451-/live,[\"say\",{\"_placeholder\":true,\"num\":0}]", 0x81), ("44/live,1", 0x81),
        ("43/live,1[]", 0x81), ("40/live,", 0x81), ("40/live,[]", 0x81), ("40/nowhere,", 0x81), ("41/live,", 0x81),
        ("42/live,1[\"say\",1]", 0x81), ("42/live,1[\"say\"]", 0x81), ("42/live,1[\"say\",{},{}]", 0x81),
        ("42/live,1[\"connect\",{\"class\":1}]", 0x81), ("42/live,1[\"disconnect\"]", 0x81), ("x" * 100_000, 0x81),
        (b"", 0x83), (b"\x03", 0x88), (b"x" * 200, 0x89), (b"x" * 90, 0x01), (b"", 0xC1),
    ]  # fmt: skip
    for text, kind in nonsense:
        wire = here.wire(cast.member)
        wire.enter(here.class_id)
        try:
            wire.send(text, kind)
            wire.send('42/live,5["say",{"text":"还能说"}]')
        except ConnectionError:
            pass
        wire.close()
    began = time.monotonic()
    flood = here.wire(cast.member)
    flood.enter(here.class_id)
    with pytest.raises((ConnectionError, TimeoutError)):
        flood.send_for_ever('42/live,["say",{"text":"刷屏"}]')
    assert quick.send("say", {"text": "一切照旧"})["ok"]
    quick.until(lambda: "一切照旧" in quick.said())
    rate, most = channel.EVENTS  # what is allowed in that time, however long this machine took
    assert quick.said().count("刷屏") <= most + rate * (time.monotonic() - began)
    until(lambda: here.enter(cast.trainer, side="desk").send("roster")["branches"][0]["present"] == 1)
    said = server.log.read_text()
    assert "Traceback" not in said
    assert '"level": "error"' not in said
