"""Slides: who may put them in and see them, and PDFs of strangers drawn in a child process with limits."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image, ImageDraw

from actors import Cast
from clients import SchoolClient
from live_kit import make_class
from media_worker.transcode import decks as drawing
from media_worker.transcode.refusal import Refused
from media_worker.transcode.worker import run, tools_of
from school.core.db import Database
from school.core.settings import Settings
from school.live import log
from school.live.models import LiveClass, LiveState
from school.media import decks
from school.media.models import AssetState, SlideDeck


def pdf(pages: int = 2) -> bytes:
    """A deck with a number drawn on each page."""
    made = []
    for number in range(1, pages + 1):
        image = Image.new("RGB", (640, 360), "#FAF7F1")
        ImageDraw.Draw(image).text((300, 160), str(number), fill="#B7141A")
        made.append(image)
    data = io.BytesIO()
    made[0].save(data, "PDF", save_all=True, append_images=made[1:])
    return data.getvalue()


def raw_pdf(*objects: str, trailer: str = "") -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalogue."""
    data, places = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(data))
        data += f"{number} 0 obj\n{text}\nendobj\n".encode("latin-1")
    start = len(data)
    data += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    data += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    return data + f"trailer << /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF".encode()


CATALOGUE, PAGE = "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 640 360] >>"


def tree(count: int) -> tuple[str, ...]:
    kids = " ".join(f"{n} 0 R" for n in range(3, 3 + count))
    return (CATALOGUE, f"<< /Type /Pages /Count {count} /Kids [{kids}] >>", *[PAGE] * count)


def laughing() -> bytes:
    """Ten levels of a form that draws the next one ten times."""
    forms = []
    for level in range(10):
        inner = (f"/F{level + 1} Do " * 10) if level < 9 else "0 0 600 300 re f " * 50
        forms.append(
            f"<< /Type /XObject /Subtype /Form /BBox [0 0 640 360] /Length {len(inner)} "
            f"/Resources << /XObject << /F{level + 1} {6 + level} 0 R >> >> >>\nstream\n{inner}\nendstream"
        )
    page = PAGE.replace(" >>", " /Contents 4 0 R /Resources << /XObject << /F0 5 0 R >> >> >>")
    return raw_pdf(CATALOGUE, "<< /Type /Pages /Count 1 /Kids [3 0 R] >>", page,
                   "<< /Length 6 >>\nstream\n/F0 Do\nendstream", *forms)  # fmt: skip


# ── the drawing ─────────────────────────────────────────


def drawn(tmp_path: Path, data: bytes) -> list[tuple[int, int]]:
    path = tmp_path / "a.pdf"
    path.write_bytes(data)
    return [Image.open(io.BytesIO(page)).size for page, _ in drawing.drawn(path, lambda: None)]


def test_pages_are_drawn_wide_and_none_too_high(tmp_path: Path) -> None:
    assert drawn(tmp_path, pdf(3)) == [(1600, 900)] * 3
    tall = raw_pdf(*tree(1)).replace(b"[0 0 640 360]", b"[0 0 100 900]")
    (size,) = drawn(tmp_path, tall)
    assert size[1] == 2400
    assert size[0] < 300


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"%PDF-1.4 nothing more", "deck.damaged"),
        (pdf()[:400], "deck.damaged"),
        (raw_pdf(CATALOGUE, "<< /Type /Pages /Count 0 /Kids [] >>"), "deck.damaged"),
        (raw_pdf(*tree(301)), "deck.too_many_pages"),
        (
            raw_pdf(
                *tree(1), f"<< /Filter /Standard /V 1 /R 2 /P -4 /O <{'41' * 32}> /U <{'42' * 32}> >>",
                trailer=f"/Encrypt 4 0 R /ID [<{'00' * 16}> <{'00' * 16}>]",
            ),
            "deck.locked",
        ),
    ],
    ids=["nothing", "cut off", "no page", "too many pages", "locked"],
)  # fmt: skip
def test_a_pdf_that_cannot_be_drawn_is_refused_with_its_reason(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        drawn(tmp_path, data)
    assert refused.value.reason == reason


def test_a_pdf_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "SECONDS", 3)
    with pytest.raises(Refused) as refused:
        drawn(tmp_path, laughing())
    assert refused.value.reason == "deck.heavy"


# ── in the class ────────────────────────────────────────


def put(client: SchoolClient, live: LiveClass, data: bytes, name: str = "第一讲.pdf") -> tuple[int, dict]:  # type: ignore[type-arg]
    answer = client.post(
        f"/live/{live.id}/slides", data={"file": (io.BytesIO(data), name)}, headers={"Accept": "application/json"}
    )
    return answer.status_code, answer.get_json()


def work(settings: Settings) -> None:
    tools = tools_of(settings)
    run(tools, "test", once=True)
    tools.db.close()


@pytest.fixture
def live(db: Database, cast: Cast) -> LiveClass:
    """An approved class of the trainer, for the members of one branch."""
    with db.write() as s:
        return make_class(s, cast, state=LiveState.APPROVED, audience=(cast.branch_id,))


def test_slides_are_put_in_drawn_shown_and_replaced(
    client: SchoolClient, app: Flask, cast: Cast, db: Database, settings: Settings, live: LiveClass
) -> None:
    client.act_as(cast.trainer)
    assert client.get(f"/live/{live.id}/slides").get_json()["state"] == "none"
    status, deck = put(client, live, pdf(2))
    assert (status, deck["state"], deck["file_name"]) == (200, "checking", "第一讲.pdf")
    assert client.get(f"/live/{live.id}/slides/1.jpg").status_code == 409
    work(settings)
    deck = client.get(f"/live/{live.id}/slides").get_json()
    assert (deck["state"], deck["pages"]) == ("ready", 2)
    page = client.get(f"/live/{live.id}/slides/2.jpg")
    assert Image.open(io.BytesIO(page.data)).size == (1600, 900)
    assert page.headers["Cache-Control"].startswith("private")
    again = client.get(f"/live/{live.id}/slides/2.jpg", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status_code == 304
    assert client.get(f"/live/{live.id}/slides/3.jpg").status_code == 404
    store = app.extensions["school"].store
    before = {each.key for each in store.list("decks/")}
    assert len(before) == 3
    assert put(client, live, pdf(1))[0] == 200
    assert {each.key for each in store.list("decks/")}.isdisjoint(before), "the old deck is gone"
    assert client.delete(f"/live/{live.id}/slides").get_json()["state"] == "none"
    assert list(store.list("decks/")) == []
    work(settings)  # the deck of the waiting job is no more
    with db.read() as s:
        assert s.get_one(LiveClass, live.id).deck_id is None


def test_only_those_in_the_room_or_at_the_replay_see_slides(
    client: SchoolClient, cast: Cast, db: Database, settings: Settings, live: LiveClass
) -> None:
    client.act_as(cast.trainer)
    put(client, live, pdf(1))
    work(settings)
    address = f"/live/{live.id}/slides/1.jpg"

    def seen() -> list[int]:
        found = []
        for actor in (cast.trainer, cast.reviewer, cast.member, cast.outsider, None):
            client.act_as(actor)
            found.append(client.get(address).status_code)
        return found

    assert seen() == [200, 200, 404, 404, 302]
    with db.write() as s:
        s.get_one(LiveClass, live.id).state = LiveState.LIVE
    assert seen() == [200, 200, 200, 404, 302]
    with db.write() as s:
        s.get_one(LiveClass, live.id).state = LiveState.ENDED
    assert seen() == [200, 200, 404, 404, 302], "who was not there sees them with the replay, once it is published"


def test_what_is_no_pdf_or_too_large_is_refused_and_nothing_is_kept(
    client: SchoolClient, app: Flask, cast: Cast, live: LiveClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.act_as(cast.trainer)
    status, said = put(client, live, b"PK\x03\x04 a presentation", "课.pptx")
    assert (status, said["error"]["code"]) == (422, "deck.not_pdf")
    monkeypatch.setattr(decks, "LIMIT", 1000)
    assert put(client, live, pdf())[0] == 413
    monkeypatch.setattr(decks, "LIMIT", 1000_000_000)
    status, said = put(client, live, b"", "")
    assert (status, said["error"]["code"]) == (422, "deck.missing")
    assert list(app.extensions["school"].store.list("decks/")) == []


def test_a_failed_deck_says_why(
    client: SchoolClient, cast: Cast, db: Database, settings: Settings, live: LiveClass
) -> None:
    client.act_as(cast.trainer)
    put(client, live, b"%PDF-1.4 nothing more")
    work(settings)
    deck = client.get(f"/live/{live.id}/slides").get_json()
    assert (deck["state"], deck["code"]) == ("failed", "deck.damaged")
    assert "PDF" in deck["message"]


@pytest.mark.parametrize(
    ("state", "turned", "status"),
    [(LiveState.LIVE, False, 200), (LiveState.LIVE, True, 409), (LiveState.IN_REVIEW, False, 409), (LiveState.ENDED, False, 409)],
)  # fmt: skip
def test_slides_that_were_turned_in_class_stay(
    client: SchoolClient, cast: Cast, db: Database, state: LiveState, turned: bool, status: int
) -> None:
    with db.write() as s:
        live = make_class(s, cast, state=state)
        deck = SlideDeck(owner_id=cast.trainer.account_id, file_name="a.pdf", source_key="decks/a/source.pdf",
                         prefix="decks/a/", pages=3, state=AssetState.READY, created_at=live.created_at)  # fmt: skip
        s.add(deck)
        s.flush()
        live.deck_id = deck.id
        if turned:
            log.append(s, live.id, "slide", {"page": 2, "pages": 3})
    client.act_as(cast.trainer)
    assert put(client, live, pdf(1))[0] == status
