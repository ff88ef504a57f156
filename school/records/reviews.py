"""申请复核: a member asks a person to look again; the person answers. The system never takes hours back by itself."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Conflict, Invalid, NotAllowed, NotFound, TooMany
from school.core.i18n import N_
from school.core.person import Person, require, require_member, signed_in
from school.core.time import now as this_moment
from school.org import audit
from school.org.models import Organization
from school.records.completion import complete
from school.records.intervals import clamp
from school.records.ledger import KEEPERS, lock_members
from school.records.models import Coverage, PlaySession, ReviewRequest, StudyHourEntry, StudyPart
from school.records.rules import cover
from school.records.sessions import coverage_of, store_watched, watched_of

OPEN_LIMIT = 20  # requests of one member that may wait at a time
OPEN, GRANTED, DECLINED = "open", "granted", "declined"


def ask_review(
    s: Session,
    person: Person,
    *,
    words: str,
    part_id: int | None = None,
    from_ms: int | None = None,
    to_ms: int | None = None,
    entry_id: int | None = None,
    now: datetime | None = None,
) -> ReviewRequest:
    """The signed-in member asks to look again at a refused stretch of a part, or at one of their own ledger lines.

    Asking twice for the same while it waits gives the first request. Raises Invalid, NotFound, TooMany.
    """
    person, member_id = require_member(person)
    member = lock_members(s, {member_id})[member_id]
    words = words.strip()
    if not words or len(words) > 400:
        raise Invalid("review.words", N_("请用一两句话写明情况，不超过400字。"))
    if entry_id is not None:
        entry = s.get(StudyHourEntry, entry_id)
        if entry is None or entry.member_id != member_id:
            raise NotFound("entry.missing", N_("没有找到这条学时记录。"))
        part_id = from_ms = to_ms = None
    else:
        part = s.get(StudyPart, part_id) if part_id is not None else None
        if part is None or not _opened(s, member_id, part.id):
            raise NotFound("review.part", N_("没有找到这一讲。请从课程页面重新申请。"))
        stretch = clamp([(from_ms or 0, to_ms if to_ms is not None else part.length_ms)], part.length_ms, part.in_ms)
        if not stretch:
            raise Invalid("review.stretch", N_("没有选中要复核的一段。请在时间条上选一段再申请。"))
        from_ms, to_ms = stretch[0]
    waiting = s.scalars(
        sa.select(ReviewRequest).where(ReviewRequest.member_id == member_id, ReviewRequest.state == OPEN)
    ).all()
    subject = (part_id, entry_id, from_ms, to_ms)
    for request in waiting:
        if (request.part_id, request.entry_id, request.from_ms, request.to_ms) == subject:
            return request
    if len(waiting) >= OPEN_LIMIT:
        raise TooMany("review.many", N_("还有%(count)s份申请等待答复。请等答复后再提新的申请。"), count=len(waiting))
    request = ReviewRequest(
        member_id=member_id,
        org_id=member.org_id,
        part_id=part_id,
        entry_id=entry_id,
        from_ms=from_ms,
        to_ms=to_ms,
        words=words,
        created_at=now or this_moment(),
    )
    s.add(request)
    s.flush()
    return request


def _opened(s: Session, member_id: int, part_id: int) -> bool:
    """Whether the member has ever watched the part or was counted in its class: who may was asked then, and is not known
    here."""
    played = sa.select(PlaySession.id).where(PlaySession.member_id == member_id, PlaySession.part_id == part_id)
    counted = sa.exists().where(Coverage.member_id == member_id, Coverage.part_id == part_id)
    return s.scalar(played.limit(1)) is not None or bool(s.scalar(sa.select(counted)))


def answer_review(
    s: Session, person: Person, request_id: int, *, grant: bool, words: str, zone: str, now: datetime | None = None
) -> ReviewRequest:
    """A keeper of the member's branch answers; granting a stretch covers it and completes the item when that is enough.

    Nobody answers their own request. Raises NotFound, Conflict (`review.answered`), Invalid and NotAllowed.
    """
    person = signed_in(person)
    request = s.get(ReviewRequest, request_id, with_for_update=True)
    org = s.get(Organization, request.org_id) if request else None
    if request is None or org is None:
        raise NotFound("review.missing", N_("没有找到这份申请。"))
    require(person, *KEEPERS, path=org.path)
    if person.member_id == request.member_id:
        raise NotAllowed("review.own", N_("自己的申请要由上级党组织答复。"))
    if request.state != OPEN:
        raise Conflict("review.answered", N_("这份申请已经答复过了。请刷新页面查看。"))
    words = words.strip()
    if not words or len(words) > 400:
        raise Invalid("review.answer", N_("请用一两句话写明答复的理由，不超过400字，本人会看到。"))
    now = now or this_moment()
    request.state = GRANTED if grant else DECLINED
    request.answer, request.answered_by, request.answered_at = words, person.account_id, now
    audit.record(
        s, person, "hours.review", ("review_request", request.id), org.id,
        state=(OPEN, request.state), part_id=request.part_id, entry_id=request.entry_id,
        stretch_ms=[request.from_ms, request.to_ms], words=words,
    )  # fmt: skip
    s.flush()
    if grant and request.part_id is not None and request.from_ms is not None and request.to_ms is not None:
        lock_members(s, {request.member_id})
        watched = watched_of(coverage_of(s, request.member_id, request.part_id))
        cover(watched, [(request.from_ms, request.to_ms)])
        store_watched(s, request.member_id, request.part_id, watched, now, zone)
        s.flush()
        complete(s, {(request.member_id, s.get_one(StudyPart, request.part_id).item_id)}, now, zone)
    return request
