"""The tables of a class's report that leave the school: who was there, the branches in order, votes and questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime

from school.core.i18n import N_
from school.core.time import day_of, local
from school.live.findings import Attended, Findings
from school.webkit.xlsx import Column, Sheet

STATES = {"met": N_("听完"), "part": N_("没听完"), "absent": N_("没有来")}
QUESTIONS = {
    "waiting": N_("没有回答"),
    "answering": N_("当场回答"),
    "answered": N_("当场回答"),
    "later": N_("课后回答"),
}

PEOPLE = (
    Column("序号", 6, "count"), Column("姓名", 14), Column("所在党支部", 26), Column("到课时间", 10),
    Column("离开时间", 10), Column("方式", 8), Column("计入分钟", 10, "count"), Column("状态", 10),
    Column("补学期限", 12), Column("备注", 14),
)  # fmt: skip
BRANCHES = (
    Column("序号", 6, "count"), Column("党组织名称", 30), Column("应到", 8, "count"), Column("实到", 8, "count"),
    Column("到课率", 9, "share"), Column("听完", 8, "count"), Column("待补学", 8, "count"), Column("备注", 16),
)  # fmt: skip
VOTES = (
    Column("序号", 6, "count"),
    Column("题目", 44),
    Column("选项", 30),
    Column("票数", 8, "count"),
    Column("方式", 16),
)
ASKED = (
    Column("序号", 6, "count"), Column("问题", 60), Column("提出人", 14), Column("所在党支部", 24),
    Column("也想问", 8, "count"), Column("结果", 12),
)  # fmt: skip


def _unit(found: Findings, zone: str, printed: date) -> str:
    live = found.live
    begun = local(datetime.fromtimestamp((live.started_ms or 0) / 1000, UTC), zone)
    return f"主办单位：{live.org.name}　　上课时间：{begun:%Y-%m-%d %H:%M}　　主讲：{live.trainer.name}　　打印日期：{printed}"


def _time(moment_ms: int | None, zone: str) -> str | None:
    if moment_ms is None:
        return None
    return f"{local(datetime.fromtimestamp(moment_ms / 1000, UTC), zone):%H:%M}"


def people_table(found: Findings, people: Sequence[Attended], zone: str, printed: date) -> Sheet:
    """到课情况: everybody expected or there."""
    cells = [
        (
            number, each.name, each.branch, _time(each.first_ms, zone), _time(each.last_ms, zone),
            None if each.first_ms is None else "网络", each.counted_ms // 60_000, STATES[each.state],
            day_of(each.makeup_until, zone).isoformat() if each.makeup_until else None,
            "" if each.expected else "旁听",
        )
        for number, each in enumerate(people, start=1)
    ]  # fmt: skip
    return Sheet("到课情况", f"{found.live.title}　到课情况", _unit(found, zone, printed), PEOPLE, cells)


def branch_table(found: Findings, people: Sequence[Attended], zone: str, printed: date) -> Sheet:
    """各支部到课汇总, in organisation order."""
    owing = Counter(each.org_id for each in people if each.makeup_until)
    cells = [
        (
            number, line["name"], line["expected"], line["present"],
            None if line["rate_permille"] is None else line["rate_permille"] / 1000, line["met"],
            owing[line["org_id"]], "",
        )
        for number, line in enumerate(found.branches, start=1)
    ]  # fmt: skip
    return Sheet("各支部汇总", f"{found.live.title}　各支部到课汇总", _unit(found, zone, printed), BRANCHES, cells)


def vote_table(found: Findings, zone: str, printed: date) -> Sheet:
    """投票和随堂提问, one line an option; an anonymous one has no more than its sums anywhere."""
    polls = found.body["polls"] if found.body else []
    cells = [
        (
            number, poll["question"], option + ("（正确）" if poll["right"] and at in poll["right"] else ""), votes,
            "不记名" if poll["anonymous"] else "记名",
        )
        for number, poll in enumerate(polls, start=1)
        for at, (option, votes) in enumerate(zip(poll["options"], poll["tally"], strict=False))
    ]  # fmt: skip
    return Sheet("投票", f"{found.live.title}　投票和随堂提问", _unit(found, zone, printed), VOTES, cells)


def question_table(found: Findings, zone: str, printed: date) -> Sheet:
    """提问: what was asked, by whom, and what became of it."""
    asked = found.body["questions"] if found.body else []
    cells = [
        (number, each["text"], each["name"], each["branch"], each["seconds"], QUESTIONS.get(each["state"], ""))
        for number, each in enumerate(asked, start=1)
    ]
    return Sheet("提问", f"{found.live.title}　提问", _unit(found, zone, printed), ASKED, cells)


def book(found: Findings, people: Sequence[Attended], zone: str, printed: date) -> list[Sheet]:
    """The sheets of the workbook; votes and questions only for who may read all of it."""
    sheets = [people_table(found, people, zone, printed), branch_table(found, people, zone, printed)]
    if found.body:
        sheets += [vote_table(found, zone, printed), question_table(found, zone, printed)]
    return sheets
