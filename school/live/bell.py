"""Tells the other web processes by Redis that a class's log has grown. A hint and no more: the database is the truth.

Everybody also looks at the database once a second, so while Redis is away the room goes on, a second late, and says so.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable

import redis
import structlog

log = structlog.get_logger()

CHANNEL = "school:live"
AGAIN_S = 1.0
PATIENCE_S = 2.0  # before Redis counts as away


class Bell:
    """Rings and listens. `heard(class_ids)` is called for what other processes ring; both run in background tasks."""

    def __init__(self, url: str, heard: Callable[[Iterable[int]], None]) -> None:
        self._url, self._heard = url, heard
        self._me = uuid.uuid4().hex
        self._rung: set[int] = set()
        self._lost_at: float | None = time.monotonic()  # until the first connection
        self._ringer = self._connect()

    def _connect(self) -> redis.Redis:
        return redis.Redis.from_url(
            self._url, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S, decode_responses=True
        )

    @property
    def away(self) -> bool:
        """Whether the other processes are out of earshot."""
        return self._lost_at is not None and time.monotonic() - self._lost_at > PATIENCE_S

    def ring(self, class_ids: Iterable[int]) -> None:
        """Tell the others; at once when Redis answers, else not at all."""
        if self._lost_at is None:
            self._rung.update(class_ids)

    def send(self) -> None:
        """Send what was rung since the last time; waits for Redis, so it has a task of its own."""
        rung, self._rung = self._rung, set()
        if rung:
            try:
                self._ringer.publish(CHANNEL, f"{self._me} {' '.join(map(str, sorted(rung)))}")
            except redis.RedisError:
                self._lose()

    def listen(self) -> None:
        """Listen until the process ends, coming back whenever Redis does."""
        while True:
            try:
                with self._connect().pubsub(ignore_subscribe_messages=True) as ear:  # type: ignore[no-untyped-call]
                    ear.subscribe(CHANNEL)
                    while True:
                        message = ear.get_message(timeout=1.0)
                        if self._lost_at is not None and ear.subscribed:
                            self._lost_at = None
                            log.info("redis heard")
                        if message is not None:
                            self._take(message["data"])
            except (redis.RedisError, OSError):
                self._lose()
            time.sleep(AGAIN_S)

    def _take(self, text: str) -> None:
        sender, _, rung = text.partition(" ")
        if sender != self._me:
            self._heard([int(word) for word in rung.split() if word.isdigit()])

    def _lose(self) -> None:
        if self._lost_at is None:
            self._lost_at = time.monotonic()
            log.warning("redis away")
