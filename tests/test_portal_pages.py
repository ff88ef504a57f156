"""The desk, the training file and the organisation pages over HTTP, on both databases."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

import courses_kit
import file_kit
from actors import Actor, Cast
from clients import SchoolClient
from file_kit import Filed
from school.core.db import Database
from school.core.person import Grant, Role
from school.courses import service as courses
from school.org.queries import organization


@pytest.fixture
def filed(db: Database, cast: Cast) -> Filed:
    return file_kit.file_year(db, cast)


def test_a_visitor_is_sent_to_sign_in(client: SchoolClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 302
    assert answer.location.endswith("/sign-in")


def test_pages_answer(client: SchoolClient, cast: Cast, filed: Filed) -> None:
    client.act_as(cast.member)
    for path in ("/", "/record", "/record?year=2025", "/record?mode=group", "/record/print", "/record/hours.xlsx"):
        answer = client.get(path)
        assert answer.status_code == 200, path
    client.act_as(cast.secretary)
    for path in ("", "?year=2025", "?q=zxm", "/print", "/hours.xlsx"):
        answer = client.get(f"/orgs/{cast.branch_id}{path}")
        assert answer.status_code == 200, path
    client.act_as(cast.admin)
    for path in ("", "?year=2025", "?q=zxm", "/print", "/hours.xlsx", "/hours.xlsx?deep=1"):
        answer = client.get(f"/orgs/{cast.county_id}{path}")
        assert answer.status_code == 200, path


def with_duties(db: Database, cast: Cast, actor: Actor) -> Actor:
    """`actor`, who also teaches, reviews and administers for the town."""
    with db.read() as s:
        town = organization(s, cast.town_id)
    duties = tuple(Grant(role, town.id, town.path) for role in (Role.ORG_ADMIN, Role.TRAINER, Role.REVIEWER))
    return replace(actor, person=replace(actor.person, grants=(*actor.person.grants, *duties)))


@pytest.mark.parametrize("who", ["secretary", "sysadmin"])
def test_what_leaves_the_bar_is_on_the_first_page(
    client: SchoolClient, db: Database, cast: Cast, filed: Filed, who: str
) -> None:
    """A phone's bar has room for one duty, and for none in the largest type; a member's desk and an office have all."""
    client.act_as(with_duties(db, cast, cast[who]))
    home = client.get("/").text
    top = re.search(r'<nav aria-label="主导航">(.*?)</nav>', home, re.S)
    tabs = re.search(r'<nav class="tabbar[^>]*>(.*?)</nav>', home, re.S)
    main = re.search(r"<main.*?</main>", home, re.S)
    assert top
    assert tabs
    assert main
    places = [
        path
        for path in re.findall(r'href="([^"]+)"', top[1])
        if path not in {"/", "/courses", "/live", "/record", "/quizzes"}
    ]
    assert len(places) == 3
    assert [path for path in places if path in tabs[1]] == places[:1]
    assert [path for path in places if f'href="{path}"' in main[0]] == places
    assert 'href="/quizzes"' in main[0]
    assert "/quizzes" not in tabs[1]
    assert "/record" not in tabs[1]  # it stands on the first page of who has a training file
    assert ('href="/record"' in main[0]) == (who == "secretary")
    assert f'href="/orgs/{cast.town_id}"' in main[0]  # a second organisation stands on no bar


def test_a_member_without_a_duty_sees_none(client: SchoolClient, cast: Cast, filed: Filed) -> None:
    client.act_as(cast.member)
    home = client.get("/").text
    for word in ("/orgs/", "/studio", "/review"):
        assert word not in home


def test_an_administrator_hears_of_a_course_that_waits(
    client: SchoolClient, db: Database, cast: Cast, filed: Filed
) -> None:
    client.act_as(cast.admin)
    assert 'href="/review"' not in client.get("/").text
    course = courses_kit.draft(db, cast)
    with db.write() as s:
        courses.submit(s, cast.trainer.person, course.id)
    home = client.get("/").text
    assert "有 1 项内容等您审核" in home
    assert 'href="/review"' in home
