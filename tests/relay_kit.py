"""A real relay for tests, and who publishes to it and watches from it: ffmpeg, and pure Python with aiortc."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import aioice.ice
import av
import imageio_ffmpeg
import numpy as np
import requests
from aiortc import MediaStreamTrack, RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpsender import RTCRtpSender
from aiortc.rtp import RtcpSrPacket

import services
from patience import PATIENCE_S, until
from school.core.keys import load_keys
from school.core.settings import Settings, dump
from school.media.stream_tokens import Part, seal

T = TypeVar("T")
SDP = {"Content-Type": "application/sdp"}
BUNDLED = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)


# ── the relay ──────────────────────────────────────


@dataclass
class RelayProcess:
    """A relay process on a free port of loopback; may be killed and started again on the same port."""

    settings: Settings
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.relay_port}"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "media_worker.relay"], stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **dump(self.settings)}, cwd=Path(__file__).parent.parent,
            )  # fmt: skip
        try:
            services.wait_for_port(self.settings.relay_port, self.process)
        except RuntimeError as error:
            services.kill(self.process)
            raise RuntimeError(f"the relay did not start:\n{self.log.read_text()[-4000:]}") from error

    def stop(self) -> None:
        """The orderly end."""
        if self.process is not None:
            services.stop(self.process)
            self.process = None

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            services.kill(self.process)
            self.process = None

    def token(self, stream_id: int, part: Part, account_id: int = 1) -> str:
        return seal(load_keys(self.settings), stream_id, part, account_id)

    def health(self) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{self.url}/health", timeout=10).json()
        return found

    def stream(self, stream_id: int) -> dict[str, Any]:
        """What the relay knows of a stream; empty when it does not carry it."""
        answer = requests.get(f"{self.url}/streams/{stream_id}", timeout=10)
        found: dict[str, Any] = answer.json() if answer.ok else {}
        return found


@contextmanager
def relay(settings: Settings, **changes: Any) -> Iterator[RelayProcess]:
    """A running relay of `settings` (whose database must have its tables) on loopback; killed at the end."""
    settings = replace(settings, **{"relay_port": services.free_port(), "live_advertise": "127.0.0.1", **changes})
    settings.data.mkdir(parents=True, exist_ok=True)
    made = RelayProcess(settings, settings.data / f"relay-{settings.relay_port}.log")
    made.start()
    try:
        yield made
    finally:
        made.kill()


# ── ffmpeg ────────────────────────────────────────

FLASHES = "color=black:s={size}:r={rate},drawbox=x=0:y=0:w=iw:h=ih:color=white:t=fill:enable='lt(mod(t,1),0.2)'"  # white for 0.2 s at each full second
BEEPS = "aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.2)':s=48000"  # and a tone with it


def ffmpeg_command(
    url: str, token: str, *, seconds: float = 60, size: str = "320x180", rate: int = 15, kbps: int = 300,
    video: Sequence[str] = (), audio: Sequence[str] = ("-c:a", "libopus", "-b:a", "64k"),
) -> list[str]:  # fmt: skip
    """ffmpeg publishing flashes and beeps in step to `url` (…/whip/<stream>) for `seconds`."""
    video = video or (
        "-c:v", "libx264", "-profile:v", "baseline", "-bf", "0", "-preset", "ultrafast", "-tune", "zerolatency",
        "-g", str(2 * rate), "-b:v", f"{kbps}k",
    )  # fmt: skip
    return [
        imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error",
        "-re", "-f", "lavfi", "-i", FLASHES.format(size=size, rate=rate), "-re", "-f", "lavfi", "-i", BEEPS,
        "-t", str(seconds), "-pix_fmt", "yuv420p", *video, "-ar", "48000", "-ac", "2", *audio,
        "-f", "whip", "-authorization", token, url,
    ]  # fmt: skip


@contextmanager
def publish_ffmpeg(url: str, token: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """ffmpeg (see `ffmpeg_command`) as long as the block lasts."""
    process = subprocess.Popen(ffmpeg_command(url, token, **options), stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        process.communicate()


# ── pure Python ─────────────────────────────────────


class Loop:
    """An event loop in a thread, so that tests stay plain functions."""

    def __init__(self) -> None:
        self._connections: list[RTCPeerConnection] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 30) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def connection(self) -> RTCPeerConnection:
        """A new connection; closed with the loop at the latest, or its sockets would complain in some later test."""
        self._connections.append(RTCPeerConnection(BUNDLED))
        return self._connections[-1]

    def close(self) -> None:
        async def end() -> None:
            await asyncio.gather(*(one.close() for one in self._connections), return_exceptions=True)
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self.run(end(), PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def loop() -> Iterator[Loop]:
    made = Loop()
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    try:
        yield made
    finally:
        made.close()


@dataclass
class Session:
    """What WHIP and WHEP share on the client's side."""

    url: str  # …/whip/<stream> or …/whep/<stream>
    token: str
    loop: Loop
    pc: Any = None
    address: str = ""  # of the session
    status: int = 0
    error: dict[str, Any] = field(default_factory=dict)

    def offer(self, text: str) -> str | None:
        """Post an offer; the answer, or None with `status` and `error` set."""
        answer = requests.post(
            self.url, data=text, headers={**SDP, "Authorization": f"Bearer {self.token}"}, timeout=20
        )
        self.status = answer.status_code
        if answer.status_code != 201:
            self.error = answer.json()["error"]
            return None
        self.address = self.url[: self.url.index("/wh")] + answer.headers["Location"]
        return answer.text

    def connect(self) -> bool:
        """Offer, and wait until connected; False when the relay refused."""
        text = self.loop.run(self._begin())
        answer = self.offer(text)
        if answer is None:
            self.loop.run(self.pc.close())
            return False
        self.loop.run(self._accept(answer))
        until(lambda: self.pc.connectionState == "connected", what="connected")
        return True

    async def _begin(self) -> str:
        raise NotImplementedError

    async def _accept(self, answer: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))

    def delete(self) -> int:
        return requests.delete(self.address, timeout=10).status_code

    def close(self) -> None:
        """Leave as a page that is closed does: the connection ends in order, the session is not deleted."""
        if self.pc is not None:
            self.loop.run(self.pc.close())

    def vanish(self) -> None:
        """Be gone without a word, as when the line is cut."""

        async def cut() -> None:
            for protocol in self.pc.getTransceivers()[0].receiver.transport.transport._connection._protocols:
                protocol.transport.abort()

        self.loop.run(cut())


def pinned(codec: str) -> list[Any]:
    """aiortc's capabilities for `h264` (42e01f) or `vp8`, with retransmission."""
    known = RTCRtpSender.getCapabilities("video").codecs
    wanted = [c for c in known if c.name.lower() == codec and c.parameters.get("profile-level-id") in (None, "42e01f")]
    return [*wanted, *(c for c in known if c.name == "rtx")]


@cache
def clip(codec: str, size: tuple[int, int], rate: int) -> tuple[list[bytes], list[bytes]]:
    """Two seconds, encoded once: a bright and a dark second with a moving square; a tone in the bright one."""
    width, height = size
    video: Any = av.CodecContext.create({"h264": "libx264", "vp8": "libvpx"}[codec], "w")
    video.width, video.height, video.pix_fmt = width, height, "yuv420p"
    video.time_base, video.framerate, video.bit_rate, video.gop_size = Fraction(1, rate), Fraction(rate), 300_000, rate
    options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "bf": "0"}
    video.options = options if codec == "h264" else {"deadline": "realtime", "cpu-used": "8"}
    pictures = []
    for number in range(2 * rate):
        grey = np.full((height, width, 3), 220 if number < rate else 30, np.uint8)
        grey[8:24, 8 + number * 2 : 24 + number * 2] = 128
        frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
        frame.pts = number
        pictures += [bytes(packet) for packet in video.encode(frame)]
    pictures += [bytes(packet) for packet in video.encode(None)]
    audio: Any = av.CodecContext.create("libopus", "w")
    audio.sample_rate, audio.layout, audio.format = 48_000, "stereo", "s16"
    sounds = []
    for number in range(100):
        t = (np.arange(960) + number * 960) / 48_000
        tone = (0.5 * 32767 * np.sin(2 * np.pi * 1000 * t) * (number < 50)).astype(np.int16)
        sound = av.AudioFrame.from_ndarray(np.repeat(tone, 2)[None], format="s16", layout="stereo")
        sound.sample_rate, sound.pts, sound.time_base = 48_000, number * 960, Fraction(1, 48_000)
        sounds += [bytes(packet) for packet in audio.encode(sound)]
    return pictures, sounds


class Clip(MediaStreamTrack):
    """The clip again and again, never encoded twice, on a clock shared by the tracks of a publisher."""

    def __init__(self, kind: str, packets: list[bytes], seconds: float, begun: float) -> None:
        super().__init__()
        self.kind = kind
        self._packets, self._step, self._begun, self._number = packets, seconds / len(packets), begun, 0
        self.silent = False

    async def recv(self) -> av.Packet:
        while True:
            at = self._number * self._step
            await asyncio.sleep(max(0.0, self._begun + at - time.monotonic()))
            packet = av.Packet(self._packets[self._number % len(self._packets)])
            self._number += 1
            if not self.silent:
                break
        packet.time_base = Fraction(1, 90_000)
        packet.pts = packet.dts = round(at * 90_000)
        return packet


@dataclass
class Publisher(Session):
    """Publishes the clip: sound and `pictures` pictures (the second one small), or one sound or picture alone."""

    codec: str = "h264"
    size: tuple[int, int] = (320, 180)
    rate: int = 15
    sound: bool = True
    pictures: int = 1
    tracks: list[Clip] = field(default_factory=list)

    async def _begin(self) -> str:
        self.pc = self.loop.connection()
        begun, self.tracks = time.monotonic(), []
        if self.sound:
            self.tracks.append(Clip("audio", clip("h264", (320, 180), 15)[1], 2, begun))
        for number in range(self.pictures):
            size = self.size if number == 0 else (160, 96)
            self.tracks.append(Clip("video", clip(self.codec, size, self.rate)[0], 2, begun))
        for track in self.tracks:
            transceiver = self.pc.addTransceiver(track, direction="sendonly")
            if track.kind == "video":
                transceiver.setCodecPreferences(pinned(self.codec))
        await self.pc.setLocalDescription(await self.pc.createOffer())
        text: str = self.pc.localDescription.sdp
        return text


class Seen(NamedTuple):
    """One decoded picture or 20 ms of sound: when it came, the publisher's time (None before a report), how bright or loud."""

    arrived: float
    at: float | None
    level: float
    width: int


@dataclass
class Watcher(Session):
    """Decodes what it gets; `seen[n]` belongs to the n-th section of its offer (`sounds` sounds, then `pictures`)."""

    sounds: int = 4
    pictures: int = 3
    seen: list[list[Seen]] = field(default_factory=list)

    async def _begin(self) -> str:
        self.pc = self.loop.connection()
        self.seen = [[] for _ in range(self.sounds + self.pictures)]
        for number in range(self.sounds + self.pictures):
            transceiver = self.pc.addTransceiver("audio" if number < self.sounds else "video", direction="recvonly")
            if number >= self.sounds:
                transceiver.setCodecPreferences(pinned("h264"))
        await self.pc.setLocalDescription(await self.pc.createOffer())
        text: str = self.pc.localDescription.sdp
        return text

    async def _accept(self, answer: str) -> None:
        await super()._accept(answer)
        for number, transceiver in enumerate(self.pc.getTransceivers()):
            reports: list[Any] = []
            self._listen(transceiver.receiver, reports)
            task = asyncio.create_task(self._take(transceiver.receiver, self.seen[number], reports))
            self.pc.on("connectionstatechange", lambda task=task: None)  # keeps the task referenced

    @staticmethod
    def _listen(receiver: Any, reports: list[Any]) -> None:
        handle = receiver._handle_rtcp_packet

        async def heard(packet: Any) -> None:
            if isinstance(packet, RtcpSrPacket):
                reports.append(packet.sender_info)
            await handle(packet)

        receiver._handle_rtcp_packet = heard

    @staticmethod
    async def _take(receiver: Any, seen: list[Seen], reports: list[Any]) -> None:
        mapper = receiver._RTCRtpReceiver__timestamp_mapper
        while True:
            try:
                frame = await receiver.track.recv()
            except MediaStreamError:
                return
            at = None
            if reports:
                info = reports[-1]
                ticks = (
                    mapper._origin + round(frame.pts * frame.time_base * receiver_rate(receiver)) - info.rtp_timestamp
                )
                ticks = (ticks + 2**31) % 2**32 - 2**31
                at = info.ntp_timestamp / 2**32 + ticks / receiver_rate(receiver)
            if isinstance(frame, av.VideoFrame):
                level = float(frame.reformat(width=16, height=16, format="gray").to_ndarray().mean())
                seen.append(Seen(time.time(), at, level, frame.width))
            else:
                level = float(np.abs(frame.to_ndarray().astype(np.float32)).mean()) / 32768
                seen.append(Seen(time.time(), at, level, 0))

    def want(self, *names: str) -> int:
        return requests.patch(self.address, json={"want": names}, timeout=10).status_code


def receiver_rate(receiver: Any) -> int:
    return 90_000 if receiver.track.kind == "video" else 48_000


def onsets(seen: Sequence[Seen], threshold: float) -> list[float]:
    """Publisher's times at which the level rose above `threshold`."""
    return [now.at for before, now in pairwise(seen) if before.level <= threshold < now.level and now.at is not None]
