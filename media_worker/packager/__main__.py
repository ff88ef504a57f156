"""`python -m media_worker.packager` starts the packager of this machine's node."""

from __future__ import annotations

import asyncio
import sys

import click
import uvloop

import school.tables  # noqa: F401 - foreign keys of every room resolve
from media_worker.keep import keep
from media_worker.packager.packager import Packager
from school.core.logs import configure
from school.core.settings import SettingsError, load


@click.command()
@click.option("--node", default=None, help="Name of the node; default: as set.")
@click.option("--port", default=None, type=int, help="Port to listen on; default: as set.")
@click.option(
    "--keep", "kept", is_flag=True, help="Stay behind as a parent that forks a new packager as soon as one is killed."
)
def main(node: str | None, port: int | None, kept: bool) -> None:
    """Turn the frames of live classes into HLS and recordings."""
    configure()
    if kept:
        keep("packager")
    try:
        settings = load()
    except SettingsError as error:
        sys.exit(str(error))
    packager = Packager(settings, node=node, port=port)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(packager.serve())


if __name__ == "__main__":
    main()
