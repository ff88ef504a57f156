"""Writes the generated parts of the documents (the table of settings); `--check` only says whether they are up to date."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

from school.core.settings import PREFIX, Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "operations.md"
BEGIN, END = "<!-- settings: written by script/document.py -->", "<!-- end of settings -->"


def table() -> str:
    """Every setting with its default and what it means, in the order of the code."""
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for field in fields(Settings):
        default = (
            ""
            if field.metadata["secret"] and not field.default
            else f"`{field.default}`"
            if field.default != ""
            else ""
        )
        secret = " **(secret)**" if field.metadata["secret"] else ""
        rows.append(f"| `{PREFIX}{field.name.upper()}` | {default} | {field.metadata['doc']}{secret} |")
    return "\n".join(rows)


def renewed(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> int:
    page = PAGE.read_text(encoding="utf-8")
    if BEGIN not in page or END not in page:
        print(f"docs/operations.md has lost its marks: {BEGIN} … {END}")
        return 1
    new = renewed(page)
    if "--check" in sys.argv[1:]:
        if new != page:
            print("docs/operations.md: the table of settings is old; run: .venv/bin/python script/document.py")
        return int(new != page)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
