"""A ledger line's evidence in words: where it came from, how it was counted, in which branch, and what became of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _

from school.org.words import device_words
from school.records.models import Mode
from school.records.queries import Line
from school.webkit.figures import clock, hours, moment, time_of_day


def evidence(line: Line) -> list[tuple[str, str]]:
    """(label, words) pairs for the disclosure under a line, already in the reader's language."""
    entry = line.entry
    if entry.reverses_id:
        rows = [(_("更正"), _("冲销原来记的 %(hours)s 学时，原来的记录仍然保留。", hours=hours(-entry.hours_100)))]
    else:
        rows = _origin(line)
    if line.reversed_by:
        rows.append((_("更正"), _("%(moment)s已冲销，不再计入。", moment=moment(line.reversed_by.posted_at))))
        rows.append((_("原因"), line.reversed_by.note))
    rows.append((_("当时所在支部"), line.org_name))
    if entry.note:
        rows.append((_("原因") if entry.reverses_id else _("说明"), entry.note))
    return [(label, words) for label, words in rows if words]


def _origin(line: Line) -> list[tuple[str, str]]:
    entry, facts = line.entry, line.entry.evidence
    rows = [
        (
            _("来源"),
            _("网络课程")
            if entry.source_kind == "course"
            else _("直播课")
            if entry.source_kind == "live"
            else _("支部补录")
            if entry.source_kind == "manual"
            else _("支部登记"),
        )
    ]
    if stays := facts.get("stays"):
        rows.append((_("直播到课"), _stays(stays)))
    if sessions := facts.get("sessions"):
        rows.append((_("补看回放") if entry.source_kind == "live" else _("怎么学的"), _sessions(sessions)))
    if facts.get("covered_ms") and facts.get("length_ms"):
        share = min(100 * facts["covered_ms"] // facts["length_ms"], 100)
        asked = facts.get("required_permille", 900) / 10
        words = _("%(share)d%%（学完需要 %(asked)g%%）", share=share, asked=asked)
        rows.append((_("看了多少"), f"{clock(facts['covered_ms'])} / {clock(facts['length_ms'])}　{words}"))
    for key, label in (("signed", _("签到")), ("place", _("地点")), ("chair", _("主持人")), ("witness", _("证明人"))):
        rows.append((label, str(facts.get(key, ""))))
    rows.append((_("主办"), entry.host))
    if entry.policy:
        rows.append(
            (
                _("按什么算"),
                _("%(policy)s：申报 %(hours)s 学时", policy=entry.policy.get("name", ""), hours=hours(entry.hours_100)),
            )
        )
    return rows


def _stays(stays: list[dict[str, Any]]) -> str:
    """When the server saw the member in the class: `11月22日 19:30—20:15`, several apart by a comma."""
    spans = []
    for stay in stays:
        begin, end = (datetime.fromtimestamp(stay[key] / 1000, UTC) for key in ("from_ms", "to_ms"))
        where = _("（集中收看）") if stay["mode"] == Mode.GROUP else ""
        spans.append(f"{moment(begin)}—{time_of_day(end)}{where}")
    return "，".join(spans)


def _sessions(sessions: list[dict[str, Any]]) -> str:
    """When and on what it was watched: `7月1日 20:10 至 7月3日 07:25，打开 3 次，Android · 微信`."""
    opened = sorted(datetime.fromisoformat(session["opened_at"]) for session in sessions)
    named = [" ".join(map(_, device_words(session.get("device", "")))) for session in sessions]
    devices = "、".join(dict.fromkeys(name for name in named if name))
    span = moment(opened[0]) if len(opened) == 1 else f"{moment(opened[0])} — {moment(opened[-1])}"
    words = _("%(span)s，打开 %(n)d 次", span=span, n=len(opened))
    return f"{words}（{devices}）" if devices else words
