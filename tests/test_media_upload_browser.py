"""The upload script of the pages (tus-js-client) against the real web process: killed, reloaded, watched to the end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from actors import PASSWORD, Cast
from patience import until
from school.core.db import Database
from school.core.settings import Settings
from school.core.store import open_store
from school.media import jobs, sources
from services import LiveServer

pytestmark = pytest.mark.browser

SIZE = 20_000_003
SOURCE = bytes(range(251)) * (SIZE // 251 + 1)

BEGIN = """async ([size, stop]) => {
  const { Sending } = await import('/static/js/upload.js');
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = i % 251;
  const file = new File([bytes], '第一讲 "终稿".mp4', { type: 'video/mp4' });
  const csrf = document.querySelector('meta[name=csrf-token]').content;
  const seen = (window.seen = { asset: 0, sent: 0, waited: 0, done: false, refused: '' });
  const sending = new Sending(file, { key: 'lesson-1-终稿', title: '第一讲', csrf, handlers: {
    asset: (id) => { seen.asset = id; },
    progress: ({ sent }) => { seen.sent = sent; if (stop && sent > stop) sending.pause(); },
    waiting: () => { seen.waited += 1; },
    done: () => { seen.done = true; },
    refused: (sentence) => { seen.refused = sentence; },
  } });
  await sending.start();
}"""


def seen(page: Page, condition: str) -> None:
    """Wait without `wait_for_function`, which needs an `eval` that the content policy forbids."""
    until(lambda: page.evaluate(condition), what=condition)


def test_an_upload_survives_a_reload_and_a_killed_server(
    settings: Settings, db: Database, cast: Cast, live_server: Callable[..., LiveServer], page: Page, tmp_path: Path
) -> None:
    server = live_server(settings)
    page.goto(f"{server.url}/sign-in?next=/account")
    page.fill("input[name=login]", cast.trainer.login)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{server.url}/account")
    page.evaluate(BEGIN, [SIZE, 9_000_000])
    seen(page, "seen.sent > 9_000_000")
    asset = page.evaluate("seen.asset")
    assert asset

    page.reload()  # the browser was closed; the same file is chosen again
    page.evaluate("() => import('/static/js/upload.js')")
    server.kill()
    page.evaluate(BEGIN, [SIZE, 0])
    seen(page, "seen.waited > 0")
    server.start()
    page.evaluate("dispatchEvent(new Event('online'))")  # as when the network is back; else it waits ten seconds
    seen(page, "seen.done")
    assert page.evaluate("[seen.asset, seen.refused]") == [asset, ""]
    assert jobs.claim(db, ["ingest"], "w") is not None
    found = sources.fetch_source(db, open_store(settings), asset, tmp_path / "source")
    assert found == hashlib.sha256(SOURCE[:SIZE]).hexdigest()
