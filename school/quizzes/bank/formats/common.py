"""What every format of questions shares: what reading and writing give back, and how text from outside is decoded."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from school.core.errors import Invalid, TooLarge
from school.core.i18n import N_
from school.core.text import tidy
from school.quizzes import bodies
from school.quizzes.bank import rules as bank_rules
from school.quizzes.bank.models import QuestionKind
from school.quizzes.bank.rules import Draft
from school.webkit import markup

MOST_QUESTIONS = 50_000
MOST_FILE_BYTES = 40 * 1024**2  # of all pictures and sounds of one batch

Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for the person: a source string and what fills its places."""

    message: str
    params: Params = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class File:
    """A picture, sound or short video; `width` in pixels where it is known."""

    name: str
    data: bytes
    alt: str = ""
    width: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """A question that was read. `place`: its row, line or number; `notes`: what of it could not be carried."""

    place: int
    draft: Draft
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A question that was not read: an `error` can be put right in the file, a `skipped` one is of a kind no bank has."""

    place: int
    brief: str
    note: Note
    kind: Literal["error", "skipped"]


class NotCarried(Invalid):
    """The question is sound, and of a kind that the bank does not have."""


@dataclass(slots=True)
class Batch:
    """What a file holds. The `media` of its questions are places in `files`, counted from 1."""

    items: list[Item] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    _paths: list[tuple[str, ...]] = field(default_factory=list)  # of each of `items`
    _path: tuple[str, ...] = ()
    _known: dict[bytes, int] = field(default_factory=dict)
    _bytes: int = 0

    @contextmanager
    def question(self, place: int, brief: str) -> Iterator[None]:
        """Whatever is refused inside becomes this question's problem."""
        try:
            yield
        except Invalid as error:
            self.refuse(place, brief, error)

    def refuse(self, place: int, brief: str, error: Invalid) -> None:
        self._must_have_room()
        kind: Literal["error", "skipped"] = "skipped" if isinstance(error, NotCarried) else "error"
        self.problems.append(Problem(place, bank_rules.brief(brief)[:60], Note(error.message, error.params), kind))

    def add(self, place: int, draft: Draft, notes: Sequence[Note] = ()) -> None:
        """The question when it is a sound one; raises Invalid as the bank would, TooLarge when there are too many."""
        self._must_have_room()
        self.items.append(Item(place, bank_rules.checked(draft), tuple(notes)))
        self._paths.append(self._path)

    def enter(self, path: str) -> str:
        """The category of the questions that follow, the last name of a Moodle path; empty when it names none."""
        self._path = category_names(path)
        return self._path[-1] if self._path else ""

    def part_categories(self) -> None:
        """Where several paths of the file end alike, more of each becomes the category, until they differ."""
        names = {path: told for path, told in told_apart(set(self._paths)).items() if told != path[-1]}
        items, self.items = self.items, []
        for item, path in zip(items, self._paths, strict=True):
            if path in names:
                category, cut = fitting(names[path])
                with self.question(item.place, item.draft.body["stem"]):
                    draft = bank_rules.checked(replace(item.draft, category=category))
                    self.items.append(Item(item.place, draft, (*item.notes, *cut)))
            else:
                self.items.append(item)

    def _must_have_room(self) -> None:
        """A file of nothing but mistakes ends as well."""
        if len(self.items) + len(self.problems) >= MOST_QUESTIONS:
            raise TooLarge("import.many", N_("一次最多导入 %(most)d 道题，请分成几个文件。"), most=MOST_QUESTIONS)

    def file(self, name: str, data: bytes, alt: str = "") -> int:
        """The place of a file in `files`; the same bytes are kept once."""
        digest = hashlib.blake2b(data + b"\0" + alt.encode(), digest_size=16).digest()
        place = self._known.get(digest)
        if place is None:
            self._bytes += len(data)
            if self._bytes > MOST_FILE_BYTES:
                raise TooLarge(
                    "import.files",
                    N_("文件里的图片和声音一共超过 %(most)d MB，请分成几个文件导入。"),
                    most=MOST_FILE_BYTES // 1024**2,
                )
            self.files.append(File(name[:120], data, alt[:200]))
            place = self._known[digest] = len(self.files)
        return place


@dataclass(frozen=True, slots=True)
class Loss:
    """What a written file does not carry of question `index`; `whole`: it is not in the file at all."""

    index: int
    note: Note
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """A file to hand out and everything it does not carry."""

    data: bytes
    losses: tuple[Loss, ...]


# ── text from outside ───────────────────────────────────

NOT_TEXT = N_("这不是文本文件，读不出题目。请确认文件格式，再上传一次。")


def decoded(data: bytes) -> str:
    """The text of a file as people save it: UTF-8 with or without a mark, UTF-16 with one, GB18030; lines end in \\n.

    Raises Invalid (`import.not_text`).
    """
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ["utf-16"] if wide else ["utf-8-sig", "gb18030"]:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0b", "\n").replace("\u2028", "\n")
    raise Invalid("import.not_text", NOT_TEXT)


_PREFIX = re.compile(r"^\$[a-z]+\d*\$$")


def category_names(path: str) -> tuple[str, ...]:
    """The names of a Moodle category path (`$course$/top/党史`); a slash inside a name is written twice."""
    doubled = re.sub("/+", lambda run: "/" * (len(run[0]) % 2) + "\0" * (len(run[0]) // 2), path)
    names = [name.strip() for name in doubled.split("/")]
    named = [name.replace("\0", "/") for name in names if name and not _PREFIX.match(name)]
    return tuple(named[1:] if named and named[0] == "top" else named)


def told_apart(paths: Collection[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Each of the paths as few of its last names as no other one ends in, joined by `／`."""
    ends = Counter(path[-n:] for path in paths for n in range(1, len(path) + 1))

    def told(path: tuple[str, ...]) -> str:
        least = next((n for n in range(1, len(path)) if ends[path[-n:]] == 1), len(path))
        return "／".join(path[-least:])

    return {path: told(path) for path in paths if path}


def fitting(category: str) -> tuple[str, list[Note]]:
    """A category as long as the bank has room for, and what is said when it is cut."""
    most = bank_rules.CATEGORY_LENGTH
    return category[:most], [Note(CATEGORY_CUT, {"name": category[:120], "most": most})] if len(category) > most else []


def category_path(category: str) -> str:
    return "$course$/top/" + category.replace("/", "//")


# ── what Moodle keeps as tags and feedback ──────────────

_DIFFICULTY = re.compile(r"难度[:：]?\s*([1-5])")
_UNTIL = re.compile(r"(有效期[至自])[:：]?\s*(\d{4}-\d\d-\d\d)")
BASIS = "依据："


def completed(draft: Draft, category: str, feedback: str, tags: Sequence[str]) -> tuple[Draft, list[Note]]:
    """`draft` with what these formats keep beside a question, and what of that the bank has no room for.

    The last line `依据：…` of the feedback is the basis; tags `难度3`, `有效期至2027-01-01` are fields.
    """
    fields: dict[str, Any] = {}
    lines = [line for line in feedback.split("\n") if line.strip()]
    if lines and lines[-1].startswith(BASIS):
        fields["basis"] = lines.pop()[len(BASIS) :].strip()
    kept = []
    for tag in dict.fromkeys(filter(None, map(tidy, tags))):
        if match := _DIFFICULTY.fullmatch(tag):
            fields["difficulty"] = int(match[1])
        elif (match := _UNTIL.fullmatch(tag)) and (day := _day(match[2])):
            fields["valid_until" if match[1] == "有效期至" else "valid_from"] = day
        else:
            kept.append(tag)
    fits = [tag for tag in kept if len(tag) <= bank_rules.TAG_LENGTH][: bank_rules.TAGS]
    notes = []
    if left := [tag for tag in kept if tag not in fits]:
        notes.append(Note(TAGS_LEFT, {"tags": "、".join(left)[:200]}))
    category, cut = fitting(category)
    return (
        replace(draft, category=category, explanation="\n".join(lines), tags=tuple(fits), **fields),
        notes + cut,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def feedback_of(draft: Draft) -> str:
    return "\n".join(filter(None, (draft.explanation, BASIS + draft.basis if draft.basis else "")))


def tags_of(draft: Draft) -> list[str]:
    """Its tags, and its fields as tags; difficulty 1 is what goes without saying."""
    tags = list(draft.tags)
    if draft.difficulty != 1:
        tags.append(f"难度{draft.difficulty}")
    if draft.valid_from:
        tags.append(f"有效期自{draft.valid_from.isoformat()}")
    if draft.valid_until:
        tags.append(f"有效期至{draft.valid_until.isoformat()}")
    return tags


def with_feedback(general: str, answers: Sequence[tuple[str, str]]) -> str:
    """One explanation from the general feedback and that of single answers, each after the words it belongs to."""
    told = [f"“{text[:40]}”：{said}" for text, said in answers if said]
    return "\n".join(filter(None, (general, *told)))


def with_blank(stem: str) -> str:
    """A stem with a blank: where it has none, the answer is written after it."""
    if re.search(r"[_＿]{2,}", stem):
        return stem
    return stem + (" " if stem[-1:].isascii() and stem else "") + bodies.BLANK


Piece = tuple[str, list[int]]  # a text and its files


def matched(stem: str, lefts: Sequence[Piece], rights: Sequence[Piece]) -> Draft:
    """A matching question of pairs; a pair without a left is one more choice on the right."""
    choices: list[Piece] = []
    for right in rights:
        if any(right) and right not in choices:
            choices.append(right)
    pairs = [(left, right) for left, right in zip(lefts, rights, strict=True) if any(left)]
    if not all(any(right) for _, right in pairs):
        raise refused("arrow", N_("连线题有一项没有写右边。"))
    body = {
        "stem": stem,
        "left": [{"text": text, "media": media} for (text, media), _ in pairs],
        "right": [{"text": text, "media": media} for text, media in choices],
    }
    return Draft(QuestionKind.MATCH, body, {"pairs": [choices.index(right) for _, right in pairs]}, "")


# ── words that several formats say ──────────────────────

NO_RIGHT = N_("没有标出正确答案，请补上。")
SEVERAL_RIGHT = N_("这道单选题有几个都算对的选项。请只留一个，或改成多选题。")
PART_MARKS = N_("只给部分分的选项按不正确处理。")
UNEVEN = N_("各个正确选项原来的分值不同，这里一样看待。")
PART_ANSWERS = N_("只给部分分的答案没有收下：%(answers)s")
WILDCARD = N_("带通配符 * 的答案按原样收下，不再匹配别的写法：%(answers)s")
EXACT_NUMBER = N_("数值题按填空题收下。")
TOLERANCE = N_("这是带误差范围或单位的数值题，题库里没有这种题型，没有收下。")
LOOKS = N_("加粗、斜体等样式没有带进来。")
TABLE = N_("表格的每一行变成了一行文字，请核对。")
HELD = N_("公式、矢量图或嵌入的网页没有带进来，请照原题补上。")
LINKS = N_("文字下面的网址没有带进来。")
SOME_ITEMS = N_("原来每次只抽几项来排，这里全部要排。")
ID_NUMBER = N_("题号 %(id)s 没有带进来。")
HINTS = N_("提示语没有带进来。")
CASE = N_("原来区分大小写，这里不区分。")
TAGS_LEFT = N_("标签太多或太长，没有带进来：%(tags)s")
CATEGORY_CUT = N_("分类“%(name)s”太长，只留了前 %(most)d 个字。")
OTHERWISE = "其他答案"  # what Moodle's feedback for `*` speaks of
ANSWER_WANTED = N_("没有写答案，请补上。")


def lost(found: markup.Plain) -> tuple[tuple[bool, str], ...]:
    """What of HTML was lost on the way to plain text, each with its sentence."""
    return (found.looks, LOOKS), (found.table, TABLE), (found.held, HELD), (found.links, LINKS)


def refused(code: str, message: str, **params: Any) -> Invalid:
    return Invalid(f"import.{code}", message, **params)
