"""One frozen Settings object, read from SCHOOL_* variables; an unknown or missing one stops the start."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

PREFIX = "SCHOOL_"


class SettingsError(ValueError):
    """A variable is unknown, missing or cannot be read; the message says which and what to write."""


def _setting(doc: str, default: Any = None, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"doc": doc, "secret": secret})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of the school. Sizes in bytes, times in seconds unless the name says otherwise."""

    env: str = _setting("`development` or `production`; production refuses missing secrets", "development")
    data: Path = _setting("folder for the embedded database, store, keys and spools", Path("data"))
    name: str = _setting("name of the school on every page", "青禾县网上党校")
    zone: str = _setting("IANA time zone that decides day and year", "Asia/Shanghai")
    host: str = _setting("address the web process listens on", "127.0.0.1")
    port: int = _setting("port the web process listens on", 8000)
    origin: str = _setting("public origin such as `https://school.example`; empty: taken from the request", "")
    https: bool = _setting("serve TLS with a self-signed certificate made in the data folder", False)
    trusted_proxies: int = _setting("how many proxies in front add X-Forwarded-* headers", 0)
    database_url: str = _setting("SQLAlchemy URL; empty: SQLite in the data folder", "", secret=True)
    redis_url: str = _setting("Redis for several web processes; empty: one process", "", secret=True)
    s3_endpoint: str = _setting("host:port of an S3 store; empty: a folder in the data folder", "")
    s3_bucket: str = _setting("bucket of the S3 store", "school")
    s3_region: str = _setting("region of the S3 store", "us-east-1")
    s3_access_key: str = _setting("access key of the S3 store", "", secret=True)
    s3_secret_key: str = _setting("secret key of the S3 store", "", secret=True)
    s3_secure: bool = _setting("talk TLS to the S3 store", False)
    secret_keys: str = _setting(
        "signing and encryption keys as `id:hex,id:hex`, the first one signs; empty: made in the data folder",
        "",
        secret=True,
    )
    id_hash_key: str = _setting(
        "hex key of the ID-number hash, never rotated; empty: made in the data folder", "", secret=True
    )
    ffmpeg: str = _setting("path of ffmpeg; empty: the one of imageio-ffmpeg", "")
    media_workers: int = _setting("media worker processes that `school up` starts", 1)
    live_node: str = _setting("name of this machine's relay and packager; empty: they are called `main`", "")
    live_host: str = _setting("address relay and packager listen on for the web processes", "127.0.0.1")
    relay_port: int = _setting("port of the relay (WHIP and WHEP, behind the web process)", 8010)
    packager_port: int = _setting("port of the packager (live HLS, behind the web process)", 8011)
    live_name: str = _setting("host name by which the web processes reach relay and packager; empty: live_host", "")
    live_advertise: str = _setting("public IP address the relay names to browsers; empty: its own addresses", "")
    ice_servers: str = _setting("STUN and TURN servers as JSON list of {urls, username, credential}", "", secret=True)
    live_seats: int = _setting("viewers of one relay that watch with almost no delay; the others watch HLS", 100)
    live_low_latency: int = _setting("viewers of one packager that watch low-latency HLS", 100)
    live_transcode: bool = _setting("turn VP8 of a publisher without H.264 into H.264 (0.3 core each)", False)
    live_gso: bool = _setting("send bursts with UDP segmentation offload where the kernel has it", True)
    upload_limit: int = _setting("largest upload", 8 * 1024**3)
    session_days: int = _setting("days after which an unused sign-in ends", 14)
    help_phone: str = _setting("phone number for help in the footer", "0990-000 0000（8:30—21:00）")
    grey_days: str = _setting("days of mourning on which pages are grey, as `2026-12-13,2027-04-04`", "")
    filing: str = _setting("ICP and police filing numbers in the footer", "")

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def node(self) -> str:
        """Name of this machine's relay and packager."""
        return self.live_node or "main"

    @property
    def ice(self) -> list[dict[str, Any]]:
        """`ice_servers` as browsers and the relay take them: `{urls, username?, credential?}` each. Raises SettingsError."""
        wrong = SettingsError(f'{PREFIX}ICE_SERVERS: write a JSON list such as [{{"urls": "turn:turn.example:3478"}}]')
        try:
            servers = json.loads(self.ice_servers or "[]")
        except ValueError:
            raise wrong from None
        if not isinstance(servers, list) or not all(isinstance(each, dict) and "urls" in each for each in servers):
            raise wrong
        return servers

    @property
    def db_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data / 'school.db'}"


def _read(kind: str, name: str, text: str) -> Any:
    match kind:
        case "int":
            try:
                return int(text)
            except ValueError:
                raise SettingsError(f"{name}={text!r}: write a whole number") from None
        case "bool":
            if text.lower() in {"1", "true", "yes", "on"}:
                return True
            if text.lower() in {"0", "false", "no", "off", ""}:
                return False
            raise SettingsError(f"{name}={text!r}: write 1 or 0")
        case "Path":
            return Path(text)
        case _:
            return text


def load(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Settings from `environ` (default os.environ); `overrides` win. Raises SettingsError."""
    environ = os.environ if environ is None else environ
    known = {PREFIX + f.name.upper(): f for f in fields(Settings)}
    values: dict[str, Any] = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX):
            continue
        if name not in known:
            raise SettingsError(f"{name} is not a setting of the school; see docs/operations.md")
        values[known[name].name] = _read(str(known[name].type), name, text)
    values.update({k: v for k, v in overrides.items() if v is not None})
    settings = Settings(**values)
    if settings.env not in {"development", "production"}:
        raise SettingsError("SCHOOL_ENV: write development or production")
    _ = settings.ice  # say now that it cannot be read
    if settings.s3_endpoint and not 3 <= len(settings.s3_bucket) <= 63:
        raise SettingsError("SCHOOL_S3_BUCKET: write a name of 3 to 63 letters")
    if bool(settings.secret_keys) != bool(settings.id_hash_key):
        raise SettingsError("SCHOOL_SECRET_KEYS and SCHOOL_ID_HASH_KEY belong together: write both or neither")
    if settings.production:
        for name in ("secret_keys", "id_hash_key"):
            if not getattr(settings, name):
                raise SettingsError(f"{PREFIX}{name.upper()} must be set in production")
        if settings.s3_endpoint and not (settings.s3_access_key and settings.s3_secret_key):
            raise SettingsError("SCHOOL_S3_ACCESS_KEY and SCHOOL_S3_SECRET_KEY must be set in production")
    return settings


def dump(settings: Settings) -> dict[str, str]:
    """The variables from which another process reads the same settings."""
    values = {PREFIX + f.name.upper(): getattr(settings, f.name) for f in fields(Settings)}
    return {name: str(int(value)) if isinstance(value, bool) else str(value) for name, value in values.items()}
