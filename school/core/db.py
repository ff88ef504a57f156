"""The database: one declarative base, one column vocabulary, and read and write transactions that suit gevent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, sessionmaker

from school.core import json, postgres
from school.core.errors import Unavailable
from school.core.i18n import N_
from school.core.offload import in_thread

BUSY_MS = 50  # longest time a foreign SQLite lock may block the whole process
PATIENCE = 10.0  # seconds a writer waits for the lock, cooperatively

T = TypeVar("T")


class UTCDateTime(sa.types.TypeDecorator[datetime]):
    """An aware moment, stored as UTC; SQLite drops zones, so it is put back on reading."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone must not reach the database")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Id = Annotated[int, mapped_column(BigInt, primary_key=True)]
Moment = Annotated[datetime, mapped_column(UTCDateTime())]
Json = sa.JSON


def plain_text(length: int) -> sa.types.TypeEngine[str]:
    """Text compared byte by byte on every database: prefix ranges use its index and orders agree."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


class Base(DeclarativeBase):
    """Every table of the school; constraint names follow one convention so that migrations can name them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {int: BigInt, datetime: UTCDateTime(), dict[str, Any]: Json, list[Any]: Json}


def _prepare_sqlite(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writing = connection.get_execution_options().get("school_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def new_ids(s: Session, table: sa.Table, count: int) -> Sequence[int]:
    """`count` ids of `table` that nobody else gets, for rows written in sets; only inside `Database.write()`."""
    s.flush()
    if s.get_bind().dialect.name == "sqlite":  # the one writer there is
        first = (s.scalar(sa.select(sa.func.max(table.c.id))) or 0) + 1
        return range(first, first + count)
    sequence = sa.func.pg_get_serial_sequence(table.name, "id")
    series = sa.func.generate_series(1, count).table_valued("n")
    return s.scalars(sa.select(sa.func.nextval(sequence)).select_from(series)).all()


def locked(error: DBAPIError) -> bool:
    """Whether SQLite refused because another connection holds the lock (trying again is safe)."""
    return isinstance(error, OperationalError) and "locked" in str(error.orig)


class Database:
    """Engine and sessions. Under gevent a writer never yields inside its transaction; writers queue on one lock."""

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self.sqlite = url.startswith("sqlite")
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": pool_size}
        options |= {"json_serializer": json.text, "json_deserializer": json.loads}
        if self.sqlite:
            options["connect_args"] = {"check_same_thread": False, "timeout": BUSY_MS / 1000}
        self.engine = sa.create_engine(url, hide_parameters=True, **options)
        if self.sqlite:
            _prepare_sqlite(self.engine)
        else:
            postgres.prepare(self.engine)
        self._write_engine = self.engine.execution_options(school_write=True)
        self._read = sessionmaker(self.engine, expire_on_commit=False)
        self._write = sessionmaker(self._write_engine, expire_on_commit=False)
        self._turn = threading.Lock()  # gevent's when the web process has patched threading
        self.after_write: list[
            Callable[[Session], None]
        ] = []  # called with what `write` has committed; quick, no raise

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads: one snapshot, closed at the end; what it wrote by mistake is rolled back."""
        with self._read() as session:
            yield session

    @contextmanager
    def write(self, *, patience: float = PATIENCE) -> Iterator[Session]:
        """A transaction that commits when the block ends; when it returns, what was written is stored.

        Raises Unavailable when another process holds the SQLite lock for longer than `patience` seconds.
        """
        if not self.sqlite:
            with self._write.begin() as session:
                yield session
            self._heard(session)
            return
        with self._turn:
            session = self._begin_patiently(patience)
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise
            finally:
                session.close()
        self._heard(session)

    def write_much(self, work: Callable[[Session], T]) -> T:
        """`work(s)` in a transaction of `write`, for very many rows: it must not keep the hub from other requests.

        SQLite works in the thread that asks it, so there all of `work` goes to the thread pool. The client of PostgreSQL
        lets others run while the server works: `work` stays, and has to write in statements of bounded size.
        """
        with self.write() as session:
            if not self.sqlite:
                return work(session)

            def all_of_it() -> T:
                answer = work(session)
                session.commit()
                return answer

            return in_thread(all_of_it)

    def _heard(self, session: Session) -> None:
        for hear in self.after_write:
            hear(session)

    def _begin_patiently(self, patience: float) -> Session:
        until = time.monotonic() + patience
        while True:
            session = self._write()
            try:
                session.connection()
                return session
            except OperationalError as error:
                session.close()
                if not locked(error):
                    raise
                if time.monotonic() > until:
                    raise Unavailable(
                        "database.busy", N_("系统正忙，刚才的内容没有保存。请过一分钟再试一次。")
                    ) from error
                time.sleep(0.02)  # yields to the other greenlets

    def close(self) -> None:
        self.engine.dispose()
