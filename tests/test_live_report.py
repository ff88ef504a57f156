"""The class's report: whole for who ran it, a secretary's own part for a secretary; page, workbook, A4 sheet."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from zipfile import ZipFile

import pytest
import sqlalchemy as sa

from actors import Actor, Cast
from clients import SchoolClient
from live_kit import make_class
from school.core.db import Database
from school.core.errors import NotAllowed, NotFound
from school.core.time import now
from school.live import reporting, tables
from school.live.access import standing
from school.live.findings import Findings, findings, people, points
from school.live.models import LiveAttendance, LiveClass, LivePoll, LiveQuestion, LiveReport, LiveState
from school.org.models import AuditLog
from school.records.models import Mode
from school.records.service import post_entry

ZONE = "Asia/Shanghai"
MINUTE = 60_000


@pytest.fixture
def over(db: Database, cast: Cast) -> int:
    """A class for the town that is over: 李秀兰 heard all of it, 王建国 ten minutes, 阿依古丽 (河西村) did not come."""
    with db.write() as s:
        live = make_class(s, cast, state=LiveState.ENDED, audience=(cast.town_id,))
        live.started_ms = round((now() - timedelta(hours=1)).timestamp() * 1000)
        live.ended_ms = live.started_ms + 45 * MINUTE
        until = now() + timedelta(days=14)
        rows = [
            (cast.secretary, live.started_ms, live.ended_ms, 44 * MINUTE, True, None),
            (cast.member, live.started_ms, live.started_ms + 10 * MINUTE, 10 * MINUTE, False, until),
            (cast.outsider, None, None, 0, False, until),
        ]
        for actor, first, last, counted, met, makeup in rows:
            s.add(
                LiveAttendance(class_id=live.id, member_id=actor.member_id, org_id=actor.org_id, first_ms=first,
                               last_ms=last, counted_ms=counted, met=met, makeup_until=makeup)
            )  # fmt: skip
        s.add(
            LivePoll(class_id=live.id, question="施过几次肥？", options=["一次", "两次"], tally=[3, 1], voters=4,
                     opened_ms=live.started_ms, closed_ms=live.started_ms + 1)
        )  # fmt: skip
        s.add(
            LiveQuestion(class_id=live.id, account_id=cast.outsider.account_id, at_ms=live.started_ms,
                         text="=根发黑怎么办？", state="answered")
        )  # fmt: skip
        s.flush()
        body = reporting.build(s, live, recorded=True, zone=ZONE)
        s.add(LiveReport(class_id=live.id, body=dict(body), built_at=now()))
        return live.id


def read(db: Database, actor: Actor, class_id: int) -> tuple[Findings, list[str]]:
    with db.read() as s:
        here = standing(s, actor.person, class_id)
        return findings(s, here), [each.name for each in people(s, here)]


def test_who_ran_it_reads_all(db: Database, cast: Cast, over: int) -> None:
    for actor in (cast.trainer, cast.reviewer, cast.admin):
        found, names = read(db, actor, over)
        assert (found.expected, found.present, found.met, found.makeup_count) == (3, 2, 1, 2)
        assert found.rate_permille == 667
        assert [line["name"] for line in found.branches] == ["河东村", "河西村"]
        assert found.body
        assert set(names) == {"李秀兰", "王建国", "阿依古丽·买买提"}


def test_who_has_made_it_up_owes_nothing_any_more(db: Database, cast: Cast, over: int) -> None:
    with db.write() as s:
        post_entry(
            s, member_id=cast.outsider.member_id, source_kind="live", source_id=over, mode=Mode.ONLINE,
            category="online_live", hours_100=100, title="河东夜校", occurred_on=now().date(),
        )  # fmt: skip
    found, names = read(db, cast.trainer, over)
    assert [owing.name for owing in found.makeups] == ["王建国"]
    assert "阿依古丽·买买提" in names


def test_a_secretary_reads_the_own_branch_alone(db: Database, cast: Cast, over: int) -> None:
    found, names = read(db, cast.secretary, over)
    assert found.body is None
    assert (found.expected, found.present, found.met, found.makeup_count) == (2, 2, 1, 1)
    assert [line["name"] for line in found.branches] == ["河东村"]
    assert set(names) == {"李秀兰", "王建国"}
    with pytest.raises(NotAllowed):
        read(db, cast.member, over)


def test_before_it_is_settled_there_is_none(db: Database, cast: Cast) -> None:
    with db.write() as s:
        class_id = make_class(s, cast, state=LiveState.ENDED).id
    with pytest.raises(NotFound) as caught:
        read(db, cast.trainer, class_id)
    assert caught.value.code == "live.no_report"


def test_the_page_shows_a_reader_what_is_theirs(db: Database, client: SchoolClient, cast: Cast, over: int) -> None:
    client.act_as(cast.trainer)
    page = client.get(f"/live/{over}/report").text
    for words in ("66.7%", "施过几次肥？", "根发黑怎么办", "河西村", "待补学名单", "阿依古丽·买买提"):
        assert words in page, words
    client.act_as(cast.secretary)
    page = client.get(f"/live/{over}/report").text
    for words in ("100.0%", "河东村", "王建国", "只有您管理的党组织"):
        assert words in page, words
    for words in ("河西村", "阿依古丽", "施过几次肥", "根发黑"):
        assert words not in page, words
    client.act_as(cast.member)
    assert client.get(f"/live/{over}/report").status_code == 403
    assert f"/live/{over}/report" not in client.get(f"/live/{over}").text


def _sheets(data: bytes) -> tuple[str, str]:
    """Names of a workbook's sheets, and all texts in it."""
    with ZipFile(io.BytesIO(data)) as file:
        texts = "".join(file.read(name).decode() for name in file.namelist() if "sheet" in name or "shared" in name)
        return " ".join(re.findall(r'sheet name="([^"]+)"', file.read("xl/workbook.xml").decode())), texts


def test_the_workbook(db: Database, client: SchoolClient, cast: Cast, over: int) -> None:
    client.act_as(cast.trainer)
    answer = client.get(f"/live/{over}/report.xlsx")
    assert "no-store" in answer.headers["Cache-Control"]
    names, texts = _sheets(answer.data)
    assert names == "到课情况 各支部汇总 投票 提问"
    assert "阿依古丽·买买提" in texts
    assert "=根发黑怎么办？" in texts  # a text, whatever it begins with
    assert "<f>" not in texts
    client.act_as(cast.secretary)
    names, texts = _sheets(client.get(f"/live/{over}/report.xlsx").data)
    assert names == "到课情况 各支部汇总"
    assert "阿依古丽" not in texts
    with db.read() as s:
        exports = s.scalars(sa.select(AuditLog).where(AuditLog.event == "live.export").order_by(AuditLog.id)).all()
        assert [entry.detail for entry in exports] == [{"people": 3}, {"people": 2}]


def test_the_sheet_for_paper(client: SchoolClient, cast: Cast, over: int) -> None:
    client.act_as(cast.trainer)
    page = client.get(f"/live/{over}/report/print").text
    for words in ("各支部到课汇总", "待补学名单", "填报单位（盖章）", "河西村", "王建国"):
        assert words in page, words


def test_two_branches_of_one_name_keep_their_own_figures(db: Database, cast: Cast, over: int) -> None:
    with db.write() as s:
        report = s.get_one(LiveReport, over)
        lines = [{**line, "name": "机关支部"} for line in report.body["branches"]]
        report.body = {**report.body, "branches": lines}
        s.execute(sa.update(LiveAttendance).where(LiveAttendance.member_id == cast.member.member_id)
                  .values(makeup_until=None))  # fmt: skip
    with db.read() as s:
        here = standing(s, cast.trainer.person, over)
        sheet = tables.branch_table(findings(s, here), people(s, here), ZONE, now().date())
    assert [list(row)[6] for row in sheet.rows] == [0, 1]


def test_the_curve_fits_its_box() -> None:
    assert points([[0, 0], [60_000, 10], [120_000, 5]], 100, 50) == "0.0,50.0 50.0,0.0 100.0,25.0"
    assert points([[0, 0], [60_000, 0]], 100, 50) == "0.0,50.0 100.0,50.0"
    assert points([[0, 3]], 100, 50) == ""


def test_a_class_that_nobody_had_to_attend_has_a_report(db: Database, client: SchoolClient, cast: Cast) -> None:
    with db.write() as s:
        live = make_class(s, cast, state=LiveState.ENDED)
        body = reporting.build(s, live, recorded=False, zone=ZONE)
        s.add(LiveReport(class_id=live.id, body=dict(body), built_at=now()))
        class_id = live.id
    client.act_as(cast.trainer)
    for path in ("report", "report/print", "report.xlsx"):
        assert client.get(f"/live/{class_id}/{path}").status_code == 200, path
    with db.read() as s:
        assert s.get_one(LiveClass, class_id).state == LiveState.ENDED
