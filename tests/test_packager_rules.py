"""The packager's pure parts: parameter sets, MP4, clocks, mixing, playlists, seats, and the spool's file format."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_worker.packager import fmp4, playlist
from media_worker.packager.card import SIZE, card
from media_worker.packager.clock import EARLY, LATE, SECOND, PublisherClock
from media_worker.packager.fmp4 import Sample
from media_worker.packager.h264 import Unreadable, nal_units, picture_size, read_unit
from media_worker.packager.inlet import now_us
from media_worker.packager.seats import KEPT, Seats
from media_worker.packager.shelf import WINDOW, Opening, Part, Shelf
from media_worker.packager.sound import FRAME, RATE, Encoder, Mixer
from media_worker.packager.spool import Batch, Full, Spool, Stored, fact
from media_worker.transcode import boxes
from packager_kit import Eye
from school.media.rules import Rendition


def encoded(width: int, height: int, profile: str, frames: int = 3) -> list[bytes]:
    codec: Any = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt, codec.time_base = width, height, "yuv420p", Fraction(1, 25)
    codec.options = {"profile": profile, "preset": "medium", "tune": "zerolatency"}
    grey = av.VideoFrame.from_ndarray(np.full((height * 3 // 2, width), 90, np.uint8), "yuv420p")
    return [bytes(packet) for _ in range(frames) for packet in codec.encode(grey)]


# ── H.264 ──────────────────────────────────────────


@pytest.mark.parametrize("profile", ["baseline", "main", "high"])
@pytest.mark.parametrize(("width", "height"), [(320, 180), (1280, 720), (1920, 1080), (642, 362), (176, 144)])
def test_the_size_of_a_picture_is_read_from_its_parameter_set(width: int, height: int, profile: str) -> None:
    unit = read_unit(encoded(width, height, profile, 1)[0])
    assert unit
    assert unit.shape
    assert (unit.shape.width, unit.shape.height) == (width, height)
    kinds = {"baseline": "avc1.42", "main": "avc1.4d", "high": "avc1.64"}
    assert unit.shape.codecs.startswith(kinds[profile])


def test_access_units_are_read_whatever_their_start_codes() -> None:
    first, second, _ = encoded(320, 180, "baseline")
    short = b"".join(b"\0\0\1" + unit for unit in nal_units(first))
    padded = b"".join(b"\0\0\0\1" + unit + b"\0\0" for unit in nal_units(first))
    assert read_unit(first) == read_unit(short) == read_unit(padded)
    later = read_unit(second)
    assert later
    assert later.shape is None
    assert boxes.nal_kinds(later.sample) == {1}
    for none in (b"", b"\0\0\1", b"no start code", b"\0\0\1\x09\xf0"):
        assert read_unit(none) is None


@given(st.binary(max_size=60))
def test_a_parameter_set_of_noise_is_refused_or_sane(noise: bytes) -> None:
    try:
        width, height = picture_size(b"\x67" + noise)
    except Unreadable:
        return
    assert 16 <= width <= 8192
    assert 16 <= height <= 8192


# ── MP4 ────────────────────────────────────────────


def test_fragments_are_what_every_player_reads() -> None:
    units = [unit for data in encoded(320, 180, "baseline", 6) if (unit := read_unit(data))]
    shape = units[0].shape
    assert shape
    samples = [Sample(unit.sample, 3600 + 90 * n, unit.shape is not None) for n, unit in enumerate(units)]
    init = fmp4.picture_init(shape)
    whole = (
        init
        + fmp4.fragment(1, 9000, samples[:4])
        + fmp4.fragment(2, 9000 + sum(s.ticks for s in samples[:4]), samples[4:])
    )
    read_init, one, two = boxes.read_pieces(io.BytesIO(whole))
    assert isinstance(read_init, bytes)
    assert isinstance(one, boxes.Fragment)
    assert isinstance(two, boxes.Fragment)
    assert (boxes.timescale(init), boxes.codecs(init)) == (90_000, shape.codecs)
    assert (one.base, one.samples, one.length) == (9000, 4, sum(s.ticks for s in samples[:4]))
    assert two.base == one.base + one.length
    with av.open(io.BytesIO(whole)) as film:
        packets = [packet for packet in film.demux() if packet.size]
        assert [packet.pts for packet in packets] == list(np.cumsum([9000, *(s.ticks for s in samples[:-1])]))
        assert [packet.is_keyframe for packet in packets] == [sample.key for sample in samples]


def test_sound_comes_out_as_long_and_where_it_went_in() -> None:
    encoder, frames = Encoder(), []
    times = np.arange(20 * FRAME) / RATE
    pcm = np.stack([0.5 * np.sin(2 * np.pi * 440 * times) * (times > 0.2)] * 2).astype(np.float32)
    for n in range(20):
        frames += encoder.feed(pcm[:, n * FRAME : (n + 1) * FRAME])
    frames += encoder.flush()
    assert len(frames) == 20
    film = fmp4.sound_init(encoder.configuration, 96_000) + fmp4.fragment(1, 0, [Sample(f, FRAME) for f in frames])
    with av.open(io.BytesIO(film)) as opened:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in opened.decode(audio=0)])
    assert len(heard) == 20 * FRAME
    assert abs(np.argmax(np.abs(heard) > 0.1) / RATE - 0.2) < 0.004


def test_the_card_is_a_key_picture() -> None:
    shape = card().shape
    assert shape
    assert (shape.width, shape.height) == SIZE


# ── clocks and mixing ────────────────────────────────────


@given(
    ahead=st.integers(-(10**13), 10**13),
    delays=st.lists(st.integers(20_000, 250_000), min_size=50, max_size=200),
)
def test_moments_grow_and_lie_near_their_arrival(ahead: int, delays: list[int]) -> None:
    clock, last = PublisherClock(), 0
    for number, delay in enumerate(delays):
        at_us = number * 33_000
        moment = clock.ours(at_us + ahead, 10**15 + at_us + delay)
        assert moment > last
        assert -250_000 <= moment - (10**15 + at_us) <= 250_000
        last = moment


@pytest.mark.parametrize("step", [LATE + SECOND, -(EARLY + SECOND), 3600 * SECOND])
def test_a_clock_that_was_set_is_followed_at_once(step: int) -> None:
    clock = PublisherClock()
    for number in range(100):
        clock.ours(number * 20_000, 10**15 + number * 20_000)
    assert clock.ours(2_000_000 - step, 10**15 + 2_000_000) == 10**15 + 2_000_000


def test_voices_add_up_and_what_is_late_is_left_out() -> None:
    mixer, ones = Mixer(1000), np.ones((2, 100), np.float32)
    mixer.add(1050, ones / 4)
    mixer.add(1100, ones / 2)
    mixer.add(950, ones / 8)
    mixed = mixer.take(200)[0]
    assert [float(mixed[place]) for place in (0, 49, 50, 99, 100, 149, 150, 199)] == [
        0.125, 0.125, 0.25, 0.25, 0.75, 0.75, 0.5, 0.5,
    ]  # fmt: skip
    assert not mixer.take(100).any()
    mixer.add(0, ones)
    mixer.skip_to(10**12)
    mixer.add(10**12, 3 * ones)
    assert float(mixer.take(100).max()) == 1.0


# ── playlists ──────────────────────────────────────────


def shelf(*runs: int, ended: bool = False, parts: int = 5) -> Shelf:
    """A shelf with a segment of 2 s for each of `runs` and an open one of two parts in the last."""
    made, run = Shelf(40, 3, lambda _segment: None), None
    moment = 1_795_400_000 * SECOND
    for one in (*runs, runs[-1]):
        if one != run:
            made.open_run(Opening(b"init", "avc1.42e01f", 640, 360))
            run = one
        whole = made.next_number < 40 + len(runs)
        for number in range(parts if whole else 2):
            made.add_part(moment, Part(b"x" * 50_000, 400_000, number == 0))
            moment += 400_000
        if whole:
            made.close_segment()
    if ended:
        made.close_segment()
        made.end()
    return made


def test_the_hall_sees_closed_segments_alone() -> None:
    text = playlist.hall(shelf(0, 0, 1), "video", "ab12")
    assert text.splitlines() == [
        "#EXTM3U", "#EXT-X-VERSION:9", "#EXT-X-TARGETDURATION:2", "#EXT-X-MEDIA-SEQUENCE:40",
        "#EXT-X-DISCONTINUITY-SEQUENCE:3", "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MAP:URI="video-ab12-init-3.mp4"', "#EXT-X-PROGRAM-DATE-TIME:2026-11-23T02:13:20.000Z",
        "#EXTINF:2.000000,", "video-ab12-40.m4s", "#EXT-X-PROGRAM-DATE-TIME:2026-11-23T02:13:22.000Z",
        "#EXTINF:2.000000,", "video-ab12-41.m4s", "#EXT-X-DISCONTINUITY", '#EXT-X-MAP:URI="video-ab12-init-4.mp4"',
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-23T02:13:24.000Z", "#EXTINF:2.000000,", "video-ab12-42.m4s",
    ]  # fmt: skip
    assert playlist.hall(shelf(0, ended=True), "video", "ab12").endswith("#EXT-X-ENDLIST\n")


def test_low_latency_names_parts_and_what_comes_next() -> None:
    video, audio = shelf(0, 0, 0, 0), shelf(0, 0, 0)
    text = playlist.low(video, "video", "ab12", ("audio", audio))
    assert "#EXT-X-PART-INF:PART-TARGET=0.500" in text
    assert "CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.500" in text
    assert "video-ab12-40.0.m4s" not in text  # parts of old segments are no longer named
    assert 'DURATION=0.400000,URI="video-ab12-41.0.m4s",INDEPENDENT=YES' in text
    assert text.index("video-ab12-43.4.m4s") < text.index("\nvideo-ab12-43.m4s") < text.index("video-ab12-44.1.m4s")
    assert '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="video-ab12-44.2.m4s"' in text
    assert '#EXT-X-RENDITION-REPORT:URI="audio.m3u8",LAST-MSN=43,LAST-PART=1' in text
    over = playlist.low(shelf(0, ended=True), "video", "ab12", ("audio", shelf(0, ended=True)))
    assert over.endswith("#EXT-X-ENDLIST\n")
    assert "PRELOAD" not in over


def test_the_window_moves_and_counts_what_left_it() -> None:
    long = shelf(*([0] * 3 + [1] * (WINDOW + 2)))
    assert len([segment for segment in long.segments if segment.closed]) <= WINDOW + 1
    text = playlist.hall(long, "video", "ab12")
    assert f"#EXT-X-MEDIA-SEQUENCE:{long.segments[0].number}" in text
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:4" in text, "three runs of the packager before this one, and one of its own"
    assert set(long.openings) == {4}
    assert long.find(40) is None
    newest = long.segments[-1]
    assert long.find(newest.number) is newest
    assert long.has(newest.number, 1)
    assert not long.has(newest.number, 2)
    assert not long.has(newest.number, None)
    assert long.has(newest.number - 1, 99)


def test_the_master_tells_what_it_takes() -> None:
    segments = shelf(0, 0)
    picture, sound = Opening(b"", "avc1.42e01f", 1280, 720), Opening(b"", "mp4a.40.2")
    text = playlist.master("low", picture, sound, list(segments.segments), "?seat=x")
    assert 'CODECS="avc1.42e01f,mp4a.40.2",RESOLUTION=1280x720,AUDIO="sound"' in text
    assert f"BANDWIDTH={250_000 * 8 // 2 + playlist.SOUND_BANDWIDTH}" in text
    assert text.splitlines()[-1] == "low/video.m3u8?seat=x"


def test_seats_are_bounded_and_come_free() -> None:
    moment = [0.0]
    seats = Seats(2, lambda: moment[0])
    first, second = seats.take(7), seats.take(8)
    assert first
    assert second
    assert seats.take(7) is None
    assert not seats.keep(7, "made-up")
    moment[0] = KEPT - 1
    assert seats.keep(7, first)
    moment[0] = KEPT + 1
    assert seats.taken() == seats.taken(7) == 1
    assert seats.keep(8, second)  # it slept, and there is room
    assert not seats.keep(8, "")
    assert not seats.keep(8, "x" * 50)


# ── spool ────────────────────────────────────────────


def batch(number: int, data: bytes = b"segment") -> Batch:
    row = fact("source", number, data, start_ms=0, length_us=2_000_000, run=1, wall_ms=5)
    renditions = [Rendition("source", "video", "avc1.42e01f", 1000, width=640, height=360)]
    return Batch(
        3, 1, False, renditions, [Stored("source/init.mp4", b"\n{}\n"), Stored("source/00000.m4s", data)], [row]
    )


def test_the_spool_keeps_order_and_bytes(tmp_path: Path) -> None:
    spool = Spool(tmp_path, spare=0)
    paths = [spool.put(batch(number, bytes([number, 10, 13]) * 50)) for number in range(12)]
    (tmp_path / "3" / "00000099.part").write_bytes(b"torn")
    again = Spool(tmp_path, spare=0)
    assert list(again.waiting(3)) == paths
    assert not list(tmp_path.glob("*/*.part"))
    assert again.size == spool.size > 0
    assert [again.read(path) for path in paths] == [batch(number, bytes([number, 10, 13]) * 50) for number in range(12)]
    for path in paths[:11]:
        again.done(path)
    assert again.put(batch(12)) > paths[11]


def test_the_spool_is_bounded(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "small", spare=0, largest=3000)
    spool.put(batch(0, b"x" * 2000))
    with pytest.raises(Full):
        spool.put(batch(1, b"x" * 2000))
    with pytest.raises(Full):
        Spool(tmp_path / "full", spare=2**60).put(batch(0))
    spool.done(spool.waiting(3)[0])
    spool.put(batch(1, b"x" * 2000))


def test_an_eye_and_a_clock_for_the_tests_are_real() -> None:
    eye = Eye(size=(640, 360))
    data, key = eye.look(now_us())
    unit = read_unit(data)
    assert key
    assert unit
    assert unit.shape
    assert replace(unit.shape, pps=()).width == 640
