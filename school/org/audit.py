"""The audit log: who did what to what, in the transaction of the act itself."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Any

from sqlalchemy.orm import Session

from school.core.person import Person
from school.core.time import now
from school.org.models import AuditLog


def _plain(value: Any) -> Any:
    """`value` as JSON keeps it."""
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def record(
    s: Session,
    person: Person | None,
    event: str,
    subject: tuple[str, int | None] = ("", None),
    org_id: int | None = None,
    *,
    address: str | None = None,
    **changes: Any,
) -> AuditLog:
    """Note `event` (`room.verb`) on `subject` (kind, id) of organisation `org_id`.

    `changes` are fields: a pair (before, after), or one value where nothing was before. Never a password or ID number.
    `person` is None for the system itself and for somebody not signed in; `address` then says from where.
    """
    entry = AuditLog(
        at=now(),
        account_id=person.account_id if person else None,
        address=address if address is not None else person.address if person else "",
        event=event,
        subject_kind=subject[0],
        subject_id=subject[1],
        org_id=org_id,
        detail={field: _plain(value) for field, value in changes.items()},
    )
    s.add(entry)
    return entry
