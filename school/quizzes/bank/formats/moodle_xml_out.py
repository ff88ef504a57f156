"""Moodle XML, written: as Moodle itself exports it, with the files of a question inside."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from school.core.i18n import N_
from school.quizzes import bodies
from school.quizzes.bank.formats import cloze, common
from school.quizzes.bank.formats.common import File, Loss, Note, Written
from school.quizzes.bank.models import QuestionKind
from school.quizzes.bank.rules import Draft
from school.webkit import markup

_TYPES = {
    QuestionKind.SINGLE: "multichoice",
    QuestionKind.MULTIPLE: "multichoice",
    QuestionKind.JUDGE: "truefalse",
    QuestionKind.FILL: "shortanswer",
    QuestionKind.ORDER: "ordering",
    QuestionKind.MATCH: "matching",
    QuestionKind.SHORT: "essay",
}
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNSAFE = re.compile(r"[^\w.-]")
_RIGHT_FILES = N_("Moodle 连线题的右边只能是文字，右边的图片没有带上。")


def write(drafts: Sequence[Draft], files: Mapping[int, File]) -> Written:
    """All questions as a Moodle XML file; `files` by the ids that `media` name."""
    pieces = ['<?xml version="1.0" encoding="UTF-8"?>\n<quiz>\n']
    losses: list[Loss] = []
    category = None
    for index, draft in enumerate(drafts):
        if draft.category != category:
            category = draft.category
            path = _text(common.category_path(category))
            pieces.append(f'  <question type="category">\n    <category>{path}</category>\n  </question>\n')
        if any(place["media"] for place in draft.body.get("right", ())):
            losses.append(Loss(index, Note(_RIGHT_FILES)))
        pieces.append(_question(draft, files))
    pieces.append("</quiz>\n")
    return Written(_ILLEGAL.sub("", "".join(pieces)).encode(), tuple(losses))


def _text(text: str) -> str:
    return f"<text>{html.escape(text, quote=False)}</text>"


def _html(tag: str, markup_text: str, inside: str = "", attributes: str = "") -> str:
    text = markup_text.replace("]]>", "]]]]><![CDATA[>")
    return f'    <{tag}{attributes} format="html">\n      <text><![CDATA[{text}]]></text>\n{inside}    </{tag}>\n'


def _with_files(markup_text: str, media: Sequence[int], files: Mapping[int, File]) -> tuple[str, str]:
    """The text with its files shown under it, and the `file` elements."""
    shown, held = [], []
    for file_id in media:
        if (file := files.get(file_id)) is None:
            continue
        name = f"{file_id}-{_UNSAFE.sub('_', file.name)}"
        address = html.escape(f"@@PLUGINFILE@@/{name}")
        alt = html.escape(file.alt)
        if name.lower().endswith((".mp3", ".m4a", ".ogg", ".wav", ".aac")):
            shown.append(f'<audio controls src="{address}"></audio>')
        elif name.lower().endswith((".mp4", ".webm")):
            shown.append(f'<video controls src="{address}"></video>')
        else:
            shown.append(f'<img src="{address}" alt="{alt}">')
        data = base64.b64encode(file.data).decode()
        held.append(f'      <file name="{html.escape(name)}" path="/" encoding="base64">{data}</file>\n')
    return markup_text + "".join(f"<p>{each}</p>" for each in shown), "".join(held)


def _piece(tag: str, place: Mapping[str, Any], files: Mapping[int, File], attributes: str = "", more: str = "") -> str:
    text, held = _with_files(markup.from_plain(place["text"]), place["media"], files)
    return _html(tag, text, held + more, attributes)


def _question(draft: Draft, files: Mapping[int, File]) -> str:
    body, key = draft.body, draft.key
    several = draft.kind == QuestionKind.FILL and (body["blanks"] > 1 or not _one_blank(body["stem"]))
    kind = "cloze" if several else _TYPES[draft.kind]
    stem = cloze.write(body["stem"], key["blanks"]) if several else markup.from_plain(body["stem"])
    if draft.kind == QuestionKind.FILL and not several:
        stem = stem.replace(bodies.BLANK, "_____")  # five make Moodle show the field there
    text, held = _with_files(stem, body["media"], files)
    name = body["stem"].split("\n")[0][:60]
    tags = "".join(f"      <tag>{_text(tag)}</tag>\n" for tag in common.tags_of(draft))
    return (
        f'  <question type="{kind}">\n'
        f"    <name>{_text(name)}</name>\n"
        + _html("questiontext", text, held)
        + _html("generalfeedback", markup.from_plain(common.feedback_of(draft)))
        + "    <penalty>0.3333333</penalty>\n    <hidden>0</hidden>\n"
        + ("" if several else "    <defaultgrade>1.0000000</defaultgrade>\n" + _answers(draft, files))
        + (f"    <tags>\n{tags}    </tags>\n" if tags else "")
        + "  </question>\n"
    )


def _one_blank(stem: str) -> bool:
    return stem.count(bodies.BLANK) == 1


def _answers(draft: Draft, files: Mapping[int, File]) -> str:
    body, key = draft.body, draft.key
    feedback = '      <feedback format="html"><text></text></feedback>\n'
    if draft.kind == QuestionKind.JUDGE:
        return "".join(
            f'    <answer fraction="{100 if key["right"] is said else 0}" format="moodle_auto_format">\n'
            f"      <text>{'true' if said else 'false'}</text>\n{feedback}    </answer>\n"
            for said in (True, False)
        )
    if draft.kind == QuestionKind.FILL:
        return "    <usecase>0</usecase>\n" + "".join(
            f'    <answer fraction="100" format="plain_text">\n      {_text(_literal(each))}\n{feedback}    </answer>\n'
            for each in key["blanks"][0]
        )
    if draft.kind == QuestionKind.SHORT:
        return (
            "    <responseformat>plain</responseformat>\n    <responserequired>1</responserequired>\n"
            "    <responsefieldlines>10</responsefieldlines>\n    <attachments>0</attachments>\n"
            f"    <maxwordlimit>{body['limit']}</maxwordlimit>\n" + _html("graderinfo", markup.from_plain(key["model"]))
        )
    if draft.kind == QuestionKind.MATCH:
        pairs = [(left, body["right"][place]) for left, place in zip(body["left"], key["pairs"], strict=True)]
        pairs += [({"text": "", "media": []}, right) for n, right in enumerate(body["right"]) if n not in key["pairs"]]
        return "    <shuffleanswers>true</shuffleanswers>\n" + "".join(
            _piece("subquestion", left, files, more=f"      <answer>{_text(right['text'])}</answer>\n")
            for left, right in pairs
        )
    options = body["options"]
    if draft.kind == QuestionKind.ORDER:
        head = "    <layouttype>VERTICAL</layouttype>\n    <selecttype>ALL</selecttype>\n    <selectcount>0</selectcount>\n"
        head += "    <gradingtype>ABSOLUTE_POSITION</gradingtype>\n    <showgrading>SHOW</showgrading>\n"
        return head + "".join(
            _piece("answer", options[place], files, f' fraction="{number}.0000000"', feedback)
            for number, place in enumerate(key["order"], 1)
        )
    single = draft.kind == QuestionKind.SINGLE
    share = f"{100 / len(key['right']):.5f}".rstrip("0").rstrip(".")
    wrong = "0" if single else "-100"
    return (
        f"    <single>{'true' if single else 'false'}</single>\n    <shuffleanswers>true</shuffleanswers>\n"
        "    <answernumbering>ABCD</answernumbering>\n"
        + "".join(
            _piece("answer", option, files, f' fraction="{share if place in key["right"] else wrong}"', feedback)
            for place, option in enumerate(options)
        )
    )


def _literal(text: str) -> str:
    """A star is a wild card to Moodle unless it is escaped."""
    return text.replace("*", "\\*")
