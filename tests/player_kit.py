"""A minute of real HLS in two pictures and one sound, and a published course that plays it."""

from __future__ import annotations

import hashlib
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
from sqlalchemy.orm import Session

from actors import SINCE, Cast
from school.core.db import Database
from school.core.store import ObjectStore
from school.courses import service as courses
from school.courses.models import Course, CourseCategory, CourseState, Lesson
from school.media import service as media
from school.media.models import AssetState, MediaAsset, Timeline
from school.media.rules import Rendition, SegmentFacts, init_name, segment_name

LENGTH_MS = 60_000
PICTURES = {"180": (320, 180, 120_000), "90": (160, 90, 60_000)}
FIRST = 4  # segments of a growing timeline that are there from the beginning


@dataclass(frozen=True)
class Clip:
    """A folder with `<rendition>/init.mp4` and numbered segments, and what a timeline must know of them."""

    folder: Path
    renditions: list[Rendition]
    segments: list[SegmentFacts]


def make_clip(folder: Path) -> Clip:
    """Encode the minute: a moving test picture and a tone, segments of four seconds."""
    hls = ["-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4"]
    video = ["-map", "0:v", "-c:v", "libx264", "-preset", "ultrafast", "-g", "40", "-sc_threshold", "0", "-pix_fmt", "yuv420p"]  # fmt: skip
    outputs: list[str] = []
    for name in [*PICTURES, "audio"]:
        (folder / name).mkdir(parents=True)
        kind = ["-map", "1:a", "-c:a", "aac", "-b:a", "32k"] if name == "audio" else [*video, "-s", "{}x{}".format(*PICTURES[name])]  # fmt: skip
        files = ["-hls_fmp4_init_filename", "init.mp4", "-hls_segment_filename", str(folder / name / "%05d.m4s")]
        outputs += [*kind, "-t", "60", *hls, *files, str(folder / name / "list.m3u8")]
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10:duration=60",
         "-f", "lavfi", "-i", "sine=330:sample_rate=44100:duration=60", *outputs],
        check=True,
    )  # fmt: skip
    return Clip(
        folder,
        [_rendition(folder, name) for name in [*PICTURES, "audio"]],
        [facts for name in [*PICTURES, "audio"] for facts in _segments(folder, name)],
    )


def _rendition(folder: Path, name: str) -> Rendition:
    if name == "audio":
        return Rendition("audio", "audio", "mp4a.40.2", 32_000)
    width, height, bandwidth = PICTURES[name]
    head = (folder / init_name(name)).read_bytes()
    at = head.index(b"avcC") + 5
    return Rendition(name, "video", f"avc1.{head[at : at + 3].hex()}", bandwidth, width=width, height=height, frame_rate=10)  # fmt: skip


def _segments(folder: Path, name: str) -> list[SegmentFacts]:
    lengths = re.findall(r"#EXTINF:([\d.]+)", (folder / name / "list.m3u8").read_text())
    found, start = [], 0.0
    for number, length in enumerate(map(float, lengths)):
        data = (folder / segment_name(name, number)).read_bytes()
        facts = SegmentFacts(name, number, round(start * 1000), round(length * 1e6), len(data), hashlib.sha256(data).hexdigest())  # fmt: skip
        found.append(facts)
        start += length
    return found


def put_timeline(db: Database, store: ObjectStore, clip: Clip, owner_id: int, *, growing: bool = False) -> int:
    """Store the clip as a new asset's timeline and return the asset's id; a growing one has only its first segments."""
    with db.write() as s:
        asset = MediaAsset(
            owner_id=owner_id, title="第一讲", file_name="lecture.mp4", size=1, created_at=SINCE,
            state=AssetState.TRANSCODING if growing else AssetState.READY,
        )  # fmt: skip
        s.add(asset)
        s.flush()
        timeline = media.start_timeline(s, asset, LENGTH_MS, clip.renditions)
        here = [facts for facts in clip.segments if not growing or facts.number < FIRST]
        for name in [init_name(r.name) for r in clip.renditions] + [segment_name(f.rendition, f.number) for f in here]:
            store.put_path(timeline.prefix + name, clip.folder / name, "video/mp4")
        media.add_segments(s, timeline.id, here)
        if not growing:
            media.seal_timeline(s, timeline.id)
        return asset.id


def grow(db: Database, store: ObjectStore, clip: Clip, asset_id: int) -> None:
    """Give a growing timeline the rest of its segments and seal it."""
    with db.write() as s:
        timeline = s.query(Timeline).filter_by(asset_id=asset_id).one()
        for facts in clip.segments:
            name = segment_name(facts.rendition, facts.number)
            store.put_path(timeline.prefix + name, clip.folder / name, "video/mp4")
        media.add_segments(s, timeline.id, clip.segments)
        media.seal_timeline(s, timeline.id)


def add_course(s: Session, cast: Cast, asset_ids: list[int], state: CourseState = CourseState.PUBLISHED) -> Course:
    """A course of the county's trainer with one lesson for each asset; published, it gives one hour."""
    category = s.query(CourseCategory).first() or CourseCategory(name="党章党规", slip="党章", sort_no=1)
    course = Course(
        title="党章导读", category=category, compulsory=True, hours_100=100, state=state, org_id=cast.county_id,
        trainer_id=cast.trainer.account_id, created_at=SINCE, published_at=SINCE,
    )  # fmt: skip
    for position, asset_id in enumerate(asset_ids, 1):
        course.lessons.append(Lesson(title=f"党章导读（{position}）", position=position, asset_id=asset_id))
    s.add(course)
    s.flush()
    if state == CourseState.PUBLISHED:
        assert courses.adopt(s, course)
    return course
