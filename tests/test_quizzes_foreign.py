"""Files of other makers, each with something Moodle or a person at a keyboard does: read as meant, or told what was lost."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from school.quizzes.bank.formats import Batch, Format, guessed, read
from school.quizzes.bank.models import QuestionKind as K

DOT = base64.b64encode(b"a picture").decode()


def held(form: Format, text: str | bytes) -> Batch:
    return read(form, text.encode() if isinstance(text, str) else text, "未分类")


def stems(batch: Batch) -> list[str]:
    return [item.draft.body["stem"] for item in batch.items]


def options(item: Any) -> list[str]:
    return [option["text"] for option in item.draft.body["options"]]


def notes(item: Any) -> str:
    return " ".join(note.message % note.params for note in item.notes)


def xml(*questions: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<quiz>{"".join(questions)}</quiz>'


def question(kind: str, stem: str, inside: str = "", *, files: str = "", form: str = "html") -> str:
    return (
        f'<question type="{kind}"><name><text>名称</text></name><questiontext format="{form}">'
        f"<text><![CDATA[{stem}]]></text>{files}</questiontext>{inside}</question>"
    )


def judge(stem: str, inside: str = "", **more: str) -> str:
    answers = '<answer fraction="100"><text>true</text></answer><answer fraction="0"><text>false</text></answer>'
    return question("truefalse", stem, answers + inside, **more)


def category(path: str) -> str:
    return f'<question type="category"><category><text>{path}</text></category></question>'


# ── GIFT ────────────────────────────────────────────────


def test_gift_questions_line_under_line() -> None:
    batch = held(Format.GIFT, "1. 一加一？{=2 ~3}\n2. 选谁？{\n~甲\n=乙\n}\n// 还有一道\n3. 对吗{T}\n4. 谈谈{}")
    assert not batch.problems
    assert [item.place for item in batch.items] == [1, 2, 7, 8]
    assert [item.draft.kind for item in batch.items] == [K.SINGLE, K.SINGLE, K.JUDGE, K.SHORT]
    [problem] = held(Format.GIFT, "一大在{=上海}\n召开于{=1921}年。").problems  # one sentence with two blanks
    assert problem.kind == "error"


def test_gift_category_without_a_name_is_the_one_that_was_chosen() -> None:
    batch = held(Format.GIFT, "$CATEGORY: $course$/top/党史\n一{T}\n\n$CATEGORY: $course$/top\n二{T}")
    assert [item.draft.category for item in batch.items] == ["党史", "未分类"]


@pytest.mark.parametrize(
    ("head", "some"),
    [(">2     none", True), (">3 ALL VERTICAL ABSOLUTE_POSITION SHOW none", False), (">ALL H", False), (">0", False)],
)
def test_gift_order_as_the_plugin_writes_it(head: str, some: bool) -> None:
    [item] = held(Format.GIFT, f"[html]排{{{head}\n<p>YES</p>\n<p>NO</p>\n<p>TRUE</p>\n}}").items
    assert options(item) == ["YES", "NO", "TRUE"]
    assert ("只抽几项" in notes(item)) is some


def test_gift_order_with_its_items_marked_and_signs_without_width() -> None:
    first, second = held(Format.GIFT, "\u200b::a::排{>\n=甲\n=乙\n}\n\u200b\n::b::句{T}").items
    assert (first.draft.body["stem"], options(first)) == ("排", ["甲", "乙"])
    assert second.draft.body["stem"] == "句"


@pytest.mark.parametrize("text", ["题｛＝甲 ～乙｝", "题{＝甲 ～乙}"])
def test_gift_with_wide_signs_says_which_are_meant(text: str) -> None:
    batch = held(Format.GIFT, text)
    [problem] = batch.problems
    assert (batch.items, problem.kind) == ([], "error")
    assert "半角" in problem.note.message


def test_gift_star_that_means_a_star() -> None:
    plain, any_words = held(Format.GIFT, "乘号写作{=\\*}\n\n随便写{=甲*}").items
    assert (plain.draft.key, plain.notes) == ({"blanks": [["*"]]}, ())
    assert "甲*" in notes(any_words)


def test_gift_tells_what_it_leaves_out() -> None:
    text = (
        "// question: 7  name: x\n// [id:A-7] [tag:重点]\n"
        '::x::[html]看<a href\\="https\\://example.org/">这里</a>{=甲<img src\\="a.png"> ~乙}'
    )
    [item] = held(Format.GIFT, text).items
    assert item.draft.tags == ("重点",)
    assert all(lost in notes(item) for lost in ("A-7", "a.png", "网址"))


MARKED = """\
## 请看
**一大**于 *1921 年* 在 ____ 召开，见 [原文](https://example.org/a)。![会址](a.png)
- 写作 `**x**`，2*3*4，snake_case
> 公式 $a_1*b_1*c$ 与 5 \\* 6
| 年 | 事 |
|---|---|
| 1921 | 一大 |
```python
print("__a__")  # <b>
```"""
UNMARKED = """\
请看
一大于 1921 年 在 ____ 召开，见 原文。
- 写作 **x**，2*3*4，snake_case
公式 $a_1*b_1*c$ 与 5 * 6
年　事
1921　一大
print("__a__") # <b>"""


@pytest.mark.parametrize("form", [Format.GIFT, Format.MOODLE_XML])
def test_markdown_by_what_it_means(form: Format) -> None:
    """Its marks go, what they stand around stays; code and formulas are as they were; a blank is no mark."""
    if form == Format.GIFT:
        escaped = MARKED.replace("\\", "\\\\").replace("#", "\\#").replace("=", "\\=")
        [item] = held(form, f"[markdown]{escaped}{{T#**想**一想}}").items
        assert item.draft.explanation == "“答错”：想一想"
    else:
        [item] = held(form, xml(judge(MARKED, form="markdown"))).items
    stem = "\n".join(" ".join(line.split()) for line in UNMARKED.split("\n"))
    assert item.draft.body["stem"] == stem
    assert all(lost in notes(item) for lost in ("样式", "表格", "网址", "a.png"))
    [plain] = held(Format.MOODLE_XML, xml(judge("没有记号，2 < 3", form="markdown"))).items
    assert (plain.draft.body["stem"], plain.notes) == ("没有记号，2 < 3", ())


def test_markdown_with_no_end() -> None:
    for piece in ("**a ", "__a ", "[a](", "`a ", "$a", "~~a", "> ", "|a", "- "):
        batch = held(Format.GIFT, f"[markdown]{piece * 4000}{{T}}")
        assert len(batch.items) + len(batch.problems) == 1


def test_gift_tags_of_a_comment_inside_and_between() -> None:
    text = "::a::题一\n// [tag:甲] [id:A-1]\n{T}\n// [tag:乙]\n::b::题二{F}\n// 随便写写\n题三{F}"
    batch = held(Format.GIFT, text)
    assert [(item.draft.body["stem"], item.draft.tags) for item in batch.items] == [
        ("题一", ("甲",)), ("题二", ("乙",)), ("题三", ()),
    ]  # fmt: skip
    assert "A-1" in notes(batch.items[0])


def test_gift_part_of_a_number_is_named_with_its_margin() -> None:
    [item] = held(Format.GIFT, "建党于？{#=1921:0#对了 =%50%1921:2#近了 ~#错了}").items
    assert item.draft.key == {"blanks": [["1921"]]}
    assert "1921:2" in notes(item)
    assert item.draft.explanation == "“1921”：对了\n“1921:2”：近了"


@pytest.mark.parametrize("form", [Format.GIFT, Format.MOODLE_XML])
def test_more_tags_and_longer_names_than_the_bank_has_room_for(form: Format) -> None:
    many = [f"标签{number}" for number in range(10)] + ["a tag as long as a sentence"]
    name = "Default for CS101 Introduction to Programming"
    if form == Format.GIFT:
        tags = " ".join(f"[tag:{tag}]" for tag in many)
        [item] = held(form, f"$CATEGORY: $course$/top/{name}\n\n// {tags}\n题{{T}}").items
    else:
        tags = "".join(f"<tag><text>{tag}</text></tag>" for tag in many)
        [item] = held(form, xml(category(f"$course$/top/{name}"), judge("题", f"<tags>{tags}</tags>"))).items
    assert item.draft.tags == tuple(many[:8])
    assert item.draft.category == name[:40]
    assert all(lost in notes(item) for lost in ("标签8", "标签9", many[-1], name))


@pytest.mark.parametrize("form", [Format.GIFT, Format.MOODLE_XML])
def test_feedback_for_whatever_else_was_written(form: Format) -> None:
    answers = "".join(
        f'<answer fraction="{share}"><text>{text}</text><feedback><text>{told}</text></feedback></answer>'
        for share, text, told in ((100, "上海", "对"), (0, "*", "再想想"))
    )
    text = "在{=上海#对 =%0%*#再想想}" if form == Format.GIFT else xml(question("shortanswer", "在", answers))
    [item] = held(form, text).items
    assert (item.draft.key, item.draft.explanation) == ({"blanks": [["上海"]]}, "“上海”：对\n“其他答案”：再想想")
    assert not item.notes


# ── Aiken ───────────────────────────────────────────────


@pytest.mark.parametrize(
    "answer", ["ANSWER: (B)", "ANSWER:[b]", "ＡＮＳＷＥＲ：Ｂ", "【答案】B", "【正确答案】：（B）", "标准答案：Ｂ．乙"]
)
def test_aiken_answers_as_people_write_them(answer: str) -> None:
    text = f"题\nA. 甲\nB. 乙\n{answer}\n"
    assert guessed(text.encode()) == Format.AIKEN
    [item] = held(Format.AIKEN, text).items
    assert item.draft.key == {"right": [1]}


def test_aiken_explanation_of_several_lines() -> None:
    text = (
        "题一\nA. 甲\nB. 乙\nANSWER: A\nFEEDBACK: 先看\nA. 甲对\nB. 乙错\n\n"
        "题二\nA. 丙\nB. 丁\n【答案】B\n【解析】因为丁\n3. 题三\nA. 戊\nB. 己\nANSWER: A"
    )
    batch = held(Format.AIKEN, text)
    assert not batch.problems
    assert stems(batch) == ["题一", "题二", "3. 题三"]
    assert [item.draft.explanation for item in batch.items] == ["先看\nA. 甲对\nB. 乙错", "因为丁", ""]


def test_aiken_stems_that_begin_like_options() -> None:
    text = "U.S. 是哪国？\nA. 美国\nB. 英国\nANSWER: A\n\n下列：\nI. 一\nII. 二\nA. 只有 I\nB. 都对\nANSWER: B"
    batch = held(Format.AIKEN, text)
    assert not batch.problems
    assert stems(batch) == ["U.S. 是哪国？", "下列：\nI. 一\nII. 二"]
    assert [options(item) for item in batch.items] == [["美国", "英国"], ["只有 I", "都对"]]


def test_aiken_option_of_several_lines_and_an_answer_under_its_word() -> None:
    [item] = held(Format.AIKEN, "题\nA. 甲\n接着甲\nB. 乙\n接着乙\nANSWER:\nB").items
    assert (options(item), item.draft.key) == (["甲 接着甲", "乙 接着乙"], {"right": [1]})


def test_aiken_missing_answer_does_not_swallow_the_next_question() -> None:
    batch = held(Format.AIKEN, "题一\nA. 甲\nB. 乙\n题二\nA. 丙\nB. 丁\nANSWER: A\n\n题三\nA. 1\nB. 2\nANSWER:\n\n题四")
    assert stems(batch) == ["题二"]
    assert [(each.place, each.brief) for each in batch.problems] == [(1, "题一"), (9, "题三"), (14, "题四")]


def test_aiken_letters_in_brackets() -> None:
    [item] = held(Format.AIKEN, "题\n（A）甲\n(B) 乙\nANSWER: B").items
    assert (options(item), item.draft.key) == (["甲", "乙"], {"right": [1]})


# ── Moodle XML ──────────────────────────────────────────


@pytest.mark.parametrize("head", ["", '<?xml version="1.0" encoding="UTF-8"?>\n', '<?xml version="1.0"?>'])
def test_moodle_saved_anew_in_a_chinese_encoding(head: str) -> None:
    assert stems(held(Format.MOODLE_XML, f"{head}<quiz>{judge('中文题')}</quiz>".encode("gb18030"))) == ["中文题"]


def test_moodle_signs_that_no_xml_may_hold() -> None:
    assert stems(held(Format.MOODLE_XML, xml(judge("一\x0b二\x02三")))) == ["一 二 三"]


def test_moodle_in_wide_letters_is_seen_and_read() -> None:
    data = xml(judge("句")).replace("UTF-8", "UTF-16").encode("utf-16")
    assert guessed(data) == Format.MOODLE_XML
    assert stems(held(Format.MOODLE_XML, data)) == ["句"]


def test_moodle_category_of_the_top_is_the_one_that_was_chosen() -> None:
    batch = held(
        Format.MOODLE_XML, xml(category("$course$/top/党史"), judge("一"), category("$course$/top"), judge("二"))
    )
    assert [item.draft.category for item in batch.items] == ["党史", "未分类"]


def test_moodle_categories_that_end_alike_are_told_apart() -> None:
    """A name alone says enough until another one of the file is the same; then as much of the path as parts them."""
    paths = ("$course$/top/党章/义务", "$course$/top/宪法/义务", "$course$/top/党章/权利", "$course$/top/义务")
    data = xml(*(part for i, path in enumerate(paths) for part in (category(path), judge(f"第{i}题"))))
    batch = held(Format.MOODLE_XML, data)
    assert [item.draft.category for item in batch.items] == ["党章／义务", "宪法／义务", "权利", "义务"]
    gift = "".join(f"$CATEGORY: {path}\n\n第{i}题。{{T}}\n\n" for i, path in enumerate(paths))
    assert [item.draft.category for item in held(Format.GIFT, gift).items] == [
        item.draft.category for item in batch.items
    ]
    long = xml(*(part for top in "甲乙" for part in (category(f"{top * 30}/{'丙' * 30}"), judge(top))))
    for item in held(Format.MOODLE_XML, long).items:
        assert len(item.draft.category) == 40
        assert "太长" in notes(item), "what was cut is said"


@pytest.mark.parametrize(
    ("stem", "shown", "lost"),
    [
        ("<p>求 <math><mi>x</mi></math> 的值</p>", "求 的值", "公式"),
        ('<p>看<iframe src="https://example.org/"></iframe></p>', "看", "嵌入的网页"),
        ('<a href="https://example.org/">这里</a>', "这里", "网址"),
        ('<span lang="en" class="multilang">Q</span> <span class="multilang" lang="zh_cn">问</span>', "问", "几种语言"),
        ('<span class="multilang" lang="en">Q</span><span class="multilang" lang="fr">F</span>', "Q", "几种语言"),
        ("{mlang en}Q{mlang}{mlang zh_cn,zh_tw}问{mlang}？", "问？", "几种语言"),
        ('<span lang="zh_cn" class="multilang">只有一种</span>', "只有一种", ""),
        ("<p>哪些对？</p><ol><li>一</li><li>二<ul><li>丙</li></ul></li></ol>", "哪些对？\n1. 一\n2. 二\n丙", ""),
        ('<ol type="A"><li>一</li><li>二</li></ol>', "A. 一\nB. 二", ""),
    ],
)
def test_moodle_html_by_what_it_means(stem: str, shown: str, lost: str) -> None:
    [item] = held(Format.MOODLE_XML, xml(judge(stem))).items
    assert item.draft.body["stem"] == shown
    assert lost in notes(item) if lost else not item.notes


@pytest.mark.parametrize(
    ("inside", "lost"),
    [
        ("<hidden>1</hidden>", "隐藏"),
        ("<defaultgrade>2.5000000</defaultgrade>", "2.5"),
        ("<idnumber>HS-01</idnumber>", "HS-01"),
        ("<hidden>0</hidden><defaultgrade>1.0000000</defaultgrade><idnumber></idnumber>", ""),
    ],
)
def test_moodle_fields_that_no_bank_has(inside: str, lost: str) -> None:
    [item] = held(Format.MOODLE_XML, xml(judge("题", inside))).items
    assert lost in notes(item) if lost else not item.notes


def test_moodle_files_by_their_whole_path() -> None:
    files = "".join(
        f'<file name="p.png" path="/{folder}/" encoding="base64">{base64.b64encode(folder.encode()).decode()}</file>'
        for folder in ("a", "b", "c")
    )
    stem = '题<img src="@@PLUGINFILE@@/b/p.png" alt="乙"><img src="@@PLUGINFILE@@/a/p.png?time=1" alt="甲">'
    batch = held(Format.MOODLE_XML, xml(judge(stem, files=files)))
    assert [(file.alt, file.data) for file in batch.files] == [("乙", b"b"), ("甲", b"a")]
    assert "c/p.png 题里没有用到" in notes(batch.items[0])


def test_moodle_words_for_players_that_play_nothing_are_no_stem() -> None:
    file = f'<file name="a.mp3" path="/" encoding="base64">{DOT}</file>'
    stem = '<p>听<audio controls="true"><source src="@@PLUGINFILE@@/a.mp3">@@PLUGINFILE@@/a.mp3</audio>一遍</p>'
    [item] = held(Format.MOODLE_XML, xml(judge(stem, files=file))).items
    assert (item.draft.body["stem"], item.draft.body["media"]) == ("听一遍", [1])


def test_moodle_picture_alone_and_pictures_in_markdown() -> None:
    file = f'<file name="图 一.png" path="/" encoding="base64">{DOT}</file>'
    alone = judge('<p><img src="@@PLUGINFILE@@/%E5%9B%BE%20%E4%B8%80.png" alt=""></p>', files=file)
    marked = judge("看 ![图](@@PLUGINFILE@@/%E5%9B%BE%20%E4%B8%80.png) 吗", files=file, form="markdown")
    first, second = held(Format.MOODLE_XML, xml(alone, marked)).items
    assert (first.draft.body["stem"], first.draft.body["media"]) == ("名称", [1])
    assert "只有图片" in notes(first)
    assert second.draft.body["media"] == [2]


def test_moodle_empty_lines_of_the_form_are_no_options() -> None:
    texts = {"甲": 100, "乙": 0, "": 0, "<p>&nbsp;</p>": 0}
    answers = "".join(
        f'<answer fraction="{share}" format="html"><text><![CDATA[{text}]]></text></answer>'
        for text, share in texts.items()
    )
    [item] = held(Format.MOODLE_XML, xml(question("multichoice", "题", f"<single>true</single>{answers}"))).items
    assert options(item) == ["甲", "乙"]


def test_moodle_order_that_shows_a_part() -> None:
    answers = "".join(f'<answer fraction="{place}.0"><text>{place}</text></answer>' for place in (3, 1, 2))
    part = "<selecttype>RANDOM</selecttype><selectcount>2</selectcount>"
    some, every = held(
        Format.MOODLE_XML, xml(question("ordering", "排", answers + part), question("ordering", "排", answers))
    ).items
    assert options(some) == options(every) == ["1", "2", "3"]
    assert "只抽几项" in notes(some)
    assert not every.notes


def test_moodle_embedded_number_with_a_margin_that_is_none() -> None:
    batch = held(Format.MOODLE_XML, xml(question("cloze", "{1:NM:=5:x}"), question("cloze", "水{1:NM:=0:0.0}度结冰")))
    assert [problem.kind for problem in batch.problems] == ["skipped"]
    assert batch.items[0].draft.key == {"blanks": [["0"]]}


def test_moodle_embedded_words_with_what_is_said_to_each() -> None:
    told = "首都{1:SHORTANSWER:%100%北京#好！~%50%京城#近了~*#再想想}，记号{2:SAC:=Wu*}，生于{1:NM:=1921:0#对}年"
    [item] = held(Format.MOODLE_XML, xml(question("cloze", told))).items
    assert item.draft.key == {"blanks": [["北京"], ["Wu*"], ["1921"]]}
    assert item.draft.explanation == "“北京”：好！\n“京城”：近了\n“其他答案”：再想想\n“1921:0”：对"
    assert all(lost in notes(item) for lost in ("京城", "大小写", "通配符", "数值", "分值不同"))


def test_moodle_both_true_and_false_is_neither() -> None:
    both = '<answer fraction="100"><text>true</text></answer><answer fraction="100"><text>false</text></answer>'
    batch = held(Format.MOODLE_XML, xml(question("truefalse", "句", both)))
    assert (batch.items, [problem.kind for problem in batch.problems]) == ([], ["error"])


@pytest.mark.parametrize("kind", ["oumultiresponse", "multichoiceset"])
def test_moodle_choices_of_other_plugins(kind: str) -> None:
    answers = "".join(
        f'<answer fraction="{share}"><text>{text}</text></answer>'
        for share, text in ((100, "甲"), (0, "乙"), (100, "丙"))
    )
    [item] = held(Format.MOODLE_XML, xml(question(kind, "选", answers))).items
    assert (item.draft.kind, item.draft.key) == (K.MULTIPLE, {"right": [0, 2]})


def test_moodle_pairs_to_drag_with_pictures_on_the_right() -> None:
    file = f'<file name="a.png" path="/" encoding="base64">{DOT}</file>'
    rights = ("<p>一</p>", '<img src="@@PLUGINFILE@@/a.png" alt="二">', "三")
    lefts = ("<p>甲</p>", "乙", "<p></p>")
    inside = "".join(
        f'<subquestion format="html"><text><![CDATA[{left}]]></text><answer format="html"><text><![CDATA[{right}]]></text>'
        f"{file if 'img' in right else ''}</answer></subquestion>"
        for left, right in zip(lefts, rights, strict=True)
    )
    batch = held(Format.MOODLE_XML, xml(question("ddmatch", "连", inside)))
    [item] = batch.items
    assert [(right["text"], right["media"]) for right in item.draft.body["right"]] == [
        ("一", []),
        ("", [1]),
        ("三", []),
    ]
    assert (item.draft.kind, item.draft.key) == (K.MATCH, {"pairs": [0, 1]})
    assert batch.files[0].alt == "二"


def test_moodle_order_as_the_plugin_was_written_first() -> None:
    answers = "".join(f'<answer fraction="{place}"><text>{place}</text></answer>' for place in (1, 2, 3))
    early = question("ordering", "排", f"<logical>1</logical><studentsee>2</studentsee>{answers}")
    [item] = held(Format.MOODLE_XML, xml(early)).items
    assert "只抽几项" in notes(item)
