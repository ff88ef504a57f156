"""The bank's pages: questions of every kind through the plain form, refusals that keep what was typed, review in batch."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import picture_kit
import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page, expect

import actors
from actors import PASSWORD, Cast
from clients import SchoolClient
from quiz_kit import SAMPLES, make_question
from school.core.db import Database
from school.core.settings import Settings
from school.quizzes.bank import service as bank
from school.quizzes.bank.models import AnswerKey, Question, QuestionKind, QuestionState, QuestionVersion
from school.quizzes.bank.rules import Draft
from school.webkit import queue
from services import LiveServer

FORMS: dict[QuestionKind, dict[str, Any]] = {
    QuestionKind.SINGLE: {"options": ["10月1日", "", "12月4日", "12月13日"], "right": "2"},
    QuestionKind.MULTIPLE: {
        "options": ["支部党员大会", "支部委员会会议", "党小组会", "民主生活会"], "right": ["0", "1", "2"],
    },
    QuestionKind.JUDGE: {"right": "true"},
    QuestionKind.FILL: {"blanks": "1921｜一九二一 "},
    QuestionKind.ORDER: {"options": ["一大", "遵义会议", "七大"]},
    QuestionKind.MATCH: {"left": ["一大", "七大", ""], "right": ["上海", "延安", "遵义"]},
    QuestionKind.SHORT: {"limit": "500", "model": "每月一次，由组长召集。"},
}  # fmt: skip


def form(cast: Cast, kind: QuestionKind, **fields: Any) -> dict[str, Any]:
    stem = SAMPLES[kind][0]["stem"]
    return (
        {"host": cast.county_id, "kind": kind, "stem": stem, "category": "党章", "difficulty": "1"}
        | FORMS[kind]
        | fields
    )


def latest(db: Database) -> tuple[Question, QuestionVersion, AnswerKey]:
    with db.read() as s:
        question = s.scalars(sa.select(Question).order_by(Question.id.desc()).limit(1)).one()
        version = s.scalars(sa.select(QuestionVersion).where(QuestionVersion.question_id == question.id)).one()
        return question, version, s.get_one(AnswerKey, (version.id, 1))


def test_the_plain_form_writes_every_kind_and_shows_it_again(app: Flask, client: SchoolClient, cast: Cast) -> None:
    db = app.extensions["school"].db
    client.act_as(cast.trainer)
    for kind in QuestionKind:
        assert client.get(f"/bank/new?kind={kind}").status_code == 200
        answer = client.post("/bank/new", data=form(cast, kind, tags="党史，基础", basis="党章第九条"))
        assert answer.status_code == 302
        question, version, key = latest(db)
        body, right = SAMPLES[kind]
        if kind == QuestionKind.ORDER:  # typed in its right order
            body, right = {**body, "options": [body["options"][i] for i in right["order"]]}, {"order": [0, 1, 2]}
        elif kind == QuestionKind.MATCH:
            body, right = (
                {**body, "right": [{"text": t, "media": []} for t in ("上海", "延安", "遵义")]},
                {"pairs": [0, 1]},
            )
        assert (version.body, key.key) == (body, right)
        shown, edit = client.get(answer.location), client.get(f"/bank/{question.id}/edit")
        assert (shown.status_code, edit.status_code) == (200, 200)
        assert "党章第九条" in shown.text
        assert "党史，基础" in edit.text


def test_a_refusal_keeps_what_was_typed(app: Flask, client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.trainer)
    answer = client.post("/bank/new", data=form(cast, QuestionKind.SINGLE, right="1"))
    assert answer.status_code == 422
    assert "勾选的正确选项是空的" in answer.text
    assert 'value="12月13日"' in answer.text
    more = client.post("/bank/new", data=form(cast, QuestionKind.SINGLE, more="1"))
    assert more.text.count('name="options"') == 6
    secret = client.post("/bank/new", data=form(cast, QuestionKind.JUDGE, stem="机密★ 对吗？"))
    assert secret.status_code == 422


def test_a_browser_without_script_sends_its_files_with_the_form(app: Flask, client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.trainer)
    fields = form(cast, QuestionKind.SINGLE, stem_file=(io.BytesIO(picture_kit.png()), "图.png"))
    answer = client.post("/bank/new", data=fields | {"options_file_1": (io.BytesIO(picture_kit.png()), "乙.png")})
    assert answer.status_code == 302
    _, version, key = latest(app.extensions["school"].db)
    assert len(version.body["media"]) == 1
    assert [len(option["media"]) for option in version.body["options"]] == [0, 1, 0, 0]
    assert key.key == {"right": [2]}
    assert client.get(answer.location).text.count("/quizzes/files/") == 2


def test_reviewers_find_questions_in_the_queue_and_judge_several(
    app: Flask, client: SchoolClient, db: Database, cast: Cast
) -> None:
    with db.write() as s:
        ids = [make_question(s, cast, kind, state=QuestionState.IN_REVIEW).id for kind in QuestionKind]
        with app.test_request_context():
            [line] = queue.waiting(s, cast.reviewer.person)
    assert (line.title, line.href) == ("7 道试题", "/bank/review")
    client.act_as(cast.reviewer)
    page = client.get("/bank/review").text
    assert all(f'value="{question_id}"' in page for question_id in ids)
    assert client.post("/bank/review", data={"ids": ids[:2], "do": "return", "note": ""}).status_code == 422
    client.post("/bank/review", data={"ids": ids[:2], "do": "return", "note": "请补依据"})
    client.post("/bank/review", data={"ids": ids[2:], "do": "approve"})
    with db.read() as s:
        states = dict(s.execute(sa.select(Question.id, Question.state)).all())
    assert [states[each] for each in ids] == ["draft"] * 2 + ["approved"] * 5
    client.act_as(cast.trainer)
    assert "请补依据" in client.get(f"/bank/{ids[0]}").text
    answer = client.post("/bank/batch?category=党章", data={"do": "every"})
    assert answer.location == "/bank?category=%E5%85%9A%E7%AB%A0"
    with db.read() as s:
        assert s.scalar(sa.select(sa.func.count()).where(Question.state == "in_review")) == 2


@pytest.mark.browser
def test_a_question_is_written_in_a_browser(
    sqlite_tables: Path, tmp_path: Path, live_server: Callable[..., LiveServer], page: Page
) -> None:
    settings = Settings(data=tmp_path)
    shutil.copyfile(sqlite_tables, tmp_path / "school.db")
    db = Database(settings.db_url)
    try:
        _write_in_browser(db, live_server(settings), page)
    finally:
        db.close()


def _write_in_browser(db: Database, server: LiveServer, page: Page) -> None:
    cast = actors.build(db)
    with db.write() as s:
        bank.create(
            s, cast.trainer.person, cast.county_id,
            Draft(QuestionKind.JUDGE, {"stem": "国家宪法日是每年的12月4日。"}, {"right": True}, "宪法"),
        )  # fmt: skip
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/sign-in?next=/bank/new")
    page.get_by_label("手机号或账号").fill(cast.trainer.login)
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.locator("main").get_by_role("button", name="登录").click()
    page.get_by_label("题干").fill("国家宪法日是每年的哪一天？国家宪法日是12月4日。")
    expect(page.get_by_text("题库里有相近的题")).to_be_visible()
    for no, text in enumerate(("10月1日", "12月4日", "12月13日", "11月9日")):
        page.locator("input[name=options]").nth(no).fill(text)
    page.locator("input[name=options]").nth(3).press("Enter")
    expect(page.locator("input[name=options]")).to_have_count(5)
    page.locator("[data-remove]").nth(0).click()
    expect(page.locator("[data-no]").first).to_have_text("A")
    page.locator("input[name=right]").first.check()
    page.locator("[data-files=stem_media] input[type=file]").set_input_files(
        files=[{"name": "图.png", "mimeType": "image/png", "buffer": picture_kit.png()}]
    )
    expect(page.locator("[data-files=stem_media] img")).to_be_visible()
    page.get_by_label("分类").fill("宪法")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_text("已存进题库")).to_be_visible()
    _, version, key = latest(db)
    assert [option["text"] for option in version.body["options"]] == ["12月4日", "12月13日", "11月9日"]
    assert (len(version.body["media"]), key.key) == (1, {"right": [0]})
