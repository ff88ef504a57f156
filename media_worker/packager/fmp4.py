"""Writes fragmented MP4 (ISO/IEC 14496-12): one track a file, an init section a run, a `moof` with its `mdat` a part."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from media_worker.packager.h264 import Shape

PICTURE_RATE = 90_000  # ticks per second of a picture track
SOUND_RATE = 48_000
_UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_ALONE = 0x02000000  # depends on no other sample
_LEANS = 0x01010000  # depends on others, and is no place to begin


@dataclass(frozen=True, slots=True)
class Sample:
    """An encoded picture or sound frame that is shown for `ticks`."""

    data: bytes
    ticks: int
    key: bool = True


def picture_init(shape: Shape) -> bytes:
    """The init section of an H.264 run."""
    entry = _box(
        b"avc1",
        bytes(6) + struct.pack(">H", 1) + bytes(16) + struct.pack(">HH", shape.width, shape.height)
        + struct.pack(">IIIH", 0x480000, 0x480000, 0, 1) + bytes(32) + struct.pack(">Hh", 24, -1),
        _avcc(shape),
    )  # fmt: skip
    return _init(b"vide", PICTURE_RATE, entry, _full(b"vmhd", 0, 1, bytes(8)), shape.width, shape.height)


def sound_init(configuration: bytes, bit_rate: int) -> bytes:
    """The init section of an AAC run; `configuration` is the encoder's AudioSpecificConfig."""
    decoder = bytes([0x40, 0x15, 0, 0, 0]) + struct.pack(">II", bit_rate, bit_rate) + _descriptor(5, configuration)
    stream = struct.pack(">HB", 1, 0) + _descriptor(4, decoder) + _descriptor(6, b"\2")
    entry = _box(
        b"mp4a",
        bytes(6) + struct.pack(">H", 1) + bytes(8) + struct.pack(">HHHHI", 2, 16, 0, 0, SOUND_RATE << 16),
        _full(b"esds", 0, 0, _descriptor(3, stream)),
    )
    return _init(b"soun", SOUND_RATE, entry, _full(b"smhd", 0, 0, bytes(4)), 0, 0)


def fragment(number: int, begin: int, samples: Sequence[Sample]) -> bytes:
    """A `moof` with its `mdat`: `samples` from tick `begin` of the run; `number` grows within the run."""
    table = b"".join(struct.pack(">III", one.ticks, len(one.data), _ALONE if one.key else _LEANS) for one in samples)
    header = _full(b"mfhd", 0, 0, struct.pack(">I", number))
    track = _full(b"tfhd", 0, 0x020000, struct.pack(">I", 1))  # offsets count from the moof
    moment = _full(b"tfdt", 1, 0, struct.pack(">Q", begin))

    def moof(offset: int) -> bytes:
        run = _full(b"trun", 0, 0x000701, struct.pack(">Ii", len(samples), offset) + table)
        return _box(b"moof", header, _box(b"traf", track, moment, run))

    return moof(len(moof(0)) + 8) + _box(b"mdat", *(one.data for one in samples))


def _init(handler: bytes, rate: int, entry: bytes, media_header: bytes, width: int, height: int) -> bytes:
    none = struct.pack(">I", 0)
    table = _box(
        b"stbl",
        _full(b"stsd", 0, 0, struct.pack(">I", 1) + entry),
        _full(b"stts", 0, 0, none),
        _full(b"stsc", 0, 0, none),
        _full(b"stsz", 0, 0, none + none),
        _full(b"stco", 0, 0, none),
    )
    here = _full(b"dref", 0, 0, struct.pack(">I", 1) + _full(b"url ", 0, 1, b""))
    media = _box(
        b"mdia",
        _full(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, rate, 0, 0x55C4, 0)),
        _full(b"hdlr", 0, 0, none + handler + bytes(12) + b"\0"),
        _box(b"minf", media_header, _box(b"dinf", here), table),
    )
    volume = 0x0100 if handler == b"soun" else 0
    track = _full(
        b"tkhd", 0, 7,
        struct.pack(">IIIII", 0, 0, 1, 0, 0) + bytes(8) + struct.pack(">HHHH", 0, 0, volume, 0) + _UNITY
        + struct.pack(">II", width << 16, height << 16),
    )  # fmt: skip
    movie = _full(
        b"mvhd", 0, 0,
        struct.pack(">IIIIIH", 0, 0, 1000, 0, 0x10000, 0x0100) + bytes(10) + _UNITY + bytes(24) + struct.pack(">I", 2),
    )  # fmt: skip
    grows = _box(b"mvex", _full(b"trex", 0, 0, struct.pack(">IIIII", 1, 1, 0, 0, 0)))
    brands = _box(b"ftyp", b"iso6" + struct.pack(">I", 0) + b"iso6cmfcmp41")
    return brands + _box(b"moov", movie, _box(b"trak", track, media), grows)


def _avcc(shape: Shape) -> bytes:
    sets = struct.pack(">H", len(shape.sps)) + shape.sps + bytes([len(shape.pps)])
    sets += b"".join(struct.pack(">H", len(one)) + one for one in shape.pps)
    return _box(b"avcC", b"\1" + shape.sps[1:4] + b"\xff\xe1" + sets)


def _descriptor(tag: int, body: bytes) -> bytes:
    return bytes([tag, 0x80, 0x80, 0x80, len(body)]) + body


def _box(kind: bytes, *bodies: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, bodies)), kind) + b"".join(bodies)


def _full(kind: bytes, version: int, flags: int, body: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), body)
