"""Captions of a replay: a WebVTT file somebody made elsewhere, read into plain cues and written anew. Pure.

Nothing of the file is passed on as it came: no styles, no regions, no markup, no settings, only times and text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from school.core.errors import Invalid
from school.core.i18n import N_
from school.core.text import tidy

LIMIT = 1024 * 1024  # bytes of a file
CUES = 20_000
TEXT = 300  # characters of a cue
_TIME = r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]\d)[.,](\d{3})"  # WebVTT writes a point, SubRip a comma
_TIMING = re.compile(rf"\s*{_TIME}\s+-->\s+{_TIME}(?:\s.*)?$")
_TAG = re.compile(r"</?[^<>\n]*>")
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&nbsp;": " ", "&lrm;": "", "&rlm;": ""}

UNREADABLE = N_("这个文件读不出字幕。请选择 .vtt 或 .srt 字幕文件，用 UTF-8 编码保存后再传。")


@dataclass(frozen=True, slots=True)
class Cue:
    """`text` (lines) is shown from `from_ms` to `to_ms` of the recording."""

    from_ms: int
    to_ms: int
    text: str


def read(data: bytes) -> list[Cue]:
    """The cues of a WebVTT or SubRip file in order. Invalid (`captions.unreadable`, `captions.large`)."""
    if len(data) > LIMIT:
        raise Invalid("captions.large", N_("字幕文件太大，最多 1 MB。请检查是不是选错了文件。"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("captions.unreadable", UNREADABLE) from None
    cues = [cue for block in re.split(r"\n[ \t]*\n", _lines(text)) if (cue := _cue(block.split("\n")))]
    if not cues or len(cues) > CUES:
        raise Invalid("captions.unreadable", UNREADABLE)
    return sorted(cues, key=lambda cue: (cue.from_ms, cue.to_ms))


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _cue(lines: list[str]) -> Cue | None:
    """The cue of a block: a timing line, perhaps after a name, and text below; None for everything else."""
    for number, line in enumerate(lines[:2]):
        if found := _TIMING.match(line):
            start, end = _ms(found.groups()[:4]), _ms(found.groups()[4:])
            words = "\n".join(filter(None, (_plain(each) for each in lines[number + 1 :])))[:TEXT]
            return Cue(start, end, words) if words and end > start else None
    return None


def _ms(pieces: tuple[str | None, ...]) -> int:
    hours, minutes, seconds, rest = (int(piece or 0) for piece in pieces)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest


def _plain(line: str) -> str:
    """The words of a line, without markup."""
    line = _TAG.sub("", line)
    for name, sign in _ENTITIES.items():
        line = line.replace(name, sign)
    return tidy(line)


def write(cues: list[Cue]) -> str:
    """A WebVTT file of plain cues."""
    blocks = [f"{_stamp(cue.from_ms)} --> {_stamp(cue.to_ms)}\n{_escaped(cue.text)}" for cue in cues]
    return "\n\n".join(["WEBVTT", *blocks]) + "\n"


def _stamp(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{rest:03}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
