"""Questions in and out of the bank as files: a file is read and shown first, then taken in whole and once, or not at all."""

from __future__ import annotations

import base64
import gc
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core import json
from school.core.db import Database
from school.core.errors import Conflict, Invalid, NotFound, SchoolError
from school.core.i18n import N_
from school.core.offload import in_thread
from school.core.person import Person, Role, require
from school.core.store import ObjectStore
from school.core.text import tidy
from school.core.time import now
from school.org import audit
from school.quizzes import bodies
from school.quizzes.bank import files, formats, similar
from school.quizzes.bank import queries as bank_queries
from school.quizzes.bank import rules as bank_rules
from school.quizzes.bank import service as bank
from school.quizzes.bank.files import Looked
from school.quizzes.bank.formats import Batch, File, Format, Item, Loss, Note, Problem
from school.quizzes.bank.models import Question, QuestionFile, QuestionImport, QuestionKind, QuestionVersion
from school.quizzes.bank.rules import Draft
from school.records.bulk import among

UNSORTED = "未分类"
MOST_BYTES = 50 * 1024**2
MOST_OUT = 10_000  # questions of one written file
TOGETHER = 1_000  # questions of one statement


# ── what was read ───────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file holds: sound questions, problems, and the checked files that questions name by their place from 1."""

    form: Format
    items: Sequence[Item]
    problems: Sequence[Problem]
    files: Sequence[tuple[File, Looked]]

    @property
    def errors(self) -> int:
        return sum(problem.kind == "error" for problem in self.problems)

    @property
    def skipped(self) -> int:
        return len(self.problems) - self.errors


def opened(data: bytes, form: Format | None, category: str) -> Preview:
    """The file, read without the database; `form` None: by what it holds. Raises Invalid, TooLarge for the whole file."""
    if not data:
        raise Invalid("import.empty", N_("请选择一个题库文件。"))
    category = tidy(category)[: bank_rules.CATEGORY_LENGTH] or UNSORTED
    form, batch = in_thread(_read, data, form, category)
    if not batch.items and not batch.problems:
        raise Invalid("import.none", N_("文件里没有题目。请确认选对了文件。"))
    return _looked_into(form, batch)


def _read(data: bytes, form: Format | None, category: str) -> tuple[Format, Batch]:
    form = form or formats.guessed(data)
    with _uncollected():
        return form, formats.read(form, data, category)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without searches for garbage: while very many objects are made that all stay, they cost a quarter and find none."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _looked_into(form: Format, batch: Batch) -> Preview:
    """The batch with its files looked into; a question with a bad one is a problem."""
    if not batch.files:
        return Preview(form, batch.items, batch.problems, ())
    wanted = sorted({place for item in batch.items for place in bodies.files(item.draft.body)})
    looked = dict(zip(wanted, files.look([batch.files[place - 1].data for place in wanted]), strict=True))
    places = {place: number for number, place in enumerate((p for p in wanted if isinstance(looked[p], Looked)), 1)}
    items, problems = [], list(batch.problems)
    for item in batch.items:
        bad = [found for place in bodies.files(item.draft.body) if isinstance(found := looked[place], SchoolError)]
        if bad:
            note = Note(bad[0].message, bad[0].params)
            problems.append(Problem(item.place, bank_rules.brief(item.draft.body["stem"])[:60], note, "error"))
        else:
            items.append(replace(item, draft=_renumbered(item.draft, places)))
    held = [(batch.files[place - 1], found) for place in places if isinstance(found := looked[place], Looked)]
    return Preview(form, items, sorted(problems, key=lambda problem: problem.place), held)


def _renumbered(draft: Draft, places: dict[int, int]) -> Draft:
    """The draft whose media are named by other numbers."""
    if not bodies.files(draft.body):
        return draft
    body: dict[str, Any] = {**draft.body, "media": [places[each] for each in draft.body["media"]]}
    for field in ("options", "left", "right"):
        if field in body:
            body[field] = [{**each, "media": [places[n] for n in each["media"]]} for each in body[field]]
    return replace(draft, body=body)


# ── kept until it is taken in ───────────────────────────


def keep(db: Database, store: ObjectStore, person: Person, org_id: int, name: str, preview: Preview) -> int:
    """Put what was read aside for `person`, who is a trainer of `org_id`; the id under which it can be shown and taken in.

    What the person had put aside before and never taken in is forgotten. Raises NotAllowed (`question.host`).
    """
    with db.read() as s:
        bank.host_of(s, person, org_id)
    key = f"question-imports/{secrets.token_hex(16)}"
    store.put(key, in_thread(_packed, preview), "application/json")
    with db.write() as s:
        kept = QuestionImport(
            account_id=person.account_id, org_id=org_id, name=tidy(name)[:120] or preview.form, form=preview.form,
            object_key=key, questions=len(preview.items), errors=preview.errors, skipped=preview.skipped,
            created_at=now(),
        )  # fmt: skip
        s.add(kept)
        s.flush()  # before the others go: SQLite would give it a number of theirs
        old = drop(s, sa.and_(QuestionImport.account_id == person.account_id, QuestionImport.id != kept.id))
    for object_key in old:
        store.delete(object_key)
    return kept.id


def drop(s: Session, which: sa.ColumnElement[bool]) -> Sequence[str]:
    """Forget the imports that were put aside, but what is being taken in at this moment; the objects to delete."""
    gone = sa.delete(QuestionImport).where(which, QuestionImport.taken_at.is_(None))
    return s.scalars(gone.returning(QuestionImport.object_key)).all()


def kept(s: Session, person: Person, import_id: int) -> QuestionImport:
    """The person's own import, else NotFound (`import.missing`)."""
    require(person, Role.TRAINER)
    found = s.get(QuestionImport, import_id, options=[sa.orm.joinedload(QuestionImport.org)])
    if found is None or found.account_id != person.account_id:
        raise NotFound("import.missing", N_("没有找到这次导入，可能已经换成了后来上传的文件。请重新上传。"))
    return found


def shown(store: ObjectStore, found: QuestionImport) -> Preview:
    """What was put aside, as it was read."""
    return in_thread(_unpacked, store.read(found.object_key))


def _ready(data: bytes) -> tuple[Preview, Sequence[bank.Facts]]:
    """What was put aside, and all that can be worked out of it before anything is locked."""
    with _uncollected():
        preview = _preview(json.loads(data))
        return preview, bank.facts_of([item.draft for item in preview.items])


def repeats(db: Database, person: Person, preview: Preview) -> dict[int, similar.Repeat]:
    """Place among the questions → what that one repeats, in the bank or in the file itself."""
    with db.read() as s:
        return similar.repeats(s, person, [item.draft.body for item in preview.items])


def forget(db: Database, store: ObjectStore, person: Person, import_id: int) -> None:
    """Throw away what was put aside."""
    with db.write() as s:
        old = drop(s, QuestionImport.id == kept(s, person, import_id).id)
    for object_key in old:
        store.delete(object_key)


def take(
    db: Database, store: ObjectStore, person: Person, import_id: int, *, skip: bool = False, submit: bool = False
) -> int:
    """Write every question that was put aside, all or none; how many. `skip`: leave those with errors out.

    Raises Conflict: `import.errors` when some have errors and `skip` was not said, `import.taken` the second time,
    `import.none` when there is nothing to take in.
    """
    with db.read() as s:
        found = kept(s, person, import_id)
        _must_be_open(found)
    if found.errors and not skip:
        raise Conflict(
            "import.errors",
            N_("有 %(errors)d 道题有错，什么都没有导入。请改好文件重新上传，或勾选“跳过有错的题”。"),
            errors=found.errors,
        )
    preview, facts = in_thread(_ready, store.read(found.object_key))
    if not preview.items:
        raise Conflict("import.none", N_("文件里没有可以导入的题。"))
    for _, looked in preview.files:
        files.keep(store, looked)

    def write(s: Session) -> None:
        claimed = s.execute(
            sa.update(QuestionImport)
            .where(QuestionImport.id == found.id, QuestionImport.taken_at.is_(None))
            .values(taken_at=now())
        )
        if not claimed.rowcount:  # type: ignore[attr-defined]
            raise _taken()
        with _uncollected():
            _write(s, person, found.org_id, preview, facts, submit)
        audit.record(
            s, person, "question.import", ("question_import", found.id), found.org_id, form=found.form,
            count=len(preview.items), left_out=len(preview.problems),
        )  # fmt: skip

    db.write_much(write)
    for _, looked in preview.files:
        files.keep_still(store, looked)
    store.delete(found.object_key)
    return len(preview.items)


def _write(
    s: Session, person: Person, org_id: int, preview: Preview, facts: Sequence[bank.Facts], submit: bool
) -> None:
    """The questions of a preview as new ones of the bank, with files that are in the store."""
    ids = {
        place: files.add(s, person, org_id, looked, name=file.name, alt=file.alt).id
        for place, (file, looked) in enumerate(preview.files, 1)
    }
    for start in range(0, len(preview.items), TOGETHER):
        some = slice(start, start + TOGETHER)
        drafts = [_renumbered(item.draft, ids) if ids else item.draft for item in preview.items[some]]
        bank.add_many(s, person, org_id, drafts, facts=facts[some], submit=submit)


def _must_be_open(found: QuestionImport) -> None:
    if found.taken_at is not None:
        raise _taken()


def _taken() -> Conflict:
    return Conflict("import.taken", N_("这个文件已经导入过了，没有再导一次。题目在题库里。"))


# ---- as bytes


def _packed(preview: Preview) -> bytes:
    with _uncollected():
        return _bytes(preview)


def _bytes(preview: Preview) -> bytes:
    return json.dumps(
        {
            "form": preview.form,
            "items": [
                [
                    item.place, draft.kind, draft.body, draft.key, draft.category, draft.difficulty, draft.explanation,
                    draft.basis, draft.tags, draft.valid_from, draft.valid_until,
                    [[note.message, dict(note.params)] for note in item.notes],
                ]
                for item in preview.items
                for draft in (item.draft,)
            ],
            "problems": [
                [each.place, each.brief, each.note.message, dict(each.note.params), each.kind]
                for each in preview.problems
            ],
            "files": [
                [
                    file.name, file.alt, looked.mime, base64.b64encode(looked.data).decode(), looked.width,
                    looked.height, looked.length_ms, base64.b64encode(looked.thumb).decode(),
                ]
                for file, looked in preview.files
            ],
        }
    )  # fmt: skip


def _unpacked(data: bytes) -> Preview:
    with _uncollected():
        return _preview(json.loads(data))


def _preview(whole: dict[str, Any]) -> Preview:
    return Preview(
        Format(whole["form"]),
        [
            Item(
                place,
                Draft(
                    QuestionKind(kind), body, key, category, difficulty, explanation, basis, tuple(tags), _day(since),
                    _day(until),
                ),
                tuple(Note(message, params) for message, params in notes),
            )
            for place, kind, body, key, category, difficulty, explanation, basis, tags, since, until, notes in whole[
                "items"
            ]
        ],
        [Problem(place, brief, Note(message, params), kind) for place, brief, message, params, kind in whole["problems"]],
        [
            (File(name, b"", alt), Looked(mime, base64.b64decode(held), *sizes, *map(base64.b64decode, thumb)))
            for name, alt, mime, held, *sizes, thumb in (
                [*each[:7], each[7:]] for each in whole["files"]  # those put aside by 0.3.0 have none
            )
        ],
    )  # fmt: skip


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


# ── out ─────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Export:
    """The questions chosen to be written, with their files, before they are in any format."""

    drafts: list[Draft]
    files: dict[int, QuestionFile]


def chosen(s: Session, conditions: Iterable[sa.ColumnElement[bool]]) -> Export:
    """The latest versions of the questions that fit, at most MOST_OUT, by category and age."""
    latest = sa.and_(QuestionVersion.question_id == Question.id, QuestionVersion.no == Question.latest_no)
    rows = s.execute(
        sa.select(Question, QuestionVersion)
        .join(QuestionVersion, latest)
        .where(*conditions)
        .order_by(Question.category, Question.id)
        .limit(MOST_OUT)
    )
    told = bank_queries.tell(s, [(found, version) for found, version in rows])
    drafts = [bank_queries.draft_of(each) for each in told]
    wanted = {file_id for draft in drafts for file_id in bodies.files(draft.body)}
    held = s.scalars(sa.select(QuestionFile).where(among(s, QuestionFile.id, wanted)))
    return Export(drafts, {file.id: file for file in held})


def losses(form: Format, export: Export) -> Sequence[Loss]:
    """What a file of this format would not carry; the files' bytes are not needed to know it."""
    return in_thread(formats.write, form, export.drafts, _stand_ins(export)).losses


def written(store: ObjectStore, form: Format, export: Export) -> bytes:
    """The file in this format, with pictures and sounds where it has them."""
    carried = form in {Format.XLSX, Format.MOODLE_XML}
    held = {
        file_id: File(_named(file), store.read(files.key_of(file.sha256)), file.alt, file.width)
        for file_id, file in (export.files.items() if carried else ())
    }
    return in_thread(formats.write, form, export.drafts, held).data


_ENDINGS = {
    "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "audio/mpeg": "mp3",
    "audio/mp4": "m4a", "video/mp4": "mp4",
}  # fmt: skip
_PICTURES = {"image/png", "image/jpeg", "image/gif"}  # that a table shows
_DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c636060606000000005"
    "0001a5f645400000000049454e44ae426082"
)


def _named(file: QuestionFile) -> str:
    """The file's name with the ending of what it is now: it may have been written anew."""
    stem, _, _ = file.name.rpartition(".")
    return f"{stem or file.name or 'file'}.{_ENDINGS.get(file.mime, 'bin')}"


def _stand_ins(export: Export) -> dict[int, File]:
    """Files of the same kinds, small: what is lost depends on nothing else."""
    return {
        file_id: File(_named(file), _DOT if file.mime in _PICTURES else b"?", file.alt)
        for file_id, file in export.files.items()
    }
