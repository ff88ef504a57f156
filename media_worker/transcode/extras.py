"""Poster, storyboard and loudness: small jobs of their own beside the transcode."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from math import ceil

from media_worker.transcode import ffmpeg, ladder
from media_worker.transcode.facts import Facts
from media_worker.transcode.refusal import Refused
from media_worker.transcode.work import Work
from school.media import queries, service
from school.media.models import Timeline

POSTER_SIDE = 540  # short side of a poster
POSTER_AT = 10  # a tenth into the lecture: past the title card, before anybody has left
TILE = 160  # width of a storyboard picture
COLUMNS = 10
TILES = 100
EVERY = 10  # seconds between storyboard pictures, more when they would not fit
JPEG = "image/jpeg"


def poster(work: Work) -> None:
    """One picture for course cards and the player before it plays."""
    facts = Facts.from_json(work.asset().probe)
    if facts.picture is None:
        return
    size = ladder.fitted(*facts.picture.display, POSTER_SIDE)
    at = min(facts.picture.end_us // POSTER_AT, 60_000_000)
    with work.source() as (path, _):
        work.report("poster", 200)
        image, _ = _run(work, ffmpeg.poster(path, at, *size))
        if not image:  # nothing can be decoded from there on; a file without an index may be so
            image, _ = _run(work, ffmpeg.poster(path, 0, *size))
    _keep(work, "poster.jpg", image, lambda key: {"poster_key": key})


def storyboard(work: Work) -> None:
    """One sprite of small pictures at even distances, shown while a member looks for a place."""
    facts = Facts.from_json(work.asset().probe)
    if facts.picture is None:
        return
    every, count, rows = sprite(facts.picture.end_us)
    width, height = facts.picture.display
    size = TILE, max(2, round(TILE * height / width / 2) * 2)
    with work.source() as (path, _):
        work.report("storyboard", 200)
        image, _ = _run(work, ffmpeg.storyboard(path, Fraction(every), *size, COLUMNS, rows))
    shape = {"every_ms": every * 1000, "width": size[0], "height": size[1], "columns": COLUMNS, "count": count}
    _keep(work, "storyboard.jpg", image, lambda key: {"storyboard": {"key": key, **shape}})


def loudness(work: Work) -> None:
    """EBU R 128 figures of the sound, so that the player can bring quiet lectures up."""
    if Facts.from_json(work.asset().probe).sound is None:
        return
    with work.source() as (path, _):
        work.report("loudness", 100)
        _, said = _run(work, ffmpeg.loudness(path))
    figures = measured(said)

    def note() -> None:
        with work.write() as s:
            assert work.claim.asset_id is not None
            service.note_loudness(s, work.claim.asset_id, figures)

    work.patiently(note)


def sprite(length_us: int) -> tuple[int, int, int]:
    """Seconds between pictures, how many, in how many rows, for a picture of this length."""
    every = max(EVERY, ceil(length_us / 1_000_000 / TILES))
    count = max(1, ceil(length_us / 1_000_000 / every))
    return every, count, -(-count // COLUMNS)


def measured(said: str) -> dict[str, float]:
    """`integrated_lufs`, `range_lu`, `peak_dbfs` from what the ebur128 filter says at its end; silence has no figures."""
    summary = said[said.rfind("Summary:") :]
    found = {
        name: re.search(rf"^\s*{label}:\s+(-?[\d.]+)\s", summary, re.MULTILINE)
        for name, label in (("integrated_lufs", "I"), ("range_lu", "LRA"), ("peak_dbfs", "Peak"))
    }
    return {name: float(match[1]) for name, match in found.items() if match}


def _run(work: Work, build: ffmpeg.Build) -> tuple[bytes, str]:
    try:
        return ffmpeg.capture(work.tools.ffmpeg, build, work.check)
    except ffmpeg.Failed as failed:
        raise Refused("worker.fault", retry=failed.killed, detail=str(failed)) from failed


def _keep(work: Work, name: str, image: bytes, facts: Callable[[str], dict[str, object]]) -> None:
    """Store a picture under the asset's timeline and note it there."""

    def find() -> Timeline:
        with work.tools.db.read() as s:
            assert work.claim.asset_id is not None
            timeline = queries.timeline_of(s, work.claim.asset_id)
        if timeline is None or not image:
            raise Refused("worker.fault", retry=timeline is None, detail="no timeline, or no picture")
        return timeline

    timeline = work.patiently(find)
    key = timeline.prefix + name
    work.patiently(lambda: work.tools.store.put(key, image, JPEG))

    def note() -> None:
        with work.write() as s:
            service.add_pictures(s, timeline.id, **facts(key))  # type: ignore[arg-type]

    work.patiently(note)
