"""What a class came to: the shape of `LiveReport.body`, and the pure reckoning behind its figures.

Written by `settle`, read by the report pages, the workbook and the A4 sheet. Moments are milliseconds since 1970 (`*_ms`),
shares are permille; names stand as they were when the class ended. The people themselves are rows of `LiveAttendance`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NotRequired, TypedDict

from school.records.intervals import Union

MINUTE = 60_000
POINTS = 240  # of the curve at most


class BranchLine(TypedDict):
    """One organisation that has members of the class itself, in organisation order (by the tree's path)."""

    org_id: int
    name: str  # short name
    path: str
    expected: int
    present: int  # of those expected, who were there at all
    met: int  # of those expected, who attended enough without the replay
    rate_permille: int | None  # present of expected; None: nobody was expected


class PollLine(TypedDict):
    """A vote or a quick question; `right` (indexes) only of the latter."""

    poll: int
    question: str
    options: list[str]
    tally: list[int]
    voters: int
    multiple: bool
    anonymous: bool
    right: list[int] | None
    explanation: str
    question_ref: NotRequired[int | None]  # of the bank it was taken from; reports before 0.3 do not say
    opened_ms: int
    closed_ms: int | None


class QuestionLine(TypedDict):
    """A question to the trainer; `state`: waiting, answering, answered, later (removed ones are left out)."""

    question: int
    text: str
    name: str
    branch: str
    seconds: int
    state: str
    at_ms: int
    answering_ms: int | None


class CheckLine(TypedDict):
    """A presence check: how many were in the room and should answer, how many did in time."""

    check: int
    at_ms: int
    asked: int
    answered: int


class SignIns(TypedDict):
    """到课登记: whether a code was ever opened, and how many entered it."""

    opened: bool
    count: int


class Body(TypedDict):
    """`LiveReport.body`."""

    started_ms: int | None
    ended_ms: int | None
    counted_ms: int  # media time that counts: the recording within its trim; 0 without a recording
    recording: bool  # False: nobody published a picture or a sound, so attendance alone gives no hours
    stopped: bool  # 停播 by an administrator
    required_permille: int  # share of `counted_ms` that completes the class
    expected: int
    present: int  # of those expected
    rate_permille: int | None
    guests: int  # were there without being expected
    met: int  # expected or not, attended enough without the replay
    makeup: int  # stand on the 待补学名单
    makeup_until: str | None  # ISO date in the school's zone
    branches: list[BranchLine]
    curve: list[list[int]]  # [moment (ms), members in the room], evenly spaced from start to end
    polls: list[PollLine]
    questions: list[QuestionLine]
    checks: list[CheckLine]
    sign_ins: SignIns
    spoke: int  # members who were called to speak
    messages: int  # shown in the discussion


def permille(part: int, whole: int) -> int | None:
    """`part` of `whole`, rounded; None of nothing."""
    return (2000 * part + whole) // (2 * whole) if whole else None


def curve(stays: Iterable[Union], begin_ms: int, end_ms: int) -> list[list[int]]:
    """How many were there, at every minute from `begin_ms` to `end_ms` (further apart in a long class).

    `stays` are the moments each member was in the room, one sorted union a member.
    """
    if end_ms <= begin_ms:
        return []
    step = max(MINUTE, -(-(end_ms - begin_ms) // (POINTS * MINUTE)) * MINUTE)
    moments = list(range(begin_ms, end_ms, step))
    change = [0] * (len(moments) + 1)
    for stay in stays:
        for start, end in stay:
            first, last = _index(start - begin_ms, step, len(moments)), _index(end - begin_ms, step, len(moments))
            change[first] += 1
            change[last] -= 1
    present, points = 0, []
    for moment, delta in zip(moments, change, strict=False):
        present += delta
        points.append([moment, present])
    return points


def _index(ms: int, step: int, count: int) -> int:
    """The first of `count` moments, `step` apart from 0, that is not before `ms`."""
    return min(max(-(-ms // step), 0), count)


def branch_lines(
    branches: Sequence[tuple[int, str, str]], people: Iterable[tuple[int, bool, bool]]
) -> list[BranchLine]:
    """Lines of `branches` (id, name, path) from the people expected: (branch id, present, met)."""
    lines = {
        org_id: BranchLine(org_id=org_id, name=name, path=path, expected=0, present=0, met=0, rate_permille=None)
        for org_id, name, path in sorted(branches, key=lambda branch: branch[2])
    }
    for org_id, present, met in people:
        line = lines[org_id]
        line["expected"] += 1
        line["present"] += present
        line["met"] += met
    for line in lines.values():
        line["rate_permille"] = permille(line["present"], line["expected"])
    return list(lines.values())
