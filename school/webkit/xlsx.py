"""Excel workbooks: title, unit line and header frozen above the rows. The only file that knows xlsxwriter."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import xlsxwriter
from flask import Response, send_file

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADER_ROWS = 3  # title, unit line, header
_FORMULA = re.compile(r"^[=+\-@\t\r]")
_SHEET_NAME = re.compile(r"[\[\]:*?/\\']")
_KINDS = {"text": "@", "hours": "0.##", "count": "0", "share": "0.0%"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `width` in characters; `hours` cells are given in hundredths, `share` cells as fractions, None is —."""

    title: str
    width: int
    kind: Literal["text", "hours", "count", "share"] = "text"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in the cell at `row` (of the table, from 0) and `column`, shrunk by `scale`."""

    row: int
    column: int
    data: bytes
    alt: str = ""
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: merged `title`, then `unit` (whose figures), period and print date in one row, then the table."""

    name: str
    title: str
    unit: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]
    pictures: Sequence[Picture] = ()


def write(sheets: Sequence[Sheet]) -> bytes:
    """The workbook. Rows are written through, so that memory stays small; call it where blocking does no harm."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    edge = {"font_name": "宋体", "font_size": 11, "valign": "vcenter", "border": 1}
    formats = {
        "title": book.add_format({"font_name": "黑体", "font_size": 16, "align": "center", "valign": "vcenter"}),
        "unit": book.add_format({"font_name": "宋体", "font_size": 11, "valign": "vcenter"}),
        "header": book.add_format({**edge, "bold": True, "align": "center", "text_wrap": True}),
        "guarded": book.add_format({**edge, "num_format": "@", "text_wrap": True, "quote_prefix": True}),
        "none": book.add_format({**edge, "align": "right"}),
    }
    for kind, number in _KINDS.items():
        formats[kind] = book.add_format({**edge, "num_format": number, "text_wrap": kind == "text"})
    for sheet in sheets:
        _fill(book.add_worksheet(_SHEET_NAME.sub(" ", sheet.name)[:31]), sheet, formats)
    book.close()
    return file.getvalue()


def workbook(file: bytes, name: str) -> Response:
    """An Excel file to download; figures of people stay in no cache, the browser's own included."""
    response = send_file(io.BytesIO(file), mimetype=XLSX, as_attachment=True, download_name=name)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _fill(page: Any, sheet: Sheet, formats: dict[str, Any]) -> None:
    last = len(sheet.columns) - 1
    for number, column in enumerate(sheet.columns):
        page.set_column(number, number, column.width)
    page.set_row(0, 30)
    page.merge_range(0, 0, 0, last, "", formats["title"])
    page.write_string(0, 0, sheet.title, formats["title"])
    page.merge_range(1, 0, 1, last, "", formats["unit"])
    page.write_string(1, 0, sheet.unit, formats["unit"])
    for number, column in enumerate(sheet.columns):
        page.write_string(2, number, column.title, formats["header"])
    row = HEADER_ROWS - 1
    for row, cells in enumerate(sheet.rows, start=HEADER_ROWS):
        for number, (column, value) in enumerate(zip(sheet.columns, cells, strict=True)):
            _cell(page, row, number, column, value, formats)
    for picture in sheet.pictures:
        size = {"x_scale": picture.scale, "y_scale": picture.scale}
        given = {"image_data": io.BytesIO(picture.data), "description": picture.alt, "object_position": 1}
        page.insert_image(HEADER_ROWS + picture.row, picture.column, "picture", {**given, **size})
    page.freeze_panes(HEADER_ROWS, 0)
    page.autofilter(HEADER_ROWS - 1, 0, row, last)
    page.set_landscape()
    page.set_paper(9)  # A4
    page.repeat_rows(HEADER_ROWS - 1)
    page.fit_to_pages(1, 0)
    page.set_footer("&C第 &P 页　共 &N 页")


def _cell(page: Any, row: int, number: int, column: Column, value: Any, formats: dict[str, Any]) -> None:
    if value is None:
        page.write_string(row, number, "—", formats["none"])
    elif column.kind == "text":
        text = str(value)
        # a leading = + - @ stays text, also after somebody has edited the cell
        page.write_string(row, number, text, formats["guarded" if _FORMULA.match(text) else "text"])
    else:
        page.write_number(row, number, value / 100 if column.kind == "hours" else value, formats[column.kind])
