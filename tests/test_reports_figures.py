"""An organisation's figures: they reconcile from the member up, filters choose, searches stay inside the subtree."""

from __future__ import annotations

from datetime import date

import pytest

import file_kit
from actors import Cast
from file_kit import LONG, NOW, SCRIPT, YEAR, Filed
from school.core.db import Database
from school.org.models import Member, Organization, PartyStatus
from school.portal.sheets import Summary, remainder
from school.records import reports
from school.records.ledger import mark
from school.records.models import MemberYear, Mode
from school.records.reports import Filters
from school.records.service import post_entries


@pytest.fixture
def filed(db: Database, cast: Cast) -> Filed:
    return file_kit.file_year(db, cast)


def names(db: Database, org_id: int, **chosen: object) -> list[str]:
    with db.read() as s:
        rows, found = reports.members(s, org_id, YEAR, Filters(**chosen), 50)  # type: ignore[arg-type]
    assert found == len(rows)
    return [row.name for row in rows]


def test_members_add_up_to_the_branch_and_branches_to_the_committee(db: Database, cast: Cast, filed: Filed) -> None:
    with db.read() as s:
        rows, found = reports.members(s, cast.branch_id, YEAR, Filters(), 50)
        branch = Summary(s.get_one(Organization, cast.branch_id), reports.totals(s, cast.branch_id, YEAR))
        town = Summary(s.get_one(Organization, cast.town_id), reports.totals(s, cast.town_id, YEAR))
        below = [Summary(*each) for each in reports.children(s, cast.town_id, YEAR, now=True)]
    assert branch.members == found == len(rows) == 8
    assert branch.figures
    assert branch.figures.group_100 == sum(row.group_100 for row in rows)
    assert branch.figures.online_100 == sum(row.online_100 for row in rows)
    assert branch.met == sum(row.state == "met" for row in rows) == 1
    assert branch.exempt == sum(row.exempt for row in rows) == 1
    assert branch.learning == sum(row.state == "learning" for row in rows) == 6
    assert branch.asked == 7  # 郑小满 is excused and leaves the denominator
    assert [each.org.id for each in below] == [cast.branch_id, cast.other_branch_id]
    assert town.members == sum(each.members for each in below) == 9
    assert town.figures
    assert town.figures.group_100 == sum(each.figures.group_100 for each in below if each.figures)
    assert remainder(town, below).members == 0
    assert sum(group for group, _ in branch.figures.months) == branch.figures.group_100


def test_figures_agree_after_a_correction_and_a_new_line(db: Database, cast: Cast, filed: Filed) -> None:
    with db.write() as s:
        post_entries(s, [file_kit.entry(cast.outsider.member_id, Mode.ONLINE, 250, date(YEAR, 8, 1), 77)], NOW)
    file_kit.rebuild(db)
    with db.read() as s:
        rows, _ = reports.members(s, cast.other_branch_id, YEAR, Filters(), 50)
        county = reports.totals(s, cast.county_id, YEAR)
        below = reports.children(s, cast.county_id, YEAR, now=True)
    assert [row.online_100 for row in rows] == [250]
    assert county
    assert county.online_100 == sum(figures.online_100 for _, figures in below if figures)


def test_somebody_who_left_is_in_no_figure(db: Database, cast: Cast, filed: Filed) -> None:
    with db.write() as s:
        s.get_one(Member, filed.ids["单知秋"]).party_status = PartyStatus.MOVED_OUT
        s.get_one(MemberYear, (filed.ids["单知秋"], YEAR)).counted = False
        mark(s, [(cast.branch_id, YEAR)])
    file_kit.rebuild(db)
    assert "单知秋" not in names(db, cast.branch_id)
    with db.read() as s:
        figures = reports.totals(s, cast.branch_id, YEAR)
    assert figures
    assert figures.members == 7


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"text": "zxm"}, {"郑小满"}),
        ({"text": "zhengxiao"}, {"郑小满"}),
        ({"text": "小满"}, {"郑小满"}),
        ({"text": "ＺＸＭ"}, {"郑小满"}),
        ({"text": "shanzhi"}, {"单知秋"}),
        ({"text": "吐尔逊"}, {file_kit.DOTTED}),
        ({"text": "帕丽旦•吐"}, {file_kit.DOTTED}),
        ({"text": "%"}, set()),
        ({"text": "_"}, set()),
        ({"category": "floating"}, {"单知秋"}),
        ({"category": "probationary"}, {file_kit.DOTTED}),
        ({"state": "exempt"}, {"郑小满"}),
        ({"state": "met"}, {"李秀兰"}),
        ({"state": "learning", "category": "floating"}, {"单知秋"}),
    ],
)
def test_filters(db: Database, cast: Cast, filed: Filed, chosen: dict[str, str], expected: set[str]) -> None:
    assert set(names(db, cast.branch_id, **chosen)) == expected


def test_orders(db: Database, cast: Cast, filed: Filed) -> None:
    assert names(db, cast.branch_id)[0] == "李秀兰"  # the secretary, then by strokes
    by_strokes = names(db, cast.branch_id, sort="strokes")
    assert by_strokes.index("单知秋") < by_strokes.index(SCRIPT)
    assert names(db, cast.branch_id, sort="needed")[-2:] == ["李秀兰", "郑小满"] or names(
        db, cast.branch_id, sort="needed"
    )[-2:] == ["郑小满", "李秀兰"]  # nothing is asked of either any more
    pinyin = names(db, cast.branch_id, sort="pinyin")
    assert pinyin.index("李秀兰") < pinyin.index("单知秋") < pinyin.index("郑小满")


def test_pages_follow_each_other(db: Database, cast: Cast, filed: Filed) -> None:
    seen = []
    with db.read() as s:
        for page in (1, 2, 3):
            rows, found = reports.members(s, cast.branch_id, YEAR, Filters(page=page), 3)
            seen += [row.name for row in rows]
    assert found == len(seen) == len(set(seen)) == 8


@pytest.mark.parametrize(("subtree", "walked"), [(9, 0), (1_000_000, 2000), (1_000_000, 1)])  # every way of searching
def test_a_search_over_a_subtree_stays_in_it(
    db: Database, cast: Cast, filed: Filed, subtree: int, walked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "NAMES_WALKED", walked)

    def found(org_id: int, text: str) -> list[str]:
        with db.read() as s:
            org = s.get_one(Organization, org_id)
            return [row.name for row in reports.find_members(s, org, YEAR, text, subtree)]

    assert found(cast.county_id, "郑小满") == ["郑小满"]
    assert found(cast.county_id, "zxm") == ["郑小满"]
    assert found(cast.county_id, "zhengxiaom") == ["郑小满"]
    assert found(cast.other_branch_id, "郑小满") == []
    assert found(cast.county_id, LONG[:30]) == [LONG]
    assert found(cast.county_id, "") == []
    with db.write() as s:
        s.get_one(Member, cast.outsider.member_id).pinyin = "zhengli"  # stands before in the index, in another branch
    assert found(cast.branch_id, "zheng") == ["郑小满"]
    assert found(cast.county_id, "zheng") == [cast.outsider.name, "郑小满"]


def test_the_year_before_has_its_own_figures(db: Database, cast: Cast, filed: Filed) -> None:
    with db.read() as s:
        rows, _ = reports.members(s, cast.branch_id, YEAR - 1, Filters(text=cast.member.name), 50)
        assert list(reports.years(s, cast.branch_id)) == [YEAR, YEAR - 1]
    assert (rows[0].group_100, rows[0].required_group_100, rows[0].needed_group_100) == (2400, 2400, 0)


def test_filters_are_read_from_the_address_and_written_back() -> None:
    args = {"q": "  周 谷雨 ", "category": "nobody", "state": "met", "sort": "rank", "page": "-1"}
    filters = Filters.read(args)
    assert filters == Filters(text="周 谷雨", state="met")
    assert filters.args(page=3) == {"q": "周 谷雨", "state": "met", "page": "3"}
    assert Filters.read({"page": "99999999"}).page == 10_000
