"""The relay's pure parts: losses, frames, clocks, numbering and sparing a bad line; no socket, no wall clock."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest
from aiortc.rtp import RtcpReceiverInfo, RtcpRrPacket, RtcpRtpfbPacket, RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from media_worker.frames import Flag, Kind, Message, Source, socket_path
from media_worker.relay import addresses, aiortc_hooks, assemble, sender, track, watch
from media_worker.relay.clock import SenderClock, ntp_to_us, us_to_ntp
from media_worker.relay.frames_link import FULL, FramesLink
from media_worker.relay.gaps import TRIES, Gaps
from media_worker.relay.sender import Budget, Sender
from media_worker.relay.track import LAST_START, Track

KEY, DELTA = b"\x65", b"\x41"  # first bytes of an IDR slice and of another


# ── losses ───────────────────────────────────────


@given(start=st.integers(0, 65535), lost=st.sets(st.integers(1, 199), max_size=40))
def test_every_lost_packet_is_asked_for_and_nothing_else(start: int, lost: set[int]) -> None:
    gaps, asked = Gaps(), set[int]()
    for number in range(201):
        if number not in lost:
            asked |= set(gaps.saw((start + number) & 0xFFFF, number * 0.004))
    assert asked == {(start + number) & 0xFFFF for number in lost}


def test_a_packet_is_given_up_after_some_requests() -> None:
    gaps = Gaps()
    gaps.saw(10, 0)
    asked = [gaps.saw(12 + n, 0.1 * n) for n in range(30)]
    assert sum(11 in one for one in asked) == TRIES
    assert asked[-1] == []


def test_a_new_beginning_is_no_loss() -> None:
    gaps = Gaps()
    gaps.saw(10, 0)
    assert gaps.saw(30_000, 0.1) == []
    assert gaps.saw(30_002, 0.2) == [30_001]


# ── frames ───────────────────────────────────────


def stream(start: int) -> list[tuple[int, int, int, bytes]]:
    """Sixty frames of one to three packets; every tenth a key frame with its parameter sets."""
    packets = []
    for number in range(60):
        nals = [b"\x67sps", b"\x68pps", KEY + b"i" * 10] if number % 10 == 0 else [DELTA + b"p" * 10] * (1 + number % 3)
        for place, nal in enumerate(nals):
            sequence = (start + len(packets)) & 0xFFFF
            packets.append((sequence, number * 3000, int(place == len(nals) - 1), nal))
    return packets


def assembled(packets: list[tuple[int, int, int, bytes]], step: float = 0.01) -> list[assemble.Frame]:
    made = assemble.h264()
    return [frame for n, packet in enumerate(packets) for frame in made.add(*packet, now=n * step)]


@given(start=st.integers(0, 65535), seed=st.integers())
def test_frames_survive_disorder(start: int, seed: int) -> None:
    packets = stream(start)
    dice = random.Random(seed)
    mixed = [p for _, p in sorted((n + dice.uniform(0, 6) * (n > 0), p) for n, p in enumerate(packets))]
    frames = assembled(mixed)
    assert [frame.timestamp for frame in frames] == [n * 3000 for n in range(60)]
    assert [frame.key for frame in frames] == [n % 10 == 0 for n in range(60)]


@given(start=st.integers(0, 65535), lost=st.integers(4, 60))
def test_after_a_loss_nothing_comes_until_a_key_frame(start: int, lost: int) -> None:
    packets = stream(start)
    spoiled = packets[lost][1] // 3000
    frames = assembled([*packets[:lost], *packets[lost + 1 :]], step=0.1)
    numbers = [frame.timestamp // 3000 for frame in frames]
    assert spoiled not in numbers or spoiled % 10 == 0  # a key frame without its sets gets the ones known before
    after = [number for number in numbers if number > spoiled]
    assert after[0] % 10 == 0 or spoiled in numbers
    assert after == list(range(after[0], 60))


def test_a_key_frame_gets_the_parameter_sets_it_came_without() -> None:
    sets = assemble.ParameterSets()
    first, key = sets.finish(assemble.START + b"\x67sps" + assemble.START + b"\x68pps" + assemble.START + KEY)
    assert key
    assert sets.finish(assemble.START + KEY) == (first, True)
    assert sets.finish(assemble.START + DELTA) == (assemble.START + DELTA, False)


@given(
    st.lists(st.binary(min_size=1, max_size=4000).filter(lambda b: b"\0\0" not in b and b[-1]), min_size=1, max_size=4)
)
def test_what_is_packed_is_unpacked_alike(nals: list[bytes]) -> None:
    nals = [bytes([0x41 + n % 5]) + nal for n, nal in enumerate(nals)]
    unit = b"".join(assemble.START + nal for nal in nals)
    packets = assemble.pack_h264(unit)
    assert max(map(len, packets)) <= 1180
    assert b"".join(map(assemble.unpack_h264, packets)) == unit


@given(st.binary(min_size=1, max_size=60))
def test_no_payload_is_a_fault(payload: bytes) -> None:
    assemble.starts_key(payload)
    for unpack in (assemble.unpack_h264, assemble.unpack_vp8):
        try:
            unpack(payload)
        except (ValueError, IndexError):
            pass
    for made in (assemble.h264(), assemble.vp8(), assemble.opus()):
        made.add(1, 0, 1, payload, now=0.0)


# ── clocks ───────────────────────────────────────


@given(st.integers(0, 4_000_000_000_000_000))
def test_ntp_and_back(us: int) -> None:
    assert abs(ntp_to_us(us_to_ntp(us)) - us) <= 1


def test_sound_and_picture_of_one_publisher_agree_across_wraps() -> None:
    sound, picture = SenderClock(48_000), SenderClock(90_000)
    begun = 1_790_000_000_000_000
    base = {48_000: 2**32 - 1000, 90_000: 2**32 - 50_000}
    for second in range(0, 200_000, 5000):
        for clock in (sound, picture):
            timestamp = (base[clock.rate] + second * clock.rate) & 0xFFFFFFFF
            clock.arrived(timestamp, 5)
            if second == 0:
                assert not clock.synced
            clock.report(us_to_ntp(begun + second * 1_000_000), timestamp)
            assert clock.at_us(timestamp) == pytest.approx(begun + second * 1_000_000, abs=2)


def test_jitter_is_smoothed_and_a_set_clock_is_followed() -> None:
    clock = SenderClock(90_000)
    clock.report(us_to_ntp(10**15), 0)
    clock.report(us_to_ntp(10**15 + 1_000_000 + 8000), 90_000)
    assert clock.at_us(90_000) == pytest.approx(10**15 + 1_001_000, abs=2)
    clock.report(us_to_ntp(2 * 10**15), 180_000)
    assert clock.at_us(180_000) == pytest.approx(2 * 10**15, abs=2)
    clock.report(0, 190_000)
    assert clock.at_us(180_000) == pytest.approx(2 * 10**15, abs=2), "a sender without a clock changes nothing"


# ── numbering ─────────────────────────────────────


class Screen:
    """What one viewer's line carries: (payload type, number, timestamp, SSRC, payload) of each packet."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.packets: list[tuple[int, int, int, int, bytes]] = []
        self.way: Any = object()

        def fan_out(data: bytes, ways: Any) -> None:
            packet = RtpPacket.parse(data)
            for way in ways:
                if way is self.way:
                    self.packets.append(
                        (packet.payload_type, packet.sequence_number, packet.timestamp, packet.ssrc, packet.payload)
                    )

        monkeypatch.setattr(track, "fan_out", fan_out)
        monkeypatch.setattr(sender, "fan_out", fan_out)

    def numbers(self) -> list[int]:
        return [packet[1] for packet in self.packets]


def viewer(screen: Screen) -> Sender:
    outlet = aiortc_hooks.Outlet("video", None)
    outlet.payload_type, outlet.repair_type = 102, 103
    made = Sender(outlet, "class", Budget())
    made.way = screen.way
    return made


def feed(source: Track, first: int, many: int, *, key: bool = True) -> None:
    for number in range(many):
        sequence, head = (first + number) & 0xFFFF, KEY if key and number == 0 else DELTA
        source.feed(sequence, sequence * 3000, 1, head + bytes([number]))


def test_numbers_go_on_across_publishers_and_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(monkeypatch)
    camera, shared = Track(Source.CAMERA, runs=False), Track(Source.SCREEN, runs=False)
    wishes: list[str] = []
    camera.attach(lambda: wishes.append("camera"))
    shared.attach(lambda: wishes.append("screen"))
    eye = viewer(screen)
    eye.aim(camera)
    feed(camera, 60_000, 5, key=False)
    assert screen.packets == []
    assert wishes == ["camera"]
    feed(camera, 60_005, 5)
    camera.attach(lambda: None)  # the publisher came back with other numbers
    feed(camera, 17, 5)
    eye.aim(shared)
    feed(camera, 22, 3, key=False)  # goes on until the other picture begins
    feed(shared, 9, 4)
    feed(camera, 25, 3)
    eye.aim(None)
    feed(shared, 13, 50)  # not shown
    eye.aim(shared)
    feed(shared, 63, 2)
    numbers = screen.numbers()
    assert numbers == [(numbers[0] + n) & 0xFFFF for n in range(5 + 5 + 3 + 4 + 2)]
    assert len({packet[3] for packet in screen.packets}) == 1
    times = [packet[2] for packet in screen.packets]
    steps = [(later - earlier) & 0xFFFFFFFF for earlier, later in pairwise(times)]
    assert max(steps) < 2**31, str(steps)


def test_repairs_come_from_the_history_within_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(monkeypatch)
    camera = Track(Source.CAMERA, runs=False)
    camera.attach(lambda: None)
    eye = viewer(screen)
    eye.aim(camera)
    feed(camera, 100, 20)
    sent = {number: payload for _, number, _, _, payload in screen.packets}
    screen.packets.clear()
    lost = sorted(sent)[5:8]
    eye.feedback(RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=eye.outlet.ssrc, lost=[*lost, (min(sent) - 1) & 0xFFFF]))
    assert [(kind, payload) for kind, _, _, _, payload in screen.packets] == [
        (103, number.to_bytes(2, "big") + sent[number]) for number in lost
    ]
    for _ in range(300):
        eye.feedback(RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=eye.outlet.ssrc, lost=sorted(sent)[:10]))
    assert len(screen.packets) < 2 * sender.REPAIRS + 100


def test_nobody_begins_just_before_the_numbers_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(monkeypatch)
    camera = Track(Source.CAMERA, runs=False)
    camera.attach(lambda: None)
    feed(camera, 0, 1)
    assert camera.last is not None
    to_wrap = LAST_START + 50 - camera.last.sequence
    eye = viewer(screen)
    eye.aim(camera)
    feed(camera, to_wrap, 1)
    assert screen.packets == []
    feed(camera, to_wrap + 200, 1)
    assert len(screen.packets) == 1


# ── sparing a bad line ─────────────────────────────


def test_a_line_that_loses_too_much_gets_the_small_picture_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: now[0])

    class Class:
        stream_id, follow_ssrc, follow_repair_ssrc = 1, 1, 2
        tracks = {source: Track(source, runs=False) for source in Source}

        def shows(self, part: str) -> bool:
            return True

    screen = Screen(monkeypatch)
    lesson: Any = Class()
    for source in (Source.CAMERA, Source.SMALL):
        lesson.tracks[source].attach(lambda: None)
        feed(lesson.tracks[source], 1, 1)
    eye = watch.Viewer(lesson, "watch", 1, None)  # type: ignore[arg-type]
    eye.add(Source.CAMERA, aiortc_hooks.Outlet("video", None))
    eye.add(Source.SMALL, aiortc_hooks.Outlet("video", None))
    for one in eye.senders.values():
        one.way = screen.way
    eye.arrange()

    def seconds(many: int, lost: float) -> None:
        for _ in range(many):
            now[0] += 1
            for source, one in eye.senders.items():
                assert source is not None
                feed(lesson.tracks[source], int(now[0]) * 10, 1)
                info = RtcpReceiverInfo(one.outlet.ssrc, round(lost * 256), 0, 0, 0, 0, 0)
                one.feedback(RtcpRrPacket(ssrc=1, reports=[info]))
            eye._spare()

    camera, small = eye.senders[Source.CAMERA], eye.senders[Source.SMALL]
    seconds(30, 0.02)
    assert not eye.lossy
    assert (camera.track is not None, small.track is not None) == (True, False)
    seconds(4, 0.4)
    assert not eye.lossy
    seconds(3, 0.4)
    assert eye.lossy
    seconds(1, 0.0)
    assert (camera.track is not None, small.track is not None) == (False, True)
    seconds(20, 0.0)
    assert not eye.lossy
    seconds(1, 0.0)
    assert (camera.track is not None, small.track is not None) == (True, False)


# ── the packager's socket ────────────────────────────


class Slow:
    """A packager that takes nothing."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.waiting = 0
        self.transport = self

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def write(self, data: bytes) -> None:
        self.messages.append(data)


def test_a_full_socket_drops_until_the_next_key_frame(tmp_path: Any) -> None:
    wished: list[tuple[int, Source]] = []
    link = FramesLink(socket_path(tmp_path, "main"), lambda *who: wished.append(who))
    frame = Message(Kind.FRAME, 1, 1, Source.CAMERA)
    key = Message(Kind.FRAME, 1, 1, Source.CAMERA, Flag.KEY)
    link.send(frame)  # nobody there
    slow: Any = Slow()
    link._writer = slow
    link.send(frame)
    slow.waiting = FULL + 1
    link.send(frame)
    slow.waiting = 0
    link.send(frame)
    link.send(Message(Kind.GONE, 1, 1, Source.MIC))
    link.send(key)
    link.send(frame)
    assert len(slow.messages) == 4
    assert link.dropped == 2
    assert wished == [(1, Source.CAMERA)]


# ── addresses ─────────────────────────────────────


def test_where_peers_are_told_to_come() -> None:
    assert addresses.listen_on("127.0.0.1") == (["127.0.0.1"], "")
    assert addresses.listen_on("203.0.113.7") == (["0.0.0.0"], "203.0.113.7")
    with pytest.raises(ValueError):
        addresses.listen_on("school.example")
    own, advertise = addresses.listen_on("")
    assert own
    assert advertise == ""
    answer = "c=IN IP4 0.0.0.0\r\na=candidate:1 1 udp 21 0.0.0.0 5000 typ host\r\n"
    there = aiortc_hooks.advertised(answer, "203.0.113.7")
    assert there == "c=IN IP4 203.0.113.7\r\na=candidate:1 1 udp 21 203.0.113.7 5000 typ host\r\n"
