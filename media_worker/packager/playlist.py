"""HLS playlists of a class that is on (RFC 8216bis) as text; pure, names in them are relative to the playlist."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from media_worker.packager.shelf import Opening, Segment, Shelf

TARGET = 2  # seconds; key pictures are asked for at this pace
PART_TARGET = 500_000  # microseconds
WITH_PARTS = 3  # closed segments whose parts are still listed
SOUND_BANDWIDTH = 128_000
PICTURE_BANDWIDTH = 2_500_000  # until a segment has been measured


def master(folder: str, picture: Opening, sound: Opening, segments: Sequence[Segment], query: str = "") -> str:
    """The address of picture and sound below `folder`, each with `query` behind it."""
    video = max((segment.bit_rate for segment in segments if segment.closed), default=PICTURE_BANDWIDTH)
    facts = [
        f"BANDWIDTH={video + SOUND_BANDWIDTH}",
        f'CODECS="{picture.codecs},{sound.codecs}"',
        f"RESOLUTION={picture.width}x{picture.height}",
        'AUDIO="sound"',
    ]
    return _text(
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,'
        f'URI="{folder}/audio.m3u8{query}"',
        f"#EXT-X-STREAM-INF:{','.join(facts)}",
        f"{folder}/video.m3u8{query}",
    )


def hall(shelf: Shelf, kind: str, tag: str, *, folder: str = "") -> str:
    """Closed segments alone, for thousands and for caches. `kind` and `tag` make the names; see `names`."""
    segments = [segment for segment in shelf.segments if segment.closed]
    lines = _head(shelf, segments)
    run: int | None = None
    for segment in segments:
        lines += _run_lines(segment, run, kind, tag, folder)
        lines += _segment_lines(segment, kind, tag, folder)
        run = segment.run
    return _text(*lines, *(["#EXT-X-ENDLIST"] if shelf.ended else []))


def low(shelf: Shelf, kind: str, tag: str, other: tuple[str, Shelf]) -> str:
    """Parts as well, blocking reload, and a report of the `other` rendition's playlist (its name and shelf)."""
    segments = list(shelf.segments)
    part_us = max([PART_TARGET, *(part.length_us for segment in segments for part in segment.parts)])
    lines = _head(shelf, [segment for segment in segments if segment.closed])
    lines[2:2] = [
        f"#EXT-X-PART-INF:PART-TARGET={part_us / 1_000_000:.3f}",
        f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={3 * part_us / 1_000_000:.3f}",
    ]
    run: int | None = None
    closed = sum(segment.closed for segment in segments)
    for place, segment in enumerate(segments):
        lines += _run_lines(segment, run, kind, tag, "")
        run = segment.run
        if place >= closed - WITH_PARTS:
            for number, part in enumerate(segment.parts):
                independent = ",INDEPENDENT=YES" if part.independent else ""
                name = part_name(kind, tag, segment.number, number)
                lines.append(f'#EXT-X-PART:DURATION={part.length_us / 1_000_000:.6f},URI="{name}"{independent}')
        if segment.closed:
            lines += _segment_lines(segment, kind, tag, "")
    if shelf.ended:
        return _text(*lines, "#EXT-X-ENDLIST")
    number, part_number = next_part(shelf)
    lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{part_name(kind, tag, number, part_number)}"')
    other_name, other_shelf = other
    if other_shelf.segments:
        newest = other_shelf.segments[-1]
        lines.append(
            f'#EXT-X-RENDITION-REPORT:URI="{other_name}.m3u8",LAST-MSN={newest.number},'
            f"LAST-PART={len(newest.parts) - 1}"
        )
    return _text(*lines)


def next_part(shelf: Shelf) -> tuple[int, int]:
    """Segment and part that will come next."""
    segment = shelf.open_segment
    return (shelf.next_number, 0) if segment is None else (segment.number, len(segment.parts))


def init_name(kind: str, tag: str, run: int) -> str:
    """Names hold `tag`, which no other packager process has: what caches keep under a name never changes."""
    return f"{kind}-{tag}-init-{run}.mp4"


def segment_name(kind: str, tag: str, number: int) -> str:
    return f"{kind}-{tag}-{number}.m4s"


def part_name(kind: str, tag: str, number: int, part: int) -> str:
    return f"{kind}-{tag}-{number}.{part}.m4s"


def _head(shelf: Shelf, closed: Sequence[Segment]) -> list[str]:
    longest = max([TARGET, *((segment.length_us + 500_000) // 1_000_000 for segment in closed)])
    first = shelf.segments[0].number if shelf.segments else shelf.next_number
    return [
        "#EXTM3U",
        "#EXT-X-VERSION:9",
        f"#EXT-X-TARGETDURATION:{longest}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{shelf.dropped_runs}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]


def _run_lines(segment: Segment, before: int | None, kind: str, tag: str, folder: str) -> list[str]:
    lines = []
    if segment.run != before:
        lines += ["#EXT-X-DISCONTINUITY"] if before is not None else []
        lines.append(f'#EXT-X-MAP:URI="{folder}{init_name(kind, tag, segment.run)}"')
    return [*lines, f"#EXT-X-PROGRAM-DATE-TIME:{_moment(segment.at_us)}"]


def _segment_lines(segment: Segment, kind: str, tag: str, folder: str) -> list[str]:
    return [f"#EXTINF:{segment.length_us / 1_000_000:.6f},", folder + segment_name(kind, tag, segment.number)]


def _moment(at_us: int) -> str:
    moment = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_us // 1000 % 1000:03}Z"


def _text(*lines: str) -> str:
    return "\n".join(lines) + "\n"
