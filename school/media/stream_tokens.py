"""Short-lived tokens by which a browser may publish to a relay or watch from it, signed by the web process."""

from __future__ import annotations

import time
from typing import Literal, NamedTuple

from school.core.errors import NotAllowed
from school.core.i18n import N_
from school.core.keys import Keys
from school.core.signing import sign, verify

PURPOSE = "stream"
MINUTES = 5  # a token opens a connection; the connection may last longer

Part = Literal["publish", "screen", "speak-1", "speak-2", "speak-3", "watch", "preview"]
PARTS: tuple[Part, ...] = ("publish", "screen", "speak-1", "speak-2", "speak-3", "watch", "preview")


class Pass(NamedTuple):
    """Who may do what with which stream.

    `publish`: camera, microphone and the small picture; `screen`: the shared screen; `speak-n`: a called member's sound;
    `watch`: receive while live; `preview`: receive in rehearsal too (the trainer's side).
    """

    stream_id: int
    part: Part
    account_id: int
    expiry: int  # Unix seconds


def seal(keys: Keys, stream_id: int, part: Part, account_id: int, *, minutes: int = MINUTES) -> str:
    """`stream~part~account~expiry.keyid.signature`."""
    text = f"{stream_id}~{part}~{account_id}~{int(time.time()) + minutes * 60}"
    return f"{text}.{sign(keys, PURPOSE, text)}"


def unseal(keys: Keys, token: str) -> Pass:
    """The pass of a token that came from us and is fresh. Raises NotAllowed (`stream.token`, `stream.expired`)."""
    text, _, signature = token.partition(".")
    if not verify(keys, PURPOSE, text, signature):
        raise NotAllowed("stream.token", N_("直播凭证不对。请刷新页面，再进入一次。"))
    stream_id, part, account_id, expiry = text.split("~")
    found = Pass(int(stream_id), next(p for p in PARTS if p == part), int(account_id), int(expiry))
    if time.time() > found.expiry:
        raise NotAllowed("stream.expired", N_("直播凭证已经过期。请刷新页面，再进入一次。"))
    return found
