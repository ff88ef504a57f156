"""Draws lecture slides with Chinese text, for demo lectures and for measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont

GROUND, INK, SOFT, RED, DEEP, GOLD = "#FAF7F1", "#211D1A", "#6E665E", "#B7141A", "#8C0F14", "#AF7710"
FORBIDDEN_FIRST = "，。、；：？！）》」』”’％"  # never at the beginning of a line


@dataclass(frozen=True, slots=True)
class Page:
    heading: str
    points: tuple[str, ...]


def fonts() -> list[tuple[Path, Path]]:
    """Where a regular and a bold CJK typeface may be: ours first, then what Debian and Ubuntu install."""
    own, system = Path(__file__).parent.parent / "fonts", Path("/usr/share/fonts")
    return [
        (own / "NotoSerifSC-Regular.ttf", own / "NotoSerifSC-Bold.ttf"),
        (system / "opentype/noto/NotoSerifCJK-Regular.ttc", system / "opentype/noto/NotoSerifCJK-Bold.ttc"),
        (system / "opentype/noto/NotoSansCJK-Regular.ttc", system / "opentype/noto/NotoSansCJK-Bold.ttc"),
        (system / "truetype/wqy/wqy-zenhei.ttc", system / "truetype/wqy/wqy-zenhei.ttc"),
    ]


@cache
def font(size: int, bold: bool = False) -> FreeTypeFont:
    """A CJK typeface of `size` pixels; FileNotFoundError says what to install."""
    for pair in fonts():
        if pair[bold].is_file():
            index = 2 if pair[bold].suffix == ".ttc" and "Noto" in pair[bold].name else 0  # SC in Noto's collections
            return ImageFont.truetype(str(pair[bold]), size, index=index)
    raise FileNotFoundError("no Chinese typeface: run script/bootstrap, or apt install fonts-noto-cjk")


def cover(width: int, height: int, school: str, title: str) -> Image.Image:
    """The first slide: a red field with the title."""
    image = Image.new("RGB", (width, height), DEEP)
    pen, unit = ImageDraw.Draw(image), height // 36
    pen.rectangle((0, height - 2 * unit, width, height), fill=GOLD)
    pen.text((4 * unit, 5 * unit), school, font=font(int(1.6 * unit)), fill="#F3EEE6")
    pen.line((4 * unit, 9 * unit, 12 * unit, 9 * unit), fill="#FFD766", width=max(2, unit // 5))
    y = 12 * unit
    for line in wrapped(title, font(3 * unit, True), width - 8 * unit):
        pen.text((4 * unit, y), line, font=font(3 * unit, True), fill="#FFFFFF")
        y += int(4.4 * unit)
    return image


def slide(width: int, height: int, title: str, page: Page, number: int, count: int) -> Image.Image:
    """A page of points; its lower right corner stays empty for the moving inset."""
    image = Image.new("RGB", (width, height), GROUND)
    pen, unit = ImageDraw.Draw(image), height // 36
    pen.rectangle((0, 0, unit // 2, height), fill=RED)
    pen.text((3 * unit, 2 * unit), page.heading, font=font(int(2.2 * unit), True), fill=DEEP)
    pen.line((3 * unit, 6 * unit, width - 3 * unit, 6 * unit), fill="#E5DED3", width=max(1, unit // 8))
    y, face = 8 * unit, font(int(1.5 * unit))
    for point in page.points:
        pen.rectangle((3 * unit, y + 0.6 * unit, 3.7 * unit, y + 1.3 * unit), fill=RED)
        for line in wrapped(point, face, width - 9 * unit):
            pen.text((5 * unit, y), line, font=face, fill=INK)
            y += int(2.5 * unit)
        y += unit // 2
    small = font(unit)
    pen.text((3 * unit, height - 2.4 * unit), f"{title}　{number}／{count}", font=small, fill=SOFT)
    return image


def wrapped(text: str, face: FreeTypeFont, width: int) -> list[str]:
    """Lines of `text` no wider than `width`, none beginning with a closing mark."""
    lines, line = list[str](), ""
    for letter in text:
        if line and face.getlength(line + letter) > width and letter not in FORBIDDEN_FIRST:
            lines.append(line)
            line = ""
        line += letter
    return [*lines, line] if line else lines


def deck(width: int, height: int, school: str, title: str, pages: Sequence[Page]) -> list[Image.Image]:
    """The cover and every page."""
    made = [slide(width, height, title, page, n, len(pages)) for n, page in enumerate(pages, 1)]
    return [cover(width, height, school, title), *made]
