"""The English catalogue: collects the Chinese source strings, keeps the translations, names the gaps."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PO = ROOT / "school" / "locales" / "en" / "LC_MESSAGES" / "messages.po"
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {"_": None, "gettext": None, "N_": None, "lazy_gettext": None, "ngettext": (1, 2)}
NOISE = ('"Last-Translator', '"Language-Team', '"Report-Msgid', '"Generated-By')
MADE = datetime(2026, 11, 22, tzinfo=UTC)  # one date, so that only words change the file


def source_strings() -> Iterator[str | tuple[str, ...]]:
    """Every marked string of the school and its worker."""
    for package in ("school", "media_worker"):
        for _file, _line, message, _comments, _context in extract_from_dir(
            ROOT / package, METHODS, {"**.html": {"silent": "false"}}, keywords=KEYWORDS, strip_comment_tags=True
        ):
            yield message


def catalogue() -> Catalog:
    """The translations that are written down."""
    if not PO.exists():
        return Catalog(locale="en")
    with PO.open("rb") as file:
        return read_po(file, locale="en")


def translated(message: Message | None) -> bool:
    if message is None or message.fuzzy:
        return False
    strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return all(strings)


def gaps(known: Catalog) -> list[str]:
    """Source strings without English, and English that lost a %(place)s."""
    found = []
    for text in dict.fromkeys(source_strings()):
        key = text[0] if isinstance(text, tuple) else text
        message = known.get(key)
        if not translated(message):
            found.append(f"no English: {key}")
        elif message is not None and not isinstance(text, tuple):
            lost = [name for name in _places(key) if name not in str(message.string)]
            found += [f"{name} is missing in the English of: {key}" for name in lost]
    return found


def _places(text: str) -> list[str]:
    return [f"%({piece.split(')')[0]})" for piece in text.split("%(")[1:]]


def update() -> int:
    """Write the catalogue anew: strings still in use, in alphabetical order, with the translations they have."""
    known = catalogue()
    fresh = Catalog(
        locale="en", header_comment="# The English words of the school, kept in step by script/words.",
        project="online-party-school", version="1", charset="utf-8", creation_date=MADE, revision_date=MADE, fuzzy=False,
    )  # fmt: skip
    for text in source_strings():
        old = known.get(text[0] if isinstance(text, tuple) else text)
        fresh.add(text, old.string if old is not None else None)
    PO.parent.mkdir(parents=True, exist_ok=True)
    spool = io.BytesIO()
    write_po(spool, fresh, width=0, sort_output=True, no_location=True)
    lines = spool.getvalue().decode().splitlines(keepends=True)
    PO.write_text("".join(line for line in lines if not line.startswith(NOISE)), encoding="utf-8")
    return len(gaps(fresh))


def main() -> None:
    if "--check" in sys.argv:
        missing = gaps(catalogue())
        print("\n".join(missing) or "The English catalogue is complete.")
        sys.exit(1 if missing else 0)
    print(f"{update()} strings wait for their English in {PO.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
