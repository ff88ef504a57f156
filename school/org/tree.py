"""The organisation tree: the closure table, the derived paths and the one lock under which both move."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from school.core.errors import Conflict, Invalid
from school.core.i18n import N_
from school.org.models import Organization, OrgClosure, OrgTreeLock

WIDEST = 999  # organisations under one parent: three digits a level
DEEPEST = 12


def lock(s: Session) -> None:
    """Be the only one who changes the tree until this transaction ends."""
    s.execute(sa.text("INSERT INTO org_tree_lock (id, version) VALUES (1, 0) ON CONFLICT DO NOTHING"))
    s.execute(sa.update(OrgTreeLock).where(OrgTreeLock.id == 1).values(version=OrgTreeLock.version + 1))


def free_path(s: Session, parent: Organization | None) -> str:
    """The path of a new child: its parent's path and the number after the highest in use. Call under the lock."""
    prefix = parent.path if parent else ""
    if prefix.count(".") >= DEEPEST:
        raise Conflict("org.deep", N_("党组织最多 %(most)s 层，请换一个上级。"), most=DEEPEST)
    siblings = sa.select(sa.func.max(Organization.path)).where(
        Organization.parent_id == parent.id if parent else Organization.parent_id.is_(None)
    )
    last = s.scalar(siblings)
    number = int(last[-4:-1]) + 1 if last else 1
    if number > WIDEST:
        raise Conflict("org.wide", N_("一个上级党组织下面最多 %(most)s 个，请先在中间设一层。"), most=WIDEST)
    return f"{prefix}{number:03d}."


def add(s: Session, org: Organization) -> None:
    """Put a new, flushed organisation under all its ancestors."""
    above = aliased(OrgClosure)
    s.execute(
        sa.insert(OrgClosure).from_select(
            ["ancestor_id", "descendant_id", "distance"],
            sa.select(above.ancestor_id, sa.literal(org.id), above.distance + 1).where(
                above.descendant_id == org.parent_id
            ),
        )
    )
    s.add(OrgClosure(ancestor_id=org.id, descendant_id=org.id, distance=0))
    s.flush()


def move(s: Session, org: Organization, parent: Organization) -> None:
    """Hang `org` with everything below it under `parent`: closure and paths in one go.

    Raises Conflict(`org.circle`) when `parent` lies below `org`, also when another move put it there a moment ago.
    """
    lock(s)
    for each in (org, parent):  # as they are now that nobody else may change them
        s.refresh(each)
    if org.parent_id == parent.id:
        return
    if parent.path.startswith(org.path):
        raise Conflict("org.circle", N_("不能把党组织移到它自己的下级里，请另选上级。"))
    if org.parent_id is None:
        raise Invalid("org.root", N_("最上级党组织不能移动。"))
    old, new = org.path, free_path(s, parent)
    depth = s.scalar(sa.select(sa.func.max(OrgClosure.distance)).where(OrgClosure.ancestor_id == org.id))
    if new.count(".") + (depth or 0) > DEEPEST:
        raise Conflict("org.deep", N_("党组织最多 %(most)s 层，请换一个上级。"), most=DEEPEST)
    below = sa.select(OrgClosure.descendant_id).where(OrgClosure.ancestor_id == org.id).scalar_subquery()
    s.execute(
        sa.delete(OrgClosure)
        .where(OrgClosure.descendant_id.in_(below), OrgClosure.ancestor_id.not_in(below))
        .execution_options(synchronize_session=False)
    )
    above, under = aliased(OrgClosure), aliased(OrgClosure)
    s.execute(
        sa.insert(OrgClosure).from_select(
            ["ancestor_id", "descendant_id", "distance"],
            sa.select(above.ancestor_id, under.descendant_id, above.distance + under.distance + 1)
            .join(under, under.ancestor_id == org.id)  # every ancestor of the parent with everything that moves
            .where(above.descendant_id == parent.id),
        )
    )
    s.execute(
        sa.update(Organization)
        .where(Organization.path.startswith(old, autoescape=True))
        .values(path=sa.literal(new) + sa.func.substr(Organization.path, len(old) + 1))
        .execution_options(synchronize_session=False)
    )
    org.parent_id = parent.id
    s.flush()
    s.expire_all()
