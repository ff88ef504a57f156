"""Verbs over slide decks: a PDF is taken, a worker draws its pages (`slides` job), and each page is a picture."""

from __future__ import annotations

import secrets
from pathlib import Path

from sqlalchemy.orm import Session

from school.core.errors import Conflict, Invalid, NotFound, TooLarge
from school.core.i18n import N_
from school.core.store import ObjectStore
from school.core.time import now
from school.media import jobs, reasons, rules
from school.media.models import AssetState, SlideDeck

LIMIT = 50 * 1024**2  # bytes of a PDF
MOST_PAGES = 300
MAGIC = b"%PDF-"
HEAD = 1024  # a PDF's mark stands within its first bytes
PDF = "application/pdf"

STATES = {
    AssetState.CHECKING: N_("课件已收到，正在变成图片，一般不到一分钟。"),
    AssetState.READY: N_("课件已经准备好。"),
}


def page_key(deck: SlideDeck, page: int) -> str:
    """Object of a page (from 1), a JPEG."""
    return f"{deck.prefix}{page:04}.jpg"


def check_file(path: Path) -> None:
    """Raises Invalid (`deck.not_pdf`) or TooLarge (`deck.large`) for a file that is no PDF we take."""
    size = path.stat().st_size
    if size > LIMIT:
        raise TooLarge("deck.large", N_("课件最大 50 MB。请在另存为 PDF 时选“最小文件大小”，或分成两份。"))
    with path.open("rb") as file:
        if MAGIC not in file.read(HEAD):
            raise Invalid("deck.not_pdf", reasons.REASONS["deck.not_pdf"])


def store_file(store: ObjectStore, path: Path) -> str:
    """Keep a checked PDF; the prefix of a deck to be. Whoever then fails to `add` it deletes the prefix."""
    prefix = f"decks/{secrets.token_hex(12)}/"
    store.put_path(f"{prefix}source.pdf", path, PDF)
    return prefix


def add(s: Session, owner_id: int, file_name: str, prefix: str) -> SlideDeck:
    """A deck of a stored PDF, and the job that draws it."""
    deck = SlideDeck(
        owner_id=owner_id, file_name=rules.clean_name(file_name) or "slides.pdf", source_key=f"{prefix}source.pdf",
        prefix=prefix, pages=0, state=AssetState.CHECKING, created_at=now(),
    )  # fmt: skip
    s.add(deck)
    s.flush()
    jobs.enqueue(s, "slides", f"slides:{deck.id}", args={"deck_id": deck.id}, priority=5)
    return deck


def find(s: Session, deck_id: int) -> SlideDeck:
    """The deck, or NotFound (`deck.none`)."""
    deck = s.get(SlideDeck, deck_id)
    if deck is None:
        raise none()
    return deck


def ready(s: Session, deck_id: int, pages: int) -> None:
    """Every page is stored."""
    deck = find(s, deck_id)
    deck.pages, deck.state, deck.reason_code = pages, AssetState.READY, None


def remove(s: Session, deck: SlideDeck) -> str:
    """Take the deck's row away; its objects lie under the answer, to be deleted after the transaction."""
    prefix = deck.prefix
    s.delete(deck)
    return prefix


def page_of(deck: SlideDeck, page: int) -> str:
    """Key of a page that can be shown; NotFound (`deck.page`) beyond the last, Conflict (`deck.waiting`) before all are."""
    if deck.state != AssetState.READY:
        raise Conflict("deck.waiting", message(deck))
    if not 1 <= page <= deck.pages:
        raise NotFound("deck.page", N_("课件没有这一页。"))
    return page_key(deck, page)


def message(deck: SlideDeck) -> str:
    """How the deck is doing, as a source sentence."""
    if deck.state == AssetState.FAILED:
        known = (deck.reason_code or "").startswith("deck.")
        return reasons.sentence(deck.reason_code or "", {})[0] if known else reasons.REASONS["deck.fault"]
    return STATES[AssetState(deck.state)]


def none() -> NotFound:
    return NotFound("deck.none", N_("这堂课没有课件。"))
