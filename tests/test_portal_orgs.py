"""Organisation pages: who may open them, what they show, exports cell by cell, and the audit log of exports."""

from __future__ import annotations

import io
from typing import Any

import pytest
import sqlalchemy as sa
from python_calamine import CalamineWorkbook

import file_kit
from actors import Cast
from clients import SchoolClient
from file_kit import DOTTED, FORMULA, LONG, SCRIPT, YEAR, Filed
from school.core.db import Database
from school.org.models import AuditLog
from school.portal.sheets import HOURS_COLUMNS, SUMMARY_COLUMNS


@pytest.fixture
def filed(db: Database, cast: Cast) -> Filed:
    return file_kit.file_year(db, cast)


def sheet(client: SchoolClient, path: str) -> list[list[Any]]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("member", set()), ("outsider", set()), ("trainer", set()), ("reviewer", set()), ("sysadmin", set()),
        ("secretary", {"branch_id"}), ("admin", {"branch_id", "other_branch_id", "town_id", "county_id"}),
    ],
)  # fmt: skip
def test_only_keepers_of_an_organisation_open_it(
    client: SchoolClient, cast: Cast, filed: Filed, role: str, may: set[str]
) -> None:
    client.act_as(cast[role])
    for place in ("branch_id", "other_branch_id", "town_id", "county_id"):
        for path in ("", "/hours.xlsx", "/print", "?q=zxm"):
            answer = client.get(f"/orgs/{getattr(cast, place)}{path}")
            assert answer.status_code == (200 if place in may else 403), (place, path)


def test_a_visitor_and_a_wrong_number(client: SchoolClient, cast: Cast, filed: Filed) -> None:
    assert client.get(f"/orgs/{cast.branch_id}").status_code == 302
    client.act_as(cast.admin)
    assert client.get("/orgs/987654").status_code == 404


def test_a_secretary_sees_nothing_of_the_sibling(client: SchoolClient, cast: Cast, filed: Filed) -> None:
    client.act_as(cast.secretary)
    text = client.get(f"/orgs/{cast.branch_id}").text
    assert "河西村" not in text
    assert cast.outsider.name not in text
    assert f'href="/orgs/{cast.town_id}' not in text  # the way up is words, not a link
    assert "石桥镇" in text


def test_names_stand_as_they_are_and_do_no_harm(client: SchoolClient, cast: Cast, filed: Filed) -> None:
    client.act_as(cast.admin)
    for path in (f"/orgs/{cast.branch_id}", f"/orgs/{cast.branch_id}/print"):
        text = client.get(path).text
        assert SCRIPT not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
        assert LONG in text
        assert DOTTED in text
        assert FORMULA in text
    assert LONG in client.get(f"/orgs/{cast.county_id}", query_string={"q": LONG[:20]}).text


def test_no_page_ranks(client: SchoolClient, cast: Cast, filed: Filed) -> None:
    client.act_as(cast.admin)
    for org_id in (cast.branch_id, cast.county_id):
        text = client.get(f"/orgs/{org_id}").text
        for word in ("排名", "排行", "名次", "未达标", "打卡", "积分"):
            assert word not in text


def test_the_filter_stands_in_the_address_of_export_and_print(client: SchoolClient, cast: Cast, filed: Filed) -> None:
    client.act_as(cast.secretary)
    text = client.get(f"/orgs/{cast.branch_id}?state=exempt&sort=pinyin").text
    assert f"/orgs/{cast.branch_id}/hours.xlsx?year={YEAR}&amp;state=exempt&amp;sort=pinyin" in text
    assert "免予硬性要求" in text
    assert "第 1—1 位，共 1 位" in text


def test_the_branch_table_cell_by_cell(client: SchoolClient, cast: Cast, filed: Filed) -> None:
    client.act_as(cast.secretary)
    rows = sheet(client, f"/orgs/{cast.branch_id}/hours.xlsx?year={YEAR}&sort=pinyin")
    assert rows[0][0] == f"{YEAR}年学时统计表"
    assert rows[1][0].startswith(
        f"填报单位：中共河东村支部委员会　　统计期间：{YEAR}-01-01 至 {YEAR}-12-31　　打印日期："
    )
    assert rows[2] == [column.title for column in HOURS_COLUMNS]
    assert rows[2] == [
        "序号",
        "姓名",
        "所在党支部",
        "人员类别",
        "党内职务",
        "年度要求",
        "集中学时",
        "网络学时",
        "其他学时",
        "合计",
        "差额",
        "达标情况",
        "备注",
    ]
    by_name = {row[1]: row for row in rows[3:]}
    assert len(rows) == 3 + 8
    assert by_name[cast.secretary.name][2:] == [
        "河东村", "正式党员", "书记", "集中 56，网络 20", 56, 20, 0, "集中 56，网络 20", "—", "已满年度要求", "",
    ]  # fmt: skip
    assert by_name[cast.member.name][2:] == [
        "河东村", "正式党员", "", "集中 32，网络 20", 20, 15, 0, "集中 20，网络 15", "集中 12，网络 5", "还在学习", "",
    ]  # fmt: skip
    assert by_name["郑小满"][5] == "—"
    assert by_name["郑小满"][11] == "免予硬性要求"
    assert by_name["单知秋"][12] == "流动党员"
    assert {SCRIPT, LONG, DOTTED} <= set(by_name)


def test_a_name_like_a_formula_stays_text(client: SchoolClient, cast: Cast, filed: Filed) -> None:
    client.act_as(cast.secretary)
    rows = sheet(client, f"/orgs/{cast.branch_id}/hours.xlsx")
    assert FORMULA in {row[1] for row in rows}  # calamine gives the value of a formula: it would be 2
    answer = client.get(f"/orgs/{cast.branch_id}/hours.xlsx")
    assert answer.headers["Cache-Control"] == "private, no-store"
    import zipfile

    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        content = book.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in content
        assert 'quotePrefix="1"' in book.read("xl/styles.xml").decode()
        assert "<autoFilter" in content
        assert 'state="frozen"' in content


def test_an_export_is_filtered_as_the_page_and_stands_in_the_audit_log(
    client: SchoolClient, db: Database, cast: Cast, filed: Filed
) -> None:
    client.act_as(cast.secretary)
    rows = sheet(client, f"/orgs/{cast.branch_id}/hours.xlsx?q=zxm")
    assert [row[1] for row in rows[3:]] == ["郑小满"]
    client.get(f"/orgs/{cast.branch_id}/print?q=zxm")
    with db.read() as s:
        logged = s.scalars(sa.select(AuditLog).where(AuditLog.event.in_(("hours.export", "hours.print")))).all()
    assert [(each.event, each.account_id, each.org_id) for each in logged] == [
        ("hours.export", cast.secretary.account_id, cast.branch_id),
        ("hours.print", cast.secretary.account_id, cast.branch_id),
    ]
    assert logged[0].detail["filters"] == [["q", "zxm"]]


def test_the_committee_table_cell_by_cell(client: SchoolClient, cast: Cast, filed: Filed) -> None:
    client.act_as(cast.admin)
    rows = sheet(client, f"/orgs/{cast.town_id}/hours.xlsx?year={YEAR}")
    assert rows[0][0] == f"{YEAR}年支部学习情况汇总表"
    assert rows[2] == [column.title for column in SUMMARY_COLUMNS]
    assert rows[2] == [
        "序号",
        "党组织名称",
        "党员数",
        "应参训",
        "已参训",
        "参训率",
        "人均学时",
        "达标人数",
        "达标率",
        "集中学习次数",
        "党课次数",
        "备注",
    ]
    east, west = rows[3:]
    # 20 + 56 + (1 + … + 6) group hours of eight members, 35 online; three meetings, none of them a lecture
    assert east == [1, "中共河东村支部委员会", 8, 7, 7, 1, "集中 12.13，网络 4.38", 1, pytest.approx(1 / 7), 3, 0, ""]
    assert west == [2, "中共河西村支部委员会", 1, 1, 1, 1, "集中 8，网络 0", 0, 0, 1, 1, ""]


def test_a_deep_export_lists_every_branch(client: SchoolClient, cast: Cast, filed: Filed) -> None:
    client.act_as(cast.admin)
    assert [row[1] for row in sheet(client, f"/orgs/{cast.county_id}/hours.xlsx")[3:]] == ["中共石桥镇委员会"]
    deep = sheet(client, f"/orgs/{cast.county_id}/hours.xlsx?deep=1")
    assert [row[1] for row in deep[3:]] == ["中共河东村支部委员会", "中共河西村支部委员会"]


def test_a_new_branch_stands_there_before_its_first_figures(
    client: SchoolClient, db: Database, cast: Cast, filed: Filed
) -> None:
    from school.org.models import Organization, OrgClosure, OrgType

    with db.write() as s:
        new = Organization(
            code="NEW", name="中共河北村支部委员会", short_name="河北村", kind=OrgType.BRANCH, parent_id=cast.town_id,
            path="001.001.009.", sort_no=9,
        )  # fmt: skip
        s.add(new)
        s.flush()
        for distance, ancestor in enumerate((new.id, cast.town_id, cast.county_id)):
            s.add(OrgClosure(ancestor_id=ancestor, descendant_id=new.id, distance=distance))
    client.act_as(cast.admin)
    assert "河北村" in client.get(f"/orgs/{cast.town_id}").text
    assert "河北村" not in client.get(f"/orgs/{cast.town_id}?year={YEAR - 1}").text
    assert "这一年还没有党员名单" in client.get(f"/orgs/{new.id}").text


def test_the_year_is_chosen_in_the_address(client: SchoolClient, cast: Cast, filed: Filed) -> None:
    client.act_as(cast.secretary)
    text = client.get(f"/orgs/{cast.branch_id}?year={YEAR - 1}").text
    assert f'<a href="/orgs/{cast.branch_id}?year={YEAR - 1}" aria-current="true">{YEAR - 1}</a>' in text
    assert client.get(f"/orgs/{cast.branch_id}?year=abcd").status_code == 200
