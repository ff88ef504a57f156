"""The bank's own table, written: the template that people fill in, and questions with their pictures in their cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from school.core.i18n import N_
from school.quizzes.bank.formats.common import File, Loss, Note, Written
from school.quizzes.bank.formats.xlsx import LABEL, LETTERS
from school.quizzes.bank.models import QuestionKind
from school.quizzes.bank.rules import Draft
from school.webkit.xlsx import Column, Picture, Sheet
from school.webkit.xlsx import write as workbook

KINDS = {
    QuestionKind.SINGLE: "单选",
    QuestionKind.MULTIPLE: "多选",
    QuestionKind.JUDGE: "判断",
    QuestionKind.FILL: "填空",
    QuestionKind.ORDER: "排序",
    QuestionKind.MATCH: "连线",
    QuestionKind.SHORT: "简答",
}
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8")
_WIDE = 120  # pixels of a picture in its cell
_NOT_SHOWN = N_("表格里放不了声音、视频和这种格式的图片，没有带上。")
_RIGHT_FILES = N_("连线题的右边只能是文字，右边的图片没有带上。")
_ESCAPED = str.maketrans({sign: f"\\{sign}" for sign in "\\|｜；;"})

_HELP = [
    ("单选", "选项写在选项A、选项B……各列，答案写一个字母，例如 C。"),
    ("多选", "答案写几个字母，例如 ABD。"),
    ("判断", "不用写选项，答案写“正确”或“错误”。"),
    (
        "填空",
        "题干里用四条下划线 ____ 标出要填的地方。一处有几种写法时用 | 隔开，例如 六|6|六个；有几处时，各处之间用 ；隔开。",
    ),
    ("排序", "各项写在选项列里，答案按从先到后写字母，例如 BAC。"),
    ("连线", "左边各项写在选项列里，答案按顺序写出右边，用 | 隔开；右边多出来的写在最后。"),
    ("简答", "答案写参考答案，字数上限可以不写，不写就是 500 字。"),
    ("图片", "把图片放进题干或选项的单元格里，左上角落在哪个单元格，就属于哪一处。"),
    ("难度", "写 1 到 5，或易、较易、中、较难、难；不写就是 1。"),
    ("有效期至", "写 2027-12-31 这样的日期，过了这一天就不再出题；不写就一直有效。"),
]
_EXAMPLES: list[dict[str, Any]] = [
    {"kind": "单选", "stem": "国家宪法日是每年的哪一天？", "options": ["10月1日", "12月4日", "12月13日"], "answer": "B", "category": "宪法", "difficulty": "1"},
    {"kind": "多选", "stem": "“三会一课”中的“三会”包括哪些？", "options": ["支部党员大会", "支部委员会会议", "党小组会", "民主生活会"], "answer": "ABC", "category": "组织生活", "difficulty": "1"},
    {"kind": "判断", "stem": "党员有退党的自由。", "options": [], "answer": "正确", "category": "党章", "difficulty": "1", "basis": "党章第九条"},
    {"kind": "填空", "stem": "申请入党的人要有____名正式党员作介绍人。", "options": [], "answer": "两|二|2", "category": "党章", "difficulty": "2"},
    {"kind": "排序", "stem": "把下列会议按召开时间从先到后排列。", "options": ["遵义会议", "一大", "七大"], "answer": "BAC", "category": "党史", "difficulty": "2"},
    {"kind": "连线", "stem": "把会议和召开的地方连起来。", "options": ["一大", "七大"], "answer": "上海|延安|遵义", "category": "党史", "difficulty": "2"},
]  # fmt: skip


def template() -> bytes:
    """An empty table with its header, and a sheet that tells by examples how it is filled in."""
    columns = _columns(8)
    examples = [
        [*_head(each), *_padded(each["options"], 8), each["answer"], "", each["category"], each["difficulty"],
         each.get("basis", ""), "", "", "", ""]
        for each in _EXAMPLES
    ]  # fmt: skip
    return workbook(
        [
            Sheet("题库", "题库导入表", "一行一道题。写法见“填写说明”", columns, []),
            Sheet("填写说明", "填写说明", "", [Column("列或题型", 12), Column("怎么写", 90)], _HELP),
            Sheet("举例", "举例", "这一页不会导入", _renamed(columns), examples),
        ]
    )


def write(drafts: Sequence[Draft], files: Mapping[int, File]) -> Written:
    """The questions as a table that can be read again; `files` by the ids that `media` name."""
    widest = max([8, *(len(_items(draft)) for draft in drafts)])
    losses: list[Loss] = []
    pictures: list[Picture] = []
    rows = []
    for index, draft in enumerate(drafts):
        items = _items(draft)
        for column, media in ((1, draft.body["media"]), *((2 + n, item["media"]) for n, item in enumerate(items))):
            for file_id in media:
                if (picture := _picture(index, column, files.get(file_id))) is not None:
                    pictures.append(picture)
                else:
                    losses.append(Loss(index, Note(_NOT_SHOWN)))
        if any(each["media"] for each in draft.body.get("right", ())):
            losses.append(Loss(index, Note(_RIGHT_FILES)))
        rows.append(
            [
                KINDS[draft.kind], draft.body["stem"], *_padded(_labelled([item["text"] for item in items]), widest),
                answer_words(draft), draft.explanation, draft.category, str(draft.difficulty), draft.basis,
                draft.valid_until.isoformat() if draft.valid_until else "", "，".join(draft.tags),
                draft.valid_from.isoformat() if draft.valid_from else "",
                str(draft.body["limit"]) if draft.kind == QuestionKind.SHORT else "",
            ]
        )  # fmt: skip
    sheet = Sheet("题库", "题库", f"共 {len(rows)} 道题", _columns(widest), rows, pictures)
    return Written(workbook([sheet]), tuple(losses))


def _columns(options: int) -> list[Column]:
    letters = [Column(f"选项{letter}", 16) for letter in LETTERS[:options]]
    return [
        Column("题型", 6), Column("题干", 46), *letters, Column("答案", 14), Column("解析", 36), Column("分类", 10),
        Column("难度", 6), Column("依据", 16), Column("有效期至", 12), Column("标签", 12), Column("有效期自", 12),
        Column("字数上限", 8),
    ]  # fmt: skip


def _renamed(columns: Sequence[Column]) -> list[Column]:
    """The header of the examples, which must not be taken for a table to read."""
    return [Column("例题" if column.title == "题干" else column.title, column.width) for column in columns]


def _head(example: Mapping[str, Any]) -> list[str]:
    return [example["kind"], example["stem"]]


def _padded(texts: Sequence[str], width: int) -> list[str]:
    return [*texts, *[""] * (width - len(texts))]


def _items(draft: Draft) -> list[dict[str, Any]]:
    """What stands in the columns of options."""
    items: list[dict[str, Any]] = draft.body.get("options") or draft.body.get("left") or []
    return items


def _labelled(texts: list[str]) -> list[str]:
    """Options that all begin with their own letters get them once more: reading takes one away."""
    labels = [LABEL.match(text) for text in texts]
    if texts and all(label and label[1] == LETTERS[place] for place, label in enumerate(labels)):
        return [f"{LETTERS[place]}. {text}" for place, text in enumerate(texts)]
    return texts


def answer_words(draft: Draft) -> str:
    """What is right, as the column 答案 says it."""
    body, key = draft.body, draft.key
    match draft.kind:
        case QuestionKind.JUDGE:
            return "正确" if key["right"] else "错误"
        case QuestionKind.FILL:
            return "；".join("|".join(each.translate(_ESCAPED) for each in variants) for variants in key["blanks"])
        case QuestionKind.ORDER:
            return "".join(LETTERS[place] for place in key["order"])
        case QuestionKind.MATCH:
            rights = [right["text"] for right in body["right"]]
            spare = [right for place, right in enumerate(rights) if place not in key["pairs"]]
            told = [*(rights[place] for place in key["pairs"]), *spare]
            return "|".join(each.translate(_ESCAPED) for each in told)
        case QuestionKind.SHORT:
            return str(key["model"])
        case _:
            return "".join(LETTERS[place] for place in key["right"])


def _picture(row: int, column: int, file: File | None) -> Picture | None:
    """The file in its cell; None when a workbook cannot show it."""
    if file is None or not file.data.startswith(_PICTURES):
        return None
    return Picture(row, column, file.data, file.alt, min(1.0, _WIDE / file.width) if file.width else 1.0)
