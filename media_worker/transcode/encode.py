"""Makes the segments of a plan: the sound in one go, the picture copied or encoded run by run, nothing twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from media_worker.transcode import boxes, ffmpeg, ladder
from media_worker.transcode.boxes import Fragment
from media_worker.transcode.facts import Picture
from media_worker.transcode.ladder import Plan
from media_worker.transcode.package import Shelf
from media_worker.transcode.refusal import Refused
from media_worker.transcode.work import Work


class Uneven(Exception):
    """The source's own picture cannot be cut where the probe said; it has to be encoded."""


def make_all(work: Work, path: Path, picture: Picture | None, plan: Plan, shelf: Shelf) -> None:
    """Everything of the plan that is not stored yet. Raises Refused, Uneven, InitChanged, LeaseLost or Stopped.

    The sound comes first: it is cheap, and a source that breaks off is found before the expensive part.
    """
    try:
        if plan.channels:
            make_sound(work, path, plan, shelf)
        if plan.copied:
            copy_picture(work, path, plan, shelf)
        if plan.steps and picture:
            encode_pictures(work, path, picture, plan, shelf)
    except ffmpeg.Failed as failed:
        raise Refused(
            "file.damaged", at_ms=shelf.reached_us // 1000, retry=failed.killed, detail=str(failed)
        ) from failed


def make_sound(work: Work, path: Path, plan: Plan, shelf: Shelf) -> None:
    """Segments of the sound from the first missing one; the one before is made again, so that the join is not heard."""
    work.report("audio", shelf.progress)
    missing = next((n for n in range(plan.audio_count) if n not in shelf.stored[ladder.AUDIO]), None)
    if missing is None:
        return
    number = max(0, missing - 1)
    samples = ladder.AUDIO_SEGMENT * ladder.AUDIO_FRAME
    origin = number * samples
    with ffmpeg.Process(work.tools.ffmpeg, ffmpeg.sound(path, plan, number), [ladder.AUDIO]) as process:
        for name, piece in process.pieces(work.check):
            if isinstance(piece, bytes):
                shelf.init(name, piece)
                continue
            if number >= missing:
                start, length = (_us(t, ladder.AUDIO_RATE) for t in (origin + piece.base, piece.length))
                shelf.put(name, number, start, length, boxes.stamped(piece.data, origin))
                work.report("audio", shelf.progress)
            number += 1
    shelf.flush()


def copy_picture(work: Work, path: Path, plan: Plan, shelf: Shelf) -> None:
    """The source's own picture, cut at the plan's key frames. Raises Uneven when they are not where the probe saw them."""
    assert plan.copied
    name, held = plan.copied.name, list[Fragment]()
    work.report("copy", shelf.progress)
    number, origin = 0, plan.ticks(0)
    slack = plan.timescale // 200

    def close() -> None:
        begin = held[0].base + origin
        if abs(begin - plan.ticks(number)) > slack:
            raise Uneven(f"segment {number} begins at {begin}, not at {plan.ticks(number)}")
        start = _us(begin, plan.timescale)
        length = _us(sum(f.length for f in held), plan.timescale)
        shelf.put(name, number, start, length, boxes.stamped(b"".join(f.data for f in held), origin))
        work.report("copy", shelf.progress)

    with ffmpeg.Process(work.tools.ffmpeg, ffmpeg.copied(path, plan.timescale), [name]) as process:
        for _, piece in process.pieces(work.check):
            if isinstance(piece, bytes):
                if boxes.timescale(piece) != plan.timescale or boxes.codecs(piece) != plan.copied.codecs:
                    raise Uneven("the copy has another clock or codec")
                shelf.init(name, piece)
                continue
            if held and number + 1 < plan.count and piece.base + origin >= plan.ticks(number + 1) - slack:
                close()
                held, number = [], number + 1
            held.append(piece)
    if not held or number + 1 != plan.count:
        raise Uneven(f"{number + 1} segments instead of {plan.count}")
    close()
    shelf.flush()


def encode_pictures(work: Work, path: Path, picture: Picture, plan: Plan, shelf: Shelf) -> None:
    """Every encoded rendition, one ffmpeg for each run of segments that begins with the first missing one."""
    names = [step.name for step in plan.steps]
    work.report("transcode", shelf.progress)
    first = 0
    while run := ladder.next_run(set.intersection(*(shelf.stored[name] for name in names)), first, plan.count):
        _encode_run(work, path, picture, plan, shelf, run)
        first = run.stop
    shelf.flush()


def _encode_run(work: Work, path: Path, picture: Picture, plan: Plan, shelf: Shelf, run: range) -> None:
    names = [step.name for step in plan.steps]
    made = Counter(dict.fromkeys(names, 0))
    with ffmpeg.Process(work.tools.ffmpeg, ffmpeg.pictures(path, picture, plan, run), names) as process:
        for name, piece in process.pieces(work.check):
            if isinstance(piece, bytes):
                shelf.init(name, piece)
                continue
            number = run.start + made[name]
            made[name] += 1
            if number not in run:
                raise RuntimeError(f"segment {number} of {name} is outside {run}")
            start = plan.ticks(number)
            length = plan.ticks(number + 1) - start if number + 1 < plan.count else piece.length
            shelf.put(name, number, _us(start, plan.timescale), _us(length, plan.timescale),
                      boxes.stamped(piece.data, start - piece.base))  # fmt: skip
            work.report("transcode", shelf.progress)
    if min(made.values()) < len(run):
        raise ffmpeg.Failed(f"{dict(made)} of {run}\n{process.said}")


def _us(ticks: int, timescale: int) -> int:
    return round(ticks * 1_000_000 / timescale)
