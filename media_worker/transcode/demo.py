"""The job `demo_lecture`: makes a short lecture (slides, a moving inset, tones like a voice) as if a trainer had uploaded it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from media_worker.transcode import ffmpeg
from media_worker.transcode.refusal import Refused
from media_worker.transcode.slides import Page, deck
from media_worker.transcode.work import Work
from school.media import jobs, service
from school.media.models import AssetState

SIZE = 1280, 720
RATE = 10  # frames per second are plenty for slides, and cost a third
SHORTEST, LONGEST = 10, 600


def demo_lecture(work: Work) -> None:
    """Draw the lecture of the job's args, store it as the asset's source and queue its ingest.

    args: `title`, `seconds` (120 to 240 is usual), `pages`: a list of `{"heading": str, "points": [str]}`.
    """
    args, asset = work.claim.args, work.asset()
    if asset.source_key:  # a worker was killed between storing it and closing the job
        return
    work.report("draw", 50)
    images = deck(*SIZE, work.tools.settings.name, args["title"], pages_of(args))
    seconds = max(SHORTEST, min(LONGEST, int(args["seconds"])))
    try:
        film = filmed(work, images, seconds)
    except ffmpeg.Failed as failed:
        raise Refused("worker.fault", retry=failed.killed, detail=str(failed)) from failed
    work.report("store", 900)
    key = f"sources/{asset.id}/source"
    work.patiently(lambda: work.tools.store.put(key, film, "video/mp4"))

    def note() -> None:
        with work.write() as s:
            sha256 = hashlib.sha256(film).hexdigest()
            drawn = service.set_asset_state(s, asset.id, AssetState.CHECKING, sha256=sha256)
            drawn.source_key, drawn.size = key, len(film)
            jobs.enqueue(s, "ingest", f"ingest:{asset.id}", asset.id)

    work.patiently(note)


def pages_of(args: dict[str, Any]) -> list[Page]:
    return [Page(page["heading"], tuple(page["points"])) for page in args["pages"]]


def filmed(work: Work, images: Sequence[Image.Image], seconds: int) -> bytes:
    """An MP4 that shows each image for an equal time, with a wave in the corner that moves with the tones."""
    with tempfile.TemporaryDirectory(dir=work.tools.spool.folder) as folder:
        for number, image in enumerate(images):
            image.save(Path(folder) / f"{number:03}.png", compress_level=1)
        build = ffmpeg.lecture(Path(folder), len(images), seconds, *SIZE, RATE)
        film, _ = ffmpeg.capture(work.tools.ffmpeg, build, work.check)
    return film
