"""The command line: what it prints for people and programs, and what it refuses."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from school import cli
from school.core.db import Database
from school.org.models import Member, Organization
from school.records.models import MemberYear


def school(data: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("SCHOOL_")}
    return subprocess.run(
        [sys.executable, "-m", "school", "--data", str(data), *arguments],
        env={**environ, **variables}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_an_unknown_variable_stops_the_start(tmp_path: Path) -> None:
    result = school(tmp_path, "doctor", SCHOOL_DATABSE_URL="x")
    assert result.returncode == 1
    assert "SCHOOL_DATABSE_URL" in result.stderr


@pytest.mark.parametrize("missing", ["SCHOOL_SECRET_KEYS", "SCHOOL_ID_HASH_KEY"])
def test_production_refuses_a_missing_secret(tmp_path: Path, missing: str) -> None:
    secrets = {"SCHOOL_SECRET_KEYS": "k1:" + "ab" * 32, "SCHOOL_ID_HASH_KEY": "cd" * 32}
    del secrets[missing]
    result = school(tmp_path, "migrate", SCHOOL_ENV="production", **secrets)
    assert result.returncode == 1
    assert missing in result.stderr


def test_production_takes_no_demo_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {"SCHOOL_SECRET_KEYS": "k1:" + "ab" * 32, "SCHOOL_ID_HASH_KEY": "cd" * 32, "SCHOOL_ENV": "production"}
    result = school(tmp_path, "demo", **secrets)
    assert result.returncode == 1
    assert "SCHOOL_ENV=production" in result.stderr
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("school.up.up", lambda *_, **__: None)
    assert CliRunner().invoke(cli.school, ["--data", str(tmp_path), "up", "--port", "1"]).exit_code == 0
    with sqlite3.connect(tmp_path / "school.db") as db:
        assert db.execute("SELECT count(*) FROM account").fetchone() == (0,)


def test_doctor_names_what_is_wrong_and_how_to_mend_it(tmp_path: Path) -> None:
    findings = {f["what"]: f for f in json.loads(school(tmp_path, "doctor", "--json").stdout)}
    assert not findings["数据库"]["good"]
    assert "migrate" in findings["数据库"]["mend"]
    assert findings["ffmpeg"]["good"]
    assert school(tmp_path, "migrate").returncode == 0
    findings = {f["what"]: f for f in json.loads(school(tmp_path, "doctor", "--json").stdout)}
    assert findings["数据库"]["good"]
    assert findings["对象存储"]["good"]


def test_keys_rotate_and_stay_private(tmp_path: Path) -> None:
    school(tmp_path, "migrate")
    assert "k2" in school(tmp_path, "keys", "rotate").stdout
    content = json.loads((tmp_path / "keys.json").read_text())
    assert list(content["ring"]) == ["k2", "k1"]
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_the_branch_report_and_a_backup_of_the_demo_county(tmp_path: Path) -> None:
    assert school(tmp_path / "a", "demo").returncode == 0
    db = Database(f"sqlite:///{tmp_path / 'a' / 'school.db'}")
    with db.read() as s:
        code = s.scalar(
            sa.select(Organization.code).join(Member, Member.org_id == Organization.id).where(Member.name == "周谷雨")
        )
        file = s.scalars(
            sa.select(MemberYear).join(Member, Member.id == MemberYear.member_id).where(Member.name == "周谷雨")
            .order_by(MemberYear.year.desc())
        ).first()  # fmt: skip
    db.close()
    assert file is not None
    asked = ("report", "branch", str(code), "--year", str(file.year), "--json")
    report = json.loads(school(tmp_path / "a", *asked).stdout)
    names = {row["name"]: row for row in report["members"]}
    assert names["周谷雨"]["group_100"] == file.group_100
    assert names["周谷雨"]["online_100"] == file.online_100
    target = tmp_path / "school.backup"
    assert school(tmp_path / "a", "backup", str(target)).returncode == 0
    assert school(tmp_path / "b", "restore", str(target)).returncode == 0
    again = json.loads(school(tmp_path / "b", *asked).stdout)
    assert again == report
    assert school(tmp_path / "b", "report", "branch", "NOBODY").returncode == 1


def test_media_status_says_what_waits(tmp_path: Path) -> None:
    school(tmp_path, "demo")
    status = json.loads(school(tmp_path, "media", "status", "--json").stdout)
    assert status
