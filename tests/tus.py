"""A small tus 1.0 client: it resumes from where the server says and repeats what was not acknowledged."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from typing import Protocol

CHUNK = 8 * 1024**2
RESUMABLE = {"Tus-Resumable": "1.0.0"}
OCTETS = "application/offset+octet-stream"


class Answer(Protocol):
    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


Send = Callable[[str, str, dict[str, str], bytes], Answer]
"""(method, address, headers, body) → answer; raises OSError when the line breaks."""


def metadata(**facts: str) -> str:
    return ",".join(f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in facts.items())


def create(send: Send, size: int, **facts: str) -> Answer:
    headers = {**RESUMABLE, "Upload-Length": str(size), "Upload-Metadata": metadata(**facts)}
    return send("POST", "/uploads", headers, b"")


def patch(send: Send, address: str, offset: int, data: bytes) -> Answer:
    return send("PATCH", address, {**RESUMABLE, "Upload-Offset": str(offset), "Content-Type": OCTETS}, data)


def standing(send: Send, address: str) -> int:
    answer = send("HEAD", address, RESUMABLE, b"")
    assert answer.status_code == 200, answer.status_code
    return int(answer.headers["Upload-Offset"])


def push(send: Send, address: str, source: bytes, *, chunk: int = CHUNK, seconds: float = 90) -> list[int]:
    """Send until everything is acknowledged, whatever happens on the way; the statuses that were not 204."""
    until = time.monotonic() + seconds
    troubles: list[int] = []
    while time.monotonic() < until:
        try:
            offset = standing(send, address)
            while offset < len(source):
                answer = patch(send, address, offset, source[offset : offset + chunk])
                if answer.status_code != 204:
                    troubles.append(answer.status_code)
                    break
                offset = int(answer.headers["Upload-Offset"])
            else:
                return troubles
        except OSError:
            troubles.append(0)
        time.sleep(0.1)
    raise AssertionError(f"the upload did not end within {seconds} s: {troubles[-10:]}")
