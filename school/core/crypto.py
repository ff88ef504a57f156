"""Field encryption and the keyed hash that finds duplicate ID numbers without reading them."""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from school.core.keys import Keys


def encrypt(keys: Keys, text: str) -> bytes:
    """`keyid:` + nonce + AES-256-GCM of `text`."""
    key_id, key = keys.current
    nonce = os.urandom(12)
    return key_id.encode() + b":" + nonce + AESGCM(key).encrypt(nonce, text.encode(), key_id.encode())


def decrypt(keys: Keys, sealed: bytes) -> str:
    """The text; KeyError when its key has left the ring, InvalidTag when it was altered."""
    key_id, _, rest = sealed.partition(b":")
    return AESGCM(keys.ring[key_id.decode()]).decrypt(rest[:12], rest[12:], key_id).decode()


def id_hash(keys: Keys, id_number: str) -> str:
    """HMAC-SHA-256 of a normalised ID number, hex."""
    return hmac.new(keys.id_hash, id_number.encode(), hashlib.sha256).hexdigest()
