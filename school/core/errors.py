"""One vocabulary of refusals; each edge (HTTP, Socket.IO, command line) translates it once."""

from __future__ import annotations

from typing import Any


class SchoolError(Exception):
    """A refusal that a person reads: a stable code, a Chinese sentence that says what to do, and its parameters.

    `message` is a source string (mark it with `N_`) with %(name)s places filled from `params` after translation.
    """

    def __init__(self, code: str, message: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.params = params

    def __str__(self) -> str:
        return f"{self.code}: {self.message % self.params if self.params else self.message}"


class Invalid(SchoolError):
    """What was sent cannot be used as it is."""


class SignInNeeded(SchoolError):
    """Nobody is signed in, or the sign-in has ended."""


class NotAllowed(SchoolError):
    """The person is known and may not do this."""


class NotFound(SchoolError):
    """There is no such thing, or it may not be known that there is."""


class Conflict(SchoolError):
    """The state does not permit it: somebody else was first, or it is closed."""


class TooLarge(SchoolError):
    """More than the school takes."""


class TooMany(SchoolError):
    """Too often; params carry `seconds` until the next try."""


class Unavailable(SchoolError):
    """A part (database, store) cannot answer now; nothing was stored, trying again is safe."""
