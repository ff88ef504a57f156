"""The replay: who may watch it and when, what it counts, its time line, trim, captions and way through review."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import replay_kit
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from player_kit import Clip, make_clip
from playwright.sync_api import Page, expect
from replay_kit import MINUTE

import actors
from actors import PASSWORD, Actor, Cast
from clients import SchoolClient
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed
from school.core.settings import Settings
from school.core.store import open_store
from school.live import captions, log, replays, running, settle, storyline
from school.live.models import (
    LiveClass,
    LiveHand,
    LiveMessage,
    LivePoll,
    LiveQuestion,
    LiveState,
    ReplayState,
)
from school.media import stopped
from school.media.rules import Run
from school.records.models import StudyHourEntry, StudyItem
from services import LiveServer

VTT = "WEBVTT\n\nSTYLE\n::cue { color: red }\n\n1\n00:01.000 --> 00:02.500 line:0\n<v 周明远>同志们<b>好</b> &amp; 大家好\n\n01:00:00.000 --> 01:00:01.000\n<script>x</script>\n"


def script_data(client: SchoolClient, live: LiveClass) -> dict[str, Any]:
    page = client.get(f"/live/{live.id}/replay")
    assert page.status_code == 200, page.text
    found = re.search(r'<script type="application/json" id="lesson">(.*?)</script>', page.text, re.S)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


@pytest.fixture
def live(app: Flask, db: Database, cast: Cast, settings: Settings) -> LiveClass:
    """A settled class of 45 minutes: the member heard all but its first ten, the outsider nothing."""
    with db.write() as s:
        made = replay_kit.held(s, cast)
        replay_kit.stay(s, made, cast.member.member_id, 10, 45)
    settle.settle_due(db, settings)
    return made


def status(client: SchoolClient, actor: Actor, live: LiveClass) -> int:
    client.act_as(actor)
    return client.get(f"/live/{live.id}/replay").status_code


def test_it_is_there_at_once_for_those_who_attended_and_those_who_review(
    app: Flask, client: SchoolClient, db: Database, cast: Cast
) -> None:
    """While the recording is still being closed, and before anybody was counted."""
    with db.write() as s:
        live = replay_kit.held(s, cast, sealed=False)
        replay_kit.stay(s, live, cast.member.member_id, 0, 45)
    for actor in (cast.member, cast.trainer, cast.reviewer, cast.admin):
        client.act_as(actor)
        data = script_data(client, live)
        assert data["growing"]
        assert data["paths"]["master"].startswith("/m/")
        assert data["study"] is None
    assert status(client, cast.outsider, live) == 403
    client.act_as(cast.member)
    state = client.get(f"/live/{live.id}/replay/state").json
    assert state is not None
    assert (state["playable"], state["settled"], state["study"]) == (True, False, None)
    assert client.post(f"/live/{live.id}/replay/sessions").status_code == 409


def test_before_its_end_a_class_has_no_replay(app: Flask, client: SchoolClient, db: Database, cast: Cast) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast, state=LiveState.LIVE)
    client.act_as(cast.member)
    assert client.get(f"/live/{live.id}/replay").location == f"/live/{live.id}"
    assert client.get(f"/live/{live.id}/replay/story").status_code == 409


def test_a_late_member_begins_at_what_was_missed_and_is_counted_like_in_a_lesson(
    client: SchoolClient, cast: Cast, live: LiveClass
) -> None:
    client.act_as(cast.member)
    data = script_data(client, live)
    assert data["study"]["covered"] == [[10 * MINUTE, 45 * MINUTE]]
    assert data["position_ms"] == 0
    assert data["study"]["need_ms"] == 45 * MINUTE * 9 // 10
    ticket = client.post(data["study"]["sessions"]).json
    assert ticket is not None
    assert ticket["covered"] == [[10 * MINUTE, 45 * MINUTE]]
    assert client.get(data["study"]["sessions"]).status_code == 200
    page = client.get(f"/live/{live.id}/replay").text
    assert "直播时已计入 35:00" in page
    assert ">0:00 — 10:00<" in page


def test_whoever_gave_a_class_is_not_asked_to_make_it_up(
    db: Database, client: SchoolClient, cast: Cast, live: LiveClass
) -> None:
    client.act_as(cast.member)
    assert script_data(client, live)["study"]["need_ms"] > 0
    with db.write() as s:
        s.get_one(LiveClass, live.id).trainer_id = cast.member.account_id
    study = script_data(client, live)["study"]
    assert (study["need_ms"], bool(study["sessions"])) == (0, True), "what is watched counts as ever"


def test_others_wait_for_review_and_then_have_their_days(
    client: SchoolClient, db: Database, cast: Cast, live: LiveClass, settings: Settings
) -> None:
    assert status(client, cast.outsider, live) == 403
    client.act_as(cast.trainer)
    assert client.post(f"/live/{live.id}/replay/submit").status_code == 302
    client.act_as(cast.reviewer)
    assert client.post(f"/live/{live.id}/replay/publish").status_code == 302
    assert status(client, cast.outsider, live) == 200
    settle.settle_due(db, settings)
    client.act_as(cast.outsider)
    assert script_data(client, live)["study"]["covered"] == []
    client.act_as(cast.admin)
    client.post(f"/live/{live.id}/replay/withdraw")
    assert status(client, cast.outsider, live) == 403
    assert status(client, cast.member, live) == 403
    assert status(client, cast.reviewer, live) == 200
    with db.read() as s:
        assert s.query(StudyItem).one().active is False


def test_a_returned_replay_says_why_and_stays_with_those_who_attended(
    client: SchoolClient, cast: Cast, live: LiveClass
) -> None:
    client.act_as(cast.trainer)
    client.post(f"/live/{live.id}/replay/submit")
    client.act_as(cast.reviewer)
    client.post(f"/live/{live.id}/replay/return", data={"note": "请剪去课前闲谈。"})
    assert status(client, cast.member, live) == 200
    client.act_as(cast.trainer)
    assert "请剪去课前闲谈。" in client.get(f"/live/{live.id}/replay").text


def test_after_a_stop_only_those_who_oversee_may_look(
    client: SchoolClient, db: Database, cast: Cast, live: LiveClass
) -> None:
    with db.write() as s:
        running.stop(s, cast.admin.person, live.id, "内容不妥")
    for actor in (cast.member, cast.outsider, cast.trainer):
        assert status(client, actor, live) in (403, 404)
    assert status(client, cast.reviewer, live) == 200
    client.act_as(cast.reviewer)
    assert script_data(client, live)["study"] is None
    with db.read() as s:
        assert s.query(StudyItem).one().active is False


@pytest.mark.parametrize("how", ["stopped", "withdrawn"])
def test_a_closed_replay_ends_the_paths_that_were_given_out_but_not_the_overseers(
    client: SchoolClient, db: Database, cast: Cast, live: LiveClass, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(stopped, "FRESH", 0)

    def path(actor: Actor) -> str:
        client.act_as(actor)
        return str(script_data(client, live)["paths"]["master"])

    def opens(path: str) -> tuple[int, int]:
        client.act_as(None)  # the address alone is the permission
        return client.get(path).status_code, client.get("/m-auth", headers={"X-Original-URI": path}).status_code

    given = [path(cast.member), path(cast.reviewer)]
    assert [opens(one) for one in given] == [(200, 204)] * 2
    with db.write() as s:
        if how == "stopped":
            running.stop(s, cast.admin.person, live.id, "内容不妥")
        else:
            replays.withdraw(s, cast.trainer.person, live.id)
    assert [opens(one) for one in given] == [(403, 403)] * 2
    refusal = client.get(given[0], headers={"Accept": "application/json"}).json
    assert refusal is not None
    assert refusal["error"]["code"] == "media.stopped"
    assert opens(path(cast.reviewer)) == (200, 204)


def test_a_trim_is_kept_and_counts_anew(
    client: SchoolClient, db: Database, cast: Cast, live: LiveClass, settings: Settings
) -> None:
    client.act_as(cast.trainer)
    sent = client.post(f"/live/{live.id}/replay/trim", data={"begin": "9:00", "end": "0:44:00"})
    assert sent.status_code == 302
    settle.settle_due(db, settings)
    with db.read() as s:
        (entry,) = s.query(StudyHourEntry).all()
    assert (entry.member_id, entry.evidence["length_ms"]) == (cast.member.member_id, 35 * MINUTE)
    client.act_as(cast.member)
    data = script_data(client, live)
    assert (data["in_ms"], data["length_ms"]) == (9 * MINUTE, 44 * MINUTE)
    assert data["study"]["done"] is True
    with db.write() as s, pytest.raises(NotAllowed):
        replays.trim(s, cast.member.person, live.id, 0, None)
    with db.write() as s, pytest.raises(Invalid):
        replays.trim(s, cast.trainer.person, live.id, 10 * MINUTE, 10 * MINUTE + 9_000)


@pytest.mark.parametrize(("text", "ms"), [("2:30", 150_000), ("1:02:03", 3_723_000), ("45", 45_000), ("１:05", None), ("", None)])  # fmt: skip
def test_positions_are_read_as_people_type_them(text: str, ms: int | None) -> None:
    if text == "１:05":
        assert replays.point(text) == 65_000
    else:
        assert replays.point(text) == ms


@pytest.mark.parametrize("text", ["x", "1:2:3:4", "-5", "1:", "99999999999999999999"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        replays.point(text)


def test_captions_are_shown_replaced_and_removed(client: SchoolClient, cast: Cast, live: LiveClass) -> None:
    client.act_as(cast.trainer)
    address = f"/live/{live.id}/replay/captions"
    for _ in range(2):
        sent = client.post(address, data={"file": (io.BytesIO(VTT.encode()), "a.vtt")})
        assert sent.status_code == 302
    client.act_as(cast.member)
    assert script_data(client, live)["captions"] == f"{address}.vtt"
    got = client.get(f"{address}.vtt")
    assert got.mimetype == "text/vtt"
    assert got.text.startswith("WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n同志们好 &amp; 大家好")
    assert "<" not in got.text.replace("-->", "")
    assert client.post(address, data={"remove": "1"}).status_code == 403
    client.act_as(cast.trainer)
    client.post(address, data={"remove": "1"})
    assert client.get(f"{address}.vtt").status_code == 404
    assert client.post(address, data={"file": (io.BytesIO(b"\xff\xfe"), "a.vtt")}).status_code == 422
    assert client.post(address, data={}).status_code == 422


@given(st.text())
def test_whatever_a_caption_file_holds_only_times_and_words_come_out(words: str) -> None:
    source = f"1\n00:00:01,000 --> 00:00:02,000\n好{words}\n"
    (cue, *_) = captions.read(source.encode("utf-8", "replace"))
    again = captions.write([cue])
    assert captions.read(again.encode())[0] == cue
    assert "<" not in again.replace("-->", "").replace("&lt;", "")


def test_the_time_line_puts_everything_at_its_place(db: Database, client: SchoolClient, cast: Cast) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast, minutes=30, pause=(10, 5))
        replay_kit.stay(s, live, cast.member.member_id, 0, 35)
        begin = live.started_ms or 0
        who = {"class_id": live.id, "account_id": cast.member.account_id}
        s.add_all(
            [
                LiveMessage(**who, at_ms=begin + 16 * MINUTE, text="老师好"),
                LiveMessage(**who, at_ms=begin + 12 * MINUTE, text="课间说的"),
                LiveMessage(**who, at_ms=begin + 2 * MINUTE, text="删掉的", state="removed"),
                LiveMessage(class_id=live.id, account_id=cast.trainer.account_id, at_ms=begin - MINUTE, text="马上开始"),
                LiveQuestion(**who, at_ms=begin + 3 * MINUTE, text="何时施肥？", seconds=2, state="answered", answering_ms=begin + 20 * MINUTE),
                LiveHand(**who, raised_ms=begin, called_ms=begin + 21 * MINUTE, state="done"),
                LivePoll(class_id=live.id, question="几次？", options=["一", "二"], tally=[1, 0], voters=1, anonymous=True, opened_ms=begin + 25 * MINUTE),
            ]
        )  # fmt: skip
        for at, page in ((-5, 1), (1, 2), (1.01, 3), (16, 4), (17, 4), (18, 2)):
            log.append(s, live.id, "slide", {"page": page, "pages": 9}, at_ms=begin + round(at * MINUTE))
    client.act_as(cast.member)
    told = client.get(f"/live/{live.id}/replay/story").json
    assert told is not None
    assert [(line["kind"], line["at_ms"]) for line in told["lines"]] == [
        ("said", 0),
        ("question", 3 * MINUTE),
        ("said", 10 * MINUTE),
        ("break", 10 * MINUTE),
        ("said", 11 * MINUTE),
        ("called", 16 * MINUTE),
        ("poll", 20 * MINUTE),
    ]
    first, question = told["lines"][:2]
    assert first["by"] == {"name": "周明远", "branch": "", "host": True}
    assert (question["answer_ms"], question["by"]["branch"]) == (15 * MINUTE, "河东村")
    assert told["chapters"] == [
        {"at_ms": 0, "page": 1},
        {"at_ms": round(1.01 * MINUTE), "page": 3},
        {"at_ms": 11 * MINUTE, "page": 4},
        {"at_ms": 13 * MINUTE, "page": 2},
    ]
    assert all("account_id" not in line for line in told["lines"])


def test_the_second_picture_has_what_was_recorded_at_the_same_moment() -> None:
    main = [Run(1000, 0, 10_000), Run(20_000, 10_000, 5_000)]
    camera = [Run(5_000, 0, 17_000)]
    assert storyline.beside(main, camera) == [[4_000, 10_000, 0], [10_000, 12_000, 15_000]]


def test_nobody_reviews_their_own_replay_or_twice(db: Database, cast: Cast, live: LiveClass) -> None:
    with db.write() as s, pytest.raises(NotAllowed):
        replays.submit(s, cast.reviewer.person, live.id)
    with db.write() as s:
        replays.submit(s, cast.trainer.person, live.id)
    with db.write() as s, pytest.raises(NotAllowed):
        replays.publish(s, cast.trainer.person, live.id)
    with db.write() as s:
        replays.publish(s, cast.reviewer.person, live.id)
    with db.write() as s, pytest.raises(Conflict):
        replays.publish(s, cast.reviewer.person, live.id)
    with db.read() as s:
        assert s.get_one(LiveClass, live.id).replay == ReplayState.PUBLISHED


def test_the_training_file_shows_the_class_with_its_evidence(
    client: SchoolClient, db: Database, cast: Cast, settings: Settings
) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast)
        replay_kit.stay(s, live, cast.member.member_id, 0, 45)
        replay_kit.stay(s, live, cast.secretary.member_id, 0, 45)
        replay_kit.check(s, live, 20, {cast.member.member_id: 20.5, cast.secretary.member_id: 30})
    settle.settle_due(db, settings)
    client.act_as(cast.member)
    file = client.get("/record").text
    assert live.title in file
    assert "直播课" in file
    assert "直播到课" in file
    assert client.get("/record/print").status_code == client.get("/record/hours.xlsx").status_code == 200
    client.act_as(cast.secretary)
    begun = client.get("/record").text
    assert f'href="/live/{live.id}/replay"' in begun
    assert "20:00 至 30:00 未计入" in begun
    part_id = script_data(client, live)["study"]["part_id"]
    asked = {"words": "当时停电。", "part_id": part_id, "from_ms": 20 * MINUTE, "to_ms": 30 * MINUTE}
    assert client.post("/study/reviews", json=asked).status_code == 201  # without ever having opened the replay
    assert live.title in client.get("/").text


def test_without_a_recording_the_page_says_so(
    client: SchoolClient, db: Database, cast: Cast, settings: Settings
) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast, recorded=False)
        replay_kit.stay(s, live, cast.member.member_id, 0, 45)
    client.act_as(cast.member)
    assert "回放马上就好" in client.get(f"/live/{live.id}/replay").text
    assert client.get(f"/live/{live.id}/replay/paths").status_code == 404
    settle.settle(db, settings, live.id)
    assert "没有录到画面和声音" in client.get(f"/live/{live.id}/replay").text


# ── in a browser ────────────────────────────────────────


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return make_clip(tmp_path_factory.mktemp("clip"))


@pytest.mark.browser
def test_a_late_member_makes_up_on_the_replay_what_was_missed(
    page: Page, live_server: Callable[..., LiveServer], sqlite_tables: Path, tmp_path: Path, clip: Clip
) -> None:
    """The class has just ended and its recording is still open; settled, the page counts on from what attending gave."""
    shutil.copyfile(sqlite_tables, tmp_path / "school.db")
    settings = Settings(data=tmp_path / "data", database_url=f"sqlite:///{tmp_path / 'school.db'}")
    db, store = Database(settings.db_url), open_store(settings)
    store.prepare()
    cast = actors.build(db)
    with db.write() as s:
        live = replay_kit.held(s, cast, minutes=1, recorded=False)
        timeline = replay_kit.put_recording(s, store, clip, live, first=4)
        replay_kit.stay(s, live, cast.member.member_id, 8 / 60, 1)
        begin = live.started_ms or 0
        s.add(LiveMessage(class_id=live.id, account_id=cast.member.account_id, at_ms=begin + 3_000, text="老师好"))
        s.add(
            LiveQuestion(
                class_id=live.id, account_id=cast.member.account_id, at_ms=begin + 4_000, text="何时施肥？",
                state="answered", answering_ms=begin + 40_000,
            )
        )  # fmt: skip
        log.append(s, live.id, "slide", {"page": 2, "pages": 3}, at_ms=begin + 5_000)
    server = live_server(settings)
    page.goto(f"{server.url}/sign-in")
    page.fill("[name=login]", cast.member.login)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    page.goto(f"{server.url}/live/{live.id}/replay")
    expect(page.locator("#settling")).to_be_visible()
    page.click("#resume")
    page.wait_for_function("() => document.getElementById('video').currentTime > 0.5")  # while it still grows
    expect(page.locator(".moment.said")).to_have_text(re.compile("老师好"))
    with db.write() as s:
        replay_kit.grow(s, store, clip, live, timeline.id)
    assert settle.settle_due(db, settings) == 1
    expect(page.locator("#settling")).to_have_count(0)
    expect(page.locator("#gaps")).to_contain_text("直播时已计入 0:52")
    page.locator("#gap-list button").first.click()
    expect(page.locator("#completed")).to_contain_text("网络学习 1 学时")
    with db.read() as s:
        (entry,) = s.query(StudyHourEntry).all()
    assert entry.evidence["stays"]
    assert entry.evidence["sessions"]
    page.click("#t-ask")
    page.locator("#p-ask").get_by_text("到 0:40 听回答").click()
    page.wait_for_function("() => document.getElementById('video').currentTime >= 40")
    page.click("#t-chap")
    expect(page.locator(".chap[aria-current]")).to_contain_text("第 2 页")
    db.close()
