"""CPU of the whole transcode job (fetch, encode, package, hash, store, rows), beside one bare ffmpeg that makes the same renditions.

The sources are 1080p30 slides with Chinese text, a moving picture in a corner and a voice, with key frames too far apart to
be copied. The longer one takes several runs of ffmpeg; the worse of the two ratios counts.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.harness import Goal, Measured, Spent, alternate, ffmpeg, quiet, spent
from media_worker.transcode import ffmpeg as commands
from media_worker.transcode import ladder, slides
from media_worker.transcode.facts import Facts
from media_worker.transcode.probe import probe
from media_worker.transcode.spool import Spool
from media_worker.transcode.work import Tools
from media_worker.transcode.worker import do
from school.core.db import Database
from school.core.settings import Settings
from school.core.store import open_store
from school.core.time import now
from school.media import jobs, queries, uploads
from school.media.models import AssetState
from school.org.models import Account
from school.tables import Base

GOAL = Goal(1.05, "× one bare ffmpeg")
LENGTHS = (60, 140)  # seconds: one run, and two whole ones with a rest
ROUNDS = {60: 3, 140: 1}
FAR_APART = 300  # frames between key frames


def measure() -> Measured:
    return compare({seconds: lecture(seconds, FAR_APART) for seconds in LENGTHS}, copied=False)


def compare(films: dict[int, Path], *, copied: bool) -> Measured:
    """Our job beside the bare command, for each film by its seconds; the worst ratio counts."""
    runs, ratios, sizes = [], {}, {}
    for seconds, film in films.items():
        bytes_made: dict[str, int] = {}
        sides: dict[str, Callable[[], Spent]] = {
            "ours": lambda film=film, made=bytes_made: ours(film, made, copied=copied),  # type: ignore[misc]
            "bare ffmpeg": lambda film=film, made=bytes_made: bare(film, made),  # type: ignore[misc]
        }
        medians, found = alternate(sides, ROUNDS[seconds], warm=0)
        runs += [{"seconds": seconds, **run} for run in found]
        ratios[seconds] = medians["ours"].cpu / medians["bare ffmpeg"].cpu
        sizes[seconds] = bytes_made["ours"] / bytes_made["bare ffmpeg"]
    notes = {
        "ratio_by_seconds": {s: round(ratio, 3) for s, ratio in ratios.items()},
        "bytes_ours_to_bare": {s: round(ratio, 3) for s, ratio in sizes.items()},
    }
    return Measured(max(ratios.values()), runs, notes=notes)


def ours(film: Path, made: dict[str, int], *, copied: bool) -> Spent:
    """The transcode job of an ingested film, on SQLite and a folder; the bytes of its segments go to `made`."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder))
        db, store = Database(settings.db_url), open_store(settings)
        Base.metadata.create_all(db.engine)
        store.prepare()
        with db.write() as s:
            owner = Account(login="bench", name="测试", password_hash="x", created_at=now())
            s.add(owner)
            s.flush()
        asset = uploads.take_file(db, store, owner.id, film)
        tools = Tools(settings, db, store, Spool(Path(folder) / "spool"))
        job(tools, "ingest")
        cost = spent(lambda: job(tools, "transcode"))
        with db.read() as s:
            asset, timeline = queries.asset(s, asset.id), queries.timeline_of(s, asset.id)
        assert asset.state == AssetState.READY, asset.reason_code
        assert timeline
        assert bool(ladder.plan(Facts.from_json(asset.probe)).copied) == copied
        made["ours"] = sum(stat.size for stat in store.list(timeline.prefix))
        db.close()
        return cost


def job(tools: Tools, kind: str) -> None:
    claim = jobs.claim(tools.db, [kind], "bench")
    assert claim
    do(tools, claim)


def bare(film: Path, made: dict[str, int]) -> Spent:
    """One ffmpeg as anybody would write it, with the encoder settings of the ladder."""
    steps = ladder.sizes(1920, 1080, ladder.Fraction(30))
    scales = ";".join(f"[s{n}]scale={s.width}:{s.height}[v{n}]" for n, s in enumerate(steps) if n)
    graph = "[0:v]split=3[v0][s1][s2];" + scales
    options: list[str] = []
    for n, step in enumerate(steps):
        options += ["-map", f"[v{n}]", f"-maxrate:v:{n}", str(step.ceiling), f"-bufsize:v:{n}", str(2 * step.ceiling)]
    channels = min(2, getattr(probe(film).sound, "channels", 1))
    with tempfile.TemporaryDirectory() as folder:
        command = [
            ffmpeg(), "-nostdin", "-v", "error", "-i", film, "-filter_complex", graph, *options,
            "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-profile:v", "high", "-pix_fmt", "yuv420p",
            "-g", "120", "-keyint_min", "120", "-sc_threshold", "0",
            "-map", "0:a", "-c:a", "aac", "-ar", "48000", "-b:a", str(ladder.audio_rate(channels)),
            "-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4",
            "-var_stream_map", "v:0,agroup:a v:1,agroup:a v:2,agroup:a a:0,agroup:a",
            "-hls_segment_filename", f"{folder}/%v-%05d.m4s", f"{folder}/%v.m3u8",
        ]  # fmt: skip
        cost = spent(lambda: quiet(command))
        made["bare ffmpeg"] = sum(path.stat().st_size for path in Path(folder).glob("*.m4s"))
        return cost


def lecture(seconds: int, gop: int) -> Path:
    """A film of `seconds` with a key frame every `gop` frames; made once for all benches of this machine's account."""
    path = Path(tempfile.gettempdir()) / f"school-bench-{os.getuid()}" / f"lecture-{seconds}-{gop}.mp4"
    if path.exists():
        return path
    path.parent.mkdir(mode=0o700, exist_ok=True)
    points = ("党员每年参加集中学习培训的时间一般不少于三十二学时。", "集中学习学时与网络学习学时分别计算，不得互相抵充。",
              "基层党组织书记和班子成员每年不少于五十六学时，至少参加一次集中培训。")  # fmt: skip
    pages = [slides.Page(f"第{n}节　学时怎样计算", points) for n in "一二三四五"]
    with tempfile.TemporaryDirectory() as folder:
        images = slides.deck(1920, 1080, "青禾县网上党校", "党员教育培训工作条例解读", pages)
        for number, image in enumerate(images):
            image.save(Path(folder) / f"{number:03}.png")
        draft = path.with_suffix(f".{os.getpid()}.mp4")
        quiet([
            ffmpeg(), "-nostdin", "-v", "error", "-y",
            "-framerate", f"{len(images)}/{seconds}", "-i", f"{folder}/%03d.png",
            "-f", "lavfi", "-i", f"testsrc2=s=480x270:r=30:d={seconds},noise=alls=6:allf=t",
            "-f", "lavfi", "-i", f"aevalsrc='{commands.VOICE}':s=44100:d={seconds}",
            "-filter_complex", "[0:v]fps=30,format=yuv420p[a];[a][1:v]overlay=W-w-40:H-h-60", "-map", "2:a",
            "-c:v", "libx264", "-preset", "veryfast", "-g", str(gop), "-sc_threshold", "0", "-c:a", "aac", "-ac", "1",
            "-t", str(seconds), "-movflags", "+faststart", draft,
        ])  # fmt: skip
        draft.rename(path)
    return path
