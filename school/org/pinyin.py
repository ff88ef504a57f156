"""Pinyin of names, with the readings of surnames. The only file that knows pypinyin."""

from __future__ import annotations

import re

from pypinyin import Style, lazy_pinyin

from school.org.surnames import READINGS, STROKES


def surname(name: str) -> str:
    """The Han surname that `name` begins with: two signs when such a surname is known, else one; empty with a `·`."""
    if "·" in name:
        return ""
    return name[:2] if len(name) > 2 and name[:2] in READINGS else name[:1]


def syllables(name: str) -> list[str]:
    """The syllables of a name in lower case without tones: `单知秋` is `shan zhi qiu`. `ü` is written `v`."""
    first = surname(name)
    reading = READINGS.get(first, "").split()
    rest = name[len(first) :] if reading else name
    found = " ".join(lazy_pinyin(rest, style=Style.NORMAL)).lower()
    return [*reading, *re.findall(r"[a-z0-9]+", found)]


def spell(name: str) -> tuple[str, str]:
    """Pinyin and initials, both for search: `("shanzhiqiu", "szq")`."""
    parts = syllables(name)
    return "".join(parts)[:200], "".join(part[0] for part in parts)[:40]


def strokes(name: str) -> int:
    """Strokes of the first sign of the surname, for 姓氏笔画 order; 99, last, when the sign is not in the table."""
    return STROKES.get(name[:1], 99)
