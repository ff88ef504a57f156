"""kill -9 of the relay, three times in a class: the trainer is back by itself, who watches goes on, the recording lacks little."""

from __future__ import annotations

from typing import Any

from drill._falls import falls


def run() -> dict[str, Any]:
    """See `falls`."""
    return falls("relay")
