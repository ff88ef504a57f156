"""Uploads: what was acknowledged is stored, whoever else sends, and whatever the file is called."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import tus
from tus import OCTETS, RESUMABLE

from actors import Cast
from clients import SchoolClient
from patience import somebody_waits, until
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed, NotFound, SchoolError, TooLarge, Unavailable
from school.core.store import ObjectStore, full
from school.core.time import now
from school.media import jobs, queries, sources, uploads
from school.media.models import AssetState, JobState, MediaJob, Upload, UploadPart
from school.media.rules import PART

LIMIT = 8 * 1024**3


def some_bytes(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def opened(db: Database, cast: Cast, size: int, name: str = "第一讲.mp4") -> Upload:
    with db.write() as s:
        return uploads.create_upload(s, cast.trainer.person, size=size, file_name=name, limit=LIMIT)


class Body:
    """A request's body that may break off after `cut` bytes."""

    def __init__(self, data: bytes, cut: int | None = None) -> None:
        self.data = data[:cut]

    def __call__(self, most: int) -> bytes:
        taken, self.data = self.data[:most], self.data[most:]
        return taken


def send(db: Database, store: ObjectStore, cast: Cast, token: str, offset: int, body: Body) -> int:
    return uploads.receive(db, store, cast.trainer.person, token, offset, body).offset


def parts_of(db: Database) -> list[UploadPart]:
    with db.read() as s:
        return list(s.scalars(sa.select(UploadPart).order_by(UploadPart.offset)))


def test_an_upload_that_broke_often_arrives_whole(db: Database, store: ObjectStore, cast: Cast, tmp_path: Path) -> None:
    source = some_bytes(2 * PART + 3_000_001)
    upload = opened(db, cast, len(source))
    offset = 0
    for cut in (100, 6_000_000, PART, 1_000_000, 1_000_000, len(source)):
        offset = send(db, store, cast, upload.token, offset, Body(source[offset:], cut))
    assert offset == len(source)
    assert len({part.key for part in parts_of(db)}) == len(parts_of(db)) == len([*store.list("uploads/")])
    for part in parts_of(db):
        assert hashlib.sha256(store.read(part.key)).hexdigest() == part.sha256
    with db.read() as s:
        assert queries.asset(s, upload.asset_id).state == AssetState.CHECKING
        job = s.scalars(sa.select(MediaJob)).one()
        assert (job.kind, job.asset_id, job.state) == ("ingest", upload.asset_id, JobState.QUEUED)
    found = sources.fetch_source(db, store, upload.asset_id, tmp_path / "source")
    assert found == hashlib.sha256(source).hexdigest()
    assert [stat.key for stat in store.list("")] == [f"sources/{upload.asset_id}/source"]
    assert sources.fetch_source(db, store, upload.asset_id, tmp_path / "again") == found


def test_bytes_are_in_the_database_part_by_part(db: Database, store: ObjectStore, cast: Cast) -> None:
    """A long request acknowledges nothing before its end, but whole parts survive its being killed."""
    source = some_bytes(2 * PART + 5)
    upload = opened(db, cast, len(source))
    seen: list[int] = []

    class Watched(Body):
        def __call__(self, most: int) -> bytes:
            with db.read() as s:
                seen.append(s.scalars(sa.select(Upload.offset)).one())
            return super().__call__(most)

    send(db, store, cast, upload.token, 0, Watched(source))
    assert sorted(set(seen)) == [0, PART, 2 * PART]


def test_the_join_repeated_after_a_kill_gives_the_same(
    db: Database, store: ObjectStore, cast: Cast, tmp_path: Path
) -> None:
    source = some_bytes(PART + 7)
    upload = opened(db, cast, len(source))
    send(db, store, cast, upload.token, 0, Body(source))
    store.compose(f"sources/{upload.asset_id}/source", [part.key for part in parts_of(db)])  # …and died here
    assert sources.fetch_source(db, store, upload.asset_id, tmp_path / "s") == hashlib.sha256(source).hexdigest()


def test_a_lost_or_altered_source_is_said(db: Database, store: ObjectStore, cast: Cast, tmp_path: Path) -> None:
    source = some_bytes(1000)
    upload = opened(db, cast, len(source))
    with pytest.raises(sources.SourceFault, match=r"store\.lost"):
        sources.fetch_source(db, store, upload.asset_id, tmp_path / "s")  # it is not complete
    send(db, store, cast, upload.token, 0, Body(source))
    key = sources.join_source(db, store, upload.asset_id)
    store.put(key, source[:-1] + b"!")
    with pytest.raises(sources.SourceFault, match=r"store\.altered"):
        sources.fetch_source(db, store, upload.asset_id, tmp_path / "s")
    store.delete(key)
    with pytest.raises(sources.SourceFault, match=r"store\.lost"):
        sources.fetch_source(db, store, upload.asset_id, tmp_path / "s")


def test_of_two_senders_one_wins_and_the_other_is_told(db: Database, store: ObjectStore, cast: Cast) -> None:
    source = some_bytes(PART)
    upload = opened(db, cast, len(source))
    barrier = threading.Barrier(2)
    refused: list[SchoolError] = []

    class Meeting(Body):
        met = False

        def __call__(self, most: int) -> bytes:
            if not self.met:
                self.met = True
                barrier.wait(20)
            return super().__call__(most)

    def work() -> None:
        try:
            send(db, store, cast, upload.token, 0, Meeting(source, 6_000_000))
        except SchoolError as error:
            refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [error.code for error in refused] == ["upload.offset"]
    assert isinstance(refused[0], Conflict)
    assert [part.size for part in parts_of(db)] == [6_000_000]
    assert [stat.key for stat in store.list("uploads/")] == [part.key for part in parts_of(db)]


def test_a_store_that_is_full_loses_nothing_acknowledged(db: Database, store: ObjectStore, cast: Cast) -> None:
    source = some_bytes(PART + 100)
    upload = opened(db, cast, len(source))
    offset = send(db, store, cast, upload.token, 0, Body(source, 700))

    class Full:
        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

        def put(self, *_args: object) -> None:
            raise full()

    with pytest.raises(Unavailable, match=r"store\.full"):
        send(db, Full(), cast, upload.token, offset, Body(source[offset:]))  # type: ignore[arg-type]
    with db.read() as s:
        assert uploads.find_upload(s, cast.trainer.person, upload.token).offset == 700
    assert send(db, store, cast, upload.token, 700, Body(source[700:])) == len(source)


def test_an_altered_tail_is_not_built_upon(db: Database, store: ObjectStore, cast: Cast) -> None:
    upload = opened(db, cast, 1000)
    send(db, store, cast, upload.token, 0, Body(some_bytes(500)))
    store.put(parts_of(db)[0].key, b"x" * 500)
    with pytest.raises(Invalid, match=r"store\.altered"):
        send(db, store, cast, upload.token, 500, Body(some_bytes(500)))


def test_only_the_owner_sees_an_upload(db: Database, store: ObjectStore, cast: Cast) -> None:
    upload = opened(db, cast, 10)
    for actor in (cast.member, cast.reviewer, cast.admin, cast.sysadmin):
        with pytest.raises(NotFound):
            uploads.receive(db, store, actor.person, upload.token, 0, Body(b"x"))


def test_what_is_refused_at_the_door(db: Database, cast: Cast) -> None:
    with db.write() as s:
        for actor, size, refusal in (
            (cast.member, 10, NotAllowed),
            (cast.trainer, 0, Invalid),
            (cast.trainer, LIMIT + 1, TooLarge),
        ):
            with pytest.raises(refusal) as caught:
                uploads.create_upload(s, actor.person, size=size, file_name="a.mp4", limit=LIMIT)
            assert "请" in str(caught.value)
    assert "8 GB" in str(caught.value)


def test_a_cancelled_upload_leaves_nothing(db: Database, store: ObjectStore, cast: Cast) -> None:
    upload = opened(db, cast, 100)
    send(db, store, cast, upload.token, 0, Body(b"x" * 50))
    uploads.cancel_upload(db, store, cast.trainer.person, upload.token)
    assert [*store.list("")] == []
    with db.read() as s, pytest.raises(NotFound):
        uploads.find_upload(s, cast.trainer.person, upload.token)
    with db.read() as s:
        assert queries.asset(s, upload.asset_id).reason_code == "upload.cancelled"


def test_a_complete_upload_cannot_be_cancelled(db: Database, store: ObjectStore, cast: Cast) -> None:
    upload = opened(db, cast, 3)
    assert send(db, store, cast, upload.token, 0, Body(b"abc")) == 3
    assert send(db, store, cast, upload.token, 3, Body(b"")) == 3  # an answer that was lost is simply given again
    with pytest.raises(Conflict):
        uploads.cancel_upload(db, store, cast.trainer.person, upload.token)


def test_who_cancels_waits_for_the_part_that_is_being_stored(db: Database, store: ObjectStore, cast: Cast) -> None:
    upload = opened(db, cast, 3)
    with ThreadPoolExecutor(1) as pool:
        with db.write() as s:
            held = uploads.find_upload(s, cast.trainer.person, upload.token, lock=True)
            cancelled = pool.submit(uploads.cancel_upload, db, store, cast.trainer.person, upload.token)
            until(lambda: somebody_waits(db))
            held.offset, held.completed_at = 3, now()  # it was the last one
        with pytest.raises(Conflict, match=r"upload\.done"):
            cancelled.result()
    with db.read() as s:
        assert uploads.find_upload(s, cast.trainer.person, upload.token).completed_at


def test_the_sweep_takes_the_abandoned_and_the_orphaned_only(db: Database, store: ObjectStore, cast: Cast) -> None:
    old, young, done, joined = (opened(db, cast, 10) for _ in range(4))
    for upload in (old, young):
        send(db, store, cast, upload.token, 0, Body(b"x" * 4))
    for upload in (done, joined):
        send(db, store, cast, upload.token, 0, Body(b"x" * 10))
    sources.join_source(db, store, joined.asset_id)
    store.put(f"uploads/{joined.token}/left-behind", b"x")
    store.put("uploads/nobody/0-aa", b"x")
    with db.write() as s:
        s.execute(sa.update(Upload).where(Upload.id == old.id).values(touched_at=now() - timedelta(days=8)))
    assert uploads.clean_uploads(db, store) == 1
    assert {stat.key.split("/")[1] for stat in store.list("uploads/")} == {young.token, done.token}
    with db.read() as s:
        assert queries.asset(s, old.asset_id).reason_code == "upload.abandoned"
    assert uploads.clean_uploads(db, store) == 0


def test_a_local_file_is_taken(db: Database, store: ObjectStore, cast: Cast, tmp_path: Path) -> None:
    path = tmp_path / "讲座.mp4"
    path.write_bytes(b"moving pictures")
    asset = uploads.take_file(db, store, cast.trainer.account_id, path)
    assert (asset.title, asset.file_name, asset.state) == ("讲座", "讲座.mp4", AssetState.CHECKING)
    assert jobs.claim(db, ["ingest"], "w") is not None
    assert sources.fetch_source(db, store, asset.id, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"moving pictures"
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(Invalid, match=r"file\.empty"):
        uploads.take_file(db, store, cast.trainer.account_id, tmp_path / "empty.mp4")


# --- the protocol, through the application


def sender(client: SchoolClient) -> tus.Send:
    return lambda method, address, headers, body: client.open(address, method=method, headers=headers, data=body)


def test_the_protocol_from_creation_to_the_last_byte(client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.trainer)
    send = sender(client)
    source = some_bytes(PART + 12)
    answer = tus.create(send, len(source), filename="<script>alert(1)</script>.mp4", title="发展党员 工作流程")
    assert answer.status_code == 201
    assert answer.headers["Upload-Offset"] == "0"
    assert "Upload-Expires" in answer.headers
    address = answer.headers["Location"]
    assert tus.push(send, address, source) == []
    status = client.get(f"/media/assets/{answer.headers['Asset-Id']}")
    assert status.json is not None
    assert status.headers["Cache-Control"] == "no-store"
    assert (status.json["title"], status.json["file_name"]) == ("发展党员 工作流程", "script>.mp4")
    assert (status.json["state"], status.json["uploaded"]) == ("checking", len(source))
    head = client.head(address, headers=RESUMABLE)
    assert (head.status_code, head.headers["Upload-Length"]) == (200, str(len(source)))


def test_options_say_what_is_spoken(client: SchoolClient) -> None:
    for address in ("/uploads", "/uploads/x"):
        answer = client.options(address)
        assert answer.status_code == 204
        assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
        assert answer.headers["Tus-Extension"] == "creation,termination,expiration"
        assert answer.headers["Tus-Max-Size"] == str(8 * 1024**3)


def test_requests_that_do_not_fit_are_refused_in_words(client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.trainer)
    send = sender(client)
    address = tus.create(send, 10, filename="a.mp4").headers["Location"]
    octets = {**RESUMABLE, "Content-Type": OCTETS}
    for method, where, headers, body, status in (
        ("POST", "/uploads", {"Upload-Length": "10"}, b"", 412),
        ("POST", "/uploads", RESUMABLE, b"", 422),
        ("POST", "/uploads", {**RESUMABLE, "Upload-Length": "-1"}, b"", 422),
        ("POST", "/uploads", {**RESUMABLE, "Upload-Length": "0"}, b"", 422),
        ("POST", "/uploads", {**RESUMABLE, "Upload-Length": str(9 * 1024**3)}, b"", 413),
        ("POST", "/uploads", {**RESUMABLE, "Upload-Length": "1", "Upload-Metadata": "filename %%"}, b"", 422),
        ("PATCH", address, {**octets, "Upload-Offset": "5"}, b"x", 409),
        ("PATCH", address, {**octets, "Upload-Offset": "x"}, b"x", 422),
        ("PATCH", address, {**RESUMABLE, "Upload-Offset": "0", "Content-Type": "text/plain"}, b"x", 415),
        ("PATCH", address, {**octets, "Upload-Offset": "0"}, b"x" * 11, 413),
        ("PATCH", "/uploads/nothing", {**octets, "Upload-Offset": "0"}, b"x", 404),
    ):
        answer = client.open(where, method=method, headers=headers, data=body)
        assert answer.status_code == status, (method, headers)
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert answer.json is not None
        assert "请" in answer.json["error"]["message"]
    assert tus.standing(send, address) == 0


def test_ending_an_upload(client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.trainer)
    send = sender(client)
    address = tus.create(send, 10, filename="a.mp4").headers["Location"]
    assert tus.patch(send, address, 0, b"12345").status_code == 204
    assert client.delete(address, headers=RESUMABLE).status_code == 204
    assert client.head(address, headers=RESUMABLE).status_code == 404


def test_uploading_needs_the_pages_token_and_a_signed_in_trainer(client: SchoolClient, cast: Cast) -> None:
    headers = {**RESUMABLE, "Upload-Length": "10"}
    assert client.post("/uploads", headers=headers).status_code == 401
    client.act_as(cast.member)
    assert client.post("/uploads", headers=headers).status_code == 403
    client.act_as(cast.trainer)
    assert client.post("/uploads", headers=headers, csrf=False).status_code == 409
    assert client.post("/uploads", headers=headers).status_code == 201


def test_one_request_may_carry_more_than_a_form_may(client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.trainer)
    source = os.urandom(17 * 1024**2)
    address = tus.create(sender(client), len(source), filename="a.mp4").headers["Location"]
    answer = tus.patch(sender(client), address, 0, source)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(source)))


# --- how an asset is doing


def test_the_status_is_for_the_owner_and_for_those_who_review(client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.trainer)
    asset_id = tus.create(sender(client), 200, filename="a.mp4").headers["Asset-Id"]
    for name, status in {
        "trainer": 200, "reviewer": 200, "admin": 200, "sysadmin": 200, "member": 404, "secretary": 404, "outsider": 404,
    }.items():  # fmt: skip
        client.act_as(cast[name])
        assert client.get(f"/media/assets/{asset_id}").status_code == status, name
    client.act_as(None)
    assert client.get(f"/media/assets/{asset_id}").status_code == 401


def test_a_failed_asset_says_why_and_can_be_tried_again(client: SchoolClient, cast: Cast, db: Database) -> None:
    client.act_as(cast.trainer)
    created = tus.create(sender(client), 5, filename="a.mp4")
    address = f"/media/assets/{created.headers['Asset-Id']}"
    assert client.post(f"{address}/retry").status_code == 409
    tus.push(sender(client), created.headers["Location"], b"12345")
    claim = jobs.claim(db, ["ingest"], "w")
    assert claim is not None
    assert jobs.beat(db, claim, 250, "probe")
    running = client.get(address).json
    assert running is not None
    assert (running["stage"], running["progress"], running["message"]) == ("probe", 250, "正在检查文件")
    jobs.fail(db, claim, "disk.full", retry=False)
    failed = client.get(address).json
    assert failed is not None
    assert (failed["state"], failed["code"]) == ("failed", "disk.full")
    assert "磁盘满了" in failed["message"]
    again = client.post(f"{address}/retry")
    assert again.json is not None
    assert (again.status_code, again.json["state"], again.json["code"]) == (200, "checking", None)
    assert jobs.claim(db, ["ingest"], "w") is not None
