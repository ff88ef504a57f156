"""Source files: joined from the parts they were uploaded in, brought to the worker, and proved unaltered on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.db import Database
from school.core.errors import NotFound, SchoolError
from school.core.offload import in_thread
from school.core.store import ObjectStore
from school.media import queries, reasons
from school.media.models import Upload, UploadPart

CHUNK = 1024**2


class SourceFault(SchoolError):
    """The stored source cannot be used; `code` is a key of `reasons.REASONS` and trying again will not help."""

    def __init__(self, code: str) -> None:
        super().__init__(code, reasons.REASONS[code])


def join_source(db: Database, store: ObjectStore, asset_id: int) -> str:
    """The key of the asset's source as one object, joined from its upload's parts the first time.

    Being killed anywhere, or being two at once, does no harm: the join always makes the same object, and the parts stay
    until it stands in the database.
    """
    with db.read() as s:
        asset = queries.asset(s, asset_id)
        upload, parts = _parts(s, asset_id)
    if asset.source_key:
        return asset.source_key
    if upload is None or upload.completed_at is None:
        raise SourceFault("store.lost")
    key = f"sources/{asset_id}/source"
    try:
        store.compose(key, [part.key for part in parts])
    except NotFound as error:  # the parts are taken away when the join stands, perhaps just now by another worker
        with db.read() as s:
            if queries.asset(s, asset_id).source_key == key:
                return key
        raise SourceFault("store.lost") from error
    with db.write() as s:
        queries.asset(s, asset_id).source_key = key
    store.delete_prefix(f"uploads/{upload.token}/")
    return key


def fetch_source(db: Database, store: ObjectStore, asset_id: int, path: Path) -> str:
    """Bring the asset's source to the local file `path`; its SHA-256. The `ingest` job begins with this.

    Every uploaded part is compared with the SHA-256 kept when it was acknowledged. Raises SourceFault for a source that
    is lost or altered, Unavailable while the store is away.
    """
    key = join_source(db, store, asset_id)
    try:
        store.fetch(key, path)
    except NotFound as error:
        raise SourceFault("store.lost") from error
    with db.read() as s:
        known = queries.asset(s, asset_id).sha256
        _, parts = _parts(s, asset_id)
    found = in_thread(proved, path, [(part.size, part.sha256) for part in parts])
    if found is None or (known is not None and known != found):
        raise SourceFault("store.altered")
    return found


def proved(path: Path, parts: Sequence[tuple[int, str]]) -> str | None:
    """SHA-256 of the whole file, or None when a part of it (size, SHA-256) differs. No parts: nothing is compared."""
    whole = hashlib.sha256()
    with path.open("rb") as file:
        for size, sha256 in parts:
            part, left = hashlib.sha256(), size
            while left and (piece := file.read(min(CHUNK, left))):
                part.update(piece)
                whole.update(piece)
                left -= len(piece)
            if left or part.hexdigest() != sha256:
                return None
        rest = file.read(CHUNK)
        if rest and parts:
            return None
        while rest:
            whole.update(rest)
            rest = file.read(CHUNK)
    return whole.hexdigest()


def _parts(s: Session, asset_id: int) -> tuple[Upload | None, Sequence[UploadPart]]:
    """The upload an asset came by and its parts in order; a file from the command line came by none."""
    upload = s.scalars(sa.select(Upload).where(Upload.asset_id == asset_id)).first()
    if upload is None:
        return None, []
    parts = s.scalars(sa.select(UploadPart).where(UploadPart.upload_id == upload.id).order_by(UploadPart.offset))
    return upload, parts.all()
