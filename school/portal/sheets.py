"""The tables that leave the school, in the field's own header sets: hours, summaries of branches, a member's lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from school.core.i18n import N_
from school.org.codes import ETHNICITIES, GENDERS, education
from school.org.models import Member, Organization, PostType
from school.org.words import CATEGORIES
from school.records.models import Mode, OrgYear
from school.records.queries import Line
from school.records.reports import MemberRow
from school.webkit.figures import hours
from school.webkit.xlsx import Column, Sheet

POSTS = {
    PostType.SECRETARY: N_("书记"),
    PostType.DEPUTY_SECRETARY: N_("副书记"),
    PostType.COMMITTEE_MEMBER: N_("支部委员"),
}
STATES = {"met": N_("已满年度要求"), "learning": N_("还在学习"), "exempt": N_("免予硬性要求")}
MODES = {Mode.GROUP: N_("集中"), Mode.ONLINE: N_("网络")}

HOURS_COLUMNS = (
    Column("序号", 6, "count"), Column("姓名", 14), Column("所在党支部", 26), Column("人员类别", 11),
    Column("党内职务", 11), Column("年度要求", 20), Column("集中学时", 10, "hours"), Column("网络学时", 10, "hours"),
    Column("其他学时", 10, "hours"), Column("合计", 20), Column("差额", 20), Column("达标情况", 14), Column("备注", 14),
)  # fmt: skip
SUMMARY_COLUMNS = (
    Column("序号", 6, "count"), Column("党组织名称", 40), Column("党员数", 9, "count"), Column("应参训", 9, "count"),
    Column("已参训", 9, "count"), Column("参训率", 9, "share"), Column("人均学时", 22), Column("达标人数", 10, "count"),
    Column("达标率", 9, "share"), Column("集中学习次数", 13, "count"), Column("党课次数", 10, "count"), Column("备注", 14),
)  # fmt: skip
LINE_COLUMNS = (
    Column("序号", 6, "count"), Column("姓名", 14), Column("日期", 12), Column("学习内容", 44), Column("形式", 7),
    Column("主办单位", 30), Column("学时", 8, "hours"), Column("来源", 12), Column("审核状态", 12),
)  # fmt: skip


def apart(group_100: int, online_100: int) -> str:
    """Both kinds of hours in one cell, never as one sum; — when nothing is left of either."""
    return f"集中 {hours(group_100)}，网络 {hours(online_100)}"


def needed(group_100: int, online_100: int) -> str | None:
    return apart(group_100, online_100) if group_100 or online_100 else None


def _unit(unit: str, year: int, printed: date) -> str:
    return f"填报单位：{unit}　　统计期间：{year}-01-01 至 {year}-12-31　　打印日期：{printed.isoformat()}"


def hours_table(org: Organization, year: int, rows: Iterable[MemberRow], printed: date) -> Sheet:
    """学时统计表 of a branch."""
    cells = (
        (
            number, row.name, row.org_name, CATEGORIES[row.category], POSTS[row.post] if row.post else "",
            None if row.exempt else apart(row.required_group_100, row.required_online_100),
            row.group_100, row.online_100, 0, apart(row.group_100, row.online_100),
            needed(row.needed_group_100, row.needed_online_100), STATES[row.state], "流动党员" if row.floating else "",
        )
        for number, row in enumerate(rows, start=1)
    )  # fmt: skip
    return Sheet("学时统计表", f"{year}年学时统计表", _unit(org.name, year, printed), HOURS_COLUMNS, cells)


def mean(total_100: int, members: int) -> int:
    """Hundredths of hours a member, halves rounded up."""
    return (2 * total_100 + members) // (2 * members)


@dataclass(frozen=True, slots=True)
class Summary:
    """An organisation's line of 支部学习情况汇总表; shares are fractions of those asked, None when nobody is."""

    org: Organization
    figures: OrgYear | None
    meetings: int | None = None  # None: too many members below to count them here
    lectures: int | None = None

    @property
    def members(self) -> int:
        return self.figures.members if self.figures else 0

    @property
    def exempt(self) -> int:
        return self.figures.exempt if self.figures else 0

    @property
    def asked(self) -> int:
        """Who is in the denominator: members not excused (免予硬性要求)."""
        return self.members - self.exempt

    @property
    def started(self) -> int:
        return self.figures.started if self.figures else 0

    @property
    def met(self) -> int:
        return self.figures.met if self.figures else 0

    @property
    def learning(self) -> int:
        return self.asked - self.met

    @property
    def started_share(self) -> float | None:
        return self.started / self.asked if self.asked else None

    @property
    def met_share(self) -> float | None:
        return self.met / self.asked if self.asked else None

    @property
    def mean_group_100(self) -> int | None:
        return mean(self.figures.group_100, self.members) if self.figures and self.members else None

    @property
    def mean_online_100(self) -> int | None:
        return mean(self.figures.online_100, self.members) if self.figures and self.members else None


def summary_table(org: Organization, year: int, rows: Iterable[Summary], printed: date) -> Sheet:
    """支部学习情况汇总表 of a committee."""
    cells = (
        (
            number, row.org.name, row.members, row.asked, row.started, row.started_share,
            None if row.mean_group_100 is None else apart(row.mean_group_100, row.mean_online_100 or 0),
            row.met, row.met_share, row.meetings, row.lectures, "",
        )
        for number, row in enumerate(rows, start=1)
    )  # fmt: skip
    title = f"{year}年支部学习情况汇总表"
    return Sheet("支部学习情况汇总表", title, _unit(org.name, year, printed), SUMMARY_COLUMNS, cells)


def remainder(total: Summary, parts: Sequence[Summary]) -> Summary:
    """What of `total` is in none of its `parts`: the members an organisation looks after itself."""
    names = ("members", "exempt", "met", "started", "group_100", "online_100")

    def figure(summary: Summary, name: str) -> int:
        return getattr(summary.figures, name) if summary.figures else 0

    left = {name: figure(total, name) - sum(figure(part, name) for part in parts) for name in names}
    return Summary(total.org, OrgYear(**left))


def own_lines(name: str, unit: str, year: int, lines: Sequence[Line], printed: date) -> Sheet:
    """学习明细 of one member and year, the oldest first; a line taken back stays and says so."""
    cells = (
        (
            number, name, line.entry.occurred_on.isoformat(), line.entry.title, MODES[Mode(line.entry.mode)],
            line.entry.host, line.entry.hours_100, source(line), "已更正" if line.reversed_by else "已计入",
        )
        for number, line in enumerate(reversed(lines), start=1)
    )  # fmt: skip
    return Sheet(str(year), f"{year}年学习明细", _unit(unit, year, printed), LINE_COLUMNS, cells)


def source(line: Line) -> str:
    """Where a line comes from, in a word."""
    if line.entry.reverses_id:
        return "更正"
    return {"course": "网络课程", "manual": "补录"}.get(line.entry.source_kind, "支部登记")


def register_lines(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """The lines of 学时登记表, the oldest first: what was taken back and its correction leave only what stands."""
    standing = [line for line in reversed(lines) if not line.reversed_by and not line.entry.reverses_id]
    return [
        {
            "line": line,
            "mode": MODES[Mode(line.entry.mode)],
            "span": _span(line),
            "result": line.entry.evidence.get("result") or "—",
            "witness": line.entry.evidence.get("witness") or ("系统记录" if line.entry.mode == Mode.ONLINE else ""),
            "note": "更正" if line.entry.revision > 1 else "补录" if line.entry.source_kind == "manual" else "",
        }
        for line in standing
    ]


def _span(line: Line) -> str:
    """起止时间: the days a line was earned on, `2026.07.01—07.03` or `2026.03.12`."""
    end = line.entry.occurred_on
    facts = line.entry.evidence
    opened = [session["opened_at"] for session in facts.get("sessions", ())]
    start = date.fromisoformat(facts.get("since") or min(opened, default=end.isoformat())[:10])
    if start >= end:
        return f"{end:%Y.%m.%d}"
    return f"{start:%Y.%m.%d}—{end:%m.%d}" if start.year == end.year else f"{start:%Y.%m.%d}—{end:%Y.%m.%d}"


def about(member: Member) -> dict[str, str]:
    """The head of 学时登记表, as it is written on forms."""
    return {
        "gender": GENDERS.get(member.gender, ""),
        "born": f"{member.birth_date:%Y.%m}" if member.birth_date else "",
        "ethnicity": ETHNICITIES.get(member.ethnicity, ""),
        "education": education(member.education),
        "joined": f"{member.join_date:%Y.%m}" if member.join_date else "",
        "job": member.job or (POSTS[member.post] if member.post else ""),
    }
