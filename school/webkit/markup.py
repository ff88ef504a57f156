"""HTML from outside as the plain lines a question is made of, and back. The only file that knows nh3."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import nh3

from school.core.errors import Invalid
from school.core.i18n import N_

MOST_TAGS = 2000  # of one piece: what is nested ten thousand deep takes a cleaner minutes

_STRUCTURE = {"p", "div", "br", "li", "ul", "ol", "dl", "dt", "dd", "tr", "td", "th", "table", "tbody", "thead", "hr"}
_STRUCTURE |= {"h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "section", "article", "figure", "figcaption"}
_LOOKS = {"b", "strong", "i", "em", "u", "s", "del", "mark", "code", "font", "big", "small"}  # lost, and said so
_SHOWN = {"img": "src", "audio": "src", "video": "src", "source": "src", "embed": "src", "a": "href"}
_HIDDEN = {"script", "style", "iframe", "object", "svg", "math", "template", "noscript", "textarea", "select", "title"}
_TAGS = _STRUCTURE | _LOOKS | set(_SHOWN) | {"sub", "sup"}
_ATTRIBUTES = {tag: {attribute, "alt"} for tag, attribute in _SHOWN.items()} | {"ol": {"type"}}
_HELD = re.compile(r"<(?:math|svg|iframe|object|textarea|select)\b", re.IGNORECASE)
_RAISED = str.maketrans("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ")
_LOWERED = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
_TAG = re.compile(
    r"</?(?:p|br|div|span|b|i|u|em|strong|sub|sup|img|ul|ol|li|a|table|tbody|tr|td|th|h[1-6]|pre|code|blockquote|font"
    r"|audio|video)(?:\s[^<>]*)?/?>|&(?:nbsp|amp|lt|gt|quot|#\d{1,6}|#x[0-9a-f]{1,5});",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Plain:
    """What is left of HTML: `text` in lines, the files it showed as (address, alt), and what was lost on the way."""

    text: str = ""
    files: list[tuple[str, str]] = field(default_factory=list)
    looks: bool = False  # bold, italics, colours
    table: bool = False  # its cells now stand in one line
    held: bool = False  # formulas, drawings, frames and fields: left out whole
    links: bool = False  # addresses under words


def is_html(text: str) -> bool:
    """Whether `text` of an unnamed format is meant as HTML: it has tags or entities people write."""
    return _TAG.search(text) is not None


def plain(text: str) -> Plain:
    """The HTML `text` without markup: paragraphs, items and rows are lines; scripts, frames and hidden things are gone.

    Items of a list that counts keep their number. Raises Invalid (`markup.many`).
    """
    if text.count("<") > MOST_TAGS:
        raise Invalid("markup.many", N_("这段文字里的格式标记太多，读不了。请在原来的软件里清除格式，再导出一次。"))
    reader = _Reader()
    reader.found.held = _HELD.search(text) is not None
    reader.feed(
        nh3.clean(
            text,
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            clean_content_tags=_HIDDEN,
            link_rel=None,
            url_schemes={"http", "https", "data"},
        )
    )
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).split("\n"))
    reader.found.text = "\n".join(filter(None, lines))
    return reader.found


def from_plain(text: str) -> str:
    """Lines as HTML paragraphs; a single line stands alone."""
    lines = [html.escape(line, quote=False) for line in text.split("\n")]
    return lines[0] if len(lines) == 1 else "".join(f"<p>{line}</p>" for line in lines)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = Plain()
        self.pieces: list[str] = []
        self._shift: list[dict[int, int]] = []
        self._kept = 0
        self._playing = 0  # inside a sound or video: what stands there is for programs that play none
        self._lists: list[tuple[str, int]] = []  # the type of each open list ("": it does not count) and its last item

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SHOWN:
            known = dict(attrs)
            address = known.get(_SHOWN[tag])
            if address and (tag != "a" or "@@PLUGINFILE@@" in address):
                self.found.files.append((address, known.get("alt") or ""))
            self._playing += tag in {"audio", "video"}
            self.found.links |= tag == "a" and (address or "").startswith("http")
        elif tag in {"sub", "sup"}:
            self._shift.append(_RAISED if tag == "sup" else _LOWERED)
        elif tag in {"td", "th"}:
            self.found.table = True
            self.pieces.append("　")
        elif tag in _STRUCTURE:
            self._kept += tag == "pre"
            self.pieces.append("\n")
            self._count(tag, dict(attrs).get("type") or "1")
        self.found.looks |= tag in _LOOKS

    def handle_endtag(self, tag: str) -> None:
        if tag in {"audio", "video"}:
            self._playing -= 1
        elif tag in {"sub", "sup"}:
            if self._shift:
                self._shift.pop()
        elif tag in _STRUCTURE and tag not in {"td", "th"}:
            self._kept -= tag == "pre"
            self.pieces.append("\n")
            if tag in {"ol", "ul"} and self._lists:
                self._lists.pop()

    def _count(self, tag: str, sort: str) -> None:
        """The number or letter of an item: a question may speak of it (`1 和 3 对`)."""
        if tag in {"ol", "ul"}:
            self._lists.append((sort if tag == "ol" else "", 0))
        elif tag == "li" and self._lists and self._lists[-1][0]:
            sort, number = self._lists[-1][0], self._lists[-1][1] + 1
            self._lists[-1] = (sort, number)
            lettered = sort in {"A", "a"} and number <= 26
            self.pieces.append(f"{chr(ord(sort) + number - 1) if lettered else number}. ")

    def handle_data(self, data: str) -> None:
        if self._playing:
            return
        if not self._kept:
            data = data.replace("\n", " ")
        if self._shift and data.strip():
            shift = self._shift[-1]
            if all(ord(sign) in shift for sign in data.strip()):
                data = data.translate(shift)
            else:
                data = f"{'^' if shift is _RAISED else '_'}({data.strip()})"
        self.pieces.append(data)
