"""Questions as others keep them: xlsx, Moodle XML, GIFT and Aiken, read into drafts and written from them (no database)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from school.core.errors import Invalid
from school.core.i18n import N_
from school.core.text import nfkc
from school.quizzes.bank.formats import aiken, gift, gift_out, moodle_xml, moodle_xml_out, xlsx, xlsx_out
from school.quizzes.bank.formats.common import NOT_TEXT, Batch, File, Item, Loss, Note, Problem, Written, decoded
from school.quizzes.bank.rules import Draft

__all__ = [
    "FORMATS",
    "NAMES",
    "Batch",
    "File",
    "Format",
    "Item",
    "Loss",
    "Note",
    "Problem",
    "Written",
    "guessed",
    "read",
    "write",
]


class Format(StrEnum):
    XLSX = "xlsx"
    MOODLE_XML = "moodle_xml"
    GIFT = "gift"
    AIKEN = "aiken"


NAMES = {
    Format.XLSX: N_("Excel 表格（.xlsx）"),
    Format.MOODLE_XML: N_("Moodle XML（.xml）"),
    Format.GIFT: N_("GIFT（.txt）"),
    Format.AIKEN: N_("Aiken（.txt）"),
}
FORMATS: dict[Format, tuple[str, str]] = {  # ending and type of a file
    Format.XLSX: ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    Format.MOODLE_XML: ("xml", "application/xml"),
    Format.GIFT: ("gift.txt", "text/plain; charset=utf-8"),
    Format.AIKEN: ("aiken.txt", "text/plain; charset=utf-8"),
}
_READERS: dict[Format, Callable[[bytes, str], Batch]] = {
    Format.XLSX: xlsx.read,
    Format.MOODLE_XML: moodle_xml.read,
    Format.GIFT: gift.read,
    Format.AIKEN: aiken.read,
}
_WRITERS: dict[Format, Callable[[Sequence[Draft], Mapping[int, File]], Written]] = {
    Format.XLSX: xlsx_out.write,
    Format.MOODLE_XML: moodle_xml_out.write,
    Format.GIFT: gift_out.write,
    Format.AIKEN: aiken.write,
}
_ANSWER_LINE = re.compile(rf"^\s*【?{aiken.ANSWER_WORDS}\s*[:】]", re.IGNORECASE | re.MULTILINE)


def guessed(data: bytes) -> Format:
    """The format of a file by what it holds. Raises Invalid (`import.not_text`, `import.unknown`)."""
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return Format.XLSX
    if data[:200].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return Format.MOODLE_XML
    if data.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8")):
        raise Invalid("import.not_text", NOT_TEXT)
    text = decoded(data)
    if text.lstrip().startswith("<"):  # in UTF-16
        return Format.MOODLE_XML
    answers, braces = len(_ANSWER_LINE.findall(nfkc(text))), len(re.findall(r"(?<!\\)\{", text))
    if answers > braces:
        return Format.AIKEN
    if braces or "$CATEGORY:" in text:
        return Format.GIFT
    raise Invalid("import.unknown", N_("没有认出这是哪种题库文件。请上传 Excel 表格、Moodle XML、GIFT 或 Aiken 文件。"))


def read(form: Format, data: bytes, category: str) -> Batch:
    """What the file holds; questions that name no category go into `category`. Raises Invalid, TooLarge for the whole."""
    return _READERS[form](data, category)


def write(form: Format, drafts: Sequence[Draft], files: Mapping[int, File]) -> Written:
    """The questions in one file and what it does not carry of them; `files` by the ids that their `media` name."""
    return _WRITERS[form](drafts, files)
