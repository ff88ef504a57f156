"""Excel workbooks that people send: looked over as the hostile archives they may be, then read. The only file that knows calamine."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

from python_calamine import CalamineError, CalamineWorkbook

from school.core.errors import Invalid, TooLarge
from school.core.i18n import N_
from school.webkit.xml_in import Unreadable, tree

MOST_BYTES = 160 * 1024**2  # of all parts, unpacked
MOST_PARTS = 5_000
MOST_TEXT = 300 * 1024**2  # of all cells, each with its own copy of its words
MOST_ROWS = 99_999
MOST_COLUMNS = 52  # A to AZ
MOST_CELLS = MOST_ROWS * 20
MOST_PICTURES = 2_000

# A cell or row far outside: one stray word there makes a reader ask for a table of sixteen thousand columns.
_REFERENCE = rb"(?:[B-Zb-z][A-Za-z]\d|[A-Za-z]{3}|[A-Za-z]{0,2}\d{6})"
_FAR = re.compile(rb" r=\"" + _REFERENCE)  # as programs write it: a search for fixed signs is a fast one
_FAR_ODDLY = re.compile(rb"\sr\s*=\s*[\"']" + _REFERENCE)
_STRING_CELL = re.compile(rb"t=\"s\"[^>]*><v>(\d+)</v>")
_EMBED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}embed"
_RID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_IN_CELL = re.compile(r"DISPIMG\(\"(ID_\w+)\"")


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture lying on a sheet with its upper left corner in `row`, `column` (from 0)."""

    row: int
    column: int
    name: str
    data: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class SheetIn:
    """One sheet: all rows from the first on, cells as text, numbers, days or None, and the pictures on it."""

    name: str
    rows: list[list[Any]]
    pictures: list[Shown] = field(default_factory=list)


def read(data: bytes) -> list[SheetIn]:
    """The sheets of a workbook. Slow and blocking; needs no database.

    Raises Invalid (`xlsx.kind`, `xlsx.broken`, `xlsx.far`), TooLarge (`xlsx.large`).
    """
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise Invalid("xlsx.old", N_("这是旧版 Excel 文件（.xls）或加了密码的文件。请去掉密码，另存为 .xlsx 再上传。"))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _look_over(archive)
            names = set(archive.namelist())
            shown = _pictures(archive) if any(name.startswith("xl/media/") for name in names) else {}
            in_cells = _in_cells(archive) if "xl/cellimages.xml" in names else {}
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            sheets = [
                SheetIn(name, book.get_sheet_by_name(name).to_python(skip_empty_area=False), shown.get(name, []))
                for name in book.sheet_names
            ]
    except (zipfile.BadZipFile, zlib.error, CalamineError, Unreadable, KeyError, ValueError,
            NotImplementedError, RuntimeError, OSError, EOFError):  # fmt: skip
        raise Invalid(
            "xlsx.broken",
            N_("这个表格打不开，可能已经损坏，或者不是 .xlsx 文件。请用 Excel 或 WPS 另存为 .xlsx 再上传。"),
        ) from None
    for sheet in sheets if in_cells else ():
        sheet.pictures.extend(_lifted(sheet.rows, in_cells))
    return sheets


# ── looking it over ─────────────────────────────────────


def _look_over(archive: zipfile.ZipFile) -> None:
    """Refuses what would cost more memory than a workbook of people's rows can need.

    Each part is unpacked once: zipfile stops at the size the directory tells, and a directory that lies fails its sum.
    """
    parts = archive.infolist()
    if "xl/workbook.xml" not in archive.namelist():
        raise Invalid("xlsx.kind", N_("这不是 Excel 表格。请用 .xlsx 文件。"))
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_BYTES:
        raise _large()
    strings, cells = 0, 0
    longest = 0
    suspects: list[bytes] = []
    shared = b""
    for part in parts:
        with archive.open(part) as opened:
            content = opened.read()
        if len(content) != part.file_size:
            raise zipfile.BadZipFile(part.filename)
        if part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml"):
            if _FAR.search(content) or (_written_oddly(content) and _FAR_ODDLY.search(content)):
                raise Invalid(
                    "xlsx.far",
                    N_(
                        "表格里有内容写到了很远的地方（第 %(rows)d 行以后或 AZ 列以后）。请删掉多余的行列，再保存上传。"
                    ),
                    rows=MOST_ROWS,
                )
            if content.count(b"<") > MOST_CELLS and _cells(content) > MOST_CELLS:
                raise _large()
            cells += content.count(b't="s"')
            suspects.append(content)
            strings += len(content)
        elif part.filename.lower().endswith("sharedstrings.xml"):
            shared = content
            longest = max(map(len, content.split(b"</si>")), default=0)
    if cells * longest > MOST_TEXT and _told(shared, suspects) + strings > MOST_TEXT:
        raise _large()


def _cells(sheet: bytes) -> int:
    return sheet.count(b"<c ") + sheet.count(b"<c>") + sheet.count(b":c ")


def _written_oddly(sheet: bytes) -> bool:
    """Whether attributes may stand otherwise than as ` r="…"`; told by searches that are far faster than `_FAR_ODDLY`."""
    root = sheet.find(b"<", 1)  # behind the XML declaration and the end of its line
    return (
        sheet.count(b"=") != sheet.count(b'="')
        or b" =" in sheet
        or any(sheet.find(white, root) >= 0 for white in (b"\t", b"\n", b"\r"))
    )


def _told(shared: bytes, sheets: list[bytes]) -> int:
    """Bytes of all string cells, each counted with its own words."""
    lengths = [len(each) for each in shared.split(b"</si>")]
    total = 0
    for sheet in sheets:
        for match in _STRING_CELL.finditer(sheet):
            place = int(match[1][:9])
            total += lengths[place] if place < len(lengths) else 0
            if total > MOST_TEXT:
                return total
        if sheet.count(b't="s"') > len(_STRING_CELL.findall(sheet)):
            return MOST_TEXT + 1  # written in a way that cannot be counted
    return total


def _large() -> TooLarge:
    return TooLarge("xlsx.large", N_("这个表格展开后太大，没有读取。请删掉多余的内容，或者分成几个文件。"))


# ── pictures ────────────────────────────────────────────


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _each(root: Element, name: str) -> Iterator[Element]:
    return (element for element in root.iter() if isinstance(element.tag, str) and _local(element) == name)


def _targets(archive: zipfile.ZipFile, part: str) -> dict[str, str]:
    """The parts that `part` names by relation ids."""
    folder, name = posixpath.split(part)
    rels = f"{folder}/_rels/{name}.rels"
    if rels not in archive.namelist():
        return {}
    found = {}
    for each in _each(tree(archive.read(rels)), "Relationship"):
        target = each.get("Target", "")
        if each.get("TargetMode") != "External":
            path = target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            found[each.get("Id", "")] = path
    return found


def _pictures(archive: zipfile.ZipFile) -> dict[str, list[Shown]]:
    """The pictures on each sheet, by its name."""
    found: dict[str, list[Shown]] = {}
    names = set(archive.namelist())
    sheets = _targets(archive, "xl/workbook.xml")
    for each in _each(tree(archive.read("xl/workbook.xml")), "sheet"):
        part = sheets.get(each.get(_RID, ""), "")
        for drawing in _targets(archive, part).values() if part else ():
            if "/drawings/" in drawing and drawing.endswith(".xml") and drawing in names:
                found.setdefault(each.get("name", ""), []).extend(_drawn(archive, drawing))
    return found


def _drawn(archive: zipfile.ZipFile, drawing: str) -> Iterator[Shown]:
    media = _targets(archive, drawing)
    root = tree(archive.read(drawing))
    for anchor in list(root)[:MOST_PICTURES]:
        corner = next(_each(anchor, "from"), None)
        if corner is None:
            continue
        at = {_local(each): int(each.text or 0) for each in corner}
        for picture in _each(anchor, "pic"):
            if (found := _picture(archive, picture, media)) is not None:
                name, data, alt, _ = found
                yield Shown(at["row"], at["col"], name, data, alt)


def _picture(
    archive: zipfile.ZipFile, picture: Element, media: Mapping[str, str]
) -> tuple[str, bytes, str, str] | None:
    """File name, bytes, description and own name of a `pic` element; None when it shows nothing of this archive."""
    blip = next(_each(picture, "blip"), None)
    part = media.get(blip.get(_EMBED, ""), "") if blip is not None else ""
    if not part or part not in archive.namelist():
        return None
    facts = next(_each(picture, "cNvPr"), None)
    alt, name = (facts.get("descr", ""), facts.get("name", "")) if facts is not None else ("", "")
    return posixpath.basename(part), archive.read(part), alt, name


def _in_cells(archive: zipfile.ZipFile) -> dict[str, tuple[str, bytes, str]]:
    """The pictures that WPS keeps inside cells, by the name the cell's formula says."""
    media = _targets(archive, "xl/cellimages.xml")
    found = {}
    for picture in _each(tree(archive.read("xl/cellimages.xml")), "pic"):
        if (one := _picture(archive, picture, media)) is not None:
            found[one[3]] = one[:3]
    return found


def _lifted(rows: list[list[Any]], held: Mapping[str, tuple[str, bytes, str]]) -> Iterator[Shown]:
    """Takes the pictures out of the cells that show them."""
    for row, cells in enumerate(rows):
        for column, value in enumerate(cells):
            if isinstance(value, str) and "DISPIMG" in value and (match := _IN_CELL.search(value)):
                cells[column] = ""
                if match[1] in held:
                    yield Shown(row, column, *held[match[1]])
