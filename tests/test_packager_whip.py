"""ffmpeg's own WHIP through the real relay and packager: picture and sound arrive by HLS and in the recording, in step."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import services
from packager_kit import (
    apart,
    beeps,
    closed,
    fetched,
    flashes,
    order_state,
    packager,
    runs_of,
    stream_of,
    timeline_of,
)
from patience import until
from relay_kit import publish_ffmpeg, relay
from school.core.db import Database
from school.core.settings import Settings
from school.core.store import open_store
from school.media import streams
from school.media.models import StreamState


@pytest.mark.slow
def test_ffmpeg_broadcasts_a_talk_in_step(tmp_path: Path, sqlite_tables: Path) -> None:
    shutil.copyfile(sqlite_tables, tmp_path / "school.db")
    settings = Settings(data=tmp_path, packager_port=services.free_port())
    open_store(settings).prepare()
    db = Database(settings.db_url)
    with db.write() as s:
        stream_id = streams.open_stream(s).id
        streams.set_state(s, stream_id, StreamState.LIVE)
        key = streams.new_key(s, stream_id)
    with (
        packager(settings, tmp_path / "packager.log") as process,
        relay(settings) as running,
        publish_ffmpeg(f"{running.url}/whip/{stream_id}", key, seconds=30),
    ):
        until(lambda: closed(process, stream_id, 3))
        base = f"{process.url}/hls/{stream_id}/"
        film, sound = fetched(base + "hall/video.m3u8"), fetched(base + "hall/audio.m3u8")
        order_state(db, stream_id, StreamState.ENDED)
        until(lambda: stream_of(db, stream_id).finished_at)
    assert apart(flashes(film), beeps(sound)) < 0.08
    timeline = timeline_of(db, stream_of(db, stream_id).timeline_id)
    assert timeline.length_ms > 7000
    kept = [runs_of(db, open_store(settings), timeline, name)[-1] for name in ("source", "audio")]
    assert apart(flashes(kept[0]), beeps(kept[1])) < 0.08
    db.close()
