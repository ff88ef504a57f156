"""A text in several languages, as Moodle's multilang filters write them: one of them is kept, Chinese when it is there."""

from __future__ import annotations

import re

from school.core.i18n import N_

OTHER = N_("原题有几种语言，只带进来一种。")

_SPAN = r"<span(?=[^<>]{1,100}multilang[\"'])[^<>]{1,100}?lang=[\"']([\w-]{1,30})[\"'][^<>]{0,100}>((?:(?!</?span\b).)*+)</span>"
_SPANS = re.compile(f"{_SPAN}(?:\\s*{_SPAN})+", re.IGNORECASE | re.DOTALL)
_ONE_SPAN = re.compile(_SPAN, re.IGNORECASE | re.DOTALL)
_MLANG = r"\{mlang ([\w, -]{1,60})\}((?:(?!\{mlang).)*+)\{mlang\}"
_MLANGS = re.compile(f"{_MLANG}(?:\\s*{_MLANG})*", re.IGNORECASE | re.DOTALL)
_ONE_MLANG = re.compile(_MLANG, re.IGNORECASE | re.DOTALL)


def chosen(text: str) -> tuple[str, bool]:
    """`text` with one language of each group, and whether another was left out."""
    dropped = False

    def one(found: re.Match[str], single: re.Pattern[str]) -> str:
        nonlocal dropped
        told = single.findall(found[0])
        dropped |= len(told) > 1
        chinese = [words for languages, words in told if re.search(r"\bzh", languages, re.IGNORECASE)]
        return str((chinese or [told[0][1]])[0])

    if "multilang" in text:
        text = _SPANS.sub(lambda found: one(found, _ONE_SPAN), text)
    if "{mlang" in text:
        text = _MLANGS.sub(lambda found: one(found, _ONE_MLANG), text)
    return text, dropped
