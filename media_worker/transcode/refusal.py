"""How making media ends badly: a reason from the school's own list, or an end that is nobody's fault."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """The work cannot go on. `reason` is a key of `school.media.reasons.REASONS`; `detail` is for the operator."""

    def __init__(self, reason: str, *, retry: bool = False, detail: str = "", **params: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry
        self.detail = detail
        self.params = params


class Stopped(Exception):
    """This worker has been asked to end; the job goes back untried."""
