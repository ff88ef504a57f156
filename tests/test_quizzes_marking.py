"""Marks are exact where a rule can give them, never more than the question's points, and the same for every way of writing."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quiz_kit import SAMPLES
from school.quizzes.bank.models import QuestionKind
from school.quizzes.marks.marking import mark, plain_text

K = QuestionKind


def marked(kind: QuestionKind, answer: Any, *, partial: bool = False, key: dict[str, Any] | None = None) -> int | None:
    _, sample = SAMPLES[kind]
    return mark(kind, key or sample, answer, 1000, partial=partial)


RIGHT: dict[QuestionKind, Any] = {
    K.SINGLE: [1], K.MULTIPLE: [0, 1, 2], K.JUDGE: True, K.FILL: ["1921"], K.ORDER: [1, 0, 2], K.MATCH: [1, 0],
}  # fmt: skip
WRONG: dict[QuestionKind, Any] = {
    K.SINGLE: [0], K.MULTIPLE: [0, 1, 2, 3], K.JUDGE: False, K.FILL: ["1922"], K.ORDER: [0, 1, 2], K.MATCH: [0, 2],
}  # fmt: skip


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("kind", RIGHT)
def test_right_is_everything_and_wrong_or_nothing_is_nothing(kind: QuestionKind, partial: bool) -> None:
    assert marked(kind, RIGHT[kind], partial=partial) == 1000
    assert marked(kind, WRONG[kind], partial=partial) == 0
    assert marked(kind, None, partial=partial) == 0


def test_a_short_answer_waits_for_a_person_unless_nothing_was_written() -> None:
    assert marked(K.SHORT, "每月一次。") is None
    assert marked(K.SHORT, None) == 0


def test_part_marks_are_for_a_subset_and_for_blanks_and_pairs_of_their_own() -> None:
    assert marked(K.MULTIPLE, [0, 2], partial=True) == 666  # two of three, rounded down
    assert marked(K.MULTIPLE, [0, 2]) == 0
    assert marked(K.MULTIPLE, [0, 1, 3], partial=True) == 0  # a wrong pick
    blanks = {"blanks": [["六", "6"], ["镰刀"]]}
    assert marked(K.FILL, ["６", "锤头"], key=blanks, partial=True) == 500
    assert marked(K.FILL, ["６", ""], key=blanks) == 0
    assert marked(K.MATCH, [1, None], partial=True) == 500
    assert marked(K.ORDER, [1, 2, 0], partial=True) == 0  # an order is right or not


def test_a_correction_may_accept_two_options_of_a_single_choice() -> None:
    assert [marked(K.SINGLE, [place], key={"right": [0, 1]}) for place in range(3)] == [1000, 1000, 0]


places = st.integers(0, 5)


@given(st.sets(places, min_size=1), st.sets(places), st.integers(0, 10_000))
def test_part_marks_never_exceed_the_points_and_grow_with_what_is_right(
    right: set[int], picked: set[int], points: int
) -> None:
    key = {"right": sorted(right)}
    exact = mark(K.MULTIPLE, key, sorted(picked), points, partial=False)
    part = mark(K.MULTIPLE, key, sorted(picked), points, partial=True)
    assert exact is not None
    assert part is not None
    assert exact == (points if picked == right else 0)
    assert exact <= part == (points * len(picked) // len(right) if picked <= right else 0)
    if picked < right:
        more = mark(K.MULTIPLE, key, sorted(picked | {min(right - picked)}), points, partial=True)
        assert more is not None
        assert more >= part


@given(st.permutations(range(4)), st.permutations(range(4)))
def test_an_order_is_right_only_as_a_whole(right: list[int], given_order: list[int]) -> None:
    assert mark(K.ORDER, {"order": right}, given_order, 300, partial=True) == (300 if right == given_order else 0)


# ── fill-in answers ─────────────────────────────────────


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1921", "一九二一"), ("１９２１", "一九二一"), ("12", "十二"), ("12", "一十二"), ("6 个", "六个"), ("2", "两"), ("2", "二"),
        ("25000里", "两万五千里"), ("102", "一百零二"), ("7月1日", "七月一日"), ("7月1日", "07月01日"), ("2022", "二〇二二"),
        ("第11届三中全会", "第十一届三中全会"), ("《党章》", "党章"), ("“三会一课”", "三会一课"), ("WTO", "ｗｔｏ"), ("1,000", "一千"),
        ("1921年7月", "1921 年 7 月"), ("不负人民。", "不负人民"), ("中国\u200b共产党", "中国共产党"), ("拾贰", "12"),
        ("1921-7-23", "1921.7—23"[:4] + "—7—23"),
    ],
)  # fmt: skip
def test_two_ways_of_writing_the_same(one: str, other: str) -> None:
    assert plain_text(one) == plain_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.5", "15"), ("0.5", "5"), ("-5", "5"), ("50%", "50"), ("1921、1922", "19211922"), ("一、二", "十二"), ("一百二", "102"),
        ("万", "1"), ("1万", "110000"), ("十", "百"), ("7.23", "723"), ("1", "10"), ("二十", "210"), ("C++", "C"),
    ],
)  # fmt: skip
def test_what_differs_stays_different(one: str, other: str) -> None:
    assert plain_text(one) != plain_text(other)


@given(st.integers(0, 10**10))
def test_a_number_in_chinese_is_the_number(number: int) -> None:
    assert plain_text(in_chinese(number)) == str(number)
    assert plain_text("".join("〇一二三四五六七八九"[int(c)] for c in str(number))) == str(number)


def in_chinese(number: int) -> str:
    """The textbook rule, group by group of four digits: another way than the one that is tested."""
    groups: list[int] = []
    out = ""
    while number or not groups:
        groups.append(number % 10_000)
        number //= 10_000
    for place in range(len(groups) - 1, -1, -1):
        group = groups[place]
        if not group:
            out += "零" if any(groups[:place]) and not out.endswith("零") else ""
            continue
        four = f"{group:04}"
        text = "".join(
            "零一二三四五六七八九"[int(c)] + ("千百十"[i : i + 1] if c != "0" else "") for i, c in enumerate(four)
        )
        while "零零" in text:
            text = text.replace("零零", "零")
        text = text.rstrip("零")
        out += (text if out and not out.endswith("零") else text.lstrip("零")) + ("", "万", "亿")[place]
    return out or "零"


@given(st.text())
def test_comparing_never_fails_and_settles_at_once(text: str) -> None:
    plain = plain_text(text)
    assert plain_text(plain) == plain
    assert bool(plain) == any(
        unicodedata.category(c)[0] not in "CZ" or unicodedata.category(c) in ("Co", "Cn", "Cs") for c in text
    )


@given(st.text(alphabet="一二三十百千万零〇两0123456789.,-、 年月ＡaB《》", max_size=12))
def test_comparing_settles_at_once_among_numerals(text: str) -> None:
    assert plain_text(plain_text(text)) == plain_text(text)


def test_an_empty_blank_is_never_right() -> None:
    assert marked(K.FILL, [""], key={"blanks": [["。"]]}) == 0
    assert marked(K.FILL, [" 。"], key={"blanks": [["。"]]}) == 1000
    assert marked(K.FILL, ["，"], key={"blanks": [["。"]]}) == 0
