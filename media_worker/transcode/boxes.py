"""Reads and corrects the boxes of fragmented MP4 (ISO/IEC 14496-12), as far as segments need it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

HEADER = 8
LARGEST = 512 * 1024**2  # no fragment of a few seconds is larger; anything above is not ours
IDR = 5  # H.264 NAL unit type of a slice at which decoding may begin
_CONTAINERS = {b"moof", b"traf", b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex"}

_TFHD_BASE, _TFHD_DESCRIPTION, _TFHD_DURATION = 0x1, 0x2, 0x8
_TRUN_OFFSET, _TRUN_FIRST_FLAGS, _TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS, _TRUN_CTS = (
    0x1,
    0x4,
    0x100,
    0x200,
    0x400,
    0x800,
)


class Malformed(ValueError):
    """The bytes are not the fragmented MP4 that was asked for."""


class Box(NamedTuple):
    """Where a box's content begins and ends."""

    kind: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Fragment:
    """One `moof` with its `mdat`. Times in ticks of the track's clock; `base` is what the muxer wrote."""

    data: bytes
    base: int
    length: int
    samples: int


def walk(data: bytes | bytearray, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Every box, depth first; raises Malformed when one reaches past its parent."""
    end = len(data) if end is None else end
    while start + HEADER <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        if size < HEADER or start + size > end:
            raise Malformed(f"box {kind!r} of {size} bytes at {start}")
        yield Box(kind, start + HEADER, start + size)
        if kind in _CONTAINERS:
            yield from walk(data, start + HEADER, start + size)
        start += size


def read_pieces(stream: BinaryIO) -> Iterator[bytes | Fragment]:
    """The init section (bytes) and then each fragment, as soon as it is whole; a torn last one is left out. Raises Malformed."""
    head, moof = b"", b""
    while box := _read_box(stream):
        kind, data = box
        if kind == b"moov":
            yield head + data
        elif kind == b"moof":
            moof = data
        elif kind == b"mdat" and moof:
            try:
                yield _fragment(moof, data)
            except struct.error as error:
                raise Malformed(str(error)) from error
            moof = b""
        elif kind == b"ftyp":
            head = data


def top_kinds(stream: BinaryIO) -> Iterator[bytes]:
    """Kinds of the top-level boxes of a seekable file, without reading their contents."""
    while len(header := stream.read(HEADER)) == HEADER:
        size, kind = struct.unpack(">I4s", header)
        skipped = HEADER
        if size == 1:
            size, skipped = int.from_bytes(stream.read(8), "big"), 16
        yield kind
        if size < skipped:
            return
        stream.seek(size - skipped, 1)


def stamped(data: bytes, offset: int) -> bytes:
    """The fragments with `offset` ticks added to every decode time, so that a run takes its place in the whole."""
    moved = bytearray(data)
    for kind, start, _ in walk(data):
        if kind == b"tfdt":
            wide = moved[start] == 1
            shape, place = (">Q", start + 4) if wide else (">I", start + 4)
            struct.pack_into(shape, moved, place, struct.unpack_from(shape, moved, place)[0] + offset)
    return bytes(moved)


def timescale(init: bytes) -> int:
    """Ticks per second of the (only) track."""
    for kind, start, _ in walk(init):
        if kind == b"mdhd":
            place = start + (20 if init[start] == 1 else 12)
            return int(struct.unpack_from(">I", init, place)[0])
    raise Malformed("no mdhd")


def picture_size(init: bytes) -> tuple[int, int]:
    """Width and height of the H.264 track in an init section."""
    place = init.find(b"avc1")
    if place < 0 or len(init) < place + 32:
        raise Malformed("no avc1")
    width, height = struct.unpack_from(">HH", init, place + 28)
    return width, height


def nal_kinds(unit: bytes) -> set[int]:
    """NAL unit types of a length-prefixed (4 bytes) H.264 access unit; empty when the lengths do not fit its size."""
    kinds, place = set(), 0
    while place + 4 < len(unit):
        size = int.from_bytes(unit[place : place + 4], "big")
        if not size:
            return set()
        kinds.add(unit[place + 4] & 31)
        place += 4 + size
    return kinds if place == len(unit) else set()


def avc_codecs(configuration: bytes) -> str:
    """The RFC 6381 name of an AVCDecoderConfigurationRecord with 4-byte lengths, or an empty string when it is none."""
    if len(configuration) < 7 or configuration[0] != 1 or configuration[4] & 3 != 3:
        return ""
    return "avc1." + configuration[1:4].hex()


def codecs(init: bytes) -> str:
    """The RFC 6381 name of the track in an init section."""
    if (place := init.find(b"avcC")) > 0:
        return avc_codecs(init[place + 4 :])
    return "mp4a.40.2" if b"esds" in init else ""


def _read_box(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    header = _exactly(stream, HEADER)
    if len(header) < HEADER:
        return None
    size, kind = struct.unpack(">I4s", header)
    if not HEADER <= size <= LARGEST:
        raise Malformed(f"box {kind!r} of {size} bytes")
    body = _exactly(stream, size - HEADER)
    return (kind, header + body) if len(body) == size - HEADER else None


def _exactly(stream: BinaryIO, size: int) -> bytes:
    parts, left = [], size
    while left and (part := stream.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _fragment(moof: bytes, mdat: bytes) -> Fragment:
    base = length = samples = usual = 0
    for kind, start, _ in walk(moof):
        flags = int.from_bytes(moof[start + 1 : start + 4], "big")
        if kind == b"tfhd" and flags & _TFHD_DURATION:
            place = start + 8 + 8 * bool(flags & _TFHD_BASE) + 4 * bool(flags & _TFHD_DESCRIPTION)
            usual = struct.unpack_from(">I", moof, place)[0]
        elif kind == b"tfdt":
            base = struct.unpack_from(">Q" if moof[start] == 1 else ">I", moof, start + 4)[0]
        elif kind == b"trun":
            count = struct.unpack_from(">I", moof, start + 4)[0]
            samples += count
            if not flags & _TRUN_DURATION:
                length += count * usual
                continue
            place = start + 8 + 4 * bool(flags & _TRUN_OFFSET) + 4 * bool(flags & _TRUN_FIRST_FLAGS)
            stride = sum(4 for bit in (_TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS, _TRUN_CTS) if flags & bit)
            length += sum(struct.unpack_from(">I", moof, place + n * stride)[0] for n in range(count))
    return Fragment(moof + mdat, base, length, samples)
