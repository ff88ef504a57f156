"""What may be read of assets, timelines and jobs: by the pages, the worker and `school media status`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import NotFound
from school.core.i18n import N_
from school.core.person import Person, Role
from school.media import reasons, rules
from school.media.models import AssetState, JobState, MediaAsset, MediaJob, Segment, Timeline, Upload
from school.media.rules import ESSENTIAL, Run
from school.org.models import Organization, RoleGrant

STATES: dict[AssetState, str] = {
    AssetState.UPLOADING: N_("正在上传"),
    AssetState.CHECKING: N_("已传完，正在检查"),
    AssetState.TRANSCODING: N_("正在转码"),
    AssetState.READY: N_("可以观看"),
    AssetState.FAILED: N_("不能转码"),
}


@dataclass(frozen=True, slots=True)
class AssetStatus:
    """How an asset is doing. `message` is a source sentence with the places of `params`; sizes in bytes."""

    id: int
    title: str
    file_name: str
    state: AssetState
    stage: str  # what the worker is at: a key of `reasons.STAGES`
    progress: int  # permille of the current state
    message: str
    params: dict[str, Any]
    code: str | None  # of the reason when it failed
    size: int
    uploaded: int
    timeline_id: int | None  # set as soon as something can be played
    length_ms: int


@dataclass(frozen=True, slots=True)
class JobFacts:
    """One job as `school media status` shows it."""

    id: int
    kind: str
    asset_id: int | None
    attempt: int
    worker: str | None
    stage: str
    progress: int
    reason: str | None
    detail: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    """All jobs at a glance. `running` includes those whose lease ran out and whom nobody has taken over yet."""

    jobs: dict[str, int]
    assets: dict[str, int]
    oldest_queued_at: datetime | None
    running: list[JobFacts] = field(default_factory=list)
    failed: list[JobFacts] = field(default_factory=list)


def asset(s: Session, asset_id: int) -> MediaAsset:
    """The asset, or NotFound."""
    found = s.get(MediaAsset, asset_id)
    if found is None:
        raise NotFound("media.no_asset", N_("没有找到这个视频，可能已经删除。"))
    return found


def asset_for(s: Session, person: Person, asset_id: int) -> MediaAsset:
    """The asset when `person` owns it or reviews for the organisation its owner teaches in; else NotFound."""
    found = asset(s, asset_id)
    if found.owner_id == person.account_id or person.has(Role.SYSADMIN):
        return found
    teaches_in = s.scalars(
        sa.select(Organization.path)
        .join(RoleGrant, RoleGrant.org_id == Organization.id)
        .where(RoleGrant.account_id == found.owner_id, RoleGrant.role == Role.TRAINER)
    )
    if any(person.holds(path, Role.REVIEWER, Role.ORG_ADMIN) for path in teaches_in):
        return found
    raise NotFound("media.no_asset", N_("没有找到这个视频，可能已经删除。"))


def timeline(s: Session, timeline_id: int, *, lock: bool = False) -> Timeline:
    """The timeline, or NotFound; with `lock` nobody else changes it before this transaction ends."""
    found = s.get(Timeline, timeline_id, with_for_update=lock)
    if found is None:
        raise NotFound("media.no_timeline", N_("没有找到这个视频，可能已经撤下。"))
    return found


def timeline_of(s: Session, asset_id: int) -> Timeline | None:
    """What plays for an asset (or the twin it was found to be): the newest sealed timeline, else a growing one, else None."""
    whose = sa.select(sa.func.coalesce(MediaAsset.twin_id, MediaAsset.id)).where(MediaAsset.id == asset_id)
    return s.scalars(
        sa.select(Timeline)
        .where(Timeline.asset_id == whose.scalar_subquery())
        .order_by(Timeline.sealed_at.is_(None), Timeline.id.desc())
        .limit(1)
    ).first()


def twin(s: Session, asset: MediaAsset, sha256: str) -> MediaAsset | None:
    """A ready asset of the same owner made from the same bytes, the first of its kind."""
    return s.scalars(
        sa.select(MediaAsset)
        .where(
            MediaAsset.owner_id == asset.owner_id,
            MediaAsset.sha256 == sha256,
            MediaAsset.state == AssetState.READY,
            MediaAsset.twin_id.is_(None),
            MediaAsset.id != asset.id,
        )
        .order_by(MediaAsset.id)
        .limit(1)
    ).first()


def segments(s: Session, timeline_id: int, rendition: str) -> Sequence[tuple[int, int, int]]:
    """(number, length in µs, run) of a rendition's segments, from number 0 to the first gap."""
    rows = s.execute(
        sa.select(Segment.number, Segment.length_us, Segment.run)
        .where(Segment.timeline_id == timeline_id, Segment.rendition == rendition)
        .order_by(Segment.number)
    )
    return [(number, us, run) for place, (number, us, run) in enumerate(rows) if place == number]


def runs(s: Session, timeline_id: int) -> list[Run]:
    """When each stretch of a live recording was made, in media order, so that moments of the class find their place.

    Read from the first rendition. A stretch ends with its run, or where the server's clock says that time is missing.
    """
    whole = timeline(s, timeline_id)
    if not whole.renditions:
        return []
    rows = s.execute(
        sa.select(Segment.number, Segment.start_ms, Segment.length_us, Segment.run, Segment.wall_ms)
        .where(Segment.timeline_id == timeline_id, Segment.rendition == whole.renditions[0]["name"])
        .order_by(Segment.number)
    )
    return rules.merged_runs(
        [
            (start, us, run, wall)
            for place, (number, start, us, run, wall) in enumerate(rows)
            if place == number and wall
        ]
    )


def status(s: Session, asset: MediaAsset) -> AssetStatus:
    """How `asset` is doing now."""
    upload = s.scalars(sa.select(Upload).where(Upload.asset_id == asset.id).order_by(Upload.id.desc()).limit(1)).first()
    job = s.scalars(
        sa.select(MediaJob)
        .where(
            MediaJob.asset_id == asset.id,
            MediaJob.kind.in_(ESSENTIAL),
            MediaJob.state.in_((JobState.QUEUED, JobState.RUNNING)),
        )
        .order_by(MediaJob.id.desc())
        .limit(1)
    ).first()
    shown = timeline_of(s, asset.id)
    uploaded = upload.offset if upload and not upload.completed_at else asset.size
    message = STATES[asset.state]
    params: dict[str, Any] = {}
    if asset.state == AssetState.FAILED:
        message, params = reasons.sentence(asset.reason_code or "worker.fault", asset.reason_params)
    elif asset.state in (AssetState.CHECKING, AssetState.TRANSCODING) and job:
        message = reasons.STAGES.get(job.stage, message)
    progress = {AssetState.READY: 1000, AssetState.FAILED: 0}.get(asset.state, job.progress if job else 0)
    if asset.state == AssetState.UPLOADING:
        progress = uploaded * 1000 // asset.size if asset.size else 0
    return AssetStatus(
        id=asset.id,
        title=asset.title,
        file_name=asset.file_name,
        state=AssetState(asset.state),
        stage=job.stage if job else "",
        progress=progress,
        message=message,
        params=params,
        code=asset.reason_code,
        size=asset.size,
        uploaded=uploaded,
        timeline_id=shown.id if shown and shown.length_ms else None,
        length_ms=shown.length_ms if shown else 0,
    )


def overview(s: Session, *, most: int = 50) -> Overview:
    """Counts by state, the oldest job that waits, and the jobs that run or failed, the latest `most` of each."""

    def count(column: Any) -> dict[str, int]:
        return {str(state): n for state, n in s.execute(sa.select(column, sa.func.count()).group_by(column))}

    def facts(state: JobState) -> list[JobFacts]:
        jobs = s.scalars(sa.select(MediaJob).where(MediaJob.state == state).order_by(MediaJob.id.desc()).limit(most))
        return [
            JobFacts(job.id, job.kind, job.asset_id, job.attempt, job.worker, job.stage, job.progress,
                     job.reason_code, job.detail, job.finished_at or job.created_at)
            for job in jobs
        ]  # fmt: skip

    oldest = s.scalar(sa.select(sa.func.min(MediaJob.run_at)).where(MediaJob.state == JobState.QUEUED))
    return Overview(
        count(MediaJob.state), count(MediaAsset.state), oldest, facts(JobState.RUNNING), facts(JobState.FAILED)
    )
