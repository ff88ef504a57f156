"""A question as the fields of a form, and back: the same fields with and without a script.

An ordering is typed in its right order, a matching in right pairs; both are shuffled when they are served. Rows left
empty are no options. `options`, `left` and `right` of a form are lists of `{text, media}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from werkzeug.datastructures import MultiDict

from school.core.errors import Invalid
from school.core.i18n import N_
from school.quizzes import bodies
from school.quizzes.bank.models import QuestionKind
from school.quizzes.bank.rules import Draft, joined

ROWS = 4  # that a new question begins with
MORE = 2
VARIANTS = "|｜"
TAG_ENDS = "，,、;；"
KINDS_OF_LISTS = {
    QuestionKind.SINGLE: ("options",),
    QuestionKind.MULTIPLE: ("options",),
    QuestionKind.ORDER: ("options",),
    QuestionKind.MATCH: ("left", "right"),
}


def blank(kind: QuestionKind) -> dict[str, Any]:
    """The fields of a new question."""
    return {
        "kind": kind, "stem": "", "stem_media": [], "right": [], "difficulty": "1", "category": "", "tags": "",
        "explanation": "", "basis": "", "valid_from": "", "valid_until": "", "blanks": "", "limit": "500", "model": "",
        **{name: [_empty() for _ in range(ROWS)] for name in KINDS_OF_LISTS.get(kind, ())},
    }  # fmt: skip


def typed(kind: QuestionKind, form: MultiDict[str, str]) -> dict[str, Any]:
    """What stands in the form, to be shown again; `more` of it asks for rows."""
    fields: dict[str, Any] = {name: form.get(name, "") for name in blank(kind)}
    fields |= {"kind": kind, "stem_media": _ids(form, "stem_media"), "right": form.getlist("right")}
    for name in KINDS_OF_LISTS.get(kind, ()):
        texts = form.getlist(name)[: bodies.OPTIONS[-1] + 1]
        fields[name] = [{"text": text, "media": _ids(form, f"{name}_media_{i}")} for i, text in enumerate(texts)]
        if "more" in form:
            fields[name] += [_empty() for _ in range(MORE)]
    return fields


def written(draft: Draft) -> dict[str, Any]:
    """A stored question as the fields of the form."""
    kind, body, key = draft.kind, draft.body, draft.key
    fields = blank(kind) | {
        "stem": body["stem"], "stem_media": body["media"], "difficulty": str(draft.difficulty),
        "category": draft.category, "tags": joined(draft.tags), "explanation": draft.explanation, "basis": draft.basis,
        "valid_from": str(draft.valid_from or ""), "valid_until": str(draft.valid_until or ""),
    }  # fmt: skip
    if kind in bodies.CHOICES:
        fields |= {"options": body["options"], "right": [str(place) for place in key["right"]]}
    elif kind == QuestionKind.JUDGE:
        fields["right"] = ["true" if key["right"] else "false"]
    elif kind == QuestionKind.FILL:
        fields["blanks"] = "\n".join(" | ".join(variants) for variants in key["blanks"])
    elif kind == QuestionKind.ORDER:
        fields["options"] = [body["options"][place] for place in key["order"]]
    elif kind == QuestionKind.MATCH:
        others = [right for place, right in enumerate(body["right"]) if place not in key["pairs"]]
        fields["left"] = [*body["left"], *(_empty() for _ in others)]
        fields["right"] = [*(body["right"][place] for place in key["pairs"]), *others]
    else:
        fields |= {"limit": str(body["limit"]), "model": key["model"]}
    return fields


def draft(fields: dict[str, Any]) -> Draft:
    """The question that typed fields mean; Invalid for what cannot be read. Still to be checked."""
    body, key = _asked(fields)
    difficulty = fields["difficulty"]
    return Draft(
        kind=fields["kind"], body=body, key=key, category=fields["category"],
        difficulty=int(difficulty) if difficulty in {"1", "2", "3", "4", "5"} else 0,
        explanation=fields["explanation"], basis=fields["basis"], tags=_tags(fields["tags"]),
        valid_from=_day(fields["valid_from"]), valid_until=_day(fields["valid_until"]),
    )  # fmt: skip


def _asked(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    kind = fields["kind"]
    body: dict[str, Any] = {"stem": fields["stem"], "media": fields["stem_media"]}
    if kind == QuestionKind.JUDGE:
        return body, {"right": {"true": True, "false": False}.get("".join(fields["right"]))}
    if kind == QuestionKind.FILL:
        lines = [line for line in fields["blanks"].splitlines() if line.strip()]
        return body, {"blanks": [_split(line, VARIANTS) for line in lines]}
    if kind == QuestionKind.SHORT:
        limit = fields["limit"].strip()
        return body | {"limit": int(limit) if limit.isdecimal() else 0}, {"model": fields["model"]}
    if kind == QuestionKind.MATCH:
        return _matched(body, fields["left"], fields["right"])
    places = [place for place, option in enumerate(fields["options"]) if _full(option)]
    body["options"] = [fields["options"][place] for place in places]
    if kind == QuestionKind.ORDER:
        return body, {"order": list(range(len(places)))}
    chosen = [int(place) for place in fields["right"] if place.isdecimal()]
    if any(place not in places for place in chosen):
        raise Invalid("question.key", N_("勾选的正确选项是空的，请填写或另选。"))
    return body, {"right": [places.index(place) for place in chosen]}


def _matched(
    body: dict[str, Any], left: Sequence[dict[str, Any]], right: Sequence[dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rows of pairs: equal right ones become one, a row without a left one only misleads."""
    several: list[dict[str, Any]] = []
    pairs = []
    body["left"] = []
    for mine, other in zip(left, right, strict=False):
        if not _full(mine) and not _full(other):
            continue
        if not _full(other):
            raise Invalid("question.right", N_("左边写了的每一行，右边也要写上与它对应的一项。"))
        plain = {"text": other["text"].strip(), "media": other["media"]}
        if plain not in several:
            several.append(plain)
        if _full(mine):
            body["left"].append(mine)
            pairs.append(several.index(plain))
    return body | {"right": several}, {"pairs": pairs}


def _empty() -> dict[str, Any]:
    return {"text": "", "media": []}


def _full(option: dict[str, Any]) -> bool:
    return bool(option["text"].strip() or option["media"])


def _ids(form: MultiDict[str, str], name: str) -> list[int]:
    return form.getlist(name, type=int)


def _split(text: str, ends: str) -> list[str]:
    for end in ends[1:]:
        text = text.replace(end, ends[0])
    return [piece.strip() for piece in text.split(ends[0]) if piece.strip()]


def _tags(text: str) -> tuple[str, ...]:
    return tuple(_split(text, TAG_ENDS))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid("question.valid_until", N_("日期请写成 2026-12-31 的样子。")) from None
