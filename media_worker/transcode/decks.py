"""Draws the pages of a PDF that a stranger made: PDFium in a child process that may not write, grow or run for long.

As a program (`python -m media_worker.transcode.decks FILE`) it is that child. It writes one line of JSON, then each page
as its length (four bytes, big-endian) and its JPEG.
"""

from __future__ import annotations

import io
import json
import os
import resource
import selectors
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from media_worker.transcode.refusal import Refused
from media_worker.transcode.work import Work
from school.core.errors import NotFound
from school.media import decks
from school.media.models import SlideDeck

WIDTH, HEIGHT = 1600, 2400  # pixels a page is fitted into; slides are wide, so nearly all are 1600 wide
QUALITY = 85
MEMORY = 1536 * 1024**2
SECONDS = 240  # wall and processor time; 300 pages of slides take about 40 s
PAGE_LARGEST = 8 * 1024**2
PASSWORD = 4  # PDFium's FPDF_ERR_PASSWORD
LENGTH = struct.Struct(">I")
JPEG = "image/jpeg"


def slides(work: Work) -> None:
    """Every page of a deck becomes a picture under its prefix; the deck is ready when all are stored."""
    deck_id = int(work.claim.args["deck_id"])
    try:
        deck = work.patiently(lambda: _deck(work, deck_id))
    except NotFound:
        return  # taken away, or replaced
    with tempfile.TemporaryDirectory(prefix="school-deck-") as folder:
        path = Path(folder) / "source.pdf"
        work.patiently(lambda: work.tools.store.fetch(deck.source_key, path))
        count = 0
        for count, (page, pages) in enumerate(drawn(path, work.check), 1):
            key = decks.page_key(deck, count)
            work.patiently(lambda: work.tools.store.put(key, page, JPEG))  # noqa: B023 - called at once
            work.report("slides", 1000 * count // pages)

    def note() -> None:
        with work.write() as s:
            decks.ready(s, deck_id, count)

    try:
        work.patiently(note)
    except NotFound:
        work.patiently(lambda: work.tools.store.delete_prefix(deck.prefix))


def _deck(work: Work, deck_id: int) -> SlideDeck:
    with work.tools.db.read() as s:
        return decks.find(s, deck_id)


# ── this side of the pipe ──────────────────────────────────


def drawn(path: Path, check: Callable[[], None]) -> Iterator[tuple[bytes, int]]:
    """Each page as a JPEG with the number of pages, or Refused with a reason a trainer understands."""
    child = subprocess.Popen(
        [sys.executable, "-m", "media_worker.transcode.decks", str(path)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0,
    )  # fmt: skip
    assert child.stdout
    assert child.stderr
    pipe = _Pipe(child.stdout, check)
    try:
        answer = json.loads(pipe.line() or b'{"refused": ""}')
        if refused := answer.get("refused"):
            raise Refused(refused)
        for _ in range(answer.get("pages", 0)):
            (size,) = LENGTH.unpack(pipe.exactly(LENGTH.size))
            if size > PAGE_LARGEST:
                raise Refused("deck.heavy")
            yield pipe.exactly(size), answer["pages"]
        if not answer.get("pages"):
            raise EOFError
    except EOFError:  # it hit a limit, or the file broke the library
        child.kill()
        child.wait()
        detail = child.stderr.read().decode(errors="replace")[-2000:]
        memory = "MemoryError" in detail
        raise Refused("deck.heavy" if child.returncode < 0 or memory else "deck.damaged", detail=detail) from None
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
        child.stderr.close()


class _Pipe:
    """Reads what the child writes, with a deadline for all of it; `check` is called while it waits."""

    def __init__(self, file: IO[bytes], check: Callable[[], None]) -> None:
        self._file, self._check = file, check
        self._held = bytearray()
        self._until = time.monotonic() + SECONDS
        self._selector = selectors.DefaultSelector()
        self._selector.register(file, selectors.EVENT_READ)

    def line(self) -> bytes:
        while b"\n" not in self._held:
            if len(self._held) > 4096 or not self._more():
                return b""
        line, _, rest = bytes(self._held).partition(b"\n")
        self._held = bytearray(rest)
        return line

    def exactly(self, size: int) -> bytes:
        while len(self._held) < size:
            if not self._more():
                raise EOFError
        data = bytes(self._held[:size])
        del self._held[:size]
        return data

    def _more(self) -> bool:
        while not self._selector.select(0.5):
            self._check()
            if time.monotonic() > self._until:
                raise Refused("deck.heavy")
        data = os.read(self._file.fileno(), 1 << 20)
        self._held += data
        return bool(data)


# ── the child ──────────────────────────────────────────


def _open(path: Path) -> Any:
    import pypdfium2

    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        return "deck.locked" if getattr(error, "err_code", None) == PASSWORD else "deck.damaged"


def _page(document: Any, number: int) -> bytes:
    page = document[number]
    width, height = page.get_size()
    scale = min(WIDTH / max(width, 1), HEIGHT / max(height, 1))
    picture = page.render(scale=scale).to_pil().convert("RGB")
    page.close()
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=QUALITY, progressive=True)
    return data.getvalue()


def main(path: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    out = sys.stdout.buffer
    document = _open(path)
    refused = (
        document if isinstance(document, str) else "deck.too_many_pages" if len(document) > decks.MOST_PAGES else ""
    )
    pages = 0 if refused else len(document)
    out.write(json.dumps({"refused": refused, "pages": pages}).encode() + b"\n")
    for number in range(pages):
        data = _page(document, number)
        out.write(LENGTH.pack(len(data)))
        out.write(data)
        out.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
