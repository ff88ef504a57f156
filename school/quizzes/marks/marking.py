"""Marking one answer by its key: exact, or a share for a part of it; fill-in variants are compared as a person would."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from school.quizzes.bank.models import QuestionKind

MARKERS = 2  # who mark a short answer without knowing of each other, before a third is asked

_DIGITS = "零一二三四五六七八九"
_UNITS = ((10**8, "亿"), (10**4, "万"), (1000, "千"), (100, "百"), (10, "十"))
_NUMERALS = re.compile(r"(?<![0-9零一二三四五六七八九十百千万亿])[零一二三四五六七八九十百千万亿]+")
_WRITTEN = str.maketrans("〇○两壹贰貳叁參肆伍陆陸柒捌玖拾佰仟萬億", "零零二一二二三三四五六六七八九十百千万亿")
_UNSEEN = {"Cc", "Cf", "Zs", "Zl", "Zp"}  # control and format characters, white space
_MEANT = set("%‰")  # signs that say something although they count as punctuation
_MARKS = {"Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps"}


def mark(kind: QuestionKind, key: dict[str, Any], answer: Any, points_100: int, *, partial: bool) -> int | None:
    """Hundredths of a point that `answer` earns by `key` (shapes: `bodies.py`); None: a person must mark it.

    Nothing answered earns nothing. With `partial`, a subset of the right options earns its share and any wrong pick
    nothing; blanks and pairs earn their share each. An order is right or not; of a single choice any option named in
    `right` will do (a correction may accept two). Shares are rounded down to whole hundredths.
    """
    if answer is None:
        return 0
    match kind:
        case QuestionKind.SINGLE:
            return points_100 if len(answer) == 1 and answer[0] in key["right"] else 0
        case QuestionKind.MULTIPLE:
            picked, right = set(answer), set(key["right"])
            hits = len(picked) if picked <= right else 0
            return _share(hits, len(right), points_100, partial)
        case QuestionKind.JUDGE:
            return points_100 if answer is key["right"] else 0
        case QuestionKind.FILL:
            hits = sum(map(_fits, answer, key["blanks"]))
            return _share(hits, len(key["blanks"]), points_100, partial)
        case QuestionKind.ORDER:
            return points_100 if answer == key["order"] else 0
        case QuestionKind.MATCH:
            hits = sum(given == right for given, right in zip(answer, key["pairs"], strict=False))
            return _share(hits, len(key["pairs"]), points_100, partial)
        case QuestionKind.SHORT:
            return None


def _share(hits: int, of: int, points_100: int, partial: bool) -> int:
    if hits == of:
        return points_100
    return points_100 * hits // of if partial else 0


def _fits(given: str | None, variants: list[str]) -> bool:
    plain = plain_text(given or "")
    return bool(plain) and any(plain == plain_text(variant) for variant in variants)


def plain_text(text: str) -> str:
    """`text` as fill-in answers are compared: without regard to width, case, white space, punctuation and to whether
    numbers are written 一九二一, 十二 or 1921, 12. What keeps two numbers apart stays; so does a text of marks alone."""
    whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    whole = unicodedata.normalize("NFKC", "".join(c for c in whole if unicodedata.category(c) not in _UNSEEN))
    plain = _NUMERALS.sub(lambda run: _number(run[0]), whole.translate(_WRITTEN))
    plain = re.sub(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))", "", plain)  # 1,000
    plain = unicodedata.normalize("NFKC", _without_marks(plain))
    return re.sub(r"(?<![0-9.])0+(?=[0-9])", "", plain) or whole  # 07月 is 7月


def _without_marks(text: str) -> str:
    kept: list[str] = []
    for place, c in enumerate(text):
        if c in _MEANT or (unicodedata.category(c) not in _MARKS and c not in "~⁄"):
            kept.append(c)
            continue
        before, after = kept[-1:], text[place + 1 : place + 2]
        if after.isdecimal() and before and before[0].isdecimal():
            kept.append("." if c == "." else "-")
        elif c == "-" and after.isdecimal() and not before:
            kept.append(c)
    return "".join(kept)


def _number(run: str) -> str:
    """Chinese numerals as Arabic ones: digit by digit, or with units when written in full; anything else as it is."""
    if all(c in _DIGITS for c in run):
        return "".join(str(_DIGITS.index(c)) for c in run)
    value = _value(run)
    full = "一" + run if run.startswith("十") else run
    return str(value) if value and _written(value) == full else run


def _value(run: str) -> int:
    for unit, sign in _UNITS:
        if sign in run:
            more, _, rest = run.rpartition(sign)
            return (_value(more) if more else 1) * unit + _value(rest)
    return _DIGITS.index(run[-1]) if run else 0


def _written(value: int) -> str:
    """The full way to write a number: 102 is 一百零二, 12 is 一十二."""
    for unit, sign in _UNITS:
        if value >= unit:
            more, rest = divmod(value, unit)
            gap = "零" if rest and rest < unit // 10 else ""
            return _written(more) + sign + gap + (_written(rest) if rest else "")
    return _DIGITS[value]


def agreed(given: Sequence[int], points_100: int) -> int | None:
    """What the marks that people gave a short answer, in the order they came, come to; None: not enough of them yet.

    Two that are no further apart than a fifth of the points are halved (rounded down); else the third decides.
    """
    if len(given) < MARKERS or (differ(given, points_100) and len(given) == MARKERS):
        return None
    return given[MARKERS] if differ(given, points_100) else sum(given[:MARKERS]) // MARKERS


def differ(given: Sequence[int], points_100: int) -> bool:
    """Whether the first two marks are too far apart to be halved."""
    return len(given) >= MARKERS and abs(given[0] - given[1]) > points_100 // 5
