"""WHIP and WHEP as a client meets them: every status, in words, before a single packet flows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

from media_worker.relay import aiortc_hooks as hooks
from patience import until
from relay_kit import SDP, Loop, Publisher, RelayProcess, Watcher, loop, relay
from school.core.db import Database
from school.core.settings import Settings
from school.media import streams
from school.media.models import StreamState

RECVONLY = """v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0
m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=mid:0
a=recvonly
a=rtcp-mux
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
a=rtpmap:96 {codec}
a=fmtp:96 {fmtp}
""".replace("\n", "\r\n")
GOOD = {"codec": "H264/90000", "fmtp": "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"}
HIGH = {"codec": "H264/90000", "fmtp": "packetization-mode=1;profile-level-id=640c1f"}
AV1 = {"codec": "AV1/90000", "fmtp": "level-idx=5"}


def offer(codec: dict[str, str] = GOOD, *, direction: str = "sendonly") -> str:
    return RECVONLY.format(fingerprint=":".join(["AB"] * 32), **codec).replace("recvonly", direction)


@pytest.fixture
def there(settings: Settings) -> Iterator[RelayProcess]:
    with relay(
        settings, live_seats=2, ice_servers='[{"urls": "turn:t.example", "username": "u", "credential": "c"}]'
    ) as r:
        yield r


@pytest.fixture
def looping() -> Iterator[Loop]:
    with loop() as made:
        yield made


def new_stream(db: Database, state: StreamState = StreamState.LIVE) -> int:
    with db.write() as s:
        stream = streams.open_stream(s)
        stream.state = state
        return stream.id


def order(db: Database, stream_id: int, state: StreamState) -> None:
    with db.write() as s:
        streams.set_state(s, stream_id, state)


def post(url: str, token: str | None, text: str = offer(), **headers: str) -> requests.Response:
    sent = {**SDP, **headers}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    return requests.post(url, data=text, headers=sent, timeout=20)


def refused(answer: requests.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    assert any("\u4e00" <= letter <= "\u9fff" for letter in answer.json()["error"]["message"])
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_who_may_publish(db: Database, there: RelayProcess) -> None:
    stream_id, other = new_stream(db), new_stream(db)
    whip = f"{there.url}/whip/{stream_id}"
    refused(post(whip, None), 401, "stream.token")
    refused(post(whip, "k-1-nonsense"), 401, "stream.key")
    refused(post(whip, "a.b.c"), 401, "stream.token")
    assert post(whip, None).headers["WWW-Authenticate"] == "Bearer"
    refused(post(whip, there.token(other, "publish")), 403, "stream.part")
    refused(post(whip, there.token(stream_id, "watch")), 403, "stream.part")
    refused(post(f"{there.url}/whep/{stream_id}", there.token(stream_id, "publish")), 403, "stream.part")
    refused(post(f"{there.url}/whip/99999", there.token(99999, "publish")), 404, "stream.none")
    with db.write() as s:
        key = streams.new_key(s, stream_id)
    refused(post(f"{there.url}/whip/{other}", key), 403, "stream.part")
    answer = post(whip, key)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Content-Type"] == "application/sdp"
    assert answer.headers["Location"].startswith(f"/whip/{stream_id}/")
    assert answer.headers["ETag"]
    assert answer.headers["Link"].startswith('<turn:t.example>; rel="ice-server"; username="u"')
    session = there.url + answer.headers["Location"]
    assert requests.patch(session, timeout=10).status_code == 405
    assert requests.delete(session, timeout=10).status_code == 200
    assert requests.delete(session, timeout=10).status_code == 404
    with db.write() as s:
        streams.new_key(s, stream_id)
    refused(post(whip, key), 401, "stream.key")


def test_what_may_be_sent(db: Database, there: RelayProcess) -> None:
    stream_id = new_stream(db)
    whip, token = f"{there.url}/whip/{stream_id}", there.token(stream_id, "publish")
    refused(post(whip, token, **{"Content-Type": "text/plain"}), 415, "http.415")
    refused(post(whip, token, "v=0\r\nnonsense"), 422, "stream.offer")
    refused(post(whip, token, ""), 422, "stream.offer")
    refused(post(whip, token, "m=video x"), 422, "stream.offer")
    refused(post(whip, token, offer(direction="recvonly")), 422, "stream.offer")
    refused(post(whip, token, offer().replace("a=rtcp-mux\r\n", "")), 422, "stream.offer")
    refused(post(whip, token, offer().replace("m=video", "m=application")), 422, "stream.offer")
    refused(post(whip, token, offer() + "a=x:" + "y" * 70_000), 413, "http.413")
    refused(post(whip, token, offer(HIGH)), 406, "stream.codec")
    refused(post(whip, token, offer(AV1)), 406, "stream.codec")
    refused(post(whip, token, offer({"codec": "VP8/90000", "fmtp": "max-fr=30"})), 406, "stream.codec")
    refused(requests.get(whip, timeout=10), 405, "http.405")
    refused(requests.get(f"{there.url}/nowhere", timeout=10), 404, "http.404")
    assert "application/sdp" in requests.options(whip, timeout=10).headers["Accept-Post"]
    assert post(whip, token).status_code == 201
    assert there.health()["faults"] == 0


def test_states_are_obeyed(db: Database, there: RelayProcess) -> None:
    stream_id = new_stream(db, StreamState.CLOSED)
    whip, whep = f"{there.url}/whip/{stream_id}", f"{there.url}/whep/{stream_id}"
    publish, watch, preview = (there.token(stream_id, part) for part in ("publish", "watch", "preview"))
    see = offer(direction="recvonly")
    refused(post(whip, publish), 409, "stream.not_open")
    refused(post(whep, preview, see), 409, "stream.not_open")
    order(db, stream_id, StreamState.REHEARSAL)
    assert post(whip, publish).status_code == 201
    refused(post(whep, watch, see), 409, "stream.rehearsal")
    assert post(whep, preview, see).status_code == 201
    order(db, stream_id, StreamState.LIVE)
    watching = post(whep, watch, see)
    assert watching.status_code == 201
    session = there.url + watching.headers["Location"]
    assert requests.get(session, timeout=10).status_code == 204
    assert requests.patch(session, json={"want": ["camera"]}, timeout=10).status_code == 204
    refused(requests.patch(session, json={"want": ["mic"]}, timeout=10), 422, "stream.want")
    refused(requests.patch(session, json={"want": 3}, timeout=10), 422, "stream.want")
    refused(requests.patch(session, data="{", timeout=10), 400, "http.400")
    order(db, stream_id, StreamState.PAUSED)
    assert post(whep, there.token(stream_id, "watch", 2), see).status_code == 201
    order(db, stream_id, StreamState.STOPPED)
    until(lambda: requests.get(session, timeout=10).status_code == 404, what="the viewer is dropped")
    until(lambda: there.health()["publishers"] == 0, what="the publisher is dropped")
    refused(post(whip, publish), 409, "stream.not_open")
    refused(post(whep, watch, see), 409, "stream.not_open")


def test_another_node_carries_it(db: Database, there: RelayProcess) -> None:
    stream_id = new_stream(db)
    streams.announce(db, streams.Node("other", "http://127.0.0.1:1", "http://127.0.0.1:2", 10))
    streams.take(db, stream_id, "other")
    refused(post(f"{there.url}/whip/{stream_id}", there.token(stream_id, "publish")), 409, "stream.elsewhere")
    streams.withdraw(db, "other")
    assert post(f"{there.url}/whip/{stream_id}", there.token(stream_id, "publish")).status_code == 201
    streams.announce(db, streams.Node("other", "http://127.0.0.1:1", "http://127.0.0.1:2", 10))
    with db.write() as s:
        streams.stream(s, stream_id).node = "other"
    until(lambda: there.health()["publishers"] == 0, what="what was taken over is let go")


def test_seats_and_second_publishers(db: Database, there: RelayProcess, looping: Loop) -> None:
    stream_id = new_stream(db)
    whip, whep = f"{there.url}/whip/{stream_id}", f"{there.url}/whep/{stream_id}"
    first = Publisher(whip, there.token(stream_id, "publish", 1), looping)
    assert first.connect()
    second = Publisher(whip, there.token(stream_id, "publish", 2), looping)
    assert not second.connect()
    assert (second.status, second.error["code"]) == (409, "stream.taken")
    again = Publisher(whip, there.token(stream_id, "publish", 1), looping)
    assert again.connect(), again.error
    until(lambda: first.pc.connectionState == "closed", what="the earlier session of the same account ends")
    viewers = [Watcher(whep, there.token(stream_id, "watch", n), looping) for n in (3, 4)]
    assert all(viewer.connect() for viewer in viewers)
    late = Watcher(whep, there.token(stream_id, "watch", 5), looping)
    assert not late.connect()
    assert (late.status, late.error["code"]) == (503, "stream.full")
    trainer = Watcher(whep, there.token(stream_id, "preview", 1), looping)
    assert trainer.connect(), "a preview needs no seat of the members"
    assert viewers[0].delete() == 200
    assert viewers[1].delete() == 200
    assert late.connect(), late.error
    again.vanish()
    assert not second.connect(), "not at once: the line may come back"
    until(second.connect, what="a silent publisher is displaced")
    for one in (second, late, trainer, *viewers):
        one.close()


def test_the_seat_is_free_after_the_relay_started_anew(db: Database, settings: Settings, looping: Loop) -> None:
    with relay(settings) as first:
        stream_id = new_stream(db)
        publisher = Publisher(f"{first.url}/whip/{stream_id}", first.token(stream_id, "publish"), looping)
        assert publisher.connect()
        first.kill()
        first.start()  # the same node takes its stream again, under the same epoch
        once_more = Publisher(publisher.url, publisher.token, looping)
        assert once_more.connect(), once_more.error
        assert first.stream(stream_id)["epoch"] == 1
        first.stop()
        with db.read() as s:
            assert streams.carrier(s, stream_id) is None, "a clean end gives the streams up"
    with relay(replace(settings, live_node="second")) as other:
        elsewhere = Publisher(f"{other.url}/whip/{stream_id}", other.token(stream_id, "publish"), looping)
        assert elsewhere.connect(), elsewhere.error
        assert other.stream(stream_id)["epoch"] == 2
        for one in (publisher, once_more, elsewhere):
            one.close()


def test_who_was_hung_up_is_heard_no_longer(db: Database, there: RelayProcess, looping: Loop) -> None:
    stream_id = new_stream(db)
    whip = f"{there.url}/whip/{stream_id}"

    def call(speakers: dict[int, int]) -> None:
        with db.write() as s:
            streams.set_speakers(s, stream_id, speakers)

    def speaker(account_id: int) -> Publisher:
        return Publisher(whip, there.token(stream_id, "speak-1", account_id), looping, pictures=0)

    uncalled = speaker(7)
    assert not uncalled.connect()
    assert (uncalled.status, uncalled.error["code"]) == (403, "stream.not_called")
    call({1: 7})
    assert uncalled.connect(), uncalled.error
    call({1: 8})
    until(lambda: there.health()["publishers"] == 0, what="a browser that goes on sending is parted from")
    assert not uncalled.connect(), "its ticket opens the place no longer"
    following = speaker(8)
    assert following.connect(), following.error
    call({})
    until(lambda: there.health()["publishers"] == 0)
    for one in (uncalled, following):
        one.close()


def test_a_new_stream_key_takes_the_class_back(db: Database, there: RelayProcess, looping: Loop) -> None:
    stream_id = new_stream(db)
    whip = f"{there.url}/whip/{stream_id}"

    def new_key() -> str:
        with db.write() as s:
            return streams.new_key(s, stream_id)

    stranger = Publisher(whip, new_key(), looping)
    assert stranger.connect(), stranger.error
    trainer = Publisher(whip, there.token(stream_id, "publish", 1), looping)
    assert not trainer.connect()
    key = new_key()
    until(lambda: there.health()["publishers"] == 0, what="who came with the old key is parted from")
    assert trainer.connect(), trainer.error
    trainer.close()
    encoder = Publisher(whip, key, looping)
    until(encoder.connect)
    encoder.close()


@pytest.mark.parametrize("body", ['{"want": [[]]}', '{"want": ' + "[" * 30_000, '{"want": [{}]}'])
@pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)
def test_whatever_is_wanted_is_no_fault(db: Database, there: RelayProcess, body: str) -> None:
    stream_id = new_stream(db)
    see = offer(direction="recvonly")
    session = (
        there.url + post(f"{there.url}/whep/{stream_id}", there.token(stream_id, "watch"), see).headers["Location"]
    )
    assert requests.patch(session, data=body, timeout=10).status_code in (400, 422)
    assert there.health()["faults"] == 0


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_no_offer_points_the_relay_at_a_third_party(end: str) -> None:
    """aiortc takes more signs than a line feed for the end of a line."""
    hidden = f"a=x{end}a=candidate:1 1 udp 2130706431 10.0.0.1 5000 typ host\r\n"
    text = hooks.uncandidated(offer(direction="recvonly") + hidden)
    assert [media.ice_candidates for media in hooks.parse(text).media] == [[]]
