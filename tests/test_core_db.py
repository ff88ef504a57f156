"""The database floor on both engines."""

from datetime import UTC, datetime

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
