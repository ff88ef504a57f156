"""What single cells of a table of questions say: text, difficulty, limits and days."""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from datetime import date, datetime
from typing import Any

from school.core.i18n import N_
from school.quizzes.bank.formats.common import refused

_DIFFICULTIES = {"易": 1, "容易": 1, "简单": 1, "较易": 2, "偏易": 2, "低": 1, "easy": 1, "中": 3, "普通": 3, "normal": 3, "medium": 3, "中等": 3, "一般": 3, "适中": 3, "较难": 4, "偏难": 4, "高": 5, "hard": 5, "difficult": 5, "难": 5, "困难": 5}  # fmt: skip
_DATE = re.compile(r"(\d{4})\s*[-./年]\s*(\d{1,2})(?:\s*[-./月]\s*(\d{1,2})\s*日?|\s*月?)|(\d{4})(\d\d)(\d\d)?")


def text_of(value: Any) -> str:
    """A cell as text: whole numbers without a point, days in ISO form."""
    if value is None:
        return ""
    if type(value) is float:
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.date().isoformat() if not (value.hour or value.minute) else value.isoformat(" ", "minutes")
    return str(value).strip()


def difficulty(text: str) -> int:
    """1 to 5 from a number or a word; 1 when nothing is written."""
    if not text:
        return 1
    plain = unicodedata.normalize("NFKC", text).strip()
    if plain in {"1", "2", "3", "4", "5"}:
        return int(plain)
    if plain.lower() in _DIFFICULTIES:
        return _DIFFICULTIES[plain.lower()]
    if match := re.fullmatch(r"(?:难度)?([1-5])(?:级|星|\.0+)?", plain):
        return int(match[1])
    raise refused("difficulty", N_("难度请写 1 到 5，或易、较易、中、较难、难。"))


def whole(text: str) -> int:
    """A limit of characters."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if not re.fullmatch(r"\d{1,5}", plain):
        raise refused("limit", N_("字数上限请写 20 到 2000 之间的整数。"))
    return int(plain)


def day_of(text: str, *, last: bool) -> date | None:
    """`2027-12-31`, `2027.12.31`, `2027年12月`, `202712`; a month is its last or first day, 长期 is no end."""
    plain = unicodedata.normalize("NFKC", text).strip().split(" ")[0]
    if plain in {"长期", "永久", "长期有效", "无"}:
        return None
    match = _DATE.fullmatch(plain)
    try:
        if match is None:
            raise ValueError
        year, month = int(match[1] or match[4]), int(match[2] or match[5])
        day = match[3] or match[6]
        return date(year, month, int(day) if day else monthrange(year, month)[1] if last else 1)
    except ValueError:
        raise refused("until", N_("没有看懂日期“%(day)s”，请写成 2027-12-31 这样。"), day=text[:20]) from None
