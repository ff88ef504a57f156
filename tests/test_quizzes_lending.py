"""随堂提问 from the bank: what a class may ask, who may look for it, and that the bank alone says what is right."""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import partial

import pytest

from actors import Cast
from clients import SchoolClient
from live_kit import make_class
from quiz_kit import SAMPLES, make_question
from room_kit import Room
from school.core.db import Database
from school.core.errors import Invalid, NotAllowed, NotFound
from school.core.time import now
from school.live import reporting
from school.live.models import LiveClass, LivePoll
from school.live.outside import BankQuestion, Outside
from school.quizzes.bank import lending
from school.quizzes.bank.models import AnswerKey, Question, QuestionKind, QuestionState

TODAY = date(2026, 11, 22)


def bank() -> Outside:
    return Outside(
        questions=lambda s, person, search: [BankQuestion(*each) for each in lending.quick(s, person, search, TODAY)],
        question=lambda s, person, question_id: BankQuestion(*lending.quick_one(s, person, question_id, TODAY)),
    )


def made(db: Database, cast: Cast, kind: QuestionKind = QuestionKind.SINGLE, **fields: object) -> int:
    with db.write() as s:
        question = make_question(s, cast, kind)
        question.words = str(SAMPLES[kind][0]["stem"])
        for name, value in fields.items():
            setattr(question, name, value)
        return question.id


def test_a_class_may_ask_choices_and_judgements_that_stand(db: Database, cast: Cast) -> None:
    asked = [made(db, cast, kind) for kind in QuestionKind]
    gone = [
        made(db, cast, state=QuestionState.WITHDRAWN),
        made(db, cast, approved_id=None),
        made(db, cast, valid_until=TODAY - timedelta(1)),
        made(db, cast, valid_from=TODAY + timedelta(1)),
    ]
    with db.write() as s:
        picture = make_question(s, cast, body={**SAMPLES[QuestionKind.SINGLE][0], "media": [7]}).id
    with db.read() as s:
        find = partial(lending.quick, s, cast.trainer.person)
        assert {each.question_id for each in find("", TODAY)} == set(asked[:3])
        assert [each.question for each in find("宪法日　国家", TODAY)] == ["国家宪法日是哪一天？"]
        assert find("宪法 退党", TODAY) == []
        judge = find("退党", TODAY)[0]
        assert (judge.options, judge.right, judge.multiple) == (("正确", "错误"), (0,), False)
        for number in (*asked[3:], *gone, picture, 10**6):
            with pytest.raises(NotFound):
                lending.quick_one(s, cast.trainer.person, number, TODAY)
        for stranger in (cast.member, cast.secretary):
            assert lending.quick(s, stranger.person, "", TODAY) == []


def test_a_corrected_key_is_the_one_that_is_asked(db: Database, cast: Cast) -> None:
    number = made(db, cast)
    with db.write() as s:
        version = s.get_one(Question, number).approved_id
        s.add(
            AnswerKey(version_id=version, revision=2, key={"right": [2]}, author_id=cast.trainer.account_id, created_at=now())
        )  # fmt: skip
    with db.read() as s:
        assert lending.quick_one(s, cast.trainer.person, number, TODAY).right == (2,)


def test_the_bank_says_what_is_asked_and_its_answers_reach_the_report(db: Database, cast: Cast) -> None:
    number = made(db, cast, QuestionKind.MULTIPLE)
    room = Room(db, cast, outside=bank())
    lies = {"question": "别的题", "options": ["一", "二"], "right": [1], "explanation": "别的讲解"}
    poll = room.do(cast.trainer, "poll_open", question_ref=number, **lies)["poll"]
    before = json.dumps([room.state(cast.member), [line.body for line in room.lines()]], ensure_ascii=False)
    assert "三会一课" in before
    assert "right" not in before
    assert "见党章" not in before
    room.do(cast.member, "vote", poll=poll, choices=[0, 1, 2])
    room.do(cast.secretary, "vote", poll=poll, choices=[3])
    room.do(cast.trainer, "poll_close", poll=poll)
    (line,) = room.lines("poll_closed")
    assert (line.body["right"], line.body["explanation"]) == ([0, 1, 2], "见党章。")
    with db.read() as s:
        (told,) = reporting.build(s, s.get_one(LiveClass, room.id), recorded=False, zone="Asia/Shanghai")["polls"]
        assert s.get_one(LivePoll, poll).question_ref == number
    assert (told["question_ref"], told["tally"], told["voters"]) == (number, [1, 1, 1, 1], 2)
    assert told["options"] == ["支部党员大会", "支部委员会会议", "党小组会", "民主生活会"]


def test_nobody_else_says_that_a_question_is_the_banks(db: Database, cast: Cast) -> None:
    number = made(db, cast, QuestionKind.FILL)
    room = Room(db, cast, outside=bank())
    for wrong in (number, 10**6):
        with pytest.raises(NotFound):
            room.do(cast.trainer, "poll_open", question_ref=wrong, question="题", options=["一", "二"])
    for wrong in ("1", True, -1, {"question": "题"}):
        with pytest.raises(Invalid):
            room.do(cast.trainer, "poll_open", question_ref=wrong, question="题", options=["一", "二"])
    with pytest.raises(NotAllowed):
        room.do(cast.member, "poll_open", question_ref=made(db, cast))
    with pytest.raises(NotFound):  # a school without a bank
        Room(db, cast).do(cast.trainer, "poll_open", question_ref=made(db, cast))


def test_the_desk_looks_into_the_bank(db: Database, client: SchoolClient, cast: Cast) -> None:
    number = made(db, cast)
    long = {**SAMPLES[QuestionKind.SINGLE][0], "options": [{"text": text, "media": []} for text in ("一" * 61, "二")]}
    with db.write() as s:
        make_question(s, cast, body=long, key={"right": [1]})
        class_id = make_class(s, cast).id
    client.act_as(cast.trainer)
    (found,) = client.get(f"/live/{class_id}/questions?q=宪法").get_json()["questions"]
    assert found == {
        "question_ref": number, "category": "党章", "question": "国家宪法日是哪一天？",
        "options": ["10月1日", "12月4日", "12月13日"], "multiple": False, "right": [1], "explanation": "见党章。",
    }  # fmt: skip
    assert [each["question_ref"] for each in client.get(f"/live/{class_id}/questions").get_json()["questions"]] == [
        number
    ]
    client.act_as(cast.member)
    assert client.get(f"/live/{class_id}/questions").status_code == 403
