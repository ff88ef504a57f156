"""Looks into pictures, sounds and videos that strangers made, as a program of its own.

`python -m school.quizzes.bank.inspect_file FILE…`

It may not open, write, grow or run for long. For each file it prints one line of JSON: what it is, or why it is refused;
a picture is drawn anew, so that nothing but what is seen comes through (no place it was taken, no hidden content).
"""

from __future__ import annotations

import base64
import importlib
import io
import json
import pkgutil
import resource
import sys
from contextlib import suppress
from typing import Any, BinaryIO

from PIL import Image, ImageOps

PICTURES = ("JPEG", "PNG", "GIF", "WEBP", "BMP")
HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM")
PIXELS = 40_000_000
SIDE = 1600  # the longest side that is kept
THUMB = 128  # the longest side of what a list shows
PNG_LARGE = 1_000_000  # bytes from which a picture without transparency is rather a JPEG
VIDEO_MS = 5 * 60_000
SOUND_MS = 15 * 60_000
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,mp3,wav"  # those every phone plays
MEMORY = 2 * 1024**3
SECONDS = 20


def main(paths: list[str]) -> None:
    files = [open(path, "rb") for path in paths]  # noqa: SIM115 - they stay open; nothing else can be opened later
    pictures = [_is_picture(file) for file in files]
    Image.init()
    Image.MAX_IMAGE_PIXELS = None  # `_picture` says it in our words
    if not all(pictures):
        _load_av()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    seconds = SECONDS + 2 * len(files)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    for file, picture in zip(files, pictures, strict=True):
        print(json.dumps(_picture(file) if picture else _media(file)), flush=True)


def _load_av() -> None:
    import av

    for module in pkgutil.walk_packages(av.__path__, "av."):
        if module.name != "av.__main__":
            importlib.import_module(module.name)  # later it could not open them
    av.logging.set_level(None)


def _is_picture(file: BinaryIO) -> bool:
    head = file.read(16)
    file.seek(0)
    return head.startswith(HEADS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def _refused(code: str) -> dict[str, Any]:
    return {"refused": code}


# ── pictures ────────────────────────────────────────────


def _picture(file: BinaryIO) -> dict[str, Any]:
    try:
        source = Image.open(file, formats=PICTURES)
        if source.width * source.height > PIXELS:
            return _refused("pixels")
        lossy = source.format in {"JPEG", "WEBP"}
        source.draft("RGB", (SIDE, SIDE))
        image, see_through = _plain(ImageOps.exif_transpose(source))  # the first picture of a moving one
        data, mime = _drawn(image, see_through, lossy)
        thumb = _thumb(image, see_through)
    except MemoryError:
        return _refused("pixels")
    except Exception:  # whatever a decoder makes of a broken file
        return _refused("broken")
    return {
        "mime": mime, "width": image.width, "height": image.height, "length_ms": 0,
        "data": base64.b64encode(data).decode(), "thumb": base64.b64encode(thumb).decode(),
    }  # fmt: skip


def _plain(image: Image.Image) -> tuple[Image.Image, bool]:
    """Nothing but the picture, no larger than SIDE, and whether it is transparent."""
    see_through = image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info
    image = image.convert("RGBA" if see_through else "L" if image.mode in {"1", "L"} else "RGB")
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    image.info.clear()
    return image, see_through


def _drawn(image: Image.Image, see_through: bool, lossy: bool) -> tuple[bytes, str]:
    """The picture anew: PNG where it is transparent or drawn, else JPEG."""
    if see_through or not lossy:
        data = _saved(image, "PNG", optimize=True)
        if see_through or len(data) < PNG_LARGE:
            return data, "image/png"
    return _saved(image, "JPEG", quality=86, progressive=True, optimize=True), "image/jpeg"


def _thumb(image: Image.Image, see_through: bool) -> bytes:
    """A small one for lists."""
    small = image.copy()
    small.thumbnail((THUMB, THUMB), Image.Resampling.LANCZOS)
    return _saved(small, "PNG", optimize=True) if see_through else _saved(small, "JPEG", quality=75)


def _saved(image: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


# ── sound and video ─────────────────────────────────────


def _media(file: BinaryIO) -> dict[str, Any]:
    import av
    from av.stream import Disposition

    try:
        source = av.open(
            file, "r", options={"format_whitelist": FORMATS, "protocol_whitelist": "pipe"}, metadata_errors="replace"
        )
    except (av.FFmpegError, ValueError):
        return _refused("kind")
    try:
        with source:
            videos = [s for s in source.streams.video if not s.disposition & Disposition.attached_pic]
            sounds = list(source.streams.audio)
            mime = _mime(
                source.format.name, [s.codec_context.name for s in videos], [s.codec_context.name for s in sounds]
            )
            if mime is None:
                return _refused("codec")
            width, height = (videos[0].width, videos[0].height) if videos else (0, 0)
            if width * height > PIXELS // 4:
                return _refused("pixels")
            length_ms = _length_ms(source, [*videos, *sounds])
    except (av.FFmpegError, ValueError, MemoryError):
        return _refused("broken")
    if not length_ms:
        return _refused("broken")
    if length_ms > (VIDEO_MS if videos else SOUND_MS):
        return _refused("long")
    return {"mime": mime, "width": width, "height": height, "length_ms": length_ms, "data": None}


def _mime(form: str, videos: list[str], sounds: list[str]) -> str | None:
    """The type under which every phone plays it; None when some cannot."""
    if form.startswith("mov") and videos == ["h264"] and sounds in ([], ["aac"]):
        return "video/mp4"
    if form.startswith("mov") and not videos and sounds == ["aac"]:
        return "audio/mp4"
    if form == "mp3" and not videos and sounds in (["mp3"], ["mp3float"]):
        return "audio/mpeg"
    if form == "wav" and not videos and sounds in (["pcm_s16le"], ["pcm_u8"]):
        return "audio/wav"
    return None


def _length_ms(source: Any, streams: list[Any]) -> int:
    """How long it plays, every packet read; 0 when a stream has nothing that can be decoded."""
    end, proved = 0.0, set()
    for packet in source.demux(streams):
        if packet.pts is not None and packet.duration:
            end = max(end, float((packet.pts + packet.duration) * packet.time_base))
        if packet.stream.index not in proved:
            with suppress(StopIteration):
                next(iter(packet.decode()))
                proved.add(packet.stream.index)
    return round(end * 1000) if len(proved) == len(streams) else 0


if __name__ == "__main__":
    main(sys.argv[1:])
