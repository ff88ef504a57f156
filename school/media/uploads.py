"""Uploads by tus 1.0: bytes become parts in the store and rows in the database before they are acknowledged.

An upload's `offset` is its only lock. Whoever stores the next part first moves it; anyone else who sends from the same
offset is told so and loses nothing but the repetition.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotFound, TooLarge, Unavailable
from school.core.i18n import N_
from school.core.offload import in_thread
from school.core.person import Person, Role, require
from school.core.store import ObjectStore
from school.core.time import now
from school.media import jobs, reasons, rules, service
from school.media.models import AssetState, MediaAsset, Upload, UploadPart

CHUNK = 256 * 1024
KEPT = timedelta(days=7)  # how long an unfinished upload waits for its browser


def create_upload(
    s: Session, person: Person | None, *, size: int, file_name: str, title: str = "", limit: int
) -> Upload:
    """Open an upload of `size` bytes and its asset. Raises NotAllowed, Invalid for an empty file, TooLarge."""
    person = require(person, Role.TRAINER)
    if size <= 0:
        raise Invalid("file.empty", reasons.REASONS["file.empty"])
    if size > limit:
        raise TooLarge(
            "upload.too_large",
            N_("这个文件有 %(size)s，超过了最大 %(limit)s 的限制，没有上传。请用剪辑软件压缩，或剪成几段再上传。"),
            size=rules.size_words(size),
            limit=rules.size_words(limit),
        )
    asset = service.new_asset(s, person.account_id, title, file_name, size, AssetState.UPLOADING)
    moment = now()
    upload = Upload(
        token=secrets.token_urlsafe(24),
        asset_id=asset.id,
        owner_id=person.account_id,
        size=size,
        created_at=moment,
        touched_at=moment,
    )
    s.add(upload)
    s.flush()
    return upload


def find_upload(s: Session, person: Person, token: str, *, lock: bool = False) -> Upload:
    """The person's own upload; NotFound for anybody else's and for one that was cancelled or cleared away.

    With `lock` nobody adds to it before this transaction ends.
    """
    own = sa.select(Upload).where(Upload.token == token, Upload.owner_id == person.account_id)
    upload = s.scalars(own.with_for_update() if lock else own).first()
    if upload is None:
        raise NotFound("upload.gone", N_("没有找到这次上传，可能已经取消或清除。请重新选择文件上传。"))
    return upload


def receive(
    db: Database,
    store: ObjectStore,
    person: Person,
    token: str,
    offset: int,
    read: Callable[[int], bytes],
    *,
    announced: int = 0,
) -> Upload:
    """Take bytes from `read(most)` until it answers empty, and store them from `offset` on; `announced` is how many come.

    Each part is committed by itself; what remains when the line breaks is stored as a short part. With
    the last byte the asset goes to the worker, in the same transaction. Raises Conflict when `offset` is not where the
    upload stands, or when somebody else moved it first; TooLarge when more is announced than is missing; Unavailable
    when the store cannot take it.
    """
    with db.read() as s:
        upload = find_upload(s, person, token)
        tail = _short_tail(s, upload)
    if offset != upload.offset:
        raise _elsewhere(upload.offset)
    left = upload.size - offset
    if announced > left:
        raise TooLarge("upload.over", N_("发来的内容比文件本身还长，没有保存。请刷新页面后重新选择文件。"))
    if not left:
        return upload
    cutter = rules.PartCutter(offset, _read_back(store, tail, offset) if tail else b"")
    while left and (data := read(min(CHUNK, left))):
        left -= len(data)
        for piece in cutter.feed(data):
            upload = _keep(db, store, upload, piece)
    rest = cutter.rest()
    return _keep(db, store, upload, rest) if rest else upload


def cancel_upload(db: Database, store: ObjectStore, person: Person, token: str) -> None:
    """End an upload and forget its bytes; Conflict when it is complete."""
    with db.write() as s:
        upload = find_upload(s, person, token, lock=True)
        if upload.completed_at:
            raise Conflict("upload.done", N_("这个文件已经传完，不能再取消上传。不需要时，请在课程里删除这一讲。"))
        _forget(s, upload, "upload.cancelled")
    _drop(store.delete_prefix, _folder(token))


def clean_uploads(db: Database, store: ObjectStore, older_than: timedelta = KEPT) -> int:
    """Forget uploads nobody has continued for `older_than`, and objects no upload needs; how many uploads there were."""
    with db.write() as s:
        stale = s.scalars(
            sa.select(Upload)
            .where(Upload.completed_at.is_(None), Upload.touched_at < now() - older_than)
            .with_for_update(skip_locked=True)  # one that is held is not forgotten by its browser
        ).all()
        for upload in stale:
            _forget(s, upload, "upload.abandoned")
    folders = {
        stat.key.split("/")[1] for stat in store.list("uploads/")
    }  # before the look at the rows: those come first
    with db.read() as s:
        needed = s.scalars(
            sa.select(Upload.token)
            .join(MediaAsset, MediaAsset.id == Upload.asset_id)
            .where(MediaAsset.source_key.is_(None))
        ).all()
    for token in folders.difference(needed):
        store.delete_prefix(_folder(token))
    return len(stale)


def take_file(db: Database, store: ObjectStore, owner_id: int, path: Path, title: str = "") -> MediaAsset:
    """Put a local file into the store as a new asset of `owner_id` and queue it; what `school lecture upload` does."""
    size = path.stat().st_size
    if not size:
        raise Invalid("file.empty", reasons.REASONS["file.empty"])
    with db.write() as s:
        asset = service.new_asset(s, owner_id, title, path.name, size, AssetState.UPLOADING)
    key = f"sources/{asset.id}/source"
    store.put_path(key, path)
    with db.write() as s:
        asset = service.set_asset_state(s, asset.id, AssetState.CHECKING)
        asset.source_key = key
        _queue(s, asset.id)
    return asset


def _folder(token: str) -> str:
    return f"uploads/{token}/"


def _queue(s: Session, asset_id: int) -> None:
    jobs.enqueue(s, "ingest", f"ingest:{asset_id}", asset_id)


def _short_tail(s: Session, upload: Upload) -> UploadPart | None:
    """The last part when it is too short to be followed by another one."""
    last = s.scalars(
        sa.select(UploadPart).where(UploadPart.upload_id == upload.id).order_by(UploadPart.offset.desc()).limit(1)
    ).first()
    return last if last and rules.is_short(last.size) else None


def _read_back(store: ObjectStore, tail: UploadPart, offset: int) -> bytes:
    try:
        data = store.read(tail.key)
    except NotFound as error:  # somebody else has just stored it anew, with more
        raise _elsewhere(offset) from error
    if hashlib.sha256(data).hexdigest() != tail.sha256:
        raise Invalid("store.altered", reasons.REASONS["store.altered"])
    return data


def _keep(db: Database, store: ObjectStore, upload: Upload, piece: rules.Piece) -> Upload:
    """Store a piece, then move the upload's offset from where we know it to the piece's end, in one transaction."""
    key = f"{_folder(upload.token)}{piece.offset}-{secrets.token_hex(4)}"
    store.put(key, piece.data)
    sha256 = in_thread(hashlib.sha256, piece.data).hexdigest()
    with db.write() as s:
        current = s.get(Upload, upload.id, with_for_update=True)
        moved = current is not None and current.offset == upload.offset
        if current is not None and moved:
            replaced = s.get(UploadPart, (upload.id, piece.offset))  # the short tail, which is in the piece too
            if replaced:
                s.delete(replaced)
                s.flush()
            s.add(UploadPart(upload_id=upload.id, offset=piece.offset, size=len(piece.data), sha256=sha256, key=key))
            current.offset, current.touched_at = piece.end, now()
            if piece.end == current.size:
                current.completed_at = now()
                service.set_asset_state(s, current.asset_id, AssetState.CHECKING)
                _queue(s, current.asset_id)
    if current is None or not moved:
        _drop(store.delete, key)
        raise _elsewhere(current.offset if current else 0)
    if replaced:
        _drop(store.delete, replaced.key)
    return current


def _drop(delete: Callable[[str], None], key: str) -> None:
    """Take away what nobody needs; when the store is away the sweep will do it."""
    try:
        delete(key)
    except Unavailable:
        pass


def _forget(s: Session, upload: Upload, code: str) -> None:
    s.execute(sa.delete(UploadPart).where(UploadPart.upload_id == upload.id))
    s.delete(upload)
    service.fail_asset(s, upload.asset_id, code)


def _elsewhere(offset: int) -> Conflict:
    return Conflict(
        "upload.offset",
        N_(
            "文件已经传到了别的位置，可能另一个窗口也在传同一个文件。请只留一个窗口并刷新页面，会从已经存好的地方接着传。"
        ),
        offset=offset,
    )
