"""The database floor on both engines."""

from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa

from school.core.db import Database
from school.org.models import Organization, OrgTreeLock, SignInFailure


def test_a_committed_write_is_read_back_with_its_zone(db: Database) -> None:
    moment = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
    with db.write() as session:
        session.add(SignInFailure(login_hash="x", address="::1", at=moment))
    with db.read() as session:
        assert session.query(SignInFailure).one().at == moment


def test_a_failed_block_leaves_nothing(db: Database) -> None:
    try:
        with db.write() as session:
            session.add(OrgTreeLock(id=1))
            session.flush()
            raise RuntimeError
    except RuntimeError:
        pass
    with db.read() as session:
        assert session.get(OrgTreeLock, 1) is None
        assert session.query(Organization).count() == 0


def test_connections_that_the_server_has_closed_are_replaced_unseen(pg_database: Callable[..., str]) -> None:
    """A restarted PostgreSQL parts everybody: nobody's next request may fail for it."""
    url = pg_database(empty=True)
    db, other = Database(url), sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with db.read() as first, db.read() as second:  # two connections that lie idle afterwards
        assert first.scalar(sa.text("SELECT pg_backend_pid()")) != second.scalar(sa.text("SELECT pg_backend_pid()"))
    with other.connect() as connection:
        parted = connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).all()
        assert len(parted) == 2
    with db.read() as first, db.read() as second:
        assert first.scalar(sa.text("SELECT 1")) == second.scalar(sa.text("SELECT 1")) == 1
    other.dispose()
    db.close()
