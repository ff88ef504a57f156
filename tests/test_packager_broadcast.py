"""A class from frames to its recording: cuts, switches of picture, pauses, gaps, drifting and wrong clocks, both databases."""

from __future__ import annotations

import hashlib
import io
import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from media_worker.frames import Source
from media_worker.packager.clock import PublisherClock
from media_worker.packager.playlist import PART_TARGET
from media_worker.packager.sound import GAP, Mixer, Voice, place
from packager_kit import SECOND, Eye, Mouth, apart, beeps, flashes, rows_of, runs_of, stream_of, timeline_of
from packager_stage import BEGIN, Stage, awaited
from school.core.db import Database
from school.core.settings import Settings
from school.media import queries, rules, streams
from school.media.models import StreamState


@pytest.fixture
def stage(settings: Settings, db: Database) -> Stage:
    return Stage(settings, db)


@pytest.fixture
def quick(tmp_path: Path, sqlite_tables: Path) -> Iterator[Callable[..., Stage]]:
    """A stage on SQLite alone, for what has nothing to do with the database."""
    shutil.copyfile(sqlite_tables, tmp_path / "school.db")
    settings = Settings(data=tmp_path)
    database = Database(settings.db_url)
    yield lambda: Stage(settings, database)
    database.close()


def length(data: bytes) -> float:
    """Seconds of decoded sound."""
    with av.open(io.BytesIO(data)) as film:
        return sum(frame.samples for frame in film.decode(audio=0)) / 48_000


def test_a_class_is_recorded_in_step(stage: Stage) -> None:
    stage.trainer(ahead_us=-5 * 3600 * SECOND)
    stage.play(7)
    stream = stage.end()
    timeline = timeline_of(stage.db, stream.timeline_id)
    assert timeline.sealed_at
    assert stream.finished_at
    assert [r["name"] for r in timeline.renditions] == ["source", "audio"]
    assert timeline.renditions[0]["codecs"].startswith("avc1.42")
    assert (timeline.renditions[0]["width"], timeline.renditions[0]["height"]) == (320, 180)
    assert 6500 <= timeline.length_ms <= 7000
    picture, sound = stage.rows(timeline.id, "source"), stage.rows(timeline.id, "audio")
    assert picture == sound
    assert [row[0] for row in picture] == list(range(len(picture)))
    assert all(1.5e6 <= row[3] <= 2.4e6 for row in picture[:-1])
    for _, run, start_ms, _, wall_ms in picture:  # the server's clock, though the publisher's is five hours slow
        assert run == 0
        assert abs(wall_ms - picture[0][4] - start_ms) <= 1
        assert abs(wall_ms - BEGIN // 1000 - start_ms) < 200
    (film,), (heard,) = (runs_of(stage.db, stage.store, timeline, name) for name in ("source", "audio"))
    assert apart(flashes(film), beeps(heard)) < 0.03
    with stage.db.read() as s:
        for row in s.scalars(rows_of(timeline.id, "source")):
            data = stage.store.read(timeline.prefix + rules.segment_name("source", row.number))
            assert (len(data), hashlib.sha256(data).hexdigest()) == (row.size, row.sha256)
        assert len(queries.runs(s, timeline.id)) == 1


def test_a_new_packager_asks_for_a_key_picture_as_soon_as_somebody_hears_it(quick: Callable[..., Stage]) -> None:
    stage = quick()
    stage.trainer()
    stage.play(5.3)  # between two key pictures
    stage.asked.clear()
    fell_us = stage.now_us
    stage.restart()
    stage.play(3)
    assert stage.asked[0][0] - fell_us < 0.2 * SECOND
    assert stage.broadcast.video.segments[0].at_us - fell_us < 0.4 * SECOND


def test_key_pictures_are_asked_for_every_two_seconds(quick: Callable[..., Stage]) -> None:
    stage = quick()
    stage.trainer()
    stage.play(9)
    asked = [at for at, source in stage.asked if source == Source.CAMERA]
    assert len(asked) >= 4
    assert all(1.9 * SECOND < b - a < 2.3 * SECOND for a, b in itertools.pairwise(asked))
    for shelf in (stage.broadcast.video, stage.broadcast.audio):
        closed = [segment for segment in shelf.segments if segment.closed]
        assert len(closed) >= 3
        for segment in closed:
            assert segment.parts[0].independent
            assert all(part.length_us <= PART_TARGET for part in segment.parts)
            assert all(part.length_us >= 380_000 for part in segment.parts[:-1])


def test_the_shared_screen_leads_and_the_camera_stands_beside_it(stage: Stage) -> None:
    publisher, _, _ = stage.trainer()
    stage.play(3)
    screen = Eye(Source.SCREEN, size=(640, 360), rate=10)
    desktop = stage.publisher(screen)
    stage.play(5)
    stage.leave(desktop)
    stage.play(3)
    assert publisher.eyes
    stream = stage.end()
    timeline, beside = timeline_of(stage.db, stream.timeline_id), timeline_of(stage.db, stream.camera_timeline_id)
    rows = stage.rows(timeline.id, "source")
    assert sorted({run for _, run, *_ in rows}) == [0, 1, 2]
    assert stage.rows(timeline.id, "audio") == rows
    for before, after in itertools.pairwise(rows):  # not a moment is missing where pictures change
        assert abs(before[2] + before[3] / 1000 - after[2]) <= 1
        assert abs(before[4] + before[3] / 1000 - after[4]) <= 1
    films = runs_of(stage.db, stage.store, timeline, "source")
    sounds = runs_of(stage.db, stage.store, timeline, "audio")
    sizes = []
    for film in films:
        with av.open(io.BytesIO(film)) as opened:
            sizes.append(opened.streams.video[0].width)
    assert sizes == [320, 640, 320]
    assert max(apart(flashes(film), beeps(sound)) for film, sound in zip(films, sounds, strict=True)) < 0.08
    assert timeline.renditions[0]["width"] == 640
    assert [r["name"] for r in beside.renditions] == ["camera"]
    camera = stage.rows(beside.id, "camera")
    assert 3000 <= beside.length_ms <= 5500
    assert rows[0][4] + 2500 <= camera[0][4] <= rows[0][4] + 4500  # it begins with the screen
    (film,) = runs_of(stage.db, stage.store, beside, "camera")
    assert len(flashes(film)) >= 3


def test_a_pause_is_not_recorded_and_what_follows_is_a_new_run(stage: Stage) -> None:
    stage.trainer()
    stage.play(3)
    stage.order(StreamState.PAUSED)
    stage.play(4)
    stage.order(StreamState.LIVE)
    stage.play(3)
    stream = stage.end()
    rows = stage.rows(stream.timeline_id, "source")
    assert {run for _, run, *_ in rows} == {0, 1}
    assert 5400 <= timeline_of(stage.db, stream.timeline_id).length_ms <= 6100
    with stage.db.read() as s:
        assert stream.timeline_id
        first, second = queries.runs(s, stream.timeline_id)
    assert first.media_ms + first.length_ms == pytest.approx(second.media_ms, abs=1)
    assert second.wall_ms - first.wall_ms - first.length_ms == pytest.approx(4000, abs=400)


def test_another_picture_size_is_a_new_run_without_a_gap(quick: Callable[..., Stage]) -> None:
    stage = quick()
    publisher, eye, _ = stage.trainer()
    stage.play(2.5)
    publisher.eyes.remove(eye)
    publisher._due = [one for one in publisher._due if one[2] is not eye]
    publisher.begin(Eye(size=(480, 270)), stage.now_us)
    stage.play(2.5)
    stream = stage.end()
    rows = stage.rows(stream.timeline_id, "source")
    assert {run for _, run, *_ in rows} == {0, 1}
    assert abs(rows[0][2] + sum(row[3] for row in rows) / 1000 - 5000) < 200
    assert timeline_of(stage.db, stream.timeline_id).renditions[0]["width"] == 480


def test_a_publisher_that_comes_back_makes_a_gap_no_longer_than_its_absence(quick: Callable[..., Stage]) -> None:
    stage = quick()
    publisher, _, _ = stage.trainer(ahead_us=3 * 3600 * SECOND)
    stage.play(4)
    stage.leave(publisher)
    stage.play(5)
    stage.trainer(ahead_us=-7 * SECOND)  # from another machine
    stage.play(4)
    stream = stage.end()
    timeline = timeline_of(stage.db, stream.timeline_id)
    assert 7400 <= timeline.length_ms <= 8100
    with stage.db.read() as s:
        first, second = queries.runs(s, timeline.id)
    assert 4900 <= second.wall_ms - first.wall_ms - first.length_ms <= 5600
    films, sounds = (runs_of(stage.db, stage.store, timeline, name) for name in ("source", "audio"))
    assert max(apart(flashes(film), beeps(sound)) for film, sound in zip(films, sounds, strict=True)) < 0.03


def test_a_class_with_sound_alone_shows_a_card(stage: Stage) -> None:
    publisher = stage.publisher(Mouth())
    stage.play(7)
    publisher.begin(Eye(), stage.now_us)
    stage.play(3)
    stream = stage.end()
    timeline = timeline_of(stage.db, stream.timeline_id)
    rows = stage.rows(timeline.id, "source")
    assert {run for _, run, *_ in rows} == {0, 1}
    assert timeline.length_ms >= 6000
    assert all(row[3] <= 2.5e6 for row in rows)
    _, sound = (runs_of(stage.db, stage.store, timeline, name)[0] for name in ("source", "audio"))
    assert len(beeps(sound)) >= 3


def test_a_camera_that_is_switched_off_leaves_the_sound(quick: Callable[..., Stage]) -> None:
    stage = quick()
    publisher, eye, _ = stage.trainer()
    stage.play(3)
    stage.leave(publisher, eye)
    stage.play(5)
    stream = stage.end()
    timeline = timeline_of(stage.db, stream.timeline_id)
    assert timeline.length_ms >= 7000
    sounds = runs_of(stage.db, stage.store, timeline, "audio")
    assert sum(len(beeps(sound)) for sound in sounds) >= 6
    with stage.db.read() as s:
        assert len(queries.runs(s, timeline.id)) <= 2


def test_members_called_to_speak_are_mixed_in(quick: Callable[..., Stage]) -> None:
    stage = quick()
    stage.trainer()
    stage.play(2)
    speaker = stage.publisher(Mouth(Source.SPEAKER_1, tone=3000), ahead_us=500_000)  # beeps at the half second
    stage.play(4)
    stage.leave(speaker)
    stage.play(1)
    stream = stage.end()
    (sound,) = runs_of(stage.db, stage.store, timeline_of(stage.db, stream.timeline_id), "audio")
    moments = beeps(sound)
    halves = [b - a for a, b in itertools.pairwise(moments) if b - a < 0.7]
    assert len(halves) >= 5
    assert all(abs(step - 0.5) < 0.05 for step in halves)


@pytest.mark.parametrize("synced", [True, False])
def test_sound_that_stutters_becomes_silence_in_its_place(quick: Callable[..., Stage], synced: bool) -> None:
    stage = quick()
    publisher, _, mouth = stage.trainer(synced=synced)
    stage.play(3)
    publisher.mouths.remove(mouth)  # no packets, no news either: the line is bad
    publisher._due = [one for one in publisher._due if one[2] is not mouth]
    stage.play(2.5)
    publisher.begin(mouth, stage.now_us)
    stage.play(3)
    stream = stage.end()
    timeline = timeline_of(stage.db, stream.timeline_id)
    (film,), (sound,) = (runs_of(stage.db, stage.store, timeline, name) for name in ("source", "audio"))
    assert length(sound) == pytest.approx(timeline.length_ms / 1000, abs=0.05)
    assert apart(flashes(film), beeps(sound)) < 0.05


def test_a_fast_publisher_clock_is_followed(quick: Callable[..., Stage]) -> None:
    """500 ppm over two minutes of sound are 60 ms; pictures would be kept waiting for the same."""
    clock, voice, mouth, mixer = PublisherClock(), Voice(), Mouth(), Mixer(place(BEGIN))
    worst = jumps = 0
    expected = None
    for number in range(6000):
        theirs = number * 20_000
        arrived = BEGIN + round(theirs * 1.0005) + 40_000 + (number * 7919) % 30_000
        at_us = clock.ours(theirs, arrived)
        for begin, pcm in voice.hear(at_us, mouth.say(theirs)):
            jumps += expected is not None and begin != expected
            expected = begin + pcm.shape[1]
            worst = max(worst, abs(begin - place(at_us)))
            mixer.skip_to(begin - GAP)
            mixer.add(begin, pcm)
    assert jumps == 0
    assert worst < 240  # 5 ms
    assert abs(at_us - (BEGIN + round(theirs * 1.0005) + 40_000)) < 30_000


def test_a_killed_packager_goes_on_where_the_spool_ends(stage: Stage) -> None:
    stage.trainer()
    stage.play(6.5)
    recording = stage.broadcast.recording
    timekeeper, halves = recording._closed.get_nowait()  # type: ignore[misc]
    stage.archive.spool.put(timekeeper.batch(halves))  # the first is in the spool, all else is lost
    stage.restart()
    stage.play(4)
    stream = stage.end()
    rows = stage.rows(stream.timeline_id, "source")
    assert [row[0] for row in rows] == list(range(len(rows)))
    assert [row[1] for row in rows][:2] == [0, 1]
    assert rows[1][2] == pytest.approx(rows[0][3] / 1000, abs=1)
    assert rows[1][4] >= BEGIN // 1000 + 6400
    assert stage.rows(stream.timeline_id, "audio") == rows


def test_the_server_clock_may_be_set(quick: Callable[..., Stage]) -> None:
    stage = quick()
    stage.trainer()
    stage.play(3)
    for hours in (-2, 5):
        stage.set_clock(hours * 3600 * SECOND)
        stage.play(4)
    stream = stage.end()
    timeline = timeline_of(stage.db, stream.timeline_id)
    assert timeline.length_ms >= 9500
    assert [len(beeps(sound)) >= 2 for sound in runs_of(stage.db, stage.store, timeline, "audio")] == [True] * 3
    with stage.db.read() as s:
        first, second, third = queries.runs(s, timeline.id)
    assert second.wall_ms < first.wall_ms < third.wall_ms


def test_hostile_frames_do_no_harm(quick: Callable[..., Stage]) -> None:
    stage = quick()
    publisher, _, _ = stage.trainer()
    stage.play(1)
    random = np.random.default_rng(5)
    for message in publisher.frames(stage.now_us + SECOND):
        data = bytearray(message.payload)
        for _ in range(20):
            data[int(random.integers(len(data)))] = int(random.integers(256))
        for payload in (bytes(data), b"", b"\0\0\1", bytes(data[: len(data) // 2])):
            stage.broadcast.hear(replace(message, payload=payload))
    stage.play(5)
    timeline = timeline_of(stage.db, stage.end().timeline_id)
    assert timeline.length_ms >= 4000
    assert sum(len(beeps(sound)) for sound in runs_of(stage.db, stage.store, timeline, "audio")) >= 4


def test_a_full_spool_leaves_a_gap_and_the_numbers_whole(quick: Callable[..., Stage]) -> None:
    stage = quick()
    spool = stage.archive.spool
    stage.trainer()
    stage.play(5)
    spool._largest = 30_000
    stage.play(4.5)
    # five segments wait to be kept: as many as fit are, the rest is missed until there is room again
    stage.broadcast.recording.close()
    awaited(stage.broadcast.recording._keep())
    kept = len(spool.waiting(stage.stream_id))
    assert 0 < kept < 4
    spool._largest = 2**40
    stage.broadcast.recording._over = False
    stage.play(3)
    stream = stage.end()
    rows = stage.rows(stream.timeline_id, "source")
    assert [row[0] for row in rows] == list(range(len(rows)))
    assert {run for _, run, *_ in rows} == {0, 1}
    assert len(rows) > kept
    with stage.db.read() as s:
        assert stream.timeline_id
        first, second = queries.runs(s, stream.timeline_id)
    assert second.wall_ms - first.wall_ms - first.length_ms > 1500


def test_whoever_lost_the_class_writes_nothing_more(stage: Stage) -> None:
    stage.trainer()
    stage.play(5)
    with stage.db.write() as s:
        held = streams.stream(s, stage.stream_id, lock=True)
        held.node, held.epoch = "other", 2
    stage.broadcast.leave()
    assert not awaited(stage.broadcast.recording.run())
    assert not stage.archive.spool.waiting(stage.stream_id)
    assert stream_of(stage.db, stage.stream_id).timeline_id is None
