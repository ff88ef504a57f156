"""`python -m media_worker.relay` starts one relay process."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

import click
import structlog
import uvloop
from aiohttp import web

import school.tables  # noqa: F401 - foreign keys of every room resolve
from media_worker.keep import keep
from media_worker.relay import aiortc_hooks
from media_worker.relay.addresses import listen_on
from media_worker.relay.node import Relay
from media_worker.relay.server import application, ice_links
from media_worker.relay.srtp import segments
from school.core.db import Database
from school.core.keys import load_keys
from school.core.logs import configure
from school.core.settings import Settings, SettingsError, load

log = structlog.get_logger()


async def serve(settings: Settings, addresses: list[str], advertise: str) -> None:
    """Carry classes until asked to stop."""
    runs = settings.live_gso and segments()
    db = Database(settings.db_url, pool_size=3)
    relay = Relay(settings, load_keys(settings), db, runs=runs, advertise=advertise)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    runner = web.AppRunner(application(relay), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await relay.start()
    await web.TCPSite(runner, settings.live_host, settings.relay_port).start()
    log.info("relay up", node=settings.node, port=settings.relay_port, addresses=addresses, runs=runs)
    await stopping.wait()
    await runner.cleanup()
    await relay.stop()
    db.close()


@click.command()
@click.option("--node", help="Name of this node, instead of SCHOOL_LIVE_NODE.")
@click.option("--port", type=int, help="Port to listen on, instead of SCHOOL_RELAY_PORT.")
@click.option(
    "--keep", "kept", is_flag=True, help="Stay behind as a parent that forks a new relay as soon as one is killed."
)
def main(node: str | None, port: int | None, kept: bool) -> None:
    """Forward the pictures and sound of live classes to those who watch them with almost no delay."""
    configure()
    if kept:
        keep("relay")
    try:
        settings = load(live_node=node, relay_port=port)
        try:
            addresses, advertise = listen_on(settings.live_advertise)
        except ValueError:
            raise SettingsError("SCHOOL_LIVE_ADVERTISE: write an IP address such as 203.0.113.7") from None
        try:
            ice_links(settings.ice_servers)
        except (ValueError, TypeError, KeyError):
            raise SettingsError(
                'SCHOOL_ICE_SERVERS: write JSON such as [{"urls": "stun:stun.school.example"}]'
            ) from None
    except SettingsError as error:
        sys.exit(str(error))
    logging.getLogger("aiortc").setLevel(logging.ERROR)
    logging.getLogger("aioice").setLevel(logging.ERROR)
    aiortc_hooks.install(addresses)
    uvloop.run(serve(settings, addresses, advertise))


main()
