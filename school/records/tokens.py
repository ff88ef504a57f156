"""The token of a play session: who plays what, signed, so that a claim needs no cookie and no look-up to be believed."""

from __future__ import annotations

from typing import NamedTuple

from school.core.errors import NotAllowed
from school.core.i18n import N_
from school.core.keys import Keys
from school.core.signing import sign, verify

PURPOSE = "play"


class Ticket(NamedTuple):
    """The session's number and nonce (a restored database may give a number twice), its member and its part."""

    session_id: int
    member_id: int
    part_id: int
    nonce: str


def seal(keys: Keys, ticket: Ticket) -> str:
    """`session-member-part-nonce.keyid.signature`."""
    text = f"{ticket.session_id}-{ticket.member_id}-{ticket.part_id}-{ticket.nonce}"
    return f"{text}.{sign(keys, PURPOSE, text)}"


def unseal(keys: Keys, token: str) -> Ticket:
    """The ticket of a token that came from us. Raises NotAllowed(`play.token`)."""
    text, _, signature = token.partition(".")
    if not verify(keys, PURPOSE, text, signature):
        raise NotAllowed("play.token", N_("学习凭证无效，这一段没有计入。请刷新页面后继续观看。"))
    session_id, member_id, part_id, nonce = text.split("-")
    return Ticket(int(session_id), int(member_id), int(part_id), nonce)
