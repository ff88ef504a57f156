"""The class's log: lines numbered without gaps in the order of commits, read by "everything since n".

It is what several web processes, a returning member and the replay all read, so nothing has to be sent to be known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.time import now
from school.live.models import LiveClass, LiveEvent
from school.records.bulk import table_of

# Every action asks these; a statement that is built once is compiled and keyed once.
_CLASS = table_of(LiveClass)
_HOLD = sa.select(_CLASS.c.id).where(_CLASS.c.id == sa.bindparam("class_id")).with_for_update(key_share=True)
_NEXT = (
    sa.update(_CLASS)
    .where(_CLASS.c.id == sa.bindparam("class_id"))
    .values(event_no=_CLASS.c.event_no + 1)
    .returning(_CLASS.c.event_no)
)
_KNOWN = sa.select(LiveEvent).where(
    LiveEvent.class_id == sa.bindparam("class_id"),
    LiveEvent.account_id == sa.bindparam("account_id"),
    LiveEvent.key == sa.bindparam("key"),
)

ALL, DESK = "all", "desk"
GROWN = "live.grown"  # in a session's `info`: classes whose log has grown in it


def to(account_id: int) -> str:
    """The audience of a line that one person alone may see (the trainer's side sees it too)."""
    return f"a:{account_id}"


def this_ms() -> int:
    """The server's clock, milliseconds since 1970."""
    return round(now().timestamp() * 1000)


def hold(s: Session, class_id: int) -> None:
    """Take the class's row until the transaction ends, as `append` does: what is read after it stays true until then.

    Every action of the room takes this row before any other, so that actions of one class never wait for each other in
    a circle. Who comes in only refers to it, and waits for none of them. SQLite has one writer anyway.
    """
    if s.get_bind().dialect.name != "sqlite":
        s.execute(_HOLD, {"class_id": class_id})


def append(
    s: Session,
    class_id: int,
    kind: str,
    body: dict[str, Any],
    *,
    account_id: int | None = None,
    key: str | None = None,
    audience: str = ALL,
    at_ms: int | None = None,
) -> LiveEvent:
    """Add a line. Appending takes the class's row until the transaction ends, so numbers are gap-free and in order.

    Look for `key` with `known` first: the same (account, key) twice breaks a constraint.
    """
    no = s.scalars(_NEXT, {"class_id": class_id}).one()
    line = LiveEvent(
        class_id=class_id, no=no, at_ms=this_ms() if at_ms is None else at_ms, kind=kind, audience=audience,
        account_id=account_id, key=key, body=body,
    )  # fmt: skip
    s.add(line)
    s.flush()
    s.info.setdefault(GROWN, set()).add(class_id)
    return line


def known(s: Session, class_id: int, account_id: int, key: str) -> LiveEvent | None:
    """The line this sender has already made with `key`, when an acknowledgement was lost and it is sent again."""
    return s.scalar(_KNOWN, {"class_id": class_id, "account_id": account_id, "key": key})


def since(s: Session, class_id: int, no: int, *, limit: int = 500) -> Sequence[LiveEvent]:
    """Lines after `no`, oldest first, for every audience; at most `limit`."""
    return s.scalars(
        sa.select(LiveEvent)
        .where(LiveEvent.class_id == class_id, LiveEvent.no > no)
        .order_by(LiveEvent.no)
        .limit(limit)
    ).all()


def shown_to(audience: str, account_id: int, *, desk: bool) -> bool:
    """Whether a person of the room may see a line for `audience`."""
    return audience == ALL or desk or audience == to(account_id)
