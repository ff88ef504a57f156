"""The jobs of the transcoder: what each kind does, from the arrived file to the sealed timeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from media_worker.transcode import encode, extras, ladder
from media_worker.transcode.decks import slides
from media_worker.transcode.demo import demo_lecture
from media_worker.transcode.encode import Uneven
from media_worker.transcode.facts import Facts
from media_worker.transcode.ladder import Plan
from media_worker.transcode.lower import live_renditions
from media_worker.transcode.package import InitChanged, Shelf
from media_worker.transcode.probe import probe
from media_worker.transcode.refusal import Refused
from media_worker.transcode.work import Work, log
from school.media import jobs, queries, service
from school.media.models import AssetState, MediaAsset, Timeline

FIRST, USUAL = 5, 0  # priorities: what takes seconds goes before what takes minutes
PAST_CHECK = {AssetState.TRANSCODING, AssetState.READY}
DRIFT_MS, DRIFT = 1000, 500  # the timeline may differ from the source by a second and 1/500


def ingest(work: Work) -> None:
    """Prove and examine an arrived file; then either it is a twin of what the owner has, or its timeline begins."""
    asset = work.asset()
    if asset.state in PAST_CHECK:  # a worker was killed between its last transaction and closing the job
        return
    with work.source() as (path, sha256):
        twin = work.patiently(lambda: _twin(work, asset, sha256))
        if twin is not None:
            work.patiently(lambda: _share(work, twin, sha256))
            return
        work.report("probe", 500)
        facts = probe(path)
    log.info("probed", asset=asset.id, container=facts.container, length_ms=facts.length_ms)
    work.patiently(lambda: _begin(work, facts, sha256))


def transcode(work: Work) -> None:
    """Make what is missing of the asset's timeline, compare its length with the source's, and seal it."""
    asset = work.asset()
    if asset.state == AssetState.READY:  # as in `ingest`
        return
    facts = Facts.from_json(asset.probe)
    with work.source() as (path, _):
        while (timeline := _made(work, path, facts)) is None:
            facts = Facts.from_json(work.asset().probe)
    work.report("verify", 999)
    made = work.patiently(lambda: _length(work, timeline))
    if abs(made - facts.length_ms) > DRIFT_MS + facts.length_ms // DRIFT:
        _abandon(work, timeline, facts)
        raise Refused("file.length_differs", made_ms=made, expected_ms=facts.length_ms)
    work.patiently(lambda: _seal(work, timeline))


def _made(work: Work, path: Path, facts: Facts) -> Timeline | None:
    """The asset's timeline with every segment stored; None: it could not be continued, begin again by the asset's facts."""
    plan = ladder.plan(facts)
    timeline = work.patiently(lambda: _timeline(work, plan))
    try:
        shelf = work.patiently(lambda: Shelf(work, timeline, plan))
        encode.make_all(work, path, facts.picture, plan, shelf)
        return timeline
    except Uneven as why:
        assert facts.picture
        log.warning("not copied", job=work.claim.key, why=str(why))
        _abandon(work, timeline, replace(facts, picture=replace(facts.picture, codecs="", cuts_us=())))
    except InitChanged as why:
        log.warning("begun anew", job=work.claim.key, rendition=str(why))
        _abandon(work, timeline, facts)
    return None


KINDS: dict[str, Callable[[Work], None]] = {
    "ingest": ingest,
    "transcode": transcode,
    "poster": extras.poster,
    "storyboard": extras.storyboard,
    "loudness": extras.loudness,
    "demo_lecture": demo_lecture,
    "live_renditions": live_renditions,
    "slides": slides,
}


def _twin(work: Work, asset: MediaAsset, sha256: str) -> MediaAsset | None:
    """A ready asset of the same owner with the same bytes."""
    with work.tools.db.read() as s:
        return queries.twin(s, asset, sha256)


def _share(work: Work, twin: MediaAsset, sha256: str) -> None:
    with work.write() as s:
        assert work.claim.asset_id is not None
        service.share_timeline(s, work.claim.asset_id, twin.id, sha256)


def _begin(work: Work, facts: Facts, sha256: str) -> None:
    """The timeline and the jobs that fill it, with what the probe learnt, in one transaction."""
    asset_id = work.claim.asset_id
    assert asset_id is not None
    with work.write() as s:
        asset = service.set_asset_state(s, asset_id, AssetState.TRANSCODING, sha256=sha256, probe=facts.to_json())
        plan = ladder.plan(facts)
        service.start_timeline(s, asset, plan.length_us // 1000, plan.renditions)
        extra = ([] if facts.picture is None else ["poster", "storyboard"]) + (
            [] if facts.sound is None else ["loudness"]
        )
        for kind in extra:
            jobs.enqueue(s, kind, f"{kind}:{asset_id}", asset_id, priority=FIRST)
        jobs.enqueue(s, "transcode", f"transcode:{asset_id}", asset_id, priority=USUAL)


def _timeline(work: Work, plan: Plan) -> Timeline:
    """The timeline to be continued, or a new one."""
    assert work.claim.asset_id is not None
    with work.write() as s:
        asset = service.set_asset_state(s, work.claim.asset_id, AssetState.TRANSCODING)
        return service.start_timeline(s, asset, plan.length_us // 1000, plan.renditions)


def _length(work: Work, timeline: Timeline) -> int:
    with work.tools.db.read() as s:
        return queries.timeline(s, timeline.id).length_ms


def _abandon(work: Work, timeline: Timeline, facts: Facts) -> None:
    """Take away a growing timeline; its rows first, so that nothing can be asked for that is gone. The next one follows
    `facts`, which stand in the asset for whoever makes it."""

    def forget() -> None:
        with work.write() as s:
            assert work.claim.asset_id is not None
            service.abandon_timeline(s, timeline.id)
            service.set_asset_state(s, work.claim.asset_id, AssetState.TRANSCODING, probe=facts.to_json())
            for kind in () if facts.picture is None else ("poster", "storyboard"):  # what they made goes with it
                jobs.enqueue(
                    s, kind, f"{kind}:{work.claim.asset_id}:{timeline.id}", work.claim.asset_id, priority=FIRST
                )

    work.patiently(forget)
    work.patiently(lambda: work.tools.store.delete_prefix(timeline.prefix))


def _seal(work: Work, timeline: Timeline) -> None:
    with work.write() as s:
        service.seal_timeline(s, timeline.id)
        assert work.claim.asset_id is not None
        service.set_asset_state(s, work.claim.asset_id, AssetState.READY)
