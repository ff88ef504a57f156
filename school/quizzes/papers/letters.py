"""Answers as people write them on paper (letters, 对 and 错, words), both ways; places are those the paper shows. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from school.core.errors import Invalid
from school.core.i18n import N_
from school.quizzes.bank.models import QuestionKind
from school.quizzes.bodies import CHOICES, letter

RIGHT = frozenset({"对", "正确", "是", "√", "✓", "v", "t", "y"})
WRONG = frozenset({"错", "错误", "否", "×", "✗", "x", "f", "n"})
NONE = "-"  # a left item nothing was drawn to
_BETWEEN = re.compile(r"[\s,，、.;；/]+")


def typed(kind: QuestionKind, body: Mapping[str, Any], texts: Sequence[str]) -> Any:
    """What somebody typed from an answer sheet as `bodies.answer_of` takes it, None for an empty line.

    One text, of 填空 one for each blank. Invalid (`answer.letters`, `answer.judge`) when it cannot be read.
    """
    if not any(text.strip() for text in texts):
        return None
    if kind == QuestionKind.FILL:
        return list(texts)
    text = texts[0]
    if kind == QuestionKind.SHORT:
        return text
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    if kind == QuestionKind.JUDGE:
        if plain in RIGHT:
            return True
        if plain in WRONG:
            return False
        raise Invalid("answer.judge", N_("判断题请写“对”或“错”。"))
    signs = _BETWEEN.sub("", plain).upper()
    if kind == QuestionKind.MATCH:
        return [None if sign == NONE else _place(sign, len(body["right"])) for sign in signs]
    places = [_place(sign, len(body["options"])) for sign in signs]
    if kind in CHOICES and len(set(places)) != len(places):
        raise _unread()
    return places


def _place(sign: str, among: int) -> int:
    place = ord(sign) - ord("A")
    if not 0 <= place < among:
        raise _unread()
    return place


def _unread() -> Invalid:
    return Invalid("answer.letters", N_("请照答题卡填选项的字母，如 ABD；没有的选项不能填。"))


def words(kind: QuestionKind, value: Mapping[str, Any]) -> str:
    """What is right (a key in the places shown) as a marker reads it: `ABD`, `对`, `1921／一九二一；北京`, `B-A`."""
    if kind in CHOICES:
        return "".join(map(letter, value["right"]))
    if kind == QuestionKind.JUDGE:
        return "对" if value["right"] else "错"
    if kind == QuestionKind.FILL:
        return "；".join("／".join(variants) for variants in value["blanks"])
    if kind == QuestionKind.ORDER:
        return "".join(map(letter, value["order"]))
    if kind == QuestionKind.MATCH:
        return "".join(NONE if place is None else letter(place) for place in value["pairs"])
    model: str = value["model"]
    return model


def shown_words(kind: QuestionKind, body: Mapping[str, Any], answer: Any) -> list[str]:
    """A kept answer, in the places shown, as `typed` would read it again: one text, of 填空 one for each blank."""
    if kind == QuestionKind.FILL:
        return list(answer) if answer is not None else [""] * int(body["blanks"])
    if answer is None:
        return [""]
    names = {QuestionKind.ORDER: "order", QuestionKind.MATCH: "pairs", QuestionKind.SHORT: "model"}
    return [words(kind, {names.get(kind, "right"): answer})]
