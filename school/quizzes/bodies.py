"""The shapes of a question, told once: what is asked (`body`), what is right (`key`) and what is answered (`answer`).

All places are counted from 0 in the order the author wrote them; a sitting's own order is undone before an answer is kept.

| kind | body, beside `stem` and `media` | key | answer |
|---|---|---|---|
| single | options | `{"right": [2]}` | `[2]` |
| multiple | options | `{"right": [0, 1, 3]}` | `[0, 3]`, ascending |
| judge | | `{"right": true}` | `true` |
| fill | `blanks` (how many `____` stand in the stem) | `{"blanks": [["1921", "一九二一"], …]}`, variants | `["1921", …]` |
| order | options | `{"order": [2, 0, 1]}`, options from first to last | `[2, 0, 1]` |
| match | left, right (right may be longer) | `{"pairs": [1, 0, 2]}`, the right one of each left | `[1, null, 2]` |
| short | `limit` (characters, 20 to 2000) | `{"model": "…"}`, what a good answer says | `"…"` |

`stem` is text whose lines are paragraphs; `media` is a list of QuestionFile ids shown under the text. An option, left or
right is `{"text": …, "media": [ids]}`. An answer of None is one that was taken back.
"""

from __future__ import annotations

import re
from typing import Any

from school.core.errors import Invalid
from school.core.i18n import N_
from school.core.secrecy import refuse_secrets
from school.core.text import tidy, tidy_lines
from school.quizzes.bank.models import QuestionKind

KINDS = {
    QuestionKind.SINGLE: N_("单选题"),
    QuestionKind.MULTIPLE: N_("多选题"),
    QuestionKind.JUDGE: N_("判断题"),
    QuestionKind.FILL: N_("填空题"),
    QuestionKind.ORDER: N_("排序题"),
    QuestionKind.MATCH: N_("连线题"),
    QuestionKind.SHORT: N_("简答题"),
}
CHOICES = frozenset({QuestionKind.SINGLE, QuestionKind.MULTIPLE})

STEM_LENGTH = 2000
OPTION_LENGTH = 500
OPTIONS = range(2, 13)
BLANKS = range(1, 11)
VARIANTS = range(1, 21)
BLANK_LENGTH = 100
MODEL_LENGTH = 4000
LIMITS = range(20, 2001)
MEDIA = 4  # files in one place
BLANK = "____"

_BLANK = re.compile(r"[_＿]{2,}")
_BRACKETS = re.compile(r"[（(]\s*[）)]")
_LETTERS = "ABCDEFGHIJKL"


def letter(place: int) -> str:
    """The place of an option as people say it: 0 → A."""
    return _LETTERS[place]


# ── what an author writes ───────────────────────────────


def checked(kind: QuestionKind, body: dict[str, Any], key: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Body and key in exactly the shape of `kind`, texts tidied, everything else left out.

    Raises Invalid with the field's code: `question.stem`, `.options`, `.left`, `.right`, `.key`, `.blanks`, `.limit`,
    `.media`. Whether the files exist is the bank's to know.
    """
    stem = _stem(kind, body.get("stem"))
    asked: dict[str, Any] = {"stem": stem, "media": _media(body.get("media"))}
    if kind in CHOICES or kind == QuestionKind.ORDER:
        asked["options"] = _options(body.get("options"), "options")
    elif kind == QuestionKind.FILL:
        asked["blanks"] = stem.count(BLANK)
    elif kind == QuestionKind.MATCH:
        asked["left"], asked["right"] = _options(body.get("left"), "left"), _options(body.get("right"), "right")
    elif kind == QuestionKind.SHORT:
        asked["limit"] = body.get("limit", 500)
        if not _is_place(asked["limit"], LIMITS):
            raise Invalid("question.limit", N_("简答题的字数上限请填 20 到 2000 之间的整数。"))
    right = checked_key(kind, asked, key)
    refuse_secrets(*texts(asked), *_key_texts(right))
    return asked, right


def checked_key(kind: QuestionKind, body: dict[str, Any], key: dict[str, Any]) -> dict[str, Any]:
    """The key in the shape of `kind` for a checked `body`; Invalid (`question.key`, `question.blanks`)."""
    if kind == QuestionKind.JUDGE:
        if not isinstance(key.get("right"), bool):
            raise Invalid("question.key", N_("请选择这句话正确还是错误。"))
        return {"right": key["right"]}
    if kind in CHOICES:
        return {"right": _right(kind, key.get("right"), len(body["options"]))}
    if kind == QuestionKind.ORDER:
        order = key.get("order")
        if not _is_order(order, len(body["options"])):
            raise Invalid("question.key", N_("请给每一项写上它排第几，从 1 开始，不重复，不遗漏。"))
        return {"order": order}
    if kind == QuestionKind.MATCH:
        pairs, places = key.get("pairs"), range(len(body["right"]))
        if not isinstance(pairs, list) or len(pairs) != len(body["left"]) or not _all_places(pairs, places):
            raise Invalid("question.key", N_("请给左边的每一项选好右边与它对应的一项。"))
        return {"pairs": pairs}
    if kind == QuestionKind.FILL:
        return {"blanks": _variants(key.get("blanks"), body["blanks"])}
    model = tidy_lines(_text(key.get("model")))
    if len(model) > MODEL_LENGTH:
        raise Invalid("question.key", N_("参考答案最多 %(most)d 个字，请删短。"), most=MODEL_LENGTH)
    return {"model": model}


def _stem(kind: QuestionKind, raw: Any) -> str:
    stem = tidy_lines(_text(raw))
    if kind == QuestionKind.FILL:
        stem = _BLANK.sub(BLANK, stem)
        if BLANK not in stem:
            stem = _BRACKETS.sub(BLANK, stem)
        if stem.count(BLANK) not in BLANKS:
            raise Invalid(
                "question.stem", N_("填空题的题干里，请用四条下划线 ____ 标出要填的地方，最多 %(most)d 处。"), most=BLANKS[-1]
            )  # fmt: skip
    if not stem:
        raise Invalid("question.stem", N_("请填写题干。"))
    if len(stem) > STEM_LENGTH:
        raise Invalid(
            "question.stem", N_("题干有 %(length)d 个字，最多 %(most)d 个，请缩短。"), length=len(stem), most=STEM_LENGTH
        )  # fmt: skip
    return stem


def _options(raw: Any, field: str) -> list[dict[str, Any]]:
    """Options, or one side of a match, each with a text or a file and no two the same."""
    if not isinstance(raw, list) or len(raw) not in OPTIONS:
        raise Invalid(
            f"question.{field}", N_("请写 %(least)d 到 %(most)d 个选项。"), least=OPTIONS[0], most=OPTIONS[-1]
        )  # fmt: skip
    options = []
    for place, each in enumerate(raw):
        option = each if isinstance(each, dict) else {"text": each}
        text = tidy(_text(option.get("text")))
        media = _media(option.get("media"))
        if not text and not media:
            raise Invalid(f"question.{field}", N_("第 %(no)d 个选项是空的，请填写或去掉。"), no=place + 1)
        if len(text) > OPTION_LENGTH:
            raise Invalid(
                f"question.{field}", N_("第 %(no)d 个选项超过 %(most)d 个字，请缩短。"), no=place + 1, most=OPTION_LENGTH
            )  # fmt: skip
        option = {"text": text, "media": media}
        if option in options:
            raise Invalid(f"question.{field}", N_("第 %(no)d 个选项和前面的一样，请改写或去掉。"), no=place + 1)
        options.append(option)
    return options


def _media(raw: Any) -> list[int]:
    if raw is None or raw == []:
        return []
    if not isinstance(raw, list) or len(raw) > MEDIA or not _all_places(raw, range(1, 2**63)):
        raise Invalid("question.media", N_("一处最多放 %(most)d 个图片、声音或短视频。"), most=MEDIA)
    return list(dict.fromkeys(raw))


def _right(kind: QuestionKind, raw: Any, options: int) -> list[int]:
    if not isinstance(raw, list) or not raw or not _all_places(raw, range(options)):
        raise Invalid("question.key", N_("请选出正确的选项。"))
    right = sorted(set(raw))
    if kind == QuestionKind.SINGLE and len(right) != 1:
        raise Invalid("question.key", N_("单选题只能有一个正确选项。有几个都对时，请改成多选题。"))
    return right


def _variants(raw: Any, blanks: int) -> list[list[str]]:
    """What is accepted in each blank, without repetitions."""
    if not isinstance(raw, list) or len(raw) != blanks:
        raise Invalid(
            "question.blanks", N_("题干里有 %(blanks)d 处要填，答案也请写 %(blanks)d 处。"), blanks=blanks
        )  # fmt: skip
    accepted = []
    for place, each in enumerate(raw):
        if not isinstance(each, list):
            raise Invalid("question.blanks", N_("请写出每一处可以接受的答案。"))
        variants = list(dict.fromkeys(filter(None, (tidy(_text(one)) for one in each))))
        if len(variants) not in VARIANTS or any(len(one) > BLANK_LENGTH for one in variants):
            raise Invalid(
                "question.blanks",
                N_("第 %(no)d 处请写 1 到 %(most)d 种可以接受的答案，每种不超过 %(length)d 个字。"),
                no=place + 1, most=VARIANTS[-1], length=BLANK_LENGTH,
            )  # fmt: skip
        accepted.append(variants)
    return accepted


# ── what a taker answers ────────────────────────────────


def answer_of(kind: QuestionKind, body: dict[str, Any], raw: Any) -> Any:
    """The answer a page sent, in authored places and in the shape of `kind`; None: taken back or left empty.

    Raises Invalid (`answer.shape`) for what is no answer to this question, (`answer.long`) for a text over its limit.
    """
    if raw is None:
        return None
    if kind == QuestionKind.JUDGE:
        return raw if isinstance(raw, bool) else _no_answer()
    if kind == QuestionKind.SHORT:
        text = tidy_lines(raw if isinstance(raw, str) and len(raw) <= 4 * LIMITS[-1] else _no_answer())
        return _within(_text(text), body["limit"]) or None
    if not isinstance(raw, list) or len(raw) > OPTIONS[-1]:
        _no_answer()
    if kind in CHOICES:
        chosen = sorted(set(raw)) if _all_places(raw, range(len(body["options"]))) else _no_answer()
        return chosen or None if kind == QuestionKind.MULTIPLE or len(chosen) <= 1 else _no_answer()
    if kind == QuestionKind.ORDER:
        return raw if _is_order(raw, len(body["options"])) else _no_answer()
    if kind == QuestionKind.MATCH:
        drawn = [place for place in raw if place is not None]
        if len(raw) != len(body["left"]) or not _all_places(drawn, range(len(body["right"]))):
            _no_answer()
        return raw if drawn else None
    if len(raw) != body["blanks"] or not all(isinstance(text, str) for text in raw):
        _no_answer()
    filled = [_within(tidy(_text(text)), BLANK_LENGTH) for text in raw]
    return filled if any(filled) else None


def _no_answer() -> Any:
    raise Invalid("answer.shape", N_("这个答案和题目对不上，没有保存。请刷新页面后再答一次。"))


def _within(text: str, most: int) -> str:
    if len(text) > most:
        raise Invalid("answer.long", N_("这一题最多写 %(most)d 个字，超出的没有保存。请删短。"), most=most)
    return text


# ── looking into a body ─────────────────────────────────


_FIELDS = ("options", "left", "right")  # what has texts and files beside the stem


def texts(body: dict[str, Any]) -> list[str]:
    """All that is read in a question, the stem first."""
    found: list[str] = [body["stem"]]
    for field in _FIELDS:
        if field in body:
            found += [place["text"] for place in body[field]]
    return found


def files(body: dict[str, Any]) -> list[int]:
    """The ids of all its files, in the order they are shown."""
    found: list[int] = [*body["media"]]
    for field in _FIELDS:
        if field in body:
            for place in body[field]:
                found += place["media"]
    return list(dict.fromkeys(found))


def _key_texts(key: dict[str, Any]) -> list[str]:
    return [key.get("model", ""), *(text for variants in key.get("blanks", ()) for text in variants)]


# ── small checks of what came from outside ──────────────


def _text(raw: Any) -> str:
    """`raw` as text that any database keeps: JSON may carry half a sign."""
    text = raw if isinstance(raw, str) else str(raw or "")
    return text if text.isprintable() else text.encode("utf-8", "ignore").decode()


def _is_place(raw: Any, among: range) -> bool:
    return type(raw) is int and raw in among  # True is an int too


def _all_places(raw: list[Any], among: range) -> bool:
    return all(_is_place(place, among) for place in raw)


def _is_order(raw: Any, length: int) -> bool:
    return isinstance(raw, list) and _all_places(raw, range(length)) and len(raw) == length == len(set(raw))
