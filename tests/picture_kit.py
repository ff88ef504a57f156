"""Files as phones, recorders and strangers make them, for the tests of the question bank."""

from __future__ import annotations

import io
import struct
import wave
import zlib
from typing import Any

import av
import numpy as np
from PIL import Image

from actors import Cast
from school.core.db import Database
from school.core.store import ObjectStore
from school.quizzes.bank import files
from school.quizzes.bank.models import QuestionFile


def picture(form: str = "PNG", size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: Any) -> bytes:
    """A picture with a red field on white."""
    image = Image.new("RGB", size, "white")
    image.paste("red", (0, 0, size[0] // 2, size[1] // 2))
    out = io.BytesIO()
    image.convert(mode).save(out, form, **options)
    return out.getvalue()


def png() -> bytes:
    return picture()


def png_bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that is `side` × `side` pixels of black."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes((side // 8 + 1) * side)))
        + chunk(b"IEND", b"")
    )


def wav(seconds: int = 2) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16_000 * seconds))
    return out.getvalue()


def video(codec: str = "libx264", form: str = "mp4", frames: int = 25) -> bytes:
    """A second of grey, 64 × 48."""
    out = io.BytesIO()
    with av.open(out, "w", format=form) as made:
        stream = made.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, np.uint8), format="rgb24")
            made.mux(stream.encode(frame))
        made.mux(stream.encode())
    return out.getvalue()


def kept_file(db: Database, store: ObjectStore, cast: Cast, data: bytes | None = None) -> QuestionFile:
    """A picture in the county's bank, without the look of the child."""
    looked = files.Looked("image/png", data or png(), 60, 40)
    files.keep(store, looked)
    with db.write() as s:
        return files.add(s, cast.trainer.person, cast.county_id, looked, name="图.png", alt="红旗")
