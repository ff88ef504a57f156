"""Blocking work (disk, long queries) leaves gevent's hub for its thread pool; elsewhere it simply runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def in_thread(work: Callable[..., T], *args: Any) -> T:
    """`work(*args)` in the hub's thread pool when gevent has patched this process, so that other requests go on.

    What it raises reaches the caller. `work` must not wait for a lock or an event of the patched side. A caller that is
    killed meanwhile ends when `work` has: what they share (a session, a file) is never taken away from under it.
    """
    if "gevent.monkey" not in sys.modules:
        return work(*args)
    import gevent
    from gevent.monkey import is_module_patched

    pool = gevent.get_hub().threadpool
    if not is_module_patched("socket") or pool is None:
        return work(*args)

    answers: list[T] = []

    def attempt() -> BaseException | None:  # an exception that leaves the pool would be printed too
        try:
            answers.append(work(*args))
        except BaseException as error:
            return error
        return None

    running = pool.spawn(attempt)
    try:
        error = running.get()
    except BaseException:
        running.wait()
        raise
    if error is not None:
        raise error
    return answers[0]
