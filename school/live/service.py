"""Verbs around a class before it runs: write its sheet, send it to review, approve, return, cancel, and its stream key."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from school.core.errors import Conflict, Invalid, NotAllowed
from school.core.i18n import N_
from school.core.person import Person, Role, require
from school.core.secrecy import refuse_secrets
from school.core.time import now
from school.live import log, rules
from school.live.access import OVERSEERS, Standing, at_desk, no_class, standing
from school.live.models import LiveAudience, LiveClass, LiveState
from school.live.outside import ALONE, Outside
from school.media import streams
from school.media.models import StreamState
from school.org import audit, reach
from school.org.models import Organization

# ── the sheet ───────────────────────────────────────────

_FIELDS = (
    "title", "slip", "summary", "starts_at", "minutes", "hours_100", "compulsory", "secrecy", "makeup_days",
    "helper_id", "course_id",
)  # fmt: skip


def create_class(s: Session, person: Person, host_id: int, sheet: rules.Sheet, outside: Outside = ALONE) -> LiveClass:
    """A new draft of the signed-in trainer, held for organisation `host_id`, where they must be a trainer."""
    require(person, Role.TRAINER)
    host = s.get(Organization, host_id)
    if host is None or not person.holds(host.path, Role.TRAINER):
        raise NotAllowed(
            "live.host", N_("您不是这个党组织的讲师，不能用它的名义开直播课。请从列表里选择主办单位。")
        )  # fmt: skip
    live = LiveClass(
        org=host, trainer_id=person.account_id, created_at=now(), state=LiveState.DRAFT, version=1,
        stream_id=streams.open_stream(s).id,
    )  # fmt: skip
    _write(s, person, live, rules.checked(sheet), outside)
    s.add(live)
    s.flush()
    reach.set_audience(s, person, LiveAudience, {"class_id": live.id}, sheet.audience, "live.audience")
    audit.record(s, person, "live.create", ("live", live.id), host.id, title=live.title)
    return live


def edit_class(
    s: Session, person: Person, class_id: int, version: int, sheet: rules.Sheet, outside: Outside = ALONE
) -> LiveClass:
    """Write a draft's sheet. Conflict (`live.version`) when somebody saved another one since `version` was read."""
    live = own_class(s, person, class_id)
    rules.must_be_editable(live.state)
    if live.version != version:
        raise Conflict(
            "live.version",
            N_("这堂课刚才在别的窗口改过。您填的内容都还在下面，请对照现在保存的内容，再按一次“保存”就以您填的为准。"),
        )
    before = {name: getattr(live, name) for name in _FIELDS} | {"rules": live.rules}
    _write(s, person, live, rules.checked(sheet), outside)
    changes: dict[str, Any] = {
        name: (value, getattr(live, name)) for name, value in before.items() if value != getattr(live, name)
    }
    changes.update(reach.set_audience(s, person, LiveAudience, {"class_id": live.id}, sheet.audience, "live.audience"))
    if changes:
        live.version += 1
        audit.record(s, person, "live.edit", ("live", live.id), live.org_id, **changes)
    return live


def _write(s: Session, person: Person, live: LiveClass, sheet: rules.Sheet, outside: Outside) -> None:
    if sheet.helper_id is not None and sheet.helper_id not in {
        account.id for account in reach.colleagues(s, person, live.org.path)
    }:
        raise Invalid("live.helper", N_("没有找到这位助教。请从列表里选择，或者留空。"))
    if sheet.course_id is not None and sheet.course_id not in {course for course, _ in outside.courses(s, person)}:
        raise Invalid("live.course", N_("没有找到您的这门课程。请从列表里选择，或者不选。"))
    for name in _FIELDS:
        setattr(live, name, getattr(sheet, name))
    live.rules = sheet.rules.stored()


def own_class(s: Session, person: Person, class_id: int) -> LiveClass:
    """The signed-in trainer's own class, locked until the transaction ends; NotFound for anybody else's."""
    require(person, Role.TRAINER)
    here = standing(s, person, class_id, lock=True)
    if not here.teaches:
        raise no_class()
    return here.live


# ── review and what follows from it ─────────────────────


def submit(s: Session, person: Person, class_id: int) -> LiveClass:
    """Send one's own draft to review; its hour must still be to come."""
    live = own_class(s, person, class_id)
    state = rules.move(live.state, "submit")
    if live.starts_at <= now():
        raise Conflict("live.past", N_("上课时间已经过了，不能送审。请先改成以后的时间，保存后再送审。"))
    refuse_secrets(live.title, live.summary)
    live.state, live.submitted_at, live.review_note = state, now(), ""
    audit.record(s, person, "live.submit", ("live", live.id), live.org_id, title=live.title)
    return live


def recall(s: Session, person: Person, class_id: int) -> LiveClass:
    """Take one's own class back, from review or from what is announced, to go on writing; then it is reviewed again."""
    live = own_class(s, person, class_id)
    before, live.state = live.state, rules.move(live.state, "recall")
    if before == LiveState.APPROVED:
        _close(s, person, live)
    audit.record(s, person, "live.recall", ("live", live.id), live.org_id, state=(before, live.state))
    return live


def _close(s: Session, person: Person, live: LiveClass) -> None:
    """Nobody publishes into it any more, and whoever waits in the room is told."""
    if live.stream_id is not None:
        streams.set_state(s, live.stream_id, StreamState.CLOSED)
    log.append(s, live.id, "state", {"state": "closed"}, account_id=person.account_id)


def _reviewed(s: Session, person: Person, class_id: int) -> LiveClass:
    """A class that waits for review, for somebody who may review it: over its host, and no part of its desk."""
    require(person, *OVERSEERS)
    here = standing(s, person, class_id, lock=True)
    if here.desk:
        raise NotAllowed("live.own", N_("自己讲的课、自己当助教的课不能由自己审核。请让另一位审核人员来审。"))
    if not here.oversees:
        raise no_class()
    return here.live


def return_class(s: Session, person: Person, class_id: int, note: str) -> LiveClass:
    """Send a class back to its trainer with a note that says what to change."""
    live = _reviewed(s, person, class_id)
    live.state = rules.move(live.state, "return")
    live.review_note = rules.checked_note(note)
    audit.record(s, person, "live.return", ("live", live.id), live.org_id, note=live.review_note)
    return live


def approve(s: Session, person: Person, class_id: int) -> LiveClass:
    """Announce a reviewed class to its audience."""
    live = _reviewed(s, person, class_id)
    state = rules.move(live.state, "approve")
    if rules.overdue(live.starts_at, live.minutes, now()):
        raise Conflict("live.past", N_("上课时间已经过了，不能通过。请退回给主讲，说明要换一个时间。"))
    live.state, live.reviewer_id, live.review_note = state, person.account_id, ""
    if live.stream_id is None:
        live.stream_id = streams.open_stream(s).id
    audit.record(s, person, "live.approve", ("live", live.id), live.org_id, title=live.title)
    return live


def cancel(s: Session, person: Person, class_id: int, why: str = "") -> LiveClass:
    """Take a class off the schedule before it has begun, by its trainer or whoever oversees its host."""
    here = standing(s, person, class_id, lock=True)
    live = may_cancel(here).live
    state = rules.move(live.state, "cancel")
    if state != live.state:
        before, live.state = live.state, state
        if why.strip():
            live.review_note = rules.checked_note(why)
        _close(s, person, live)
        audit.record(s, person, "live.cancel", ("live", live.id), live.org_id, state=(before, state), why=why)
    return live


def may_cancel(here: Standing) -> Standing:
    """`here` when it is the trainer or an overseer, else NotAllowed (`live.cancel`)."""
    if not (here.teaches or here.oversees):
        raise NotAllowed("live.cancel", N_("只有主讲和管理员可以取消这堂课。"))
    return here


def new_key(s: Session, person: Person, class_id: int) -> str:
    """A fresh stream key for OBS or ffmpeg, for the trainer's side; the one before stops working at once."""
    live = at_desk(standing(s, person, class_id, lock=True)).live
    if live.state in rules.OVER:
        raise Conflict("live.state", N_("这堂课已经结束或取消，不用再要直播码。"))
    if live.stream_id is None:
        live.stream_id = streams.open_stream(s).id
    audit.record(s, person, "live.key", ("live", live.id), live.org_id)
    return streams.new_key(s, live.stream_id)
