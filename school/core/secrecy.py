"""公开 or 内部, and the marks of state secrets: what carries one may not enter the school at all."""

from __future__ import annotations

import re
from enum import StrEnum

from school.core.errors import Invalid
from school.core.i18n import N_
from school.core.text import nfkc


class Secrecy(StrEnum):
    """公开 or 内部; nothing higher may enter."""

    PUBLIC = "public"
    INTERNAL = "internal"


SECRECIES = {Secrecy.PUBLIC: N_("公开"), Secrecy.INTERNAL: N_("内部")}

# A mark, not a mention: a lecture on the secrecy law may speak of 机密级, a document that is one says 机密★10年.
_LEVEL = "[绝机秘]\\s*密"
_MARK = re.compile(
    rf"{_LEVEL}\s*[★☆✱✭⭐*]|[★☆⭐]\s*{_LEVEL}|[\[(【〔《<]\s*{_LEVEL}\s*[\])】〕》>]|密\s*级\s*:\s*{_LEVEL}"
)


def secrecy_mark(text: str) -> str | None:
    """The mark of a state secret in `text` (绝密★, 机密★10年, 【秘密】, 密级：机密 …) as written, or None."""
    found = _MARK.search(nfkc(text)) if "密" in text else None  # most texts end here; no other sign stands for it
    return found.group() if found else None


def refuse_secrets(*texts: str) -> None:
    """Invalid when any text carries the mark of a state secret; such material may not enter at all."""
    if mark := secrecy_mark("\0".join(texts)):  # no mark reaches over the end of a text
        raise Invalid(
            "course.secret",
            N_(
                "文字里有密级标志“%(mark)s”。网上党校只能放公开和内部内容，涉密内容不得上传、不得在这里处理。"
                "如果确是涉密材料，请不要再次提交，并按保密规定办理。"
            ),
            mark=mark,
        )
