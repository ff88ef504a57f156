"""Moodle's embedded answers (cloze): the ones that are words to fill in, as the blanks of one question, and back."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from school.core.i18n import N_
from school.quizzes import bodies
from school.quizzes.bank.formats.common import PART_ANSWERS, NotCarried, Note, refused
from school.webkit import markup

_PLACE = re.compile(r"\{\s*(\d*)\s*:\s*([A-Z_]+)\s*:((?:\\.|[^\\}])*)\}", re.DOTALL)
_WORDS = {"SHORTANSWER", "SA", "MW", "SHORTANSWER_C", "SAC", "MWC"}
_NUMBERS = {"NUMERICAL", "NM"}
_WEIGHT = re.compile(r"%(-?\d+(?:\.\d+)?)%")
_ESCAPED = re.compile(r"\\([~#}\\/\"*=%])")
_ZERO = re.compile(r"0*\.?0*")
_SPECIAL = re.compile(r'[~#}\\"*]')
_LINE = re.compile(r"[_＿]{2,}")


def read(text: str) -> tuple[str, list[list[str]], list[Note]]:
    """The HTML `text` with a blank for each place, what each takes, and notes. NotCarried when a place is a choice."""
    blanks: list[list[str]] = []
    notes: list[Note] = []

    def place(match: re.Match[str]) -> str:
        kind = match[2]
        if kind not in _WORDS | _NUMBERS:
            raise NotCarried("import.cloze", N_("这道完形题里有下拉或单选的空，题库里没有这种题型，没有收下。"))
        taken, part = _answers(match[3], numbers=kind in _NUMBERS)
        if not taken:
            raise refused("right", N_("完形题第 %(no)d 处没有正确答案。"), no=len(blanks) + 1)
        if part:
            notes.append(Note(PART_ANSWERS, {"answers": "、".join(part)[:100]}))
        blanks.append(taken)
        return bodies.BLANK

    stem = _PLACE.sub(place, _LINE.sub("＿", text))
    if not blanks:
        raise refused("cloze", N_("完形题里没有找到要填的地方。"))
    return stem, blanks, notes


def _answers(inside: str, *, numbers: bool) -> tuple[list[str], list[str]]:
    """What earns all and what earns a part."""
    full, part = [], []
    for each in re.split(r"(?<!\\)~", inside):
        said = re.split(r"(?<![\\&])#", each.strip(), maxsplit=1)[0].strip()
        weight = 0.0
        if said.startswith("="):
            weight, said = 100.0, said[1:]
        elif match := _WEIGHT.match(said):
            weight, said = float(match[1]), said[match.end() :]
        said = markup.plain(_ESCAPED.sub(r"\1", said)).text
        if numbers and weight > 0:
            said, _, margin = said.partition(":")
            if _ZERO.fullmatch(margin.strip()) is None:
                raise NotCarried(
                    "import.numerical", N_("这道完形题里有带误差范围的数值，题库里没有这种题型，没有收下。")
                )
        if weight >= 99:
            full.append(said)
        elif weight > 0:
            part.append(said)
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
