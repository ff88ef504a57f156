"""Pictures, sounds and short videos of questions: looked into, kept under their hash, given out at addresses that expire."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.errors import Invalid, NotAllowed, NotFound, SchoolError, TooLarge
from school.core.i18n import N_
from school.core.keys import Keys
from school.core.person import Person, Role, require
from school.core.secrecy import refuse_secrets
from school.core.signing import sign, verify
from school.core.store import ObjectStore
from school.core.text import tidy
from school.core.time import now
from school.org.models import Organization
from school.quizzes.bank.models import QuestionFile

MB = 1024**2
LIMITS = {"image": 5 * MB, "audio": 10 * MB, "video": 30 * MB}
LIMIT = max(LIMITS.values())
TOGETHER = 20  # files one child looks into
SECONDS = 90  # wall time of a child
NAME_LENGTH = 120
ALT_LENGTH = 200
PURPOSE = "question-file"

LARGE = N_("图片最大 5 MB，声音最大 10 MB，短视频最大 30 MB。请压缩或剪短后再上传。")
REFUSALS = {
    "kind": N_("这个文件不能放进题目。图片请用 JPG、PNG、GIF 或 WebP，声音请用 MP3 或 M4A，短视频请用 MP4。"),
    "broken": N_("这个文件打不开，可能没有传完整或已经损坏。请重新导出一份再上传。"),
    "pixels": N_("这个画面太大，最多 4000 万像素（视频 1000 万）。请缩小后再上传。"),
    "codec": N_("这个声音或视频有的手机放不了。请转成 MP3、M4A（AAC）或 MP4（H.264）再上传。"),
    "long": N_("题目里的声音最长 15 分钟，短视频最长 5 分钟。请剪短后再上传。"),
}


@dataclass(frozen=True, slots=True)
class Looked:
    """A file that may be shown: its bytes as they are kept, exact type, size in pixels, length."""

    mime: str
    data: bytes
    width: int = 0
    height: int = 0
    length_ms: int = 0
    thumb: bytes = b""  # of a picture: a small one, drawn anew as well

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


# ── taking files ────────────────────────────────────────


def look(many: Sequence[bytes]) -> list[Looked | SchoolError]:
    """What each of the files is, or the refusal to show beside it. Slow (a tenth of a second): never in a transaction."""
    found: list[Looked | SchoolError] = []
    for start in range(0, len(many), TOGETHER):
        found.extend(_look(many[start : start + TOGETHER]))
    return found


def look_at(data: bytes) -> Looked:
    """What the one file is; raises the refusal (Invalid `question_file.…`, TooLarge `question_file.large`)."""
    [found] = look([data])
    if isinstance(found, SchoolError):
        raise found
    return found


def _look(many: Sequence[bytes]) -> list[Looked | SchoolError]:
    answers = iter(_child([data for data in many if 0 < len(data) <= LIMIT]))
    return [_judged(data, next(answers)) if 0 < len(data) <= LIMIT else _empty_or_large(data) for data in many]


def _empty_or_large(data: bytes) -> SchoolError:
    return TooLarge("question_file.large", LARGE) if data else Invalid("question_file.broken", REFUSALS["broken"])


def _child(many: Sequence[bytes]) -> list[dict[str, Any]]:
    """What a limited child answers for each file. Where it dies of one of several, each is looked at by itself."""
    if not many:
        return []
    with tempfile.TemporaryDirectory(prefix="school-look-") as folder:
        paths = [Path(folder) / str(number) for number in range(len(many))]
        for path, data in zip(paths, many, strict=True):
            path.write_bytes(data)
        try:
            child = subprocess.run(
                [sys.executable, "-m", "school.quizzes.bank.inspect_file", *map(str, paths)],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False, process_group=0,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            lines = []
        else:
            lines = child.stdout.splitlines()
    if len(lines) == len(many):
        return [json.loads(line) for line in lines]
    if len(many) == 1:  # it hit a limit, or the file broke the library
        return [{"refused": "broken"}]
    return [answer for data in many for answer in _child([data])]


def _judged(data: bytes, answer: dict[str, Any]) -> Looked | SchoolError:
    if "refused" in answer:
        return Invalid(f"question_file.{answer['refused']}", REFUSALS[answer["refused"]])
    if len(data) > LIMITS[answer["mime"].partition("/")[0]]:
        return TooLarge("question_file.large", LARGE)
    kept = data if answer["data"] is None else base64.b64decode(answer["data"])
    thumb = base64.b64decode(answer.get("thumb", ""))
    return Looked(answer["mime"], kept, answer["width"], answer["height"], answer["length_ms"], thumb)


def keep(store: ObjectStore, looked: Looked) -> None:
    """Put the bytes into the store, where equal ones are one object; before the transaction that adds the row."""
    store.put(key_of(looked.sha256), looked.data, looked.mime)


def keep_still(store: ObjectStore, looked: Looked) -> None:
    """After that transaction: put them again where the sweep took equal, unused ones away between the two."""
    try:
        store.stat(key_of(looked.sha256))
    except NotFound:
        keep(store, looked)


def add(s: Session, person: Person, org_id: int, looked: Looked, *, name: str = "", alt: str = "") -> QuestionFile:
    """A kept file in the bank of `org_id`, where the person must be a trainer."""
    require(person, Role.TRAINER)
    host = s.get(Organization, org_id)
    if host is None or not person.holds(host.path, Role.TRAINER):
        raise NotAllowed("question.host", N_("您不是这个党组织的讲师，不能往它的题库里放文件。"))
    name, alt = tidy(name)[:NAME_LENGTH], tidy(alt)[:ALT_LENGTH]
    refuse_secrets(name, alt)
    file = QuestionFile(
        id=1 + secrets.randbelow(2**52),  # drawn: one that counts on would tell in which order the author put pictures
        org_id=host.id, owner_id=person.account_id, sha256=looked.sha256, mime=looked.mime, size=len(looked.data),
        width=looked.width, height=looked.height, length_ms=looked.length_ms, name=name, alt=alt, created_at=now(),
    )  # fmt: skip
    s.add(file)
    s.flush()
    return file


def key_of(sha256: str) -> str:
    """The object of a file."""
    return f"questions/{sha256[:2]}/{sha256}"


# ── giving them out ─────────────────────────────────────


def address(keys: Keys, file_id: int, until: int) -> str:
    """Where the file can be fetched until `until` (seconds since 1970), by whoever was told; no sign-in is asked."""
    return f"/quizzes/files/{file_id}/{until}/{sign(keys, PURPOSE, f'{file_id}/{until}')}"


def for_now(keys: Keys, file_id: int) -> str:
    """An address for a page of the bank: it lasts an hour at least, and stays the same meanwhile for the browser's cache."""
    return address(keys, file_id, (int(time.time()) // 3600 + 2) * 3600)


def found(s: Session, keys: Keys, file_id: int, until: int, signature: str) -> QuestionFile:
    """The file of a signed address that has not expired, else NotFound (`question_file.gone`)."""
    file = s.get(QuestionFile, file_id) if verify(keys, PURPOSE, f"{file_id}/{until}", signature) else None
    if file is None or until < time.time():
        raise NotFound("question_file.gone", N_("这个图片、声音或短视频的地址已经过期。请刷新页面。"))
    return file


def of(s: Session, ids: Sequence[int]) -> dict[int, QuestionFile]:
    """The files by their ids."""
    return {file.id: file for file in s.scalars(sa.select(QuestionFile).where(QuestionFile.id.in_(ids)))}
