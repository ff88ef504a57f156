"""Questions looked back on: as they were served, with what was answered, what is right and why. For the outcome and 错题本.

Whoever calls has asked `show` whether what is right may be known.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from school.core.keys import Keys
from school.quizzes.bank import keyring
from school.quizzes.bank.files import address
from school.quizzes.bank.versions import asked
from school.quizzes.papers.drawing import Served
from school.quizzes.sittings import telling
from school.quizzes.sittings.serving import face, shown

FILES = timedelta(hours=12)  # how long the pictures of a page that looks back can be fetched


class Given(NamedTuple):
    """A question of a paper with the answer to it in authored places, and its points; None: not marked."""

    served: Served
    answer: Any
    points_100: int | None


def looked_back(s: Session, keys: Keys, given: Sequence[Given], now: datetime) -> list[dict[str, Any]]:
    """`{face, answer, told}` of each, in the places that were shown; `told` is `telling.tell` with `points` and `max`.

    `right` of a marked one says whether all its points were earned; of a short answer that waits, or that counts nothing,
    it is None.
    """
    version_ids = {one.served.version_id for one in given}
    versions, known = asked(s, version_ids), keyring.newest(s, version_ids)
    # by the hour, so that a reload finds its pictures in the cache
    until = int((now + FILES).timestamp()) // 3600 * 3600
    looked = []
    for i, one in enumerate(given):
        question = versions[one.served.version_id]
        told = telling.tell(one.served, question, known[one.served.version_id], one.answer)
        if one.points_100 is not None and one.served.points_100:
            told["right"] = one.points_100 >= one.served.points_100
            told["points"] = one.points_100 / 100
        told["max"] = one.served.points_100 / 100
        looked.append(
            {
                "face": face(i, question, one.served, lambda file_id: address(keys, file_id, until)),
                "answer": shown(one.served, question.kind, one.answer),
                "told": told,
            }
        )
    return looked
