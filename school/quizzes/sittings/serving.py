"""A question as one sitting is served it, and the way between the places shown there and those the author wrote. Pure.

Orders are places of the authored options as they were shown: `order[shown] == authored`; None where nothing was moved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from school.quizzes.bank.models import QuestionKind
from school.quizzes.bank.versions import Asked, File
from school.quizzes.papers.drawing import Served

Address = Callable[[int], str]
CHOICES = (QuestionKind.SINGLE, QuestionKind.MULTIPLE)
MOVED = (*CHOICES, QuestionKind.ORDER, QuestionKind.MATCH)  # kinds whose places a sitting moves
LISTS = ("options", "left", "right")


def face(i: int, asked: Asked, served: Served, address: Address) -> dict[str, Any]:
    """Question `i` of a paper as its page shows it: `{i, kind, stem, media, points}` with `options`, `left` and `right`,
    `blanks` or `limit` by its kind. Nothing of it tells what is right, nor where the author put an option."""
    body = asked.body
    shown: dict[str, Any] = {
        "i": i,
        "kind": asked.kind,
        "stem": body["stem"],
        "media": _media(body["media"], asked, address),
        "points": served.points_100 / 100,
    }
    for name in ("blanks", "limit"):
        if name in body:
            shown[name] = body[name]
    for name in LISTS:
        if name in body:
            order = served.right_order if name == "right" else served.order
            shown[name] = [
                {"text": option["text"], "media": _media(option["media"], asked, address)}
                for option in _moved(body[name], order)
            ]
    return shown


def _media(ids: Sequence[int], asked: Asked, address: Address) -> list[dict[str, Any]]:
    files: list[File] = [asked.files[file_id] for file_id in ids if file_id in asked.files]
    return [{**file._asdict(), "src": address(file.id)} for file in files]


def canonical(served: Served, kind: QuestionKind, answer: Any) -> Any:
    """An answer of checked shape (`bodies.answer_of`) in the author's places."""
    if answer is None:
        return None
    if kind in CHOICES:
        return sorted(_each(answer, served.order))
    if kind == QuestionKind.ORDER:
        return _each(answer, served.order)
    if kind == QuestionKind.MATCH:
        return _moved(_each(answer, served.right_order), _inverse(served.order))
    return answer


def shown(served: Served, kind: QuestionKind, answer: Any) -> Any:
    """A kept answer in the places its sitting shows."""
    if answer is None:
        return None
    if kind in CHOICES:
        return sorted(_each(answer, _inverse(served.order)))
    if kind == QuestionKind.ORDER:
        return _each(answer, _inverse(served.order))
    if kind == QuestionKind.MATCH:
        return _each(_moved(answer, served.order), _inverse(served.right_order))
    return answer


def shown_key(served: Served, kind: QuestionKind, key: dict[str, Any]) -> dict[str, Any]:
    """What is right (shapes in `bodies.py`) in the places the sitting shows."""
    return {name: shown(served, kind, right) for name, right in key.items()} if kind in MOVED else key


def _each(places: Sequence[int | None], order: Sequence[int] | None) -> list[Any]:
    return [place if order is None or place is None else order[place] for place in places]


def _moved(authored: Sequence[Any], order: Sequence[int] | None) -> list[Any]:
    return list(authored) if order is None else [authored[place] for place in order]


def _inverse(order: Sequence[int] | None) -> list[int] | None:
    return None if order is None else sorted(range(len(order)), key=order.__getitem__)
