"""Watching a replay: its page, its time line, fresh signed paths and the play sessions that watching is counted by."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Response, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from school.core.errors import Conflict, NotFound
from school.core.i18n import N_
from school.core.person import require_member, signed_in
from school.core.time import now, year_of
from school.live import attendance, replays, settle, storyline
from school.live.access import Standing, standing
from school.live.attendance import ITEM
from school.live.blueprint import blueprint
from school.live.models import LiveAttendance, LiveClass, LiveState, ReplayState
from school.media import queries as media
from school.media.models import SlideDeck, Timeline
from school.media.service import play_paths
from school.records.intervals import missing
from school.records.queries import Ribbon, credited
from school.records.rules import REASONS
from school.records.seat import RATES, Seat, device_name, newest_device, script_data, seat_of
from school.records.service import open_play_session
from school.webkit.context import current_person, school

GAP_MS = 5_000  # a stretch shorter than this is not worth going to


def no_recording() -> NotFound:
    return NotFound("replay.none", N_("这堂课的回放还没有准备好，请稍等几秒再看。"))


def gaps(part: Ribbon) -> list[tuple[int, int]]:
    """What is still to be watched of a part, stretches too short to notice apart."""
    return [
        (start, end) for start, end in missing(part.in_ms, part.length_ms, list(part.covered)) if end - start >= GAP_MS
    ]


def _seat(s: Session, here: Standing) -> Seat | None:
    """The person's seat; None before the class is settled, and where watching earns nothing."""
    member_id = here.person.member_id
    if member_id is None or here.live.state != LiveState.ENDED:
        return None
    return seat_of(s, member_id, ITEM, here.live.id, here.live.id, now(), school().settings.zone)


def _study(s: Session, here: Standing, seat: Seat | None) -> dict[str, Any] | None:
    if seat is None:
        return None
    year = year_of(now(), school().settings.zone)
    done = here.live.id in credited(s, seat.member_id, year, ITEM, [here.live.id])
    sessions = url_for("live.replay_session", class_id=here.live.id)
    # whoever gave the class has nothing to make up
    return script_data(seat, sessions, done=done, expected=not here.desk)


def _place(seat: Seat | None, in_ms: int) -> int:
    """Where to begin: where the member stopped, else the first stretch they have not been there for."""
    if seat is None:
        return in_ms
    if seat.position_ms > seat.part.in_ms:
        return seat.position_ms
    open_ = gaps(seat.part)
    return open_[0][0] if open_ else in_ms


def _paths(live: LiveClass, timeline: Timeline) -> dict[str, str | None]:
    """Signed paths; after 停播 or 撤下 nobody but those who may still look into it comes here, and theirs go on."""
    closed = live.state == LiveState.STOPPED or live.replay == ReplayState.WITHDRAWN
    return play_paths(school().keys, timeline, oversight=closed)


def _second(s: Session, live: LiveClass, main: Timeline, camera: Timeline | None) -> dict[str, Any] | None:
    """The second picture: its paths, and where it has what the first one shows."""
    beside = storyline.beside(media.runs(s, main.id), media.runs(s, camera.id)) if camera is not None else []
    return {"paths": _paths(live, camera), "beside": beside} if camera is not None and beside else None


@blueprint.get("/live/<int:class_id>/replay")
def replay(class_id: int) -> str | BaseResponse:
    """The replay: playable while its recording is still being closed, counted as soon as the class is settled."""
    person = signed_in(current_person())
    with school().db.read() as s:
        here = standing(s, person, class_id)
        if here.live.state not in (LiveState.ENDED, LiveState.STOPPED):
            return redirect(url_for("live.page", class_id=class_id))
        here = replays.watcher(s, person, class_id)
        live = here.live
        main, camera = replays.recording(s, live)
        seat = _seat(s, here)
        page = _script_data(s, here, main, camera, seat) if main is not None else None
        mine = s.get(LiveAttendance, (live.id, person.member_id)) if person.member_id else None
        deck = s.get(SlideDeck, live.deck_id) if live.deck_id else None
    return render_template(
        "live/replay.html",
        here=here,
        live=live,
        page=page,
        seat=seat,
        gaps=gaps(seat.part) if seat else [],
        mine=mine,
        pages=deck.pages if deck else 0,
        manages=replays.managing(here) and live.state == LiveState.ENDED,
        studies=person.member_id is not None
        and live.state == LiveState.ENDED
        and (seat is not None or not live.settled_at),
        whole_ms=main.length_ms if main else 0,
        states=replays.STATES,
        rates=RATES,
        reasons={code: _(sentence) for code, sentence in REASONS.items()},
    )


def _script_data(
    s: Session, here: Standing, main: Timeline, camera: Timeline | None, seat: Seat | None
) -> dict[str, Any]:
    """What the page's scripts must know; lengths in milliseconds of the recording."""
    live = here.live
    in_ms, out_ms = settle.span_of(live, main.length_ms)
    growing = main.sealed_at is None

    def at(endpoint: str) -> str:
        return url_for(endpoint, class_id=live.id)

    return {
        "title": live.title,
        "host": live.org.short_name,
        "paths": _paths(live, main),
        "renew": at("live.replay_paths"),
        "growing": growing,
        "in_ms": in_ms,
        "length_ms": out_ms,
        "position_ms": _place(seat, in_ms),
        "rate": seat.policy.rate_permille / 1000 if seat else max(RATES),
        "study": _study(s, here, seat),
        "state": at("live.replay_state"),
        "settled": live.settled_at is not None,
        "story": at("live.replay_story"),
        "camera": _second(s, live, main, camera),
        "captions": at("live.replay_captions") if live.captions_key else None,
        "slides": f"{at('live.page')}/slides",
    }


@blueprint.get("/live/<int:class_id>/replay/state")
def replay_state(class_id: int) -> Response:
    """How far it is just after the class: `{playable, growing, settled, length_ms, study, gaps, beside}`."""
    person = signed_in(current_person())
    with school().db.read() as s:
        here = replays.watcher(s, person, class_id)
        main, camera = replays.recording(s, here.live)
        second = _second(s, here.live, main, camera) if main is not None else None
        seat = _seat(s, here)
        study = _study(s, here, seat)
    return _fresh(
        jsonify(
            playable=main is not None,
            growing=main is not None and main.sealed_at is None,
            settled=here.live.settled_at is not None,
            length_ms=settle.span_of(here.live, main.length_ms)[1] if main else 0,
            study=study,
            gaps=gaps(seat.part) if seat else [],
            beside=second["beside"] if second else [],
        )
    )


@blueprint.get("/live/<int:class_id>/replay/story")
def replay_story(class_id: int) -> Response:
    """The time line: `{lines, chapters}`, see `storyline.story`."""
    person = signed_in(current_person())
    with school().db.read() as s:
        live = replays.watcher(s, person, class_id).live
        return _fresh(jsonify(storyline.story(s, live, attendance.runs_of(s, live))))


@blueprint.get("/live/<int:class_id>/replay/paths")
def replay_paths(class_id: int) -> Response:
    """Fresh signed paths, those of the second picture under `camera`."""
    person = signed_in(current_person())
    with school().db.read() as s:
        live = replays.watcher(s, person, class_id).live
        main, camera = replays.recording(s, live)
    if main is None:
        raise no_recording()
    return _fresh(jsonify({**_paths(live, main), "camera": _paths(live, camera) if camera else None}))


@blueprint.post("/live/<int:class_id>/replay/sessions", endpoint="replay_session")
def open_session(class_id: int) -> Response:
    """Open the member's play session of this replay on this device; the one before, wherever it is, stops earning."""
    person, member_id = require_member(current_person())
    with school().db.write() as s:
        seat = _seat(s, replays.watcher(s, person, class_id))
        if seat is None:
            raise Conflict("replay.not_counted", N_("这个回放现在不计学时，可能还在统计上课记录。请过几秒再试。"))
        ticket = open_play_session(
            s, school().keys, member_id=member_id, part_id=seat.part.part_id,
            device=device_name(request.user_agent.string), now=now(), zone=school().settings.zone,
        )  # fmt: skip
    return jsonify(asdict(ticket))


@blueprint.get("/live/<int:class_id>/replay/sessions", endpoint="replay_device")
def current_session(class_id: int) -> Response:
    """On which device the member's study is counted now."""
    _person, member_id = require_member(current_person())
    with school().db.read() as s:
        device = newest_device(s, member_id)
    return _fresh(jsonify(device=device))


@blueprint.get("/live/<int:class_id>/replay/captions.vtt")
def replay_captions(class_id: int) -> BaseResponse:
    """The captions, as `captions.write` made them."""
    person = signed_in(current_person())
    with school().db.read() as s:
        key = replays.watcher(s, person, class_id).live.captions_key
    if key is None:
        raise NotFound("replay.no_captions", N_("这个回放没有字幕。"))
    return _fresh(make_response(school().store.read(key), {"Content-Type": "text/vtt; charset=utf-8"}))


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response
