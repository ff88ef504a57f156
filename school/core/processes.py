"""What a process asks the kernel about the one that started it."""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1  # Linux: <sys/prctl.h>


def follow(parent: int, number: signal.Signals) -> None:
    """From now on the end of `parent`, which started this process, sends it `number`. Call it first thing in the child."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)
