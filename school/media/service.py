"""Verbs over media assets and their timelines, as the worker uses them; a timeline never changes once it is sealed."""

from __future__ import annotations

import secrets
from collections.abc import Container, Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Conflict, NotAllowed
from school.core.i18n import N_
from school.core.keys import Keys
from school.core.signing import sign, verify
from school.core.time import now
from school.media import queries, reasons, rules
from school.media.models import AssetState, MediaAsset, Segment, SlideDeck, Timeline
from school.media.rules import Rendition, SegmentFacts

PATHS = "media"  # what the signature of a media path is for
OVERSIGHT = "media-oversight"  # and of one that opens even what was stopped, for those who must be able to look


def new_asset(s: Session, owner_id: int, title: str, file_name: str, size: int, state: AssetState) -> MediaAsset:
    """A new asset of `owner_id`; names are cleaned for display and never become part of a key."""
    name = rules.clean_name(file_name)
    asset = MediaAsset(
        owner_id=owner_id,
        title=rules.clean_name(title) or rules.stem(name),
        file_name=name,
        size=size,
        state=state,
        created_at=now(),
    )
    s.add(asset)
    s.flush()
    return asset


def set_asset_state(
    s: Session,
    asset_id: int,
    state: AssetState,
    *,
    sha256: str | None = None,
    probe: dict[str, Any] | None = None,
    loudness: dict[str, Any] | None = None,
) -> MediaAsset:
    """Move an asset on, and note what was learnt about it; a state other than failed forgets an earlier reason."""
    asset = queries.asset(s, asset_id)
    asset.state = state
    asset.reason_code, asset.reason_params = None, {}
    asset.sha256 = sha256 or asset.sha256
    asset.probe = asset.probe if probe is None else probe
    asset.loudness = asset.loudness if loudness is None else loudness
    return asset


def note_loudness(s: Session, asset_id: int, loudness: dict[str, Any]) -> None:
    """Keep what was measured of the sound, whatever state the asset is in."""
    queries.asset(s, asset_id).loudness = loudness


def fail_asset(s: Session, asset_id: int, code: str, **params: Any) -> None:
    """Mark an asset as failed. `code` is a key of `reasons.REASONS`, `params` fill its sentence (lengths as `…_ms`)."""
    if code not in reasons.REASONS:
        raise KeyError(code)
    asset = queries.asset(s, asset_id)
    asset.state, asset.reason_code, asset.reason_params = AssetState.FAILED, code, params


def fail_deck(s: Session, deck_id: int, code: str) -> None:
    """Mark a deck of slides as failed, unless it has been taken away. `code` is a key of `reasons.REASONS`."""
    if deck := s.get(SlideDeck, deck_id):
        deck.state, deck.reason_code = AssetState.FAILED, code


def start_timeline(s: Session, asset: MediaAsset, expected_ms: int, renditions: Sequence[Rendition]) -> Timeline:
    """The growing timeline of an asset: the unsealed one of the same renditions, to be continued, or a new one.

    Objects belong under its `prefix`, named by `rules.init_name` and `rules.segment_name`.
    """
    names = [r.name for r in renditions]
    begun = s.scalars(
        sa.select(Timeline)
        .where(Timeline.asset_id == asset.id, Timeline.sealed_at.is_(None))
        .order_by(Timeline.id.desc())
    )
    for timeline in begun:
        if [r["name"] for r in timeline.renditions] == names and timeline.expected_ms == expected_ms:
            return timeline
    return new_timeline(s, asset.id, expected_ms, renditions)


def new_timeline(s: Session, asset_id: int | None, expected_ms: int, renditions: Sequence[Rendition]) -> Timeline:
    """An empty growing timeline; `asset_id` is None for a live recording."""
    timeline = Timeline(
        asset_id=asset_id,
        prefix=secrets.token_hex(8),  # until the number is known
        expected_ms=expected_ms,
        renditions=[asdict(r) for r in renditions],
        created_at=now(),
    )
    s.add(timeline)
    s.flush()
    timeline.prefix = rules.prefix(timeline.id)
    s.flush()
    return timeline


def add_segments(s: Session, timeline_id: int, rows: Iterable[SegmentFacts]) -> Timeline:
    """Make stored segments playable. The same segment again replaces its row, so a repeated chunk does no harm.

    Call `jobs.hold` first in the same transaction. `length_ms` becomes what every rendition can play. Raises Conflict
    when the timeline is sealed.
    """
    timeline = _growing(s, timeline_id)
    for row in rows:
        s.merge(Segment(timeline_id=timeline.id, **asdict(row)))
    s.flush()
    timeline.length_ms = _played_ms(s, timeline)
    return timeline


def seal_timeline(s: Session, timeline_id: int) -> Timeline:
    """Close a timeline for good: its measured bit rates replace the estimates, and nothing may be added any more.

    Sealing twice changes nothing. The caller has compared `length_ms` with what the probe promised.
    """
    timeline = queries.timeline(s, timeline_id, lock=True)
    if timeline.sealed_at is not None:
        return timeline
    timeline.renditions = [asdict(_measured(s, timeline.id, Rendition(**r))) for r in timeline.renditions]
    timeline.length_ms = _played_ms(s, timeline)
    timeline.sealed_at = now()
    return timeline


def add_rendition(s: Session, timeline_id: int, rendition: Rendition, rows: Sequence[SegmentFacts]) -> None:
    """Another size of the picture for a sealed timeline. What plays stays the same: `rows` have the numbers, lengths and
    runs of the first rendition. Again with the same name changes nothing. Raises Conflict when it would not fit.
    """
    timeline = queries.timeline(s, timeline_id, lock=True)
    known = [Rendition(**r) for r in timeline.renditions]
    if rendition.name in {r.name for r in known}:
        return
    shape = [(row.number, row.length_us, row.run) for row in sorted(rows, key=lambda row: row.number)]
    if timeline.sealed_at is None or not known or shape != list(queries.segments(s, timeline_id, known[0].name)):
        raise Conflict("media.uneven", N_("新的清晰度和原来的录像对不上，没有采用。"))
    s.add_all(Segment(timeline_id=timeline_id, **asdict(row)) for row in rows)
    s.flush()
    videos = [r for r in known if r.kind == "video"]
    others = [r for r in known if r.kind != "video"]
    timeline.renditions = [asdict(r) for r in (*videos, _measured(s, timeline_id, rendition), *others)]


def abandon_timeline(s: Session, timeline_id: int) -> None:
    """Empty a growing timeline that cannot be continued; the caller then deletes what is stored under its prefix.

    Its row stays: a number that came back would let caches mix old segments with new ones.
    """
    timeline = _growing(s, timeline_id)
    s.execute(sa.delete(Segment).where(Segment.timeline_id == timeline.id))
    timeline.asset_id, timeline.length_ms, timeline.renditions = None, 0, []


def share_timeline(s: Session, asset_id: int, twin_id: int, sha256: str) -> MediaAsset:
    """Make an asset ready at once by playing the timeline of its twin, which was made from the same bytes."""
    twin = queries.asset(s, twin_id)
    asset = set_asset_state(s, asset_id, AssetState.READY, sha256=sha256, probe=twin.probe, loudness=twin.loudness)
    asset.twin_id = twin.id
    return asset


def add_pictures(
    s: Session, timeline_id: int, *, poster_key: str | None = None, storyboard: dict[str, Any] | None = None
) -> None:
    """Give a timeline its poster or its storyboard; they are made by jobs of their own, often after sealing.

    Their objects are the timeline's prefix + `rules.POSTER` and + `rules.STORYBOARD`.
    `storyboard`: `{key, every_ms, width, height, columns, count}`, one sprite image of `count` frames in rows.
    """
    timeline = queries.timeline(s, timeline_id)
    timeline.poster_key = poster_key or timeline.poster_key
    timeline.storyboard = storyboard or timeline.storyboard


def play_paths(keys: Keys, timeline: Timeline, *, oversight: bool = False) -> dict[str, str | None]:
    """Addresses under one signed prefix, for whoever may see the timeline now: `master`, `audio`, `poster`, `storyboard`.

    `audio` (sound alone) and the pictures are None when there are none. Two calls within a few hours answer alike.
    Those of `oversight` go on after 停播 and 撤下.
    """
    expiry = rules.path_expiry(now(), max(timeline.length_ms, timeline.expected_ms))
    folder = rules.media_path(timeline.id, expiry)
    signature = sign(keys, OVERSIGHT if oversight else PATHS, folder)
    base = f"/m/{folder}/{signature}"
    audio = next((r["name"] for r in timeline.renditions if r["kind"] == "audio"), None)
    return {
        "master": f"{base}/master.m3u8",
        "audio": f"{base}/{audio}/index.m3u8" if audio else None,
        "poster": f"{base}/{rules.POSTER}" if timeline.poster_key else None,
        "storyboard": f"{base}/{rules.STORYBOARD}" if timeline.storyboard else None,
    }


def check_path(keys: Keys, stopped: Container[int], timeline_id: int, expiry: int, signature: str) -> None:
    """Raises NotAllowed unless `signature` opens this timeline until `expiry` (Unix seconds) and that is still to come.

    Timelines in `stopped` open to signatures of oversight alone.
    """
    folder = f"{timeline_id}/{expiry}"
    everyone = verify(keys, PATHS, folder, signature)
    if not (everyone or verify(keys, OVERSIGHT, folder, signature)):
        raise NotAllowed("media.signature", N_("这个播放地址不对，不能打开。请回到课程页面重新点“播放”。"))
    if now().timestamp() > expiry:
        raise NotAllowed("media.expired", N_("这个播放地址已经过期。请刷新页面后接着看，看到的位置都还在。"))
    if everyone and timeline_id in stopped:
        raise NotAllowed("media.stopped", N_("这个视频已经停播或撤下，不能再看。有疑问请联系主办的党组织。"))


def _growing(s: Session, timeline_id: int) -> Timeline:
    timeline = queries.timeline(s, timeline_id, lock=True)
    if timeline.sealed_at is not None:
        raise Conflict("media.sealed", N_("这个视频已经转码完成，不能再改动。需要更换时请重新上传。"))
    return timeline


def _played_ms(s: Session, timeline: Timeline) -> int:
    """How far every rendition reaches; a stretch counts from its beginning to the first gap."""
    rows = s.execute(
        sa.select(Segment.rendition, sa.func.count(), sa.func.max(Segment.number), sa.func.sum(Segment.length_us))
        .where(Segment.timeline_id == timeline.id)
        .group_by(Segment.rendition)
    ).all()
    reach = {r["name"]: 0 for r in timeline.renditions}
    for rendition, count, last, length_us in rows:
        if last != count - 1:  # a gap: rare, so only then every row is looked at
            length_us = sum(us for _, us, _ in queries.segments(s, timeline.id, rendition))
        reach[rendition] = int(length_us)
    return min(reach.values(), default=0) // 1000


def _measured(s: Session, timeline_id: int, rendition: Rendition) -> Rendition:
    """`rendition` with the peak and average bit rates of its stored segments; a short last one says nothing of the peak."""
    rows = s.execute(
        sa.select(Segment.size, Segment.length_us).where(
            Segment.timeline_id == timeline_id, Segment.rendition == rendition.name
        )
    ).all()
    length = sum(us for _, us in rows)
    if not length:
        return rendition
    average = sum(size for size, _ in rows) * 8_000_000 // length
    usual = max(us for _, us in rows) // 2
    peak = max(size * 8_000_000 // us for size, us in rows if us >= usual)
    return replace(rendition, bandwidth=max(peak, average), average=average)
