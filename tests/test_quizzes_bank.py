"""The question bank on both databases: writing, two-person review, versions, search, near-duplicates."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise
from struct import pack
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as st

from actors import Actor, Cast
from quiz_kit import SAMPLES
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed, NotFound, SchoolError
from school.core.person import Grant, Role
from school.org.models import AuditLog, Organization
from school.quizzes import bodies
from school.quizzes.bank import queries as bank_queries
from school.quizzes.bank import service as bank
from school.quizzes.bank import similar
from school.quizzes.bank.models import AnswerKey, Question, QuestionKind, QuestionState, QuestionTag, QuestionVersion
from school.quizzes.bank.queries import Wanted
from school.quizzes.bank.rules import Draft

TODAY = date(2026, 11, 22)


def draft(kind: QuestionKind = QuestionKind.SINGLE, **fields: Any) -> Draft:
    body, key = SAMPLES[kind]
    return Draft(kind=kind, body=body, key=key, **{"category": "党章", **fields})


def asking(stem: str, **fields: Any) -> Draft:
    """A true/false question with this stem."""
    return replace(draft(QuestionKind.JUDGE, **fields), body={"stem": stem})


def made(db: Database, cast: Cast, *drafts: Draft, by: Actor | None = None, **options: Any) -> list[int]:
    with db.write() as s:
        return bank.add_many(s, (by or cast.trainer).person, cast.county_id, drafts or (draft(),), **options)


def path_of(db: Database, org_id: int) -> str:
    with db.read() as s:
        return s.get_one(Organization, org_id).path


def refused(kind: type[SchoolError], code: str, db: Database, verb: Any, *args: Any) -> None:
    with pytest.raises(kind) as caught, db.write() as s:
        verb(s, *args)
    assert caught.value.code == code


# ── writing ─────────────────────────────────────────────


def test_many_are_written_as_one_would_be(db: Database, cast: Cast) -> None:
    drafts = [draft(kind, tags=("基础", "党史"), basis="党章") for kind in QuestionKind]
    ids = made(db, cast, *drafts)
    with db.read() as s:
        for question_id, wanted in zip(ids, drafts, strict=True):
            question = s.get_one(Question, question_id)
            version = s.scalars(sa.select(QuestionVersion).where(QuestionVersion.question_id == question_id)).one()
            key = s.get_one(AnswerKey, (version.id, 1))
            tags = s.scalars(sa.select(QuestionTag.tag).where(QuestionTag.question_id == question_id)).all()
            assert (question.kind, question.state) == (wanted.kind, QuestionState.DRAFT)
            assert (question.approved_id, question.latest_no, version.no) == (None, 1, 1)
            assert (version.body, key.key, version.basis) == (wanted.body, wanted.key, "党章")
            assert set(tags) == {"基础", "党史"}
        assert s.scalars(sa.select(AuditLog.event)).all() == ["question.create"]
    assert made(db, cast) > ids[-1:], "ids go on after a set"


def test_nothing_is_written_when_one_does_not_fit(db: Database, cast: Cast) -> None:
    with pytest.raises(Invalid) as caught:
        made(db, cast, draft(), draft(category=" "))
    assert caught.value.code == "question.category"
    with db.read() as s:
        assert s.scalar(sa.select(sa.func.count()).select_from(Question)) == 0


def test_every_kind_refuses_what_it_cannot_hold() -> None:
    cases: list[tuple[str, QuestionKind, dict[str, Any], dict[str, Any]]] = [
        ("stem", QuestionKind.JUDGE, {"stem": " \u200b "}, {"right": True}),
        ("stem", QuestionKind.FILL, {"stem": "没有空"}, {"blanks": []}),
        ("blanks", QuestionKind.FILL, {"stem": "____和____"}, {"blanks": [["一"]]}),
        ("blanks", QuestionKind.FILL, {"stem": "____"}, {"blanks": [[" "]]}),
        ("key", QuestionKind.SINGLE, {"stem": "问", "options": ["甲", "乙"]}, {"right": [0, 1]}),
        ("key", QuestionKind.MULTIPLE, {"stem": "问", "options": ["甲", "乙"]}, {"right": [2]}),
        ("key", QuestionKind.MULTIPLE, {"stem": "问", "options": ["甲", "乙"]}, {"right": [True]}),
        ("options", QuestionKind.SINGLE, {"stem": "问", "options": ["甲", " 甲"]}, {"right": [0]}),
        ("options", QuestionKind.SINGLE, {"stem": "问", "options": ["甲"]}, {"right": [0]}),
        ("key", QuestionKind.ORDER, {"stem": "排", "options": ["甲", "乙"]}, {"order": [0, 0]}),
        ("key", QuestionKind.MATCH, {"stem": "连", "left": ["甲", "乙"], "right": ["1", "2"]}, {"pairs": [0]}),
        ("media", QuestionKind.JUDGE, {"stem": "看图", "media": ["1"]}, {"right": True}),
        ("limit", QuestionKind.SHORT, {"stem": "写", "limit": 5}, {"model": ""}),
    ]
    for field, kind, body, key in cases:
        with pytest.raises(Invalid) as caught:
            bodies.checked(kind, body, key)
        assert caught.value.code == f"question.{field}", (kind, body)


def test_brackets_become_blanks_and_texts_are_tidied() -> None:
    body, key = bodies.checked(
        QuestionKind.FILL,
        {"stem": "  一大召开于（　）年，\n\n地点是（ ）。"},
        {"blanks": [["1921", "1921", ""], ["上海"]]},
    )
    assert body == {"stem": "一大召开于____年，\n地点是____。", "media": [], "blanks": 2}
    assert key == {"blanks": [["1921"], ["上海"]]}


def test_answers_have_one_shape() -> None:
    def answer(kind: QuestionKind, raw: Any) -> Any:
        return bodies.answer_of(kind, SAMPLES[kind][0], raw)

    assert answer(QuestionKind.MULTIPLE, [2, 0, 2]) == [0, 2]
    assert answer(QuestionKind.MULTIPLE, []) is None
    assert answer(QuestionKind.FILL, [" "]) is None
    assert answer(QuestionKind.MATCH, [None, None]) is None
    assert answer(QuestionKind.MATCH, [1, None]) == [1, None]
    assert answer(QuestionKind.SHORT, "甲\r\n\r\n乙\ud800\x00 ") == "甲\n乙"
    wrong: list[tuple[QuestionKind, Any]] = [
        (QuestionKind.SINGLE, [0, 1]), (QuestionKind.SINGLE, [3]), (QuestionKind.SINGLE, [True]), (QuestionKind.SINGLE, 1),
        (QuestionKind.JUDGE, 1), (QuestionKind.JUDGE, "true"), (QuestionKind.FILL, [1]), (QuestionKind.FILL, ["1", "2"]),
        (QuestionKind.ORDER, [0, 1]), (QuestionKind.ORDER, [0, 1, 1]), (QuestionKind.MATCH, [0, 3]), (QuestionKind.MATCH, {}),
        (QuestionKind.SHORT, ["x"]), (QuestionKind.MULTIPLE, [[0]]), (QuestionKind.MULTIPLE, [-1]), (QuestionKind.ORDER, [0.0, 1, 2]),
    ]  # fmt: skip
    for kind, raw in wrong:
        with pytest.raises(Invalid) as caught:
            answer(kind, raw)
        assert caught.value.code == "answer.shape", (kind, raw)
    with pytest.raises(Invalid) as caught:
        answer(QuestionKind.SHORT, "长" * 501)
    assert caught.value.code == "answer.long"


def test_only_trainers_of_the_place_write_there(db: Database, cast: Cast) -> None:
    for actor in (cast.reviewer, cast.secretary, cast.member):
        refused(NotAllowed, "person.role", db, bank.add_many, actor.person, cast.county_id, [draft()])
    refused(NotAllowed, "question.host", db, bank.add_many, cast.trainer.person, 10**9, [draft()])


def test_secret_marks_do_not_enter(db: Database, cast: Cast) -> None:
    for secret in (asking("【机密】这句话对吗？"), draft(basis="机密★10年"), draft(explanation="密级：秘密")):
        refused(Invalid, "course.secret", db, bank.add_many, cast.trainer.person, cast.county_id, [secret])


# ── review and versions ─────────────────────────────────


def test_another_person_approves(db: Database, cast: Cast) -> None:
    [question_id] = made(db, cast)
    refused(Conflict, "question.state", db, bank.approve, cast.reviewer.person, [question_id])
    with db.write() as s:
        assert bank.submit(s, cast.trainer.person, [question_id]) == 1
    refused(NotAllowed, "person.role", db, bank.approve, cast.trainer.person, [question_id])
    with db.write() as s:
        assert bank.approve(s, cast.reviewer.person, [question_id]) == 1
    with db.read() as s:
        question = s.get_one(Question, question_id)
        version = s.get_one(QuestionVersion, question.approved_id)
        assert (question.state, version.no) == (QuestionState.APPROVED, 1)
        assert version.reviewer_id == question.reviewer_id == cast.reviewer.account_id


def test_nobody_approves_what_they_wrote(db: Database, cast: Cast) -> None:
    both = replace(cast.trainer.person, grants=(*cast.trainer.person.grants, *cast.reviewer.person.grants))
    ids = made(db, cast, draft(), asking("党员有哪些义务？"), submit=True)
    refused(NotAllowed, "question.own", db, bank.approve, both, ids[:1])
    with db.write() as s:
        assert bank.approve(s, both, ids) == 0, "of several, one's own are left"
        assert bank_queries.waiting(s, both)[0] == 0
        assert bank_queries.waiting(s, cast.reviewer.person)[0] == 2


def test_an_edit_keeps_what_quizzes_serve(db: Database, cast: Cast) -> None:
    [question_id] = made(db, cast, submit=True)
    with db.write() as s:
        bank.approve(s, cast.reviewer.person, [question_id])
        question = s.get_one(Question, question_id)
        turn, first = bank.turn_of(question), question.approved_id
        new = draft()
        new = replace(new, body={**new.body, "stem": "国家宪法日在哪一天？"}, key={"right": [2]})
        bank.edit(s, cast.trainer.person, question_id, 1, new, turn)
    refused(Conflict, "question.version", db, bank.edit, cast.trainer.person, question_id, 1, new, turn)
    with db.read() as s:
        question = s.get_one(Question, question_id)
        assert (question.state, question.latest_no, question.approved_id) == (QuestionState.DRAFT, 2, first)
        assert s.get_one(QuestionVersion, first).body["stem"] == SAMPLES[QuestionKind.SINGLE][0]["stem"]
        assert s.get_one(AnswerKey, (first, 1)).key == {"right": [1]}
        turn = bank.turn_of(question)
    with db.write() as s:  # a draft that nobody has approved is replaced
        bank.edit(s, cast.trainer.person, question_id, 2, replace(new, key={"right": [0]}), turn)
        bank.submit(s, cast.trainer.person, [question_id])
    refused(Conflict, "question.in_review", db, bank.edit, cast.trainer.person, question_id, 2, new, turn)
    with db.write() as s:
        bank.approve(s, cast.reviewer.person, [question_id])
    with db.read() as s:
        question = s.get_one(Question, question_id)
        assert question.approved_id != first
        assert s.get_one(AnswerKey, (question.approved_id, 1)).key == {"right": [0]}
        assert [row[0].no for row in bank_queries.versions(s, question_id)] == [2, 1]


def test_a_returned_question_says_why_and_a_withdrawn_one_is_drawn_no_more(db: Database, cast: Cast) -> None:
    ids = made(db, cast, draft(), asking("党员有退党的自由吗？"), submit=True)
    refused(Invalid, "question.note", db, bank.give_back, cast.reviewer.person, ids, " ")
    with db.write() as s:
        assert bank.give_back(s, cast.reviewer.person, ids[:1], "第二个选项有歧义") == 1
        assert bank.approve(s, cast.reviewer.person, ids) == 1
    with db.read() as s:
        returned, approved = (s.get_one(Question, each) for each in ids)
        assert (returned.state, returned.review_note) == (QuestionState.DRAFT, "第二个选项有歧义")
        assert approved.state == QuestionState.APPROVED
    with db.write() as s:
        assert bank.withdraw(s, cast.reviewer.person, ids) == 2
    with db.read() as s:
        assert s.get_one(Question, ids[1]).approved_id is None
        assert bank_queries.find(s, cast.trainer.person, Wanted(), TODAY).total == 0
        assert bank_queries.find(s, cast.trainer.person, Wanted(state="withdrawn"), TODAY).total == 2


# ── finding ─────────────────────────────────────────────


def test_every_word_is_found_wherever_it_stands(db: Database, cast: Cast) -> None:
    made(
        db, cast,
        draft(QuestionKind.MULTIPLE, category="组织生活", tags=("支部", "ＡＢＣ")),
        draft(QuestionKind.FILL, basis="党章（2022）第九条", valid_until=date(2020, 1, 1)),
    )  # fmt: skip

    def found(**wanted: Any) -> list[str]:
        with db.read() as s:
            rows = bank_queries.find(s, cast.trainer.person, Wanted(**wanted), TODAY).questions
        return [row.category for row in rows]

    assert found(q="民主生活会") == found(q="支部 三会") == found(q="abc") == found(tag="支部") == ["组织生活"]
    assert found(q="第九条") == found(state="stale") == found(kind="fill") == ["党章"]
    assert found(q="三会 第九条") == found(q="%") == found(q="党_章") == []
    assert found(category="党章", mine=True) == ["党章"]
    assert found(state="approved") == []


def test_only_ones_own_banks_are_seen(db: Database, cast: Cast) -> None:
    ids = made(db, cast, submit=True)
    branch = replace(
        cast.trainer.person, account_id=cast.member.account_id,
        grants=(Grant(Role.TRAINER, cast.branch_id, path_of(db, cast.branch_id)),),
    )  # fmt: skip
    with db.read() as s:
        assert bank_queries.find(s, branch, Wanted(), TODAY).total == 0, "what is above shows when it is approved"
    with db.write() as s:
        bank.approve(s, cast.reviewer.person, ids)
    with db.read() as s:
        assert bank_queries.find(s, branch, Wanted(), TODAY).total == 1
        assert not bank_queries.may_write(branch, bank_queries.question(s, branch, ids[0]))
    refused(NotFound, "question.missing", db, bank.withdraw, branch, ids)


def test_near_duplicates_are_pointed_out(db: Database, cast: Cast) -> None:
    stems = (
        "中国共产党第一次全国代表大会召开于哪一年？",
        "中国共产党第一次全国代表大会是在哪一年召开的？",
        "我国的国家宪法日是每年的哪一天？",
        "中国共产党　第一次全国代表大会召开于哪一年?",
        "党员应当怎样按月向党组织交纳党费？",
    )
    ids = made(db, cast, *map(asking, stems))
    [chosen] = made(db, cast, draft(QuestionKind.SINGLE))
    person = cast.trainer.person
    with db.read() as s:
        found = similar.find(s, person, {"stem": stems[0]}, but=ids[0])
        assert [(each.question.id, each.same) for each in found] == [(ids[3], True), (ids[1], False)]
        assert similar.find(s, person, {"stem": stems[4]}, but=ids[4]) == []
        # as soon as a stem is typed, before its options are: the sample question has three of those
        typed = similar.find(s, person, {"stem": "国家的宪法日是哪一天？", "options": [{"text": ""}]})
        assert [each.question.id for each in typed] == [chosen]
        assert similar.find(s, cast.member.person, {"stem": stems[0]}) == []
        many = [
            {"stem": stem}
            for stem in ("党员应当如何按月向党组织交纳党费？", "全新的一道题目", "全新的一道题目。", stems[2])
        ]
        notes = similar.repeats(s, person, many)
    assert {place: (note.question_id, note.place, note.same) for place, note in notes.items()} == {
        0: (ids[4], None, False), 2: (None, 1, True), 3: (ids[2], None, True),
    }  # fmt: skip


@given(texts=st.lists(st.text("党员的权利义务和组织生活会议𠮷a", max_size=30), max_size=8))
@example(texts=["", "一", "一二", "党党党党", "", "中国共产党第一次全国代表大会召开于哪一年"])
def test_a_sketch_is_the_same_alone_and_among_many(texts: list[str]) -> None:
    """The eight smallest hashes of pairs, as the bank has stored them since its first question."""

    def told(text: str) -> str:
        pairs = {(ord(a) * 0x10001 + ord(b)) * 0x9E3779B1 % 2**32 for a, b in pairwise(text)}
        smallest = sorted(pairs)[: similar.SAMPLE]
        return pack("<8I", *smallest, *[0] * (similar.SAMPLE - len(smallest))).hex()

    assert similar.sketches(texts) == [similar.sketch(text) for text in texts] == [told(text) for text in texts]


def test_a_stored_sketch_never_changes() -> None:
    assert similar.sketch("国家宪法日是哪一天") == "ca3d8109d48da3419a9c66626029a16b59f44475cfa6218f492dced6c32854ed"


@given(stems=st.lists(st.text("党员的权利义务和组织生活会议", min_size=6, max_size=40), max_size=12))
def test_a_sketch_misses_no_repetition(stems: list[str]) -> None:
    for stem in stems:
        text = similar.text_of({"stem": stem})
        assert similar.sketch(text) == similar.sketch(similar.text_of({"stem": f"“{stem}”？"}))
        assert len(similar.sketch(text)) == 64
        assert similar.likeness(text, text) == 1000
