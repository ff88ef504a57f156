"""`school doctor`: says what is missing or wrong on this machine, and how to mend it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import sqlalchemy as sa

from school import migrate
from school.core.db import Database
from school.core.settings import Settings
from school.core.store import open_store
from school.media import streams

AIORTC = "1.16."  # as pyproject.toml pins it
LOW_SPACE = 5 * 1024**3
WEBKIT = Path(__file__).parent / "webkit" / "static"
LOCALES = Path(__file__).parent / "locales"


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `mend` says what to do when it is not `good`."""

    what: str
    good: bool
    found: str
    mend: str = ""


def _data(settings: Settings) -> Finding:
    settings.data.mkdir(parents=True, exist_ok=True)
    probe = settings.data / ".doctor"
    probe.write_bytes(b"x")
    probe.unlink()
    free = shutil.disk_usage(settings.data).free
    return Finding(
        "数据目录",
        free > LOW_SPACE,
        f"{settings.data}，剩余 {free / 1024**3:.1f} GB",
        "腾出空间，或用 --data 换一块磁盘",
    )


def _database(settings: Settings) -> Finding:
    db = Database(settings.db_url)
    try:
        with db.engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
        have, want = migrate.current(db), migrate.newest()
    finally:
        db.close()
    return Finding("数据库", have == want, f"{db.engine.dialect.name}，版本 {have or '空'}", "运行 school migrate")


def _store(settings: Settings) -> Finding:
    store = open_store(settings)
    store.put("doctor/probe", b"probe")
    good = store.read("doctor/probe") == b"probe"
    store.delete("doctor/probe")
    return Finding("对象存储", good, settings.s3_endpoint or str(settings.data / "store"), "检查存储服务和密钥")


def _redis(settings: Settings) -> Finding:
    if not settings.redis_url:
        return Finding("Redis", True, "没有使用（一个网页进程不需要）")
    import redis

    return Finding("Redis", bool(redis.Redis.from_url(settings.redis_url).ping()), "已连上", "检查 SCHOOL_REDIS_URL")


def _live(settings: Settings) -> Finding:
    """The relay uses private parts of aiortc, so only the release it was tested with will do."""
    found = metadata.version("aiortc")
    db = Database(settings.db_url)
    try:
        with db.read() as s:
            names = streams.living(s)
    finally:
        db.close()
    words = f"在线：{'、'.join(names)}" if names else "现在没有转发服务在线（school up 会启动）"
    return Finding("直播", found.startswith(AIORTC), f"aiortc {found}，{words}", "重新运行 script/server")


def _ffmpeg(settings: Settings) -> Finding:
    if settings.ffmpeg:
        path = settings.ffmpeg
    else:
        import imageio_ffmpeg

        path = imageio_ffmpeg.get_ffmpeg_exe()
    out = subprocess.run([path, "-hide_banner", "-encoders"], capture_output=True, text=True, timeout=30, check=True)
    return Finding("ffmpeg", "libx264" in out.stdout, path, "安装带 libx264 的 ffmpeg，或清空 SCHOOL_FFMPEG")


def _scripts(_settings: Settings) -> Finding:
    missing = [n for n in ("hls.mjs", "echarts.esm.mjs", "tus.mjs") if not (WEBKIT / "vendor" / n).exists()]
    return Finding(
        "网页脚本", not missing, "、".join(missing) + " 缺少" if missing else "齐全", "重新运行 script/server"
    )


def _words(_settings: Settings) -> Finding:
    good = (LOCALES / "en" / "LC_MESSAGES" / "messages.mo").exists()
    return Finding("英文译文", good, "齐全" if good else "没有编译", "重新运行 script/server")


CHECKS: dict[str, Callable[[Settings], Finding]] = {
    "数据目录": _data,
    "数据库": _database,
    "对象存储": _store,
    "Redis": _redis,
    "ffmpeg": _ffmpeg,
    "直播": _live,
    "网页脚本": _scripts,
    "英文译文": _words,
}


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at every part; a part that fails is a finding, never an exception."""
    for what, check in CHECKS.items():
        try:
            yield check(settings)
        except Exception as error:
            yield Finding(
                what, False, f"{type(error).__name__}: {error}".splitlines()[0], "看上面的原因，修好后再运行一次"
            )
