"""Keys: a ring with ids that rotates for signing and encryption, and one hash key that never does."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from school.core.settings import Settings, SettingsError


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


def _write(path: Path, content: dict[str, object], *, first: bool) -> None:
    """Put `content` in place whole; as the `first` one it gives way to a file that another process has just made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".keys-{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    try:
        if first:
            os.link(draft, path)
        else:
            draft.replace(path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # what is closed with these keys must never outlive them
    finally:
        os.close(folder)


def _given(settings: Settings) -> Keys:
    """The keys of the settings; SettingsError when they are not `id:64 hex digits`."""
    try:
        pairs = [pair.split(":") for pair in settings.secret_keys.split(",")]
        ring = {key_id: bytes.fromhex(digits) for key_id, digits in pairs}
        keys = Keys(ring, bytes.fromhex(settings.id_hash_key))
    except ValueError:
        keys = Keys({}, b"")
    if {len(key) for key in (*keys.ring.values(), keys.id_hash)} != {32}:
        raise SettingsError(
            "SCHOOL_SECRET_KEYS: write k1:HEX,k0:HEX and SCHOOL_ID_HASH_KEY: HEX, each of 64 hex digits"
        )
    return keys


def load_keys(settings: Settings) -> Keys:
    """Keys from the settings, or from `keys.json` (mode 0600) in the data folder, made at the first start."""
    if settings.secret_keys:
        return _given(settings)
    path = _file(settings.data)
    if not path.exists():
        _write(path, {"ring": {"k1": secrets.token_hex(32)}, "id_hash": secrets.token_hex(32)}, first=True)
    content = json.loads(path.read_text())
    return Keys({k: bytes.fromhex(v) for k, v in content["ring"].items()}, bytes.fromhex(content["id_hash"]))


def rotate(settings: Settings) -> str:
    """Put a new key in front of the ring and return its id; older keys still open what they closed."""
    load_keys(settings)
    path = _file(settings.data)
    content = json.loads(path.read_text())
    key_id = f"k{len(content['ring']) + 1}"
    content["ring"] = {key_id: secrets.token_hex(32), **content["ring"]}
    _write(path, content, first=False)
    return key_id
