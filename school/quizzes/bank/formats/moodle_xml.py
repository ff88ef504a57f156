"""Moodle XML, read: questions with their pictures and sounds as Moodle and other programs write them. Hostile XML is refused."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import Element, tostring

from school.core.errors import Invalid, TooLarge
from school.core.i18n import N_
from school.quizzes import bodies
from school.quizzes.bank.formats import cloze, common, markdown, multilang
from school.quizzes.bank.formats.common import Batch, NotCarried, Note, Piece, refused
from school.quizzes.bank.models import QuestionKind
from school.quizzes.bank.rules import Draft
from school.webkit import markup, xml_in

MOST_ELEMENTS = 3_000_000
DEEPEST = 100
_ENCODING = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*encoding\s*=\s*[\"'](gb[\w-]+|hz|big5)[\"'][^>]*\?>", re.IGNORECASE
)
# An encoding that expat is left to know, or to refuse.
_OTHER = re.compile(rb"\s*<\?xml[^>]*encoding\s*=\s*[\"'](?!utf-?8[\"'])", re.IGNORECASE)
_DECLARATION = re.compile(rb"^\s*<\?xml[^>]*\?>")
# Signs that no XML may hold come along with words pasted from elsewhere.
_CONTROL = bytes(32 if sign < 32 and sign not in b"\t\n\r\0" else sign for sign in range(256))
_SHOWS = re.compile(r"<(?:img|audio|video|math|svg|iframe|object)\b", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_DATA = re.compile(r"data:([\w/+.-]+);base64,(.*)", re.DOTALL)
_TRUE = {"true", "正确", "对", "是", "真", "t"}
_FALSE = {"false", "错误", "错", "否", "假", "f"}
_FEEDBACKS = ("correctfeedback", "partiallycorrectfeedback", "incorrectfeedback")


def read(data: bytes, category: str) -> Batch:
    """The questions of a Moodle XML file; places count questions from 1.

    Raises Invalid (`import.xml`, `import.hostile`) when it is no such file, TooLarge (`import.many`).
    """
    batch = Batch()
    chosen, number = category, 0
    for element in _questions(_utf8(data)):
        if element.get("type") == "category":
            category = batch.enter(_raw(element.find("category"))) or chosen
            continue
        number += 1
        brief = _raw(element.find("name")) or _raw(element.find("questiontext"))
        with batch.question(number, markup.plain(brief[:500]).text):
            _Question(batch, element).take(number, category)
    batch.part_categories()
    return batch


# ── the file ────────────────────────────────────────────


def _utf8(data: bytes) -> bytes:
    """`data` in an encoding that expat knows."""
    if match := _ENCODING.match(data):
        encoding = "big5" if match[1].lower() == b"big5" else "gb18030"
        try:
            data = data[match.end() :].decode(encoding).encode()
        except UnicodeDecodeError:
            raise Invalid("import.not_text", common.NOT_TEXT) from None
    elif not data.startswith((b"\xff\xfe", b"\xfe\xff")) and not _OTHER.match(data):
        try:
            data.decode()
        except UnicodeDecodeError:  # saved anew by an editor that left the first line as it was
            with contextlib.suppress(UnicodeDecodeError):
                data = _DECLARATION.sub(b"", data).decode("gb18030").encode()
    else:
        return data.lstrip()
    return data.lstrip().translate(_CONTROL)


def _questions(data: bytes) -> Iterator[Element]:
    """The `question` elements one after the other; each is forgotten when the next is asked for."""
    depth = count = 0
    root: Element | None = None
    try:
        for event, element in xml_in.events(data):
            if event == "start":
                root = element if root is None else root
                depth, count = depth + 1, count + 1
                if root.tag != "quiz":
                    raise Invalid("import.xml", N_("这不是 Moodle XML 题库文件：最外层应该是 <quiz>。"))
                if depth > DEEPEST or count > MOST_ELEMENTS:
                    raise TooLarge("import.xml_size", N_("这个 XML 文件层次太深或内容太多，没有导入。请分成几个文件。"))
                continue
            depth -= 1
            if depth == 1 and root is not None:
                if element.tag == "question":
                    yield element
                root.clear()
    except xml_in.Unreadable as error:
        if error.hostile:
            message = N_("这个 XML 文件里有实体定义或外部引用，可能有害，没有导入。请用出题软件重新导出。")
            raise Invalid("import.hostile", message) from None
        if not error.line:
            raise Invalid("import.not_text", common.NOT_TEXT) from None
        message = N_("XML 在第 %(line)d 行有错，读不下去。请修改后再上传。")
        raise Invalid("import.xml", message, line=error.line) from None


def _raw(element: Element | None) -> str:
    """What the `text` below an element says, or the element itself when it has none; tags written without CDATA stay."""
    if element is None:
        return ""
    found = element.find("text")
    if found is None:
        return "" if len(element) else (element.text or "").strip()
    if len(found):
        return (found.text or "") + "".join(tostring(child, encoding="unicode", method="html") for child in found)
    return (found.text or "").strip()


def _named(address: str) -> str:
    """The path of a file of the question that `address` leads to; empty when it leads elsewhere."""
    return _path(unquote(address.split("?")[0].partition("@@PLUGINFILE@@")[2]))


def _path(text: str) -> str:
    return "/".join(filter(None, text.split("/")))


def _number(raw: str | None) -> float:
    try:
        number = float((raw or "0").strip().replace(",", ".").rstrip("%"))
    except ValueError:
        return 0.0
    return number if isfinite(number) else 0.0


# ── one question ────────────────────────────────────────


class _Question:
    """Reads one `question` element and remembers what could not be carried."""

    def __init__(self, batch: Batch, element: Element) -> None:
        self._batch = batch
        self._element = element
        self._notes: list[Note] = []
        self._feedback: list[tuple[str, str]] = []

    def take(self, number: int, category: str) -> None:
        kind = (self._element.get("type") or "").strip()
        reader = _READERS.get(kind)
        if reader is None:
            if kind == "description":
                raise NotCarried("import.description", N_("这是一段说明文字，不是题目，没有收下。"))
            raise NotCarried("import.kind", N_("题库里没有“%(kind)s”这种题型，没有收下。"), kind=kind[:40] or "?")
        draft: Draft = reader(self)
        general, _ = self._shown(self._element.find("generalfeedback"), media=False)
        tags = [_raw(tag) for tag in self._element.iterfind("tags/tag")]
        draft, left = common.completed(draft, category, common.with_feedback(general, self._feedback), tags)
        if self._element.find("hint") is not None and any(_raw(hint) for hint in self._element.iterfind("hint")):
            self._note(common.HINTS)
        if self._value("hidden", "0") != "0":
            self._note(N_("这道题在原来的题库里是隐藏的，请看看还要不要。"))
        if (worth := _number(self._value("defaultgrade", "1"))) != 1:
            self._note(N_("原来的分值 %(points)s 没有带进来，组卷时另定。"), points=f"{worth:g}")
        if number_of_its_own := self._value("idnumber"):
            self._note(common.ID_NUMBER, id=number_of_its_own[:60])
        told = [_raw(self._element.find(name)) for name in _FEEDBACKS]
        if any(text and not text.startswith(("Your answer is", "您的回答", "你的回答")) for text in told):
            self._note(N_("对整题的反馈（正确、部分正确、不正确时各说一句）没有带进来。"))
        self._batch.add(number, draft, self._notes + left)

    # ---- pieces

    def _note(self, message: str, **params: Any) -> None:
        note = Note(message, params)
        if note not in self._notes:
            self._notes.append(note)

    def _value(self, name: str, default: str = "") -> str:
        found = self._element.find(name)
        return default if found is None else _raw(found).strip() or default

    def _shown(self, element: Element | None, *, media: bool = True, form: str = "") -> tuple[str, list[int]]:
        """A piece of text without markup and its files; `media` False: a place that holds none."""
        raw = _raw(element)
        if element is None or not raw:
            return "", []
        form = element.get("format") or form or ("html" if markup.is_html(raw) else "moodle_auto_format")
        raw, other = multilang.chosen(raw)
        if other:
            self._note(multilang.OTHER)
        held = {_path(file.get("path", "/") + "/" + file.get("name", "")): file for file in element.iterfind("file")}
        if form in {"plain_text", "plain"} or (form not in {"html", "markdown"} and not markup.is_html(raw)):
            found = markup.Plain(raw)
        elif form == "markdown":
            found = markdown.plain(raw)
        else:
            found = markup.plain(raw if form == "html" else raw.replace("\n", "<br>"))
        for lost, message in common.lost(found):
            if lost:
                self._note(message)
        places = [self._file(address, alt, held) for address, alt in found.files]
        for name in sorted(held.keys() - {_named(address) for address, _ in found.files}):
            self._note(N_("文件 %(name)s 题里没有用到，没有带进来。"), name=name[:60])
        if not media and any(places):
            self._note(N_("这里的图片没有地方放，没有带进来。"))
        return found.text, list(dict.fromkeys(place for place in places if place)) if media else []

    def _file(self, address: str, alt: str, held: dict[str, Element]) -> int | None:
        if match := _DATA.fullmatch(address):
            return self._decoded(f"file.{match[1].rpartition('/')[2][:4]}", match[2], alt)
        name = _named(address)
        if name in held:
            return self._decoded(name.rpartition("/")[2], held[name].text or "", alt)
        if name:
            self._note(N_("引用的文件 %(name)s 不在这个 XML 里。"), name=name[:60])
        else:
            self._note(N_("外部网址的图片没有取：%(address)s"), address=address[:80])
        return None

    def _decoded(self, name: str, text: str, alt: str) -> int:
        try:
            data = base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise refused("file", N_("文件 %(name)s 的内容读不出来（不是 base64）。"), name=name[:60]) from None
        return self._batch.file(name, data, alt)

    def _stem(self) -> tuple[str, list[int]]:
        text, media = self._shown(self._element.find("questiontext"))
        old, name = self._value("image_base64"), self._value("image")
        if old and name:
            media = [*media, self._decoded(name.replace("/", "_"), old, "")]
        if not text and media:
            self._note(N_("题干只有图片，用题目的名称作题干。"))
        return text or self._value("name"), media

    def _answers(self, *, plain: bool = False) -> list[tuple[str, list[int], float]]:
        """Text, files and percent of each answer; `plain` answers are words, whatever format they claim."""
        found: list[tuple[str, list[int], float]] = []
        media: list[int]
        for answer in self._element.iterfind("answer"):
            if plain:
                raw = _raw(answer)
                text, media = (markup.plain(raw).text if re.match(r"<(p|span|div)\b", raw) else raw), []
            else:
                text, media = self._shown(answer)
            inside = answer.find("fraction")  # long ago it was a tag
            weight = _number(inside.text) * 100 if inside is not None else _number(answer.get("fraction"))
            if not plain and weight <= 0 and not text and not _SHOWS.search(_raw(answer)):
                continue  # a line of the form that was left empty
            told, _ = self._shown(answer.find("feedback"), media=False)
            self._feedback.append((common.OTHERWISE if plain and text == "*" else text, told))
            found.append((text, media, weight))
        return found

    # ---- kinds

    def choice(self) -> Draft:
        stem, media = self._stem()
        answers = self._answers()
        weights = [weight for _, _, weight in answers]
        right = [place for place, weight in enumerate(weights) if weight > 0]
        single = self._value("single", "false" if len(right) > 1 and max(weights) < 99 else "true").lower()
        body = {"stem": stem, "media": media, "options": [{"text": text, "media": m} for text, m, _ in answers]}
        if single in {"false", "0"} or self._element.get("type") != "multichoice":
            if not right:
                raise refused("right", common.NO_RIGHT)
            if len({round(weights[place]) for place in right}) > 1:
                self._note(common.UNEVEN)
            return Draft(QuestionKind.MULTIPLE, body, {"right": right}, "")
        full = [place for place in right if weights[place] >= 99]
        if len(full) != 1:
            raise refused("right", common.SEVERAL_RIGHT if full else common.NO_RIGHT)
        if len(right) > 1:
            self._note(common.PART_MARKS)
        return Draft(QuestionKind.SINGLE, body, {"right": full}, "")

    def judge(self) -> Draft:
        stem, media = self._stem()
        right = None
        answers = self._answers(plain=True)
        for place, (text, _, weight) in enumerate(answers):
            said = text.lower() in _TRUE or (text.lower() not in _FALSE and place == 0)
            self._feedback[place] = ("正确" if said else "错误", self._feedback[place][1])
            if weight >= 99:
                if right not in {None, said}:
                    raise refused("several", N_("正确和错误都标成了答案，请只留一个。"))
                right = said
        if right is None:
            raise refused("right", common.NO_RIGHT)
        return Draft(QuestionKind.JUDGE, {"stem": stem, "media": media}, {"right": right}, "")

    def words(self) -> Draft:
        answers = self._answers(plain=True)
        if self._value("usecase") == "1":
            self._note(common.CASE)
        wild = [text for text, _, weight in answers if weight >= 99 and re.search(r"(?<!\\)\*", text)]
        if wild:
            self._note(common.WILDCARD, answers="、".join(wild)[:100])
        return self._fill([(text.replace("\\*", "*"), weight) for text, _, weight in answers])

    def number(self) -> Draft:
        answers = self._answers(plain=True)
        for (text, _, weight), answer in zip(answers, self._element.iterfind("answer"), strict=True):
            margin = answer.find("tolerance")
            loose = margin is not None and _number(margin.text) != 0
            if weight >= 99 and (loose or not _NUMBER.fullmatch(text)):
                raise NotCarried("import.numerical", common.TOLERANCE)
        if self._element.find("units/unit") is not None:
            raise NotCarried("import.numerical", common.TOLERANCE)
        self._note(common.EXACT_NUMBER)
        return self._fill([(text, weight) for text, _, weight in answers])

    def _fill(self, answers: Sequence[tuple[str, float]]) -> Draft:
        stem, media = self._stem()
        right = [text for text, weight in answers if weight >= 99 and text]
        part = [text for text, weight in answers if 0 < weight < 99]
        if not right:
            raise refused("right", common.ANSWER_WANTED)
        if part:
            self._note(common.PART_ANSWERS, answers="、".join(part)[:100])
        body = {"stem": common.with_blank(stem), "media": media}
        return Draft(QuestionKind.FILL, body, {"blanks": [right]}, "")

    def embedded(self) -> Draft:
        element = self._element.find("questiontext")
        found = cloze.read(_raw(element))
        self._notes += found.notes
        self._feedback = found.feedback
        if element is not None:
            text = element.find("text")
            (text if text is not None else element).text = found.stem
        stem, media = self._stem()
        return Draft(QuestionKind.FILL, {"stem": stem, "media": media}, {"blanks": found.blanks}, "")

    def pairs(self) -> Draft:
        stem, media = self._stem()
        lefts, rights = [], []
        for each in self._element.iterfind("subquestion"):
            lefts.append(self._shown(each))
            rights.append(self._right(each))
        draft = common.matched(stem, lefts, rights)
        draft.body["media"] = media
        return draft

    def _right(self, pair: Element) -> Piece:
        """The right of a pair: words, but for the drag-and-drop kind, whose rights are shown like any text."""
        answer = pair.find("answer")
        if self._element.get("type") == "ddmatch":
            return self._shown(answer)
        raw = _raw(answer)
        return markup.plain(raw).text if re.match(r"<(p|span|div)\b", raw) else raw, []

    def order(self) -> Draft:
        stem, media = self._stem()
        items = sorted(self._answers(), key=lambda item: item[2])
        chosen = self._value("selecttype") or self._value("logical", "ALL")  # as the plugin called it at first
        shown = _number(self._value("selectcount") or self._value("studentsee"))
        if chosen not in {"ALL", "0"} and 0 < shown < len(items):
            self._note(common.SOME_ITEMS)
        body = {"stem": stem, "media": media, "options": [{"text": text, "media": m} for text, m, _ in items]}
        return Draft(QuestionKind.ORDER, body, {"order": list(range(len(items)))}, "")

    def essay(self) -> Draft:
        stem, media = self._stem()
        model, _ = self._shown(self._element.find("graderinfo"), media=False)
        template, _ = self._shown(self._element.find("responsetemplate"), media=False)
        if template:
            self._note(N_("作答模板没有带进来。"))
        if self._value("attachments", "0") != "0":
            self._note(N_("这里的简答题不收附件。"))
        limit = re.search(r"\d{1,6}", self._value("charlimit") or self._value("maxwordlimit"))
        within = max(bodies.LIMITS[0], min(bodies.LIMITS[-1], int(limit[0]))) if limit and int(limit[0]) else 500
        return Draft(QuestionKind.SHORT, {"stem": stem, "media": media, "limit": within}, {"model": model}, "")


_READERS = {
    "multichoice": _Question.choice,
    "multichoiceset": _Question.choice,
    "oumultiresponse": _Question.choice,
    "truefalse": _Question.judge,
    "shortanswer": _Question.words,
    "numerical": _Question.number,
    "matching": _Question.pairs,
    "match": _Question.pairs,
    "ddmatch": _Question.pairs,
    "cloze": _Question.embedded,
    "multianswer": _Question.embedded,
    "ordering": _Question.order,
    "essay": _Question.essay,
}
