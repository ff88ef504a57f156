"""The slides of a class: who may see them, who may change them and until when, and the change itself."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Conflict
from school.core.i18n import N_
from school.core.person import Person
from school.live import queries
from school.live.access import Standing, at_desk, no_class, standing
from school.live.models import LiveClass, LiveEvent, LiveState
from school.live.rules import RUNNING
from school.media import decks
from school.media.models import SlideDeck

OPEN = (LiveState.DRAFT, LiveState.APPROVED, *RUNNING)  # states in which slides may be put in or taken out


def deck_of(s: Session, live: LiveClass) -> SlideDeck | None:
    return s.get(SlideDeck, live.deck_id) if live.deck_id is not None else None


def shown(s: Session, person: Person, class_id: int) -> tuple[LiveClass, SlideDeck]:
    """The deck, for whoever may be in the room now or may see the replay; else NotFound."""
    here = standing(s, person, class_id)
    if not _may_see(s, here):
        raise no_class()
    deck = deck_of(s, here.live)
    if deck is None:
        raise decks.none()
    return here.live, deck


def _may_see(s: Session, here: Standing) -> bool:
    if here.moderates or (here.live.state in RUNNING and here.invited):
        return True
    over = here.live.state in (LiveState.ENDED, LiveState.STOPPED)
    return over and bool(s.scalar(sa.select(queries.replay_open(here.person)).where(LiveClass.id == here.live.id)))


def changeable(s: Session, person: Person, class_id: int, *, lock: bool = False) -> LiveClass:
    """The class, for its desk, while its slides may change. Slides that were turned belong to its record and stay."""
    live = at_desk(standing(s, person, class_id, lock=lock)).live
    if live.state not in OPEN:
        raise Conflict("live.slides_fixed", N_("送审以后和下课以后不能换课件。需要换时请先撤回或联系审核人员。"))
    turned = sa.select(LiveEvent.no).where(LiveEvent.class_id == live.id, LiveEvent.kind == "slide").limit(1)
    if live.deck_id is not None and live.state in RUNNING and s.scalar(turned) is not None:
        raise Conflict("live.slides_turned", N_("课上已经翻过这份课件，不能再换。要放别的内容，请共享屏幕。"))
    return live


def put_in(s: Session, person: Person, class_id: int, file_name: str, prefix: str) -> tuple[SlideDeck, str | None]:
    """A deck of the file kept under `prefix`, instead of the one that was there; that one's prefix, see `take_out`."""
    live = changeable(s, person, class_id, lock=True)
    gone = _let_go(s, live)
    deck = decks.add(s, person.account_id, file_name, prefix)
    live.deck_id, live.page = deck.id, 1
    return deck, gone


def take_out(s: Session, person: Person, class_id: int) -> str | None:
    """Take the deck out of the class; the prefix of its objects, to be deleted after the transaction."""
    return _let_go(s, changeable(s, person, class_id, lock=True))


def _let_go(s: Session, live: LiveClass) -> str | None:
    deck = deck_of(s, live)
    live.deck_id = None
    if deck is None:
        return None
    s.flush()  # the class lets go before the deck goes
    return decks.remove(s, deck)
