"""Pictures and sound through a real relay: from ffmpeg, Python and Chromium to viewers that decode them, in step."""

from __future__ import annotations

import random
import re
import shutil
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import services
from media_worker.frames import Flag, Kind, Message, Reader, Source, socket_path
from patience import PATIENCE_S, until
from relay_kit import (
    Loop,
    Publisher,
    RelayProcess,
    Watcher,
    loop,
    onsets,
    publish_ffmpeg,
    relay,
)  # fmt: skip
from school.core.db import Database
from school.core.settings import Settings
from school.media import streams
from school.media.models import StreamState

MIC, SCREEN, CAMERA, SMALL = 0, 4, 5, 6  # sections of a viewer's offer
BRIGHT, LOUD = 120, 0.05


class School:
    """A relay with its database; `lesson()` is a new stream."""

    def __init__(self, relay: RelayProcess, db: Database, loop: Loop) -> None:
        self.relay, self.db, self.loop = relay, db, loop
        self.guests: list[Publisher | Watcher] = []  # of the test that runs

    def stream(self, state: StreamState = StreamState.LIVE) -> int:
        with self.db.write() as s:
            made = streams.open_stream(s)
            made.state = state
            return made.id

    def order(self, stream_id: int, state: StreamState) -> None:
        with self.db.write() as s:
            streams.set_state(s, stream_id, state)

    def call(self, stream_id: int, speakers: dict[int, int]) -> None:
        with self.db.write() as s:
            streams.set_speakers(s, stream_id, speakers)

    def publisher(self, stream_id: int, part: str = "publish", account_id: int = 1, **options: object) -> Publisher:
        token = self.relay.token(stream_id, part, account_id)  # type: ignore[arg-type]
        made = Publisher(f"{self.relay.url}/whip/{stream_id}", token, self.loop, **options)  # type: ignore[arg-type]
        self.guests.append(made)
        assert made.connect(), made.error
        return made

    def watcher(self, stream_id: int, part: str = "watch", account_id: int = 7, **options: object) -> Watcher:
        token = self.relay.token(stream_id, part, account_id)  # type: ignore[arg-type]
        made = Watcher(f"{self.relay.url}/whep/{stream_id}", token, self.loop, **options)  # type: ignore[arg-type]
        self.guests.append(made)
        assert made.connect(), made.error
        return made


@pytest.fixture(scope="module")
def school(sqlite_tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    data = tmp_path_factory.mktemp("relay")
    shutil.copyfile(sqlite_tables, data / "school.db")
    settings = Settings(data=data)
    db = Database(settings.db_url)
    with relay(settings, live_transcode=True) as running, loop() as looping:
        yield School(running, db, looping)
        assert running.health()["faults"] == 0, running.log.read_text()[-4000:]
    db.close()


@pytest.fixture(autouse=True)
def nobody_stays(school: School) -> Iterator[None]:
    """Who publishes or watches leaves with the test, also with one that fails."""
    yield
    while school.guests:
        school.guests.pop().close()


def grows(seen: list[object], by: int = 10) -> None:
    had = len(seen)
    until(lambda: len(seen) >= had + by, what="pictures or sound come")


def in_step(watcher: Watcher, seconds: float, picture: int = CAMERA) -> None:
    """Until three beeps in a row have come within so many seconds of their flashes: a busy machine may begin with less."""

    def together() -> bool:
        flashes, beeps = onsets(watcher.seen[picture], BRIGHT), onsets(watcher.seen[MIC], LOUD)[-3:]
        apart = [min((beep - flash for flash in flashes), key=abs) for beep in beeps if flashes]
        return len(apart) == 3 and abs(statistics.median(apart)) < seconds

    until(together, what="sound and picture are in step")


def test_ffmpeg_is_seen_and_heard_in_step(school: School) -> None:
    stream_id = school.stream()
    with school.db.write() as s:
        key = streams.new_key(s, stream_id)
    with publish_ffmpeg(f"{school.relay.url}/whip/{stream_id}", key):
        watcher = until(lambda: school.relay.stream(stream_id).get("sources", {}).get("camera")) and school.watcher(
            stream_id
        )
        in_step(watcher, 0.08)
        sources = school.relay.stream(stream_id)["sources"]
        assert (sources["camera"]["lost"], sources["mic"]["lost"], sources["camera"]["faults"]) == (0, 0, 0)
        assert sources["camera"]["kbps"] > 0
        watcher.close()
    until(lambda: school.relay.stream(stream_id)["sources"] == {}, what="ffmpeg ended its session")


def test_a_publisher_comes_back_and_viewers_go_on(school: School) -> None:
    stream_id = school.stream()
    first = school.publisher(stream_id)
    watcher = school.watcher(stream_id)
    grows(watcher.seen[CAMERA])
    again = school.publisher(stream_id)  # the page was loaded anew: same account
    grows(watcher.seen[CAMERA])
    grows(watcher.seen[MIC], 50)
    receiver = watcher.pc.getTransceivers()[CAMERA].receiver
    [numbers] = receiver._RTCRtpReceiver__remote_streams.values()
    assert numbers.packets_lost == 0, "the numbering goes on: the viewer does not notice"
    for one in (first, again, watcher):
        one.close()


def test_the_screen_comes_and_goes(school: School) -> None:
    stream_id = school.stream()
    trainer = school.publisher(stream_id, pictures=2)
    full, plain = school.watcher(stream_id, account_id=7), school.watcher(stream_id, account_id=8, sounds=1, pictures=1)
    grows(plain.seen[1])
    assert plain.seen[1][-1].width == 320
    screen = school.publisher(stream_id, "screen", size=(640, 360), sound=False)
    until(lambda: plain.seen[1][-1].width == 640, what="the single picture follows the screen")
    grows(full.seen[SCREEN])
    grows(full.seen[CAMERA])
    assert full.seen[SMALL] == []
    assert full.want("small") == 204
    until(lambda: len(full.seen[SMALL]) > 5, what="the small picture on wish")
    assert screen.delete() == 200
    until(lambda: plain.seen[1][-1].width == 320, what="and goes back to the camera")
    [numbers] = [
        one for one in plain.pc.getTransceivers()[1].receiver._RTCRtpReceiver__remote_streams.values()
        if one.packets_received > 20
    ]  # fmt: skip
    assert numbers.packets_lost == 0
    once_more = school.publisher(stream_id, "screen", size=(640, 360), sound=False)
    until(lambda: plain.seen[1][-1].width == 640, what="the screen again")
    for one in (trainer, screen, once_more, full, plain):
        one.close()


def test_called_members_are_heard_and_a_pause_shows_nothing(school: School) -> None:
    stream_id = school.stream()
    trainer = school.publisher(stream_id)
    school.call(stream_id, {2: 9})
    speaker = school.publisher(stream_id, "speak-2", 9, pictures=0)
    member, desk = school.watcher(stream_id, account_id=7), school.watcher(stream_id, "preview", 1)
    grows(member.seen[2])
    grows(member.seen[CAMERA])
    assert member.seen[1] == []
    school.order(stream_id, StreamState.PAUSED)
    until(lambda: school.relay.stream(stream_id)["state"] == "paused")

    def stands_still() -> bool:  # what was on its way may still arrive
        had = len(member.seen[CAMERA])
        grows(desk.seen[CAMERA], 15)
        return len(member.seen[CAMERA]) == had

    until(stands_still, what="the member sees nothing of a pause")
    school.order(stream_id, StreamState.LIVE)
    grows(member.seen[CAMERA])
    receiver = member.pc.getTransceivers()[CAMERA].receiver
    [numbers] = receiver._RTCRtpReceiver__remote_streams.values()
    assert numbers.packets_lost == 0, "what was not shown is not missing"
    for one in (trainer, speaker, member, desk):
        one.close()


def test_vp8_is_turned_into_h264(school: School) -> None:
    stream_id = school.stream()
    trainer = school.publisher(stream_id, codec="vp8")
    watcher = school.watcher(stream_id)
    in_step(watcher, 0.12)
    assert school.relay.stream(stream_id)["sources"]["camera"]["codec"] == "vp8"
    trainer.close()
    watcher.close()


def test_frames_reach_the_packager_and_it_may_be_restarted(school: School) -> None:
    path = socket_path(school.relay.settings.data, school.relay.settings.node)
    path.parent.mkdir(parents=True, exist_ok=True)
    until(lambda: school.relay.health()["publishers"] == 0, what="those of the tests before have gone")
    stream_id = school.stream(StreamState.REHEARSAL)
    trainer = school.publisher(stream_id)
    for state in (StreamState.REHEARSAL, StreamState.LIVE):
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()
            server.settimeout(PATIENCE_S)
            connection, _ = server.accept()
            with connection:
                connection.settimeout(1.5 if state == StreamState.REHEARSAL else PATIENCE_S)
                school.order(stream_id, state)
                if state == StreamState.REHEARSAL:
                    with pytest.raises(TimeoutError):
                        connection.recv(1)  # nothing of a rehearsal is kept
                    continue
                _read_frames(school, stream_id, connection, trainer)
    path.unlink()


def _read_frames(school: School, stream_id: int, connection: socket.socket, trainer: Publisher) -> None:
    reader, got = Reader(), list[Message]()

    def read() -> list[Message]:
        got.extend(reader.feed(connection.recv(65536)))
        return got

    until(lambda: sum(m.source == Source.CAMERA for m in read()) >= 45)
    pictures = [m for m in got if m.source == Source.CAMERA]
    sounds = [m for m in got if m.source == Source.MIC]
    assert {m.kind for m in got} == {Kind.FRAME}
    assert {m.stream_id for m in got} == {stream_id}
    assert pictures[0].flags & Flag.KEY
    assert pictures[-1].flags & Flag.SYNCED
    assert sounds[-1].flags & (Flag.SYNCED | Flag.KEY) == Flag.SYNCED | Flag.KEY
    for key in (m for m in pictures if m.flags & Flag.KEY):
        assert [unit[0] & 31 for unit in key.payload.split(b"\x00\x00\x00\x01")[1:]][:2] == [7, 8]
    synced = [m for m in pictures if m.flags & Flag.SYNCED][-10:]
    steps = [(b.at_us - a.at_us) / 1e6 for a, b in pairwise(synced)]
    assert statistics.median(steps) == pytest.approx(1 / 15, abs=0.005)
    assert abs(pictures[-1].at_us - pictures[-1].arrived_us) < 2e6, "publisher and relay are one machine here"
    before = school.relay.stream(stream_id)["sources"]["camera"]["key_requests"]
    time.sleep(0.6)
    connection.sendall(Message(Kind.KEY, stream_id, 1, Source.CAMERA).pack())
    until(lambda: school.relay.stream(stream_id)["sources"]["camera"]["key_requests"] > before)
    got.clear()
    trainer.close()
    until(lambda: {m.source for m in read() if m.kind == Kind.GONE} == {Source.CAMERA, Source.MIC})


def test_rubbish_on_its_ports_harms_nobody(school: School) -> None:
    stream_id = school.stream()
    trainer, watcher = school.publisher(stream_id), school.watcher(stream_id)
    grows(watcher.seen[CAMERA])
    ports = sorted(_ports(trainer) | _ports(watcher))
    stopping = threading.Event()

    def spray() -> None:
        dice = random.Random(7)
        heads = [b"", b"\x00\x01", b"\x16\xfe\xfd", b"\x15\xfe\xfd\x00\x00", b"\x80\x60", b"\x80\xc8", b"\xff"]
        stun = b"\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(12) + b"\x00\x06\x00\x04abcd"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
            while not stopping.is_set():
                rubbish = stun if dice.random() < 0.2 else dice.choice(heads) + dice.randbytes(dice.randrange(0, 1300))
                here.sendto(rubbish, ("127.0.0.1", dice.choice(ports)))
                time.sleep(0.0005)

    thread = threading.Thread(target=spray)
    thread.start()
    try:
        late = school.watcher(stream_id, account_id=8)
        ports.extend(_ports(late))
        for one in (watcher, late):
            grows(one.seen[CAMERA], 30)
            grows(one.seen[MIC], 100)
    finally:
        stopping.set()
        thread.join()
    health = school.relay.health()
    assert health["refused_datagrams"] > 100
    assert health["faults"] == 0
    for one in (trainer, watcher, late):
        one.close()


def _ports(session: Publisher | Watcher) -> set[int]:
    return {int(port) for port in re.findall(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+)", session.pc.remoteDescription.sdp)}


PUBLISH = """async ([url, token]) => {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 640, height: 360, frameRate: 15}});
  const pc = window.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  for (const track of stream.getTracks()) pc.addTransceiver(track, {direction: 'sendonly', streams: [stream]});
  await pc.setLocalDescription(await pc.createOffer());
  const answer = await fetch(url, {method: 'POST', body: pc.localDescription.sdp,
    headers: {'Content-Type': 'application/sdp', Authorization: 'Bearer ' + token}});
  await pc.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  return answer.status;
}"""
WATCH = """async ([url, token]) => {
  const pc = window.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  for (let n = 0; n < 4; n++) pc.addTransceiver('audio', {direction: 'recvonly'});
  for (let n = 0; n < 3; n++) pc.addTransceiver('video', {direction: 'recvonly'});
  await pc.setLocalDescription(await pc.createOffer());
  const answer = await fetch(url, {method: 'POST', body: pc.localDescription.sdp,
    headers: {'Content-Type': 'application/sdp', Authorization: 'Bearer ' + token}});
  await pc.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  const video = document.body.appendChild(document.createElement('video'));
  video.muted = true;
  video.srcObject = new MediaStream([pc.getTransceivers()[0].receiver.track, pc.getTransceivers()[5].receiver.track]);
  await video.play();
  window.seen = () => [video.videoWidth, video.getVideoPlaybackQuality().totalVideoFrames];
  return answer.status;
}"""


@pytest.mark.browser
def test_chromium_publishes_and_watches(school: School, browser: Browser) -> None:
    with services.chromium_with_camera(browser) as camera:
        _publish_and_watch(school, camera)


def _publish_and_watch(school: School, webrtc_browser: Browser) -> None:
    stream_id = school.stream()
    context = webrtc_browser.new_context()
    context.set_default_timeout(PATIENCE_S * 1000)
    page = context.new_page()
    page.goto(f"{school.relay.url}/health")
    whip, whep = f"{school.relay.url}/whip/{stream_id}", f"{school.relay.url}/whep/{stream_id}"
    assert page.evaluate(PUBLISH, [whip, school.relay.token(stream_id, "publish")]) == 201
    watching = context.new_page()
    watching.goto(f"{school.relay.url}/health")
    assert watching.evaluate(WATCH, [whep, school.relay.token(stream_id, "watch")]) == 201
    watching.wait_for_function("window.seen()[0] > 0 && window.seen()[1] > 20")
    for source in ("camera", "mic"):
        until(lambda source=source: school.relay.stream(stream_id)["sources"][source]["live"], what=source)
    page.evaluate("window.pc.close()")
    page.evaluate(PUBLISH, [whip, school.relay.token(stream_id, "publish")])
    had = watching.evaluate("window.seen()[1]")
    watching.wait_for_function(f"window.seen()[1] > {had} + 20")
    context.close()
