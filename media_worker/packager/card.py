"""The picture that stands while a class has sound and no picture: drawn and encoded once, each showing a key picture.

So a recording always has a picture as long as its sound, and players need not change from one kind of stream to another.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw

from media_worker.packager.h264 import Unit, read_unit
from media_worker.transcode.slides import DEEP, GOLD, font

SIZE = 640, 360
EVERY = 500_000  # microseconds between two showings
WORDS = "现在只有声音"


@cache
def card() -> Unit:
    """The key picture."""
    codec: Any = av.CodecContext.create("libx264", "w")
    codec.width, codec.height = SIZE
    codec.pix_fmt = "yuv420p"
    codec.time_base = Fraction(1, 25)
    codec.options = {"profile": "baseline", "preset": "medium", "tune": "stillimage", "crf": "24"}
    packets = [*codec.encode(av.VideoFrame.from_ndarray(np.asarray(_drawn()), "rgb24")), *codec.encode(None)]
    unit = read_unit(b"".join(map(bytes, packets)))
    assert unit is not None
    assert unit.shape is not None
    return unit


def _drawn() -> Image.Image:
    image = Image.new("RGB", SIZE, DEEP)
    pen = ImageDraw.Draw(image)
    width, height = SIZE
    pen.rectangle((0, height - 12, width, height), fill=GOLD)
    pen.text((width / 2, height / 2 - 6), WORDS, font=font(36), fill="#F3EEE6", anchor="mm")
    return image
