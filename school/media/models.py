"""Tables of uploads, media assets, the jobs over them and the immutable timelines they become."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from school.core.db import Base, Id
from school.org.models import Account


class AssetState(StrEnum):
    """Where an asset stands: 上传 → 检查 → 转码 → ready; or failed with a reason."""

    UPLOADING = "uploading"
    CHECKING = "checking"
    TRANSCODING = "transcoding"  # its timeline may already be played from the beginning
    READY = "ready"
    FAILED = "failed"


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class MediaAsset(Base):
    """One source file a trainer gave, whole in the object store under `source_key` once it has been uploaded."""

    __tablename__ = "media_asset"

    id: Mapped[Id]
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    title: Mapped[str] = mapped_column(sa.String(120))
    file_name: Mapped[str] = mapped_column(sa.String(255))
    size: Mapped[int] = mapped_column(sa.BigInteger)
    sha256: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    source_key: Mapped[str | None] = mapped_column(sa.String(200))
    state: Mapped[AssetState] = mapped_column(sa.String(20), default=AssetState.UPLOADING)
    reason_code: Mapped[str | None] = mapped_column(sa.String(60))  # why it failed
    reason_params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    probe: Mapped[dict[str, Any]] = mapped_column(default=dict)
    loudness: Mapped[dict[str, Any]] = mapped_column(default=dict)
    twin_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("media_asset.id"), index=True
    )  # same bytes, plays its timeline
    created_at: Mapped[datetime]


class Upload(Base):
    """A tus 1.0 upload. `offset` counts only bytes whose part is stored and committed."""

    __tablename__ = "upload"

    id: Mapped[Id]
    token: Mapped[str] = mapped_column(sa.String(43), unique=True)  # in the upload's address
    asset_id: Mapped[int] = mapped_column(sa.ForeignKey("media_asset.id"), index=True)
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    offset: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    created_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]


class UploadPart(Base):
    """A stored piece of an upload with its own SHA-256."""

    __tablename__ = "upload_part"

    upload_id: Mapped[int] = mapped_column(sa.ForeignKey("upload.id"), primary_key=True)
    offset: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(sa.String(64))
    key: Mapped[str] = mapped_column(sa.String(200))


class Timeline(Base):
    """An immutable version of what can be played: length and objects under `prefix` never change once `sealed_at` is set.

    While it grows (transcoding, live) `length_ms` is what can be played so far.
    """

    __tablename__ = "timeline"

    id: Mapped[Id]
    asset_id: Mapped[int | None] = mapped_column(sa.ForeignKey("media_asset.id"), index=True)
    asset: Mapped[MediaAsset | None] = relationship()
    prefix: Mapped[str] = mapped_column(sa.String(120), unique=True)  # object store, ends with a slash
    expected_ms: Mapped[int] = mapped_column(default=0)  # length the probe promised
    length_ms: Mapped[int] = mapped_column(default=0)
    renditions: Mapped[list[Any]] = mapped_column(default=list)  # rules.Rendition as dictionaries, best first
    poster_key: Mapped[str | None] = mapped_column(sa.String(200))
    storyboard: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    sealed_at: Mapped[datetime | None]


class Segment(Base):
    """One stored HLS segment of a rendition; playlists are written from these rows."""

    __tablename__ = "segment"

    timeline_id: Mapped[int] = mapped_column(sa.ForeignKey("timeline.id"), primary_key=True)
    rendition: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    start_ms: Mapped[int]
    length_us: Mapped[int]  # microseconds, as the playlist says it
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(sa.String(64))
    run: Mapped[int] = mapped_column(default=0)  # grows at each discontinuity; every run has its own init section
    wall_ms: Mapped[int | None]  # live: the server's clock at its beginning, milliseconds since 1970


class StreamState(StrEnum):
    """What a live stream may do now; ordered by the web process, obeyed by the node that carries it."""

    CLOSED = "closed"  # nobody may publish
    REHEARSAL = "rehearsal"  # the trainer publishes, only the trainer's side sees it, nothing is kept
    LIVE = "live"
    PAUSED = "paused"  # connections stay, nothing is recorded or shown
    ENDED = "ended"  # the recording is being closed, or is sealed
    STOPPED = "stopped"  # 停播: nothing of it may be fetched any more


class StreamNode(Base):
    """A relay with its packager; it lives while `until` (the database's clock) is to come."""

    __tablename__ = "stream_node"

    name: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    relay_url: Mapped[str] = mapped_column(sa.String(200))
    packager_url: Mapped[str] = mapped_column(sa.String(200))
    seats: Mapped[int]
    viewers: Mapped[int] = mapped_column(default=0)
    until: Mapped[datetime]


class Stream(Base):
    """One live broadcast: its state, the node that carries it, and the timelines it has recorded."""

    __tablename__ = "stream"

    id: Mapped[Id]
    state: Mapped[StreamState] = mapped_column(sa.String(12))
    key_hash: Mapped[str | None] = mapped_column(sa.String(64))  # of the stream key for OBS and ffmpeg
    node: Mapped[str | None] = mapped_column(sa.String(80), index=True)
    epoch: Mapped[int] = mapped_column(default=0)  # grows with every change of node
    timeline_id: Mapped[int | None] = mapped_column(sa.ForeignKey("timeline.id"))  # screen, else camera, with the sound
    camera_timeline_id: Mapped[int | None] = mapped_column(sa.ForeignKey("timeline.id"))  # beside a shared screen
    speakers: Mapped[dict[str, Any]] = mapped_column(default=dict)  # part (`speak-1` …) → the account that may send it
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]  # everything recorded is stored and sealed


class SlideDeck(Base):
    """A trainer's slides: the PDF as it came, and one picture a page once the worker has drawn them."""

    __tablename__ = "slide_deck"

    id: Mapped[Id]
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id), index=True)
    file_name: Mapped[str] = mapped_column(sa.String(255))
    source_key: Mapped[str] = mapped_column(sa.String(200))
    prefix: Mapped[str] = mapped_column(sa.String(120))  # pages lie under it as 0001.jpg …
    pages: Mapped[int] = mapped_column(default=0)
    state: Mapped[AssetState] = mapped_column(sa.String(20), default=AssetState.CHECKING)
    reason_code: Mapped[str | None] = mapped_column(sa.String(60))
    created_at: Mapped[datetime]


class MediaJob(Base):
    """Work for a media worker: claimed with a lease, kept by heartbeats, finished only with the current fencing token."""

    __tablename__ = "media_job"

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(sa.String(40))
    key: Mapped[str] = mapped_column(sa.String(120), unique=True)  # the same work is never queued twice
    asset_id: Mapped[int | None] = mapped_column(sa.ForeignKey("media_asset.id"), index=True)
    args: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[JobState] = mapped_column(sa.String(10), default=JobState.QUEUED)
    priority: Mapped[int] = mapped_column(default=0)
    run_at: Mapped[datetime]
    attempt: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=5)
    lease_until: Mapped[datetime | None]
    token: Mapped[str | None] = mapped_column(sa.String(36))
    worker: Mapped[str | None] = mapped_column(sa.String(80))
    progress: Mapped[int] = mapped_column(default=0)  # permille
    stage: Mapped[str] = mapped_column(sa.String(40), default="")
    reason_code: Mapped[str | None] = mapped_column(sa.String(60))  # of the last attempt that ended badly
    reason_params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    detail: Mapped[str] = mapped_column(sa.Text, default="")  # the tool's own last words, for the operator
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    __table_args__ = (sa.Index("ix_media_job_pick", "state", "priority", "run_at"),)
