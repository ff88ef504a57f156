"""`python -m drill NAME [--json]`: run one drill and say what happened; exits 1 when it did not hold."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import click

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))  # the tests' real servers

from school.core.logs import configure  # noqa: E402

NAMES = sorted(path.stem.replace("_", "-") for path in HERE.glob("*.py") if not path.stem.startswith("_"))


@click.command()
@click.argument("name", type=click.Choice(NAMES))
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def main(name: str, as_json: bool) -> None:
    """Run NAME: a module with `run() -> dict`, whose `holds` says whether the school stood it."""
    configure()  # logs on standard error: standard output is the one object
    found = {"name": name, **importlib.import_module(f"drill.{name.replace('-', '_')}").run()}
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        click.echo(f"{name}: {'holds' if found['holds'] else 'MISSED'}")
        click.echo("\n".join(f"  {key}: {value}" for key, value in found.items() if key not in {"name", "holds"}))
    raise SystemExit(0 if found["holds"] else 1)


main()
