"""Glass to glass in Chromium: a clock drawn as a bar code into the published picture, read from the picture watched.

One page publishes a canvas (720p30), one watches by the room's own WHEP; two more watch low-latency HLS and the hall's
plain segments. All of it comes through nginx as the compose file sets it up, with a web process behind it.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from bench.harness import Goal, Measured, ahead, percentile
from bench.hls_hall import front
from school.core.db import Database
from school.core.keys import load_keys
from school.core.settings import Settings
from school.live.hall import addresses
from school.media import streams
from school.media.models import StreamState
from school.tables import Base

GOAL = Goal(100, "ms at p50, by WHEP")
LIMITS = {"whep_p95": 250, "low_p50": 2500, "hall_p50": 7000}
SECONDS = int(os.environ.get("BENCH_SECONDS", "15"))
HLS = Path(__file__).parent.parent / "school" / "webkit" / "static" / "vendor" / "hls.mjs"
ARGS = ["--disable-features=WebRtcHideLocalIpsWithMdns"]

PUBLISH = """async ([url, token]) => {
  const canvas = document.body.appendChild(Object.assign(document.createElement('canvas'), {width: 1280, height: 720}));
  const pen = canvas.getContext('2d', {alpha: false});
  let turn = 0;
  setInterval(() => {
    const now = Date.now() >>> 0;
    turn++;
    pen.fillStyle = '#246';
    pen.fillRect(0, 0, 1280, 720);
    for (let n = 0; n < 40; n++) {
      pen.fillStyle = `hsl(${(turn * 3 + n * 9) % 360}, 70%, 50%)`;
      pen.fillRect((n * 97 + turn * 5) % 1280, 200 + (n * 53) % 460, 80, 50);
    }
    for (let bit = 0; bit < 32; bit++) {
      pen.fillStyle = now >>> bit & 1 ? '#fff' : '#000';
      pen.fillRect(bit * 40, 0, 40, 64);
    }
  }, 1000 / 30);
  const sound = (await navigator.mediaDevices.getUserMedia({audio: true})).getAudioTracks()[0];
  const stream = canvas.captureStream(30);
  const pc = window.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  pc.addTransceiver(sound, {direction: 'sendonly', streams: [stream]});
  const encoding = {maxBitrate: 2000000};
  pc.addTransceiver(stream.getVideoTracks()[0], {direction: 'sendonly', streams: [stream], sendEncodings: [encoding]});
  await pc.setLocalDescription(await pc.createOffer());
  const headers = {'Content-Type': 'application/sdp', Authorization: 'Bearer ' + token};
  const answer = await fetch(url, {method: 'POST', headers, body: pc.localDescription.sdp});
  await pc.setRemoteDescription({type: 'answer', sdp: await answer.text()});
}"""
READ = """() => {
  const video = window.video = document.body.appendChild(document.createElement('video'));
  video.muted = true;
  const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  window.late = [];
  const read = () => {
    const width = video.videoWidth, height = Math.max(8, Math.round(video.videoHeight * 64 / 720));
    if (width) {
      Object.assign(pen.canvas, {width, height});
      pen.drawImage(video, 0, 0, width, height, 0, 0, width, height);
      const row = pen.getImageData(0, height >> 1, width, 1).data;
      let clock = 0;
      for (let bit = 0; bit < 32; bit++) if (row[Math.floor((bit + .5) * width / 32) * 4 + 1] > 128) clock |= 1 << bit;
      window.late.push((Date.now() >>> 0) - (clock >>> 0));
    }
    video.requestVideoFrameCallback(read);
  };
  video.requestVideoFrameCallback(read);
}"""
WHEP = """async ([whep, token]) => {
  const {Whep} = await import('/static/js/live/whep.js');
  const session = window.session = new Whep();
  await session.open({whep, token, ice_servers: []});
  session.want(['screen', 'camera']);
  const sound = document.body.appendChild(document.createElement('audio'));  // apart from the picture, as in the room
  sound.srcObject = new MediaStream([session.tracks.mic]);
  video.srcObject = new MediaStream([session.tracks.camera]);
  await Promise.all([sound.play(), video.play()]);
}"""
LIST = """async ([url, code]) => {
  const {default: Hls} = await import(URL.createObjectURL(new Blob([code], {type: 'text/javascript'})));
  const more = url.endsWith('/low.m3u8') ? {} : {liveSyncDurationCount: 2};  // as the room's hall.js plays them
  const hls = window.hls = new Hls({lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.5, enableWorker: false, ...more});
  hls.loadSource(url);
  hls.attachMedia(video);
  video.play();
}"""


def measure() -> Measured:
    import services

    ahead()  # a camera or a player that gets no turn shows the machine's delay, not the school's
    with tempfile.TemporaryDirectory() as name, services.chromium() as beside:
        found = _measure(Path(name), beside)
    runs = [
        {"path": path, "pictures": len(late), "p50": percentile(late, 0.5), "p95": percentile(late, 0.95)}
        for path, late in found.items()
        if late
    ]
    by = {run["path"]: run for run in runs}
    reached = {"whep_p95": by["whep"]["p95"]} | {f"{p}_p50": by[p]["p50"] for p in ("low", "hall") if p in by}
    sound = all(reached.get(key, float("inf")) <= limit for key, limit in LIMITS.items())
    sound = sound and all(run["pictures"] > 15 * SECONDS for run in runs)  # a picture that stands still tells nothing
    return Measured(by["whep"]["p50"], runs, sound=sound, notes={"reached_ms": reached, "limits_ms": LIMITS})


def _measure(data: Path, beside: Any) -> dict[str, list[float]]:
    import services
    from packager_kit import packager
    from relay_kit import relay, until

    settings = Settings(data=data, packager_port=services.free_port())
    db = Database(settings.db_url)
    Base.metadata.create_all(db.engine)
    with db.write() as s:
        stream = streams.open_stream(s)
        stream.state = StreamState.LIVE
        stream_id = stream.id
    browser = beside.browser_type.launch(
        executable_path=services.chromium_path(), args=[*services.BROWSER_ARGS, *services.CAMERA_ARGS, *ARGS]
    )
    with ExitStack() as stack:
        running = stack.enter_context(relay(settings))
        stack.enter_context(packager(running.settings, data / "packager.log"))
        web = services.LiveServer(replace(running.settings, port=services.free_port()), data / "web.log")
        web.start()
        stack.callback(web.kill)
        door, _ = stack.enter_context(front(data / "front", f"127.0.0.1:{web.settings.port}"))
        lists = addresses(load_keys(running.settings), stream_id)
        pages = browser.new_context(bypass_csp=True)
        publishing = pages.new_page()
        publishing.goto(f"{door}/ping")
        publishing.evaluate(PUBLISH, [f"{door}/whip/{stream_id}", running.token(stream_id, "publish")])
        until(lambda: running.stream(stream_id)["sources"].get("camera", {}).get("live"), 20)
        time.sleep(6)  # the encoder finds its size, the first segments close
        found = {}
        for path in ("whep", "low", "hall"):
            page = pages.new_page()
            page.goto(f"{door}/ping")
            page.evaluate(READ)
            if path == "whep":
                page.evaluate(WHEP, [f"{door}/whep/{stream_id}", running.token(stream_id, "watch", 2)])
            else:
                page.evaluate(LIST, [door + lists[path], HLS.read_text()])
            found[path] = _late(page)
            page.close()
    browser.close()
    db.close()
    return found


def _late(page: Page) -> list[float]:
    """How late each picture was, once it plays steadily; empty when none came."""
    page.wait_for_timeout(8_000)
    page.evaluate("window.late = []")
    page.wait_for_timeout(SECONDS * 1000)
    return [late for late in page.evaluate("window.late") if -100 < late < 60_000]
