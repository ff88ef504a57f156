"""The table of work for media workers: claimed with a lease, kept by heartbeats, closed only by the current holder.

A claim carries a fencing token. When a worker dies its lease runs out, another one claims the job with a new token, and
nothing done with the old token counts any more. Leases are measured on the database's clock, so hosts may disagree.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.db import Database
from school.core.errors import Conflict
from school.core.i18n import N_
from school.core.time import now
from school.media.models import AssetState, JobState, MediaAsset, MediaJob
from school.media.rules import ESSENTIAL
from school.media.service import fail_asset, fail_deck

LEASE = timedelta(seconds=60)
FIRST_PAUSE = timedelta(seconds=10)  # doubles with each attempt
LONGEST_PAUSE = timedelta(minutes=10)


class LeaseLost(Conflict):
    """The job has another holder now, or none; whatever was about to be written must not be."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(
            "job.lost", N_("这项转码已经由另一台机器接着做了，这里不用再做。"), kind=claim.kind, key=claim.key
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at a job; `token` fences it off from every other attempt."""

    id: int
    kind: str
    key: str
    asset_id: int | None
    args: dict[str, Any]
    attempt: int  # 1 for the first
    max_attempts: int
    token: str
    lease: timedelta


def clock(s: Session) -> datetime:
    """This moment as the database sees it; SQLite lives in this process and shares its clock."""
    if s.get_bind().dialect.name == "sqlite":
        return now()
    moment: datetime = s.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return moment


def enqueue(
    s: Session,
    kind: str,
    key: str,
    asset_id: int | None = None,
    args: dict[str, Any] | None = None,
    priority: int = 0,
    *,
    max_attempts: int = 5,
) -> MediaJob:
    """Queue work under `key`; the same key again answers with the job that stands, unchanged. Higher priority first."""
    known = sa.select(MediaJob).where(MediaJob.key == key)
    if job := s.scalars(known).first():
        return job
    moment = clock(s)
    job = MediaJob(kind=kind, key=key, asset_id=asset_id, args=args or {}, priority=priority,
                   max_attempts=max_attempts, run_at=moment, created_at=moment)  # fmt: skip
    try:
        with s.begin_nested():
            s.add(job)
    except sa.exc.IntegrityError:  # PostgreSQL: another transaction queued it between our look and our insert
        return s.scalars(known).one()
    return job


def requeue(s: Session, asset: MediaAsset) -> None:
    """Give every failed job of an asset a fresh set of attempts; Conflict when there is none to repeat."""
    failed = sa.select(MediaJob).where(MediaJob.asset_id == asset.id, MediaJob.state == JobState.FAILED)
    jobs = s.scalars(failed.with_for_update()).all()
    if not jobs:
        raise Conflict("media.no_retry", N_("这个视频没有可以重试的步骤。文件没有传完时，请重新选择文件上传。"))
    for job in jobs:
        job.state, job.attempt, job.run_at, job.finished_at = JobState.QUEUED, 0, clock(s), None
        job.progress, job.stage = 0, ""
        if job.kind in ESSENTIAL:
            asset.state = AssetState.CHECKING if job.kind == "ingest" else AssetState.TRANSCODING
            asset.reason_code, asset.reason_params = None, {}


def claim(db: Database, kinds: Sequence[str], worker: str, *, lease: timedelta = LEASE) -> Claim | None:
    """The next job of these kinds for `worker`, or None. A job whose holder fell silent is handed on.

    A job that ran out of attempts that way is closed as failed, so that nobody waits for it for ever.
    """
    with db.read() as s:  # an idle worker must not take SQLite's write lock at every look
        if s.scalar(sa.select(sa.exists().where(_open(clock(s)), MediaJob.kind.in_(kinds)))) is not True:
            return None
    with db.write() as s:
        moment = clock(s)
        while job := s.scalars(
            sa.select(MediaJob)
            .where(_open(moment), MediaJob.kind.in_(kinds))
            .order_by(MediaJob.priority.desc(), MediaJob.run_at, MediaJob.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).first():
            if job.attempt < job.max_attempts:
                job.state, job.attempt, job.token = JobState.RUNNING, job.attempt + 1, str(uuid.uuid4())
                job.lease_until, job.worker = moment + lease, worker[:80]
                s.flush()
                return Claim(job.id, job.kind, job.key, job.asset_id, job.args, job.attempt, job.max_attempts,
                             job.token, lease)  # fmt: skip
            _close(s, job, JobState.FAILED, moment)
            _blame(s, job, "worker.died", {}, "")
            s.flush()
    return None


def beat(db: Database, claim: Claim, progress: int, stage: str) -> bool:
    """Keep the lease and say how far it is (permille, and a word of `reasons.STAGES`); False: the lease is lost, stop."""
    with db.write() as s:
        job = _held(s, claim)
        if job is None:
            return False
        job.lease_until, job.progress, job.stage = clock(s) + claim.lease, progress, stage
    return True


def hold(s: Session, claim: Claim) -> None:
    """Make everything else this transaction writes depend on the claim; raises LeaseLost when it is no longer ours."""
    if _held(s, claim) is None:
        raise LeaseLost(claim)


def finish(db: Database, claim: Claim) -> bool:
    """Close the job as done; False when it is no longer ours."""
    with db.write() as s:
        job = _held(s, claim)
        if job is None:
            return False
        _close(s, job, JobState.DONE, clock(s))
        job.progress, job.reason_code, job.reason_params, job.detail = 1000, None, {}, ""
    return True


def fail(db: Database, claim: Claim, reason: str, retry: bool, *, detail: str = "", **params: Any) -> bool:
    """End this attempt badly. `reason` is a code of `reasons.REASONS`; `detail` is for the operator.

    With `retry` and attempts left it is queued again after a pause that grows; else the job is failed, and so is its
    asset when the work was essential. False when it is no longer ours.
    """
    with db.write() as s:
        job = _held(s, claim)
        if job is None:
            return False
        moment = clock(s)
        if retry and job.attempt < job.max_attempts:
            _close(s, job, JobState.QUEUED, moment)
            job.run_at = moment + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (job.attempt - 1))
        else:
            _close(s, job, JobState.FAILED, moment)
        _blame(s, job, reason, params, detail)
    return True


def release(db: Database, claim: Claim) -> bool:
    """Give the job back untried, because this worker is being stopped; another may claim it at once."""
    with db.write() as s:
        job = _held(s, claim)
        if job is None:
            return False
        moment = clock(s)
        _close(s, job, JobState.QUEUED, moment)
        job.run_at, job.attempt = moment, job.attempt - 1
    return True


def _open(moment: datetime) -> sa.ColumnElement[bool]:
    """Jobs that wait for a worker, or whose worker has fallen silent."""
    return sa.or_(
        sa.and_(MediaJob.state == JobState.QUEUED, MediaJob.run_at <= moment),
        sa.and_(MediaJob.state == JobState.RUNNING, MediaJob.lease_until < moment),
    )


def _held(s: Session, claim: Claim) -> MediaJob | None:
    """The job, locked, when the claim's token is the current one. A lease that ran out unnoticed still counts."""
    return s.scalars(
        sa.select(MediaJob)
        .where(MediaJob.id == claim.id, MediaJob.token == claim.token, MediaJob.state == JobState.RUNNING)
        .with_for_update()
    ).first()


def _close(s: Session, job: MediaJob, state: JobState, moment: datetime) -> None:
    job.state, job.token, job.lease_until = state, None, None
    job.finished_at = None if state is JobState.QUEUED else moment


def _blame(s: Session, job: MediaJob, reason: str, params: dict[str, Any], detail: str) -> None:
    job.reason_code, job.reason_params, job.detail = reason, params, detail[-4000:]
    if job.state == JobState.FAILED and job.kind in ESSENTIAL and job.asset_id is not None:
        fail_asset(s, job.asset_id, reason, **params)
    if job.state == JobState.FAILED and job.kind == "slides":
        fail_deck(s, job.args["deck_id"], reason)
