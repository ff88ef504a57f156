"""Password hashing: argon2id with 19 MiB and two passes, beside the event loop. The only file that knows argon2."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from school.core.offload import in_thread

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

# Checked when no such account exists, so that the answer takes as long. Nobody knows its password.
DECOY = "$argon2id$v=19$m=19456,t=2,p=1$Aybjn8Ry7elyTP4blaR+VA$wnCCrr2dkTo//0tT8aXDKlTmCpPHZsPO0kEHekwF9kU"


def hash_password(password: str) -> str:
    """The encoded hash, about 20 ms of one core."""
    return in_thread(_hasher.hash, password)


def check(password: str, encoded: str) -> bool:
    """Whether `password` belongs to `encoded`; as much work for a wrong one as for the right one."""
    return in_thread(_check, password, encoded)


def _check(password: str, encoded: str) -> bool:
    try:
        return _hasher.verify(encoded, password)
    except (VerificationError, InvalidHashError):
        return False


def outdated(encoded: str) -> bool:
    """Whether the hash was made with other costs than today's and should be made anew."""
    return _hasher.check_needs_rehash(encoded)
