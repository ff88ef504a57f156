"""Moodle's embedded answers (cloze): the ones that are words to fill in, as the blanks of one question, and back."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from school.core.i18n import N_
from school.quizzes import bodies
from school.quizzes.bank.formats import common
from school.quizzes.bank.formats.common import NotCarried, Note, refused
from school.webkit import markup

_PLACE = re.compile(r"\{\s*(\d*)\s*:\s*([A-Z_]+)\s*:((?:\\.|[^\\}])*)\}", re.DOTALL)
_EXACT_CASE = {"SHORTANSWER_C", "SAC", "MWC"}
_WORDS = {"SHORTANSWER", "SA", "MW"} | _EXACT_CASE
_NUMBERS = {"NUMERICAL", "NM"}
_WEIGHT = re.compile(r"%(-?\d+(?:\.\d+)?)%")
_ESCAPED = re.compile(r"\\([~#}\\/\"*=%])")
_WILD = re.compile(r"(?<!\\)\*")
_ZERO = re.compile(r"0*\.?0*")
_SPECIAL = re.compile(r'[~#}\\"*]')
_LINE = re.compile(r"[_＿]{2,}")


@dataclass(slots=True)
class Gapped:
    """What a text with embedded answers asks: its HTML with blanks, what each takes, what was lost, what was said to whom."""

    stem: str = ""
    blanks: list[list[str]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    feedback: list[tuple[str, str]] = field(default_factory=list)

    def note(self, lost: bool, message: str, **params: str) -> None:
        note = Note(message, params)
        if lost and note not in self.notes:
            self.notes.append(note)


def read(text: str) -> Gapped:
    """The HTML `text` with a blank for each place. NotCarried when a place is a choice or a number with a margin."""
    found = Gapped()
    worth = set()

    def place(match: re.Match[str]) -> str:
        kind = match[2]
        if kind not in _WORDS | _NUMBERS:
            raise NotCarried("import.cloze", N_("这道完形题里有下拉或单选的空，题库里没有这种题型，没有收下。"))
        taken, part = _answers(found, match[3], numbers=kind in _NUMBERS)
        if not taken:
            raise refused("right", N_("完形题第 %(no)d 处没有正确答案。"), no=len(found.blanks) + 1)
        found.note(bool(part), common.PART_ANSWERS, answers="、".join(part)[:100])
        found.note(kind in _EXACT_CASE, common.CASE)
        found.note(kind in _NUMBERS, common.EXACT_NUMBER)
        found.blanks.append(taken)
        worth.add(int(match[1] or 1))
        return bodies.BLANK

    found.stem = _PLACE.sub(place, _LINE.sub("＿", text))
    if not found.blanks:
        raise refused("cloze", N_("完形题里没有找到要填的地方。"))
    found.note(len(worth) > 1, N_("各处空原来的分值不同，这里一样看待。"))
    return found


def _answers(found: Gapped, inside: str, *, numbers: bool) -> tuple[list[str], list[str]]:
    """What earns all and what earns a part."""
    full, part, wild = [], [], []
    for each in re.split(r"(?<!\\)~", inside):
        raw, *told = re.split(r"(?<![\\&])#", each.strip(), maxsplit=1)
        said, weight = raw.strip(), 0.0
        if said.startswith("="):
            weight, said = 100.0, said[1:]
        elif match := _WEIGHT.match(said):
            weight, said = float(match[1]), said[match.end() :]
        star = weight >= 99 and _WILD.search(said) is not None
        said = markup.plain(_ESCAPED.sub(r"\1", said)).text
        if told:
            answer = common.OTHERWISE if said == "*" else said
            found.feedback.append((answer, markup.plain(_ESCAPED.sub(r"\1", told[0])).text))
        if numbers and weight > 0:
            said, _, margin = said.partition(":")
            if _ZERO.fullmatch(margin.strip()) is None:
                raise NotCarried(
                    "import.numerical", N_("这道完形题里有带误差范围的数值，题库里没有这种题型，没有收下。")
                )
        if star:
            wild.append(said)
        if weight >= 99:
            full.append(said)
        elif weight > 0:
            part.append(said)
    found.note(bool(wild), common.WILDCARD, answers="、".join(wild)[:100])
    return full, part


def write(stem: str, blanks: Sequence[Sequence[str]]) -> str:
    """The stem as HTML with its blanks as short answers."""
    pieces = stem.split(bodies.BLANK)
    places = ["{1:SHORTANSWER:" + "~".join(f"={_escaped(each)}" for each in taken) + "}" for taken in blanks]
    whole = html.escape(pieces[0], quote=False)
    for place, piece in zip(places, pieces[1:], strict=True):
        whole += place + html.escape(piece, quote=False)
    return "".join(f"<p>{line}</p>" for line in whole.split("\n"))


def _escaped(text: str) -> str:
    """A sign of the format after a backslash; a backslash itself only as an entity, for it cannot end an answer."""
    escaped = html.escape(text, quote=False)
    return _SPECIAL.sub(lambda sign: "&#92;" if sign[0] == "\\" else f"\\{sign[0]}", escaped)
