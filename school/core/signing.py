"""Signed values: short texts that came from us, carry a key id and cannot be altered."""

from __future__ import annotations

import base64
import hashlib
import hmac

from school.core.keys import Keys


def _bytes(text: str) -> bytes:
    """`text` as bytes; JSON may carry half a sign, which is no text anywhere else."""
    return text.encode("utf-8", "surrogatepass")


def _digest(key: bytes, purpose: str, text: str) -> str:
    mac = hmac.new(key, _bytes(f"{purpose}\0{text}"), hashlib.sha256).digest()[:18]
    return base64.urlsafe_b64encode(mac).decode()


def sign(keys: Keys, purpose: str, text: str) -> str:
    """`keyid.signature` of `text` for one purpose; a signature for another purpose does not fit. 144 bits."""
    key_id, key = keys.current
    return f"{key_id}.{_digest(key, purpose, text)}"


def verify(keys: Keys, purpose: str, text: str, signature: str) -> bool:
    key_id, _, mac = signature.partition(".")
    key = keys.ring.get(key_id)
    return key is not None and hmac.compare_digest(_bytes(mac), _digest(key, purpose, text).encode())
