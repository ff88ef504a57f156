"""Builds the report of a settled class from what the room kept; the shape stands in `results`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.time import day_of
from school.live import results
from school.live.attendance import ITEM
from school.live.attendance_rules import GRACE_MS, bridged, to_the_end
from school.live.models import (
    LiveAttendance,
    LiveCheck,
    LiveClass,
    LiveCode,
    LiveHand,
    LiveHere,
    LiveMessage,
    LivePoll,
    LivePresence,
    LiveQuestion,
    LiveSignIn,
    LiveState,
)
from school.live.results import Body, BranchLine, CheckLine, PollLine, QuestionLine, SignIns
from school.org.models import Account, Member, MemberCategory, Organization
from school.records.intervals import Union, common
from school.records.models import StudyItem, StudyPart
from school.records.policies import credit_policy, every_policy, policy_for


def build(s: Session, live: LiveClass, *, recorded: bool, zone: str) -> Body:
    """The whole report; the attendance of the class has been written."""
    begin, end = live.started_ms or 0, live.ended_ms or 0
    people = s.execute(
        sa.select(
            LiveAttendance.expected,
            LiveAttendance.org_id,
            LiveAttendance.first_ms.is_not(None).label("present"),
            LiveAttendance.met,
            LiveAttendance.makeup_until,
        ).where(LiveAttendance.class_id == live.id)
    ).all()
    due = [each for each in people if each.expected]
    present = sum(each.present for each in due)
    deadlines = [each.makeup_until for each in people if each.makeup_until]
    stays = list(_stays(s, live.id, begin, end))
    day = day_of(datetime.fromtimestamp(end / 1000, UTC), zone)
    policy = policy_for(every_policy(s), MemberCategory.FULL, None, day)
    return Body(
        started_ms=live.started_ms,
        ended_ms=live.ended_ms,
        counted_ms=_counted_ms(s, live.id) if recorded else 0,
        recording=recorded,
        stopped=live.state == LiveState.STOPPED,
        required_permille=credit_policy(policy).completion_permille,
        expected=len(due),
        present=present,
        rate_permille=results.permille(present, len(due)),
        guests=sum(each.present for each in people) - present,
        met=sum(each.met for each in people),
        makeup=len(deadlines),
        makeup_until=max(deadlines).astimezone(ZoneInfo(zone)).date().isoformat() if deadlines else None,
        branches=_branches(s, [(each.org_id, bool(each.present), bool(each.met)) for each in due]),
        curve=results.curve(stays, begin, end),
        polls=_polls(s, live.id),
        questions=_questions(s, live.id),
        checks=_checks(s, live.id, stays),
        sign_ins=SignIns(
            opened=bool(s.scalar(sa.select(sa.func.count()).where(LiveCode.class_id == live.id))),
            count=s.scalar(sa.select(sa.func.count()).where(LiveSignIn.class_id == live.id)) or 0,
        ),
        spoke=s.scalar(
            sa.select(sa.func.count(sa.distinct(LiveHand.account_id))).where(
                LiveHand.class_id == live.id, LiveHand.called_ms.is_not(None)
            )
        )
        or 0,
        messages=s.scalar(
            sa.select(sa.func.count()).where(LiveMessage.class_id == live.id, LiveMessage.state == "shown")
        )
        or 0,
    )


def _counted_ms(s: Session, class_id: int) -> int:
    spans = sa.select(sa.func.sum(StudyPart.length_ms - StudyPart.in_ms)).join(
        StudyItem, StudyItem.id == StudyPart.item_id
    )
    return int(
        s.scalar(spans.where(StudyItem.kind == ITEM, StudyItem.ref_id == class_id, StudyPart.active)) or 0
    )  # fmt: skip


def _stays(s: Session, class_id: int, begin_ms: int, end_ms: int) -> Iterator[Union]:
    """When each member was in the room during the class."""
    rows = s.execute(
        sa.select(LivePresence.member_id, LivePresence.entered_ms, LivePresence.seen_ms, LivePresence.left)
        .where(LivePresence.class_id == class_id)
        .order_by(LivePresence.member_id)
    )
    by_member: dict[int, list[tuple[int, int]]] = {}
    for member_id, entered_ms, seen_ms, left in rows:
        by_member.setdefault(member_id, []).append((entered_ms, seen_ms if left else to_the_end(seen_ms, end_ms)))
    for spans in by_member.values():
        yield common(bridged(spans), [(begin_ms, end_ms)])


def _branches(s: Session, due: list[tuple[int, bool, bool]]) -> list[BranchLine]:
    rows = s.execute(
        sa.select(Organization.id, Organization.short_name, Organization.path).where(
            Organization.id.in_({org_id for org_id, _, _ in due})
        )
    )
    return results.branch_lines([(org_id, name, path) for org_id, name, path in rows], due)


def _polls(s: Session, class_id: int) -> list[PollLine]:
    rows = s.scalars(sa.select(LivePoll).where(LivePoll.class_id == class_id).order_by(LivePoll.id))
    return [
        PollLine(
            poll=row.id, question=row.question, options=list(row.options), tally=list(row.tally), voters=row.voters,
            multiple=row.multiple, anonymous=row.anonymous, right=row.right, explanation=row.explanation,
            question_ref=row.question_ref, opened_ms=row.opened_ms, closed_ms=row.closed_ms,
        )
        for row in rows
    ]  # fmt: skip


def _questions(s: Session, class_id: int) -> list[QuestionLine]:
    rows = s.execute(
        sa.select(LiveQuestion, Account.name, Organization.short_name)
        .join(Account, Account.id == LiveQuestion.account_id)
        .outerjoin(Member, Member.id == Account.member_id)
        .outerjoin(Organization, Organization.id == Member.org_id)
        .where(LiveQuestion.class_id == class_id, LiveQuestion.state != "removed")
        .order_by(LiveQuestion.at_ms, LiveQuestion.id)
    )
    return [
        QuestionLine(
            question=row.id, text=row.text, name=name, branch=branch or "", seconds=row.seconds, state=row.state,
            at_ms=row.at_ms, answering_ms=row.answering_ms,
        )
        for row, name, branch in rows
    ]  # fmt: skip


def _checks(s: Session, class_id: int, stays: list[Union]) -> list[CheckLine]:
    answered = sa.func.sum(sa.case((LiveHere.at_ms <= LiveCheck.at_ms + LiveCheck.answer_ms + GRACE_MS, 1), else_=0))
    rows = s.execute(
        sa.select(LiveCheck.id, LiveCheck.at_ms, answered)
        .outerjoin(LiveHere, LiveHere.check_id == LiveCheck.id)
        .where(LiveCheck.class_id == class_id)
        .group_by(LiveCheck.id, LiveCheck.at_ms)
        .order_by(LiveCheck.at_ms)
    )
    return [
        CheckLine(
            check=number,
            at_ms=at_ms,
            asked=sum(any(start <= at_ms <= end for start, end in stay) for stay in stays),
            answered=int(count or 0),
        )
        for number, at_ms, count in rows
    ]
