"""Backup and restore: everything comes back, on the other database too; a damaged or foreign file changes nothing."""

from __future__ import annotations

import io
import stat
import tarfile
from pathlib import Path

import pytest
import sqlalchemy as sa

from actors import Cast
from school import archive, migrate
from school.core import crypto
from school.core.db import Database
from school.core.errors import Conflict, Invalid
from school.core.keys import load_keys
from school.core.settings import Settings
from school.core.store import open_store
from school.org.models import Member
from school.tables import Base


@pytest.fixture
def source(db: Database, settings: Settings, cast: Cast) -> Settings:
    """A small school with people, a secret and objects."""
    migrate.stamp(db)
    store = open_store(settings)
    store.prepare()
    store.put("sources/1/讲座.mp4", b"film" * 1000)
    store.put("m/1/v360/1.m4s", b"piece")
    keys = load_keys(settings)
    with db.write() as session:
        session.scalars(sa.select(Member)).first().mobile_enc = crypto.encrypt(keys, "10000000317")  # type: ignore[union-attr]
    return settings


def rows(db: Database) -> dict[str, list[tuple[object, ...]]]:
    with db.read() as session:
        return {
            table.name: sorted((tuple(row) for row in session.execute(sa.select(table))), key=str)
            for table in Base.metadata.sorted_tables
        }


def test_all_of_it_comes_back_on_the_other_database(
    source: Settings, db: Database, tmp_path: Path, empty_db_url: str
) -> None:
    target = tmp_path / "school.backup"
    written = archive.backup(db, open_store(source), source.data, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    fresh = Settings(data=tmp_path / "fresh", database_url=empty_db_url)
    other = Database(empty_db_url)
    try:
        read = archive.restore(other, open_store(fresh), fresh.data, target)
        assert read == written
        assert rows(other) == rows(db)
        assert open_store(fresh).read("sources/1/讲座.mp4") == b"film" * 1000
        keys = load_keys(fresh)
        with other.read() as session:
            sealed = session.scalars(sa.select(Member.mobile_enc).where(Member.mobile_enc.is_not(None))).one()
        assert sealed is not None
        assert crypto.decrypt(keys, sealed) == "10000000317"
        with other.write() as session:  # the next id does not collide
            session.add(Member(org_id=1, name="小寒", created_at=session.scalars(sa.select(Member.created_at)).first()))
        with pytest.raises(Conflict):
            archive.restore(other, open_store(fresh), fresh.data, target)
    finally:
        other.close()


def test_a_damaged_backup_restores_nothing(source: Settings, db: Database, tmp_path: Path) -> None:
    target = tmp_path / "school.backup"
    archive.backup(db, open_store(source), source.data, target)
    content = bytearray(target.read_bytes())
    content[content.index(b"film" * 20) + 30] ^= 1
    target.write_bytes(content)
    fresh = Settings(data=tmp_path / "fresh")
    other = Database(f"sqlite:///{tmp_path / 'fresh.db'}")
    try:
        with pytest.raises(Invalid, match="损坏"):
            archive.restore(other, open_store(fresh), fresh.data, target)
        assert not any(rows(other).values())
    finally:
        other.close()


def test_a_foreign_tar_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "x.tar"
    with tarfile.open(target, "w") as tar:
        info = tarfile.TarInfo("../../evil")
        info.size = 4
        tar.addfile(info, io.BytesIO(b"evil"))
    other = Database(f"sqlite:///{tmp_path / 'fresh.db'}")
    try:
        with pytest.raises(Invalid, match="不是网上党校的备份"):
            archive.restore(other, open_store(Settings(data=tmp_path)), tmp_path, target)
    finally:
        other.close()
