"""The member's room as a page: who comes in, what it leads to in each state, and the words it carries."""

from __future__ import annotations

import json
import re

import pytest

from actors import Cast
from clients import SchoolClient
from live_kit import make_class
from school.core.db import Database
from school.live.models import LiveState


def _class(db: Database, cast: Cast, state: LiveState = LiveState.LIVE) -> int:
    with db.write() as s:
        return make_class(s, cast, state=state, audience=(cast.branch_id,)).id


def _carried(text: str, name: str) -> dict[str, object]:
    found = re.search(f'<script type="application/json" id="{name}">(.*?)</script>', text, re.S)
    assert found
    carried: dict[str, object] = json.loads(found[1])
    return carried


@pytest.mark.parametrize("who", ["member", "secretary", "trainer", "reviewer", "admin"])
def test_whom_the_class_is_for_and_who_runs_or_oversees_it_come_in(
    who: str, client: SchoolClient, db: Database, cast: Cast
) -> None:
    client.act_as(cast[who])
    answer = client.get(f"/live/{_class(db, cast)}/room")
    assert answer.status_code == 200
    page = _carried(answer.text, "room")
    assert (page["account_id"], page["member"]) == (cast[who].account_id, bool(cast[who].member_id))
    assert ("data-hand" in answer.text) == bool(cast[who].member_id)  # an account without a member raises no hand


@pytest.mark.parametrize("who", ["outsider", "sysadmin"])
def test_nobody_else_learns_of_the_room(who: str, client: SchoolClient, db: Database, cast: Cast) -> None:
    client.act_as(cast[who])
    assert client.get(f"/live/{_class(db, cast)}/room").status_code == 404


def test_a_visitor_is_led_to_the_door_and_back(client: SchoolClient, db: Database, cast: Cast) -> None:
    class_id = _class(db, cast)
    assert client.get(f"/live/{class_id}/room").headers["Location"].endswith(f"/sign-in?next=/live/{class_id}/room")


@pytest.mark.parametrize(
    ("state", "leads"),
    [
        (LiveState.DRAFT, ""), (LiveState.IN_REVIEW, ""), (LiveState.CANCELLED, ""), (LiveState.STOPPED, ""),
        (LiveState.ENDED, "/replay"),
    ],
)  # fmt: skip
def test_without_a_room_the_address_leads_on(
    state: LiveState, leads: str, client: SchoolClient, db: Database, cast: Cast
) -> None:
    class_id = _class(db, cast, state)
    client.act_as(cast.trainer)
    answer = client.get(f"/live/{class_id}/room")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/live/{class_id}{leads}")


@pytest.mark.parametrize("state", [LiveState.APPROVED, LiveState.LIVE, LiveState.PAUSED])
def test_the_same_page_waits_and_goes_on(state: LiveState, client: SchoolClient, db: Database, cast: Cast) -> None:
    client.act_as(cast.member)
    page = _carried(client.get(f"/live/{_class(db, cast, state)}/room").text, "room")
    assert page["state"] == state


def test_every_word_the_scripts_say_is_there(client: SchoolClient, db: Database, cast: Cast) -> None:
    """A script reaches a word only by a name that the page carries."""
    client.act_as(cast.member)
    words = _carried(client.get(f"/live/{_class(db, cast)}/room").text, "words")

    def texts(value: object) -> list[str]:
        return [value] if isinstance(value, str) else [text for each in value.values() for text in texts(each)]  # type: ignore[attr-defined]

    assert all(texts(words))
    folder = "school/webkit/static/js/live"
    rooms = {"room": words, "talk": words["talk"], "ask": words["ask"], "polls": words["polls"], "hand": words["hand"],
             "moments": words["moments"], "picture": words["picture"]}  # fmt: skip
    for name, known in rooms.items():
        with open(f"{folder}/{name}.js", encoding="utf-8") as script:
            said = set(re.findall(r"\bwords\.(\w+)", script.read()))
        assert isinstance(known, dict)
        assert said <= set(known), f"{name}.js says {said - set(known)}"
