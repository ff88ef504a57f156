"""A class's states: who may turn them, in which order, and what each turn leaves behind in stream, log and audit log."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from actors import Actor, Cast
from clients import SchoolClient
from live_kit import make_class
from school.core.db import Database
from school.core.errors import Conflict, NotAllowed, NotFound
from school.core.time import now
from school.live import log, rules, running, service
from school.live.models import LiveClass, LiveEvent, LiveState, ReplayState
from school.media.models import Segment, Stream, StreamState, Timeline
from school.org.models import AuditLog

VERBS: dict[str, Callable[..., LiveClass]] = {
    "start": running.start, "pause": running.pause, "resume": running.resume, "end": running.end,
    "stop": running.stop, "cancel": service.cancel,
}  # fmt: skip


def _class(db: Database, cast: Cast, state: LiveState = LiveState.APPROVED, **changes: Any) -> int:
    with db.write() as s:
        live = make_class(s, cast, state=state)
        for name, value in changes.items():
            setattr(live, name, value)
        return live.id


def _do(db: Database, verb: str, actor: Actor, class_id: int) -> LiveState:
    with db.write() as s:
        return VERBS[verb](s, actor.person, class_id).state


def _stream(db: Database, class_id: int) -> StreamState:
    with db.read() as s:
        return StreamState(
            s.scalars(sa.select(Stream.state).join(LiveClass, LiveClass.stream_id == Stream.id)
                      .where(LiveClass.id == class_id)).one()
        )  # fmt: skip


def _lines(db: Database, class_id: int, audience: str = log.ALL) -> list[str]:
    with db.read() as s:
        return [line.body["state"] for line in log.since(s, class_id, 0) if line.audience == audience]


def test_a_class_goes_its_way_and_says_so(db: Database, cast: Cast) -> None:
    class_id = _class(db, cast)
    way = [("start", StreamState.LIVE), ("pause", StreamState.PAUSED), ("resume", StreamState.LIVE),
           ("end", StreamState.ENDED)]  # fmt: skip
    for verb, stream in way:
        state = _do(db, verb, cast.trainer, class_id)
        assert _stream(db, class_id) == stream
        assert state == rules.MOVES[verb][1]
    assert _lines(db, class_id) == ["live", "paused", "live", "ended"]
    with db.read() as s:
        live = s.get_one(LiveClass, class_id)
        first, last = s.scalars(
            sa.select(LiveEvent.at_ms).where(LiveEvent.class_id == class_id, LiveEvent.no.in_([1, 4])).order_by("no")
        )
        assert (live.started_ms, live.ended_ms) == (first, last)
        events = s.scalars(sa.select(AuditLog.event).where(AuditLog.subject_kind == "live").order_by(AuditLog.id)).all()
        assert events == ["live.live", "live.paused", "live.live", "live.ended"]


@pytest.mark.parametrize(
    ("verb", "state"),
    [
        ("start", LiveState.LIVE), ("pause", LiveState.PAUSED), ("resume", LiveState.LIVE), ("end", LiveState.ENDED),
        ("stop", LiveState.STOPPED), ("cancel", LiveState.CANCELLED),
    ],
)  # fmt: skip
def test_doing_it_again_changes_nothing(db: Database, cast: Cast, verb: str, state: LiveState) -> None:
    class_id = _class(db, cast, state)
    assert _do(db, verb, cast.trainer, class_id) == state
    assert _lines(db, class_id) == []


WRONG = [
    (verb, state)
    for verb, (before, after, _) in rules.MOVES.items()
    for state in LiveState
    if state not in before and not (verb in rules.REPEATED and state == after)
]


@pytest.mark.parametrize(("verb", "state"), WRONG)
def test_the_wrong_order_is_told_in_one_sentence(verb: str, state: LiveState) -> None:
    with pytest.raises(Conflict) as refused:
        rules.move(state, verb)
    assert refused.value.code == "live.state"
    assert "。" in refused.value.message


def test_many_hands_on_one_button_start_the_class_once(db: Database, cast: Cast) -> None:
    class_id = _class(db, cast)
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(lambda _: _do(db, "start", cast.trainer, class_id), range(8)))
    assert states == [LiveState.LIVE] * 8
    assert _lines(db, class_id) == ["live"]


def test_a_class_starts_half_an_hour_early_and_not_after_its_day(db: Database, cast: Cast) -> None:
    early = _class(db, cast, starts_at=now() + timedelta(minutes=31))
    with pytest.raises(Conflict, match="early"):
        _do(db, "start", cast.trainer, early)
    late = _class(db, cast, starts_at=now() - timedelta(minutes=45 + 121))
    with pytest.raises(Conflict, match="late"):
        _do(db, "start", cast.trainer, late)
    soon = _class(db, cast, starts_at=now() + timedelta(minutes=29))
    assert _do(db, "start", cast.trainer, soon) == LiveState.LIVE


def test_a_rehearsal_is_heard_of_at_the_desk_alone(db: Database, cast: Cast) -> None:
    class_id = _class(db, cast)
    for on in (True, True, False):
        with db.write() as s:
            running.rehearse(s, cast.trainer.person, class_id, on=on)
    assert _stream(db, class_id) == StreamState.CLOSED
    assert _lines(db, class_id) == []
    assert _lines(db, class_id, log.DESK) == ["rehearsal", "closed"]
    _do(db, "start", cast.trainer, class_id)
    with pytest.raises(Conflict), db.write() as s:
        running.rehearse(s, cast.trainer.person, class_id)


def test_only_the_desk_runs_it_and_only_who_moderates_stops_it(db: Database, cast: Cast) -> None:
    class_id = _class(db, cast)
    for verb in ("start", "pause", "resume", "end"):
        for actor in (cast.member, cast.reviewer, cast.admin):
            with pytest.raises(NotAllowed):
                _do(db, verb, actor, class_id)
        with pytest.raises(NotAllowed):
            _do(db, "stop", cast.member, class_id)
        if verb != "end":
            _do(db, verb, cast.trainer, class_id)
    assert _do(db, "stop", cast.reviewer, class_id) == LiveState.STOPPED


def test_the_helper_runs_the_class_too(db: Database, cast: Cast) -> None:
    class_id = _class(db, cast, helper_id=cast.reviewer.account_id)
    assert _do(db, "start", cast.reviewer, class_id) == LiveState.LIVE


@pytest.mark.parametrize("state", [LiveState.LIVE, LiveState.PAUSED, LiveState.ENDED])
def test_stopping_takes_the_replay_with_it(db: Database, cast: Cast, state: LiveState) -> None:
    class_id = _class(db, cast, state)
    with db.write() as s:
        running.stop(s, cast.admin.person, class_id, "画面里有不宜公开的材料。")
    with db.read() as s:
        live = s.get_one(LiveClass, class_id)
        assert (live.replay, live.review_note) == (ReplayState.WITHDRAWN, "画面里有不宜公开的材料。")
        assert live.ended_ms or state == LiveState.ENDED
    assert _stream(db, class_id) == StreamState.STOPPED
    with pytest.raises(NotFound):
        _do(db, "end", cast.member, class_id)  # who was invited knows of it no more


def test_an_overseer_cancels_what_has_not_begun(db: Database, cast: Cast) -> None:
    class_id = _class(db, cast)
    with pytest.raises(NotAllowed):
        _do(db, "cancel", cast.member, class_id)
    assert _do(db, "cancel", cast.admin, class_id) == LiveState.CANCELLED
    assert _lines(db, class_id) == ["closed"]
    with pytest.raises(Conflict):
        _do(db, "start", cast.trainer, class_id)


def test_a_class_left_running_is_ended_when_no_picture_comes(db: Database, cast: Cast) -> None:
    long_over = now() - timedelta(minutes=45 + 121)
    left = _class(db, cast, LiveState.PAUSED, starts_at=long_over)
    sending = _class(db, cast, LiveState.LIVE, starts_at=long_over)
    on_time = _class(db, cast, LiveState.LIVE)
    with db.write() as s:
        timeline = Timeline(prefix="timelines/9/", expected_ms=0, length_ms=0, renditions=[], created_at=now())
        s.add(timeline)
        s.flush()
        s.get_one(Stream, s.get_one(LiveClass, sending).stream_id).timeline_id = timeline.id
        s.add(
            Segment(timeline_id=timeline.id, rendition="source", number=0, start_ms=0, length_us=2_000_000, size=1,
                    sha256="", run=0, wall_ms=log.this_ms() - 5_000)
        )  # fmt: skip
    assert running.end_forgotten(db) == 1
    with db.read() as s:
        states = [s.get_one(LiveClass, each).state for each in (left, sending, on_time)]
    assert states == [LiveState.ENDED, LiveState.LIVE, LiveState.LIVE]
    assert _lines(db, left) == ["ended"]


def test_a_script_hears_the_state_and_a_form_goes_to_the_class(db: Database, cast: Cast, client: SchoolClient) -> None:
    class_id = _class(db, cast)
    client.sign_in(cast.trainer)
    script = {"Accept": "application/json"}
    assert client.post(f"/live/{class_id}/pause", headers=script).status_code == 409
    rehearsal = client.post(f"/live/{class_id}/rehearse", json={"on": True})
    assert rehearsal.json == {"state": "rehearsal"}
    assert client.post(f"/live/{class_id}/rehearse", json={"on": False}).json == {"state": "closed"}
    assert client.post(f"/live/{class_id}/start", headers=script).json == {"state": "live"}
    assert client.post(f"/live/{class_id}/end").headers["Location"] == f"/live/{class_id}"
