"""Who a person is in a live class: taking part, teaching, helping, reviewing or overseeing it; asked once at every edge."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from school.core.errors import NotAllowed, NotFound
from school.core.i18n import N_
from school.core.person import Person, Role
from school.live.models import LiveAudience, LiveClass, LiveState
from school.org.models import Organization
from school.org.reach import below, takes_in

OVERSEERS = (Role.REVIEWER, Role.ORG_ADMIN)
OPEN = (LiveState.APPROVED, LiveState.LIVE, LiveState.PAUSED, LiveState.ENDED)  # what its audience may see


@dataclass(frozen=True, slots=True)
class Standing:
    """What one person may do in one class."""

    live: LiveClass
    person: Person
    invited: bool  # belongs to the audience
    teaches: bool  # its trainer
    helps: bool  # its helper (助教)
    oversees: bool  # reviews or administers its host

    @property
    def desk(self) -> bool:
        """On the trainer's side of the room: runs it and sees what waits."""
        return self.teaches or self.helps

    @property
    def moderates(self) -> bool:
        """May remove what was said and stop the class."""
        return self.desk or self.oversees


def no_class() -> NotFound:
    return NotFound("live.missing", N_("没有找到这堂直播课。可能已经取消，或者不对您所在的党组织开放。"))


def invited(person: Person) -> sa.ColumnElement[bool]:
    """Whether a class's audience takes the person in: it names nobody, or a subtree that holds one of their places."""
    audience = sa.select(LiveAudience.class_id).where(LiveAudience.class_id == LiveClass.id)
    return takes_in(audience, LiveAudience.org_id, person)


def overseen(person: Person) -> sa.ColumnElement[bool]:
    """Whether the class's host lies under the person's review or administration."""
    scopes = person.scopes(*OVERSEERS)
    if not scopes:
        return sa.false()
    return sa.exists().where(Organization.id == LiveClass.org_id, below(Organization.path, scopes))


def own(person: Person) -> sa.ColumnElement[bool]:
    """Whether the person teaches the class or helps in it."""
    return sa.or_(LiveClass.trainer_id == person.account_id, LiveClass.helper_id == person.account_id)


def visible(person: Person) -> sa.ColumnElement[bool]:
    """Whether the person may know of the class: invited to what is announced, their own, or (but a draft) overseen."""
    return sa.or_(
        sa.and_(LiveClass.state.in_(OPEN), invited(person)),
        own(person),
        sa.and_(LiveClass.state != LiveState.DRAFT, overseen(person)),
    )


def standing(s: Session, person: Person, class_id: int, *, lock: bool = False) -> Standing:
    """What `person` may do in the class; NotFound (`live.missing`) when they may not know of it."""
    wanted = (
        sa.select(LiveClass, invited(person), overseen(person))
        .where(LiveClass.id == class_id, visible(person))
        .options(joinedload(LiveClass.org), joinedload(LiveClass.trainer))
    )
    if lock:
        wanted = wanted.with_for_update(of=LiveClass).execution_options(populate_existing=True)
    row = s.execute(wanted).one_or_none()
    if row is None:
        raise no_class()
    live: LiveClass = row[0]
    return Standing(
        live, person, bool(row[1]), live.trainer_id == person.account_id, live.helper_id == person.account_id,
        bool(row[2]),
    )  # fmt: skip


def at_desk(standing: Standing) -> Standing:
    """`standing` when it is the trainer's side, else NotAllowed (`live.desk`)."""
    if not standing.desk:
        raise NotAllowed("live.desk", N_("这一步由主讲和助教来做。需要帮忙时，请在提问里告诉老师。"))
    return standing


def may_moderate(standing: Standing) -> Standing:
    """`standing` when it may remove what was said, else NotAllowed (`live.moderate`)."""
    if not standing.moderates:
        raise NotAllowed("live.moderate", N_("只有主讲、助教和管理员可以这样做。"))
    return standing
