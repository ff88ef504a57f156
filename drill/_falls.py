"""One part of the school killed three times in the middle of a class, and what that cost everybody in it."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from drill._class import SEGMENT_MS, stood_ms, taught
from relay_kit import until

FALLS = 3
CALM_S = 10.0  # between two falls; a player may have some seconds in store
BACK_S = 5.0  # until the publisher is back, untouched


def falls(part: str) -> dict[str, Any]:
    """Kill `relay` or `packager` as it teaches; the supervisor starts it again, nobody touches a page."""
    up, back, near, phone = [], [], [], []
    with tempfile.TemporaryDirectory() as name, taught(Path(name)) as here:
        for _ in range(FALLS):
            at = here.kill(part)
            time.sleep(0.1)
            until(lambda: here.health(part), 60, "it is back")
            up.append(round(time.time() - at, 2))
            until(here.publishing, 60, "the publisher is back")
            back.append(round(time.time() - at, 2))
            time.sleep(CALM_S)
            here.calm(here.near, here.phone)
            near.append(stood_ms(here.near, at))
            phone.append(stood_ms(here.phone, at))
        ended = here.end()
        allowed = [seconds * 1000 + SEGMENT_MS for seconds in (back if part == "relay" else up)]
    return {
        "load": os.getloadavg()[0],
        "up_s": up,
        "publisher_back_s": back,
        "publisher_back_median_s": statistics.median(back),
        "near_stood_ms": near,
        "near_stood_median_ms": statistics.median(near),
        "phone_stood_ms": phone,
        "phone_stood_median_ms": statistics.median(phone),
        **ended,
        "holds": max(back) <= BACK_S
        and len(ended["holes_ms"]) == FALLS
        and all(hole <= most for hole, most in zip(ended["holes_ms"], allowed, strict=True))
        and ended["numbers_whole"]
        and ended["counted_right"],
    }
