"""Rows of the permission matrix for live classes: the schedule, the room, picture and sound, the replay, and socket events."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import replay_kit

import live_kit
from matrix_kit import EVERYBODY, MEMBERS, NOBODY, SIGNED_IN, TEACHING, Call, Make, World, nothing
from school.core.settings import Settings
from school.core.time import now
from school.live import hall, reporting, settle
from school.live.models import LiveClass, LiveReport, LiveState, ReplayState
from school.media import decks

# ---- the things


def _on_air(w: World) -> LiveClass:
    """A class on the air for one branch; the trainer's, of the county."""
    with w.db.write() as s:
        return live_kit.make_class(s, w.cast, audience=(w.cast.branch_id,))


def on_air(w: World) -> Call:
    return Call({"class_id": _on_air(w).id})


def ticket_to_watch(w: World) -> Call:
    return Call({"class_id": _on_air(w).id}, {"json": {"want": "watch"}})


def ticket_to_publish(w: World) -> Call:
    return Call({"class_id": _on_air(w).id}, {"json": {"want": "publish"}})


def class_on_air(w: World) -> Call:
    return Call({"class_id": _on_air(w).id})


def stream_of_class(w: World) -> Call:
    return Call({"stream_id": _on_air(w).stream_id}, {"data": b"v=0"})


def stream_session(w: World) -> Call:
    return Call({"stream_id": _on_air(w).stream_id, "session": "s1"})


def class_with_slides(w: World) -> Call:
    """A class on the air whose slides are still being drawn."""
    live = _on_air(w)
    with w.db.write() as s:
        s.get_one(LiveClass, live.id).deck_id = decks.add(s, w.cast.trainer.account_id, "a.pdf", f"decks/{live.id}/").id
    return Call({"class_id": live.id})


def a_slide(w: World) -> Call:
    return Call({**class_with_slides(w).values, "page": 1})


def _hall(w: World) -> str:
    stream_id = _on_air(w).stream_id
    assert stream_id
    return hall.addresses(w.keys, stream_id)["hall"]


def hls_path(w: World) -> Call:
    _, _, stream_id, expiry, signature, name = _hall(w).split("/")
    return Call({"stream_id": stream_id, "expiry": expiry, "signature": signature, "name": name})


def forged_hls_path(w: World) -> Call:
    call = hls_path(w)
    call.values["stream_id"] = int(call.values["stream_id"]) + 1
    return call


def _scheduled(w: World, state: LiveState, *audience: int) -> Call:
    """A class of the trainer in `state`, for `audience`, whose hour is near."""
    with w.db.write() as s:
        live = live_kit.make_class(s, w.cast, state=state, audience=audience)
        live.starts_at, live.submitted_at = now() + timedelta(minutes=10), now()
        return Call({"class_id": live.id}, {"data": {"note": "请改一改时间。"}})


def class_draft(w: World) -> Call:
    return _scheduled(w, LiveState.DRAFT)


def class_in_review(w: World) -> Call:
    return _scheduled(w, LiveState.IN_REVIEW)


def class_announced(w: World) -> Call:
    return _scheduled(w, LiveState.APPROVED)


def class_for_own_branch(w: World) -> Call:
    return _scheduled(w, LiveState.APPROVED, w.cast.branch_id)


def class_going_on(w: World) -> Call:
    return _scheduled(w, LiveState.LIVE)


def class_in_a_pause(w: World) -> Call:
    return _scheduled(w, LiveState.PAUSED)


def class_cancelled(w: World) -> Call:
    call = _scheduled(w, LiveState.CANCELLED, w.cast.branch_id)
    with w.db.write() as s:
        s.get_one(LiveClass, call.values["class_id"]).reviewer_id = w.cast.reviewer.account_id
    return call


def class_with_report(w: World) -> Call:
    call = _scheduled(w, LiveState.ENDED, w.cast.town_id)
    with w.db.write() as s:
        live = s.get_one(LiveClass, call.values["class_id"])
        body = reporting.build(s, live, recorded=False, zone="Asia/Shanghai")
        s.add(LiveReport(class_id=live.id, body=dict(body), built_at=now()))
    return call


def _held(w: World, replay: ReplayState = ReplayState.ATTENDED, *, stopped: bool = False) -> Call:
    """A class for the town that is over and settled; the member of the branch was there, the others were not."""
    with w.db.write() as s:
        live = replay_kit.held(s, w.cast, minutes=1, audience=(w.cast.town_id,))
        replay_kit.stay(s, live, w.cast.member.member_id, 0, 1)
        live.captions_key = "captions/test.vtt"
    settle.settle(w.db, Settings(), live.id)
    with w.db.write() as s:
        kept = s.get_one(LiveClass, live.id)
        kept.replay = replay
        if stopped:
            replay_kit.stop_stream(s, kept)
    return Call({"class_id": live.id}, {"data": {"note": "请剪去课前闲谈。", "begin": "0:01", "remove": "1"}})


def replay_attended(w: World) -> Call:
    return _held(w)


def with_captions(w: World) -> Call:
    call = _held(w)
    w.store.put("captions/test.vtt", b"WEBVTT\n")
    return call


def replay_in_review(w: World) -> Call:
    return _held(w, ReplayState.IN_REVIEW)


def replay_published(w: World) -> Call:
    return _held(w, ReplayState.PUBLISHED)


def replay_withdrawn(w: World) -> Call:
    return _held(w, ReplayState.WITHDRAWN)


def replay_stopped(w: World) -> Call:
    return _held(w, ReplayState.WITHDRAWN, stopped=True)


# ---- the table

TABLE: list[tuple[str, str, Make, set[str]]] = [
    # the schedule of live classes
    ("GET", "live.index", nothing, SIGNED_IN),
    ("GET", "live.page", class_announced, SIGNED_IN),
    ("GET", "live.page", class_for_own_branch, {"member", "secretary", "trainer", "reviewer", "admin"}),
    ("GET", "live.page", class_draft, {"trainer"}),
    ("GET", "live.page", class_in_review, {"trainer", "reviewer", "admin"}),
    ("GET", "live.page", class_cancelled, {"member", "secretary", "trainer", "reviewer", "admin"}),
    ("GET", "live.calendar", class_for_own_branch, {"member", "secretary", "trainer", "reviewer", "admin"}),
    ("GET", "live.studio", nothing, TEACHING),
    ("GET", "live.new", nothing, TEACHING),
    ("POST", "live.create", nothing, TEACHING),
    ("GET", "live.edit", class_draft, {"trainer"}),
    ("POST", "live.save", class_draft, {"trainer"}),
    ("POST", "live.submit", class_draft, {"trainer"}),
    ("POST", "live.recall", class_in_review, {"trainer"}),
    ("POST", "live.new_key", class_announced, {"trainer"}),
    ("POST", "live.approve", class_in_review, {"reviewer", "admin"}),
    ("POST", "live.return_class", class_in_review, {"reviewer", "admin"}),
    ("POST", "live.cancel", class_announced, {"trainer", "reviewer", "admin"}),
    ("POST", "live.rehearse", class_announced, {"trainer"}),
    ("POST", "live.start", class_announced, {"trainer"}),
    ("POST", "live.pause", class_going_on, {"trainer"}),
    ("POST", "live.resume", class_in_a_pause, {"trainer"}),
    ("POST", "live.end", class_going_on, {"trainer"}),
    ("POST", "live.stop", class_going_on, {"trainer", "reviewer", "admin"}),
    *(
        ("GET", endpoint, class_with_report, {"trainer", "reviewer", "admin", "secretary", "neighbour"})
        for endpoint in ("live.report", "live.report_export", "live.report_print")
    ),
    # the replay: who was there and who oversees it at once, the others after review
    *(
        ("GET", endpoint, thing, allowed)
        for endpoint in ("live.replay", "live.replay_state", "live.replay_story", "live.replay_paths")
        for thing, allowed in (
            (replay_attended, {"member", "trainer", "reviewer", "admin"}),
            (replay_published, MEMBERS | {"trainer", "reviewer", "admin"}),
            (replay_withdrawn, {"trainer", "reviewer", "admin"}),
            (replay_stopped, {"reviewer", "admin"}),
        )
    ),
    ("POST", "live.replay_session", replay_attended, {"member"}),
    ("POST", "live.replay_session", replay_published, MEMBERS),
    ("GET", "live.replay_device", replay_published, MEMBERS),  # of one's own devices only
    ("GET", "live.replay_captions", with_captions, {"member", "trainer", "reviewer", "admin"}),
    ("POST", "live.trim_replay", replay_attended, {"trainer", "reviewer", "admin"}),
    ("POST", "live.set_captions", replay_attended, {"trainer", "reviewer", "admin"}),
    ("POST", "live.submit_replay", replay_attended, {"trainer"}),
    ("POST", "live.publish_replay", replay_in_review, {"reviewer", "admin"}),
    ("POST", "live.return_replay", replay_in_review, {"reviewer", "admin"}),
    ("POST", "live.withdraw_replay", replay_published, {"trainer", "reviewer", "admin"}),
    # the room, picture and sound of a class
    ("GET", "live.desk", on_air, {"trainer"}),
    ("GET", "live.bank", on_air, {"trainer"}),
    ("GET", "live.room", on_air, {"member", "secretary", "trainer", "reviewer", "admin"}),
    ("POST", "live.tickets", ticket_to_watch, {"member", "secretary", "trainer", "reviewer", "admin"}),
    ("POST", "live.tickets", ticket_to_publish, {"trainer"}),
    ("GET", "live.slides", class_with_slides, {"trainer", "reviewer", "admin"}),
    ("POST", "live.put_slides", class_with_slides, {"trainer"}),
    ("DELETE", "live.remove_slides", class_with_slides, {"trainer"}),
    ("GET", "live.slide", a_slide, {"member", "secretary", "trainer", "reviewer", "admin"}),
    *(
        row
        for endpoint in ("stream.whip", "stream.whep")  # the bearer token is the permission, and the relay reads it
        for row in (
            ("POST", endpoint, stream_of_class, EVERYBODY),
            *((method, endpoint, stream_session, EVERYBODY) for method in ("GET", "PATCH", "DELETE")),
        )
    ),
    ("GET", "stream.hls", hls_path, EVERYBODY),  # the signature is the permission
    ("GET", "stream.hls", forged_hls_path, NOBODY),
]

# Socket.IO event of a class that the trainer holds for 河东村 → what is sent, and who may send it
IN_ROOM = {"member", "secretary", "trainer", "reviewer", "admin"}
MODERATING = {"trainer", "reviewer", "admin"}
AT_DESK = {"trainer"}
EVENTS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "connect": ({}, IN_ROOM),
    "disconnect": ({}, IN_ROOM),
    "say": ({"text": "听清楚了"}, IN_ROOM),
    "remove": ({"message": 1}, MODERATING),
    "approve": ({"message": 1}, AT_DESK),
    "mute": ({"account_id": 1, "on": False}, MODERATING),
    "rules": ({"slow_s": 0}, AT_DESK),
    "ask": ({"text": "冬剪什么时候开始？"}, IN_ROOM),
    "second": ({"question": 1, "on": True}, IN_ROOM),
    "question": ({"question": 1, "state": "answered"}, AT_DESK),
    "hand": ({"up": True}, {"member", "secretary"}),
    "call": ({"account_id": 1}, AT_DESK),
    "hang_up": ({"account_id": 10**6}, AT_DESK),  # and one's own: test_live_hands
    "poll_open": ({"question": "会了吗？", "options": ["会了", "还不会"]}, AT_DESK),
    "vote": ({"poll": 1, "choices": [0]}, IN_ROOM),
    "poll_close": ({"poll": 1}, AT_DESK),
    "slide": ({"page": 1}, AT_DESK),
    "code": ({"open": True}, AT_DESK),
    "sign_in": ({"code": "0000"}, {"member", "secretary"}),
    "check": ({}, AT_DESK),
    "here": ({"check": 1}, {"member", "secretary"}),
    "sources": ({"sources": ["camera"]}, AT_DESK),
    "watching": ({"mode": "low", "stalls": 0}, IN_ROOM),
    "roster": ({}, AT_DESK),
}
