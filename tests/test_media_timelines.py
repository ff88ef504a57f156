"""Timelines grow segment by segment, survive repetition, and never change once sealed."""

from __future__ import annotations

import pytest
from media_kit import an_asset

from school.core.db import Database
from school.core.errors import Conflict
from school.media import queries, service
from school.media.models import AssetState, Timeline
from school.media.rules import Rendition, Run, SegmentFacts

LADDER = [
    Rendition("720", "video", "avc1.64001f", 2_000_000, width=1280, height=720, frame_rate=30.0),
    Rendition("audio", "audio", "mp4a.40.2", 96_000),
]


def facts(rendition: str, number: int, length_us: int = 4_000_000, size: int = 1000) -> SegmentFacts:
    return SegmentFacts(rendition, number, number * 4000, length_us, size, f"{number:064}")


def growing(db: Database) -> int:
    with db.write() as s:
        return service.start_timeline(s, an_asset(s), 60_000, LADDER).id


def add(db: Database, timeline_id: int, *rows: SegmentFacts) -> int:
    with db.write() as s:
        return service.add_segments(s, timeline_id, rows).length_ms


def test_the_length_is_what_every_rendition_can_play(db: Database) -> None:
    timeline_id = growing(db)
    assert add(db, timeline_id, facts("720", 0), facts("720", 1)) == 0
    assert add(db, timeline_id, facts("audio", 0)) == 4000
    assert add(db, timeline_id, facts("audio", 2)) == 4000  # behind a gap
    assert add(db, timeline_id, facts("audio", 1)) == 8000


def test_the_same_segment_again_does_no_harm(db: Database) -> None:
    timeline_id = growing(db)
    rows = facts("720", 0), facts("audio", 0)
    assert add(db, timeline_id, *rows) == add(db, timeline_id, *rows) == 4000
    with db.read() as s:
        assert queries.segments(s, timeline_id, "720") == [(0, 4_000_000, 0)]


def test_a_worker_that_comes_back_continues_the_growing_timeline(db: Database) -> None:
    with db.write() as s:
        asset = an_asset(s)
        first = service.start_timeline(s, asset, 60_000, LADDER)
        assert service.start_timeline(s, asset, 60_000, LADDER).id == first.id
        assert service.start_timeline(s, asset, 60_000, LADDER[1:]).id != first.id
        assert first.prefix.endswith("/")


def test_sealing_measures_and_closes(db: Database) -> None:
    timeline_id = growing(db)
    add(
        db, timeline_id, facts("720", 0, size=500_000), facts("720", 1, size=1_000_000), facts("720", 2, 40_000, 90_000)
    )
    add(db, timeline_id, *(facts("audio", n, size=48_000) for n in range(2)), facts("audio", 2, 40_000, 480))
    with db.write() as s:
        sealed = service.seal_timeline(s, timeline_id)
        assert sealed.sealed_at is not None
        assert sealed.length_ms == 8040
        video, audio = (Rendition(**r) for r in sealed.renditions)
        assert video.bandwidth == 2_000_000  # the short last segment does not count as a peak
        assert video.average == 1_590_000 * 8_000_000 // 8_040_000
        assert audio.bandwidth == 96_000
    with db.write() as s:
        again = service.seal_timeline(s, timeline_id)
        assert again.sealed_at == sealed.sealed_at
    with pytest.raises(Conflict):
        add(db, timeline_id, facts("720", 3))


def test_a_sealed_timeline_plays_before_a_newer_growing_one(db: Database) -> None:
    with db.write() as s:
        asset = an_asset(s)
        assert queries.timeline_of(s, asset.id) is None
        first = service.start_timeline(s, asset, 60_000, LADDER)
        service.seal_timeline(s, first.id)
        second = service.start_timeline(s, asset, 60_000, LADDER)
        assert second.id != first.id
        found = queries.timeline_of(s, asset.id)
        assert found is not None
        assert found.id == first.id


def test_an_abandoned_timeline_is_empty_and_its_number_does_not_come_back(db: Database) -> None:
    with db.write() as s:
        asset = an_asset(s)
        old = service.start_timeline(s, asset, 60_000, LADDER)
        service.add_segments(s, old.id, [facts("720", 0), facts("audio", 0)])
        service.abandon_timeline(s, old.id)
        assert queries.segments(s, old.id, "720") == []
        assert queries.timeline_of(s, asset.id) is None
        assert service.start_timeline(s, asset, 60_000, LADDER).id != old.id


def test_an_asset_plays_the_timeline_of_its_twin(db: Database) -> None:
    with db.write() as s:
        first = an_asset(s)
        service.seal_timeline(s, service.start_timeline(s, first, 60_000, LADDER).id)
        service.set_asset_state(s, first.id, AssetState.READY, sha256="a" * 64, probe={"length_ms": 60_000})
        again = service.new_asset(s, first.owner_id, "第一讲", "b.mp4", 1, AssetState.CHECKING)
        assert queries.twin(s, again, "b" * 64) is None
        assert queries.twin(s, again, "a" * 64) == first
        service.share_timeline(s, again.id, first.id, "a" * 64)
        assert (again.state, again.probe) == (AssetState.READY, first.probe)
        assert queries.timeline_of(s, again.id) == queries.timeline_of(s, first.id)
        stranger = an_asset(s)
        assert queries.twin(s, stranger, "a" * 64) is None, "another owner's file stays unknown"


def test_pictures_may_come_after_sealing(db: Database) -> None:
    timeline_id = growing(db)
    with db.write() as s:
        service.seal_timeline(s, timeline_id)
        service.add_pictures(s, timeline_id, poster_key="timelines/1/x/poster.jpg")
        service.add_pictures(s, timeline_id, storyboard={"key": "timelines/1/x/storyboard.jpg"})
    with db.read() as s:
        found = s.get(Timeline, timeline_id)
        assert found is not None
        assert found.poster_key == "timelines/1/x/poster.jpg"
        assert found.storyboard == {"key": "timelines/1/x/storyboard.jpg"}


def test_a_recording_says_when_each_stretch_was_made(db: Database) -> None:
    with db.write() as s:
        timeline = service.new_timeline(s, None, 0, LADDER)
        service.add_segments(
            s,
            timeline.id,
            [
                SegmentFacts(rendition, number, number * 2000, 2_000_000, 9, "0" * 64, run, 1_800_000_000_000 + wall)
                for rendition in ("720", "audio")
                for number, run, wall in ((0, 0, 0), (1, 0, 2000), (2, 1, 33_000))
            ],
        )
    with db.read() as s:
        assert queries.runs(s, timeline.id) == [
            Run(1_800_000_000_000, 0, 4000),
            Run(1_800_000_033_000, 4000, 2000),
        ]
        assert queries.segments(s, timeline.id, "audio")[2] == (2, 2_000_000, 1)
