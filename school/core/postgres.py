"""PostgreSQL's client as the school uses it: it waits as gevent waits, and tells a dead connection without a question.

The only file that knows psycopg.
"""

from __future__ import annotations

import sys
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
from psycopg.abc import PQGen

T = TypeVar("T")


class _Connection(psycopg.Connection[Any]):
    """Waits on a watcher of gevent's hub; psycopg's own way through a patched `select.poll` costs as much as a query."""

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        if timeout is not None or "gevent.monkey" not in sys.modules:
            return super().wait(gen, interval, timeout)
        from gevent import get_hub

        hub = get_hub()
        try:
            events: Any = next(gen)  # psycopg counts reading and writing as libev does: 1 and 2
            while True:
                watcher = hub.loop.io(self.pgconn.socket, events)
                try:
                    hub.wait(watcher)
                finally:
                    watcher.close()
                events = gen.send(events)
        except StopIteration as end:
            answer: T = end.value
            return answer


def prepare(engine: sa.Engine) -> None:
    """Let `engine` connect and look after its connections as said above."""

    @sa.event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, words: Any, named: Any) -> _Connection:
        return _Connection.connect(*words, **named)

    @sa.event.listens_for(engine, "checkout")
    def _alive(connection: _Connection, _record: Any, _fairy: Any) -> None:
        """Refuse what the server has closed while it lay idle, and with it all connections of that time.

        A look at the socket, not a question to the server: one read may find its last words, the next one the end.
        """
        try:
            connection.pgconn.consume_input()
            connection.pgconn.consume_input()
        except psycopg.OperationalError as error:
            raise sa.exc.InvalidatePoolError from error
