"""`python -m bench NAME [--json]`: run one bench and print what it found; exits 1 when the goal is missed."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import click

from bench import harness
from school.core.logs import configure

HERE = Path(__file__).parent
NAMES = sorted(
    path.stem.replace("_", "-") for path in HERE.glob("*.py") if path.stem not in {"__init__", "__main__", "harness"}
)


def _tell(result: dict[str, Any]) -> str:
    verdict = "holds" if result["holds"] else "MISSED"
    lines = [
        f"{result['name']}: {result['value']} {result['unit']} (goal ≤ {result['goal']}) {verdict}",
        result["machine"],
    ]
    lines += ["  " + ", ".join(f"{key} {value}" for key, value in run.items()) for run in result["runs"]]
    extra = set(result) - {"name", "value", "unit", "goal", "holds", "machine", "runs"}
    return "\n".join([*lines, *(f"{key}: {result[key]}" for key in sorted(extra))])


@click.command()
@click.argument("name", type=click.Choice(NAMES))
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def main(name: str, as_json: bool) -> None:
    """Measure NAME beside its floor."""
    configure()  # logs on standard error: standard output is the one object
    bench = importlib.import_module(f"bench.{name.replace('-', '_')}")
    result = harness.report(name, bench.GOAL, bench.measure())
    click.echo(json.dumps(result, ensure_ascii=False) if as_json else _tell(result))
    raise SystemExit(0 if result["holds"] else 1)


main()
