"""JSON as bytes: compact on the way out, strict on the way in (no NaN, no half characters, no bottomless nesting)."""

from __future__ import annotations

from typing import Any

import orjson


def dumps(value: object) -> bytes:
    """`value` as UTF-8 JSON; moments and days in ISO 8601. Raises TypeError for what JSON has no form for."""
    return orjson.dumps(value)


def text(value: object) -> str:
    """`value` as JSON in one line of text, as a database column takes it."""
    return orjson.dumps(value).decode()


def loads(data: bytes | str) -> Any:
    """The value that `data` stands for. Raises ValueError when it is not JSON."""
    return orjson.loads(data)
