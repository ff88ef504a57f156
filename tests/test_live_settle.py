"""A class that has ended settles by itself: hours, report and 待补学名单, once, whatever is killed in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import replay_kit
import sqlalchemy as sa
from replay_kit import MINUTE, RENDITIONS

from actors import SINCE, Cast
from school.core.db import Database
from school.core.settings import Settings
from school.core.time import now, year_of
from school.live import reporting, settle
from school.live.attendance import makeups_of
from school.live.models import (
    LiveAttendance,
    LiveClass,
    LiveHand,
    LiveMessage,
    LivePoll,
    LiveQuestion,
    LiveReport,
    LiveSignIn,
)
from school.media import service as media
from school.media.models import MediaJob, Stream
from school.org.models import Member
from school.records.models import (
    Coverage,
    HourExemption,
    MemberYear,
    Mode,
    StudyDay,
    StudyHourEntry,
    StudyItem,
    StudyPart,
)


def attendance(db: Database) -> dict[int, LiveAttendance]:
    with db.read() as s:
        return {row.member_id: row for row in s.query(LiveAttendance)}


def report(db: Database, live: LiveClass) -> dict[str, Any]:
    with db.read() as s:
        return s.get_one(LiveReport, live.id).body


def entries(db: Database) -> list[StudyHourEntry]:
    with db.read() as s:
        return s.query(StudyHourEntry).order_by(StudyHourEntry.id).all()


def test_a_class_writes_the_training_record_by_itself(db: Database, settings: Settings, cast: Cast) -> None:
    member, secretary, outsider = cast.member.member_id, cast.secretary.member_id, cast.outsider.member_id
    with db.write() as s:
        live = replay_kit.held(s, cast, minutes=45, pause=(20, 5))
        replay_kit.stay(s, live, member, -3, 50, left=False)
        replay_kit.stay(s, live, secretary, 26, 50)
    assert settle.settle_due(db, settings) == 1
    (entry,) = entries(db)
    assert (entry.member_id, entry.source_kind, entry.source_id, entry.mode) == (member, "live", live.id, Mode.ONLINE)
    assert (entry.hours_100, entry.category, entry.title) == (100, "live_solo", live.title)
    assert [stay["mode"] for stay in entry.evidence["stays"]] == ["online"]
    rows = attendance(db)
    assert (rows[member].counted_ms, rows[member].met, rows[member].makeup_until) == (45 * MINUTE, True, None)
    assert (rows[secretary].counted_ms, rows[secretary].met) == (24 * MINUTE, False)
    assert rows[outsider].first_ms is None
    assert rows[outsider].makeup_until is not None
    assert (rows[member].first_ms, rows[member].last_ms) == (live.started_ms, live.ended_ms)
    with db.read() as s:
        assert [each.live.id for each in makeups_of(s, outsider)] == [live.id]
        assert [(each.counted_ms, each.watchable) for each in makeups_of(s, secretary)] == [(24 * MINUTE, True)]
        assert makeups_of(s, member) == []
        assert s.get_one(MemberYear, (member, year_of(now(), settings.zone))).online_100 == 100
        assert s.query(MediaJob.kind).all() == [("live_renditions",)]
    body = report(db, live)
    assert (body["expected"], body["present"], body["rate_permille"], body["met"], body["makeup"]) == (3, 2, 667, 1, 2)
    assert body["counted_ms"] == 45 * MINUTE
    assert [(line["name"], line["expected"], line["present"]) for line in body["branches"]] == [
        ("河东村", 2, 2), ("河西村", 1, 0),
    ]  # fmt: skip
    assert body["curve"][0][1] == 1
    assert body["curve"][30][1] == 2
    assert settle.settle_due(db, settings) == 0


@pytest.mark.parametrize("fails", ["_count", "reporting.build"])
def test_killed_in_the_middle_it_begins_anew_and_comes_to_the_same(
    db: Database, settings: Settings, cast: Cast, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    """The process is gone in the middle of the second step: nothing stands twice, nothing is left out."""
    monkeypatch.setattr(settle, "CHUNK", 1)
    with db.write() as s:
        live = replay_kit.held(s, cast)
        for actor in (cast.member, cast.secretary, cast.outsider):
            replay_kit.stay(s, live, actor.member_id, 0, 45)
    place, name = (reporting, "build") if "." in fails else (settle, fails)
    real, calls = getattr(place, name), 0

    def dying(*args: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == (2 if name == "_count" else 1):
            raise KeyboardInterrupt
        return real(*args, **more)

    monkeypatch.setattr(place, name, dying)
    with pytest.raises(KeyboardInterrupt):
        settle.settle_due(db, settings)
    assert len(entries(db)) == (1 if name == "_count" else 3)
    assert settle.settle_due(db, settings) == 1
    assert sorted(entry.member_id for entry in entries(db)) == sorted(
        actor.member_id for actor in (cast.member, cast.secretary, cast.outsider)
    )
    assert report(db, live)["met"] == 3
    with db.read() as s:
        # of each once, and of two days when this runs soon after midnight
        assert sum(row.wall_ms for row in s.query(StudyDay)) == 3 * 45 * MINUTE
        assert s.query(StudyItem).count() == 1


def test_it_waits_until_the_recording_is_closed_but_not_for_ever(db: Database, settings: Settings, cast: Cast) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast, sealed=False)
        replay_kit.stay(s, live, cast.member.member_id, 0, 45)
    assert settle.settle_due(db, settings) == 0
    with db.write() as s:
        s.execute(sa.update(Stream).values(changed_at=now() - timedelta(minutes=31)))
    assert settle.settle_due(db, settings) == 1
    assert len(entries(db)) == 1


def test_a_class_nobody_published_in_has_a_report_and_gives_no_hours(
    db: Database, settings: Settings, cast: Cast
) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast, recorded=False)
        replay_kit.stay(s, live, cast.member.member_id, 0, 40)
    assert settle.settle_due(db, settings) == 0
    with db.write() as s:
        s.execute(sa.update(Stream).values(changed_at=now() - timedelta(seconds=21)))
    assert settle.settle_due(db, settings) == 1
    body = report(db, live)
    assert (body["recording"], body["present"], body["makeup"], body["counted_ms"]) == (False, 1, 0, 0)
    row = attendance(db)[cast.member.member_id]
    assert (row.counted_ms, row.met, row.makeup_until) == (40 * MINUTE, False, None)
    assert entries(db) == []


def test_a_stopped_class_gives_no_hours_and_nobody_owes_it(db: Database, settings: Settings, cast: Cast) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast)
        replay_kit.stay(s, live, cast.member.member_id, 0, 45)
        replay_kit.stop_stream(s, live)
    assert settle.settle_due(db, settings) == 1
    assert entries(db) == []
    body = report(db, live)
    assert (body["stopped"], body["present"], body["makeup"]) == (True, 1, 0)


def test_who_is_excused_from_the_year_owes_nothing(db: Database, settings: Settings, cast: Cast) -> None:
    with db.write() as s:
        replay_kit.held(s, cast)
        s.add(
            HourExemption(
                member_id=cast.outsider.member_id, year=year_of(now(), settings.zone), reason="高龄", created_at=SINCE
            )
        )
    settle.settle_due(db, settings)
    rows = attendance(db)
    assert rows[cast.outsider.member_id].makeup_until is None
    assert rows[cast.member.member_id].makeup_until is not None


def test_an_unanswered_check_is_refused_with_its_reason(db: Database, settings: Settings, cast: Cast) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast)
        replay_kit.stay(s, live, cast.member.member_id, 0, 45)
        replay_kit.check(s, live, 20, {cast.member.member_id: 30})
        replay_kit.check(s, live, 40, {cast.member.member_id: 40.5})
    settle.settle_due(db, settings)
    with db.read() as s:
        coverage = s.query(Coverage).one()
    assert coverage.refused == [[20 * MINUTE, 30 * MINUTE, "no_answer"]]
    assert attendance(db)[cast.member.member_id].counted_ms == 35 * MINUTE
    assert [(check["asked"], check["answered"]) for check in report(db, live)["checks"]] == [(1, 0), (1, 1)]


def test_a_trim_settles_anew_and_completes_those_it_makes_complete(
    db: Database, settings: Settings, cast: Cast
) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast)
        replay_kit.stay(s, live, cast.member.member_id, 8, 45)
    settle.settle_due(db, settings)
    assert entries(db) == []
    with db.write() as s:
        mine = s.get_one(LiveClass, live.id)
        mine.replay_in_ms, mine.replay_out_ms = 5 * MINUTE, 44 * MINUTE
        settle.reopen(mine)
    assert settle.settle_due(db, settings) == 1
    (entry,) = entries(db)
    assert entry.evidence["length_ms"] == 39 * MINUTE
    assert attendance(db)[cast.member.member_id].counted_ms == 36 * MINUTE
    assert report(db, live)["counted_ms"] == 39 * MINUTE


def test_who_moves_afterwards_stays_where_they_were_counted(db: Database, settings: Settings, cast: Cast) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast)
    settle.settle_due(db, settings)
    with db.write() as s:
        s.get_one(Member, cast.member.member_id).org_id = cast.other_branch_id
        s.add(Member(org_id=cast.branch_id, name="何小满", created_at=SINCE))
        settle.reopen(s.get_one(LiveClass, live.id))
    settle.settle_due(db, settings)
    rows = attendance(db)
    assert len(rows) == 3
    assert rows[cast.member.member_id].org_id == cast.branch_id


def test_midnight_and_new_year_belong_to_the_class(db: Database, settings: Settings, cast: Cast) -> None:
    """A class that ended before midnight and is settled after it counts for its own day."""
    with db.write() as s:
        live = replay_kit.held(s, cast, recorded=False)
        end = round(datetime(2025, 12, 31, 15, 58, tzinfo=UTC).timestamp() * 1000)  # 23:58 in Shanghai
        live.started_ms, live.ended_ms = end - 45 * MINUTE, end
        replay_kit.record(s, s.get_one(Stream, live.stream_id), [(live.started_ms, 45 * MINUTE)])
        replay_kit.stay(s, live, cast.member.member_id, 0, 45)
    settle.settle_due(db, settings)
    (entry,) = entries(db)
    assert (entry.year, entry.occurred_on.isoformat()) == (2025, "2025-12-31")


def test_the_report_tells_what_was_said_and_asked(db: Database, settings: Settings, cast: Cast) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast)
        begin = live.started_ms or 0
        who = {"class_id": live.id, "account_id": cast.member.account_id}
        s.add_all(
            [
                LiveMessage(**who, at_ms=begin, text="老师好"),
                LiveMessage(**who, at_ms=begin, text="……", state="removed"),
                LiveQuestion(**who, at_ms=begin + 1, text="冬肥何时施？", seconds=3, state="answered", answering_ms=begin + 9),
                LiveQuestion(**who, at_ms=begin + 2, text="……", state="removed"),
                LiveHand(**who, raised_ms=begin, called_ms=begin + 5, state="done"),
                LiveSignIn(class_id=live.id, member_id=cast.member.member_id, at_ms=begin),
                LivePoll(class_id=live.id, question="施过几次？", options=["一次", "两次"], tally=[1, 2], voters=3, opened_ms=begin),
            ]
        )  # fmt: skip
    settle.settle_due(db, settings)
    body = report(db, live)
    assert (body["messages"], body["spoke"], body["sign_ins"]) == (1, 1, {"opened": False, "count": 1})
    (question,) = body["questions"]
    assert (question["text"], question["branch"], question["answering_ms"]) == (
        "冬肥何时施？",
        "河东村",
        (live.started_ms or 0) + 9,
    )
    (poll,) = body["polls"]
    assert (poll["tally"], poll["voters"]) == ([1, 2], 3)


def test_many_settle_in_chunks_that_hold_nobody_up(
    db: Database, settings: Settings, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many members, small transactions: what each writes is bounded by the chunk."""
    monkeypatch.setattr(settle, "CHUNK", 50)
    with db.write() as s:
        live = replay_kit.held(s, cast, audience=(cast.other_branch_id,))
        s.add_all(Member(org_id=cast.other_branch_id, name=f"学员{n}", created_at=SINCE) for n in range(400))
        s.flush()
        ids = list(s.scalars(sa.select(Member.id).where(Member.org_id == cast.other_branch_id)))
        for member_id in ids[:350]:
            replay_kit.stay(s, live, member_id, 0, 45)
    sizes: list[int] = []
    real = settle._count

    def count(*args: Any) -> None:
        sizes.append(len(args[3]))
        real(*args)

    monkeypatch.setattr(settle, "_count", count)
    settle.settle_due(db, settings)
    assert max(sizes) <= 50
    assert sum(sizes) == len(ids)
    assert len(entries(db)) == 350
    body = report(db, live)
    assert (body["expected"], body["present"], body["met"], body["makeup"]) == (len(ids), 350, 350, len(ids) - 350)


def test_one_class_that_cannot_be_settled_holds_up_no_other(
    db: Database, settings: Settings, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.write() as s:
        bad, good = replay_kit.held(s, cast), replay_kit.held(s, cast)
    real = settle._post

    def post(s: Any, class_id: int) -> Any:
        if class_id == bad.id:
            raise RuntimeError("broken")
        return real(s, class_id)

    monkeypatch.setattr(settle, "_post", post)
    settle.settle_due(db, settings)
    with db.read() as s:
        assert s.get_one(LiveClass, bad.id).settled_at is None
        assert s.get_one(LiveClass, good.id).settled_at is not None
        assert s.query(StudyPart).one().length_ms == 45 * MINUTE


def test_a_growing_recording_is_no_recording_yet(db: Database, settings: Settings, cast: Cast) -> None:
    with db.write() as s:
        live = replay_kit.held(s, cast, recorded=False)
        timeline = media.new_timeline(s, None, 0, RENDITIONS)
        s.get_one(Stream, live.stream_id).timeline_id = timeline.id
        s.get_one(Stream, live.stream_id).finished_at = now()
        media.seal_timeline(s, timeline.id)
    settle.settle_due(db, settings)  # a stream that was opened and never had a picture
    assert report(db, live)["recording"] is False
