"""A parent that has read the whole program and forks whoever runs it: what is killed is there again in a moment.

Relay and packager need a second of a free core to start, nearly all of it imports, and a whole class waits for them.
The parent does nothing but wait, so that there is nothing in it to fall.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time

import structlog
from sqlalchemy.orm import configure_mappers

from school.core.processes import follow

log = structlog.get_logger()

STEADY = 5.0  # seconds a child has to live; one that falls sooner may not be able to run at all
ENDING = {signal.SIGTERM, signal.SIGINT}
HEARD = {*ENDING, signal.SIGCHLD}


def keep(name: str) -> None:
    """Fork, and again whenever a child falls that had run for a while. Returns in each child, never in the parent.

    To whoever started it the parent is the program: it hands SIGTERM and SIGINT on, ends as its child ends, and takes
    it along when it is killed. A child that falls at once is left to them, who can wait longer each time. Call it before
    there are threads, connections or an event loop: a fork copies none of them well.
    """
    configure_mappers()  # the first query would
    gc.freeze()  # what is common to all stays in pages that are shared
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a parent of ours may have ignored it
    signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)  # one that comes between two waits is kept
    parent = os.getpid()
    while True:
        child, started = os.fork(), time.monotonic()
        if child == 0:
            follow(parent, signal.SIGKILL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
            return
        code, asked = _wait(child)
        if asked or code == 0 or time.monotonic() - started < STEADY:
            sys.exit(code if code >= 0 else 128 - code)
        log.warning("fallen, started again", program=name, code=code)


def _wait(child: int) -> tuple[int, bool]:
    """How the child ended (below zero: by that signal), and whether it was asked to."""
    asked = False
    while True:
        number = signal.sigwait(HEARD)
        if number in ENDING:
            asked = True
            os.kill(child, number)
            continue
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status), asked
