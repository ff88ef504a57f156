"""What the bank writes, read by readers that share nothing with its own: Moodle's three formats as their makers tell them."""

from __future__ import annotations

import base64
import html
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import HealthCheck, given, settings
from test_quizzes_formats import drafts

from school.core.text import tidy
from school.quizzes import bodies
from school.quizzes.bank import rules as bank_rules
from school.quizzes.bank.formats import File, Format, write
from school.quizzes.bank.models import QuestionKind as K
from school.quizzes.bank.rules import Draft

SHARES = {100, 90, 80, 75, 70, 60, 50, 40, 30, 25, 20, 10, 5, 0} | {83.33333, 66.66667, 33.33333, 16.66667, 14.28571}
SHARES |= {12.5, 11.11111} | {-100}  # what Moodle's form knows


def told(draft: Draft) -> str:
    return "\n".join(filter(None, (draft.explanation, f"依据：{draft.basis}" if draft.basis else "")))


def texts(draft: Draft, field: str = "options") -> list[str]:
    return [each["text"] for each in draft.body[field]]


def pairs(draft: Draft) -> list[tuple[str, str]]:
    """Its pairs, and the rights that nothing belongs to."""
    rights, places = texts(draft, "right"), draft.key["pairs"]
    found = [(left, rights[place]) for left, place in zip(texts(draft, "left"), places, strict=True)]
    return found + [("", right) for place, right in enumerate(rights) if place not in places]


def shares(draft: Draft) -> list[tuple[str, float]]:
    right = draft.key["right"]
    share, wrong = (100.0, 0.0) if draft.kind == K.SINGLE else (round(100 / len(right), 5), -100.0)
    return [(text, share if place in right else wrong) for place, text in enumerate(texts(draft))]


# ── GIFT ────────────────────────────────────────────────

HIDDEN = {sign: chr(0xE100 + place) for place, sign in enumerate(":#={}~\\\n")}
SHOWN = str.maketrans({hidden: sign for sign, hidden in HIDDEN.items()})
ORDER = re.compile(r"([^{]*)\s*\{>(\d+) ALL VERTICAL ABSOLUTE_POSITION SHOW none\n(.*)\n\}", re.DOTALL)
WEIGHT = re.compile(r"%(-?\d{1,3}(?:\.\d*)?)%(.*)", re.DOTALL)


def shown(text: str) -> str:
    text = text.strip()
    return text.removeprefix("[plain]").translate(SHOWN).strip()


def gift(text: str) -> tuple[str, Any, Any, str, list[str]]:
    """Category; stem; answers; feedback and tags of the only question in a file."""
    category, raw = [block.split("\n") for block in re.split(r"\n{2,}", text.strip())]
    tags = re.findall(r"\[tag:((?:\\\]|[^\]])*)\]", raw.pop(0)) if raw[0].startswith("// ") else []
    whole = "\n".join(raw)
    tags = [tag.replace("\\]", "]") for tag in tags]
    assert len(category) == 1
    assert not any(line.strip().startswith("//") for line in raw)
    path = category[0].removeprefix("$CATEGORY: $course$/top/").replace("//", "/")
    if found := ORDER.fullmatch(whole):  # Moodle's plugin for ordering takes the lines as they are
        items = found[3].split("\n")
        assert len(items) == int(found[2])
        return path, shown(_hidden(found[1])), ("order", items), "", tags
    whole = _hidden(whole)
    assert whole.count("{") == whole.count("}") == 1
    assert whole.endswith("}")
    stem, _, inside = whole[:-1].partition("{")
    assert stem.startswith("[plain]")
    inside, _, feedback = inside.rpartition("####") if "####" in inside else (inside, "", "")
    return path, shown(stem), _answers(inside.strip()), shown(feedback), tags


def _hidden(text: str) -> str:
    return re.sub(r"\\([:#={}~\\n])", lambda found: HIDDEN["\n" if found[1] == "n" else found[1]], text)


def _answers(inside: str) -> tuple[str, Any]:
    if not inside:
        return "essay", None
    if "~" in inside:
        found = []
        for answer in filter(None, map(str.strip, inside.replace("=", "~=").split("~"))):
            if answer.startswith("="):
                found.append((shown(answer[1:]), 100.0))
            elif weighed := WEIGHT.fullmatch(answer):
                found.append((shown(weighed[2]), float(weighed[1])))
            else:
                found.append((shown(answer), 0.0))
        return "single" if "=" in inside else "multiple", found
    answers = [answer.strip() for answer in inside.split("=")]
    if "=" in inside and "->" in inside and "%100%" not in inside:
        assert answers.pop(0) == ""
        cut = [answer.partition("->") for answer in answers]
        return "match", [(shown(left), right.strip().translate(SHOWN)) for left, _, right in cut]
    if inside in {"TRUE", "FALSE"}:
        return "judge", inside == "TRUE"
    assert answers.pop(0) == ""
    assert all(answer.startswith("%100%") for answer in answers)
    return "fill", [shown(answer.removeprefix("%100%")).replace("\\*", "*") for answer in answers]


def as_gift(draft: Draft) -> tuple[str, Any]:
    match draft.kind:
        case K.SINGLE | K.MULTIPLE:
            return draft.kind.value, shares(draft)
        case K.JUDGE:
            return "judge", draft.key["right"]
        case K.FILL:
            return "fill", draft.key["blanks"][0]
        case K.MATCH:
            return "match", pairs(draft)
        case K.ORDER:
            return "order", [texts(draft)[place] for place in draft.key["order"]]
    return "essay", None


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(drafts())
def test_gift_by_its_own_rules(draft: Draft) -> None:
    written = write(Format.GIFT, [draft], {})
    if any(loss.whole for loss in written.losses):
        assert written.data.strip() == b""
        return
    category, stem, answers, feedback, tags = gift(written.data.decode())
    assert (category, answers) == (draft.category, as_gift(draft))
    blank = "_____" if draft.kind == K.FILL else bodies.BLANK
    assert stem == draft.body["stem"].replace(bodies.BLANK, blank)
    assert feedback == ("" if draft.kind == K.ORDER else told(draft))
    assert tags[: len(draft.tags)] == list(draft.tags)


def test_gift_order_says_nothing_of_why() -> None:
    """Moodle's plugin would show the explanation as one more thing to put in order."""
    body = {"stem": "排", "options": ["甲", "乙", "丙"]}
    draft = bank_rules.checked(Draft(K.ORDER, body, {"order": [2, 0, 1]}, "党史", explanation="因为", basis="党章"))
    written = write(Format.GIFT, [draft], {})
    assert gift(written.data.decode())[2] == ("order", ["丙", "甲", "乙"])
    assert [loss.note.message for loss in written.losses] == ["没有带上解析。", "没有带上依据。"]
    braced = bank_rules.checked(Draft(K.ORDER, body | {"options": ["甲", "{乙}"]}, {"order": [0, 1]}, "党史"))
    assert [loss.whole for loss in write(Format.GIFT, [braced], {}).losses] == [True]


def test_gift_answers_that_begin_like_a_mark() -> None:
    body = {"stem": "多少", "options": ["%50%的人", "// 注", "[html]甲"]}
    draft = bank_rules.checked(Draft(K.SINGLE, body, {"right": [1]}, "党史"))
    assert gift(write(Format.GIFT, [draft], {}).data.decode())[2] == ("single", shares(draft))


# ── Aiken ───────────────────────────────────────────────


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(drafts().filter(lambda draft: draft.kind == K.SINGLE))
def test_aiken_by_its_own_rules(draft: Draft) -> None:
    """The question on one line, then `A) `, `B) ` …, then `ANSWER: ` and a capital letter."""
    written = write(Format.AIKEN, [draft], {})
    if any(loss.whole for loss in written.losses):
        return
    stem, *lines, answer = written.data.decode().rstrip("\n").split("\n")
    assert stem == tidy(draft.body["stem"])
    assert not re.match(r"[A-Z][).]\s|ANSWER:", stem)
    assert [line[:3] for line in lines] == [f"{letter}) " for letter in "ABCDEFGHIJKL"[: len(lines)]]
    assert [line[3:] for line in lines] == texts(draft)
    assert answer == f"ANSWER: {'ABCDEFGHIJKL'[draft.key['right'][0]]}"
    assert ("\n" in draft.body["stem"]) == any("并成了一行" in loss.note.message for loss in written.losses)


# ── Moodle XML ──────────────────────────────────────────


class _Lines(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found, self.shown = "", list[str]()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"p", "img"}
        self.found += "\n" if tag == "p" else ""
        self.shown += [value or "" for name, value in attrs if name == "src"]

    def handle_data(self, data: str) -> None:
        self.found += data


def said(element: Element | None) -> str:
    """The text of an HTML field; every file it shows is inside, and no other."""
    assert element is not None
    assert element.get("format") == "html"
    lines = _Lines(element.findtext("text") or "")
    assert lines.shown == [f"@@PLUGINFILE@@/{file.get('name')}" for file in element.iterfind("file")]
    for file in element.iterfind("file"):
        assert (file.get("path"), file.get("encoding")) == ("/", "base64")
        assert base64.b64decode(file.text or "", validate=True)
    return lines.found.strip("\n")


def as_xml(question: Element) -> tuple[str, Any]:
    """The kind and the answers of a question, as Moodle would keep them."""
    answers = question.findall("answer")
    fractions = [float(answer.get("fraction") or "") for answer in answers]
    kind = question.get("type") or ""
    if kind == "ordering":  # Moodle goes by the order in the file
        assert fractions == [*range(1, len(answers) + 1)]
        return "order", [said(answer) for answer in answers]
    assert set(fractions) <= SHARES
    match kind:
        case "multichoice":
            single = {"true": "single", "false": "multiple"}[question.findtext("single") or ""]
            return single, list(zip(map(said, answers), fractions, strict=True))
        case "truefalse":
            assert [answer.findtext("text") for answer in answers] == ["true", "false"]
            assert sorted(fractions) == [0, 100]
            return "judge", fractions[0] == 100
        case "shortanswer":
            assert set(fractions) == {100}
            return "fill", [(answer.findtext("text") or "").replace("\\*", "*") for answer in answers]
        case "matching":
            each = question.findall("subquestion")
            return "match", [(said(pair), pair.findtext("answer/text") or "") for pair in each]
    return kind, None


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(drafts())
def test_moodle_xml_by_its_own_rules(draft: Draft) -> None:
    written = write(Format.MOODLE_XML, [draft], {})
    assert written.losses == ()
    category, question = fromstring(written.data)
    assert category.get("type") == "category"
    path = category.findtext("category/text") or ""
    assert path.removeprefix("$course$/top/").replace("//", "/") == draft.category
    assert (question.findtext("name/text") or "").strip()
    assert said(question.find("generalfeedback")) == told(draft)
    kind, answers = as_xml(question)
    stem = said(question.find("questiontext"))
    if kind == "cloze":
        assert (draft.kind, len(re.findall(r"\{1:SHORTANSWER:=", stem))) == (K.FILL, draft.body["blanks"])
        return
    assert (kind, answers) == (("essay", None) if draft.kind == K.SHORT else as_gift(draft))
    assert stem == draft.body["stem"].replace(bodies.BLANK, "_____" if draft.kind == K.FILL else bodies.BLANK)
    if draft.kind == K.SHORT:
        assert said(question.find("graderinfo")) == draft.key["model"]
    tags = [html.unescape(tag.text or "") for tag in question.iterfind("tags/tag/text")]
    assert tags[: len(draft.tags)] == list(draft.tags)


@pytest.mark.parametrize("name", ["旗 一.png", 'a"b<c>.png'])
def test_moodle_xml_shows_each_file_where_it_belongs(name: str) -> None:
    options = [{"text": "甲", "media": [2]}, {"text": "", "media": [1]}]
    draft = bank_rules.checked(
        Draft(K.SINGLE, {"stem": "看", "media": [1], "options": options}, {"right": [1]}, "党史")
    )
    written = write(Format.MOODLE_XML, [draft], {1: File(name, b"one", 'alt "x"'), 2: File(name, b"two")})
    question = fromstring(written.data)[1]
    assert said(question.find("questiontext")) == "看"
    assert [said(answer) for answer in question.iterfind("answer")] == ["甲", ""]
    held = [base64.b64decode(file.text or "") for file in question.iter("file")]
    assert held == [b"one", b"two", b"one"]
