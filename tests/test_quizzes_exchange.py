"""Files of questions through the school: shown first, taken in whole and once, or not at all; and out again. Both databases."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from actors import Cast
from clients import SchoolClient
from quiz_kit import make_question
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotAllowed, NotFound, SchoolError, TooLarge
from school.core.person import Grant, Person, Role
from school.core.store import ObjectStore
from school.core.store_folder import FolderStore
from school.core.time import now
from school.quizzes.bank import exchange, formats, jobs
from school.quizzes.bank import queries as bank_queries
from school.quizzes.bank.exchange import opened
from school.quizzes.bank.formats import File, Format
from school.quizzes.bank.models import (
    AnswerKey,
    Question,
    QuestionFile,
    QuestionImport,
    QuestionKind,
    QuestionState,
    QuestionVersion,
)
from school.quizzes.bank.queries import Wanted
from school.quizzes.bank.rules import Draft, checked
from school.webkit import xlsx

AIKEN = "国家宪法日是哪一天？\nA. 10月1日\nB. 12月4日\nANSWER: B\n\n党员有退党的自由吗？\nA) 有\nB) 没有\nANSWER: A\n".encode()
BROKEN = AIKEN + "没有答案的题\nA. 一\nB. 二\n".encode()


def png(colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 6), colour).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    """A folder is enough here; the store's own tests know the others."""
    return FolderStore(tmp_path / "shelf")


@pytest.fixture
def put_aside(db: Database, store: ObjectStore, cast: Cast) -> Callable[..., int]:
    def aside(data: bytes, person: Person = cast.trainer.person) -> int:
        return exchange.keep(db, store, person, cast.county_id, "题.txt", opened(data, None, "党史"))

    return aside


def questions(db: Database) -> list[Question]:
    with db.read() as s:
        return list(s.scalars(sa.select(Question).order_by(Question.id)))


def test_a_file_is_taken_in_whole_and_once(db: Database, store: ObjectStore, cast: Cast, put_aside: Any) -> None:
    import_id = put_aside(AIKEN)
    assert questions(db) == []
    assert exchange.take(db, store, cast.trainer.person, import_id) == 2
    held = questions(db)
    assert [(q.kind, q.category, q.state, q.author_id) for q in held] == [
        (QuestionKind.SINGLE, "党史", QuestionState.DRAFT, cast.trainer.account_id)
    ] * 2
    with db.read() as s:
        keys = s.scalars(sa.select(AnswerKey.key).order_by(AnswerKey.version_id)).all()
        versions = s.scalars(sa.select(QuestionVersion.body).order_by(QuestionVersion.id)).all()
    assert keys == [{"right": [1]}, {"right": [0]}]
    assert versions[0]["options"][1]["text"] == "12月4日"
    with pytest.raises(Conflict, match=r"import\.taken"):
        exchange.take(db, store, cast.trainer.person, import_id)
    assert len(questions(db)) == 2
    assert list(store.list("question-imports/")) == []


def test_one_error_and_nothing_is_taken_in_unless_it_is_skipped_knowingly(
    db: Database, store: ObjectStore, cast: Cast, put_aside: Any
) -> None:
    import_id = put_aside(BROKEN)
    with pytest.raises(Conflict, match=r"import\.errors"):
        exchange.take(db, store, cast.trainer.person, import_id)
    assert questions(db) == []
    assert exchange.take(db, store, cast.trainer.person, import_id, skip=True, submit=True) == 2
    assert {q.state for q in questions(db)} == {QuestionState.IN_REVIEW}


def test_a_failure_in_the_middle_leaves_nothing_behind(
    db: Database, store: ObjectStore, cast: Cast, put_aside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second set of three names a file of another bank: the first set must not stay."""
    import_id = put_aside(AIKEN * 3)
    monkeypatch.setattr(exchange, "TOGETHER", 2)
    with db.read() as s:
        found = exchange.kept(s, cast.trainer.person, import_id)
    preview = exchange.shown(store, found)
    preview.items[3].draft.body["media"] = [12345]
    store.put(found.object_key, exchange._packed(preview))
    with pytest.raises((Invalid, KeyError)):
        exchange.take(db, store, cast.trainer.person, import_id)
    assert questions(db) == []
    with db.read() as s:
        assert s.get_one(QuestionImport, import_id).taken_at is None


def test_an_import_is_its_persons_own(db: Database, store: ObjectStore, cast: Cast, put_aside: Any) -> None:
    import_id = put_aside(AIKEN)
    with pytest.raises(NotFound):
        exchange.take(db, store, replace(cast.trainer.person, account_id=cast.reviewer.account_id), import_id)
    with pytest.raises(NotAllowed):
        put_aside(AIKEN, replace(cast.trainer.person, grants=(Grant(Role.TRAINER, cast.town_id, "001.002."),)))
    with pytest.raises(NotAllowed):
        put_aside(AIKEN, cast.member.person)
    put_aside(AIKEN)  # another file takes the place of the one before
    with pytest.raises(NotFound), db.read() as s:
        exchange.kept(s, cast.trainer.person, import_id)
    assert len(list(store.list("question-imports/"))) == 1


def test_pictures_come_in_and_go_out(db: Database, store: ObjectStore, cast: Cast, put_aside: Any) -> None:
    draft = checked(
        Draft(
            QuestionKind.SINGLE,
            {"stem": "看图", "media": [1], "options": [{"text": "红旗", "media": [2]}, {"text": "蓝旗", "media": []}]},
            {"right": [0]},
            "党史",
        )
    )
    given = {1: File("a.png", png(), "一面旗"), 2: File("b.png", png("blue"), "")}
    import_id = put_aside(formats.write(Format.MOODLE_XML, [draft], given).data)
    exchange.take(db, store, cast.trainer.person, import_id)
    with db.read() as s:
        held = s.scalars(sa.select(QuestionFile).order_by(QuestionFile.alt.desc())).all()
        body = s.scalars(sa.select(QuestionVersion.body)).one()
    assert [(file.mime, file.alt, file.width) for file in held] == [("image/png", "一面旗", 8), ("image/png", "", 8)]
    assert (body["media"], body["options"][0]["media"]) == ([held[0].id], [held[1].id])
    with db.read() as s:
        found = exchange.chosen(s, bank_queries.matching(Wanted(), cast.trainer.person, held[0].created_at.date()))
    for form in (Format.XLSX, Format.MOODLE_XML):
        assert exchange.losses(form, found) == ()
        again = opened(exchange.written(store, form, found), None, "x")
        assert [item.draft.body["options"][0]["text"] for item in again.items] == ["红旗"]
        assert len(again.files) == 2
    assert exchange.losses(Format.GIFT, found)[0].whole
    assert exchange.written(store, Format.GIFT, found).strip() == b""


def test_a_picture_that_is_none_is_its_questions_error(put_aside: Any, db: Database, cast: Cast) -> None:
    draft = checked(Draft(QuestionKind.JUDGE, {"stem": "看图", "media": [1]}, {"right": True}, "党史"))
    sound = checked(Draft(QuestionKind.JUDGE, {"stem": "不看图"}, {"right": True}, "党史"))
    data = formats.write(Format.MOODLE_XML, [draft, sound], {1: File("a.png", b"<svg onload=alert(1)>")}).data
    preview = opened(data, None, "x")
    assert [problem.kind for problem in preview.problems] == ["error"]
    assert [item.draft.body["stem"] for item in preview.items] == ["不看图"]


def test_what_the_bank_has_already_is_pointed_out(db: Database, store: ObjectStore, cast: Cast, put_aside: Any) -> None:
    exchange.take(db, store, cast.trainer.person, put_aside(AIKEN))
    found = exchange.repeats(db, cast.trainer.person, opened(AIKEN + AIKEN, None, "x"))
    assert sorted(found) == [0, 1, 2, 3]
    assert all(repeat.same for repeat in found.values())


# ── hostile and wrong files ─────────────────────────────

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE quiz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<quiz><question type="truefalse"><name><text>&b;</text></name></question></quiz>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE quiz [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<quiz><question type="truefalse"><questiontext><text>&x;</text></questiontext></question></quiz>"""
FOREIGN = b"""<?xml version="1.0"?><!DOCTYPE quiz SYSTEM "http://127.0.0.1:9/x.dtd"><quiz></quiz>"""


def zipped(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name.replace("__", "/"), data)
    return file.getvalue()


def sheet(inside: bytes) -> bytes:
    """A workbook of one sheet that calamine opens."""
    book = b'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>'
    rels = b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    page = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        + inside
        + b"</sheetData></worksheet>"
    )
    return zipped(
        **{"xl__workbook.xml": book, "xl___rels__workbook.xml.rels": rels, "xl__worksheets__sheet1.xml": page}
    )


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (LAUGHS, "import.hostile"),
        (OUTSIDE, "import.hostile"),
        (FOREIGN, "import.none"),
        (b"<html><body>x</body></html>", "import.xml"),
        (b"<quiz><question>", "import.xml"),
        (b"<quiz>" + b"<a>" * 5_000 + b"</a>" * 5_000 + b"</quiz>", "import.xml_size"),
        (
            sheet(b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
            "xlsx.far",
        ),
        (
            xlsx.write(
                [xlsx.Sheet("a", "学时统计表", "", [xlsx.Column("姓名", 9), xlsx.Column("学时", 9)], [["甲", "1"]])]
            ),
            "import.header",
        ),
        (zipped(**{"xl__workbook.xml": b"x", "xl__big.xml": b"\0" * 200 * 1024**2}), "xlsx.large"),
        (zipped(**{"a.txt": b"x"}), "xlsx.kind"),
        (b"PK\x03\x04 not a zip at all", "xlsx.broken"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 100, "xlsx.old"),
        (png(), "import.not_text"),
        (b"%PDF-1.7", "import.not_text"),
        (b"\0\1\2\3" * 50, "import.not_text"),
        ("一段话，不是题。".encode(), "import.unknown"),
        (b"", "import.empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_bank_of_questions_is_refused_with_a_reason(data: bytes, code: str) -> None:
    with pytest.raises(SchoolError) as refusal:
        opened(data, None, "x")
    assert refusal.value.code == code


def test_a_directory_that_lies_about_its_parts_is_refused() -> None:
    data = bytearray(sheet(b'<row r="1">' + b'<c r="A1"><v>1</v></c>' * 5_000 + b"</row>"))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (100).to_bytes(4, "little")  # unpacked size of the last part
    with pytest.raises(Invalid, match=r"xlsx\.broken"):
        opened(bytes(data), None, "x")


def test_one_long_string_in_very_many_cells_is_refused() -> None:
    strings = b"<sst><si><t>" + b"x" * 32_000 + b"</t></si></sst>"
    cells = b'<row r="1">' + b'<c r="A1" t="s"><v>0</v></c>' * 30_000 + b"</row>"
    parts = zipfile.ZipFile(io.BytesIO(sheet(cells)))
    data = zipped(
        **{name.replace("/", "__"): parts.read(name) for name in parts.namelist()}, **{"xl__sharedStrings.xml": strings}
    )
    with pytest.raises(TooLarge):
        opened(data, None, "x")


def test_markup_of_strangers_becomes_words() -> None:
    xml = """<quiz><question type="truefalse"><questiontext format="html"><text><![CDATA[<p onclick="x()">好<script>alert(1)</script>
    <iframe src="//x"></iframe><svg onload=alert(1)></svg><img src=x onerror=alert(1)>&lt;script&gt;</p>]]></text></questiontext>
    <answer fraction="100"><text>true</text></answer></question></quiz>"""
    [item] = opened(xml.encode(), None, "x").items
    assert item.draft.body["stem"] == "好 <script>"
    assert any("外部" in note.message for note in item.notes)


def test_a_mark_of_secrecy_is_refused_in_a_file_too() -> None:
    preview = opened("机密★10年 的题\nA. 一\nB. 二\nANSWER: A".encode(), None, "x")
    assert (preview.items, preview.errors) == ([], 1)


@pytest.mark.slow
def test_fifty_thousand_rows_are_read_and_one_more_is_too_many() -> None:
    block = "第%d题？\nA. 一\nB. 二\nANSWER: A\n"
    many = "".join(block % number for number in range(50_000)).encode()
    assert len(opened(many, None, "x").items) == 50_000
    with pytest.raises(TooLarge):
        opened(many + (block % 50_000).encode(), None, "x")


# ── pages ───────────────────────────────────────────────


def test_a_trainer_imports_by_the_pages(client: SchoolClient, db: Database, cast: Cast) -> None:
    client.act_as(cast.trainer)
    assert "导入题目" in client.get("/bank/import").text
    sent = {"file": (io.BytesIO(BROKEN), "题.txt"), "category": "宪法", "host": str(cast.county_id)}
    answer = client.post("/bank/import", data=sent)
    assert answer.status_code == 302
    place = answer.headers["Location"]
    page = client.get(place).text
    assert "没有答案的题" in page
    assert "缺少 ANSWER" in page
    assert client.get(f"{place}/problems.xlsx").data.startswith(b"PK")
    assert client.post(place, data={"do": "take"}).headers["Location"] == place  # refused, and said so there
    assert questions(db) == []
    client.post(place, data={"do": "take", "skip": "1"})
    assert [q.category for q in questions(db)] == ["宪法", "宪法"]
    assert client.get(place).status_code == 302


def test_the_preview_shows_small_pictures_that_were_drawn_anew(client: SchoolClient, cast: Cast) -> None:
    """Nothing of the file itself is shown: what a picture hides beside what is seen does not reach the page."""
    hidden = io.BytesIO()
    notes = PngInfo()
    notes.add_text("Comment", "<script>alert(1)</script>")
    Image.new("RGB", (900, 600), "red").save(hidden, "PNG", pnginfo=notes)
    options = [{"text": "红旗", "media": [2]}, {"text": "蓝旗", "media": []}]
    draft = checked(
        Draft(QuestionKind.SINGLE, {"stem": "看图", "media": [1], "options": options}, {"right": [0]}, "党史")
    )
    given = {1: File("a.png", hidden.getvalue(), '一面"旗'), 2: File("b.png", png("blue"), "")}
    client.act_as(cast.trainer)
    sent = io.BytesIO(formats.write(Format.MOODLE_XML, [draft], given).data)
    answer = client.post("/bank/import", data={"file": (sent, "题.xml"), "host": str(cast.county_id)})
    page = client.get(answer.headers["Location"]).text
    shown = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)" alt="([^"]*)"', page)
    assert [alt for _, alt in shown] == ["一面&#34;旗", "2-b.png"]
    small = [Image.open(io.BytesIO(base64.b64decode(data))) for data, _ in shown]
    assert [(one.size, one.info.get("Comment")) for one in small] == [((128, 85), None), ((8, 6), None)]


def test_an_import_that_was_forgotten_is_swept(db: Database, store: ObjectStore, cast: Cast, put_aside: Any) -> None:
    put_aside(AIKEN)
    assert jobs.sweep(db, store) == 0
    assert len(list(store.list("question-imports/"))) == 1
    with db.write() as s:
        s.execute(sa.update(QuestionImport).values(created_at=now() - jobs.ASIDE - timedelta(days=1)))
    jobs.sweep(db, store)
    assert list(store.list("question-imports/")) == []
    with db.read() as s:
        assert s.scalars(sa.select(QuestionImport.id)).all() == []


def test_a_file_that_is_refused_leaves_the_form_and_the_reason(client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.trainer)
    answer = client.post("/bank/import", data={"file": (io.BytesIO(LAUGHS), "x.xml"), "host": str(cast.county_id)})
    assert answer.status_code == 422
    assert "实体定义" in answer.text


def test_the_template_can_be_filled_in_and_its_examples_are_not_read(client: SchoolClient, cast: Cast) -> None:
    client.act_as(cast.trainer)
    with pytest.raises(Invalid, match=r"import\.none"):
        opened(client.get("/bank/import/template.xlsx").data, None, "x")


def test_the_bank_goes_out_in_every_format(client: SchoolClient, db: Database, cast: Cast) -> None:
    with db.write() as s:
        for kind in QuestionKind:
            make_question(s, cast, kind)
    client.act_as(cast.trainer)
    for form, carried in ((Format.XLSX, 7), (Format.MOODLE_XML, 7), (Format.GIFT, 7), (Format.AIKEN, 1)):
        assert client.get(f"/bank/export?form={form}").status_code == 200
        answer = client.get(f"/bank/export/file?form={form}")
        assert "attachment" in answer.headers["Content-Disposition"]
        assert len(opened(answer.data, form, "x").items) == carried
    assert "没有带上参考答案" in client.get("/bank/export?form=gift").text
