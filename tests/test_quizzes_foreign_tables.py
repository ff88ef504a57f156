"""Tables of other makers: columns by other names, sheets named after a kind, options in one cell; what is left out is told."""

from __future__ import annotations

import io
from typing import Any

import pytest
import xlsxwriter
from test_quizzes_foreign import notes, options

from school.quizzes.bank.formats import Batch, Format, read
from school.quizzes.bank.models import QuestionKind as K


def table(**sheets: list[list[Any]]) -> Batch:
    """What is read from a workbook of these sheets, each a list of rows."""
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return read(Format.XLSX, data.getvalue(), "未分类")


@pytest.mark.parametrize(
    ("header", "letters"),
    [
        (["题目", "关键词", "答案选项1", "答案选项2", "正确答案"], "B"),
        (["问题内容", "题目标签", "选项0", "选项1", "正确选项"], "B"),
        (["试题", "标签", "备选答案1", "备选答案2", "答案"], "b"),
    ],
)
def test_options_by_other_names(header: list[str], letters: str) -> None:
    [item] = table(题库=[header, ["在哪", "一大", "北京", "上海", letters]]).items
    assert (item.draft.kind, options(item), item.draft.key) == (K.SINGLE, ["北京", "上海"], {"right": [1]})
    assert item.draft.tags == ("一大",)


def test_options_in_one_cell() -> None:
    rows = [["甲类", "A. 甲  B. 乙  C. 丙", "AC"], ["乙类", "A、甲;B、乙", "B"], ["丙类", "A:甲\nB:乙", "A"]]
    batch = table(题库=[["题干", "选项", "答案"], *rows])
    assert [options(item) for item in batch.items] == [["甲", "乙", "丙"], ["甲", "乙"], ["甲", "乙"]]
    assert [item.draft.key for item in batch.items] == [{"right": [0, 2]}, {"right": [1]}, {"right": [0]}]


def test_a_letter_without_options_is_no_judgement() -> None:
    batch = table(题库=[["题干", "答案"], ["谁（ ）", "A"], ["谁", "B"], ["首字母是____", "A"], ["一句话", "对"]])
    assert [problem.kind for problem in batch.problems] == ["error", "error"]
    assert [item.draft.kind for item in batch.items] == [K.FILL, K.JUDGE]


def test_a_sheet_is_named_after_its_kind() -> None:
    many = [["题干", "选项A", "选项B", "答案"], ["哪些", "甲", "乙", "B"]]
    batch = table(多选题=many, 判断题=[["题干", "答案"], ["一句话", "B"]], 党史=many)
    assert [item.draft.kind for item in batch.items] == [K.MULTIPLE, K.JUDGE, K.SINGLE]


def test_columns_that_no_bank_has_are_named() -> None:
    header = ["序号", "题型", "题干", "答案", "分值", "难度", "科目"]
    first, second = table(
        题库=[header, [1, "判断", "甲", "对", 2, "easy", "史"], [2, "判断", "乙", "错", "", "hard"]]
    ).items
    assert "分值、科目" in notes(first)
    assert (first.draft.difficulty, second.draft.difficulty, second.notes) == (1, 5, ())
