"""The pure rules of the courses room: search terms, states, secrecy marks and what may be written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses_kit import SHEET
from school.core.errors import Conflict, Invalid
from school.core.secrecy import secrecy_mark
from school.core.text import tidy_lines
from school.courses import rules
from school.courses.models import CourseState

HAN = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=30)


@given(HAN, st.data())
def test_every_piece_of_a_chinese_text_finds_it(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    piece = text[start : data.draw(st.integers(start + 1, len(text)))]
    assert set(rules.query_terms(piece)) <= rules.index_terms(text)


@given(st.text(max_size=60))
def test_any_text_can_be_indexed_and_asked_for(text: str) -> None:
    assert all(0 < len(term) <= rules.TERM_LENGTH for term in rules.index_terms(text))
    assert len(rules.query_terms(text)) <= rules.QUERY_TERMS


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("党章", ["党章"]),
        ("党", ["党"]),
        ("党章导读", ["党章", "章导", "导读"]),
        ("ＡＩ　２０２６", ["ai", "2026"]),
        ("Wi-Fi 设置", ["wi", "fi", "设置"]),
        ("，。！", []),
        ("党章 党章", ["党章"]),
    ],
)
def test_query_terms(query: str, terms: list[str]) -> None:
    assert sorted(rules.query_terms(query)) == sorted(terms)


def test_a_term_weighs_what_its_heaviest_part_does() -> None:
    weights = rules.weigh([("党章", 8), ("学党章 读党章", 1)])
    assert weights["党章"] == 8
    assert weights["学党"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "绝密★启用前",
        "机密 ★ 10年",
        "★秘密",
        "秘密☆",
        "【机密】防汛预案",
        "（绝密）",
        "［秘密］",
        "密级：机密",
        "密 级: 秘 密",
        "绝密*",
    ],
)
def test_secrecy_marks_are_refused_with_an_explanation(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        rules.checked(replace(SHEET, summary=f"防汛\n{text}"))
    assert caught.value.code == "course.secret"
    assert "涉密内容不得上传" in str(caught.value)
    with pytest.raises(Invalid):
        rules.checked_title(text)


@pytest.mark.parametrize(
    "text", ["保密法讲解：绝密级、机密级、秘密级的区别", "《绝密档案》读书会", "保守国家秘密", "密切联系群众★"]
)
def test_speaking_of_secrecy_is_no_mark(text: str) -> None:
    assert secrecy_mark(text) is None


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("title", " \u3000\n", "course.title"),
        ("title", "长" * 81, "course.title"),
        ("slip", "一二三四五", "course.slip"),
        ("summary", "长" * 1001, "course.summary"),
        ("hours_100", 0, "course.hours"),
        ("hours_100", 33, "course.hours"),
        ("hours_100", 4025, "course.hours"),
        ("kind", "exe", "course.kind"),
    ],
)
def test_what_does_not_fit_names_its_field(field: str, value: object, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        rules.checked(replace(SHEET, **{field: value}))  # type: ignore[arg-type]
    assert caught.value.code == code


def test_text_is_tidied_and_never_stripped_of_meaning() -> None:
    name = "阿依夏木·买买提讲“<script>”：1 < 2"
    assert rules.checked_title(f"  {name}\u202e\x00 ") == name
    assert tidy_lines("一\n\n  二\u200b \n") == "一\n二"


@pytest.mark.parametrize(
    ("text", "hours_100"), [("1", 100), ("0.5", 50), ("１．２５", 125), (" 1.50 ", 150), ("40", 4000)]
)
def test_hours_as_typed(text: str, hours_100: int) -> None:
    assert rules.hours_of(text) == hours_100


@pytest.mark.parametrize("text", ["", "一", "-1", "1e3", "0.125", "1,5", "nan", "9" * 30])
def test_hours_that_are_none(text: str) -> None:
    with pytest.raises(Invalid):
        rules.hours_of(text)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("台账规范_终稿.mp4", "台账规范 终稿"),
        ("..\\..\\a/第一讲.MP4", "第一讲"),
        ("a.b.c.mp4", "a.b.c"),
        (".mp4", ".mp4"),
        ("长" * 200 + ".mp4", "长" * 80),
        ("\x00\x1b[31m课.mp4", "[31m课"),
    ],
)
def test_titles_from_file_names(name: str, title: str) -> None:
    assert rules.title_from_file(name) == title


def test_states_follow_one_way() -> None:
    ways = {
        (before, verb): rules.move(before, verb)
        for before in CourseState
        for verb in rules.MOVES
        if _goes(before, verb)
    }
    assert ways == {
        (CourseState.DRAFT, "submit"): CourseState.IN_REVIEW,
        (CourseState.WITHDRAWN, "submit"): CourseState.IN_REVIEW,
        (CourseState.IN_REVIEW, "recall"): CourseState.DRAFT,
        (CourseState.IN_REVIEW, "return"): CourseState.DRAFT,
        (CourseState.IN_REVIEW, "publish"): CourseState.PUBLISHED,
        (CourseState.PUBLISHED, "withdraw"): CourseState.WITHDRAWN,
    }


def _goes(before: CourseState, verb: str) -> bool:
    try:
        rules.move(before, verb)
    except Conflict:
        return False
    return True
