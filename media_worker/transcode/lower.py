"""After a class: smaller sizes of its recording on the same segments and runs, for phones and weak lines, and a poster."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from pathlib import Path

from media_worker.transcode import boxes, extras, ffmpeg, ladder
from media_worker.transcode.ladder import Step
from media_worker.transcode.package import M4S, MP4
from media_worker.transcode.refusal import Refused
from media_worker.transcode.work import Work
from school.core.errors import NotFound
from school.media import queries, rules, service
from school.media.models import Segment, Timeline
from school.media.rules import Rendition, SegmentFacts

CHUNK = 30  # segments one ffmpeg makes, a minute: a killed worker repeats no more
RATE = Fraction(30)  # frames per second that levels are reckoned for; browsers send no more
WORTH = 1.2  # how much larger the source must be

# name, short side, highest bit rate, and at most this share of the source's
LOWER = (("720", 720, 3_000_000, 0.75), ("480", 480, 1_400_000, 0.5))
LAST = ("360", 360, 700_000, 0.6)  # for a source that none of them is below
LEAST = 150_000


@dataclass
class Recording:
    """The timeline's own picture: its rendition, its rows in order, and the init section of each run."""

    timeline: Timeline
    rendition: Rendition
    rows: list[SegmentFacts]
    inits: dict[int, bytes] = field(default_factory=dict)

    def key(self, name: str) -> str:
        return self.timeline.prefix + name


def live_renditions(work: Work) -> None:
    """Add the sizes below the source's to a sealed recording."""
    recording = work.patiently(lambda: _recording(work))
    if recording is None:
        return
    store = work.tools.store
    for run in {row.run for row in recording.rows}:
        name = recording.key(rules.init_name(recording.rendition.name, run))
        recording.inits[run] = work.patiently(lambda: store.read(name))  # noqa: B023 - called at once
    if recording.timeline.poster_key is None:
        _poster(work, recording)
    wanted = chosen(max(min(boxes.picture_size(init)) for init in recording.inits.values()))
    made: dict[str, list[SegmentFacts]] = {name: [] for name, *_ in wanted}
    for rows in chunks(recording.rows) if wanted else ():
        steps = _steps(wanted, recording, rows[0].run)
        for name, facts in (_stored(work, recording, steps, rows) or _made(work, recording, steps, rows)).items():
            made[name] += facts
        work.report("transcode", 1000 * (rows[-1].number + 1) // len(recording.rows))

    renditions = [_rendition(work, recording, name) for name in made]

    def add() -> None:
        with work.write() as s:
            for rendition in renditions:
                service.add_rendition(s, recording.timeline.id, rendition, made[rendition.name])

    work.patiently(add)


def chosen(short: int) -> list[tuple[str, int, int, float]]:
    """What is worth making of a picture whose short side is `short`."""
    lower = [each for each in LOWER if each[1] * WORTH <= short]
    return lower or ([LAST] if LAST[1] * WORTH <= short else [])


def chunks(rows: Sequence[SegmentFacts]) -> Iterator[list[SegmentFacts]]:
    """Stretches of at most CHUNK segments, none across two runs."""
    for _, run in groupby(rows, key=lambda row: row.run):
        held = list(run)
        for place in range(0, len(held), CHUNK):
            yield held[place : place + CHUNK]


def _recording(work: Work) -> Recording | None:
    """The recording of the job; None when it has no picture."""
    timeline_id = int(work.claim.args["timeline_id"])
    with work.tools.db.read() as s:
        timeline = queries.timeline(s, timeline_id)
        if timeline.sealed_at is None:
            raise Refused("worker.fault", retry=True, detail="the recording is not sealed yet")
        rendition = next((Rendition(**r) for r in timeline.renditions if r["kind"] == "video"), None)
        listed = {number for number, *_ in queries.segments(s, timeline_id, rendition.name)} if rendition else set()
        if rendition is None or not listed:
            return None
        rows = [s.get_one(Segment, (timeline_id, rendition.name, number)) for number in sorted(listed)]
    return Recording(
        timeline,
        rendition,
        [
            SegmentFacts(r.rendition, r.number, r.start_ms, r.length_us, r.size, r.sha256, r.run, r.wall_ms)
            for r in rows
        ],
    )


def _steps(wanted: Sequence[tuple[str, int, int, float]], recording: Recording, run: int) -> list[Step]:
    """Sizes for one run; a run that is smaller than the others keeps its own size."""
    size, rate = boxes.picture_size(recording.inits[run]), recording.rendition.average
    steps = []
    for name, side, ceiling, share in wanted:
        width, height = ladder.fitted(*size, side)
        most = max(LEAST, min(ceiling, int(rate * share))) if rate else ceiling
        steps.append(Step(name, width, height, most, ladder.level(width, height, RATE)))
    return steps


def _made(
    work: Work, recording: Recording, steps: Sequence[Step], rows: Sequence[SegmentFacts]
) -> dict[str, list[SegmentFacts]]:
    """Encode and store one chunk."""
    store, run = work.tools.store, rows[0].run
    init = recording.inits[run]
    timescale = boxes.timescale(init)
    made: dict[str, list[SegmentFacts]] = {step.name: [] for step in steps}
    with tempfile.TemporaryDirectory(prefix="school-chunk-") as folder:
        path, starts = Path(folder) / "chunk.mp4", list[int]()
        with path.open("wb") as file:
            file.write(init)
            for row in rows:
                name = recording.key(rules.segment_name(recording.rendition.name, row.number))
                data = work.patiently(lambda: store.read(name))  # noqa: B023 - called at once
                starts.append(_begin(init + data))
                file.write(data)
        moments = [Fraction(start - starts[0], timescale) for start in starts]
        try:
            with ffmpeg.Process(
                work.tools.ffmpeg, ffmpeg.lowered(path, steps, timescale, moments), [step.name for step in steps]
            ) as process:
                for name, piece in process.pieces(work.check):
                    if isinstance(piece, bytes):
                        _keep_init(work, recording, name, run, piece)
                        continue
                    if len(made[name]) == len(rows):
                        raise ffmpeg.Failed(f"more than {len(rows)} segments of {name}")
                    place = len(made[name])
                    data = boxes.stamped(piece.data, starts[place] - piece.base)
                    made[name].append(_keep(work, recording, name, rows[place], data))
        except ffmpeg.Failed as failed:
            raise Refused("worker.fault", retry=True, detail=str(failed)) from failed
    if any(len(facts) != len(rows) for facts in made.values()):
        raise Refused(
            "worker.fault", detail=f"{ {n: len(f) for n, f in made.items()} } of {len(rows)} from {rows[0].number}"
        )
    return made


def _begin(data: bytes) -> int:
    """The decode time of a segment's first fragment, behind its init section."""
    for piece in boxes.read_pieces(io.BytesIO(data)):
        if not isinstance(piece, bytes):
            return piece.base
    raise Refused("worker.fault", detail="a segment without a fragment")


def _keep_init(work: Work, recording: Recording, name: str, run: int, data: bytes) -> None:
    """Store a run's init section; when another encoder began the run, everything of it is made anew."""
    store, key = work.tools.store, recording.key(rules.init_name(name, run))
    if (known := work.patiently(lambda: _read(work, key))) is None:
        work.patiently(lambda: store.put(key, data, MP4))
    elif known != data:
        work.patiently(lambda: store.delete_prefix(recording.key(f"{name}/")))
        raise Refused("worker.fault", retry=True, detail=f"run {run} of {name} was begun by another encoder")


def _keep(work: Work, recording: Recording, name: str, row: SegmentFacts, data: bytes) -> SegmentFacts:
    key = recording.key(rules.segment_name(name, row.number))
    work.patiently(lambda: work.tools.store.put(key, data, M4S))
    return _fact(name, row, data)


def _fact(name: str, row: SegmentFacts, data: bytes) -> SegmentFacts:
    return SegmentFacts(
        name, row.number, row.start_ms, row.length_us, len(data), hashlib.sha256(data).hexdigest(), row.run, row.wall_ms
    )


def _stored(
    work: Work, recording: Recording, steps: Sequence[Step], rows: Sequence[SegmentFacts]
) -> dict[str, list[SegmentFacts]] | None:
    """A chunk that an earlier attempt has stored whole; None: it must be made."""
    found: dict[str, list[SegmentFacts]] = {}
    for step in steps:
        found[step.name] = []
        last = recording.key(rules.segment_name(step.name, rows[-1].number))
        if work.patiently(lambda: _read(work, last)) is None:  # noqa: B023 - called at once
            return None
        for row in rows:
            key = recording.key(rules.segment_name(step.name, row.number))
            data = work.patiently(lambda: _read(work, key))  # noqa: B023 - called at once
            if data is None:
                return None
            found[step.name].append(_fact(step.name, row, data))
    return found


def _read(work: Work, key: str) -> bytes | None:
    try:
        return work.tools.store.read(key)
    except NotFound:
        return None


def _rendition(work: Work, recording: Recording, name: str) -> Rendition:
    """What players are told: codecs and size of its first run; bit rates are measured when it is added."""
    key = recording.key(rules.init_name(name, recording.rows[0].run))
    first = work.patiently(lambda: work.tools.store.read(key))
    width, height = boxes.picture_size(first)
    return Rendition(name, "video", boxes.codecs(first), 0, width=width, height=height)


def _poster(work: Work, recording: Recording) -> None:
    """One picture of the recording, a tenth into it."""
    row = recording.rows[len(recording.rows) // extras.POSTER_AT]
    init, store = recording.inits[row.run], work.tools.store
    data = work.patiently(lambda: store.read(recording.key(rules.segment_name(recording.rendition.name, row.number))))
    size = ladder.fitted(*boxes.picture_size(init), extras.POSTER_SIDE)
    with tempfile.TemporaryDirectory(prefix="school-poster-") as folder:
        path = Path(folder) / "segment.mp4"
        path.write_bytes(init + data)
        work.report("poster", 10)
        try:
            image, _ = ffmpeg.capture(work.tools.ffmpeg, ffmpeg.poster(path, 0, *size), work.check)
        except ffmpeg.Failed as failed:
            raise Refused("worker.fault", retry=True, detail=str(failed)) from failed
    key = recording.key(rules.POSTER)
    work.patiently(lambda: store.put(key, image, extras.JPEG))

    def note() -> None:
        with work.write() as s:
            service.add_pictures(s, recording.timeline.id, poster_key=key)

    work.patiently(note)
