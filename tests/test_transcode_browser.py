"""A browser plays what the transcoder made: one unbroken stretch from zero, on every rendition, to the very end."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import transcode_kit as kit
from playwright.sync_api import Page

from school.core.db import Database
from school.core.settings import Settings
from school.core.store import open_store
from school.media import playlists, queries
from school.media.rules import Rendition

VENDOR = Path(__file__).parents[1] / "school" / "webkit" / "static" / "vendor"
PAGE = """<!doctype html><video muted></video><script type="module">
import Hls from "./hls.mjs";
const video = document.querySelector("video"), hls = new Hls({ enableWorker: false });
window.troubles = [];
const busy = [Hls.ErrorDetails.BUFFER_STALLED_ERROR]; // the machine shows nothing for a moment: no trouble of the film
hls.on(Hls.Events.ERROR, (_, { details }) => busy.includes(details) || window.troubles.push(details));
hls.on(Hls.Events.MANIFEST_PARSED, () => { hls.loadLevel = Number(location.hash.slice(1)); });
hls.loadSource("master.m3u8");
hls.attachMedia(video);
window.hls = hls;
</script>"""
SOURCES: dict[str, Callable[[Path], Path]] = {
    "copied.mp4": lambda path: kit.copyable(path, seconds=6, size="1280x720"),
    "encoded.mkv": lambda path: kit.clip(
        path, "-c:v", "mpeg4", "-c:a", "aac", seconds=6, size="1280x720", rate="30000/1001"
    ),
}

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


class Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


@pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", SOURCES)
def test_a_browser_plays_it_from_beginning_to_end(
    name: str, db: Database, settings: Settings, tmp_path: Path, page: Page
) -> None:
    store = open_store(settings)
    store.prepare()
    asset = kit.given(db, store, SOURCES[name](tmp_path / name))
    kit.work(settings, store)
    _, timeline = kit.made(db, asset)
    assert timeline
    folder = tmp_path / "site"
    renditions = [Rendition(**r) for r in timeline.renditions]
    for stat in store.list(timeline.prefix):
        target = folder / stat.key.removeprefix(timeline.prefix)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(store.read(stat.key))
    with db.read() as s:
        for rendition in renditions:
            listed = playlists.media(rendition.name, queries.segments(s, timeline.id, rendition.name), sealed=True)
            (folder / rendition.name / "index.m3u8").write_text(listed)
    (folder / "master.m3u8").write_text(playlists.master(renditions))
    (folder / "hls.mjs").write_bytes((VENDOR / "hls.mjs").read_bytes())
    (folder / "index.html").write_text(PAGE)
    with served(folder) as origin:
        for level, height in enumerate([480, 720]):
            page.goto(f"{origin}?{level}#{level}")
            page.wait_for_function(f"document.querySelector('video').videoHeight === {height}")
            page.wait_for_function(
                "() => { const b = document.querySelector('video').buffered; return b.length && b.end(b.length - 1) > 5.8; }"
            )
            stretches = page.evaluate(
                "() => { const b = document.querySelector('video').buffered;"
                " return Array.from({length: b.length}, (_, n) => [b.start(n), b.end(n)]); }"
            )
            assert len(stretches) == 1, stretches
            assert stretches[0][0] == pytest.approx(0, abs=0.05)
            page.evaluate("document.querySelector('video').currentTime = 4.9")
            page.wait_for_function("!document.querySelector('video').seeking")
        page.evaluate("() => document.querySelector('video').play()")
        page.wait_for_function("document.querySelector('video').ended")
        assert page.evaluate("document.querySelector('video').duration") == pytest.approx(6, abs=0.1)
        assert page.evaluate("troubles") == []
