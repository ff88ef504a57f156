"""GIFT, written: as Moodle reads it, each question with its category, tags and fields; what the format has no room for is told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from school.core.i18n import N_
from school.quizzes import bodies
from school.quizzes.bank.formats import common
from school.quizzes.bank.formats.common import File, Loss, Note, Written
from school.quizzes.bank.formats.gift import FORMAT
from school.quizzes.bank.models import QuestionKind
from school.quizzes.bank.rules import Draft

_WRITTEN = str.maketrans({**{sign: f"\\{sign}" for sign in "~=#{}:\\"}, "\n": "\\n"})
STAR = "\\*"  # a bare one stands for any words
_LIKE_A_MARK = ("[", "//", "%")  # an answer that begins so would be taken for a format, a comment or a weight
# Moodle's plugin for ordering reads its lines as they are: no sign is escaped, and feedback would be one more item.
_NOT_IN_ORDER = re.compile(r"[{}\\<]|####|^//|^::|^\$CATEGORY:")
_NO_MEDIA = N_("GIFT 带不了图片和声音，这道题没有写进文件。")
_LIMIT = N_("没有带上字数上限。")
_MODEL = N_("没有带上参考答案。")
_EXPLANATION = N_("没有带上解析。")
_BASIS = N_("没有带上依据。")
_BLANKS = N_("GIFT 一道题只能有一处填空，这道题没有写进文件。")
_ARROW = N_("连线题的左边有“->”，GIFT 分不清左右，这道题没有写进文件。")
_SIGNS = N_("排序题里有 GIFT 写不了的符号，这道题没有写进文件。")


def write(drafts: Sequence[Draft], files: Mapping[int, File]) -> Written:
    """The questions as a GIFT file with their categories; tags and fields stand in comments that Moodle reads too."""
    blocks: list[str] = []
    losses: list[Loss] = []
    category = ""
    for index, draft in enumerate(drafts):
        answers = _answers(draft)
        if isinstance(answers, Note):
            losses.append(Loss(index, answers, whole=True))
            continue
        if draft.category != category:
            category = draft.category
            blocks.append(f"$CATEGORY: {common.category_path(category)}")
        losses += [Loss(index, Note(message)) for message in _lost(draft)]
        tags = " ".join(f"[tag:{tag.replace(']', chr(92) + ']')}]" for tag in common.tags_of(draft))
        comment = f"// {tags}\n" if tags else ""
        feedback = "" if draft.kind == QuestionKind.ORDER else common.feedback_of(draft)
        told = f"####[plain]{feedback.translate(_WRITTEN)}" if feedback else ""
        blocks.append(f"{comment}[plain]{_stem(draft)}{{{answers}{told}}}")
    return Written(("\n\n".join(blocks) + "\n").encode(), tuple(losses))


def _lost(draft: Draft) -> list[str]:
    """What the file leaves out of a question that it holds."""
    if draft.kind == QuestionKind.SHORT:
        return [_MODEL] * bool(draft.key["model"]) + [_LIMIT] * (draft.body["limit"] != 500)
    if draft.kind == QuestionKind.ORDER:
        return [_EXPLANATION] * bool(draft.explanation) + [_BASIS] * bool(draft.basis)
    return []


def _stem(draft: Draft) -> str:
    stem: str = draft.body["stem"].translate(_WRITTEN)
    # five make Moodle show the field there
    return stem.replace(bodies.BLANK, "_____") if draft.kind == QuestionKind.FILL else stem


def _told(text: str) -> str:
    """`text` so that it is read back as itself: signs escaped, and no beginning taken for a mark."""
    return ("[plain]" if text.startswith(_LIKE_A_MARK) else "") + text.translate(_WRITTEN)


def _answers(draft: Draft) -> str | Note:
    """What stands between the braces, or why the question cannot be written."""
    body, key = draft.body, draft.key
    if bodies.files(body):
        return Note(_NO_MEDIA)
    if draft.kind == QuestionKind.JUDGE:
        return "TRUE" if key["right"] else "FALSE"
    if draft.kind == QuestionKind.SHORT:
        return ""
    if draft.kind == QuestionKind.FILL:
        if body["blanks"] != 1:
            return Note(_BLANKS)
        return "\n" + "".join(f"\t=%100%{_told(each).replace('*', STAR)}\n" for each in key["blanks"][0])
    if draft.kind == QuestionKind.MATCH:
        return _pairs(body, key["pairs"])
    texts = [option["text"] for option in body["options"]]
    if draft.kind == QuestionKind.ORDER:
        if "{" in body["stem"] or any(_NOT_IN_ORDER.search(text) or FORMAT.match(text) for text in texts):
            return Note(_SIGNS)
        items = "".join(f"{texts[place]}\n" for place in key["order"])
        return f">{len(texts)} ALL VERTICAL ABSOLUTE_POSITION SHOW none\n{items}"
    if draft.kind == QuestionKind.SINGLE:
        marks = ["=" if place in key["right"] else "~" for place in range(len(texts))]
    else:
        share = f"{100 / len(key['right']):.5f}".rstrip("0").rstrip(".")
        marks = [f"~%{share}%" if place in key["right"] else "~%-100%" for place in range(len(texts))]
    return "\n" + "".join(f"\t{mark}{_told(text)}\n" for mark, text in zip(marks, texts, strict=True))


def _pairs(body: Mapping[str, Any], pairs: Sequence[int]) -> str | Note:
    """The pairs of a matching question, then the rights that belong to no left; Moodle knows no format on the right."""
    if any("->" in left["text"] for left in body["left"]):
        return Note(_ARROW)
    texts = [right["text"] for right in body["right"]]
    rights = [_told(text) if FORMAT.match(text) else text.translate(_WRITTEN) for text in texts]
    written = [(_told(left["text"]), rights[place]) for left, place in zip(body["left"], pairs, strict=True)]
    written += [("", right) for place, right in enumerate(rights) if place not in pairs]
    return "\n" + "".join(f"\t={left} -> {right}\n" for left, right in written)
