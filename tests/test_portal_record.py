"""The desk and the training file: hours apart, every line with its evidence, corrections, the register, own data."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from python_calamine import CalamineWorkbook

import file_kit
from actors import Cast
from clients import SchoolClient
from file_kit import NOW, YEAR, Filed, entry
from school.core.db import Database
from school.org.models import AuditLog, MembershipTransfer
from school.portal.desk import given_name, greeting
from school.portal.sheets import LINE_COLUMNS
from school.records.models import Coverage, Mode, StudyHourEntry
from school.records.queries import hours_of, lines_of, open_items, progress_of
from school.records.service import PartFacts, ask_review, post_entries, post_item, reverse_entry


@pytest.fixture
def filed(db: Database, cast: Cast) -> Filed:
    return file_kit.file_year(db, cast)


@pytest.fixture
def begun(db: Database, cast: Cast, filed: Filed) -> int:
    """A course of two parts that `cast.member` has half watched; its number."""
    with db.write() as s:
        parts = [PartFacts(ref_id=n, timeline_id=n, title=f"第{n}讲", length_ms=600_000, position=n) for n in (1, 2)]
        item = post_item(
            s, kind="course", ref_id=901, title="党章导读", host="县委党校", category="online_course", hours_100=100,
            compulsory=True, parts=parts,
        )  # fmt: skip
        first = s.scalars(sa.text("SELECT id FROM study_part ORDER BY id")).first()
        s.add(
            Coverage(
                member_id=cast.member.member_id, part_id=int(first or 0), mode=Mode.ONLINE,
                intervals=[[0, 200_000], [300_000, 400_000]], refused=[[200_000, 255_000, "superseded"]],
                covered_ms=300_000, updated_at=NOW,
            )
        )  # fmt: skip
        return item.id


def test_the_desk_shows_both_kinds_of_hours_apart(client: SchoolClient, cast: Cast, filed: Filed) -> None:
    client.act_as(cast.member)
    text = client.get("/").text
    assert "集中学习 20 学时，要求 32；网络学习 15 学时，要求 20" in text
    assert "<b>12</b>" in text
    assert "网络还需 5" in text
    assert 'stroke-dasharray="392.7 628.3"' in text  # 20 of 32 on the outer ring
    assert "未达标" not in text
    assert " style=" not in text


def test_a_secretary_finds_the_branch_and_an_account_without_member_its_duties(
    client: SchoolClient, cast: Cast, filed: Filed
) -> None:
    client.act_as(cast.secretary)
    assert f'href="/orgs/{cast.branch_id}"' in client.get("/").text
    client.act_as(cast.trainer)
    assert 'href="/studio"' in client.get("/").text
    client.act_as(cast.reviewer)
    assert 'href="/review"' in client.get("/").text
    client.act_as(cast.admin)
    assert f'href="/orgs/{cast.county_id}"' in client.get("/").text
    client.act_as(cast.sysadmin)
    assert "系统管理" in client.get("/").text
    for path in ("/record", "/record/print", "/record/hours.xlsx"):
        assert client.get(path).status_code == 403


def test_somebody_excused_is_asked_for_nothing(client: SchoolClient, db: Database, cast: Cast, filed: Filed) -> None:
    with db.read() as s:
        hours = hours_of(s, filed.ids["郑小满"], YEAR)
    assert (hours.exempt, hours.needed_group_100, hours.needed_online_100, hours.group_100) == (True, 0, 0, 500)


def test_the_file_shows_only_ones_own_year(client: SchoolClient, cast: Cast, filed: Filed) -> None:
    client.act_as(cast.member)
    text = client.get("/record").text
    for title in (
        "支部党员大会、学习讨论",
        "柑橘技术现场会",
        "从石库门到南湖：党的创建故事",
        f"青禾县 {YEAR} 年学时办法",
        "中共河东村支部委员会",
    ):
        assert title in text
    assert "去年的集中轮训" not in text
    assert "郑小满" not in text
    assert "去年的集中轮训" in client.get(f"/record?year={YEAR - 1}").text
    group = client.get("/record?mode=group").text
    assert "柑橘技术现场会" in group
    assert "从石库门到南湖" not in group
    client.act_as(cast.outsider)
    assert "柑橘技术现场会" not in client.get("/record").text


def test_a_correction_is_struck_through_and_keeps_what_was(
    client: SchoolClient, db: Database, cast: Cast, filed: Filed
) -> None:
    with db.write() as s:
        wrong = s.scalars(sa.select(StudyHourEntry).where(StudyHourEntry.title == "柑橘技术现场会")).one()
        reverse_entry(s, cast.secretary.person, wrong.id, "不满半天", NOW)
        post_entries(
            s, [entry(cast.member.member_id, Mode.GROUP, 200, date(YEAR, 10, 8), 2, title="柑橘技术现场会")], NOW
        )
    client.act_as(cast.member)
    text = client.get("/record").text
    assert f'class="entry undone" id="entry-{wrong.id}"' in text
    assert "不满半天" in text
    assert "−4" in text
    with db.read() as s:
        lines = lines_of(s, cast.member.member_id, YEAR)
        assert hours_of(s, cast.member.member_id, YEAR).group_100 == sum(
            line.entry.hours_100 for line in lines if line.entry.mode == Mode.GROUP
        )
    register = client.get("/record/print").text
    assert register.count("柑橘技术现场会") == 1
    assert "<td>更正</td>" in register


def test_what_is_begun_stands_with_its_ribbon_and_its_reason(
    client: SchoolClient, db: Database, cast: Cast, begun: int
) -> None:
    client.act_as(cast.member)
    text = client.get("/record").text
    assert "正在学，还没计入" in text
    assert "全长 10:00，已计入 5:00，未计入 0:55" in text
    assert 'x="33.33%"' in text
    assert "只有最后打开的一处计时" in text
    with db.read() as s:
        assert progress_of(s, cast.member.member_id, "course", [901, 902]) == {901: (300_000, 1_200_000)}
        assert [each.item.id for each in open_items(s, cast.member.member_id, YEAR)] == [begun]
        assert open_items(s, cast.outsider.member_id, YEAR) == []
    with db.write() as s:
        post_entries(s, [entry(cast.member.member_id, Mode.ONLINE, 100, date(YEAR, 11, 2), 901)], NOW)
    with db.read() as s:
        assert open_items(s, cast.member.member_id, YEAR) == []


def test_a_line_keeps_the_ribbon_it_was_earned_with(
    client: SchoolClient, db: Database, cast: Cast, filed: Filed
) -> None:
    evidence = {
        "required_permille": 900, "length_ms": 600_000, "covered_ms": 570_000, "refused_ms": 0,
        "parts": [{"part_id": 1, "ref_id": 1, "title": "第1讲", "length_ms": 600_000, "online": [[0, 570_000]], "group": []}],
        "sessions": [{"id": 1, "opened_at": f"{YEAR}-07-01T12:10:00+00:00", "device": "Mozilla/5.0 (Linux; Android 13) Chrome"}],
    }  # fmt: skip
    with db.write() as s:
        line = entry(cast.member.member_id, Mode.ONLINE, 50, date(YEAR, 7, 3), 31, evidence=evidence)
        post_entries(s, [line], NOW)
    client.act_as(cast.member)
    text = client.get("/record").text
    assert "全长 10:00，已计入 9:30，未计入 0:00" in text
    assert "95%（学完需要 90%）" in text
    assert "7月1日 20:10，打开 1 次（Android Chrome）" in text
    assert f"<td>{YEAR}.07.01—07.03</td>" in client.get("/record/print").text


def test_a_review_shows_its_state(client: SchoolClient, db: Database, cast: Cast, filed: Filed) -> None:
    with db.write() as s:
        line = s.scalars(sa.select(StudyHourEntry).where(StudyHourEntry.title == "柑橘技术现场会")).one()
    client.act_as(cast.member)
    assert f'data-entry="{line.id}"' in client.get("/record").text
    with db.write() as s:
        review = ask_review(s, cast.member.person, words="签到表上有我", entry_id=line.id, now=NOW)
    text = client.get("/record").text
    assert f'data-entry="{line.id}"' not in text
    assert "等待答复" in text
    with db.write() as s:
        s.merge(review).state = "declined"
        s.merge(review).answer = "当天请假"
    assert "答复：当天请假" in client.get("/record").text


def test_the_register_has_the_fields_of_the_form(client: SchoolClient, cast: Cast, filed: Filed) -> None:
    client.act_as(cast.member)
    text = client.get("/record/print").text
    for word in [
        "姓名",
        "性别",
        "出生年月",
        "民族",
        "学历",
        "入党时间",
        "单位及职务",
        "序号",
        "起止时间",
        "主办单位",
        "形式",
        "学时",
        "考核结果",
        "证明人",
        "备注",
        "合计",
        "年度要求",
        "党支部意见",
    ]:
        assert f">{word}</th>" in text, word
    assert "集中 20　网络 15" in text
    assert "集中 32　网络 20　还需：集中 12　网络 5" in text
    assert f"<td>{YEAR}.03.12</td>" in text
    assert "李秀兰" in text


def test_own_data_leaves_whole_and_is_noted(client: SchoolClient, db: Database, cast: Cast, filed: Filed) -> None:
    client.act_as(cast.member)
    book = CalamineWorkbook.from_filelike(io.BytesIO(client.get("/record/hours.xlsx").data))
    assert book.sheet_names == [str(YEAR), str(YEAR - 1)]
    rows = book.get_sheet_by_name(str(YEAR)).to_python()
    assert rows[2] == [column.title for column in LINE_COLUMNS]
    assert rows[3] == [
        1, cast.member.name, f"{YEAR}-03-12", "支部党员大会、学习讨论", "集中", "石桥镇党委", 16, "支部登记", "已计入",
    ]  # fmt: skip
    assert [row[6] for row in rows[3:]] == [16, 15, 4]
    with db.read() as s:
        logged = s.scalars(sa.select(AuditLog).where(AuditLog.event == "record.export")).one()
    assert (logged.subject_id, logged.account_id) == (cast.member.member_id, cast.member.account_id)


def test_after_a_transfer_the_old_branch_stays_on_old_lines(db: Database, cast: Cast, filed: Filed) -> None:
    mover = cast.outsider.member_id  # now in 河西村, until May in 河东村
    with db.write() as s:
        s.add(
            MembershipTransfer(
                member_id=mover, from_org_id=cast.branch_id, to_org_id=cast.other_branch_id, on_date=date(YEAR, 5, 16)
            )
        )
        s.flush()
        post_entries(s, [entry(mover, Mode.GROUP, 200, date(YEAR, m, 1), 60 + m) for m in (4, 7)], NOW)
    with db.read() as s:
        places = {line.entry.occurred_on.month: line.org_name for line in lines_of(s, mover, YEAR)}
    assert places[4] == "中共河东村支部委员会"
    assert places[7] == "中共河西村支部委员会"


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("周谷雨", "谷雨"),
        ("欧阳清和", "清和"),
        ("王芳", "王芳"),
        ("帕丽旦·吐尔逊", "帕丽旦"),
        ("John Smith", "John Smith"),
    ],
)
def test_how_somebody_is_called(name: str, called: str) -> None:
    assert given_name(name) == called


@pytest.mark.parametrize(
    ("hour", "words"), [(4, "晚上好"), (8, "上午好"), (12, "中午好"), (15, "下午好"), (20, "晚上好")]
)
def test_greetings(hour: int, words: str) -> None:
    assert greeting(datetime(2026, 11, 22, hour, tzinfo=UTC)) == words
