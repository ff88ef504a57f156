"""Looks into a file that a stranger made: PyAV in a child process that may not open, write, grow or run for long.

As a program (`python -m media_worker.transcode.probe FILE`) it is that child and prints JSON.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import resource
import subprocess
import sys
from array import array
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median_low
from typing import Any

from media_worker.transcode import boxes, ladder
from media_worker.transcode.facts import Facts, Picture, Sound
from media_worker.transcode.refusal import Refused

FORMATS = (
    "mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "flv", "live_flv", "asf", "mpeg", "mpegts",
    "mpegvideo", "ogg", "wav", "w64", "mp3", "aac", "flac", "amr", "aiff", "caf", "rm", "dv", "mxf", "ivf", "h264",
)  # fmt: skip
VIDEO_CODECS = (
    "h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video", "mpeg1video", "h263", "flv1", "wmv1", "wmv2",
    "wmv3", "vc1", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "mjpeg", "theora", "prores", "dnxhd", "dvvideo", "rv30",
    "rv40", "svq3", "cinepak", "tscc", "tscc2", "qtrle", "flashsv", "flashsv2", "vp6", "vp6f", "mss1", "mss2",
    "libdav1d", "libvpx", "libvpx-vp9",
)  # fmt: skip
AUDIO_CODECS = (
    "aac", "mp3", "mp3float", "mp2", "mp2float", "ac3", "eac3", "opus", "libopus", "vorbis", "libvorbis", "flac",
    "alac", "wmav1", "wmav2", "wmapro", "wmalossless", "wmavoice", "amrnb", "amrwb", "amr_nb", "amr_wb",
    "libopencore_amrnb", "libopencore_amrwb", "cook", "speex", "libspeex", "nellymoser", "gsm", "gsm_ms",
    "adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt", "adpcm_swf", "adpcm_yamaha", "dts", "dca", "truehd", "aac_latm",
)  # fmt: skip
PIXELS_MAX = 40_000_000
LENGTH_MAX_MS = 12 * 3600_000
LENGTH_MIN_MS = 1000
MEMORY = 2 * 1024**3
SECONDS = 180  # wall time; a child that only reads packets needs 0.1 s for a minute of video
LISTS = (b"#EXTM3U", b"ffconcat", b"<svg", b"<?xml", b"[playlist]", b"v=0\r\n", b"<!DOCTYPE", b"<html")


def probe(path: Path) -> Facts:
    """The facts of a file, or Refused with a reason a trainer understands."""
    if path.stat().st_size == 0:
        raise Refused("file.empty")
    with path.open("rb") as file:
        head = file.read(512).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(LISTS):
        raise Refused("file.refused")
    try:
        child = subprocess.run(
            [sys.executable, "-m", "media_worker.transcode.probe", str(path)],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False, process_group=0,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Refused("file.slow_to_open") from None
    if child.returncode < 0:  # it hit a limit, or the file broke the library: not a file to give to ffmpeg
        raise Refused("file.not_media", detail=f"probe ended by signal {-child.returncode}")
    if child.returncode:
        raise Refused("worker.fault", detail=child.stderr.decode(errors="replace")[-2000:])
    answer = json.loads(child.stdout)
    if "refused" in answer:
        raise Refused(answer["refused"], **answer["params"])
    facts = Facts.from_json(answer)
    _check_length(facts)
    return facts


def _check_length(facts: Facts) -> None:
    missing = facts.promised_us - facts.length_us
    if missing > max(2_000_000, facts.promised_us // 50):
        raise Refused("file.truncated", kept_ms=facts.length_ms, expected_ms=facts.promised_us // 1000)
    if facts.length_ms > LENGTH_MAX_MS:
        raise Refused("file.too_long", length_ms=facts.length_ms, limit_ms=LENGTH_MAX_MS)
    if facts.length_ms < LENGTH_MIN_MS:
        raise Refused("file.too_short", length_ms=facts.length_ms)


class _Track:
    """Times of one stream's packets, in its own ticks."""

    def __init__(self, stream: Any, origin_us: int) -> None:
        self.base: Fraction = stream.time_base
        self.origin = round(Fraction(origin_us, 1_000_000) / self.base)
        self.times = array("q")
        self.keys = array("q")
        self.bytes = 0
        self.end = 0
        self.clean = _avc(stream)  # whole H.264 units, and a decoder may begin at every key frame

    def add(self, packet: Any, picture: bool) -> None:
        moment = packet.pts if packet.pts is not None else packet.dts
        if moment is None:
            return
        moment -= self.origin
        self.bytes += packet.size
        self.end = max(self.end, moment + (packet.duration or 0))
        if not picture:
            if not self.times:
                self.times.append(moment)
            return
        self.times.append(moment)
        if self.clean:
            kinds = boxes.nal_kinds(bytes(packet))
            self.clean = bool(kinds) and (not packet.is_keyframe or boxes.IDR in kinds)
        if packet.is_keyframe:
            self.keys.append(moment)

    def us(self, ticks: int) -> int:
        return round(ticks * self.base * 1_000_000)


def _avc(stream: Any) -> bool:
    context = stream.codec_context
    return context.name == "h264" and boxes.avc_codecs(context.extradata or b"") != ""


def _examine(path: Path) -> dict[str, Any]:
    """Everything `probe` answers, from inside the child."""
    import av
    from av.stream import Disposition

    for module in pkgutil.walk_packages(av.__path__, "av."):
        if module.name != "av.__main__":
            importlib.import_module(module.name)  # later it could not open them
    av.logging.set_level(None)
    with path.open("rb") as file:
        unfinished = _unfinished(path)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # the file above stays open; nothing else, no socket
        try:
            source = av.open(
                file,
                "r",
                options={"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "pipe"},
                metadata_errors="replace",
            )
        except (av.FFmpegError, ValueError):
            return {"refused": "file.unfinished" if unfinished else "file.not_media", "params": {}}
        with source:
            videos = [s for s in source.streams.video if not s.disposition & Disposition.attached_pic]
            video = videos[0] if videos else None
            audio = source.streams.audio[0] if source.streams.audio else None
            if refused := _unsuitable(video, audio):
                return refused
            origin = source.start_time or 0
            tracks = {s.index: _Track(s, origin) for s in (video, audio) if s is not None}
            _scan(source, [s for s in (video, audio) if s is not None], tracks)
            picture = _picture(source, video, tracks[video.index]) if video and tracks[video.index].times else None
            sound = _sound(audio, tracks[audio.index]) if audio and tracks[audio.index].times else None
            if picture is None and sound is None:
                return {"refused": "file.unfinished" if unfinished else "file.not_media", "params": {}}
            length = max(part.end_us for part in (picture, sound) if part)
            promised = [s.duration * s.time_base for s in (video, audio) if s and s.duration and s.time_base]
            promised_us = round(max(promised) * 1_000_000) if promised else source.duration or 0
            return Facts(source.format.name, path.stat().st_size, length, promised_us, picture, sound).to_json()


def _unfinished(path: Path) -> bool:
    with path.open("rb") as file:
        kinds = set(boxes.top_kinds(file))
    return b"ftyp" in kinds and b"moov" not in kinds


def _unsuitable(video: Any, audio: Any) -> dict[str, Any] | None:
    if video is None and audio is None:
        return {"refused": "file.not_media", "params": {}}
    for stream, known in ((video, VIDEO_CODECS), (audio, AUDIO_CODECS)):
        if stream is None:
            continue
        if _tag(stream) in {"encv", "enca", "drmi", "drms"}:
            return {"refused": "file.protected", "params": {}}
        name = stream.codec_context.name
        if name not in known and not name.startswith("pcm_"):
            return {"refused": "file.codec", "params": {"codec": name}}
    if video is not None:
        width, height = video.codec_context.width, video.codec_context.height
        if width * height > PIXELS_MAX:
            return {"refused": "file.too_many_pixels", "params": {"width": width, "height": height}}
    return None


def _tag(stream: Any) -> str:
    try:
        return str(stream.codec_context.codec_tag)
    except UnicodeDecodeError:  # a number, as AVI and WAV have
        return ""


def _scan(source: Any, streams: list[Any], tracks: dict[int, _Track]) -> None:
    """Read every packet; a file that breaks off simply ends here."""
    import av

    try:
        for packet in source.demux(streams):
            tracks[packet.stream.index].add(packet, packet.stream.type == "video")
    except av.FFmpegError:
        return


def _picture(source: Any, stream: Any, track: _Track) -> Picture:
    context = stream.codec_context
    frame = _first_frame(source, stream)
    times = sorted(track.times)
    gaps = [b - a for a, b in pairwise(times) if b > a]
    end = max(track.end, times[-1] + (median_low(gaps) if gaps else 0))
    span = track.us(end - times[0]) or 1
    mean = len(times) * 1_000_000 / span
    usual = float(1 / (median_low(gaps) * track.base)) if gaps else mean
    aspect = Fraction(stream.sample_aspect_ratio or context.sample_aspect_ratio or 1) or Fraction(1)
    keys = [*sorted(track.keys), end]
    starts_clean = bool(track.keys) and keys[0] == times[0]
    codecs = boxes.avc_codecs(context.extradata) if track.clean and starts_clean else ""
    return Picture(
        codec=context.name,
        width=context.width,
        height=context.height,
        pixel_aspect=aspect,
        rotation=frame.rotation % 360 if frame else 0,
        rate=ladder.snapped(max(mean, usual) if usual < 2 * mean or usual <= ladder.RATE_MAX else mean),
        pixel_format=context.pix_fmt or "",
        interlaced=bool(frame and frame.interlaced_frame),
        start_us=track.us(times[0]),
        end_us=track.us(end),
        bit_rate=track.bytes * 8_000_000 // span,
        longest_gap_us=track.us(max(gaps, default=0)),
        codecs=codecs,
        timescale=int(1 / track.base) if track.base.numerator == 1 else 0,
        longest_gop_us=track.us(max((b - a for a, b in pairwise(keys)), default=0)),
        cuts_us=tuple(track.us(t) for t in _cuts(keys, int(ladder.SEGMENT / track.base))) if codecs else (),
    )


def _cuts(keys: list[int], least: int) -> list[int]:
    """Key frames at least `least` ticks apart; `keys` ends with the end of the stream."""
    cuts = keys[:1]
    for key in keys[1:-1]:
        if key - cuts[-1] >= least:
            cuts.append(key)
    return cuts


def _first_frame(source: Any, stream: Any) -> Any:
    import av

    try:
        source.seek(0)
        return next(iter(source.decode(stream)), None)
    except av.FFmpegError:
        return None


def _sound(stream: Any, track: _Track) -> Sound:
    context = stream.codec_context
    return Sound(context.name, context.channels, context.rate, track.us(track.times[0]), track.us(track.end))


def main(path: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    json.dump(_examine(path), sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
