"""Markdown as the plain lines a question is made of: its marks are taken away, its pictures named, its code kept as it is."""

from __future__ import annotations

import re

from school.webkit import markup

LONGEST = 20_000  # characters; a longer text fits into no question and is left as it is
_HIDING = 0xF0000  # the first of the private signs that stand for code and formulas while marks are looked for

_FENCE = re.compile(r"\s{0,3}(?:`{3,}|~{3,})[^`]*")
_VERBATIM = re.compile(r"(`+)(?!`)(.{1,500}?)(?<!`)\1(?!`)|(\$\$.{1,500}?\$\$|\$[^$\n]{1,500}\$)")
_ESCAPED = re.compile(r"\\([*_`#>!|~.+-])")
_PICTURE = re.compile(r"!\[([^\]\n]{0,200}+)\]\(([^)\s]{1,300}+)[^)\n]{0,200}+\)")
_LINK = re.compile(r"\[([^\]\n]{1,200}+)\]\([^)\s]{1,300}+[^)\n]{0,200}+\)")
_RULE = re.compile(r"\s*(?:(?:-\s*){3,}|(?:\*\s*){3,})")  # not of underscores: they are a blank
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*?)(?:\s+#+)?\s*")
_QUOTED = re.compile(r"\s{0,3}>\s?")
_ROW = re.compile(r"\s*\|(.*)\|\s*")
_UNDER_HEAD = re.compile(r"[\s:|-]+")
_MARKS = (
    re.compile(r"\*\*(?=\S)(.{1,500}?)(?<=\S)\*\*"),
    re.compile(r"(?<![\w_])__(?=[^\s_])(.{1,500}?)(?<=[^\s_])__(?![\w_])"),
    re.compile(r"~~(?=\S)(.{1,500}?)(?<=\S)~~"),
    re.compile(r"(?<![A-Za-z0-9*])\*(?=[^\s*])([^*\n]{1,500}?)(?<=[^\s*])\*(?![A-Za-z0-9*])"),
    re.compile(r"(?<![\w_])_(?=[^\s_])([^_\n]{1,500}?)(?<=[^\s_])_(?![\w_])"),
)


def plain(text: str) -> markup.Plain:
    """The text of `text` in lines, the files it shows as (address, alt), and what was lost on the way."""
    if len(text) > LONGEST:
        return markup.Plain(text)
    hidden: list[str] = []
    looks = table = False

    def hide(piece: str) -> str:
        hidden.append(piece)
        return chr(_HIDING + len(hidden) - 1)

    lines, fenced = [], False
    for line in text.split("\n"):
        if _FENCE.fullmatch(line):
            fenced, looks = not fenced, True
        elif fenced:
            lines.append(hide(line) if line.strip() else "")
        elif not _RULE.fullmatch(line):
            lines.append(line)
    text = "\n".join(lines)
    text = _VERBATIM.sub(lambda found: hide(found[2] if found[1] else found[3]), text)
    looks |= any(not piece.startswith("$") for piece in hidden)
    text = _ESCAPED.sub(lambda found: hide(found[1]), text)

    files = [(address, alt) for alt, address in _PICTURE.findall(text)]
    text, links = _LINK.subn(r"\1", _PICTURE.sub("", text))
    lines = []
    for line in text.split("\n"):
        line = _QUOTED.sub("", line, count=1)
        if heading := _HEADING.fullmatch(line):
            line, looks = heading[1], True
        elif row := _ROW.fullmatch(line):
            table = True
            line = "" if _UNDER_HEAD.fullmatch(row[1]) else "　".join(cell.strip() for cell in row[1].split("|"))
        lines.append(line)
    text = "\n".join(lines)
    for mark in _MARKS:
        text, times = mark.subn(r"\1", text)
        looks |= times > 0

    found = markup.plain(text.replace("\n", "<br>")) if markup.is_html(text) else markup.Plain(_tidied(text))
    shown = {_HIDING + place: piece for place, piece in enumerate(hidden)}
    found.text = found.text.translate(shown)
    found.files = [(address.translate(shown), alt.translate(shown)) for address, alt in files] + found.files
    found.looks, found.table, found.links = found.looks or looks, found.table or table, found.links or links > 0
    return found


def _tidied(text: str) -> str:
    return "\n".join(line for line in map(str.strip, text.split("\n")) if line)
