"""Questions and quizzes for tests: written straight into the database, in whatever state a test needs."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from actors import Cast
from school.core.time import now
from school.quizzes.bank.models import AnswerKey, Question, QuestionKind, QuestionState, QuestionVersion
from school.quizzes.papers.models import Quiz, QuizAudience, QuizItem, QuizKind, QuizSection, QuizState, Show

SAMPLES: dict[QuestionKind, tuple[dict[str, Any], dict[str, Any]]] = {
    QuestionKind.SINGLE: (
        {"stem": "国家宪法日是哪一天？", "media": [], "options": [{"text": t, "media": []} for t in ("10月1日", "12月4日", "12月13日")]},
        {"right": [1]},
    ),
    QuestionKind.MULTIPLE: (
        {"stem": "“三会一课”的“三会”包括哪些？", "media": [], "options": [{"text": t, "media": []} for t in ("支部党员大会", "支部委员会会议", "党小组会", "民主生活会")]},
        {"right": [0, 1, 2]},
    ),
    QuestionKind.JUDGE: ({"stem": "党员有退党的自由。", "media": []}, {"right": True}),
    QuestionKind.FILL: ({"stem": "一大召开于____年。", "media": [], "blanks": 1}, {"blanks": [["1921", "一九二一"]]}),
    QuestionKind.ORDER: (
        {"stem": "按先后排列。", "media": [], "options": [{"text": t, "media": []} for t in ("遵义会议", "一大", "七大")]},
        {"order": [1, 0, 2]},
    ),
    QuestionKind.MATCH: (
        {
            "stem": "把会议和地点连起来。", "media": [],
            "left": [{"text": t, "media": []} for t in ("一大", "七大")],
            "right": [{"text": t, "media": []} for t in ("延安", "上海", "遵义")],
        },
        {"pairs": [1, 0]},
    ),
    QuestionKind.SHORT: ({"stem": "党小组会怎么开？", "media": [], "limit": 500}, {"model": "每月一次，由组长召集。"}),
}  # fmt: skip


def make_question(
    s: Session,
    cast: Cast,
    kind: QuestionKind = QuestionKind.SINGLE,
    *,
    body: dict[str, Any] | None = None,
    key: dict[str, Any] | None = None,
    category: str = "党章",
    difficulty: int = 1,
    state: QuestionState = QuestionState.APPROVED,
    org_id: int | None = None,
) -> Question:
    """A question of the cast's trainer in the county's bank, with one version and one key."""
    sample_body, sample_key = SAMPLES[kind]
    body = body or sample_body
    made = Question(
        org_id=org_id or cast.county_id, author_id=cast.trainer.account_id, kind=kind, category=category,
        difficulty=difficulty, brief=body["stem"][:120], digest="", state=state, created_at=now(), changed_at=now(),
        latest_no=1,
    )  # fmt: skip
    s.add(made)
    s.flush()
    version = QuestionVersion(
        question_id=made.id, no=1, body=body, explanation="见党章。", basis="党章", author_id=cast.trainer.account_id,
        created_at=now(),
    )  # fmt: skip
    s.add(version)
    s.flush()
    s.add(
        AnswerKey(
            version_id=version.id, revision=1, key=key or sample_key, author_id=cast.trainer.account_id,
            created_at=now(),
        )
    )  # fmt: skip
    if state == QuestionState.APPROVED:
        made.approved_id = version.id
    s.flush()
    return made


def make_quiz(
    s: Session,
    cast: Cast,
    questions: list[Question],
    *,
    kind: QuizKind = QuizKind.EXAM,
    state: QuizState = QuizState.PUBLISHED,
    title: str = "党章党纪知识测验",
    audience: tuple[int, ...] = (),
    points_100: int = 500,
    **fields: Any,
) -> Quiz:
    """A quiz of the cast's trainer held by the county whose paper is `questions`, in that order, each of `points_100`."""
    values: dict[str, Any] = {
        "minutes": 30, "attempts": 3, "shuffle_questions": False, "shuffle_options": False, "show": Show.SUBMITTED,
        "pass_permille": 600, "hours_100": 0, "max_100": points_100 * len(questions), "published_at": now(), **fields,
    }  # fmt: skip
    made = Quiz(
        kind=kind, title=title, org_id=cast.county_id, author_id=cast.trainer.account_id, state=state, created_at=now(),
        **values,
    )  # fmt: skip
    s.add(made)
    s.flush()
    section = QuizSection(quiz_id=made.id, position=1, title="", rule=None, draw=0, points_100=points_100)
    s.add(section)
    s.flush()
    s.add_all(QuizItem(section_id=section.id, position=i, question_id=q.id) for i, q in enumerate(questions, 1))
    s.add_all(QuizAudience(quiz_id=made.id, org_id=org_id) for org_id in audience)
    s.flush()
    return made
