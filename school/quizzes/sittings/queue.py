"""One queue a process for everything of sittings that comes in storms: starts, pages that open, answers, submissions.

Hundreds of people do the same thing in the same second; what comes within a twentieth of one is one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from school.core.errors import SchoolError
from school.core.offload import in_thread
from school.quizzes.sittings import saving
from school.quizzes.sittings import service as sitting
from school.quizzes.sittings.saving import Delivery, Outcome
from school.quizzes.sittings.service import Open, Sitting, Start
from school.records.commit import GroupCommit
from school.webkit.context import School

TICK = 0.05  # seconds that the first of a batch waits for others

Work = Start | Open | Delivery
Answer = int | Sitting | Outcome


def begin(parts: School, work: Start) -> int:
    """The id of the attempt that this person sits from now on, after the commit."""
    answer = _queue(parts).submit(work)
    assert isinstance(answer, int)
    return answer


def open_page(parts: School, work: Open) -> Sitting:
    answer = _queue(parts).submit(work)
    assert isinstance(answer, Sitting)
    return answer


def deliver(parts: School, work: Delivery) -> Outcome:
    """What stands of a delivery, after the commit; raises what `saving.save` answers."""
    answer = _queue(parts).submit(work)
    assert isinstance(answer, Outcome)
    return answer


def _queue(parts: School) -> GroupCommit[Work, Answer]:
    """The process's queue, made at its first use."""
    made: GroupCommit[Work, Answer] | None = parts.parts.get("sittings")
    if made is not None:
        return made

    verbs: tuple[tuple[type[Any], Any], ...] = (
        (Start, sitting.start),
        (Open, sitting.open_page),
        (Delivery, partial(saving.save, zone=parts.settings.zone)),
    )

    def flush(works: Sequence[Work]) -> list[Answer | Exception]:
        with parts.db.write() as s:
            if {Open, Delivery} <= {type(work) for work in works}:  # all in the order of their ids: see `service`
                sitting.held(s, (work.attempt_id for work in works if not isinstance(work, Start)))
            answers: dict[int, Answer | SchoolError] = {}
            for kind, apply in verbs:
                places = [place for place, work in enumerate(works) if isinstance(work, kind)]
                if places:
                    answers.update(zip(places, apply(s, [works[place] for place in places]), strict=True))
            if parts.db.sqlite:
                in_thread(s.commit)  # it waits for the disk; the work before it, for nothing but the processor
            return [answers[place] for place in range(len(works))]

    made = parts.parts["sittings"] = GroupCommit(flush, tick=TICK)
    return made
