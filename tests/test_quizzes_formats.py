"""Every format: what it can carry comes back the same, and what it cannot is told of each question."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from school.core.text import tidy
from school.quizzes import bodies
from school.quizzes.bank import rules as bank_rules
from school.quizzes.bank.formats import File, Format, guessed, read, write
from school.quizzes.bank.models import QuestionKind
from school.quizzes.bank.rules import Draft

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c636060606000000005"
    "0001a5f645400000000049454e44ae426082"
)
# Signs that mean something to one format or another, letters of several scripts, and long dashes.
SIGNS = "ab ABZ19 党史章，。？、～＝：；|｜=~#{}:\\<>&\"'*%/[]()（）->$@_.é—\U0001f600\n\t+"
WORDS = st.text(st.sampled_from(SIGNS), min_size=1, max_size=14)
KINDS = st.sampled_from(list(QuestionKind))


def line(text: str) -> str:
    """A text as the bank keeps it, that is something and no blank by chance."""
    return tidy(text).replace("__", "_") or "甲"


TEXT = WORDS.map(line)
PLAIN = st.lists(TEXT, min_size=1, max_size=3).map(lambda lines: "\n".join(lines))


def unlike(least: int, most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(TEXT, min_size=least, max_size=most, unique=True)


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """Any question without files as the bank keeps it."""
    kind = draw(KINDS)
    stem = draw(PLAIN)
    body: dict[str, Any] = {"stem": stem}
    key: dict[str, Any]
    if kind in {QuestionKind.SINGLE, QuestionKind.MULTIPLE}:
        body["options"] = draw(unlike(2, 6))
        places = st.integers(0, len(body["options"]) - 1)
        most = 1 if kind == QuestionKind.SINGLE else 6
        key = {"right": draw(st.lists(places, min_size=1, max_size=most, unique=True))}
    elif kind == QuestionKind.JUDGE:
        key = {"right": draw(st.booleans())}
    elif kind == QuestionKind.FILL:
        blanks = draw(st.integers(1, 3))
        pieces = [stem.replace("_", "-")] + [draw(TEXT).replace("_", "-") for _ in range(blanks)]
        body["stem"] = bodies.BLANK.join(pieces) if draw(st.booleans()) else bodies.BLANK.join([*pieces[:-1], ""])
        key = {"blanks": [draw(unlike(1, 3)) for _ in range(blanks)]}
    elif kind == QuestionKind.ORDER:
        body["options"] = draw(unlike(2, 6))
        key = {"order": draw(st.permutations(range(len(body["options"]))))}
    elif kind == QuestionKind.MATCH:
        body["left"], body["right"] = draw(unlike(2, 4)), draw(unlike(2, 5))
        places = st.integers(0, len(body["right"]) - 1)
        key = {"pairs": draw(st.lists(places, min_size=len(body["left"]), max_size=len(body["left"])))}
    else:
        body["limit"] = draw(st.integers(20, 2000))
        key = {"model": draw(st.one_of(st.just(""), PLAIN))}
    days = st.one_of(st.none(), st.dates(date(2020, 1, 1), date(2040, 1, 1)))
    since, until = draw(days), draw(days)
    return bank_rules.checked(
        Draft(
            kind, body, key, draw(TEXT), draw(st.integers(1, 5)), draw(st.one_of(st.just(""), PLAIN)),
            draw(st.one_of(st.just(""), TEXT)), draw(st.lists(st.sampled_from(["党史", "a]b", "重点"]), max_size=2).map(tuple)),
            min(since, until) if since and until else since, max(since, until) if since and until else until,
        )
    )  # fmt: skip


def as_asked(draft: Draft) -> Draft:
    """The question as a taker meets it: the order in which the author wrote choices that are always shuffled is nobody's."""
    body, key = dict(draft.body), dict(draft.key)
    if draft.kind == QuestionKind.ORDER:
        body["options"] = [body["options"][place] for place in key["order"]]
        key = {"order": list(range(len(body["options"])))}
    if draft.kind == QuestionKind.MATCH:
        texts = [right["text"] for right in body["right"]]
        wanted = [texts[place] for place in key["pairs"]]
        body["right"] = sorted(texts)
        key = {"pairs": wanted}
    return replace(draft, body=body, key=key)


def back(form: Format, given: Draft) -> tuple[Draft | None, bool]:
    """The question after a way out and in, and whether the writer said that something was lost."""
    written = write(form, [given], {})
    if any(loss.whole for loss in written.losses):
        assert not read(form, written.data, "未分类").items
        return None, True
    batch = read(form, written.data, "未分类")
    assert batch.problems == []
    [item] = batch.items
    assert item.notes == ()
    return item.draft, bool(written.losses)


@pytest.mark.parametrize("form", list(Format))
def test_what_a_format_carries_comes_back_the_same(form: Format) -> None:
    @settings(max_examples=150 if form != Format.XLSX else 60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(drafts())
    def same(given: Draft) -> None:
        found, lost = back(form, given)
        if found is None:
            return
        if lost:  # everything that was not named is the same
            assert tidy(found.body["stem"]) == tidy(given.body["stem"])  # Aiken has one line for it
            assert as_asked(found).key == as_asked(given).key or given.kind == QuestionKind.SHORT
        else:
            assert as_asked(found) == as_asked(given)

    same()


def test_a_loss_names_its_question_and_what_it_is() -> None:
    kept = bank_rules.checked(
        Draft(QuestionKind.SINGLE, {"stem": "问", "options": ["甲", "乙"]}, {"right": [0]}, "党史", 3, "因为", "党章")
    )
    judged = bank_rules.checked(Draft(QuestionKind.JUDGE, {"stem": "句"}, {"right": True}, "党史"))
    written = write(Format.AIKEN, [judged, kept], {})
    assert next((loss.index, loss.whole) for loss in written.losses) == (0, True)
    told = " ".join(loss.note.message for loss in written.losses if loss.index == 1)
    for word in ("解析", "依据", "难度", "分类"):
        assert word in told
    assert read(Format.AIKEN, written.data, "x").items[0].draft.key == {"right": [0]}


@pytest.mark.parametrize("form", [Format.XLSX, Format.MOODLE_XML])
def test_pictures_come_back_in_their_places(form: Format) -> None:
    given = bank_rules.checked(
        Draft(
            QuestionKind.SINGLE,
            {"stem": "看图", "media": [11], "options": [{"text": "甲", "media": [12]}, {"text": "", "media": [11]}]},
            {"right": [1]},
            "党史",
        )
    )
    files = {11: File("a b.png", PNG, "一面旗"), 12: File("c.png", PNG + b"\0", "两面旗")}
    written = write(form, [given], files)
    assert written.losses == ()
    batch = read(form, written.data, "x")
    [item] = batch.items
    held = [(batch.files[place - 1].data, batch.files[place - 1].alt) for place in bodies.files(item.draft.body)]
    assert held == [(PNG, "一面旗"), (PNG + b"\0", "两面旗")]
    assert item.draft.body["media"] == item.draft.body["options"][1]["media"]


@pytest.mark.parametrize("form", [Format.GIFT, Format.AIKEN])
def test_a_format_without_files_says_so(form: Format) -> None:
    given = bank_rules.checked(
        Draft(QuestionKind.SINGLE, {"stem": "看图", "media": [1], "options": ["甲", "乙"]}, {"right": [1]}, "党史")
    )
    [loss] = write(form, [given], {1: File("a.png", PNG)}).losses
    assert loss.whole


def test_the_format_is_seen_in_the_file() -> None:
    draft = bank_rules.checked(
        Draft(QuestionKind.SINGLE, {"stem": "问", "options": ["甲", "乙"]}, {"right": [0]}, "党史")
    )
    for form in Format:
        assert guessed(write(form, [draft], {}).data) == form


def test_nothing_that_is_thrown_at_a_reader_breaks_it() -> None:
    """Bytes of all kinds, and sound files with a piece cut out, doubled or changed: a batch or a refusal, never a fault."""
    from school.core.errors import SchoolError

    chance = random.Random(7)
    draft = bank_rules.checked(
        Draft(QuestionKind.FILL, {"stem": "一____二____"}, {"blanks": [["a"], ["b"]]}, "党史", tags=("x",))
    )
    for form in Format:
        whole = write(form, [draft, draft], {}).data
        for _ in range(150):
            data = bytearray(whole)
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(data) or 1)
                match chance.randrange(3):
                    case 0:
                        data[at : at + 1] = bytes([chance.randrange(256)])
                    case 1:
                        del data[at : at + chance.randint(1, 40)]
                    case _:
                        data[at:at] = data[at : at + 30]
            try:
                read(form, bytes(data), "未分类")
            except SchoolError:
                pass
