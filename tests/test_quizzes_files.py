"""Files of questions: what is taken, what is refused, what comes out again; hostile ones end in their child."""

from __future__ import annotations

import io
import time
from datetime import datetime, timedelta
from pathlib import Path

import picture_kit
import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image
from sqlalchemy.orm import Session

from actors import Cast
from clients import SchoolClient
from school.core.db import Database
from school.core.errors import Invalid, NotFound, SchoolError
from school.core.keys import Keys
from school.core.store import ObjectStore
from school.core.time import now
from school.quizzes.bank import files, jobs
from school.quizzes.bank import service as bank
from school.quizzes.bank.models import Question, QuestionFile, QuestionKind
from school.quizzes.bank.rules import Draft

KEYS = Keys({"k1": b"k" * 32}, b"h" * 32)


def codes(*many: bytes) -> list[str]:
    """The mime of each, or why it is refused."""
    return [found.code if isinstance(found, SchoolError) else found.mime for found in files.look(many)]


def test_what_phones_make_is_taken_and_drawn_anew() -> None:
    place = Image.Exif()
    place[0x010F] = "Qinghe phone"
    place[0x0112] = 6  # lies on its side
    jpeg = picture_kit.picture("JPEG", (2400, 1200), exif=place)
    turned, drawn, clear, moving, sound, film = files.look([
        jpeg, picture_kit.png(), picture_kit.picture("PNG", mode="RGBA"), picture_kit.picture("GIF"), picture_kit.wav(),
        picture_kit.video(),
    ])  # fmt: skip
    assert isinstance(turned, files.Looked)
    assert (turned.mime, turned.width, turned.height) == ("image/jpeg", 800, 1600)
    assert b"Qinghe" in jpeg
    assert b"Qinghe" not in turned.data
    assert [each.mime for each in (drawn, clear, moving) if isinstance(each, files.Looked)] == ["image/png"] * 3
    assert isinstance(sound, files.Looked)
    assert (sound.mime, sound.length_ms, sound.data) == ("audio/wav", 2000, picture_kit.wav())
    assert isinstance(film, files.Looked)
    assert (film.mime, film.width, film.height, film.length_ms) == ("video/mp4", 64, 48, 1000)


def test_hostile_and_unfit_files_are_refused_beside_good_ones() -> None:
    png = picture_kit.png()
    html = b"<html><script>alert(1)</script></html>"
    assert codes(
        picture_kit.png_bomb(8000), picture_kit.png_bomb(6000), png, png[: len(png) // 2], b"", html, b"GIF89a" + html,
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"#EXTM3U\nfile:///etc/passwd\n",
        picture_kit.video("libvpx", "webm"), picture_kit.video("mpeg4"), picture_kit.wav()[:30], b"\xff\xd8\xff" + bytes(2000),
    ) == [
        "question_file.pixels", "image/png", "image/png", "question_file.broken", "question_file.broken",
        "question_file.kind", "question_file.broken", "question_file.kind", "question_file.kind",
        "question_file.kind", "question_file.codec", "question_file.kind", "question_file.broken",
    ]  # fmt: skip
    assert codes(png + bytes(files.LIMIT)) == ["question_file.large"]
    assert codes(picture_kit.wav(12 * 60)) == ["question_file.large"]


def test_a_child_that_dies_takes_only_its_own_file_along(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dying = tmp_path / "dying"
    dying.write_text(
        '#!/bin/sh\nfor f in "$@"; do if grep -q die "$f" 2>/dev/null; then kill -9 $$; fi; done\n'
        f'exec {files.sys.executable} "$@"\n'
    )
    dying.chmod(0o755)
    monkeypatch.setattr(files.sys, "executable", str(dying))
    assert codes(picture_kit.png(), b"die", picture_kit.png()) == ["image/png", "question_file.broken", "image/png"]


def test_a_question_shows_only_files_of_its_own_bank(db: Database, cast: Cast, store: ObjectStore) -> None:
    kept = picture_kit.kept_file(db, store, cast)
    draft = Draft(QuestionKind.JUDGE, {"stem": "看图判断。", "media": [kept.id]}, {"right": True}, "党章")
    with db.write() as s:
        bank.create(s, cast.trainer.person, cast.county_id, draft)
    other = Draft(QuestionKind.JUDGE, {"stem": "看图判断。", "media": [kept.id + 1]}, {"right": True}, "党章")
    with pytest.raises(Invalid) as caught, db.write() as s:
        bank.create(s, cast.trainer.person, cast.county_id, other)
    assert caught.value.code == "question.media"


def test_addresses_are_signed_and_end(db: Database, cast: Cast, store: ObjectStore) -> None:
    kept = picture_kit.kept_file(db, store, cast)
    soon, past = int(time.time()) + 100, int(time.time()) - 1

    def fetched(until: int, signed_for: int) -> str:
        with db.read() as s:
            signature = files.address(KEYS, kept.id, signed_for).rpartition("/")[2]
            return files.found(s, KEYS, kept.id, until, signature).mime

    assert fetched(soon, soon) == "image/png"
    for until, signed_for in ((past, past), (soon + 1, soon)):
        with pytest.raises(NotFound) as caught:
            fetched(until, signed_for)
        assert caught.value.code == "question_file.gone"


def test_a_file_comes_out_as_exactly_what_it_is(app: Flask, client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.trainer)
    answer = client.post(
        "/bank/files", data={"host": cast.county_id, "file": (io.BytesIO(picture_kit.png()), "图.png")}
    )
    told = answer.get_json()
    assert (told["mime"], told["width"], told["height"], told["name"]) == ("image/png", 60, 40, "图.png")
    client.act_as(None)
    whole = client.get(told["src"])
    assert whole.content_type == "image/png"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in whole.headers["Content-Security-Policy"]
    part = client.get(told["src"], headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.data) == (206, whole.data[1:4])
    assert client.get(told["src"], headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    client.act_as(cast.trainer)
    bad = client.post("/bank/files", data={"host": cast.county_id, "file": (io.BytesIO(b"<html>"), "a.png")})
    assert bad.status_code == 422
    assert client.post("/bank/files", data={"host": cast.county_id}).status_code == 422


# ── what nothing uses ───────────────────────────────────


def test_files_no_question_uses_are_swept_when_they_are_old(db: Database, cast: Cast, store: ObjectStore) -> None:
    """One in use, one new, one of equal bytes whose twin is in use, and one that nothing needs."""
    used, twin = (picture_kit.kept_file(db, store, cast) for _ in range(2))
    with db.write() as s:
        looked = files.look_at(picture_kit.picture(size=(30, 30)))
        files.keep(store, looked)
        forlorn = files.add(s, cast.trainer.person, cast.county_id, looked)
        looked = files.look_at(picture_kit.picture(size=(31, 31)))
        files.keep(store, looked)
        fresh = files.add(s, cast.trainer.person, cast.county_id, looked)
        option = {"text": "图", "media": [used.id]}
        body = {"stem": "哪张图？", "media": [], "options": [option, {"text": "都不是", "media": []}]}
        made = bank.create(
            s, cast.trainer.person, cast.county_id, Draft(QuestionKind.SINGLE, body, {"right": [0]}, "党章")
        )
        long_ago = now() - jobs.KEPT - timedelta(days=1)
        s.execute(sa.update(QuestionFile).where(QuestionFile.id != fresh.id).values(created_at=long_ago))
        s.execute(sa.update(Question).where(Question.id == made.id).values(changed_at=long_ago))
    assert jobs.sweep(db, store) == 2
    with db.read() as s:
        assert set(s.scalars(sa.select(QuestionFile.id))) == {used.id, fresh.id}
    assert store.stat(files.key_of(used.sha256)).size == used.size, "the bytes of the twin are needed still"
    assert store.stat(files.key_of(fresh.sha256)).size
    with pytest.raises(NotFound):
        store.stat(files.key_of(forlorn.sha256))
    assert jobs.sweep(db, store) == 0
    assert twin.sha256 == used.sha256


def test_a_file_that_is_put_to_use_while_the_sweep_looks_stays(
    db: Database, cast: Cast, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = picture_kit.kept_file(db, store, cast)
    with db.write() as s:
        s.execute(sa.update(QuestionFile).values(created_at=now() - jobs.KEPT - timedelta(days=1)))
    look = jobs._used

    def slowly(s: Session, since: datetime | None = None) -> set[int]:
        found = look(s, since)
        if since is None:  # after the first look somebody saves a question with it
            draft = Draft(QuestionKind.JUDGE, {"stem": "看图判断。", "media": [kept.id]}, {"right": True}, "党章")
            with db.write() as other:
                bank.create(other, cast.trainer.person, cast.county_id, draft)
        return found

    monkeypatch.setattr(jobs, "_used", slowly)
    assert jobs.sweep(db, store) == 0
    with db.read() as s:
        assert s.scalars(sa.select(QuestionFile.id)).all() == [kept.id]


def test_bytes_that_the_sweep_took_from_under_an_upload_are_put_again(store: ObjectStore) -> None:
    looked = files.look_at(picture_kit.png())
    files.keep(store, looked)
    store.delete(files.key_of(looked.sha256))
    for _ in range(2):
        files.keep_still(store, looked)
    assert store.read(files.key_of(looked.sha256)) == looked.data
