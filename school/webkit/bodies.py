"""What a script sends: one JSON object of a bounded size, whatever type and length the request claims for it."""

from __future__ import annotations

import json
from typing import Any

from flask import request

from school.core.errors import Invalid, TooLarge
from school.core.i18n import N_

LIMIT = 64 * 1024
UNREADABLE = N_("这次提交的内容读不出来，没有保存。请刷新页面后再提交一次。")
LARGE = N_("一次提交的内容太多，没有保存。请刷新页面后分几次提交。")


def json_object(*, prefix: str = "body", unreadable: str = UNREADABLE, large: str = LARGE) -> dict[str, Any]:
    """The JSON object of the request. Raises Invalid(`<prefix>.malformed`) and TooLarge(`<prefix>.large`).

    It is read by its bytes: a body sent in pieces announces no length, and a beacon says text/plain.
    """
    data = request.stream.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise TooLarge(f"{prefix}.large", large)
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        raise Invalid(f"{prefix}.malformed", unreadable) from None
    if not isinstance(body, dict):
        raise Invalid(f"{prefix}.malformed", unreadable)
    return body
