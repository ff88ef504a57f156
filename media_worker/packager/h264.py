"""Reads H.264 access units as publishers send them (Annex B), as far as packaging without decoding needs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SLICE, IDR, SEI, SPS, PPS, DELIMITER, FILLER = 1, 5, 6, 7, 8, 9, 12
_APART = frozenset({SPS, PPS, DELIMITER, FILLER})  # NAL units that do not belong into a sample of an `avc1` track
_CHROMA_PROFILES = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 138, 139, 134, 135, 244})


class Unreadable(ValueError):
    """A parameter set that is none."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a decoder must know before the first picture: parameter sets and what they say. Sizes in pixels."""

    sps: bytes
    pps: tuple[bytes, ...]
    width: int
    height: int

    @property
    def codecs(self) -> str:
        """The RFC 6381 name."""
        return "avc1." + self.sps[1:4].hex()


@dataclass(frozen=True, slots=True)
class Unit:
    """An access unit, ready to be a sample: NAL units behind 4-byte lengths. `shape` only with a key picture."""

    sample: bytes
    shape: Shape | None


def nal_units(data: bytes) -> Iterator[bytes]:
    """The NAL units of an Annex B byte stream."""
    start = data.find(b"\0\0\1")
    while start >= 0:
        following = data.find(b"\0\0\1", start + 3)
        unit = data[start + 3 : following if following >= 0 else len(data)]
        if unit := unit.rstrip(b"\0"):  # the first zero of a four-byte start code, and padding; no unit ends in zero
            yield unit
        start = following


def read_unit(data: bytes) -> Unit | None:
    """The access unit in `data`; None when there is no picture in it. Raises Unreadable."""
    sps, pps, kept, key = b"", [], bytearray(), False
    for unit in nal_units(data):
        kind = unit[0] & 31
        if kind == SPS:
            sps = unit
        elif kind == PPS:
            pps.append(unit)
        elif kind not in _APART:
            key = key or kind == IDR
            kept += len(unit).to_bytes(4, "big") + unit
    if not kept:
        return None
    if not (key and sps and pps):
        return Unit(bytes(kept), None)
    width, height = picture_size(sps)
    return Unit(bytes(kept), Shape(sps, tuple(pps), width, height))


def picture_size(sps: bytes) -> tuple[int, int]:
    """Width and height that a sequence parameter set (ISO/IEC 14496-10, 7.3.2.1.1) asks to be shown. Raises Unreadable."""
    if len(sps) < 5:
        raise Unreadable("a short SPS")
    bits = _Bits(sps[4:].replace(b"\0\0\3", b"\0\0"))
    bits.golomb()  # seq_parameter_set_id
    chroma = 1
    if sps[1] in _CHROMA_PROFILES:
        chroma = bits.golomb()
        if chroma == 3:
            bits.take(1)
        bits.golomb(), bits.golomb(), bits.take(1)  # bit depths, transform bypass
        if bits.take(1):
            for number in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    _skip_scaling_list(bits, 16 if number < 6 else 64)
    bits.golomb()  # log2_max_frame_num
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1), bits.golomb(), bits.golomb()
        for _ in range(min(bits.golomb(), 255)):
            bits.golomb()
    bits.golomb(), bits.take(1)  # reference frames, gaps allowed
    width, rows = bits.golomb() + 1, bits.golomb() + 1
    whole = bits.take(1)  # frame_mbs_only
    if not whole:
        bits.take(1)
    bits.take(1)
    left = right = top = bottom = 0
    if bits.take(1):
        left, right, top, bottom = (bits.golomb() for _ in range(4))
    across, down = (2 if chroma in (1, 2) else 1), (2 if chroma == 1 else 1)
    shown = (
        width * 16 - (left + right) * across,
        rows * 16 * (2 - whole) - (top + bottom) * down * (2 - whole),
    )
    if not all(16 <= side <= 8192 for side in shown):
        raise Unreadable(f"pictures of {shown}")
    return shown


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            code = bits.golomb()
            delta = (code + 1) // 2 if code & 1 else -(code // 2)
            following = (last + delta) % 256
        last = following or last


class _Bits:
    """Reads single bits and Exp-Golomb codes."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = len(data) * 8

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise Unreadable("an SPS that ends too early")
        return (self._value >> self._left) & ((1 << count) - 1)

    def golomb(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)
