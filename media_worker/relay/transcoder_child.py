"""`python -m media_worker.relay.transcoder_child` turns one VP8 picture into H.264: frames on standard input and output.

A process of its own, so that neither its work nor a broken picture touches the fan-out. Both ways a frame is a head
(timestamp, flags, size) and its bytes; a head of size 0 asks for a key frame.
"""

from __future__ import annotations

import os
import resource
import struct
import sys
from fractions import Fraction
from typing import Any, BinaryIO

import av

HEAD = struct.Struct(">IBI")  # RTP timestamp, 1: key frame, bytes
LARGEST = 2 * 1024**2
PIXELS = 1920 * 1088
MEMORY = 2 * 1024**3
BITS = 0.07  # a pixel of a frame, at 30 frames a second: 720p gets 1.9 Mbit/s


def read(stream: BinaryIO) -> tuple[int, bytes] | None:
    """The next frame (timestamp, bytes); None at the end."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    timestamp, _, size = HEAD.unpack(head)
    data = stream.read(size) if size <= LARGEST else b""
    return (timestamp, data) if len(data) == size else None


def encoder(width: int, height: int) -> Any:
    """Constrained baseline without delay, a key frame every two seconds."""
    made: Any = av.CodecContext.create("libx264", "w")
    made.width, made.height, made.pix_fmt = width, height, "yuv420p"
    made.time_base, made.framerate = Fraction(1, 90_000), Fraction(30)
    made.bit_rate = int(width * height * 30 * BITS)
    made.gop_size = 60
    made.options = {"preset": "superfast", "tune": "zerolatency", "profile": "baseline", "bf": "0"}
    made.thread_count = 1
    return made


def main() -> None:
    os.nice(5)  # the fan-out goes first
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    decoder: Any = av.CodecContext.create("libvpx", "r")
    decoder.thread_count = 1
    made: Any = None
    key = False
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while (frame := read(source)) is not None:
        timestamp, data = frame
        if not data:
            key = True
            continue
        try:
            pictures = decoder.decode(av.Packet(data))
        except av.FFmpegError:
            continue  # what follows until the next key frame may look torn; a key frame has been asked for
        for picture in pictures:
            if picture.width * picture.height > PIXELS:
                sys.exit("the picture is too large")
            if made is None or (made.width, made.height) != (picture.width, picture.height):
                made = encoder(picture.width, picture.height)
            picture.pts, picture.time_base = timestamp, Fraction(1, 90_000)
            picture.pict_type = av.video.frame.PictureType.I if key else av.video.frame.PictureType.NONE
            key = False
            for packet in made.encode(picture):
                unit = bytes(packet)
                target.write(HEAD.pack(timestamp, packet.is_keyframe, len(unit)) + unit)
        target.flush()


if __name__ == "__main__":
    main()
