"""Demo live classes: one this evening, one that can be started at once, and one that waits for review."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.person import Person, Role
from school.core.time import local, now
from school.demo.people import first_with
from school.live import service
from school.live.models import LiveClass
from school.live.rules import RoomRules, Sheet
from school.org import reach
from school.org.models import Organization


@dataclass(frozen=True, slots=True)
class DemoClass:
    """`audience` are short names of organisations; none: everyone."""

    title: str
    summary: str
    slip: str
    minutes: int
    hours_100: int
    audience: tuple[str, ...] = ()
    compulsory: bool = False
    approved: bool = True


EVENING = DemoClass(
    "河东夜校：冬季柑橘园怎么管",
    "采果后的三件事：清园、施冬肥、涂白。\n讲完留十分钟答疑，请把果园里拿不准的问题带来。",
    "夜校", 30, 50, audience=("石桥镇党委",),
)  # fmt: skip
SOON = DemoClass(
    "老党员学用智能手机：扫码和防骗", "边讲边做：扫码之前看三眼，收到链接先不点。", "手机", 30, 50
)  # fmt: skip
LECTURE = DemoClass(
    "全县党员大党课", "县委党校报告厅主讲，各支部可以在家收看，也可以到村部集中收看。", "党课", 90, 200,
    compulsory=True, approved=False,
)  # fmt: skip


def fill_live(s: Session, zone: str) -> bool:
    """Write the classes of the county's first trainer; False when there is a class already, or nobody to hold it."""
    if s.scalar(sa.select(LiveClass.id).limit(1)):
        return False
    trainer, reviewer = first_with(s, Role.TRAINER), first_with(s, Role.REVIEWER)
    if trainer is None or reviewer is None:
        return False
    today = local(now(), zone)
    evening = _at(today, 0, time(19, 30), zone)
    if evening < now() + timedelta(minutes=45):
        evening = _at(today, 1, time(19, 30), zone)
    _hold(s, trainer, reviewer, EVENING, evening)
    _hold(s, trainer, reviewer, SOON, now() + timedelta(minutes=10))
    _hold(s, trainer, reviewer, LECTURE, _at(today, 5, time(14, 30), zone))
    return True


def _at(today: datetime, days: int, hour: time, zone: str) -> datetime:
    """The moment of `hour` on the school's clock, `days` after today."""
    day = today.date() + timedelta(days=days)
    return datetime.combine(day, hour, ZoneInfo(zone)).astimezone(UTC)


def _hold(s: Session, trainer: Person, reviewer: Person, demo: DemoClass, starts_at: datetime) -> LiveClass:
    host = next(grant for grant in trainer.grants if grant.role is Role.TRAINER)
    helper = next(iter(reach.colleagues(s, trainer, host.path)), None)
    audience = s.scalars(sa.select(Organization.id).where(Organization.short_name.in_(demo.audience))).all()
    sheet = Sheet(
        title=demo.title,
        starts_at=starts_at,
        minutes=demo.minutes,
        hours_100=demo.hours_100,
        summary=demo.summary,
        slip=demo.slip,
        compulsory=demo.compulsory,
        audience=tuple(audience),
        helper_id=helper.id if helper else None,
        rules=RoomRules(premoderate=demo.compulsory),
    )
    live = service.create_class(s, trainer, host.org_id, sheet)
    service.submit(s, trainer, live.id)
    return service.approve(s, reviewer, live.id) if demo.approved else live
