"""Files of questions as people hand them round: the demo questions as a workbook, and a Moodle export with pictures."""

from __future__ import annotations

import base64
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import xlsxwriter
from PIL import Image, ImageDraw

from school.demo.quizzes import QUESTIONS

SHEET, ALBUM = "冬训", "看图识史"  # categories of the two
GIVEN: list[dict[str, Any]] = json.loads(QUESTIONS.read_text(encoding="utf-8"))
LETTERS = "ABCDEFGH"
AFTER = ["答案", "解析", "分类", "难度", "依据", "有效期至"]  # the columns that follow the options
NAMES = {"single": "单选", "multiple": "多选", "judge": "判断", "fill": "填空", "order": "排序", "match": "连线", "short": "简答"}  # fmt: skip


def workbook(path: Path) -> Path:
    """The demo questions as people hand them round: one a row, below the customary header."""
    header = ["题型", "题干", *(f"选项{letter}" for letter in LETTERS), *AFTER]
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("题库")
        sheet.write_row(0, 0, header)
        for row, each in enumerate(GIVEN, 1):
            options = each.get("options") or each.get("left") or []
            sheet.write_row(
                row, 0,
                [NAMES[each["kind"]], each["stem"], *options, *[""] * (len(LETTERS) - len(options)), written(each),
                 each["explanation"], SHEET, each["difficulty"], each["basis"], "2029-12-31"],
            )  # fmt: skip
    return path


def written(each: dict[str, Any]) -> str:
    """What is right, as a cell says it."""
    match each["kind"]:
        case "judge":
            return "正确" if each["right"] else "错误"
        case "fill":
            return "；".join("|".join(variants) for variants in each["blanks"])
        case "order":
            return LETTERS[: len(each["options"])]
        case "match":
            return "|".join(each["right"][place] for place in each["pairs"])
        case "short":
            return str(each["model"])
        case _:
            return "".join(LETTERS[place] for place in each["right"])


def picture(colour: str) -> str:
    """A drawn flag, base64."""
    image = Image.new("RGB", (320, 200), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((20, 20, 300, 180), fill=colour)
    pen.ellipse((60, 50, 120, 110), fill="gold")
    image.save(data := BytesIO(), "PNG")
    return base64.b64encode(data.getvalue()).decode()


def album(path: Path) -> Path:
    """A category of questions with pictures in stems and answers, as Moodle exports it."""
    answers = "".join(
        f'<answer fraction="{"100" if colour == "red" else "0"}" format="html"><text>'
        f'<![CDATA[<p><img src="@@PLUGINFILE@@/{colour}.png" alt="{name}" width="160"></p>]]></text>'
        f'<file name="{colour}.png" path="/" encoding="base64">{picture(colour)}</file>'
        "<feedback format=\"html\"><text></text></feedback></answer>"
        for colour, name in (("green", "绿色的旗"), ("red", "红色的旗"), ("blue", "蓝色的旗"))
    )  # fmt: skip
    path.write_text(
        f"""<?xml version="1.0" encoding="UTF-8"?>
<quiz>
<!-- question: 0  -->
  <question type="category">
    <category><text>$course$/top/{ALBUM}</text></category>
    <info format="html"><text></text></info>
    <idnumber></idnumber>
  </question>
<!-- question: 101  -->
  <question type="multichoice">
    <name><text>旗-1</text></name>
    <questiontext format="html">
      <text><![CDATA[<p dir="ltr">图中的旗是什么颜色？</p><p><img src="@@PLUGINFILE@@/%E6%97%97.png" alt="一面旗" width="320" height="200"></p>]]></text>
      <file name="旗.png" path="/" encoding="base64">{picture("red")}</file>
    </questiontext>
    <generalfeedback format="html"><text><![CDATA[<p>旗面为红色，象征革命。</p>]]></text></generalfeedback>
    <defaultgrade>1.0000000</defaultgrade>
    <penalty>0.3333333</penalty>
    <hidden>0</hidden>
    <idnumber></idnumber>
    <single>true</single>
    <shuffleanswers>true</shuffleanswers>
    <answernumbering>abc</answernumbering>
    <correctfeedback format="html"><text>您的回答正确</text></correctfeedback>
    <answer fraction="0" format="html"><text><![CDATA[<p>绿色</p>]]></text><feedback format="html"><text></text></feedback></answer>
    <answer fraction="100" format="html"><text><![CDATA[<p>红色</p>]]></text><feedback format="html"><text></text></feedback></answer>
    <answer fraction="0" format="html"><text><![CDATA[<p>蓝色</p>]]></text><feedback format="html"><text></text></feedback></answer>
  </question>
<!-- question: 102  -->
  <question type="multichoice">
    <name><text>旗-2</text></name>
    <questiontext format="html"><text><![CDATA[<p>下面哪一面旗是红色的？</p>]]></text></questiontext>
    <generalfeedback format="html"><text></text></generalfeedback>
    <defaultgrade>1.0000000</defaultgrade>
    <penalty>0.3333333</penalty>
    <hidden>0</hidden>
    <idnumber></idnumber>
    <single>true</single>
    <shuffleanswers>true</shuffleanswers>
    <answernumbering>abc</answernumbering>
    {answers}
  </question>
<!-- question: 103  -->
  <question type="description">
    <name><text>说明</text></name>
    <questiontext format="html"><text><![CDATA[<p>以上两题请看图作答。</p>]]></text></questiontext>
    <generalfeedback format="html"><text></text></generalfeedback>
    <defaultgrade>0.0000000</defaultgrade>
    <penalty>0.0000000</penalty>
    <hidden>0</hidden>
    <idnumber></idnumber>
  </question>
</quiz>
""",
        encoding="utf-8",
    )
    return path
