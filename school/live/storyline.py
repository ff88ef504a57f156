"""The replay's time line: what was said, asked, voted and shown, each at its place in the recording."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.live.models import (
    LiveClass,
    LiveEvent,
    LiveHand,
    LiveMessage,
    LivePoll,
    LiveQuestion,
)
from school.media.rules import Run
from school.org.models import Account, Member, Organization
from school.records.presence_rules import laid, media_at

SHOWN_MS = 3_000  # a page that was leafed over sooner is no chapter
MESSAGES = 20_000  # of a class; more than a room can read


def story(s: Session, live: LiveClass, runs: Sequence[Run]) -> dict[str, Any]:
    """`{lines, chapters}`: lines in the order of the recording, chapters from the slides that were turned.

    Every `at_ms` is media time. Line kinds: `said`, `question`, `poll`, `called`, `break`.
    """
    lines = [*_said(s, live, runs), *_questions(s, live, runs), *_polls(s, live, runs), *_called(s, live, runs)]
    lines += _breaks(runs)
    voices = _voices(s, live, {line["account_id"] for line in lines if "account_id" in line})
    for line in lines:
        account_id = line.pop("account_id", None)
        if account_id is not None:
            line["by"] = voices[account_id]
    return {"lines": sorted(lines, key=lambda line: line["at_ms"]), "chapters": chapters(slides(s, live.id), runs)}


def _said(s: Session, live: LiveClass, runs: Sequence[Run]) -> list[dict[str, Any]]:
    rows = s.execute(
        sa.select(LiveMessage.at_ms, LiveMessage.account_id, LiveMessage.text)
        .where(LiveMessage.class_id == live.id, LiveMessage.state == "shown")
        .order_by(LiveMessage.id)
        .limit(MESSAGES)
    )
    return [
        {"kind": "said", "at_ms": media_at(runs, at_ms), "account_id": account_id, "text": text}
        for at_ms, account_id, text in rows
    ]


def _questions(s: Session, live: LiveClass, runs: Sequence[Run]) -> list[dict[str, Any]]:
    rows = s.scalars(
        sa.select(LiveQuestion)
        .where(LiveQuestion.class_id == live.id, LiveQuestion.state != "removed")
        .order_by(LiveQuestion.id)
    )
    return [
        {
            "kind": "question",
            "at_ms": media_at(runs, row.at_ms),
            "account_id": row.account_id,
            "text": row.text,
            "seconds": row.seconds,
            "state": row.state,
            "answer_ms": media_at(runs, row.answering_ms) if row.answering_ms else None,
        }
        for row in rows
    ]


def _polls(s: Session, live: LiveClass, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Votes with their outcome; how one voted is nobody's business here."""
    rows = s.scalars(sa.select(LivePoll).where(LivePoll.class_id == live.id).order_by(LivePoll.id))
    return [
        {
            "kind": "poll",
            "at_ms": media_at(runs, row.opened_ms),
            "question": row.question,
            "options": list(row.options),
            "tally": list(row.tally),
            "voters": row.voters,
            "anonymous": row.anonymous,
            "right": row.right,
            "explanation": row.explanation,
        }
        for row in rows
    ]


def _called(s: Session, live: LiveClass, runs: Sequence[Run]) -> list[dict[str, Any]]:
    rows = s.execute(
        sa.select(LiveHand.called_ms, LiveHand.account_id)
        .where(LiveHand.class_id == live.id, LiveHand.called_ms.is_not(None))
        .order_by(LiveHand.called_ms)
    )
    return [
        {"kind": "called", "at_ms": media_at(runs, at_ms), "account_id": account_id}
        for at_ms, account_id in rows
        if at_ms
    ]


def _breaks(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Where the recording leaps over time: a pause of the class, or a line that was broken for long."""
    stretches = laid(runs)
    return [
        {"kind": "break", "at_ms": end + shift, "length_ms": start - end}
        for (_, end, shift), (start, _, _) in pairwise(stretches)
        if start - end >= 60_000
    ]


def _voices(s: Session, live: LiveClass, account_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Who said it: `{name, branch, host}`."""
    rows = s.execute(
        sa.select(Account.id, Account.name, Organization.short_name)
        .outerjoin(Member, Member.id == Account.member_id)
        .outerjoin(Organization, Organization.id == Member.org_id)
        .where(Account.id.in_(account_ids))
    )
    hosts = {live.trainer_id, live.helper_id}
    return {
        account_id: {"name": name, "branch": branch or "", "host": account_id in hosts}
        for account_id, name, branch in rows
    }


def slides(s: Session, class_id: int) -> list[tuple[int, int]]:
    """(moment, page) of every turn of the slides."""
    rows = s.execute(
        sa.select(LiveEvent.at_ms, LiveEvent.body)
        .where(LiveEvent.class_id == class_id, LiveEvent.kind == "slide")
        .order_by(LiveEvent.no)
    )
    return [(at_ms, int(body["page"])) for at_ms, body in rows if body.get("page")]


def chapters(turns: Sequence[tuple[int, int]], runs: Sequence[Run]) -> list[dict[str, int]]:
    """`{at_ms, page}`, the slides in the order they were shown; those leafed over and repeated turns are left out.

    What was on the screen when the recording begins is its first chapter.
    """
    found: list[dict[str, int]] = []
    for moment, page in turns:
        at_ms = media_at(runs, moment)
        if found and at_ms - found[-1]["at_ms"] < SHOWN_MS:
            found.pop()
        if not found or found[-1]["page"] != page:
            found.append({"at_ms": at_ms, "page": page})
    return found


def beside(main: Sequence[Run], camera: Sequence[Run]) -> list[list[int]]:
    """[main from, main to, camera from] in media time: where the second picture has what was recorded at that moment."""
    pieces = []
    for start, end, shift in laid(main):
        for other_start, other_end, other_shift in laid(camera):
            begin, stop = max(start, other_start), min(end, other_end)
            if begin < stop:
                pieces.append([begin + shift, stop + shift, begin + other_shift])
    return sorted(pieces)
