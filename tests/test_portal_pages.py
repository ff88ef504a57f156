"""The desk, the training file and the organisation pages over HTTP, on both databases."""

from __future__ import annotations

import pytest

import file_kit
from actors import Cast
from clients import SchoolClient
from file_kit import Filed
from school.core.db import Database


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
