"""GIFT, read: Moodle's text format with `::name::stem{answers}`; choices, true or false, words, pairs, order and essay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from school.core.i18n import N_
from school.quizzes import bodies
from school.quizzes.bank.formats import common, markdown, multilang
from school.quizzes.bank.formats.common import Batch, NotCarried, Note, refused
from school.quizzes.bank.models import QuestionKind
from school.quizzes.bank.rules import Draft
from school.webkit import markup

# An escaped sign is kept as a private character until the structure is read.
_SIGNS = "~=#{}:\\"
_HIDDEN = {sign: chr(0xE000 + place) for place, sign in enumerate(_SIGNS)}
_SHOWN = {ord(hidden): sign for sign, hidden in _HIDDEN.items()} | {0xE0FF: "\n"}
_ESCAPE = re.compile(r"\\([~=#{}:\\n])")
COMMENT = 2000  # signs of a comment that are searched for tags
_STRAY = re.compile("[\ue000-\ue0ff]")
_WEIGHT = re.compile(r"%\s*(-?\d{1,3}(?:[.,]\d*)?)\s*%")
FORMAT = re.compile(r"\s*\[(html|moodle|plain|markdown)\]")
_NUMBERED = re.compile(r"\[id:((?:\\\]|[^\]])*)\]")
_TAGGED = re.compile(r"\[tag:((?:\\\]|[^\]])*)\]")
_ORDER = re.compile(
    r">[ \t]*(\d*)[ \t]*(?:(?:(ALL)|EXACT|RANDOM|REL|CONTIG(?:UOUS)?|HORI(?:ZONTAL)?|VERT(?:ICAL)?|[HV01]|ABS(?:OLUTE)?"
    r"|ABSOLUTE_POSITION|ALL_OR_NOTHING|RELATIVE(?:_[A-Z_]+)?|LONGEST_[A-Z_]+|SHOW|HIDE|TRUE|FALSE|YES|NO|none|abc|ABCD"
    r"|123|iii|IIII)(?=\s|$)[ \t]*)*"
)
_WRAP = re.compile(r"(?<=[A-Za-z,])[ \t]*\n[ \t]*(?=[a-z])")
_CLOSING = re.compile(r"[.。?？!！;；,，'\"”’）)\s]*")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_ZERO = re.compile(r"(?:0*\.?0*)?")
_TRUE = {"T", "TRUE", "正确", "对", "√"}
_FALSE = {"F", "FALSE", "错误", "错", "×"}


@dataclass(frozen=True, slots=True)
class _Block:
    line: int
    text: str
    tags: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    weight: float  # percent
    feedback: str
    right: bool  # marked with `=`


def read(data: bytes, category: str) -> Batch:
    """The questions of a GIFT file; places are lines. Raises Invalid (`import.not_text`)."""
    batch, chosen = Batch(), category
    for block in _blocks(common.decoded(data)):
        if block.text.startswith("$CATEGORY:"):
            category = batch.enter(block.text[10:].strip()) or chosen
            continue
        brief = _shown(block.text)
        with batch.question(block.line, brief):
            _take(batch, block, category)
    batch.part_categories()
    return batch


# ── blocks ──────────────────────────────────────────────


def _blocks(text: str) -> Iterator[_Block]:
    """The questions and category lines, apart by empty lines; an empty line between braces does not part.

    A brace that was never closed costs its own question alone: the next `{` or `::` after a gap begins a new one.
    """
    lines: list[tuple[int, str]] = []
    tags: list[str] = []
    ids: list[str] = []
    depth, gap = 0, 0  # `gap`: where the lines after the last empty line begin
    whole = False  # whether a brace was closed in `lines`; known, not looked for: a file may be one endless block

    def parted(taken: list[tuple[int, str]]) -> Iterator[_Block]:
        for place, part in enumerate(_apart(taken)):
            text = "\n".join(line for _, line in part).strip()
            yield _Block(part[0][0], text, tuple(tags), tuple(ids)) if place == 0 else _Block(part[0][0], text)

    for number, raw in enumerate(_STRAY.sub("", text).split("\n"), 1):
        line = raw.strip().strip("\u200b\ufeff")
        if line.startswith("//"):
            tagged, numbered = _TAGGED.findall(line[:COMMENT]), _NUMBERED.findall(line[:COMMENT])
            if (tagged or numbered) and lines and depth <= 0 and lines[-1][1].endswith("}"):  # about the next one
                yield from parted(lines)
                lines, tags, ids, depth, gap, whole = [], [], [], 0, 0, False
            tags += [tag.replace("\\]", "]") for tag in tagged]
            ids += numbered
            continue
        category = line.startswith("$CATEGORY:")
        if not category:
            line = _ESCAPE.sub(lambda match: "\ue0ff" if match[1] == "n" else _HIDDEN[match[1]], line)
        named = line.startswith("::") and "::" in line[2:]
        if lines and depth > 0 and gap and ("{" in line or named):
            yield from parted(lines[:gap])
            lines, tags, ids, gap = lines[gap:], [], [], 0
            depth = sum(line.count("{") - line.count("}") for _, line in lines)
            whole = any("}" in line for _, line in lines)
        if lines and (category or (named and (whole or depth > 0)) or (not line and depth <= 0)):
            yield from parted(lines)
            lines, tags, ids, depth, gap, whole = [], [], [], 0, 0, False
        if category:
            yield _Block(number, line)
        elif line:
            lines.append((number, line))
            depth += line.count("{") - line.count("}")
            whole = whole or "}" in line
        elif lines:
            gap = len(lines)
    if lines:
        yield from parted(lines)


def _apart(lines: list[tuple[int, str]]) -> list[list[tuple[int, str]]]:
    """Questions with no empty line between them: when every closing brace ends its line, each ends its question."""
    ends = [place for place, (_, line) in enumerate(lines) if "}" in line]
    if len(ends) < 2 or ends[-1] != len(lines) - 1:
        return [lines]
    parts = [lines[start + 1 : end + 1] for start, end in zip([-1, *ends], ends, strict=False)]
    whole = all(sum(line.count(sign) for _, line in part) == 1 for part in parts for sign in "{}")
    return parts if whole and all(lines[end][1].endswith("}") for end in ends) else [lines]


def _shown(text: str) -> str:
    return text.translate(_SHOWN)


# ── one question ────────────────────────────────────────


def _take(batch: Batch, block: _Block, category: str) -> None:
    text, name = block.text, ""
    if text.startswith("::") and "::" in text[2:]:
        name, _, text = text[2:].partition("::")
    start, end = text.find("{"), text.find("}")
    if (start < 0 and end < 0 and "｛" in text) or text[start + 1 : end].lstrip().startswith(("＝", "～")):
        raise refused("braces", N_("大括号、等号和波浪号要用半角的 { } = ~，请改过来。"))
    if start < 0 and end < 0:
        raise NotCarried("import.description", N_("这是一段说明文字，不是题目，没有收下。"))
    if start < 0 or end < start:
        raise refused("braces", N_("大括号 { } 没有成对，请检查这道题和它上面一道题。"))
    inside, after = text[start + 1 : end].strip(), text[end + 1 :].rstrip()
    if "{" in inside or "{" in after or "}" in after:
        raise refused("braces", N_("一道题里有几对大括号。两道题之间请空一行；文字里的大括号请写成 \\{ 和 \\}。"))
    inside, _, general = _parted(inside, "####")
    reader = _Reader(text)
    for own in block.ids[-1:]:  # Moodle writes one
        reader.note(bool(own), common.ID_NUMBER, id=own[:60])
    draft = _answered(reader, *_stems(reader, text[:start], after, _shown(name).strip()), inside)
    feedback = common.with_feedback(reader.text(general), reader.feedback)
    draft, left = common.completed(draft, category, feedback, block.tags)
    batch.add(block.line, draft, reader.notes + left)


def _stems(reader: _Reader, before: str, after: str, name: str) -> tuple[str, str | None]:
    """The stem, and the stem with a blank where the answers stand when they stand inside a sentence (missing word)."""
    if _CLOSING.fullmatch(after) and (not after or before.rstrip()[-1:] in "?？!！.。:："):
        return reader.text(before) or name, None
    gapped = reader.text(f"{before}{bodies.BLANK}{after}")
    return reader.text(before + after), gapped


def _parted(text: str, mark: str) -> tuple[str, str, str]:
    before, found, after = text.rpartition(mark)
    return (before, found, after) if found else (after, "", "")


class _Reader:
    """Turns pieces of one question into plain text by its format, and remembers what was lost."""

    def __init__(self, text: str) -> None:
        match = FORMAT.match(text)
        self._format = match[1] if match else "moodle"
        self.notes: list[Note] = []
        self.feedback: list[tuple[str, str]] = []

    def text(self, raw: str) -> str:
        form = self._format
        if match := FORMAT.match(raw):
            form, raw = match[1], raw[match.end() :]
        raw, other = multilang.chosen(_shown(raw).strip())
        self.note(other, multilang.OTHER)
        if form == "markdown":
            found = markdown.plain(raw)
        elif form == "html" or (form == "moodle" and markup.is_html(raw)):
            found = markup.plain(raw if form == "html" else raw.replace("\n", "<br>"))
        else:
            return _WRAP.sub(" ", raw) if form == "moodle" else raw
        for lost, message in common.lost(found):
            self.note(lost, message)
        self.note(
            bool(found.files),
            N_("GIFT 不带图片和声音：%(names)s 没有带进来。"),
            names="、".join(
                address[5:].split(";")[0][:60] if address.startswith("data:") else address.rsplit("/", 1)[-1][:60]
                for address, _ in found.files
            ),
        )
        return found.text

    def note(self, lost: bool, message: str, **params: str) -> None:
        note = Note(message, params)
        if lost and note not in self.notes:
            self.notes.append(note)


def _answered(reader: _Reader, stem: str, gapped: str | None, inside: str) -> Draft:
    """Kind, body and key by what stands between the braces."""
    if not inside:
        return Draft(QuestionKind.SHORT, {"stem": stem}, {"model": ""}, "")
    if inside.startswith("#"):
        return _numerical(reader, gapped or common.with_blank(stem), inside[1:])
    if inside.startswith(">"):
        return _ordering(reader, stem, inside)
    if "~" in inside:
        return _choice(reader, gapped or stem, inside)
    if "=" in inside and "->" in inside:
        return _matching(reader, stem, inside)
    said, *told = (piece.strip() for piece in inside.split("#", 2))
    if said.upper() in _TRUE | _FALSE:
        labels = ("答错", "答对")
        reader.feedback += [(label, reader.text(each)) for label, each in zip(labels, told, strict=False)]
        return Draft(QuestionKind.JUDGE, {"stem": stem}, {"right": said.upper() in _TRUE}, "")
    return _words(reader, gapped or common.with_blank(stem), _split(reader, inside, "="))


def _split(reader: _Reader, inside: str, marks: str) -> list[_Answer]:
    """The answers, each begun by one of `marks`; words before the first mark are a right answer too."""
    first, *pieces = re.split(f"([{marks}])", inside)
    if first.strip():
        if "~" in marks:
            raise refused("answers", N_("大括号里的每个答案前面要写 = 或 ~。"))
        pieces = ["=", first, *pieces]
    answers = []
    right = False
    for mark, piece in zip(pieces[::2], pieces[1::2], strict=True):
        right |= mark == "="
        if not piece.strip():
            continue  # two marks for one answer, or one too many
        weight = 100.0 if right else 0.0
        if match := _WEIGHT.match(piece.strip()):
            weight, piece = float(match[1].replace(",", ".")), piece.strip()[match.end() :]
        said, _, told = piece.partition("#")
        answers.append(_Answer(reader.text(said), weight, reader.text(told), right))
        right = False
    return answers


def _choice(reader: _Reader, stem: str, inside: str) -> Draft:
    answers = _split(reader, inside, "~=")
    reader.feedback += [(each.text, each.feedback) for each in answers]
    full = [place for place, each in enumerate(answers) if each.weight >= 99]
    part = [place for place, each in enumerate(answers) if 0 < each.weight < 99]
    marked = [place for place, each in enumerate(answers) if each.right]
    options = [each.text for each in answers]
    if marked and full:
        if len(full) > 1:
            raise refused("several", common.SEVERAL_RIGHT)
        reader.note(bool(part), common.PART_MARKS)
        return Draft(QuestionKind.SINGLE, {"stem": stem, "options": options}, {"right": full}, "")
    right = full + part
    if not right:
        raise refused("right", common.NO_RIGHT)
    reader.note(len({round(answers[place].weight) for place in right}) > 1, common.UNEVEN)
    return Draft(QuestionKind.MULTIPLE, {"stem": stem, "options": options}, {"right": sorted(right)}, "")


def _matching(reader: _Reader, stem: str, inside: str) -> Draft:
    pairs = []
    for piece in inside.split("=")[1:] if inside.startswith("=") else inside.split("="):
        left, arrow, right = piece.partition("->")
        if not arrow:
            raise refused("arrow", N_("连线题的每一行要写成“=左边 -> 右边”，有一行没有 ->。"))
        pairs.append((reader.text(left), reader.text(right)))
    return common.matched(stem, [(left, []) for left, _ in pairs], [(right, []) for _, right in pairs])


def _ordering(reader: _Reader, stem: str, inside: str) -> Draft:
    head = _ORDER.match(inside)
    lines = [line.strip() for line in inside[head.end() if head else 1 :].split("\n") if line.strip()]
    if all(line.startswith("=") for line in lines):  # as an older plugin marked its items
        lines = [line[1:] for line in lines]
    items = [reader.text(line) for line in lines]
    reader.note(head is not None and not head[2] and 0 < int(head[1] or 0) < len(items), common.SOME_ITEMS)
    return Draft(QuestionKind.ORDER, {"stem": stem, "options": items}, {"order": list(range(len(items)))}, "")


def _numerical(reader: _Reader, stem: str, inside: str) -> Draft:
    """Exact numbers are words to fill in; a margin or a range is nothing the bank has."""
    exact = []
    for each in _split(reader, inside.partition("~")[0], "="):
        value, _, margin = (piece.strip() for piece in each.text.partition(":"))
        if each.weight >= 99 and not (_NUMBER.fullmatch(value) and _ZERO.fullmatch(margin)):
            raise NotCarried("import.numerical", common.TOLERANCE)
        exact.append(replace(each, text=value) if each.weight >= 99 else each)
    reader.note(True, common.EXACT_NUMBER)
    return _words(reader, stem, exact)


def _words(reader: _Reader, stem: str, answers: Sequence[_Answer]) -> Draft:
    reader.feedback += [(common.OTHERWISE if each.text == "*" else each.text, each.feedback) for each in answers]
    right = [each.text for each in answers if each.weight >= 99 and each.text]
    part = [each.text for each in answers if 0 < each.weight < 99]
    if not right:
        raise refused("right", common.ANSWER_WANTED)
    reader.note(bool(part), common.PART_ANSWERS, answers="、".join(part)[:100])
    wild = [text for text in right if re.search(r"(?<!\\)\*", text)]
    reader.note(bool(wild), common.WILDCARD, answers="、".join(wild)[:100])
    right = [text.replace("\\*", "*") for text in right]
    return Draft(QuestionKind.FILL, {"stem": stem}, {"blanks": [right]}, "")
