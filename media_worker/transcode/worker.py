"""The worker process: claims one job after another, keeps its lease, and turns every end into words."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path
from types import FrameType

import click
from sqlalchemy.exc import DBAPIError

import school.tables  # noqa: F401 - foreign keys of every room resolve
from media_worker.transcode.jobs import KINDS
from media_worker.transcode.refusal import Refused, Stopped
from media_worker.transcode.spool import Spool
from media_worker.transcode.work import Tools, Work, log
from school.core.db import Database
from school.core.errors import SchoolError, Unavailable
from school.core.logs import configure
from school.core.settings import Settings, SettingsError, load
from school.core.store import FULL, open_store
from school.media import jobs
from school.media.jobs import Claim, LeaseLost
from school.media.sources import SourceFault

IDLE = 1.0  # seconds between looks at an empty job table


def run(tools: Tools, name: str, *, once: bool = False) -> None:
    """Do jobs until asked to stop, or with `once` until none is waiting."""
    while not tools.stopping.is_set():
        try:
            claim = jobs.claim(tools.db, list(KINDS), name)
        except (Unavailable, DBAPIError) as error:
            log.warning("no database", trouble=str(error)[:200])
            tools.stopping.wait(5 * IDLE)
            continue
        if claim is not None:
            do(tools, claim)
        elif once:
            return
        else:
            tools.spool.tidy()
            tools.stopping.wait(IDLE)


def do(tools: Tools, claim: Claim) -> None:
    """One attempt at one job. Whatever happens, the job table says how it ended, unless somebody else holds the job."""
    log.info("job", key=claim.key, attempt=claim.attempt)
    with Work(tools, claim) as work:
        try:
            KINDS[claim.kind](work)
            work.patiently(lambda: jobs.finish(tools.db, claim))
            log.info("done", key=claim.key)
        except LeaseLost:
            log.warning("lost", key=claim.key)
        except Stopped:
            _give_back(tools, claim)
        except Refused as refused:
            _fail(tools, claim, refused)
        except SourceFault as fault:
            _fail(tools, claim, Refused(fault.code))
        except OSError as error:
            reason = "disk.full" if error.errno in FULL else "worker.fault"
            _fail(tools, claim, Refused(reason, retry=True, detail=traceback.format_exc()))
        except (SchoolError, DBAPIError):
            _fail(tools, claim, Refused("worker.fault", retry=True, detail=traceback.format_exc()))
        except Exception:  # a fault of ours must neither stop the worker nor hide
            _fail(tools, claim, Refused("worker.fault", retry=claim.attempt < 2, detail=traceback.format_exc()))


def _give_back(tools: Tools, claim: Claim) -> None:
    try:
        jobs.release(tools.db, claim)
        log.info("given back", key=claim.key)
    except (Unavailable, DBAPIError) as error:  # the lease runs out and the job is taken up again
        log.error("not noted", key=claim.key, trouble=str(error)[:200])


def _fail(tools: Tools, claim: Claim, refused: Refused) -> None:
    log.error("failed", key=claim.key, reason=refused.reason, retry=refused.retry, detail=refused.detail[-2000:])
    try:
        jobs.fail(tools.db, claim, refused.reason, refused.retry, detail=refused.detail, **refused.params)
    except (Unavailable, DBAPIError) as error:
        log.error("not noted", key=claim.key, trouble=str(error)[:200])


def tools_of(settings: Settings) -> Tools:
    """What a worker of this school works with; makes the spool folder."""
    return Tools(
        settings, Database(settings.db_url, pool_size=3), open_store(settings), Spool(Path(settings.data) / "spool")
    )


@click.command()
@click.option("--once", is_flag=True, help="Do what is waiting, then end.")
def main(once: bool) -> None:
    """Turn uploaded recordings into lectures that can be watched."""
    try:
        settings = load()
    except SettingsError as error:
        sys.exit(str(error))
    configure()
    tools = tools_of(settings)

    def stop(_number: int, _frame: FrameType | None) -> None:
        tools.stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    threading.current_thread().name = "worker"
    try:
        run(tools, f"{socket.gethostname()}:{os.getpid()}", once=once)
    finally:
        tools.db.close()
