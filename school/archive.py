"""Backup and restore: one file with every table, object and key, readable on either database.

Layout of the tar: `manifest.json` (release, schema revision, rows and SHA-256 of each member), `keys.json` when the keys
live in the data folder, `tables/<name>.jsonl` (one JSON array a row, columns in the manifest), `objects/<key>`.
A county that grows restores its SQLite backup into PostgreSQL.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from school import __version__, migrate
from school.core.db import Database
from school.core.errors import Conflict, Invalid
from school.core.i18n import N_
from school.core.store import ObjectStore
from school.tables import Base

BATCH = 1000


@dataclass(frozen=True)
class Summary:
    """What an archive holds."""

    tables: int
    rows: int
    objects: int
    bytes: int


def _pack(value: Any) -> Any:
    match value:
        case datetime():
            return {"t": value.astimezone(UTC).isoformat()}
        case date():
            return {"d": value.isoformat()}
        case bytes():
            return {"b": base64.b64encode(value).decode()}
        case dict() | list():
            return {"j": value}
        case _:
            return value


def _unpack(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    match kind:
        case "t":
            return datetime.fromisoformat(content)
        case "d":
            return date.fromisoformat(content)
        case "b":
            return base64.b64decode(content)
        case _:
            return content


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> str:
    """Add a member and return the SHA-256 of what was written."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    digest = hashlib.sha256()

    class Tap(io.RawIOBase):
        def read(self, wanted: int = -1) -> bytes:
            piece = content.read(wanted)
            digest.update(piece)
            return piece

    tar.addfile(info, Tap())
    return digest.hexdigest()


def backup(db: Database, store: ObjectStore, data: Path, target: Path) -> Summary:
    """Write everything to `target` (mode 0600): the rows of one moment, then the objects, which never change."""
    manifest: dict[str, Any] = {"release": __version__, "revision": migrate.current(db), "tables": {}, "objects": {}}
    draft = target.with_name(target.name + ".part")
    rows = size = 0
    with (
        os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
        tarfile.open(fileobj=file, mode="w") as tar,
    ):
        keys = data / "keys.json"
        if keys.exists():
            content = keys.read_bytes()
            manifest["keys"] = _add(tar, "keys.json", io.BytesIO(content), len(content))
        snapshot = db.engine if db.sqlite else db.engine.execution_options(isolation_level="REPEATABLE READ")
        with snapshot.connect() as connection, connection.begin():
            for table in Base.metadata.sorted_tables:
                with tempfile.TemporaryFile() as spool:
                    count = 0
                    for row in connection.execution_options(yield_per=BATCH).execute(sa.select(table)):
                        spool.write(json.dumps([_pack(v) for v in row], ensure_ascii=False).encode() + b"\n")
                        count += 1
                    length = spool.tell()
                    spool.seek(0)
                    digest = _add(tar, f"tables/{table.name}.jsonl", spool, length)
                manifest["tables"][table.name] = {
                    "columns": [c.name for c in table.columns],
                    "rows": count,
                    "sha256": digest,
                }
                rows += count
        for stat in store.list(""):
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder) / "object"
                store.fetch(stat.key, copy)
                with copy.open("rb") as content_file:
                    length = copy.stat().st_size
                    manifest["objects"][stat.key] = _add(tar, f"objects/{stat.key}", content_file, length)
                size += length
        text = json.dumps(manifest, ensure_ascii=False).encode()
        _add(tar, "manifest.json", io.BytesIO(text), len(text))
        tar.close()
        file.flush()
        os.fsync(file.fileno())
    draft.rename(target)
    return Summary(len(manifest["tables"]), rows, len(manifest["objects"]), size)


def _manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    try:
        member = tar.extractfile("manifest.json")
    except KeyError:
        member = None
    if member is None:
        raise Invalid("archive.foreign", N_("这个文件不是网上党校的备份，或者不完整。请换一个备份文件。"))
    manifest: dict[str, Any] = json.load(member)
    return manifest


def _checked(tar: tarfile.TarFile, name: str, digest: str, target: Path) -> Path:
    """Copy a member to `target` and compare its SHA-256."""
    member = tar.extractfile(name)
    if member is None:
        raise Invalid("archive.damaged", N_("备份里的 %(name)s 损坏，没有恢复任何内容。请换一个备份文件。"), name=name)
    seen = hashlib.sha256()
    with target.open("wb") as file:
        while piece := member.read(1 << 20):
            seen.update(piece)
            file.write(piece)
    if seen.hexdigest() != digest:
        raise Invalid("archive.damaged", N_("备份里的 %(name)s 损坏，没有恢复任何内容。请换一个备份文件。"), name=name)
    return target


def _batches(path: Path) -> Iterator[list[list[Any]]]:
    batch: list[list[Any]] = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            batch.append([_unpack(v) for v in json.loads(line)])
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _insert(connection: sa.Connection, table: sa.Table, columns: list[str], path: Path) -> None:
    """Insert the rows of `path`; a column that points into its own table is filled when all its rows are there."""
    inner = [c.name for c in table.c if c.name in columns and any(k.column.table is table for k in c.foreign_keys)]
    for batch in _batches(path):
        rows = [dict(zip(columns, row, strict=True)) for row in batch]
        connection.execute(sa.insert(table), [row | dict.fromkeys(inner) for row in rows])
    for name in inner:
        key = table.c.id
        point = sa.update(table).where(key == sa.bindparam("row")).values({name: sa.bindparam("target")})
        for batch in _batches(path):
            pairs = [dict(zip(columns, row, strict=True)) for row in batch]
            links = [{"row": r["id"], "target": r[name]} for r in pairs if r[name] is not None]
            if links:
                connection.execute(point, links)


def restore(db: Database, store: ObjectStore, data: Path, source: Path) -> Summary:
    """Fill an empty school from `source`. Raises Conflict when rows are there already, Invalid when it is damaged."""
    with tarfile.open(source) as tar, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        manifest = _manifest(tar)
        migrate.upgrade(db)
        if manifest["revision"] != migrate.current(db):
            raise Conflict(
                "archive.release",
                N_("备份来自版本 %(release)s，与现在的版本不同。请先装同一版本恢复，再升级。"),
                release=manifest["release"],
            )
        tables = {t.name: t for t in Base.metadata.sorted_tables}
        files = {
            name: _checked(tar, f"tables/{name}.jsonl", facts["sha256"], folder / f"{name}.jsonl")
            for name, facts in manifest["tables"].items()
        }
        size = 0
        for key, digest in manifest["objects"].items():
            copy = _checked(tar, f"objects/{key}", digest, folder / "object")
            size += copy.stat().st_size
            store.put_path(key, copy)
        with db.write() as session:
            connection = session.connection()
            if connection.scalar(sa.select(sa.func.count()).select_from(tables["account"])):
                raise Conflict("archive.not_empty", N_("目标数据库里已经有账号。请用空的数据库恢复。"))
            for table in Base.metadata.sorted_tables:
                if table.name in files:
                    _insert(connection, table, manifest["tables"][table.name]["columns"], files[table.name])
            _renumber(connection)
        if "keys" in manifest:
            data.mkdir(parents=True, exist_ok=True)
            keys = _checked(tar, "keys.json", manifest["keys"], folder / "keys.json")
            with os.fdopen(os.open(data / "keys.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(keys.read_bytes())
    rows = sum(facts["rows"] for facts in manifest["tables"].values())
    return Summary(len(files), rows, len(manifest["objects"]), size)


def _renumber(connection: sa.Connection) -> None:
    """Let PostgreSQL's sequences go on behind the restored ids."""
    if connection.dialect.name != "postgresql":
        return
    for table in Base.metadata.sorted_tables:
        for column in table.primary_key.columns:
            sequence = connection.scalar(
                sa.text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": column.name}
            )
            if sequence:
                top = connection.scalar(sa.select(sa.func.max(column)))
                connection.execute(
                    sa.text("SELECT setval(CAST(:sequence AS regclass), :top, :called)"),
                    {"sequence": sequence, "top": top or 1, "called": top is not None},
                )
