"""After a class: smaller sizes of a recording with two runs, frame by frame where the source's are."""

from __future__ import annotations

import hashlib
import io
import struct
import subprocess
from collections.abc import Iterator

import av
import pytest
from PIL import Image

from media_worker.transcode import boxes, ffmpeg, lower
from media_worker.transcode.worker import Tools, run, tools_of
from school.core.db import Database
from school.core.errors import Conflict
from school.core.settings import Settings
from school.core.store import ObjectStore
from school.media import jobs, queries, rules, service
from school.media.models import JobState, MediaJob, Timeline
from school.media.rules import Rendition, SegmentFacts

WALL = 1_800_000_000_000


def encoded(size: str, seconds: int) -> list[bytes | boxes.Fragment]:
    """An init section and segments of two seconds, 15 pictures a second, as a packager would keep them."""
    made = subprocess.run(
        [ffmpeg.binary(""), "-v", "error", "-f", "lavfi", "-i", f"testsrc2=s={size}:r=15:d={seconds}", "-c:v", "libx264",
         "-preset", "ultrafast", "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-g", "30", "-sc_threshold", "0",
         "-video_track_timescale", "90000", "-f", "mp4",
         "-movflags", "empty_moov+default_base_moof+frag_keyframe+skip_trailer", "-use_editlist", "0", "pipe:1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return list(boxes.read_pieces(io.BytesIO(made.stdout)))


@pytest.fixture
def tools(settings: Settings) -> Iterator[Tools]:
    made = tools_of(settings)
    made.store.prepare()
    yield made
    made.db.close()


def recording(db: Database, store: ObjectStore, *runs: tuple[str, int, int]) -> Timeline:
    """A sealed recording of these runs (size, seconds, first decode time in ticks)."""
    rows: list[SegmentFacts] = []
    with db.write() as s:
        timeline = service.new_timeline(s, None, 0, [Rendition("source", "video", "avc1.42c01e", 1_000_000)])
    for number, (size, seconds, origin) in enumerate(runs):
        init, *pieces = encoded(size, seconds)
        assert isinstance(init, bytes)
        store.put(timeline.prefix + rules.init_name("source", number), init)
        for piece in pieces:
            assert isinstance(piece, boxes.Fragment)
            data, start = boxes.stamped(piece.data, origin), sum(row.length_us for row in rows)
            store.put(timeline.prefix + rules.segment_name("source", len(rows)), data)
            rows.append(
                SegmentFacts("source", len(rows), start // 1000, round(piece.length / 0.09), len(data),
                             hashlib.sha256(data).hexdigest(), number, WALL + start // 1000 + number * 60_000)
            )  # fmt: skip
    with db.write() as s:
        service.add_segments(s, timeline.id, rows)
        service.seal_timeline(s, timeline.id)
        jobs.enqueue(s, "live_renditions", f"live_renditions:{timeline.id}", args={"timeline_id": timeline.id})
    return timeline


def shown(data: bytes) -> list[int]:
    """Ticks at which the pictures of a fragment are shown, as the standard says: a negative composition offset is one."""
    base = usual = 0
    for kind, start, _ in boxes.walk(data):
        flags, place = int.from_bytes(data[start + 1 : start + 4], "big"), start + 8
        if kind == b"tfhd":
            place += 8 * bool(flags & 1) + 4 * bool(flags & 2)
            usual = struct.unpack_from(">I", data, place)[0] if flags & 8 else 0
        elif kind == b"tfdt":
            base = struct.unpack_from(">Q", data, start + 4)[0]
        elif kind == b"trun":
            count = struct.unpack_from(">I", data, start + 4)[0]
            place += 4 * bool(flags & 1) + 4 * bool(flags & 4)
            times = []
            for _ in range(count):
                fields = [bit for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit]
                found = dict(zip(fields, struct.unpack_from(f">{len(fields)}i", data, place), strict=True))
                times.append(base + found.get(0x800, 0))
                base, place = base + found.get(0x100, usual), place + 4 * len(fields)
            return sorted(times)
    raise AssertionError("no trun")


def segment(store: ObjectStore, timeline: Timeline, rendition: str, number: int, run: int) -> tuple[list[int], int]:
    """When the pictures of one segment are shown, and how many of them it gives when it is decoded alone."""
    data = store.read(timeline.prefix + rules.segment_name(rendition, number))
    with av.open(io.BytesIO(store.read(timeline.prefix + rules.init_name(rendition, run)) + data)) as file:
        return shown(data), len(list(file.decode(video=0)))


def test_the_smaller_picture_has_the_same_frames_at_the_same_moments(
    db: Database, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lower, "CHUNK", 2)  # so that one run is made in two
    timeline = recording(db, tools.store, ("768x432", 5, 0), ("640x480", 4, 90_000 * 77))
    run(tools, "test", once=True)
    with db.read() as s:
        done = queries.timeline(s, timeline.id)
        shape = queries.segments(s, timeline.id, "source")
        assert queries.segments(s, timeline.id, "360") == shape
        assert [r["name"] for r in done.renditions] == ["source", "360"]
        small = Rendition(**done.renditions[1])
    assert (small.width, small.height) == (640, 360)
    assert small.codecs.startswith("avc1.64")
    assert 0 < small.average <= small.bandwidth
    for number, _, place in shape:
        source = segment(tools.store, timeline, "source", number, place)
        assert source[1] >= 15
        assert segment(tools.store, timeline, "360", number, place) == source
    poster = Image.open(io.BytesIO(tools.store.read(str(done.poster_key))))
    assert poster.size == (768, 432)


def test_another_attempt_makes_only_what_is_missing(
    db: Database, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lower, "CHUNK", 1)
    timeline = recording(db, tools.store, ("768x432", 6, 0))
    original, made = lower._made, list[int]()

    def counted(work: object, about: object, steps: object, rows: list[SegmentFacts]) -> object:
        made.append(rows[0].number)
        if len(made) == 2:
            raise OSError("the machine fell")
        return original(work, about, steps, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(lower, "_made", counted)
    run(tools, "test", once=True)
    with db.write() as s:
        job = s.query(MediaJob).one()
        assert job.state == JobState.QUEUED
        job.run_at = job.created_at
    run(tools, "test", once=True)
    assert made == [0, 1, 1, 2]
    with db.read() as s:
        assert len(queries.segments(s, timeline.id, "360")) == 3


def test_a_rendition_that_does_not_fit_is_not_added(db: Database, tools: Tools) -> None:
    timeline = recording(db, tools.store, ("320x180", 4, 0))
    row = SegmentFacts("360", 0, 0, 2_000_000, 9, "0" * 64)
    with pytest.raises(Conflict), db.write() as s:
        service.add_rendition(s, timeline.id, Rendition("360", "video", "avc1.64001e", 0), [row])
    run(tools, "test", once=True)  # nothing is below so small a picture
    with db.read() as s:
        assert [r["name"] for r in queries.timeline(s, timeline.id).renditions] == ["source"]
        assert s.query(MediaJob).one().state == JobState.DONE


@pytest.mark.parametrize(
    ("short", "names"), [(1080, ["720", "480"]), (720, ["480"]), (480, ["360"]), (432, ["360"]), (360, [])]
)
def test_what_is_worth_making(short: int, names: list[str]) -> None:
    assert [name for name, *_ in lower.chosen(short)] == names
