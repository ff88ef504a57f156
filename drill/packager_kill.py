"""kill -9 of the packager, three times in a class: who watches by HLS goes on, and the recording lacks a moment each time."""

from __future__ import annotations

from typing import Any

from drill._falls import falls


def run() -> dict[str, Any]:
    """See `falls`."""
    return falls("packager")
