"""监考: what the invigilator sees of a room, what is done from the page, and that it reaches the one who sits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from quiz_takers import RIGHT, Page

from actors import Actor, Cast
from clients import SchoolClient
from quiz_kit import make_question, make_quiz
from school.core.db import Database
from school.core.errors import NotAllowed
from school.quizzes.access import standing
from school.quizzes.bank.models import QuestionKind
from school.quizzes.marks.models import QuizResult
from school.quizzes.papers.models import Quiz, QuizHelper, Show
from school.quizzes.sittings import invigilation, outages
from school.quizzes.sittings.models import Attempt, AttemptState, QuizNote
from school.quizzes.sittings.outages import Heard
from school.quizzes.sittings.service import QUIET_MS
from school.quizzes.sittings.views import clock_ms

KINDS = (QuestionKind.SINGLE, QuestionKind.JUDGE)


@pytest.fixture
def quiz(db: Database, cast: Cast) -> Quiz:
    with db.write() as s:
        return make_quiz(
            s, cast, [make_question(s, cast, kind) for kind in KINDS], seat_code_needed=True, seat_code="246813", show=Show.NEVER,
        )  # fmt: skip


@pytest.fixture
def page(client: SchoolClient, cast: Cast, quiz: Quiz) -> Page:
    """The member's, sitting."""
    made = Page(client, cast.member)
    assert made.start(quiz, code="246813").status_code == 302
    assert made.open().status_code == 200
    return made


Do = Callable[..., Any]


@pytest.fixture
def do(client: SchoolClient, cast: Cast, quiz: Quiz) -> Do:
    """`do("extend", minutes=5, …)`: what the trainer does from the page; the page that it leads to."""

    def one(what: str, **form: Any) -> Any:
        client.act_as(cast.trainer)
        answer = client.post(f"/quizzes/{quiz.id}/desk/{what}", data=form)
        return client.get(answer.location) if answer.status_code == 302 else answer

    return one


def see(client: SchoolClient, who: Actor, quiz: Quiz, query: str = "") -> Any:
    client.act_as(who)
    return client.get(f"/quizzes/{quiz.id}/desk/room{query}").get_json()


def test_who_sits_and_how_far(client: SchoolClient, cast: Cast, quiz: Quiz, page: Page) -> None:
    page.save((0, RIGHT["single"], 1), away=1)
    page.save(back=4000)
    room = see(client, cast.trainer, quiz)
    (each,) = room["sitters"]
    assert (each["name"], each["branch"], each["state"]) == ("王建国", "河东村", "open")
    assert (each["answered"], each["of"], each["away"], each["quiet"]) == (1, 2, 1, False)
    assert each["deadline_ms"] - each["started_ms"] == 30 * 60_000
    assert (room["code"], room["paused_ms"], room["more"]) == ("246813", None, False)
    assert room["counts"] == {"open": 1, "quiet": 0, "submitted": 0, "marked": 0, "void": 0}
    page.open()
    assert see(client, cast.trainer, quiz)["sitters"][0]["resumed"] == 1
    page.submit((1, True, 2))
    room = see(client, cast.trainer, quiz)
    assert room["counts"]["marked"] == 1
    assert room["sitters"][0]["submitted_ms"]


def test_who_has_gone_quiet(db: Database, client: SchoolClient, cast: Cast, quiz: Quiz, page: Page) -> None:
    long_ago = clock_ms() - 2 * QUIET_MS
    with db.write() as s:
        s.execute(sa.update(Attempt).values(seen_ms=long_ago, started_ms=long_ago))
    room = see(client, cast.trainer, quiz, "?show=quiet")
    assert (room["counts"]["quiet"], len(room["sitters"]), room["sitters"][0]["quiet"]) == (1, 1, True)
    client.act_as(cast.member)
    page.save()  # a sign of life
    room = see(client, cast.trainer, quiz, "?show=quiet")
    assert (room["counts"]["quiet"], room["sitters"]) == (0, [])


def test_people_are_found_by_name_and_state(client: SchoolClient, cast: Cast, quiz: Quiz, page: Page) -> None:
    for query, found in (
        ("?q=建国", 1), ("?q=阿依", 0), ("?q=%25", 0), ("?show=open", 1), ("?show=over", 0), ("?show=nonsense", 1),
    ):  # fmt: skip
        assert len(see(client, cast.trainer, quiz, query)["sitters"]) == found, query


def test_who_has_not_begun(db: Database, client: SchoolClient, cast: Cast, page: Page, quiz: Quiz) -> None:
    client.act_as(cast.trainer)
    told = client.get(f"/quizzes/{quiz.id}/desk?show=absent").text
    assert "还有 2 位没有开始" in told
    assert "李秀兰" in told
    assert "王建国" not in told
    with db.read() as s:
        here = standing(s, cast.trainer.person, quiz.id)
        assert invigilation.absent(s, here, "阿依") == (1, [("阿依古丽·买买提", "河西村")])


def test_only_who_invigilates_looks_in(db: Database, client: SchoolClient, cast: Cast, quiz: Quiz, page: Page) -> None:
    for path in (
        f"/quizzes/{quiz.id}/desk",
        f"/quizzes/{quiz.id}/desk/room",
        f"/quizzes/{quiz.id}/desk/{page.attempt_id}",
    ):
        for who in (cast.member, cast.reviewer):
            client.act_as(who)
            assert client.get(path).status_code == 403
    with db.write() as s:
        s.add(QuizHelper(quiz_id=quiz.id, account_id=cast.secretary.account_id))
    assert see(client, cast.secretary, quiz)["counts"]["open"] == 1
    with db.read() as s, pytest.raises(NotAllowed):
        invigilation.notes(s, standing(s, cast.member.person, quiz.id))


def test_a_sitter_of_another_quiz_is_not_shown(db: Database, client: SchoolClient, cast: Cast, page: Page) -> None:
    with db.write() as s:
        other = make_quiz(s, cast, [make_question(s, cast)])
    client.act_as(cast.trainer)
    assert client.get(f"/quizzes/{other.id}/desk/{page.attempt_id}").status_code == 404
    assert client.post(f"/quizzes/{other.id}/desk/{page.attempt_id}/notes", data={"text": "题"}).status_code == 404


def test_more_time_reaches_who_sits(cast: Cast, page: Page, do: Do) -> None:
    before = page.clock().get_json()["deadline_ms"]
    assert "加了 5 分钟" in do(f"{page.attempt_id}/extend", minutes=5, reason="换了一台电脑").text
    assert page.clock().get_json()["deadline_ms"] == before + 5 * 60_000
    assert "1 位正在答题的同志" in do("extend", minutes=10, reason="开考晚了").text
    assert page.clock().get_json()["deadline_ms"] == before + 15 * 60_000
    told = do(f"{page.attempt_id}/notes", text="电脑死机，换到 12 号机。").text
    for words in (
        "加时 5 分钟：换了一台电脑",
        "加时 10 分钟：开考晚了",
        "含加时 15 分钟",
        "电脑死机，换到 12 号机。",
        "周明远",
    ):
        assert words in told, words


def test_a_pause_gives_the_time_back(page: Page, do: Do) -> None:
    assert "全场暂停了" in do("pause", reason="停电").text
    assert page.clock().get_json()["paused"] is True
    assert page.save((0, [1], 1)).get_json()["error"]["code"] == "quiz.paused"
    assert "考试继续" in do("resume").text
    assert page.save((0, [1], 1)).status_code == 200


def test_a_new_seat_code_and_collecting(client: SchoolClient, cast: Cast, quiz: Quiz, page: Page, do: Do) -> None:
    do("code")
    code = see(client, cast.trainer, quiz)["code"]
    assert code != "246813"
    late = Page(client, cast.outsider)
    assert late.start(quiz, code="246813").status_code == 422
    assert late.start(quiz, code=code).status_code == 302
    assert "收了 2 位" in do("collect").text
    assert see(client, cast.trainer, quiz)["counts"]["marked"] == 2


def test_void_and_opened_again(db: Database, client: SchoolClient, cast: Cast, quiz: Quiz, page: Page, do: Do) -> None:
    page.submit((0, RIGHT["single"], 1), (1, RIGHT["judge"], 1))
    assert do(f"{page.attempt_id}/void", reason="").status_code == 422
    assert "作废了" in do(f"{page.attempt_id}/void", reason="代他人作答，本人承认").text
    with db.read() as s:
        assert s.get_one(Attempt, page.attempt_id).state == AttemptState.VOID
        assert s.scalars(sa.select(QuizResult)).all() == []
    told = do(f"{page.attempt_id}/reopen", minutes=10, reason="查明是误会").text
    for words in ("作废：代他人作答，本人承认", "重新打开，给 10 分钟：查明是误会", "答题中"):
        assert words in told, words


def test_incidents_of_the_room(db: Database, client: SchoolClient, cast: Cast, quiz: Quiz, do: Do) -> None:
    assert do("notes", text=" ").status_code == 422
    assert do("notes", text="题" * 401).status_code == 422
    assert "[秘密]" not in do("notes", text="【秘密】某事").text
    assert "消防演练，9:20 至 9:26" in do("notes", text="消防演练，9:20 至 9:26。").text
    with db.read() as s:
        (note,) = s.scalars(sa.select(QuizNote)).all()
    assert (note.quiz_id, note.attempt_id, note.account_id) == (quiz.id, None, cast.trainer.account_id)


# ── outages ─────────────────────────────────────────────


def test_what_everybody_was_silent_in_is_the_outage() -> None:
    def room(*silences: list[tuple[int, int]]) -> list[Heard]:
        return [Heard(started_ms=1, seen_ms=1000, silences=spans) for spans in silences]

    assert outages.common(room([(100, 300)], [(120, 290)], [(90, 280)])) == (120, 280)
    assert outages.common(room([(100, 300)], [(120, 290)], [])) is None, "one was heard all the time: not the school"
    assert outages.common(room([(100, 300)])) is None, "who sits alone may just have locked the phone"
    assert outages.common(room([(10, 20), (100, 300)], [(120, 290)])) == (120, 290)
    assert outages.common(room([(100, 300), (400, 450)], [(120, 290), (500, 600)])) == (120, 290), (
        "another of one's own"
    )
    late, away = Heard(started_ms=400, seen_ms=1000), Heard(started_ms=1, seen_ms=90)  # began after it; is silent still
    assert outages.common([*room([(100, 300)], [(120, 290)]), late, away]) == (120, 290)
    for each in (paid := room([(100, 300)], [(120, 290)])):
        each.given_ms = 350
    assert outages.common(paid) is None, "it was given back"
    assert [outages.minutes(ms) for ms in (0, 1, 60_000, 60_001, 10**9)] == [0, 1, 1, 2, 240]


def heard_last(db: Database, minutes: int) -> None:
    """Nothing was heard of anybody for so long."""
    with db.write() as s:
        ago = clock_ms() - minutes * 60_000 + 5_000
        s.execute(sa.update(Attempt).values(seen_ms=ago, started_ms=ago - 60_000))


def test_an_outage_is_given_back_with_one_press(
    db: Database, client: SchoolClient, cast: Cast, quiz: Quiz, page: Page, do: Do
) -> None:
    other = Page(client, cast.outsider)
    assert other.start(quiz, code="246813").status_code == 302
    other.open()
    heard_last(db, 6)
    before = page.save((0, RIGHT["single"], 1)).json["deadline_ms"]
    assert see(client, cast.trainer, quiz)["lost"] == 0, "the other one is not back yet"
    other.open()  # a reload is a sign of life as well
    assert see(client, cast.trainer, quiz)["lost"] == 6
    client.act_as(cast.trainer)
    shown = client.get(f"/quizzes/{quiz.id}/desk").text
    assert "全场补上 6 分钟" in shown
    assert "有 6 分钟 没有消息" in client.get(f"/quizzes/{quiz.id}/desk/{page.attempt_id}").text
    assert "给 2 位" in do("extend", minutes=6, reason="断线 6 分钟").text
    assert page.save((0, RIGHT["single"], 2)).json["deadline_ms"] == before + 6 * 60_000
    assert see(client, cast.trainer, quiz)["lost"] == 0


def test_the_silence_of_one_is_offered_on_their_page_and_a_pause_is_none(
    db: Database, client: SchoolClient, cast: Cast, quiz: Quiz, page: Page, do: Do
) -> None:
    client.act_as(cast.trainer)
    do("pause", reason="停电。")
    with db.write() as s:  # ten minutes ago
        s.execute(sa.update(Quiz).values(paused_ms=clock_ms() - 600_000))
        s.execute(sa.update(Attempt).values(seen_ms=clock_ms() - 610_000))
    do("resume")
    page.save()
    where = f"/quizzes/{quiz.id}/desk/{page.attempt_id}"
    client.act_as(cast.trainer)
    assert "没有消息" not in client.get(where).text
    heard_last(db, 3)
    page.save()
    client.act_as(cast.trainer)
    assert "补上 3 分钟" in client.get(where).text
    do(f"{page.attempt_id}/extend", minutes=3, reason="断线 3 分钟")
    assert "补上" not in client.get(where).text
