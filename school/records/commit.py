"""Group commit: pieces of work from many requests become one transaction; everybody is answered after it is stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import structlog

from school.core.errors import SchoolError, Unavailable
from school.core.i18n import N_

log = structlog.get_logger()

W = TypeVar("W")
A = TypeVar("A")


class _Batch(Generic[W, A]):
    """Work that will be stored together, and what each piece came to once `done` is set."""

    def __init__(self) -> None:
        self.works: list[W] = []
        self.answers: Sequence[A | Exception] = ()
        self.done = threading.Event()


class GroupCommit(Generic[W, A]):
    """Collects work for up to `tick` seconds or `size` pieces and hands it to `flush`, one batch after the other.

    `flush` stores a batch in one transaction and returns an answer (or an error) a piece. A batch that fails is
    halved until the piece at fault stands alone. Under gevent the worker is a greenlet and waiting is cooperative.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[W]], Sequence[A | Exception]],
        *,
        tick: float = 0.5,
        size: int = 500,
        limit: int = 10_000,
    ) -> None:
        self._flush, self._tick, self._size, self._limit = flush, tick, size, limit
        self._lock = threading.Lock()
        self._open: list[_Batch[W, A]] = []  # oldest first; only the last one still takes work
        self.waiting = 0  # pieces not answered yet
        self._work_came = threading.Event()
        self._batch_full = threading.Event()
        self._worker: threading.Thread | None = None

    def submit(self, work: W) -> A:
        """Store `work` with others and return its answer after the commit.

        Raises what the flush answered for it, and Unavailable (`commit.full`) when too much is waiting already.
        """
        batch, place = self._join(work)
        batch.done.wait()
        answer = batch.answers[place]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _join(self, work: W) -> tuple[_Batch[W, A], int]:
        with self._lock:
            if self.waiting >= self._limit:
                raise Unavailable(
                    "commit.full", N_("现在提交的人太多，这一段还没有计入。页面会自动再次提交，请不要关闭。")
                )
            if self._worker is None:  # started here, not at import: a process that forks later has its own
                self._worker = threading.Thread(target=self._run, name="group commit", daemon=True)
                self._worker.start()
            if not self._open or len(self._open[-1].works) >= self._size:
                self._open.append(_Batch())
                self._work_came.set()
            batch = self._open[-1]
            batch.works.append(work)
            self.waiting += 1
            if len(batch.works) >= self._size:
                self._batch_full.set()
            return batch, len(batch.works) - 1

    def _run(self) -> None:
        while True:
            self._work_came.wait()
            self._batch_full.wait(self._tick)
            with self._lock:
                batch = self._open.pop(0)
                if not self._open:
                    self._work_came.clear()
                self._batch_full.clear()
                if self._open and len(self._open[0].works) >= self._size:
                    self._batch_full.set()
            started = time.monotonic()
            batch.answers = self._store(batch.works)
            batch.done.set()
            with self._lock:
                self.waiting -= len(batch.works)
            log.debug("group commit", works=len(batch.works), seconds=round(time.monotonic() - started, 3))

    def _store(self, works: Sequence[W]) -> Sequence[A | Exception]:
        try:
            return self._flush(works)
        except SchoolError as error:  # the database is away for everybody alike
            return [error] * len(works)
        except Exception as error:
            if len(works) == 1:
                log.exception("a piece of work cannot be stored")
                return [error]
            half = len(works) // 2
            return [*self._store(works[:half]), *self._store(works[half:])]
