"""What somebody who comes into the room must know at once: the state of things, the open questions, and their own part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.person import Person
from school.live import hands, log, moments, polls, presence, questions, room_rules, roster
from school.live.access import Standing
from school.live.models import LiveClass, LiveMessage, LiveMute
from school.live.rules import RoomRules
from school.org.models import Account, Member, Organization

WAITING = 100  # messages that wait for the trainer's side


def asked(s: Session, live: LiveClass, *, desk: bool) -> list[dict[str, Any]]:
    """The questions that stand, most wanted first; the trainer's side also gets those that were handled."""
    standing = questions.standing_questions(s, live.id, desk=desk)
    who = voices(s, (each.account_id for each in standing), live)
    return [
        {
            "question": each.id, "text": each.text, "seconds": each.seconds, "state": each.state, "at_ms": each.at_ms,
            "by": who[each.account_id],
        }
        for each in standing
    ]  # fmt: skip


def common(s: Session, live: LiveClass) -> dict[str, Any]:
    """The part of `state` that everybody in the room shares."""
    pages = moments.pages(s, live)
    speaking = hands.speakers(s, live.id)
    who = voices(s, (hand.account_id for hand in speaking), live)
    poll = polls.running(s, live.id)
    rules = RoomRules.of(live.rules)
    return {
        "slide": {"page": min(live.page, pages), "pages": pages},
        "sources": live.sources,
        "speakers": [
            {"account_id": hand.account_id, "name": who[hand.account_id]["name"], "slot": hand.slot}
            for hand in speaking
        ],
        "poll": {**polls.face(poll), **polls.figures(poll), "at_ms": poll.opened_ms} if poll is not None else None,
        "code_open": moments.open_code(s, live.id) is not None,
        "rules": {"chat": rules.chat, "slow_s": rules.slow_s, "premoderate": rules.premoderate},
        "present": roster.present_count(s, live.id),
        "expected": roster.expected_count(s, live),
    }


def mine(s: Session, live: LiveClass, people: Sequence[Person]) -> dict[int, dict[str, Any]]:
    """Each person's own part, by account: what they have done and what is asked of them. As many queries for a hall as for one."""
    accounts = [person.account_id for person in people]
    muted = questions.muted_among(s, live.id, accounts)
    standing = hands.standing(s, live.id, accounts)
    signed = moments.signed_in_at(s, live.id, [person.member_id for person in people if person.member_id is not None])
    votes = polls.votes(s, live.id, accounts)
    seconded = questions.seconded(s, live.id, accounts)
    return {
        account_id: {
            "muted": account_id in muted,
            "signed_in_ms": signed.get(person.member_id) if person.member_id is not None else None,
            "hand": account_id in standing,
            "slot": standing.get(account_id),
            "votes": votes.get(account_id, {}),
            "seconded": seconded.get(account_id, []),
        }
        for account_id, person in zip(accounts, people, strict=True)
    }


def check(s: Session, here: Standing) -> dict[str, Any] | None:
    """The presence check that still waits for this member, or for anybody at the desk."""
    asked, member_id = moments.last_check(s, here.live.id), here.person.member_id
    if asked is None or not room_rules.running(asked.at_ms, asked.answer_ms, log.this_ms()):
        return None
    face: dict[str, Any] = {"check": asked.id, "at_ms": asked.at_ms, "answer_ms": asked.answer_ms}
    if here.desk:
        return face | {"count": moments.answers(s, asked.id)}
    due = member_id is not None and not moments.answered(s, asked.id, member_id)
    return face if due else None


def desk(s: Session, here: Standing) -> dict[str, Any]:
    """What only the trainer's side sees."""
    live = here.live
    raised = hands.up(s, live.id)
    waiting = s.scalars(
        sa.select(LiveMessage)
        .where(LiveMessage.class_id == live.id, LiveMessage.state == "waiting")
        .order_by(LiveMessage.id)
        .limit(WAITING)
    ).all()
    muted = s.scalars(sa.select(LiveMute.account_id).where(LiveMute.class_id == live.id).order_by(LiveMute.at_ms)).all()
    who = voices(s, [*(hand.account_id for hand in raised), *(each.account_id for each in waiting), *muted], live)
    held = moments.open_code(s, live.id)
    return {
        "hands": [{"at_ms": hand.raised_ms, "by": who[hand.account_id]} for hand in raised],
        "waiting": [
            {"message": each.id, "text": each.text, "at_ms": each.at_ms, "by": who[each.account_id]} for each in waiting
        ],
        "muted": [who[account_id] for account_id in muted],
        "roster": roster.branches(s, live),
        "watching": presence.ways(s, live.id, log.this_ms()),
        "signed_in": moments.signed_in(s, live.id),
        "code": held.code if held is not None else None,
        "rules": RoomRules.of(live.rules).stored(),
    }


def voices(s: Session, account_ids: Iterable[int], live: LiveClass) -> dict[int, dict[str, Any]]:
    """People as lines name them: `{account_id, name, branch, host}` by account."""
    wanted = set(account_ids)
    if not wanted:
        return {}
    rows = s.execute(
        sa.select(Account.id, Account.name, Organization.short_name)
        .outerjoin(Member, Member.id == Account.member_id)
        .outerjoin(Organization, Organization.id == Member.org_id)
        .where(Account.id.in_(wanted))
    )
    host = (live.trainer_id, live.helper_id)
    return {
        account_id: {"account_id": account_id, "name": name, "branch": branch, "host": account_id in host}
        for account_id, name, branch in rows
    }
