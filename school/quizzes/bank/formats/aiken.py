"""Aiken: a stem in a line, options `A)` or `A.`, and `ANSWER: B`; single choice and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from school.core.i18n import N_
from school.core.text import nfkc, tidy
from school.quizzes.bank.formats.common import ANSWER_WANTED, Batch, File, Loss, Note, Written, decoded, refused
from school.quizzes.bank.models import QuestionKind
from school.quizzes.bank.rules import Draft

_OPTION = re.compile(r"(?:[(（](?=[A-ZＡ-Ｚ][)）]))?([A-Za-zＡ-Ｚ])\s?([).）、．:：])\s*(.*)")
ANSWER_WORDS = "(?:CORRECT ANSWER|ANSWER|正确答案|参考答案|标准答案|答案)"
_ANSWER = re.compile(rf"(?:【{ANSWER_WORDS}】\s*:?|{ANSWER_WORDS}\s*:)\s*(.*)", re.IGNORECASE)
_MORE_WORDS = "(?:ANSWER_EXPLANATION|EXPLANATION|FEEDBACK|答案解析|试题解析|解析)"
_MORE = re.compile(rf"(?:【{_MORE_WORDS}】\s*[:：]?|{_MORE_WORDS}\s*[:：])\s*(.*)", re.IGNORECASE)
LINES = 20  # of one option or one explanation, at most
_LETTER = re.compile(r"[A-Za-zＡ-Ｚ]")
_LETTERS = re.compile(r"[A-Z](?:\s*(?:[,、;/&+]|AND)?\s*[A-Z])+[.。]?")
_BRACKETS = re.compile(r"[(\[]\s*(.*?)\s*[)\]]")


@dataclass(slots=True)
class _Open:
    line: int
    stem: list[str]
    options: dict[str, str] = field(default_factory=dict)
    answer: str = ""
    explanation: str = ""


def read(data: bytes, category: str) -> Batch:
    """The questions of an Aiken file; places are lines. Raises Invalid (`import.not_text`)."""
    batch = Batch()
    now: _Open | None = None
    blank = True  # the line before was empty
    stray = False  # it was an option of no question
    explains = False  # it was of an explanation
    lines = [raw.strip().strip("\u200b\ufeff") for raw in decoded(data).split("\n")]

    def close(number: int) -> None:
        nonlocal now
        if now is not None:
            with batch.question(now.line, now.stem[0]):
                _take(batch, now, category)
        now = None

    for number, line in enumerate(lines, 1):
        if not line:
            blank = True
            continue
        stray, lonely = False, stray and not blank
        if match := _MORE.fullmatch(line):
            if now is not None and now.answer:
                now.explanation = match[1]
            blank, explains = False, now is not None
            continue
        explains = explains and not blank and _ends_in_a_gap(lines[number - 1 : number + LINES])
        if explains and now is not None:
            now.explanation += "\n" + line
            continue
        if now is not None and now.answer == "?" and not blank and _LETTER.fullmatch(line):
            now.answer = line  # `ANSWER:` and the letter under it
            continue
        if now is not None and now.answer:
            close(number)
        if answer := _answer(line):
            if now is None:
                batch.refuse(number, line, refused("stray", N_("这里有答案，前面却没有题目。")))
            else:
                now.answer = answer
        elif now is not None and (match := _OPTION.fullmatch(line)) and _follows(now, match):
            now.options[_letter(match)] = match[3]
        elif now is not None and not now.options and not blank:
            now.stem.append(line)
        elif now is not None and now.options and not blank and _goes_on(now, lines[number - 1 : number + LINES]):
            now.options[list(now.options)[-1]] += "\n" + line
        elif (
            now is None
            and (match := _OPTION.fullmatch(line))
            and match[2] in ").）"
            and (lonely or _letter(match) == "A")
        ):
            stray = True
            batch.refuse(number, line, refused("stray", N_("这里有选项，前面却没有题目。")))
        else:
            close(number)
            now = _Open(number, [line])
        blank = False
    close(0)
    return batch


def _answer(line: str) -> str:
    """What a line of an answer says, in plain letters, `?` when it says nothing; empty for any other line."""
    match = _ANSWER.fullmatch(nfkc(line))
    return match[1].strip() or "?" if match else ""


def _ends_in_a_gap(below: Sequence[str]) -> bool:
    """Whether no answer comes before the next empty line: these lines are not yet another question."""
    return not any(_answer(line) for line in takewhile(bool, below))


def _letter(match: re.Match[str]) -> str:
    letter = match[1].upper()
    return chr(ord(letter) - 0xFEE0) if letter > "Z" else letter


def _follows(now: _Open, match: re.Match[str]) -> bool:
    """Whether the line is this question's next option, and not a text that happens to begin like one (`I. `, `U.S.`)."""
    letter = _letter(match)
    return letter not in now.options if now.options else letter == "A"


def _goes_on(now: _Open, below: Sequence[str]) -> bool:
    """Whether a line under an option belongs to it: the next option or the answer comes before a gap or a new `A`."""
    for line in below:
        if not line or _answer(line):
            return bool(line)
        if match := _OPTION.fullmatch(line):
            return _follows(now, match)
    return False


def _take(batch: Batch, now: _Open, category: str) -> None:
    if not now.answer:
        raise refused("unfinished", N_("这道题没写完：缺少 ANSWER 一行。"))
    if now.answer == "?":
        raise refused("answer", ANSWER_WANTED)
    if len(now.options) < 2:
        raise refused("options", N_("这道题至少要有两个选项。"))
    letters = list(now.options)
    told = _BRACKETS.sub(r"\1", nfkc(now.answer).upper(), count=1)
    chosen = (
        re.findall("[A-Z]", told.replace("AND", "")) if _LETTERS.fullmatch(told) else re.findall(r"^([A-Z])\b", told)
    )
    if not chosen:
        raise refused("answer", N_("没有看懂答案“%(answer)s”，请写选项的字母。"), answer=now.answer[:40])
    if missing := [letter for letter in chosen if letter not in letters]:
        raise refused("answer", N_("答案是 %(letter)s，可是没有这个选项。"), letter=missing[0])
    kind = QuestionKind.SINGLE if len(set(chosen)) == 1 else QuestionKind.MULTIPLE
    batch.add(
        now.line,
        Draft(
            kind=kind,
            body={"stem": "\n".join(now.stem), "options": list(now.options.values())},
            key={"right": [letters.index(letter) for letter in chosen]},
            category=category,
            explanation=now.explanation,
        ),
        [Note(N_("答案有几个字母，按多选题收下。"))] if kind == QuestionKind.MULTIPLE else (),
    )


# ── writing ─────────────────────────────────────────────

_LOST = (
    ("explanation", N_("没有带上解析。")),
    ("basis", N_("没有带上依据。")),
    ("tags", N_("没有带上标签。")),
    ("valid_from", N_("没有带上有效期。")),
    ("valid_until", N_("没有带上有效期。")),
)


def write(drafts: Sequence[Draft], files: Mapping[int, File]) -> Written:
    """The single choice questions among `drafts` as an Aiken file."""
    blocks, losses = [], []
    for index, draft in enumerate(drafts):
        if (reason := _cannot(draft)) is not None:
            losses.append(Loss(index, Note(reason), whole=True))
            continue
        lost = dict.fromkeys(message for name, message in _LOST if getattr(draft, name))
        losses.extend(Loss(index, Note(message)) for message in lost)
        losses.append(Loss(index, Note(N_("没有带上分类。"))))
        if draft.difficulty != 1:
            losses.append(Loss(index, Note(N_("没有带上难度。"))))
        if "\n" in draft.body["stem"]:
            losses.append(Loss(index, Note(N_("题干的几行并成了一行。"))))
        options = draft.body["options"]
        lines = [f"{chr(65 + place)}) {option['text']}" for place, option in enumerate(options)]
        blocks.append("\n".join([tidy(draft.body["stem"]), *lines, f"ANSWER: {chr(65 + draft.key['right'][0])}"]))
    return Written(("\n\n".join(blocks) + "\n").encode(), tuple(losses))


def _cannot(draft: Draft) -> str | None:
    if draft.kind != QuestionKind.SINGLE:
        return N_("Aiken 只能写单选题，这道题没有写进文件。")
    options = draft.body["options"]
    if draft.body["media"] or any(option["media"] for option in options):
        return N_("Aiken 带不了图片和声音，这道题没有写进文件。")
    stem = tidy(draft.body["stem"])
    if _OPTION.fullmatch(stem) or _answer(stem) or _MORE.fullmatch(stem):
        return N_("题干看起来像选项或答案，这道题没有写进文件。")
    return None
