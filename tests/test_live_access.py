"""Who a person is in a class: the list, one class and a whole hall looked up at once say the same of everybody."""

from __future__ import annotations

import sqlalchemy as sa

import live_kit
from actors import Cast
from school.core.db import Database
from school.core.errors import SchoolError
from school.live.access import Standing, standing, standings, visible
from school.live.models import LiveClass, LiveState


def test_lists_one_class_and_a_hall_agree(db: Database, cast: Cast) -> None:
    people = [
        actor.person for actor in (cast.member, cast.outsider, cast.secretary, cast.trainer, cast.reviewer, cast.admin)
    ]
    with db.write() as s:
        ids = [
            live_kit.make_class(s, cast, state=state, audience=audience).id
            for state in LiveState
            for audience in ((), (cast.branch_id,), (cast.town_id, cast.county_id))
        ]
    seen = 0
    with db.read() as s:
        for class_id in [*ids, max(ids) + 1]:
            for person, together in zip(people, standings(s, people, class_id), strict=True):
                listed = s.scalar(sa.select(LiveClass.id).where(LiveClass.id == class_id, visible(person)))
                try:
                    alone: Standing | str = standing(s, person, class_id)
                except SchoolError as error:
                    alone = error.code
                assert isinstance(alone, Standing) == (listed is not None)
                assert alone == (together.code if isinstance(together, SchoolError) else together)
                seen += isinstance(alone, Standing)
        nobody = standings(s, [None], ids[0])[0]
    assert isinstance(nobody, SchoolError)
    assert nobody.code == "person.sign_in"
    assert 0 < seen < len(ids) * len(people)
