"""The bank's own table: 题型、题干、选项A…、答案、解析、分类、难度、依据、有效期至 and more, read as people fill it in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from school.core.errors import Invalid
from school.core.i18n import N_
from school.quizzes.bank.formats import common
from school.quizzes.bank.formats.cells import day_of, difficulty, text_of, whole
from school.quizzes.bank.formats.common import Batch, Note, refused
from school.quizzes.bank.models import QuestionKind
from school.quizzes.bank.rules import Draft
from school.webkit import xlsx_in

LETTERS = "ABCDEFGHIJKL"
HEADER_WITHIN = 15  # rows in which the header is looked for

_FIELDS = {
    "kind": "题型 类型 试题类型 题目类型 试题题型",
    "stem": "题干 题目 试题 题目内容 试题内容 问题内容 问题 试题题干 题目题干 题干内容 试题题目",
    "answer": "答案 正确答案 标准答案 参考答案 试题答案 正确选项",
    "explanation": "解析 答案解析 试题解析 题目解析 解析说明 解析内容 试题分析 题目解读内容 解释 说明",
    "category": "分类 类别 试题分类 题目分类 所属分类 题库分类 知识点 知识点名称 所属题库 章节 所属章节",
    "difficulty": "难度 难度等级 难易度 难易程度 难度系数 试题难度 题目难度",
    "basis": "依据 出处 来源 出题依据",
    "until": "有效期至 有效期 有效期截止 截止日期 失效日期",
    "since": "有效期自 生效日期 有效期起",
    "tags": "标签 关键词 题目标签 试题标签",
    "limit": "字数上限 字数 字数限制",
    "options": "选项 备选项 备选答案",
}
_NAMES = {name: field for field, names in _FIELDS.items() for name in names.split()}
_OPTION = re.compile(
    r"(?:备选)?(?:选项|答案)?([A-L])(?:选项|项)?|(?:备选|答案)?选项(?:(\d{1,2})|([一二三四五六七八九十]))|备选答案(\d{1,2})"
)
_NUMBERING = frozenset(["序号", "题号", "编号", "行号", "题目编号", "试题编号"])  # what nobody misses
_NUMERALS = "一二三四五六七八九十"
_DECORATION = re.compile(r"\(.*?\)|[\s*:]|必填|选填")
_KINDS = {
    QuestionKind.SINGLE: "单选 单项选择 单项 单选择",
    QuestionKind.MULTIPLE: "多选 多项选择 多项 不定项选择 不定项",
    QuestionKind.JUDGE: "判断 是非 对错 判断正误",
    QuestionKind.FILL: "填空",
    QuestionKind.ORDER: "排序",
    QuestionKind.MATCH: "连线 匹配 配对",
    QuestionKind.SHORT: "简答 问答 论述 主观 名词解释 材料分析",
}
_KIND_OF = {name + end: kind for kind, names in _KINDS.items() for name in names.split() for end in ("", "题")}
_KIND_OF |= {kind.value: kind for kind in QuestionKind}
_CHOICE = frozenset({"选择", "选择题"})
_TRUE = frozenset(["正确", "对", "√", "✓", "✔", "是", "T", "TRUE", "Y", "YES", "1", "A"])
_FALSE = frozenset(["错误", "错", "×", "✗", "✘", "X", "否", "F", "FALSE", "N", "NO", "0", "B"])
_BETWEEN = re.compile(r"[\s,，、;；/|.。+&]+")
LABEL = re.compile(r"([A-L])\s*[.、．:：)）]\s*")
_LABELLED = re.compile(r"[\s;；,，]+(?=[B-L]\s*[.、．:：)）])")  # `A.甲 B.乙` in one cell
_BLANKS = re.compile(r"[_＿]{2,}")
_BRACKETS = re.compile(r"[（(]\s*[）)]")
_MARKS = "|｜；;\\"
_ESCAPED = re.compile(r"\\([|｜；;\\])")
_HIDDEN = {mark: chr(0xE000 + place) for place, mark in enumerate(_MARKS)}  # an escaped mark while a cell is split
_SHOWN = {ord(hidden): mark for mark, hidden in _HIDDEN.items()}


def read(data: bytes, category: str) -> Batch:
    """The questions of a workbook; places are rows as Excel counts them.

    Raises Invalid (`import.header`, `xlsx.…`), TooLarge.
    """
    batch = Batch()
    found = False
    for sheet in xlsx_in.read(data):
        header = _header(sheet.rows)
        if header is not None:
            row, columns = header
            _Table(batch, sheet, columns, category, "" if not found else f"[{sheet.name}] ").take(row + 1)
            found = True
    if not found:
        raise Invalid(
            "import.header",
            N_("没有找到表头。请下载模板，第一行写上题型、题干、选项A、选项B、答案等列名，再把题目填在下面。"),
        )
    return batch


# ── the header ──────────────────────────────────────────


@dataclass(slots=True)
class _Columns:
    of: dict[str, int] = field(default_factory=dict)
    options: list[tuple[int, int]] = field(default_factory=list)  # place, column
    other: list[tuple[str, int]] = field(default_factory=list)  # name, column: what the bank has no field for


def _header(rows: Sequence[Sequence[Any]]) -> tuple[int, _Columns] | None:
    """The row that names the columns, and which is which; None when there is none."""
    for number, row in enumerate(rows[:HEADER_WITHIN]):
        columns = _Columns()
        for column, value in enumerate(row):
            if not isinstance(value, str):
                continue
            name = _DECORATION.sub("", unicodedata.normalize("NFKC", value))
            if name in _NAMES and _NAMES[name] not in columns.of:
                columns.of[_NAMES[name]] = column
            elif match := _OPTION.fullmatch(name.upper()):
                columns.options.append((_place(match), column))
            elif name and name not in _NUMBERING:
                columns.other.append((name[:20], column))
        if "stem" in columns.of and ("answer" in columns.of or "kind" in columns.of):
            columns.options.sort()
            if columns.options and columns.options[0][0] < 0:  # counted from 选项0
                columns.options = [(place + 1, column) for place, column in columns.options]
            return number, columns
    return None


def _place(match: re.Match[str]) -> int:
    letter, number, numeral, other = match.groups()
    if letter:
        return LETTERS.index(letter)
    return _NUMERALS.index(numeral) if numeral else int(number or other) - 1


# ── rows ────────────────────────────────────────────────


class _Table:
    """Reads the rows below one header."""

    def __init__(self, batch: Batch, sheet: xlsx_in.SheetIn, columns: _Columns, category: str, prefix: str) -> None:
        self._batch, self._rows, self._prefix, self._category = batch, sheet.rows, prefix, category
        # a column that is missing is read as empty: one more cell than the row has
        width = max((len(row) for row in sheet.rows), default=0)
        self._width = width
        at = {name: columns.of.get(name, width) for name in _FIELDS}
        self._kind, self._stem, self._answer, self._explanation = (
            at["kind"],
            at["stem"],
            at["answer"],
            at["explanation"],
        )
        self._cat, self._difficulty, self._basis, self._until = (
            at["category"],
            at["difficulty"],
            at["basis"],
            at["until"],
        )
        self._since, self._tags, self._limit, self._list = at["since"], at["tags"], at["limit"], at["options"]
        self._options, self._other = columns.options, columns.other
        self._named = sheet.name if sheet.name in _KIND_OF else ""  # a sheet of 多选题 needs no 题型
        self._pictures: dict[int, dict[int, list[xlsx_in.Shown]]] = {}
        for picture in sheet.pictures:
            self._pictures.setdefault(picture.row, {}).setdefault(picture.column, []).append(picture)

    def take(self, first: int) -> None:
        batch, width, stem = self._batch, self._width, self._stem
        for number in range(first, len(self._rows)):
            cells = [value.strip() if type(value) is str else text_of(value) for value in self._rows[number]]
            cells += [""] * (width + 1 - len(cells))
            if not cells[stem] and not cells[self._answer] and number not in self._pictures:
                if any(cells[column] for _, column in self._options):
                    batch.refuse(number + 1, self._prefix, refused("stem", N_("请填写题干。")))
                continue
            try:
                batch.add(number + 1, self._draft(number, cells), self._left(cells) if self._other else ())
            except Invalid as error:
                batch.refuse(number + 1, self._prefix + cells[stem], error)

    def _draft(self, number: int, cells: Sequence[str]) -> Draft:
        pictures = self._pictures.get(number)
        options, letters = self._choices(cells, pictures)
        kind = self._kind_of(cells, letters)
        body: dict[str, Any] = {"stem": cells[self._stem]}
        if pictures:
            known = {column for _, column in self._options}
            body["media"] = [
                place for column, some in pictures.items() if column not in known for place in self._files(some)
            ]
        key = _KEYS[kind](body, options, letters, cells[self._answer])
        if kind == QuestionKind.SHORT and cells[self._limit]:
            body["limit"] = whole(cells[self._limit])
        tags = cells[self._tags]
        return Draft(
            kind=kind,
            body=body,
            key=key,
            category=cells[self._cat] or self._category,
            difficulty=difficulty(cells[self._difficulty]),
            explanation=cells[self._explanation],
            basis=cells[self._basis],
            tags=tuple(re.split(r"[，,、;；\s]+", tags)) if tags else (),
            valid_from=day_of(cells[self._since], last=False) if cells[self._since] else None,
            valid_until=day_of(cells[self._until], last=True) if cells[self._until] else None,
        )

    def _left(self, cells: Sequence[str]) -> list[Note]:
        """What of a row stands in columns that the bank has no field for."""
        names = [name for name, column in self._other if cells[column]]
        return [Note(N_("这些列没有带进来：%(names)s"), {"names": "、".join(names)[:200]})] if names else []

    def _files(self, pictures: Sequence[xlsx_in.Shown]) -> list[int]:
        return [self._batch.file(each.name, each.data, each.alt) for each in pictures]

    def _choices(
        self, cells: Sequence[str], pictures: Mapping[int, list[xlsx_in.Shown]] | None
    ) -> tuple[list[dict[str, Any]], str]:
        """The options that are filled in, and the letters of their columns."""
        options: list[dict[str, Any]] = []
        letters = ""
        for place, column in self._options:
            text = cells[column]
            media = self._files(pictures[column]) if pictures and column in pictures else []
            if text or media:
                options.append({"text": text, "media": media})
                letters += LETTERS[place] if place < len(LETTERS) else "?"
        if not options and cells[self._list]:
            listed = cells[self._list]
            texts = [each.strip() for each in re.split(r"\n|(?<!\\)[|｜]", listed) if each.strip()]
            if len(texts) == 1:
                texts = _LABELLED.split(texts[0])
            options = [{"text": text, "media": []} for text in texts]
            letters = LETTERS[: len(options)]
        if options and options[0]["text"][:1] == letters[0]:
            labels = [LABEL.match(option["text"]) for option in options]
            if all(label and label[1] == letter for label, letter in zip(labels, letters, strict=False)):
                for option, label in zip(options, labels, strict=True):
                    option["text"] = option["text"][label.end() :] if label else ""
        return options, letters

    def _kind_of(self, cells: Sequence[str], letters: str) -> QuestionKind:
        written = cells[self._kind] or self._named
        kind = _KIND_OF.get(written) or _KIND_OF.get(_DECORATION.sub("", unicodedata.normalize("NFKC", written)))
        if kind is not None:
            return kind
        answer = _BETWEEN.sub("", cells[self._answer].upper())
        if written in _CHOICE or (not written and letters):
            return QuestionKind.SINGLE if len(answer) == 1 else QuestionKind.MULTIPLE
        if written:
            raise refused(
                "kind",
                N_("题库里没有“%(kind)s”这种题型。请写单选、多选、判断、填空、排序、连线或简答。"),
                kind=written[:20],
            )
        stem = cells[self._stem]
        if re.fullmatch("[A-L]+", answer):
            if _BLANKS.search(stem):
                return QuestionKind.FILL
            raise refused(
                "kind", N_("没有写题型，也没有选项，看不出这是什么题。请补上。")
            )  # a letter of options that are nowhere
        if answer in _TRUE | _FALSE:
            return QuestionKind.JUDGE
        return QuestionKind.FILL if _BLANKS.search(stem) or _BRACKETS.search(stem) else QuestionKind.SHORT


# ── answers ─────────────────────────────────────────────

Options = list[dict[str, Any]]


def _places(answer: str, options: Options, letters: str) -> list[int]:
    """The options that an answer names, by letters or by their words."""
    plain = answer.upper()
    if not (plain.isascii() and plain.isalpha()):
        plain = _BETWEEN.sub("", unicodedata.normalize("NFKC", plain))
    places = [letters.find(letter) for letter in plain]
    if places and min(places) >= 0:
        return places
    texts = [option["text"] for option in options]
    if answer in texts:
        return [texts.index(answer)]
    named = [each.strip() for each in re.split(r"[|｜\n]", answer)]
    if named and all(each in texts for each in named):
        return [texts.index(each) for each in named]
    if not answer:
        raise refused("right", common.NO_RIGHT)
    raise refused(
        "answer",
        N_("没有看懂答案“%(answer)s”。请写选项的字母，例如 A 或 ABD，并确认这些选项都填了。"),
        answer=answer[:40],
    )


def _single(body: dict[str, Any], options: Options, letters: str, answer: str) -> dict[str, Any]:
    body["options"] = options
    return {"right": _places(answer, options, letters)}


def _judge(body: dict[str, Any], options: Options, letters: str, answer: str) -> dict[str, Any]:
    said = unicodedata.normalize("NFKC", answer).upper().strip(" .。")
    if options and said in letters and said:
        said = options[letters.index(said)]["text"].upper()
    if said not in _TRUE and said not in _FALSE:
        raise refused("answer", N_("判断题的答案请写“正确”或“错误”。"))
    return {"right": said in _TRUE}


def _split(answer: str, marks: str) -> list[str]:
    """The pieces between `marks`; a mark after a backslash is none, until `_unescaped`."""
    if "\\" in answer:
        answer = _ESCAPED.sub(lambda match: _HIDDEN[match[1]], answer)
    return [each.strip() for each in re.split(f"[{marks}]", answer)]


def _unescaped(text: str) -> str:
    return text.translate(_SHOWN)


def _fill(body: dict[str, Any], options: Options, letters: str, answer: str) -> dict[str, Any]:
    stem = body["stem"]
    blanks = len(_BLANKS.findall(stem)) or len(_BRACKETS.findall(stem))
    if blanks <= 1:
        pieces = [answer]
    else:
        pieces = _split(answer, "；;\n")
        if len(pieces) != blanks and len(given := _split(answer, "|｜")) == blanks:
            pieces = given
    return {"blanks": [[_unescaped(each) for each in _split(piece, "|｜\n")] for piece in pieces]}


def _order(body: dict[str, Any], options: Options, letters: str, answer: str) -> dict[str, Any]:
    body["options"] = options
    return {"order": _places(answer, options, letters)}


def _match(body: dict[str, Any], options: Options, letters: str, answer: str) -> dict[str, Any]:
    """The options are the left side; the answer tells the right one of each, in order, and then more that fit nothing."""
    told = [_unescaped(each) for each in _split(answer, "|｜\n")]
    if len(told) < len(options):
        raise refused("answer", N_("连线题的选项是左边；答案请按顺序写出每个选项对应的右边，用 | 隔开。"))
    right = list(dict.fromkeys(each for each in told if each))
    body["left"] = options
    body["right"] = right
    return {"pairs": [right.index(each) if each in right else -1 for each in told[: len(options)]]}


def _short(body: dict[str, Any], options: Options, letters: str, answer: str) -> dict[str, Any]:
    return {"model": answer}


_KEYS: dict[QuestionKind, Callable[[dict[str, Any], Options, str, str], dict[str, Any]]] = {
    QuestionKind.SINGLE: _single,
    QuestionKind.MULTIPLE: _single,
    QuestionKind.JUDGE: _judge,
    QuestionKind.FILL: _fill,
    QuestionKind.ORDER: _order,
    QuestionKind.MATCH: _match,
    QuestionKind.SHORT: _short,
}
