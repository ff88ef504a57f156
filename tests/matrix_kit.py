"""What the rows of the permission matrix are made of: the people, and the calls that make the real things."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from actors import Actor, Cast
from school.core.db import Database
from school.core.keys import Keys
from school.core.store import ObjectStore

# ---- the people

EVERYBODY = {
    "visitor",  # nobody is signed in
    "newcomer",  # a member whose first password waits to be changed
    "member",  # 石桥镇 河东村
    "outsider",  # a member of 河西村
    "secretary",  # of 河东村
    "neighbour",  # the secretary of 河西村
    "trainer",  # for the county; everything below that somebody teaches is this one's
    "colleague",  # another trainer for the county
    "reviewer",  # for the county
    "admin",  # of the county
    "stranger",  # trainer, reviewer, secretary and administrator of another town, 东桥镇
    "sysadmin",
}
SIGNED_IN = EVERYBODY - {"visitor", "newcomer"}
MEMBERS = {"member", "outsider", "secretary", "neighbour"}
TEACHING = {"trainer", "colleague", "stranger"}
REVIEWING = {"reviewer", "admin", "stranger"}
NOBODY: set[str] = set()


@dataclass
class World:
    """What a row's function may build with."""

    db: Database
    keys: Keys
    cast: Cast
    people: dict[str, Actor | None]
    store: ObjectStore


@dataclass
class Call:
    """One request: values of the address, and what is sent."""

    values: dict[str, Any] = field(default_factory=dict)
    send: dict[str, Any] = field(default_factory=dict)


Make = Callable[[World], Call]


def nothing(w: World) -> Call:
    return Call()


def file_of(name: str, **values: str) -> Make:
    return lambda w: Call({"filename": name, **values})
