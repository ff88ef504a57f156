"""Tickets, and the ways to picture and sound through the school's own origin, before a real HTTP server as the node."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

import node_kit
from actors import Actor, Cast
from clients import SchoolClient
from live_kit import make_class
from node_kit import Node
from school.core.db import Database
from school.live import hall, ways
from school.live.models import LiveClass, LiveHand, LiveState
from school.media import streams
from school.media.models import StreamState
from school.media.stream_tokens import unseal


@pytest.fixture
def node(db: Database) -> Iterator[Node]:
    """A living node `main` of the test's database."""
    with node_kit.running(db) as made:
        yield made


@pytest.fixture
def live(db: Database, cast: Cast) -> LiveClass:
    """A class on the air, for the members of one branch."""
    with db.write() as s:
        return make_class(s, cast, audience=(cast.branch_id,))


def carried(db: Database, live: LiveClass) -> int:
    assert live.stream_id
    streams.take(db, live.stream_id, "main")
    return live.stream_id


def ticket(client: SchoolClient, actor: Actor | None, live: LiveClass, want: object = "watch") -> tuple[int, dict]:  # type: ignore[type-arg]
    client.act_as(actor)
    answer = client.post(f"/live/{live.id}/tickets", json={"want": want})
    return answer.status_code, answer.get_json() or {}


# ── tickets ──────────────────────────────────────────────


def test_a_ticket_to_watch_says_all_that_a_player_needs(
    client: SchoolClient, app: Flask, cast: Cast, db: Database, live: LiveClass, node: Node
) -> None:
    stream_id = carried(db, live)
    status, given = ticket(client, cast.member, live)
    assert status == 200
    assert unseal(app.extensions["school"].keys, given["token"])[:3] == (stream_id, "watch", cast.member.account_id)
    assert (given["whep"], given["seats"], given["ice_servers"]) == (f"/whep/{stream_id}", 60, [])
    assert set(given["hls"]) == {"low", "hall", "sound"}
    assert "whip" not in given


@pytest.mark.parametrize(
    ("state", "want", "who", "status"),
    [
        (LiveState.LIVE, "watch", "outsider", 404),
        (LiveState.LIVE, "watch", "reviewer", 200),
        (LiveState.APPROVED, "watch", "member", 409),
        (LiveState.PAUSED, "watch", "member", 200),
        (LiveState.ENDED, "watch", "member", 409),
        (LiveState.STOPPED, "watch", "reviewer", 409),
        (LiveState.LIVE, "publish", "trainer", 200),
        (LiveState.APPROVED, "screen", "trainer", 200),
        (LiveState.IN_REVIEW, "publish", "trainer", 409),
        (LiveState.LIVE, "publish", "member", 403),
        (LiveState.LIVE, "preview", "reviewer", 403),
        (LiveState.LIVE, "speak", "member", 403),
        (LiveState.LIVE, "everything", "member", 422),
        (LiveState.LIVE, None, "member", 422),
    ],
)
def test_who_gets_a_ticket_for_what(
    client: SchoolClient, cast: Cast, db: Database, state: LiveState, want: object, who: str, status: int
) -> None:
    with db.write() as s:
        live = make_class(s, cast, state=state, audience=(cast.branch_id,))
    assert ticket(client, cast[who], live, want)[0] == status


def test_only_the_called_member_speaks_and_in_their_place(
    client: SchoolClient, app: Flask, cast: Cast, db: Database, live: LiveClass
) -> None:
    with db.write() as s:
        for actor, state, slot in ((cast.member, "called", 2), (cast.secretary, "raised", None)):
            s.add(LiveHand(class_id=live.id, account_id=actor.account_id, raised_ms=1, state=state, slot=slot))
    status, given = ticket(client, cast.member, live, "speak")
    assert status == 200
    assert unseal(app.extensions["school"].keys, given["token"]).part == "speak-2"
    assert given["whip"] == f"/whip/{live.stream_id}"
    assert ticket(client, cast.secretary, live, "speak")[0] == 403


# ── WHIP and WHEP ────────────────────────────────────────


def test_an_offer_reaches_the_relay_and_its_session_comes_back_on_our_origin(
    client: SchoolClient, db: Database, live: LiveClass, node: Node
) -> None:
    stream_id = carried(db, live)
    answer = client.post(
        f"/whip/{stream_id}", data=b"v=0 offer", csrf=False,
        headers={"Authorization": "Bearer t", "Content-Type": "application/sdp", "Cookie": "school=secret"},
    )  # fmt: skip
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/whip/{stream_id}/s-1")
    assert answer.headers["ETag"] == '"e1"'
    assert "Set-Cookie" not in answer.headers
    assert node.asked == [("POST", f"/whip/{stream_id}", "Bearer t", b"v=0 offer")]
    assert client.delete(answer.headers["Location"], csrf=False).status_code == 200
    assert client.patch(f"/whep/{stream_id}/s-1", json={"want": ["screen"]}, csrf=False).status_code == 200
    assert [(method, path) for method, path, _, _ in node.asked[1:]] == [
        ("DELETE", f"/whip/{stream_id}/s-1"), ("PATCH", f"/whep/{stream_id}/s-1"),
    ]  # fmt: skip


def test_without_a_living_node_everybody_is_told_to_wait(client: SchoolClient, live: LiveClass) -> None:
    answer = client.post(f"/whep/{live.stream_id}", data=b"offer", csrf=False)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (503, "stream.no_node")


def test_a_node_that_fell_is_no_fault_of_the_school(client: SchoolClient, db: Database, live: LiveClass) -> None:
    streams.announce(db, streams.Node("main", "http://127.0.0.1:9", "http://127.0.0.1:9", 100))
    stream_id = carried(db, live)
    answer = client.post(f"/whip/{stream_id}", data=b"offer", csrf=False)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (503, "stream.no_node")
    assert client.post("/whip/999999", csrf=False).status_code == 404
    assert client.delete(f"/whip/{stream_id}/..%2F..%2Fx", csrf=False).status_code == 404


# ── HLS ──────────────────────────────────────────────────


def addresses(app: Flask, stream_id: int) -> dict[str, str]:
    return hall.addresses(app.extensions["school"].keys, stream_id)


def test_a_hall_is_one_fetch_of_a_segment(
    client: SchoolClient, app: Flask, db: Database, live: LiveClass, node: Node
) -> None:
    stream_id = carried(db, live)
    segment = addresses(app, stream_id)["hall"].replace("hall.m3u8", "hall/video-7a-7.m4s")
    node.open.clear()  # everybody asks while the first one waits

    def fetch(_: int) -> tuple[int, bytes]:
        answer = app.test_client().get(segment)
        return answer.status_code, answer.data

    with ThreadPoolExecutor(12) as pool:
        asking = [pool.submit(fetch, n) for n in range(12)]
        while not node.asked:
            time.sleep(0.01)
        node.open.set()
        found = {each.result() for each in asking}
    assert found == {(200, f"answer to /hls/{stream_id}/hall/video-7a-7.m4s".encode())}
    assert client.get(segment).headers["Content-Type"] == "video/iso.segment"
    assert len(node.asked) == 1


def test_a_playlist_is_asked_for_anew_with_its_directives_and_nothing_else(
    client: SchoolClient, app: Flask, db: Database, live: LiveClass, node: Node
) -> None:
    low = addresses(app, carried(db, live))["low"].replace("low.m3u8", "low/video.m3u8")
    directives = "?seat=a1&_HLS_msn=4&_HLS_part=1"
    for query in (directives, directives, "?evil=1"):
        assert client.get(low + query).status_code == 200
    paths = [path for _, path, _, _ in node.asked]
    assert paths == [f"/hls/{live.stream_id}/low/video.m3u8{query}" for query in (directives, directives, "")]


def test_a_forged_address_opens_nothing(
    client: SchoolClient, app: Flask, db: Database, live: LiveClass, node: Node
) -> None:
    stream_id = carried(db, live)
    good = addresses(app, stream_id)["hall"]
    _, _, _, expiry, signature, _ = good.split("/")
    for wrong in (
        good.replace(f"/hls/{stream_id}/", f"/hls/{stream_id + 1}/"),
        f"/hls/{stream_id}/{int(expiry) + 1}/{signature}/hall.m3u8",
        f"/hls/{stream_id}/{expiry}/k1.{'A' * 24}/hall.m3u8",
    ):
        answer = client.get(wrong)
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (403, "stream.address"), wrong
    assert client.get(f"/hls/{stream_id}/{expiry}/{signature}/%2e%2e%2fwhip").status_code == 404
    assert node.asked == []


def test_a_stopped_class_is_closed_even_to_signed_addresses(
    client: SchoolClient, app: Flask, db: Database, live: LiveClass, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "FRESH", 0.0)
    stream_id = carried(db, live)
    segment = addresses(app, stream_id)["hall"].replace("hall.m3u8", "7.m4s")
    answer = client.get(segment)
    assert answer.status_code == 200
    assert int(answer.headers["X-Accel-Expires"]) <= 4, "a proxy in front may not go on for long"
    with db.write() as s:
        streams.set_state(s, stream_id, StreamState.ENDED)
    assert client.get(segment).status_code == 200, "who watches some seconds late sees the end"
    with db.write() as s:
        streams.set_state(s, stream_id, StreamState.STOPPED)
    assert client.get(segment).status_code == 404


def test_rehearsals_are_not_shown(client: SchoolClient, app: Flask, db: Database, live: LiveClass) -> None:
    assert live.stream_id
    with db.write() as s:
        streams.stream(s, live.stream_id).state = StreamState.REHEARSAL
    assert client.get(addresses(app, live.stream_id)["low"]).status_code == 404
