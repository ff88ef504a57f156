"""The hours of the demo's named people, each a case that the school must get right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from school.org.models import Member, Organization
from school.records.models import Mode
from school.records.service import NewEntry

NAMES = frozenset({"周谷雨", "吴白露", "陈立夏", "郑小满", "单知秋", "孙寒露", "欧阳清和", "赵霜降"})
CORRECTED = "主题党日：村史馆讲解"

# name → (month, day, title, category, hundredths of hours); months before this one's end are left out.
GROUP: dict[str, tuple[tuple[int, int, str, str, int], ...]] = {
    "周谷雨": (
        (3, 12, "支部党员大会、学习讨论", "branch_study", 400),
        (4, 17, "支部集体学习", "branch_study", 200),
        (5, 20, CORRECTED, "theme_party_day", 400),
        (6, 26, "全县党员大党课（第一场）", "group_viewing", 200),
        (8, 14, "支部集体学习", "branch_study", 200),
        (9, 18, "支部集体学习", "branch_study", 200),
        (10, 8, "柑橘技术现场会", "manual_award", 400),
        (11, 12, "支部集体学习", "branch_study", 200),
    ),
    "吴白露": (
        (3, 12, "支部党员大会、学习讨论", "branch_study", 400),
        (4, 17, "支部集体学习", "branch_study", 200),
        (5, 20, CORRECTED, "theme_party_day", 400),
        (6, 26, "全县党员大党课（第一场）", "group_viewing", 200),
        (7, 22, "党支部书记培训班（第一期）", "off_job_class", 2400),
        (8, 14, "支部集体学习", "branch_study", 200),
        (9, 18, "支部集体学习", "branch_study", 200),
        (10, 8, "柑橘技术现场会", "branch_study", 400),
        (11, 12, "支部集体学习", "branch_study", 200),
    ),
    "陈立夏": (
        (3, 12, "支部党员大会、学习讨论", "branch_study", 400),
        (6, 26, "全县党员大党课（第一场）", "group_viewing", 200),
        (9, 18, "支部集体学习", "branch_study", 400),
        (10, 16, "支部党课", "special_lecture", 200),
    ),
    "郑小满": (
        (5, 9, "送学上门：学习材料讲读", "home_delivery", 300),
        (10, 9, "送学上门：听讲大党课", "home_delivery", 300),
    ),
    "单知秋": ((2, 12, "返乡党员座谈学习", "branch_study", 400), (2, 13, "主题党日：家乡一日", "theme_party_day", 400)),
    "孙寒露": (
        (3, 12, "支部党员大会、学习讨论", "branch_study", 400),
        (4, 17, "支部集体学习", "branch_study", 200),
        (6, 26, "全县党员大党课（第一场）", "group_viewing", 200),
        (7, 10, "支部集体学习", "branch_study", 400),
        (9, 11, "支部党课", "special_lecture", 200),
    ),
    "欧阳清和": (
        (5, 16, "乡科级干部培训班（上期，6天）", "off_job_class", 4800),
        (9, 12, "乡科级干部培训班（下期，6天）", "off_job_class", 4800),
    ),
    "赵霜降": ((8, 21, "发展对象培训班（2天）", "off_job_class", 1600),),
}
ONLINE: dict[str, tuple[tuple[int, int, str, str, int], ...]] = {
    "周谷雨": (
        (1, 15, "网络专题班：基层治理案例（上）", "online_class", 300), (3, 20, "微课：防汛值守三件事", "online_class", 50),
        (4, 9, "网络专题班：农产品怎样上网卖", "online_class", 400), (5, 28, "网络讲座：山区小水利", "online_class", 200),
        (8, 3, "微课：识别电信诈骗", "online_class", 50), (9, 30, "网络专题班：调解的方法", "online_class", 300),
        (11, 5, "网络讲座：乡土地名故事", "online_class", 200),
    ),
    "吴白露": (
        (2, 11, "网络专题班：党内法规入门", "online_class", 800), (5, 6, "网络专题班：基层治理案例（下）", "online_class", 600),
        (8, 19, "微课：会议记录怎么写", "online_class", 200), (10, 15, "网络专题班：调解的方法", "online_class", 600),
    ),
    "陈立夏": ((4, 2, "网络专题班：党内法规入门", "online_class", 800), (7, 7, "网络专题班：民法典与邻里", "online_class", 800)),
    "单知秋": (
        (6, 26, "全县党员大党课（第一场，网上收看）", "live_solo", 200), (7, 4, "支部党课（回放补学）", "live_solo", 100),
        (8, 15, "网络专题班：农产品怎样上网卖", "online_class", 1500), (10, 20, "网络专题班：志愿服务的组织", "online_class", 1200),
    ),
    "孙寒露": ((3, 30, "网络讲座：家乡的古桥", "online_class", 600), (8, 8, "网络专题班：民法典与邻里", "online_class", 800)),
    "欧阳清和": ((6, 18, "干部网络学习（上半年）", "online_class", 2600), (10, 28, "干部网络学习（下半年）", "online_class", 2200)),
}  # fmt: skip
HOSTS = {
    "off_job_class": "青禾县委党校",
    "group_viewing": "青禾县委党校",
    "online_class": "青禾县委党校",
    "live_solo": "青禾县委党校",
}


def lines(
    named: dict[str, Member], orgs: dict[int, Organization], today: date, numbers: Iterator[int]
) -> Iterator[NewEntry]:
    """The named people's lines of this year up to `today`, and 陈立夏's class that crosses the new year."""
    sources: dict[tuple[int, int, str], int] = {}
    for mode, table in ((Mode.GROUP, GROUP), (Mode.ONLINE, ONLINE)):
        for name, rows in table.items():
            for month, day, title, category, hours_100 in rows:
                on = date(today.year, month, day)
                if on > today:
                    continue
                source_id = sources.setdefault((month, day, title), next(numbers))
                manual = category == "manual_award"
                yield NewEntry(
                    member_id=named[name].id, source_kind="manual" if manual else "roster", source_id=source_id,
                    mode=mode, category=category, hours_100=hours_100, title=title, occurred_on=on,
                    host=HOSTS.get(category, orgs[named[name].org_id].short_name),
                    evidence={"witness": "吴白露"} if mode == Mode.GROUP and category not in HOSTS else {},
                    note="支部补录，附签到表" if manual else "",
                )  # fmt: skip
    yield from _across_new_year(named["陈立夏"], today.year, next(numbers))


def _across_new_year(member: Member, year: int, source_id: int) -> Iterator[NewEntry]:
    """One class of 24 hours from 30 December to 2 January: each year gets what was taught in it."""
    for day, since in ((date(year - 1, 12, 31), date(year - 1, 12, 30)), (date(year, 1, 2), date(year, 1, 1))):
        yield NewEntry(
            member_id=member.id, source_kind="class", source_id=source_id, mode=Mode.GROUP, category="off_job_class",
            hours_100=1200, title="预备党员培训班（跨年度）", occurred_on=day, host="青禾县委党校",
            evidence={"since": since.isoformat(), "result": "合格"},
        )  # fmt: skip
