"""A class's report as one reader may see it: all of it for who ran or oversees it, a secretary's own part for a secretary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import NotAllowed, NotFound
from school.core.i18n import N_
from school.core.person import Role
from school.live.access import Standing
from school.live.attendance import MADE_UP
from school.live.models import LiveAttendance, LiveClass, LiveReport
from school.live.results import Body, BranchLine, permille
from school.org.models import Member, Organization
from school.org.reach import below

KEEPERS = (Role.BRANCH_SECRETARY, Role.ORG_ADMIN)  # who reads the part of their own organisations
SHOWN = 100  # people on the page; the workbook has all


@dataclass(frozen=True, slots=True)
class Attended:
    """One member's line. `state`: met, part, absent; a guest came without being expected."""

    name: str
    org_id: int
    branch: str
    expected: bool
    first_ms: int | None
    last_ms: int | None
    counted_ms: int
    state: str
    makeup_until: datetime | None


@dataclass(frozen=True, slots=True)
class Findings:
    """What stands on the pages. `body` is None for a reader of a part alone; the figures are always of `branches`."""

    live: LiveClass
    built_at: datetime
    body: Body | None
    branches: list[BranchLine]
    expected: int
    present: int
    met: int
    makeups: list[Attended]
    makeup_count: int
    required_permille: int
    recording: bool
    stopped: bool

    @property
    def rate_permille(self) -> int | None:
        return permille(self.present, self.expected)


def may_read(here: Standing) -> bool:
    """Whether the person may read the class's report, or a part of it."""
    return here.moderates or here.person.has(*KEEPERS)


def _scopes(here: Standing) -> tuple[str, ...] | None:
    """Path prefixes of the organisations whose people may be seen; None: all. NotAllowed (`live.report`) for nobody's."""
    if here.moderates:
        return None
    if not here.person.has(*KEEPERS):
        raise NotAllowed("live.report", N_("上课报告给主讲、助教、管理员和支部书记看。自己的学时请看学习档案。"))
    return here.person.scopes(*KEEPERS)


def findings(s: Session, here: Standing) -> Findings:
    """The report; NotFound (`live.no_report`) until the class has been settled, a few seconds after its end."""
    scopes, live = _scopes(here), here.live
    report = s.get(LiveReport, live.id)
    if report is None:
        raise NotFound("live.no_report", N_("这堂课还没有报告。下课以后几秒钟就会写好，请稍后再打开。"))
    body: Body = report.body  # type: ignore[assignment]  # settle has written it
    branches = [line for line in body["branches"] if scopes is None or line["path"].startswith(scopes)]
    owing = people(s, here, owing=True)
    return Findings(
        live=live,
        built_at=report.built_at,
        body=body if scopes is None else None,
        branches=branches,
        expected=sum(line["expected"] for line in branches),
        present=sum(line["present"] for line in branches),
        met=body["met"] if scopes is None else sum(line["met"] for line in branches),
        makeups=owing[:SHOWN],
        makeup_count=len(owing),
        required_permille=body["required_permille"],
        recording=body["recording"],
        stopped=body["stopped"],
    )


def people(s: Session, here: Standing, *, owing: bool = False) -> list[Attended]:
    """Everybody expected or there, in organisation order and by name; `owing` the 待补学名单 alone."""
    scopes = _scopes(here)
    wanted = (
        sa.select(LiveAttendance, Member.name, Organization.short_name)
        .join(Member, Member.id == LiveAttendance.member_id)
        .join(Organization, Organization.id == LiveAttendance.org_id)
        .where(LiveAttendance.class_id == here.live.id)
        .order_by(Organization.path, Member.pinyin, Member.id)
    )
    if scopes is not None:
        wanted = wanted.where(below(Organization.path, scopes))
    if owing:
        wanted = wanted.where(LiveAttendance.makeup_until.is_not(None), ~MADE_UP)
    return [
        Attended(
            name=name,
            org_id=row.org_id,
            branch=branch,
            expected=row.expected,
            first_ms=row.first_ms,
            last_ms=row.last_ms,
            counted_ms=row.counted_ms,
            state="met" if row.met else "absent" if row.first_ms is None else "part",
            makeup_until=row.makeup_until,
        )
        for row, name, branch in s.execute(wanted)
    ]


def points(curve: Sequence[Sequence[int]], width: int, height: int) -> str:
    """The curve as points of an SVG polyline in a box of `width` × `height`, its highest moment touching the top."""
    if len(curve) < 2:
        return ""
    begin, end = curve[0][0], curve[-1][0]
    top = max((present for _, present in curve), default=0) or 1
    return " ".join(
        f"{(at - begin) * width / (end - begin):.1f},{height - present * height / top:.1f}" for at, present in curve
    )
