"""Read side of the schedule: what is on, announced and over for a person, a class with its facts, and what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, joinedload

from school.core.db import UTCDateTime
from school.core.person import Person
from school.live.access import OVERSEERS, invited, known, overseen, own, visible, visible_to
from school.live.models import (
    LiveAttendance,
    LiveAudience,
    LiveClass,
    LivePresence,
    LiveReport,
    LiveState,
    ReplayState,
)  # fmt: skip
from school.live.rules import LATE, MINUTES, OVER, RUNNING, overdue
from school.media.models import SlideDeck, Stream
from school.org.models import Account, Organization

PAGE = 12  # replays at once
NEAR = 80  # classes that are on or announced
OWN = 200
LONGEST = timedelta(minutes=MINUTES.stop) + LATE  # after it a class's hour is long over, whatever its length


def audience(s: Session, class_id: int) -> Sequence[Organization]:
    """The subtrees a class is for, in their own order; none: everyone."""
    return s.scalars(
        sa.select(Organization)
        .join(LiveAudience, LiveAudience.org_id == Organization.id)
        .where(LiveAudience.class_id == class_id)
        .order_by(Organization.path)
    ).all()


# ── what is on, announced and over ──────────────────────


@dataclass(frozen=True, slots=True)
class Replay:
    """A class that is over. `open`: this person may watch; `makeup_until`: they stand on the 待补学名单 until then."""

    live: LiveClass
    open: bool
    makeup_until: datetime | None = None
    met: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """The page 直播课堂: what is on now, what comes (soonest first), one page of what is over (latest first)."""

    on: Sequence[LiveClass]
    coming: Sequence[LiveClass]
    replays: list[Replay]
    found: int
    page: int

    @property
    def more(self) -> bool:
        return self.page * PAGE < self.found


def faced(statement: sa.Select[LiveClass]) -> sa.Select[LiveClass]:
    """`statement` with what every list shows of a class."""
    return statement.options(joinedload(LiveClass.org), joinedload(LiveClass.trainer))


@lru_cache(256)
def _near(scopes: tuple[str, ...]) -> sa.Select[LiveClass]:
    """Made once for all who oversee the same: to build such a statement costs more than to ask it."""
    announced = sa.and_(
        LiveClass.state == LiveState.APPROVED, LiveClass.starts_at > sa.bindparam("after", type_=UTCDateTime())
    )
    wanted = sa.select(LiveClass).where(sa.or_(LiveClass.state.in_(RUNNING), announced), visible_to(scopes))
    order = sa.case((LiveClass.state == LiveState.APPROVED, 1), else_=0), LiveClass.started_ms, LiveClass.starts_at
    return faced(wanted.order_by(*order, LiveClass.id).limit(sa.bindparam("limit", type_=sa.Integer)))


def near(s: Session, person: Person, moment: datetime, limit: int = NEAR) -> tuple[list[LiveClass], list[LiveClass]]:
    """What is on now for this person, the first begun first; and what is announced, the soonest first: a class that
    missed its hour long ago is no more. At most `limit` together, in one query."""
    found = s.scalars(_near(person.scopes(*OVERSEERS)), known(person, after=moment - LONGEST, limit=limit)).all()
    on = [live for live in found if live.state in RUNNING]
    return on, [
        live for live in found if live.state == LiveState.APPROVED and not overdue(live.starts_at, live.minutes, moment)
    ]


def board(s: Session, person: Person, moment: datetime, page: int = 1) -> Board:
    """Everything the page shows; two queries."""
    over = sa.and_(LiveClass.state == LiveState.ENDED, LiveClass.replay != ReplayState.WITHDRAWN, visible(person))
    mine = aliased(LiveAttendance)
    rows = s.execute(
        sa.select(LiveClass, replay_open(person), mine, sa.func.count().over())
        .outerjoin(mine, sa.and_(mine.class_id == LiveClass.id, mine.member_id == (person.member_id or 0)))
        .where(over)
        .options(joinedload(LiveClass.org), joinedload(LiveClass.trainer))
        .order_by(LiveClass.ended_ms.desc(), LiveClass.id.desc())
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    ).all()
    replays = [
        Replay(live, bool(may), row.makeup_until if row else None, bool(row and row.met))
        for live, may, row, _found in rows
    ]
    return Board(*near(s, person, moment), replays, rows[0][3] if rows else 0, page)


def replay_open(person: Person) -> sa.ColumnElement[bool]:
    """Whether the person may watch a visible class's replay: published, or attended; its own desk also when it was
    withdrawn, whoever oversees it even after 停播."""
    been = sa.exists().where(LivePresence.class_id == LiveClass.id, LivePresence.member_id == (person.member_id or 0))
    shown = sa.and_(LiveClass.replay != ReplayState.WITHDRAWN, sa.or_(LiveClass.replay == ReplayState.PUBLISHED, been))
    return sa.or_(
        sa.and_(LiveClass.state == LiveState.ENDED, sa.or_(shown, own(person))),
        sa.and_(LiveClass.state.in_((LiveState.ENDED, LiveState.STOPPED)), overseen(person)),
    )


def withdrawn_timelines(s: Session) -> frozenset[int]:
    """The recordings of classes whose replay was withdrawn, both pictures."""
    rows = s.execute(
        sa.select(Stream.timeline_id, Stream.camera_timeline_id)
        .join(LiveClass, LiveClass.stream_id == Stream.id)
        .where(LiveClass.replay == ReplayState.WITHDRAWN)
    )
    return frozenset(timeline_id for row in rows for timeline_id in row if timeline_id is not None)


def gone(s: Session, person: Person, class_id: int) -> LiveClass | None:
    """A class this person was invited to that was announced and then cancelled, or stopped: its page says so."""
    return s.scalar(
        faced(
            sa.select(LiveClass).where(
                LiveClass.id == class_id,
                LiveClass.state.in_((LiveState.CANCELLED, LiveState.STOPPED)),
                LiveClass.reviewer_id.is_not(None) | LiveClass.started_ms.is_not(None),
                invited(person),
            )
        )
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """What a class's page shows beside the class: its audience, helper, slides, and what of it this person may open."""

    audience: Sequence[Organization]
    helper: Account | None
    deck: SlideDeck | None
    attendance: LiveAttendance | None
    replay: bool
    reported: bool


def facts(s: Session, person: Person, live: LiveClass) -> Facts:
    return Facts(
        audience=audience(s, live.id),
        helper=s.get(Account, live.helper_id) if live.helper_id else None,
        deck=s.get(SlideDeck, live.deck_id) if live.deck_id else None,
        attendance=s.get(LiveAttendance, (live.id, person.member_id)) if person.member_id else None,
        replay=bool(s.scalar(sa.select(replay_open(person)).where(LiveClass.id == live.id))),
        reported=s.get(LiveReport, live.id) is not None,
    )


# ── the studio and the review queue ─────────────────────


def own_classes(s: Session, person: Person) -> Sequence[LiveClass]:
    """The classes this person teaches or helps in: what is to come first, then the latest."""
    over = sa.case((LiveClass.state.in_(OVER), 1), else_=0)
    return s.scalars(
        faced(
            sa.select(LiveClass)
            .where(own(person))
            .order_by(over, sa.case((over == 0, LiveClass.starts_at)), LiveClass.starts_at.desc(), LiveClass.id.desc())
            .limit(OWN)
        )
    ).all()


def _waits_for(person: Person) -> sa.ColumnElement[bool]:
    """Whether the class, or its replay, waits for this person's review; those of one's own desk are for somebody else."""
    at_desk = (LiveClass.trainer_id, sa.func.coalesce(LiveClass.helper_id, 0))  # not own() reads NULL as unknown
    replay = sa.and_(LiveClass.state == LiveState.ENDED, LiveClass.replay == ReplayState.IN_REVIEW)
    return sa.and_(
        sa.or_(LiveClass.state == LiveState.IN_REVIEW, replay),
        *(each != person.account_id for each in at_desk),
        overseen(person),
    )


def in_review(s: Session, person: Person) -> Sequence[LiveClass]:
    """What waits for this person's review, classes to come and replays, the longest waiting first."""
    return s.scalars(
        faced(sa.select(LiveClass).where(_waits_for(person)).order_by(LiveClass.submitted_at, LiveClass.id))
    ).all()


def waiting_count(s: Session, person: Person) -> int:
    """How many classes and replays wait for this person's review."""
    return s.scalar(sa.select(sa.func.count()).select_from(LiveClass).where(_waits_for(person))) or 0
