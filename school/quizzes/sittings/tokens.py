"""The token of a sitting's page: which attempt, whose, and which page of it, signed, so that an answer needs no cookie."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from school.core.errors import NotAllowed
from school.core.i18n import N_
from school.core.keys import Keys
from school.core.signing import sign, verify

PURPOSE = "sitting"


class Ticket(NamedTuple):
    """`holder` is drawn anew by each page that opens the sitting; only the newest one may answer."""

    attempt_id: int
    member_id: int
    holder: str


def new_holder() -> str:
    return secrets.token_hex(8)


def seal(keys: Keys, ticket: Ticket) -> str:
    """`attempt-member-holder.keyid.signature`."""
    text = f"{ticket.attempt_id}-{ticket.member_id}-{ticket.holder}"
    return f"{text}.{sign(keys, PURPOSE, text)}"


def unseal(keys: Keys, token: str) -> Ticket:
    """The ticket of a token that came from us. Raises NotAllowed (`attempt.token`)."""
    text, _, signature = token.partition(".")
    if not verify(keys, PURPOSE, text, signature):
        raise forged()
    attempt_id, member_id, holder = text.split("-")
    return Ticket(int(attempt_id), int(member_id), holder)


def forged() -> NotAllowed:
    return NotAllowed("attempt.token", N_("答题凭证无效，刚才的答案没有保存。请刷新页面后继续答题。"))
