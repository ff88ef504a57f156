"""Verbs of the bank: write questions, one or many, send them to review, approve, return and withdraw them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from school.core.db import new_ids
from school.core.errors import Conflict, Invalid, NotAllowed
from school.core.i18n import N_
from school.core.person import Person, Role, require
from school.core.time import now
from school.org import audit
from school.org.models import Organization
from school.quizzes import bodies
from school.quizzes.access import OVERSEERS, in_bank, no_question
from school.quizzes.bank import rules, similar
from school.quizzes.bank.models import AnswerKey, Question, QuestionFile, QuestionState, QuestionTag, QuestionVersion
from school.quizzes.bank.rules import Draft
from school.records.bulk import among, put, table_of

Facts = Mapping[str, Any]  # what a question's own row keeps of its latest version

# ── writing ─────────────────────────────────────────────


def create(s: Session, person: Person, org_id: int, draft: Draft) -> Question:
    """A new draft of the signed-in trainer in the bank of `org_id`, where they must be a trainer. Raises Invalid."""
    [question_id] = add_many(s, person, org_id, [draft])
    return s.get_one(Question, question_id)


def add_many(
    s: Session,
    person: Person,
    org_id: int,
    drafts: Sequence[Draft],
    *,
    facts: Sequence[Facts] | None = None,
    submit: bool = False,
) -> list[int]:
    """Write new questions in one set and answer their ids, in order; all or none.

    `facts`: those of drafts that have been through `rules.checked`, made by `facts_of` before the transaction began.
    `submit`: they go to review at once. Raises NotAllowed (`question.host`) when the person is no trainer there, Invalid
    with the field of the first one that does not fit.
    """
    host = host_of(s, person, org_id)
    if facts is None:
        drafts = [rules.checked(draft) for draft in drafts]
        facts = facts_of(drafts)
    if not drafts:
        return []
    _must_have_files(s, host.id, [draft.body for draft in drafts])
    moment = now()
    ids = list(new_ids(s, table_of(Question), len(drafts)))
    versions = new_ids(s, table_of(QuestionVersion), len(drafts))
    author, state = person.account_id, QuestionState.IN_REVIEW if submit else QuestionState.DRAFT
    put(
        s,
        Question,
        [
            {
                "id": question_id, "org_id": host.id, "author_id": author, "kind": draft.kind, "created_at": moment,
                "submitted_at": moment if submit else None, "state": state, "latest_no": 1, "review_note": "",
                "changed_at": moment, **fact,
            }
            for question_id, draft, fact in zip(ids, drafts, facts, strict=True)
        ],
    )  # fmt: skip
    put(
        s,
        QuestionVersion,
        [
            {
                "id": version_id, "question_id": question_id, "no": 1, "body": draft.body,
                "explanation": draft.explanation, "basis": draft.basis, "author_id": author, "created_at": moment,
            }
            for version_id, question_id, draft in zip(versions, ids, drafts, strict=True)
        ],
    )  # fmt: skip
    put(
        s,
        AnswerKey,
        [
            {
                "version_id": version_id, "revision": 1, "key": draft.key, "author_id": author, "reason": "", "waived": False,
                "created_at": moment,
            }
            for version_id, draft in zip(versions, drafts, strict=True)
        ],
    )  # fmt: skip
    put(s, QuestionTag, _tags(dict(zip(ids, drafts, strict=True))))
    subject = ("question", ids[0] if len(ids) == 1 else None)
    audit.record(s, person, "question.create", subject, host.id, count=len(ids), first=ids[0], last=ids[-1])
    return ids


def edit(s: Session, person: Person, question_id: int, no: int, draft: Draft, turn: str) -> Question:
    """Write a question anew. What was approved stays as it is and gets a next version, which is a draft; a draft is replaced.

    `no` and `turn` tell what the person had read (`turn_of`): Conflict (`question.version`) when somebody saved since.
    """
    question = _editable(s, person, question_id)
    if question.latest_no != no or turn_of(question) != turn:
        raise Conflict(
            "question.version",
            N_("这道题刚才在别的窗口改过。您填的内容都还在下面，请对照现在保存的内容，再按一次“保存”就以您填的为准。"),
        )
    if draft.kind != question.kind:
        raise Invalid("question.kind", N_("题型不能改。请另出一道题，再停用这一道。"))
    draft = rules.checked(draft)
    _must_have_files(s, question.org_id, [draft.body])
    moment = now()
    version = _latest(s, question)
    if version.approved_at or version.id == question.approved_id:
        question.latest_no += 1
        version = QuestionVersion(question_id=question.id, no=question.latest_no)
        s.add(version)
    version.body, version.explanation, version.basis = draft.body, draft.explanation, draft.basis
    version.author_id, version.created_at = person.account_id, moment
    s.flush()
    key = s.get(AnswerKey, (version.id, 1)) or AnswerKey(version_id=version.id, revision=1)
    key.key, key.author_id, key.created_at = draft.key, person.account_id, moment
    s.add(key)
    before = question.state
    for name, value in facts_of([draft])[0].items():
        setattr(question, name, value)
    question.state, question.changed_at = QuestionState.DRAFT, moment
    s.execute(sa.delete(QuestionTag).where(QuestionTag.question_id == question.id))
    put(s, QuestionTag, _tags({question.id: draft}))
    audit.record(
        s, person, "question.edit", ("question", question.id), question.org_id, no=question.latest_no,
        state=(before, question.state),
    )  # fmt: skip
    return question


def turn_of(question: Question) -> str:
    """When the question was last written, as a form carries it."""
    return f"{question.changed_at.timestamp():.6f}"


def host_of(s: Session, person: Person, org_id: int) -> Organization:
    """The organisation whose bank the person may write into, else NotAllowed (`question.host`)."""
    require(person, Role.TRAINER)
    host = s.get(Organization, org_id)
    if host is None or not person.holds(host.path, Role.TRAINER):
        raise NotAllowed("question.host", N_("您不是这个党组织的讲师，不能往它的题库里出题。请从列表里重新选择。"))
    return host


def facts_of(drafts: Sequence[Draft]) -> list[Facts]:
    """The facts of checked drafts, in order; for very many at once they are cheaper, and need no transaction."""
    sketches = similar.sketches([similar.text_of(draft.body) for draft in drafts])
    return [
        {
            "category": draft.category, "difficulty": draft.difficulty, "valid_from": draft.valid_from,
            "valid_until": draft.valid_until, "brief": rules.brief(stem), "digest": rules.digest(stem),
            "words": rules.words(draft), "sketch": sketch,
        }
        for draft, sketch in zip(drafts, sketches, strict=True)
        for stem in (draft.body["stem"],)
    ]  # fmt: skip


def _tags(drafts: dict[int, Draft]) -> list[dict[str, Any]]:
    return [{"tag": tag, "question_id": question_id} for question_id, draft in drafts.items() for tag in draft.tags]


def _must_have_files(s: Session, org_id: int, asked: Sequence[dict[str, Any]]) -> None:
    """Every file that the bodies name belongs to this bank, and is held until they are written: none is swept meanwhile."""
    wanted = {file_id for body in asked for file_id in bodies.files(body)}
    if not wanted:
        return
    held = s.scalars(
        sa.select(QuestionFile.id)
        .where(among(s, QuestionFile.id, wanted), QuestionFile.org_id == org_id)
        .order_by(QuestionFile.id)
        .with_for_update(read=True, key_share=True)
    ).all()
    if len(held) != len(wanted):
        raise Invalid("question.media", N_("有的图片、声音或短视频不在这个题库里。请去掉后重新上传。"))


def _latest(s: Session, question: Question) -> QuestionVersion:
    return s.scalars(
        sa.select(QuestionVersion).where(
            QuestionVersion.question_id == question.id, QuestionVersion.no == question.latest_no
        )
    ).one()


# ── states ──────────────────────────────────────────────


def submit(s: Session, person: Person, ids: Sequence[int]) -> int:
    """Send one's own or one's bank's drafts to review; how many went. What is no draft is refused when it is alone."""
    moved = _moved(s, person, ids, "submit", Role.TRAINER)
    for question in moved:
        question.submitted_at, question.review_note = now(), ""
    return len(moved)


def recall(s: Session, person: Person, ids: Sequence[int]) -> int:
    """Take questions back from review; how many."""
    return len(_moved(s, person, ids, "recall", Role.TRAINER))


def approve(s: Session, person: Person, ids: Sequence[int]) -> int:
    """Let quizzes serve the latest versions, as a reviewer who wrote none of them; how many."""
    moved = _moved(s, person, ids, "approve", *OVERSEERS)
    latest = {version.question_id: version for version in _latest_of(s, moved)}
    for question in moved:
        version = latest[question.id]
        version.approved_at, version.reviewer_id = now(), person.account_id
        question.approved_id, question.reviewer_id, question.review_note = version.id, person.account_id, ""
    return len(moved)


def give_back(s: Session, person: Person, ids: Sequence[int], note: str) -> int:
    """Return questions to their authors with the reason; how many."""
    note = rules.checked_note(note)
    moved = _moved(s, person, ids, "return", *OVERSEERS)
    for question in moved:
        question.reviewer_id, question.review_note = person.account_id, note
    return len(moved)


def withdraw(s: Session, person: Person, ids: Sequence[int]) -> int:
    """Take questions out of use: no paper is drawn with them from now on. Sittings that have them go on. How many."""
    moved = _moved(s, person, ids, "withdraw", Role.TRAINER, *OVERSEERS)
    for question in moved:
        question.approved_id = None
    return len(moved)


def _moved(s: Session, person: Person, ids: Sequence[int], verb: str, *roles: Role) -> Sequence[Question]:
    """Those of `ids` that `verb` fits, locked and in their next state.

    One alone raises what is wrong with it; of several the others are left where they are. Reviewing wants another
    person than the authors of question and version.
    """
    require(person, *roles)
    questions = _locked(s, person, ids, roles)
    if len(ids) == 1 and not questions:
        raise no_question()
    if verb in {"approve", "return"}:
        writers = {version.question_id: version.author_id for version in _latest_of(s, questions)}
        others = [q for q in questions if person.account_id not in (q.author_id, writers[q.id])]
        if len(ids) == 1 and not others:
            raise NotAllowed("question.own", N_("自己出的题要由别的同志审核。"))
        questions = others
    if len(ids) > 1:
        questions = [q for q in questions if rules.follows(q.state, verb)]
    for question in questions:
        before, question.state = question.state, rules.move(question.state, verb)
        audit.record(
            s, person, f"question.{verb}", ("question", question.id), question.org_id, state=(before, question.state)
        )  # fmt: skip
    return questions


def _locked(s: Session, person: Person, ids: Sequence[int], roles: Sequence[Role]) -> Sequence[Question]:
    """The questions of `ids` in banks over which the person holds one of `roles`; in order, so that two who lock agree."""
    rows = s.execute(
        sa.select(Question, Organization.path)
        .join(Organization, Organization.id == Question.org_id)
        .where(among(s, Question.id, ids), in_bank(person))
        .order_by(Question.id)
        .with_for_update(of=Question, key_share=True)
        .execution_options(populate_existing=True)
    )
    return [question for question, path in rows if person.holds(path, *roles)]


def _editable(s: Session, person: Person, question_id: int) -> Question:
    require(person, Role.TRAINER)
    found = _locked(s, person, [question_id], (Role.TRAINER,))
    if not found:
        raise no_question()
    question = found[0]
    rules.must_be_editable(question.state)
    return question


def _latest_of(s: Session, questions: Sequence[Question]) -> Sequence[QuestionVersion]:
    return s.scalars(
        sa.select(QuestionVersion)
        .join(Question, sa.and_(Question.id == QuestionVersion.question_id, Question.latest_no == QuestionVersion.no))
        .where(among(s, Question.id, (question.id for question in questions)))
    ).all()
