"""Keys: a ring with ids that rotates for signing and encryption, and one hash key that never does."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from school.core.settings import Settings


@dataclass(frozen=True)
class Keys:
    """`ring` maps key id to 32 bytes, the first one is in use; `id_hash` is the key of the ID-number hash."""

    ring: dict[str, bytes]
    id_hash: bytes

    @property
    def current(self) -> tuple[str, bytes]:
        return next(iter(self.ring.items()))


def _file(data: Path) -> Path:
    return data / "keys.json"


def _save(path: Path, content: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)


def load_keys(settings: Settings) -> Keys:
    """Keys from the settings, or from `keys.json` (mode 0600) in the data folder, made at the first start."""
    if settings.secret_keys:
        ring = {k: bytes.fromhex(v) for k, _, v in (pair.partition(":") for pair in settings.secret_keys.split(","))}
        return Keys(ring, bytes.fromhex(settings.id_hash_key) if settings.id_hash_key else next(iter(ring.values())))
    path = _file(settings.data)
    if not path.exists():
        _save(path, {"ring": {"k1": secrets.token_hex(32)}, "id_hash": secrets.token_hex(32)})
    content = json.loads(path.read_text())
    return Keys({k: bytes.fromhex(v) for k, v in content["ring"].items()}, bytes.fromhex(content["id_hash"]))


def rotate(settings: Settings) -> str:
    """Put a new key in front of the ring and return its id; older keys still open what they closed."""
    load_keys(settings)
    path = _file(settings.data)
    content = json.loads(path.read_text())
    key_id = f"k{len(content['ring']) + 1}"
    content["ring"] = {key_id: secrets.token_hex(32), **content["ring"]}
    _save(path, content)
    return key_id
