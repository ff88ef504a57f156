"""Settings: what stops the start and what it says, and that another process reads the same ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from school.core.settings import Settings, SettingsError, dump, load

KEYS = {"SCHOOL_SECRET_KEYS": f"k1:{'a1' * 32}", "SCHOOL_ID_HASH_KEY": "b2" * 32}


def test_nothing_given_is_a_school_on_this_machine() -> None:
    settings = load({"PATH": "/bin"})
    assert settings == Settings()
    assert settings.db_url == "sqlite:///data/school.db"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"SCHOOL_PROT": "80"}, "SCHOOL_PROT is not a setting"),
        ({"SCHOOL_PORT": "eighty"}, "SCHOOL_PORT='eighty': write a whole number"),
        ({"SCHOOL_HTTPS": "maybe"}, "write 1 or 0"),
        ({"SCHOOL_ENV": "prod"}, "SCHOOL_ENV: write development or production"),
        ({"SCHOOL_ENV": "production"}, "SCHOOL_SECRET_KEYS must be set in production"),
        ({"SCHOOL_SECRET_KEYS": "k1:00"}, "belong together"),
        ({"SCHOOL_S3_ENDPOINT": "s3:1", "SCHOOL_S3_BUCKET": "b"}, "SCHOOL_S3_BUCKET"),
        ({"SCHOOL_ENV": "production", **KEYS, "SCHOOL_S3_ENDPOINT": "s3:1"}, "SCHOOL_S3_ACCESS_KEY"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_says_what_to_write(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load(environ)


def test_overrides_win_and_none_is_no_override() -> None:
    assert load({"SCHOOL_PORT": "81"}, port=82).port == 82
    assert load({"SCHOOL_PORT": "81"}, port=None).port == 81


def test_another_process_reads_the_same_settings() -> None:
    settings = Settings(data=Path("/srv/学校"), https=True, port=81, trusted_proxies=2, name="青禾县 “网上党校”")
    assert load(dump(settings)) == settings
