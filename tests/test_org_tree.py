"""The organisation tree: paths, closure, moves, and two moves at once that would make a circle."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from school.core.db import Database
from school.core.errors import Conflict
from school.org import queries, service
from school.org.models import AuditLog, Organization, OrgClosure, OrgType


def grow(db: Database, *edges: str) -> dict[str, int]:
    """Organisations named by one letter from edges such as `a`, `ab` (b under a); letter → id."""
    ids: dict[str, int] = {}
    with db.write() as s:
        for edge in edges:
            parent = queries.organization(s, ids[edge[0]]) if len(edge) == 2 else None
            name = edge[-1]
            ids[name] = service.create_organization(s, parent, name, name, name, OrgType.COMMITTEE).id
    return ids


def paths(db: Database) -> dict[str, str]:
    with db.read() as s:
        return {org.code: org.path for org in s.scalars(sa.select(Organization))}


def assert_whole(db: Database) -> None:
    """Closure and paths say exactly what the parents say."""
    with db.read() as s:
        orgs = {org.id: org for org in s.scalars(sa.select(Organization))}
        expected = set()
        for org in orgs.values():
            distance, above = 0, org
            while True:
                expected.add((above.id, org.id, distance))
                if above.parent_id is None:
                    break
                assert org.path.startswith(orgs[above.parent_id].path)
                distance, above = distance + 1, orgs[above.parent_id]
            assert org.path.count(".") == distance + 1
        found = {(row.ancestor_id, row.descendant_id, row.distance) for row in s.scalars(sa.select(OrgClosure))}
    assert found == expected


def test_paths_number_the_children_in_three_digits(db: Database) -> None:
    grow(db, "a", "ab", "ac", "bd")
    assert paths(db) == {"a": "001.", "b": "001.001.", "c": "001.002.", "d": "001.001.001."}
    assert_whole(db)


def test_a_move_takes_the_subtree_along_and_is_audited(db: Database) -> None:
    ids = grow(db, "a", "ab", "ac", "bd", "de", "cf")
    with db.write() as s:
        service.move_organization(s, None, queries.organization(s, ids["b"]), queries.organization(s, ids["c"]))
    assert paths(db)["b"] == "001.002.002."
    assert paths(db)["e"] == "001.002.002.001.001."
    assert_whole(db)
    with db.read() as s:
        assert [org.code for org in queries.ancestors(s, ids["e"])] == ["a", "c", "b", "d"]
        assert queries.covers(s, ids["c"], ids["e"])
        assert not queries.covers(s, ids["e"], ids["c"])
        entry = s.scalars(sa.select(AuditLog).where(AuditLog.event == "org.move")).one()
        assert entry.detail["path"] == ["001.001.", "001.002.002."]


def test_nothing_moves_into_itself(db: Database) -> None:
    ids = grow(db, "a", "ab", "bc")
    for target in ("b", "c"):
        with pytest.raises(Conflict, match=r"org\.circle"), db.write() as s:
            service.move_organization(s, None, queries.organization(s, ids["b"]), queries.organization(s, ids[target]))
    assert_whole(db)


def test_a_number_is_not_given_twice_after_a_move(db: Database) -> None:
    ids = grow(db, "a", "ab", "ac", "ad")
    with db.write() as s:
        service.move_organization(s, None, queries.organization(s, ids["b"]), queries.organization(s, ids["d"]))
        service.create_organization(s, queries.organization(s, ids["a"]), "e", "e", "e", OrgType.BRANCH)
    assert paths(db)["e"] == "001.004."
    assert_whole(db)


def test_two_moves_at_once_cannot_make_a_circle(db: Database) -> None:
    for turn in range(5):
        left, right = f"l{turn}", f"r{turn}"
        with db.write() as s:
            root = service.create_organization(s, None, f"root{turn}", "r", "r", OrgType.COMMITTEE)
            ids = {
                code: service.create_organization(s, root, code, code, code, OrgType.COMMITTEE).id
                for code in (left, right)
            }
        ready = threading.Barrier(2)
        refused: list[str] = []

        def move(what: str, under: str, ready: threading.Barrier = ready, ids: dict[str, int] = ids) -> None:
            with db.read() as s:  # both look before either moves
                ready.wait(10)
                s.get(Organization, ids[what])
            try:
                with db.write() as s:
                    service.move_organization(
                        s, None, queries.organization(s, ids[what]), queries.organization(s, ids[under])
                    )
            except Conflict as error:
                refused.append(error.code)  # noqa: B023

        threads = [threading.Thread(target=move, args=pair) for pair in ((left, right), (right, left))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert refused == ["org.circle"]
        assert_whole(db)
