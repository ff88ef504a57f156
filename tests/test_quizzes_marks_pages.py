"""The pages of marks as people use them: mark without a name, correct a key after a look at who changes, read and put away."""

from __future__ import annotations

import html
import io
import re

import pytest
from click.testing import CliRunner
from flask import Flask
from marks_kit import hand_in
from python_calamine import CalamineWorkbook

from actors import Cast
from clients import SchoolClient
from quiz_kit import make_question, make_quiz
from school import cli
from school.core.db import Database
from school.quizzes.bank import keyring
from school.quizzes.bank.models import Question, QuestionKind
from school.quizzes.marks import notes
from school.quizzes.papers.models import Quiz, QuizKind

K = QuestionKind


@pytest.fixture
def exam(db: Database, cast: Cast) -> tuple[Quiz, list[Question]]:
    with db.write() as s:
        questions = [make_question(s, cast, kind) for kind in (K.SINGLE, K.SHORT)]
        quiz = make_quiz(s, cast, questions, hours_100=100, show="never")
        hand_in(s, quiz, questions, cast.member.member_id, [[2], "每月一次，由组长召集。"])
        hand_in(s, quiz, questions, cast.outsider.member_id, [[1], None])
    return quiz, questions


def test_short_answers_are_marked_one_after_the_other_without_a_name(
    client: SchoolClient, cast: Cast, exam: tuple[Quiz, list[Question]]
) -> None:
    quiz, _ = exam
    path = f"/quizzes/{quiz.id}/marking"
    for actor, points in ((cast.trainer, "4"), (cast.reviewer, "4.5")):
        client.act_as(actor)
        page = client.get(path).text
        assert "每月一次，由组长召集。" in page
        assert cast.member.name not in page
        fields = dict(re.findall(r'<input type="hidden" name="(answer|question)" value="([^"]+)"', page))
        refused = client.post(path, data={**fields, "points": "6"})
        assert refused.status_code == 422
        assert "请填 0 到 5 之间的分数" in refused.text
        client.post(path, data={**fields, "points": points, "note": "要点齐全"})
        assert "没有等您评的答案" in client.get(path).text
    listed = client.get(f"/quizzes/{quiz.id}/results").text
    assert "4.25" in listed
    assert "待评阅" not in re.sub(r"<option.*?</option>", "", listed)
    [attempt_id] = {int(found) for found in re.findall(r"/attempts/(\d+)/result\">" + cast.member.name, listed)}
    assert "要点齐全" in client.get(f"/quizzes/attempts/{attempt_id}/result").text
    client.act_as(cast.member)
    assert "要点齐全" not in client.get(f"/quizzes/attempts/{attempt_id}/result").text  # this paper shows nothing


def seen_in(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found
    return html.unescape(found[1])


def test_a_key_is_corrected_after_a_look_at_who_changes(
    client: SchoolClient, db: Database, cast: Cast, exam: tuple[Quiz, list[Question]]
) -> None:
    _, questions = exam
    path = f"/bank/{questions[0].id}/key"
    client.act_as(cast.trainer)
    form = {"version": "1", "revision": "1", "right": ["2"], "reason": "选项写错了位置"}
    looked = client.post(path, data={**form, "do": "preview"}).text
    assert "1 位同志的成绩会变：0 位由不及格变为及格，0 位由及格变为不及格" in looked
    assert cast.outsider.name in looked
    with db.read() as s:
        assert notes.notes(s, cast.outsider.member_id) == []
    seen = seen_in(looked)
    changed = client.post(path, data={**form, "right": ["0"], "seen": seen}).text  # something else than was looked at
    assert "更正以后" in changed
    done = client.post(path, data={**form, "seen": seen}, follow_redirects=True).text
    assert "答案已更正" in done
    assert "选项写错了位置" in done
    late = {**form, "right": ["0"], "seen": seen_in(changed)}
    assert client.post(path, data=late).status_code == 409  # somebody corrected it since
    assert client.post(path, data={**form, "revision": "2", "reason": ""}).status_code == 422
    with db.read() as s:
        [note] = notes.notes(s, cast.outsider.member_id)
        assert (note.was_100, note.best_100, note.reason) == (500, 0, "选项写错了位置")
    client.act_as(cast.outsider)
    desk = client.get("/").text
    assert "您的成绩由 5 分改为 0 分" in desk
    assert "选项写错了位置" in desk
    client.post(f"/quizzes/{note.quiz_id}/noted", data={"next": "//elsewhere.example"})
    assert "您的成绩由" not in client.get("/").text


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (K.MULTIPLE, {"right": ["0", "3"]}), (K.JUDGE, {"right": "false"}), (K.FILL, {"blank-0": "1921\n1922"}),
        (K.ORDER, {"place-0": "1", "place-1": "2", "place-2": "3"}), (K.MATCH, {"pair-0": "2", "pair-1": "0"}),
        (K.SHORT, {"model": "每周一次。"}), (K.SINGLE, {"waived": "on"}),
    ],
)  # fmt: skip
def test_every_kind_of_question_has_its_form(
    client: SchoolClient, db: Database, cast: Cast, kind: QuestionKind, fields: dict[str, str | list[str]]
) -> None:
    with db.write() as s:
        question = make_question(s, cast, kind)
    client.act_as(cast.trainer)
    path = f"/bank/{question.id}/key"
    assert client.get(path).status_code == 200
    form = {"version": "1", "revision": "1", "reason": "更正", **fields}
    looked = client.post(path, data=form).text
    assert "没有人的成绩会变" in looked
    assert "更正记录" in client.post(path, data={**form, "seen": seen_in(looked)}, follow_redirects=True).text
    assert client.post(path, data={**form, "revision": "2"}).status_code == 422  # nothing new any more
    with db.read() as s:
        assert question.approved_id
        assert keyring.newest(s, [question.approved_id])[question.approved_id].revision == 2


def test_results_leave_as_a_workbook_and_on_paper(
    client: SchoolClient, cast: Cast, exam: tuple[Quiz, list[Question]]
) -> None:
    quiz, _ = exam
    client.act_as(cast.trainer)
    answer = client.get(f"/quizzes/{quiz.id}/results.xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()[2:]
    assert rows[0] == ["序号", "姓名", "所在党支部", "考试名称", "次数", "最高分", "是否及格", "交卷时间"]
    assert [row[:7] for row in rows[1:]] == [
        [1, cast.member.name, "河东村", quiz.title, 1, "—", "待评阅"],
        [2, cast.outsider.name, "河西村", quiz.title, 1, 5, "否"],
    ]
    printed = client.get(f"/quizzes/{quiz.id}/results/print?show=failed").text
    assert cast.outsider.name in printed
    assert cast.member.name not in printed


def test_a_contests_table_is_for_its_people(client: SchoolClient, db: Database, cast: Cast) -> None:
    with db.write() as s:
        questions = [make_question(s, cast)]
        contest = make_quiz(s, cast, questions, kind=QuizKind.CONTEST, table_open=True, audience=(cast.town_id,))
        hand_in(s, contest, questions, cast.member.member_id, [[1]])
    path = f"/quizzes/{contest.id}/table"
    client.act_as(cast.outsider)
    assert cast.member.name in html.unescape(client.get(path).text)
    client.act_as(cast.admin)
    assert client.get(path).status_code == 404
    assert client.get(f"/quizzes/{contest.id}/results").status_code == 403


def test_the_command_counts_a_contest_again(app: Flask, db: Database, cast: Cast) -> None:
    with db.write() as s:
        questions = [make_question(s, cast)]
        contest = make_quiz(s, cast, questions, kind=QuizKind.CONTEST)
        attempt = hand_in(s, contest, questions, cast.member.member_id, [[1]])
    settings = app.extensions["school"].settings
    environment = {"SCHOOL_DATA": str(settings.data), "SCHOOL_DATABASE_URL": settings.db_url}
    clean = CliRunner().invoke(cli.school, ["contest", "recount"], env=environment)
    assert (clean.exit_code, "1 人，1 份答卷，0 处" in clean.output) == (0, True), clean.output
    with db.write() as s:
        s.merge(attempt).score_100 = 0
    found = CliRunner().invoke(cli.school, ["contest", "recount", str(contest.id)], env=environment)
    assert (found.exit_code, f"答卷 {attempt.id}　score：存的是 0，应为 500" in found.output) == (1, True), found.output
