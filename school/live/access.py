"""Who a person is in a live class: taking part, teaching, helping, reviewing or overseeing it; asked once at every edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from school.core.errors import NotAllowed, NotFound, SchoolError
from school.core.i18n import N_
from school.core.person import Person, Role, signed_in
from school.live.models import LiveAudience, LiveClass, LiveState
from school.org.models import Organization
from school.org.reach import below, may_know, names, places, takes_in

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


def _audience() -> sa.Select[int]:
    return sa.select(LiveAudience.class_id).where(LiveAudience.class_id == LiveClass.id)


def invited(person: Person) -> sa.ColumnElement[bool]:
    """Whether a class's audience takes the person in: it names nobody, or a subtree that holds one of their places."""
    return takes_in(_audience(), LiveAudience.org_id, person)


def overseen(person: Person) -> sa.ColumnElement[bool]:
    """Whether the class's host lies under the person's review or administration."""
    return _overseen(person.scopes(*OVERSEERS))


def _overseen(scopes: tuple[str, ...]) -> sa.ColumnElement[bool]:
    if not scopes:
        return sa.false()
    return sa.exists().where(Organization.id == LiveClass.org_id, below(Organization.path, scopes))


def own(person: Person) -> sa.ColumnElement[bool]:
    """Whether the person teaches the class or helps in it."""
    return _own(person.account_id)


def _own(account_id: int | sa.BindParameter[int]) -> sa.ColumnElement[bool]:
    return sa.or_(LiveClass.trainer_id == account_id, LiveClass.helper_id == account_id)


def visible(person: Person) -> sa.ColumnElement[bool]:
    """Whether the person may know of the class: invited to what is announced, their own, or (but a draft) overseen."""
    return _visible(places(person), person.account_id, person.scopes(*OVERSEERS))


def visible_to(scopes: tuple[str, ...]) -> sa.ColumnElement[bool]:
    """`visible` of whoever is `known` to the statement and oversees `scopes`: for statements that are made once."""
    return _visible(sa.bindparam("places", expanding=True), sa.bindparam("account_id"), scopes)


def known(person: Person, **more: object) -> dict[str, object]:
    """The person as parameters of such a statement, beside `more`."""
    return {"places": places(person), "account_id": person.account_id, **more}


def _visible(
    known: Sequence[str] | sa.BindParameter[str], account_id: int | sa.BindParameter[int], scopes: tuple[str, ...]
) -> sa.ColumnElement[bool]:
    return may_know(
        own=_own(account_id),
        given=LiveClass.state.in_(OPEN),
        invited=names(_audience(), LiveAudience.org_id, known),
        handed_in=LiveClass.state != LiveState.DRAFT,
        overseen=_overseen(scopes),
    )


@cache
def _wanted(lock: bool) -> sa.Select[LiveClass, bool]:
    """The class and whether its audience names one of the `places`: one statement for everybody, worked out once."""
    invited = names(_audience(), LiveAudience.org_id, sa.bindparam("places", expanding=True))
    wanted = (
        sa.select(LiveClass, invited)
        .where(LiveClass.id == sa.bindparam("class_id"))
        .options(joinedload(LiveClass.org), joinedload(LiveClass.trainer))
    )
    if lock:
        wanted = wanted.with_for_update(of=LiveClass, key_share=True).execution_options(populate_existing=True)
    return wanted


def standing(s: Session, person: Person, class_id: int, *, lock: bool = False) -> Standing:
    """What `person` may do in the class; NotFound (`live.missing`) when they may not know of it, as `visible` has it."""
    row = s.execute(_wanted(lock), {"class_id": class_id, "places": places(person)}).one_or_none()
    if row is None:
        raise no_class()
    return stands(row[0], person, invited=bool(row[1]))


def standings(s: Session, people: Sequence[Person | None], class_id: int) -> list[Standing | SchoolError]:
    """`standing` of many in their order, or why one has none (SignInNeeded for None); two queries however many they are."""
    live = s.scalar(
        sa.select(LiveClass)
        .where(LiveClass.id == class_id)
        .options(joinedload(LiveClass.org), joinedload(LiveClass.trainer))
    )
    audience = sa.select(Organization.path).join(LiveAudience, LiveAudience.org_id == Organization.id)
    named = set(s.scalars(audience.where(LiveAudience.class_id == class_id)))

    def one(person: Person | None) -> Standing | SchoolError:
        try:
            known = signed_in(person)
            if live is None:
                raise no_class()
            return stands(live, known, invited=not named or not named.isdisjoint(places(known)))
        except SchoolError as error:
            return error

    return [one(person) for person in people]


def stands(live: LiveClass, person: Person, *, invited: bool) -> Standing:
    """`standing` of who is known to be `invited` or not; `live.org` is loaded."""
    here = Standing(
        live, person, invited, live.trainer_id == person.account_id, live.helper_id == person.account_id,
        person.holds(live.org.path, *OVERSEERS),
    )  # fmt: skip
    if not may_know(
        own=here.desk,
        given=live.state in OPEN,
        invited=invited,
        handed_in=live.state != LiveState.DRAFT,
        overseen=here.oversees,
    ):
        raise no_class()
    return here


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
