"""Files as Moodle writes them and as people type them: each question becomes what its author meant, or says why not."""

from __future__ import annotations

import codecs
from typing import Any

import pytest

from school.core.errors import Invalid
from school.quizzes.bank.formats import Batch, Format, guessed, read
from school.quizzes.bank.models import QuestionKind as K


def one(form: Format, text: str) -> Any:
    """The one question of a text that has no problem."""
    batch = read(form, text.encode(), "未分类")
    assert batch.problems == []
    [item] = batch.items
    return item


def words(item: Any, field: str = "options") -> list[str]:
    return [option["text"] for option in item.draft.body[field]]


# ── GIFT ────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "kind", "stem", "key"),
    [
        ("::甲:: 问？{~一 ~二 =三}", K.SINGLE, "问？", {"right": [2]}),
        ("Grant is {~buried =entombed ~living} in the tomb.", K.SINGLE, "Grant is ____ in the tomb.", {"right": [1]}),
        ("两人？{~%50%一 ~%50%二 ~%-100%三}", K.MULTIPLE, "两人？", {"right": [0, 1]}),
        ("两人？{\n=%50%一\n=%50%二\n~三\n}", K.MULTIPLE, "两人？", {"right": [0, 1]}),
        ("太阳从东边升起。{T}", K.JUDGE, "太阳从东边升起。", {"right": True}),
        ("句子{FALSE#错了#对了}", K.JUDGE, "句子", {"right": False}),
        ("句子 {true}", K.JUDGE, "句子", {"right": True}),
        ("谁？{=甲 =乙}", K.FILL, "谁？____", {"blanks": [["甲", "乙"]]}),
        ("谁？{甲}", K.FILL, "谁？____", {"blanks": [["甲"]]}),
        ("二加二等于{=四 =4}。", K.FILL, "二加二等于____。", {"blanks": [["四", "4"]]}),
        ("一大在____召开。{=上海}", K.FILL, "一大在____召开。", {"blanks": [["上海"]]}),
        ("几年？{#1921}", K.FILL, "几年？____", {"blanks": [["1921"]]}),
        ("几年？{#=1921:0#好}", K.FILL, "几年？____", {"blanks": [["1921"]]}),
        ("谈谈体会。{}", K.SHORT, "谈谈体会。", {"model": ""}),
        ("连线{=加拿大->渥太华 =意大利 -> 罗马\n= -> 东京}", K.MATCH, "连线", {"pairs": [0, 1]}),
        ("排序{>3 ALL VERTICAL\n一\n二\n三\n}", K.ORDER, "排序", {"order": [0, 1, 2]}),
        (r"a\=b\{c\}\: \~\#\\?{=\=1 ~2}", K.SINGLE, r"a=b{c}: ~#\?", {"right": [0]}),
        (
            "[html]<p>第一段</p><p>H<sub>2</sub>O &amp; x<sup>2</sup></p>{T}",
            K.JUDGE,
            "第一段\nH₂O & x²",
            {"right": True},
        ),
        ("[plain]a <b> c{T}", K.JUDGE, "a <b> c", {"right": True}),
        ("[markdown]**a**{T}", K.JUDGE, "a", {"right": True}),
        ("第一行\\n第二行{T}", K.JUDGE, "第一行\n第二行", {"right": True}),
    ],
)
def test_gift_in_all_its_forms(text: str, kind: K, stem: str, key: dict[str, Any]) -> None:
    draft = one(Format.GIFT, text).draft
    assert (draft.kind, draft.body["stem"], draft.key) == (kind, stem, key)


def test_gift_categories_comments_tags_and_feedback() -> None:
    text = """// 注释 {=不算}
$CATEGORY: $course$/top/默认/党史//近代

// question: 12  name: x
// [id:a1] [tag:重点] [tag:难度4] [tag:有效期至2027-01-31]
::x::问？{
\t=甲#很好
\t~乙#不对
\t####一般的话
依据：党章第一条
}
::y::没有空行也分得开 {F}
$CATEGORY: 宪法
问二？{T}
"""
    items = read(Format.GIFT, text.encode(), "未分类").items
    assert [item.draft.category for item in items] == ["党史/近代", "党史/近代", "宪法"]
    draft = items[0].draft
    assert (draft.difficulty, draft.tags, str(draft.valid_until)) == (4, ("重点",), "2027-01-31")
    assert draft.explanation.split("\n")[-2:] == ["“甲”：很好", "“乙”：不对"]


def test_gift_spares_the_rest_when_one_question_is_wrong() -> None:
    text = """一？{=a ~b

二？{T}

说明文字

三？{#3.14:0.01}

四？{=a =b ~c}

五？{~a ~b}

六？{=a
~b

~c}
"""
    batch = read(Format.GIFT, text.encode(), "x")
    assert [item.draft.body["stem"] for item in batch.items] == ["二？", "六？"]
    assert [(problem.place, problem.kind) for problem in batch.problems] == [
        (1, "error"), (5, "skipped"), (7, "skipped"), (9, "error"), (11, "error"),
    ]  # fmt: skip


def test_what_gift_says_and_a_bank_cannot_is_told() -> None:
    item = one(Format.GIFT, "[html]<b>谁</b>？<img src='@@PLUGINFILE@@/a.png'>{=甲 =%50%乙 =丙*}")
    told = " ".join(note.message % note.params for note in item.notes)
    for piece in ("样式", "a.png", "乙", "丙*"):
        assert piece in told


# ── Aiken ───────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "问？\nA. 一\nB. 二\nANSWER: B",
        "问？\nA) 一\nB) 二\nANSWER:B\n\n",
        "问？\nA)一\nB)二\nanswer: b",
        "\n\n问？\n\nA、一\nB、二\n答案：B\n",
        "问？\nA．一\nB．二\n正确答案：Ｂ",
        "问？\na) 一\nb) 二\nANSWER: B) 二",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_aiken_as_people_save_it(text: str, encoding: str, end: str) -> None:
    data = text.replace("\n", end).encode(encoding)
    assert data.startswith(codecs.BOM_UTF8) == (encoding == "utf-8-sig")
    assert guessed(data) == Format.AIKEN
    [item] = read(Format.AIKEN, data, "未分类").items
    assert (item.draft.body["stem"], words(item), item.draft.key) == ("问？", ["一", "二"], {"right": [1]})


def test_aiken_names_every_question_that_is_wrong() -> None:
    text = """只有一个选项
A) 一
ANSWER: A

A) 前面没有题目

ANSWER: B

好题
A) 对
B) 错
ANSWER: A

没写完
A) 一
B) 二

答案不在选项里
A) 一
B) 二
ANSWER: E

又一道好题
A. 一
B. 二
ANSWER: AB
"""
    batch = read(Format.AIKEN, text.encode(), "x")
    assert [(item.draft.body["stem"], item.draft.kind) for item in batch.items] == [
        ("好题", K.SINGLE), ("又一道好题", K.MULTIPLE),
    ]  # fmt: skip
    assert sorted(problem.place for problem in batch.problems) == [1, 5, 7, 14, 18]


# ── Moodle XML ──────────────────────────────────────────

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="


def moodle(kind: str, inside: str, stem: str = "<text>问</text>") -> Batch:
    text = f'<question type="{kind}"><name><text>名</text></name><questiontext format="html">{stem}</questiontext>{inside}</question>'
    return read(Format.MOODLE_XML, f'<?xml version="1.0" encoding="UTF-8"?>\n<quiz>{text}</quiz>'.encode(), "未分类")


def answers(*pairs: tuple[str, str]) -> str:
    return "".join(f'<answer fraction="{weight}" format="html"><text>{text}</text></answer>' for weight, text in pairs)


@pytest.mark.parametrize(
    ("kind", "inside", "expected", "key"),
    [
        ("multichoice", "<single>true</single>" + answers(("0", "一"), ("100", "二")), K.SINGLE, {"right": [1]}),
        ("multichoice", "<single>1</single>" + answers(("50", "一"), ("100.00000", "二")), K.SINGLE, {"right": [1]}),
        ("multichoice", "<single>false</single>" + answers(("50", "一"), ("50", "二"), ("-100", "三")), K.MULTIPLE, {"right": [0, 1]}),
        ("multichoice", "<single>0</single>" + answers(("33.33333", "一"), ("33.3", "二"), ("33", "三"), ("0", "四")), K.MULTIPLE, {"right": [0, 1, 2]}),
        ("multichoice", answers(("50", "一"), ("50", "二"), ("0", "三")), K.MULTIPLE, {"right": [0, 1]}),
        ("truefalse", answers(("100", "true"), ("0", "false")), K.JUDGE, {"right": True}),
        ("truefalse", answers(("100", "false"), ("0", "true")), K.JUDGE, {"right": False}),
        ("truefalse", answers(("0", "Vrai"), ("100", "Faux")), K.JUDGE, {"right": False}),
        ("truefalse", answers(("0", "对"), ("100", "错")), K.JUDGE, {"right": False}),
        ("shortanswer", answers(("100", "上海"), ("100", "上海市"), ("50", "沪")), K.FILL, {"blanks": [["上海", "上海市"]]}),
        ("numerical", '<answer fraction="100"><text>1921</text><tolerance>0</tolerance></answer>', K.FILL, {"blanks": [["1921"]]}),
        ("ordering", answers(("2.0000000", "乙"), ("1.0000000", "甲")), K.ORDER, {"order": [0, 1]}),
        ("essay", '<graderinfo format="html"><text><![CDATA[<p>要点</p>]]></text></graderinfo>', K.SHORT, {"model": "要点"}),
        (
            "matching",
            "".join(f'<subquestion format="html"><text>{a}</text><answer><text>{b}</text></answer></subquestion>' for a, b in (("一", "1"), ("二", "2"), ("", "3"))),
            K.MATCH,
            {"pairs": [0, 1]},
        ),
    ],
)  # fmt: skip
def test_moodle_kinds(kind: str, inside: str, expected: K, key: dict[str, Any]) -> None:
    batch = moodle(kind, inside)
    assert batch.problems == []
    [item] = batch.items
    assert (item.draft.kind, item.draft.key) == (expected, key)


def test_moodle_embedded_words_are_blanks_and_embedded_choices_are_not_carried() -> None:
    [item] = moodle(
        "cloze", "", "<text><![CDATA[<p>{1:SHORTANSWER:=北京~%50%京#近} 和 {:SA:=上海~=沪}</p>]]></text>"
    ).items
    assert (item.draft.body["stem"], item.draft.key["blanks"]) == ("____ 和 ____", [["北京"], ["上海", "沪"]])
    [problem] = moodle("cloze", "", "<text>{1:MULTICHOICE:=甲~乙}</text>").problems
    assert problem.kind == "skipped"


@pytest.mark.parametrize("kind", ["description", "calculated", "gapselect", "ddwtos", "randomsamatch", "stack", ""])
def test_moodle_kinds_that_no_bank_has_are_listed(kind: str) -> None:
    [problem] = moodle(kind, "").problems
    assert (problem.kind, problem.place) == ("skipped", 1)


def test_moodle_wrong_questions_are_errors() -> None:
    for inside in (answers(("0", "一"), ("0", "二")), answers(("100", "一"), ("100", "二")), answers(("100", "一"))):
        [problem] = moodle("multichoice", "<single>true</single>" + inside).problems
        assert problem.kind == "error"


def test_moodle_files_of_stem_and_answers() -> None:
    stem = f'<text><![CDATA[<p>看 <img src="@@PLUGINFILE@@/a%20%E5%9B%BE.png" alt="旗"></p>]]></text><file name="a 图.png" path="/" encoding="base64">{DOT}</file>'
    answer = f'<answer fraction="100" format="html"><text><![CDATA[<img src="@@PLUGINFILE@@/b.png">]]></text><file name="b.png" encoding="base64">\n{DOT}\n</file></answer>'
    inline = f'<answer fraction="0" format="html"><text><![CDATA[乙 <img src="data:image/png;base64,{DOT}" alt="点">]]></text></answer>'
    batch = moodle("multichoice", answer + inline, stem)
    [item] = batch.items
    assert (item.draft.body["media"], [o["media"] for o in item.draft.body["options"]]) == ([1], [[2], [3]])
    assert [file.alt for file in batch.files] == ["旗", "", "点"]
    assert all(file.data.startswith(b"\x89PNG") for file in batch.files)


def test_moodle_old_image_and_a_file_that_is_missing() -> None:
    old = f"<image>moodle.png</image><image_base64>\n{DOT}\n</image_base64>" + answers(("100", "true"), ("0", "false"))
    assert moodle("truefalse", old).items[0].draft.body["media"] == [1]
    stem = '<text><![CDATA[x <img src="@@PLUGINFILE@@/no.png"> <img src="http://example.org/y.png">]]></text>'
    notes = moodle("truefalse", answers(("100", "true"), ("0", "false")), stem).items[0].notes
    assert ["no.png" in str(note.params) or "example.org" in str(note.params) for note in notes] == [True, True]


def test_moodle_categories_tags_and_explanations() -> None:
    text = f"""<quiz>
  <question type="category"><category><text>$course$/top/甲//乙/丙</text></category></question>
  <question type="truefalse"><name><text>n</text></name><questiontext format="moodle_auto_format"><text>一
二</text></questiontext><generalfeedback format="html"><text><![CDATA[<p>因为</p><p>依据：党章</p>]]></text></generalfeedback>
  {answers(("100", "true"), ("0", "false"))}<tags><tag><text>重点</text></tag><tag><text>难度2</text></tag></tags></question>
  <question type="category"><category>$system$/宪法</category></question>
  <question type="truefalse"><questiontext><text>三</text></questiontext>{answers(("100", "true"), ("0", "false"))}</question></quiz>"""
    first, second = (item.draft for item in read(Format.MOODLE_XML, text.encode(), "x").items)
    assert (first.category, first.tags, first.difficulty) == ("丙", ("重点",), 2)
    assert (first.body["stem"], first.explanation, first.basis) == ("一\n二", "因为", "党章")
    assert second.category == "宪法"


def test_moodle_xml_in_the_encoding_it_names() -> None:
    text = f'<?xml version="1.0" encoding="GB2312"?><quiz><question type="truefalse"><questiontext><text>党员</text></questiontext>{answers(("100", "true"))}</question></quiz>'
    assert read(Format.MOODLE_XML, text.encode("gb2312"), "x").items[0].draft.body["stem"] == "党员"
    with pytest.raises(Invalid, match=r"import\.xml"):
        read(Format.MOODLE_XML, b"<quiz><question type='truefalse'>&nbsp;</question></quiz>", "x")
