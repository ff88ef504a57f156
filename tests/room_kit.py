"""The room of a class for tests, without sockets: events done as the socket's runner does them, one transaction each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors import Actor, Cast
from live_kit import make_class
from school.core.db import Database
from school.live import events, log, snapshot
from school.live.access import standing
from school.live.models import LiveEvent, LiveState
from school.live.outside import ALONE, Outside


class Room:
    """A class of the cast's trainer for 石桥镇, running unless said otherwise."""

    def __init__(
        self, db: Database, cast: Cast, *, state: LiveState = LiveState.LIVE, outside: Outside = ALONE
    ) -> None:
        self.db, self.cast, self.outside = db, cast, outside
        with db.write() as s:
            self.id = make_class(s, cast, state=state, audience=(cast.town_id,)).id

    def do(self, who: Actor, event: str, key: str | None = None, **body: Any) -> dict[str, Any]:
        """What the acknowledgement of one event says; raises the refusal."""
        if key is not None:
            body["key"] = key
        row, body = events.row(event, body)
        with self.db.read() as s:
            body = events.prepared(s, standing(s, who.person, self.id), row, body, self.outside)
        with self.db.write() as s:
            return events.perform(s, standing(s, who.person, self.id, lock=True), event, body)

    def lines(self, *kinds: str) -> Sequence[LiveEvent]:
        """The log, or its lines of some kinds."""
        with self.db.read() as s:
            return [line for line in log.since(s, self.id, 0) if not kinds or line.kind in kinds]

    def state(self, who: Actor) -> dict[str, Any]:
        """What the person is welcomed with: `state`, `questions`, and those fields of `me` that speak of the interaction."""
        with self.db.read() as s:
            here = standing(s, who.person, self.id)
            desk = snapshot.desk(s, here) if here.desk else {}
            return {
                "state": snapshot.common(s, here.live) | {"check": snapshot.check(s, here)} | desk,
                "questions": snapshot.asked(s, here.live, desk=here.desk),
                "me": snapshot.mine(s, here.live, [who.person])[who.account_id],
            }
